//! One drawing of one chart: axes, lines, points, labels, on a canvas.

use hockeystick_core::number::within;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::prelude::{Cartesian2d, Color, DrawingArea, IntoDrawingArea, ShapeStyle};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::backend::{FineCanvas, UNITS};
use super::number;
use super::scale::{Axis, spread};
use super::theme::{Ink, Theme};

/// Size of labels in CSS pixels.
const LABEL: f64 = 11.5;

/// How a line is drawn, so that lines differ without their colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    Solid,
    Dashed,
    Dotted,
}

impl Stroke {
    /// Lengths of dash and gap in CSS pixels.
    const fn dashes(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[6.0, 4.0],
            Self::Dotted => &[0.01, 4.0],
        }
    }
}

/// Where a label stands against its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Room around the plot in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Margins {
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
    pub(super) left: f64,
}

/// The plot's place in its canvas, and its axes: what turns values into pixels and back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) margins: Margins,
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Layout {
    /// CSS pixels from the left.
    pub(super) fn x_px(&self, value: f64) -> f64 {
        self.margins.left + self.x.share(value) * (self.right() - self.margins.left)
    }

    /// CSS pixels from the top.
    pub(super) fn y_px(&self, value: f64) -> f64 {
        self.bottom() - self.y.share(value) * (self.bottom() - self.margins.top)
    }

    /// The value under a pixel, kept on the axis.
    pub(super) fn x_at(&self, px: f64) -> f64 {
        let share = (px - self.margins.left) / (self.right() - self.margins.left);
        self.x.value(share.clamp(0.0, 1.0))
    }

    pub(super) fn right(&self) -> f64 {
        self.width - self.margins.right
    }

    pub(super) fn bottom(&self) -> f64 {
        self.height - self.margins.bottom
    }
}

type Area = DrawingArea<FineCanvas, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// A canvas that is being drawn on.
pub(super) struct Sheet<'a> {
    layout: &'a Layout,
    theme: &'a Theme,
    context: CanvasRenderingContext2d,
    density: f64,
    area: Area,
}

impl<'a> Sheet<'a> {
    /// A clean sheet. The canvas gets as many pixels as the screen has where it stands.
    pub(super) fn new(canvas: &HtmlCanvasElement, layout: &'a Layout, theme: &'a Theme) -> Option<Self> {
        let density = web_sys::window()?.device_pixel_ratio().clamp(1.0, 4.0);
        let (width, height) = (layout.width * density, layout.height * density);
        if canvas.width() != width.round() as u32 || canvas.height() != height.round() as u32 {
            canvas.set_width(width.round() as u32);
            canvas.set_height(height.round() as u32);
        }
        let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        context.reset_transform().ok()?;
        context.clear_rect(0.0, 0.0, width, height);
        context.set_line_join("round");
        context.set_line_cap("round");
        let px = |value: f64| (value * UNITS).round() as i32;
        let Margins { left, top, .. } = layout.margins;
        let coordinates = Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(
            layout.x.from..layout.x.to,
            layout.y.from..layout.y.to,
            (px(left)..px(layout.right()), px(layout.bottom())..px(top)),
        );
        let root: DrawingArea<FineCanvas, Shift> =
            FineCanvas::new(context.clone(), layout.width, layout.height).into_drawing_area();
        Some(Self { layout, theme, context, density, area: root.apply_coord_spec(coordinates) })
    }

    /// Where things are.
    pub(super) fn layout(&self) -> &Layout {
        self.layout
    }

    /// Everything drawn inside stays within the plot, and is drawn in eighths of a pixel.
    fn plotted(&self, stroke: Stroke, draw: impl FnOnce(&Area)) {
        let scale = self.density / UNITS;
        let layout = self.layout;
        self.context.save();
        let _ = self.context.scale(scale, scale);
        self.context.begin_path();
        // A line's width of room, so that what runs along the edge is whole.
        let room = 2.0 * UNITS;
        self.context.rect(
            layout.margins.left * UNITS - room,
            layout.margins.top * UNITS - room,
            (layout.right() - layout.margins.left) * UNITS + 2.0 * room,
            (layout.bottom() - layout.margins.top) * UNITS + 2.0 * room,
        );
        self.context.clip();
        let dashes: js_sys::Array = stroke.dashes().iter().map(|px| JsValue::from_f64(px * UNITS)).collect();
        let _ = self.context.set_line_dash(&dashes);
        draw(&self.area);
        self.context.restore();
    }

