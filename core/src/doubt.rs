//! Whether a measurement deserves to be believed.
//!
//! All laws but the last ask nothing of any model: whether the generator did what it was to do, whether it and the
//! deployment had their processors for themselves, and whether the figures add up. A step that breaks one has measured
//! something else than the deployment at that load. The utilisation law compares with a model's demands, so a step that
//! breaks it may as well say that the model is wrong; see [`utilisation`].

use serde::Serialize;

use crate::measurement::{Distribution, Load, Slice, Step};
use crate::statistics::chance_of_spread;

/// A reason not to believe a measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// Index of the step.
    pub step: usize,
    /// The law or limit that is broken.
    pub law: Law,
    /// What was found, as a sentence.
    pub message: String,
}

/// What a measurement must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
    /// The generator sends on time.
    Lag,
    /// The generator has a free user whenever a request is due.
    Users,
    /// The generator sends what the schedule holds.
    Offered,
    /// Generators that send together keep the same time.
    Clocks,
    /// No other program uses the processors of the generator and of the deployment.
    Neighbours,
    /// The same requests take the same processor time from the beginning of the window to its end.
    Steady,
    /// N = X·R, Little's law.
    Little,
    /// Requests are answered as expected.
    Errors,
    /// U = X·D, the utilisation law.
    Utilisation,
}

impl Law {
    /// Whether a broken law may hold again when the step is measured once more: what broke it came from outside.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Lag | Self::Offered | Self::Neighbours | Self::Steady | Self::Little)
    }

    /// Whether demands can be learnt from a step that breaks this law. Processor time for each answer does not depend on
    /// when requests were sent; it does on failures, which cost time and are no answers, and on what else ran. Of a machine
    /// that changes its speed the mean is as good as any other.
    pub const fn spares_demands(self) -> bool {
        matches!(self, Self::Lag | Self::Users | Self::Offered | Self::Clocks | Self::Steady | Self::Little)
    }
}

/// Largest share of a response time that lag may make up, figure by figure: lag is a part of the response time, so it
/// distorts the mean by its mean, the median by its median and the tail by its tail. A generator that sends late also
/// reads answers late, and what kept it waiting keeps a deployment on the same machine waiting, so that the true
/// distortion is several times larger.
const LAG_SHARE_MAX: [(&str, f64); 4] =
    [("mean", 0.02), ("median", 0.05), ("95th percentile", 0.05), ("99th percentile", 0.10)];
/// Lag below this says nothing: pacing is hardly finer, and an answer of a few dozen microseconds is no better known.
const LAG_FLOOR_US: f64 = 5.0;
/// Largest share of requests that may find no free user.
const EXHAUSTED_SHARE_MAX: f64 = 0.001;
/// Largest relative difference between sent and due.
const OFFERED_ERROR_MAX: f64 = 0.01;
/// Largest share of a window by which generators that send together may be apart: that of the requests that come before
/// or after it by mistake. Within these bounds, in seconds: below the lower the edges of a window are not known, beyond the
/// upper it is another load.
const SKEW_SHARE_MAX: f64 = 0.01;
const SKEW_BOUNDS_S: (f64, f64) = (0.02, 1.0);
/// Largest share of a window that may be disturbed: those parts are left out, and more would leave too little.
const DISTURBED_SHARE_MAX: f64 = 0.4;
/// Largest difference between the processor times that an answer took in two thirds of a window, relative to the lower. At
/// 80 % busy on average, thirds that are 7.5 % apart to either side have a mean response time 7 % above that of a steady
/// machine; at 20 % busy nobody would see it, but a machine that does so at one step does so at others.
const SPEEDS_APART_MAX: f64 = 0.15;
/// How probable chance must make such a difference for it to be called chance.
const CHANCE_MIN: f64 = 0.01;
/// Largest relative difference between N and X·R, and between U and X·D.
const LAW_ERROR_MAX: f64 = 0.10;
/// Differences below this many requests, or processors, say nothing.
const LITTLE_FLOOR: f64 = 0.25;
const UTILISATION_FLOOR: f64 = 0.03;
/// Largest share of failed requests: the response times of failures are in no percentile.
const ERRORS_MAX: f64 = 0.01;

