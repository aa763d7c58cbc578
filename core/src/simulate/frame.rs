//! A snapshot of a run as one buffer: the worker writes it, the page reads it.
//!
//! Little-endian, fixed sizes, no padding: a header, the gauges of nodes and machines, the moves, the components' own
//! figures. A buffer that was cut short or made up reads as none, never as nonsense memory.

use super::{HostGauge, Simulation, Window};
use crate::component::NodeGauge;
use crate::engine::moves::{Cause, Move, What};
use crate::units::Nanos;
use crate::workload::Class;

/// A snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The run's clock.
    pub now: Nanos,
    /// Counts the runs of a figure: a frame of an earlier run is out of date.
    pub run: u32,
    /// One request in so many has its moves here.
    pub one_in: u32,
    /// Events so far.
    pub events: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Faults that are active.
    pub faults: u32,
    /// What happened since the frame before, or over a longer stretch when the worker says so.
    pub window: Window,
    /// Every copy of a component.
    pub nodes: Vec<NodeGauge>,
    /// Every machine.
    pub hosts: Vec<HostGauge>,
    /// Moves since the frame before, in order.
    pub moves: Vec<Move>,
    /// What the cards show of their components, as [`Glances`](super::Glances) reads it; empty when it is as before.
    pub figures: Vec<f32>,
    /// Simulated seconds that pass in a second of the reader's time, where that is fewer than was asked for; else 0.
    pub pace: f32,
}

impl Frame {
    /// The present of a run. Takes its moves, not its window.
    pub fn of(simulation: &mut Simulation, run: u32, one_in: u32, window: Window) -> Self {
        let mut moves = Vec::new();
        simulation.take_moves(&mut moves);
        let (nodes, hosts) = (simulation.nodes().len(), simulation.hosts().len());
        Self {
            now: simulation.now(),
            run,
            one_in,
            events: simulation.events(),
            in_flight: simulation.counts().in_flight(),
            faults: simulation.active_faults().count() as u32,
            window,
            nodes: (0..nodes).map(|node| simulation.node_gauge(node)).collect(),
            hosts: (0..hosts).map(|host| simulation.host_gauge(host)).collect(),
            moves,
            figures: Vec::new(),
            pace: 0.0,
        }
    }

