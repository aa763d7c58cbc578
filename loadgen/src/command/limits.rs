//! The options that say what a run may do, shared by `run` and `plan`.

use clap::Args;

use crate::run::guard::{self, Limits};

#[derive(Debug, Args)]
pub(super) struct LimitOptions {
    /// A host, other than this machine, that may be loaded. Repeatable
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Most requests a second [default: 200 for other hosts]
    #[arg(long, value_name = "PER_SECOND")]
    max_rate: Option<f64>,
    /// Longest run [default: 900 for other hosts]
    #[arg(long, value_name = "S")]
    max_seconds: Option<f64>,
    /// Most requests in all
    #[arg(long, value_name = "N", default_value_t = guard::REQUESTS_MAX as u64)]
    max_requests: u64,
    /// Times that a step is repeated when something from outside disturbed it: the generator was late, or other programs
    /// took its processors. A step with a mix of its own, beside which processor time is read, is repeated only for what
    /// would spoil the demands. None is repeated any more after one that stayed disturbed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10))]
    pub(super) repeat: u32,
}

impl LimitOptions {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            allowed_hosts: self.allow_host.clone(),
            rate_max_per_s: self.max_rate,
            seconds_max: self.max_seconds,
            requests_max: self.max_requests as f64,
        }
    }
}
