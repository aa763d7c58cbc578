//! The event kernel: a clock, a calendar, stations, links and calls. It knows no component.
//!
//! A component works for a request in a *call*. It may let the call run on a processor ([`Engine::compute`]), wait for
//! the disk ([`Engine::write`]) or for time to pass ([`Engine::pause`]), call another component ([`Engine::call`]), and
//! ends it with [`Engine::answer`]. What comes of each is an [`Event`], which whoever drives the engine hands to the
//! component in charge.
//!
//! This file holds what the engine is, and what may be asked of it; [`work`] what a component may do; `run` how events
//! come about; `plant` what the simulation does to machines, links and nodes.

pub mod alarm;
pub mod calendar;
pub mod calls;
mod deadlines;
pub mod host;
mod items;
mod jobs;
pub mod ledger;
mod line;
mod message;
pub mod moves;
mod pauses;
mod plant;
pub mod processor;
pub mod queue;
pub mod random;
pub(crate) mod run;
pub mod sampler;
pub(crate) mod table;
pub mod tally;
pub(crate) mod trail;
pub mod visits;
pub mod watch;
pub mod work;
pub mod zipf;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use calendar::{Calendar, Slot};
use calls::{Call, CallId, Calls};
use deadlines::Deadlines;
use host::Host;
use items::Items;
use ledger::Ledger;
use line::Line;
use message::{Inbox, Late};
use moves::{Cause, Move};
use pauses::Pauses;
use random::{Draw, Exponential, Stream};
use sampler::Sampler;
use tally::Tally;
use visits::Visits;

pub use message::Notice;

use crate::units::Nanos;
use crate::workload::Class;

/// What a call came to.
pub type Answer = Result<(), Cause>;

/// An answer that has come back, with what its caller may want to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What the call came to.
    pub answer: Answer,
    /// The edge over which the call was made.
    pub edge: u16,
    /// What the called component left in the call's [`note`](Call::note).
    pub note: u64,
    /// When the call was made.
    pub begun: Nanos,
}

/// Something for a component to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call has come to its component.
    Arrived(Acting),
    /// A call that this one made was answered, or given up at its deadline.
    Answered(Acting, Reply),
    /// The processor, the disk or the pause is done with this call.
    Served(Acting),
    /// The deadline of a call that was not made over a link, a user's request for one, has come.
    Expired(Acting),
    /// A timer has gone off.
    Timer(Timer),
    /// There is something to be done, see [`Engine::take_notice`].
    Notice,
}

/// A call whose component is to act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acting {
    /// The component's node.
    pub node: u16,
    /// The call.
    pub call: CallId,
}

/// What one component may have done to another, by whoever drives the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Boot this node after so many nanoseconds; it does not run before.
    SwitchOn {
        /// The node.
        node: u16,
        /// How long its machine takes until its processes may start.
        after: Nanos,
    },
    /// Take this node's machine away; what it held fails.
    SwitchOff {
        /// The node.
        node: u16,
    },
    /// End this node's process; it starts anew after its own time to restart.
    Restart {
        /// The node.
        node: u16,
    },
    /// Somebody starts this node's dead process by hand, now.
    Repair {
        /// The node.
        node: u16,
    },
    /// A new machine takes the place of this node's, which is gone; its processes start there.
    Rebuild {
        /// The node.
        node: u16,
    },
    /// Roll back whatever release is on its way to this node's component.
    RollBack {
        /// The node.
        node: u16,
    },
    /// Somebody empties the disk of this node's machine of logs, and of what a fault has put there.
    CleanUp {
        /// The node.
        node: u16,
    },
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
pub(crate) enum Owner {
    Processor(u32),
    Disk(u32),
    Line(u32),
    Late,
    Pauses,
    Deadlines,
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

/// What everybody can find out about a node: the state that health checks and service discovery see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Whether its process runs and its machine is reachable.
    pub up: bool,
    /// Whether its machine is gone, and what was on its disk with it.
    pub lost: bool,
    /// Whether it asks to be left alone, to finish what it has: it is about to stop.
    pub draining: bool,
    /// Whether it takes changes: a database's role, which a promotion moves.
    pub primary: bool,
    /// The machine that it runs on; none for what runs on hardware that is not ours.
    pub host: Option<u32>,
    /// Whether it is kept in reserve, and nobody is to call it: the standby of a pair, a copy that an autoscaler has
    /// switched off.
    pub reserve: bool,
    /// What waits here, as it says itself: a queue's messages.
    pub backlog: u32,
    /// Where it is: index of the stage's region; [`Presence::EVERYWHERE`] for what is close to everybody.
    pub region: u16,
}

impl Presence {
    /// The region of what is close to everybody: resolvers, edge caches.
    pub const EVERYWHERE: u16 = u16::MAX;
}

/// The index of no host.
const NO_HOST: u32 = u32::MAX;

