//! A figure: a board that runs.
//!
//! - [`handle`]: the API for the rest of the page. [`running`]: the figure at work. [`link`]: the line to the worker.
//! - [`clock`], [`replay`]: from the simulation's moves to what the reader sees. [`meter`]: from gauges to numbers.
//! - [`layout`]: where everything is. [`canvas`]: what moves. [`board`], [`card`], [`drag`]: what is touched.
//! - [`controls`], [`knob`], [`inspector`]: what is turned. [`view`]: what connects them. [`theme`], [`numbers`].

mod board;
mod canvas;
mod card;
mod clock;
mod controls;
mod drag;
mod frames;
pub mod handle;
mod inspector;
mod knob;
mod layout;
pub(crate) mod link;
mod meter;
pub mod numbers;
mod replay;
mod running;
mod sight;
mod theme;
mod view;

use std::any::Any;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hockeystick_core::figure::Panel;
use hockeystick_core::stage::{Reading, Stage};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use handle::FigureHandle;
use running::Running;
use sight::Sight;
use view::{RunNow, Thing, View};

/// A mounted figure; dropped when its element goes.
#[allow(missing_debug_implementations, reason = "holds elements and closures only")]
pub(crate) struct Mounted {
    handle: FigureHandle,
    running: Rc<Running>,
    _sight: Option<Sight>,
    _unmount: Box<dyn Any>,
}

impl Drop for Mounted {
    fn drop(&mut self) {
        handle::unregister(&self.handle);
        self.handle.set_engine(None);
        self.running.end();
    }
}

/// Brings a `<hockeystick-figure>` to life.
pub(crate) fn mount(element: &HtmlElement) -> Result<Mounted, String> {
    let figure = read(element)?;
    let autoplay = figure.autoplay;
    let handle = FigureHandle::new(figure);
    let host: HtmlElement =
        document().create_element("div").map_err(|_| "the page takes no elements")?.unchecked_into();
    host.set_class_name("figure-live");
    let made: Rc<std::cell::RefCell<Option<Rc<Running>>>> = Rc::default();
    let (out, of) = (Rc::clone(&made), handle.clone());
    // The still picture gives its place to the running one in the same task: nothing jumps.
    element.insert_adjacent_element("afterbegin", &host).map_err(|_| "the page takes no elements")?;
    let _ = element.class_list().add_1("live");
    let unmount = leptos::mount::mount_to(host.clone(), move || {
        let stage = of.stage();
        let run = RunNow { running: false, speed: of.speed(), seed: of.seed() };
        let view = View::new(&stage, run);
        let running = Running::new(of.clone(), view);
        of.set_engine(Some(Rc::clone(&running) as Rc<dyn handle::Engine>));
        out.replace(Some(Rc::clone(&running)));
        figure_view(Figure { view, running: StoredValue::new_local(running) })
    });
    let running = made.take().ok_or("the figure could not be made")?;
    let sight = Sight::new(&host, &running);
    handle::register(&handle);
    if autoplay {
        handle.play();
    }
    Ok(Mounted { handle, running, _sight: sight, _unmount: Box::new(unmount) })
}

fn read(element: &HtmlElement) -> Result<hockeystick_core::figure::Figure, String> {
    let data = element.get_attribute("data-figure").ok_or("it has no data")?;
    let bytes = URL_SAFE_NO_PAD.decode(data.trim_end_matches('=')).map_err(|_| "its data was cut or changed")?;
    postcard::from_bytes(&bytes).map_err(|_| "its data was cut or is of another version".to_owned())
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

    /// Everything as the author wrote it: knobs, speed, cards.
    fn reset(self) {
        self.with(|running| {
            running.forget_moves();
            running.handle.set_speed(running.handle.authored().speed);
            running.handle.reset();
        });
    }

    /// A thing's id in the stage.
    pub(crate) fn name(self, thing: Thing) -> String {
        self.stage(|stage| match thing {
            Thing::Component(index) => stage.components[index].id.clone(),
            Thing::Machine(index) => stage.machines[index].id.clone(),
        })
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

fn figure_view(figure: Figure) -> impl IntoView {
    let panels = figure.authored(|it| it.panels.clone());
    let with_panels = !panels.is_empty();
    let beside = with_panels.then(|| {
        view! { <aside class="panels" aria-label="Charts">{panels.into_iter().map(|it| panel(figure, it)).collect_view()}</aside> }
    });
    view! {
        <div class="figure-row" class:with-panels=with_panels class:inspected=move || figure.view.chosen.get().is_some()>
            <div class="figure-board">{board::board(figure)}</div>
            {beside}
            {inspector::inspector(figure)}
        </div>
        {refusal(figure)}
        {controls::strip(figure)}
        {controls::controls(figure)}
        {controls::legend(figure)}
        <p class="unseen" id=figure.help_id()>"Space opens its settings. Enter picks it up to be moved with the arrow keys."</p>
        <p class="unseen" role="status" aria-live="polite">{move || figure.view.said.get()}</p>
    }
}

fn panel(figure: Figure, panel: Panel) -> impl IntoView {
    let element: NodeRef<html::Section> = NodeRef::new();
    let held: StoredValue<Option<Box<dyn Any>>, LocalStorage> = StoredValue::new_local(None);
    Effect::new(move |_| {
        if let Some(element) = element.get() {
            figure.drive(|handle| held.set_value(Some(crate::charts::mount(panel, &element, handle))));
        }
    });
    let name = match panel {
        Panel::HockeyStick => "hockey-stick",
        Panel::Percentiles => "percentiles",
        Panel::Throughput => "throughput",
        Panel::Utilisation => "utilisation",
    };
    view! { <section class="panel" data-panel=name node_ref=element></section> }
}

/// Why the stage cannot run as it is set.
fn refusal(figure: Figure) -> impl IntoView {
    move || figure.view.refusal.get().map(|why| view! { <p class="refusal" role="alert">{why}</p> })
}
