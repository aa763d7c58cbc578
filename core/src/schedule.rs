//! Arrivals that are known one by one: those that a load generator really sent.
//!
//! A simulation that is driven by them shares the luck of the measurement, the bursts and the lulls, so that what differs
//! between the two is the model. This is the *correlated inspection approach* (Law & Kelton, *Simulation Modeling and
//! Analysis*, section 5.6.1).

use std::fmt::Write as _;
use std::sync::Arc;

use crate::pack::{Input, Pack};
use crate::units::Nanos;
use crate::workload::Class;

/// One request to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it comes, counted from the start.
    pub at: Nanos,
    /// What it asks for.
    pub class: Class,
}

/// Requests in the order of their coming. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Arc<[Arrival]>);

impl Pack for Schedule {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.len().pack(out);
        for arrival in self.0.iter() {
            arrival.at.pack(out);
            (arrival.class as u8).pack(out);
        }
    }

    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        let arrivals = (0..usize::unpack(input)?).map(|_| {
            let (at, class) = (Pack::unpack(input)?, u8::unpack(input)?);
            Some(Arrival { at, class: *Class::ALL.get(usize::from(class))? })
        });
        let arrivals: Option<Vec<Arrival>> = arrivals.collect();
        arrivals.filter(|arrivals| arrivals.is_sorted_by_key(|arrival| arrival.at)).map(Self::new)
    }
}

/// Nanoseconds in the unit of the text form.
const US_NS: Nanos = 1_000;

impl Schedule {
    /// Most arrivals that the text form holds: some five megabytes.
    pub const WRITTEN_MAX: usize = 1_000_000;

    /// A schedule of these arrivals, which must come in order.
    pub fn new(arrivals: impl IntoIterator<Item = Arrival>) -> Self {
        let arrivals: Arc<[Arrival]> = arrivals.into_iter().collect();
        debug_assert!(arrivals.is_sorted_by_key(|arrival| arrival.at), "arrivals come in order");
        Self(arrivals)
    }

    /// The arrivals.
    pub fn arrivals(&self) -> &[Arrival] {
        &self.0
    }

    /// The same arrivals, all later by `ns`.
    #[must_use]
    pub fn delayed(&self, ns: Nanos) -> Self {
        Self::new(self.0.iter().map(|arrival| Arrival { at: arrival.at + ns, class: arrival.class }))
    }

    /// The text form: for each arrival the first letter of its class and the microseconds since the one before, as in
    /// `s812r33s1290`.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.0.len() * 5);
        let mut before_us = 0;
        for arrival in self.0.iter() {
            let at_us = arrival.at / US_NS;
            // Writing to a String cannot fail.
            let _ = write!(text, "{}{}", letter(arrival.class), at_us - before_us);
            before_us = at_us;
        }
        text
    }

    /// Reads the text form; none when it is anything else, or holds more than [`WRITTEN_MAX`](Self::WRITTEN_MAX).
    pub fn read(text: &str) -> Option<Self> {
        let mut arrivals = Vec::new();
        let mut at: Nanos = 0;
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let class = Class::ALL.into_iter().find(|class| letter(*class) == first)?;
            rest = &rest[1..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let gap_us: Nanos = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            at = at.checked_add(gap_us.checked_mul(US_NS)?)?;
            arrivals.push(Arrival { at, class });
            if arrivals.len() > Self::WRITTEN_MAX {
                return None;
            }
        }
        Some(Self::new(arrivals))
    }
}

/// The classes differ in their first letters.
fn letter(class: Class) -> char {
    char::from(class.name().as_bytes()[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_form_says_classes_and_gaps() {
        let arrival = |at_us: u64, class| Arrival { at: at_us * 1_000, class };
        let schedule =
            Schedule::new([arrival(812, Class::Static), arrival(845, Class::Read), arrival(845, Class::Job)]);
        assert_eq!(schedule.text(), "s812r33j0");
        assert_eq!(Schedule::read("s812r33j0"), Some(schedule));
        assert_eq!(Schedule::read(""), Some(Schedule::new([])));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[srwjx0-9é]{0,40}") {
            if let Some(schedule) = Schedule::read(&text) {
                prop_assert_eq!(Schedule::read(&schedule.text()), Some(schedule));
            }
        }
    }
}
