//! The plan: what to send, how fast and for how long. It names no host, so that one plan serves every deployment. Its
//! file is described in the crate's README.
//!
//! - [`read()`] makes a [`Plan`] of a file's text: `load` reads its steps, `message` its requests and setups, `values`
//!   what names stand for, `file` the files that it names. [`PlanError`] says where something is wrong.
//! - [`Curve`] is a rate over time, [`Template`] a text with names in it, [`Expectation`] and [`Extraction`] look at
//!   answers, [`Threshold`] limits a figure.

mod answer;
mod curve;
mod error;
mod file;
mod load;
mod message;
mod read;
mod template;
mod threshold;
mod values;

use std::time::Duration;

use hockeystick_core::workload::{Arrivals, Class, Closed, PerClass};
use reqwest::Method;
use serde::Deserialize;

pub use answer::{Expectation, Extraction};
pub use curve::Curve;
pub use error::PlanError;
pub use message::{Message, Payload};
pub use read::read;
pub use template::{Extracted, Filling, Names, Template};
pub use threshold::{Figure, Threshold};
pub use values::Value;

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
    /// Shortest step, in seconds: a part of it is then as long as the fastest answers.
    pub const STEP_MIN_S: f64 = 0.1;
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
    /// Whether each user keeps the cookies that it is given.
    pub cookies: bool,
    /// How long connections last.
    pub connections: Connections,
    /// Certificates, in PEM, that are trusted besides the system's.
    pub ca: Option<Vec<u8>>,
    /// When the run is given up.
    pub stop: Stop,
    /// What the deployment must keep.
    pub thresholds: Vec<Threshold>,
    /// Levels of load, in order.
    pub steps: Vec<PlannedStep>,
    /// What is sent before the first step, in order.
    pub setups: Vec<Setup>,
    /// What is sent.
    pub requests: Vec<PlannedRequest>,
    /// What the names in templates stand for.
    pub names: Names,
    /// SHA-256 of the file and of the files that it names, by which a run knows its plan again.
    pub digest: String,
}

/// How long connections last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connections {
    /// Kept, and used again.
    #[default]
    Keep,
    /// A new one for each request.
    New,
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
    /// What the load is.
    pub load: Load,
    /// Seconds that are measured, after the warm-up.
    pub seconds: f64,
    /// Share of each class, where it differs from the requests' weights.
    pub mix: Option<PerClass<f64>>,
    /// Kept back from calibration.
    pub held_out: bool,
}

/// What the load of a step is.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Requests come whatever the deployment does: an open loop.
    Open(Curve),
    /// Each user sends the next request a while after the answer to its last: a closed loop.
    Closed(Closed),
}

impl PlannedStep {
    /// Mean requests a second over the measured part; of a closed step the most that its users can send, which is
    /// infinite where they do not think.
    pub fn rate_per_s(&self) -> f64 {
        match &self.load {
            Load::Open(curve) => curve.mean_per_s(),
            Load::Closed(closed) => f64::from(closed.users) / closed.think.mean.as_secs_f64(),
        }
    }

    /// Most requests a second at any moment.
    pub fn rate_max_per_s(&self) -> f64 {
        match &self.load {
            Load::Open(curve) => curve.max_per_s(),
            Load::Closed(_) => self.rate_per_s(),
        }
    }

    /// Requests that the step sends on average, warm-up included; of a closed step at most.
    pub fn requests_expected(&self, warm_up_s: f64) -> f64 {
        match &self.load {
            Load::Open(curve) => curve.after_warm_up(warm_up_s).requests(),
            Load::Closed(_) => self.rate_per_s() * (self.seconds + warm_up_s),
        }
    }
}

/// One kind of request.
#[derive(Clone, Debug)]
pub struct PlannedRequest {
    /// Which class of the model it is.
    pub class: Class,
    /// Share among the requests, relative to the other weights.
    pub weight: f64,
    /// What is sent.
    pub message: Message,
}

/// Something to be sent before the first step, such as logging in. It is not measured.
#[derive(Clone, Debug)]
pub struct Setup {
    /// For whom.
    pub per: SetupPer,
    /// What is sent.
    pub message: Message,
}

/// For whom a setup is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetupPer {
    /// Once, and what it extracts is every user's.
    Run,
    /// Once for each user, who keeps what it extracts.
    User,
}

impl Plan {
    /// Requests that the whole plan sends, on average; with closed steps at most.
    pub fn requests_expected(&self) -> f64 {
        let warm_up_s = self.warm_up.as_secs_f64();
        let steps: f64 = self.steps.iter().map(|step| step.requests_expected(warm_up_s)).sum();
        steps + self.setup_requests(self.users) + self.connecting_requests()
    }

    /// Requests that so many users send before the first step.
    pub fn setup_requests(&self, users: u32) -> f64 {
        let users = |setup: &Setup| if setup.per == SetupPer::User { f64::from(users) } else { 1.0 };
        self.setups.iter().map(users).sum()
    }

    /// What opens each user's connection before the first step, where connections are kept: the first GET that some
    /// step sends.
    pub fn connecting(&self) -> Option<&PlannedRequest> {
        let gets = |request: &&PlannedRequest| request.message.method == Method::GET && self.sends(request);
        self.requests.iter().find(gets).filter(|_| self.connections == Connections::Keep)
    }

    fn sends(&self, request: &PlannedRequest) -> bool {
        let mut mixes = self.steps.iter().map(|step| step.mix);
        request.weight > 0.0 && mixes.any(|mix| mix.is_none_or(|mix| *mix.get(request.class) > 0.0))
    }

    /// How many requests that takes, if all users are on this machine.
    pub fn connecting_requests(&self) -> f64 {
        if self.connecting().is_some() { f64::from(self.users) } else { 0.0 }
    }

    /// Seconds that the whole plan takes when the server keeps up.
    pub fn seconds(&self) -> f64 {
        self.steps.iter().map(|step| step.seconds + self.warm_up.as_secs_f64()).sum()
    }

    /// Highest rate of any step.
    pub fn rate_max_per_s(&self) -> f64 {
        self.steps.iter().map(PlannedStep::rate_max_per_s).fold(0.0, f64::max)
    }

    /// Whether every step's load is known beforehand: a closed step without think time is as fast as the deployment.
    pub fn is_bounded(&self) -> bool {
        self.rate_max_per_s().is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hockeystick_core::engine::random::Stream;

    #[test]
    fn a_request_that_no_step_sends_opens_no_connection() {
        let path = |steps: &str| {
            let text = format!(
                "schema = 1\nsteps = [{{ rate = \"5/s\", seconds = 1{steps} }}]\n\
                 [[request]]\nclass = \"read\"\npath = \"/never\"\nweight = 0\n\
                 [[request]]\nclass = \"write\"\npath = \"/search\"\n\
                 [[request]]\nclass = \"static\"\npath = \"/style.css\"\n"
            );
            let plan = read(&text, "plan.toml").unwrap();
            let values = Stream::new(0, "values", "test");
            let mut filling = Filling::new(&plan.names, &[], &values, 0, 0);
            plan.connecting().map(|request| request.message.path.render(&mut filling))
        };
        assert_eq!(path("").as_deref(), Some("/search"));
        assert_eq!(path(", mix = { static = 1 }").as_deref(), Some("/style.css"));
    }
}
