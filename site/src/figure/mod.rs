//! A figure: a board that runs.
//!
//! - [`handle`]: the API for the rest of the page. [`running`]: the figure at work. [`link`]: the line to the worker.
//! - [`clock`], [`replay`]: from the simulation's moves to what the reader sees. [`meter`]: from gauges to numbers.
//! - [`layout`]: where everything is. [`canvas`], [`crowd`]: what moves. [`board`], [`card`], [`arrow`], [`drag`]: what is touched.
//! - [`palette`], [`aim`]: what is added and connected. [`rename`]: what it is called. [`history`]: what is taken back.
//!   [`eye`], [`tools`]: how the board is looked at. [`breaks`], [`timeline`]: what is broken, and when. [`follow`]: one
//!   request, stop by stop.
//! - [`controls`], [`knob`], [`inspector`]: what is turned; [`scrub`]: how far a key or a drag turns it. [`view`]:
//!   what connects them, in [`live`] values. [`dom`]: how elements are made. [`told`]: where what is said of a kind goes.
//!   [`theme`], [`numbers`].

mod aim;
mod arrow;
mod board;
mod breaks;
mod canvas;
mod card;
mod carry;
mod clock;
mod controls;
mod crowd;
mod dom;
mod drag;
mod eye;
mod follow;
pub mod handle;
mod hardware;
mod history;
mod inspector;
mod knob;
mod layout;
pub(crate) mod link;
mod live;
mod meter;
pub mod numbers;
mod palette;
mod pick;
mod rename;
mod replay;
mod route;
mod running;
pub(crate) mod scrub;
mod share;
mod sight;
pub(crate) mod sizes;
mod theme;
mod timeline;
pub(crate) mod told;
mod tools;
mod view;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use hockeystick_core::figure::{Break, Panel};
use hockeystick_core::layout::LARGE;
use hockeystick_core::pack;
use hockeystick_core::stage::{Reading, Stage};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use dom::{El, el};
use handle::FigureHandle;
use running::Running;
use sight::Sight;
use view::{RunNow, Thing, View};

/// A mounted figure; dropped when its element goes.
#[allow(missing_debug_implementations, reason = "holds elements and closures only")]
pub(crate) struct Mounted {
    handle: FigureHandle,
    running: Rc<Running>,
    host: HtmlElement,
    _sight: Option<Sight>,
    _unmount: Box<dyn Any>,
}

impl Mounted {
    pub(crate) fn handle(&self) -> &FigureHandle {
        &self.handle
    }

    /// Requests on the board.
    pub(crate) fn dots(&self) -> usize {
        self.running.dots()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        handle::unregister(&self.handle);
        self.handle.set_engine(None);
        self.running.end();
        self.host.remove();
    }
}

/// Brings a `<hockeystick-figure>` to life.
pub(crate) fn mount(element: &HtmlElement) -> Result<Mounted, String> {
    let mut figure = read(element)?;
    // What whoever embeds it says otherwise.
    if let Some(seed) = element.get_attribute("data-seed").and_then(|text| text.parse().ok()) {
        figure.seed = seed;
    }
    // Who wants less motion begins it.
    let autoplay = element.get_attribute("data-run").map_or(figure.autoplay && !crate::dom::calm(), |text| text == "1");
    // Without it, theory is asked.
    let curve = element.get_attribute("data-curve").and_then(|data| unpack(&data).ok());
    let measured = element.get_attribute("data-measured").and_then(|data| unpack(&data).ok()).unwrap_or_default();
    let handle = FigureHandle::new(figure, curve, measured);
    let host: HtmlElement =
        document().create_element("div").map_err(|_| "the page takes no elements")?.unchecked_into();
    host.set_class_name("figure-live");
    let made: Rc<RefCell<Option<Rc<Running>>>> = Rc::default();
    let (out, of) = (Rc::clone(&made), handle.clone());
    // The still picture gives its place to the running one in the same task: nothing jumps.
    element.insert_adjacent_element("afterbegin", &host).map_err(|_| "the page takes no elements")?;
    let _ = element.class_list().add_1("live");
    let into = host.clone();
    let unmount = leptos::mount::mount_to(host.clone(), move || {
        let run = RunNow { running: false, speed: of.speed(), seed: of.seed() };
        let view = View::new(run);
        let running = Running::new(of.clone(), view);
        of.set_engine(Some(Rc::clone(&running) as Rc<dyn handle::Engine>));
        out.replace(Some(Rc::clone(&running)));
        build(Figure { view, running: StoredValue::new_local(running) }, &into);
    });
    let running = made.take().ok_or("the figure could not be made")?;
    let sight = Sight::new(&host, &running);
    handle::register(&handle);
    if autoplay {
        handle.play();
    }
    Ok(Mounted { handle, running, host, _sight: sight, _unmount: Box::new(unmount) })
}

