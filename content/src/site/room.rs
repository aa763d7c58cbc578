//! How high a figure will be once it runs, so that its page keeps the room and nothing below it moves.
//!
//! A running figure is its board and what stands around it. The board's height is known exactly
//! ([`hockeystick_core::layout`]); of the rest, each part's height on a phone and on a wide screen is what `figure.css` comes
//! to, as measured in Chromium. `tests/browser` holds the sum against the running figures.

use hockeystick_core::figure::{Control, Figure, Panel};
use hockeystick_core::layout::{Cards, LARGE};
use maud::{Markup, html};

/// What stands around a board, on one kind of screen. All in CSS pixels.
struct Screen {
    /// Width of a board with charts beside it, and of one without.
    board: (f64, f64),
    charts_beside: bool,
    /// A chart of the usual kind.
    chart: f64,
    /// What says that something is not connected yet.
    missing: f64,
    /// The palette's first row, and each further one; their width.
    bench: f64,
    bench_more: f64,
    bench_width: f64,
    /// Figures of now; timeline; legend; the figure's own edge.
    around: f64,
    /// The buttons that run it, which knobs stand beside or below.
    run: f64,
    knobs_beside: bool,
    knob: f64,
    knob_gap: f64,
    /// A row of named choices with its name, and each further row of them; the width of one.
    choice: f64,
    choice_more: f64,
    choice_width: f64,
    /// A row of buttons that break something, and the width of one.
    breaks: f64,
    breaks_width: f64,
}

/// A wide screen, and a phone: `page.css` takes the first drawing of a figure and the second.
const SCREENS: [Screen; 2] = [
    Screen {
        board: (798.0, 1118.0),
        charts_beside: true,
        chart: 219.0,
        missing: 36.0,
        bench: 57.0,
        bench_more: 42.0,
        bench_width: 858.0,
        around: 56.0 + 57.0 + 49.0 + 2.0,
        run: 36.0,
        knobs_beside: true,
        knob: 32.0,
        knob_gap: 2.4,
        choice: 63.0,
        choice_more: 42.0,
        choice_width: 474.0,
        breaks: 36.0,
        breaks_width: 592.0,
    },
    Screen {
        board: (390.0, 390.0),
        charts_beside: false,
        chart: 240.0,
        missing: 58.0,
        bench: 111.0,
        bench_more: 0.0,
        bench_width: f64::MAX,
        around: 102.0 + 99.0 + 112.0 + 2.0,
        run: 92.0,
        knobs_beside: false,
        knob: 53.0,
        knob_gap: 6.0,
        choice: 67.0,
        choice_more: 50.0,
        choice_width: 358.0,
        breaks: 44.0,
        breaks_width: 358.0,
    },
];
/// More charts than this stand below the board, on a wide screen too.
const BESIDE: usize = 2;
/// Around the controls, and between their parts.
const CONTROLS: f64 = 25.0;
const PART_GAP: f64 = 10.0;
const BUTTON_GAP: f64 = 8.0;
const REPAIR: f64 = 71.0;
/// Heights are told in these steps: round ones compress better, and a few pixels nobody sees move.
const STEP: f64 = 10.0;

/// Keeps a figure's room on each kind of screen: drawings of that height and no width. Its board is `board_least` high or more.
pub(super) fn room(figure: &Figure, board_least: f64) -> Markup {
    html! {
        @for screen in &SCREENS {
            svg height=((screen.height(figure, board_least) / STEP).round() * STEP) {}
        }
    }
}

impl Screen {
    fn height(&self, figure: &Figure, board_least: f64) -> f64 {
        let is_large = figure.stage.components.len() > LARGE || figure.panels.len() > BESIDE;
        let beside = self.charts_beside && !is_large && !figure.panels.is_empty();
        let width = if beside { self.board.0 } else { self.board.1 };
        let size = Cards::new(&figure.stage, width).size;
        let is_whole = figure.stage.has_users() && figure.stage.unconnected().is_empty();
        let board = (size.1 * width / size.0).max(board_least) + if is_whole { 0.0 } else { self.missing };
        let charts = self.charts(&figure.panels, beside);
        let kinds = figure.palette.iter().map(|kind| 50.0 + 6.4 * letters(kind.about().name));
        let bench = match rows(kinds, 6.0, self.bench_width) {
            0 => 0.0,
            rows => self.bench + self.bench_more * (rows - 1) as f64,
        };
        self.around + bench + self.controls(figure) + if beside { board.max(charts) } else { board + charts }
    }

    /// Charts in one column, or, on a wide screen below the board, in one row: the more, the narrower and lower.
    fn charts(&self, panels: &[Panel], beside: bool) -> f64 {
        let of = |panel: &Panel| match (self.charts_beside, panel) {
            (true, Panel::HockeyStick) => 40.0,
            (true, _) => 0.0,
            (false, Panel::HockeyStick) => 51.0,
            (false, Panel::Cost) => 8.0,
            (false, _) => 0.0,
        };
        let count = panels.len() as f64;
        match (self.charts_beside && !beside, panels.len()) {
            (_, 0) => 0.0,
            (true, number) => {
                let usual = [269.0, 269.0, 239.0, 219.0][number.min(4) - 1];
                1.0 + usual + panels.iter().map(of).fold(0.0, f64::max)
            }
            // A line between two.
            (false, _) => panels.iter().map(of).sum::<f64>() + count * self.chart + count - 1.0,
        }
    }

    fn controls(&self, figure: &Figure) -> f64 {
        let each = |control: &Control| {
            let reading = figure.stage.knob(&control.path);
            let choices = reading.map(|it| it.choices).unwrap_or_default();
            let offered =
                choices.iter().enumerate().filter(|(at, _)| (control.min..=control.max).contains(&(*at as f64)));
            match rows(offered.map(|(_, name)| 30.0 + 7.1 * letters(name)), 4.0, self.choice_width) {
                0 => self.knob,
                rows => self.choice + self.choice_more * (rows - 1) as f64,
            }
        };
        let knobs = figure.controls.iter().map(each).sum::<f64>()
            + self.knob_gap * (figure.controls.len() as f64 - 1.0).max(0.0);
        let buttons = figure.breaks.iter().map(|it| 32.0 + 6.75 * letters(&it.label));
        // The one that repairs it all stands there unseen from the beginning.
        let repair = (!figure.breaks.is_empty()).then_some(REPAIR);
        let breaks = match rows(buttons.chain(repair), BUTTON_GAP, self.breaks_width) {
            0 => 0.0,
            rows => rows as f64 * (self.breaks + BUTTON_GAP) - BUTTON_GAP,
        };
        let part = |height: f64| if height > 0.0 { PART_GAP + height } else { 0.0 };
        CONTROLS
            + match (self.knobs_beside, knobs > 0.0) {
                (true, true) => knobs.max(self.run + part(breaks)),
                (true, false) => self.run.max(breaks),
                (false, _) => self.run + part(knobs) + part(breaks),
            }
    }
}

fn letters(text: &str) -> f64 {
    text.chars().count() as f64
}

/// Rows that buttons of these widths take, with a gap between two, in a space so wide.
fn rows(widths: impl Iterator<Item = f64>, gap: f64, space: f64) -> usize {
    let (mut rows, mut used) = (0, f64::INFINITY);
    for width in widths {
        used += gap + width;
        if used > space {
            (rows, used) = (rows + 1, width);
        }
    }
    rows
}
