//! A stage: one architecture with its hardware, its workload and what goes wrong with it.
//!
//! [`Stage`] is resolved and checked: whoever holds one can simulate it. The text of a stage file is read by
//! `hockeystick-content`, which also knows the line of each field; see [`check`](Stage::check) for the rules.

mod challenge;
mod check;
pub mod edit;
mod knobs;
mod troubles;

use serde::{Deserialize, Serialize};

pub use challenge::Challenge;
pub use check::Problem;
pub use knobs::Reading;

use crate::component::Settings;
use crate::hardware::Machine;
use crate::units::{Bandwidth, Bytes, Duration};
use crate::workload::{Class, PerClass, Workload};
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
    /// Most regions.
    pub const REGIONS: usize = 100;
    /// Most users of a closed workload.
    pub const CLOSED_USERS: f64 = 1_000_000.0;
    /// Highest arrival rate, requests a second.
    pub const RATE_PER_S: f64 = 10_000_000.0;
}

/// A board that can be simulated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// What broke, in a few words.
    pub title: String,
    /// What users ask for.
    pub workload: Workload,
    /// Places that are far from one another; empty when everything is in one.
    pub regions: Vec<Region>,
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

/// A place with machines, or with users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Its name.
    pub id: String,
    /// Time that a packet takes one way from here to each region, in the order of the stage's list; to itself none.
    pub latency: Vec<Duration>,
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
    /// Where it is: index of the stage's region; the first where none is named.
    pub region: Option<usize>,
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
    /// Time that a packet takes one way, the distance between the regions not included.
    pub latency: Duration,
    /// What each connection between two copies carries; as much as is sent where none is given.
    pub bandwidth: Option<Bandwidth>,
    /// The classes whose requests go this way.
    pub classes: PerClass<bool>,
}

impl Link {
    /// A link for every class, of unlimited bandwidth.
    pub fn new(from: usize, to: usize, latency: Duration) -> Self {
        Self { from, to, latency, bandwidth: None, classes: PerClass::all(true) }
    }

    /// Whether requests of this class go this way.
    pub fn carries(&self, class: Class) -> bool {
        *self.classes.get(class)
    }
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
    /// A link, both ways.
    Link(usize),
    /// A region: everything in it, or every link that leads out of it.
    Region(usize),
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum FaultKind {
    /// It is gone: what it held fails, and what comes is refused. A machine or a region that is gone does not even refuse.
    ///
    /// A process is back when the fault ends, but not sooner than its restart takes from its death; the processes of a
    /// machine or a region start when the fault ends.
    Down,
    /// Its processors run at this share of their speed; a link takes so much longer.
    Slow {
        /// 0 to 1.
        speed: f64,
    },
    /// Something on the machine takes memory and never gives it back while the fault lasts.
    MemoryLeak {
        /// Bytes taken in a second.
        per_s: Bytes,
    },
    /// Packets of the link are lost and sent again.
    Lossy {
        /// Probability that a message must be sent again, 0 to 1.
        loss: f64,
    },
    /// Nothing gets through the link, or out of the region and into it: a network partition.
    Cut,
    /// Something fills the disk and never empties it while the fault lasts.
    DiskFill {
        /// Bytes written in a second.
        per_s: Bytes,
    },
    /// The app forgets to give connections back to its pool.
    ConnectionLeak {
        /// Share of the uses after which the connection is not returned.
        share: f64,
    },
    /// A cache loses all that it held.
    ColdCache,
    /// Backups that are made meanwhile cannot be restored.
    CorruptBackup,
    /// A new release is rolled out, one copy after another; when the fault ends, the old one is rolled out again.
    Deploy {
        /// Share of the new release's requests that fail: 0 for a good one.
        errors: f64,
        /// How fast its code runs against the old one's.
        speed: f64,
        /// How long it is watched on one copy before the others follow; zero for no canary.
        canary: Duration,
    },
    /// Users send so many times as many requests.
    Spike {
        /// Times as many.
        factor: f64,
    },
    /// This share of all requests is about the one most popular item.
    HotKey {
        /// 0 to 1.
        share: f64,
    },
    /// Something that runs on a schedule or for ever stops, without a word: a backup job, a drain daemon, a worker.
    Stuck,
}

impl FaultKind {
    /// Its bare numbers: by the key in a stage file, the value, and the smallest and largest sane ones.
    pub fn numbers(&self) -> Vec<(&'static str, f64, [f64; 2])> {
        match *self {
            Self::Slow { speed } => vec![("speed", speed, [0.001, 1.0])],
            Self::Lossy { loss } => vec![("loss", loss, [0.0, 1.0])],
            Self::ConnectionLeak { share } | Self::HotKey { share } => vec![("share", share, [0.0, 1.0])],
            Self::Spike { factor } => vec![("factor", factor, [0.0, 1_000.0])],
            Self::Deploy { errors, speed, .. } => {
                vec![("errors", errors, [0.0, 1.0]), ("speed", speed, [0.001, 1_000.0])]
            }
            _ => Vec::new(),
        }
    }

