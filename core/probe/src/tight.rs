//! The reference for speed: workloads A and B as a tight loop, written for them and able to do nothing else.
//!
//! What any engine could reach at best: no component, no link, no deadline, nothing to be turned or broken; a cache's hit
//! is a coin. It has the engine's event list and exponential draws, and stations that serve first come, first served.

use std::collections::VecDeque;

use hockeystick_core::engine::calendar::{Calendar, Slot};
use hockeystick_core::engine::random::{Draw, Exponential, Stream};
use hockeystick_core::units::{Nanos, SECOND_NS};

use crate::workloads::{A, A_EVENTS, B, B_HIT_EVENTS, B_MISS_EVENTS, B_SLICES, Hop, WORKLOAD_B, next_hop};

/// A request on its way.
#[derive(Clone, Copy, Debug, Default)]
struct Request {
    begun: Nanos,
    /// One slice of its work at its application server, in nanoseconds.
    slice_ns: f64,
    app: u8,
    step: u8,
    hit: bool,
}

/// First come, first served, by so many servers.
#[derive(Clone, Debug, Default)]
struct Station {
    free: Vec<Slot>,
    waiting: VecDeque<(u32, Nanos)>,
}

/// A network of stations.
#[derive(Debug)]
pub struct Tight {
    now: Nanos,
    calendar: Calendar,
    arrivals: Slot,
    stations: Vec<Station>,
    /// By slot: its station, and the request that it serves.
    servers: Vec<(u32, u32)>,
    requests: Vec<Request>,
    unused: Vec<u32>,
    exponential: Exponential,
    draw: Draw,
    /// Workload B, else A.
    tiers: Option<B>,
    gap_ns: f64,
    next_app: usize,
    events: u64,
    completed: u64,
    response_ns: u64,
}

impl Tight {
    /// Workload A.
    pub fn a(seed: u64) -> Self {
        Self::new(seed, A.0, None, &[1])
    }

    /// Workload B.
    pub fn b(seed: u64) -> Self {
        let b = WORKLOAD_B;
        let apps = std::iter::repeat_n(b.apps.1, b.apps.0);
        let replicas = std::iter::repeat_n(b.replicas.1, b.replicas.0);
        let servers: Vec<usize> = [1, 1].into_iter().chain(apps).chain(replicas).collect();
        Self::new(seed, b.rate_per_s, Some(b), &servers)
    }

    fn new(seed: u64, rate_per_s: f64, tiers: Option<B>, servers: &[usize]) -> Self {
        let mut calendar = Calendar::default();
        let arrivals = calendar.add();
        calendar.set(arrivals, 0);
        let mut tight = Self {
            now: 0,
            arrivals,
            calendar,
            stations: Vec::new(),
            servers: vec![(0, 0)],
            requests: Vec::new(),
            unused: Vec::new(),
            exponential: Exponential::new(),
            draw: Stream::new(seed, "tight", "loop").draw(0),
            tiers,
            gap_ns: SECOND_NS as f64 / rate_per_s,
            next_app: 0,
            events: 0,
            completed: 0,
            response_ns: 0,
        };
        for (station, servers) in servers.iter().enumerate() {
            let free = (0..*servers).map(|_| tight.calendar.add()).collect();
            tight.stations.push(Station { free, waiting: VecDeque::new() });
            tight.servers.extend((0..*servers).map(|_| (station as u32, 0)));
        }
        tight
    }

    /// Lets every event up to `until` happen.
    pub fn run_until(&mut self, until: Nanos) {
        while let Some((at, slot)) = self.calendar.earliest().filter(|(at, _)| *at <= until) {
            self.now = at;
            if slot == self.arrivals {
                let gap_ns = self.gap_ns * self.exponential.sample(&mut self.draw);
                self.calendar.set(slot, at + gap_ns as Nanos);
                self.arrive();
                continue;
            }
            let (station, request) = self.servers[slot.index()];
            // The next in the queue takes the server's place in the event list: one replay instead of two.
            match self.stations[station as usize].waiting.pop_front() {
                Some((next, demand_ns)) => {
                    self.servers[slot.index()].1 = next;
                    self.calendar.set(slot, at + demand_ns);
                }
                None => {
                    self.calendar.clear(slot);
                    self.stations[station as usize].free.push(slot);
                }
            }
            self.served(request);
        }
        self.now = until;
    }

