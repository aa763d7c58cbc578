//! One machine's share of a plan that several machines send together.
//!
//! Every machine draws the whole schedule, and each of its requests belongs to one machine by a draw of the plan's seed. So
//! together they send exactly what one machine would, and each sends a Poisson stream by itself: a Poisson process that is
//! split at random is several independent ones (Kingman, *Poisson Processes*, 1993, section 5.1). Users, of whom a closed
//! loop is made, are dealt out in turn.

use std::fmt;
use std::str::FromStr;

use hockeystick_core::engine::random::Stream;
use hockeystick_core::measurement;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::plan::Plan;
use crate::schedule::Arrival;

/// Most machines that share a plan.
pub const SHARDS_MAX: u32 = 1_000;

/// Which share is this machine's. The default is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Counted from 0.
    index: u32,
    /// How many there are.
    of: u32,
}

impl Default for Shard {
    fn default() -> Self {
        Self { index: 0, of: 1 }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(number, of)| Some((number.trim().parse().ok()?, of.trim().parse().ok()?)));
        numbers.and_then(|(number, of)| Self::new(number, of)).ok_or_else(|| {
            format!(
                "`{text}` is no shard; expected NUMBER/COUNT, such as 1/3: from 1 to the count, of at most {SHARDS_MAX}"
            )
        })
    }
}

impl Shard {
    /// The share with this number, counted from 1; none where there is no such.
    pub fn new(number: u32, of: u32) -> Option<Self> {
        let exists = (1..=of).contains(&number) && of <= SHARDS_MAX;
        exists.then(|| Self { index: number - 1, of })
    }

    /// Counted from 1.
    pub const fn number(self) -> u32 {
        self.index + 1
    }

    /// How many there are.
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Whether this is all there is.
    pub const fn is_whole(self) -> bool {
        self.of == 1
    }

    /// Takes away the arrivals of a step that other machines send.
    pub fn keep(self, plan: &Plan, step: usize, arrivals: &mut Vec<Arrival>) {
        if !self.is_whole() {
            let shards = Stream::new(plan.seed, "shards", &format!("step {step}"));
            arrivals.retain(|arrival| shards.draw(u64::from(arrival.number)).below(self.of) == self.index);
        }
    }

    /// How many of so many users are here.
    pub const fn users(self, all: u32) -> u32 {
        (all + self.of - 1 - self.index) / self.of
    }

    /// The number among all users of the user with this number here, both counted from 0.
    pub fn user(self, number: u32) -> u64 {
        u64::from(number) * u64::from(self.of) + u64::from(self.index)
    }

    /// As results say it, of a run whose first step begins at `start`; nothing of the whole.
    pub fn written(self, start: Option<Timestamp>) -> Option<measurement::Shard> {
        let written = || measurement::Shard {
            number: self.number(),
            of: self.of,
            machine: machine(),
            start_at: start.map(|start| start.to_string()),
        };
        (!self.is_whole()).then(written)
    }
}

/// Stands for this machine since it was started. Linux draws a number at every start (random(4)); hashed, for it is nobody
/// else's business.
fn machine() -> String {
    let boot = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    if boot.is_empty() {
        return String::new();
    }
    Sha256::digest(&boot).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan, schedule};
    use proptest::prelude::*;

    fn shards(of: u32) -> impl Iterator<Item = Shard> {
        (1..=of).filter_map(move |number| Shard::new(number, of))
    }

    proptest! {
        #[test]
        fn the_shards_together_send_what_one_machine_would(
            seed in 0..1_000_u64, of in 1..9_u32, step in 0..3_usize, poisson in any::<bool>()
        ) {
            let arrivals = if poisson { "poisson" } else { "constant" };
            let text = format!(
                "schema = 1\nseed = {seed}\narrivals = \"{arrivals}\"\nwarm_up = \"1 s\"\n\
                 steps = [{{ rate = \"300/s\", seconds = 2 }}, {{ ramp = {{ from = \"0/s\", to = \"200/s\" }}, seconds = 3 }}, \
                 {{ rate = \"5/s\", seconds = 1 }}]\n\
                 [[request]]\nclass = \"read\"\npath = \"/a\"\n[[request]]\nclass = \"write\"\npath = \"/b\"\n"
            );
            let plan = plan::read(&text, "plan.toml").unwrap();
            let whole = schedule::arrivals(&plan, &plan.steps[step], step);
            let mut union = Vec::new();
            for shard in shards(of) {
                let mut share = whole.clone();
                shard.keep(&plan, step, &mut share);
                prop_assert!(share.is_sorted_by_key(|arrival| arrival.due_ns));
                union.extend(share);
            }
            union.sort_by_key(|arrival| arrival.number);
            prop_assert_eq!(union, whole);
        }

        #[test]
        fn every_user_is_in_one_shard(all in 0..500_u32, of in 1..40_u32) {
            let mut users: Vec<u64> =
                shards(of).flat_map(|shard| (0..shard.users(all)).map(move |number| shard.user(number))).collect();
            users.sort_unstable();
            prop_assert_eq!(users, (0..u64::from(all)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn each_share_is_poisson_and_of_equal_size() {
        let text = "schema = 1\nseed = 11\nwarm_up = \"0 s\"\nsteps = [{ rate = \"4000/s\", seconds = 25 }]\n\
            [[request]]\nclass = \"read\"\npath = \"/\"\n";
        let plan = plan::read(text, "plan.toml").unwrap();
        let whole = schedule::arrivals(&plan, &plan.steps[0], 0);
        for shard in shards(4) {
            let mut share = whole.clone();
            shard.keep(&plan, 0, &mut share);
            // 25,000 expected; five standard deviations are 790.
            assert!((share.len() as f64 - 25_000.0).abs() < 790.0, "seed 11, shard {shard}: {}", share.len());
            let mut per_tenth = vec![0.0; 250];
            share.iter().for_each(|arrival| per_tenth[(arrival.due_ns / 100_000_000) as usize] += 1.0);
            let variance = per_tenth.iter().map(|n| (n - 100.0_f64).powi(2)).sum::<f64>() / 250.0;
            assert!((variance / 100.0 - 1.0).abs() < 0.45, "seed 11, shard {shard}: variance over mean {variance}");
        }
    }

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!("2/3".parse(), Ok(Shard { index: 1, of: 3 }));
        assert_eq!("1/1".parse(), Ok(Shard::default()));
        for wrong in ["", "0/3", "4/3", "1", "/3", "1/", "a/b", "-1/3", "1/1001", "1/0", "1/2/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