/// Every reason not to believe this step that asks nothing of a model.
pub fn doubts(index: usize, step: &Step) -> Vec<Doubt> {
    let found = [
        failing(step),
        late(step),
        exhausted(step),
        missing(step),
        apart(step),
        disturbed(step),
        unsteady(step),
        little(step),
    ];
    found.into_iter().flatten().map(|(law, message)| Doubt { step: index, law, message }).collect()
}

type Found = Option<(Law, String)>;

fn late(step: &Step) -> Found {
    // Where nothing was answered, or no user was free to send, lag is not what is wrong.
    if step.response.count == 0 || exhausted(step).is_some() {
        return None;
    }
    let all = ("the generator".to_owned(), &step.lag, &step.response);
    // One that is late among many is hardly seen in what all of them measured.
    let each = step.shares.iter().enumerate();
    let each =
        each.map(|(shard, share)| (format!("the generator of shard {}", shard + 1), &share.lag, &share.response));
    let mut generators = std::iter::once(all).chain(each);
    let text =
        generators.find_map(|(who, lag, response)| Some(format!("{who} was late: {}", lateness(lag, response)?)))?;
    Some((Law::Lag, text))
}

/// The first figure of which the lag makes up too much.
fn lateness(lag: &Distribution, response: &Distribution) -> Option<String> {
    let figures = |times: &Distribution| [times.mean_us, times.p50_us as f64, times.p95_us as f64, times.p99_us as f64];
    let pairs = figures(lag).into_iter().zip(figures(response));
    let late =
        pairs.zip(LAG_SHARE_MAX).find(|((lag, response), (_, share))| *lag > LAG_FLOOR_US && *lag > share * response);
    late.filter(|_| response.count > 0).map(|((lag, response), (name, _))| {
        format!("the {name} of its lag is {lag:.0} µs, of the response {response:.0} µs")
    })
}

/// Generators whose clocks are proven to be apart.
fn apart(step: &Step) -> Found {
    let skew = step.skew()?;
    let max_s = (SKEW_SHARE_MAX * step.measured_s).clamp(SKEW_BOUNDS_S.0, SKEW_BOUNDS_S.1);
    let text = || {
        format!(
            "shard {} sent at least {:.0} ms before shard {}, by the deployment's clock, and {:.0} ms are allowed: set \
             both clocks by NTP",
            skew.shards.0,
            1e3 * skew.at_least_s,
            skew.shards.1,
            1e3 * max_s
        )
    };
    (skew.at_least_s > max_s).then(|| (Law::Clocks, text()))
}

fn exhausted(step: &Step) -> Found {
    let text = || format!("{} of {} requests found no free user when they were due", step.users_exhausted, step.due);
    (step.users_exhausted as f64 > EXHAUSTED_SHARE_MAX * step.due as f64).then(|| (Law::Users, text()))
}

fn missing(step: &Step) -> Found {
    let missing = (step.sent as f64 - step.due as f64).abs();
    let text = || format!("{} requests were due in the window, {} were sent", step.due, step.sent);
    (missing > OFFERED_ERROR_MAX * step.due as f64 && missing > 2.0).then(|| (Law::Offered, text()))
}

fn disturbed(step: &Step) -> Found {
    let (parts, disturbed) = (step.slices.len(), step.slices.iter().filter(|slice| slice.disturbed).count());
    let seen = step.neighbours.filter(|_| disturbed as f64 > DISTURBED_SHARE_MAX * parts as f64)?;
    let text = format!(
        "other programs, or other machines, used the processors of the generator and of the app in {disturbed} of {parts} \
         parts of the window: {:.2} processors on average, and {:.2} were stolen",
        seen.used, seen.stolen
    );
    Some((Law::Neighbours, text))
}

