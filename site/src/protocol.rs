//! What page and worker say to each other: one `ArrayBuffer` a message, transferred.
//!
//! Orders and answers are [postcard](https://docs.rs/postcard); frames come as [`Frame`] writes them, because there are
//! thirty a second.

use hockeystick_core::outcome::{Estimate, Outcome, Response, by_name};
use hockeystick_core::simulate::Simulation;
use hockeystick_core::simulate::frame::Frame;
use hockeystick_core::stage::{FaultKind, Stage, Target};
use js_sys::{ArrayBuffer, Uint8Array};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wasm_bindgen::{JsCast, JsValue};

/// An order to the worker.
#[derive(Debug, Serialize, Deserialize)]
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
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It listens.
    Ready,
    /// A run began.
    Opened { figure: u32, run: u32, plan: Plan },
    /// A stage cannot run, and why.
    Refused { figure: u32, why: String },
    /// A measurement is done.
    Measured { job: u32, outcome: Box<Result<PlainOutcome, String>> },
}

/// The nodes, machines and edges of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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

/// A message of the worker, read.
#[derive(Debug)]
pub(crate) enum Heard {
    Answer(Box<Answer>),
    Frame { figure: u32, frame: Box<Frame> },
}

const ANSWER: u8 = 0;
const FRAME: u8 = 1;

/// An order as a message.
pub(crate) fn write_order(order: &Order) -> Option<ArrayBuffer> {
    Some(buffer(&postcard::to_allocvec(order).ok()?))
}

/// The order in a message; none when it is not one.
pub(crate) fn read_order(message: &JsValue) -> Option<Order> {
    read(&bytes(message)?)
}

/// An answer as a message.
pub(crate) fn write_answer(answer: &Answer) -> Option<ArrayBuffer> {
    let mut message = vec![ANSWER];
    message.extend(postcard::to_allocvec(answer).ok()?);
    Some(buffer(&message))
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
        (&ANSWER, rest) => read(rest).map(|answer| Heard::Answer(Box::new(answer))),
        (&FRAME, rest) => {
            let (figure, rest) = rest.split_first_chunk()?;
            let frame = Box::new(Frame::decode(rest)?);
            Some(Heard::Frame { figure: u32::from_le_bytes(*figure), frame })
        }
        _ => None,
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

fn bytes(message: &JsValue) -> Option<Vec<u8>> {
    message.dyn_ref::<ArrayBuffer>().map(|buffer| Uint8Array::new(buffer).to_vec())
}

fn buffer(bytes: &[u8]) -> ArrayBuffer {
    Uint8Array::from(bytes).buffer()
}

/// An [`Outcome`] in a form that a binary format can read back: its own is made for JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlainOutcome {
    throughput: PlainEstimate,
    response: [PlainEstimate; 4],
    utilisation: Vec<(String, PlainEstimate)>,
    errors: Vec<(String, PlainEstimate)>,
}

#[derive(Debug, Serialize, Deserialize)]
enum PlainEstimate {
    Known { value: f64, low: Option<f64>, high: Option<f64>, basis: Option<String> },
    NotApplicable(String),
}

impl From<Estimate> for PlainEstimate {
    fn from(estimate: Estimate) -> Self {
        match estimate {
            Estimate::Known { value, low, high, basis } => Self::Known { value, low, high, basis },
            Estimate::NotApplicable { not_applicable } => Self::NotApplicable(not_applicable),
        }
    }
}

impl From<PlainEstimate> for Estimate {
    fn from(estimate: PlainEstimate) -> Self {
        match estimate {
            PlainEstimate::Known { value, low, high, basis } => Self::Known { value, low, high, basis },
            PlainEstimate::NotApplicable(not_applicable) => Self::NotApplicable { not_applicable },
        }
    }
}

impl From<Outcome> for PlainOutcome {
    fn from(outcome: Outcome) -> Self {
        let plain = |map: BTreeMap<String, Estimate>| map.into_iter().map(|(name, it)| (name, it.into())).collect();
        let Response { mean, p50, p95, p99 } = outcome.response_ms;
        Self {
            throughput: outcome.throughput_per_s.into(),
            response: [mean, p50, p95, p99].map(Into::into),
            utilisation: plain(outcome.utilisation),
            errors: plain(outcome.errors_per_s),
        }
    }
}

impl From<PlainOutcome> for Outcome {
    fn from(plain: PlainOutcome) -> Self {
        let map = |list: Vec<(String, PlainEstimate)>| by_name(list.into_iter().map(|(name, it)| (name, it.into())));
        let [mean, p50, p95, p99] = plain.response.map(Into::into);
        Self {
            throughput_per_s: plain.throughput.into(),
            response_ms: Response { mean, p50, p95, p99 },
            utilisation: map(plain.utilisation),
            errors_per_s: map(plain.errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_survives_the_way_from_worker_to_page() {
        let outcome = Outcome {
            throughput_per_s: Estimate::interval(9.0, 8.5, 9.5),
            response_ms: Response {
                mean: Estimate::value(30.0),
                p50: Estimate::by(20.0, "exact"),
                p95: Estimate::not_applicable("the queue is full"),
                p99: Estimate::value(90.0),
            },
            utilisation: BTreeMap::from([("box cpu".to_owned(), Estimate::value(0.4))]),
            errors_per_s: BTreeMap::new(),
        };
        let bytes = postcard::to_allocvec(&PlainOutcome::from(outcome.clone())).unwrap();
        assert_eq!(Outcome::from(postcard::from_bytes::<PlainOutcome>(&bytes).unwrap()), outcome);
    }
}
