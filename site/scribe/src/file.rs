//! A file that a reader dropped, which may be anything: a measurement, a stage, or neither.

use hockeystick_content::{TEXT_BYTES_MAX, board, builtin, results, stage};
use hockeystick_core::figure::Figure;
use hockeystick_core::measurement::Results;
use hockeystick_core::pack;
use hockeystick_core::stage::Stage;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Largest measurement that a page reads; `loadgen check` reads larger ones.
const RESULTS_BYTES_MAX: usize = 64_000_000;

/// What a file holds.
#[derive(Debug)]
pub(crate) enum File {
    /// A measurement by `loadgen run`.
    Results(Box<Results>),
    /// A stage.
    Stage(Box<Stage>),
}

/// Enough of a JSON file to see what it is.
#[derive(Deserialize)]
struct Look {
    steps: Option<IgnoredAny>,
    board: Option<IgnoredAny>,
}

/// Reads a file.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(crate) fn read(name: &str, bytes: &[u8]) -> Result<File, String> {
    if bytes.is_empty() {
        return Err(format!("`{name}` is empty. Was it still being written?"));
    }
    if bytes.len() > RESULTS_BYTES_MAX {
        let most = RESULTS_BYTES_MAX / 1_000_000;
        return Err(format!("`{name}` is larger than {most} MB, too large for a page. `loadgen check` reads it."));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(format!("`{name}` is no text. {EXPECTED}"));
    };
    if text.trim_start().starts_with(['{', '[']) { read_json(name, text) } else { read_stage(name, text) }
}

/// What a file may be, on either page.
const EXPECTED: &str = "A measurement is the RESULTS.json that `loadgen run` wrote; a board is a file that the sandbox saved, or \
                        a stage file such as the FITTED.toml of `loadgen calibrate`.";
/// Most problems of a stage file that are told at once.
const PROBLEMS: usize = 4;

fn read_json(name: &str, text: &str) -> Result<File, String> {
    // A list reads as an object whose fields have no names.
    if text.trim_start().starts_with('[') {
        return Err(format!("`{name}` is a list in JSON, neither a measurement nor a board. {EXPECTED}"));
    }
    let look: Look = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => {
            format!("`{name}` was cut off at line {}. Copy it again; what was not copied may have to be saved or measured anew.", error.line())
        }
        serde_json::error::Category::Data => format!("`{name}` is JSON, but neither a measurement nor a board. {EXPECTED}"),
        _ => format!("`{name}` is no sound JSON: {error}. {EXPECTED}"),
    })?;
    if look.board.is_some() {
        let read = board::read(text).map(|stage| File::Stage(Box::new(stage)));
        return read.map_err(|why| format!("`{name}` cannot be opened: {why}."));
    }
    if look.steps.is_none() {
        return Err(format!("`{name}` is JSON, but neither a measurement nor a board: it has no `steps`. {EXPECTED}"));
    }
    let results = results::read_whole(text.as_bytes())
        .map_err(|why| format!("`{name}` cannot be used: {why}. Give a file that `loadgen run` wrote."))?;
    if results.steps.is_empty() {
        return Err(format!("`{name}` holds no finished step yet. Wait for the first one, or measure again."));
    }
    Ok(File::Results(Box::new(results)))
}

fn read_stage(name: &str, text: &str) -> Result<File, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("`{name}` is too large for a stage file. {EXPECTED}"));
    }
    stage::read(text, name, &builtin::catalogue())
        .map(|stage| File::Stage(Box::new(stage)))
        .map_err(|errors| format!("`{name}` is no sound stage file. {}", first(&errors.lines())))
}

/// The first problems.
fn first(problems: &str) -> String {
    let told: Vec<&str> = problems.lines().take(PROBLEMS).collect();
    let more = if problems.lines().count() > PROBLEMS { format!("\nand more. {EXPECTED}") } else { String::new() };
    told.join("\n") + &more
}

/// The figure in an attribute's value.
pub(crate) fn figure_of(data: &str) -> Result<Figure, String> {
    pack::from_text(data.trim())
        .ok_or_else(|| "The stage cannot be read: reload the page, which may be older than the site.".to_owned())
}

/// The stage in a page's bytes.
pub(crate) fn stage_of(bytes: &[u8]) -> Result<Stage, String> {
    pack::from_bytes(bytes).ok_or_else(|| "The board cannot be read: reload the page.".to_owned())
}

#[cfg(test)]
mod tests {
    use hockeystick_core::measurement::{SCHEMA, SCHEMA_OLDEST};

    use super::*;

    fn refused(name: &str, text: &str) -> String {
        read(name, text.as_bytes()).map(|_| ()).expect_err(text)
    }

    #[test]
    fn what_is_no_measurement_is_refused_with_a_sentence_that_says_what_to_do() {
        assert!(refused("a.json", "").contains("empty"));
        assert!(refused("a.json", "{\"steps\": [").contains("cut off at line 1"));
        assert!(refused("a.json", "{\"a\": 1}").contains("no `steps`"));
        assert!(refused("a.json", "[1, 2]").contains("a list in JSON"));
        assert!(refused("a.json", &"{\"a\":".repeat(9000)).contains("cut off"));
        assert!(refused("a.json", "{x}").contains("no sound JSON"));
        assert!(refused("a.toml", "schema = 1\nx = ").contains("a.toml:2"));
        assert!(read("a.bin", &[0xff, 0xfe]).is_err_and(|why| why.contains("no text")));
    }

    #[test]
    fn a_measurement_of_another_version_names_both() {
        let text = r#"{"schema": 9, "generator": {"name": "x", "processors": 1, "users": 1}, "started": "", "host": "",
            "seed": 1, "arrivals": "poisson", "ended": "complete", "steps": []}"#;
        let why = refused("RESULTS.json", text);
        assert!(why.contains("is 9") && why.contains(&format!("versions {SCHEMA_OLDEST} to {SCHEMA}")), "{why}");
    }
}
