//! Every stage's challenge is a task: its board does not meet it as it stands, and does once its reader has found the fix.

use hockeystick_content::builtin;
use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::{Challenge, Placement, Stage};

use crate::harness::{Figures, place, stage, with};

/// Requests of one run, about, and the limits of its length in simulated seconds: as the page judges.
const REQUESTS: f64 = 20_000.0;
const SECONDS: (f64, f64) = (30.0, 900.0);
/// Share of the rate that need not be answered: random users send more or fewer than their mean. More where a run has so
/// few requests that they stray further: three times 1 / sqrt(n).
const MISSING: f64 = 0.02;

/// What is missing to meet a challenge, in words; empty where nothing is.
fn missing(board: &Stage, challenge: &Challenge, outcome: &Outcome, seconds: f64) -> Vec<String> {
    let price = board.price_per_month();
    let (answered, failed) = (outcome.throughput_per_s(), outcome.errors_per_s());
    let share = failed / (answered + failed).max(f64::MIN_POSITIVE);
    let limit_ms = challenge.p95.as_ms_f64();
    let may_miss = MISSING.max(3.0 / (challenge.rate.per_s() * seconds).sqrt());
    let least_per_s = (1.0 - may_miss) * (1.0 - challenge.errors) * challenge.rate.per_s();
    let mut missing = Vec::new();
    // Of a day the rate is its busiest moment's.
    if answered < least_per_s && board.workload.day.is_none() {
        missing.push(format!("{answered:.0} answered a second instead of {least_per_s:.0}"));
    }
    if outcome.p95_ms() > limit_ms {
        missing.push(format!("p95 {:.0} ms instead of {limit_ms:.0}", outcome.p95_ms()));
    }
    if share > challenge.errors {
        missing.push(format!("{:.2} % fail instead of {:.2}", 100.0 * share, 100.0 * challenge.errors));
    }
    if challenge.budget.is_some_and(|budget| price > budget + 0.005) {
        missing.push(format!("{price:.2} dollars a month instead of {:.2}", challenge.budget.unwrap_or_default()));
    }
    missing
}

/// Judges a board as the page does, with one seed.
fn judged(board: &Stage, seed: u64) -> Vec<String> {
    let challenge = board.challenge.clone().unwrap_or_else(|| panic!("{} has no challenge", board.title));
    let mut board = board.clone();
    board.workload.rate = challenge.rate;
    let seconds = challenge
        .lasts
        .map_or_else(|| (REQUESTS / challenge.rate.per_s()).clamp(SECONDS.0, SECONDS.1), |lasts| lasts.as_secs_f64());
    let options = RunOptions { seed, seconds, ..RunOptions::default() };
    let outcome = run(&board, &options, &mut |_| ()).unwrap_or_else(|problems| panic!("{problems:#?}")).outcome;
    missing(&board, &challenge, &outcome, seconds)
}

/// What a challenge is about, and one way to meet it.
struct Task {
    slug: &'static str,
    /// What the goal says of the board: the lesson's figure sets it.
    given: &'static [(&'static str, &'static str)],
    /// The fix: knobs, and sizes of machines.
    fix: &'static [(&'static str, &'static str)],
    sizes: &'static [(&'static str, &'static str)],
}

impl Task {
    const NONE: Self = Self { slug: "", given: &[], fix: &[], sizes: &[] };

    fn board(&self) -> Stage {
        with(&stage(self.slug), self.given)
    }

    fn fixed(&self) -> Stage {
        let mut board = self.board();
        for (id, size) in self.sizes {
            let machine = builtin::catalogue().get(size).unwrap_or_else(|| panic!("no size {size}")).machine.clone();
            match board.machines.iter_mut().find(|named| named.id == *id) {
                Some(named) => named.machine = machine,
                None => {
                    let at = place(&board, id);
                    board.components[at].machine = Some(Placement::Own { size: Some((*size).to_owned()), machine });
                }
            }
        }
        with(&board, self.fix)
    }
}

