//! What stands between users and servers: balancers and autoscalers here, what is near users in `edge`.

mod edge;

use hockeystick_core::component::{Settings, app_server, autoscaler, clients, load_balancer, queue};
use hockeystick_core::engine::moves::Cause;
use hockeystick_core::hardware::Machine;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Component, FaultKind, Link, Placement, Stage, Target};
use hockeystick_core::units::{Bytes, Duration, Rate, SECOND_NS};
use hockeystick_core::workload::{Demand, PerClass, Workload};
use hockeystick_probe::{component, patient};

fn ms(ms: u64) -> Duration {
    Duration::from_ms(ms)
}

fn own(id: &str, copies: u32, settings: impl Into<Option<Settings>>) -> Component {
    let machine = Machine { vcpus: 2, memory: Bytes(64_000_000_000), ..Machine::default() };
    let settings = settings.into().expect("settings are given");
    Component { copies, machine: Some(Placement::Own { size: None, machine }), ..component(id, None, settings) }
}

fn app(demand_ms: u64) -> app_server::Settings {
    app_server::Settings {
        demand: PerClass::all(Demand::exponential(ms(demand_ms))),
        workers: 1_000,
        memory_per_request: Bytes(0),
        ..app_server::Settings::default()
    }
}

fn stage(rate_per_s: f64, components: Vec<Component>, links: Vec<Link>) -> Stage {
    Stage {
        title: "A test".into(),
        workload: Workload { rate: Rate::per_second(rate_per_s), ..Workload::default() },
        components,
        links,
        ..Stage::default()
    }
}

/// Users with patience, of whom many are there at once.
fn users() -> clients::Settings {
    clients::Settings { visit: 20, visit_lasts: Duration::from_s(300), ..patient() }
}

/// Users, balancers and four servers that are half busy at 200 requests a second each.
fn balanced(balancers: u32, settings: load_balancer::Settings, app: app_server::Settings) -> Stage {
    let components = vec![
        component("users", None, Settings::Clients(users())),
        own("balancer", balancers, Settings::LoadBalancer(settings)),
        own("app", 4, Settings::AppServer(app)),
    ];
    stage(800.0, components, vec![Link::new(0, 1, ms(10)), Link::new(1, 2, ms(1))])
}

