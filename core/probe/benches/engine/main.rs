//! Engine speed, natively and in WebAssembly under V8, beside a tight loop and other engines, all in one session:
//! `cargo bench -p hockeystick-probe`, with a part of a case's name behind `--` for that case alone.
//!
//! Everybody simulates the same workload, and what counts as an event is the same for all, see
//! [`hockeystick_probe::workloads`]. Rounds take turns, and each figure is the best of several, because a busy machine only
//! ever makes a run slower.

#![expect(clippy::disallowed_types, reason = "a benchmark needs a clock")]

mod native;
mod peer_nexosim;
mod peer_simpy;
mod wasm;

use std::time::Instant;

/// Rounds of each contestant.
const ROUNDS: u32 = 7;

/// A workload, and for how long it is simulated.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    which: Which,
    /// Simulated seconds before the first round, and in each.
    warm_up_s: f64,
    round_s: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    A,
    B,
    Stage21,
}

const CASES: [Case; 3] = [
    Case { name: "workload A: M/M/1, 80 % busy", which: Which::A, warm_up_s: 10.0, round_s: 2_000.0 },
    Case {
        name: "workload B: balancer, 8 applications, cache, 3 replicas, 70 % busy",
        which: Which::B,
        warm_up_s: 30.0,
        round_s: 40.0,
    },
    Case { name: "stage 21 at its peak", which: Which::Stage21, warm_up_s: 10.0, round_s: 4.0 },
];

/// A run that can go on.
trait Contestant {
    /// Simulates until this second; its logical events so far.
    fn advance(&mut self, until_s: f64) -> u64;
}

/// What came of a contestant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// Million logical events a second of its best round.
    pub(crate) millions: f64,
    /// Simulated seconds in one of that round.
    pub(crate) real_time: f64,
    /// Memory in bytes, where it is known.
    pub(crate) memory: Option<f64>,
}

/// The best of each contestant's rounds; they take turns.
fn measure(case: &Case, contestants: &mut [Box<dyn Contestant>]) -> Vec<Figure> {
    let mut events: Vec<u64> = contestants.iter_mut().map(|it| it.advance(case.warm_up_s)).collect();
    let mut best = vec![Figure { millions: 0.0, real_time: 0.0, memory: None }; contestants.len()];
    for round in 1..=ROUNDS {
        for ((contestant, events), best) in contestants.iter_mut().zip(&mut events).zip(&mut best) {
            let begun = Instant::now();
            let after = contestant.advance(case.warm_up_s + f64::from(round) * case.round_s);
            let took_s = begun.elapsed().as_secs_f64();
            let millions = (after - *events) as f64 / took_s / 1e6;
            *events = after;
            if millions > best.millions {
                (best.millions, best.real_time) = (millions, case.round_s / took_s);
            }
        }
    }
    best
}

/// A line of the table.
struct Line<'a> {
    name: &'a str,
    figure: Result<Figure, String>,
    /// What its ratio is to: the tight loop of its own platform.
    reference: Option<f64>,
}

impl Line<'_> {
    fn print(&self) {
        let Self { name, figure, reference } = self;
        match figure {
            Ok(Figure { millions, real_time, memory }) => {
                let ratio = reference.map_or(String::new(), |reference| format!("{:.3}", millions / reference));
                let memory = memory.map_or(String::new(), |bytes| format!("{:.0} MB", bytes / 1e6));
                println!("  {name:<24}{millions:>10.2}{ratio:>16}{real_time:>16.1}{memory:>10}");
            }
            Err(why) => println!("  {name:<24}{why}"),
        }
    }
}

fn main() {
    let wasm = wasm::Module::build();
    println!(
        "best of {ROUNDS} rounds {:>18}{:>16}{:>16}{:>10}",
        "M events/s", "of tight loop", "x real time", "memory"
    );
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |case: &&Case| filters.is_empty() || filters.iter().any(|filter| case.name.contains(filter.as_str()));
    for case in CASES.iter().filter(wanted) {
        println!("{}", case.name);
        let mut contestants = native::contestants(case);
        let natively = measure(case, &mut contestants);
        let in_wasm = wasm.as_ref().map_err(Clone::clone).and_then(|module| module.measure(case));
        if case.which == Which::Stage21 {
            Line { name: "Hockeystick, native", figure: Ok(natively[0]), reference: None }.print();
            Line { name: "Hockeystick, wasm", figure: in_wasm.map(|figures| figures[0]), reference: None }.print();
            continue;
        }
        let tight = Some(natively[1].millions);
        let tight_wasm = in_wasm.as_ref().ok().map(|figures| figures[1].millions);
        let of_wasm = |index: usize| in_wasm.clone().map(|figures| figures[index]);
        let lines = [
            Line { name: "tight loop, native", figure: Ok(natively[1]), reference: tight },
            Line { name: "tight loop, wasm", figure: of_wasm(1), reference: tight_wasm },
            Line { name: "Hockeystick, native", figure: Ok(natively[0]), reference: tight },
            Line { name: "Hockeystick, wasm", figure: of_wasm(0), reference: tight_wasm },
            Line { name: "nexosim", figure: peer_nexosim::measure(case), reference: tight },
            Line { name: "SimPy", figure: peer_simpy::measure(case), reference: tight },
        ];
        lines.iter().for_each(Line::print);
        if let (Ok(wasm), native) = (of_wasm(0), natively[0]) {
            println!("  wasm is {:.2} of native", wasm.millions / native.millions);
        }
    }
}
