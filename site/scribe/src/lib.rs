//! The worker that reads files and weighs figures, for the pages *check* and *compare*.
//!
//! It knows what a lesson's page has no use for: JSON, TOML, and statistics over many runs. So it is a module of its own,
//! loaded when a reader drops a file or wants to know a difference. What it finds it writes as HTML, ready to be shown:
//! numbers and sentences are made where the figures are known, and the page's script only puts them in their place.
//!
//! - [`file`]: a dropped file becomes a measurement or a stage, or a sentence that says what is wrong with it.
//! - [`check`]: a stage against a measurement. [`compare`]: two stages against one another. [`shown`]: numbers.

mod check;
mod compare;
mod file;
mod shown;

use hockeystick_content::board;
use hockeystick_core::figure::Figure;
use hockeystick_core::pack;
use hockeystick_core::stage::Stage;
use wasm_bindgen::prelude::*;

use check::Check;
use compare::Compare;
use file::{File, figure_of, stage_of};

/// What a page has on its desk: what it opened, and what it is finding out.
///
/// Every call that takes long does one step of the work, so that the page can show what is known and stop when it likes.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Desk {
    check: Check,
    compare: Option<Compare>,
}

#[wasm_bindgen]
impl Desk {
    /// An empty desk.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a file from the reader: a measurement or a stage, whichever it is. Says which: `results` or `stage`.
    ///
    /// # Errors
    /// What is wrong with the file, and what to do, as a sentence.
    pub fn open(&mut self, name: &str, bytes: &[u8]) -> Result<String, String> {
        Ok(match file::read(name, bytes)? {
            File::Results(results) => {
                self.check.take_results(name, *results);
                "results"
            }
            File::Stage(stage) => {
                self.check.take_stage(name, *stage);
                "stage"
            }
        }
        .to_owned())
    }

    /// Takes a stage of the site, as the data of its figure.
    ///
    /// # Errors
    /// When the data are not those of a figure.
    pub fn take_figure(&mut self, name: &str, data: &str) -> Result<(), String> {
        self.check.take_stage(name, figure_of(data)?.stage);
        Ok(())
    }

    /// What was measured, as HTML; empty while there is no measurement.
    pub fn measured(&self) -> String {
        self.check.measured()
    }

    /// The data of a figure of the stage under the measured load, and those of the measured points: the values of a
    /// figure's attributes. None while the measurement or the stage is missing.
    pub fn figure(&self) -> Option<Vec<String>> {
        self.check.figure().map(Vec::from)
    }

    /// Judges the next step and gives the verdict so far as HTML; none when all is said.
    ///
    /// # Errors
    /// Why the stage cannot be judged, as a sentence.
    pub fn judge(&mut self) -> Result<Option<String>, String> {
        self.check.judge()
    }

    /// Begins to compare two stages, each as a page packs it, from this seed on. What was known of others is forgotten.
    ///
    /// # Errors
    /// When they cannot be read or cannot run, as a sentence.
    pub fn compare(&mut self, a: &[u8], b: &[u8], seed: f64) -> Result<(), String> {
        self.compare = Some(Compare::new(stage_of(a)?, stage_of(b)?, seed as u64)?);
        Ok(())
    }

    /// Runs both stages once more and gives what is known of their difference as HTML; none when all is said.
    ///
    /// # Errors
    /// Why a stage cannot run, as a sentence.
    pub fn replicate(&mut self) -> Result<Option<String>, String> {
        self.compare.as_mut().map_or(Ok(None), Compare::replicate)
    }

    /// A board, as a page packs it, as the text of a JSON file.
    ///
    /// # Errors
    /// When it cannot be read, as a sentence.
    pub fn save(&self, stage: &[u8]) -> Result<String, String> {
        stage_of(stage).map(|stage| board::write(&stage))
    }

    /// A board, as a page packs it, as the data of a figure.
    ///
    /// # Errors
    /// When it cannot be read, as a sentence.
    pub fn board_of(&self, stage: &[u8]) -> Result<String, String> {
        stage_of(stage).map(open_figure)
    }

    /// A file with a board as the data of a figure, for the page to show.
    ///
    /// # Errors
    /// What is wrong with the file, as a sentence.
    pub fn board(&self, name: &str, bytes: &[u8]) -> Result<String, String> {
        match file::read(name, bytes)? {
            File::Stage(stage) => Ok(open_figure(*stage)),
            File::Results(_) => {
                Err(format!("`{name}` holds a measurement, not a board: open it on the page Check instead."))
            }
        }
    }
}

/// A figure of a stage with everything at hand, as the data of an attribute.
fn open_figure(stage: Stage) -> String {
    pack::to_text(&Figure::bare("sandbox", stage).open())
}
