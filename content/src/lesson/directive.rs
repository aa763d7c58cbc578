//! Fenced blocks with TOML in them: figures, predictions, challenges.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hockeystick_core::component::Kind;
use hockeystick_core::figure::{Break, Control, Figure, Panel};
use hockeystick_core::stage::Stage;
use hockeystick_core::units::Duration;
use toml::Spanned;

use super::Source;
use crate::fields::{Fields, Wrong};
use crate::problem::Problems;
use crate::stage::{Names, fault_details, parse, parse_value, read_fault_kind, read_target, set};
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
    /// The figure as an attribute's value: packed, then base64 for URLs.
    ///
    /// Sentences that the page shows in any case stay out: a reader would download them twice.
    pub(crate) fn encoded(&self) -> String {
        let mut figure = self.figure.clone();
        figure.caption.clear();
        if let Some(challenge) = &mut figure.stage.challenge {
            challenge.goal.clear();
            challenge.hints.clear();
        }
        URL_SAFE_NO_PAD.encode(hockeystick_core::pack::to_bytes(&figure))
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

const FIGURE_FIELDS: [&str; 11] =
    ["id", "from", "set", "seed", "speed", "autoplay", "panels", "controls", "breaks", "palette", "caption"];

fn read_figure(fields: &Fields<'_, '_>, source: &Source<'_>, problems: &mut Problems) -> Result<Figure, Wrong> {
    fields.only(&FIGURE_FIELDS, problems);
    let id = fields.required::<String>("id", "id = \"opening\"", problems);
    let id = id.and_then(|id| check_id(id, fields, problems));
    let seed = fields.optional("seed", "a whole number: seed = 1", problems);
    let speed = fields.optional::<f64>("speed", "simulated seconds in a second: speed = 0.5", problems);
    let speed = speed.and_then(|speed| check_speed(speed.unwrap_or(1.0), fields, problems));
    let autoplay = fields.optional("autoplay", "true or false", problems);
    let panels = fields.optional::<Vec<Panel>>(
        "panels",
        "panels = [\"hockey-stick\", \"percentiles\", \"throughput\", \"utilisation\"]",
        problems,
    );
    let palette = read_palette(fields, problems);
    let caption = fields.required("caption", "one line under the figure", problems);
    let stage = read_stage(fields, source, problems)?;
    let controls = read_controls(fields, &stage, problems);
    let breaks = read_breaks(fields, &stage, problems);
    Ok(Figure {
        id: id?,
        stage,
        seed: seed?.unwrap_or(1),
        speed: speed?,
        autoplay: autoplay?.unwrap_or(false),
        panels: panels?.unwrap_or_default(),
        controls,
        breaks,
        palette: palette?,
        caption: caption?,
    })
}

fn span_of(fields: &Fields<'_, '_>, name: &str) -> Range<usize> {
    fields.get(name).map_or(fields.span(), Spanned::span)
}

fn check_id(id: String, fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<String, Wrong> {
    let sound = !id.is_empty() && id.len() <= 40 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if sound {
        return Ok(id);
    }
    problems.add(span_of(fields, "id"), "id", "not an id", "1 to 40 letters, digits or `-`");
    Err(Wrong)
}

fn check_speed(speed: f64, fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<f64, Wrong> {
    if (0.000_1..=10_000.0).contains(&speed) {
        return Ok(speed);
    }
    problems.add(span_of(fields, "speed"), "speed", format!("{speed} is out of range"), "0.0001 to 10,000");
    Err(Wrong)
}

fn read_palette(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<Vec<Kind>, Wrong> {
    let keys = fields.optional::<Vec<String>>("palette", "kinds: palette = [\"dns\"]", problems)?.unwrap_or_default();
    let mut kinds = Vec::new();
    for key in keys {
        match Kind::from_key(&key) {
            Some(kind) => kinds.push(kind),
            None => {
                let help = valid_names(&key, Kind::ALL.iter().map(|kind| kind.key()));
                problems.add(span_of(fields, "palette"), "palette", format!("no such kind: `{key}`"), help);
            }
        }
    }
    Ok(kinds)
}

/// The stage of `from`, with what `set` says.
fn read_stage(fields: &Fields<'_, '_>, source: &Source<'_>, problems: &mut Problems) -> Result<Stage, Wrong> {
    let from: Option<String> = fields.optional("from", "a stage file of this folder", problems)?;
    let file = from.as_deref().unwrap_or("stage.toml");
    let Some(mut stage) = (source.stage)(file) else {
        let help = valid_names(file, source.stage_files.iter().copied());
        problems.add(span_of(fields, "from"), "from", format!("no sound stage file `{file}` in this folder"), help);
        return Err(Wrong);
    };
    for (path, text, span) in read_settings(fields, problems)? {
        if let Err(error) = set(&mut stage, &path, &text) {
            problems.add(span, "set", error.to_string(), "");
        }
    }
    for problem in stage.check() {
        problems.add(span_of(fields, "set"), problem.path, problem.message, problem.help);
    }
    Ok(stage)
}

/// `set`: paths with texts, and where each stands.
fn read_settings(
    fields: &Fields<'_, '_>,
    problems: &mut Problems,
) -> Result<Vec<(String, String, Range<usize>)>, Wrong> {
    let Some(value) = fields.get("set") else { return Ok(Vec::new()) };
    let table = Fields::of(value, "set", problems)?;
    let valid = "a path with a text: set = { \"users.rate\" = \"60/s\" }";
    let entry = |key: &str, problems: &mut Problems| {
        let value = table.get(key)?;
        let text = crate::fields::read::<String>(value, &table.path_of(key), valid, problems).ok()?;
        Some((key.to_owned(), text, value.span()))
    };
    Ok(table.table().keys().filter_map(|key| entry(key.get_ref(), problems)).collect())
}

fn read_controls(fields: &Fields<'_, '_>, stage: &Stage, problems: &mut Problems) -> Vec<Control> {
    let tables = fields.tables("controls", 20, problems);
    tables.iter().filter_map(|control| read_control(control, stage, problems).ok()).collect()
}

fn read_control(fields: &Fields<'_, '_>, stage: &Stage, problems: &mut Problems) -> Result<Control, Wrong> {
    fields.only(&["path", "label", "min", "max", "scale"], problems);
    let path: String = fields.required("path", "path = \"users.rate\"", problems)?;
    let label = fields.required("label", "label = \"Load\"", problems);
    let scale: Result<Option<String>, _> = fields.optional("scale", "scale = \"linear\" or \"log\"", problems);
    let mut bound = |name: &str| -> Result<f64, Wrong> {
        let text: String = fields.required(name, "a text with a unit: \"1/s\"", problems)?;
        parse_value(stage, &path, &text).map_err(|error| {
            problems.add(span_of(fields, name), fields.path_of(name), error.to_string(), "");
            Wrong
        })
    };
    let (min, max) = (bound("min"), bound("max"));
    let (min, max, scale) = (min?, max?, scale?);
    let logarithmic = match scale.as_deref() {
        None | Some("linear") => false,
        Some("log") => true,
        Some(other) => {
            let message = format!("no such scale: `{other}`");
            problems.add(span_of(fields, "scale"), fields.path_of("scale"), message, "`linear` or `log`");
            return Err(Wrong);
        }
    };
    if min >= max || (logarithmic && min <= 0.0) {
        let help = if logarithmic { "0 < min < max" } else { "min < max" };
        problems.add(span_of(fields, "min"), fields.path_of("min"), "not a range", help);
    }
    Ok(Control { path, label: label?, min, max, logarithmic })
}

fn read_breaks(fields: &Fields<'_, '_>, stage: &Stage, problems: &mut Problems) -> Vec<Break> {
    let tables = fields.tables("breaks", 20, problems);
    tables.iter().filter_map(|fault| read_break(fault, stage, problems).ok()).collect()
}

fn read_break(fields: &Fields<'_, '_>, stage: &Stage, problems: &mut Problems) -> Result<Break, Wrong> {
    let own = ["label", "on", "kind", "for"].into_iter().chain(fault_details());
    fields.only(&own.collect::<Vec<_>>(), problems);
    let components: Vec<String> = stage.components.iter().map(|component| component.id.clone()).collect();
    let machines: Vec<String> = stage.machines.iter().map(|machine| machine.id.clone()).collect();
    let label = fields.required("label", "what the button says", problems);
    let lasts = fields.required::<Duration>("for", "for = \"20 s\"", problems);
    let kind = read_fault_kind(fields, problems);
    let regions: Vec<String> = stage.regions.iter().map(|region| region.id.clone()).collect();
    let names = Names { components: &components, machines: &machines, regions: &regions, links: &stage.links };
    let on = read_target(fields, names, problems);
    Ok(Break { label: label?, on: on?, kind: kind?, lasts_s: lasts?.as_secs_f64() })
}

fn read_predict(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<Predict, Wrong> {
    fields.only(&["figure", "question", "choices", "answer", "set", "explain"], problems);
    let figure = fields.required("figure", "the id of a figure", problems);
    let question = fields.required("question", "a sentence", problems);
    let choices = fields.required::<Vec<String>>("choices", "two to six sentences", problems);
    let answer = fields.required::<usize>("answer", "the right choice, counted from 1", problems);
    let explain = fields.required("explain", "why it is so", problems);
    let unresolved = read_settings(fields, problems)?.into_iter().map(|(path, text, _)| (path, text)).collect();
    let (choices, answer) = (choices?, answer?);
    if !(2..=6).contains(&choices.len()) || !(1..=choices.len()).contains(&answer) {
        let help = "two to six choices, and the number of one of them";
        problems.add(span_of(fields, "answer"), "answer", "no such choice", help);
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
