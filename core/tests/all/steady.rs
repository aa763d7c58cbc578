//! Laws of every steady state: Little's, and that a station is busy for as long as it is asked to be.

use std::collections::BTreeMap;

use hockeystick_core::component::{Settings, app_server, database};
use hockeystick_core::engine::moves::{Move, What};
use hockeystick_core::hardware::Machine;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Component, Link, Placement, Stage};
use hockeystick_core::units::{Bytes, Duration, SECOND_NS};
use hockeystick_core::workload::{Demand, PerClass};
use hockeystick_probe::random::Dice;
use hockeystick_probe::{component, patient, single_station};

/// A random tree of applications, some of them with a database, of random sizes; none overloaded.
fn tree(dice: &mut Dice) -> Stage {
    let rate_per_s = 20.0 + 100.0 * dice.uniform();
    let mut stage = single_station(rate_per_s, Demand::NONE, Machine::default());
    stage.machines.clear();
    stage.components.truncate(1);
    stage.links.clear();
    stage.components[0].settings = Settings::Clients(patient());
    stage.workload.mix = PerClass([1.0, 0.0, 0.0, 0.0]);
    // How often a request comes to each component.
    let mut visits = vec![1.0];
    let mut grow = |from: usize, calls: u32, stage: &mut Stage, settings: &dyn Fn(Demand) -> Settings| {
        let vcpus = 1 + dice.below(4) as u32;
        let load = 0.2 + 0.6 * dice.uniform();
        let to = stage.components.len();
        visits.push(visits[from] * f64::from(calls));
        let mean = Duration::from_secs_f64(load * f64::from(vcpus) / (rate_per_s * visits[to]));
        let settings = settings(Demand { mean, cv: dice.pick(&[0.0, 0.5, 1.0]) });
        let machine = Machine { vcpus, memory: Bytes(1_000_000_000_000), ..Machine::default() };
        let placed = Some(Placement::Own { size: None, machine });
        stage.components.push(Component { machine: placed, ..component(&format!("tier-{to}"), None, settings) });
        stage.links.push(Link::new(from, to, Duration::from_ms(dice.below(3) as u64)));
        dice.below(to)
    };
    let app = |demand| {
        Settings::AppServer(app_server::Settings {
            workers: 10_000,
            demand: PerClass::all(demand),
            queries: PerClass::all(2),
            calls: PerClass::all(1),
            ..app_server::Settings::default()
        })
    };
    let rows = |demand| {
        Settings::Database(database::Settings {
            demand: PerClass::all(demand),
            writes: PerClass::all(0.0),
            connections: 10_000,
            ..database::Settings::default()
        })
    };
    let mut next = grow(0, 1, &mut stage, &app);
    let apps = 2 + next % 2 + rate_per_s as usize % 4;
    while stage.components.len() <= apps {
        // Behind any application that is there.
        next = grow(1 + next % (stage.components.len() - 1), 1, &mut stage, &app);
    }
    for from in (1..=apps).filter(|from| from % 2 == next % 2) {
        grow(from, 2, &mut stage, &rows);
    }
    stage
}

/// How long each node's calls were there in all, in nanoseconds, and how many there were: from when they reached it
/// until their answers left.
fn stays(run: &Simulation, moves: &[Move], nodes: usize) -> Vec<(u128, u64)> {
    let mut stays = vec![(0, 0); nodes];
    // A request makes its calls over an edge one after the other.
    let mut there = BTreeMap::new();
    for one in moves {
        if let What::Travel { edge, back, arrives } = one.what {
            let to = usize::from(run.edges()[usize::from(edge)].to);
            match there.remove(&(one.request, edge)) {
                Some(since) if back => {
                    stays[to].0 += u128::from(one.at - since);
                    stays[to].1 += 1;
                }
                _ => drop(there.insert((one.request, edge), arrives)),
            }
        }
    }
    stays
}

#[test]
fn the_mean_number_at_a_station_is_its_rate_times_the_mean_stay_and_its_work_is_what_was_asked() {
    for seed in 1..=40 {
        let mut dice = Dice::new(seed);
        let mut stage = tree(&mut dice);
        let nodes = stage.components.len();
        let mut run = Simulation::new(&stage, seed).unwrap_or_else(|problems| panic!("{problems:?}"));
        run.watch(1);
        let (mut moves, mut inside, mut last) = (Vec::new(), vec![0_u128; nodes], 0);
        let mut count = |run: &mut Simulation, until: u64| {
            loop {
                // The numbers stand from the present event to the next.
                let here: Vec<u32> =
                    (0..nodes).map(|node| run.node_gauge(node)).map(|it| it.waiting + it.in_service).collect();
                let done = run.run_chunk(until, 1);
                let passed = u128::from(run.now() - last);
                last = run.now();
                inside.iter_mut().zip(&here).for_each(|(sum, here)| *sum += passed * u128::from(*here));
                if done {
                    return;
                }
            }
        };
        count(&mut run, 100 * SECOND_NS);
        stage.workload.rate = Default::default();
        assert!(run.update(&stage));
        count(&mut run, 200 * SECOND_NS);
        run.take_moves(&mut moves);
        assert_eq!(run.counts().in_flight(), 0, "seed {seed}");
        let requests = run.counts().completed as f64;
        for (node, (stay, calls)) in stays(&run, &moves, nodes).into_iter().enumerate().skip(1) {
            // From empty to empty Little's law holds exactly, not only on average (Little & Graves, 2008).
            assert_eq!(inside[node], stay, "seed {seed}, node {node}, {calls} calls");
            let demand = match &stage.components[node].settings {
                Settings::AppServer(app) => app.demand.0[0],
                Settings::Database(database) => database.demand.0[0],
                _ => unreachable!("applications and databases"),
            };
            let asked_s = calls as f64 * demand.mean.as_secs_f64();
            let spread_s = demand.cv * demand.mean.as_secs_f64() * (calls as f64).sqrt() + 1e-6 * requests;
            let busy_s = run.host_gauge(node - 1).busy_s;
            assert!(
                (busy_s - asked_s).abs() < 5.0 * spread_s,
                "seed {seed}, node {node}: busy {busy_s} s of {asked_s} s"
            );
        }
    }
}
