//! What the command line changes of a stage.

use hockeystick_content::stage::{fault, set};
use hockeystick_core::stage::{Stage, limits};
use hockeystick_core::units::Rate;
use hockeystick_core::workload::PEAK_PER_DAILY_USER;
use miette::{Report, miette};

use super::Options;
use crate::model;

pub(super) fn apply(stage: &mut Stage, options: &Options) -> Result<(), Report> {
    let users = options.users.map(|users| users as f64 * PEAK_PER_DAILY_USER);
    if let Some(rate_per_s) = options.rate.or(users) {
        stage.workload.rate = Rate::per_second(rate_per_s);
    }
    let wants_rate = options.rate.is_some() || options.users.is_some() || options.sweep.is_some();
    if wants_rate && stage.workload.closed.is_some() {
        let help = "leave --rate, --users and --sweep out";
        return Err(miette!(help = help, "the users of a closed workload make its rate themselves"));
    }
    for (path, value) in &options.set {
        set(stage, path, value).map_err(|error| miette!("--set {path}={value}: {error}"))?;
    }
    if options.no_faults {
        stage.faults.clear();
    }
    for text in &options.fault {
        let fault = fault(stage, text, "--fault")?;
        stage.faults.push(fault);
    }
    let rate_per_s = stage.workload.rate.per_s();
    let is_rate = rate_per_s > 0.0 && rate_per_s <= limits::RATE_PER_S;
    if stage.workload.closed.is_none() && !is_rate {
        return Err(miette!(help = "give another --rate or --users", "a rate of {rate_per_s}/s cannot be simulated"));
    }
    let problems = stage.check();
    if problems.is_empty() { Ok(()) } else { Err(model::broken(&problems)) }
}

/// What a reader of a result should know of the stage: faults that theory leaves out, or that the run ends before.
pub(super) fn remarks(stage: &Stage, seconds: f64) -> Vec<String> {
    let mut remarks = Vec::new();
    let late = stage.faults.iter().filter(|fault| fault.at.as_secs_f64() >= seconds).count();
    let in_time = stage.faults.len() - late;
    if in_time > 0 {
        remarks.push(format!("{} simulated; theory knows of none", faults(in_time)));
    }
    if let Some(last) = stage.faults.iter().map(|fault| fault.at.as_secs_f64()).max_by(f64::total_cmp)
        && late > 0
    {
        let to = last + 60.0;
        remarks.push(format!("{} after the end of the run: --seconds {to:.0} has all of them", faults(late)));
    }
    if let Some(day) = stage.workload.day
        && day.length.as_secs_f64() > seconds
    {
        remarks.push(format!("the run ends before the day does, and begins at its quietest: a day is {}", day.length));
    }
    remarks
}

fn faults(count: usize) -> String {
    if count == 1 { "1 fault is".to_owned() } else { format!("{count} faults are") }
}
