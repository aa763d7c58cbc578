//! The event kernel: a clock, a calendar, stations, links and calls. It knows no component.
//!
//! A component works for a request in a *call*. It may let the call run on a processor ([`Engine::compute`]), wait for
//! the disk ([`Engine::write`]) or for time to pass ([`Engine::pause`]), call another component ([`Engine::call`]), and
//! ends it with [`Engine::answer`]. What comes of each is an [`Event`], which whoever drives the engine hands to the
//! component in charge.

pub mod calendar;
pub mod calls;
pub mod host;
mod line;
pub mod moves;
pub mod processor;
pub mod queue;
pub mod random;
pub mod sampler;
pub mod tally;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use calendar::{Calendar, Slot};
use calls::{Call, CallId, Calls, Place};
use host::Host;
use line::Line;
use moves::{Cause, Move, What};
use processor::Fired;
use random::{Draw, Exponential, Stream};
use sampler::Sampler;
use tally::Tally;

use crate::hardware::Machine;
use crate::units::Nanos;
use crate::workload::Class;

/// What a call came to.
pub type Answer = Result<(), Cause>;

/// What travels on a link, or is handled before the clock moves on.
#[derive(Clone, Copy, Debug)]
enum Message {
    Arrive(CallId),
    Answer(CallId, Answer),
    OutOfMemory(u32),
}

/// Something for a component to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call has come to its component.
    Arrived(CallId),
    /// A call that this one made was answered.
    Answered(CallId, Answer),
    /// The processor, the disk or the pause is done with this call.
    Served(CallId),
    /// A timer has gone off.
    Timer(Timer),
    /// This machine has run out of memory.
    OutOfMemory(u32),
}

/// A timer of a component or of the simulation itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Whose: a node's index, or [`Timer::TIMELINE`].
    pub node: u16,
    /// Which of its timers.
    pub which: u8,
}

impl Timer {
    /// The owner of the timers that belong to no node.
    pub const TIMELINE: u16 = u16::MAX;
}

/// Whose event a slot of the calendar holds.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Processor(u32),
    Disk(u32),
    Line(u32),
    Pauses,
    Timer(Timer),
}

/// A link between two copies of components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Index of the stage's link that it belongs to.
    pub link: u16,
    /// The calling node.
    pub from: u16,
    /// The called node.
    pub to: u16,
}

/// The event kernel.
#[derive(Clone, Debug)]
pub struct Engine {
    now: Nanos,
    seed: u64,
    calendar: Calendar,
    owners: Vec<Owner>,
    hosts: Vec<Host>,
    edges: Vec<Edge>,
    /// Two for each edge: there and back. A line has a slot only once something travels on it for some time: links
    /// within a machine never do, and a smaller calendar is a faster one.
    lines: Vec<(Line, Option<Slot>)>,
    calls: Calls,
    messages: VecDeque<Message>,
    pauses: BinaryHeap<Reverse<(Nanos, CallId)>>,
    pauses_slot: Slot,
    /// A processor whose next event is to be found anew before the clock moves on: work often ends and begins on one
    /// processor at one instant, and its event need be found only once.
    stale: Option<u32>,
    exponential: Exponential,
    watch_one_in: u64,
    moves: Vec<Move>,
    pub(crate) tally: Tally,
    events: u64,
    digest: u64,
}

impl Engine {
    pub(crate) fn new(seed: u64) -> Self {
        let mut calendar = Calendar::default();
        let pauses_slot = calendar.add();
        Self {
            now: 0,
            seed,
            calendar,
            owners: vec![Owner::Pauses],
            hosts: Vec::new(),
            edges: Vec::new(),
            lines: Vec::new(),
            calls: Calls::default(),
            messages: VecDeque::new(),
            pauses: BinaryHeap::new(),
            pauses_slot,
            stale: None,
            exponential: Exponential::new(),
            watch_one_in: 0,
            moves: Vec::new(),
            tally: Tally::new(),
            events: 0,
            digest: seed,
        }
    }

    // Building.

    pub(crate) fn add_host(&mut self, name: String, machine: Machine) -> u32 {
        let index = self.hosts.len() as u32;
        let processor_slot = self.add_slot(Owner::Processor(index));
        self.hosts.push(Host::new(name, machine, processor_slot));
        index
    }

    pub(crate) fn add_edge(&mut self, edge: Edge, latency_ns: Nanos) {
        self.edges.push(edge);
        for _ in 0..2 {
            self.lines.push((Line::new(latency_ns), None));
        }
    }

