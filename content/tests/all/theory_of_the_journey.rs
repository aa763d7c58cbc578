//! Theory against simulation, for every stage of the journey at its own load and at half of it: what theory says must
//! be near what the simulation finds, and where it says nothing it must say why.

use hockeystick_content::builtin;
use std::collections::BTreeMap;

use hockeystick_core::component::{Kind, Settings};
use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::{MeanCurve, response_curve, solve};
use hockeystick_core::units::Rate;

/// Days of a run, where there are days.
const DAYS: f64 = 8.0;
/// Backups of a run, where there are some: the first is begun only after the interval between two.
const ROUNDS: f64 = 12.0;
/// Requests of the longest run: where a backup is too rare to see many of, its share is too small to see as well.
const REQUESTS_MOST: f64 = 1e7;
/// How far theory may be from the simulation, as a share.
const THROUGHPUT: f64 = 0.03;
const MEAN: f64 = 0.10;
const P95: f64 = 0.15;
const UTILISATION: f64 = 0.03;
/// Utilisations this close are alike, however small they are.
const UTILISATION_POINTS: f64 = 0.01;
const HIT_RATIO_POINTS: f64 = 0.015;
/// Of times that nobody waits for.
const METRIC: f64 = 0.15;
/// Seconds: changes that share a write of the log come to a replica together, where theory has them come one by one.
const VISIBLE_POINTS: f64 = 0.0001;

fn stage(slug: &str, scale: f64) -> Stage {
    let mut stage = match builtin::stage(slug) {
        Some(Ok(stage)) => stage,
        Some(Err(errors)) => panic!("{errors}"),
        None => panic!("no stage {slug}"),
    };
    stage.faults.clear();
    // Theory describes tables as they are: one that grows has no steady state.
    for component in &mut stage.components {
        if let Settings::Database(database) = &mut component.settings {
            database.growth = 0.0;
        }
    }
    if slug == "20-many-regions" {
        // Over forty million requests would fill its caches; of so much fewer items in so much less room three million do.
        const SHRUNK: u64 = 50;
        stage.workload.popularity.items /= SHRUNK;
        for component in &mut stage.components {
            if let Settings::Cache(cache) = &mut component.settings {
                cache.entries /= SHRUNK as u32;
            }
        }
    }
    stage.workload.rate = Rate::per_second(stage.workload.rate.per_s() * scale);
    stage
}

fn simulated(stage: &Stage) -> Outcome {
    let rate_per_s = stage.workload.rate.per_s();
    let has = |kind: Kind| stage.components.iter().any(|component| component.settings.kind() == kind);
    // A cache must have been warm for long before it does what theory says.
    let requests = if has(Kind::Cache) || has(Kind::Cdn) { 3e6 } else { 600_000.0 };
    let mut seconds = (requests / rate_per_s).max(20.0);
    for component in &stage.components {
        if let Settings::Backup(backup) = &component.settings {
            let rounds_s = ROUNDS * backup.interval.as_secs_f64();
            seconds = seconds.max(if rounds_s * rate_per_s > REQUESTS_MOST { 0.0 } else { rounds_s });
        }
    }
    if let Some(day) = stage.workload.day {
        // What is cold at first is cold in a part of the first day alone.
        seconds = DAYS * day.length.as_secs_f64();
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
                if !near {
                    self.wrong.push(format!("{}: {name} {found} by simulation, {value} by theory", self.title));
                }
                if basis.is_empty() {
                    self.wrong.push(format!("{}: {name} rests on nothing", self.title));
                }
            }
        }
    }
}

/// Figures of both by name. Copies of which theory says the same are one row, with the simulation's mean over them.
fn together(
    simulated: &BTreeMap<String, Estimate>,
    theory: &BTreeMap<String, Estimate>,
) -> BTreeMap<String, (Estimate, Estimate)> {
    let mut rows: BTreeMap<String, (Estimate, Estimate)> = BTreeMap::new();
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for (name, told) in theory {
        let Some(found) = simulated.get(name) else { continue };
        let all = match name.split_once('#').map(|(id, rest)| (id, rest.split_once(' '))) {
            Some((id, Some((_, what)))) => format!("{id}#* {what}"),
            _ => name.clone(),
        };
        match rows.get(&all) {
            Some((_, same)) if same != told => drop(rows.insert(name.clone(), (found.clone(), told.clone()))),
            _ => {
                let sum = sums.entry(all.clone()).or_default();
                *sum = (sum.0 + found.known().unwrap_or(f64::NAN), sum.1 + 1.0);
                rows.insert(all, (Estimate::value(sum.0 / sum.1), told.clone()));
            }
        }
    }
    rows
}

