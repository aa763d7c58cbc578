//! A worker's end of the line.

use hockeystick_core::simulate::frame::Frame;
use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::{Answer, Order, read_order, write_answer, write_frame};

/// Where a worker hears the page and answers it.
#[derive(Clone, Debug)]
pub struct Port(DedicatedWorkerGlobalScope);

impl Port {
    /// That of the worker in which this runs.
    pub fn of_this_worker() -> Self {
        Self(js_sys::global().unchecked_into())
    }

    /// Obeys every order from now on, and says that it listens.
    pub fn listen(&self, mut obey: impl FnMut(Order) + 'static) {
        let listen = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            read_order(&event.data()).into_iter().for_each(&mut obey);
        });
        self.0.set_onmessage(Some(listen.as_ref().unchecked_ref()));
        // It listens as long as the worker lives.
        listen.forget();
        self.answer(&Answer::Ready);
    }

    /// Sends an answer.
    pub fn answer(&self, answer: &Answer) {
        self.post(&write_answer(answer));
    }

    /// Sends a frame of a figure.
    pub fn frame(&self, figure: u32, frame: &Frame) {
        self.post(&write_frame(figure, frame));
    }

    fn post(&self, message: &ArrayBuffer) {
        // Posting fails only while the worker is being closed; then nobody listens.
        let _ = self.0.post_message_with_transfer(message, &Array::of1(message));
    }
}
