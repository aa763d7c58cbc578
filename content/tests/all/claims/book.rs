//! The form of `claims.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a lesson claims.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Book {
    /// In the lesson's order.
    pub(crate) claim: Vec<Claim>,
}

/// A sentence of the lesson, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    /// The lesson, or the stage file that is the page's text, says this, word for word.
    pub(crate) quote: String,
    /// The id of the figure of the lesson in which its reader sees it; it brings its board, knobs and seed.
    pub(crate) figure: Option<String>,
    /// A stage file of the folder instead, where the lesson tells of a board that no figure shows.
    pub(crate) board: Option<String>,
    /// What the reader drags onto the board first.
    pub(crate) drop: Option<Drop>,
    /// Arrows that the reader takes away, and then those that are drawn: `"backup -> database"`.
    #[serde(default)]
    pub(crate) unlink: Vec<String>,
    #[serde(default)]
    pub(crate) link: Vec<String>,
    /// Knobs that are turned before the run begins: `"app.pool" = "10"`.
    #[serde(default)]
    pub(crate) set: BTreeMap<String, String>,
    /// Faults as `loadgen predict --fault` takes them: `"down:app#1@30s+20s"`.
    #[serde(default)]
    pub(crate) faults: Vec<String>,
    /// What the reader does while it runs, in the order of time.
    #[serde(default)]
    pub(crate) then: Vec<Then>,
    /// Simulated seconds from which and until which one looks. Theory needs none.
    #[serde(default)]
    pub(crate) seconds: [f64; 2],
    /// How many seeds it must hold for, the figure's own and those after it.
    pub(crate) seeds: Option<u64>,
    /// Ask theory, not the simulation.
    #[serde(default)]
    pub(crate) theory: bool,
    /// Figures by name, as [`play`](super::play) has them, each with the least and the most that the sentence allows.
    pub(crate) shows: BTreeMap<String, [f64; 2]>,
}

/// A kind dropped on the link between two components, on a machine of the size that the page gives.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drop {
    pub(crate) kind: String,
    /// `"app -> database"`
    pub(crate) on: String,
    /// Another size than the page's: what the sentence tells the reader to choose.
    pub(crate) size: Option<String>,
    /// Knobs that are turned once it is there.
    #[serde(default)]
    pub(crate) set: BTreeMap<String, String>,
}

/// Something that is done at an instant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Then {
    /// Simulated seconds since the start.
    pub(crate) at: f64,
    /// The label of the figure's button that is pressed.
    pub(crate) press: Option<String>,
    /// Knobs that are turned.
    #[serde(default)]
    pub(crate) set: BTreeMap<String, String>,
}

impl Claim {
    /// Everything that decides the run but its seed, in words.
    pub(crate) fn scene(&self) -> String {
        let mut scene = self.figure.as_ref().or(self.board.as_ref()).cloned().unwrap_or_default();
        let knobs = |set: &BTreeMap<String, String>| {
            set.iter().map(|(path, text)| format!(" with {path} = {text}")).collect::<String>()
        };
        if let Some(drop) = &self.drop {
            let size = drop.size.as_ref().map_or(String::new(), |size| format!(" of size {size}"));
            scene += &format!(" with a {}{size} on {}{}", drop.kind, drop.on, knobs(&drop.set));
        }
        scene.extend(self.unlink.iter().map(|arrow| format!(" without {arrow}")));
        scene.extend(self.link.iter().map(|arrow| format!(" with {arrow}")));
        scene += &knobs(&self.set);
        scene.extend(self.faults.iter().map(|fault| format!(" with {fault}")));
        for Then { at, press, set } in &self.then {
            let press = press.as_ref().map_or(String::new(), |label| format!(" “{label}”"));
            scene += &format!(", at {at} s{press}{}", knobs(set));
        }
        if self.theory {
            return scene;
        }
        let [from, to] = self.seconds;
        scene + &format!(", {from} to {to} s")
    }
}
