//! What is near users: resolvers, edge caches, and the object stores behind them.

use hockeystick_core::component::{Settings, cdn, clients, dns, object_store};
use hockeystick_core::engine::moves::Cause;
use hockeystick_core::stage::{Component, FaultKind, Link, Region, Stage, Target};
use hockeystick_core::units::{Bytes, Duration, Rate, SECOND_NS};
use hockeystick_core::workload::PerClass;
use hockeystick_probe::{component, patient};

use super::{app, ill, metric, ms, own, run, stage};

/// Users of two regions and a server in each, behind a name.
fn geographic(policy: f64, ttl_s: u64) -> Stage {
    let users = clients::Settings { visit: 5, handshake: 0, timeout: Duration::from_s(5), ..patient() };
    let in_region = |region, it: Component| Component { region: Some(region), ..it };
    let check = Duration::from_s(2);
    let dns = dns::Settings { ttl: Duration::from_s(ttl_s), check_interval: check, ..dns::Settings::default() };
    let mut dns = Settings::Dns(dns);
    assert!(dns.knob("policy").expect("it is there").write(None, policy));
    let components = vec![
        in_region(0, component("west", None, Settings::Clients(users))),
        in_region(1, component("east", None, Settings::Clients(users))),
        component("dns", None, dns),
        in_region(0, own("west-app", 1, Settings::AppServer(app(2)))),
        in_region(1, own("east-app", 1, Settings::AppServer(app(2)))),
    ];
    let pairs = [(0, 2), (1, 2), (0, 3), (0, 4), (1, 3), (1, 4), (2, 3), (2, 4)];
    let links = pairs.map(|(from, to)| Link::new(from, to, ms(5)));
    let far = |id: &str, to_west, to_east| Region { id: id.into(), latency: vec![ms(to_west), ms(to_east)] };
    let regions = vec![far("westland", 0, 80), far("eastland", 80, 0)];
    Stage { regions, ..stage(200.0, components, links.to_vec()) }
}

#[test]
fn a_name_leads_to_the_nearest_server() {
    let p95_ms = |policy| {
        let mut run = run(&geographic(policy, 5));
        run.run_until(10 * SECOND_NS);
        run.take_window();
        run.run_until(40 * SECOND_NS);
        run.take_window().p95_ms
    };
    let (any, nearest) = (p95_ms(0.0), p95_ms(1.0));
    assert!(any > 160.0 && nearest < 100.0, "{any} {nearest}");
}

#[test]
fn a_name_moves_when_checks_have_failed_and_memory_has_expired() {
    let mut run = run(&geographic(1.0, 10));
    run.run_until(20 * SECOND_NS);
    assert_eq!(ill(&run), 0);
    run.inject(Target::Region(0), FaultKind::Down, None);
    // Three checks of four seconds, then ten of memory, then five of patience.
    run.run_until(50 * SECOND_NS);
    let failed = ill(&run);
    assert!((800..3_000).contains(&failed), "{failed}");
    assert_eq!(metric(&run, "dns", "well"), 1.0);
    run.run_until(80 * SECOND_NS);
    assert_eq!(ill(&run), failed);
}

/// Users of two regions with files at an edge each; pages from one server.
fn edges(settings: cdn::Settings) -> Stage {
    let in_region = |region, it: Component| Component { region: Some(region), ..it };
    let components = vec![
        in_region(0, component("near", None, Settings::Clients(patient()))),
        in_region(1, component("far", None, Settings::Clients(patient()))),
        component("cdn", None, Settings::Cdn(settings)),
        in_region(0, own("app", 1, Settings::AppServer(app(1)))),
        in_region(0, component("files", None, Settings::ObjectStore(object_store::Settings::default()))),
    ];
    let pairs = [(0, 2), (1, 2), (2, 3), (2, 4)];
    let links = pairs.map(|(from, to)| Link::new(from, to, ms(5)));
    let far = |id: &str, to_near, to_far| Region { id: id.into(), latency: vec![ms(to_near), ms(to_far)] };
    let regions = vec![far("here", 0, 100), far("there", 100, 0)];
    let mut stage = Stage { regions, ..stage(500.0, components, links.to_vec()) };
    stage.workload.mix = PerClass([1.0, 0.0, 0.0, 0.0]);
    stage.workload.popularity.items = 10_000;
    stage
}