/// The utilisation law within a step: U = X·D holds from part to part with one D, or the machine changed its speed. Other
/// machines on the same hardware do that without a trace in any other figure: they share its caches and its cores.
///
/// Whether thirds of the window differ by more than the parts within them, which differ by the luck of what was asked. Where
/// the rate changed, an answer's share of what goes on anyhow changed with it.
fn unsteady(step: &Step) -> Found {
    if matches!(step.load, Some(Load::Curve(_))) {
        return None;
    }
    let counts: Vec<usize> = (0..step.slices.len()).filter(|slice| step.slices[*slice].counts()).collect();
    let third = counts.len().div_ceil(3).max(1);
    let slice_s = step.measured_s / step.slices.len().max(1) as f64;
    step.busy_by_slice.iter().find_map(|(station, busy)| {
        let cost_ms = |slice: &usize| 1e3 * busy[*slice] * slice_s / step.slices[*slice].completed as f64;
        let thirds: Vec<Vec<f64>> = counts.chunks(third).map(|part| part.iter().map(cost_ms).collect()).collect();
        let [first, second, last] = thirds.as_slice() else { return None };
        let means = [first, second, last].map(|costs| costs.iter().sum::<f64>() / costs.len() as f64);
        let (low, high) = (means.into_iter().fold(f64::INFINITY, f64::min), means.into_iter().fold(0.0, f64::max));
        let apart = high > (1.0 + SPEEDS_APART_MAX) * low;
        let text = || {
            format!(
                "an answer took {low:.3} ms of {station} in one third of the window and {high:.3} ms in another: did the \
                 machine change its speed, as one of several on the same hardware does?"
            )
        };
        (apart && chance_of_spread([first, second, last]) < CHANCE_MIN).then(|| (Law::Steady, text()))
    })
}

fn little(step: &Step) -> Found {
    // Requests are counted in undisturbed parts alone. Where there are none, nobody knows how many were in flight.
    if !step.slices.is_empty() && !step.slices.iter().any(Slice::counts) {
        return None;
    }
    let little = step.throughput_per_s() * step.response.mean_us / 1e6;
    let difference = (step.in_flight - little).abs();
    let broken = step.failures() == 0 && difference > LITTLE_FLOOR && difference > LAW_ERROR_MAX * step.in_flight;
    let text = || format!("N = X·R does not hold: {:.2} requests in flight, X·R is {little:.2}", step.in_flight);
    broken.then(|| (Law::Little, text()))
}

fn failing(step: &Step) -> Found {
    let text = || format!("{} of {} requests failed", step.failures(), step.due);
    (step.failures() as f64 > ERRORS_MAX * step.due as f64).then(|| (Law::Errors, text()))
}

/// A station whose busy time is not what a model expects.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// The station.
    pub station: String,
    /// Processors that were busy.
    pub measured: f64,
    /// Processors that the model expects: X·D.
    pub expected: f64,
}

/// The first station at which U = X·D does not hold. `expected_processors` gives, for stations whose busy time was read,
/// the processors that the model expects to be busy at this step's throughput.
///
/// Either the demands are others than the model's, or the busy time is not only that of the requests. What the response
/// times say decides: those that deviate to the same side make it the former, see [`Gap::explains`].
pub fn utilisation(step: &Step, expected_processors: &[(&str, f64)]) -> Option<Gap> {
    expected_processors.iter().find_map(|(name, expected)| {
        let measured = step.stations.get(*name)?.processors();
        let difference = (measured - expected).abs();
        let broken = difference > UTILISATION_FLOOR && difference > LAW_ERROR_MAX * expected;
        broken.then(|| Gap { station: (*name).to_owned(), measured, expected: *expected })
    })
}

impl Gap {
    /// Whether the gap goes with this error of a response time (predicted over measured, minus one): busier than
    /// expected, and slower; or less busy, and faster.
    pub fn explains(&self, error: f64) -> bool {
        (self.measured > self.expected) == (error < 0.0)
    }

    /// The gap as a doubt about a step.
    pub fn doubt(&self, step: usize) -> Doubt {
        let question = if self.measured > self.expected {
            "does anything but these requests keep it busy?"
        } else {
            "is all of its work in what was read, and were the demands measured on this machine?"
        };
        let message = format!(
            "U = X·D does not hold at {}: {:.3} processors busy, X·D is {:.3}; {question}",
            self.station, self.measured, self.expected
        );
        Doubt { step, law: Law::Utilisation, message }
    }

    /// The gap as a reason why a model disagrees.
    pub fn finding(&self) -> String {
        format!(
            "requests demand {:.2} times the processor time of the model at {}: {:.3} processors busy, X·D is {:.3}",
            self.measured / self.expected,
            self.station,
            self.measured,
            self.expected
        )
    }
}

