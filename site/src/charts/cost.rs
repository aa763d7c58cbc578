//! What a million requests cost over load: machines stand there whether they work or not, so the price of a request falls
//! until the capacity is reached.

use std::cell::RefCell;
use std::rc::Rc;

use hockeystick_core::cost::{Prices, Tariff};
use web_sys::HtmlElement;

use super::curve::{Curve, ask_means};
use super::number;
use super::panel::{Chart, Readout};
use super::scale::Axis;
use super::sheet::{Anchor, Layout, Margins, Sheet, Stroke};
use super::table::Table;
use super::theme::Ink;
use crate::figure::handle::{Asked, Change, FigureHandle, Sample};
use crate::figure::sizes;

/// Stretches of the line.
const POINTS: usize = 96;
/// The share of the load axis at which the price is at the top of the chart: what is left of it is off the chart.
const CUT: f64 = 0.12;
/// Radius of the dot at the load that there is.
const DOT_PX: f64 = 5.0;
/// Rows of the table.
const ROWS: usize = 12;

/// Price over load.
pub(super) struct Cost {
    figure: FigureHandle,
    /// What theory says of the stage: how far the load goes, and where the capacity is.
    curve: Rc<RefCell<Curve>>,
    tariff: Tariff,
    redraw: Option<Rc<dyn Fn()>>,
    /// Whether theory is to be asked when the chart is next seen.
    is_due: bool,
    asked: Option<Asked>,
}

impl Cost {
    /// The chart of a figure.
    pub(super) fn new(figure: &FigureHandle) -> Self {
        let curve = Curve::new(figure.stage(), figure.authored().reach_per_s(), figure.curve());
        Self {
            figure: figure.clone(),
            curve: Rc::new(RefCell::new(curve)),
            tariff: tariff(figure),
            redraw: None,
            is_due: figure.curve().is_none(),
            asked: None,
        }
    }

    fn load(&self) -> f64 {
        self.figure.with_stage(|stage| stage.workload.rate.per_s())
    }

    /// What a million answers cost: past the capacity no more are given, so they get no cheaper.
    fn price(&self, load: f64) -> f64 {
        let capacity = self.curve.borrow().capacity().unwrap_or(f64::INFINITY);
        self.tariff.per_million(load.min(capacity))
    }

    fn is_free(&self) -> bool {
        self.tariff == Tariff::default()
    }

    fn line(&self, from: f64, to: f64) -> Vec<(f64, f64)> {
        let load = |n: usize| from + (to - from) * n as f64 / POINTS as f64;
        (0..=POINTS).map(|n| (load(n), self.price(load(n)))).collect()
    }

    /// A month's bill at a load, in words.
    fn month(&self, load: f64) -> String {
        let parts = self.tariff.per_month(load);
        let named = ["machines", "disk", "traffic"].into_iter().zip(parts).filter(|(_, amount)| *amount >= 0.005);
        let words: Vec<String> = named.map(|(name, amount)| format!("{name} {}", number::dollars(amount))).collect();
        format!("{} a month: {}", number::dollars(parts.iter().sum()), words.join(", "))
    }
}

fn tariff(figure: &FigureHandle) -> Tariff {
    let catalogue = sizes::catalogue();
    figure.with_stage(|stage| Tariff::of(stage, &Prices::default(), &catalogue))
}

