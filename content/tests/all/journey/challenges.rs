//! Every stage's challenge is a task: neither the board on which its reader begins nor the stage's own meets it, and the
//! stage's own does once the fix is found.

use hockeystick_content::builtin;
use hockeystick_core::challenge::Term;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::{Challenge, Placement, Stage};

use super::harness::{place, stage, with};

fn task(board: &Stage) -> &Challenge {
    board.challenge.as_ref().unwrap_or_else(|| panic!("{} has no challenge", board.title))
}

/// Judges a board as the page does, with one seed: what is missing, in words; empty where nothing is.
pub(crate) fn judged(board: &Stage, seed: u64) -> Vec<String> {
    let challenge = task(board);
    let trial = challenge.trial(board, board.clone()).expect("a board has what its own challenge breaks");
    let options = RunOptions { seed, seconds: challenge.seconds(), ..RunOptions::default() };
    let outcome = run(&trial, &options, &mut |_| ()).unwrap_or_else(|problems| panic!("{problems:#?}")).outcome;
    let missing = |term: Term| {
        let limit = challenge.limit(term)?;
        let found = term.of(board, &outcome);
        let is_met = found.is_some_and(|found| term.is_met(found, limit));
        let found = found.map_or_else(|| "unknown".to_owned(), |found| format!("{found:.4}"));
        (!is_met).then(|| format!("{} {found} instead of {limit:.4}", term.name()))
    };
    Term::ALL.into_iter().filter_map(missing).collect()
}

/// The board on which the reader of a stage's page begins the challenge.
pub(crate) fn begun(slug: &str) -> Stage {
    let figures = builtin::figures(slug).unwrap_or_else(|| panic!("no stage {slug}"));
    let figures = figures.unwrap_or_else(|errors| panic!("{}", errors.lines()));
    let judged = figures.into_iter().find(|figure| figure.stage.challenge.is_some());
    judged.unwrap_or_else(|| panic!("{slug} judges no figure")).stage
}

/// What a challenge is about, and one way to meet it.
struct Task {
    slug: &'static str,
    /// What the goal says of the board: the page's figure sets it.
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
    Task { slug: "02-backups", fix: &[("backup.interval", "30 s"), ("backup.incremental", "true")], ..Task::NONE },
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
    Task {
        slug: "20-many-regions",
        fix: &[
            ("app-eu.copies", "7"),
            ("app-us.copies", "7"),
            ("app-us.timeout", "1 s"),
            ("dns.ttl", "5 s"),
            ("dns.check_interval", "2 s"),
            ("dns.check_timeout", "1 s"),
            ("database.synchronous", "3"),
            ("cache-eu.ttl", "1 s"),
            ("cache-us.ttl", "1 s"),
        ],
        ..Task::NONE
    },
    Task { slug: "21-ten-million", fix: &[("reader-eu.copies", "5"), ("reader-us.copies", "5")], ..Task::NONE },
];

/// Runs with which the page judges.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;

/// The board as it stands does not meet its challenge, and the fix does with these seeds: fewer than the page's where a run has
/// millions of requests.
fn hold(tasks: &[Task], seeds: std::ops::RangeInclusive<u64>) {
    for task in tasks {
        let (board, fixed) = (task.board(), task.fixed());
        let unmet = |board: &Stage| {
            let missing = SEEDS.map(|seed| judged(board, seed)).find(|missing| !missing.is_empty());
            missing.unwrap_or_else(|| panic!("{}: nothing need be done", task.slug)).join(", ")
        };
        let start = begun(task.slug);
        let untouched = unmet(&board);
        // Most pages begin with the stage as it stands.
        let begun = if start == board { untouched.clone() } else { unmet(&start) };
        for seed in seeds.clone() {
            let missing = judged(&fixed, seed);
            assert!(missing.is_empty(), "{}, seed {seed}, with the fix: {missing:?}", task.slug);
        }
        println!(
            "{}, where its reader begins: {begun}; as it stands: {untouched}; mended for {:.0} dollars",
            task.slug,
            fixed.price_per_month()
        );
    }
}

// In parts, so that they can run side by side.

#[test]
fn challenges_1_to_12_are_tasks_that_can_be_done() {
    hold(&TASKS[..12], SEEDS);
}

#[test]
fn challenges_13_to_15_are_tasks_that_can_be_done() {
    hold(&TASKS[12..15], 1..=1);
}

#[test]
fn challenges_16_to_18_are_tasks_that_can_be_done() {
    hold(&TASKS[15..18], 1..=1);
}

#[test]
fn challenge_19_is_a_task_that_can_be_done() {
    hold(&TASKS[18..19], 1..=1);
}

#[test]
fn challenge_20_is_a_task_that_can_be_done() {
    hold(&TASKS[19..20], 1..=1);
}

#[test]
fn challenge_21_is_a_task_that_can_be_done() {
    hold(&TASKS[20..], 1..=1);
}

/// The task of a stage with another fix.
fn otherwise(slug: &str, changes: &[(&str, &str)]) -> Stage {
    let task = TASKS.iter().find(|task| task.slug == slug).unwrap_or_else(|| panic!("no task {slug}"));
    with(&task.fixed(), changes)
}

#[test]
fn what_is_old_and_what_is_lost_has_a_fix_of_its_own() {
    let parts = [
        ("02-backups", ("backup.interval", "1 min"), "lost"),
        ("02-backups", ("backup.incremental", "false"), "p95"),
        ("17-read-write-services", ("cache.writes", "invalidate"), "stale"),
        ("20-many-regions", ("database.synchronous", "2"), "lost"),
        ("20-many-regions", ("cache-us.ttl", "5 min"), "stale"),
        ("20-many-regions", ("app-us.timeout", "30 s"), "errors"),
    ];
    for (slug, part, term) in parts {
        let missing = judged(&otherwise(slug, &[part]), 2);
        assert!(missing.iter().any(|it| it.starts_with(term)), "{slug}, {part:?}: {missing:?}");
        println!("{slug} with {} = {}: {}", part.0, part.1, missing.join(", "));
    }
}

#[test]
fn every_stage_has_a_task() {
    assert!(TASKS.iter().map(|task| task.slug).eq(builtin::slugs().iter().copied()));
}
