//! A resolver: turns a name into an address, from its cache while the answer is fresh.

use super::About;
use crate::settings;
use crate::units::Duration;

/// What the model of the resolver does.
pub const ABOUT: About = About {
    name: "DNS resolver",
    summary: "Finds the address behind a name, and remembers it for a while.",
    models: &[
        "One resolver serves all users of the board and remembers the answer for the time to live.",
        "The first look-up after that asks the authoritative server; look-ups that come meanwhile wait for the same answer.",
    ],
    leaves_out: &["The walk from the root servers.", "Lost packets and retries."],
    hosted: false,
    calls: &[],
};

settings! {
    /// Settings of a resolver.
    pub struct Settings {
        /// How long an answer may be remembered.
        ttl: Duration = Duration::from_s(300), 0.0..=604_800.0,
            "RFC 1035 leaves the time to live to the owner of the name; 300 s is a common choice for names that may move";
        /// Time to answer from memory.
        cached: Duration = Duration::from_ms(1), 0.0..=10.0,
            "A look-up in memory; the way to the resolver is the link's";
        /// Time to ask the authoritative server and remember what it said.
        authoritative: Duration = Duration::from_ms(60), 0.0..=60.0,
            "Callejo et al., Measuring the Global Recursive DNS Infrastructure, IEEE Access 2019: medians of some tens of milliseconds";
    }
}