impl Chart for Cost {
    fn title(&self) -> &'static str {
        "Price of a million requests"
    }

    fn subtitle(&self) -> String {
        if self.is_free() {
            "nothing here costs anything yet".to_owned()
        } else {
            format!("now {}", self.month(self.load()))
        }
    }

    fn height(&self, width: f64) -> f64 {
        (width * 0.5).clamp(170.0, 220.0)
    }

    fn start(&mut self, _plot: &HtmlElement, _figure: &FigureHandle, redraw: Rc<dyn Fn()>) {
        self.redraw = Some(redraw);
    }

    fn sampled(&mut self, _sample: &Sample) {}

    fn changed(&mut self, figure: &FigureHandle, change: &Change) {
        if !matches!(change, Change::Knob(_)) {
            return;
        }
        self.tariff = tariff(figure);
        if !figure.with_stage(|stage| self.curve.borrow().is_of(stage)) {
            self.curve.borrow_mut().restart(figure.stage());
            self.is_due = true;
        }
    }

    fn work(&mut self) {
        if std::mem::take(&mut self.is_due) {
            let redraw = self.redraw.clone();
            self.asked = ask_means(&self.curve, &self.figure, move || redraw.iter().for_each(|redraw| redraw()));
        }
    }

    fn layout(&mut self, width: f64, height: f64) -> Layout {
        let most = self.curve.borrow().most_load();
        let y = Axis::rounded_up(self.price(CUT * most), 4);
        let label = y.ticks.last().map_or(1, |tick| y.label(*tick).chars().count());
        let margins = Margins { top: 24.0, right: 14.0, bottom: 24.0, left: (label as f64 * 6.6 + 12.0).max(30.0) };
        Layout { width, height, margins, x: Axis::up_to(most, 5), y }
    }

    fn draw(&self, sheet: &Sheet<'_>) {
        let layout = sheet.layout();
        sheet.y_axis("$", |tick| layout.y.label(tick));
        sheet.x_axis("requests/s", |tick| layout.x.label(tick));
        if self.is_free() {
            return;
        }
        let (most, capacity) = (layout.x.to, self.curve.borrow().capacity());
        let end = capacity.unwrap_or(most).min(most);
        sheet.capacity(capacity, self.price(end) < 0.6 * layout.y.to);
        let floor = self.tariff.traffic_per_million;
        if floor > 0.02 * layout.y.to {
            sheet.line(&[(0.0, floor), (most, floor)], Ink::Quiet, 1.4, Stroke::Dashed);
            let below = layout.y_px(floor) + 10.0 < layout.bottom() - 6.0;
            let y = layout.y_px(floor) + if below { 10.0 } else { -10.0 };
            sheet.text("traffic alone", (layout.margins.left + 6.0, y), Anchor::Start, Ink::Quiet, 400);
        }
        sheet.line(&self.line(end / POINTS as f64, end), Ink::Text, 2.0, Stroke::Solid);
        if end < most {
            sheet.line(&self.line(end, most), Ink::Faint, 2.0, Stroke::Dotted);
        }
        let load = self.load();
        if load > 0.0 {
            let price = self.price(load);
            // What is off the chart is shown at its edge, whole.
            let margins = &layout.margins;
            let within = |axis: &Axis, px: f64| axis.to * (1.0 - DOT_PX / px);
            let x = load.min(within(&layout.x, layout.right() - margins.left));
            let y = price.min(within(&layout.y, layout.bottom() - margins.top));
            sheet.dot((x, y), DOT_PX, Ink::Accent, false);
            // To the right of a falling line there is room, until the chart ends.
            let is_left = layout.x_px(x) < layout.right() - 60.0;
            let (nudge, anchor) = if is_left { (9.0, Anchor::Start) } else { (-9.0, Anchor::End) };
            let at = (layout.x_px(x) + nudge, layout.y_px(y) - 9.0);
            sheet.text(&number::dollars(price), at, anchor, Ink::AccentText, 600);
        }
    }

    fn readout(&self, x: f64) -> Option<Readout> {
        if x <= 0.0 || self.is_free() {
            return None;
        }
        let mut lines =
            vec![format!("at {}", number::rate(x)), format!("{} a million", number::dollars(self.price(x)))];
        let is_past = self.curve.borrow().capacity().is_some_and(|capacity| x > capacity);
        lines.push(if is_past { "past capacity".to_owned() } else { self.month(x) });
        Some(Readout { x, lines })
    }

    fn table(&self) -> Table {
        let head = ["load (requests/s)", "a million requests ($)", "machines a month ($)", "disk", "traffic"];
        let most = self.curve.borrow().most_load();
        let row = |n: usize| {
            let load = most * n as f64 / ROWS as f64;
            [load, self.price(load)].into_iter().chain(self.tariff.per_month(load)).collect()
        };
        Table { head: head.map(str::to_owned).into(), rows: (1..=ROWS).map(row).collect() }
    }

    fn file_name(&self) -> &'static str {
        "price-over-load"
    }
}
