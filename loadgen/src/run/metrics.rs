//! What Prometheus is told of a run while it goes, in OpenMetrics text: counters and histograms of every request, warm-up
//! included, and gauges of the moment.

use std::fmt;
use std::sync::atomic::AtomicU64;

use hockeystick_core::workload::{Class, PerClass};
use prometheus_client::encoding::text;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Progress;
use super::failure::Failure;
use super::record::Sample;
use crate::plan::Plan;
use crate::shard::Shard;

/// Bounds of response times in each decade, from 0.1 ms up to 10 s: a percentile is read to a fifth or so.
const RESPONSE_BOUNDS: [f64; 6] = [1.0, 1.5, 2.0, 3.0, 5.0, 7.0];
const RESPONSE_DECADES: std::ops::Range<i32> = -4..1;
/// The same of lag, from 1 µs up to a second.
const LAG_BOUNDS: [f64; 3] = [1.0, 2.0, 5.0];
const LAG_DECADES: std::ops::Range<i32> = -6..0;

/// The state of a run, for whoever asks.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    answered: PerClass<Counter>,
    requests: Family<ClassAndOutcome, Counter>,
    response_s: PerClass<Histogram>,
    lag_s: Histogram,
    exhausted: Counter,
    connections: Counter,
    step: Gauge,
    offered_per_s: Gauge<f64, AtomicU64>,
    in_flight: Gauge,
    users_busy: Gauge,
    users: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassAndOutcome {
    class: ClassName,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfClass {
    class: ClassName,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ClassName(Class);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Answered,
    Failed(Failure),
}

impl EncodeLabelValue for ClassName {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.0.name().encode(encoder)
    }
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        match self {
            Self::Answered => "answered",
            Self::Failed(failure) => failure.name(),
        }
        .encode(encoder)
    }
}

fn buckets(bounds: &[f64], decades: std::ops::Range<i32>) -> Vec<f64> {
    let last = 10.0_f64.powi(decades.end);
    // Divided rather than multiplied, so that 0.003 is written as that.
    let scaled = |decade: i32| bounds.iter().map(move |bound| bound / 10.0_f64.powi(-decade));
    decades.flat_map(scaled).chain([last]).collect()
}

impl Metrics {
    /// Of a run of this plan, or of a share of it.
    pub fn new(plan: &Plan, shard: Shard) -> Self {
        let labels = (!shard.is_whole()).then(|| ("shard".into(), shard.to_string().into()));
        let mut registry = Registry::with_prefix_and_labels("loadgen", labels.into_iter());
        let requests = Family::<ClassAndOutcome, Counter>::default();
        let histogram: fn() -> Histogram = || Histogram::new(buckets(&RESPONSE_BOUNDS, RESPONSE_DECADES));
        let response_s = Family::<OfClass, Histogram, fn() -> Histogram>::new_with_constructor(histogram);
        let sent = |class| plan.requests.iter().any(|request| request.class == class);
        // Found once, so that a request that ends asks for no lock that a scrape holds. Classes that the plan does not send
        // stay out of the text.
        let outcome = |class| ClassAndOutcome { class: ClassName(class), outcome: Outcome::Answered };
        let answered = Class::ALL.map(|class| match sent(class) {
            true => requests.get_or_create_owned(&outcome(class)),
            false => Counter::default(),
        });
        let times = Class::ALL.map(|class| match sent(class) {
            true => response_s.get_or_create_owned(&OfClass { class: ClassName(class) }),
            false => histogram(),
        });
        let metrics = Self {
            answered: PerClass(answered),
            requests,
            response_s: PerClass(times),
            lag_s: Histogram::new(buckets(&LAG_BOUNDS, LAG_DECADES)),
            exhausted: Counter::default(),
            connections: Counter::default(),
            step: Gauge::default(),
            offered_per_s: Gauge::default(),
            in_flight: Gauge::default(),
            users_busy: Gauge::default(),
            users: i64::from(shard.users(plan.users)),
            registry: Registry::default(),
        };
        metrics.register(&mut registry, response_s, plan);
        Self { registry, ..metrics }
    }

