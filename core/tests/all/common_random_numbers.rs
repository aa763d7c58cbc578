//! Two architectures under one seed see the same users.

use hockeystick_core::engine::moves::{Move, What};
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::Stage;
use hockeystick_core::units::{Duration, Nanos, SECOND_NS};
use hockeystick_core::workload::{Class, Demand};
use hockeystick_probe::{component, first_stage, single_station};

/// Every request of a run: when it began and what it is.
fn arrivals(stage: &Stage, seconds: u64) -> Vec<(u32, Nanos, Class)> {
    let mut run = Simulation::new(stage, 9).expect("a valid stage");
    run.watch(1);
    run.run_until(seconds * SECOND_NS);
    let mut moves = Vec::new();
    run.take_moves(&mut moves);
    let first_edges = |edge: u16| run.edges()[usize::from(edge)].from == 0;
    let sets_out = |one: &Move| matches!(one.what, What::Travel { edge, back: false, .. } if first_edges(edge));
    moves.iter().filter(|one| sets_out(one)).map(|one| (one.request, one.at, one.class)).collect()
}

#[test]
fn another_architecture_sees_the_same_arrivals() {
    let mut plain = first_stage(40.0);
    plain.set_knob("users.handshake", 0.0);
    let mut other = plain.clone();
    // Another component before the others shifts every index, and other settings change every response.
    other.components.push(component("spare", Some(0), other.components[3].settings));
    other.links.push(hockeystick_core::stage::Link::new(2, 4, Duration::ZERO));
    other.set_knob("app.workers", 3.0);
    other.set_knob("box.speed", 0.5);
    let visits = |stage| arrivals(stage, 60).into_iter().filter(|(.., class)| *class != Class::Job).collect::<Vec<_>>();
    // A look-up delays the request itself, so only what users do on their own is compared: the first move of each.
    let first = |mut moves: Vec<(u32, Nanos, Class)>| {
        moves.dedup_by_key(|(request, ..)| *request);
        moves.sort_unstable();
        moves.dedup_by_key(|(request, ..)| *request);
        moves
    };
    assert_eq!(first(visits(&plain)), first(visits(&other)));
}

#[test]
fn another_machine_gets_the_same_demands() {
    // Alone on the machine, a request's response time is its demand: twice the speed halves each, one by one.
    let responses = |speed: f64| {
        let mut stage = single_station(0.01, Demand::exponential(Duration::from_ms(10)), Default::default());
        stage.set_knob("box.speed", speed);
        let mut run = Simulation::new(&stage, 4).unwrap();
        run.watch(1);
        run.run_until(100_000 * SECOND_NS);
        let mut moves = Vec::new();
        run.take_moves(&mut moves);
        let mut begun = 0;
        let mut times = Vec::new();
        for one in moves {
            match one.what {
                What::Serve { .. } => begun = one.at,
                What::Done { .. } => times.push((one.at - begun) as f64),
                _ => {}
            }
        }
        times
    };
    let (slow, fast) = (responses(1.0), responses(2.0));
    assert!(slow.len() > 500 && slow.len() == fast.len());
    let same = slow.iter().zip(&fast).filter(|(slow, fast)| (*slow / *fast - 2.0).abs() < 1e-3).count();
    assert_eq!(same, slow.len());
}
