//! Going back in a run, and doing again what was done.

use hockeystick_core::simulate::{Deed, Recording};
use hockeystick_core::stage::{FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, Nanos};
use hockeystick_probe::first_stage;
use hockeystick_probe::random::{self, Dice};

fn ms(ms: u64) -> Nanos {
    ms * 1_000_000
}

/// Runs in uneven bites until `until`.
fn go(run: &mut Recording, until: Nanos, bite: u64) {
    while !run.run_chunk(until, bite) {}
}

fn with_rate(mut stage: Stage, rate: f64) -> Deed {
    assert!(stage.set_knob("users.rate", rate));
    Deed::Update(Box::new(stage))
}

fn down(lasts: Duration) -> Deed {
    Deed::Break { on: Target::Component(2, None), kind: FaultKind::Down, lasts: Some(lasts) }
}

#[test]
fn whatever_was_done_is_done_again_to_the_bit() {
    for number in 0..150 {
        let stage = random::stage(number);
        let mut dice = Dice::new(number);
        let mut run = Recording::new(&stage, number).unwrap();
        let (mut now, mut turned) = (0, stage.clone());
        for _ in 0..12 {
            // Stopped in the middle of a turn of the worker, at whatever event that is, or at an instant.
            if dice.chance(0.5) {
                run.run_chunk(now + ms(400), 1 + dice.below(300) as u64);
            } else {
                // Some of these stages are too busy to get anywhere.
                run.run_chunk(now + ms(dice.below(400) as u64), 3_000);
            }
            now = run.simulation().now();
            match dice.below(4) {
                0 => drop(run.act(Deed::Mend)),
                1 => {
                    let (on, kind) = (random::target(&stage, &mut dice), random::fault_kind(&mut dice));
                    let lasts = dice.chance(0.7).then(|| Duration::from_ms(dice.below(900) as u64 + 1));
                    run.act(Deed::Break { on, kind, lasts });
                }
                2 => {
                    let before = turned.clone();
                    random::turn(&mut turned, &mut dice);
                    if !run.act(Deed::Update(Box::new(turned.clone()))) {
                        turned = before;
                    }
                }
                _ => {}
            }
        }
        let whole = run.run_chunk(now + ms(500), 5_000);
        let (end, events, digest) = (run.simulation().now(), run.simulation().events(), run.simulation().digest());
        for bite in [53, 100_000] {
            run.rewind().unwrap();
            while !(whole || run.simulation().events() == events) || run.simulation().now() < end {
                let left = if whole { bite } else { events - run.simulation().events() };
                run.run_chunk(end, left.min(bite));
            }
            assert_eq!(run.simulation().digest(), digest, "seed {number}");
            assert_eq!(*run.simulation().stage(), turned, "seed {number}");
        }
    }
}

#[test]
fn going_back_and_looking_changes_nothing_that_comes_later() {
    let stage = first_stage(50.0);
    let mut run = Recording::new(&stage, 7).unwrap();
    go(&mut run, ms(1_000), 500);
    run.act(down(Duration::from_s(1)));
    go(&mut run, ms(1_500), 500);
    run.act(with_rate(stage, 80.0));
    go(&mut run, ms(4_000), 500);
    let digest = run.simulation().digest();
    for back in [0, 500, 1_200, 1_500, 3_999] {
        run.rewind().unwrap();
        go(&mut run, ms(back), 500);
        go(&mut run, ms(4_000), 333);
        assert_eq!(run.simulation().digest(), digest, "back to {back} ms");
    }
}

#[test]
fn other_settings_in_the_past_meet_the_same_fault_and_not_the_later_settings() {
    let stage = first_stage(50.0);
    let mut run = Recording::new(&stage, 7).unwrap();
    go(&mut run, ms(1_000), 500);
    run.act(down(Duration::from_s(1)));
    go(&mut run, ms(2_500), 500);
    run.act(with_rate(stage.clone(), 80.0));
    go(&mut run, ms(3_000), 500);
    run.rewind().unwrap();
    go(&mut run, ms(500), 500);
    assert!(run.act(with_rate(stage, 20.0)));
    go(&mut run, ms(1_500), 500);
    assert_eq!(run.simulation().active_faults().count(), 1, "the fault comes again");
    go(&mut run, ms(3_000), 500);
    assert_eq!(run.simulation().active_faults().count(), 0);
    assert_eq!(run.simulation().stage().knob("users.rate").unwrap().value, 20.0);
}
