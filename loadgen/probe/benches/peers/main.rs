//! loadgen beside its peers, one after the other, against the same server: generator and server have a processor each.
//!
//! `cargo xtask bench --only loadgen` installs the peers and runs this; a peer that is not there is left out by name.
//! Plain `cargo bench -p hockeystick-loadgen-probe` takes those that are on the path. Three tables: the highest rate, the
//! percentiles at a rate that is far from it, and what each tool says of a server that does nothing for a second.

#![allow(missing_docs)]

#[cfg(target_os = "linux")]
mod host;
#[cfg(target_os = "linux")]
mod peer;
#[cfg(target_os = "linux")]
mod rounds;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    // `cargo test --benches` only wants to know whether this starts.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    rounds::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("loadgen and its peers: left out, as the known server waits with epoll, which only Linux has");
}
