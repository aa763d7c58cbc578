//! Every term that a lesson introduces, each with the lesson that does.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{Chapter, Content};
use crate::show;

/// A meaning, and the stage that gives it.
struct Meaning<'c> {
    chapter: &'c Chapter,
    key: &'c str,
    meaning: &'c str,
}

pub(super) fn page(chapters: &[Chapter]) -> Content {
    let mut words: BTreeMap<String, (&str, Vec<Meaning<'_>>)> = BTreeMap::new();
    for chapter in chapters {
        for term in &chapter.lesson.terms {
            let known = words.entry(term.word.to_lowercase()).or_insert((&term.word, Vec::new()));
            known.1.push(Meaning { chapter, key: &term.key, meaning: &term.meaning });
        }
    }
    let letter = |word: &str| word.chars().next().map_or('#', |first| first.to_ascii_uppercase());
    let mut letters: Vec<char> = words.keys().map(|word| letter(word)).collect();
    letters.dedup();
    let main = html! {
        main #content.narrow-page {
            h1 { "Glossary" }
            p.lede { "The words of the journey, each as the lesson has it that needs it first." }
            nav.letters aria-label="Letters" { @for each in &letters { a href={ "#" (each) } { (each) } } }
            section.glossary {
                @for each in &letters {
                    h2 id=(each) { (each) }
                    dl {
                        @for (word, meanings) in words.iter().filter(|(word, _)| letter(word) == *each).map(|(_, it)| it) {
                            div { dt { (word) } dd { @for meaning in meanings { (one(meaning)) } } }
                        }
                    }
                }
            }
        }
    };
    Content::of_words(
        "Glossary",
        "Every term of scaling a web app that the lessons introduce, in one line each.",
        Some("glossary"),
        main,
    )
}

fn one(meaning: &Meaning<'_>) -> Markup {
    let Meaning { chapter, key, meaning } = meaning;
    html! {
        p {
            (show::sentence(meaning)) " "
            a.where href={ "/stages/" (chapter.stop.slug) "/#term-" (key) } {
                "Stage " (chapter.stop.number().trim_start_matches('0'))
            }
        }
    }
}
