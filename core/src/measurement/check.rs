//! Whether every number of a results file makes sense.

use super::{Clock, Distribution, Load, Results, SCHEMA, SCHEMA_OLDEST, STEPS_MAX, Step};
use crate::schedule::Schedule;
use crate::workload::Demand;

/// Why a results file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {message}")]
pub struct Invalid {
    /// The field: `steps[3].response.mean_us`.
    pub path: String,
    /// What is wrong with it, and what would be valid.
    pub message: String,
}

fn invalid(path: impl Into<String>, message: impl Into<String>) -> Invalid {
    Invalid { path: path.into(), message: message.into() }
}

impl Results {
    /// Whether every number makes sense: a file from elsewhere may hold anything.
    ///
    /// # Errors
    /// The first field that does not.
    pub fn check(&self) -> Result<(), Invalid> {
        if !(SCHEMA_OLDEST..=SCHEMA).contains(&self.schema) {
            let text = format!("is {}; this program reads versions {SCHEMA_OLDEST} to {SCHEMA}", self.schema);
            return Err(invalid("schema", text));
        }
        if self.steps.len() > STEPS_MAX {
            return Err(invalid("steps", format!("has {} entries; at most {STEPS_MAX} are read", self.steps.len())));
        }
        if let Some(shard) = &self.shard
            && !(1..=shard.of).contains(&shard.number)
        {
            return Err(invalid("shard.number", format!("is {}; from 1 to {} is valid", shard.number, shard.of)));
        }
        self.check_missed()?;
        for (index, step) in self.steps.iter().enumerate() {
            step.check(&format!("steps[{index}]"))?;
        }
        Ok(())
    }

    fn check_missed(&self) -> Result<(), Invalid> {
        let reached = self.reached();
        if reached > STEPS_MAX {
            return Err(invalid(
                "missed",
                format!("makes {reached} steps with those measured; at most {STEPS_MAX} are read"),
            ));
        }
        let mut least = 1;
        for (index, missed) in self.missed.iter().enumerate() {
            if !(least..=reached).contains(&missed.step) {
                let text =
                    format!("is {}; from {least} to {reached} is valid, each step once and in order", missed.step);
                return Err(invalid(format!("missed[{index}].step"), text));
            }
            least = missed.step + 1;
        }
        Ok(())
    }
}

impl Load {
    fn check(&self, path: &str) -> Result<(), Invalid> {
        match self {
            Self::Curve(points) if points.len() < 2 || points.len() > 1_000_001 => {
                Err(invalid(path, "is no curve: it has two points or more"))
            }
            Self::Curve(points) => points.iter().try_for_each(|(at_s, rate)| {
                within(*at_s, 0.0, 1e6, || path.to_owned())?;
                within(*rate, 0.0, 1e9, || path.to_owned())
            }),
            Self::Closed(closed) if closed.users == 0 => Err(invalid(path, "has no users")),
            Self::Closed(closed) => within(closed.think.cv, 0.0, Demand::LARGEST_CV, || format!("{path}.think.cv")),
        }
    }
}

