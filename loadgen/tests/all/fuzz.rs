//! The readers of plans and of results files against texts that nobody would write: whatever comes, they answer.
//!
//! The short run is part of the suite. The long one is asked for, with how many texts of each kind and from which on:
//! `HOCKEYSTICK_COUNT=1000000 HOCKEYSTICK_FIRST=5 cargo test --release -p hockeystick-loadgen --test all fuzz:: -- --ignored`.
//! A failure prints the number of its text, and `HOCKEYSTICK_COUNT=1` with that number as the first plays it again.

use crate::common::RESULTS;
use hockeystick_content::results;
use hockeystick_core::doubt::doubts;
use hockeystick_loadgen::{histogram, plan};
use hockeystick_probe::fuzz::{asked, changed, hunt, words};
use hockeystick_probe::random::Dice;

/// What stands in plans and results, and what should not.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "schema", "seed", "steps", "rate", "users", "seconds", "ramp", "spike", "day", "parts", "stairs", "think", "mix",
    "held_out", "values", "zipf", "from", "to", "list", "file", "per", "setup", "request", "class", "path", "expect",
    "extract", "json", "header", "regex", "form", "body", "thresholds", "stop", "tls", "cookies", "warm_up", "read",
    "\"/{list}\"", "\"{}\"", "\"{{\"", "\"//evil.example\"", "\"p95 < 200 ms for 2 s\"", "\"p0 < -1 s\"", "\"(\"",
    "\"(a+)+$\"", "= ", "[", "]", "[[", "]]", "{", "}", ",", ":", ".", "\"", "'", "\"\"\"", "\n", " ", "#", "-", "0", "1",
    "-1", "1e400", "1e-400", "nan", "NaN", "inf", "null", "true", "\"50/s\"", "\"1e308/s\"", "\"0/s\"", "\"-3 ms\"",
    "\"1e30 s\"", "18446744073709551616", "9223372036854775807", "\\u0000", "\u{0}", "ä", "\u{1f600}", "\"hdr\"",
    "\"HISTFAAAA\"", "AAAA", "====", "\"steps\": [", "\"slices\": []",
];

const PLAN: &str = r#"
schema = 1
seed = 7
arrivals = "poisson"
warm_up = "2 s"
timeout = "10 s"
users = 40
cookies = true
headers = { authorization = "Bearer {token}" }
thresholds = ["p95 < 200 ms", "write errors < 1 % for 10 s"]
steps = [
  { rate = "50/s", seconds = 10 },
  { rate = "40/s", seconds = 12, parts = 12, mix = { write = 1 } },
  { ramp = { from = "10/s", to = "200/s", stairs = 6 }, seconds = 60, held_out = true },
  { rate = "20/s", spike = { rate = "200/s", at = "5 s", lasts = "2 s" }, seconds = 20 },
  { rate = "100/s", day = { length = "10 min", quiet = 0.2 }, seconds = 600 },
  { users = 40, think = { mean = "1 s", cv = 0 }, seconds = 30 },
]
[values]
list = { from = 1, to = 800, zipf = 1.0 }
word = ["bread", "milk"]
account = { from = 1, to = 200, per = "user" }
[stop]
errors = 0.5
response = "10 s"
[[setup]]
path = "/login"
form = { name = "user{account}", password = "secret" }
extract = { token = { json = "/token" } }
[[request]]
class = "read"
path = "/lists/{list}"
weight = 24
[[request]]
class = "write"
method = "POST"
path = "/lists/{list}/items"
headers = { content-type = "application/json" }
body = '{"text": "{word}"}'
expect = { status = [201], contains = "ok", json = { "/state" = "done" } }
weight = 5
"#;

/// The bytes of this number: mostly a good text that was changed, else words in a row.
fn bytes(number: u64, good: &str) -> Vec<u8> {
    let mut dice = Dice::new(number);
    match dice.below(8) {
        0 => words(WORDS, 24, &mut dice).into_bytes(),
        // One number or word for another: what a hurried hand does.
        1..=3 => {
            let starts: Vec<usize> = good.match_indices([' ', '"']).map(|(at, _)| at + 1).collect();
            let from = dice.pick(&starts);
            let to = good[from..].find([' ', '"', ',', '\n']).map_or(good.len(), |length| from + length);
            [&good[..from], dice.pick(WORDS), &good[to..]].concat().into_bytes()
        }
        _ => changed(good, WORDS, |dice| words(WORDS, 6, dice), &mut dice),
    }
}

/// A plan that was read makes sense.
fn try_plan(bytes: &[u8]) -> bool {
    match plan::read(&String::from_utf8_lossy(bytes), "plan.toml") {
        Ok(plan) => {
            assert!(plan.seconds().is_finite() && plan.seconds() > 0.0 && !plan.requests_expected().is_nan());
            assert!(!plan.steps.is_empty() && !plan.requests.is_empty() && plan.users > 0);
            true
        }
        Err(error) => {
            let shown = format!("{:?}", miette::Report::new(error));
            assert!(!shown.trim().is_empty(), "an error that says nothing");
            false
        }
    }
}

/// A results file that was read can be judged.
fn try_results(bytes: &[u8]) -> bool {
    match results::read(bytes) {
        Ok(results) => {
            for (index, step) in results.steps.iter().enumerate() {
                assert!(step.offered_per_s().is_finite() && step.throughput_per_s() >= 0.0);
                let _ = (doubts(index, step), histogram::decode(&step.response.hdr));
            }
            true
        }
        Err(error) => {
            assert!(!error.is_empty(), "an error that says nothing");
            false
        }
    }
}

fn fuzz(what: &str, good: &str, numbers: (u64, u64), read: fn(&[u8]) -> bool) {
    assert!(read(good.as_bytes()), "the good one of {what} is not");
    hunt(what, numbers, |number| bytes(number, good), read);
}

#[test]
fn no_text_makes_the_reader_of_plans_panic() {
    fuzz("plans", PLAN, (1, 2_000), try_plan);
}

#[test]
fn no_bytes_make_the_reader_of_results_panic() {
    fuzz("results", &RESULTS, (1, 1_000), try_results);
}

#[test]
#[ignore = "as long as one likes"]
fn no_text_of_very_many_makes_a_reader_panic() {
    fuzz("plans", PLAN, asked(), try_plan);
    fuzz("results", &RESULTS, asked(), try_results);
}
