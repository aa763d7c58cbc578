//! A stage as theory sees it: stations, what each class of request demands of them, doors, and fixed delays.

use std::cell::OnceCell;

use super::crosstalk::Shared;
use super::demand::{Moments, Part};
use crate::component::group::busy;
use crate::engine::processor::Crosstalk;
use crate::outcome::Estimate;
use crate::units::Duration;
use crate::workload::{Class, PerClass};

/// An open network that one stream of requests crosses.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Requests a second that reach somebody, those that are sent again among them.
    pub rate_per_s: f64,
    /// Of all that users ask for the share that is sent: the rest is in their browsers.
    pub sent: f64,
    /// Of all requests the share that finds a server down, and is not among these.
    pub down: f64,
    /// Whether it has work that begins anew at intervals.
    pub has_rounds: bool,
    /// How users send again what failed.
    pub again: Again,
    /// Whether gaps between requests are exponential.
    pub poisson: bool,
    /// Share of each class.
    pub mix: PerClass<f64>,
    /// Where requests queue or share.
    pub stations: Vec<Station>,
    /// Where requests are let in, or refused.
    pub doors: Vec<Door>,
    /// Which ways a request may take.
    pub routes: Vec<Route>,
    /// Delays before the door, the same for every class and route: one of these befalls a request.
    pub branches: Vec<Branch>,
    /// When a user gives up, in seconds.
    pub patience_s: f64,
    /// Machines whose memory requests may fill.
    pub memory: Vec<Memory>,
    /// What this description cannot express, as sentences: then it says nothing.
    pub beyond: Vec<String>,
    /// What it leaves out or evens out, as clauses.
    pub caveats: Vec<String>,
    /// Connections that some share.
    pub pools: Vec<Pool>,
    /// Figures of what follows a request.
    pub follow_ups: Vec<FollowUp>,
    /// Figures of single components, by copy and name.
    pub metrics: Vec<(String, Estimate)>,
    /// Mean time between an answer and the next request of the users who wait for theirs, and how many there are.
    pub closed: Option<(u32, f64)>,
    /// What is asked of each station, once it has been added up: it does not hang on the rate.
    pub(super) asked: OnceCell<Vec<Asked>>,
}

/// What one request asks of a station, over all classes and routes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    demand_s: f64,
    felt_s: f64,
    visits: f64,
    visit: Moments,
    /// Share of all requests that ask anything, and their demand.
    share: f64,
    demand: Moments,
}

/// How users send a request again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Again {
    /// How often at most, beside the first time.
    pub retries: u32,
    /// Mean wait before the first of these, in seconds.
    pub wait_s: f64,
    /// Factor on the wait from one to the next.
    pub growth: f64,
}

/// Connections, and how they are used.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// The component's name.
    pub name: String,
    /// Copies of it, each with connections of its own.
    pub copies: u32,
    /// Connections of each.
    pub size: u32,
    /// Kinds of use.
    pub uses: Vec<Use>,
}

/// A use of a connection, or of hands that follow: of one class along one way.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// How often it happens for each request of the users.
    pub per_request: f64,
    /// Constant delays, in seconds.
    pub delay_s: f64,
    /// Seconds of service that it asks of stations.
    pub demand_s: Vec<(usize, f64)>,
}

/// Something that follows requests, and a figure that says how long it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowUp {
    /// Names of the figures, one for each copy.
    pub names: Vec<String>,
    /// How it is named by itself: `backlog` of what waits.
    pub component: String,
    /// What it takes, by kind.
    pub uses: Vec<Use>,
    /// How long it is on its way before, in seconds.
    pub latency_s: f64,
    /// How many each copy works on at once.
    pub slots: f64,
    /// How many begin in a second, at most, in each copy.
    pub begin_per_s: f64,
    /// How many come at the same time and begin before one, on average.
    pub ahead: f64,
}

/// A constant delay that befalls a request with some probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Branch {
    /// Its probability.
    pub probability: f64,
    /// Its length.
    pub seconds: f64,
}

