//! The page of a stage that has no lesson of its own: what `[figure]` of its stage file says, in a lesson's form.

use std::ops::Range;

use hockeystick_core::stage::Challenge as Asked;
use pulldown_cmark::{Event, Parser};

use super::inline::Writer;
use super::{Block, Challenge, FigureBlock, Lesson, OPTIONS};
use crate::problem::{FileErrors, Problems};
use crate::stage::{Shown, Told};

/// What a stage's page is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StagePage<'s> {
    /// The stage file's text.
    pub(crate) text: &'s str,
    /// Its name in errors.
    pub(crate) file: &'s str,
    /// What broke, in one sentence.
    pub(crate) broke: &'s str,
    /// What breaks next; none at the end of the journey.
    pub(crate) next: Option<&'s str>,
}

/// The page of a stage as a lesson.
///
/// # Errors
/// Knobs, terms and things in its texts that there are none of.
pub(crate) fn of_stage(page: StagePage<'_>, shown: &Shown) -> Result<Lesson, FileErrors> {
    let mut problems = Problems::default();
    let figures = [shown.figure.clone()];
    let mut writer = Writer::new(&figures, &mut problems);
    let mut prose = |told: &Told| {
        let events = Parser::new_ext(&told.text, OPTIONS).map(|event| (event, told.span.clone()));
        let events: Vec<(Event<'_>, Range<usize>)> = events.collect();
        let headings = events.iter().filter(|(event, _)| matches!(event, Event::Start(_))).count();
        Block::Prose(writer.prose(&events, &vec![Some(shown.figure.id.clone()); headings + 1]))
    };
    let own = |text: String| Told { text, span: 0..0 };
    let mut blocks = vec![
        prose(&own(page.broke.to_owned())),
        Block::Figure(Box::new(FigureBlock { figure: shown.figure.clone() })),
        prose(&shown.opening),
    ];
    for (heading, list) in [("What to change", &shown.turn), ("What to break", &shown.to_break)] {
        if let Some(first) = list.first() {
            let items: String = list.iter().map(|told| format!("- {}\n", told.text.replace('\n', " "))).collect();
            blocks.push(prose(&Told { text: format!("## {heading}\n\n{items}"), span: first.span.clone() }));
        }
    }
    if let Some(asked) = &shown.figure.stage.challenge {
        blocks.push(prose(&own("## Your turn".to_owned())));
        blocks.push(Block::Challenge(Box::new(task(&shown.figure.id, asked))));
    }
    if let Some(next) = page.next {
        blocks.push(prose(&own(format!("## What breaks next\n\n{next}"))));
    }
    let lesson = Lesson { blocks, terms: writer.into_terms() };
    if problems.is_empty() { Ok(lesson) } else { Err(problems.into_errors(page.file, page.text)) }
}

fn task(figure: &str, asked: &Asked) -> Challenge {
    Challenge { figure: figure.to_owned(), asked: Some(asked.clone()) }
}