/// The event kernel.
#[derive(Clone, Debug)]
pub struct Engine {
    now: Nanos,
    seed: u64,
    calendar: Calendar,
    owners: Vec<Owner>,
    hosts: Vec<Host>,
    nodes: Vec<Presence>,
    ledger: Ledger,
    edges: Vec<Edge>,
    /// Two for each edge: there and back. A line has a slot only once something travels on it for some time: links
    /// within a machine never do, and a smaller calendar is a faster one.
    lines: Vec<(Line, Option<Slot>)>,
    /// Messages that had to be sent again, and so arrive out of their line's order.
    late: BinaryHeap<Reverse<Late>>,
    late_slot: Slot,
    losses: Stream,
    sent_again: u64,
    calls: Calls,
    messages: Inbox,
    pauses: Pauses,
    pauses_slot: Slot,
    deadlines: Deadlines,
    /// A host whose processor's next event is to be found anew before the clock moves on, or [`NO_HOST`]: work often ends
    /// and begins on one processor at one instant, and its event need be found only once.
    stale: u32,
    /// A timer that has gone off and is still in the calendar: most are set again at once, which takes it out as well.
    fired: Option<Slot>,
    exponential: Exponential,
    items: Items,
    visits: Visits,
    /// Time that a packet takes one way between two regions.
    distances: Vec<Vec<Nanos>>,
    /// Reasons for which each region is cut off from the others.
    regions_cut: Vec<u32>,
    /// Bytes of a request and of its response, by class.
    payload: [[f64; Class::ALL.len()]; 2],
    watch_one_in: u64,
    watch_only: Option<u64>,
    /// What monitors see, by node; empty when nothing is watched.
    watched: Vec<Option<Box<watch::Watched>>>,
    incident: watch::Incident,
    moves: Vec<Move>,
    trail: Vec<trail::Step>,
    pub(crate) tally: Tally,
    events: u64,
    digest: u64,
}

impl Engine {
    pub(crate) fn new(seed: u64) -> Self {
        let mut calendar = Calendar::default();
        let (pauses_slot, deadlines_slot, late_slot) = (calendar.add(), calendar.add(), calendar.add());
        Self {
            now: 0,
            seed,
            calendar,
            owners: vec![Owner::Pauses, Owner::Deadlines, Owner::Late],
            hosts: Vec::new(),
            nodes: Vec::new(),
            ledger: Ledger::default(),
            edges: Vec::new(),
            lines: Vec::new(),
            late: BinaryHeap::new(),
            late_slot,
            losses: Stream::new(seed, "links", "loss"),
            sent_again: 0,
            calls: Calls::default(),
            messages: Inbox::default(),
            pauses: Pauses::default(),
            pauses_slot,
            deadlines: Deadlines::new(deadlines_slot),
            stale: NO_HOST,
            fired: None,
            exponential: Exponential::new(),
            items: Items::new(seed),
            visits: Visits::new(seed),
            distances: Vec::new(),
            regions_cut: Vec::new(),
            payload: [[0.0; Class::ALL.len()]; 2],
            watch_one_in: 0,
            watch_only: None,
            watched: Vec::new(),
            incident: watch::Incident::default(),
            moves: Vec::new(),
            trail: Vec::new(),
            tally: Tally::new(),
            events: 0,
            digest: seed,
        }
    }

    /// The clock.
    #[inline]
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// The stream of random draws of a component for a purpose.
    pub fn stream(&self, component: &str, purpose: &str) -> Stream {
        Stream::new(self.seed, component, purpose)
    }

    // Both are asked for in dozens of places: a copy in each of them would weigh two kilobytes of a page.

    /// An exponential draw with mean one.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline)]
    pub fn exponential(&self, draw: &mut Draw) -> f64 {
        self.exponential.sample(draw)
    }

    /// A service demand in nanoseconds.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline)]
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

    /// What the last [`Event::Notice`] was about.
    pub(crate) fn take_notice(&mut self) -> Option<Notice> {
        self.messages.pop_notice()
    }

    /// Calls that have not ended.
    pub fn open_calls(&self) -> usize {
        self.calls.len()
    }

    /// Calls that let time pass.
    pub fn pauses(&self) -> usize {
        self.pauses.len()
    }

    /// The time a packet takes one way.
    pub fn latency_ns(&self, edge: u16) -> Nanos {
        self.lines[usize::from(edge) * 2].0.latency_ns()
    }

    /// The machines.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// What everybody can find out about a node.
    #[inline]
    pub fn presence(&self, node: u16) -> &Presence {
        &self.nodes[usize::from(node)]
    }

    /// What a node says of itself.
    pub fn presence_mut(&mut self, node: u16) -> &mut Presence {
        &mut self.nodes[usize::from(node)]
    }

    /// Every node.
    pub fn nodes(&self) -> &[Presence] {
        &self.nodes
    }

    /// The links between nodes.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The node that an edge leads to.
    #[inline]
    pub fn target(&self, edge: u16) -> u16 {
        self.edges[usize::from(edge)].to
    }

    /// Time that a packet takes one way between two regions; none to and from what is everywhere.
    pub fn distance_ns(&self, from: u16, to: u16) -> Nanos {
        self.distances.get(usize::from(from)).and_then(|row| row.get(usize::from(to))).copied().unwrap_or(0)
    }

    /// Whether a fault has cut the region of one of two nodes off from the other's.
    pub fn are_parted(&self, one: u16, other: u16) -> bool {
        let [one, other] = [one, other].map(|node| usize::from(self.presence(node).region));
        let cut = |region: usize| self.regions_cut.get(region).is_some_and(|cuts| *cuts > 0);
        one != other && (cut(one) || cut(other))
    }

    /// Whether a fault keeps an edge from carrying anything.
    pub fn is_cut(&self, edge: u16) -> bool {
        self.lines[usize::from(edge) * 2].0.trouble().cuts > 0
    }

    /// Bytes that have travelled an edge so far, there and back.
    pub fn sent_bytes(&self, edge: u16) -> [f64; 2] {
        let first = usize::from(edge) * 2;
        [self.lines[first].0.sent_bytes, self.lines[first + 1].0.sent_bytes]
    }

    /// When a timer goes off.
    pub fn timer(&self, slot: Slot) -> Option<Nanos> {
        self.calendar.pending(slot).filter(|_| self.fired != Some(slot))
    }

    #[inline]
    fn note(&mut self, word: u64) {
        self.digest = (self.digest ^ word).wrapping_mul(0x9fb2_1c65_1e98_df25).rotate_left(29);
    }
}
