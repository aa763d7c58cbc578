//! What users ask for: classes of request, their mix, how they arrive, and how much service one of them demands.

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

use crate::pack::{Input, Pack};
use crate::schedule::Schedule;
use crate::units::{Bytes, Duration, Rate};
use crate::{pack_enum, pack_struct};

/// Peak requests a second of one daily active user.
///
/// The journey's rule: 200 requests a day, and a busiest hour at four times the daily mean: 200 × 4 / 86,400.
pub const PEAK_PER_DAILY_USER: f64 = 200.0 * 4.0 / 86_400.0;

/// The kinds of request that Tick answers; each has its own demands and its own shape on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Class {
    /// A style sheet, script or picture: no query.
    Static,
    /// A page or an API answer made from the database.
    Read,
    /// A change to the database.
    Write,
    /// Heavier work on a user's behalf: a digest, a thumbnail.
    Job,
}

impl Class {
    /// Every class, in the order of their discriminants.
    pub const ALL: [Self; 4] = [Self::Static, Self::Read, Self::Write, Self::Job];

    /// The class's key in a stage file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Read => "read",
            Self::Write => "write",
            Self::Job => "job",
        }
    }

    /// The class of a key in a stage file.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// One value for each class. In a stage file either one value for all, or a table of classes; a class that the table
/// does not name has the type's default (no demand, no share).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PerClass<T>(pub [T; 4]);

impl<T> PerClass<T> {
    /// The value of one class.
    pub fn get(&self, class: Class) -> &T {
        &self.0[class as usize]
    }

    /// The value of one class, to be changed.
    pub fn get_mut(&mut self, class: Class) -> &mut T {
        &mut self.0[class as usize]
    }

    /// Each class with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Class, &T)> {
        Class::ALL.into_iter().zip(&self.0)
    }
}

impl<T: Copy> PerClass<T> {
    /// The same value for every class.
    pub const fn all(value: T) -> Self {
        Self([value; 4])
    }
}

impl<T: Serialize> Serialize for PerClass<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_map(self.iter().map(|(class, value)| (class.name(), value)))
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de, T: Deserialize<'de> + Copy + Default> Deserialize<'de> for PerClass<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(PerClassVisitor(PhantomData))
        } else {
            <[T; 4]>::deserialize(deserializer).map(Self)
        }
    }
}

impl<T: Pack + Copy + Default> Pack for PerClass<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        Pack::unpack(input).map(Self)
    }
}

struct PerClassVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Copy + Default> Visitor<'de> for PerClassVisitor<T> {
    type Value = PerClass<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value, or a table of `static`, `read`, `write`, `job`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PerClass<T>, A::Error> {
        let mut values = PerClass([T::default(); 4]);
        while let Some(class) = map.next_key::<Class>()? {
            *values.get_mut(class) = map.next_value()?;
        }
        Ok(values)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PerClass<T>, E> {
        T::deserialize(de::value::StrDeserializer::new(text)).map(PerClass::all)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<PerClass<T>, E> {
        T::deserialize(de::value::F64Deserializer::new(number)).map(PerClass::all)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<PerClass<T>, E> {
        T::deserialize(de::value::I64Deserializer::new(number)).map(PerClass::all)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<PerClass<T>, E> {
        T::deserialize(de::value::U64Deserializer::new(number)).map(PerClass::all)
    }
}

/// How much service one request wants: a distribution given by its mean and its coefficient of variation.
///
/// Written `"2.1 ms"` (exponential) or `{ mean = "2.1 ms", cv = 0.0 }`. The coefficient of variation is the standard
/// deviation over the mean: 0 is constant, 1 exponential; between them a mixture of two Erlang distributions, above 1
/// a two-phase hyperexponential with balanced means. Both fits match the first two moments exactly; see Tijms, *A First
/// Course in Stochastic Models* (2003), appendix B.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Mean service wanted.
    pub mean: Duration,
    /// Standard deviation over mean, 0 to 10.
    pub cv: f64,
}

pack_struct!(Demand { mean, cv });

impl Demand {
    /// A smaller coefficient of variation than this is taken for none: it would take over four hundred phases.
    pub const SMALLEST_CV: f64 = 0.05;

    /// The largest coefficient of variation that the fit takes.
    pub const LARGEST_CV: f64 = 10.0;

    /// No service at all.
    pub const NONE: Self = Self::exponential(Duration::ZERO);

    /// An exponential demand.
    pub const fn exponential(mean: Duration) -> Self {
        Self { mean, cv: 1.0 }
    }

    /// A demand that never varies.
    pub const fn constant(mean: Duration) -> Self {
        Self { mean, cv: 0.0 }
    }

    /// Second moment, in square seconds.
    pub fn second_moment_s2(&self) -> f64 {
        let mean = self.mean.as_secs_f64();
        mean * mean * (1.0 + self.cv * self.cv)
    }
}

impl Default for Demand {
    fn default() -> Self {
        Self::NONE
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemandTable {
    mean: Duration,
    #[serde(default = "one")]
    cv: f64,
}

fn one() -> f64 {
    1.0
}

impl Serialize for Demand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() && self.cv == 1.0 {
            self.mean.serialize(serializer)
        } else {
            DemandTable { mean: self.mean, cv: self.cv }.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Demand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrTable;
        impl<'de> Visitor<'de> for TextOrTable {
            type Value = Demand;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mean such as \"2.1 ms\", or { mean = \"2.1 ms\", cv = 1.0 }")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Demand, E> {
                text.parse().map(Demand::exponential).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Demand, A::Error> {
                let table = DemandTable::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Demand { mean: table.mean, cv: table.cv })
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(TextOrTable)
        } else {
            DemandTable::deserialize(deserializer).map(|t| Demand { mean: t.mean, cv: t.cv })
        }
    }
}

/// How requests follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// Independent users: exponential gaps.
    #[default]
    Poisson,
    /// A metronome: equal gaps.
    Constant,
}

pack_enum!(Arrivals { 0 => Poisson, 1 => Constant });

/// Bursts: a Poisson stream whose rate jumps between two levels at random times, a two-state Markov-modulated Poisson
/// process (Fischer & Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook", 1993). The mean rate is
/// the workload's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// Rate in a burst over the rate between bursts, at least one.
    pub factor: f64,
    /// Mean length of a burst.
    pub lasts: Duration,
    /// Mean time from the end of a burst to the beginning of the next.
    pub every: Duration,
}

/// A day: the rate swings between the workload's rate, at the busiest moment in the middle, and a share of it at the
/// quietest, where the run begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// Its length; shorter than a real one where a reader should see a whole one.
    pub length: Duration,
    /// The quietest moment's rate, as a share of the busiest's.
    pub quiet: f64,
}

