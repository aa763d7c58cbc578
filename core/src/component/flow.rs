//! What theory is told of a component: what one call asks of it, class by class.
//!
//! A component's file says it beside its behaviour, in `flow`, so that the two cannot grow apart. Theory multiplies it
//! out along the links into a network of stations; see `theory::walk`.

use super::Kind;
use crate::engine::processor::Crosstalk;
use crate::outcome::Estimate;
use crate::stage::{Link, Stage};
use crate::units::{Bytes, Duration};
use crate::workload::{Class, Demand};

/// What one call of a class asks of a component.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    /// How many calls it takes at once, and how many more may wait; none where there is no such limit.
    pub(crate) door: Option<(u32, u32)>,
    /// What the call asks, in any order: all of it, one after another.
    pub(crate) asks: Vec<Ask>,
    /// What follows once the caller has its answer: work that loads stations, and that nobody waits for.
    pub(crate) behind: Vec<Ask>,
    /// How long that takes, if somebody measures it.
    pub(crate) follow_up: Option<FollowUp>,
    /// Connections that calls of these kinds share, as many as this; each call holds one until it is answered.
    pub(crate) pool: Option<(u32, &'static [Kind])>,
    /// How much jobs on its machine get in one another's way.
    pub(crate) crosstalk: Crosstalk,
    /// What it holds of its machine's memory.
    pub(crate) memory: Option<Held>,
    /// Shares of its calls to these kinds that go to each copy of the one component of them; none where they are even.
    pub(crate) shares: Option<(&'static [Kind], Vec<f64>)>,
    /// Copies elsewhere that take over each change that a call makes here.
    pub(crate) followers: Vec<Follower>,
    /// Work that it does of its own accord.
    pub(crate) own: Vec<Own>,
    /// Work of its own that begins anew at intervals.
    pub(crate) round: Option<Round>,
    /// Share of the time in which it is down.
    pub(crate) down: f64,
    /// Why theory cannot follow this component, as a sentence; then nothing that depends on it has a figure.
    pub(crate) beyond: Option<String>,
    /// What this description leaves out or evens out, as a clause: "approximation: …; this".
    pub(crate) caveats: Vec<String>,
    /// Figures of its own, by the names that the simulation gives them.
    pub(crate) metrics: Vec<(&'static str, Estimate)>,
}

/// Who applies changes that were made elsewhere, one after another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Follower {
    /// The component's index.
    pub(crate) component: usize,
    /// How many changes a call makes.
    pub(crate) changes: f64,
    /// What applying one asks of its processors.
    pub(crate) apply: Demand,
    /// How long a change is on its way there.
    pub(crate) latency: Duration,
}

/// Work on a machine that begins anew at intervals; while one round lasts another does not begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Whose machine it is: the component's index.
    pub(crate) component: usize,
    /// From one beginning to the next, in seconds.
    pub(crate) interval_s: f64,
    /// Seconds of a round at the disk, at the processors, and elsewhere.
    pub(crate) disk_s: f64,
    pub(crate) cpu_s: f64,
    pub(crate) elsewhere_s: f64,
    /// Share of a round that is done in one piece.
    pub(crate) piece: f64,
}

/// Work on a machine for which no request comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    /// Whose machine it is: the component's index.
    pub(crate) component: usize,
    /// Whether it is at the disk, or at the processors.
    pub(crate) disk: bool,
    /// On how many of its copies, from the first on.
    pub(crate) copies: u32,
    /// Seconds of it in a second, on each of these.
    pub(crate) load: f64,
    /// How long a piece of it takes, in seconds.
    pub(crate) piece_s: f64,
    /// Whether a piece does at once whatever has come: then `load` is what there would be if it did not.
    pub(crate) grouped: bool,
}

/// A figure that says how long it takes until what follows is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FollowUp {
    /// Its name in results: `done_after`.
    pub(crate) metric: &'static str,
    /// How many are worked on at once, at most, by each copy of whoever works on them.
    pub(crate) slots: u32,
    /// Kinds whose copies each have that many; none for the component itself.
    pub(crate) by: &'static [Kind],
    /// Most that begin in a second, in each copy; infinite where there is no such limit.
    pub(crate) begin_per_s: f64,
    /// How many come at the same time and begin before one, on average.
    pub(crate) ahead: f64,
}

/// Memory that a component holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// When nobody is there.
    pub(crate) idle: Bytes,
    /// For each call that it has.
    pub(crate) each: Bytes,
    /// Calls that it can have at most.
    pub(crate) most: u32,
}

/// Something that a call asks.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Processor time of the component's own machine: so many independent draws, each asked with this probability.
    Compute { demand: Demand, count: u32, chance: f64 },
    /// Synchronous operations of the machine's disk: so many on average, each of the machine's disk latency or this long.
    Disk { mean_count: f64, each: Option<Duration> },
    /// Time that passes whatever else goes on.
    Delay { time: Duration, chance: f64 },
    /// One of several goings-on, with probabilities that add up to one: a hit or a miss.
    OneOf(Vec<(f64, Vec<Self>)>),
    /// Calls to the component's links of these kinds that carry the class: so many one after another, each made with this
    /// probability. A call goes to one copy of one component, evenly.
    Call { kinds: &'static [Kind], count: u32, chance: f64 },
    /// Calls to every component of these kinds, one component after another: to each so many, at the same time or one
    /// after another.
    Each { kinds: &'static [Kind], count: u32, chance: f64, at_once: bool },
    /// What another component's machine is asked, with no way to it.
    At { component: usize, ask: Box<Self> },
}

impl Flow {
    /// Nothing but this sentence.
    pub(crate) fn beyond(reason: impl Into<String>) -> Self {
        Self { beyond: Some(reason.into()), ..Self::default() }
    }
}

/// Where the component stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) stage: &'a Stage,
    /// Its index in the stage.
    pub(crate) component: usize,
    /// Calls a second that come to all its copies, by class.
    pub(crate) rate_per_s: [f64; Class::ALL.len()],
    /// The same of every component; complete for what acts on its own, else of those that were asked before.
    pub(crate) rates: &'a [[f64; Class::ALL.len()]],
    /// Whether anybody wants the figures of single components.
    pub(crate) figures: bool,
}

impl Context<'_> {
    /// Calls a second of all classes.
    pub(crate) fn total_per_s(&self) -> f64 {
        self.rate_per_s.iter().sum()
    }

    /// Copies of those of these kinds that a link which carries the class leads to.
    pub(crate) fn copies(&self, kinds: &[Kind], class: Class) -> u32 {
        let links = self.stage.links.iter().filter(|link| link.from == self.component && link.carries(class));
        let called = links.map(|link| &self.stage.components[link.to]);
        called.filter(|to| kinds.contains(&to.settings.kind())).map(|to| to.copies).sum()
    }

    /// Whether a link that carries the class leads from here to one of these kinds.
    pub(crate) fn calls(&self, kinds: &[Kind], class: Class) -> bool {
        self.targets(kinds, class) > 0
    }

    /// How many components of these kinds it calls for this class.
    pub(crate) fn targets(&self, kinds: &[Kind], class: Class) -> u32 {
        let calls = |link: &&Link| {
            let to = &self.stage.components[link.to];
            link.from == self.component && link.carries(class) && kinds.contains(&to.settings.kind())
        };
        self.stage.links.iter().filter(calls).count() as u32
    }
}
