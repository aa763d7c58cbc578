//! Two stages against one another: the difference of each figure, with its interval, as a sentence.

use hockeystick_content::show::{dollars, significant};
use hockeystick_core::contrast::{Compared, Contrast, Difference, Direction, busiest};
use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::{Problem, Stage};
use hockeystick_protocol::sentences;
use maud::{Markup, html};

use crate::shown::{self, signed};

/// Pairs of runs, settled beforehand: see [`contrast`](hockeystick_core::contrast).
const RUNS: u64 = 20;

/// Requests of each run, about: enough for a percentile.
const REQUESTS: f64 = 20_000.0;
/// Shortest and longest run, in simulated seconds.
const SECONDS: [f64; 2] = [30.0, 900.0];

/// Two stages, and their runs so far.
#[derive(Debug)]
pub(crate) struct Compare {
    stages: [Stage; 2],
    seed: u64,
    seconds: f64,
    contrast: Contrast,
    /// The busiest station of each in the last run.
    busiest: [String; 2],
}

impl Compare {
    /// Two stages, both run from `seed` on.
    pub(crate) fn new(a: Stage, b: Stage, seed: u64) -> Result<Self, String> {
        for (stage, name) in [(&a, "A"), (&b, "B")] {
            let problems = stage.check();
            if !problems.is_empty() {
                return Err(cannot_run(name, &problems));
            }
        }
        let rate_per_s = a.workload.rate.per_s().max(b.workload.rate.per_s()).max(1e-3);
        let seconds = (REQUESTS / rate_per_s).clamp(SECONDS[0], SECONDS[1]);
        Ok(Self { stages: [a, b], seed, seconds, contrast: Contrast::default(), busiest: Default::default() })
    }

    /// Runs both once more; none when all runs are done.
    pub(crate) fn replicate(&mut self) -> Result<Option<String>, String> {
        let done = self.contrast.runs() as u64;
        if done == RUNS {
            return Ok(None);
        }
        let options = RunOptions { seed: self.seed.wrapping_add(done), seconds: self.seconds, ..RunOptions::default() };
        let outcome = |stage: &Stage, name: &str| -> Result<Outcome, String> {
            run(stage, &options, &mut |_| {}).map(|run| run.outcome).map_err(|problems| cannot_run(name, &problems))
        };
        let [a, b] = [outcome(&self.stages[0], "A")?, outcome(&self.stages[1], "B")?];
        self.contrast.add(&a, &b);
        self.busiest = [&a, &b].map(|outcome| busiest(outcome).map_or_else(String::new, |(name, _)| name.to_owned()));
        Ok(Some(self.shown().into_string()))
    }

    fn shown(&self) -> Markup {
        let done = self.contrast.runs();
        html! {
            p.compare-runs {
                @if (done as u64) < RUNS { "Run " (done) " of " (RUNS) ": the intervals are still narrowing." }
                @else { (RUNS) " runs of each, " (significant(self.seconds)) " simulated seconds long, seeds "
                    (self.seed) " to " (self.seed.wrapping_add(RUNS - 1)) "." }
            }
            ul.compare-sentences {
                @for what in [Compared::P95, Compared::Mean, Compared::Failed, Compared::Throughput, Compared::Busiest] {
                    li { (self.sentence(what)) }
                }
                li { (self.price()) }
            }
            div.check-scroll role="region" aria-label="Every figure of both boards" tabindex="0" {
                table.check-table.compare-table {
                    thead { tr {
                        th scope="col" { "Figure" } th scope="col" { "A" } th scope="col" { "B" }
                        th scope="col" { "B − A" } th scope="col" { "95 % interval" }
                    } }
                    tbody { @for what in Compared::ALL { (self.row(what)) } }
                }
            }
        }
    }

    fn row(&self, what: Compared) -> Markup {
        let Scale { name, unit, apart, factor } = Scale::of(what);
        let number = |value: f64| shown::figure(value * factor, unit);
        html! {
            tr {
                th scope="row" { (name) }
                @match self.contrast.difference(what) {
                    None => td colspan="4" { "none on one side: nothing was answered" },
                    Some(Difference { before, after, by, .. }) => {
                        td { (number(before)) } td { (number(after)) } td { (shown::figure(by.value * factor, apart)) }
                        td { @if by.is_bounded() { (shown::range(by.low * factor, by.high * factor, apart)) } @else { "–" } }
                    }
                }
            }
        }
    }

    /// `p95 falls by 41 ms, between 38 and 44.`
    fn sentence(&self, what: Compared) -> Markup {
        let Scale { name, unit, apart, factor } = Scale::of(what);
        let Some(difference) = self.contrast.difference(what) else {
            return html! { b { (name) } ": no comparison, for one of the two answers nothing." };
        };
        let Difference { before, after, by, replications } = difference;
        let verb = match difference.direction() {
            Direction::Rises => "rises",
            Direction::Falls => "falls",
            Direction::Same => {
                return html! { b { (name) } " is the same in every run: " (shown::figure(before * factor, unit)) "." };
            }
            Direction::Untold if replications < 2 => return html! { b { (name) } ": one run tells nothing yet." },
            Direction::Untold => {
                return html! {
                    b { (name) } ": no difference can be told from " (replications) " runs; it lies between "
                    (signed(by.low * factor)) " and " (shown::figure(by.high * factor, apart)) "."
                };
            }
        };
        let size = |value: f64| significant(value.abs() * factor);
        let (near, far) = if by.value < 0.0 { (by.high, by.low) } else { (by.low, by.high) };
        html! {
            b { (name) } " " (verb) " by " b { (size(by.value)) " " (apart) } ", between " (size(near)) " and " (size(far))
            ": from " (shown::figure(before * factor, unit)) " to " (shown::figure(after * factor, unit))
            @if what == Compared::Busiest && self.busiest[0] != self.busiest[1] {
                " (in A that is " (self.busiest[0]) ", in B " (self.busiest[1]) ")"
            } @else if what == Compared::Busiest { " (" (self.busiest[0]) ")" }
            "."
        }
    }

    /// Machines have a price, not an interval.
    fn price(&self) -> Markup {
        let [a, b] = self.stages.each_ref().map(Stage::price_per_month);
        let by = b - a;
        html! {
            b { "The machines’ price" }
            @if by.abs() < 0.005 { " is the same: " (dollars(a)) " a month." }
            @else {
                @if by > 0.0 { " rises by " } @else { " falls by " }
                b { (dollars(by.abs())) } " a month: from " (dollars(a)) " to " (dollars(b)) "."
            }
        }
    }
}

/// How a figure is written.
struct Scale {
    name: &'static str,
    unit: &'static str,
    /// The unit of a difference: that of two shares is told in points.
    apart: &'static str,
    factor: f64,
}

impl Scale {
    const fn of(what: Compared) -> Self {
        let (name, unit, factor) = match what {
            Compared::Throughput => ("Throughput", "/s", 1.0),
            Compared::Failed => ("Share that fails", "%", 100.0),
            Compared::Mean => ("Mean response time", "ms", 1.0),
            Compared::P50 => ("p50", "ms", 1.0),
            Compared::P95 => ("p95", "ms", 1.0),
            Compared::P99 => ("p99", "ms", 1.0),
            Compared::Busiest => ("The busiest station", "%", 100.0),
        };
        let apart = if factor == 1.0 { unit } else { "points" };
        Self { name, unit, apart, factor }
    }
}

fn cannot_run(name: &str, problems: &[Problem]) -> String {
    format!("Board {name} cannot run. {}", sentences(problems))
}
