//! What is kept of each request while a step runs, and the step's figures at its end.

use std::collections::BTreeMap;

use hockeystick_core::measurement::{ClassResult, Connections, Distribution, Step};
use hockeystick_core::workload::{Class, PerClass};

use super::failure::Failure;
use crate::histogram::Times;
use crate::slices::{self, SliceTimes, Whole};

/// Parts of a window. Sixteen or more give the intervals of percentiles enough degrees of freedom.
pub(crate) const SLICES: usize = 20;

/// The measured part of a step, in nanoseconds from its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Its first instant: the end of the warm-up.
    pub(crate) from_ns: u64,
    /// The instant after its last.
    pub(crate) to_ns: u64,
}

impl Window {
    pub(crate) fn holds(&self, at_ns: u64) -> bool {
        (self.from_ns..self.to_ns).contains(&at_ns)
    }

    /// The slice that holds an instant.
    pub(super) fn slice(&self, at_ns: u64) -> Option<usize> {
        let length = u128::from(self.to_ns - self.from_ns);
        self.holds(at_ns).then(|| (u128::from(at_ns - self.from_ns) * SLICES as u128 / length) as usize)
    }

    /// When a slice begins; the one after the last begins at the window's end.
    pub(super) fn slice_begins_ns(&self, slice: usize) -> u64 {
        self.from_ns + (u128::from(self.to_ns - self.from_ns) * slice as u128 / SLICES as u128) as u64
    }
}

/// One request that has come to its end. Instants are nanoseconds from the step's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) class: Class,
    pub(crate) due_ns: u64,
    pub(crate) sent_ns: u64,
    pub(crate) done_ns: u64,
    /// No user was free when it was due.
    pub(crate) exhausted: bool,
    pub(crate) result: Result<(), Failure>,
}

/// The figures of a step in the making.
#[derive(Debug)]
pub(crate) struct Recorder {
    window: Window,
    sent: u64,
    completed: u64,
    failed: BTreeMap<Failure, u64>,
    exhausted: u64,
    service: Times,
    connect: Times,
    tls: Times,
    classes: PerClass<ClassRecorder>,
    slices: Vec<SliceTimes>,
    /// Requests of a closed loop that became due in the window, answered or not.
    begun: PerClass<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    due: u64,
    answered: u64,
    failed: u64,
}

#[derive(Debug)]
struct ClassRecorder {
    counts: Counts,
    response: Times,
    service: Times,
}

impl Recorder {
    pub(crate) fn new(window: Window) -> Self {
        let class =
            |_| ClassRecorder { counts: Counts::default(), response: Times::default(), service: Times::default() };
        Self {
            window,
            sent: 0,
            completed: 0,
            failed: BTreeMap::new(),
            exhausted: 0,
            service: Times::default(),
            connect: Times::default(),
            tls: Times::default(),
            classes: PerClass(Class::ALL.map(class)),
            slices: vec![SliceTimes::default(); SLICES],
            begun: PerClass::all(0),
        }
    }

    /// A user of a closed loop sends.
    pub(crate) fn begin(&mut self, class: Class, due_ns: u64) {
        *self.begun.get_mut(class) += u64::from(self.window.holds(due_ns));
    }

    pub(crate) fn record(&mut self, sample: &Sample) {
        let class = self.classes.get_mut(sample.class);
        self.sent += u64::from(self.window.holds(sample.sent_ns));
        if sample.result.is_ok() && self.window.holds(sample.done_ns) {
            class.counts.answered += 1;
        }
        let Some(slice) = self.window.slice(sample.due_ns) else { return };
        let slice = &mut self.slices[slice];
        class.counts.due += 1;
        self.exhausted += u64::from(sample.exhausted);
        slice.lag.record(sample.sent_ns.saturating_sub(sample.due_ns));
        if let Err(failure) = sample.result {
            class.counts.failed += 1;
            *self.failed.entry(failure).or_default() += 1;
            return;
        }
        self.completed += 1;
        let response_ns = sample.done_ns - sample.due_ns;
        let service_ns = sample.done_ns - sample.sent_ns;
        self.service.record(service_ns);
        class.response.record(response_ns);
        class.service.record(service_ns);
        slice.response.record(response_ns);
    }

