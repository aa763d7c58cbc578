//! Users: those who wait for their answers, and what is turned while they are there.

use hockeystick_core::component::Settings;
use hockeystick_core::component::app_server::Settings as App;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Link, Stage};
use hockeystick_core::units::{Duration, Rate, SECOND_NS};
use hockeystick_core::workload::{Class, Closed, Demand, PerClass, Workload};
use hockeystick_probe::{component, patient};

use crate::app_server::{light, ms, own, s};

#[test]
fn a_closed_workload_keeps_its_users_wherever_they_are_and_whatever_becomes_of_them() {
    let lone = |users: u32| {
        let mut stage = Stage {
            title: "Alone".into(),
            workload: Workload { mix: PerClass([0.5, 0.5, 0.0, 0.0]), ..Workload::default() },
            components: vec![
                component("one", None, Settings::Clients(patient())),
                component("two", None, Settings::Clients(patient())),
                component("three", None, Settings::Clients(patient())),
                own("app", 4, Settings::AppServer(light())),
            ],
            links: (0..3).map(|from| Link::new(from, 3, Duration::ZERO)).collect(),
            ..Stage::default()
        };
        stage.workload.closed = Some(Closed { users, think: Demand::constant(ms(100)) });
        stage
    };
    for users in [1, 2, 4, 5] {
        let mut run = Simulation::new(&lone(users), 1).unwrap();
        run.run_until(100 * SECOND_NS);
        let each = run.counts().completed as f64 / 1_000.0;
        assert!((each - f64::from(users)).abs() < 0.01 * f64::from(users), "{users}: {each}");
    }
    // Half of what they want nobody has: they are told so, and think again.
    let mut stage = lone(6);
    stage.links.iter_mut().for_each(|link| *link.classes.get_mut(Class::Static) = false);
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(100 * SECOND_NS);
    let counts = run.counts();
    assert!((2_700..3_300).contains(&counts.completed), "{counts:?}");
    assert_eq!(counts.completed + counts.failed_in_all(), 6_000 - 6 + 6, "{counts:?}");
}

#[test]
fn what_is_set_otherwise_in_a_run_counts_from_then_on() {
    let think = Demand::constant(ms(100));
    let mut stage = Stage {
        title: "Turned".into(),
        workload: Workload {
            mix: PerClass([0.0, 1.0, 0.0, 0.0]),
            rate: Rate::per_second(100.0),
            ..Workload::default()
        },
        components: vec![
            component("one", None, Settings::Clients(patient())),
            component("two", None, Settings::Clients(patient())),
            own("app", 4, Settings::AppServer(App { restart: s(2), ..light() })),
        ],
        links: (0..2).map(|from| Link::new(from, 2, Duration::ZERO)).collect(),
        ..Stage::default()
    };
    // Shares: four requests in five are now of the first kind.
    let mut run = Simulation::new(&stage, 1).unwrap();
    assert!(stage.set_knob("one.share", 4.0) && run.update(&stage));
    run.run_until(100 * SECOND_NS);
    let sent = [0, 1].map(|edge| run.sent_bytes(edge)[0]);
    let part = sent[0] / (sent[0] + sent[1]);
    assert!((part - 0.8).abs() < 0.01, "{part}");
    // Crashes, which there were none of.
    assert!(stage.set_knob("app.crash_every", 5.0) && run.update(&stage));
    let before = run.counts().failed_in_all();
    run.run_until(200 * SECOND_NS);
    assert!(run.counts().failed_in_all() > before + 1_000);
    // Users of a closed workload come and go.
    assert!(stage.set_knob("app.crash_every", 0.0));
    stage.workload.closed = Some(Closed { users: 2, think });
    let mut run = Simulation::new(&stage, 1).unwrap();
    let mut of = |users| {
        stage.workload.closed = Some(Closed { users, think });
        assert!(run.update(&stage));
        run.run_until(run.now() + SECOND_NS);
        let before = run.counts().completed;
        run.run_until(run.now() + 100 * SECOND_NS);
        (run.counts().completed - before) as f64 / 1_000.0
    };
    for users in [2, 7, 1] {
        let found = of(users);
        assert!((found / f64::from(users) - 1.0).abs() < 0.01, "{users}: {found}");
    }
}
