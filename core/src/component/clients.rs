//! Users with their browsers: where requests come from, and who waits for the answers.

use super::{About, Kind};
use crate::settings;
use crate::units::Duration;

/// What the model of the users does.
pub const ABOUT: About = About {
    name: "Users",
    summary: "Browsers that ask for pages, files and changes, and give up when an answer takes too long.",
    models: &[
        "Requests arrive on their own, whether or not earlier ones were answered (an open workload).",
        "The first request of a visit looks the name up and opens a connection: one round trip for TCP, one for TLS 1.3.",
        "A user gives up after the timeout; the server, which does not know, goes on working for nobody.",
    ],
    leaves_out: &["Packet loss and slow start.", "Users who come back after a failure."],
    hosted: false,
    calls: &[Kind::Dns, Kind::AppServer],
};

settings! {
    /// Settings of the users.
    pub struct Settings {
        /// How long a user waits for an answer before giving up.
        timeout: Duration = Duration::from_s(10), 0.01..=600.0,
            "Nielsen, Usability Engineering (1993), section 5.5: ten seconds is the limit for keeping a user's attention";
        /// Requests in one visit. The first of them looks the name up and opens the connection.
        visit: u32 = 20, 1.0..=1_000_000.0,
            "The journey's workload: ten visits a day of twenty requests each";
        /// Round trips that opening a connection takes.
        handshake: u32 = 2, 0.0..=10.0,
            "RFC 9293 (TCP: one round trip) and RFC 8446 (TLS 1.3: one round trip)";
    }
}
