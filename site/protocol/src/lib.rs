//! What the page and its workers say to each other: one `ArrayBuffer` a message, transferred.
//!
//! Three programs share this: the page (`hockeystick-site`), the simulator that runs its figures (`hockeystick-simulator`,
//! in the page's module), and the theorist that knows the curves (`hockeystick-theorist`, loaded when it is asked).
//!
//! Orders and answers are [packed](hockeystick_core::pack); frames come as [`Frame`] writes them, because there are
//! thirty a second.

mod port;

use hockeystick_core::outcome::Outcome;
use hockeystick_core::pack::{self, Pack as _};
use hockeystick_core::simulate::frame::Frame;
use hockeystick_core::stage::{FaultKind, Problem, Stage, Target};
use hockeystick_core::theory::MeanCurve;
use hockeystick_core::units::Nanos;
use hockeystick_core::{pack_enum, pack_struct};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

pub use port::Port;

/// An order to a worker.
#[expect(missing_docs, reason = "a variant says what its fields are")]
#[derive(Debug)]
pub enum Order {
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
    /// Go to another instant of the run, back or ahead, with all that was done to it on the way. Frames on the way, and
    /// from there on, are of this run; [`Answer::Sought`] follows when it is there. Before the instant, for some of the
    /// reader's time at this speed, requests are watched as densely as always, so that those under way are there too; further
    /// back only a few.
    Seek { figure: u32, run: u32, to: Nanos, speed: f64 },
    /// Find something out, and answer with [`Answer::Found`].
    Ask { job: u32, question: Question },
}

/// Something that takes long to find out, so that it is done in the background.
#[expect(missing_docs, reason = "a variant says what its fields are")]
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// How a stage does in a run of so many simulated seconds, warm-up included. Asked of a simulator.
    Run { stage: Stage, seed: u64, seconds: f64 },
    /// What theory says of a stage.
    Solve { stage: Stage },
    /// The mean response time over load; see [`MeanCurve::of`].
    Means { stage: Stage, reach_per_s: Option<f64>, before_per_s: Option<f64> },
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// To [`Question::Run`] and [`Question::Solve`].
    Outcome(Box<Outcome>),
    /// To [`Question::Means`].
    Means(MeanCurve),
}

/// What a worker answers, besides frames.
#[expect(missing_docs, reason = "a variant says what its fields are")]
#[derive(Debug)]
pub enum Answer {
    /// It listens.
    Ready,
    /// A run began.
    Opened { figure: u32, run: u32, plan: Plan },
    /// A run is where it was wanted, with the stage as it was there.
    Sought { figure: u32, run: u32, stage: Box<Stage> },
    /// A stage cannot run, and why.
    Refused { figure: u32, why: String },
    /// Something was found out, or cannot be, and why.
    Found { job: u32, finding: Box<Result<Finding, String>> },
}

/// The nodes, machines and edges of a run.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Each node: the component that it is a copy of, and the host it runs on.
    pub nodes: Vec<(u32, Option<u32>)>,
    /// Each host: its name, and the stage's machine that it is.
    pub hosts: Vec<(String, Option<u32>)>,
    /// Each edge: its link, the calling node, the called.
    pub edges: Vec<(u16, u16, u16)>,
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
    8 => Ask { job, question },
    9 => Seek { figure, run, to, speed },
});
pack_enum!(Answer {
    0 => Ready,
    1 => Opened { figure, run, plan },
    2 => Refused { figure, why },
    3 => Found { job, finding },
    4 => Sought { figure, run, stage },
});
pack_enum!(Question {
    0 => Run { stage, seed, seconds },
    1 => Solve { stage },
    2 => Means { stage, reach_per_s, before_per_s },
});
pack_enum!(Finding { 0 => Outcome(it), 1 => Means(it) });
pack_struct!(Plan { nodes, hosts, edges });

/// A message of a worker, read.
#[expect(missing_docs, reason = "a variant says what its fields are")]
#[derive(Debug)]
pub enum Heard {
    Answer(Box<Answer>),
    Frame { figure: u32, frame: Box<Frame> },
}

const ANSWER: u8 = 0;
const FRAME: u8 = 1;

/// An order as a message.
pub fn write_order(order: &Order) -> ArrayBuffer {
    buffer(&pack::to_bytes(order))
}

/// The order in a message; none when it is not one.
pub fn read_order(message: &JsValue) -> Option<Order> {
    pack::from_bytes(&bytes(message)?)
}

/// An answer as a message.
pub fn write_answer(answer: &Answer) -> ArrayBuffer {
    let mut message = vec![ANSWER];
    answer.pack(&mut message);
    buffer(&message)
}

/// A frame as a message.
pub fn write_frame(figure: u32, frame: &Frame) -> ArrayBuffer {
    let mut message = vec![FRAME];
    message.extend(figure.to_le_bytes());
    message.extend(frame.encode());
    buffer(&message)
}

/// What the worker said; none when it makes no sense.
pub fn hear(message: &JsValue) -> Option<Heard> {
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

/// What breaks a rule, for a reader.
pub fn sentences(problems: &[Problem]) -> String {
    let sentence = |it: &Problem| format!("{}: {} (valid: {}).", it.path, it.message, it.help);
    problems.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

fn bytes(message: &JsValue) -> Option<Vec<u8>> {
    message.dyn_ref::<ArrayBuffer>().map(|buffer| Uint8Array::new(buffer).to_vec())
}

fn buffer(bytes: &[u8]) -> ArrayBuffer {
    Uint8Array::from(bytes).buffer()
}
