//! The parser of stage files against texts that nobody would write: whatever comes, it answers, and does not panic.
//!
//! The short run is part of the suite. The long one is asked for, with how many texts and from which on:
//! `HOCKEYSTICK_COUNT=1000000 HOCKEYSTICK_FIRST=5 cargo test --release -p hockeystick-content --test all fuzz:: -- --ignored`.
//! A failure prints the number of its text, and `HOCKEYSTICK_COUNT=1` with that number as the first plays it again.

use hockeystick_content::{builtin, stage};
use hockeystick_core::hardware::Catalogue;
use hockeystick_core::simulate::Simulation;
use hockeystick_probe::fuzz::{asked, changed, hunt, words};
use hockeystick_probe::random::Dice;

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

/// A line that looks like one of a stage file.
fn line(dice: &mut Dice) -> String {
    match dice.below(4) {
        0 => format!("[[{}]]\n", dice.pick(WORDS)),
        1 => format!("[{}]\n", dice.pick(WORDS)),
        _ => format!("{} = {}\n", dice.pick(WORDS), dice.pick(WORDS)),
    }
}

/// The text of this number: mostly short, for most of the parser is reached from there.
fn text(number: u64, builtins: &[&str]) -> Vec<u8> {
    let mut dice = Dice::new(number);
    match dice.below(32) {
        0 => changed(dice.pick(builtins), WORDS, line, &mut dice),
        1..=7 => {
            // A piece of a good file, changed.
            let whole: Vec<&str> = dice.pick(builtins).lines().collect();
            let from = dice.below(whole.len());
            let to = (from + 1 + dice.below(8)).min(whole.len());
            changed(&whole[from..to].join("\n"), WORDS, line, &mut dice)
        }
        8..=15 => {
            let lines = dice.below(6);
            (0..lines).flat_map(|_| line(&mut dice).into_bytes()).collect()
        }
        16..=23 => words(WORDS, 12, &mut dice).into_bytes(),
        _ => {
            let length = dice.below(40);
            (0..length).map(|_| dice.below(256) as u8).collect()
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

fn fuzz(numbers: (u64, u64)) {
    let sizes = builtin::catalogue();
    let builtins: Vec<&str> = builtin::slugs().iter().filter_map(|slug| builtin::text(slug, "stage.toml")).collect();
    let read = |bytes: &[u8]| try_text(&String::from_utf8_lossy(bytes), &sizes);
    hunt("texts", numbers, |number| text(number, &builtins), read);
}

#[test]
fn no_text_makes_the_parser_panic() {
    fuzz((1, 3_000));
}

#[test]
#[ignore = "as long as one likes"]
fn no_text_of_very_many_makes_the_parser_panic() {
    fuzz(asked());
}
