//! The numbers of the lessons are what their figures show.
//!
//! Beside a lesson lies `claims.toml`: sentences of its prose, each with the figure it speaks of, what is done to it, and
//! the range in which the model must land. [`book`] is its form, [`play`] runs a figure. Where a stage has no lesson of
//! its own, its page's sentences are those of its stage file.
//!
//! `cargo nextest run -p hockeystick-content --test all claims:: --no-capture` prints what the model shows for every claim.

mod book;
mod play;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hockeystick_content::builtin;

use book::{Book, Claim};
use play::{Figures, Stagehand};

/// A claim's figure is run with its own seed, and with this many in all unless the claim says how many.
const SEEDS: u64 = 3;

fn folder(slug: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("stages").join(slug)
}

/// Runs of one lesson: claims of one figure in one state share them.
struct Lesson {
    slug: &'static str,
    hand: Stagehand,
    runs: BTreeMap<String, Figures>,
    wrong: Vec<String>,
}

impl Lesson {
    fn judge(&mut self, claim: &Claim) {
        let first = self.hand.seed_of(claim);
        for seed in first..first + claim.seeds.unwrap_or(SEEDS) {
            let key = format!("{seed} {}", claim.scene());
            let found = match self.runs.get(&key) {
                Some(figures) => Ok(figures),
                None => self.hand.play(claim, seed).map(|figures| &*self.runs.entry(key).or_insert(figures)),
            };
            match found {
                Ok(figures) => compare(self.slug, claim, seed, figures, &mut self.wrong),
                Err(problem) => {
                    self.wrong.push(format!("{}: “{}”: {problem}", self.slug, claim.quote));
                    return;
                }
            }
            if claim.theory {
                return;
            }
        }
    }
}

fn compare(slug: &str, claim: &Claim, seed: u64, figures: &Figures, wrong: &mut Vec<String>) {
    for (name, [low, high]) in &claim.shows {
        let quote = &claim.quote;
        let Some(&value) = figures.get(name) else {
            let known: Vec<&str> = figures.keys().map(String::as_str).collect();
            wrong.push(format!("{slug}: “{quote}”: the figure has no `{name}`, but {}", known.join(", ")));
            continue;
        };
        let by = if claim.theory { "theory".to_owned() } else { format!("seed {seed}") };
        let told = format!("{slug}, {}, {by}: {name} is {value:.4}, expected {low} to {high}", claim.scene());
        println!("{told}");
        if !(*low..=*high).contains(&value) {
            wrong.push(format!("“{quote}”\n    {told}"));
        }
    }
}

/// Every prediction's answer is claimed: what its reader is told is what the figure shows.
fn predictions_without_a_claim<'l>(lesson: &'l str, book: &Book) -> Vec<&'l str> {
    let blocks = lesson.split("```predict\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block));
    let claimed = |block: &str| book.claim.iter().any(|claim| block.contains(&claim.quote));
    blocks
        .filter(|block| !claimed(block))
        .filter_map(|block| block.lines().find(|l| l.starts_with("question")))
        .collect()
}

fn hold(slug: &'static str) {
    let file = folder(slug).join("claims.toml");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let book: Book = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let prose = ["lesson.md", "stage.toml"].into_iter().find_map(|file| builtin::text(slug, file));
    let prose = prose.unwrap_or_else(|| panic!("{slug} has claims, but no text"));
    let mut lesson = Lesson { slug, hand: Stagehand::of(slug), runs: BTreeMap::new(), wrong: Vec::new() };
    for question in predictions_without_a_claim(prose, &book) {
        lesson.wrong.push(format!("{slug}: no claim quotes the prediction with {question}"));
    }
    for claim in &book.claim {
        if prose.contains(&claim.quote) {
            lesson.judge(claim);
        } else {
            lesson.wrong.push(format!("{slug}: its text does not say “{}”", claim.quote));
        }
    }
    assert!(lesson.wrong.is_empty(), "{} of the lesson is not so:\n{}", lesson.wrong.len(), lesson.wrong.join("\n"));
}

/// One test a lesson, so that they run side by side.
macro_rules! lessons {
    ($( $test:ident: $slug:literal, )*) => {
        const HELD: &[&str] = &[$( $slug ),*];
        $( #[test] fn $test() { hold($slug); } )*
    };
}

lessons! {
    lesson_01_says_what_its_figures_show: "01-single-server",
    lesson_04_says_what_its_figures_show: "04-connection-pool",
    stage_07_says_what_its_figure_shows: "07-choosing-a-database",
    stage_08_says_what_its_figure_shows: "08-tuning-queries",
    lesson_09_says_what_its_figures_show: "09-load-balancer",
    lesson_10_says_what_its_figures_show: "10-replication",
    lesson_11_says_what_its_figures_show: "11-cache",
    stage_13_says_what_its_figure_shows: "13-stateless-web",
    stage_16_says_what_its_figure_shows: "16-splitting-services",
    stage_17_says_what_its_figure_shows: "17-read-write-services",
    stage_18_says_what_its_figure_shows: "18-delayed-writes",
    stage_19_says_what_its_figure_shows: "19-sharding",
}

#[test]
fn every_file_of_claims_is_held() {
    let lying: Vec<&str> =
        builtin::slugs().iter().copied().filter(|slug| folder(slug).join("claims.toml").exists()).collect();
    assert_eq!(lying, HELD, "name each in `lessons!`, in the journey's order");
}
