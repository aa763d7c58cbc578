//! How a balancer chooses a server: what it knows of each, and the algorithms.

use super::Place;
use super::health::Health;
use crate::choices;
use crate::engine::Engine;
use crate::engine::random::Stream;
use crate::engine::visits::Visit;
use crate::units::Nanos;
use crate::workload::{Class, PerClass};

choices! {
    /// Which server gets the next request.
    pub enum Algorithm {
        /// One after another.
        RoundRobin = "round-robin",
        /// Any, evenly at random.
        Random = "random",
        /// One after another, larger machines more often.
        Weighted = "weighted",
        /// The one with the fewest requests under way.
        LeastConnections = "least-connections",
        /// The one with fewer requests under way of two random ones.
        PowerOfTwo = "power-of-two",
        /// Of two random ones the one whose recent response time, times the requests under way, is less.
        PeakEwma = "peak-ewma",
        /// The one that the user's address points to.
        IpHash = "ip-hash",
        /// The one that served the visit's first request, by a cookie.
        Sticky = "sticky",
    }
}

/// A server, as a balancer sees it.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) edge: u16,
    pub(super) node: u16,
    classes: PerClass<bool>,
    /// Requests that it has from this balancer.
    pub(super) in_flight: u32,
    /// Requests that it was given so far.
    pub(super) given: u64,
    /// Out of rotation when it failed its checks, or too many requests.
    pub(super) health: Health,
    /// Requests in a row that have failed there, as far as those are watched.
    pub(super) failed: u32,
    /// With nobody to check on it, when it is tried again.
    pub(super) back_at: Nanos,
    /// It was taken off by whoever deploys or scales, who also puts it back.
    pub(super) away: bool,
    /// How much it is owed, for the weighted round.
    credit: f64,
    /// Recent response time, and when it was last noted.
    pub(super) response_ns: f64,
    noted: Nanos,
}

/// What is to be placed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) class: Class,
    pub(super) request: u64,
    /// Attempts before this one.
    pub(super) failed: u32,
    /// A server that has just failed.
    pub(super) but: Option<usize>,
    pub(super) visit: Option<Visit>,
}

/// How fast old response times are forgotten: Finagle's default decay time.
const DECAY_NS: f64 = 10e9;
/// Random servers tried before the next that will do is taken: nginx's ip_hash tries 20.
const TRIES: u32 = 20;

/// A server's weight: its processors, by their speed.
fn weight(engine: &Engine, node: u16) -> f64 {
    let host = engine.presence(node).host.and_then(|host| engine.hosts().get(host as usize));
    host.map_or(1.0, |host| f64::from(host.machine.vcpus) * host.machine.speed).max(f64::MIN_POSITIVE)
}

/// Each of so many once, from the one behind this on. No remainder: a division at every request.
fn after(from: usize, count: usize) -> impl Iterator<Item = usize> {
    (from + 1..count).chain(0..=from)
}

/// All servers of a balancer.
#[derive(Clone, Debug)]
pub(super) struct Servers {
    pub(super) list: Vec<Server>,
    /// Classes that share all their servers take turns together: the first of them.
    group: [usize; Class::ALL.len()],
    /// By group: whose turn it was last.
    last: [usize; Class::ALL.len()],
    draws: Stream,
    addresses: Stream,
    /// Visits that had to change servers.
    pub(super) moved: u64,
}

impl Servers {
    pub(super) fn new(place: &Place, engine: &Engine) -> Self {
        let servers = place.edges.iter().map(|way| Server {
            edge: way.edge,
            node: way.node,
            classes: way.classes,
            in_flight: 0,
            given: 0,
            health: Health::default(),
            failed: 0,
            back_at: Nanos::MAX,
            away: false,
            credit: 0.0,
            response_ns: 0.0,
            noted: 0,
        });
        let list: Vec<Server> = servers.collect();
        let of = |class| list.iter().map(|server| *server.classes.get(class)).collect::<Vec<bool>>();
        let group = Class::ALL.map(|class| {
            let same = Class::ALL.iter().position(|other| of(*other) == of(class));
            same.unwrap_or(class as usize)
        });
        Self {
            last: [list.len().saturating_sub(1); Class::ALL.len()],
            list,
            group,
            draws: engine.stream(&place.name, "choice"),
            addresses: engine.stream(&place.name, "address"),
            moved: 0,
        }
    }

