//! The timeline under a board: what was broken and turned when, how long requests failed, and the way back.

use hockeystick_core::figure::title;
use hockeystick_core::number::{fixed, short, within};
use hockeystick_core::stage::Stage;
use web_sys::Event;

use super::Figure;
use super::dom::{El, button, el, value_of};
use super::handle::{Change, Sample};
use super::live::Live;
use super::numbers::decimal;
use crate::charts::number::moment;

/// Lengths of the timeline, in simulated seconds: the least that holds the run.
const LENGTHS: [f64; 13] =
    [10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 3_600.0, 7_200.0, 21_600.0, 86_400.0, 604_800.0];
/// A share of failed requests that is trouble.
const TROUBLE: f64 = 0.01;
/// Most entries; what is older goes.
const MOST: usize = 200;
/// Steps of the slider.
const STEPS: f64 = 400.0;
/// The same knob turned again within so many simulated seconds was turned once; a second is that much at speed 1.
const SAME_S: f64 = 1.0;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    /// A knob was turned.
    Turned(String),
    /// Something broke: what, and for how long; 0 until it is repaired.
    Broke(String, f64),
    /// Everything was repaired.
    Mended,
}

/// All that happened in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Log {
    entries: Vec<(f64, Happened)>,
    /// Stretches in which requests failed.
    failing: Vec<(f64, f64)>,
    /// As far as the run ever was.
    furthest_s: f64,
}

impl Log {
    /// The faults that the stage itself has in store.
    pub(crate) fn of(stage: &Stage) -> Self {
        let planned = stage.faults.iter().map(|fault| {
            let label = format!("{} {}", title(&stage.target_name(&fault.on)), fault.kind.words());
            let lasts = fault.lasts.map_or(0.0, |lasts| lasts.as_secs_f64());
            (fault.at.as_secs_f64(), Happened::Broke(label, lasts))
        });
        Self { entries: planned.collect(), ..Self::default() }
    }

    /// Adds what happens at an instant. What was turned later is forgotten, as the run forgets it; what broke later
    /// breaks again.
    pub(crate) fn add(&mut self, at_s: f64, what: Happened) {
        if let Happened::Turned(name) = &what {
            self.entries.retain(|(at, entry)| *at <= at_s || !matches!(entry, Happened::Turned(_)));
            let again = |(at, entry): &mut (f64, Happened)| match entry {
                Happened::Turned(other) => other == name && at_s - *at < SAME_S,
                _ => false,
            };
            if self.entries.iter_mut().any(again) {
                return;
            }
        }
        self.failing.retain(|(from, _)| *from < at_s);
        self.entries.push((at_s, what));
        if self.entries.len() > MOST {
            self.entries.remove(0);
        }
    }

    /// Takes in what was measured. True when there is more to show.
    fn hear(&mut self, sample: &Sample) -> bool {
        let (from, to) = (sample.at_s - sample.seconds, sample.at_s);
        let longer = self.length_s() < to;
        self.furthest_s = self.furthest_s.max(to);
        let failed = sample.failures() as f64;
        if failed < 1.0 || failed < TROUBLE * (failed + sample.completed as f64) {
            return longer;
        }
        let near_s = self.length_s() / 150.0;
        match self.failing.iter_mut().find(|(a, b)| from <= *b + near_s && to >= *a - near_s) {
            Some((a, b)) if *a <= from && *b >= to => return longer,
            Some((a, b)) => (*a, *b) = (a.min(from), b.max(to)),
            None => self.failing.push((from, to)),
        }
        if self.failing.len() > MOST {
            self.failing.remove(0);
        }
        true
    }

    fn length_s(&self) -> f64 {
        let planned = self.entries.iter().filter_map(|(at, entry)| match entry {
            Happened::Broke(_, lasts) => Some(at + lasts),
            _ => None,
        });
        let least = planned.fold(self.furthest_s, f64::max);
        LENGTHS.into_iter().find(|length| *length >= least).unwrap_or(least)
    }

    /// When a fault that lasts until it is repaired ends.
    fn mended_after(&self, at_s: f64) -> Option<f64> {
        let mended = self.entries.iter().filter(|(at, entry)| *at >= at_s && *entry == Happened::Mended);
        mended.map(|(at, _)| *at).min_by(f64::total_cmp)
    }
}

