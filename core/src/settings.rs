//! Settings that describe themselves.
//!
//! A component declares its settings once, with [`settings!`](crate::settings): name, type, default, sane range and the
//! default's source. The stage file's parser, the range check, the page's inspector, the knobs in a lesson's sentences
//! and the JSON Schema all come from that one declaration.

use crate::pack::{Pack, PackInPlace};
use crate::units::{Bytes, Duration, Rate};
use crate::workload::{Class, Demand, PerClass};

/// What a knob's number counts; it decides how the number is shown and typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things: workers, connections.
    Count,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Events a second.
    PerSecond,
    /// A share, 0 to 1, or another bare number.
    Number,
    /// Off or on: 0 or 1.
    Switch,
    /// One of several named choices, counted from 0; see [`Knob::choices`].
    Choice,
}

/// One setting of a kind of component.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its key in the stage file.
    pub name: &'static str,
    /// What it does, in one or two sentences.
    pub doc: &'static str,
    /// Smallest sane value, in the knob's unit.
    pub min: f64,
    /// Largest sane value, in the knob's unit.
    pub max: f64,
    /// Where the default comes from.
    pub source: &'static str,
    /// Settings without which this one does nothing: it matters once one of them is not at its default. None where it
    /// always matters.
    pub needs: &'static [&'static str],
}

/// A text for a reader, where the program has a use for it: see the feature `texts`.
pub const fn told(text: &'static str) -> &'static str {
    if cfg!(feature = "texts") { text } else { "" }
}

/// A value that is one number, or one number for each class.
pub trait Knob: PackInPlace {
    /// The unit of its numbers.
    fn unit(&self) -> Unit;
    /// The number; `class` is none for a value that is the same for every class.
    fn read(&self, class: Option<Class>) -> Option<f64>;
    /// Sets the number. False when there is no such part.
    fn write(&mut self, class: Option<Class>, value: f64) -> bool;
    /// The coefficient of variation around the number; 1 where the number is not a mean.
    fn variation(&self, _class: Option<Class>) -> f64 {
        1.0
    }
    /// Whether there is one number a class.
    fn per_class(&self) -> bool {
        false
    }
    /// The choices by name, where the number counts them; else none.
    fn choices(&self) -> &'static [&'static str] {
        &[]
    }
}

macro_rules! scalar_knob {
    ($type:ty, $unit:ident, $read:expr, $write:expr) => {
        impl Knob for $type {
            fn unit(&self) -> Unit {
                Unit::$unit
            }
            fn read(&self, class: Option<Class>) -> Option<f64> {
                let read: fn(&$type) -> f64 = $read;
                class.is_none().then(|| read(self))
            }
            fn write(&mut self, class: Option<Class>, value: f64) -> bool {
                let write: fn(&mut $type, f64) = $write;
                let applies = class.is_none() && value.is_finite();
                if applies {
                    write(self, value);
                }
                applies
            }
        }
    };
}

scalar_knob!(u32, Count, |v| f64::from(*v), |v, x| *v = (x + 0.5) as u32);
scalar_knob!(f64, Number, |v| *v, |v, x| *v = x);
scalar_knob!(bool, Switch, |v| f64::from(u8::from(*v)), |v, x| *v = x >= 0.5);
scalar_knob!(Duration, Seconds, |v| v.as_secs_f64(), |v, x| *v = Duration::from_secs_f64(x));
scalar_knob!(Bytes, Bytes, |v| v.0 as f64, |v, x| *v = Bytes((x + 0.5) as u64));
scalar_knob!(Rate, PerSecond, |v| v.per_s(), |v, x| *v = Rate::per_second(x));

impl Knob for Demand {
    fn unit(&self) -> Unit {
        Unit::Seconds
    }
    fn read(&self, class: Option<Class>) -> Option<f64> {
        self.mean.read(class)
    }
    fn write(&mut self, class: Option<Class>, value: f64) -> bool {
        self.mean.write(class, value)
    }
    fn variation(&self, _class: Option<Class>) -> f64 {
        self.cv
    }
}