    pub(crate) fn add_timer(&mut self, timer: Timer) -> Slot {
        self.add_slot(Owner::Timer(timer))
    }

    fn add_slot(&mut self, owner: Owner) -> Slot {
        self.owners.push(owner);
        self.calendar.add()
    }

    pub(crate) fn set_latency(&mut self, edge: u16, latency_ns: Nanos) {
        for (line, _) in &mut self.lines[usize::from(edge) * 2..][..2] {
            line.latency_ns = latency_ns;
        }
    }

    // What a component may ask.

    /// The clock.
    #[inline]
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// The stream of random draws of a component for a purpose.
    pub fn stream(&self, component: &str, purpose: &str) -> Stream {
        Stream::new(self.seed, component, purpose)
    }

    /// An exponential draw with mean one.
    #[inline]
    pub fn exponential(&self, draw: &mut Draw) -> f64 {
        self.exponential.sample(draw)
    }

    /// A service demand in nanoseconds.
    #[inline]
    pub fn demand_ns(&self, sampler: &Sampler, draw: &mut Draw) -> f64 {
        sampler.sample(&self.exponential, draw)
    }

    /// A call that has not ended.
    #[inline]
    pub fn get(&self, call: CallId) -> Option<&Call> {
        self.calls.get(call)
    }

    /// A call that has not ended, to be changed.
    #[inline]
    pub fn get_mut(&mut self, call: CallId) -> Option<&mut Call> {
        self.calls.get_mut(call)
    }

    /// The time a packet takes one way.
    pub fn latency_ns(&self, edge: u16) -> Nanos {
        self.lines[usize::from(edge) * 2].0.latency_ns
    }

    /// The machines.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The links between nodes.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    // What a component may do.

    /// A new request of a user, at `node`.
    pub fn begin(&mut self, request: u64, class: Class, node: u16) -> CallId {
        self.tally.counts.arrived += 1;
        let mut call = Call::new(request, class, CallId::NONE, node, u16::MAX, self.now);
        call.watched = self.watch_one_in > 0 && request.is_multiple_of(self.watch_one_in);
        self.calls.add(call)
    }

    /// Ends a user's request. False when it had ended before.
    pub fn end(&mut self, root: CallId, answer: Answer) -> bool {
        let Some(call) = self.calls.remove(root) else { return false };
        let response_ns = self.now - call.begun;
        self.note(call.request.rotate_left(32) ^ response_ns);
        match answer {
            Ok(()) => {
                self.tally.complete(call.class, response_ns);
                self.log(&call, What::Done);
            }
            Err(cause) => {
                self.tally.fail(cause);
                self.log(&call, What::Fail { node: call.node, cause });
            }
        }
        true
    }

    /// Calls the component at the other end of `edge` for `parent`. Its answer comes as [`Event::Answered`].
    pub fn call(&mut self, edge: u16, parent: CallId) -> Option<CallId> {
        let from = *self.calls.get(parent)?;
        let mut call = Call::new(from.request, from.class, parent, self.edges[usize::from(edge)].to, edge, self.now);
        call.watched = from.watched;
        call.place = Place::OnTheWay;
        let id = self.calls.add(call);
        let arrives = self.send(usize::from(edge) * 2, Message::Arrive(id));
        self.log(&call, What::Travel { edge, back: false, arrives });
        Some(id)
    }

    /// Ends a call and sends the answer to whoever made it.
    pub fn answer(&mut self, id: CallId, answer: Answer) {
        let Some(call) = self.calls.remove(id) else { return };
        if let Err(cause) = answer {
            self.log(&call, What::Fail { node: call.node, cause });
        }
        let arrives = self.send(usize::from(call.link) * 2 + 1, Message::Answer(call.parent, answer));
        if answer.is_ok() {
            self.log(&call, What::Travel { edge: call.link, back: true, arrives });
        }
    }

    /// Ends a call without a word: the machine is off, and nobody is left to answer.
    pub fn abandon(&mut self, id: CallId, cause: Cause) {
        if let Some(call) = self.calls.remove(id) {
            self.log(&call, What::Fail { node: call.node, cause });
        }
    }

    /// Lets a call run on a machine's processors. Its end comes as [`Event::Served`].
    pub fn compute(&mut self, id: CallId, host: u32, demand_ns: f64) {
        let Some(call) = self.calls.get_mut(id) else { return };
        call.place = Place::Processor(host);
        self.hosts[host as usize].processor.add(self.now, id, demand_ns);
        self.schedule_processor(host);
    }