/// The timeline of a figure.
pub(crate) fn timeline(figure: Figure) -> El {
    let view = figure.view;
    listen(figure);
    let held = Live::new(None::<f64>);
    let length = move || view.log.with(Log::length_s);
    let now = move || held.get().unwrap_or_else(|| view.strip.with(|it| it.at_s));
    let at = move |event: &Event| decimal(&value_of(event)).map(|step| step / STEPS * length());
    let seek = move |to_s: f64| {
        held.set(None);
        figure.with(|running| running.seek(to_s));
        view.said.set(format!("To {} of the run.", moment(to_s)));
    };
    let slider = el("input", "")
        .attr("type", "range")
        .attr("min", "0")
        .attr("max", &fixed(STEPS, 0))
        .attr("aria-label", "Time of the run; going back runs it again to there")
        .live_value(move || fixed(now() / length() * STEPS, 0))
        .live_attr("aria-valuetext", move || moment(now()))
        .on("input", move |event: Event| held.set(at(&event)))
        .on("change", move |event: Event| {
            if let Some(to_s) = at(&event) {
                seek(to_s);
            }
        });
    let track = el("div", "track").live_child(move || Some(marks(view.log))).child(slider);
    let words = move || match view.seeking.get() {
        Some(share) => format!("running there … {}\u{a0}%", fixed(within(share, 0.0, 1.0) * 100.0, 0)),
        None => format!("{} of {}", moment(now()), moment(length())),
    };
    let start = button("button", "From the start")
        .attr("title", "Runs the same again, with all that was turned and broken")
        .on_click(move || seek(0.0));
    el("div", "timeline")
        .attr("role", "group")
        .attr("aria-label", "Timeline")
        .live_class("seeking", move || view.seeking.with(Option::is_some))
        .child(el("span", "knob-name").text("Timeline"))
        .child(track)
        .child(el("output", "").live_text(words))
        .child(start)
}

/// Keeps the log.
fn listen(figure: Figure) {
    let log = figure.view.log;
    figure.drive(|handle| {
        log.set(handle.with_stage(Log::of));
        let changed = handle.on_change(move |handle, change| {
            let entry = match change {
                Change::Restarted => return log.set(handle.with_stage(Log::of)),
                Change::Knob(path) if !path.is_empty() => Happened::Turned(title(&path.replace('.', " "))),
                Change::Broken(what) => Happened::Broke(what.label.clone(), what.lasts_s),
                Change::Mended => Happened::Mended,
                _ => return,
            };
            figure.with(|running| log.update(|log| log.add(running.run_s(), entry)));
        });
        let measured = handle.on_sample(move |sample| {
            let mut heard = log.get_untracked();
            if heard.hear(sample) {
                log.set(heard);
            }
        });
        leptos::prelude::StoredValue::new_local((changed, measured));
    });
}

/// The marks on the track: faults as bars, turned knobs as ticks, failing requests as a line below.
fn marks(log: Live<Log>) -> El {
    log.with(|log| {
        let length = log.length_s();
        let place = |element: El, from: f64, to: f64| {
            let style = element.html().style();
            let percent = |share: f64| format!("{}%", short(within(share, 0.0, 1.0) * 100.0, 2));
            let _ = style.set_property("left", &percent(from / length));
            let _ = style.set_property("width", &percent((to - from) / length));
            element
        };
        let mark = |(at, entry): &(f64, Happened)| {
            let (class, words, to) = match entry {
                Happened::Turned(name) => ("turned", format!("{name} turned"), *at),
                Happened::Mended => ("mended", "repaired".to_owned(), *at),
                Happened::Broke(label, lasts) => {
                    let ends = if *lasts > 0.0 { at + lasts } else { length };
                    let ends = log.mended_after(*at).map_or(ends, |mended| ends.min(mended));
                    ("broke", label.clone(), ends)
                }
            };
            let words = format!("{words}, at {}", moment(*at));
            place(el("li", class).attr("title", &words).child(el("span", "").text(&words)), *at, to)
        };
        let failing = log.failing.iter().map(|(from, to)| {
            let words = format!("Requests fail from {} to {}", moment(*from), moment(*to));
            place(el("li", "failing").attr("title", &words).child(el("span", "unseen").text(&words)), *from, *to)
        });
        el("ul", "marks").children(log.entries.iter().map(mark)).children(failing)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(from: f64, to: f64) -> Sample {
        let failed = vec![("refused", 5)];
        Sample { at_s: to, seconds: to - from, completed: 5, failed, ..Sample::default() }
    }

    #[test]
    fn what_is_turned_in_the_past_undoes_what_was_turned_later_and_no_fault() {
        let mut log = Log::default();
        log.add(5.0, Happened::Turned("Pool".into()));
        log.add(6.0, Happened::Broke("App down".into(), 2.0));
        log.add(2.0, Happened::Turned("Rate".into()));
        let left: Vec<_> = log.entries.iter().map(|(at, _)| *at).collect();
        assert_eq!(left, [6.0, 2.0]);
    }

    #[test]
    fn failing_stretches_that_touch_are_one() {
        let mut log = Log::default();
        assert!(log.hear(&failing(1.0, 1.25)));
        assert!(log.hear(&failing(1.25, 1.5)));
        assert!(!log.hear(&failing(1.25, 1.5)), "heard again after going back, it says nothing new");
        assert_eq!(log.failing, [(1.0, 1.5)]);
    }
}
