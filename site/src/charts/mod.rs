//! The charts beside a board.
//!
//! - [`mount`] puts one into an empty element. `panel` is what all charts share: title, canvas, readout, table, file.
//! - `hockey_stick` is response time over load; `curve` finds what it shows, and `operating_point` is where the figure stands
//!   on it. `cost` is what a million requests cost over load. `over_time` is everything over time; `history` keeps what it
//!   shows.
//! - `sheet` draws, through plotters; `backend` gives it a canvas; `theme` knows the page's colours.
//! - `scale` and `number` choose round ticks and few digits; `table` is the same figures without a picture.
//!
//! Charts are drawn on the page: about four times a second while they are seen, and at once when the reader turns
//! something.

mod backend;
mod cost;
mod curve;
mod history;
mod hockey_stick;
pub(crate) mod number;
mod operating_point;
mod over_time;
mod panel;
pub(crate) mod scale;
mod sheet;
mod table;
mod theme;

use std::any::Any;

use hockeystick_core::figure;
use web_sys::HtmlElement;

use crate::figure::handle::FigureHandle;
use cost::Cost;
use hockey_stick::HockeyStick;
use over_time::OverTime;
use panel::{Chart, Panel};

/// Draws a chart of `figure` into an empty element. The chart goes when what is returned is dropped.
pub fn mount(panel: figure::Panel, into: &HtmlElement, figure: &FigureHandle) -> Box<dyn Any> {
    let chart: Box<dyn Chart> = match panel {
        figure::Panel::HockeyStick => Box::new(HockeyStick::new(figure)),
        figure::Panel::Percentiles => Box::new(OverTime::percentiles(figure)),
        figure::Panel::Throughput => Box::new(OverTime::throughput(figure)),
        figure::Panel::Utilisation => Box::new(OverTime::utilisation(figure)),
        figure::Panel::Cost => Box::new(Cost::new(figure)),
    };
    Box::new(Panel::mount(chart, into, figure))
}