fn read(element: &HtmlElement) -> Result<hockeystick_core::figure::Figure, String> {
    let data = element.get_attribute("data-figure").ok_or("it has no data")?;
    let mut figure: hockeystick_core::figure::Figure = unpack(&data)?;
    // Two figures of the same data on one page need names of their own.
    if let Some(id) = element.get_attribute("data-name") {
        figure.id = id;
    }
    Ok(figure)
}

/// What an attribute holds.
fn unpack<T: pack::Pack>(data: &str) -> Result<T, String> {
    pack::from_text(data).ok_or_else(|| "its data was cut or is of another version".to_owned())
}

/// A figure, for its own elements. Copied into every handler.
#[derive(Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) view: View,
    running: StoredValue<Rc<Running>, LocalStorage>,
}

impl Figure {
    /// Does something with the running figure; nothing after it was removed.
    pub(crate) fn with(self, act: impl FnOnce(&Running)) {
        if let Some(running) = self.running.try_get_value() {
            act(&running);
        }
    }

    /// Uses the figure's public face.
    pub(crate) fn drive(self, act: impl FnOnce(&FigureHandle)) {
        self.with(|running| act(&running.handle));
    }

    /// Looks at the stage as it stands.
    pub(crate) fn stage<T>(self, look: impl FnOnce(&Stage) -> T) -> T {
        self.running.with_value(|running| running.handle.with_stage(look))
    }

    fn authored<T>(self, look: impl FnOnce(&hockeystick_core::figure::Figure) -> T) -> T {
        self.running.with_value(|running| look(running.handle.authored()))
    }

    fn reading(self, path: &str) -> Option<Reading> {
        self.running.with_value(|running| running.handle.reading(path))
    }

    fn get(self, path: &str) -> Option<f64> {
        self.reading(path).map(|reading| reading.value)
    }

    fn set(self, path: &str, value: f64) {
        self.drive(|handle| {
            handle.set(path, value);
        });
    }

    /// Sets a number for good, as a choice does: the next change is a step of its own.
    fn choose_value(self, path: &str, value: f64) {
        self.set(path, value);
        self.drive(FigureHandle::let_go);
    }

    /// Everything as the author wrote it: knobs, speed, cards.
    fn reset(self) {
        self.view.eye.put(eye::Eye::default());
        self.with(|running| {
            running.handle.set_speed(running.handle.authored().speed);
            running.handle.reset();
        });
    }

    /// A thing's id in the stage.
    pub(crate) fn name(self, thing: Thing) -> String {
        self.stage(|stage| match thing {
            Thing::Component(index) => stage.components.get(index).map(|it| it.id.clone()),
            Thing::Machine(index) => stage.machines.get(index).map(|it| it.id.clone()),
            Thing::Link(index) => Some(stage.link_name(index, " → ")),
        })
        .unwrap_or_default()
    }

    /// Whether the reader may add and take away: where there is something to add.
    fn can_edit(self) -> bool {
        self.authored(|it| !it.palette.is_empty())
    }

    /// Opens a thing's settings, or closes them.
    fn choose(self, thing: Thing) {
        let again = self.view.chosen.get_untracked() == Some(thing);
        self.view.chosen.set(if again { None } else { Some(thing) });
    }

    /// Changes the board; see [`FigureHandle::edit`].
    fn edit<T>(self, change: impl FnOnce(&mut Stage) -> Option<T>) {
        self.with(|running| {
            running.settle();
            running.handle.edit(change);
        });
    }

    /// Breaks something, and says so.
    fn break_it(self, what: Break) {
        let mut done = false;
        self.drive(|handle| done = handle.inject(&what));
        self.view.said.set(if done { what.label } else { "It cannot be broken now.".to_owned() });
    }

    /// The components that move with a thing.
    fn members(self, thing: Thing) -> Vec<usize> {
        self.running.with_value(|running| running.members(thing))
    }

