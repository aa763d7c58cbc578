//! The parser of stage files against texts that nobody would write: whatever comes, it answers, and does not panic.
//!
//! The short run is part of the suite. The long one is asked for, with how many texts and from which on:
//! `HOCKEYSTICK_COUNT=1000000 HOCKEYSTICK_FIRST=5 cargo test --release -p hockeystick-content --test fuzz -- --ignored`.
//! A failure prints the number of its text, and `HOCKEYSTICK_COUNT=1` with that number as the first plays it again.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use hockeystick_content::{builtin, stage};
use hockeystick_core::hardware::Catalogue;
use hockeystick_core::simulate::Simulation;

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
struct Dice(Cell<u64>);

impl Dice {
    fn below(&self, count: usize) -> usize {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mut bits = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % count.max(1) as u64) as usize
    }

    fn pick<T: Copy>(&self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// What stands in stage files, and what should not.
const WORDS: &[&str] = &[
    "schema",
    "title",
    "users",
    "rate",
    "component",
    "link",
    "fault",
    "machine",
    "region",
    "workload",
    "id",
    "kind",
    "copies",
    "pool",
    "demand",
    "at",
    "for",
    "on",
    "path",
    "mix",
    "popularity",
    "closed",
    "think",
    "app-server",
    "database",
    "clients",
    "cache",
    "queue",
    "down",
    "slow",
    "lossy",
    "box",
    "=",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    ",",
    ".",
    "\"",
    "'",
    "\"\"\"",
    "\n",
    " ",
    "#",
    "-",
    "0",
    "1",
    "1_000",
    "-1",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "0x",
    "true",
    "\"1 ms\"",
    "\"-3 ms\"",
    "\"1e30 s\"",
    "\"99999999999 TB\"",
    "\"5/s\"",
    "\"1 / s\"",
    "2.5",
    "18446744073709551616",
    "1979-05-27",
    "\\u0000",
    "\u{0}",
    "ä",
    "\u{1f600}",
    "[432, 190]",
    "app#2",
    "app -> database",
    "app#0",
    "#",
];

fn words(dice: &Dice, most: usize) -> String {
    (0..dice.below(most)).map(|_| dice.pick(WORDS)).collect()
}

/// A line that looks like one of a stage file.
fn line(dice: &Dice) -> String {
    match dice.below(4) {
        0 => format!("[[{}]]\n", dice.pick(WORDS)),
        1 => format!("[{}]\n", dice.pick(WORDS)),
        _ => format!("{} = {}\n", dice.pick(WORDS), dice.pick(WORDS)),
    }
}

/// A text with a few places changed.
fn changed(text: &str, dice: &Dice) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..1 + dice.below(4) {
        let (from, length) = (dice.below(bytes.len() + 1), dice.below(12));
        let to = (from + length).min(bytes.len());
        match dice.below(6) {
            0 => drop(bytes.drain(from..to)),
            1 => drop(bytes.splice(from..to, words(dice, 3).into_bytes())),
            2 => drop(bytes.splice(from..from, line(dice).into_bytes())),
            3 => bytes.truncate(from),
            4 if !bytes.is_empty() => {
                let at = from.min(bytes.len() - 1);
                bytes[at] = dice.below(256) as u8;
            }
            _ => {
                let part = bytes[from..to].to_vec();
                let at = dice.below(bytes.len() + 1);
                drop(bytes.splice(at..at, part));
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text of this number: mostly short, for most of the parser is reached from there.
fn text(number: u64, builtins: &[&str]) -> String {
    let dice = Dice(Cell::new(number));
    match dice.below(32) {
        0 => changed(dice.pick(builtins), &dice),
        1..=7 => {
            // A piece of a good file, changed.
            let whole: Vec<&str> = dice.pick(builtins).lines().collect();
            let from = dice.below(whole.len());
            changed(&whole[from..(from + 1 + dice.below(8)).min(whole.len())].join("\n"), &dice)
        }
        8..=15 => (0..dice.below(6)).map(|_| line(&dice)).collect(),
        16..=23 => words(&dice, 12),
        _ => {
            let bytes: Vec<u8> = (0..dice.below(40)).map(|_| dice.below(256) as u8).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }
}

/// Reads the text, shows what is wrong with it, or runs what it says for a few events.
fn try_text(text: &str, sizes: &Catalogue) -> bool {
    match stage::read(text, "stage.toml", sizes) {
        Ok(stage) => {
            let mut run = Simulation::new(&stage, 1).unwrap_or_else(|problems| panic!("read, but: {problems:?}"));
            run.run_chunk(1_000_000_000, 200);
            true
        }
        Err(errors) => {
            assert!(!errors.lines().is_empty(), "an error that says nothing");
            false
        }
    }
}

fn number_from(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable);
    text.ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn fuzz(first: u64, count: u64) {
    let sizes = builtin::catalogue();
    let builtins: Vec<&str> = builtin::slugs().iter().filter_map(|slug| builtin::text(slug, "stage.toml")).collect();
    let (next, good) = (AtomicU64::new(first), AtomicU64::new(0));
    let faults = Mutex::new(Vec::new());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= first + count {
                return;
            }
            let text = text(number, &builtins);
            match catch_unwind(AssertUnwindSafe(|| try_text(&text, &sizes))) {
                Ok(read) => drop(good.fetch_add(u64::from(read), Ordering::Relaxed)),
                Err(_) => faults.lock().expect("no worker panics").push(format!("text {number}: {text:?}")),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    println!("{count} texts from {first} on, {} of them stages", good.into_inner());
    let faults = faults.into_inner().expect("no worker panics");
    assert!(faults.is_empty(), "{} texts:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn no_text_makes_the_parser_panic() {
    fuzz(1, 3_000);
}

#[test]
#[ignore = "as long as one likes"]
fn no_text_of_very_many_makes_the_parser_panic() {
    fuzz(number_from("HOCKEYSTICK_FIRST", 1), number_from("HOCKEYSTICK_COUNT", 1_000_000));
}
