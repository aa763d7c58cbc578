//! The plan: what to send, how fast and for how long. It names no host, so that one plan serves every deployment.
//!
//! ```toml
//! schema   = 1
//! seed     = 7                          # of arrival times and of the choice of requests
//! arrivals = "poisson"                  # or "constant"
//! warm_up  = "2 s"                      # at each step's load, before it is measured
//! timeout  = "10 s"                     # of one request
//! headers  = { authorization = "Bearer …" }
//! steps    = [
//!   { rate = "50/s",  seconds = 10 },
//!   { rate = "80/s",  seconds = 10, mix = { read = 0.9, write = 0.1 } },
//!   { rate = "120/s", seconds = 20, held_out = true },     # for the check, not for calibration
//! ]
//!
//! [values]
//! list = { from = 1, to = 800 }         # a whole number, each as likely as the others
//! word = ["bread", "milk"]
//!
//! [stop]
//! errors   = 0.5                        # share of requests that fail, over three seconds
//! response = "10 s"                     # mean response time, over three seconds
//!
//! [[request]]
//! class  = "read"
//! path   = "/lists/{list}"
//! weight = 24
//!
//! [[request]]
//! class   = "write"
//! method  = "POST"
//! path    = "/lists/{list}/items"
//! headers = { content-type = "application/json" }
//! body    = '{"text": "{word}"}'
//! expect  = [201]
//! weight  = 5
//! ```

mod error;
mod read;
mod template;

use std::time::Duration;

use hockeystick_core::workload::{Arrivals, Class, PerClass};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};

pub use error::PlanError;
pub use read::read;
pub use template::{Template, Value};

/// The version of the plan file's shape.
pub const SCHEMA: u32 = 1;

/// Limits that keep any plan's cost bounded.
pub mod limits {
    /// Largest plan file, in bytes.
    pub const FILE_BYTES: usize = 1_000_000;
    /// Most steps.
    pub const STEPS: usize = 1_000;
    /// Most kinds of request.
    pub const REQUESTS: usize = 1_000;
    /// Most requests that one step may send.
    pub const REQUESTS_PER_STEP: u64 = 5_000_000;
    /// Highest rate, requests a second.
    pub const RATE_PER_S: f64 = 1_000_000.0;
    /// Longest step, in seconds.
    pub const STEP_S: f64 = 86_400.0;
    /// Most users.
    pub const USERS: u32 = 10_000;
}

/// A plan that was read and checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seed of every random choice.
    pub seed: u64,
    /// How requests follow one another.
    pub arrivals: Arrivals,
    /// Users: the most requests in flight at once.
    pub users: u32,
    /// Time at each step's load before it is measured.
    pub warm_up: Duration,
    /// When a request is given up.
    pub timeout: Duration,
    /// When the run is given up.
    pub stop: Stop,
    /// Levels of load, in order.
    pub steps: Vec<PlannedStep>,
    /// What is sent.
    pub requests: Vec<PlannedRequest>,
    /// What the names in templates stand for.
    pub values: Vec<Value>,
}

/// When a run is given up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// Share of requests that fail.
    pub errors: f64,
    /// Mean response time.
    pub response: Duration,
}

/// One level of load.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStep {
    /// Requests a second.
    pub rate_per_s: f64,
    /// Seconds that are measured, after the warm-up.
    pub seconds: f64,
    /// Share of each class, where it differs from the requests' weights.
    pub mix: Option<PerClass<f64>>,
    /// Kept back from calibration.
    pub held_out: bool,
}

/// One kind of request.
#[derive(Clone, Debug)]
pub struct PlannedRequest {
    /// Which class of the model it is.
    pub class: Class,
    /// HTTP method.
    pub method: Method,
    /// Path and query.
    pub path: Template,
    /// Body, if it has one.
    pub body: Option<Template>,
    /// Header fields, those of the whole plan included.
    pub headers: HeaderMap,
    /// Share among the requests, relative to the other weights.
    pub weight: f64,
    /// Statuses that count as success; any 2xx when empty.
    pub expect: Vec<StatusCode>,
}

impl PlannedRequest {
    /// Whether this status is a success.
    pub fn expects(&self, status: StatusCode) -> bool {
        if self.expect.is_empty() { status.is_success() } else { self.expect.contains(&status) }
    }
}

impl Plan {
    /// Requests that the whole plan sends, on average.
    pub fn requests_expected(&self) -> f64 {
        self.steps.iter().map(|step| step.rate_per_s * (step.seconds + self.warm_up.as_secs_f64())).sum()
    }

    /// Seconds that the whole plan takes when the server keeps up.
    pub fn seconds(&self) -> f64 {
        self.steps.iter().map(|step| step.seconds + self.warm_up.as_secs_f64()).sum()
    }

    /// Highest rate of any step.
    pub fn rate_max_per_s(&self) -> f64 {
        self.steps.iter().map(|step| step.rate_per_s).fold(0.0, f64::max)
    }
}
