//! How a component calls others: which copy, when it tries again, and when it stops trying.

use crate::engine::random::{Draw, Stream};
use crate::engine::{Engine, Presence};
use crate::units::{Duration, Nanos};

/// When a failed call is made again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    /// Attempts in all, the first one included.
    pub(super) tries: u32,
    /// Wait before the second attempt.
    pub(super) backoff: Duration,
    /// Factor on the wait from one attempt to the next: 1 for a fixed wait, 2 for exponential backoff.
    pub(super) growth: f64,
    /// Whether the wait is drawn evenly between nothing and its length: full jitter, which keeps clients that failed
    /// together from coming back together (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    pub(super) jitter: bool,
}

/// No wait is longer.
const WAIT_MOST_NS: f64 = 3600e9;

impl Retry {
    /// How long to wait after so many failed attempts; none to give up.
    pub(super) fn wait_ns(&self, failed: u32, draw: &mut Draw) -> Option<Nanos> {
        if failed >= self.tries {
            return None;
        }
        let mut wait_ns = self.backoff.ns() as f64;
        for _ in 1..failed.min(64) {
            wait_ns = (wait_ns * self.growth).min(WAIT_MOST_NS);
        }
        Some((if self.jitter { wait_ns * draw.uniform() } else { wait_ns }) as Nanos)
    }
}

/// One of these edges, evenly at random among those whose nodes are up and not about to stop; among all that are not
/// in reserve when there is none, for somebody must find out. `number` is the draw's.
pub(super) fn choose(engine: &Engine, edges: &[u16], stream: &Stream, number: u64) -> Option<u16> {
    if let [only] = edges {
        return Some(*only);
    }
    let called = |edge: &u16| !engine.presence(engine.target(*edge)).reserve;
    let well = |edge: &u16| {
        let presence = engine.presence(engine.target(*edge));
        presence.up && !presence.draining && !presence.reserve
    };
    match edges.iter().filter(|edge| well(edge)).count() {
        0 => pick(edges, edges.iter().filter(|edge| called(edge)).count(), called, stream, number),
        count => pick(edges, count, well, stream, number),
    }
}

/// The `number`-th draw's pick among the `count` edges that are `good`; among all when none is.
fn pick(edges: &[u16], count: usize, good: impl Fn(&u16) -> bool, stream: &Stream, number: u64) -> Option<u16> {
    match edges {
        [] => None,
        _ if count == 0 || count == edges.len() => Some(edges[stream.draw(number).below(edges.len() as u32) as usize]),
        _ => edges.iter().copied().filter(good).nth(stream.draw(number).below(count as u32) as usize),
    }
}

/// The same among those edges that fit, of which there may be none.
pub(super) fn choose_among(
    engine: &Engine,
    edges: &[u16],
    fits: impl Fn(&Presence) -> bool,
    stream: &Stream,
    number: u64,
) -> Option<u16> {
    // Does not fit, in reserve, not well, well.
    let rank = |edge: &u16| {
        let presence = engine.presence(engine.target(*edge));
        match presence {
            _ if !fits(presence) => 0,
            Presence { reserve: true, .. } => 1,
            Presence { up: true, draining: false, .. } => 3,
            _ => 2,
        }
    };
    let mut counts = [0_usize; 4];
    edges.iter().for_each(|edge| counts[rank(edge)] += 1);
    let best = (1..counts.len()).rev().find(|rank| counts[*rank] > 0)?;
    let count = counts[best];
    let index = if count > 1 { stream.draw(number).below(count as u32) as usize } else { 0 };
    if count == edges.len() {
        return Some(edges[index]);
    }
    edges.iter().copied().filter(|edge| rank(edge) == best).nth(index)
}

/// A circuit breaker: after so many failures in a row calls are not made for a while, then one is let through to see
/// (Nygard, *Release It!*, 2nd ed. 2018, chapter 5).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open_until: Nanos,
    /// A call is out to see whether the other side has recovered.
    trying: bool,
}

impl Breaker {
    /// Whether a call may be made now. `most` failures in a row open the circuit; none for no breaker at all.
    pub(super) fn lets_through(&mut self, now: Nanos, most: u32) -> bool {
        if most == 0 || self.failures < most {
            return true;
        }
        if now < self.open_until || self.trying {
            return false;
        }
        self.trying = true;
        true
    }

