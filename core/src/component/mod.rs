//! The kinds of component: one file each, and the one list that names them.
//!
//! A component's file holds its settings with their defaults and sources ([`settings!`](crate::settings)), what it
//! models and leaves out (`ABOUT`), how it handles a request (`State`, on the [engine](crate::engine)), and what theory
//! is told of it (`flow`). To add one: write the file, and add its line to `components!` below.

mod app_log;
pub mod app_server;
mod arrivals;
pub mod autoscaler;
pub mod backup;
pub mod batch;
pub mod cache;
pub mod cdn;
pub mod clients;
pub mod database;
pub mod dns;
mod edges;
mod flights;
pub(crate) mod flow;
pub mod glance;
pub(crate) mod group;
mod health;
pub mod journal;
pub mod load_balancer;
pub mod log_pipeline;
mod lru;
mod messages;
pub mod monitor;
pub mod object_store;
mod outbound;
mod places;
mod pool;
mod program;
pub mod queue;
mod register;
pub mod replica;
mod replication;
pub mod session_store;
mod sessions;
pub mod shards;
mod slots;
mod spread;
mod storage;
mod store;
mod table;
#[cfg(test)]
mod trial;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::engine::calls::CallId;
use crate::engine::{Engine, Reply};
use crate::pack::{Input, Pack};
use crate::settings::{Field, Knob, Settings as _, Unit};
use crate::stage::FaultKind;
use crate::units::Nanos;
use crate::workload::{Class, Demand, PerClass, Workload};

/// What a kind is, as the page tells it.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name for a reader: "Application server".
    pub name: &'static str,
    /// What it is, in one sentence.
    pub summary: &'static str,
    /// What the model does, one sentence each.
    pub models: &'static [&'static str],
    /// What it does besides, once settings that are off by default are turned on; one sentence each.
    pub also: &'static [&'static str],
    /// What the model leaves out, one sentence each.
    pub leaves_out: &'static [&'static str],
    /// Whether it runs on a machine of ours.
    pub hosted: bool,
    /// Whether it acts on its own, so that nobody need call it.
    pub origin: bool,
    /// The kinds that it may call.
    pub calls: &'static [Kind],
    /// Figures of its own that its card shows, the first for sure, the others where there is room.
    pub glance: &'static [glance::Glance],
}

impl About {
    /// Without the sentences, where the program has no use for them: see the feature `texts`.
    const fn told(self) -> Self {
        if cfg!(feature = "texts") {
            self
        } else {
            Self { summary: "", models: &[], also: &[], leaves_out: &[], ..self }
        }
    }
}

macro_rules! components {
    ($( $module:ident, $kind:ident, $key:literal; )*) => {
        /// The kinds of component.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Kind {
            $( #[doc = concat!("See [`", stringify!($module), "`].")] $kind, )*
        }

        /// The settings of one component, and with them its kind.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Settings {
            $( #[doc = concat!("See [`", stringify!($module), "`].")] $kind($module::Settings), )*
        }

        impl Kind {
            /// Every kind, in the palette's order.
            pub const ALL: &[Self] = &[$( Self::$kind ),*];

            /// The kind's key in a stage file.
            pub const fn key(self) -> &'static str {
                match self { $( Self::$kind => $key, )* }
            }

            /// What it is.
            pub const fn about(self) -> &'static About {
                match self { $( Self::$kind => const { &$module::ABOUT.told() }, )* }
            }

            /// Its settings' descriptions.
            pub fn fields(self) -> &'static [Field] {
                match self { $( Self::$kind => $module::Settings::fields(), )* }
            }

            /// Its default settings.
            pub fn default_settings(self) -> Settings {
                match self { $( Self::$kind => Settings::$kind($module::Settings::default()), )* }
            }

            /// Reads the settings of this kind.
            ///
            /// # Errors
            /// Those of the deserializer: an unknown field, a value of the wrong type.
            pub fn read_settings<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<Settings, D::Error> {
                match self {
                    $( Self::$kind => $module::Settings::deserialize(deserializer).map(Settings::$kind), )*
                }
            }
        }

        impl Settings {
            /// The kind.
            pub const fn kind(&self) -> Kind {
                match self { $( Self::$kind(_) => Kind::$kind, )* }
            }

            /// The setting at this place among the kind's fields.
            fn knob_at(&mut self, place: usize) -> Option<&mut dyn Knob> {
                match self {
                    $( Self::$kind(settings) => settings.knob_at(place), )*
                }
            }

            /// What theory is told of it.
            pub(crate) fn flow(&self, class: Class, context: &flow::Context<'_>) -> flow::Flow {
                match self {
                    $( Self::$kind(settings) => $module::flow(settings, class, context), )*
                }
            }

            /// A copy of the component, at work.
            pub(crate) fn build(
                &self,
                place: Place,
                workload: &Workload,
                engine: &mut Engine,
            ) -> Box<dyn Behaviour> {
                match self {
                    $( Self::$kind(settings) => Box::new($module::State::new(settings, place, workload, engine)), )*
                }
            }
        }
    };
}

