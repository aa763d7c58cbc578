//! The signature chart: response time over load, by theory and by simulation, and where the figure stands now.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use hockeystick_core::figure::Measured;
use hockeystick_core::theory::steady;
use web_sys::HtmlElement;

use super::curve::{Curve, ask_means};
use super::number;
use super::operating_point::Handle;
use super::panel::{Chart, Readout};
use super::scale::Axis;
use super::sheet::{Anchor, Layout, Margins, Sheet, Stroke};
use super::table::Table;
use super::theme::Ink;
use crate::figure::handle::{Asked, Change, FigureHandle, Percentiles, Sample};

/// How long the reader must leave the knobs alone before the curve is simulated anew.
const SETTLED_MS: u32 = 500;
/// Axis of response time before anything is known, in milliseconds.
const UNKNOWN_MS: f64 = 100.0;
/// Below it nothing responds: a board that leads nowhere yet.
const LEAST_MS: f64 = 0.001;

/// Response time over load.
pub(super) struct HockeyStick {
    figure: FigureHandle,
    /// The knob that sets the load.
    load_path: Option<String>,
    curve: Rc<RefCell<Curve>>,
    live: Option<Percentiles>,
    /// Where the axis of response time is cut.
    top: Option<f64>,
    layout: Rc<RefCell<Option<Layout>>>,
    handle: Option<Handle>,
    redraw: Option<Rc<dyn Fn()>>,
    /// Set until the reader has let go.
    settling: Option<Timeout>,
    /// What is to be asked when the chart is next seen.
    due: Rc<Cell<Due>>,
    /// The question about the mean's line, and whether its answer is awaited.
    first: Option<Asked>,
    awaits_first: Rc<Cell<bool>>,
    /// The questions about all the rest.
    rest: Option<Asked>,
}

/// What is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    /// What a simulation says: the page knows what theory does.
    Runs,
    /// What theory and simulation say.
    Rest,
    /// The mean's line, and then the rest.
    Everything,
}

impl HockeyStick {
    /// The chart of a figure.
    pub(super) fn new(figure: &FigureHandle) -> Self {
        let authored = figure.authored();
        let curve = Curve::new(figure.stage(), authored.reach_per_s(), figure.curve());
        Self {
            figure: figure.clone(),
            load_path: authored.load_path(),
            curve: Rc::new(RefCell::new(curve)),
            live: None,
            top: None,
            layout: Rc::default(),
            handle: None,
            redraw: None,
            settling: None,
            due: Rc::new(Cell::new(if figure.curve().is_some() { Due::Runs } else { Due::Everything })),
            first: None,
            awaits_first: Rc::default(),
            rest: None,
        }
    }

    fn load(&self) -> f64 {
        self.figure.with_stage(|stage| stage.workload.rate.per_s())
    }

    /// The operating point's response time: as measured, or as theory expects it before anything is measured.
    fn response(&self) -> Option<f64> {
        let response = self.live.map(|live| live.mean_ms).or_else(|| self.curve.borrow().theory_at(self.load()).0);
        response.filter(|ms| *ms >= LEAST_MS)
    }

    /// Begins the curve anew if more than the load has changed: the mean's line at once, the rest once the reader lets
    /// go.
    fn follow(&mut self, figure: &FigureHandle) {
        if figure.with_stage(|stage| self.curve.borrow().is_of(stage)) {
            return;
        }
        self.curve.borrow_mut().restart(figure.stage());
        self.rest = None;
        self.ask_first();
        let (due, redraw) = (Rc::clone(&self.due), self.redraw.clone());
        self.settling = Some(Timeout::new(SETTLED_MS, move || {
            due.set(Due::Rest);
            redraw.iter().for_each(|redraw| redraw());
        }));
    }

    fn ask_first(&mut self) {
        let (awaits, redraw) = (Rc::clone(&self.awaits_first), self.redraw.clone());
        // Before it asks: where no worker can be started, the answer is there at once.
        self.awaits_first.set(true);
        self.first = ask_means(&self.curve, &self.figure, move || {
            awaits.set(false);
            redraw.iter().for_each(|redraw| redraw());
        });
        if self.first.is_none() {
            self.awaits_first.set(false);
        }
    }

    fn ask_rest(&mut self, with_theory: bool) {
        let mut questions = self.curve.borrow().runs(self.figure.seed());
        if with_theory {
            questions.extend(self.curve.borrow().tail_questions());
        }
        let (curve, redraw) = (Rc::clone(&self.curve), self.redraw.clone());
        self.rest = self.figure.ask(questions.clone(), move |index, found| {
            // A run that fails leaves its load without a point, which is what is known of it.
            if let (Some(question), Ok(finding)) = (questions.get(index), found) {
                curve.borrow_mut().learn(question, &finding);
                redraw.iter().for_each(|redraw| redraw());
            }
        });
    }