    fn register(
        &self,
        registry: &mut Registry,
        response_s: Family<OfClass, Histogram, fn() -> Histogram>,
        plan: &Plan,
    ) {
        let constant = |value: i64| {
            let gauge: Gauge = Gauge::default();
            gauge.set(value);
            gauge
        };
        registry.register("requests", "Requests that came to their end, by class and outcome", self.requests.clone());
        let help = "From the moment a request was due to its answer's last byte, where the answer was as expected";
        registry.register_with_unit("response", help, Unit::Seconds, response_s);
        let help = "From the moment a request was due to its sending: what the generator itself adds";
        registry.register_with_unit("lag", help, Unit::Seconds, self.lag_s.clone());
        let help = "Requests that found every user busy when they were due";
        registry.register("users_exhausted", help, self.exhausted.clone());
        registry.register("connections_opened", "Connections that were opened", self.connections.clone());
        registry.register("step", "The plan's step that runs, counted from 1; 0 before the first", self.step.clone());
        registry.register("steps", "Steps of the plan", constant(plan.steps.len() as i64));
        let help = "Requests a second that became due, over the last second";
        registry.register("rate_offered", help, self.offered_per_s.clone());
        let help = "Requests that are due and not yet answered";
        registry.register("requests_in_flight", help, self.in_flight.clone());
        registry.register("users", "Users: the most requests at once", constant(self.users));
        registry.register("users_busy", "Users who wait for an answer", self.users_busy.clone());
    }

    /// A request has come to its end.
    pub(super) fn record(&self, sample: &Sample) {
        let seconds = |from_ns: u64, to_ns: u64| to_ns.saturating_sub(from_ns) as f64 / 1e9;
        self.lag_s.observe(seconds(sample.due_ns, sample.sent_ns));
        self.exhausted.inc_by(u64::from(sample.exhausted));
        match sample.result {
            Ok(()) => {
                self.answered.get(sample.class).inc();
                self.response_s.get(sample.class).observe(seconds(sample.due_ns, sample.done_ns));
            }
            Err(failure) => self.failed(sample.class, failure),
        }
    }

    /// A request failed, if only because it was never sent.
    pub(super) fn failed(&self, class: Class, failure: Failure) {
        let labels = ClassAndOutcome { class: ClassName(class), outcome: Outcome::Failed(failure) };
        self.requests.get_or_create(&labels).inc();
    }

    /// A connection was opened.
    pub(super) fn dialled(&self) {
        self.connections.inc();
    }

    /// A step begins, counted from 1.
    pub(super) fn step_begins(&self, number: usize) {
        self.step.set(number as i64);
    }

    /// A step runs.
    pub(super) fn progress(&self, progress: &Progress) {
        let in_flight = progress.in_flight as i64;
        self.in_flight.set(in_flight);
        self.users_busy.set(in_flight.min(self.users));
        self.offered_per_s.set(progress.offered_per_s);
    }

    /// A step is over.
    pub(super) fn step_ends(&self) {
        self.in_flight.set(0);
        self.users_busy.set(0);
        self.offered_per_s.set(0.0);
    }

    /// Everything, in the text format of OpenMetrics 1.0, which Prometheus reads.
    ///
    /// # Errors
    /// Never: a text that grows takes whatever is written.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(16 << 10);
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn every_request_is_counted_by_class_and_outcome() {
        let text = "schema = 1\nusers = 6\nsteps = [{ rate = \"5/s\", seconds = 1 }, { rate = \"5/s\", seconds = 1 }]\n\
            [[request]]\nclass = \"read\"\npath = \"/\"\n";
        let metrics = Metrics::new(&plan::read(text, "plan.toml").unwrap(), Shard::new(2, 4).unwrap());
        let sample = Sample {
            class: Class::Read,
            due_ns: 1_000_000,
            sent_ns: 1_003_000,
            done_ns: 5_000_000,
            exhausted: true,
            result: Ok(()),
        };
        metrics.record(&sample);
        metrics.record(&Sample { result: Err(Failure::Timeout), ..sample });
        metrics.step_begins(2);
        let text = metrics.text().unwrap();
        for line in [
            "loadgen_requests_total{shard=\"2/4\",class=\"read\",outcome=\"answered\"} 1",
            "loadgen_requests_total{shard=\"2/4\",class=\"read\",outcome=\"timeout\"} 1",
            "loadgen_response_seconds_bucket{shard=\"2/4\",le=\"0.003\",class=\"read\"} 0",
            "loadgen_response_seconds_bucket{shard=\"2/4\",le=\"0.005\",class=\"read\"} 1",
            "loadgen_response_seconds_count{shard=\"2/4\",class=\"read\"} 1",
            "loadgen_lag_seconds_count{shard=\"2/4\"} 2",
            "loadgen_users_exhausted_total{shard=\"2/4\"} 2",
            "loadgen_step{shard=\"2/4\"} 2",
            "loadgen_steps{shard=\"2/4\"} 2",
            "loadgen_users{shard=\"2/4\"} 2",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n") && !text.contains("class=\"write\""), "{text}");
    }
}
