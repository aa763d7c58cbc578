//! The stages and the catalogue that are compiled in: every program that links this crate has them without a file.

use std::sync::LazyLock;

use hockeystick_core::figure::Figure;
use hockeystick_core::hardware::Catalogue;
use hockeystick_core::stage::Stage;

use crate::problem::FileErrors;
use crate::stage::StageErrors;
use crate::{catalogue, figure, lesson, stage};

/// Each folder of `stages/`: its name, and its files by name.
type Folder = (&'static str, &'static [(&'static str, &'static str)]);

const FOLDERS: &[Folder] = include!(concat!(env!("OUT_DIR"), "/stages.rs"));

/// The catalogue's text.
const HARDWARE: &str = include_str!("../hardware.toml");

static SLUGS: LazyLock<Vec<&'static str>> = LazyLock::new(|| FOLDERS.iter().map(|(slug, _)| *slug).collect());

static CATALOGUE: LazyLock<Catalogue> =
    // A test holds that the compiled-in file is sound.
    LazyLock::new(|| catalogue::read(HARDWARE, "content/hardware.toml").unwrap_or_default());

/// The stages' names: `01-single-server`.
pub fn slugs() -> &'static [&'static str] {
    &SLUGS
}

/// The stage of this name; none where there is no such stage.
pub fn stage(slug: &str) -> Option<Result<Stage, StageErrors>> {
    let file = "stage.toml";
    Some(stage::read(text(slug, file)?, &path(slug, file), &CATALOGUE))
}

/// Every stage file of a stage's folder: its name, and what it says.
///
/// # Errors
/// What is wrong with the first that is not sound.
pub fn boards(slug: &str) -> Result<Vec<(&'static str, Stage)>, StageErrors> {
    let read = |file| Ok((file, stage::read(text(slug, file).unwrap_or_default(), &path(slug, file), &CATALOGUE)?));
    files(slug).filter(|file| file.ends_with(".toml")).map(read).collect()
}

/// The figures of a stage's page from top to bottom: those of its lesson, or the one of its stage file where it has no
/// lesson. None where there is no such stage.
pub fn figures(slug: &str) -> Option<Result<Vec<Figure>, FileErrors>> {
    let stage_text = text(slug, "stage.toml")?;
    let read = |boards: Vec<(&'static str, Stage)>| {
        let files: Vec<&str> = boards.iter().map(|(file, _)| *file).collect();
        let find = |name: &str| boards.iter().find(|(file, _)| *file == name).map(|(_, stage)| stage.clone());
        let folder = figure::Folder { stage: &find, files: &files };
        let Some(text) = text(slug, "lesson.md") else {
            let (_, shown) = stage::read_shown(stage_text, &path(slug, "stage.toml"), &CATALOGUE, Some(&folder))?;
            return Ok(shown.map(|shown| shown.figure).into_iter().collect());
        };
        let lesson = lesson::read(&lesson::Source { text, file: &path(slug, "lesson.md"), folder })?;
        Ok(lesson.figures().map(|block| block.figure.clone()).collect())
    };
    Some(boards(slug).and_then(read))
}

/// The sizes on sale.
pub fn catalogue() -> Catalogue {
    CATALOGUE.clone()
}

/// The text of a stage's file.
pub fn text(slug: &str, file: &str) -> Option<&'static str> {
    let (_, files) = FOLDERS.iter().find(|(name, _)| *name == slug)?;
    files.iter().find(|(name, _)| *name == file).map(|(_, text)| *text)
}

/// The path of a stage's file in the workspace, as errors name it.
pub(crate) fn path(slug: &str, file: &str) -> String {
    format!("content/stages/{slug}/{file}")
}

/// The names of a stage's files.
pub(crate) fn files(slug: &str) -> impl Iterator<Item = &'static str> {
    let folder = FOLDERS.iter().find(|(name, _)| *name == slug);
    folder.into_iter().flat_map(|(_, files)| files.iter().map(|(name, _)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sound() {
        let catalogue =
            catalogue::read(HARDWARE, "content/hardware.toml").unwrap_or_else(|errors| panic!("{}", errors.lines()));
        assert!(!catalogue.sizes.is_empty());
    }

    #[test]
    fn every_stage_file_is_sound() {
        for slug in slugs() {
            let boards = boards(slug).unwrap_or_else(|errors| panic!("{}", errors.lines()));
            assert!(boards.iter().any(|(file, _)| *file == "stage.toml"), "{slug}");
        }
    }
}