/// A way through the network. Copies of a component are alike, so one route stands for all of them.
#[derive(Clone, Debug)]
pub struct Route {
    /// Whether the user waits for it; else it follows requests, and only loads stations.
    pub awaited: bool,
    /// Share of each class's requests that take it.
    pub probability: PerClass<f64>,
    /// Index of its door, if it has one.
    pub door: Option<usize>,
    /// Constant delays on the way, in seconds: outside of the door.
    pub outside_s: f64,
    /// Constant delays on the way, in seconds: inside, while a worker is held.
    pub inside_s: PerClass<f64>,
    /// What it asks of stations.
    pub legs: Vec<Leg>,
}

/// What a route asks of one station, in all its visits together.
#[derive(Clone, Debug)]
pub struct Leg {
    /// Index of the station.
    pub station: usize,
    /// Independent parts that add up, in seconds of one unit of service.
    pub demand: PerClass<Vec<Part>>,
}

impl Leg {
    /// Moments of what one request of a class asks.
    pub fn moments(&self, class: Class) -> Moments {
        Moments::of_sum(self.demand.get(class))
    }
}

/// A component that takes so many requests at once and lets so many wait; it refuses the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Door {
    /// The component's name.
    pub name: String,
    /// Copies of it, which share its requests evenly.
    pub copies: u32,
    /// Requests in service at once, in each copy.
    pub workers: u32,
    /// Requests that may wait, at each copy.
    pub backlog: u32,
    /// Indices of the stations of which each copy has one to itself.
    pub own: Vec<usize>,
    /// How often a request of the users comes to it.
    pub per_request: f64,
    /// Constant delays behind it, in seconds for each request of the users.
    pub delay_s: f64,
    /// Seconds of service that is asked of stations behind it, for each request of the users.
    pub demand_s: Vec<(usize, f64)>,
    /// Doors right behind it, and how often a request of the users comes to them this way. What is behind these is
    /// not counted again.
    pub inner: Vec<(usize, f64)>,
}

/// A place with a limited capacity, and others just like it that share its requests evenly.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// Names in results, one for each of those that are alike: `box cpu`, `db#1 disk`.
    pub names: Vec<String>,
    /// How it serves.
    pub discipline: Discipline,
    /// Units of service.
    pub servers: u32,
    /// How much jobs that share it get in one another's way.
    pub crosstalk: Crosstalk,
    /// Limit on all units of service together, with the period after which it is granted anew.
    pub quota: Option<(f64, Duration)>,
    /// Shares of its requests that come to each of its likes; empty where they are even.
    pub shares: Vec<f64>,
    /// Work for which no request comes.
    pub own: Vec<Own>,
    /// Whether its likes are switched on and off, so that none has a steady state.
    pub comes_and_goes: bool,
}

/// Work of a component's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Own {
    /// On how many of a station's likes, from the first on.
    pub copies: usize,
    /// Seconds of it in a second, at each of these.
    pub load: f64,
    /// How long a piece of it takes, in seconds.
    pub piece_s: f64,
    /// Whether a piece does at once whatever has come: then `load` is what there would be if it did not.
    pub grouped: bool,
}

/// Some of a station's likes that are as busy as one another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Like {
    /// Share of the station's requests that come to any of them.
    pub share: f64,
    /// How much busier each is than if all were alike: one is even.
    pub skew: f64,
    /// Work of a component's own at each, in seconds a second.
    pub own: f64,
}

impl Own {
    /// Share of the time in which it is there, at a copy that is so much busier than if all were alike.
    pub fn busy(&self, skew: f64) -> f64 {
        if self.grouped { busy(self.load * skew) } else { self.load }
    }
}

impl Station {
    /// Copies that share their requests evenly, and do nothing of their own accord.
    pub fn new(names: Vec<String>, discipline: Discipline, servers: u32) -> Self {
        Self {
            names,
            discipline,
            servers,
            crosstalk: Crosstalk::default(),
            quota: None,
            shares: Vec::new(),
            own: Vec::new(),
            comes_and_goes: false,
        }
    }

    /// How busy one copy is beside the others.
    pub fn like(&self, copy: usize) -> Like {
        let even = 1.0 / self.copies();
        let share = self.shares.get(copy).copied().unwrap_or(even);
        let skew = share / even;
        let own = self.own.iter().filter(|own| copy < own.copies).map(|own| own.busy(skew)).sum();
        Like { share, skew, own }
    }

