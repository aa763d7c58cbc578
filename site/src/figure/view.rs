//! What the figure's elements show, as signals: the simulation writes them a few times a second, the elements follow.

use std::sync::Arc;

use hockeystick_core::component::Kind;
use hockeystick_core::component::glance::Glance;
use hockeystick_core::engine::moves::Cause;
use hockeystick_core::stage::Stage;

use super::aim::Aim;
use super::eye::Eye;
use super::follow::Story;
use super::handle::Percentiles;
use super::layout::{Layout, Point};
use super::live::Live;
use super::timeline::Log;

/// What a component's card shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CardNow {
    pub(crate) serving: u32,
    pub(crate) serving_most: u32,
    pub(crate) waiting: u32,
    pub(crate) waiting_most: u32,
    /// Shares of its own machine's processors, memory and disk in use.
    pub(crate) cpu: f64,
    pub(crate) memory: f64,
    pub(crate) disk: f64,
    /// Share of its connections to others that is held.
    pub(crate) pool: f64,
    /// Figures of its own kind, as [`About::glance`](hockeystick_core::component::About::glance) lists them.
    pub(crate) figures: [Option<f32>; Glance::MOST],
    pub(crate) down: bool,
    /// Copies that run, of how many.
    pub(crate) up: u32,
    pub(crate) copies: u32,
}

/// What a shared machine's head shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct MachineNow {
    /// Shares of capacity in use.
    pub(crate) cpu: f64,
    pub(crate) disk: f64,
    /// Bytes in use, swapped out or not, and what there is.
    pub(crate) memory_used: f64,
    pub(crate) memory: f64,
    pub(crate) swap: f64,
    /// Nothing on it runs.
    pub(crate) down: bool,
}

/// The figures under the board.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Strip {
    pub(crate) arrived_per_s: f64,
    pub(crate) completed_per_s: f64,
    pub(crate) response: Option<Percentiles>,
    /// Share of the requests that ended lately and failed, 0 to 1.
    pub(crate) failed_share: f64,
    /// Failures a second, by cause.
    pub(crate) failed_per_s: [f64; Cause::COUNT],
    /// Simulated time.
    pub(crate) at_s: f64,
    /// False until something was measured.
    pub(crate) known: bool,
}

/// Something on the board that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Component(usize),
    Machine(usize),
    Link(usize),
}

/// The station that is busiest, and how busy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Busiest {
    pub(crate) thing: Thing,
    /// What of it: `CPU`, `disk`; `copy` for the processors of one that is busier than the others.
    pub(crate) what: &'static str,
    /// As the bar beside it shows it.
    pub(crate) percent: u32,
}

/// The state of the run, as the controls show it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RunNow {
    pub(crate) running: bool,
    pub(crate) speed: f64,
    pub(crate) seed: u64,
}

/// Every signal of a figure.
#[derive(Clone, Copy)]
pub(crate) struct View {
    pub(crate) layout: Live<Arc<Layout>>,
    /// Counts the changes of the stage: whoever shows a knob follows it.
    pub(crate) stage_version: Live<u32>,
    pub(crate) cards: Live<Vec<Live<CardNow>>>,
    pub(crate) machines: Live<Vec<Live<MachineNow>>>,
    pub(crate) strip: Live<Strip>,
    pub(crate) busiest: Live<Option<Busiest>>,
    pub(crate) one_in: Live<u32>,
    pub(crate) faults: Live<u32>,
    /// Simulated seconds a second that are kept, where that is fewer than was asked for; else 0.
    pub(crate) kept: Live<f64>,
    /// How far it is on its way to another instant, 0 to 1.
    pub(crate) seeking: Live<Option<f64>>,
    /// What happened on the reader's timeline.
    pub(crate) log: Live<Log>,
    /// What is told of the request that is followed.
    pub(crate) story: Live<Option<Story>>,
    pub(crate) run: Live<RunNow>,
    pub(crate) chosen: Live<Option<Thing>>,
    /// Whether it was chosen to be broken.
    pub(crate) to_break: Live<bool>,
    /// What is being moved, by pointer or by keyboard.
    pub(crate) moving: Live<Option<Thing>>,
    /// Where something new, or the end of a link, may be dropped.
    pub(crate) aim: Live<Option<Aim>>,
    /// Where the pointer is that carries it, on the board.
    pub(crate) pointer: Live<Option<Point>>,
    /// Where on the figure a new component is shown that the pointer carries.
    pub(crate) ghost: Live<Option<Point>>,
    /// How the board is looked at.
    pub(crate) eye: Live<Eye>,
    /// Two fingers hold the board, or one of them still does: neither moves anything on it.
    pub(crate) pinched: Live<bool>,
    /// What is missing before the stage can run.
    pub(crate) missing: Live<Option<String>>,
    /// What the reader should know about an address that was opened.
    pub(crate) notice: Live<Option<String>>,
    /// For screen readers: what just happened.
    pub(crate) said: Live<String>,
    /// Why the simulation does not run.
    pub(crate) failure: Live<Option<String>>,
    /// Why the stage cannot run as it is set.
    pub(crate) refusal: Live<Option<String>>,
}

impl View {
    /// The signals of a figure that has not run yet. Call it under the figure's reactive owner.
    pub(crate) fn new(run: RunNow) -> Self {
        Self {
            layout: Live::new(Arc::default()),
            stage_version: Live::new(0),
            cards: Live::new(Vec::new()),
            machines: Live::new(Vec::new()),
            strip: Live::new(Strip::default()),
            busiest: Live::new(None),
            one_in: Live::new(1),
            faults: Live::new(0),
            kept: Live::new(0.0),
            seeking: Live::new(None),
            log: Live::new(Log::default()),
            story: Live::new(None),
            run: Live::new(run),
            chosen: Live::new(None),
            to_break: Live::new(false),
            moving: Live::new(None),
            aim: Live::new(None),
            pointer: Live::new(None),
            ghost: Live::new(None),
            eye: Live::new(Eye::default()),
            pinched: Live::new(false),
            missing: Live::new(None),
            notice: Live::new(None),
            said: Live::new(String::new()),
            failure: Live::new(None),
            refusal: Live::new(None),
        }
    }

    /// Signals for the cards and machines of a board that is built. Call it under the board's reactive owner.
    pub(crate) fn begin_board(&self, stage: &Stage) {
        self.cards.set(stage.components.iter().map(|_| Live::new(CardNow::default())).collect());
        self.machines.set(stage.machines.iter().map(|_| Live::new(MachineNow::default())).collect());
    }

    pub(crate) fn card(&self, index: usize) -> Live<CardNow> {
        self.cards.with_untracked(|cards| cards[index])
    }

    pub(crate) fn machine(&self, index: usize) -> Live<MachineNow> {
        self.machines.with_untracked(|machines| machines[index])
    }
}

/// The drawing that stands for a kind, inside a view box of 24 by 24: the page's sprite has it.
pub(crate) fn icon(kind: Kind) -> String {
    let key = kind.key();
    format!("<use href=\"#i-{key}\"/>")
}
