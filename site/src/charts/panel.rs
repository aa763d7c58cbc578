//! What every chart shares: title, canvas, readout, table, file; when it is drawn, and in which colours.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_timers::callback::Interval;
use hockeystick_core::number::within;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Element, Event, HtmlCanvasElement, HtmlElement, IntersectionObserver, IntersectionObserverInit, KeyboardEvent,
    PointerEvent, ResizeObserver,
};

use super::sheet::{Layout, Sheet};
use super::table::Table;
use super::theme::Theme;
use crate::dom::{self, Listener, Observer, weakly};
use crate::figure::handle::{Change, FigureHandle, Sample};
use crate::frames::FrameLoop;

/// How often the table for screen readers follows the picture.
const TABLE_EVERY_MS: u32 = 5_000;
/// Rows of that table.
const TABLE_ROWS: usize = 12;

/// What a chart reads out at one place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Readout {
    /// The value on the x axis that is read.
    pub(super) x: f64,
    /// Lines of text.
    pub(super) lines: Vec<String>,
}

/// One kind of chart.
pub(super) trait Chart {
    /// What is shown.
    fn title(&self) -> &'static str;
    /// How to read it, in one line.
    fn subtitle(&self) -> String;
    /// Height in CSS pixels at a width.
    fn height(&self, width: f64) -> f64;
    /// Adds elements of its own over the canvas. `redraw` has the chart drawn soon.
    fn start(&mut self, _plot: &HtmlElement, _figure: &FigureHandle, _redraw: Rc<dyn Fn()>) {}
    /// The figure has measured.
    fn sampled(&mut self, sample: &Sample);
    /// Something about the figure has changed.
    fn changed(&mut self, figure: &FigureHandle, change: &Change);
    /// Begins what takes long; called before it is drawn, which is while it is seen.
    fn work(&mut self) {}
    /// Chooses the axes.
    fn layout(&mut self, width: f64, height: f64) -> Layout;
    /// Draws.
    fn draw(&self, sheet: &Sheet<'_>);
    /// Moves its own elements to their places.
    fn place(&self, _layout: &Layout) {}
    /// What there is to read near a value of the x axis.
    fn readout(&self, x: f64) -> Option<Readout>;
    /// The next value of the x axis that can be read, in a direction.
    fn neighbour(&self, layout: &Layout, x: f64, forward: bool) -> f64 {
        let step = (layout.x.to - layout.x.from) / 40.0;
        if forward { x + step } else { x - step }
    }
    /// The same figures as a table.
    fn table(&self) -> Table;
    /// The name of the file, without the figure's name or an ending.
    fn file_name(&self) -> &'static str;
}

thread_local! {
    /// The frame in which a chart of the page was drawn last: each frame draws one.
    static DRAWN_MS: Cell<f64> = const { Cell::new(-1.0) };
}

/// A chart on the page. Dropped, it stops listening; what it drew stays until its element goes.
pub(super) struct Panel {
    chart: RefCell<Box<dyn Chart>>,
    figure: FigureHandle,
    parts: Parts,
    theme: RefCell<Option<Theme>>,
    layout: RefCell<Option<Layout>>,
    /// Of its box, in CSS pixels. Kept: asked in the middle of a frame, the browser lays out all of the page to answer.
    width: Cell<f64>,
    seen: Cell<bool>,
    table_is_old: Cell<bool>,
    /// Ticks for the table, while the chart is seen.
    clock: RefCell<Option<Interval>>,
    /// The value on the x axis that is read out.
    reading: Cell<Option<f64>>,
    frames: FrameLoop,
    kept: RefCell<Vec<Box<dyn Any>>>,
}

#[derive(Clone)]
struct Parts {
    subtitle: HtmlElement,
    plot: HtmlElement,
    canvas: HtmlCanvasElement,
    guide: HtmlElement,
    readout: HtmlElement,
    words: HtmlElement,
    spoken: HtmlElement,
    table: HtmlElement,
    save: HtmlElement,
}

impl Parts {
    fn build(into: &HtmlElement, chart: &dyn Chart) -> Option<Self> {
        let section: HtmlElement = dom::child(into, "div", "chart")?;
        let head: HtmlElement = dom::child(&section, "div", "chart-head")?;
        dom::text_child::<Element>(&head, "p", "chart-title", chart.title())?;
        let save: HtmlElement = dom::text_child(&head, "button", "chart-save", "CSV")?;
        dom::set(&save, "type", "button");
        dom::set(&save, "aria-label", &format!("Download “{}” as a CSV file", chart.title()));
        let subtitle = dom::text_child(&section, "p", "chart-subtitle", &chart.subtitle())?;
        let plot: HtmlElement = dom::child(&section, "div", "chart-plot")?;
        dom::set(&plot, "tabindex", "0");
        dom::set(&plot, "role", "group");
        dom::set(&plot, "aria-label", &format!("{}. Arrow keys read the values.", chart.title()));
        let canvas: HtmlCanvasElement = dom::child(&plot, "canvas", "chart-canvas")?;
        dom::set(&canvas, "aria-hidden", "true");
        let guide: HtmlElement = dom::child(&plot, "i", "chart-guide")?;
        guide.set_hidden(true);
        let readout: HtmlElement = dom::child(&plot, "div", "chart-readout")?;
        readout.set_hidden(true);
        dom::set(&readout, "aria-hidden", "true");
        let words = dom::child(&readout, "span", "")?;
        let spoken: HtmlElement = dom::child(&section, "p", "unseen")?;
        dom::set(&spoken, "aria-live", "polite");
        let unseen: HtmlElement = dom::child(&section, "div", "unseen")?;
        let table = dom::child(&unseen, "table", "")?;
        Some(Self { subtitle, plot, canvas, guide, readout, words, spoken, table, save })
    }
}

impl Panel {
    /// Builds the chart's elements and begins to listen. None where the page is not what it should be.
    pub(super) fn mount(chart: Box<dyn Chart>, into: &HtmlElement, figure: &FigureHandle) -> Option<Rc<Self>> {
        let parts = Parts::build(into, chart.as_ref())?;
        let panel = Rc::new_cyclic(|this: &Weak<Self>| Self {
            frames: FrameLoop::new({
                let this = this.clone();
                move |now_ms, _| this.upgrade().is_some_and(|panel| panel.draw(now_ms))
            }),
            chart: RefCell::new(chart),
            figure: figure.clone(),
            parts,
            theme: RefCell::default(),
            layout: RefCell::default(),
            width: Cell::new(0.0),
            seen: Cell::new(false),
            table_is_old: Cell::new(true),
            clock: RefCell::default(),
            reading: Cell::new(None),
            kept: RefCell::default(),
        });
        let redraw = weakly(&panel, |panel, ()| panel.redraw());
        panel.chart.borrow_mut().start(&panel.parts.plot, figure, Rc::new(move || redraw(())));
        panel.fit();
        panel.listen_to_figure();
        panel.listen_to_page();
        panel.listen_to_reader();
        Some(panel)
    }