    /// All copies, those that are alike together.
    pub fn likes(&self) -> Vec<Like> {
        let all = self.names.len();
        let first = if self.shares.is_empty() { self.own.iter().map(|own| own.copies).max().unwrap_or(0) } else { all };
        let mut likes: Vec<Like> = (0..first.min(all)).map(|copy| self.like(copy)).collect();
        if first < all {
            let rest = (all - first) as f64;
            likes.push(Like { share: rest / self.copies(), ..self.like(first) });
        }
        likes
    }

    /// How many there are.
    pub fn copies(&self) -> f64 {
        self.names.len() as f64
    }

    /// Units of service that can work all the time.
    pub fn capacity(&self) -> f64 {
        let servers = self.shared(self.servers).capacity();
        self.quota.map_or(servers, |(quota, _)| quota.min(servers))
    }

    /// Its processors as jobs share them, of which there are so many at most.
    pub fn shared(&self, most: u32) -> Shared {
        Shared { servers: self.servers, crosstalk: self.crosstalk, most }
    }

    /// Whether jobs get in one another's way.
    pub fn crowds(&self) -> bool {
        self.crosstalk != Crosstalk::default()
    }

    /// Whether a quota holds it back at times.
    pub fn limited(&self) -> bool {
        self.quota.is_some_and(|(quota, _)| quota < f64::from(self.servers))
    }
}

/// How a station serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// All share the servers equally; none has more than one.
    ProcessorSharing,
    /// First come, first served.
    Fcfs,
}

/// A machine's memory, and what requests take of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// The machine's name.
    pub host: String,
    /// Bytes of main memory.
    pub size: f64,
    /// Bytes taken while nobody is there.
    pub idle: f64,
    /// Bytes that a request in service takes at most.
    pub each: f64,
    /// Requests in service that the machine's components allow together.
    pub most: f64,
    /// The door whose requests these are, if any.
    pub door: Option<usize>,
}

impl Network {
    /// Share of all requests that are of this class and take this route.
    pub fn share(&self, route: &Route, class: Class) -> f64 {
        route.probability.get(class) * self.mix.get(class)
    }

    /// Share of all requests that take this route.
    pub fn share_of(&self, route: &Route) -> f64 {
        Class::ALL.into_iter().map(|class| self.share(route, class)).sum()
    }

    /// Seconds of service that one request asks of a station, on average over classes and routes.
    pub fn mean_demand_s(&self, station: usize) -> f64 {
        self.asked(station).demand_s
    }

    /// The same of what users wait for: calls that are made at once count as the slowest of them.
    pub fn felt_demand_s(&self, station: usize) -> f64 {
        self.asked(station).felt_s
    }

    fn asked(&self, station: usize) -> Asked {
        self.asked.get_or_init(|| self.add_up()).get(station).copied().unwrap_or_default()
    }

    fn add_up(&self) -> Vec<Asked> {
        let mut all = vec![Asked::default(); self.stations.len()];
        for (route, leg) in self.routes.iter().flat_map(|route| route.legs.iter().map(move |leg| (route, leg))) {
            let asked = &mut all[leg.station];
            for class in Class::ALL {
                let share = self.share(route, class);
                let parts = leg.demand.get(class);
                if share <= 0.0 || parts.is_empty() {
                    continue;
                }
                let sum = Moments::of_sum(parts);
                asked.demand_s += share * sum.first;
                if sum.first > 0.0 {
                    asked.share += share;
                    asked.demand = sum.mixed(share / asked.share, asked.demand);
                }
                for part in parts {
                    let visits = share * f64::from(part.count) * part.chance;
                    asked.felt_s += if route.awaited { share * part.felt * part.moments().first } else { 0.0 };
                    if visits > 0.0 {
                        asked.visits += visits;
                        asked.visit = part.each().mixed(visits / asked.visits, asked.visit);
                    }
                }
            }
        }
        all
    }

    /// The routes that users wait for.
    pub fn awaited(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().filter(|route| route.awaited)
    }

