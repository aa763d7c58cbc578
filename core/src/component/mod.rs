//! The kinds of component: one file each, and the one list that names them.
//!
//! A component's file holds its settings with their defaults and sources ([`settings!`](crate::settings)), what it
//! models and leaves out (`ABOUT`), how it handles a request (`State`, on the [engine](crate::engine)), and what theory
//! needs to know of it (`flow`). To add one: write the file, and add its line to `components!` below.

pub mod app_server;
pub mod clients;
pub mod database;
pub mod dns;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::engine::calls::CallId;
use crate::engine::{Answer, Engine};
use crate::pack::{Input, Pack};
use crate::settings::{Field, Knob, Settings as _};
use crate::units::Nanos;
use crate::workload::Workload;

/// What a kind is, as the page tells it.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name for a reader: "Application server".
    pub name: &'static str,
    /// What it is, in one sentence.
    pub summary: &'static str,
    /// What the model does, one sentence each.
    pub models: &'static [&'static str],
    /// What the model leaves out, one sentence each.
    pub leaves_out: &'static [&'static str],
    /// Whether it runs on a machine of ours.
    pub hosted: bool,
    /// The kinds that it may call.
    pub calls: &'static [Kind],
}

impl About {
    /// Without the sentences, where the program has no use for them: see the feature `texts`.
    const fn told(self) -> Self {
        if cfg!(feature = "texts") { self } else { Self { summary: "", models: &[], leaves_out: &[], ..self } }
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
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
            fn knob_at(&self, place: usize) -> Option<&dyn Knob> {
                match self { $( Self::$kind(settings) => settings.knob_at(place), )* }
            }

            fn knob_at_mut(&mut self, place: usize) -> Option<&mut dyn Knob> {
                match self { $( Self::$kind(settings) => settings.knob_at_mut(place), )* }
            }

            /// A copy of the component, at work.
            pub(crate) fn build(&self, place: Place, workload: &Workload, engine: &mut Engine) -> Box<dyn Behaviour> {
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
    app_server, AppServer, "app-server";
    database, Database, "database";
}

impl Kind {
    /// The kind with this key in a stage file.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.key() == key)
    }

    fn place_of(self, field: &str) -> Option<usize> {
        self.fields().iter().position(|each| each.name == field)
    }
}

impl Settings {
    /// The setting with this key.
    pub fn knob(&self, name: &str) -> Option<&dyn Knob> {
        self.knob_at(self.kind().place_of(name)?)
    }

    /// The setting with this key, to be changed.
    pub fn knob_mut(&mut self, name: &str) -> Option<&mut dyn Knob> {
        self.knob_at_mut(self.kind().place_of(name)?)
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

// One loop for every kind: no kind adds code of its own.
impl Pack for Settings {
    fn pack(&self, out: &mut Vec<u8>) {
        self.kind().pack(out);
        let mut place = 0;
        while let Some(knob) = self.knob_at(place) {
            knob.pack_here(out);
            place += 1;
        }
    }

    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        let mut settings = Kind::unpack(input)?.default_settings();
        let mut place = 0;
        while let Some(knob) = settings.knob_at_mut(place) {
            if !knob.unpack_here(input) {
                return None;
            }
            place += 1;
        }
        Some(settings)
    }
}

/// Where a copy of a component stands: its name for random streams, its machine, and whom it may call.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) node: u16,
    /// None for what runs on hardware that is not ours.
    pub(crate) host: Option<u32>,
    /// The edges that leave it, by the kind at their other end.
    pub(crate) edges: Vec<(u16, Kind)>,
}

impl Place {
    /// The edges to components of one kind.
    pub(crate) fn edges_to(&self, kind: Kind) -> Vec<u16> {
        self.edges.iter().filter(|(_, to)| *to == kind).map(|(edge, _)| *edge).collect()
    }
}

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
    /// A call that `call` made was answered.
    fn answered(&mut self, _engine: &mut Engine, _call: CallId, _answer: Answer) {}
    /// A processor, a disk or a pause is done with the call.
    fn served(&mut self, engine: &mut Engine, call: CallId);
    /// One of its timers has gone off.
    fn timer(&mut self, _engine: &mut Engine, _which: u8) {}
    /// Other settings and another workload apply from now on. The settings are of its own kind.
    fn configure(&mut self, engine: &mut Engine, settings: &Settings, workload: &Workload);
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
}

// By hand: as a supertrait, every component's own would be in every program, used or not.
impl fmt::Debug for dyn Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Behaviour")
    }
}