    /// Pixels on the page for one of the board.
    fn scale(self) -> f64 {
        self.view.layout.with_untracked(|layout| self.view.eye.get_untracked().scale(layout))
    }

    /// Something was moved: whoever shows what can be taken back looks again.
    fn changed(self) {
        self.view.stage_version.update(|version| *version += 1);
    }

    /// The id of the element that says how to use a card.
    pub(crate) fn help_id(self) -> String {
        self.running.with_value(|running| format!("{}-help", running.handle.id()))
    }

    /// Gives a thing the focus back.
    fn focus(self, thing: Thing) {
        self.with(|running| running.focus(thing));
    }
}

/// Builds everything of a figure.
fn build(figure: Figure, into: &HtmlElement) {
    let panels = figure.authored(|it| it.panels.clone());
    // A large board needs the whole width; its charts stand below it.
    let class = match (panels.is_empty(), figure.authored(|it| it.stage.components.len() > LARGE)) {
        (true, _) => "figure-row",
        (false, false) => "figure-row with-panels",
        (false, true) => "figure-row large",
    };
    // Settings stand beside a board, and over a large one: any smaller it could not be read.
    let is_beside = move || figure.view.chosen.get().is_some() && figure.stage(|it| it.components.len() <= LARGE);
    let mut row = el("div", class).live_class("inspected", is_beside);
    let palette = palette::palette(figure);
    if let Some(palette) = &palette {
        // Whoever has just put something on the board from here takes it back from here.
        let bench = el("div", "bench").on("keydown", move |event| board::keys(figure, &event));
        append(into, &bench.child(palette.clone()).child(tools::tools(figure)));
    }
    // In the page before the board is laid out: it takes its width from there.
    append(into, &row);
    let boards = el("div", "figure-board");
    row = row.child(boards.clone());
    if !panels.is_empty() {
        let panels = panels.into_iter().map(|it| panel(figure, it));
        row = row.child(el("div", "panels").children(panels));
    }
    let boards = boards.child(board::board(figure)).children(board::way_back(figure));
    drop(boards.live_child(move || board::missing(figure)));
    drop(row.live_child(move || inspector::inspector(figure)));
    if palette.is_some() {
        append(into, &palette::ghost(figure));
    }
    let help = if figure.can_edit() {
        "Space opens its settings. Enter picks it up to be moved with the arrow keys. C connects it, plus and minus change \
         its copies, Control D duplicates it, Delete removes it."
    } else {
        "Space opens its settings. Enter picks it up to be moved with the arrow keys."
    };
    let refusal = move || figure.view.refusal.get().map(|why| el("p", "refusal").attr("role", "alert").text(&why));
    append(into, &el("div", "").live_child(refusal));
    let notice = move || figure.view.notice.get().map(|what| el("p", "refusal").attr("role", "alert").text(&what));
    append(into, &el("div", "").live_child(notice));
    append(into, &controls::strip(figure));
    append(into, &controls::controls(figure));
    append(into, &timeline::timeline(figure));
    append(into, &follow::panel(figure));
    append(into, &controls::legend(figure));
    append(into, &el("p", "unseen").attr("id", &figure.help_id()).text(help));
    let said = el("p", "unseen").attr("role", "status").attr("aria-live", "polite");
    // The same words once more are said once more: what nobody hears makes them others.
    let again = Cell::new(false);
    let words = move || {
        let words = figure.view.said.get();
        if again.replace(!again.get()) { words + "\u{a0}" } else { words }
    };
    append(into, &said.live_text(words));
    figure.with(Running::lay_out);
    share::open_address(figure, into);
}

fn append(into: &HtmlElement, child: &El) {
    let _ = into.append_child(&child.html());
}

/// A chart; what it holds ends with the figure's owner.
fn panel(figure: Figure, panel: Panel) -> El {
    let name = match panel {
        Panel::HockeyStick => "hockey-stick",
        Panel::Percentiles => "percentiles",
        Panel::Throughput => "throughput",
        Panel::Utilisation => "utilisation",
        Panel::Cost => "cost",
    };
    let section = el("section", "panel").attr("data-panel", name);
    figure.drive(|handle| {
        StoredValue::new_local(crate::charts::mount(panel, &section.html(), handle));
    });
    section
}
