//! Where one request's time went: every way, every wait and every piece of work, from the click to the answer.
//!
//! A request is a tree of calls. While a call waits for one that it made, its time is that one's; what is left is its
//! own. So the parts of a request that does one thing after another add up to its response time, to the nanosecond, and
//! those of one that does several at once cover it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Simulation;
use crate::component::Kind;
use crate::engine::Edge;
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::trail::{Mark, Step};
use crate::engine::visits::SOURCE_SHIFT;
use crate::stage::{Problem, Stage};
use crate::statistics::sort;
use crate::units::{Duration, Nanos};
use crate::workload::Class;

/// How often a run that has the answer looks whether work goes on for nobody.
const LOOK_NS: Nanos = 10_000_000;

/// Which request of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Which {
    /// Index of the component that is its users.
    pub users: usize,
    /// Its number among theirs, from 1.
    pub nth: u64,
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Which it is.
    pub which: Which,
    /// Its class.
    pub class: Class,
    /// When the user clicked.
    pub begun: Nanos,
    /// When the user had the answer, or knew that there is none; none where the run ended before.
    pub ended: Option<Nanos>,
    /// Why it failed, where it did.
    pub failed: Option<Cause>,
    /// Its parts in the order in which they begin.
    pub legs: Vec<Leg>,
}

impl Trace {
    /// From the click to the answer.
    pub fn response_ns(&self) -> Option<Nanos> {
        self.ended.map(|ended| ended - self.begun)
    }
}

/// What a request does for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LegKind {
    /// It is on its way along an edge.
    Travel,
    /// It queues, or a user waits before sending it again.
    Wait,
    /// It is worked for.
    Serve,
}

/// What works for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Station {
    /// A machine's processors, shared with whatever else runs there.
    Processor,
    /// A machine's disk, its queue included.
    Disk,
}

/// A part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// What it does.
    pub kind: LegKind,
    /// The copy where it is; of a way, where it leaves.
    pub from: String,
    /// The copy where it is; of a way, where it goes.
    pub to: String,
    /// Index of the copy where it is, or goes.
    pub node: u16,
    /// Index of the edge, of a way.
    pub edge: Option<u16>,
    /// How many calls there are between the user and this one.
    pub depth: u16,
    /// When it begins.
    pub begins: Nanos,
    /// When it ends.
    pub ends: Nanos,
    /// What works for it, where that is known.
    pub station: Option<Station>,
    /// What went wrong at its end.
    pub cause: Option<Cause>,
    /// Whether the user waits for it: not for what is done on the side, nor for what goes on after a caller gave up.
    pub awaited: bool,
}

impl Leg {
    /// How long it takes.
    pub fn ns(&self) -> Nanos {
        self.ends - self.begins
    }
}

/// Simulates a stage until one request of it has ended, and all that is done for it, but at most for `horizon`. None
/// where that request was not sent by then: too early for it, or the browser had what it was for.
///
/// The run is the one that `seed` always gives: whoever watches changes nothing.
///
/// # Errors
/// Every rule that the stage breaks.
pub fn trace(stage: &Stage, seed: u64, which: Which, horizon: Duration) -> Result<Option<Trace>, Vec<Problem>> {
    let mut simulation = Simulation::new(stage, seed)?;
    let Some(number) = number(stage, which) else { return Ok(None) };
    simulation.engine.watch_only(number);
    while simulation.now() < horizon.ns() {
        let until = simulation.now().saturating_add(LOOK_NS).min(horizon.ns());
        simulation.run_until(until);
        let trail = simulation.engine.trail();
        let has_ended = |root: &Step| trail.iter().any(|step| step.call == root.call && is_end(step));
        if trail.first().is_some_and(has_ended) && !simulation.engine.is_watching() {
            break;
        }
    }
    Ok(Told::of(&simulation).map(|told| told.trace(which)))
}

/// A request's number in the engine.
fn number(stage: &Stage, which: Which) -> Option<u64> {
    let is_users = |index: &usize| stage.components[*index].settings.kind() == Kind::Clients;
    let ordinal = (0..stage.components.len()).filter(is_users).position(|index| index == which.users)?;
    let nth = which.nth.checked_sub(1).filter(|nth| *nth < 1 << SOURCE_SHIFT)?;
    Some((ordinal as u64) << SOURCE_SHIFT | nth)
}

fn is_end(step: &Step) -> bool {
    matches!(step.mark, Mark::Ended { .. })
}