    fn keep(&self, what: impl Any) {
        self.kept.borrow_mut().push(Box::new(what));
    }

    fn listen_to_figure(self: &Rc<Self>) {
        let sampled = weakly(self, |panel, sample: Sample| {
            panel.chart.borrow_mut().sampled(&sample);
            panel.redraw();
        });
        self.keep(self.figure.on_sample(move |sample| sampled(sample.clone())));
        let changed = weakly(self, |panel, (figure, change): (FigureHandle, Change)| {
            panel.chart.borrow_mut().changed(&figure, &change);
            panel.redraw();
        });
        self.keep(self.figure.on_change(move |figure, change| changed((figure.clone(), change.clone()))));
    }

    /// Follows its box, whether it is seen, and the page's colours.
    fn listen_to_page(self: &Rc<Self>) {
        let resized = weakly(self, |panel, _: JsValue| {
            panel.fit();
            panel.redraw();
        });
        let size = Observer::new(resized, ResizeObserver::new, ResizeObserver::disconnect);
        if let Some(size) = &size {
            // As wide as the plot; the plot's own size follows from it, and would be reported once more.
            size.get().observe(&self.parts.subtitle);
        }
        let seen = weakly(self, |panel, entries: JsValue| {
            panel.seen.set(dom::is_seen(entries));
            let tabulate = weakly(panel, |panel, ()| panel.tabulate());
            panel.clock.replace(panel.seen.get().then(|| Interval::new(TABLE_EVERY_MS, move || tabulate(()))));
            panel.redraw();
        });
        // Drawn a little before it is scrolled to, so that it is there when it is seen.
        let sight = Observer::new(
            seen,
            |call| {
                let options = IntersectionObserverInit::new();
                options.set_root_margin("200px");
                IntersectionObserver::new_with_options(call, &options)
            },
            IntersectionObserver::disconnect,
        );
        if let Some(sight) = &sight {
            sight.get().observe(&self.parts.plot);
        }
        let recoloured = weakly(self, |panel, _: Event| panel.recolour());
        let colours = dom::document().map(|document| Listener::new(&document, "themechange", recoloured));
        self.keep((size, sight, colours));
    }

    fn listen_to_reader(self: &Rc<Self>) {
        let plot = &self.parts.plot;
        let moved = weakly(self, |panel, event: PointerEvent| {
            let x = f64::from(event.client_x()) - panel.parts.plot.get_bounding_client_rect().left();
            panel.read_at_pixel(x);
        });
        self.keep(Listener::new(plot, "pointermove", moved));
        let left = weakly(self, |panel, _: PointerEvent| {
            panel.read(None);
        });
        self.keep(Listener::new(plot, "pointerleave", left));
        let blurred = weakly(self, |panel, _: Event| {
            panel.read(None);
        });
        self.keep(Listener::new(plot, "blur", blurred));
        let pressed = weakly(self, |panel, event: KeyboardEvent| panel.pressed(&event));
        self.keep(Listener::new(plot, "keydown", pressed));
        let saved = weakly(self, |panel, _: Event| {
            panel.save();
        });
        self.keep(Listener::new(&self.parts.save, "click", saved));
    }

