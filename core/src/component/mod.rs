//! The kinds of component: one file each, and the one list that names them.
//!
//! A component's file holds its settings with their defaults and sources ([`settings!`](crate::settings)), what it
//! models and leaves out (`ABOUT`), how it handles a request (`State`, on the [engine](crate::engine)), and what theory
//! needs to know of it (`flow`). To add one: write the file, and add its line to `components!` below.

pub mod app_server;
pub mod clients;
pub mod database;
pub mod dns;

use serde::{Deserialize, Deserializer, Serialize};

use crate::settings::{Field, Knob, Settings as _};

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
                match self { $( Self::$kind => &$module::ABOUT, )* }
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

            /// The setting with this key.
            pub fn knob(&self, name: &str) -> Option<&dyn Knob> {
                match self { $( Self::$kind(settings) => settings.knob(name), )* }
            }

            /// The setting with this key, to be changed.
            pub fn knob_mut(&mut self, name: &str) -> Option<&mut dyn Knob> {
                match self { $( Self::$kind(settings) => settings.knob_mut(name), )* }
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
}
