//! `known-server`: prints its address and serves until it is ended.

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    let server = hockeystick_loadgen_probe::server::Server::bind()?;
    println!("{}", server.address()?);
    server.serve()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("error: the server waits with epoll, which only Linux has");
    std::process::exit(1);
}
