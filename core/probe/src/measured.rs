//! Measurements that were never made: a stage is simulated, and what came out is written down as `loadgen run` would.

use std::collections::BTreeMap;

use hockeystick_core::engine::random::{Exponential, Stream};
use hockeystick_core::measurement::{BusyTime, ClassResult, Distribution, Slice, Step};
use hockeystick_core::schedule::{Arrival, Schedule};
use hockeystick_core::simulate::replay;
use hockeystick_core::stage::Stage;
use hockeystick_core::units::{Nanos, SECOND_NS};
use hockeystick_core::workload::{Class, PerClass};

/// Parts of a window, as in `loadgen run`.
const SLICES: usize = 20;
/// Seconds before the window.
const WARM_UP_S: f64 = 1.0;

/// Poisson arrivals for a window of so many seconds, and the warm-up before it.
pub fn arrivals(rate_per_s: f64, mix: &PerClass<f64>, seconds: f64, seed: u64) -> Schedule {
    let exponential = Exponential::new();
    let (gaps, classes) = (Stream::new(seed, "arrivals", "gaps"), Stream::new(seed, "arrivals", "classes"));
    let mut at_s = 0.0;
    let mut all = Vec::new();
    for number in 0.. {
        at_s += exponential.sample(&mut gaps.draw(number)) / rate_per_s;
        if at_s >= WARM_UP_S + seconds {
            break;
        }
        let mut left = classes.draw(number).uniform();
        let class = mix.iter().find(|(_, share)| {
            left -= **share;
            left < 0.0
        });
        all.push(Arrival { at: (at_s * 1e9) as Nanos, class: class.map_or(Class::Static, |(class, _)| class) });
    }
    Schedule::new(all)
}

/// What a measurement of a deployment that is like `stage` would hold; `stations` are those whose busy time is read, each
/// with the demands of a request there, in seconds.
///
/// # Panics
/// When the stage breaks a rule, or fails a request.
pub fn step(stage: &Stage, schedule: &Schedule, stations: &[(&str, PerClass<f64>)], seed: u64) -> Step {
    let responses = replay(stage, schedule, seed).unwrap_or_else(|problems| panic!("{problems:?}"));
    let end = schedule.arrivals().last().map_or(0, |arrival| arrival.at);
    let from = (WARM_UP_S * 1e9) as Nanos;
    let to = end.next_multiple_of(SECOND_NS);
    let window = from..to;
    let mut slices = vec![Vec::new(); SLICES];
    let mut by_class: PerClass<Vec<f64>> = PerClass(Class::ALL.map(|_| Vec::new()));
    let mut answered = PerClass::all(0_u64);
    for (arrival, response) in schedule.arrivals().iter().zip(responses) {
        let response = response.unwrap_or_else(|| panic!("no answer to {arrival:?}"));
        *answered.get_mut(arrival.class) += u64::from(window.contains(&(arrival.at + response)));
        if window.contains(&arrival.at) {
            let us = response as f64 / 1e3;
            slices[((arrival.at - from) * SLICES as u64 / (to - from)) as usize].push(us);
            by_class.get_mut(arrival.class).push(us);
        }
    }
    let measured_s = (to - from) as f64 / 1e9;
    let response = distribution(slices.concat());
    let busy = |demand_s: &PerClass<f64>| {
        let busy_s = answered.iter().map(|(class, count)| *count as f64 * demand_s.get(class)).sum();
        BusyTime { busy_s, elapsed_s: measured_s }
    };
    let mut classes = BTreeMap::new();
    for (class, times_us) in Class::ALL.into_iter().zip(by_class.0).filter(|(_, times_us)| !times_us.is_empty()) {
        let response = distribution(times_us);
        let (due, answered, service) = (response.count, *answered.get(class), response.clone());
        classes.insert(class, ClassResult { due, answered, failed: 0, response, service });
    }
    let throughput_per_s = answered.0.iter().sum::<u64>() as f64 / measured_s;
    Step {
        rate_per_s: response.count as f64 / measured_s,
        warm_up_s: WARM_UP_S,
        measured_s,
        window_from: None,
        held_out: true,
        due: response.count,
        sent: response.count,
        completed: response.count,
        failed: BTreeMap::new(),
        users_exhausted: 0,
        in_flight: throughput_per_s * response.mean_us / 1e6,
        generator_cpus: 0.1,
        lag: Distribution::default(),
        service: response.clone(),
        response,
        classes,
        slices: slices.into_iter().map(slice).collect(),
        schedule: Some(schedule.text()),
        stations: stations.iter().map(|(station, demand_s)| ((*station).to_owned(), busy(demand_s))).collect(),
        neighbours: None,
        ..Step::default()
    }
}

fn slice(times_us: Vec<f64>) -> Slice {
    let all = distribution(times_us);
    Slice {
        completed: all.count,
        mean_us: all.mean_us,
        p50_us: all.p50_us,
        p95_us: all.p95_us,
        p99_us: all.p99_us,
        disturbed: false,
    }
}

/// As [`Distribution`]; without its histogram.
fn distribution(mut times_us: Vec<f64>) -> Distribution {
    times_us.sort_by(f64::total_cmp);
    let Some(last) = times_us.len().checked_sub(1) else { return Distribution::default() };
    let quantile = |q: f64| times_us[((q * times_us.len() as f64).ceil() as usize).saturating_sub(1).min(last)] as u64;
    let mean_us = times_us.iter().sum::<f64>() / times_us.len() as f64;
    let squares: f64 = times_us.iter().map(|us| (us - mean_us) * (us - mean_us)).sum();
    Distribution {
        count: times_us.len() as u64,
        mean_us,
        sd_us: (squares / (last as f64).max(1.0)).sqrt(),
        min_us: times_us[0] as u64,
        p50_us: quantile(0.50),
        p95_us: quantile(0.95),
        p99_us: quantile(0.99),
        max_us: times_us[last] as u64,
        hdr: String::new(),
    }
}