    /// Requests that were due and never sent.
    pub(crate) fn record_unsent(&mut self, class: Class, due_ns: u64) {
        if self.window.holds(due_ns) {
            self.exhausted += 1;
            let counts = &mut self.classes.get_mut(class).counts;
            counts.due += 1;
            counts.failed += 1;
            *self.failed.entry(Failure::Unsent).or_default() += 1;
        }
    }

    /// Gives up the requests of a class that have not come to their end: more than anybody waits for have no user
    /// either.
    fn give_up(&mut self, class: Class, due: u64) {
        let counts = &mut self.classes.get_mut(class).counts;
        let open = due.saturating_sub(counts.due);
        if open > 0 {
            counts.due += open;
            counts.failed += open;
            self.exhausted += open;
            *self.failed.entry(Failure::Timeout).or_default() += open;
        }
    }

    /// A connection that was opened.
    pub(crate) fn record_dial(&mut self, at_ns: u64, connect_ns: u64, tls_ns: Option<u64>) {
        if self.window.holds(at_ns) {
            self.connect.record(connect_ns);
            tls_ns.into_iter().for_each(|ns| self.tls.record(ns));
        }
    }

    /// What the slices need to be added to those of other shards.
    pub(crate) fn slices(&self) -> &[SliceTimes] {
        &self.slices
    }

    /// The figures. `due` are the requests of each class that were due in the window, or of a closed loop those that came;
    /// `disturbed` are the slices whose response times do not count. Nobody waits any more for what is still on its
    /// way: it has failed.
    pub(crate) fn finish(&mut self, due: Option<PerClass<u64>>, disturbed: &[bool; SLICES]) -> Figures {
        let due = due.unwrap_or(self.begun);
        for (class, due) in due.iter() {
            self.give_up(class, *due);
        }
        let classes = due
            .iter()
            .map(|(class, due)| (class, due, self.classes.get(class)))
            // One that was only due in the warm-up may be answered in the window, and counts as throughput.
            .filter(|(_, due, seen)| **due + seen.counts.answered > 0)
            .map(|(class, due, seen)| {
                let result = ClassResult {
                    due: *due,
                    answered: seen.counts.answered,
                    failed: seen.counts.failed,
                    response: seen.response.distribution(),
                    service: seen.service.distribution(),
                };
                (class, result)
            })
            .collect();
        Figures {
            due: due.0.iter().sum(),
            sent: self.sent,
            completed: self.completed,
            failed: self.failed.iter().map(|(kind, count)| (kind.name().to_owned(), *count)).collect(),
            exhausted: self.exhausted,
            whole: slices::whole(&self.slices, disturbed),
            service: self.service.distribution(),
            classes,
            connections: (self.connect.count() > 0)
                .then(|| Connections { connect: self.connect.distribution(), tls: self.tls.distribution() }),
        }
    }
}

/// What the recorder knows of a finished step.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) due: u64,
    pub(crate) sent: u64,
    pub(crate) completed: u64,
    pub(crate) failed: BTreeMap<String, u64>,
    pub(crate) exhausted: u64,
    pub(crate) whole: Whole,
    pub(crate) service: Distribution,
    pub(crate) classes: BTreeMap<Class, ClassResult>,
    pub(crate) connections: Option<Connections>,
}