    /// Whether users wait for what is behind a door, right behind the first on their way or further on.
    pub fn awaits(&self, door: usize) -> bool {
        let outer = |(at, it): (usize, &Door)| it.inner.iter().any(|(inner, _)| *inner == door) && self.awaits(at);
        self.awaited().any(|route| route.door == Some(door)) || self.doors.iter().enumerate().any(outer)
    }

    /// Whether users wait for the slowest of several calls.
    pub fn fans_out(&self) -> bool {
        let parts = self.awaited().flat_map(|route| &route.legs).flat_map(|leg| leg.demand.0.iter().flatten());
        parts.into_iter().any(|part| part.felt < 1.0)
    }

    /// Most jobs that doors let share one of a station's like.
    pub fn most_at(&self, station: usize) -> u32 {
        let doors = self.legs_at(station).map(|(route, _)| route.door);
        let mut most = 0_u32;
        let mut seen = Vec::new();
        for door in doors {
            match door {
                Some(door) if seen.contains(&door) => {}
                Some(door) => {
                    let at = &self.doors[door];
                    let all = f64::from(at.workers) * f64::from(at.copies) / self.stations[station].copies();
                    most = most.saturating_add(all as u32);
                    seen.push(door);
                }
                None => return 10_000,
            }
        }
        most.clamp(1, 10_000)
    }

    /// The same with each station that jobs crowd taken as one whose efficiency is that at its mean.
    pub fn at_mean_efficiency(&self) -> Self {
        let mut slowed = Self { asked: OnceCell::new(), ..self.clone() };
        for at in (0..self.stations.len()).filter(|at| self.stations[*at].crowds()) {
            let station = &self.stations[at];
            let offered = self.rate_per_s * self.mean_demand_s(at) / station.copies();
            let state = station.shared(self.most_at(at)).state(offered);
            slowed.stations[at].crosstalk = Crosstalk::default();
            for leg in slowed.routes.iter_mut().flat_map(|route| &mut route.legs).filter(|leg| leg.station == at) {
                for part in leg.demand.0.iter_mut().flatten() {
                    *part = part.slowed(state.efficiency);
                }
            }
        }
        slowed
    }

    /// Visits of one request to a station, on average over classes and routes.
    pub fn mean_visits(&self, station: usize) -> f64 {
        self.asked(station).visits
    }

    /// Moments of the demand of those requests that ask anything of a station, and their share of all requests.
    pub fn demand(&self, station: usize) -> (f64, Moments) {
        let Asked { share, demand, .. } = self.asked(station);
        (share, demand)
    }

    /// Moments of a single visit to a station, over all that visit it.
    pub fn visit(&self, station: usize) -> Moments {
        self.asked(station).visit
    }

    /// What visits to a station are made of, each with its share of them.
    pub fn visits_of(&self, station: usize) -> Vec<(f64, Part)> {
        let all = self.mean_visits(station);
        let mut parts = Vec::new();
        for (route, leg) in self.legs_at(station) {
            for class in Class::ALL {
                let weight = |part: &Part| self.share(route, class) * f64::from(part.count) * part.chance / all;
                let asked = leg.demand.get(class).iter().map(|part| (weight(part), *part));
                parts.extend(asked.filter(|(share, _)| *share > 0.0));
            }
        }
        parts
    }

    /// Work that requests bring to one of a station's likes, in seconds a second, if all are alike.
    pub fn offered(&self, station: usize) -> f64 {
        self.rate_per_s * self.mean_demand_s(station) / self.stations[station].copies()
    }

    /// Share of its capacity that is asked of one of a station's likes (the utilisation law, rho = lambda D / c).
    pub fn load_of(&self, station: usize, like: &Like) -> f64 {
        (self.offered(station) * like.skew + like.own) / self.stations[station].capacity()
    }

    /// The same of the busiest.
    pub fn load(&self, station: usize) -> f64 {
        self.stations[station].likes().iter().map(|like| self.load_of(station, like)).fold(0.0, f64::max)
    }

    fn legs_at(&self, station: usize) -> impl Iterator<Item = (&Route, &Leg)> {
        let legs = self.routes.iter().flat_map(|route| route.legs.iter().map(move |leg| (route, leg)));
        legs.filter(move |(_, leg)| leg.station == station)
    }
}