    /// Has the chart drawn with the next frame, if anybody sees it.
    fn redraw(&self) {
        self.table_is_old.set(true);
        if self.seen.get() {
            self.frames.ask();
        }
    }

    fn recolour(&self) {
        let theme = Theme::of(&self.parts.plot);
        if *self.theme.borrow() != theme {
            *self.theme.borrow_mut() = theme;
            self.redraw();
        }
    }

    /// Takes its height, also while nobody sees it: what is below must not move when somebody does.
    fn fit(&self) {
        self.width.set(self.parts.plot.client_width().into());
        let height = self.chart.borrow().height(self.width.get());
        dom::style(&self.parts.plot, "height", &dom::px(height));
    }

    /// Draws, or leaves it to the next frame: then it is true.
    fn draw(&self, now_ms: f64) -> bool {
        // All charts of a figure hear of a sample at once; together they would hold up what moves.
        if DRAWN_MS.replace(now_ms) == now_ms {
            return true;
        }
        if self.theme.borrow().is_none() {
            *self.theme.borrow_mut() = Theme::of(&self.parts.plot);
        }
        let width = self.width.get();
        let theme = self.theme.borrow();
        let Some(theme) = theme.as_ref().filter(|_| width > 60.0) else { return false };
        let mut chart = self.chart.borrow_mut();
        chart.work();
        let height = chart.height(width);
        let layout = chart.layout(width, height);
        if let Some(sheet) = Sheet::new(&self.parts.canvas, &layout, theme) {
            chart.draw(&sheet);
        }
        chart.place(&layout);
        dom::say(&self.parts.subtitle, &chart.subtitle());
        *self.layout.borrow_mut() = Some(layout);
        drop(chart);
        if let Some(x) = self.reading.get() {
            self.read(Some(x));
        }
        false
    }

    fn read_at_pixel(&self, px: f64) {
        let x = self.layout.borrow().as_ref().map(|layout| layout.x_at(px));
        self.read(x);
    }

    /// Shows what there is at a value of the x axis, or nothing.
    fn read(&self, x: Option<f64>) -> Option<Readout> {
        let layout = self.layout.borrow();
        let layout = layout.as_ref()?;
        self.reading.set(x);
        let readout = x.and_then(|x| self.chart.borrow().readout(x));
        let Parts { guide, readout: bubble, words, .. } = &self.parts;
        guide.set_hidden(readout.is_none());
        bubble.set_hidden(readout.is_none());
        let readout = readout?;
        let px = layout.x_px(readout.x);
        dom::style(guide, "transform", &format!("translateX({})", dom::px(px)));
        dom::style(guide, "top", &dom::px(layout.margins.top));
        dom::style(guide, "height", &dom::px(layout.bottom() - layout.margins.top));
        dom::say(words, &readout.lines.join("\n"));
        // Beside the guide, on the side that has the room.
        let right = px > layout.width / 2.0;
        dom::set(bubble, "data-side", if right { "left" } else { "right" });
        dom::style(bubble, "transform", &format!("translateX({})", dom::px(px)));
        Some(readout)
    }

    /// Arrow keys move the readout, and say it.
    fn pressed(&self, event: &KeyboardEvent) {
        let key = dom::plain_key(event);
        let target_is_plot = event.target().is_some_and(|target| target == *self.parts.plot.as_ref());
        let place = {
            let layout = self.layout.borrow();
            let Some(layout) = layout.as_ref().filter(|_| target_is_plot) else { return };
            let chart = self.chart.borrow();
            let from = self.reading.get().unwrap_or(layout.x.to);
            match key.as_str() {
                "ArrowLeft" => Some(chart.neighbour(layout, from, false)),
                "ArrowRight" => Some(chart.neighbour(layout, from, true)),
                "Home" => Some(layout.x.from),
                "End" => Some(layout.x.to),
                "Escape" if self.reading.get().is_some() => None,
                _ => return,
            }
            .map(|x| within(x, layout.x.from, layout.x.to))
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some(readout) = self.read(place) {
            dom::say(&self.parts.spoken, &readout.lines.join(", "));
        }
    }

    /// Brings the table up to date, if the chart has changed.
    fn tabulate(&self) {
        if self.table_is_old.replace(false) {
            let chart = self.chart.borrow();
            chart.table().write(&self.parts.table, chart.title(), TABLE_ROWS);
        }
    }

    /// Offers the chart's figures as a file.
    fn save(&self) -> Option<()> {
        let chart = self.chart.borrow();
        let link: HtmlElement = dom::document()?.create_element("a").ok()?.dyn_into().ok()?;
        let text = String::from(js_sys::encode_uri_component(&chart.table().csv()));
        dom::set(&link, "href", &("data:text/csv;charset=utf-8,".to_owned() + &text));
        dom::set(&link, "download", &format!("{}-{}.csv", self.figure.id(), chart.file_name()));
        link.click();
        Some(())
    }
}