    /// Lets a call wait for a synchronous operation of a machine's disk. Its end comes as [`Event::Served`].
    pub fn write(&mut self, id: CallId, host: u32) {
        let Some(call) = self.calls.get_mut(id) else { return };
        call.place = Place::Disk(host);
        let host_now = &mut self.hosts[host as usize];
        host_now.disk.add(self.now, id, host_now.machine.disk_latency.ns());
        self.schedule_disk(host);
    }

    /// Lets time pass for a call. Its end comes as [`Event::Served`].
    pub fn pause(&mut self, id: CallId, ns: Nanos) {
        self.pauses.push(Reverse((self.now.saturating_add(ns), id)));
        self.schedule_pauses();
    }

    /// Lets a packet of a call cross an edge, there or back, without work at the other end. Its arrival comes as
    /// [`Event::Served`].
    pub fn cross(&mut self, id: CallId, edge: u16, back: bool) {
        let Some(call) = self.calls.get(id).copied() else { return };
        let latency_ns = self.latency_ns(edge);
        self.log(&call, What::Travel { edge, back, arrives: self.now + latency_ns });
        self.pause(id, latency_ns);
    }

    /// Sets a timer; it goes off as [`Event::Timer`].
    #[inline]
    pub fn set_timer(&mut self, slot: Slot, at: Nanos) {
        self.calendar.set(slot, at);
    }

    /// Stops a timer.
    pub fn clear_timer(&mut self, slot: Slot) {
        self.calendar.clear(slot);
    }

    /// When a timer goes off.
    pub fn timer(&self, slot: Slot) -> Option<Nanos> {
        self.calendar.pending(slot)
    }

    /// Takes memory of a machine, or with a negative number gives it back.
    pub fn hold(&mut self, host: u32, bytes: f64) {
        self.hosts[host as usize].used_bytes += bytes;
        if !self.hosts[host as usize].at_ease() {
            self.press(host);
        }
    }

    /// Says that a call queues at its component.
    pub fn waits(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(id).copied() {
            self.log(&call, What::Wait { node: call.node });
        }
    }

    /// Says that a call is taken by a worker or connection of its component.
    pub fn serves(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(id).copied() {
            self.log(&call, What::Serve { node: call.node });
        }
    }

    // What the simulation does.