fn run(stage: &Stage) -> Simulation {
    Simulation::new(stage, 1).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// A figure of the first copy of a component.
fn metric(run: &Simulation, id: &str, name: &str) -> f64 {
    let node = run.nodes().position(|node| node.name.split('#').next() == Some(id)).expect("it is there");
    let metrics = run.metrics(node);
    metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{metrics:?}")).reading.number()
}

fn ill(run: &Simulation) -> u64 {
    run.counts().failed_in_all()
}

fn balancer() -> load_balancer::Settings {
    load_balancer::Settings::default()
}

/// The algorithm of this name.
fn by(name: &str) -> load_balancer::Settings {
    let mut settings = Settings::LoadBalancer(balancer());
    let knob = settings.knob("algorithm").expect("it is there");
    let choice = knob.choices().iter().position(|choice| *choice == name).expect("it is there");
    assert!(knob.write(None, choice as f64));
    match settings {
        Settings::LoadBalancer(settings) => settings,
        _ => unreachable!(),
    }
}

const ALGORITHMS: [&str; 8] =
    ["round-robin", "random", "weighted", "least-connections", "power-of-two", "peak-ewma", "ip-hash", "sticky"];

#[test]
fn every_algorithm_spreads_requests_and_answers_all() {
    for name in ALGORITHMS {
        let mut run = run(&balanced(1, by(name), app(5)));
        run.run_until(20 * SECOND_NS);
        assert_eq!(ill(&run), 0, "{name}");
        let imbalance = metric(&run, "balancer", "imbalance");
        let most = if matches!(name, "round-robin" | "weighted") { 1.001 } else { 1.15 };
        assert!(imbalance < most, "{name}: {imbalance}");
    }
}

#[test]
fn larger_machines_get_more_by_weight() {
    let mut stage = balanced(1, by("weighted"), app(5));
    let mut large = own("large", 1, Settings::AppServer(app(5)));
    if let Some(Placement::Own { machine, .. }) = &mut large.machine {
        machine.vcpus = 8;
    }
    stage.components[2].copies = 1;
    stage.components.push(large);
    stage.links.push(Link::new(1, 3, ms(1)));
    let mut run = run(&stage);
    run.run_until(10 * SECOND_NS);
    // Four parts in five: 1.6 times the mean of two.
    assert!((metric(&run, "balancer", "imbalance") - 1.6).abs() < 0.01);
}

#[test]
fn a_dead_server_is_found_by_checks_and_put_back() {
    let mut run = run(&balanced(1, balancer(), app(5)));
    run.run_until(10 * SECOND_NS);
    run.inject(Target::Component(2, Some(0)), FaultKind::Down, Some(Duration::from_s(20)));
    run.run_until(18 * SECOND_NS);
    let before = ill(&run);
    assert!((700..1300).contains(&before), "a quarter of 800 for four to six seconds: {before}");
    assert_eq!(metric(&run, "balancer", "in_rotation"), 3.0);
    run.run_until(29 * SECOND_NS);
    assert_eq!(ill(&run), before);
    run.run_until(40 * SECOND_NS);
    assert_eq!(metric(&run, "balancer", "in_rotation"), 4.0);
    assert_eq!(ill(&run), before);
}

#[test]
fn a_hanging_server_is_found_by_timeouts() {
    let settings =
        load_balancer::Settings { check_timeout: ms(500), check_interval: Duration::from_s(1), ..balancer() };
    let mut run = run(&balanced(1, settings, app_server::Settings { workers: 50, backlog: 1_000, ..app(5) }));
    run.run_until(5 * SECOND_NS);
    run.inject(Target::Component(2, Some(0)), FaultKind::Slow { speed: 0.001 }, None);
    run.run_until(12 * SECOND_NS);
    assert_eq!(metric(&run, "balancer", "in_rotation"), 3.0);
    assert!(metric(&run, "balancer", "failed_checks") >= 3.0);
}

#[test]
fn failed_requests_take_a_server_out_where_nobody_checks() {
    let settings = load_balancer::Settings { check_interval: Duration::ZERO, passive: true, ..balancer() };
    let mut run = run(&balanced(1, settings, app(5)));
    run.run_until(5 * SECOND_NS);
    run.inject(Target::Component(2, Some(0)), FaultKind::Down, Some(Duration::from_s(30)));
    run.run_until(60 * SECOND_NS);
    // Those in its hands, then three or so each ten seconds.
    assert!(ill(&run) < 60, "{}", ill(&run));
    assert_eq!(metric(&run, "balancer", "in_rotation"), 4.0);
}

#[test]
fn a_second_try_goes_elsewhere() {
    let mut run = run(&balanced(1, load_balancer::Settings { tries: 2, ..balancer() }, app(5)));
    run.run_until(5 * SECOND_NS);
    run.inject(Target::Component(2, Some(0)), FaultKind::Down, Some(Duration::from_s(30)));
    run.run_until(20 * SECOND_NS);
    assert!(ill(&run) < 10, "only changes that were under way: {}", ill(&run));
    assert!(metric(&run, "balancer", "retries") > 500.0);
}

#[test]
fn a_standby_takes_over_and_keeps_the_address() {
    let mut run = run(&balanced(2, load_balancer::Settings { pair: true, ..balancer() }, app(5)));
    run.run_until(10 * SECOND_NS);
    assert_eq!(metric(&run, "balancer", "active"), 1.0);
    run.inject(Target::Component(1, Some(0)), FaultKind::Down, Some(Duration::from_s(10)));
    run.run_until(30 * SECOND_NS);
    let failed = ill(&run);
    assert!((2_300..3_400).contains(&failed), "three to four seconds of 800: {failed}");
    assert_eq!(metric(&run, "balancer", "active"), 0.0, "it came back as the standby");
    assert!(run.counts().completed > 20 * 800);
}

#[test]
fn a_server_that_drains_finishes_and_is_left_alone() {
    let deploy = FaultKind::Deploy { errors: 0.0, speed: 1.0, canary: Duration::ZERO };
    let mut run = run(&balanced(1, balancer(), app_server::Settings { drain: Duration::from_s(3), ..app(5) }));
    run.run_until(5 * SECOND_NS);
    run.inject(Target::Component(2, None), deploy, None);
    run.run_until(90 * SECOND_NS);
    assert_eq!(ill(&run), 0);
    assert_eq!(metric(&run, "balancer", "in_rotation"), 4.0);
}

#[test]
fn sticky_visits_stay_and_are_logged_out_when_their_server_dies() {
    let memory = || {
        let mut settings = Settings::AppServer(app(5));
        assert!(settings.knob("sessions").expect("it is there").write(None, 1.0));
        match settings {
            Settings::AppServer(settings) => settings,
            _ => unreachable!(),
        }
    };
    let users = clients::Settings { visit_lasts: Duration::from_s(30), ..users() };
    let with = |algorithm| {
        let mut stage = balanced(1, by(algorithm), memory());
        stage.components[0].settings = Settings::Clients(users);
        stage
    };
    let out = |run: &Simulation| run.counts().failed[Cause::LoggedOut as usize];
    let mut sticky = run(&with("sticky"));
    sticky.run_until(60 * SECOND_NS);
    assert_eq!((out(&sticky), metric(&sticky, "balancer", "visits_moved")), (0, 0.0));
    sticky.inject(Target::Component(2, Some(0)), FaultKind::Down, None);
    sticky.run_until(90 * SECOND_NS);
    // 1,200 visits are under way, a quarter of them there, most of which go on.
    assert!((80..=300).contains(&out(&sticky)), "{}", out(&sticky));
    let mut hashed = run(&with("ip-hash"));
    hashed.run_until(30 * SECOND_NS);
    assert_eq!(out(&hashed), 0, "an address always leads to the same server");
    let mut anywhere = run(&with("random"));
    anywhere.run_until(30 * SECOND_NS);
    assert!(out(&anywhere) > 2_000, "{}", out(&anywhere));
}

#[test]
fn a_balancer_passes_connections_on_without_looking() {
    let mut settings = Settings::LoadBalancer(balancer());
    assert!(settings.knob("layer").expect("it is there").write(None, 1.0));
    let mut stage = balanced(1, balancer(), app(5));
    let mut seven = run(&stage);
    seven.run_until(20 * SECOND_NS);
    stage.components[1].settings = settings;
    let mut four = run(&stage);
    four.run_until(20 * SECOND_NS);
    assert_eq!((ill(&seven), ill(&four)), (0, 0));
    // 50 us and a twentieth of 500 us, against 5 us.
    let busy = |run: &mut Simulation| run.host_gauge(0).busy_s / (20.0 * 800.0);
    let (seven, four) = (busy(&mut seven), busy(&mut four));
    assert!((seven - 75e-6).abs() < 5e-6 && (four - 5e-6).abs() < 1e-6, "{seven} {four}");
}

/// An app of eight copies under an autoscaler.
fn scaled(settings: autoscaler::Settings) -> Stage {
    let mut stage = balanced(1, load_balancer::Settings { check_interval: Duration::from_s(1), ..balancer() }, app(10));
    stage.components[2].copies = 8;
    let server = match &stage.components[2].settings {
        Settings::AppServer(server) => app_server::Settings { restart: Duration::from_s(1), ..*server },
        _ => unreachable!(),
    };
    stage.components[2].settings = Settings::AppServer(server);
    stage.components.push(component("scaler", None, Settings::Autoscaler(settings)));
    stage.links.push(Link::new(3, 2, Duration::ZERO));
    stage.workload.rate = Rate::per_second(150.0);
    stage
}

fn quick() -> autoscaler::Settings {
    autoscaler::Settings {
        min: 2,
        interval: Duration::from_s(2),
        cooldown: Duration::from_s(12),
        boot: Duration::from_s(8),
        drain: Duration::from_s(4),
        ..autoscaler::Settings::default()
    }
}

#[test]
fn copies_come_when_they_are_needed_and_go_without_a_loss() {
    let mut run = run(&scaled(quick()));
    run.run_until(30 * SECOND_NS);
    assert_eq!(metric(&run, "scaler", "copies"), 2.0);
    assert!((metric(&run, "scaler", "machine_hours") - 2.0 * 30.0 / 3600.0).abs() < 1e-9);
    // 450 a second want 4.5 processors; at 60 % that is nearly four machines of two.
    run.inject(Target::Component(0, None), FaultKind::Spike { factor: 3.0 }, Some(Duration::from_s(120)));
    run.run_until(140 * SECOND_NS);
    let copies = metric(&run, "scaler", "copies");
    assert!((4.0..=5.0).contains(&copies), "{copies}");
    run.run_until(300 * SECOND_NS);
    assert_eq!(metric(&run, "scaler", "copies"), 2.0);
    assert_eq!(ill(&run), 0);
}

#[test]
fn a_cool_down_shorter_than_the_boot_time_flaps() {
    let orders = |cooldown| {
        let mut run = run(&scaled(autoscaler::Settings { cooldown, ..quick() }));
        run.run_until(20 * SECOND_NS);
        run.inject(Target::Component(0, None), FaultKind::Spike { factor: 2.2 }, None);
        run.run_until(200 * SECOND_NS);
        metric(&run, "scaler", "switched_on") + metric(&run, "scaler", "switched_off")
    };
    let (calm, flapping) = (orders(Duration::from_s(14)), orders(Duration::ZERO));
    assert!(flapping >= 3.0 * calm, "{flapping} orders against {calm}");
}

#[test]
fn a_stuck_autoscaler_does_nothing() {
    let mut run = run(&scaled(quick()));
    run.inject(Target::Component(3, None), FaultKind::Stuck, None);
    run.inject(Target::Component(0, None), FaultKind::Spike { factor: 2.5 }, None);
    run.run_until(60 * SECOND_NS);
    assert_eq!(metric(&run, "scaler", "copies"), 2.0);
}

#[test]
fn an_autoscaler_that_was_away_does_not_take_its_absence_for_load() {
    let mut run = run(&scaled(quick()));
    run.run_until(60 * SECOND_NS);
    run.inject(Target::Component(3, None), FaultKind::Down, Some(Duration::from_s(60)));
    run.run_until(200 * SECOND_NS);
    assert_eq!((metric(&run, "scaler", "copies"), metric(&run, "scaler", "switched_on")), (2.0, 0.0));
}

#[test]
fn a_release_that_is_taken_back_while_its_first_server_drains_stays_nowhere() {
    let mut run = run(&balanced(1, balancer(), app_server::Settings { drain: Duration::from_s(5), ..app(5) }));
    run.run_until(5 * SECOND_NS);
    let deploy = FaultKind::Deploy { errors: 1.0, speed: 1.0, canary: Duration::ZERO };
    run.inject(Target::Component(2, None), deploy, Some(Duration::from_s(3)));
    run.run_until(120 * SECOND_NS);
    assert_eq!(ill(&run), 0);
    assert_eq!(metric(&run, "balancer", "in_rotation"), 4.0);
}

#[test]
fn weights_are_those_of_the_machines_as_they_are_now() {
    let mut large = balanced(1, by("weighted"), app(5));
    large.components[2].copies = 1;
    large.components.push(own("large", 1, Settings::AppServer(app(5))));
    large.links.push(Link::new(1, 3, ms(1)));
    let mut run = run(&large);
    if let Some(Placement::Own { machine, .. }) = &mut large.components[3].machine {
        machine.vcpus = 8;
    }
    assert!(run.update(&large));
    run.run_until(10 * SECOND_NS);
    // Four parts in five: 1.6 times the mean of two.
    assert!((metric(&run, "balancer", "imbalance") - 1.6).abs() < 0.01);
}

#[test]
fn servers_that_are_switched_off_are_no_imbalance() {
    let mut run = run(&scaled(quick()));
    run.run_until(60 * SECOND_NS);
    assert_eq!(metric(&run, "scaler", "copies"), 2.0);
    let imbalance = metric(&run, "balancer", "imbalance");
    assert!(imbalance < 1.1, "{imbalance}");
}

#[test]
fn late_answers_do_not_make_up_for_failed_checks() {
    let settings = load_balancer::Settings {
        check_timeout: ms(500),
        check_interval: Duration::from_s(1),
        passive: true,
        timeout: Duration::from_s(60),
        ..balancer()
    };
    let mut run = run(&balanced(1, settings, app_server::Settings { workers: 20, backlog: 10_000, ..app(5) }));
    run.run_until(5 * SECOND_NS);
    // 20 answers a second, of 200 that come.
    run.inject(Target::Component(2, Some(0)), FaultKind::Slow { speed: 0.05 }, None);
    run.run_until(15 * SECOND_NS);
    assert_eq!(metric(&run, "balancer", "in_rotation"), 3.0);
}

#[test]
fn a_queue_gives_a_standby_nothing() {
    let pair = load_balancer::Settings { pair: true, ..balancer() };
    let components = vec![
        component("users", None, Settings::Clients(users())),
        own("app", 1, Settings::AppServer(app(1))),
        own("queue", 1, Settings::Queue(queue::Settings::default())),
        own("balancer", 2, Settings::LoadBalancer(pair)),
        own("worker", 2, Settings::AppServer(app(5))),
    ];
    let links = [(0, 1), (1, 2), (2, 3), (3, 4)].map(|(from, to)| Link::new(from, to, ms(1)));
    let mut stage = stage(100.0, components, links.to_vec());
    stage.workload.mix = PerClass([0.0, 0.0, 0.0, 1.0]);
    let mut run = run(&stage);
    run.run_until(20 * SECOND_NS);
    let nodes: Vec<String> = run.nodes().map(|node| node.name.clone()).collect();
    let to = |name: &str| {
        let edges = run.edges().iter().enumerate();
        let there =
            edges.filter(|(_, edge)| nodes[usize::from(edge.to)] == name && nodes[usize::from(edge.from)] == "queue");
        there.map(|(index, _)| run.sent_bytes(index)[0]).sum::<f64>()
    };
    assert!(to("balancer#1") > 0.0);
    assert_eq!(to("balancer#2"), 0.0);
}

#[test]
fn nothing_is_lost_or_kept_whatever_breaks() {
    for name in ALGORITHMS {
        let settings = load_balancer::Settings { tries: 3, passive: true, pair: true, timeout: ms(500), ..by(name) };
        let mut stage = balanced(2, settings, app_server::Settings { drain: Duration::from_s(1), ..app(8) });
        stage.components.push(component("scaler", None, Settings::Autoscaler(quick())));
        stage.links.push(Link::new(3, 2, Duration::ZERO));
        if let Settings::Clients(users) = &mut stage.components[0].settings {
            users.timeout = Duration::from_s(3);
        }
        let mut run = run(&stage);
        let memory =
            |run: &mut Simulation| (0..run.hosts().len()).map(|host| run.host_gauge(host).memory_used).sum::<f64>();
        run.run_until(2 * SECOND_NS);
        let deploy = FaultKind::Deploy { errors: 0.1, speed: 0.9, canary: Duration::from_s(2) };
        let short = |s| Some(Duration::from_s(s));
        run.inject(Target::Component(2, None), deploy, short(40));
        run.inject(Target::Component(1, Some(0)), FaultKind::Down, short(9));
        run.run_until(8 * SECOND_NS);
        run.inject(Target::Component(2, Some(1)), FaultKind::Down, short(11));
        run.inject(Target::Link(1), FaultKind::Lossy { loss: 0.05 }, short(20));
        run.run_until(30 * SECOND_NS);
        run.inject(Target::Link(1), FaultKind::Cut, short(4));
        run.inject(Target::Component(0, None), FaultKind::Spike { factor: 2.0 }, short(10));
        run.inject(Target::Component(1, Some(1)), FaultKind::Down, short(3));
        run.run_until(120 * SECOND_NS);
        let mut quiet = run.stage().clone();
        quiet.workload.rate = Rate::per_second(0.0);
        assert!(run.update(&quiet));
        run.run_until(240 * SECOND_NS);
        assert_eq!(run.counts().in_flight(), 0, "{name}");
        for (index, node) in run.nodes().map(|node| node.name.clone()).enumerate().collect::<Vec<_>>() {
            assert_eq!(run.node_gauge(index).in_service, 0, "{name}: {node}");
        }
        // Balancers 100 MB each, servers that are on 250 MB each, and every machine's own 150 MB.
        let on = (3..7).filter(|node| run.node_gauge(*node).up).count() as f64;
        let expected = 2.0 * 100e6 + on * 250e6 + 6.0 * 150e6;
        assert!((memory(&mut run) - expected).abs() < 1.0, "{name}: {} {expected}", memory(&mut run));
    }
}