impl Step {
    fn check(&self, path: &str) -> Result<(), Invalid> {
        if let Some(load) = &self.load {
            load.check(&format!("{path}.load"))?;
        }
        if let Some(connections) = &self.connections {
            connections.connect.check(&format!("{path}.connections.connect"))?;
            connections.tls.check(&format!("{path}.connections.tls"))?;
        }
        within(self.rate_per_s, 0.0, 1e9, || format!("{path}.rate_per_s"))?;
        within(self.warm_up_s, 0.0, 1e6, || format!("{path}.warm_up_s"))?;
        within(self.measured_s, 1e-3, 1e6, || format!("{path}.measured_s"))?;
        within(self.in_flight, 0.0, 1e9, || format!("{path}.in_flight"))?;
        within(self.generator_cpus, 0.0, 1e6, || format!("{path}.generator_cpus"))?;
        for (name, distribution) in [("lag", &self.lag), ("response", &self.response), ("service", &self.service)] {
            distribution.check(&format!("{path}.{name}"))?;
        }
        for (class, result) in &self.classes {
            let path = format!("{path}.classes.{}", class.name());
            result.response.check(&format!("{path}.response"))?;
            result.service.check(&format!("{path}.service"))?;
        }
        let answered = self
            .completed
            .checked_add(self.failed.values().try_fold(0_u64, |sum, n| sum.checked_add(*n)).unwrap_or(u64::MAX));
        if answered.is_none_or(|answered| answered > self.due) {
            return Err(invalid(format!("{path}.due"), "is smaller than completed and failed together"));
        }
        if self.slices.len() > 10_000 {
            return Err(invalid(format!("{path}.slices"), "has more than 10000 entries"));
        }
        for (index, slice) in self.slices.iter().enumerate() {
            within(slice.mean_us, 0.0, 1e12, || format!("{path}.slices[{index}].mean_us"))?;
        }
        if self.schedule.as_deref().is_some_and(|text| Schedule::read(text).is_none()) {
            return Err(invalid(format!("{path}.schedule"), "is no list of classes and gaps, as in `s812r33`"));
        }
        for (name, busy) in &self.stations {
            within(busy.busy_s, 0.0, 1e9, || format!("{path}.stations.{name}.busy_s"))?;
            within(busy.elapsed_s, 1e-3, 1e6, || format!("{path}.stations.{name}.elapsed_s"))?;
        }
        for (name, busy) in &self.busy_by_slice {
            let path = || format!("{path}.busy_by_slice.{name}");
            if busy.len() != self.slices.len() {
                let text = format!("has {} entries, and there are {} slices", busy.len(), self.slices.len());
                return Err(invalid(path(), text));
            }
            busy.iter().try_for_each(|processors| within(*processors, 0.0, 1e6, path))?;
        }
        if let Some(neighbours) = &self.neighbours {
            within(neighbours.used, 0.0, 1e6, || format!("{path}.neighbours.used"))?;
            within(neighbours.stolen, 0.0, 1e6, || format!("{path}.neighbours.stolen"))?;
        }
        self.check_shards(path)
    }

    fn check_shards(&self, path: &str) -> Result<(), Invalid> {
        for (index, part) in self.parts.iter().enumerate() {
            part.lag.check(&format!("{path}.parts[{index}].lag"))?;
            part.response.check(&format!("{path}.parts[{index}].response"))?;
            within(part.in_flight, 0.0, 1e9, || format!("{path}.parts[{index}].in_flight"))?;
        }
        if let Some(clock) = &self.clock {
            clock.check(&format!("{path}.clock"))?;
        }
        for (index, share) in self.shares.iter().enumerate() {
            let path = format!("{path}.shares[{index}]");
            share.lag.check(&format!("{path}.lag"))?;
            share.response.check(&format!("{path}.response"))?;
            within(share.generator_cpus, 0.0, 1e6, || format!("{path}.generator_cpus"))?;
            if let Some(clock) = &share.clock {
                clock.check(&format!("{path}.clock"))?;
            }
        }
        Ok(())
    }
}

impl Clock {
    fn check(&self, path: &str) -> Result<(), Invalid> {
        within(self.high_s, -1e10, 1e10, || format!("{path}.high_s"))?;
        within(self.low_s, -1e10, self.high_s, || format!("{path}.low_s"))
    }
}

impl Distribution {
    fn check(&self, path: &str) -> Result<(), Invalid> {
        within(self.mean_us, 0.0, 1e12, || format!("{path}.mean_us"))?;
        within(self.sd_us, 0.0, 1e12, || format!("{path}.sd_us"))?;
        let ordered = [self.min_us, self.p50_us, self.p95_us, self.p99_us, self.max_us];
        if !ordered.is_sorted() {
            return Err(invalid(path, "has percentiles that fall: min, p50, p95, p99 and max must rise"));
        }
        Ok(())
    }
}

fn within(value: f64, min: f64, max: f64, path: impl FnOnce() -> String) -> Result<(), Invalid> {
    if value.is_finite() && value >= min && value <= max {
        Ok(())
    } else {
        Err(invalid(path(), format!("is {value}; a number from {min} to {max} is valid")))
    }
}
