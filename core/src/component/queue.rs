//! Keeps messages.

use super::flow::{Context, Flow};
use super::{About, Behaviour, Place};
use crate::engine::Engine;
use crate::engine::calls::CallId;
use crate::settings;
use crate::workload::{Class, Workload};

/// What the model does.
pub const ABOUT: About = About {
    name: "Queue",
    summary: "Keeps messages.",
    models: &[],
    leaves_out: &[],
    hosted: true,
    origin: false,
    calls: &[],
};

settings! {
    /// Settings.
    pub struct Settings {
    }
}

/// At work.
#[derive(Debug)]
pub(super) struct State;

impl State {
    pub(super) fn new(_: &Settings, _: Place, _: &Workload, _: &mut Engine) -> Self {
        Self
    }
}

impl Behaviour for State {
    fn arrived(&mut self, engine: &mut Engine, call: CallId) {
        engine.answer(call, Ok(()));
    }

    fn served(&mut self, _: &mut Engine, _: CallId) {}

    fn configure(&mut self, _: &mut Engine, _: &super::Settings, _: &Workload) {}
}

/// What theory is told of it.
pub(super) fn flow(_: &Settings, _: Class, _: &Context<'_>) -> Flow {
    Flow::beyond("Theory does not follow this component.")
}
