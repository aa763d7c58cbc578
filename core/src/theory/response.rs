//! The distribution of the response time: each class on each route, through the transforms of what it passes.
//!
//! The transform of a sum of independent times is the product of theirs. It is inverted on a grid of times for each
//! class and route; a mixture of those, each shifted by its constant delays, is the response of a request.

use super::complex::Complex;
use super::cores::Cores;
use super::demand::{Moments, Part};
use super::erlang;
use super::general;
use super::inversion;
use super::mean;
use super::network::{Branch, Discipline, Leg, Network, Route};
use super::pollaczek;
use super::sharing::{Kernel, Sharing};
use super::spread::{self, Panels, Spread};
use crate::workload::Class;

/// The grid ends where every class's tail is below this.
const SMALLEST_TAIL: f64 = 1e-7;
/// Most times on the grid: a hundred octaves of nothing would follow.
const MOST_TIMES: usize = 120;

/// Response times of a network whose every station is stable and has no quota.
#[derive(Clone, Debug)]
pub struct Responses {
    paths: Vec<Path>,
    branches: Vec<Branch>,
}

/// One class on one route.
#[derive(Clone, Debug)]
struct Path {
    share: f64,
    /// Its constant delays.
    delay_s: f64,
    /// The tail of the rest.
    tail: Tail,
}

impl Responses {
    /// The distributions; none where a station is too close to saturation for them.
    pub fn of(network: &Network) -> Option<Self> {
        let stations: Vec<Station> =
            (0..network.stations.len()).map(|at| Station::of(network, at)).collect::<Option<_>>()?;
        let shortest = mean_demands(network).fold(f64::INFINITY, f64::min);
        let longest = mean_demands(network).fold(0.0, f64::max);
        // Below a 256th of the earliest time on the grid a demand is as good as none.
        let first = if longest > 0.0 { shortest / 16.0 } else { 1.0 };
        let panels = Panels::between(first / 256.0, longest * 64.0);
        let mut paths = Vec::new();
        for (probability, slower) in paces(network) {
            let mut bundle = Vec::new();
            for route in network.awaited() {
                for class in Class::ALL {
                    let share = probability * network.share(route, class);
                    if share > 0.0 {
                        bundle.push(Sum::of(route, class, share, &stations, &panels));
                    }
                }
            }
            // Sixteen half-octaves: the first time on the grid is the panels' sixteenth edge.
            invert(&mut bundle, &stations, &slower, &panels, 16);
            paths.extend(bundle.into_iter().map(Sum::into_path));
        }
        Some(Self { paths, branches: network.branches.clone() })
    }

    /// Probability that a response takes longer than `t_s` seconds.
    pub fn tail(&self, t_s: f64) -> f64 {
        let after =
            |path: &Path, branch: &Branch| branch.probability * path.tail.at(t_s - path.delay_s - branch.seconds);
        let of = |path: &Path| path.share * self.branches.iter().map(|branch| after(path, branch)).sum::<f64>();
        self.paths.iter().map(of).sum()
    }

    /// The time in seconds that a share `q` of those responses that take no longer than `most_s` does not exceed.
    pub fn quantile_s(&self, q: f64, most_s: f64) -> f64 {
        let late = if most_s.is_finite() { self.tail(most_s) } else { 0.0 };
        inversion::quantile(late + (1.0 - q) * (1.0 - late), 1e-3, |t| self.tail(t))
    }

    /// Mean in seconds of those responses that take no longer than `most_s`, by integrating the tail.
    pub fn mean_s(&self, most_s: f64) -> f64 {
        const STEPS: u32 = 4000;
        let late = self.tail(most_s);
        // Equal steps of the square root resolve the start, where the tail falls fastest.
        let step = most_s.sqrt() / f64::from(STEPS);
        let at = |i: u32| {
            let root = (f64::from(i) + 0.5) * step;
            2.0 * root * step * (self.tail(root * root) - late)
        };
        (0..STEPS).map(at).sum::<f64>() / (1.0 - late)
    }
}

/// How much slower than by itself each station is, and the share of the time for which that is so: while a component's own
/// job is there, and else. Such a job stays long against the time in which queues settle, so what is seen is the mixture
/// of the two. Its presence stretches a response by the mean of what it does; where several have one they are taken to come
/// together.
fn paces(network: &Network) -> Vec<(f64, Vec<f64>)> {
    let slowed: Vec<Option<(f64, f64)>> = (0..network.stations.len()).map(|at| mean::slowed(network, at)).collect();
    let present = slowed.iter().flatten().map(|(present, _)| *present).fold(0.0, f64::max);
    let alone = (1.0 - present, vec![1.0; slowed.len()]);
    if present <= 0.0 {
        return vec![alone];
    }
    let slower = |it: &Option<(f64, f64)>| it.map_or(1.0, |(share, slower)| 1.0 + share / present * (slower - 1.0));
    vec![alone, (present, slowed.iter().map(slower).collect())]
}

