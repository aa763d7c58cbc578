//! The operating point on a chart over load: where the figure stands now, and how the reader moves it.

use std::cell::RefCell;
use std::rc::Rc;

use hockeystick_core::number::{short, within};
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent};

use super::number;
use super::scale::round_step;
use super::sheet::Layout;
use crate::dom::{self, Listener};
use crate::figure::handle::FigureHandle;

/// Width of the ring's label, and from the ring's middle to where it may begin.
const LABEL_PX: f64 = 54.0;
const RING_PX: f64 = 12.0;

/// The operating point: a ring that can be dragged along the load axis.
pub(super) struct Handle {
    ring: HtmlElement,
    label: HtmlElement,
    _listeners: Vec<Listener>,
}

impl Handle {
    /// A ring on a plot, for the load at this path; none where the page takes no more elements.
    pub(super) fn new(
        plot: &HtmlElement,
        figure: &FigureHandle,
        path: String,
        layout: Rc<RefCell<Option<Layout>>>,
    ) -> Option<Self> {
        let ring: HtmlElement = dom::child(plot, "div", "chart-handle")?;
        for (name, value) in [("role", "slider"), ("tabindex", "0"), ("aria-label", "Load, requests a second")] {
            dom::set(&ring, name, value);
        }
        // A slider has a value, also before it has its place.
        dom::set(&ring, "aria-valuenow", &short(figure.with_stage(|stage| stage.workload.rate.per_s()), 3));
        let label = dom::child(&ring, "span", "chart-handle-label")?;
        let turn: Rc<dyn Fn(f64)> = {
            let (figure, layout) = (figure.clone(), Rc::clone(&layout));
            Rc::new(move |load| {
                if let Some(layout) = layout.borrow().as_ref() {
                    let step = step(layout);
                    figure.set(&path, within((load / step).round() * step, step, layout.x.to));
                }
            })
        };
        let down = {
            let ring = ring.clone();
            move |event: PointerEvent| {
                if event.button() == 0 {
                    event.prevent_default();
                    let _ = ring.set_pointer_capture(event.pointer_id());
                    let _ = ring.focus();
                    dom::set(&ring, "data-held", "");
                }
            }
        };
        let moved = {
            let (ring, plot, turn, layout) = (ring.clone(), plot.clone(), Rc::clone(&turn), Rc::clone(&layout));
            move |event: PointerEvent| {
                event.stop_propagation();
                if ring.has_pointer_capture(event.pointer_id()) {
                    let px = f64::from(event.client_x()) - plot.get_bounding_client_rect().left();
                    let load = layout.borrow().as_ref().map(|layout| layout.x_at(px));
                    load.into_iter().for_each(|load| turn(load));
                }
            }
        };
        let released = {
            let (ring, figure) = (ring.clone(), figure.clone());
            move |_: PointerEvent| {
                let _ = ring.remove_attribute("data-held");
                figure.let_go();
            }
        };
        let pressed = {
            let figure = figure.clone();
            move |event: KeyboardEvent| {
                let now = figure.with_stage(|stage| stage.workload.rate.per_s());
                let target =
                    layout.borrow().as_ref().and_then(|layout| key_target(&dom::plain_key(&event), now, layout));
                if let Some(load) = target {
                    event.prevent_default();
                    event.stop_propagation();
                    turn(load);
                }
            }
        };
        let listeners = vec![
            Listener::new(&ring, "pointerdown", down),
            Listener::new(&ring, "pointermove", moved),
            Listener::new(&ring, "lostpointercapture", released),
            Listener::new(&ring, "keydown", pressed),
        ];
        Some(Self { ring, label, _listeners: listeners })
    }

    /// Moves the ring to the figure's load and response time; to the edge where that is off the chart. `curve` is the line
    /// that the ring's label is to keep away from.
    pub(super) fn place(
        &self,
        layout: &Layout,
        (load, response_ms): (f64, Option<f64>),
        measured: bool,
        curve: impl Fn(f64) -> Option<f64>,
    ) {
        let x = layout.x_px(load.min(layout.x.to));
        // What is not known stands above the axis, whose labels it would cover.
        let y = response_ms.map_or(layout.bottom() - RING_PX, |ms| layout.y_px(ms.min(layout.y.to)));
        dom::style(&self.ring, "transform", &format!("translate({}px, {}px)", short(x, 1), short(y, 1)));
        let off = match response_ms {
            Some(ms) if ms > layout.y.to => "above",
            _ if load > layout.x.to => "aside",
            _ => "",
        };
        dom::set(&self.ring, "data-off", off);
        // Below the curve there is nothing to hide, if there is room; nor above, unless that is where the curve goes.
        // Where it has no value any more it has gone up to where nothing is answered.
        let climbs = || {
            let soon = curve(layout.x_at(x + LABEL_PX / 2.0));
            soon.map_or(curve(load).is_some(), |ms| layout.y_px(ms) < y - RING_PX)
        };
        let room = if layout.bottom() - y > 27.0 {
            "below"
        } else if x + RING_PX + LABEL_PX < layout.width && climbs() {
            "right"
        } else {
            "above"
        };
        dom::set(&self.ring, "data-room", room);
        // At the chart's right edge there is less room than half a label.
        let over = if room == "right" { 0.0 } else { (x + LABEL_PX / 2.0 - layout.width).max(0.0) };
        dom::style(&self.label, "margin-left", &dom::px(-over));
        dom::set(&self.ring, "data-expected", if measured { "false" } else { "true" });
        let value = response_ms.map_or_else(String::new, number::response);
        dom::say(&self.label, &value);
        dom::set(&self.ring, "aria-valuemin", "0");
        dom::set(&self.ring, "aria-valuemax", &number::significant(layout.x.to, 3).replace(',', ""));
        dom::set(&self.ring, "aria-valuenow", &short(load, 3));
        let unit = number::significant(load, 3);
        let heard = if measured { "measured mean" } else { "expected mean" };
        dom::set(&self.ring, "aria-valuetext", &format!("{unit} requests a second, {heard} {value}"));
    }
}

/// The smallest step of the load that a drag makes.
fn step(layout: &Layout) -> f64 {
    round_step(layout.x.to / 250.0)
}

/// Where a key takes the load.
fn key_target(key: &str, now: f64, layout: &Layout) -> Option<f64> {
    let (fine, coarse) = (round_step(layout.x.to / 100.0), layout.x.to / 10.0);
    Some(match key {
        "ArrowRight" | "ArrowUp" => now + fine,
        "ArrowLeft" | "ArrowDown" => now - fine,
        "PageUp" => now + coarse,
        "PageDown" => now - coarse,
        "Home" => 0.0,
        "End" => layout.x.to,
        _ => return None,
    })
}