components! {
    clients, Clients, "clients";
    dns, Dns, "dns";
    cdn, Cdn, "cdn";
    object_store, ObjectStore, "object-store";
    load_balancer, LoadBalancer, "load-balancer";
    app_server, AppServer, "app-server";
    session_store, SessionStore, "session-store";
    cache, Cache, "cache";
    database, Database, "database";
    replica, Replica, "replica";
    shards, Shards, "shards";
    queue, Queue, "queue";
    journal, Journal, "journal";
    autoscaler, Autoscaler, "autoscaler";
    backup, Backup, "backup";
    log_pipeline, LogPipeline, "log-pipeline";
    monitor, Monitor, "monitor";
    batch, Batch, "batch";
}

impl Kind {
    /// The kind with this key in a stage file.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.key() == key)
    }

    /// Whether it is close to everybody unless it is given a region: it answers from many places.
    pub(crate) const fn is_everywhere(self) -> bool {
        matches!(self, Self::Dns | Self::Cdn)
    }

    /// Whether it keeps the app's rows, or leads to those that do.
    pub(crate) const fn keeps_rows(self) -> bool {
        matches!(self, Self::Database | Self::Replica | Self::Shards)
    }

    fn place_of(self, field: &str) -> Option<usize> {
        self.fields().iter().position(|each| each.name == field)
    }
}

impl Settings {
    /// Whether a setting does anything as the others stand; see [`Field::needs`].
    pub fn matters(&self, field: &Field) -> bool {
        let default = self.kind().default_settings();
        let changed = |name: &str| {
            let value = |mut of: Self| {
                of.knob(name).map(|knob| (knob.read(None), Class::ALL.map(|class| knob.read(Some(class)))))
            };
            value(*self) != value(default)
        };
        field.needs.is_empty() || field.needs.iter().any(|name| changed(name))
    }