/// Mean demands that are above zero: each class's at each station.
fn mean_demands(network: &Network) -> impl Iterator<Item = f64> {
    let legs = network.awaited().flat_map(|route| route.legs.iter().map(move |leg| (route, leg)));
    legs.flat_map(move |(route, leg)| {
        let asked = Class::ALL.into_iter().filter(move |class| network.share(route, *class) > 0.0);
        asked.map(|class| leg.moments(class).first)
    })
    .filter(|mean| *mean > 0.0)
}

/// A station, as what turns a demand into a time.
enum Station {
    /// Asked for nothing.
    Idle,
    /// One processor, shared.
    One(Sharing),
    /// Several processors, shared.
    Many(Cores),
    /// First come, first served, by one server.
    Line { rate_per_s: f64, service: Moments, parts: Vec<(f64, Part)> },
    /// First come, first served, by several: a wait with some probability, then exponential.
    Lines { waits: f64, mean_wait_s: f64 },
}

impl Station {
    fn of(network: &Network, at: usize) -> Option<Self> {
        let station = &network.stations[at];
        let (share, demand) = network.demand(at);
        let rate_per_s = network.rate_per_s * share / station.copies();
        if demand.first <= 0.0 {
            return Some(Self::Idle);
        }
        match (station.discipline, station.servers) {
            (Discipline::ProcessorSharing, 1) => Some(Self::One(Sharing::new(rate_per_s, &demand))),
            (Discipline::ProcessorSharing, servers) => Cores::new(rate_per_s, &demand, servers).map(Self::Many),
            (Discipline::Fcfs, servers) => {
                let service = network.visit(at);
                let rate_per_s = network.rate_per_s * network.mean_visits(at) / station.copies();
                if servers == 1 {
                    return Some(Self::Line { rate_per_s, service, parts: network.visits_of(at) });
                }
                let waits = erlang::waiting(servers, rate_per_s * service.first);
                let mean_wait_s = general::mean_wait_s(rate_per_s, &service, servers);
                Some(Self::Lines { waits, mean_wait_s })
            }
        }
    }
}

/// What a station's transforms have in common at one `s`.
enum AtS {
    Idle,
    /// The kernel, and its values at the panels' nodes.
    One(Kernel, Vec<Complex>),
    Many,
    /// The transform of the wait.
    Line(Complex),
}

impl Station {
    fn at(&self, s: Complex, nodes: &[f64]) -> AtS {
        match self {
            Self::Idle => AtS::Idle,
            Self::One(sharing) => {
                let kernel = sharing.at(s);
                AtS::One(kernel, nodes.iter().map(|x| kernel.transform(*x)).collect())
            }
            Self::Many(_) => AtS::Many,
            Self::Line { rate_per_s, service, parts } => {
                let one = parts.iter().fold(Complex::ZERO, |sum, (share, part)| sum + part.each_transform(s) * *share);
                AtS::Line(pollaczek::wait_transform(*rate_per_s, service.first, s, one))
            }
            Self::Lines { waits, mean_wait_s } => {
                let delayed = if *waits > 0.0 { mean_wait_s / waits } else { 0.0 };
                AtS::Line(Complex::ONE / (s * delayed + 1.0) * *waits + (1.0 - waits))
            }
        }
    }
}

/// One class on one route, while its tail is being computed.
struct Sum {
    share: f64,
    delay_s: f64,
    terms: Vec<Term>,
    times: Vec<f64>,
    tails: Vec<f64>,
}

/// What it spends at one station.
struct Term {
    station: usize,
    parts: Vec<Part>,
    own: Moments,
    spread: Option<Spread>,
}

impl Sum {
    fn of(route: &Route, class: Class, share: f64, stations: &[Station], panels: &Panels) -> Self {
        let term = |leg: &Leg| {
            let parts = leg.demand.get(class).clone();
            let own = Moments::of_sum(&parts);
            let spread = matches!(stations[leg.station], Station::One(_)).then(|| Spread::of(&parts, panels));
            Term { station: leg.station, parts, own, spread }
        };
        let terms = route.legs.iter().map(term).filter(|term| term.own.first > 0.0).collect();
        let delay_s = route.outside_s + route.inside_s.get(class);
        Self { share, delay_s, terms, times: Vec::new(), tails: Vec::new() }
    }

