//! The options that say what a run may do, shared by `run` and `plan`.

use clap::Args;

use crate::run::guard::{self, Limits};

#[derive(Debug, Args)]
pub(super) struct LimitOptions {
    /// A host, other than this machine, that may be loaded. Repeatable
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Most requests a second [default: 200 for other hosts]
    #[arg(long, value_name = "PER_SECOND", value_parser = limit, allow_negative_numbers = true)]
    max_rate: Option<f64>,
    /// Longest run, as far as the plan says: setups, and late answers where there is no --start-at, come on top
    /// [default: 900 for other hosts]
    #[arg(long, value_name = "S", value_parser = limit, allow_negative_numbers = true)]
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

/// A limit may be infinite. NaN would be none.
fn limit(text: &str) -> Result<f64, String> {
    let limit = text.parse::<f64>().ok().filter(|limit| *limit > 0.0);
    limit.ok_or_else(|| "expected a number above 0, or inf".to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_limit_is_refused() {
        assert_eq!([limit("250.5"), limit("inf")], [Ok(250.5), Ok(f64::INFINITY)]);
        for wrong in ["nan", "NaN", "-nan", "0", "-1", "-inf", "", "all"] {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
    }
}