/// A call, as its trail tells it.
#[derive(Debug)]
struct Call {
    node: u16,
    edge: Option<u16>,
    /// Whether somebody waits for it.
    awaited: bool,
    departs: Nanos,
    arrives: Nanos,
    /// What it did at its component.
    marks: Vec<(Nanos, Mark)>,
    /// When its component was done with it, and why it failed.
    over: Option<(Nanos, Option<Cause>)>,
    /// When its caller has the answer; later than any clock where it never does.
    back: Nanos,
    given_up: Option<Nanos>,
    made: Vec<usize>,
}

/// A trail, call by call; the first is the user's.
struct Told<'s> {
    simulation: &'s Simulation,
    calls: Vec<Call>,
    class: Class,
}

/// Until when a leg counts, and what happens then.
#[derive(Clone, Copy)]
struct Limit {
    at: Nanos,
    cause: Option<Cause>,
}

impl<'s> Told<'s> {
    fn of(simulation: &'s Simulation) -> Option<Self> {
        let trail = simulation.engine.trail();
        let Mark::Begun { class, .. } = trail.first()?.mark else { return None };
        let mut told = Self { simulation, calls: Vec::new(), class };
        let mut index = BTreeMap::new();
        for step in trail {
            told.hear(step, &mut index);
        }
        Some(told)
    }

    fn hear(&mut self, step: &Step, index: &mut BTreeMap<CallId, usize>) {
        let new = |node, edge, awaited, arrives| Call {
            node,
            edge,
            awaited,
            departs: step.at,
            arrives,
            marks: Vec::new(),
            over: None,
            back: Nanos::MAX,
            given_up: None,
            made: Vec::new(),
        };
        let made = match step.mark {
            Mark::Begun { node, .. } => Some((None, new(node, None, true, step.at))),
            Mark::Own { of, node } => Some((Some(of), new(node, None, false, step.at))),
            Mark::Called { by, edge, arrives } => {
                let to = self.simulation.edges()[usize::from(edge)].to;
                Some((Some(by), new(to, Some(edge), true, arrives)))
            }
            _ => None,
        };
        if let Some((by, call)) = made {
            let number = self.calls.len();
            if let Some(maker) = by.and_then(|by| index.get(&by)).copied() {
                self.calls[maker].made.push(number);
            }
            index.insert(step.call, number);
            self.calls.push(call);
            return;
        }
        let Some(call) = index.get(&step.call).map(|number| &mut self.calls[*number]) else { return };
        match step.mark {
            Mark::Answered { arrives, failed } => {
                (call.over, call.back) = (Some((step.at, failed)), arrives);
            }
            Mark::Ended { failed } => call.over = Some((step.at, failed)),
            Mark::GivenUp => call.given_up = Some(step.at),
            mark => call.marks.push((step.at, mark)),
        }
    }

    fn trace(&self, which: Which) -> Trace {
        let root = &self.calls[0];
        let mut legs = Vec::new();
        self.tell(0, 0, Limit { at: Nanos::MAX, cause: None }, &mut legs);
        let mut order: Vec<(Nanos, Nanos, usize)> =
            legs.iter().enumerate().map(|(told, leg)| (leg.begins, leg.ends, told)).collect();
        sort(&mut order, |one, other| one < other);
        Trace {
            which,
            class: self.class,
            begun: root.departs,
            ended: root.over.map(|(at, _)| at),
            failed: root.over.and_then(|(_, failed)| failed),
            legs: order.into_iter().map(|(_, _, told)| legs[told].clone()).collect(),
        }
    }

    /// Adds the legs of a call and of all that were made for it.
    fn tell(&self, number: usize, depth: u16, limit: Limit, legs: &mut Vec<Leg>) {
        let (call, now) = (&self.calls[number], self.simulation.now());
        let mut add = |kind, station, edge: Option<(u16, bool)>, (begins, ends): (Nanos, Nanos), cause| {
            let (from, to) = match edge {
                None => (call.node, call.node),
                Some((edge, back)) => self.ends_of(edge, back),
            };
            let name = |node: u16| self.simulation.nodes[usize::from(node)].info.name.clone();
            let (from, edge) = (name(from), edge.map(|(edge, _)| edge));
            let leg =
                Leg { kind, from, to: name(to), node: to, edge, depth, begins, ends, station, cause, awaited: true };
            clip(leg, limit, legs);
        };
        if let Some(edge) = call.edge {
            let arrives = call.arrives.min(call.given_up.filter(|_| call.arrives == Nanos::MAX).unwrap_or(now));
            add(LegKind::Travel, None, Some((edge, false)), (call.departs, arrives), None);
        }
        if call.arrives > now {
            return;
        }
        let (over, cause) = call.over.unwrap_or((now, None));
        let own = self.own_pieces(call, over);
        for (index, piece) in own.iter().enumerate() {
            let cause = cause.filter(|_| index + 1 == own.len());
            add(piece.kind, piece.station, piece.edge, (piece.begins, piece.ends), cause);
        }
        if let (Some(edge), true) = (call.edge, call.back != Nanos::MAX) {
            add(LegKind::Travel, None, Some((edge, true)), (over, call.back.min(now)), None);
        }
        for made in &call.made {
            let child = &self.calls[*made];
            let given_up = child.given_up.map(|at| Limit { at, cause: Some(Cause::TimedOut) });
            let over = Limit { at: over, cause: cause.filter(|_| depth == 0) };
            let unawaited = Limit { at: if child.awaited { Nanos::MAX } else { 0 }, cause: None };
            let limits = [Some(limit), given_up, Some(over), Some(unawaited)].into_iter().flatten();
            if let Some(limit) = limits.min_by_key(|limit| limit.at) {
                self.tell(*made, depth + 1, limit, legs);
            }
        }
    }

