//! Stage 02-backups.

use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::Duration;

use super::harness::{Figures, at_rate, ran, stage, with};

fn fault(on: Target, kind: FaultKind, at_s: u64, lasts_s: Option<u64>) -> Fault {
    Fault { at: Duration::from_s(at_s), lasts: lasts_s.map(Duration::from_s), on, kind }
}

/// An hour and a half, in which the box is deleted for good at a random time.
fn deleted(stage: &Stage, also: Option<Fault>) -> hockeystick_core::outcome::Outcome {
    let mut stage = stage.clone();
    stage.faults.push(fault(Target::Machine(0), FaultKind::Down, 3_333, None));
    stage.faults.extend(also);
    ran(&stage, 5_400.0).outcome
}

#[test]
fn a_deleted_server_takes_everything_or_what_came_since_the_last_good_backup() {
    let stage = with(&stage("02-backups"), &[("backup.interval", "10 min")]);
    let never = deleted(&with(&stage, &[("backup.interval", "0 s")]), None);
    let kept = deleted(&stage, None);
    let (all, few) = (never.metric("backup rows_lost"), kept.metric("backup rows_lost"));
    assert!(all > 1_000_000.0, "without a backup every row is gone: {all}");
    // 0.65 changes a second, and the last backup began 333 s before.
    assert!((150.0..300.0).contains(&few), "{few} rows");
    assert!((900.0..1_200.0).contains(&kept.metric("backup recovery_time")), "notice, a new machine, load 90 MB");
    let nobody = deleted(&with(&stage, &[("backup.restores", "false")]), None);
    assert!(kept.throughput_per_s() > 1.2 * nobody.throughput_per_s(), "the box comes back after a quarter of an hour");

    // Backups on the box itself are gone with it.
    let mut local = stage.clone();
    let offsite = local.component("offsite").unwrap();
    local.links.retain(|link| link.to != offsite);
    local.components.remove(offsite);
    let local = deleted(&local, None).metric("backup rows_lost");
    assert!(local > 1_000_000.0, "{local} rows");

    // The last backup before the loss cannot be restored; a test of each would have found out, and made another.
    let backup = Target::Component(stage.component("backup").unwrap(), None);
    let corrupt = fault(backup, FaultKind::CorruptBackup, 2_900, Some(200));
    let untested = deleted(&stage, Some(corrupt.clone())).metric("backup rows_lost");
    let tested = deleted(&with(&stage, &[("backup.restore_test", "true")]), Some(corrupt)).metric("backup rows_lost");
    assert!(untested > 1.8 * few, "the backup before that counts: {untested} rows");
    assert!(tested < few, "another one was made at once: {tested} rows");
    println!(
        "stage 02: the box is deleted: {all:.0} rows lost without backups, {few:.0} with one every 10 minutes off-site, \
         {local:.0} with backups on the box; {untested:.0} when the last cannot be restored, {tested:.0} when each is tested"
    );
}

#[test]
fn backups_load_the_box_while_they_run() {
    // The same box on a busy day.
    let busy = at_rate(&with(&stage("02-backups"), &[("backup.interval", "30 s")]), 80.0);
    let without = ran(&with(&busy, &[("backup.interval", "0 s")]), 900.0).outcome;
    let full = ran(&busy, 900.0).outcome;
    let incremental = ran(&with(&busy, &[("backup.incremental", "true"), ("backup.full_every", "20")]), 900.0).outcome;
    println!(
        "stage 02 at 80/s: p95 {:.0} ms without backups, {:.0} ms with a full one every 30 s, {:.0} ms with incremental ones",
        without.p95_ms(),
        full.p95_ms(),
        incremental.p95_ms()
    );
    assert!(full.p95_ms() > 1.1 * without.p95_ms());
    assert!(incremental.p95_ms() < full.p95_ms());
}