fn compare(slug: &str, scale: f64, wrong: &mut Vec<String>) {
    let stage = stage(slug, scale);
    let (s, t) = (simulated(&stage), solve(&stage));
    let title = format!("{slug} at {:.1}/s", stage.workload.rate.per_s());
    println!("{title}");
    let mut table = Table { title, wrong };
    table.row("throughput", &s.throughput_per_s, &t.throughput_per_s, THROUGHPUT, 0.0);
    table.row("mean", &s.response_ms.mean, &t.response_ms.mean, MEAN, 0.0);
    table.row("p95", &s.response_ms.p95, &t.response_ms.p95, P95, 0.0);
    for (name, (found, told)) in together(&s.utilisation, &t.utilisation) {
        table.row(&name, &found, &told, UTILISATION, UTILISATION_POINTS);
    }
    for (name, (found, told)) in together(&s.metrics, &t.metrics) {
        let (share, points) = match name.rsplit(' ').next() {
            Some("hit_ratio") => (0.0, HIT_RATIO_POINTS),
            Some("visible_after") => (METRIC, VISIBLE_POINTS),
            _ => (METRIC, 0.0),
        };
        table.row(&name, &found, &told, share, points);
    }
}

/// Lays theory beside the simulation for these stages, at half of their load and at all of it.
fn agree(first: usize, last: usize) {
    let mut wrong = Vec::new();
    for slug in builtin::slugs().iter().skip(first - 1).take(last + 1 - first) {
        for scale in [0.5, 1.0] {
            compare(slug, scale, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// In parts, so that they can run side by side.

#[test]
fn theory_and_simulation_agree_on_stages_1_to_12() {
    agree(1, 12);
}

#[test]
fn theory_and_simulation_agree_on_stage_13() {
    agree(13, 13);
}

#[test]
fn theory_and_simulation_agree_on_stages_14_to_18() {
    agree(14, 18);
}

#[test]
fn theory_and_simulation_agree_on_stages_19_to_21() {
    agree(19, 21);
}

/// At ordinary loads a backup hardly shows. Where requests leave it little of the processors it lasts long, and its next one
/// begins late.
#[test]
fn a_backup_beside_many_requests_is_a_permanent_job() {
    let mut wrong = Vec::new();
    let ordinary = stage("02-backups", 1.0).workload.rate.per_s();
    for rate_per_s in [80.0, 114.0, 126.0] {
        compare("02-backups", rate_per_s / ordinary, &mut wrong);
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
    for slug in builtin::slugs() {
        let stage = stage(slug, 1.0);
        let rates: Vec<f64> = (1..=100).map(|step| stage.workload.rate.per_s() * f64::from(step) / 80.0).collect();
        let begun = std::time::Instant::now();
        let curve = response_curve(&stage, &rates);
        println!("{slug}: {:.1} ms for {} points", begun.elapsed().as_secs_f64() * 1e3, curve.len());
        assert_eq!(curve.len(), 100);
    }
}

/// A page holds a curve as a few points, and what it reads between them, from a hundredth of the capacity on, is what theory
/// says there.
#[test]
fn a_curve_of_few_points_is_the_whole_curve() {
    for slug in builtin::slugs() {
        let stage = stage(slug, 1.0);
        // Copies that come and go with the load make steps, which no line through a few points can follow.
        if stage.components.iter().any(|component| component.settings.kind() == Kind::Autoscaler) {
            continue;
        }
        let curve = MeanCurve::of(&stage, None, None);
        let loads: Vec<f64> = (6..600).map(|n| f64::from(n) / 600.0 * 0.95 * curve.bend_per_s()).collect();
        let points = response_curve(&stage, &loads);
        let mut worst = (0.0, 0.0);
        for point in &points {
            let (Some(exact), Some(read)) = (point.mean_ms, curve.at(point.rate_per_s)) else { continue };
            let off = (read / exact - 1.0).abs();
            if off > worst.0 {
                worst = (off, point.rate_per_s / curve.bend_per_s());
            }
        }
        let (off, load) = (worst.0 * 100.0, worst.1 * 100.0);
        println!("{slug}: at most {off:.2} % off, at {load:.0} % of the capacity");
        assert!(worst.0 < 0.02, "{slug}: {worst:?}");
    }
}
