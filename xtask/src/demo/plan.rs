//! What the demo sends: each class by itself, all together at several levels, each by itself once more.

use hockeystick_staging::plan::{PlanMaterial, RequestClass};

/// Classes, with the share that the stage's mix gives them, the rate of the first look at their cost, and how busy each by
/// itself then keeps the app, to learn its demand: as busy as the class finds it in the mix, see [`LEVELS`]. Files are so
/// cheap that the same would ask more of the generator than of the app.
pub(super) const CLASSES: [(RequestClass, f64, f64, f64); 4] = [
    (RequestClass::Static, 0.70, 1500.0, 0.25),
    (RequestClass::Read, 0.24, 90.0, 0.50),
    (RequestClass::Write, 0.05, 90.0, 0.50),
    (RequestClass::Job, 0.01, 40.0, 0.50),
];
/// Seconds of each class in the first look.
const FIRST_LOOK_S: f64 = 1.0;
/// Seconds of each class by itself, before the mix and again after it: how far a machine that drifts makes two readings of one
/// demand differ is what the fit knows its own accuracy from.
const BY_CLASS_S: f64 = 2.5;

/// A step with the whole mix: how busy it keeps the app, for how long, and whether the model must predict it.
struct Level {
    busy: f64,
    seconds: f64,
    held_out: bool,
}

/// The levels that the model may learn from stand between those that it must predict, so that a machine whose speed
/// drifts does so for both.
///
/// It learns from loads that keep the app's caches warm. Where other machines share the processor's caches, they take them
/// while it idles: work over two megabytes takes a third more processor time every 20 ms than every 0.5 ms (measured on the
/// machine of `content/measurements`; over four kilobytes the same), and the mix of requests 8 % more at 30 % busy than at
/// 80 %, when Tick still made its documents over and over. A response time at 80 % busy is off by five times as much as the
/// demands are, so demands of an app that mostly idles predict nothing there.
///
/// The seconds follow from simulated measurements of a stage that was fitted to Tick: the standard deviation of the
/// mean's error, at 80 % busy, is 2.6 % after 34 s and 2.2 % after 51 s. The 90 % interval is 1.65 times that to each
/// side, which leaves more than half of the tolerance of 10 % to what the model itself gets wrong. The less busy the app,
/// the sooner one burst is forgotten, and the shorter the step. `core/tests/all/verdict.rs` counts how often that suffices.
const LEVELS: [Level; 5] = [
    Level { busy: 0.40, seconds: 6.0, held_out: false },
    Level { busy: 0.70, seconds: 28.0, held_out: true },
    Level { busy: 0.60, seconds: 12.0, held_out: false },
    Level { busy: 0.80, seconds: 40.0, held_out: true },
    Level { busy: 0.50, seconds: 10.0, held_out: false },
];

/// One step of a plan.
#[derive(Clone, Debug)]
pub(super) struct PlanStep {
    rate_per_s: f64,
    seconds: f64,
    /// The only class that is sent; all in the stage's mix where there is none.
    only: Option<RequestClass>,
    pub(super) held_out: bool,
}

/// Each class for a moment, to see what one of its requests costs.
pub(super) fn first_look() -> Vec<PlanStep> {
    let step = |(class, _, rate_per_s, _): &(RequestClass, f64, f64, f64)| PlanStep {
        rate_per_s: *rate_per_s,
        seconds: FIRST_LOOK_S,
        only: Some(*class),
        held_out: false,
    };
    CLASSES.iter().map(step).collect()
}

/// The steps for an app in which a request costs this much, by class, and that has so many processors; each is `length`
/// times as long as usual.
pub(super) fn steps(demands_s: &[f64; 4], cpus: f64, length: f64) -> Vec<PlanStep> {
    let by_class = || {
        CLASSES.iter().zip(demands_s).map(|((class, _, _, busy), demand_s)| PlanStep {
            rate_per_s: busy * cpus / demand_s,
            seconds: BY_CLASS_S * length,
            only: Some(*class),
            held_out: false,
        })
    };
    let demand_s: f64 = CLASSES.iter().zip(demands_s).map(|((_, share, ..), demand_s)| share * demand_s).sum();
    let together = LEVELS.map(|Level { busy, seconds, held_out }| PlanStep {
        rate_per_s: busy * cpus / demand_s,
        seconds: seconds * length,
        only: None,
        held_out,
    });
    by_class().chain(together).chain(by_class()).collect()
}

/// The plan as loadgen reads it.
pub(super) fn text(steps: &[PlanStep], material: &PlanMaterial, seed: u64) -> String {
    let steps = steps.iter().map(PlanStep::line).collect::<Vec<_>>().join(",\n  ");
    format!("seed = {seed}\nwarm_up = \"1 s\"\nsteps = [\n  {steps},\n]\n{}", material.loadgen_plan())
}

impl PlanStep {
    fn line(&self) -> String {
        let Self { rate_per_s, seconds, only, held_out } = self;
        let mix = only.map_or_else(String::new, |class| format!(", mix = {{ {} = 1 }}", class.as_str()));
        format!("{{ rate = \"{rate_per_s:.2}/s\", seconds = {seconds:?}, held_out = {held_out}{mix} }}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_sent_alone_before_the_mix_and_after_it_and_only_the_mix_is_held_out() {
        let steps = steps(&[0.001, 0.002, 0.002, 0.004], 0.5, 2.0);
        let alone = CLASSES.map(|(class, ..)| Some(class));
        let sent: Vec<_> = steps.iter().map(|step| step.only).collect();
        assert_eq!(sent, [&alone[..], &[None; 5], &alone[..]].concat());
        assert!(steps.iter().all(|step| !step.held_out || step.only.is_none()));
        // 0.7 ms of files, 0.48 of reads, 0.1 of writes, 0.04 of jobs: 1.32 ms, of half a processor.
        assert_eq!(steps[4].line(), "{ rate = \"151.52/s\", seconds = 12.0, held_out = false }");
        assert_eq!(steps[0].line(), "{ rate = \"125.00/s\", seconds = 5.0, held_out = false, mix = { static = 1 } }");
    }
}
