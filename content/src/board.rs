//! A board as a JSON file: what the page saves and opens again, and `loadgen` reads in place of a stage file.
//!
//! A stage file is written by hand, and holds what differs from the defaults; a board's file is written by a program, and
//! holds everything, so that it stays the same board whatever defaults become.

use hockeystick_core::stage::{SCHEMA, Stage};
use serde::{Deserialize, Serialize};

use crate::TEXT_BYTES_MAX;

/// The whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<S> {
    /// The version of the stage's shape.
    schema: u32,
    /// The board.
    board: S,
}

/// The version alone, whatever else there is.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

/// Whether a text is meant to be JSON: no stage file begins like this.
pub fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// The text of a board's file.
pub fn write(stage: &Stage) -> String {
    // A stage has no map whose keys are no text, and nothing else fails.
    serde_json::to_string_pretty(&File { schema: SCHEMA, board: stage }).unwrap_or_default() + "\n"
}

/// Reads a board from the text of its file.
///
/// # Errors
/// What is wrong, where, and what would be valid: malformed, of another version, or a board that breaks a rule.
pub fn read(text: &str) -> Result<Stage, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("it is larger than {TEXT_BYTES_MAX} bytes, which no board is"));
    }
    let version: Version = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if version.schema != SCHEMA {
        return Err(format!("`schema` is {}; this program reads version {SCHEMA}", version.schema));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let file: File<Stage> = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| format!("`{}`: {}", error.path(), error.inner()))?;
    let mut problems = file.board.check();
    problems.extend(file.board.check_challenge());
    let lines = problems.iter().map(|it| format!("`board.{}`: {} (valid: {})", it.path, it.message, it.help));
    if problems.is_empty() { Ok(file.board) } else { Err(lines.collect::<Vec<_>>().join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;

    #[test]
    fn every_stage_reads_back_as_it_was_written() {
        for slug in builtin::slugs() {
            let stage = builtin::stage(slug).unwrap().unwrap();
            assert_eq!(read(&write(&stage)), Ok(stage), "{slug}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let text = write(&builtin::stage("09-load-balancer").unwrap().unwrap());
        assert!(is_json(&text));
        let refused = |from: &str, to: &str| read(&text.replacen(from, to, 1)).unwrap_err();
        assert!(refused("\"schema\": 1", "\"schema\": 7").contains("is 7; this program reads version 1"));
        assert!(refused("\"copies\": ", "\"copies\": -").contains("board.components[0].copies"));
        let no_copies = refused("\"copies\": 1", "\"copies\": 0");
        assert!(no_copies.contains("board.") && no_copies.contains("valid"), "{no_copies}");
        assert!(read(&text[..text.len() / 2]).unwrap_err().contains("line"));
        assert!(read("{}").unwrap_err().contains("schema"));
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let text = write(&builtin::stage("01-single-server").unwrap().unwrap());
        let text = text.trim_end();
        for end in (0..text.len()).step_by(7) {
            assert!(read(&text[..end]).is_err(), "{end}");
        }
    }
}