/// Room for a thousand files of 35 kB.
fn small_edge() -> cdn::Settings {
    cdn::Settings { size: Bytes(35_000_000), ..cdn::Settings::default() }
}

#[test]
fn an_edge_that_keeps_everything_answers_from_nearby() {
    let mut run = run(&edges(cdn::Settings::default()));
    run.run_until(10 * SECOND_NS);
    assert!(metric(&run, "cdn", "hit_ratio") > 0.999);
    let p95_ms = run.take_window().p95_ms;
    assert!((p95_ms - 11.0).abs() < 0.5, "there and back, and a millisecond: {p95_ms}");
}

#[test]
fn a_small_edge_hits_as_often_as_ches_approximation_says() {
    let mut run = run(&edges(small_edge()));
    run.run_until(100 * SECOND_NS);
    // Che, Tung & Wang 2002: the characteristic time t solves sum(1 - exp(-p t)) = 1,000, the hit ratio is
    // sum(p (1 - exp(-p t))).
    let weights: Vec<f64> = (1..=10_000).map(|k| 1.0 / f64::from(k)).collect();
    let all: f64 = weights.iter().sum();
    let sum = |t: f64, of: fn(f64, f64) -> f64| {
        weights.iter().map(|w| of(w / all, 1.0 - libm_exp(-w / all * t))).sum::<f64>()
    };
    let (mut low, mut high) = (1.0, 1e9);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if sum(middle, |_, kept| kept) < 1_000.0 { low = middle } else { high = middle }
    }
    let expected = sum(low, |p, kept| p * kept);
    let measured = metric(&run, "cdn", "hit_ratio");
    assert!((measured - expected).abs() < 0.015, "{measured} measured, {expected} expected");
    assert_eq!(metric(&run, "cdn", "kept"), 2_000.0);
}

/// The natural exponential, good to a millionth: tests have no library of functions.
fn libm_exp(x: f64) -> f64 {
    if x < -30.0 {
        return 0.0;
    }
    let part = x / 1024.0;
    let mut result = 1.0 + part + part * part / 2.0 + part * part * part / 6.0;
    for _ in 0..10 {
        result *= result;
    }
    result
}

#[test]
fn a_shield_spares_the_origin() {
    let fetched = |shield| {
        let mut run = run(&edges(cdn::Settings { warm: false, shield, ..cdn::Settings::default() }));
        run.run_until(30 * SECOND_NS);
        metric(&run, "cdn", "fetched")
    };
    let (without, with) = (fetched(false), fetched(true));
    // Two edges that each begin empty ask for nearly the same files.
    assert!(with < 0.85 * without, "{with} {without}");
}

#[test]
fn a_release_is_seen_late_at_once_or_by_new_names() {
    let after = |choice: f64| {
        let mut settings = Settings::Cdn(cdn::Settings { changed: 0.5, ..cdn::Settings::default() });
        assert!(settings.knob("on_release").expect("it is there").write(None, choice));
        let mut stage = edges(cdn::Settings::default());
        stage.components[2].settings = settings;
        let mut run = run(&stage);
        run.run_until(10 * SECOND_NS);
        let deploy = FaultKind::Deploy { errors: 0.0, speed: 1.0, canary: Duration::ZERO };
        run.inject(Target::Component(2, None), deploy, None);
        run.run_until(40 * SECOND_NS);
        (run.counts().stale, metric(&run, "cdn", "fetched"))
    };
    let (keep, purge, names) = (after(0.0), after(1.0), after(2.0));
    assert!(keep.0 > 5_000 && keep.1 < 50.0, "{keep:?}");
    assert!(purge.0 == 0 && names.0 == 0, "{purge:?} {names:?}");
    assert!(names.1 < 0.75 * purge.1, "{names:?} {purge:?}");
}

#[test]
fn files_are_right_again_when_a_release_is_taken_back() {
    let mut run = run(&edges(cdn::Settings { changed: 0.5, ..cdn::Settings::default() }));
    run.run_until(10 * SECOND_NS);
    let deploy = FaultKind::Deploy { errors: 0.0, speed: 1.0, canary: Duration::ZERO };
    run.inject(Target::Component(2, None), deploy, Some(Duration::from_s(5)));
    run.run_until(16 * SECOND_NS);
    let during = run.counts().stale;
    assert!(during > 500, "{during}");
    run.run_until(60 * SECOND_NS);
    // What was fetched anew in the five seconds is a file of the bad release.
    let after = run.counts().stale - during;
    assert!(after < 200, "{after}");
}

