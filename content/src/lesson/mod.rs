//! A lesson: Markdown with figures, predictions and challenges in it.
//!
//! - Fenced blocks `figure`, `predict` and `challenge` hold TOML: [`directive`].
//! - Links `[9](knob:users.rate)`, `[queue](term:queue "a line that waits")`, `[requests](thing:request)` are knobs,
//!   terms and things: [`inline`].
//! - A stage without a lesson has a page all the same, from its stage file: [`of_stage`](mod@of_stage).
//! - The rest is CommonMark with tables. Raw HTML and pictures are refused: a page has no style and no script of its
//!   own.

mod directive;
mod inline;
mod of_stage;

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};

pub(crate) use directive::{Challenge, Directive, FigureBlock, Predict};
pub(crate) use inline::Term;
pub(crate) use of_stage::{StagePage, of_stage};

use crate::TEXT_BYTES_MAX;
use crate::figure::Folder;
use crate::problem::{FileErrors, Problems};

/// A lesson, read and checked.
#[derive(Debug)]
pub(crate) struct Lesson {
    /// The page from top to bottom.
    pub(crate) blocks: Vec<Block>,
    /// Every term that the lesson introduces, in the alphabet's order.
    pub(crate) terms: Vec<Term>,
}

/// A part of the page.
#[derive(Debug)]
pub(crate) enum Block {
    /// Prose, as HTML.
    Prose(String),
    /// A figure.
    Figure(Box<FigureBlock>),
    /// A question before the result.
    Predict(Box<Predict>),
    /// A task that the page judges.
    Challenge(Box<Challenge>),
}

impl Lesson {
    /// The first figure of the lesson.
    pub(crate) fn first_figure(&self) -> Option<&FigureBlock> {
        self.blocks.iter().find_map(|block| match block {
            Block::Figure(figure) => Some(&**figure),
            _ => None,
        })
    }

    /// Every figure of the lesson.
    pub(crate) fn figures(&self) -> impl Iterator<Item = &FigureBlock> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Figure(figure) => Some(&**figure),
            _ => None,
        })
    }
}

/// What a lesson is read from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'s> {
    /// The Markdown.
    pub(crate) text: &'s str,
    /// The file's name in errors.
    pub(crate) file: &'s str,
    /// The stage files in the lesson's folder.
    pub(crate) folder: Folder<'s>,
}

/// Reads a lesson.
///
/// # Errors
/// Everything that is wrong with its directives and links.
pub(crate) fn read(source: &Source<'_>) -> Result<Lesson, FileErrors> {
    let mut problems = Problems::default();
    if source.text.len() > TEXT_BYTES_MAX {
        problems.add(0..0, "", "the lesson is too long", format!("at most {TEXT_BYTES_MAX} bytes"));
        return Err(problems.into_errors(source.file, source.text));
    }
    let parts = split(source.text, &mut problems);
    let directives = read_directives(source, &parts, &mut problems);
    let lesson = assemble(&parts, directives, &mut problems);
    if problems.is_empty() { Ok(lesson) } else { Err(problems.into_errors(source.file, source.text)) }
}

/// A piece of the Markdown: prose up to a directive, or a directive.
#[derive(Debug)]
enum Part<'t> {
    Prose(Vec<(Event<'t>, Range<usize>)>),
    Directive { name: &'static str, body: Range<usize> },
}

/// CommonMark, and what a lesson may use besides.
const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_SMART_PUNCTUATION);

const DIRECTIVES: [&str; 3] = ["figure", "predict", "challenge"];

fn split<'t>(text: &'t str, problems: &mut Problems) -> Vec<Part<'t>> {
    let mut parts = vec![Part::Prose(Vec::new())];
    let mut events = Parser::new_ext(text, OPTIONS).into_offset_iter();
    let mut depth = 0_usize;
    while let Some((event, span)) = events.next() {
        if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) = &event
            && let Some(name) = DIRECTIVES.into_iter().find(|name| info.split_whitespace().next() == Some(name))
        {
            let mut body: Option<Range<usize>> = None;
            for (event, span) in events.by_ref() {
                match event {
                    Event::Text(_) => body = Some(body.map_or(span.clone(), |body| body.start..span.end)),
                    Event::End(TagEnd::CodeBlock) => break,
                    _ => {}
                }
            }
            if depth > 0 {
                problems.add(span, name, "inside a list or a quotation", "move it to the left margin");
            } else {
                parts.push(Part::Directive { name, body: body.unwrap_or(span.end..span.end) });
                parts.push(Part::Prose(Vec::new()));
            }
            continue;
        }
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Html(_) | Event::InlineHtml(_) => {
                let help = "write it in Markdown, or use a directive";
                problems.add(span.clone(), "", "raw HTML is not for lessons", help);
            }
            _ => {}
        }
        if let Event::Start(Tag::Image { .. }) = &event {
            problems.add(span.clone(), "", "a lesson has figures, not pictures", "use a `figure` block");
        }
        if let Some(Part::Prose(prose)) = parts.last_mut() {
            prose.push((event, span));
        }
    }
    parts
}

