//! A stage as a command names it.

use std::fs;
use std::io::Read;
use std::path::Path;

use hockeystick_content::{TEXT_BYTES_MAX, board, builtin, stage};
use hockeystick_core::as_measured::REQUESTS;
use hockeystick_core::stage::{Problem, Stage};
use hockeystick_core::theory;
use miette::{Diagnostic, IntoDiagnostic, Report, SourceCode, WrapErr, miette};

/// A stage with the text that it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The stage.
    pub stage: Stage,
    /// Its file's text.
    pub text: String,
}

/// Reads a stage by its built-in name or its path.
///
/// # Errors
/// When there is no such stage, or its file has errors: each with its line and column.
pub fn load(name: &str) -> Result<Loaded, Report> {
    if let (Some(stage), Some(text)) = (builtin::stage(name), builtin::text(name, "stage.toml")) {
        return Ok(Loaded { stage: stage?, text: text.to_owned() });
    }
    let path = Path::new(name);
    if !path.exists() {
        if name.contains(['/', '.']) {
            return Err(miette!(help = "check the path", "there is no file `{name}`"));
        }
        let known = builtin::slugs().join(", ");
        return Err(miette!(help = format!("give a stage file, or one of: {known}"), "there is no stage `{name}`"));
    }
    let mut text = String::new();
    let file = fs::File::open(path).into_diagnostic().wrap_err_with(|| format!("cannot read {name}"))?;
    // One byte past the limit lets the reader say that the file is too large.
    let mut limited = file.take(TEXT_BYTES_MAX as u64 + 1);
    limited.read_to_string(&mut text).into_diagnostic().wrap_err_with(|| format!("cannot read {name}"))?;
    let stage = if board::is_json(&text) {
        board::read(&text)
            .map_err(|why| miette!(help = "save the board anew, or give a stage file", "{name}: {why}"))?
    } else {
        stage::read(&text, name, &builtin::catalogue()).map_err(|errors| NoStage { file: name.to_owned(), errors })?
    };
    Ok(Loaded { stage, text })
}

/// Why a file is no stage: each problem where it is, and none of them twice.
#[derive(Debug, thiserror::Error)]
#[error("{file} cannot be read as a stage")]
struct NoStage {
    file: String,
    errors: stage::StageErrors,
}

impl Diagnostic for NoStage {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.errors.source_code()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        self.errors.related()
    }
}

/// Longest time that is simulated unless somebody asks for more.
const SECONDS_MOST: f64 = 600.0;

/// Simulated seconds in which a stage sees enough requests: 400,000, or as many as come in ten minutes.
pub fn seconds_for(stage: &Stage) -> f64 {
    let rate_per_s = match stage.workload.closed {
        // The users of a closed workload make its rate.
        Some(_) => theory::solve(stage).throughput_per_s.known().unwrap_or(0.0),
        None => stage.workload.rate.per_s(),
    };
    if rate_per_s > 0.0 { (REQUESTS / rate_per_s).min(SECONDS_MOST) } else { SECONDS_MOST }
}

/// The rules that a stage breaks, as an error.
pub fn broken(problems: impl AsRef<[Problem]>) -> Report {
    let lines: Vec<String> = problems
        .as_ref()
        .iter()
        .map(|problem| format!("{}: {} ({})", problem.path, problem.message, problem.help))
        .collect();
    miette!("the stage cannot be simulated: {}", lines.join("; "))
}