#[test]
fn another_try_is_at_another_origin() {
    let settings = cdn::Settings { tries: 2, origin_out: Duration::ZERO, size: Bytes(0), ..cdn::Settings::default() };
    let components = vec![
        component("users", None, Settings::Clients(patient())),
        component("cdn", None, Settings::Cdn(settings)),
        own("one", 1, Settings::AppServer(app(1))),
        own("other", 1, Settings::AppServer(app(1))),
    ];
    let mut stage = stage(50.0, components, [(0, 1), (1, 2), (1, 3)].map(|(a, b)| Link::new(a, b, ms(5))).to_vec());
    stage.workload.mix = PerClass([1.0, 0.0, 0.0, 0.0]);
    let mut run = run(&stage);
    run.inject(Target::Component(2, None), FaultKind::Down, None);
    run.run_until(20 * SECOND_NS);
    assert_eq!(ill(&run), 0);
    assert!(run.counts().completed > 900);
}

#[test]
fn who_is_not_checked_any_more_is_taken_to_be_well() {
    let mut stage = geographic(1.0, 5);
    let mut run = run(&stage);
    run.run_until(20 * SECOND_NS);
    run.inject(Target::Region(0), FaultKind::Down, Some(Duration::from_s(30)));
    run.run_until(45 * SECOND_NS);
    assert_eq!(metric(&run, "dns", "well"), 1.0);
    assert!(stage.set_knob("dns.check_interval", 0.0) && run.update(&stage));
    run.run_until(80 * SECOND_NS);
    assert_eq!(metric(&run, "dns", "well"), 2.0);
}

/// Users whose first request of a visit, which is every one, looks a name up.
fn named(tries: u32) -> Stage {
    let users = clients::Settings { visit: 1, tries, ..patient() };
    let components = vec![
        component("users", None, Settings::Clients(users)),
        component("dns", None, Settings::Dns(dns::Settings::default())),
        own("app", 1, Settings::AppServer(app(1))),
    ];
    stage(50.0, components, [(0, 1), (0, 2)].map(|(from, to)| Link::new(from, to, ms(5))).to_vec())
}

#[test]
fn who_tries_again_after_a_failed_look_up_looks_up_again() {
    let mut run = run(&named(2));
    run.inject(Target::Component(1, None), FaultKind::Down, Some(Duration::from_s(20)));
    run.run_until(19 * SECOND_NS);
    assert_eq!(run.counts().completed, 0, "nobody knows the address");
    assert!(ill(&run) > 500);
    run.run_until(40 * SECOND_NS);
    assert!(run.counts().completed > 900);
}

#[test]
fn who_has_nobody_to_ask_is_told_so_at_once() {
    let mut stage = named(1);
    stage.workload.mix = PerClass([0.5, 0.5, 0.0, 0.0]);
    *stage.links[1].classes.get_mut(hockeystick_core::workload::Class::Static) = false;
    let mut run = run(&stage);
    run.run_until(20 * SECOND_NS);
    let counts = run.counts();
    assert!(counts.failed[Cause::Down as usize] > 400 && counts.in_flight() < 10, "{counts:?}");
}

#[test]
fn an_object_store_refuses_what_is_too_much() {
    let mut stage = edges(cdn::Settings { size: Bytes(0), ..cdn::Settings::default() });
    if let Settings::ObjectStore(store) = &mut stage.components[4].settings {
        store.reads_most = Rate::per_second(200.0);
    }
    let mut run = run(&stage);
    run.run_until(50 * SECOND_NS);
    let (refused, served) = (metric(&run, "files", "refused"), metric(&run, "files", "reads"));
    assert!((served - 200.0 * 51.0).abs() < 100.0, "{served}");
    let told = run.counts().failed[Cause::Refused as usize] as f64;
    assert!((refused - told).abs() < 20.0, "all but what is on its way: {refused} {told}");
    assert!((metric(&run, "files", "served") - served * 35_000.0).abs() < 1.0);
}
