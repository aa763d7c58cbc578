//! Every term that a lesson introduces, each with the lesson that does.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{Chapter, Content};
use crate::show;

/// A term, as the lesson that first has it writes it.
struct Word<'c> {
    word: String,
    key: &'c str,
    /// What it means, and the lessons that say so.
    meanings: Vec<(&'c str, Vec<&'c Chapter>)>,
}

pub(super) fn page(chapters: &[Chapter]) -> Content {
    let mut words: BTreeMap<&str, Word<'_>> = BTreeMap::new();
    for chapter in chapters {
        for term in &chapter.lesson.terms {
            let new = || Word { word: capital(&term.word), key: &term.key, meanings: Vec::new() };
            let meanings = &mut words.entry(&term.key).or_insert_with(new).meanings;
            match meanings.iter_mut().find(|(meaning, _)| *meaning == term.meaning) {
                Some((_, lessons)) => lessons.push(chapter),
                None => meanings.push((&term.meaning, vec![chapter])),
            }
        }
    }
    let mut words: Vec<Word<'_>> = words.into_values().collect();
    words.sort_by_key(|it| it.word.to_lowercase());
    let letter = |word: &Word<'_>| word.word.chars().next().unwrap_or('#');
    let mut letters: Vec<char> = words.iter().map(letter).collect();
    letters.dedup();
    let main = html! {
        main #content.narrow-page {
            h1 { "Glossary" }
            p.lede { "The words of the journey, and where each is introduced." }
            nav.letters aria-label="Letters" { @for each in &letters { a href={ "#" (each) } { (each) } } }
            section.glossary {
                @for each in &letters {
                    h2 id=(each) { (each) }
                    dl {
                        @for word in words.iter().filter(|word| letter(word) == *each) {
                            div { dt { (word.word) } dd { (meanings(word)) } }
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

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

fn meanings(word: &Word<'_>) -> Markup {
    html! {
        @for (meaning, lessons) in &word.meanings {
            p {
                (show::sentence(meaning))
                @for chapter in lessons {
                    " "
                    a.where href={ "/stages/" (chapter.stop.slug) "/#term-" (word.key) } {
                        "Stage " (chapter.stop.number().trim_start_matches('0'))
                    }
                }
            }
        }
    }
}