    fn ends_of(&self, edge: u16, back: bool) -> (u16, u16) {
        let Edge { from, to, .. } = self.simulation.edges()[usize::from(edge)];
        if back { (to, from) } else { (from, to) }
    }

    /// What a call does at its component, without the time in which it waits for those that it made.
    fn own_pieces(&self, call: &Call, over: Nanos) -> Vec<Piece> {
        let mut covers: Vec<(Nanos, Nanos)> = call
            .made
            .iter()
            .map(|made| &self.calls[*made])
            .filter(|made| made.awaited)
            .map(|made| (made.departs, made.back.min(made.given_up.unwrap_or(Nanos::MAX)).min(over)))
            .collect();
        sort(&mut covers, |one, other| one < other);
        let mut pieces = Vec::new();
        let mut state = Piece { kind: LegKind::Serve, station: None, edge: None, begins: call.arrives, ends: over };
        if call.edge.is_none() && call.awaited {
            state.kind = LegKind::Wait;
        }
        let resting = state.kind;
        for (at, mark) in &call.marks {
            state.ends = *at;
            state.without(&covers, &mut pieces);
            state = Piece { begins: *at, ends: over, ..state.after(*mark, resting) };
        }
        state.without(&covers, &mut pieces);
        // Where it failed in no time, that is all there is to tell of it.
        if call.over.is_some_and(|(_, failed)| failed.is_some()) && pieces.last().is_none_or(|last| last.ends < over) {
            pieces.push(Piece { kind: resting, station: None, edge: None, begins: over, ends: over });
        }
        pieces
    }
}

/// A stretch of a call's own time.
#[derive(Clone, Copy)]
struct Piece {
    kind: LegKind,
    station: Option<Station>,
    edge: Option<(u16, bool)>,
    begins: Nanos,
    ends: Nanos,
}

impl Piece {
    /// What comes after a mark.
    fn after(self, mark: Mark, resting: LegKind) -> Self {
        let next = |kind, station| Self { kind, station, edge: None, ..self };
        match mark {
            Mark::Waits => next(LegKind::Wait, None),
            Mark::Serves => next(LegKind::Serve, None),
            Mark::Computes => next(LegKind::Serve, Some(Station::Processor)),
            Mark::AtDisk => next(LegKind::Serve, Some(Station::Disk)),
            Mark::Crossed { edge, back, .. } => Self { edge: Some((edge, back)), ..next(LegKind::Travel, None) },
            _ => next(resting, None),
        }
    }

    /// Adds what is left of it when these stretches, sorted by their beginnings, are taken out.
    fn without(self, covers: &[(Nanos, Nanos)], pieces: &mut Vec<Self>) {
        let mut begins = self.begins;
        let mut add = |begins, ends| {
            if begins < ends {
                pieces.push(Self { begins, ends, ..self });
            }
        };
        for (from, to) in covers {
            add(begins, (*from).min(self.ends));
            begins = begins.max(*to);
        }
        add(begins, self.ends);
    }
}

/// Adds a leg, cut in two where nobody waits for it any longer. One that takes no time is told only where it failed.
fn clip(leg: Leg, limit: Limit, legs: &mut Vec<Leg>) {
    if leg.begins == leg.ends && leg.cause.is_none() {
        return;
    }
    if leg.begins > limit.at || (leg.begins == limit.at && leg.ends > limit.at) {
        legs.push(Leg { awaited: false, ..leg });
    } else if leg.ends > limit.at {
        legs.push(Leg { ends: limit.at, cause: limit.cause, ..leg.clone() });
        legs.push(Leg { begins: limit.at, awaited: false, ..leg });
    } else {
        legs.push(leg);
    }
}
