//! `[figure]`: how a stage is shown where it has no lesson of its own, and wherever one figure stands for it.

use std::ops::Range;

use hockeystick_core::figure::Figure;
use hockeystick_core::stage::{Challenge, Fault, Stage};

use crate::fields::{Fields, Known, Wrong, names, valid};
use crate::figure::{self, Folder};
use crate::problem::Problems;

/// The figure's id on its page.
pub(crate) const ID: &str = "board";

/// What `[figure]` says besides the figure. Each text is Markdown, with knobs, terms and things as in a lesson.
pub(crate) const TEXTS: [Known; 3] = [
    ("opening", "what the reader sees, as a paragraph or two"),
    ("turn", "what to drag in and to turn: turn = [\"Raise the load until …\"]"),
    ("break", "what to break, and what to look at then: break = [\"Switch a server off: …\"]"),
];

/// How a stage is shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Its figure.
    pub(crate) figure: Figure,
    /// What the reader sees.
    pub(crate) opening: Told,
    /// What to drag in and to turn.
    pub(crate) turn: Vec<Told>,
    /// What to break.
    pub(crate) to_break: Vec<Told>,
}

/// Markdown, and its place in the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

/// Reads `[figure]`; none where the file has none. What `from` names is read with its `folder` only.
pub(super) fn read(
    top: &Fields<'_, '_>,
    stage: &Stage,
    folder: Option<&Folder<'_>>,
    problems: &mut Problems,
) -> Result<Option<Shown>, Wrong> {
    let Some(value) = top.get("figure") else { return Ok(None) };
    let fields = Fields::of(value, "figure", problems)?;
    let known: Vec<&str> = names(&figure::FIELDS).into_iter().chain(names(&TEXTS)).collect();
    fields.only(&known, problems);
    let opening = fields.optional::<String>("opening", valid(&TEXTS, "opening"), problems);
    let opening = opening.map(|text| Told { text: text.unwrap_or_default(), span: fields.span_of("opening") });
    let (turn, to_break) = (texts(&fields, "turn", problems), texts(&fields, "break", problems));
    let begin = match folder {
        Some(folder) => folder.stage(&fields, Some(stage), problems)?,
        None if fields.get("from").is_some() => return Ok(None),
        None => stage.clone(),
    };
    let mut figure = figure::read(&fields, ID.to_owned(), begin, problems)?;
    figure.stage.challenge = task(stage, &figure.stage, &fields, problems)?;
    Ok(Some(Shown { figure, opening: opening?, turn: turn?, to_break: to_break? }))
}

/// The stage's task, on whatever board its reader begins.
fn task(
    stage: &Stage,
    begin: &Stage,
    fields: &Fields<'_, '_>,
    problems: &mut Problems,
) -> Result<Option<Challenge>, Wrong> {
    let Some(task) = &stage.challenge else { return Ok(None) };
    let there = |fault: &Fault| Some(Fault { on: begin.counterpart(stage, &fault.on)?, ..fault.clone() });
    let Some(faults) = task.faults.iter().map(there).collect() else {
        let message = "the challenge breaks something that is not on the board of `from`";
        problems.add(
            fields.span_of("from"),
            fields.path_of("from"),
            message,
            "a board that has it, with the same name",
        );
        return Err(Wrong);
    };
    Ok(Some(Challenge { faults, ..task.clone() }))
}

fn texts(fields: &Fields<'_, '_>, name: &str, problems: &mut Problems) -> Result<Vec<Told>, Wrong> {
    let texts = fields.optional::<Vec<String>>(name, valid(&TEXTS, name), problems)?.unwrap_or_default();
    let span = fields.span_of(name);
    Ok(texts.into_iter().map(|text| Told { text, span: span.clone() }).collect())
}
