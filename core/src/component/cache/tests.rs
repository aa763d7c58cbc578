use super::super::trial::{after, app, fault, metric, part, stage};
use super::super::{Settings as Of, app_server, database};
use super::*;
use crate::simulate::Simulation;
use crate::stage::{Stage, Target};
use crate::units::SECOND_NS;
use crate::workload::{PerClass, Popularity};

const CACHE: usize = 2;

/// Two thousand items, 300 reads and so many writes a second.
fn board(settings: Settings, writes: f64) -> Stage {
    let database = Of::Database(database::Settings { connections: 10_000, ..database::Settings::default() });
    let all = 300.0 + writes;
    let others = vec![("cache", Of::Cache(settings)), ("database", database)];
    stage(all, [0.0, 300.0 / all, writes / all, 0.0], others, &[(1, 2), (1, 3)])
}

/// Share of hits between two instants.
fn hits(run: &mut Simulation, until_s: u64) -> f64 {
    let before = (part(run, CACHE, "hit_ratio"), metric(run, CACHE, "look_ups"));
    run.run_until(until_s * SECOND_NS);
    (part(run, CACHE, "hit_ratio") - before.0) / (metric(run, CACHE, "look_ups") - before.1)
}

#[test]
fn it_hits_as_often_as_theory_says() {
    for (policy, entries, ttl_s) in [
        (Policy::Lru, 200, 0),
        (Policy::Lfu, 200, 0),
        (Policy::Fifo, 200, 0),
        (Policy::Lru, 2_000, 20),
        (Policy::Lru, 400, 20),
        (Policy::Fifo, 400, 20),
    ] {
        let ttl = Duration::from_s(ttl_s);
        let settings = Settings { policy, entries, ttl, ..Settings::default() };
        let popularity = Popularity { zipf: 1.0, items: 2_000 };
        let theory = hit_ratio_of(&settings, (popularity, 1), (300.0, 0.0), 0.0);
        let mut run = after(&board(settings, 0.0), 100);
        let simulated = hits(&mut run, 400);
        println!("{policy:?}, {entries} entries, {ttl_s} s: {simulated:.3}, theory {theory:.3}");
        // Theory's LFU knows the popularity of what it does not keep; this one must find it out again and again.
        let short = if policy == Policy::Lfu { 0.05 } else { 0.02 };
        let error = simulated - theory;
        assert!(-short < error && error < 0.02, "{policy:?} {entries} {ttl_s}: {simulated} {theory}");
    }
}

#[test]
fn copies_share_the_items_and_one_that_dies_loses_only_its_own() {
    let mut board = board(Settings { entries: 500, ttl: Duration::ZERO, ..Settings::default() }, 0.0);
    board.components[CACHE].copies = 3;
    let mut run = after(&board, 200);
    let kept = |run: &Simulation| (2..5).map(|node| metric(run, node, "entries")).collect::<Vec<_>>();
    let before = kept(&run);
    // No item is kept twice: there is room for 1,500 of 2,000.
    assert!(before.iter().all(|entries| (400.0..=500.0).contains(entries)), "{before:?}");
    run.inject(Target::Component(CACHE, Some(0)), FaultKind::Down, Some(Duration::from_s(5)));
    run.run_until(201 * SECOND_NS);
    let during = kept(&run);
    assert_eq!(during[0], 0.0);
    assert!(during[1] >= before[1] && during[2] >= before[2], "{before:?} {during:?}");
}

#[test]
fn memory_follows_the_entries_and_is_given_back() {
    let mut run = after(&board(Settings::default(), 0.0), 10);
    let held = |run: &mut Simulation| run.host_gauge(1).memory_used;
    let idle = held(&mut after(&board(Settings::default(), 0.0), 0));
    assert_eq!(held(&mut run) - idle, 2_000.0 * metric(&run, CACHE, "entries"));
    run.inject(Target::Component(CACHE, None), FaultKind::ColdCache, None);
    assert_eq!(held(&mut run), idle);
    run.inject(Target::Component(CACHE, None), FaultKind::Down, Some(Duration::from_s(1)));
    run.run_until(11 * SECOND_NS - 1);
    assert_eq!(held(&mut run), idle - 20e6);
    assert_eq!(run.counts().failed_in_all(), 0, "a cache that does not answer is one that has nothing");
}

/// Share of the hits that are out of date.
fn stale(settings: Settings) -> f64 {
    let mut board = board(settings, 60.0);
    // Reads and writes overtake one another only when their work is not always the same.
    let demand = PerClass::all(Demand::exponential(Duration::from_ms(20)));
    board.components[1].settings = Of::AppServer(app_server::Settings { demand, ..app(20) });
    metric(&after(&board, 100), CACHE, "stale")
}

