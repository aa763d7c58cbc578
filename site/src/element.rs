//! What `app.js` calls: the start of the page, and the life of each custom element.

use std::any::Any;

use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use crate::{figure, lesson};

/// Something mounted in an element. `free()` it when the element is removed.
#[wasm_bindgen]
pub struct Mounted(#[allow(dead_code, reason = "held for its destructor")] Box<dyn Any>);

impl std::fmt::Debug for Mounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mounted")
    }
}

/// Starts the page. `make_worker` makes a worker that runs `worker.js`.
#[wasm_bindgen]
pub fn start(make_worker: js_sys::Function) {
    figure::link::set_worker_maker(make_worker);
    lesson::start();
}

/// Brings a `<hockeystick-figure>` to life.
///
/// # Errors
/// A sentence for the reader when its data cannot be read.
#[wasm_bindgen]
pub fn mount_figure(element: &HtmlElement) -> Result<Mounted, String> {
    figure::mount(element).map(|mounted| Mounted(Box::new(mounted)))
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
