//! Theory against simulation, for every stage of the journey at its own load and at half of it: what theory says must
//! be near what the simulation finds, and where it says nothing it must say why.

use hockeystick_content::builtin;
use hockeystick_core::component::Kind;
use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::{MeanCurve, response_curve, solve};
use hockeystick_core::units::Rate;

/// How far theory may be from the simulation, as a share.
const THROUGHPUT: f64 = 0.03;
const MEAN: f64 = 0.10;
const P95: f64 = 0.15;
const UTILISATION: f64 = 0.03;
/// Utilisations this close are alike, however small they are.
const UTILISATION_POINTS: f64 = 0.01;

fn stage(slug: &str, scale: f64) -> Stage {
    let mut stage = match builtin::stage(slug) {
        Some(Ok(stage)) => stage,
        Some(Err(errors)) => panic!("{errors}"),
        None => panic!("no stage {slug}"),
    };
    stage.faults.clear();
    stage.workload.rate = Rate::per_second(stage.workload.rate.per_s() * scale);
    stage
}

fn simulated(stage: &Stage) -> Outcome {
    let rate_per_s = stage.workload.rate.per_s();
    let has = |kind: Kind| stage.components.iter().any(|component| component.settings.kind() == kind);
    // A cache must have been warm for long before it does what theory says.
    let requests = if has(Kind::Cache) || has(Kind::Cdn) { 3e6 } else { 600_000.0 };
    let mut seconds = (requests / rate_per_s).max(20.0);
    if let Some(day) = stage.workload.day {
        seconds = 2.0 * day.length.as_secs_f64();
    }
    let options = RunOptions { seed: 1, seconds, ..RunOptions::default() };
    run(stage, &options, &mut |_| ()).unwrap_or_else(|problems| panic!("{problems:#?}")).outcome
}

/// Lays one figure beside the other, and says whether they are too far apart.
struct Table<'a> {
    title: String,
    wrong: &'a mut Vec<String>,
}

impl Table<'_> {
    fn row(&mut self, name: &str, simulated: &Estimate, theory: &Estimate, share: f64, points: f64) {
        let Some(found) = simulated.known() else { return };
        match theory {
            Estimate::NotApplicable { not_applicable } => {
                println!("  {name:26} {found:12.4}           -  {not_applicable}");
                if not_applicable.is_empty() {
                    self.wrong.push(format!("{}: {name} has neither a figure nor a reason", self.title));
                }
            }
            Estimate::Known { value, low, high, basis } => {
                let basis = basis.as_deref().unwrap_or_default();
                println!("  {name:26} {found:12.4} {value:12.4} {:+6.1} %  {basis}", 100.0 * (value / found - 1.0));
                let (low, high) = (low.unwrap_or(*value), high.unwrap_or(*value));
                let near = found >= low * (1.0 - share) - points && found <= high * (1.0 + share) + points;
                // Theory says itself what it leaves out; then the bound does not hold.
                if !near && !basis.contains("left out") {
                    self.wrong.push(format!("{}: {name} {found} by simulation, {value} by theory", self.title));
                }
                if basis.is_empty() {
                    self.wrong.push(format!("{}: {name} rests on nothing", self.title));
                }
            }
        }
    }
}

fn compare(slug: &str, scale: f64, wrong: &mut Vec<String>) {
    let stage = stage(slug, scale);
    let (s, t) = (simulated(&stage), solve(&stage));
    let title = format!("{slug} at {:.1}/s", stage.workload.rate.per_s());
    println!("{title}");
    // The warm-up that a run leaves out of its figures is a piece of a day, which then lacks it.
    let day = if stage.workload.day.is_some() { 0.05 } else { 0.0 };
    // Three million requests are not enough to fill the caches of the largest stage: what lies behind them is busier.
    let cold = if slug == "20-many-regions" { 0.04 } else { 0.0 };
    let mut table = Table { title, wrong };
    table.row("throughput", &s.throughput_per_s, &t.throughput_per_s, THROUGHPUT + day, 0.0);
    table.row("mean", &s.response_ms.mean, &t.response_ms.mean, MEAN, 0.0);
    table.row("p95", &s.response_ms.p95, &t.response_ms.p95, P95, 0.0);
    for (name, found) in &s.utilisation {
        // Copies are alike; the first stands for all.
        if let Some(told) = t.utilisation.get(name).filter(|_| !name.contains('#') || name.contains("#1 ")) {
            table.row(name, found, told, UTILISATION + day, UTILISATION_POINTS + cold);
        }
    }
    for (name, told) in &t.metrics {
        if let Some(found) = s.metrics.get(name).filter(|_| !name.contains('#') || name.contains("#1 ")) {
            table.row(name, found, told, 0.10, 0.03 + 2.0 * cold);
        }
    }
}

