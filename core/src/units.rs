//! Quantities with units, as they are written by hand in a stage file: `"500 ms"`, `"4 GB"`, `"926/s"`.
//!
//! In a human-readable format (TOML, JSON) a quantity is its text; in a binary one (the page's state) it is its
//! number. A bare number is refused where a unit is needed: `timeout = 5` would leave the reader guessing.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::number;
use crate::pack::{Input, Pack};

/// Simulated time since the start of a run, in nanoseconds.
pub type Nanos = u64;

/// Nanoseconds in a second.
pub const SECOND_NS: u64 = 1_000_000_000;

/// A time as a number to calculate with. By way of a signed integer: most processors turn only those into floats in one
/// instruction, and 292 years are enough.
#[inline]
pub(crate) fn to_f64(ns: Nanos) -> f64 {
    ns as i64 as f64
}

/// The whole nanoseconds of a number that is not negative; see [`to_f64`].
#[inline]
pub(crate) fn whole_ns(ns: f64) -> Nanos {
    ns as i64 as Nanos
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct QuantityError {
    text: String,
    expected: &'static str,
}

/// Splits `"2.5 ms"` into 2.5 and `"ms"`. The number may hold underscores; it is finite and not negative.
fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.replace('_', "").parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| (number, unit.trim()))
}

/// The largest unit in which `value` is at least one, with at most three decimals.
fn write_scaled(f: &mut fmt::Formatter<'_>, value: f64, units: &[(&str, f64)]) -> fmt::Result {
    let (name, size) =
        units.iter().rev().find(|(_, size)| value >= *size).or(units.first()).copied().unwrap_or(("", 1.0));
    write!(f, "{} {name}", number::short(value / size, 3))
}

/// What a quantity's text looks like, as a regular expression that Rust and ECMA 262 read alike.
fn pattern(units: &[&[(&str, f64)]]) -> String {
    let names: Vec<&str> = units.iter().copied().flatten().map(|(name, _)| *name).collect();
    format!(r"^\s*([0-9_]+(\.[0-9_]*)?|\.[0-9_]+)\s*({})\s*$", names.join("|"))
}

macro_rules! quantity {
    ($name:ident, $repr:ty, $expected:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(Text)
                } else {
                    <$repr>::deserialize(deserializer).map($name)
                }
            }
        }

        impl Pack for $name {
            fn pack(&self, out: &mut Vec<u8>) {
                self.0.pack(out);
            }
            fn unpack(input: &mut Input<'_>) -> Option<Self> {
                Pack::unpack(input).map($name)
            }
        }
    };
}

/// A length of time, held in nanoseconds; written `"250 us"`, `"500 ms"`, `"30 s"`, `"5 min"`, `"2 h"`, `"7 d"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

const DURATION_UNITS: [(&str, f64); 7] =
    [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 60e9), ("h", 3600e9), ("d", 86_400e9)];

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// What its text looks like, as a regular expression.
    pub fn pattern() -> String {
        pattern(&[&DURATION_UNITS, &[("µs", 1e3)]])
    }

    /// A length of whole nanoseconds.
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// A length of whole milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// A length of whole seconds.
    pub const fn from_s(s: u64) -> Self {
        Self(s * SECOND_NS)
    }

    /// The nearest length to `seconds`; a negative or undefined number becomes zero.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self((seconds * 1e9 + 0.5) as u64)
    }

    /// Nanoseconds.
    pub const fn ns(self) -> u64 {
        self.0
    }

    /// Seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Milliseconds.
    pub fn as_ms_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl FromStr for Duration {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError { text: text.to_owned(), expected: "a duration such as \"500 ms\" or \"2 s\"" };
        let (number, unit) = split(text).ok_or_else(error)?;
        let unit = if unit == "µs" { "us" } else { unit };
        let (_, size) = DURATION_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
        let ns = number * size;
        // A century is past every lesson; it keeps sums of durations far from overflow.
        if ns > 36_525.0 * 86_400e9 { Err(error()) } else { Ok(Self((ns + 0.5) as u64)) }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Exact, so that a text read back is the same duration: the largest unit that leaves at most three decimals.
        let exact = |size: u64| self.0 >= size && self.0.is_multiple_of(size.max(1000) / 1000);
        let sizes = [86_400 * SECOND_NS, 3600 * SECOND_NS, 60 * SECOND_NS, SECOND_NS, 1_000_000, 1000];
        let names = ["d", "h", "min", "s", "ms", "us"];
        for (size, name) in sizes.into_iter().zip(names) {
            // Whole days, hours and minutes only: nobody reads "1.234 h" with ease.
            if if size > SECOND_NS { self.0 > 0 && self.0.is_multiple_of(size) } else { exact(size) } {
                return write_scaled(f, self.0 as f64, &[(name, size as f64)]);
            }
        }
        write!(f, "{} ns", self.0)
    }
}

quantity!(Duration, u64, "a duration such as \"500 ms\" or \"2 s\"");

