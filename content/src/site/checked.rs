//! "How it is checked": what the model's figures are held against, and one comparison made while the site is built.

use hockeystick_core::outcome::Estimate;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::theory::solve;
use hockeystick_core::units::Rate;
use maud::{Markup, html};

use crate::{builtin, show, stage};

/// Requests of each run: an interval of a few per cent where hardly any wait, and wider where many do.
const REQUESTS: f64 = 300_000.0;
/// Loads, in requests a second, of a processor that can do ten.
const RATES: [f64; 5] = [2.0, 5.0, 8.0, 9.0, 9.5];

pub(super) fn section() -> Markup {
    html! {
        section.checked aria-labelledby="checked" {
            h2 #checked { "How it is checked" }
            p {
                "A simulation can be wrong in ways that look right. So every part of this one is held against something \
                 that was not made by us, each time the program is tested."
            }
            h3 { "Against exact theory" }
            p {
                "For some queues the mean response time is known exactly. Six of them (M/M/1, M/M/4, M/D/1, M/G/1 with \
                 little and with much variation, and processor sharing) are simulated at 30, 50, 80 and 90 % load, until \
                 the 99 % interval of the mean is narrower than one per cent; the exact value must lie inside."
            }
            (table())
            h3 { "Against approximations, for all 21 stages" }
            p {
                "A whole board has no exact answer, but good approximations: Che’s for caches, mean-value analysis for \
                 networks, Erlang’s formulas and their kin for queues. Theory and simulation of every stage, at its own \
                 load and at half of it, must agree within 3 % in throughput and utilisation, 10 % in the mean and 15 % \
                 in p95. Where theory does not apply, the page says so instead of drawing a line."
            }
            h3 { "Against itself" }
            p {
                "Requests never get lost: at every instant, arrived = completed + failed + in flight. The same seed gives \
                 the same run to the bit, in a browser and in a program. The time of every single request is the sum of \
                 its waits, its work and its ways."
            }
            h3 { "Against real servers" }
            p {
                code { "loadgen" } " drives a deployment at rising loads, fits the demands of the model to the lighter ones, \
                 predicts the heavier ones, and compares: the prediction must lie within 3 % of the throughput that is \
                 measured, 10 % of the mean and 15 % of p95. A measurement that contradicts itself, by a generator that \
                 was late or by utilisations that do not add up, is refused rather than explained. "
                code { "cargo xtask demo" } " shows all of it in about two and a half minutes, on any machine."
            }
        }
    }
}

/// Theory and simulation of the first lesson's queue.
fn table() -> Markup {
    let Some(rows) = rows() else { return html! {} };
    html! {
        p {
            "This table was made while the site was built. The queue is that of the first lesson: 100 ms of work for a \
             processor that is shared, and 100 ms of road."
        }
        div.table {
            table {
                thead { tr {
                    th { "Requests a second" } th { "Busy" } th { "Mean, exactly" } th { "Mean, simulated (95 % interval)" }
                } }
                tbody {
                    @for row in &rows {
                        tr { td { (row.rate) } td { (row.busy) } td { (row.exact) } td { (row.simulated) } }
                    }
                }
            }
        }
    }
}

struct Row {
    rate: String,
    busy: String,
    exact: String,
    simulated: String,
}

/// None when the lesson has no such queue any more, or theory calls it an approximation.
fn rows() -> Option<Vec<Row>> {
    let (slug, file) = ("01-single-server", "chance.toml");
    let text = builtin::text(slug, file)?;
    let queue = stage::read(text, &builtin::path(slug, file), &builtin::catalogue()).ok()?;
    let row = |rate: f64| {
        let mut stage = queue.clone();
        stage.workload.rate = Rate::per_second(rate);
        let Estimate::Known { value: exact, basis, .. } = solve(&stage).response_ms.mean else { return None };
        basis.filter(|basis| basis == "exact")?;
        let options = RunOptions { seconds: REQUESTS / rate, ..RunOptions::default() };
        let simulated = run(&stage, &options, &mut |_| {}).ok()?.outcome.response_ms.mean;
        let Estimate::Known { value, low, high, .. } = simulated else { return None };
        let ms = |value: f64| format!("{} ms", show::significant(value));
        Some(Row {
            rate: show::significant(rate),
            busy: format!("{} %", show::significant(rate * 10.0)),
            exact: ms(exact),
            simulated: format!("{} ({} to {})", ms(value), ms(low?), ms(high?)),
        })
    };
    RATES.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comparison_of_the_page_can_be_made() {
        assert_eq!(rows().map(|rows| rows.len()), Some(RATES.len()));
    }
}
