//! Stage 12-cdn.

use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::Duration;

use super::harness::{Figures, ran, stage, with, without};

/// The stage as it was before: files come from the app servers.
fn without_cdn(stage: &Stage) -> Stage {
    without(stage, &["cdn", "storage"])
}

fn on_cdn(stage: &Stage, kind: FaultKind) -> Stage {
    let on = Target::Component(stage.component("cdn").expect("it is there"), None);
    Stage { faults: vec![Fault { at: Duration::from_s(5), lasts: None, on, kind }], ..stage.clone() }
}

const RELEASE: FaultKind = FaultKind::Deploy { errors: 0.0, speed: 1.0, canary: Duration::ZERO };

#[test]
fn files_come_from_nearby_and_the_origin_rests() {
    let stage = stage("12-cdn");
    let before = ran(&without_cdn(&stage), 20.0).outcome;
    let after = ran(&stage, 20.0).outcome;
    let (sent, fetched) = (after.metric("cdn sent"), after.metric("cdn fetched_bytes"));
    let hit_ratio = after.metric("cdn hit_ratio");
    assert!(before.errors_per_s() < 1.0 && after.errors_per_s() < 1.0);
    assert!(after.mean_ms() < 0.75 * before.mean_ms(), "{} {}", after.mean_ms(), before.mean_ms());
    // 143,000 of a million files, by Zipf's law.
    assert!((0.83..0.90).contains(&hit_ratio), "{hit_ratio}");
    assert!(fetched < 0.2 * sent, "{fetched} of {sent}");
    println!(
        "stage 12 at 5,556/s: mean {:.0} ms from one continent, {:.0} ms with edges on three; {:.0} % of {:.2} GB come from them",
        before.mean_ms(),
        after.mean_ms(),
        100.0 * hit_ratio,
        sent / 1e9
    );
}

#[test]
fn far_users_gain_most() {
    // Only Asians: their pages still cross two oceans, their files do not.
    let stage = with(
        &stage("12-cdn"),
        &[("europeans.share", "0"), ("americans.share", "0"), ("asians.share", "1"), ("asians.rate", "1000/s")],
    );
    let p50 = |stage: &Stage| ran(stage, 20.0).outcome.response_ms.p50.known().expect("it is there");
    let (before, after) = (p50(&without_cdn(&stage)), p50(&stage));
    assert!(before > 250.0 && after < 30.0, "{before} {after}");
    println!("stage 12, Asia: median {before:.0} ms without edges, {after:.0} ms with them");
}

#[test]
fn an_empty_cdn_leans_on_the_origin_and_a_shield_takes_the_weight() {
    let stage = stage("12-cdn");
    let warm = ran(&stage, 20.0).outcome;
    let cold = on_cdn(&stage, FaultKind::ColdCache);
    let emptied = ran(&cold, 20.0).outcome;
    let shielded = ran(&with(&cold, &[("cdn.shield", "on")]), 20.0).outcome;
    let fetched = |outcome: &hockeystick_core::outcome::Outcome| outcome.metric("cdn fetched");
    assert!(fetched(&emptied) > 1.6 * fetched(&warm), "{} {}", fetched(&emptied), fetched(&warm));
    assert!(fetched(&shielded) < 0.9 * fetched(&emptied), "{} {}", fetched(&shielded), fetched(&emptied));
    println!(
        "stage 12, edges emptied: {:.0} fetches instead of {:.0}, {:.0} behind a shield",
        fetched(&emptied),
        fetched(&warm),
        fetched(&shielded)
    );
}

#[test]
fn a_release_shows_old_files_unless_they_are_purged_or_renamed() {
    let released = on_cdn(&stage("12-cdn"), RELEASE);
    let stale = |how| {
        let run = ran(&with(&released, &[("cdn.on_release", how)]), 20.0);
        // Of old files only: lists are old as well now and then, from the replicas.
        let old = run.outcome.metric("cdn outdated") / run.counts.completed as f64;
        (old, run.outcome.metric("cdn fetched"))
    };
    let (keep, purge, renamed) = (stale("keep"), stale("purge"), stale("new-names"));
    // A tenth of the files of the 60 % of requests that the edges answer, for 15 of 20 s.
    assert!(keep.0 > 0.03, "{keep:?}");
    assert!(purge.0 == 0.0 && renamed.0 == 0.0, "{purge:?} {renamed:?}");
    assert!(renamed.1 < 0.8 * purge.1, "new names keep what has not changed: {renamed:?} {purge:?}");
    println!(
        "stage 12, a release: {:.1} % of answers show old files, none after a purge ({:.0} fetches) or with new names ({:.0})",
        100.0 * keep.0,
        purge.1,
        renamed.1
    );
}

#[test]
fn while_the_cdn_is_down_files_cross_the_ocean_again() {
    let stage = stage("12-cdn");
    let up = ran(&stage, 20.0).outcome;
    let down = ran(&on_cdn(&stage, FaultKind::Down), 20.0).outcome;
    // Only what was on its way when the edges went.
    assert!(down.errors_per_s() < 0.002 * 5_556.0, "{}", down.errors_per_s());
    assert!(down.mean_ms() > 1.3 * up.mean_ms(), "{} {}", down.mean_ms(), up.mean_ms());
    println!("stage 12, CDN down: mean {:.0} ms instead of {:.0}", down.mean_ms(), up.mean_ms());
}

#[test]
fn the_challenge_can_be_met() {
    let solved = with(&stage("12-cdn"), &[("app.copies", "7"), ("europeans.rate", "8500/s")]);
    let goal = solved.challenge.clone().expect("it is there");
    let outcome = ran(&solved, 15.0).outcome;
    let errors = outcome.errors_per_s() / (outcome.errors_per_s() + outcome.throughput_per_s());
    let price = solved.price_per_month();
    assert!(outcome.p95_ms() <= goal.p95.as_ms_f64(), "p95 {} ms", outcome.p95_ms());
    assert!(errors <= goal.errors && price <= goal.budget.expect("it is there"), "{errors} {price}");
    println!("stage 12, challenge: p95 {:.0} ms for {price:.0} dollars a month", outcome.p95_ms());
}