/// An amount of memory or data; written `"64 kB"`, `"512 MB"`, `"4 GB"` (decimal) or `"4 GiB"` (binary).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

const BYTE_UNITS: [(&str, f64); 5] = [("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)];
const BINARY_UNITS: [(&str, f64); 4] =
    [("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0), ("TiB", 1_099_511_627_776.0)];

impl Bytes {
    /// As a number to calculate with; see [`to_f64`].
    #[inline]
    pub(crate) fn to_f64(self) -> f64 {
        to_f64(self.0)
    }

    /// What its text looks like, as a regular expression.
    pub fn pattern() -> String {
        pattern(&[&BYTE_UNITS, &BINARY_UNITS])
    }
}

impl FromStr for Bytes {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError { text: text.to_owned(), expected: "an amount such as \"64 kB\" or \"4 GB\"" };
        let (number, unit) = split(text).ok_or_else(error)?;
        let mut units = BYTE_UNITS.iter().chain(&BINARY_UNITS);
        let (_, size) = units.find(|(name, _)| *name == unit).ok_or_else(error)?;
        let bytes = number * size;
        if bytes > 1e18 { Err(error()) } else { Ok(Self((bytes + 0.5) as u64)) }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, size) in BYTE_UNITS.into_iter().rev() {
            let step = (size as u64).max(1000) / 1000;
            if self.0 as f64 >= size && self.0.is_multiple_of(step) {
                return write_scaled(f, self.0 as f64, &[(name, size)]);
            }
        }
        write!(f, "{} B", self.0)
    }
}

quantity!(Bytes, u64, "an amount such as \"64 kB\" or \"4 GB\"");

/// Events a second; written `"926/s"`, `"30/min"` or `"5/h"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(f64);

const RATE_UNITS: [(&str, f64); 3] = [("/s", 1.0), ("/min", 60.0), ("/h", 3600.0)];

impl Rate {
    /// What its text looks like, as a regular expression.
    pub fn pattern() -> String {
        pattern(&[&RATE_UNITS])
    }

    /// A rate of `per_s` events a second; not finite or negative becomes zero.
    pub fn per_second(per_s: f64) -> Self {
        Self(if per_s.is_finite() { per_s.max(0.0) } else { 0.0 })
    }

    /// Events a second.
    pub fn per_s(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError { text: text.to_owned(), expected: "a rate such as \"926/s\" or \"30/min\"" };
        let (number, unit) = split(text).ok_or_else(error)?;
        let (_, seconds) = RATE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
        Ok(Self(number / seconds))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

quantity!(Rate, f64, "a rate such as \"926/s\" or \"30/min\"");

/// How much a link carries. Written by hand as `"1 Gbit/s"` or `"10 MB/s"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Bandwidth(f64);

const BANDWIDTH_UNITS: [(&str, f64); 6] =
    [("kbit/s", 125.0), ("Mbit/s", 125e3), ("Gbit/s", 125e6), ("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9)];

impl Bandwidth {
    /// What its text looks like, as a regular expression.
    pub fn pattern() -> String {
        pattern(&[&BANDWIDTH_UNITS])
    }

    /// So many bytes a second; not-a-number and less than nothing become zero.
    pub fn bytes_per_second(bytes_per_s: f64) -> Self {
        Self(if bytes_per_s.is_finite() { bytes_per_s.max(0.0) } else { 0.0 })
    }

    /// Bytes a second.
    pub fn bytes_per_s(self) -> f64 {
        self.0
    }
}

impl FromStr for Bandwidth {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError { text: text.to_owned(), expected: "a bandwidth such as \"1 Gbit/s\"" };
        let (number, unit) = split(text).ok_or_else(error)?;
        let (_, size) = BANDWIDTH_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
        Ok(Self(number * size))
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scaled(f, self.0, &BANDWIDTH_UNITS[..3])
    }
}

quantity!(Bandwidth, f64, "a bandwidth such as \"1 Gbit/s\"");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_with_a_unit_is_read() {
        assert_eq!("500 ms".parse(), Ok(Duration::from_ms(500)));
        assert_eq!("2.1ms".parse(), Ok(Duration::from_ns(2_100_000)));
        assert_eq!("1_000 µs".parse(), Ok(Duration::from_ms(1)));
        assert_eq!("4 GB".parse(), Ok(Bytes(4_000_000_000)));
        assert_eq!("1 GiB".parse(), Ok(Bytes(1 << 30)));
        assert_eq!("90/min".parse(), Ok(Rate(1.5)));
    }

    #[test]
    fn hostile_text_is_refused() {
        for text in ["", "5", "-1 s", "nan s", "inf s", "1e9 s", "1 fortnight", "999999999999 d", "1.2.3 s", "s"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert!("1 GBit".parse::<Bytes>().is_err());
        assert!("5".parse::<Rate>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(ns in 0..1_000_000_000_000_000_u64, bytes in 0..1_000_000_000_000_u64) {
            prop_assert_eq!(Duration(ns).to_string().parse(), Ok(Duration(ns)));
            prop_assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
        }
    }
}