    /// The transform, with `s` as each station's pace makes it.
    fn transform(&self, s: &[Complex], upto: usize, at: &[AtS], nodes: &[f64], stations: &[Station]) -> Complex {
        self.terms.iter().fold(Complex::ONE, |product, term| {
            let factor = match (&at[term.station], &stations[term.station]) {
                (AtS::One(kernel, values), _) => term.shared(kernel, values, nodes, upto),
                (_, Station::Many(cores)) => cores.transform(s[term.station], &term.own),
                (AtS::Line(wait), _) => term
                    .parts
                    .iter()
                    .fold(Complex::ONE, |product, part| product * part.each_after(s[term.station], *wait)),
                _ => Complex::ONE,
            };
            product * factor
        })
    }

    fn into_path(self) -> Path {
        Path { share: self.share, delay_s: self.delay_s, tail: Tail::new(self.times, &self.tails) }
    }
}

impl Term {
    /// The transform of a shared processor's time, mixed over the demand.
    fn shared(&self, kernel: &Kernel, values: &[Complex], nodes: &[f64], upto: usize) -> Complex {
        let Some(spread) = &self.spread else { return Complex::ONE };
        if spread.least_s == 0.0 {
            return spread.integrate(values, upto);
        }
        let later: Vec<Complex> = nodes.iter().map(|x| kernel.transform(spread.least_s + x)).collect();
        spread.integrate(&later, upto)
    }
}

/// Fills in the tails, from the panels' edge with index `first` upwards.
fn invert(bundle: &mut [Sum], stations: &[Station], slower: &[f64], panels: &Panels, first: usize) {
    for upto in first..first + MOST_TIMES {
        let t = panels.edge(upto);
        let mut sums = vec![0.0; bundle.len()];
        let open = |sum: &Sum| !sum.terms.is_empty() && sum.tails.last().is_none_or(|tail| *tail > SMALLEST_TAIL);
        if !bundle.iter().any(open) {
            return;
        }
        let nodes = spread::nodes(panels, upto);
        for (s, weight) in inversion::points(t) {
            let paced: Vec<Complex> = slower.iter().map(|slower| s * *slower).collect();
            let at: Vec<AtS> = stations.iter().zip(&paced).map(|(station, s)| station.at(*s, &nodes)).collect();
            for (sum, path) in sums.iter_mut().zip(bundle.iter()) {
                if open(path) {
                    let transform = path.transform(&paced, upto, &at, &nodes, stations);
                    *sum += weight * ((Complex::ONE - transform) / s).re;
                }
            }
        }
        for (path, tail) in bundle.iter_mut().zip(sums) {
            if open(path) {
                path.times.push(t);
                path.tails.push(tail);
            }
        }
    }
}

/// A falling tail, between times at which it is known.
///
/// Its logarithm is interpolated by cubic pieces that stay monotone (Fritsch & Butland, SIAM J. Sci. Stat. Comput. 5,
/// 1984); an exponential tail comes out exactly.
#[derive(Clone, Debug)]
struct Tail {
    times: Vec<f64>,
    logs: Vec<f64>,
    slopes: Vec<f64>,
}

impl Tail {
    fn new(times: Vec<f64>, tails: &[f64]) -> Self {
        let mut lowest = 0.0_f64;
        // The inversion's ripple must not make it rise.
        let mut log = |tail: &f64| {
            lowest = lowest.min(libm::log(tail.clamp(1e-12, 1.0)));
            lowest
        };
        let mut logs: Vec<f64> = vec![0.0];
        logs.extend(tails.iter().map(&mut log));
        let mut all = vec![0.0];
        all.extend(times);
        let chords: Vec<f64> =
            all.windows(2).zip(logs.windows(2)).map(|(t, log)| (log[1] - log[0]) / (t[1] - t[0])).collect();
        let inner = chords.windows(2).zip(all.windows(3)).map(|(chord, t)| {
            let share = (t[2] - t[1] + (t[2] - t[0])) / (3.0 * (t[2] - t[0]));
            let sum = share * chord[1] + (1.0 - share) * chord[0];
            if sum < 0.0 { chord[0] * chord[1] / sum } else { 0.0 }
        });
        let mut slopes = vec![chords.first().copied().unwrap_or(0.0)];
        slopes.extend(inner);
        slopes.push(chords.last().copied().unwrap_or(0.0));
        Self { times: all, logs, slopes }
    }

    fn at(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        let next = self.times.partition_point(|time| *time <= t);
        let (Some(after), Some(before)) = (self.times.get(next), next.checked_sub(1)) else { return 0.0 };
        let width = after - self.times[before];
        let u = (t - self.times[before]) / width;
        let (v, w) = (1.0 - u, u * (1.0 - u));
        let straight = self.logs[before] * v + self.logs[next] * u;
        let rise = (self.logs[next] - self.logs[before]) / width;
        let bent = (self.slopes[before] - rise) * v - (self.slopes[next] - rise) * u;
        libm::exp((straight + w * bent * width).min(0.0))
    }
}
