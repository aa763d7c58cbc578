//! A stage: one architecture with its hardware, its workload and what goes wrong with it.
//!
//! [`Stage`] is resolved and checked: whoever holds one can simulate it. The text of a stage file is read by
//! `hockeystick-content`, which also knows the line of each field; see [`check`](Stage::check) for the rules.

mod check;
mod knobs;

use serde::{Deserialize, Serialize};

pub use check::Problem;
pub use knobs::Reading;

use crate::component::Settings;
use crate::hardware::Machine;
use crate::units::{Bytes, Duration};
use crate::workload::Workload;
use crate::{pack_enum, pack_struct};

/// The version of the stage file's shape that this crate reads.
pub const SCHEMA: u32 = 1;

/// Limits that keep any file's cost bounded.
pub mod limits {
    /// Most components on a board.
    pub const COMPONENTS: usize = 500;
    /// Most copies of all components together.
    pub const COPIES: u32 = 2_000;
    /// Most links.
    pub const LINKS: usize = 5_000;
    /// Most connections between copies.
    pub const EDGES: u64 = 50_000;
    /// Most faults.
    pub const FAULTS: usize = 1_000;
    /// Highest arrival rate, requests a second.
    pub const RATE_PER_S: f64 = 10_000_000.0;
}

/// A board that can be simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// What broke, in a few words.
    pub title: String,
    /// What users ask for.
    pub workload: Workload,
    /// Machines that several components share, or that have a name of their own.
    pub machines: Vec<NamedMachine>,
    /// Everything on the board.
    pub components: Vec<Component>,
    /// Who calls whom.
    pub links: Vec<Link>,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
    /// What the reader is asked to reach.
    pub challenge: Option<Challenge>,
}

/// A machine of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedMachine {
    /// Its name on the board.
    pub id: String,
    /// The catalogue's size that it was made from, if any.
    pub size: Option<String>,
    /// What it is.
    pub machine: Machine,
}

/// Something on the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Its name on the board and in results.
    pub id: String,
    /// How many of it there are.
    pub copies: u32,
    /// What it runs on; none for what runs on hardware that is not ours.
    pub machine: Option<Placement>,
    /// Where its centre is on the board, in board units: about 800 by 470 for a whole figure.
    pub at: [f32; 2],
    /// What it is, and how it is set.
    pub settings: Settings,
}

/// Where a component runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Placement {
    /// On the stage's machine with this index, shared with whatever else runs there.
    Shared(usize),
    /// Each copy on a machine of its own.
    Own {
        /// The catalogue's size that it was made from, if any.
        size: Option<String>,
        /// What it is.
        machine: Machine,
    },
}

/// A one-way dependency between two components: `from` calls `to` and waits for its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Index of the caller.
    pub from: usize,
    /// Index of the called.
    pub to: usize,
    /// Time that a packet takes one way.
    pub latency: Duration,
}

/// Something that goes wrong for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// When it begins.
    pub at: Duration,
    /// How long it lasts; for good when none.
    pub lasts: Option<Duration>,
    /// What it befalls.
    pub on: Target,
    /// What happens.
    pub kind: FaultKind,
}

/// What a fault befalls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A component: one copy (counted from 0) or all.
    Component(usize, Option<u32>),
    /// A shared machine and all that runs there.
    Machine(usize),
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum FaultKind {
    /// It is gone: what it held fails, and what comes is refused.
    Down,
    /// Its processors run at this share of their speed.
    Slow {
        /// 0 to 1.
        speed: f64,
    },
    /// Something on the machine takes memory and never gives it back while the fault lasts.
    MemoryLeak {
        /// Bytes taken in a second.
        per_s: Bytes,
    },
}

/// What the reader is asked to reach, judged by the simulation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// The task, as a sentence.
    pub goal: String,
    /// Requests a second that must be carried.
    pub rate: crate::units::Rate,
    /// Largest 95th percentile of the response time.
    pub p95: Duration,
    /// Largest share of requests that may fail.
    #[serde(default)]
    pub errors: f64,
    /// Largest price of a month, in US dollars.
    #[serde(default)]
    pub budget: Option<f64>,
    /// Hints, from vague to plain.
    #[serde(default)]
    pub hints: Vec<String>,
}

pack_struct!(Stage { title, workload, machines, components, links, faults, challenge });
pack_struct!(NamedMachine { id, size, machine });
pack_struct!(Component { id, copies, machine, at, settings });
pack_enum!(Placement { 0 => Shared(index), 1 => Own { size, machine } });
pack_struct!(Link { from, to, latency });
pack_struct!(Fault { at, lasts, on, kind });
pack_enum!(Target { 0 => Component(index, copy), 1 => Machine(index) });
pack_enum!(FaultKind { 0 => Down, 1 => Slow { speed }, 2 => MemoryLeak { per_s } });
pack_struct!(Challenge { goal, rate, p95, errors, budget, hints });

/// Hours in a month, as clouds bill it: 365 × 24 / 12.
pub const HOURS_A_MONTH: f64 = 730.0;

impl Stage {
    /// Index of the component with this name.
    pub fn component(&self, id: &str) -> Option<usize> {
        self.components.iter().position(|component| component.id == id)
    }

    /// The name of one copy of a component, counted from 0: `app`, or `app#2` where there are several.
    pub fn copy_name(&self, component: usize, copy: u32) -> String {
        let component = &self.components[component];
        if component.copies == 1 { component.id.clone() } else { format!("{}#{}", component.id, copy + 1) }
    }

    /// The machine that a component runs on, if it is ours.
    pub fn machine_of(&self, component: usize) -> Option<&Machine> {
        match self.components.get(component)?.machine.as_ref()? {
            Placement::Shared(index) => self.machines.get(*index).map(|named| &named.machine),
            Placement::Own { machine, .. } => Some(machine),
        }
    }

    /// Price of a month, in US dollars: every machine, all day.
    pub fn price_per_month(&self) -> f64 {
        let shared: f64 = self.machines.iter().map(|named| named.machine.price_per_hour).sum();
        let own: f64 = self
            .components
            .iter()
            .filter_map(|component| match &component.machine {
                Some(Placement::Own { machine, .. }) => Some(machine.price_per_hour * f64::from(component.copies)),
                _ => None,
            })
            .sum();
        (shared + own) * HOURS_A_MONTH
    }
}
