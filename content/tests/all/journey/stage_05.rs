//! Stage 05-vertical-scaling: a bigger box, what it carries, what it costs, and that it is one box.

use hockeystick_content::builtin;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, Rate, SECOND_NS};

use super::harness::{Figures, SEED, ran, stage};

const SLUG: &str = "05-vertical-scaling";
/// Work of one request: the mix over the app's code and its queries, in seconds.
const WORK_S: f64 =
    0.70 * 0.0003 + 0.24 * (0.020 + 2.0 * 0.002) + 0.05 * (0.025 + 3.0 * 0.002) + 0.01 * (0.200 + 0.040);

/// The stage on a size of the catalogue, with a worker for each processor.
fn on(size: &str) -> (Stage, f64) {
    let mut stage = stage(SLUG);
    let catalogue = builtin::catalogue();
    stage.machines[0].machine = catalogue.get(size).unwrap().machine.clone();
    let vcpus = f64::from(stage.machines[0].machine.vcpus);
    assert!(stage.set_knob("app.workers", vcpus));
    (stage, vcpus)
}

/// Requests a second that so many processors carry, by the Universal Scalability Law.
fn law(vcpus: f64) -> f64 {
    vcpus / (1.0 + 0.03 * (vcpus - 1.0) + 0.0001 * vcpus * (vcpus - 1.0)) / WORK_S
}

#[test]
fn a_bigger_box_carries_more_and_more_slowly_until_it_carries_less() {
    let mut lines = Vec::new();
    for size in ["nano", "small", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "24xlarge"] {
        let (mut stage, vcpus) = on(size);
        let exact = law(vcpus);
        stage.workload.rate = Rate::per_second(1.5 * exact);
        let found = ran(&stage, 20.0).outcome.throughput_per_s();
        // Workers that wait for the disk leave a processor idle now and then.
        assert!((found / exact - 1.0).abs() < 0.08, "{size}: {found} against {exact}");
        lines.push((vcpus, found, stage.price_per_month()));
    }
    let best = lines.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let (first, last) = (lines[0], lines[lines.len() - 1]);
    assert_eq!(best.0, 96.0);
    assert!(last.1 < best.1 && last.2 > 1.9 * best.2);
    println!(
        "stage 05: {} vCPU carries {:.0}/s for {:.0} dollars a month, {} carry {:.0}/s for {:.0}, {} carry {:.0}/s for {:.0}",
        first.0, first.1, first.2, best.0, best.1, best.2, last.0, last.1, last.2
    );
}

#[test]
fn the_box_of_the_stage_carries_its_users_and_the_smaller_one_does_not() {
    let (nano, _) = on("nano");
    let full = ran(&nano, 300.0).outcome;
    let bigger = ran(&stage(SLUG), 300.0).outcome;
    assert!(full.p95_ms() > 3.0 * bigger.p95_ms(), "{} {}", full.p95_ms(), bigger.p95_ms());
    let busy = bigger.utilisation["box cpu"].known().unwrap();
    assert!((0.45..0.75).contains(&busy), "{busy}");
    println!("stage 05 at 92.6/s: p95 {:.0} ms on one vCPU, {:.0} ms on two", full.p95_ms(), bigger.p95_ms());
}

#[test]
fn a_resize_and_a_dead_box_take_everything_down() {
    let mut run = Simulation::new(&stage(SLUG), SEED).unwrap();
    run.run_until(60 * SECOND_NS);
    run.take_window();
    // The machine is stopped, made larger, and started.
    run.inject(Target::Machine(0), FaultKind::Down, Some(Duration::from_s(120)));
    run.run_until(180 * SECOND_NS);
    let down = run.take_window();
    // One answer was on its way already.
    assert!(down.completed < 5, "{down:?}");
    run.run_until(240 * SECOND_NS);
    run.take_window();
    run.run_until(300 * SECOND_NS);
    let up = run.take_window();
    assert!(up.completed > 5_000 && up.failed.iter().sum::<u64>() == 0, "{up:?}");
}
