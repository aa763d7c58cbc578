//! What a figure on a page shows of a stage. Data only: `hockeystick-content` writes it, the page reads it.

use serde::{Deserialize, Serialize};

use crate::component::Kind;
use crate::stage::{FaultKind, Stage, Target};
use crate::{pack_enum, pack_struct};

/// What is spoken letter by letter in the names of components, regions and settings.
const INITIALS: [&str; 11] = ["cdn", "dns", "eu", "fifo", "l4", "l7", "lfu", "lru", "tls", "ttl", "us"];

/// A name of the stage file for a reader: its words apart, the first with a capital, initials in capitals.
pub fn title(name: &str) -> String {
    let mut title = String::with_capacity(name.len());
    for word in name.replace("->", "→").split(['-', '_', ' ']) {
        if !title.is_empty() {
            title.push(' ');
        }
        let from = title.len();
        title.push_str(word);
        // What names are made of is ASCII.
        let capitals = if INITIALS.contains(&word) { word.len() } else { usize::from(from == 0).min(word.len()) };
        if let Some(capitals) = title.get_mut(from..from + capitals) {
            capitals.make_ascii_uppercase();
        }
    }
    title
}

/// A figure: a board that runs, with the charts and controls that its place in the lesson needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What runs. First: what a page's figures have in common compresses best in one piece.
    pub stage: Stage,
    /// Its name within the page; sentences refer to it.
    pub id: String,
    /// Seed of every random draw.
    pub seed: u64,
    /// Simulated seconds in a second of the reader's time.
    pub speed: f64,
    /// Whether it runs as soon as it is seen.
    pub autoplay: bool,
    /// Charts, in order.
    pub panels: Vec<Panel>,
    /// Knobs under the board.
    pub controls: Vec<Control>,
    /// What the reader may break.
    pub breaks: Vec<Break>,
    /// What the reader may drag in.
    pub palette: Vec<Kind>,
    /// One line under the figure.
    pub caption: String,
}

impl Figure {
    /// A stage for which nobody wrote a figure: the board alone, at a speed at which some twenty requests a second are
    /// seen.
    pub fn bare(id: &str, stage: Stage) -> Self {
        const SPEEDS: [f64; 10] = [1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
        let wish = 20.0 / stage.workload.rate.per_s().max(1e-3);
        Self {
            id: id.to_owned(),
            seed: 1,
            speed: SPEEDS.into_iter().find(|speed| *speed <= wish).unwrap_or(0.001),
            autoplay: false,
            panels: Vec::new(),
            controls: Vec::new(),
            breaks: Vec::new(),
            palette: Vec::new(),
            caption: String::new(),
            stage,
        }
    }

    /// The same with everything at hand: every kind in the palette, and the charts.
    #[must_use]
    pub fn open(self) -> Self {
        let panels = vec![Panel::HockeyStick, Panel::Percentiles, Panel::Throughput, Panel::Cost];
        Self { panels, palette: Kind::ALL.to_vec(), ..self }
    }

    /// The knob that sets the load; none when nobody asks for anything.
    pub fn load_path(&self) -> Option<String> {
        load_path(&self.stage)
    }

    /// The largest load that the reader can choose, in requests a second; none when it cannot be chosen.
    pub fn reach_per_s(&self) -> Option<f64> {
        let path = self.load_path()?;
        self.controls.iter().find(|control| control.path == path).map(|control| control.max)
    }
}

/// The knob that sets a stage's load; none when nobody asks for anything.
pub fn load_path(stage: &Stage) -> Option<String> {
    let users = stage.components.iter().find(|component| component.settings.kind() == Kind::Clients)?;
    Some(format!("{}.rate", users.id))
}

/// A chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Panel {
    /// Response time over load: theory, simulation, operating point, measurements.
    HockeyStick,
    /// p50, p95 and p99 over time.
    Percentiles,
    /// Throughput over time, and errors by cause.
    Throughput,
    /// Utilisation over time.
    Utilisation,
    /// Price of a million requests over load.
    Cost,
}

impl Panel {
    /// Every chart.
    pub const ALL: [Self; 5] = [Self::HockeyStick, Self::Percentiles, Self::Throughput, Self::Utilisation, Self::Cost];
}

/// A knob under the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// What it turns, as in [`Stage::knob`]: `users.rate`, `app.demand.read`, `box.memory`.
    pub path: String,
    /// Its name for the reader.
    pub label: String,
    /// Smallest value, in the knob's unit.
    pub min: f64,
    /// Largest value, in the knob's unit.
    pub max: f64,
    /// Whether equal distances are equal ratios.
    pub logarithmic: bool,
}

/// Something the reader may break, with one click.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Break {
    /// What the button says.
    pub label: String,
    /// What it befalls.
    pub on: Target,
    /// What happens.
    pub kind: FaultKind,
    /// Seconds that it lasts.
    pub lasts_s: f64,
}

/// A point that was measured of a real deployment, for the chart of response time over load.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Requests a second.
    pub load_per_s: f64,
    /// Mean response time, in milliseconds.
    pub mean_ms: f64,
    /// Its interval.
    pub mean_bounds_ms: Option<(f64, f64)>,
    /// 95th percentile of the response time, in milliseconds.
    pub p95_ms: f64,
    /// Its interval.
    pub p95_bounds_ms: Option<(f64, f64)>,
    /// Kept back from calibration: the model had to predict it.
    pub held_out: bool,
}

pack_struct!(Measured { load_per_s, mean_ms, mean_bounds_ms, p95_ms, p95_bounds_ms, held_out });
pack_struct!(Figure { stage, id, seed, speed, autoplay, panels, controls, breaks, palette, caption });
pack_enum!(Panel { 0 => HockeyStick, 1 => Percentiles, 2 => Throughput, 3 => Utilisation, 4 => Cost });
pack_struct!(Control { path, label, min, max, logarithmic });
pack_struct!(Break { label, on, kind, lasts_s });

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn names_are_told_as_one_reads_them() {
        for (name, told) in [
            ("app", "App"),
            ("cdn", "CDN"),
            ("reader-eu", "Reader EU"),
            ("read_your_writes", "Read your writes"),
            ("ttl", "TTL"),
            ("lru", "LRU"),
            ("usage", "Usage"),
            ("app-us#2 to database", "App us#2 to database"),
            ("app -> read-service", "App → read service"),
            ("a-1", "A 1"),
            ("é", "é"),
            ("", ""),
        ] {
            assert_eq!(title(name), told);
        }
    }
}