impl Figures {
    /// A step with these figures, and nothing besides.
    pub(crate) fn step(self) -> Step {
        Step {
            due: self.due,
            sent: self.sent,
            completed: self.completed,
            failed: self.failed,
            users_exhausted: self.exhausted,
            lag: self.whole.lag,
            response: self.whole.response,
            service: self.service,
            classes: self.classes,
            slices: self.whole.slices,
            connections: self.connections,
            ..Step::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: [bool; SLICES] = [false; SLICES];
    const WINDOW: Window = Window { from_ns: 1_000_000_000, to_ns: 3_000_000_000 };

    fn sample(due_ms: u64, lag_ms: u64, service_ms: u64) -> Sample {
        let (due_ns, lag_ns, service_ns) = (due_ms * 1_000_000, lag_ms * 1_000_000, service_ms * 1_000_000);
        Sample {
            class: Class::Read,
            due_ns,
            sent_ns: due_ns + lag_ns,
            done_ns: due_ns + lag_ns + service_ns,
            exhausted: false,
            result: Ok(()),
        }
    }

    #[test]
    fn response_counts_from_the_due_time_and_service_from_the_send() {
        let mut recorder = Recorder::new(WINDOW);
        recorder.record(&sample(1500, 200, 50));
        let figures = recorder.finish(Some(PerClass([0, 1, 0, 0])), &QUIET);
        assert_eq!(figures.whole.response.mean_us, 250_000.0);
        assert_eq!(figures.service.mean_us, 50_000.0);
        assert_eq!(figures.whole.lag.mean_us, 200_000.0);
    }

    #[test]
    fn the_warm_up_is_left_out_but_its_late_answers_count_as_throughput() {
        let mut recorder = Recorder::new(WINDOW);
        recorder.record(&sample(900, 0, 200));
        recorder.record(&sample(2900, 0, 200));
        let figures = recorder.finish(Some(PerClass([0, 1, 0, 0])), &QUIET);
        assert_eq!(figures.completed, 1);
        assert_eq!(figures.classes[&Class::Read].answered, 1);
        assert_eq!(figures.sent, 1);
    }

    #[test]
    fn a_disturbed_slice_is_in_no_response_time_but_counts_as_answered() {
        let mut recorder = Recorder::new(WINDOW);
        recorder.record(&sample(1050, 0, 900));
        recorder.record(&sample(2050, 0, 50));
        let mut disturbed = QUIET;
        disturbed[0] = true;
        let figures = recorder.finish(Some(PerClass([0, 2, 0, 0])), &disturbed);
        assert_eq!((figures.whole.response.count, figures.whole.response.mean_us), (1, 50_000.0));
        assert_eq!((figures.completed, figures.service.count), (2, 2));
        assert!(figures.whole.slices[0].disturbed && !figures.whole.slices[10].disturbed);
        let figures = recorder.finish(Some(PerClass([0, 2, 0, 0])), &[true; SLICES]);
        assert_eq!(figures.whole.response.count, 2);
    }

    #[test]
    fn failures_are_counted_by_kind_and_are_in_no_percentile() {
        let mut recorder = Recorder::new(WINDOW);
        recorder.record(&Sample { result: Err(Failure::Status), ..sample(1500, 0, 1) });
        recorder.record_unsent(Class::Read, 2_000_000_000);
        let figures = recorder.finish(Some(PerClass([0, 2, 0, 0])), &QUIET);
        assert_eq!(figures.failed, BTreeMap::from([("status".to_owned(), 1), ("unsent".to_owned(), 1)]));
        assert_eq!((figures.whole.response.count, figures.exhausted), (0, 1));
    }

    #[test]
    fn what_is_still_on_its_way_has_failed() {
        let mut recorder = Recorder::new(WINDOW);
        recorder.record(&sample(1500, 0, 50));
        let figures = recorder.finish(Some(PerClass([0, 3, 1, 0])), &QUIET);
        assert_eq!((figures.due, figures.completed, figures.exhausted), (4, 1, 3));
        assert_eq!(figures.failed, BTreeMap::from([("timeout".to_owned(), 3)]));
        assert_eq!([Class::Read, Class::Write].map(|class| figures.classes[&class].failed), [2, 1]);

        let mut closed = Recorder::new(WINDOW);
        closed.begin(Class::Read, 500_000_000);
        closed.begin(Class::Read, 1_500_000_000);
        let figures = closed.finish(None, &QUIET);
        assert_eq!((figures.due, figures.failed["timeout"]), (1, 1));
    }

    #[test]
    fn the_encoded_histogram_reads_back_whole() {
        let mut recorder = Recorder::new(WINDOW);
        (0..1000).for_each(|i| recorder.record(&sample(1000 + i, 0, i % 100)));
        let figures = recorder.finish(Some(PerClass([0, 1000, 0, 0])), &QUIET);
        let histogram = crate::histogram::decode(&figures.whole.response.hdr).unwrap();
        assert_eq!(histogram.len(), 1000);
        assert_eq!(histogram.value_at_quantile(0.95), figures.whole.response.p95_us);
        assert_eq!(figures.whole.slices.iter().map(|slice| slice.completed).sum::<u64>(), 1000);
    }
}
