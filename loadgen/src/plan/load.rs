//! A plan's steps: rates, rates that change, and users who wait for their answers.

use std::collections::BTreeMap;
use std::ops::Range;

use hockeystick_core::units::{Duration, Rate};
use hockeystick_core::workload::{Class, Closed, Day, Demand, PerClass};
use serde::Deserialize;
use toml::Spanned;

use super::curve::Curve;
use super::read::{Wrong, wrong};
use super::{Load, PlannedRequest, PlannedStep, limits};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepTable {
    rate: Option<Rate>,
    ramp: Option<Ramp>,
    spike: Option<Spike>,
    day: Option<Day>,
    users: Option<u32>,
    think: Option<Demand>,
    seconds: f64,
    parts: Option<u32>,
    mix: Option<BTreeMap<Class, f64>>,
    held_out: Option<bool>,
}

/// From one rate to another: as one step whose rate rises or falls, or as a staircase.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ramp {
    from: Rate,
    to: Rate,
    stairs: Option<u32>,
}

/// Another rate for a while.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spike {
    rate: Rate,
    at: Duration,
    lasts: Duration,
}

/// Reads the steps; one that says `stairs` or `parts` becomes several.
pub(super) fn read(
    steps: &Spanned<Vec<Spanned<StepTable>>>,
    requests: &[PlannedRequest],
    warm_up_s: f64,
) -> Result<Vec<PlannedStep>, Wrong> {
    let tables = steps.get_ref();
    let mut planned = Vec::new();
    for table in tables {
        for step in read_step(table, requests)? {
            check_size(&step, warm_up_s, table.span())?;
            planned.push(step);
        }
        if planned.len() > limits::STEPS {
            return wrong(table.span(), "more than 1000 steps", "1 to 1000 steps, stairs and parts included");
        }
    }
    if planned.is_empty() {
        return wrong(steps.span(), "0 steps", "1 to 1000 steps");
    }
    if tables.iter().all(|table| table.get_ref().held_out.is_none()) {
        hold_out_upper_half(&mut planned);
    }
    Ok(planned)
}

fn read_step(table: &Spanned<StepTable>, requests: &[PlannedRequest]) -> Result<Vec<PlannedStep>, Wrong> {
    let (step, span) = (table.get_ref(), table.span());
    if !(step.seconds > 0.0 && step.seconds <= limits::STEP_S) {
        return wrong(span, format!("seconds = {}", step.seconds), "above 0, at most 86400");
    }
    let mix = step.mix.as_ref().map(|mix| read_mix(mix, requests, span.clone())).transpose()?;
    let loads = read_loads(step, span.clone())?;
    let changes = |load: &Load| matches!(load, Load::Open(curve) if !curve.is_constant());
    if step.held_out == Some(false) && loads.iter().any(changes) {
        let help = "leave held_out out: a rate that changes can be checked, not calibrated on; or use stairs";
        return wrong(span, "this step's rate changes, so calibration cannot use it", help);
    }
    let seconds = step.seconds / loads.len() as f64;
    if seconds < limits::STEP_MIN_S {
        return wrong(span, format!("a step of {seconds} s"), "0.1 s at least, and as much for each stair or part");
    }
    let planned = |load| PlannedStep { held_out: step.held_out.unwrap_or(changes(&load)), load, seconds, mix };
    Ok(loads.into_iter().map(planned).collect())
}

/// The loads of one table, each for an equal part of its seconds.
fn read_loads(step: &StepTable, span: Range<usize>) -> Result<Vec<Load>, Wrong> {
    let parts = count(step.parts, "parts", &span)?.unwrap_or(1);
    let rate = |rate: Option<Rate>| rate.map(Rate::per_s);
    match (rate(step.rate), step.ramp, step.spike, step.day, step.users) {
        (Some(rate), None, None, None, None) if step.think.is_none() => {
            let rate = above_zero(rate, &span)?;
            Ok(vec![Load::Open(Curve::constant(rate, step.seconds / f64::from(parts))); parts as usize])
        }
        (None, None, None, None, Some(users)) => {
            let load = Load::Closed(read_closed(users, step.think, span)?);
            Ok(vec![load; parts as usize])
        }
        _ if step.parts.is_some() => {
            wrong(span, "only a steady load has parts", "leave parts out; a ramp has stairs instead")
        }
        (None, Some(ramp), None, None, None) if step.think.is_none() => read_ramp(ramp, step.seconds, span),
        (Some(rate), None, Some(spike), None, None) if step.think.is_none() => {
            read_spike(rate, spike, step.seconds, span).map(|load| vec![load])
        }
        (Some(rate), None, None, Some(day), None) if step.think.is_none() => {
            let rate = above_zero(rate, &span)?;
            let day_s = day.length.as_secs_f64();
            if !(0.0..=1.0).contains(&day.quiet) || day_s < 1.0 {
                return wrong(span, "this is no day", "a length from \"1 s\", and quiet from 0 to 1");
            }
            Ok(vec![Load::Open(Curve::days(rate, day.quiet, day_s, step.seconds))])
        }
        _ => {
            let help = "one of: rate; rate and spike; rate and day; ramp; users and think";
            wrong(span, "this step's load is not clear", help)
        }
    }
}

fn count(given: Option<u32>, name: &str, span: &Range<usize>) -> Result<Option<u32>, Wrong> {
    match given {
        Some(count) if !(1..=limits::STEPS as u32).contains(&count) => {
            wrong(span.clone(), format!("{name} = {count} is out of range"), "1 to 1000")
        }
        count => Ok(count),
    }
}