/// Processor time that requests took, over what the model expects: 1.03 where the machine is 3 % slower than it was when
/// the model was calibrated. One where nothing was read.
pub fn drift(step: &Step, expected_processors: &[(&str, f64)]) -> f64 {
    let read = expected_processors.iter().filter_map(|(name, expected)| {
        let busy = step.stations.get(*name)?;
        Some((busy.processors(), *expected))
    });
    let (measured, expected) = read.fold((0.0, 0.0), |sums, pair| (sums.0 + pair.0, sums.1 + pair.1));
    if measured > 0.0 && expected > 0.0 { measured / expected } else { 1.0 }
}

/// The doubt about a step that disagrees with the model, and would not if the model knew of a drift that is too small to
/// break the utilisation law. A few per cent more work make many per cent more response time when a station is busy.
pub fn drifted(step: usize, factor: f64) -> Doubt {
    let message = format!(
        "the processor time of a request was {:+.1} % off the model's, and with that it would not disagree: did the \
         machine change its speed since the calibration?",
        100.0 * (factor - 1.0)
    );
    Doubt { step, law: Law::Utilisation, message }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::measurement::{BusyTime, Clock, Neighbours, Share};

    /// Ten seconds of a hundred requests each, 2 ms on average, on an otherwise idle machine.
    fn quiet() -> Step {
        let response = Distribution {
            count: 1000,
            mean_us: 2000.0,
            p50_us: 500,
            p95_us: 8000,
            p99_us: 16_000,
            max_us: 20_000,
            ..Distribution::default()
        };
        let slice = Slice { completed: 50, mean_us: 2000.0, ..Slice::default() };
        Step {
            rate_per_s: 100.0,
            warm_up_s: 1.0,
            measured_s: 10.0,
            window_from: None,
            held_out: true,
            due: 1000,
            sent: 1000,
            completed: 1000,
            failed: BTreeMap::new(),
            users_exhausted: 0,
            in_flight: 0.0,
            generator_cpus: 0.1,
            lag: Distribution {
                count: 1000,
                mean_us: 5.0,
                p95_us: 1,
                p99_us: 20,
                max_us: 900,
                ..Distribution::default()
            },
            service: response.clone(),
            response,
            classes: BTreeMap::new(),
            slices: vec![slice; 20],
            schedule: None,
            stations: BTreeMap::from([("box cpu".to_owned(), BusyTime { busy_s: 6.0, elapsed_s: 10.0 })]),
            neighbours: Some(Neighbours { processors: 2, used: 0.03, stolen: 0.0 }),
            ..Step::default()
        }
    }

    fn laws(step: &Step) -> Vec<Law> {
        doubts(3, step).into_iter().map(|doubt| doubt.law).collect()
    }

    #[test]
    fn a_quiet_step_is_believed() {
        assert_eq!(laws(&quiet()), []);
    }

    #[test]
    fn a_late_generator_is_noticed_in_the_mean_as_well_as_in_the_tail() {
        let mut step = quiet();
        step.lag.p99_us = 2387;
        assert_eq!(laws(&step), [Law::Lag]);
        let mut step = quiet();
        step.lag.mean_us = 80.0;
        assert_eq!(laws(&step), [Law::Lag]);
        assert!(doubts(3, &step)[0].message.contains("mean"));
    }

    #[test]
    fn shards_are_in_doubt_where_their_clocks_are_apart_or_one_of_them_was_late() {
        let share = |low_s, high_s| Share {
            lag: quiet().lag,
            response: quiet().response,
            clock: Some(Clock { low_s, high_s }),
            ..Share::default()
        };
        let mut step = Step { shares: vec![share(0.0, 0.01), share(0.1, 0.12)], ..quiet() };
        assert_eq!(laws(&step), []);
        step.shares[1].clock = Some(Clock { low_s: 0.2, high_s: 0.21 });
        assert_eq!(laws(&step), [Law::Clocks]);
        assert!(doubts(3, &step)[0].message.contains("shard 1 sent at least 190 ms before shard 2"));
        step.shares[1].clock = None;
        assert_eq!(laws(&step), []);
        step.shares[1].lag.p99_us = 2387;
        assert_eq!(laws(&step), [Law::Lag]);
        assert!(doubts(3, &step)[0].message.contains("shard 2"));
    }

    #[test]
    fn parts_that_others_disturbed_are_forgiven_until_they_are_too_many() {
        let mut step = quiet();
        step.slices[..8].iter_mut().for_each(|slice| slice.disturbed = true);
        assert_eq!(laws(&step), []);
        step.slices[8].disturbed = true;
        assert_eq!(laws(&step), [Law::Neighbours]);
    }

    #[test]
    fn a_machine_that_changes_its_speed_within_a_window_is_noticed_and_the_luck_of_the_draw_is_not() {
        let with =
            |busy: [f64; 20]| Step { busy_by_slice: BTreeMap::from([("box cpu".to_owned(), busy.into())]), ..quiet() };
        let luck = |slice: usize| 0.6 + 0.06 * ((slice * 7 % 5) as f64 - 2.0) / 2.0;
        assert_eq!(laws(&with(std::array::from_fn(luck))), []);
        let slower = |slice: usize| if slice < 12 { luck(slice) } else { 1.4 * luck(slice) };
        assert_eq!(laws(&with(std::array::from_fn(slower))), [Law::Steady]);
        let ramp = Some(Load::Curve(vec![(0.0, 50.0), (10.0, 150.0)]));
        assert_eq!(laws(&Step { load: ramp, ..with(std::array::from_fn(slower)) }), []);
        // Single parts that cost more are the luck of what was asked.
        let spiky = |slice: usize| if slice % 9 == 8 { 2.0 * luck(slice) } else { luck(slice) };
        assert_eq!(laws(&with(std::array::from_fn(spiky))), []);
        // Twenty parts, of which those that others disturbed say nothing.
        let mut step = with(std::array::from_fn(|slice| if slice < 6 { 2.0 * luck(slice) } else { luck(slice) }));
        assert_eq!(laws(&step), [Law::Steady]);
        step.slices[..6].iter_mut().for_each(|slice| slice.disturbed = true);
        assert_eq!(laws(&step), []);
        assert_eq!(
            laws(&Step { slices: Vec::new(), busy_by_slice: BTreeMap::from([("a".to_owned(), vec![])]), ..quiet() }),
            []
        );
    }

    #[test]
    fn what_was_not_sent_or_not_answered_is_noticed() {
        let missing = Step { sent: 980, ..quiet() };
        assert_eq!(laws(&missing), [Law::Offered]);
        let exhausted = Step { users_exhausted: 5, ..quiet() };
        assert_eq!(laws(&exhausted), [Law::Users]);
        let overloaded = Step { lag: quiet().response, ..exhausted };
        assert_eq!(laws(&overloaded), [Law::Users]);
        let dead = Step {
            failed: BTreeMap::from([("refused".to_owned(), 1000)]),
            completed: 0,
            response: Distribution::default(),
            ..quiet()
        };
        assert_eq!(laws(&dead), [Law::Errors]);
        let failing = Step { failed: BTreeMap::from([("status".to_owned(), 20)]), completed: 980, ..quiet() };
        assert_eq!(laws(&failing), [Law::Errors]);
        let little = Step { in_flight: 1.0, ..quiet() };
        assert_eq!(laws(&little), [Law::Little]);
        let mut disturbed = little;
        disturbed.slices.iter_mut().for_each(|slice| slice.disturbed = true);
        assert_eq!(laws(&disturbed), [Law::Neighbours]);
    }

    #[test]
    fn busy_time_beyond_the_models_is_a_finding_where_response_times_say_the_same() {
        assert_eq!(utilisation(&quiet(), &[("box cpu", 0.58)]), None);
        let gap = utilisation(&quiet(), &[("box cpu", 0.48)]).unwrap();
        assert!(gap.explains(-0.4) && !gap.explains(0.4));
        assert!(gap.finding().contains("1.25 times"), "{}", gap.finding());
        assert_eq!(gap.doubt(3).law, Law::Utilisation);
    }

    #[test]
    fn only_what_came_from_outside_is_worth_a_repetition() {
        assert!(Law::Lag.passes() && Law::Neighbours.passes());
        assert!(!Law::Errors.passes() && !Law::Users.passes() && !Law::Utilisation.passes());
    }
}