const TASKS: [Task; 21] = [
    // A read's code and its queries take half as long.
    Task { slug: "01-single-server", fix: &[("app.demand.read", "6 ms"), ("app.queries.read", "1")], ..Task::NONE },
    Task { slug: "02-backups", fix: &[("backup.compression", "2 ms")], ..Task::NONE },
    Task { slug: "03-staying-up", fix: &[("app.restart", "2 s")], ..Task::NONE },
    Task { slug: "04-connection-pool", fix: &[("database.demand.job", "200 ms"), ("app.pool", "20")], ..Task::NONE },
    Task { slug: "05-vertical-scaling", sizes: &[("box", "2xlarge")], ..Task::NONE },
    Task { slug: "06-split-database", sizes: &[("data", "micro")], ..Task::NONE },
    Task { slug: "07-choosing-a-database", sizes: &[("database", "micro")], ..Task::NONE },
    Task {
        slug: "08-tuning-queries",
        given: &[("database.rows", "150000000")],
        fix: &[("database.rows", "10000000")],
        sizes: &[("database", "small")],
    },
    Task { slug: "09-load-balancer", fix: &[("app.copies", "6")], ..Task::NONE },
    Task {
        slug: "10-replication",
        fix: &[("app.copies", "5"), ("replica.copies", "3")],
        sizes: &[("database", "large")],
        ..Task::NONE
    },
    Task {
        slug: "11-cache",
        fix: &[("app.copies", "6"), ("cache.entries", "100000"), ("cache.writes", "update")],
        ..Task::NONE
    },
    Task { slug: "12-cdn", fix: &[("app.copies", "7")], ..Task::NONE },
    Task {
        slug: "13-stateless-web",
        fix: &[("database.group_commit", "true"), ("scaler.target", "0.5")],
        ..Task::NONE
    },
    Task { slug: "14-message-queue", fix: &[("app.copies", "10"), ("database.group_commit", "true")], ..Task::NONE },
    Task {
        slug: "15-seeing-it",
        fix: &[
            ("monitor.auto_rollback", "true"),
            ("monitor.scrape", "1 s"),
            ("monitor.window", "5 s"),
            ("monitor.hold", "1 s"),
        ],
        ..Task::NONE
    },
    Task {
        slug: "16-splitting-services",
        fix: &[
            ("web.parallel", "true"),
            ("web.copies", "14"),
            ("lists.copies", "10"),
            ("accounts.copies", "10"),
            ("photos.copies", "10"),
        ],
        ..Task::NONE
    },
    Task { slug: "17-read-write-services", fix: &[("reader.copies", "11")], ..Task::NONE },
    Task { slug: "18-delayed-writes", sizes: &[("journal", "xlarge")], ..Task::NONE },
    Task { slug: "19-sharding", fix: &[("app.copies", "30"), ("database.copies", "12")], ..Task::NONE },
    Task { slug: "20-many-regions", fix: &[("app-eu.copies", "7"), ("app-us.copies", "7")], ..Task::NONE },
    Task { slug: "21-ten-million", fix: &[("reader-eu.copies", "5"), ("reader-us.copies", "5")], ..Task::NONE },
];

/// Runs with which the page judges.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;

/// The board as it stands does not meet its challenge, and the fix does with these seeds.
fn hold(tasks: &[Task], seeds: std::ops::RangeInclusive<u64>) {
    for task in tasks {
        let (board, fixed) = (task.board(), task.fixed());
        let untouched = SEEDS.map(|seed| judged(&board, seed)).find(|missing| !missing.is_empty());
        let untouched = untouched.unwrap_or_else(|| panic!("{}: nothing need be done", task.slug));
        for seed in seeds.clone() {
            let missing = judged(&fixed, seed);
            assert!(missing.is_empty(), "{}, seed {seed}, with the fix: {missing:?}", task.slug);
        }
        println!(
            "{}, as it stands: {}; mended for {:.0} dollars",
            task.slug,
            untouched.join(", "),
            fixed.price_per_month()
        );
    }
}

// In parts, so that they can run side by side.

#[test]
fn challenges_1_to_12_are_tasks_that_can_be_done() {
    hold(&TASKS[..12], 1..=3);
}

#[test]
fn challenges_13_to_18_are_tasks_that_can_be_done() {
    hold(&TASKS[12..18], 1..=1);
}

#[test]
fn challenges_19_to_21_are_tasks_that_can_be_done() {
    hold(&TASKS[18..], 1..=1);
}

#[test]
fn every_stage_has_a_task() {
    assert!(TASKS.iter().map(|task| task.slug).eq(builtin::slugs().iter().copied()));
}
