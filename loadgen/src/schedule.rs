//! When each request of a step is due, and which it is: fixed before the step begins.
//!
//! A generator that sends the next request when the last answer came (a closed loop) slows down with the server and
//! hides what users would suffer. Here the times come from the plan's seed alone.

use hockeystick_core::engine::random::{Exponential, Stream};
use hockeystick_core::workload::Arrivals;

use crate::plan::{Load, Plan, PlannedStep};

/// One request to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it is due, in nanoseconds from the step's start.
    pub due_ns: u64,
    /// Its number in the step, from which its values are drawn.
    pub number: u32,
    /// Which of the plan's requests it is.
    pub request: u32,
}

/// All arrivals of one step, warm-up included, in the order of their due times. None of a closed step: they depend on
/// the answers.
pub fn arrivals(plan: &Plan, step: &PlannedStep, index: usize) -> Vec<Arrival> {
    let Load::Open(curve) = &step.load else { return Vec::new() };
    let purpose = format!("step {index}");
    let gaps = Stream::new(plan.seed, "arrivals", &purpose);
    let choices = Stream::new(plan.seed, "requests", &purpose);
    let exponential = Exponential::new();
    let chooser = Chooser::new(plan, step);
    let curve = curve.after_warm_up(plan.warm_up.as_secs_f64());
    let mut instants = curve.instants();
    let mut arrivals = Vec::with_capacity((curve.requests() * 1.1) as usize + 16);
    // Arrivals of rate one, until the curve makes them its own.
    let mut requests = 0.0;
    for number in 0_u32.. {
        requests += match plan.arrivals {
            Arrivals::Poisson => exponential.sample(&mut gaps.draw(u64::from(number))),
            Arrivals::Constant => 1.0,
        };
        let Some(due_s) = instants.at(requests) else { break };
        let request = chooser.choose(choices.draw(u64::from(number)).uniform());
        arrivals.push(Arrival { due_ns: (due_s * 1e9).round() as u64, number, request });
    }
    arrivals
}

/// Chooses requests by their weights, within the step's mix of classes where it has one.
#[derive(Debug)]
pub(crate) struct Chooser {
    /// Upper end of each request's share of [0, 1), in the plan's order.
    ends: Vec<f64>,
}

impl Chooser {
    pub(crate) fn new(plan: &Plan, step: &PlannedStep) -> Self {
        let weight_of_class = |class| -> f64 {
            plan.requests.iter().filter(|request| request.class == class).map(|request| request.weight).sum()
        };
        let shares = plan.requests.iter().map(|request| match &step.mix {
            None => request.weight,
            Some(_) if request.weight == 0.0 => 0.0,
            Some(mix) => mix.get(request.class) * request.weight / weight_of_class(request.class),
        });
        let mut end = 0.0;
        let mut ends: Vec<f64> = shares
            .map(|share| {
                end += share;
                end
            })
            .collect();
        ends.iter_mut().for_each(|value| *value /= end);
        Self { ends }
    }

    /// The request whose share holds a number of [0, 1).
    pub(crate) fn choose(&self, uniform: f64) -> u32 {
        let index = self.ends.partition_point(|end| *end <= uniform);
        // Rounding may leave the last end a hair below one: take the last request that has a share.
        let last = self.ends.partition_point(|end| *end < self.ends[self.ends.len() - 1]);
        index.min(last) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    fn plan(text: &str) -> Plan {
        let requests = "[[request]]\nclass = \"static\"\npath = \"/a\"\nweight = 3\n\
            [[request]]\nclass = \"read\"\npath = \"/b\"\n[[request]]\nclass = \"read\"\npath = \"/never\"\nweight = 0\n";
        plan::read(&format!("schema = 1\nwarm_up = \"1 s\"\n{text}\n{requests}"), "plan.toml").unwrap()
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_variance_of_poisson() {
        let plan = plan("seed = 3\nsteps = [{ rate = \"1000/s\", seconds = 99 }]");
        let all = arrivals(&plan, &plan.steps[0], 0);
        assert!(all.is_sorted_by_key(|arrival| arrival.due_ns));
        // 100,000 expected; five standard deviations are 1,581.
        assert!((all.len() as f64 - 100_000.0).abs() < 1_581.0, "seed 3: {}", all.len());
        let mut per_tenth = vec![0.0; 1000];
        all.iter().for_each(|arrival| per_tenth[(arrival.due_ns / 100_000_000) as usize] += 1.0);
        let variance = per_tenth.iter().map(|n| (n - 100.0_f64).powi(2)).sum::<f64>() / 1000.0;
        assert!((variance / 100.0 - 1.0).abs() < 0.25, "seed 3: variance over mean {}", variance / 100.0);
    }

    #[test]
    fn constant_arrivals_are_equally_spaced() {
        let plan = plan("arrivals = \"constant\"\nsteps = [{ rate = \"100/s\", seconds = 1 }]");
        let all = arrivals(&plan, &plan.steps[0], 0);
        assert_eq!(all.len(), 199);
        assert!(all.windows(2).all(|pair| pair[1].due_ns - pair[0].due_ns == 10_000_000));
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_step_another() {
        let plan = plan("steps = [{ rate = \"100/s\", seconds = 2 }, { rate = \"100/s\", seconds = 2 }]");
        assert_eq!(arrivals(&plan, &plan.steps[0], 0), arrivals(&plan, &plan.steps[0], 0));
        assert_ne!(arrivals(&plan, &plan.steps[0], 0), arrivals(&plan, &plan.steps[0], 1));
    }

    #[test]
    fn weights_and_mixes_are_kept() {
        let plan = plan(
            "seed = 5\nsteps = [{ rate = \"10000/s\", seconds = 4 }, { rate = \"10000/s\", seconds = 4, mix = { read = 1 } }]",
        );
        let share = |step: usize, request: u32| {
            let all = arrivals(&plan, &plan.steps[step], step);
            all.iter().filter(|arrival| arrival.request == request).count() as f64 / all.len() as f64
        };
        assert!((share(0, 0) - 0.75).abs() < 0.015, "seed 5: {}", share(0, 0));
        assert!((share(0, 1) - 0.25).abs() < 0.015);
        assert_eq!((share(0, 2), share(1, 0), share(1, 1)), (0.0, 0.0, 1.0));
    }
}
