//! Fenced blocks with TOML in them: figures, predictions, challenges.

use std::collections::BTreeMap;
use std::ops::Range;

use hockeystick_core::figure::Figure;
use hockeystick_core::stage::Stage;

use super::Source;
use crate::fields::{Fields, Wrong, names};
use crate::figure;
use crate::problem::Problems;
use crate::stage::{parse, parse_value};
use crate::suggest::valid_names;

/// What a fenced block says.
#[derive(Debug)]
pub(crate) enum Directive {
    Figure(Box<FigureBlock>),
    Predict(Box<Predict>),
    Challenge(Box<Challenge>),
}

/// A figure, with its place among the lesson's stage files.
#[derive(Clone, Debug)]
pub(crate) struct FigureBlock {
    /// What the page's program reads.
    pub(crate) figure: Figure,
}

impl FigureBlock {
    /// The figure as an attribute's value: packed.
    ///
    /// Sentences that the page shows in any case stay out: a reader would download them twice.
    pub(crate) fn encoded(&self) -> String {
        let mut figure = self.figure.clone();
        figure.caption.clear();
        if let Some(challenge) = &mut figure.stage.challenge {
            challenge.goal.clear();
            challenge.hints.clear();
        }
        hockeystick_core::pack::to_text(&figure)
    }
}

/// A question that the reader answers before looking.
#[derive(Debug)]
pub(crate) struct Predict {
    /// Id of the figure that shows the result.
    pub(crate) figure: String,
    pub(crate) question: String,
    pub(crate) choices: Vec<String>,
    /// Index of the right choice, from 0.
    pub(crate) answer: usize,
    /// What the figure turns to when the reader looks: paths with numbers in the knobs' units.
    pub(crate) set: Vec<(String, f64)>,
    pub(crate) explain: String,
    pub(crate) question_html: String,
    pub(crate) choices_html: Vec<String>,
    pub(crate) explain_html: String,
    /// The texts of `set`, until the figure is known.
    unresolved: BTreeMap<String, String>,
}

/// A task that the page judges.
#[derive(Debug)]
pub(crate) struct Challenge {
    /// Id of the figure that is judged.
    pub(crate) figure: String,
    /// What is asked, from the figure's stage.
    pub(crate) asked: Option<hockeystick_core::stage::Challenge>,
}

/// Reads the directive `name`, whose TOML is at `body`.
pub(super) fn read(
    name: &str,
    body: Range<usize>,
    source: &Source<'_>,
    problems: &mut Problems,
) -> Result<Directive, Wrong> {
    let mut own = Problems::default();
    let read = parse(&source.text[body.clone()], &mut own).and_then(|document| {
        let fields = Fields::new(document.get_ref(), 0..0, "");
        match name {
            "figure" => {
                read_figure(&fields, source, &mut own).map(|figure| Directive::Figure(Box::new(FigureBlock { figure })))
            }
            "predict" => read_predict(&fields, &mut own).map(|predict| Directive::Predict(Box::new(predict))),
            _ => {
                fields.only(&["figure"], &mut own);
                let figure = fields.required("figure", "the id of a figure: figure = \"challenge\"", &mut own)?;
                Ok(Directive::Challenge(Box::new(Challenge { figure, asked: None })))
            }
        }
    });
    let sound = own.is_empty();
    problems.absorb(own, body.start);
    if sound { read } else { Err(Wrong) }
}

/// A figure of a lesson: as [`figure::read`] has it, with an id, and on any stage of the folder.
fn read_figure(fields: &Fields<'_, '_>, source: &Source<'_>, problems: &mut Problems) -> Result<Figure, Wrong> {
    let own: Vec<&str> = ["id"].into_iter().chain(names(&figure::FIELDS)).collect();
    fields.only(&own, problems);
    let id = fields.required::<String>("id", "id = \"opening\"", problems);
    let id = id.and_then(|id| check_id(id, fields, problems));
    let stage = source.folder.stage(fields, None, problems);
    figure::read(fields, id?, stage?, problems)
}

fn check_id(id: String, fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<String, Wrong> {
    let sound = !id.is_empty() && id.len() <= 40 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if sound {
        return Ok(id);
    }
    problems.add(fields.span_of("id"), "id", "not an id", "1 to 40 letters, digits or `-`");
    Err(Wrong)
}

fn read_predict(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<Predict, Wrong> {
    fields.only(&["figure", "question", "choices", "answer", "set", "explain"], problems);
    let figure = fields.required("figure", "the id of a figure", problems);
    let question = fields.required("question", "a sentence", problems);
    let choices = fields.required::<Vec<String>>("choices", "two to six sentences", problems);
    let answer = fields.required::<usize>("answer", "the right choice, counted from 1", problems);
    let explain = fields.required("explain", "why it is so", problems);
    let unresolved = figure::settings(fields, problems)?.into_iter().map(|(path, text, _)| (path, text)).collect();
    let (choices, answer) = (choices?, answer?);
    if !(2..=6).contains(&choices.len()) || !(1..=choices.len()).contains(&answer) {
        let help = "two to six choices, and the number of one of them";
        problems.add(fields.span_of("answer"), "answer", "no such choice", help);
        return Err(Wrong);
    }
    Ok(Predict {
        figure: figure?,
        question: question?,
        choices,
        answer: answer - 1,
        set: Vec::new(),
        explain: explain?,
        question_html: String::new(),
        choices_html: Vec::new(),
        explain_html: String::new(),
        unresolved,
    })
}

/// Joins predictions and challenges with the figures that they name, which may come later in the lesson.
pub(super) fn resolve(directives: &mut [Option<Directive>], spans: Vec<Range<usize>>, problems: &mut Problems) {
    let figures: BTreeMap<String, Stage> = directives
        .iter()
        .flatten()
        .filter_map(|directive| match directive {
            Directive::Figure(block) => Some((block.figure.id.clone(), block.figure.stage.clone())),
            _ => None,
        })
        .collect();
    let find = |id: &str, span: &Range<usize>, problems: &mut Problems| {
        let stage = figures.get(id);
        if stage.is_none() {
            let help = valid_names(id, figures.keys().map(String::as_str));
            problems.add(span.clone(), "figure", format!("no such figure: `{id}`"), help);
        }
        stage
    };
    let mut judged: Vec<String> = Vec::new();
    for (directive, span) in directives.iter_mut().zip(spans) {
        match directive {
            Some(Directive::Predict(predict)) => {
                let Some(stage) = find(&predict.figure, &span, problems) else { continue };
                for (path, text) in &predict.unresolved {
                    match parse_value(stage, path, text) {
                        Ok(value) => predict.set.push((path.clone(), value)),
                        Err(error) => problems.add(span.clone(), "set", error.to_string(), ""),
                    }
                }
            }
            Some(Directive::Challenge(challenge)) => {
                let Some(stage) = find(&challenge.figure, &span, problems) else { continue };
                judged.push(challenge.figure.clone());
                challenge.asked = stage.challenge.clone();
                if challenge.asked.is_none() {
                    let help = "a [challenge] in the figure's stage file";
                    problems.add(span, "figure", "the figure's stage asks for nothing", help);
                }
            }
            _ => {}
        }
    }
    forget_other_challenges(directives, &judged);
}

/// Only a figure that is judged carries its task: a page is downloaded with every word in it.
fn forget_other_challenges(directives: &mut [Option<Directive>], judged: &[String]) {
    for directive in directives.iter_mut().flatten() {
        if let Directive::Figure(block) = directive
            && !judged.contains(&block.figure.id)
        {
            block.figure.stage.challenge = None;
        }
    }
}