#[test]
fn an_app_that_tells_the_cache_shows_old_data_only_when_reads_and_writes_cross() {
    let of = |writes| Settings { writes, ttl: Duration::from_s(60), ..Settings::default() };
    let [ignored, invalidated, updated] = [Writes::Ignore, Writes::Invalidate, Writes::Update].map(|w| stale(of(w)));
    println!("stale hits: {ignored:.4} ignored, {invalidated:.5} invalidated, {updated:.5} updated");
    assert!(ignored > 0.3, "{ignored}");
    assert!(invalidated > 0.0 && invalidated < 0.1 * ignored, "{invalidated}");
    let leased = stale(Settings { protection: Protection::Lease, ..of(Writes::Invalidate) });
    let versioned = stale(Settings { versions: true, ..of(Writes::Update) });
    println!("with leases {leased:.5}, with versions {versioned:.5}");
    assert!(leased < 0.2 * invalidated, "{leased} {invalidated}");
    assert!(versioned < 0.2 * updated, "{versioned} {updated}");
}

#[test]
fn one_fetches_while_the_others_wait() {
    let misses = |protection| {
        let ttl = Duration::from_s(1);
        let mut board = board(Settings { protection, ttl, ..Settings::default() }, 0.0);
        board.workload.popularity.items = 1;
        let demand = PerClass::all(Demand::constant(Duration::from_ms(50)));
        let slow = database::Settings { demand, connections: 10_000, ..database::Settings::default() };
        board.components[3].settings = Of::Database(slow);
        let run = after(&board, 200);
        metric(&run, CACHE, "look_ups") - part(&run, CACHE, "hit_ratio")
    };
    let [none, lock, early] = [Protection::None, Protection::Lock, Protection::Early].map(misses);
    println!("fetches of one item in 200 s: {none} unprotected, {lock} with a lock, {early} early");
    // A fetch takes some 50 ms, in which 15 more reads come.
    assert!((180.0..=201.0).contains(&lock), "{lock}");
    assert!(none > 10.0 * lock, "{none}");
    assert!(early < 0.3 * none && early > lock, "{early}");
}

#[test]
fn whoever_waits_for_a_fetch_that_never_ends_fetches_in_the_end() {
    let lock = Duration::from_s(1);
    let mut board = board(Settings { protection: Protection::Lock, lock, ..Settings::default() }, 0.0);
    board.faults.push(fault(1, FaultKind::Down, 10, 2));
    board.faults.push(fault(3, FaultKind::Down, 20, 5));
    let mut run = after(&board, 40);
    let before = run.counts();
    run.run_until(50 * SECOND_NS);
    let since = run.counts().completed - before.completed;
    assert!((2_800..3_200).contains(&since), "{since} of 3,000 answered in ten seconds");
    assert!(run.counts().in_flight() < 20);
}

#[test]
fn theory_is_told_of_every_setting() {
    let ratio = |settings: Settings| {
        hit_ratio_of(&settings, (Popularity { zipf: 1.0, items: 100_000 }, 1), (1_000.0, 100.0), 0.0)
    };
    let settings = |policy, entries, ttl_s| Settings {
        policy,
        entries,
        ttl: Duration::from_s(ttl_s),
        writes: Writes::Update,
        ..Settings::default()
    };
    // With room for everything and no end to it, only the first read of an item finds nothing.
    assert!((ratio(settings(Policy::Lru, 100_000, 0)) - 1.0).abs() < 1e-9);
    // The most popular tenth of the items under Zipf's law with exponent one: H(10,000) / H(100,000).
    let tenth = (libm::log(1e4) + 0.5772) / (libm::log(1e5) + 0.5772);
    assert!((ratio(settings(Policy::Lfu, 10_000, 0)) - tenth).abs() < 0.005);
    let [lru, fifo] = [Policy::Lru, Policy::Fifo].map(|policy| ratio(settings(policy, 10_000, 0)));
    assert!(fifo < lru && lru < tenth, "{fifo} {lru} {tenth}");
    // A time to live only takes away.
    assert!(ratio(settings(Policy::Lru, 10_000, 10)) < lru);
    // One write for ten reads that throws the entry out.
    let throws = Settings { writes: Writes::Invalidate, ..settings(Policy::Lru, 100_000, 0) };
    assert!((ratio(throws) - 10.0 / 11.0).abs() < 1e-9);
    // Who asks for a popular item while it is fetched misses as well.
    let fetched = hit_ratio_of(&throws, (Popularity { zipf: 1.0, items: 100_000 }, 1), (1_000.0, 100.0), 0.02);
    assert!((0.88..0.90).contains(&fetched), "{fetched}");
}