    /// Names the lines where they leave the chart, or in their middle: where one ends, the ring may stand.
    fn name_lines(&self, sheet: &Sheet<'_>) {
        let layout = sheet.layout();
        let curve = self.curve.borrow();
        let name = |name: &str, line: &[(f64, f64)], ink: Ink, anchor: Anchor| {
            let exit = line.iter().find(|(_, value)| *value > layout.y.to);
            let Some(&(load, value)) = exit.or(line.get(line.len() / 2)) else { return };
            let y = layout.y_px(value.min(layout.y.to)) - 10.0;
            let nudge = if anchor == Anchor::End { 4.0 } else { -6.0 };
            sheet.text(name, (layout.x_px(load) + nudge, y), anchor, ink.for_text(), 600);
        };
        name("p95", &curve.p95(), Ink::Accent, Anchor::End);
        name("mean", curve.mean(), Ink::Text, Anchor::Start);
    }

    /// The largest of a figure among the measured points; zero without any.
    fn most_measured(&self, figure: fn(&Measured) -> f64) -> f64 {
        self.figure.measured().iter().map(figure).fold(0.0, f64::max)
    }

    /// The measured points: squares, open where the model had to predict them.
    fn draw_measured(&self, sheet: &Sheet<'_>) {
        let top = sheet.layout().y.to;
        for point in self.figure.measured() {
            let figures = [(point.p95_ms, point.p95_bounds_ms), (point.mean_ms, point.mean_bounds_ms)];
            for (value, bounds) in figures {
                if let Some((low, high)) = bounds.filter(|(low, _)| *low < top) {
                    sheet.interval(point.load_per_s, low, high, Ink::Good);
                }
                if value <= top {
                    sheet.square((point.load_per_s, value), 4.0, Ink::Good, point.held_out);
                }
            }
        }
    }
}