/// A closed workload: so many users, each of whom sends the next request a while after the answer to the last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// Users.
    pub users: u32,
    /// Think time between an answer and the next request.
    pub think: Demand,
}

/// Which items requests are about: rank k with a probability in proportion to k to the power of `-zipf`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Popularity {
    /// The exponent; 0 makes all items equally popular.
    pub zipf: f64,
    /// How many items there are.
    pub items: u64,
}

impl Default for Popularity {
    /// Breslau et al., "Web Caching and Zipf-like Distributions", INFOCOM 1999, found exponents of 0.64 to 0.83 at
    /// proxies, and higher ones nearer to the server; 1.0 is the classic value.
    fn default() -> Self {
        Self { zipf: 1.0, items: 1_000_000 }
    }
}

pack_struct!(Bursts { factor, lasts, every });
pack_struct!(Day { length, quiet });
pack_struct!(Closed { users, think });
pack_struct!(Popularity { zipf, items });

/// What users ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workload {
    /// Requests a second; of a day its busiest moment's, of a closed workload nothing.
    pub rate: Rate,
    /// How requests follow one another.
    pub arrivals: Arrivals,
    /// Bursts, if any.
    pub bursts: Option<Bursts>,
    /// The daily swing, if any.
    pub day: Option<Day>,
    /// Users who wait for their answers before they go on, instead of a rate.
    pub closed: Option<Closed>,
    /// Share of each class; the shares add up to one.
    pub mix: PerClass<f64>,
    /// Which items requests are about.
    pub popularity: Popularity,
    /// Bytes of a request, headers included.
    pub request_size: PerClass<Bytes>,
    /// Bytes of a response, headers included.
    pub response_size: PerClass<Bytes>,
    /// Where there is one, requests come as it says, and rate, arrivals and mix are not used. No part of a stage file.
    #[serde(skip)]
    pub schedule: Option<Schedule>,
}

// Most workloads are plain: whatever lies beyond rate, arrivals and mix is written only where it is not the default.
impl Pack for Workload {
    fn pack(&self, out: &mut Vec<u8>) {
        self.rate.pack(out);
        self.arrivals.pack(out);
        self.mix.pack(out);
        let plain = Self { rate: self.rate, arrivals: self.arrivals, mix: self.mix, ..Self::default() };
        let special = *self != plain;
        special.pack(out);
        if special {
            self.bursts.pack(out);
            self.day.pack(out);
            self.closed.pack(out);
            self.popularity.pack(out);
            self.request_size.pack(out);
            self.response_size.pack(out);
            self.schedule.pack(out);
        }
    }

    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        let (rate, arrivals, mix) = (Pack::unpack(input)?, Pack::unpack(input)?, Pack::unpack(input)?);
        let mut workload = Self { rate, arrivals, mix, ..Self::default() };
        if bool::unpack(input)? {
            (workload.bursts, workload.day, workload.closed) =
                (Pack::unpack(input)?, Pack::unpack(input)?, Pack::unpack(input)?);
            workload.popularity = Pack::unpack(input)?;
            (workload.request_size, workload.response_size) = (Pack::unpack(input)?, Pack::unpack(input)?);
            workload.schedule = Pack::unpack(input)?;
        }
        Some(workload)
    }
}

impl Default for Workload {
    /// Sizes: the HTTP Archive's median page of 2024 has 70-odd requests and 2.6 MB: some 35 kB each, most of them
    /// static. An answer of a JSON interface is a few kilobytes.
    fn default() -> Self {
        let kb = |kilobytes: u64| Bytes(kilobytes * 1000);
        Self {
            rate: Rate::default(),
            arrivals: Arrivals::Poisson,
            bursts: None,
            day: None,
            closed: None,
            mix: PerClass([0.70, 0.24, 0.05, 0.01]),
            popularity: Popularity::default(),
            request_size: PerClass([Bytes(700), Bytes(700), kb(2), kb(2)]),
            response_size: PerClass([kb(35), kb(8), kb(1), kb(1)]),
            schedule: None,
        }
    }
}
