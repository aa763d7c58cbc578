//! Boards under a reader's hands: whatever is done to a stage of the journey, it stays one that can be run as soon as
//! everything on it is connected.

use std::sync::LazyLock;

use hockeystick_content::builtin;
use hockeystick_core::component::Kind;
use hockeystick_core::hardware::Catalogue;
use hockeystick_core::stage::edit::Spot;
use hockeystick_core::stage::{Link, Stage, Target};
use proptest::prelude::*;

/// A step of a reader; numbers are taken modulo what is there.
#[derive(Clone, Debug)]
enum Step {
    Put(usize, usize),
    Connect(usize, usize),
    Disconnect(usize),
    Remove(usize),
    Duplicate(usize),
    Copies(usize, u32),
    Size(usize, usize),
    Region(usize, usize),
    Rename(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let any = 0..1_000_usize;
    prop_oneof![
        4 => (any.clone(), any.clone()).prop_map(|(kind, spot)| Step::Put(kind, spot)),
        2 => (any.clone(), any.clone()).prop_map(|(a, b)| Step::Connect(a, b)),
        1 => any.clone().prop_map(Step::Disconnect),
        2 => any.clone().prop_map(Step::Remove),
        1 => any.clone().prop_map(Step::Duplicate),
        1 => (any.clone(), 1..50_u32).prop_map(|(at, copies)| Step::Copies(at, copies)),
        1 => (any.clone(), any.clone()).prop_map(|(at, size)| Step::Size(at, size)),
        1 => (any.clone(), any.clone()).prop_map(|(at, region)| Step::Region(at, region)),
        1 => (any.clone(), any).prop_map(|(at, name)| Step::Rename(at, name)),
    ]
}

fn take(stage: &mut Stage, step: &Step) {
    let components = stage.components.len();
    let at = |number: usize| number % components.max(1);
    let sizes = &SIZES.sizes;
    match *step {
        Step::Put(kind, spot) => {
            let kind = Kind::ALL[kind % Kind::ALL.len()];
            let spots = stage.spots(kind);
            if !spots.is_empty() {
                let spot = spots[spot % spots.len()];
                assert!(stage.put(kind, spot, [100.0, 100.0], sizes.first()).is_some(), "{kind:?} at {spot:?}");
            }
        }
        Step::Connect(a, b) => {
            let promised = stage.connection(at(a), at(b)).is_some();
            assert_eq!(stage.connect(at(a), at(b)).is_some(), promised);
        }
        Step::Disconnect(link) => stage.disconnect(link % stage.links.len().max(1)),
        Step::Remove(component) => stage.remove(at(component)),
        Step::Duplicate(component) => {
            stage.duplicate(at(component), [0.0, 0.0]);
        }
        Step::Copies(component, copies) => {
            stage.set_copies(at(component), copies);
        }
        Step::Size(component, size) => {
            stage.set_size(at(component), &sizes[size % sizes.len()]);
        }
        Step::Region(component, region) => {
            stage.set_region(at(component), region.checked_sub(1).map(|region| region % stage.regions.len().max(1)));
        }
        Step::Rename(component, name) => {
            const NAMES: [&str; 6] = ["app", "Order-book", "app-2", "box", "2-apps", "Bücher"];
            stage.rename(at(component), NAMES[name % NAMES.len()]);
        }
    }
}

fn stage(slug: &str) -> Stage {
    builtin::stage(slug).and_then(Result::ok).unwrap()
}

static STAGES: LazyLock<Vec<(&str, Stage)>> =
    LazyLock::new(|| builtin::slugs().iter().map(|slug| (*slug, stage(slug))).collect());
static SIZES: LazyLock<Catalogue> = LazyLock::new(builtin::catalogue);

/// What breaks a rule, but for what is not connected yet.
fn breaches(stage: &Stage) -> Vec<String> {
    let unconnected = stage.unconnected();
    let is_known = |path: &str| {
        let of = |index: &usize| path == format!("component[{index}]");
        unconnected.iter().any(of) || (path == "component" && !stage.has_users())
    };
    let problems = stage.check().into_iter().filter(|problem| !is_known(&problem.path));
    problems.map(|it| format!("{}: {}", it.path, it.message)).collect()
}

/// Links by the names of their ends: in any order, as indices change.
fn links(stage: &Stage) -> Vec<(String, String, Link)> {
    let id = |index: usize| stage.components[index].id.clone();
    let named = |link: &Link| (id(link.from), id(link.to), Link { from: 0, to: 0, ..link.clone() });
    let mut links: Vec<_> = stage.links.iter().map(named).collect();
    links.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    links
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_done_to_a_board_only_connections_can_be_missing(
        at in 0..21_usize,
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let (slug, mut stage) = STAGES[at].clone();
        for step in &steps {
            take(&mut stage, step);
            let breaches = breaches(&stage);
            prop_assert!(breaches.is_empty(), "{} after {:?}: {:?}", slug, step, breaches);
        }
    }
}

#[test]
fn what_is_called_otherwise_is_still_the_same() {
    for (slug, stage) in STAGES.iter() {
        for index in 0..stage.components.len() {
            let mut edited = stage.clone();
            assert!(!edited.rename(index, "2 names"), "{slug}: no name");
            assert!(edited.rename(index, "Order-book"), "{slug}");
            assert_eq!(edited.components[index].id, "Order-book", "{slug}");
            for other in 0..stage.components.len() {
                assert_eq!(edited.same_component(stage, other), Some(other), "{slug}");
                let taken = &stage.components[other].id;
                assert!(other == index || !edited.rename(index, taken), "{slug}: {taken} is another's");
            }
            let links = (0..stage.links.len()).map(Target::Link);
            let copy = Target::Component(index, Some(stage.components[index].copies - 1));
            for on in links.chain([copy]) {
                assert_eq!(edited.counterpart(stage, &on), Some(on), "{slug}");
            }
            edited.remove(index);
            assert_eq!(edited.same_component(stage, index).map(|at| &edited.components[at].id), None, "{slug}");
        }
    }
}

#[test]
fn what_is_added_and_removed_leaves_the_board_as_it_was() {
    for (slug, stage) in STAGES.iter() {
        for &kind in Kind::ALL {
            let mut edited = stage.clone();
            let new = edited.put(kind, Spot::Board, [10.0, 20.0], None).unwrap();
            edited.remove(new);
            assert_eq!(&edited, stage, "{slug}: {kind:?}");
        }
    }
}

#[test]
fn what_stood_in_the_way_and_is_removed_leaves_the_way_as_it_was() {
    for (slug, stage) in STAGES.iter() {
        for kind in [Kind::LoadBalancer, Kind::Cdn, Kind::Shards] {
            for spot in stage.spots(kind).into_iter().filter(|spot| matches!(spot, Spot::Link(_))) {
                let mut edited = stage.clone();
                let new = edited.put(kind, spot, [10.0, 20.0], None).unwrap();
                edited.remove(new);
                // Where another way serves a class as well, it serves it alone from then on.
                let ways = |stage: &Stage| links(stage).into_iter().map(|(from, to, _)| (from, to)).collect::<Vec<_>>();
                let (before, after) = (ways(stage), ways(&edited));
                assert!(after.iter().all(|way| before.contains(way)), "{slug}: {kind:?} at {spot:?}");
                if ["01-single-server", "09-load-balancer"].contains(slug) {
                    assert_eq!(links(&edited), links(stage), "{slug}: {kind:?} at {spot:?}");
                }
            }
        }
    }
}

#[test]
fn every_spot_runs_at_once() {
    for (slug, stage) in STAGES.iter() {
        for &kind in Kind::ALL {
            for spot in stage.spots(kind).into_iter().filter(|spot| *spot != Spot::Board) {
                let mut edited = stage.clone();
                edited.put(kind, spot, [10.0, 20.0], SIZES.get("small")).unwrap();
                let waits = kind == Kind::Clients || edited.unconnected().is_empty();
                // A store that nobody asks yet may be asked by what is dropped on it, and that by nobody.
                let on_component = matches!(spot, Spot::Component(_));
                assert!(waits || on_component, "{slug}: {kind:?} at {spot:?}");
            }
        }
    }
}

#[test]
fn faults_follow_their_targets() {
    let mut stage = stage("21-ten-million");
    let name = |stage: &Stage| stage.faults.iter().map(|fault| stage.target_name(&fault.on)).collect::<Vec<_>>();
    let lost = stage.component("dns").unwrap();
    let gone: Vec<usize> = (0..stage.links.len())
        .filter(|link| stage.links[*link].from == lost || stage.links[*link].to == lost)
        .collect();
    let befalls = |on: &Target| match on {
        Target::Component(at, _) => *at == lost,
        Target::Link(at) => gone.contains(at),
        _ => false,
    };
    let kept: Vec<_> = stage.faults.iter().filter(|fault| !befalls(&fault.on)).cloned().collect();
    let expected: Vec<_> = kept.iter().map(|fault| stage.target_name(&fault.on)).collect();
    stage.remove(lost);
    assert_eq!(name(&stage), expected);
}

/// A kind dropped on the arrow between two components, and the links that it has then.
fn dropped(slug: &str, kind: Kind, from: &str, to: &str) -> Vec<(String, String, String)> {
    let mut stage = stage(slug);
    let ends = (stage.component(from).unwrap(), stage.component(to).unwrap());
    let link = stage.links.iter().position(|link| (link.from, link.to) == ends).unwrap();
    let before = links(&stage);
    stage.put(kind, Spot::Link(link), [0.0, 0.0], None).unwrap();
    let words = |link: &Link| {
        let carried = link.classes.iter().filter(|(_, carries)| **carries).map(|(class, _)| class.name());
        let carried = carried.collect::<Vec<_>>().join(" ");
        if carried == "static read write job" { "all".to_owned() } else { carried }
    };
    let after = links(&stage).into_iter().filter(|link| !before.contains(link));
    after.map(|(from, to, link)| (from, to, words(&link))).collect()
}

#[test]
fn each_kind_is_wired_as_the_journey_wires_it() {
    let wired = |slug, kind, from, to, expected: &[(&str, &str, &str)]| {
        let found = dropped(slug, kind, from, to);
        let found: Vec<_> = found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
        assert_eq!(found, expected, "{kind:?} on {from} -> {to}");
    };
    let one = "06-split-database";
    wired(one, Kind::LoadBalancer, "users", "app", &[("balancer", "app", "all"), ("users", "balancer", "all")]);
    wired(one, Kind::Cdn, "users", "app", &[("cdn", "app", "all"), ("users", "cdn", "all")]);
    wired(one, Kind::Dns, "users", "app", &[("users", "dns", "all")]);
    wired(one, Kind::Cache, "app", "database", &[("app", "cache", "all")]);
    wired("09-load-balancer", Kind::Cache, "balancer", "app", &[("app", "cache", "all")]);
    wired(one, Kind::Replica, "app", "database", &[("app", "replica", "all"), ("database", "replica", "all")]);
    wired(one, Kind::SessionStore, "users", "app", &[("app", "sessions", "all")]);
    wired(one, Kind::Shards, "app", "database", &[("app", "shards", "all"), ("shards", "database", "all")]);
    wired(one, Kind::Journal, "app", "database", &[("app", "journal", "write"), ("journal", "database", "write")]);
    wired(
        one,
        Kind::Queue,
        "app",
        "database",
        &[
            ("app", "database", "static read write"),
            ("app", "queue", "job"),
            ("queue", "workers", "job"),
            ("workers", "database", "job"),
        ],
    );
    wired(
        one,
        Kind::ObjectStore,
        "users",
        "app",
        &[("users", "app", "read write job"), ("users", "storage", "static")],
    );
    wired("09-load-balancer", Kind::Autoscaler, "balancer", "app", &[("scaler", "app", "all")]);
    wired("12-cdn", Kind::ObjectStore, "europeans", "cdn", &[("cdn", "storage-2", "all")]);
    wired(
        "19-sharding",
        Kind::Replica,
        "shards",
        "database",
        &[("app", "replica", "all"), ("database", "replica", "all")],
    );
}

#[test]
fn a_balancer_dropped_on_a_server_stands_before_it() {
    let mut stage = stage("06-split-database");
    let app = stage.component("app").unwrap();
    stage.put(Kind::LoadBalancer, Spot::Component(app), [0.0, 0.0], None).unwrap();
    let ways: Vec<_> = links(&stage).into_iter().map(|(from, to, _)| format!("{from} {to}")).collect();
    assert!(ways.contains(&"users balancer".to_owned()) && ways.contains(&"balancer app".to_owned()), "{ways:?}");
    assert!(!ways.contains(&"users app".to_owned()), "{ways:?}");
}

#[test]
fn a_copy_is_connected_as_its_original_and_has_a_name_of_its_own() {
    let mut stage = stage("09-load-balancer");
    let app = stage.component("app").unwrap();
    let copy = stage.duplicate(app, [0.0, 0.0]).unwrap();
    assert_eq!(stage.components[copy].id, "app-2");
    let again = stage.duplicate(copy, [0.0, 0.0]).unwrap();
    assert_eq!(stage.components[again].id, "app-3");
    let ends = |of: usize| stage.links.iter().filter(|link| link.from == of || link.to == of).count();
    assert_eq!((ends(app), ends(copy), ends(again)), (2, 2, 2));
    assert!(stage.check().is_empty());
}

#[test]
fn a_name_that_is_taken_or_none_is_refused() {
    let mut stage = stage("01-single-server");
    for bad in ["database", "box", "", "2nd", "a b", "über", &"x".repeat(41)] {
        assert!(!stage.rename(0, bad), "{bad}");
    }
    assert!(stage.rename(0, "people") && stage.rename(0, "people"));
    assert_eq!(stage.component("people"), Some(0));
}