    /// Forgets all but who the servers are.
    pub(super) fn forget(&mut self) {
        for server in &mut self.list {
            (server.in_flight, server.health, server.failed) = (0, Health::default(), 0);
            (server.away, server.back_at) = (false, Nanos::MAX);
            (server.response_ns, server.noted, server.credit) = (0.0, 0, 0.0);
        }
    }

    /// Whether a server is in rotation. Whoever drains it or keeps it in reserve says so, and puts it back once it runs.
    pub(super) fn in_rotation(&mut self, engine: &Engine, index: usize) -> bool {
        let server = &mut self.list[index];
        let presence = engine.presence(server.node);
        if presence.draining || presence.reserve {
            server.away = true;
            return false;
        }
        if server.away {
            if !presence.up {
                return false;
            }
            (server.away, server.health, server.response_ns) = (false, Health::default(), 0.0);
            server.failed = 0;
        }
        if server.health.out && engine.now() >= server.back_at {
            server.health = Health::default();
        }
        !server.health.out
    }

    fn fits(&mut self, engine: &Engine, wanted: &Wanted, index: usize) -> bool {
        *self.list[index].classes.get(wanted.class) && wanted.but != Some(index) && self.in_rotation(engine, index)
    }

    /// A server for a request; none when there is none in rotation. With `bound` a visit stays where it was.
    pub(super) fn choose(
        &mut self,
        engine: &mut Engine,
        algorithm: Algorithm,
        bound: bool,
        wanted: &Wanted,
    ) -> Option<usize> {
        let Some(visit) = wanted.visit.filter(|_| bound) else { return self.pick(engine, algorithm, wanted) };
        let route = engine.cookie_mut(visit).route;
        let before = route.and_then(|node| self.list.iter().position(|server| server.node == node));
        if let Some(index) = before
            && self.fits(engine, wanted, index)
        {
            return Some(index);
        }
        let chosen = self.pick(engine, algorithm, wanted)?;
        self.moved += u64::from(before.is_some());
        engine.cookie_mut(visit).route = Some(self.list[chosen].node);
        Some(chosen)
    }

    fn pick(&mut self, engine: &Engine, algorithm: Algorithm, wanted: &Wanted) -> Option<usize> {
        if self.list.is_empty() {
            return None;
        }
        let number = (wanted.request << 8) | u64::from(wanted.failed & 0xff);
        match algorithm {
            Algorithm::RoundRobin | Algorithm::Sticky => self.next(engine, wanted),
            Algorithm::Weighted => self.weighted(engine, wanted),
            Algorithm::LeastConnections => self.least(engine, wanted),
            Algorithm::Random => self.random(engine, wanted, &self.draws.clone(), number, None),
            Algorithm::IpHash => {
                let address = wanted.visit.map_or(wanted.request, |visit| u64::from(visit.place));
                self.random(engine, wanted, &self.addresses.clone(), address, None)
            }
            Algorithm::PowerOfTwo | Algorithm::PeakEwma => {
                let draws = self.draws;
                let one = self.random(engine, wanted, &draws, number << 1, None)?;
                let Some(other) = self.random(engine, wanted, &draws, (number << 1) | 1, Some(one)) else {
                    return Some(one);
                };
                let cost = |index: usize| match algorithm {
                    Algorithm::PeakEwma => self.cost(engine.now(), index),
                    _ => f64::from(self.list[index].in_flight),
                };
                Some(if cost(other) < cost(one) { other } else { one })
            }
        }
    }