    fn style(&self, ink: Ink, width: f64) -> ShapeStyle {
        self.theme.colour(ink).stroke_width((width * UNITS) as u32)
    }

    /// A line through points, in values of the axes.
    pub(super) fn line(&self, points: &[(f64, f64)], ink: Ink, width: f64, stroke: Stroke) {
        if points.len() < 2 {
            return;
        }
        // Far outside the plot a coordinate would leave the range of whole numbers.
        let ceiling = self.layout.y.value(4.0);
        let points: Vec<_> = points.iter().map(|&(x, y)| (x, y.min(ceiling))).collect();
        self.plotted(stroke, |area| {
            let _ = area.draw(&PathElement::new(points, self.style(ink, width)));
        });
    }

    /// A dot; hollow ones show the surface inside.
    pub(super) fn dot(&self, at: (f64, f64), radius: f64, ink: Ink, hollow: bool) {
        let radius = (radius * UNITS) as u32;
        self.plotted(Stroke::Solid, |area| {
            if hollow {
                let _ = area.draw(&Circle::new(at, radius, self.theme.colour(Ink::Card).filled()));
                let _ = area.draw(&Circle::new(at, radius, self.style(ink, 1.6)));
            } else {
                let _ = area.draw(&Circle::new(at, radius, self.theme.colour(ink).filled()));
            }
        });
    }

    /// A square, as wide as a dot of this radius; hollow ones show the surface inside.
    pub(super) fn square(&self, at: (f64, f64), radius: f64, ink: Ink, hollow: bool) {
        let layout = self.layout;
        let (x, y) = (layout.x_px(at.0), layout.y_px(at.1));
        let part = |px: f64, from: f64, to: f64| (px - from) / (to - from);
        let corner = |by: f64| {
            let share = part(x + by, layout.margins.left, layout.right());
            (layout.x.value(share), layout.y.value(part(y + by, layout.bottom(), layout.margins.top)))
        };
        let fill = |by: f64, ink: Ink| Rectangle::new([corner(-by), corner(by)], self.theme.colour(ink).filled());
        self.plotted(Stroke::Solid, |area| {
            let _ = area.draw(&fill(radius, ink));
            if hollow {
                let _ = area.draw(&fill(radius - 1.6, Ink::Card));
            }
        });
    }

    /// An upright interval.
    pub(super) fn interval(&self, x: f64, low: f64, high: f64, ink: Ink) {
        self.line(&[(x, low), (x, high)], ink, 1.5, Stroke::Solid);
    }

    /// A stretch of the x axis, shaded from top to bottom.
    pub(super) fn band(&self, from: f64, to: f64, ink: Ink) {
        let Axis { from: bottom, to: top, .. } = self.layout.y;
        let (from, to) = (from.max(self.layout.x.from), to.min(self.layout.x.to));
        self.shade([(from, top), (to, top), (to, bottom), (from, bottom)], ink);
    }

    /// The surface between points.
    pub(super) fn shade(&self, points: impl IntoIterator<Item = (f64, f64)>, ink: Ink) {
        self.context.begin_path();
        for (x, y) in points {
            self.context.line_to(self.layout.x_px(x) * self.density, self.layout.y_px(y) * self.density);
        }
        self.context.set_global_alpha(0.12);
        self.context.set_fill_style_str(&self.theme.css(ink));
        self.context.fill();
        self.context.set_global_alpha(1.0);
    }

    /// An upright line from top to bottom.
    pub(super) fn upright(&self, x: f64, ink: Ink, stroke: Stroke) {
        self.line(&[(x, self.layout.y.from), (x, self.layout.y.to)], ink, 1.2, stroke);
    }

    /// Where the load, which the x axis is of, reaches the capacity; nothing when that is not known or not on the chart.
    /// The words stand at the top, or at the bottom where lines need the top.
    pub(super) fn capacity(&self, per_s: Option<f64>, at_top: bool) {
        let Some(capacity) = per_s.filter(|capacity| *capacity < self.layout.x.to) else { return };
        self.upright(capacity, Ink::Faint, Stroke::Dashed);
        let y = if at_top { self.layout.margins.top + 6.0 } else { self.layout.bottom() - 24.0 };
        let x = self.layout.x_px(capacity) + 6.0;
        self.text("capacity", (x, y), Anchor::Start, Ink::Quiet, 400);
        self.text(&number::rate(capacity), (x, y + 14.0), Anchor::Start, Ink::Quiet, 600);
    }