    /// The next event at or before `until`; then the clock stands at its time. Without one the clock stands at `until`.
    #[inline]
    pub(crate) fn next(&mut self, until: Nanos) -> Option<Event> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                self.events += 1;
                return Some(self.deliver(message));
            }
            if let Some(host) = self.stale.take() {
                self.find_next(host);
            }
            let Some((at, slot)) = self.calendar.next().filter(|(at, _)| *at <= until) else {
                self.now = until;
                return None;
            };
            debug_assert!(at >= self.now, "the clock never runs back");
            self.now = at;
            self.note(at ^ ((slot.index() as u64) << 48));
            if let Some(event) = self.fire(slot) {
                self.events += 1;
                return Some(event);
            }
        }
    }

    fn fire(&mut self, slot: Slot) -> Option<Event> {
        match self.owners[slot.index()] {
            Owner::Timer(timer) => {
                self.calendar.clear(slot);
                Some(Event::Timer(timer))
            }
            Owner::Processor(host) => {
                let fired = self.hosts[host as usize].processor.fire(self.now);
                self.schedule_processor(host);
                match fired {
                    Fired::Done(call) => self.served(call),
                    Fired::Quota => None,
                }
            }
            Owner::Disk(host) => {
                let done = self.hosts[host as usize].disk.fire(self.now);
                self.schedule_disk(host);
                done.and_then(|call| self.served(call))
            }
            Owner::Line(line) => {
                let (line, _) = &mut self.lines[line as usize];
                let message = line.receive();
                self.calendar.set(slot, line.next().unwrap_or(Nanos::MAX));
                message.map(|message| self.deliver(message))
            }
            Owner::Pauses => {
                let paused = self.pauses.pop();
                self.schedule_pauses();
                paused.and_then(|Reverse((_, call))| self.served(call))
            }
        }
    }

    fn served(&mut self, id: CallId) -> Option<Event> {
        // A call that was given up while it paused has nobody to tell.
        let call = self.calls.get_mut(id)?;
        call.place = Place::Held;
        Some(Event::Served(id))
    }

    fn deliver(&mut self, message: Message) -> Event {
        match message {
            Message::Arrive(call) => {
                if let Some(call) = self.calls.get_mut(call) {
                    call.place = Place::Held;
                }
                Event::Arrived(call)
            }
            Message::Answer(call, answer) => Event::Answered(call, answer),
            Message::OutOfMemory(host) => Event::OutOfMemory(host),
        }
    }

    fn send(&mut self, index: usize, message: Message) -> Nanos {
        let (line, slot) = &mut self.lines[index];
        if line.latency_ns == 0 && line.next().is_none() {
            // On the same machine: no event, no slot; it is handled before the clock moves on.
            self.messages.push_back(message);
            return self.now;
        }
        let arrives = line.send(self.now, message);
        if line.next() == Some(arrives) {
            let slot = match *slot {
                Some(slot) => slot,
                None => self.add_line_slot(index),
            };
            self.calendar.set(slot, arrives);
        }
        arrives
    }

    #[cold]
    fn add_line_slot(&mut self, index: usize) -> Slot {
        let slot = self.add_slot(Owner::Line(index as u32));
        self.lines[index].1 = Some(slot);
        slot
    }

    #[inline]
    fn schedule_processor(&mut self, host: u32) {
        if self.stale != Some(host)
            && let Some(other) = self.stale.replace(host)
        {
            self.find_next(other);
        }
    }

    fn find_next(&mut self, host: u32) {
        let host = &self.hosts[host as usize];
        self.calendar.set(host.processor_slot, host.processor.next().unwrap_or(Nanos::MAX));
    }

    fn schedule_disk(&mut self, index: u32) {
        let host = &self.hosts[index as usize];
        let next = host.disk.next();
        let slot = match (host.disk_slot, next) {
            (Some(slot), _) => slot,
            (None, None) => return,
            (None, Some(_)) => {
                let slot = self.add_slot(Owner::Disk(index));
                self.hosts[index as usize].disk_slot = Some(slot);
                slot
            }
        };
        self.calendar.set(slot, next.unwrap_or(Nanos::MAX));
    }

    fn schedule_pauses(&mut self) {
        let next = self.pauses.peek().map_or(Nanos::MAX, |Reverse((at, _))| *at);
        self.calendar.set(self.pauses_slot, next);
    }

    fn press(&mut self, host: u32) {
        let now = self.now;
        let pressed = &mut self.hosts[host as usize];
        if pressed.settle(now) {
            if pressed.out_of_memory() {
                self.messages.push_back(Message::OutOfMemory(host));
            }
            self.schedule_processor(host);
        } else if pressed.out_of_memory() {
            self.messages.push_back(Message::OutOfMemory(host));
        }
    }

    /// The calls in a node's hands, taken off every station.
    pub(crate) fn seize(&mut self, node: u16) -> Vec<CallId> {
        let calls = self.calls.at_node(node);
        for id in &calls {
            match self.calls.get(*id).map(|call| call.place) {
                Some(Place::Processor(host)) => {
                    self.hosts[host as usize].processor.remove(self.now, *id);
                    self.schedule_processor(host);
                }
                Some(Place::Disk(host)) => {
                    self.hosts[host as usize].disk.remove(self.now, *id);
                    self.schedule_disk(host);
                }
                _ => {}
            }
        }
        calls
    }

    pub(crate) fn replace_machine(&mut self, host: u32, machine: &Machine) {
        let now = self.now;
        self.hosts[host as usize].replace(now, machine);
        self.press(host);
        self.schedule_processor(host);
        self.schedule_disk(host);
    }

    pub(crate) fn slow_down(&mut self, host: u32, factor: f64) {
        self.hosts[host as usize].fault_speed *= factor;
        self.press(host);
    }

    pub(crate) fn leak(&mut self, host: u32, bytes: f64) {
        let host_now = &mut self.hosts[host as usize];
        host_now.leaked_bytes = (host_now.leaked_bytes + bytes).max(0.0);
        self.press(host);
    }

    /// A host whose stations' integrals stand at the present instant.
    pub(crate) fn host_now(&mut self, host: usize) -> &Host {
        let now = self.now;
        let host = &mut self.hosts[host];
        host.processor.advance(now);
        host.disk.advance(now);
        host
    }

    pub(crate) fn watch(&mut self, one_in: u64) {
        self.watch_one_in = one_in;
    }

    pub(crate) fn moves(&mut self) -> &mut Vec<Move> {
        &mut self.moves
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    #[inline]
    fn note(&mut self, word: u64) {
        self.digest = (self.digest ^ word).wrapping_mul(0x9fb2_1c65_1e98_df25).rotate_left(29);
    }

    #[inline]
    fn log(&mut self, call: &Call, what: What) {
        if call.watched {
            self.moves.push(Move { at: self.now, request: call.request as u32, class: call.class, what });
        }
    }
}