    /// Whether somebody should be told of it: a sound release is no trouble.
    pub(crate) fn is_trouble(&self) -> bool {
        !matches!(self, Self::Deploy { errors, speed, .. } if *errors == 0.0 && *speed >= 1.0)
    }
}

impl FaultKind {
    /// What happens, as a reader sees it behind the name of what it happens to.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Slow { .. } => "slow",
            Self::MemoryLeak { .. } => "leaks memory",
            Self::Lossy { .. } => "loses packets",
            Self::Cut => "cut off",
            Self::DiskFill { .. } => "fills its disk",
            Self::ConnectionLeak { .. } => "leaks connections",
            Self::ColdCache => "emptied",
            Self::CorruptBackup => "makes corrupt backups",
            Self::Deploy { .. } => "gets a new release",
            Self::Spike { .. } => "come all at once",
            Self::HotKey { .. } => "ask for one item",
            Self::Stuck => "stuck",
        }
    }
}

pack_struct!(Region { id, latency });
pack_struct!(Stage { title, workload, regions, machines, components, links, faults, challenge });
pack_struct!(NamedMachine { id, size, machine });
pack_struct!(Component { id, copies, machine, region, at, settings });
pack_enum!(Placement { 0 => Shared(index), 1 => Own { size, machine } });
pack_struct!(Link { from, to, latency, bandwidth, classes });
pack_struct!(Fault { at, lasts, on, kind });
pack_enum!(Target { 0 => Component(index, copy), 1 => Machine(index), 2 => Link(index), 3 => Region(index) });
pack_enum!(FaultKind {
    0 => Down,
    1 => Slow { speed },
    2 => MemoryLeak { per_s },
    3 => Lossy { loss },
    4 => Cut,
    5 => DiskFill { per_s },
    6 => ConnectionLeak { share },
    7 => ColdCache,
    8 => CorruptBackup,
    9 => Deploy { errors, speed, canary },
    10 => Spike { factor },
    11 => HotKey { share },
    12 => Stuck,
});

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

    /// Time that a packet takes one way along a link: its own latency, and the distance between the two regions.
    pub fn latency(&self, link: &Link) -> Duration {
        // What is everywhere, and in no region by name, is close to whoever calls it.
        let region = |component: usize| {
            let component = self.components.get(component)?;
            component.region.or((!component.settings.kind().is_everywhere()).then_some(0))
        };
        let ends = region(link.from).zip(region(link.to));
        let distance = ends.and_then(|(from, to)| self.regions.get(from)?.latency.get(to));
        Duration::from_ns(link.latency.ns().saturating_add(distance.map_or(0, |distance| distance.ns())))
    }

    /// The name of what a fault befalls: `app#2`, `box`, `app -> database`.
    pub fn target_name(&self, on: &Target) -> String {
        match on {
            Target::Component(index, Some(copy)) if *index < self.components.len() => self.copy_name(*index, *copy),
            Target::Component(index, _) => self.id(*index).to_owned(),
            Target::Machine(index) => self.machines.get(*index).map(|machine| machine.id.clone()).unwrap_or_default(),
            Target::Region(index) => self.regions.get(*index).map(|region| region.id.clone()).unwrap_or_default(),
            Target::Link(index) => self.link_name(*index, " -> "),
        }
    }

    /// A link by its ends, with this between them; nothing where there is no such link.
    pub fn link_name(&self, link: usize, arrow: &str) -> String {
        self.links.get(link).map(|link| [self.id(link.from), arrow, self.id(link.to)].concat()).unwrap_or_default()
    }

    fn id(&self, component: usize) -> &str {
        self.components.get(component).map_or("", |component| component.id.as_str())
    }

    /// Requests a second that these users send: their share of the workload's.
    pub fn users_rate(&self, users: &Component) -> f64 {
        let share = |component: &Component| match &component.settings {
            Settings::Clients(clients) => clients.share,
            _ => 0.0,
        };
        let all: f64 = self.components.iter().map(share).sum();
        self.workload.rate.per_s() * share(users) / all.max(f64::MIN_POSITIVE)
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
        crate::cost::machines_per_month(self)
    }
}