impl Chart for HockeyStick {
    fn title(&self) -> &'static str {
        "Response time over load"
    }

    fn subtitle(&self) -> String {
        let measured = if self.figure.measured().is_empty() { "" } else { " · square: measured, open if held out" };
        match self.curve.borrow().silence() {
            None => format!("line: theory · dot: simulated{measured} · ring: now"),
            Some(reason) => format!("dot: simulated{measured} · ring: now · no theory: {reason}"),
        }
    }

    fn height(&self, width: f64) -> f64 {
        (width * 0.62).clamp(190.0, 260.0)
    }

    fn start(&mut self, plot: &HtmlElement, figure: &FigureHandle, redraw: Rc<dyn Fn()>) {
        self.handle = self.load_path.clone().and_then(|path| Handle::new(plot, figure, path, Rc::clone(&self.layout)));
        self.redraw = Some(redraw);
    }

    fn sampled(&mut self, sample: &Sample) {
        if sample.response.is_some() {
            self.live = sample.response;
        }
    }

    fn changed(&mut self, figure: &FigureHandle, change: &Change) {
        match change {
            Change::Knob(_) => self.follow(figure),
            Change::Restarted | Change::Rewound => self.live = None,
            Change::Running(_) | Change::Speed(_) | Change::Broken(_) | Change::Mended | Change::Moved => {}
        }
    }

    fn work(&mut self) {
        // The mean's line says at which loads there is something to see.
        if self.awaits_first.get() {
            return;
        }
        match self.due.replace(Due::Nothing) {
            Due::Nothing => {}
            Due::Runs => self.ask_rest(false),
            Due::Rest => self.ask_rest(true),
            Due::Everything => {
                self.due.set(Due::Rest);
                self.ask_first();
            }
        }
    }

    fn layout(&mut self, width: f64, height: f64) -> Layout {
        let curve = self.curve.borrow();
        if let Some(most) = curve.most_response().filter(|most| *most >= LEAST_MS) {
            // What was measured is seen, unless it is so slow that nothing else would be.
            let most = self.most_measured(|point| point.p95_ms).min(2.0 * most).max(most);
            self.top = Some(steady(self.top, Axis::rounded_up(most, 4).to));
        }
        let y = Axis::rounded_up(self.top.unwrap_or(UNKNOWN_MS), 4);
        let label = y.ticks.last().map_or(1, |tick| y.label(*tick).chars().count());
        let x = Axis::up_to(curve.most_load().max(1.04 * self.most_measured(|point| point.load_per_s)), 5);
        let margins = Margins { top: 24.0, right: 14.0, bottom: 24.0, left: (label as f64 * 6.6 + 12.0).max(30.0) };
        let layout = Layout { width, height, margins, x, y };
        *self.layout.borrow_mut() = Some(layout.clone());
        layout
    }

    fn draw(&self, sheet: &Sheet<'_>) {
        let layout = sheet.layout();
        sheet.y_axis("ms", |tick| layout.y.label(tick));
        sheet.x_axis("requests/s", |tick| layout.x.label(tick));
        let curve = self.curve.borrow();
        if curve.most_response().is_some_and(|most| most < LEAST_MS) {
            sheet.nothing("nothing answers yet");
            return;
        }
        // The ring of an overloaded board, with its label, stands in the corner above.
        sheet.capacity(curve.capacity(), self.response().is_none_or(|ms| ms < 0.6 * layout.y.to));
        let (old_tail, old_points) = curve.stale();
        sheet.line(&curve.p95(), if old_tail { Ink::Faint } else { Ink::Accent }, 1.6, Stroke::Dashed);
        sheet.line(curve.mean(), Ink::Text, 2.0, Stroke::Solid);
        let ink = |ink| if old_points { Ink::Faint } else { ink };
        for point in curve.simulated() {
            let figures =
                [(point.p95, point.p95_bounds, Ink::Accent, true), (point.mean, point.mean_bounds, Ink::Text, false)];
            for (value, bounds, colour, hollow) in figures {
                if let Some((low, high)) = bounds.filter(|(low, _)| *low < layout.y.to) {
                    sheet.interval(point.load, low, high, ink(colour));
                }
                if let Some(value) = value.filter(|value| *value <= layout.y.to) {
                    sheet.dot((point.load, value), 3.0, ink(colour), hollow);
                }
            }
        }
        drop(curve);
        self.draw_measured(sheet);
        self.name_lines(sheet);
    }

    fn place(&self, layout: &Layout) {
        if let Some(handle) = &self.handle {
            let curve = self.curve.borrow();
            let mean = |load| curve.theory_at(load).0;
            handle.place(layout, (self.load(), self.response()), self.live.is_some(), mean);
        }
    }

    fn readout(&self, x: f64) -> Option<Readout> {
        let curve = self.curve.borrow();
        let near = |load: f64| (load - x).abs() <= 0.02 * curve.most_load();
        let point = curve.simulated().iter().find(|point| near(point.load));
        let measured = self.figure.measured().iter().find(|point| near(point.load_per_s));
        let x = measured.map(|point| point.load_per_s).or(point.map(|point| point.load)).unwrap_or(x);
        let mut lines = vec![format!("at {}", number::rate(x))];
        let mut add = |source: &str, mean: Option<f64>, p95: Option<f64>| {
            let figures = [("mean", mean), ("p95", p95)].into_iter();
            let words = figures.filter_map(|(name, value)| Some(format!("{name} {}", number::response(value?))));
            let words = words.collect::<Vec<_>>().join(", ");
            if !words.is_empty() {
                lines.push(format!("{source}: {words}"));
            }
        };
        let (mean, p95) = curve.theory_at(x);
        add("theory", mean, p95);
        if let Some(point) = point {
            add("simulated", point.mean, point.p95);
        }
        if let Some(point) = measured {
            add("measured", Some(point.mean_ms), Some(point.p95_ms));
        }
        if curve.capacity().is_some_and(|capacity| x > capacity) {
            lines.push("past capacity".to_owned());
        }
        (lines.len() > 1).then_some(Readout { x, lines })
    }

    fn table(&self) -> Table {
        let curve = self.curve.borrow();
        let cell = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let by_theory = curve.p95().into_iter().map(|(load, p95)| {
            let mut row = vec![load, cell(curve.theory_at(load).0), p95];
            row.extend([f64::NAN; 6]);
            row
        });
        let by_simulation = curve.simulated().iter().map(|point| {
            let (mean_low, mean_high) = point.mean_bounds.unwrap_or((f64::NAN, f64::NAN));
            let (p95_low, p95_high) = point.p95_bounds.unwrap_or((f64::NAN, f64::NAN));
            let (mean, p95) = curve.theory_at(point.load);
            vec![
                point.load,
                cell(mean),
                cell(p95),
                cell(point.mean),
                mean_low,
                mean_high,
                cell(point.p95),
                p95_low,
                p95_high,
            ]
        });
        let mut rows: Vec<Vec<f64>> = by_simulation.collect();
        if rows.is_empty() {
            rows = by_theory.collect();
        }
        let measured = self.figure.measured();
        let mut head: Vec<String> = HEAD.map(str::to_owned).into();
        if !measured.is_empty() {
            head.extend(HEAD_MEASURED.map(str::to_owned));
            rows.iter_mut().for_each(|row| row.extend([f64::NAN; HEAD_MEASURED.len()]));
            rows.extend(measured.iter().map(measured_row));
        }
        Table { head, rows }
    }

    fn file_name(&self) -> &'static str {
        "response-time-over-load"
    }
}

/// Columns of the table.
const HEAD: [&str; 9] = [
    "load (requests/s)",
    "mean by theory (ms)",
    "p95 by theory (ms)",
    "simulated mean (ms)",
    "mean, low",
    "mean, high",
    "simulated p95 (ms)",
    "p95, low",
    "p95, high",
];

/// Columns of the table where there are measured points.
const HEAD_MEASURED: [&str; 6] = [
    "measured mean (ms)",
    "measured mean, low",
    "measured mean, high",
    "measured p95 (ms)",
    "measured p95, low",
    "measured p95, high",
];

fn measured_row(point: &Measured) -> Vec<f64> {
    let mut row = vec![f64::NAN; HEAD.len()];
    row[0] = point.load_per_s;
    for (value, bounds) in [(point.mean_ms, point.mean_bounds_ms), (point.p95_ms, point.p95_bounds_ms)] {
        let (low, high) = bounds.unwrap_or((f64::NAN, f64::NAN));
        row.extend([value, low, high]);
    }
    row
}
