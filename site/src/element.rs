//! What `app.js` calls: the start of the page, and the life of each custom element.

use std::any::Any;

use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use crate::figure::handle::{FigureHandle, Subscription};
use crate::{figure, lesson};
use hockeystick_core::figure::load_path;
use hockeystick_core::pack;

/// Something mounted in an element. `free()` it when the element is removed.
#[wasm_bindgen]
pub struct Mounted(#[allow(dead_code, reason = "held for its destructor")] Box<dyn Any>);

impl std::fmt::Debug for Mounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mounted")
    }
}

/// Starts the page. `make_worker` makes a worker of a program's name; `inspect` is told of each
/// inspector that opens.
#[wasm_bindgen]
pub fn start(make_worker: js_sys::Function, inspect: js_sys::Function) {
    figure::link::set_worker_maker(make_worker);
    figure::told::set_inspect(inspect);
    lesson::start();
}

/// Brings a `<hockeystick-figure>` to life.
///
/// # Errors
/// A sentence for the reader when its data cannot be read.
#[wasm_bindgen]
pub fn mount_figure(element: &HtmlElement) -> Result<MountedFigure, String> {
    let mounted = figure::mount(element)?;
    Ok(MountedFigure { handle: mounted.handle().clone(), heard: None, mounted })
}

/// A figure at work, for the page's scripts. `free()` it when the element is removed.
#[wasm_bindgen]
pub struct MountedFigure {
    handle: FigureHandle,
    heard: Option<Subscription>,
    mounted: figure::Mounted,
}

impl std::fmt::Debug for MountedFigure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MountedFigure")
    }
}

#[wasm_bindgen]
impl MountedFigure {
    /// Plays, or pauses.
    pub fn run(&self, on: bool) {
        if on { self.handle.play() } else { self.handle.pause() }
    }

    /// Whether it plays.
    pub fn is_running(&self) -> bool {
        self.handle.is_running()
    }

    /// Pauses, and goes on to the next thing that happens.
    pub fn step(&self) {
        self.handle.step();
    }

    /// Begins again at time zero, with everything as it is set.
    pub fn restart(&self) {
        self.handle.restart();
    }

    /// Seed of every random draw.
    pub fn seed(&self) -> f64 {
        self.handle.seed() as f64
    }

    /// Sets the seed and begins again.
    pub fn set_seed(&self, seed: f64) {
        self.handle.set_seed(seed as u64);
    }

    /// Simulated seconds in a second of the reader's time.
    pub fn speed(&self) -> f64 {
        self.handle.speed()
    }

    /// Sets the speed.
    pub fn set_speed(&self, speed: f64) {
        self.handle.set_speed(speed);
    }

    /// Requests a second that its users send; none where there are no users.
    pub fn load(&self) -> Option<f64> {
        self.handle.get(&self.handle.with_stage(load_path)?)
    }

    /// Sets the requests a second, without losing the run.
    pub fn set_load(&self, per_s: f64) {
        if let Some(path) = self.handle.with_stage(load_path) {
            self.handle.set(&path, per_s);
        }
    }

    /// Requests on its board.
    pub fn dots(&self) -> usize {
        self.mounted.dots()
    }

    /// The stage as it stands, packed as the workers read it.
    pub fn stage(&self) -> Vec<u8> {
        self.handle.keep_places();
        self.handle.with_stage(pack::to_bytes)
    }

    /// Calls back after each change, whoever made it; only the last function given is called.
    pub fn on_change(&mut self, call: js_sys::Function) {
        let tell = move |_: &FigureHandle, _: &figure::handle::Change| drop(call.call0(&JsValue::NULL));
        self.heard = Some(self.handle.on_change(tell));
    }
}

/// Brings a `<hockeystick-predict>` to life.
#[wasm_bindgen]
pub fn mount_predict(element: &HtmlElement) -> Mounted {
    Mounted(lesson::mount_predict(element))
}

/// Brings a `<hockeystick-challenge>` to life.
#[wasm_bindgen]
pub fn mount_challenge(element: &HtmlElement) -> Mounted {
    Mounted(lesson::mount_challenge(element))
}