    /// The snapshot as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(256 + self.hosts.len() * 72 + self.moves.len() * 32));
        out.u64(self.now);
        out.u32(self.run);
        out.u32(self.one_in);
        out.u64(self.events);
        out.u64(self.in_flight);
        out.u32(self.faults);
        out.window(&self.window);
        out.u32(self.nodes.len() as u32);
        for node in &self.nodes {
            for number in [node.waiting, node.waiting_most, node.in_service, node.in_service_most, u32::from(node.up)] {
                out.u32(number);
            }
        }
        out.u32(self.hosts.len() as u32);
        self.hosts.iter().for_each(|host| out.host(host));
        out.u32(self.moves.len() as u32);
        self.moves.iter().for_each(|one| out.one_move(one));
        out.u32(self.figures.len() as u32);
        self.figures.iter().chain([&self.pace]).for_each(|figure| out.u32(figure.to_bits()));
        out.0
    }

    /// The snapshot in these bytes; none when they are not one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader(bytes);
        let mut frame = Self {
            now: input.u64()?,
            run: input.u32()?,
            one_in: input.u32()?,
            events: input.u64()?,
            in_flight: input.u64()?,
            faults: input.u32()?,
            window: input.window()?,
            ..Self::default()
        };
        for _ in 0..input.u32()? {
            frame.nodes.push(NodeGauge {
                waiting: input.u32()?,
                waiting_most: input.u32()?,
                in_service: input.u32()?,
                in_service_most: input.u32()?,
                up: input.u32()? != 0,
            });
        }
        for _ in 0..input.u32()? {
            frame.hosts.push(input.host()?);
        }
        for _ in 0..input.u32()? {
            frame.moves.push(input.one_move()?);
        }
        for _ in 0..input.u32()? {
            frame.figures.push(f32::from_bits(input.u32()?));
        }
        frame.pace = f32::from_bits(input.u32()?);
        input.0.is_empty().then_some(frame)
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    fn window(&mut self, window: &Window) {
        self.f64(window.seconds);
        [window.arrived, window.completed].into_iter().for_each(|count| self.u64(count));
        window.failed.into_iter().chain(window.by_class).for_each(|count| self.u64(count));
        [window.mean_ms, window.p50_ms, window.p95_ms, window.p99_ms].into_iter().for_each(|ms| self.f64(ms));
    }

    fn host(&mut self, host: &HostGauge) {
        let times = [host.busy_s, host.processors, host.throttled_s, host.disk_busy_s, host.disk_room_s];
        let sizes = [host.memory_used, host.memory, host.swap];
        times.into_iter().chain(sizes).for_each(|number| self.f64(number));
        [host.running, host.disk_channels, host.disk_jobs].into_iter().for_each(|number| self.u32(number));
    }

    fn one_move(&mut self, one: &Move) {
        self.u64(one.at);
        self.u32(one.request);
        self.u8(one.class as u8);
        let (kind, place, detail, time) = match one.what {
            What::Travel { edge, back, arrives } => (u8::from(back), edge, 0, arrives),
            What::Wait { node } => (2, node, 0, 0),
            What::Serve { node } => (3, node, 0, 0),
            What::Fail { node, cause } => (4, node, cause as u8, 0),
            What::Done { begun } => (5, 0, 0, begun),
        };
        self.u8(kind);
        self.u16(place);
        self.u8(detail);
        self.u64(time);
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn f64(&mut self) -> Option<f64> {
        self.u64().map(f64::from_bits)
    }

    fn window(&mut self) -> Option<Window> {
        let mut window =
            Window { seconds: self.f64()?, arrived: self.u64()?, completed: self.u64()?, ..Window::default() };
        for count in window.failed.iter_mut().chain(&mut window.by_class) {
            *count = self.u64()?;
        }
        for ms in [&mut window.mean_ms, &mut window.p50_ms, &mut window.p95_ms, &mut window.p99_ms] {
            *ms = self.f64()?;
        }
        Some(window)
    }

    fn host(&mut self) -> Option<HostGauge> {
        let mut host = HostGauge {
            busy_s: self.f64()?,
            processors: self.f64()?,
            throttled_s: self.f64()?,
            disk_busy_s: self.f64()?,
            disk_room_s: self.f64()?,
            memory_used: self.f64()?,
            memory: self.f64()?,
            swap: self.f64()?,
            ..HostGauge::default()
        };
        (host.running, host.disk_channels, host.disk_jobs) = (self.u32()?, self.u32()?, self.u32()?);
        Some(host)
    }

    fn one_move(&mut self) -> Option<Move> {
        let (at, request) = (self.u64()?, self.u32()?);
        let class = *Class::ALL.get(usize::from(self.u8()?))?;
        let kind = self.u8()?;
        let place = self.u16()?;
        let detail = usize::from(self.u8()?);
        let time = self.u64()?;
        let what = match kind {
            0 | 1 => What::Travel { edge: place, back: kind == 1, arrives: time },
            2 => What::Wait { node: place },
            3 => What::Serve { node: place },
            4 => What::Fail { node: place, cause: *Cause::ALL.get(detail)? },
            5 => What::Done { begun: time },
            _ => return None,
        };
        Some(Move { at, request, class, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn made_up_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = Frame::decode(&bytes);
        }

        #[test]
        fn what_is_written_reads_back_and_a_cut_does_not(now in any::<u64>(), kinds in prop::collection::vec(0_u8..6, 0..20), cut in 1_usize..50) {
            let moves = kinds.iter().map(|kind| Move {
                at: now,
                request: u32::from(*kind),
                class: Class::ALL[usize::from(*kind) % 4],
                what: match kind {
                    0 | 1 => What::Travel { edge: 7, back: *kind == 1, arrives: now },
                    2 => What::Wait { node: 1 },
                    3 => What::Serve { node: 2 },
                    4 => What::Fail { node: 3, cause: Cause::TimedOut },
                    _ => What::Done { begun: now / 2 },
                },
            });
            let frame = Frame {
                now,
                nodes: vec![NodeGauge { waiting: 3, up: true, ..NodeGauge::default() }],
                hosts: vec![HostGauge { busy_s: 0.5, disk_jobs: 2, ..HostGauge::default() }],
                moves: moves.collect(),
                figures: vec![0.5, 3.0],
                ..Frame::default()
            };
            let bytes = frame.encode();
            prop_assert_eq!(Frame::decode(&bytes), Some(frame));
            prop_assert_eq!(Frame::decode(&bytes[..bytes.len().saturating_sub(cut)]), None);
        }
    }
}
