//! Stage 08-tuning-queries.

use super::harness::{Figures, ran, stage, with};

const SECONDS: f64 = 120.0;

#[test]
fn a_scan_grows_with_the_table_and_an_index_does_not() {
    let stage = stage("08-tuning-queries");
    let p95 = |changes: &[(&str, &str)]| ran(&with(&stage, changes), SECONDS).outcome.p95_ms();
    let indexed = p95(&[]);
    let indexed_small = p95(&[("database.rows", "20000")]);
    let scans_small = p95(&[("database.rows", "20000"), ("database.index", "false")]);
    let scans = ran(&with(&stage, &[("database.rows", "500000"), ("database.index", "false")]), SECONDS).outcome;
    let parts = [("database.rows", "500000"), ("database.index", "false"), ("database.partitions", "365")];
    let pruned = p95(&parts);
    println!(
        "stage 08 at 463/s: p95 {indexed_small:.0} ms with an index on 20,000 rows, {indexed:.0} ms on 20 million; \
         without it {scans_small:.0} ms on 20,000 rows, {:.0} ms and {:.0} errors/s on 500,000, {pruned:.0} ms in 365 parts",
        scans.p95_ms(),
        scans.errors_per_s()
    );
    assert!((indexed / indexed_small - 1.0).abs() < 0.1, "a thousand times the rows, one more level");
    assert!(scans_small < 1.6 * indexed, "nobody notices on a small table");
    assert!(scans.errors_per_s() > 20.0 || scans.p95_ms() > 10.0 * indexed, "and then the site is down");
    assert!(pruned < 2.0 * indexed, "a search reads the weeks that it is about");
}

#[test]
fn indexes_cost_changes_and_old_rows_cost_memory() {
    let stage = stage("08-tuning-queries");
    let run = |changes: &[(&str, &str)]| ran(&with(&stage, changes), SECONDS).outcome;
    let busy =
        |outcome: &hockeystick_core::outcome::Outcome, station: &str| outcome.utilisation[station].known().unwrap();
    let (plain, many) = (run(&[]), run(&[("database.more_indexes", "40")]));
    assert!(busy(&many, "database cpu") > busy(&plain, "database cpu") + 0.03, "40 indexes at every change");

    let grown = run(&[("database.rows", "150000000")]);
    let archived = run(&[("database.rows", "20000000")]);
    let hits = |outcome: &hockeystick_core::outcome::Outcome| outcome.metric("database memory_hit_ratio");
    // The job goes as fast as it can: 25,000 rows a second, with one of the two processors to itself.
    let job = [("database.rows", "150000000"), ("database.archive_keeps", "20000000")];
    let pace = [("database.archive_every", "1 s"), ("database.archive_rate", "100000")];
    let at_peak = run(&[job, pace].concat());
    println!(
        "stage 08 at 463/s: memory answers {:.1} % of look-ups on 150 million rows, {:.1} % on 20 million; the disk is {:.0} \
         and {:.0} % busy; mean {:.1} ms, {:.1} ms while the archive job runs",
        100.0 * hits(&grown),
        100.0 * hits(&archived),
        100.0 * busy(&grown, "database disk"),
        100.0 * busy(&archived, "database disk"),
        grown.mean_ms(),
        at_peak.mean_ms()
    );
    assert!(hits(&grown) < 0.95 && hits(&archived) > 0.995);
    assert!(busy(&grown, "database disk") > 2.0 * busy(&archived, "database disk"));
    assert!(at_peak.metric("database archived") > 800_000.0);
    assert!(busy(&at_peak, "database cpu") > busy(&grown, "database cpu") + 0.3);
    assert!(at_peak.mean_ms() > 1.015 * grown.mean_ms(), "the job at peak slows everybody");
}
