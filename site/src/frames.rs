//! Drawing in step with the screen, and not at all while nothing moves.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::prelude::*;

/// Calls back once a frame of the screen, as long as the callback says that something moves.
pub(crate) struct FrameLoop(Rc<Inner>);

type OnFrame = Closure<dyn FnMut(f64)>;

struct Inner {
    draw: Box<dyn Fn(f64, f64) -> bool>,
    request: Cell<Option<i32>>,
    before_ms: Cell<Option<f64>>,
    callback: RefCell<Option<OnFrame>>,
}

impl FrameLoop {
    /// `draw` gets the frame's instant in milliseconds and the seconds since the one before, and says whether there is more
    /// to draw.
    pub(crate) fn new(draw: impl Fn(f64, f64) -> bool + 'static) -> Self {
        let inner = Rc::new(Inner {
            draw: Box::new(draw),
            request: Cell::new(None),
            before_ms: Cell::new(None),
            callback: RefCell::new(None),
        });
        let this = Rc::downgrade(&inner);
        inner.callback.replace(Some(Closure::new(move |now_ms: f64| {
            if let Some(this) = this.upgrade() {
                this.call(now_ms);
            }
        })));
        Self(inner)
    }

    /// Asks for a frame.
    pub(crate) fn ask(&self) {
        self.0.ask();
    }

    /// Asks for no more frames.
    pub(crate) fn stop(&self) {
        self.0.stop();
    }
}

impl Inner {
    fn ask(&self) {
        if self.request.get().is_some() {
            return;
        }
        let callback = self.callback.borrow();
        if let (Some(window), Some(callback)) = (web_sys::window(), callback.as_ref()) {
            self.request.set(window.request_animation_frame(callback.as_ref().unchecked_ref()).ok());
        }
    }

    fn stop(&self) {
        self.before_ms.set(None);
        if let (Some(window), Some(request)) = (web_sys::window(), self.request.take()) {
            let _ = window.cancel_animation_frame(request);
        }
    }

    fn call(&self, now_ms: f64) {
        self.request.set(None);
        let passed_s = self.before_ms.replace(Some(now_ms)).map_or(0.0, |before| (now_ms - before) / 1e3);
        if (self.draw)(now_ms, passed_s) {
            self.ask();
        } else {
            self.before_ms.set(None);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}