    /// Grid lines and labels of the y axis, the unit at its top, and the base line.
    pub(super) fn y_axis(&self, unit: &str, label: impl Fn(f64) -> String) {
        let layout = self.layout;
        for &tick in &layout.y.ticks {
            let y = layout.y_px(tick);
            let ink = if tick == 0.0 { Ink::Faint } else { Ink::Rule };
            self.hairline(layout.margins.left, y, layout.right() - layout.margins.left, ink);
            self.text(&label(tick), (layout.margins.left - 8.0, y + 0.5), Anchor::End, Ink::Quiet, 400);
        }
        self.text(unit, (layout.margins.left - 8.0, layout.margins.top - 13.0), Anchor::End, Ink::Quiet, 400);
    }

    /// Labels of the x axis. `unit` stands at its end.
    pub(super) fn x_axis(&self, unit: &str, label: impl Fn(f64) -> String) {
        let layout = self.layout;
        let y = layout.bottom() + 13.0;
        let unit_from = layout.right() - self.width(unit) - 10.0;
        for &tick in &layout.x.ticks {
            let text = label(tick);
            let half = self.width(&text) / 2.0;
            // The first and the last label stay above the plot; the unit has the right of way.
            let x = within(layout.x_px(tick), layout.margins.left + half - 2.0, layout.width - half);
            if unit.is_empty() || x + half < unit_from {
                self.text(&text, (x, y), Anchor::Middle, Ink::Quiet, 400);
            }
        }
        if !unit.is_empty() {
            self.text(unit, (layout.right(), y), Anchor::End, Ink::Quiet, 400);
        }
    }

    /// Names beside the last points of lines, one below the other, moved apart where they would touch.
    pub(super) fn end_labels(&self, labels: &[((f64, f64), String, Ink)]) {
        let wishes: Vec<f64> = labels.iter().map(|((_, y), ..)| self.layout.y_px(*y)).collect();
        let lowest = self.layout.bottom() - LABEL / 2.0;
        let places = spread(&wishes, LABEL + 2.5, self.layout.margins.top, lowest);
        let end = labels.iter().map(|((x, _), ..)| self.layout.x_px(*x)).fold(0.0, f64::max);
        for ((_, text, ink), y) in labels.iter().zip(places) {
            self.text(text, (end + 7.0, y), Anchor::Start, *ink, 600);
        }
    }

    /// A line one screen pixel thick.
    fn hairline(&self, x: f64, y: f64, width: f64, ink: Ink) {
        let snapped = (y * self.density).floor();
        self.context.set_fill_style_str(&self.theme.css(ink));
        self.context.fill_rect(x * self.density, snapped, width * self.density, self.density.floor());
    }

    /// Says in the middle, between two lines of the grid, why there is nothing to see.
    pub(super) fn nothing(&self, why: &str) {
        let margins = &self.layout.margins;
        let y = margins.top + 0.375 * (self.layout.bottom() - margins.top);
        self.text(why, ((margins.left + self.layout.right()) / 2.0, y), Anchor::Middle, Ink::Quiet, 400);
    }

    /// Text beside a point in CSS pixels, its middle at the point's height.
    pub(super) fn text(&self, text: &str, at: (f64, f64), anchor: Anchor, ink: Ink, weight: u32) {
        self.context.set_font(&self.theme.font(weight, LABEL * self.density));
        self.context.set_text_baseline("middle");
        self.context.set_text_align(match anchor {
            Anchor::Start => "left",
            Anchor::Middle => "center",
            Anchor::End => "right",
        });
        self.context.set_fill_style_str(&self.theme.css(ink));
        let _ = self.context.fill_text(text, at.0 * self.density, at.1 * self.density);
    }

    /// Width of a label in CSS pixels.
    pub(super) fn width(&self, text: &str) -> f64 {
        self.context.set_font(&self.theme.font(400, LABEL * self.density));
        self.context.measure_text(text).map_or(0.0, |metrics| metrics.width() / self.density)
    }
}
