//! Boards on which a reader begins before the fix: what is dragged in mends them, and their challenge can be met from there.

use hockeystick_content::builtin;
use hockeystick_core::component::Kind;
use hockeystick_core::outcome::Outcome;
use hockeystick_core::stage::Stage;
use hockeystick_core::stage::edit::Spot;

use super::challenges::{begun, judged};
use super::harness::{Figures, at_rate, place, ran, with};

/// The size of a machine that the page gives to what is dropped on a board.
const STANDARD: &str = "small";

fn size(board: &mut Stage, id: &str, size: &str) {
    let at = place(board, id);
    let size = builtin::catalogue().get(size).unwrap_or_else(|| panic!("no size {size}")).clone();
    assert!(board.set_size(at, &size), "{id} runs on no machine of ours");
}

/// A kind dropped on a component, or on the arrow between two: `app -> database`.
fn drop_on(board: &mut Stage, kind: Kind, on: &str) {
    let spot = match on.split_once(" -> ") {
        None => Spot::Component(place(board, on)),
        Some((from, to)) => {
            let ends = (place(board, from), place(board, to));
            let link = board.links.iter().position(|link| (link.from, link.to) == ends);
            Spot::Link(link.unwrap_or_else(|| panic!("no link {on}")))
        }
    };
    let standard = builtin::catalogue();
    assert!(board.put(kind, spot, [0.0, 0.0], standard.get(STANDARD)).is_some(), "{kind:?} does not fit on {on}");
    assert!(board.check().is_empty(), "{:?}", board.check());
}

fn has(board: &Stage, kind: Kind) -> bool {
    board.components.iter().any(|component| component.settings.kind() == kind)
}

fn p(outcome: &Outcome, estimate: fn(&Outcome) -> &hockeystick_core::outcome::Estimate) -> f64 {
    estimate(outcome).known().unwrap_or(f64::INFINITY)
}

fn is_solved(board: &Stage) {
    let missing = judged(board, 1);
    assert!(missing.is_empty(), "{}: {missing:?}", board.title);
}

#[test]
fn a_cdn_dropped_on_the_balancer_brings_files_near_to_all() {
    let before = begun("12-cdn");
    assert!(!has(&before, Kind::Cdn) && !has(&before, Kind::ObjectStore));
    let mut mended = before.clone();
    drop_on(&mut mended, Kind::Cdn, "balancer");
    drop_on(&mut mended, Kind::ObjectStore, "cdn");
    let [far, near] = [&before, &mended].map(|board| ran(board, 15.0).outcome);
    let p50 = |outcome: &Outcome| p(outcome, |it| &it.response_ms.p50);
    println!(
        "stage 12, dropped in: p50 {:.0} ms before, {:.0} ms after; p95 {:.0} and {:.0} ms",
        p50(&far),
        p50(&near),
        far.p95_ms(),
        near.p95_ms()
    );
    assert!(p50(&near) < 0.6 * p50(&far));
    // Pages still cross the ocean.
    assert!((0.9..1.1).contains(&(near.p95_ms() / far.p95_ms())));
    is_solved(&with(&mended, &[("app.copies", "7")]));
}

#[test]
fn a_queue_dropped_before_the_database_takes_the_photos() {
    let before = begun("14-message-queue");
    assert!(!has(&before, Kind::Queue) && !has(&before, Kind::Autoscaler));
    let mut mended = before.clone();
    drop_on(&mut mended, Kind::Queue, "app -> database");
    let handed_over = with(&mended, &[("app.demand.job", "5 ms"), ("workers.demand.job", "120 ms")]);
    let [waits, noted] = [&before, &handed_over].map(|board| ran(board, 15.0).outcome);
    let p99 = |outcome: &Outcome| p(outcome, |it| &it.response_ms.p99);
    let backlog = noted.metric("queue backlog");
    println!(
        "stage 14, dropped in: p99 {:.0} ms before, {:.0} ms after, and one small worker has {backlog:.0} messages to do",
        p99(&waits),
        p99(&noted)
    );
    assert!(p99(&noted) < 0.9 * p99(&waits) && backlog > 100.0);

    let mut solved =
        with(&handed_over, &[("app.copies", "10"), ("database.group_commit", "true"), ("workers.copies", "4")]);
    size(&mut solved, "workers", "xlarge");
    is_solved(&solved);
    // The backlog shrinks again at the load of the stage.
    let calm = ran(&at_rate(&solved, before.workload.rate.per_s()), 15.0).outcome;
    assert!(calm.metric("queue backlog") < 20.0, "{}", calm.metric("queue backlog"));
}

#[test]
fn shards_dropped_before_the_largest_database_let_small_ones_do_it() {
    let before = begun("19-sharding");
    assert!(!has(&before, Kind::Shards));
    let mut mended = before.clone();
    drop_on(&mut mended, Kind::Shards, "app -> database");
    let mut mended = with(&mended, &[("database.copies", "8")]);
    size(&mut mended, "database", "2xlarge");
    let [half, one, eight] =
        [&with(&before, &[("database.vcpus", "96")]), &before, &mended].map(|it| ran(it, 4.0).outcome);
    println!(
        "stage 19, dropped in: of 46,296/s one database answers {:.0} with 96 processors and {:.0} with 192, eight with 16 each {:.0}; {:.0} dollars a month before, {:.0} after",
        half.throughput_per_s(),
        one.throughput_per_s(),
        eight.throughput_per_s(),
        before.price_per_month(),
        mended.price_per_month()
    );
    assert!(one.errors_per_s() > 3_000.0 && eight.errors_per_s() < 20.0);
    assert!(mended.price_per_month() < before.price_per_month());
    let time = ran(&with(&mended, &[("shards.key", "time")]), 4.0).outcome;
    assert!(time.errors_per_s() > 3_000.0, "the newest shard takes every change");
    is_solved(&with(&mended, &[("app.copies", "30"), ("database.copies", "12")]));
}
