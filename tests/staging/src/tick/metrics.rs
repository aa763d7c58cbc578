//! What `/metrics` tells, in Prometheus text.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::plan::RequestClass;
use axum::http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder,
};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use rustix::time::{ClockId, clock_gettime};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassAndStatus {
    class: RequestClass,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Class {
    class: RequestClass,
}

impl EncodeLabelValue for RequestClass {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.as_str().encode(encoder)
    }
}

/// Counters of one Tick process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<ClassAndStatus, Counter>,
    abandoned: Family<Class, Counter>,
    duration_s: Family<Class, Histogram, fn() -> Histogram>,
    in_flight: std::sync::Arc<InFlight>,
}

/// Requests that came in and have no answer yet.
#[derive(Debug, Default)]
struct InFlight(AtomicU32);

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<ClassAndStatus, Counter>::default();
        let abandoned = Family::<Class, Counter>::default();
        // 0.1 ms to 13 s in doublings: wide enough for a saturated server.
        let histogram: fn() -> Histogram =
            || Histogram::new(prometheus_client::metrics::histogram::exponential_buckets(0.000_1, 2.0, 18));
        let duration_s = Family::<Class, Histogram, fn() -> Histogram>::new_with_constructor(histogram);
        let in_flight = std::sync::Arc::new(InFlight::default());
        registry.register("tick_requests", "Requests answered, by class and status", requests.clone());
        registry.register("tick_requests_abandoned", "Requests whose client left before the answer", abandoned.clone());
        registry.register("tick_request_duration_seconds", "From request head to answer head", duration_s.clone());
        registry.register_collector(Box::new(in_flight.clone()));
        registry.register_collector(Box::new(ProcessCpu));
        Self { registry, requests, abandoned, duration_s, in_flight }
    }

    /// Counts one request in, unless `limit` are in already.
    pub(crate) fn enter(&self, limit: u32) -> bool {
        let entered = |count: u32| (count < limit).then_some(count + 1);
        self.in_flight.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, entered).is_ok()
    }

    pub(crate) fn leave(&self) {
        self.in_flight.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn answered(&self, class: RequestClass, status: StatusCode, took: Duration) {
        self.requests.get_or_create(&ClassAndStatus { class, status: status.as_u16() }).inc();
        self.duration_s.get_or_create(&Class { class }).observe(took.as_secs_f64());
    }

    pub(crate) fn abandoned(&self, class: RequestClass) {
        self.abandoned.get_or_create(&Class { class }).inc();
    }

    /// Everything, in the OpenMetrics text format that Prometheus reads.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(8 * 1024);
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Collector for InFlight {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let gauge = ConstGauge::new(i64::from(self.0.load(Ordering::Relaxed)));
        let metric = encoder.encode_descriptor(
            "tick_requests_in_flight",
            "Requests without an answer yet",
            None,
            gauge.metric_type(),
        )?;
        gauge.encode(metric)
    }
}

#[derive(Debug)]
struct ProcessCpu;

impl Collector for ProcessCpu {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // Nanosecond accounting; /proc/self/stat would count in ticks of 10 ms.
        let used = clock_gettime(ClockId::ProcessCPUTime);
        #[expect(clippy::cast_precision_loss, reason = "a double holds nanoseconds of 100 days exactly")]
        let used_s = used.tv_sec as f64 + used.tv_nsec as f64 * 1e-9;
        let counter = ConstCounter::new(used_s);
        let metric = encoder.encode_descriptor(
            "process_cpu_seconds",
            "CPU time of this process, user and system",
            None,
            counter.metric_type(),
        )?;
        counter.encode(metric)
    }
}
