//! A view on a thread of its own: drawing takes longer than the time between two requests, and a terminal or a pipe that
//! nobody reads blocks whoever writes to it. The thread that sends must do neither.
//!
//! The run puts events on a channel and goes on; no lock is shared. A view that is slow misses looks at a step under way,
//! which are out of date by then, and nothing else.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use hockeystick_core::measurement::{Ended, Step};
use jiff::Timestamp;

use crate::plan::PlannedStep;
use crate::run::{Progress, View};

/// What a run tells, as [`View`] has it. Steps are counted from 1.
#[derive(Debug)]
pub enum Event {
    /// A step waits for its time to begin.
    Waits(usize, Timestamp),
    /// A step begins: its number, how many there are, what is planned.
    Begins(usize, usize, PlannedStep),
    /// A step runs.
    Goes(Box<Progress>),
    /// A step is over.
    Ended(usize, Box<Step>),
    /// A step is measured again, for this reason.
    Again(usize, String),
    /// A step is left out, for this reason.
    Missed(usize, String),
    /// The results cannot be written for now, for this reason.
    Unwritten(String),
    /// The run is over, and how it ended.
    Over(Ended),
}

/// Shows what a run tells, however long that takes.
pub trait Show: Send + 'static {
    /// Shows one event; they come in the order in which they happened.
    fn show(&mut self, event: Event);
}

/// Hands what a run tells to a thread that shows it.
#[derive(Debug)]
pub struct Apart {
    events: Option<Sender<Event>>,
    /// A look at a step under way is on the channel.
    pending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Apart {
    /// Starts the thread, which calls `place` first: to keep to the processors that are meant for it.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn new(mut inner: impl Show, place: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (events, shown) = mpsc::channel();
        let pending = Arc::new(AtomicBool::new(false));
        let taken = Arc::clone(&pending);
        let thread = std::thread::Builder::new().name("view".to_owned()).spawn(move || {
            place();
            for event in shown {
                if matches!(event, Event::Goes(_)) {
                    taken.store(false, Ordering::Relaxed);
                }
                inner.show(event);
            }
        })?;
        Ok(Self { events: Some(events), pending, thread: Some(thread) })
    }

    fn tell(&self, event: Event) {
        if let Some(events) = &self.events {
            // A view that is gone is no reason to end a measurement.
            let _ = events.send(event);
        }
    }
}

impl View for Apart {
    fn waits(&self, number: usize, until: Timestamp) {
        self.tell(Event::Waits(number, until));
    }

    fn step_begins(&self, number: usize, of: usize, step: &PlannedStep) {
        self.tell(Event::Begins(number, of, step.clone()));
    }

    fn progress(&self, progress: &Progress) {
        if !self.pending.swap(true, Ordering::Relaxed) {
            self.tell(Event::Goes(Box::new(progress.clone())));
        }
    }

    fn step_ends(&self, number: usize, step: &Step) {
        self.tell(Event::Ended(number, Box::new(step.clone())));
    }

    fn step_repeats(&self, number: usize, reason: &str) {
        self.tell(Event::Again(number, reason.to_owned()));
    }

    fn step_missed(&self, number: usize, reason: &str) {
        self.tell(Event::Missed(number, reason.to_owned()));
    }

    fn cannot_write(&self, reason: &str) {
        self.tell(Event::Unwritten(reason.to_owned()));
    }

    fn ends(&self, ended: &Ended) {
        self.tell(Event::Over(ended.clone()));
    }
}

impl Drop for Apart {
    /// Waits until everything was shown, so that what is written next comes after it.
    fn drop(&mut self) {
        drop(self.events.take());
        if let Some(thread) = self.thread.take() {
            // It panicked, and has said so.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::Receiver;

    /// Shows nothing until it is let go, then notes what it was shown.
    struct Blocked {
        go: Receiver<()>,
        seen: Sender<String>,
    }

    impl Show for Blocked {
        fn show(&mut self, event: Event) {
            let _ = self.go.recv();
            let name = match event {
                Event::Goes(progress) => format!("second {}", progress.elapsed_s),
                other => format!("{other:?}"),
            };
            let _ = self.seen.send(name);
        }
    }

    fn progress(elapsed_s: f64) -> Progress {
        Progress {
            elapsed_s,
            completed: 0,
            failed: 0,
            failures: Vec::new(),
            exhausted: 0,
            in_flight: 0,
            offered_per_s: 0.0,
            answers_per_s: 0.0,
            percentiles_ms: [None; 3],
            lag_ms: [None; 2],
            errors: None,
        }
    }

    #[test]
    fn a_view_that_blocks_keeps_nobody_waiting_and_misses_only_looks_that_are_out_of_date() {
        let (let_go, go) = mpsc::channel();
        let (seen, shown) = mpsc::channel();
        let view = Apart::new(Blocked { go, seen }, || ()).unwrap();
        view.step_missed(1, "late");
        // Were any of these shown here, this test would not end.
        (1..=1000_u32).for_each(|second| view.progress(&progress(second.into())));
        view.step_repeats(2, "disturbed");
        view.ends(&Ended::Complete);
        drop(let_go);
        drop(view);
        let shown: Vec<String> = shown.iter().collect();
        assert_eq!(shown, ["Missed(1, \"late\")", "second 1", "Again(2, \"disturbed\")", "Over(Complete)"]);
    }
}
