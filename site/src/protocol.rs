//! What page and worker say to each other: one `ArrayBuffer` a message, transferred.
//!
//! Orders and answers are [packed](hockeystick_core::pack); frames come as [`Frame`] writes them, because there are
//! thirty a second.

use hockeystick_core::outcome::Outcome;
use hockeystick_core::pack::{self, Pack as _};
use hockeystick_core::simulate::Simulation;
use hockeystick_core::simulate::frame::Frame;
use hockeystick_core::stage::{FaultKind, Stage, Target};
use hockeystick_core::{pack_enum, pack_struct};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

/// An order to the worker.
#[derive(Debug)]
pub(crate) enum Order {
    /// Begin a run of a figure at time zero, paused. A run that it had is forgotten.
    Open { figure: u32, run: u32, stage: Stage, seed: u64 },
    /// Forget a figure.
    Close { figure: u32 },
    /// Run, this many simulated seconds a second.
    Play { figure: u32, speed: f64 },
    /// Stand still.
    Pause { figure: u32 },
    /// Go on to the next move.
    Step { figure: u32 },
    /// Take over changed settings.
    Update { figure: u32, stage: Stage },
    /// Break something.
    Inject { figure: u32, on: Target, kind: FaultKind, lasts_s: f64 },
    /// End every fault.
    Mend { figure: u32 },
    /// Measure a stage, and answer with [`Answer::Measured`].
    Measure { job: u32, stage: Stage, seed: u64, seconds: f64 },
}

/// What the worker answers, besides frames.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It listens.
    Ready,
    /// A run began.
    Opened { figure: u32, run: u32, plan: Plan },
    /// A stage cannot run, and why.
    Refused { figure: u32, why: String },
    /// A measurement is done.
    Measured { job: u32, outcome: Box<Result<Outcome, String>> },
}

/// The nodes, machines and edges of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Each node: the component that it is a copy of, and the host it runs on.
    pub(crate) nodes: Vec<(u32, Option<u32>)>,
    /// Each host: its name, and the stage's machine that it is.
    pub(crate) hosts: Vec<(String, Option<u32>)>,
    /// Each edge: its link, the calling node, the called.
    pub(crate) edges: Vec<(u16, u16, u16)>,
}

impl Plan {
    pub(crate) fn of(simulation: &Simulation) -> Self {
        let node =
            |info: &hockeystick_core::simulate::NodeInfo| (info.component as u32, info.host.map(|host| host as u32));
        Self {
            nodes: simulation.nodes().map(node).collect(),
            hosts: simulation
                .hosts()
                .iter()
                .map(|host| (host.name.clone(), host.machine.map(|machine| machine as u32)))
                .collect(),
            edges: simulation.edges().iter().map(|edge| (edge.link, edge.from, edge.to)).collect(),
        }
    }
}

pack_enum!(Order {
    0 => Open { figure, run, stage, seed },
    1 => Close { figure },
    2 => Play { figure, speed },
    3 => Pause { figure },
    4 => Step { figure },
    5 => Update { figure, stage },
    6 => Inject { figure, on, kind, lasts_s },
    7 => Mend { figure },
    8 => Measure { job, stage, seed, seconds },
});
pack_enum!(Answer {
    0 => Ready,
    1 => Opened { figure, run, plan },
    2 => Refused { figure, why },
    3 => Measured { job, outcome },
});
pack_struct!(Plan { nodes, hosts, edges });

/// A message of the worker, read.
#[derive(Debug)]
pub(crate) enum Heard {
    Answer(Box<Answer>),
    Frame { figure: u32, frame: Box<Frame> },
}

const ANSWER: u8 = 0;
const FRAME: u8 = 1;

/// An order as a message.
pub(crate) fn write_order(order: &Order) -> ArrayBuffer {
    buffer(&pack::to_bytes(order))
}

/// The order in a message; none when it is not one.
pub(crate) fn read_order(message: &JsValue) -> Option<Order> {
    pack::from_bytes(&bytes(message)?)
}

/// An answer as a message.
pub(crate) fn write_answer(answer: &Answer) -> ArrayBuffer {
    let mut message = vec![ANSWER];
    answer.pack(&mut message);
    buffer(&message)
}

/// A frame as a message.
pub(crate) fn write_frame(figure: u32, frame: &Frame) -> ArrayBuffer {
    let mut message = vec![FRAME];
    message.extend(figure.to_le_bytes());
    message.extend(frame.encode());
    buffer(&message)
}

/// What the worker said; none when it makes no sense.
pub(crate) fn hear(message: &JsValue) -> Option<Heard> {
    let message = bytes(message)?;
    match message.split_first()? {
        (&ANSWER, rest) => pack::from_bytes(rest).map(|answer| Heard::Answer(Box::new(answer))),
        (&FRAME, rest) => {
            let (figure, rest) = rest.split_first_chunk()?;
            let frame = Box::new(Frame::decode(rest)?);
            Some(Heard::Frame { figure: u32::from_le_bytes(*figure), frame })
        }
        _ => None,
    }
}

fn bytes(message: &JsValue) -> Option<Vec<u8>> {
    message.dyn_ref::<ArrayBuffer>().map(|buffer| Uint8Array::new(buffer).to_vec())
}

fn buffer(bytes: &[u8]) -> ArrayBuffer {
    Uint8Array::from(bytes).buffer()
}
