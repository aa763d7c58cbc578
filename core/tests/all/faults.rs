//! What a fault does to each kind of component: nothing where no stage may say it, and what is offered may be said.

use hockeystick_core::component::Kind;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::{Bytes, Duration, Rate};

/// One of each kind, large enough to be felt.
const FAULTS: [FaultKind; 13] = [
    FaultKind::Down,
    FaultKind::Cut,
    FaultKind::Slow { speed: 0.1 },
    FaultKind::Lossy { loss: 0.2 },
    FaultKind::MemoryLeak { per_s: Bytes(40_000_000_000) },
    FaultKind::DiskFill { per_s: Bytes(400_000_000_000) },
    FaultKind::ConnectionLeak { share: 0.5 },
    FaultKind::ColdCache,
    FaultKind::CorruptBackup,
    FaultKind::Deploy { errors: 0.5, speed: 0.5, canary: Duration::ZERO },
    FaultKind::Spike { factor: 3.0 },
    FaultKind::HotKey { share: 0.9 },
    FaultKind::Stuck,
];

/// All that a run says.
fn told(stage: &Stage) -> String {
    let options = RunOptions { seed: 1, seconds: 12.0, confidence: 0.95 };
    let run = run(stage, &options, &mut |_| ()).unwrap_or_else(|problems| panic!("{problems:?}"));
    format!("{:?} {:?}", run.outcome, run.counts)
}

/// A board with a component of every kind, where nothing is wrong.
fn sound() -> Stage {
    let mut sound = hockeystick_probe::case(4).expect("the probe has this case");
    sound.workload.rate = Rate::per_second(30.0);
    sound.faults.clear();
    sound
}

#[test]
fn what_is_offered_can_be_had() {
    let sound = sound();
    let components = (0..sound.components.len()).map(|index| Target::Component(index, None));
    let machines = (0..sound.machines.len()).map(Target::Machine);
    let links = (0..sound.links.len()).map(Target::Link);
    let regions = (0..sound.regions.len()).map(Target::Region);
    for on in components.chain(machines).chain(links).chain(regions) {
        for fault in sound.troubles(&on) {
            assert!(sound.can_have(&on, &fault), "{on:?}: {fault:?}");
        }
    }
}

#[test]
fn what_a_component_cannot_have_does_nothing_to_it() {
    let sound = sound();
    let before = told(&sound);
    for kind in Kind::ALL {
        let index = sound.components.iter().position(|component| component.settings.kind() == *kind);
        let on = Target::Component(index.expect("it has every kind"), None);
        for fault in FAULTS {
            let (at, lasts) = (Duration::from_s(4), Some(Duration::from_s(4)));
            let broken = Stage { faults: vec![Fault { at, lasts, on: on.clone(), kind: fault }], ..sound.clone() };
            // Lossy and cut are for links: no stage is simulated with them elsewhere.
            if !sound.can_have(&on, &fault) && broken.check().is_empty() {
                assert_eq!(told(&broken), before, "{kind:?}: {fault:?}");
            }
        }
    }
}