#[test]
fn theory_and_simulation_agree_on_every_stage() {
    let mut wrong = Vec::new();
    for slug in builtin::slugs() {
        for scale in [0.5, 1.0] {
            compare(slug, scale, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Users who wait for their answers: the simulation of the same network.
#[test]
fn users_who_wait_are_solved_by_mean_value_analysis() {
    use hockeystick_core::units::Duration;
    use hockeystick_core::workload::{Closed, Demand};
    let mut wrong = Vec::new();
    for (slug, users) in [("01-single-server", 40), ("01-single-server", 140), ("09-load-balancer", 600)] {
        let mut stage = stage(slug, 1.0);
        stage.workload.closed = Some(Closed { users, think: Demand::exponential(Duration::from_s(1)) });
        let options = RunOptions { seed: 1, seconds: 4_000.0, ..RunOptions::default() };
        let s = run(&stage, &options, &mut |_| ()).unwrap_or_else(|problems| panic!("{problems:#?}")).outcome;
        let t = solve(&stage);
        println!("{slug}, {users} users");
        let mut table = Table { title: format!("{slug}, {users} users"), wrong: &mut wrong };
        table.row("throughput", &s.throughput_per_s, &t.throughput_per_s, THROUGHPUT, 0.0);
        table.row("mean", &s.response_ms.mean, &t.response_ms.mean, MEAN, 0.0);
        table.row("p95", &s.response_ms.p95, &t.response_ms.p95, P95, 0.0);
        for (name, told) in &t.utilisation {
            table.row(name, &s.utilisation[name], told, UTILISATION, UTILISATION_POINTS);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The page draws a curve while a knob is turned. Printed, for the machine that runs tests is not a reader's.
#[test]
fn a_curve_is_cheap() {
    for slug in ["11-cache", "12-cdn", "20-many-regions"] {
        let stage = stage(slug, 1.0);
        let rates: Vec<f64> = (1..=100).map(|step| stage.workload.rate.per_s() * f64::from(step) / 80.0).collect();
        let begun = std::time::Instant::now();
        let curve = response_curve(&stage, &rates);
        println!("{slug}: {:.1} ms for {} points", begun.elapsed().as_secs_f64() * 1e3, curve.len());
        assert_eq!(curve.len(), 100);
    }
}

/// A page holds a curve as a few points, and what it reads between them is what theory says there.
#[test]
fn a_curve_of_few_points_is_the_whole_curve() {
    for slug in builtin::slugs() {
        let stage = stage(slug, 1.0);
        // Copies that come and go with the load make steps, which no line through a few points can follow.
        if stage.components.iter().any(|component| component.settings.kind() == Kind::Autoscaler) {
            continue;
        }
        let curve = MeanCurve::of(&stage, None, None);
        let loads: Vec<f64> = (1..60).map(|n| f64::from(n) / 60.0 * 0.97 * curve.bend_per_s()).collect();
        let mut worst = (0.0, 0.0);
        for point in response_curve(&stage, &loads) {
            let (Some(exact), Some(read)) = (point.mean_ms, curve.at(point.rate_per_s)) else { continue };
            let off = (read / exact - 1.0).abs();
            if off > worst.0 {
                worst = (off, point.rate_per_s / curve.bend_per_s());
            }
        }
        println!("{slug}: at most {:.2} % off, at {:.0} % of the capacity", worst.0 * 100.0, worst.1 * 100.0);
        assert!(worst.0 < 0.01, "{slug}: {worst:?}");
    }
}