fn above_zero(rate_per_s: f64, span: &Range<usize>) -> Result<f64, Wrong> {
    if rate_per_s > 0.0 && rate_per_s <= limits::RATE_PER_S {
        Ok(rate_per_s)
    } else {
        wrong(span.clone(), format!("a rate of {rate_per_s}/s"), "above 0/s, at most 1000000/s")
    }
}

/// A rate that something begins or ends at: nothing at all is fine.
fn from_zero(rate: Rate, span: &Range<usize>) -> Result<f64, Wrong> {
    if rate.per_s() == 0.0 { Ok(0.0) } else { above_zero(rate.per_s(), span) }
}

fn read_ramp(ramp: Ramp, seconds: f64, span: Range<usize>) -> Result<Vec<Load>, Wrong> {
    let (from, to) = (from_zero(ramp.from, &span)?, from_zero(ramp.to, &span)?);
    if from + to == 0.0 {
        return wrong(span, "a ramp from nothing to nothing", "at least one end above 0/s");
    }
    match count(ramp.stairs, "stairs", &span)? {
        None => Ok(vec![Load::Open(Curve::ramp(from, to, seconds))]),
        Some(1) => wrong(span, "one stair is no ramp", "at least two"),
        Some(stairs) => {
            let share = |stair: u32| f64::from(stair) / f64::from(stairs - 1);
            let rates = (0..stairs).map(|stair| above_zero(from + (to - from) * share(stair), &span));
            let each_s = seconds / f64::from(stairs);
            rates.map(|rate| rate.map(|rate| Load::Open(Curve::constant(rate, each_s)))).collect()
        }
    }
}

fn read_spike(rate: f64, spike: Spike, seconds: f64, span: Range<usize>) -> Result<Load, Wrong> {
    let (rate, top) = (above_zero(rate, &span)?, above_zero(spike.rate.per_s(), &span)?);
    let (at_s, lasts_s) = (spike.at.as_secs_f64(), spike.lasts.as_secs_f64());
    if lasts_s <= 0.0 || at_s + lasts_s > seconds {
        return wrong(span, "the spike does not lie within its step", "at and lasts together are at most seconds");
    }
    Ok(Load::Open(Curve::spike(rate, top, at_s, lasts_s, seconds)))
}

fn read_closed(users: u32, think: Option<Demand>, span: Range<usize>) -> Result<Closed, Wrong> {
    if !(1..=limits::USERS).contains(&users) {
        return wrong(span, format!("users = {users} is out of range"), "1 to 10_000");
    }
    let think = think.unwrap_or(Demand::NONE);
    if think.mean.as_secs_f64() > limits::STEP_S || !(0.0..=Demand::LARGEST_CV).contains(&think.cv) {
        return wrong(span, "think is out of range", "such as \"1 s\", or { mean = \"1 s\", cv = 0.0 }");
    }
    Ok(Closed { users, think })
}

fn check_size(step: &PlannedStep, warm_up_s: f64, span: Range<usize>) -> Result<(), Wrong> {
    let Load::Open(curve) = &step.load else { return Ok(()) };
    let count = curve.after_warm_up(warm_up_s).requests();
    if count <= limits::REQUESTS_PER_STEP as f64 {
        return Ok(());
    }
    let message = format!("this step would send {count:.0} requests, its warm-up included");
    wrong(span, message, "at most 5 million in a step: a lower rate, or several shorter steps")
}

/// Shares that add up to one, of classes that the plan can send.
fn read_mix(
    mix: &BTreeMap<Class, f64>,
    requests: &[PlannedRequest],
    span: Range<usize>,
) -> Result<PerClass<f64>, Wrong> {
    let sum: f64 = mix.values().sum();
    if mix.values().any(|share| !(share.is_finite() && *share >= 0.0)) || !(sum > 0.0 && sum.is_finite()) {
        return wrong(span, "these shares are no mix", "numbers from 0, at least one above");
    }
    let mut shares = PerClass::all(0.0);
    for (class, share) in mix {
        if *share > 0.0 && !requests.iter().any(|request| request.class == *class && request.weight > 0.0) {
            let message = format!("the mix asks for `{}`, and no [[request]] is of that class", class.name());
            return wrong(span, message, "add such a request, or leave the class out");
        }
        *shares.get_mut(*class) = share / sum;
    }
    Ok(shares)
}

/// Where the plan does not say: the steps above the median rate are for the check, and those whose rate changes. A plan
/// of one step is for calibration. Closed steps are compared by their users.
fn hold_out_upper_half(steps: &mut [PlannedStep]) {
    let size = |step: &PlannedStep| match &step.load {
        Load::Open(curve) if curve.is_constant() => Some(curve.max_per_s()),
        Load::Open(_) => None,
        Load::Closed(closed) => Some(f64::from(closed.users)),
    };
    for closed in [false, true] {
        let alike = |step: &PlannedStep| matches!(step.load, Load::Closed(_)) == closed;
        let mut sizes: Vec<f64> = steps.iter().filter(|step| alike(step)).filter_map(size).collect();
        sizes.sort_by(f64::total_cmp);
        let Some(median) = sizes.get(sizes.len().saturating_sub(1) / 2).copied() else { continue };
        for step in steps.iter_mut().filter(|step| alike(step)) {
            step.held_out = size(step).is_none_or(|size| size > median);
        }
    }
}