    /// Processor time that one call of each class demands, where a deployment's own can be measured.
    pub const fn demand(&self) -> Option<&PerClass<Demand>> {
        match self {
            Self::AppServer(app) => Some(&app.demand),
            Self::Database(database) => Some(&database.demand),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub const fn demand_mut(&mut self) -> Option<&mut PerClass<Demand>> {
        match self {
            Self::AppServer(app) => Some(&mut app.demand),
            Self::Database(database) => Some(&mut database.demand),
            _ => None,
        }
    }

    /// The setting with this key, to be read or changed.
    pub fn knob(&mut self, name: &str) -> Option<&mut dyn Knob> {
        self.knob_at(self.kind().place_of(name)?)
    }
}

impl Pack for Kind {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        Self::ALL.get(usize::from(input.byte()?)).copied()
    }
}

// One loop for every kind: no kind adds code of its own. Only what differs from the defaults is written, each with its
// place, counted from one; a zero ends them. A kind has some dozens of settings, and a stage turns a few.
impl Pack for Settings {
    fn pack(&self, out: &mut Vec<u8>) {
        self.kind().pack(out);
        let default = self.kind().default_settings();
        let bytes = |mut settings: Self, place: usize| {
            let mut bytes = Vec::new();
            settings.knob_at(place).inspect(|knob| knob.pack_here(&mut bytes));
            bytes
        };
        for place in 0..self.kind().fields().len() {
            let here = bytes(*self, place);
            if here != bytes(default, place) {
                out.push(place as u8 + 1);
                out.extend(here);
            }
        }
        out.push(0);
    }

    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        let mut settings = Kind::unpack(input)?.default_settings();
        loop {
            let Some(place) = input.byte()?.checked_sub(1) else { return Some(settings) };
            if !settings.knob_at(usize::from(place))?.unpack_here(input) {
                return None;
            }
        }
    }
}

/// Where a copy of a component stands: its name for random streams, its machine, and whom it may call.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) node: u16,
    /// Which copy it is, counted from 0, and of how many.
    pub(crate) copy: u32,
    pub(crate) copies: u32,
    /// None for what runs on hardware that is not ours.
    pub(crate) host: Option<u32>,
    /// Which component of its kind it is, counted from 0.
    pub(crate) ordinal: u16,
    /// The sum of all users' shares, and of those whose component comes before this one.
    pub(crate) weight: f64,
    pub(crate) weight_before: f64,
    /// Every copy's node of its own component.
    pub(crate) peers: Vec<u16>,
    /// The edges that leave it.
    pub(crate) edges: Vec<Way>,
    /// The nodes that call it, by kind.
    pub(crate) callers: Vec<(u16, Kind)>,
}

#[cfg(test)]
impl Place {
    /// Of the only copy of a component that nobody calls, and that calls those at the ends of these edges.
    pub(crate) fn of_one(name: &str, edges: Vec<Way>) -> Self {
        Self {
            name: name.to_owned(),
            node: 0,
            copy: 0,
            copies: 1,
            host: None,
            ordinal: 0,
            weight: 1.0,
            weight_before: 0.0,
            peers: vec![0],
            edges,
            callers: Vec::new(),
        }
    }
}

/// An edge that leaves a copy, with what is at its other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) edge: u16,
    /// The node at its end.
    pub(crate) node: u16,
    /// Index of that node's component in the stage.
    pub(crate) component: u16,
    pub(crate) kind: Kind,
    /// The classes whose requests go this way.
    pub(crate) classes: PerClass<bool>,
}

impl Place {
    /// The edges to components of one kind.
    pub(crate) fn edges_to(&self, kind: Kind) -> Vec<u16> {
        self.edges.iter().filter(|way| way.kind == kind).map(|way| way.edge).collect()
    }

    /// The edges to components of these kinds that carry a class.
    pub(crate) fn edges_for(&self, kinds: &[Kind], class: Class) -> Vec<u16> {
        let ways = self.edges.iter().filter(|way| kinds.contains(&way.kind) && *way.classes.get(class));
        ways.map(|way| way.edge).collect()
    }
}

/// A figure of a component's own: a hit ratio, a backlog, a lag. Counts and ratios run from the start of the run; two
/// readings and their distance give a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name in results: `hit_ratio`.
    pub name: &'static str,
    /// What its number counts.
    pub unit: Unit,
    /// The number.
    pub reading: MetricReading,
}

/// The number of a [`Metric`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricReading {
    /// As it stands now.
    Gauge(f64),
    /// How many so far.
    Count(f64),
    /// A sum so far, over another: hits over look-ups, waits over waiters.
    Ratio(f64, f64),
}

