//! Theory against simulation, for every stage of the journey at its own load and at half of it: what theory says must
//! be near what the simulation finds, and where it says nothing it must say why.

use hockeystick_content::builtin;
use hockeystick_core::outcome::Estimate;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::solve;
use hockeystick_core::units::Rate;

#[test]
fn print_all() {
    for slug in builtin::slugs() {
        for scale in [0.5, 1.0] {
            let mut stage = builtin::stage(slug).unwrap().unwrap();
            stage.faults.clear();
            stage.workload.rate = Rate::per_second(stage.workload.rate.per_s() * scale);
            compare(slug, &stage);
        }
    }
}

fn compare(slug: &str, stage: &Stage) {
    let rate = stage.workload.rate.per_s();
    let seconds = (600_000.0 / rate).clamp(20.0, 2000.0);
    let options = RunOptions { seed: 1, seconds, ..RunOptions::default() };
    let simulated = run(stage, &options, &mut |_| ()).unwrap().outcome;
    let theory = solve(stage);
    println!("== {slug} {rate:.1}/s");
    let row = |name: &str, s: &Estimate, t: &Estimate, scale: f64| {
        let s = s.known().map_or(f64::NAN, |x| x * scale);
        match t {
            Estimate::Known { value, basis, .. } => println!(
                "{name:24} {s:10.3} {:10.3} {:7.1}%  {}",
                value * scale,
                100.0 * (value * scale / s - 1.0),
                basis.clone().unwrap_or_default()
            ),
            Estimate::NotApplicable { not_applicable } => println!("{name:24} {s:10.3} -- {not_applicable}"),
        }
    };
    row("throughput", &simulated.throughput_per_s, &theory.throughput_per_s, 1.0);
    row("mean", &simulated.response_ms.mean, &theory.response_ms.mean, 1.0);
    row("p95", &simulated.response_ms.p95, &theory.response_ms.p95, 1.0);
    for (name, s) in &simulated.utilisation {
        if let Some(t) = theory.utilisation.get(name) {
            if !name.contains('#') || name.contains("#1 ") {
                row(name, s, t, 100.0);
            }
        }
    }
    for (name, s) in &simulated.metrics {
        let none = Estimate::not_applicable("no such");
        row(name, s, theory.metrics.get(name).unwrap_or(&none), 1.0);
    }
    let errors: Vec<_> = simulated
        .errors_per_s
        .iter()
        .filter(|(_, e)| e.known().unwrap_or(0.0) > 0.0)
        .map(|(n, e)| format!("{n} {:.3}", e.known().unwrap()))
        .collect();
    println!("errors {errors:?}");
}