impl<T: Knob + Pack + Copy + Default> Knob for PerClass<T> {
    fn unit(&self) -> Unit {
        self.0[0].unit()
    }
    fn read(&self, class: Option<Class>) -> Option<f64> {
        self.get(class?).read(None)
    }
    fn write(&mut self, class: Option<Class>, value: f64) -> bool {
        class.is_some_and(|class| self.get_mut(class).write(None, value))
    }
    fn variation(&self, class: Option<Class>) -> f64 {
        class.map_or(1.0, |class| self.get(class).variation(None))
    }
    fn per_class(&self) -> bool {
        true
    }
}

/// Declares a setting that is one of several named choices. The first is the default.
///
/// ```ignore
/// choices! {
///     /// Which entry a full cache throws out.
///     pub enum Policy {
///         /// The one that was not asked for longest.
///         Lru = "lru",
///     }
/// }
/// ```
#[macro_export]
macro_rules! choices {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(#[doc = $first_doc:literal])+ $first:ident = $first_key:literal,
            $( $(#[doc = $doc:literal])+ $choice:ident = $key:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $(#[doc = $first_doc])+
            #[default]
            #[serde(rename = $first_key)]
            $first,
            $( $(#[doc = $doc])+ #[serde(rename = $key)] $choice, )*
        }

        impl $name {
            const ALL: &[Self] = &[Self::$first $(, Self::$choice )*];
        }

        impl $crate::pack::Pack for $name {
            fn pack(&self, out: &mut Vec<u8>) {
                out.push(*self as u8);
            }
            fn unpack(input: &mut $crate::pack::Input<'_>) -> Option<Self> {
                Self::ALL.get(usize::from(input.byte()?)).copied()
            }
        }

        impl $crate::settings::Knob for $name {
            fn unit(&self) -> $crate::settings::Unit {
                $crate::settings::Unit::Choice
            }
            fn read(&self, class: Option<$crate::workload::Class>) -> Option<f64> {
                class.is_none().then_some(f64::from(*self as u8))
            }
            fn write(&mut self, class: Option<$crate::workload::Class>, value: f64) -> bool {
                let choice = Self::ALL.get((value + 0.5) as usize).filter(|_| class.is_none());
                if let Some(choice) = choice {
                    *self = *choice;
                }
                choice.is_some()
            }
            fn choices(&self) -> &'static [&'static str] {
                &[$first_key $(, $key )*]
            }
        }
    };
}

/// Settings of one kind of component, as the rest of the program handles them: by name.
pub trait Settings {
    /// Every setting, in the order in which a reader meets them.
    fn fields() -> &'static [Field];
    /// The setting at this place among the [fields](Self::fields). Who only reads takes a copy: a second way to every setting
    /// of every kind would weigh as much as the first in a page.
    fn knob_at(&mut self, place: usize) -> Option<&mut dyn Knob>;
}

/// Declares the settings of a component: a struct that serde reads, with defaults, ranges and sources.
///
/// ```ignore
/// settings! {
///     /// Settings of a name server.
///     pub struct Settings {
///         /// How long an answer may be kept.
///         ttl: Duration = Duration::from_s(300), 0.0..=86_400.0, "RFC 1035 leaves it to the owner; 300 s is common";
///         /// Size of a pool; 0 for none.
///         pool: u32 = 0, 0.0..=1000.0, "None unless set";
///         /// How long to wait for it. Does nothing while `pool` is at its default.
///         pool_wait: Duration = Duration::from_s(5), 0.0..=60.0, "Rails: 5 s", needs pool;
///     }
/// }
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident : $type:ty = $default:expr, $range:expr, $source:literal
                $(, needs $($needs:ident)|+ )?; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::settings::Settings for $name {
            fn fields() -> &'static [$crate::settings::Field] {
                const FIELDS: &[$crate::settings::Field] = &[ $( $crate::settings::Field {
                    name: stringify!($field),
                    doc: $crate::settings::told(concat!($($doc),+)),
                    min: { let range: std::ops::RangeInclusive<f64> = $range; *range.start() },
                    max: { let range: std::ops::RangeInclusive<f64> = $range; *range.end() },
                    source: $crate::settings::told($source),
                    needs: &[ $( $( stringify!($needs) ),+ )? ],
                }, )* ];
                FIELDS
            }

            fn knob_at(&mut self, place: usize) -> Option<&mut dyn $crate::settings::Knob> {
                let knobs: [Option<&mut dyn $crate::settings::Knob>; _] = [ $( Some(&mut self.$field) ),* ];
                knobs.into_iter().nth(place)?
            }
        }
    };
}