impl MetricReading {
    /// The number itself; of a ratio, so far.
    pub fn number(&self) -> f64 {
        match *self {
            Self::Gauge(number) | Self::Count(number) => number,
            Self::Ratio(part, of) => {
                if of == 0.0 {
                    0.0
                } else {
                    part / of
                }
            }
        }
    }
}

/// What a caller wants of a call, where a kind tells more than one thing apart; see [`Call::verb`](crate::engine::calls::Call::verb).
pub(crate) const GET: u8 = 0;
/// Store this, or change it.
pub(crate) const PUT: u8 = 1;
/// Forget this.
pub(crate) const DELETE: u8 = 2;
/// Are you well? A health check.
pub(crate) const CHECK: u8 = 3;
/// The last query of a change: it writes, whatever share of the queries does.
pub(crate) const COMMIT: u8 = 4;

/// The note of a cache's answer when it had what was asked for.
pub(crate) const HIT: u64 = 1;
/// The note of a replica's answer when it would have been out of date: the primary must be asked.
pub(crate) const ELSEWHERE: u64 = 2;

/// How full a copy of a component is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeGauge {
    /// Calls that wait for a worker or connection.
    pub waiting: u32,
    /// Most that may wait.
    pub waiting_most: u32,
    /// Calls that hold a worker or connection.
    pub in_service: u32,
    /// Workers or connections.
    pub in_service_most: u32,
    /// Whether it runs.
    pub up: bool,
}

/// A copy of a component at work: how it handles calls.
///
/// Exactly one of these methods runs for each event. A component owes every call that arrives an
/// [answer](Engine::answer), except for those that it loses in [`stop`](Self::stop): whoever stops it answers them.
pub(crate) trait Behaviour {
    /// It begins to run: at time zero, and after each [`stop`](Self::stop).
    fn start(&mut self, _engine: &mut Engine) {}
    /// It dies, with all that it knew.
    fn stop(&mut self, _engine: &mut Engine) {}
    /// A call has come.
    fn arrived(&mut self, engine: &mut Engine, call: CallId);
    /// A call that `call` made was answered, or given up at its deadline.
    fn answered(&mut self, _engine: &mut Engine, _call: CallId, _reply: &Reply) {}
    /// The deadline of a call that was not made over a link has come: a user's patience, work of its own.
    fn expired(&mut self, _engine: &mut Engine, _call: CallId) {}
    /// A processor, a disk or a pause is done with the call.
    fn served(&mut self, engine: &mut Engine, call: CallId);
    /// One of its timers has gone off.
    fn timer(&mut self, _engine: &mut Engine, _which: u8) {}
    /// Other settings and another workload apply from now on. The settings are of its own kind.
    fn configure(&mut self, engine: &mut Engine, settings: &Settings, workload: &Workload);
    /// Of users: the sum of all users' shares, and of those whose component comes before, is this from now on.
    fn take_share(&mut self, _engine: &mut Engine, _all: f64, _before: f64) {}
    /// A fault that only a component of this kind can have begins, or ends.
    fn fault(&mut self, _engine: &mut Engine, _kind: &FaultKind, _on: bool) {}
    /// Somebody empties its machine's disk of what it can do without: its log.
    fn clean_up(&mut self, _engine: &mut Engine) {}
    /// Figures of its own.
    fn metrics(&self, _engine: &Engine, _metrics: &mut Vec<Metric>) {}
    /// How full it is.
    fn gauge(&self) -> NodeGauge {
        NodeGauge { up: true, ..NodeGauge::default() }
    }
    /// Memory that it holds.
    fn memory_bytes(&self) -> f64 {
        0.0
    }
    /// How long it takes to run again after it was killed.
    fn restart_ns(&self) -> Nanos {
        0
    }
    /// How long it finishes what it has before a deploy ends it.
    fn drain_ns(&self) -> Nanos {
        0
    }
}

// By hand: as a supertrait, every component's own would be in every program, used or not.
impl fmt::Debug for dyn Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Behaviour")
    }
}