    /// Logical events so far, of requests that were answered.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Mean response time in milliseconds.
    pub fn response_ms(&self) -> f64 {
        self.response_ns as f64 / self.completed as f64 / 1e6
    }

    fn arrive(&mut self) {
        let index = self.unused.pop().unwrap_or_else(|| {
            self.requests.push(Request::default());
            self.requests.len() as u32 - 1
        });
        let request = &mut self.requests[index as usize];
        (request.begun, request.step) = (self.now, 0);
        match self.tiers {
            None => self.serve(0, index, A.1 * 1e6),
            Some(b) => self.serve(BALANCER, index, b.demand_ms[0] * 1e6),
        }
    }

    /// A request comes to a station; its demand is exponential.
    fn serve(&mut self, station: usize, request: u32, mean_ns: f64) {
        let demand_ns = mean_ns * self.exponential.sample(&mut self.draw);
        self.enter(station, request, demand_ns as Nanos);
    }

    fn enter(&mut self, station: usize, request: u32, demand_ns: Nanos) {
        match self.stations[station].free.pop() {
            Some(slot) => {
                self.servers[slot.index()].1 = request;
                self.calendar.set(slot, self.now + demand_ns);
            }
            None => self.stations[station].waiting.push_back((request, demand_ns)),
        }
    }

    /// A station is done with a request: where to next.
    fn served(&mut self, index: u32) {
        let Some(b) = self.tiers else { return self.complete(index, A_EVENTS) };
        let request = &mut self.requests[index as usize];
        request.step += 1;
        if request.step == 1 {
            self.next_app = (self.next_app + 1) % b.apps.0;
            let work_ns = b.demand_ms[1] * 1e6 * self.exponential.sample(&mut self.draw);
            (request.app, request.slice_ns) = (self.next_app as u8, work_ns / f64::from(B_SLICES));
        } else if request.step == 3 {
            request.hit = self.draw.chance(b.hits);
        }
        let Request { app, slice_ns, step, hit, .. } = *request;
        match next_hop(step, hit) {
            Hop::App(slices) => self.enter(APPS + usize::from(app), index, (slice_ns * f64::from(slices)) as Nanos),
            Hop::Cache => self.serve(CACHE, index, b.demand_ms[2] * 1e6),
            Hop::Replica => {
                let replica = self.draw.below(b.replicas.0 as u32) as usize;
                self.serve(APPS + b.apps.0 + replica, index, b.demand_ms[3] * 1e6);
            }
            Hop::Done => self.complete(index, if hit { B_HIT_EVENTS } else { B_MISS_EVENTS }),
        }
    }

    fn complete(&mut self, index: u32, events: u64) {
        self.events += events;
        self.completed += 1;
        self.response_ns += self.now - self.requests[index as usize].begun;
        self.unused.push(index);
    }
}

const BALANCER: usize = 0;
const CACHE: usize = 1;
const APPS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use hockeystick_core::simulate::Simulation;
    use hockeystick_core::stage::Stage;

    use crate::workloads::{workload_a, workload_b};

    /// Logical events a second of the engine and of the loop, once both are warm.
    fn rates(stage: &Stage, mut tight: Tight) -> [f64; 2] {
        let mut run = Simulation::new(stage, 1).unwrap_or_else(|problems| panic!("{problems:?}"));
        let mut events = |second: u64| {
            run.run_until(second * SECOND_NS);
            tight.run_until(second * SECOND_NS);
            [run.events() as f64, tight.events() as f64]
        };
        let (before, after) = (events(40), events(140));
        [after[0] - before[0], after[1] - before[1]].map(|events| events / 100.0)
    }

    #[test]
    fn the_loop_and_the_engine_simulate_the_same_workload() {
        for (stage, tight) in [(workload_a(), Tight::a(1)), (workload_b(), Tight::b(1))] {
            let [engine, tight] = rates(&stage, tight);
            assert!((engine / tight - 1.0).abs() < 0.01, "{}: {engine} and {tight} events a second", stage.title);
        }
    }
}