    /// The next in turn.
    fn next(&mut self, engine: &Engine, wanted: &Wanted) -> Option<usize> {
        let (group, count) = (self.group[wanted.class as usize], self.list.len());
        let from = self.last[group];
        let next = after(from, count).find(|index| self.fits(engine, wanted, *index))?;
        self.last[group] = next;
        Some(next)
    }

    /// Smooth weighted round robin: each is owed its weight every time, the one that is owed most has its turn and then
    /// owes what all were given (nginx, since 1.3.1, `ngx_http_upstream_round_robin.c`).
    fn weighted(&mut self, engine: &Engine, wanted: &Wanted) -> Option<usize> {
        let (mut best, mut given): (Option<usize>, f64) = (None, 0.0);
        for index in 0..self.list.len() {
            if !self.fits(engine, wanted, index) {
                continue;
            }
            let server = &mut self.list[index];
            // As large as its machine is now.
            let weight = weight(engine, server.node);
            server.credit += weight;
            given += weight;
            if best.is_none_or(|best| self.list[index].credit > self.list[best].credit) {
                best = Some(index);
            }
        }
        self.list[best?].credit -= given;
        best
    }

    /// The one with the fewest requests under way; those with equally many take turns.
    fn least(&mut self, engine: &Engine, wanted: &Wanted) -> Option<usize> {
        let (group, count) = (self.group[wanted.class as usize], self.list.len());
        let from = self.last[group];
        let mut best: Option<usize> = None;
        for index in after(from, count) {
            let fewer = best.is_none_or(|best| self.list[index].in_flight < self.list[best].in_flight);
            if fewer && self.fits(engine, wanted, index) {
                best = Some(index);
            }
        }
        self.last[group] = best?;
        best
    }

    /// One of those that will do, by draws of this number.
    fn random(
        &mut self,
        engine: &Engine,
        wanted: &Wanted,
        draws: &Stream,
        number: u64,
        but: Option<usize>,
    ) -> Option<usize> {
        let count = self.list.len();
        let mut draw = draws.draw(number);
        for _ in 0..TRIES {
            let index = draw.below(count as u32) as usize;
            if but != Some(index) && self.fits(engine, wanted, index) {
                return Some(index);
            }
        }
        let from = draw.below(count as u32) as usize;
        let mut after = (0..count).map(|ahead| (from + ahead) % count);
        after.find(|index| but != Some(*index) && self.fits(engine, wanted, *index))
    }

    /// What a request costs at a server: its response time, grown old, times the requests that it would then have. A server
    /// that has requests and has answered none yet is the dearest (Finagle, `Balancers.p2cPeakEwma`; the same in Linkerd).
    fn cost(&self, now: Nanos, index: usize) -> f64 {
        let server = &self.list[index];
        if server.response_ns == 0.0 && server.in_flight > 0 {
            return f64::from(server.in_flight) * 1e18;
        }
        let age_ns = now.saturating_sub(server.noted) as f64;
        server.response_ns * libm::exp(-age_ns / DECAY_NS) * f64::from(server.in_flight + 1)
    }

    /// Takes note of a response time: a longer one than expected counts at once, a shorter one little by little.
    pub(super) fn answered(&mut self, now: Nanos, index: usize, took_ns: Nanos) {
        let server = &mut self.list[index];
        let took_ns = took_ns as f64;
        server.response_ns = if took_ns > server.response_ns {
            took_ns
        } else {
            let keep = libm::exp(-(now.saturating_sub(server.noted) as f64) / DECAY_NS);
            server.response_ns * keep + took_ns * (1.0 - keep)
        };
        server.noted = now;
    }

    /// Requests of the server that was given most, over the mean of all that were ever there to be given any.
    pub(super) fn imbalance(&self) -> f64 {
        let there = || self.list.iter().filter(|server| server.given > 0 || !server.away).map(|server| server.given);
        let (most, all) = (there().max().unwrap_or(0), there().sum::<u64>());
        if all == 0 { 1.0 } else { most as f64 * there().count() as f64 / all as f64 }
    }
}
