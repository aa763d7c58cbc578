//! Calibration: the stage's demands, and what else can be told from measurements at low and middle load.
//!
//! 1. Demands, by the utilisation law, where busy time was measured ([`core::calibrate`](hockeystick_core::calibrate));
//!    else one factor for all of them, by fitting the mean response time over load.
//! 2. What only response times show: how demands vary, whether requests are worked on one by one or together, and the
//!    constant time on the way (`shape`).
//!
//! The fitted stage is the author's file with the new values in it (`file`).

mod demand;
mod file;
mod shape;

use hockeystick_core::measurement::Results;
use hockeystick_core::stage::Stage;
use hockeystick_core::statistics::Interval;
use hockeystick_core::units::Duration;
use hockeystick_core::workload::Class;
use miette::{Report, miette};

pub use shape::Shape;

use crate::model::Loaded;

/// Confidence of the intervals that calibration gives.
pub const CONFIDENCE: f64 = 0.90;

/// A calibrated stage.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The stage.
    pub stage: Stage,
    /// Its file: the author's, with the fitted values.
    pub text: String,
    /// Demands that were found.
    pub demands: Vec<FittedDemand>,
    /// What was found beside demands.
    pub shape: Shape,
    /// How demands were found, in a sentence for each station.
    pub methods: Vec<String>,
    /// What is not certain.
    pub warnings: Vec<String>,
}

/// One component's demand of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedDemand {
    /// The component.
    pub component: String,
    /// The class.
    pub class: Class,
    /// What the stage file said.
    pub before: Duration,
    /// What was found.
    pub after: Duration,
    /// Its interval, in seconds; none where the class was never sent.
    pub interval_s: Option<Interval>,
}

/// Fits a stage to these steps of a measurement (indices from 0).
///
/// # Errors
/// When there is nothing to fit, or the stage cannot be simulated.
pub fn fit(results: &Results, loaded: &Loaded, chosen: &[usize], seed: u64) -> Result<Fitted, Report> {
    if chosen.is_empty() {
        return Err(miette!(
            help = "give steps without held_out in the plan, or name them with --steps",
            "there is no step to calibrate on"
        ));
    }
    let demand::Demands { stage, demands, methods, mut warnings } = demand::fit(results, &loaded.stage, chosen, seed)?;
    let (stage, shape) = shape::fit(results, &stage, chosen, seed, &mut warnings)?;
    let text = file::write(&loaded.text, &stage, &demands, &shape)?;
    Ok(Fitted { stage, text, demands, shape, methods, warnings })
}
