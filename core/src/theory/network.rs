//! A stage as theory sees it: stations, what each class of request demands of them, and fixed delays.

use crate::units::Duration;
use crate::workload::{Demand, PerClass};

/// An open network that one stream of requests crosses.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Requests a second.
    pub rate_per_s: f64,
    /// Whether gaps between requests are exponential.
    pub poisson: bool,
    /// Share of each class.
    pub mix: PerClass<f64>,
    /// Where requests queue or share.
    pub stations: Vec<Station>,
    /// Time that passes whatever the load is, in seconds: round trips, look-ups. One of these branches befalls a
    /// request, independent of all else; the probabilities add up to one.
    pub delays: Vec<Branch>,
    /// Most requests inside at once, and in service at once; more are refused.
    pub admission: Option<Admission>,
    /// When a user gives up.
    pub timeout: Option<Duration>,
    /// What this description cannot express, as sentences: closed loops, faults, caches with state.
    pub beyond: Vec<String>,
}

/// A constant delay that befalls a request with some probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Branch {
    /// Its probability.
    pub probability: f64,
    /// Its length.
    pub seconds: f64,
}

/// A front door: workers, and a bounded queue before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Requests in service at once.
    pub workers: u32,
    /// Requests that may wait.
    pub backlog: u32,
}

/// A place with a limited capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// Its name in results: `box cpu`, `box disk`.
    pub name: String,
    /// How it serves.
    pub discipline: Discipline,
    /// Units of service.
    pub servers: u32,
    /// Work that one unit of service does in a second: 1 is a demand's own time.
    pub speed: f64,
    /// Limit on all units of service together, in units of service, with its period.
    pub quota: Option<(f64, Duration)>,
    /// What a request of each class demands here in all: independent parts that add up (each query of ten is a part).
    /// The first figure of a part is how many there are; a fraction is that share of the requests.
    pub demand: PerClass<Parts>,
}

/// The parts of one class's demand at a station.
pub type Parts = Vec<(f64, Demand)>;

/// How a station serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// All share the servers equally; none has more than one.
    ProcessorSharing,
    /// First come, first served.
    Fcfs,
}