    /// Whether the circuit is open, so that a call that is let through is the one that tries.
    pub(super) fn is_open(&self, most: u32) -> bool {
        most > 0 && self.failures >= most
    }

    /// Takes note of what a call came to. While the circuit is open only the call that tries has a say: answers to calls
    /// from before it opened neither close it nor keep it open for longer.
    pub(super) fn note(&mut self, now: Nanos, ok: bool, tries: bool, most: u32, open_for: Duration) {
        if tries {
            self.trying = false;
        } else if self.is_open(most) {
            return;
        }
        if ok {
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
            self.open_until = now.saturating_add(open_for.ns());
        }
    }
}

/// What a component keeps of a service that it calls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Service {
    pub(super) breaker: Breaker,
    /// Calls that have not been answered.
    pub(super) under_way: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Edge;

    #[test]
    fn who_is_well_is_called_before_who_is_not_and_the_reserve_last() {
        let mut engine = Engine::new(1);
        for node in 0..5 {
            engine.add_node(None, 0);
            engine.add_edge(Edge { link: 0, from: 0, to: node }, 0, 0.0);
        }
        let routes = engine.stream("app", "route");
        let chosen = |engine: &Engine| {
            let fits = |presence: &Presence| !presence.primary;
            let mut chosen: Vec<u16> =
                (0..200).filter_map(|n| choose_among(engine, &[0, 1, 2, 3, 4], fits, &routes, n)).collect();
            chosen.sort_unstable();
            chosen.dedup();
            chosen
        };
        engine.presence_mut(0).primary = true;
        engine.presence_mut(1).reserve = true;
        engine.presence_mut(2).draining = true;
        assert_eq!(chosen(&engine), [3, 4], "those that are well");
        engine.presence_mut(3).up = false;
        assert_eq!(chosen(&engine), [4], "the only one that is well");
        engine.presence_mut(4).up = false;
        assert_eq!(chosen(&engine), [2, 3, 4], "somebody must find out");
        (2..5).for_each(|node| engine.presence_mut(node).reserve = true);
        assert_eq!(chosen(&engine), [1, 2, 3, 4], "the reserve, where there is nobody else");
        (1..5).for_each(|node| engine.presence_mut(node).primary = true);
        assert_eq!(chosen(&engine), [], "nobody who does not fit");
    }

    #[test]
    fn backoff_grows_and_ends() {
        let retry = Retry { tries: 4, backoff: Duration::from_ms(100), growth: 2.0, jitter: false };
        let mut draw = Stream::new(1, "app", "retry").draw(1);
        let waits: Vec<_> = (1..=4).map(|failed| retry.wait_ns(failed, &mut draw)).collect();
        assert_eq!(waits, [Some(100_000_000), Some(200_000_000), Some(400_000_000), None]);
    }

    #[test]
    fn a_breaker_opens_after_failures_in_a_row_and_lets_one_call_try() {
        let (mut breaker, open_for) = (Breaker::default(), Duration::from_s(10));
        for _ in 0..3 {
            assert!(breaker.lets_through(0, 3));
            breaker.note(0, false, false, 3, open_for);
        }
        let later = open_for.ns();
        assert!(!breaker.lets_through(later - 1, 3), "open");
        assert!(breaker.lets_through(later, 3), "half open: one may try");
        assert!(!breaker.lets_through(later, 3), "and no other meanwhile");
        breaker.note(later, true, false, 3, open_for);
        assert!(!breaker.lets_through(later, 3), "an answer from before says nothing");
        breaker.note(later, true, true, 3, open_for);
        assert!(breaker.lets_through(later, 3), "closed");
    }

    #[test]
    fn late_failures_do_not_keep_a_breaker_open() {
        let (mut breaker, open_for) = (Breaker::default(), Duration::from_s(10));
        (0..3).for_each(|_| breaker.note(0, false, false, 3, open_for));
        breaker.note(open_for.ns() - 1, false, false, 3, open_for);
        assert!(breaker.lets_through(open_for.ns(), 3));
        breaker.note(open_for.ns(), false, true, 3, open_for);
        assert!(!breaker.lets_through(open_for.ns() + 1, 3), "the call that tried has failed: open again");
        assert!(breaker.lets_through(2 * open_for.ns(), 3));
    }
}