/// The directives in order; where one is wrong there is none, so that the positions stay.
fn read_directives(source: &Source<'_>, parts: &[Part<'_>], problems: &mut Problems) -> Vec<Option<Directive>> {
    let mut directives: Vec<Option<Directive>> = Vec::new();
    let mut ids = BTreeSet::new();
    for part in parts {
        let Part::Directive { name, body } = part else { continue };
        let read = directive::read(name, body.clone(), source, problems);
        if let Ok(Directive::Figure(figure)) = &read
            && !ids.insert(figure.figure.id.clone())
        {
            let message = format!("there is another figure `{}`", figure.figure.id);
            problems.add(body.clone(), "id", message, "each figure of a page has an id of its own");
        }
        directives.push(read.ok());
    }
    directive::resolve(&mut directives, parts_spans(parts), problems);
    directives
}

fn parts_spans(parts: &[Part<'_>]) -> Vec<Range<usize>> {
    let spans = parts.iter().filter_map(|part| match part {
        Part::Directive { body, .. } => Some(body.clone()),
        Part::Prose(_) => None,
    });
    spans.collect()
}

fn assemble(parts: &[Part<'_>], directives: Vec<Option<Directive>>, problems: &mut Problems) -> Lesson {
    let beside = figures_beside(parts, &directives);
    let figures: Vec<hockeystick_core::figure::Figure> = directives
        .iter()
        .flatten()
        .filter_map(|directive| match directive {
            Directive::Figure(figure) => Some(figure.figure.clone()),
            _ => None,
        })
        .collect();
    let mut directives = directives.into_iter();
    let mut writer = inline::Writer::new(&figures, problems);
    let mut blocks = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Prose(events) if events.is_empty() => {}
            Part::Prose(events) => blocks.push(Block::Prose(writer.prose(events, &beside[index]))),
            Part::Directive { .. } => match directives.next().flatten() {
                Some(Directive::Figure(figure)) => blocks.push(Block::Figure(figure)),
                Some(Directive::Predict(mut predict)) => {
                    predict.explain_html = writer.line(&predict.explain);
                    predict.question_html = writer.line(&predict.question);
                    predict.choices_html = predict.choices.iter().map(|choice| writer.line(choice)).collect();
                    blocks.push(Block::Predict(predict));
                }
                Some(Directive::Challenge(challenge)) => blocks.push(Block::Challenge(challenge)),
                None => {}
            },
        }
    }
    Lesson { blocks, terms: writer.into_terms() }
}

/// For each heading's section of each prose part: the figure that its knobs turn unless they name one. That is the next
/// figure of the same section, else the last one before.
fn figures_beside(parts: &[Part<'_>], directives: &[Option<Directive>]) -> Vec<Vec<Option<String>>> {
    // The document as a row of headings and figures, to look ahead and back in.
    enum Mark {
        Heading,
        Figure(String),
        Section { part: usize },
    }
    let mut marks = Vec::new();
    let mut next_directive = directives.iter();
    for (part, each) in parts.iter().enumerate() {
        match each {
            Part::Prose(events) => {
                marks.push(Mark::Section { part });
                for (event, _) in events {
                    if matches!(event, Event::Start(Tag::Heading { .. })) {
                        marks.push(Mark::Heading);
                        marks.push(Mark::Section { part });
                    }
                }
            }
            Part::Directive { .. } => {
                if let Some(Some(Directive::Figure(figure))) = next_directive.next() {
                    marks.push(Mark::Figure(figure.figure.id.clone()));
                }
            }
        }
    }
    let figure = |mark: &Mark| match mark {
        Mark::Figure(id) => Some(id.clone()),
        _ => None,
    };
    let mut beside = vec![Vec::new(); parts.len()];
    for (index, mark) in marks.iter().enumerate() {
        if let Mark::Section { part } = mark {
            let ahead = marks[index..].iter().take_while(|mark| !matches!(mark, Mark::Heading)).find_map(figure);
            let back = || marks[..index].iter().rev().find_map(figure);
            beside[*part].push(ahead.or_else(back));
        }
    }
    beside
}

/// The address of a heading: its letters and digits, joined by `-`.
pub(crate) fn slug(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// HTML that was made already, as an event.
fn html(text: String) -> Event<'static> {
    Event::InlineHtml(CowStr::from(text))
}

#[cfg(test)]
mod tests;
