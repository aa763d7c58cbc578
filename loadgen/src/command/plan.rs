//! `loadgen plan`: what a plan would do; nothing is sent.

use std::path::{Path, PathBuf};

use clap::Args;
use hockeystick_core::engine::random::Stream;
use hockeystick_core::workload::{Arrivals, Class};
use miette::{IntoDiagnostic, Report, WrapErr};
use reqwest::Url;

use super::Exit;
use super::limits::LimitOptions;
use crate::plan::{self, Plan, PlannedRequest, PlannedStep};
use crate::run::guard::{self, Take};
use crate::schedule;
use crate::table::{Table, number};

const EXAMPLES: &str = "\
Examples:
  loadgen plan plan.toml
  loadgen plan plan.toml --host https://staging.example.org --allow-host staging.example.org

Exit code 0 where `loadgen run` would begin, 2 where the plan is wrong or passes a limit.";

/// Check a plan and show what it would send; sends nothing
///
/// Shows the steps, how many requests they hold and how long they take, what the requests look like, and which limits
/// they meet on this machine and elsewhere.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The plan
    #[arg(value_name = "PLAN.toml")]
    plan: PathBuf,
    /// Scheme, host and port of the deployment
    #[arg(long, value_name = "URL")]
    host: Option<String>,
    #[command(flatten)]
    limits: LimitOptions,
}

/// Reads a plan from its file.
pub(super) fn load(path: &Path) -> Result<Plan, Report> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).into_diagnostic().wrap_err_with(|| format!("cannot read {name}"))?;
    Ok(plan::read(&text, &name)?)
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    let plan = load(&options.plan)?;
    let host = options.host.as_deref().map(guard::read_host).transpose().into_diagnostic()?;
    say!("{}", steps(&plan));
    say!("{}", requests(&plan, host.as_ref()));
    say!("{}", summary(&plan));
    let (limits, repeats) = (options.limits.limits(), options.limits.repeat);
    match &host {
        None => {
            say!("{}", takes("this machine", &limits.takes(true, &plan, repeats)));
            say!("{}", takes("another host, if named with --allow-host", &limits.takes(false, &plan, repeats)));
        }
        Some(url) => {
            let name = url.host_str().unwrap_or_default();
            say!("{}", takes(name, &limits.takes(guard::is_loopback(url), &plan, repeats)));
            limits.permit(url, &plan, repeats).into_diagnostic()?;
        }
    }
    say!("The plan is sound. Nothing was sent.");
    Ok(Exit::Agrees)
}

fn steps(plan: &Plan) -> Table {
    let mut table = Table::new(&["step", "load", "warm-up s", "measured s", "requests", "classes", "for"]);
    for (index, step) in plan.steps.iter().enumerate() {
        table.row([
            (index + 1).to_string(),
            format!("{}/s", number(step.rate_per_s)),
            number(plan.warm_up.as_secs_f64()),
            number(step.seconds),
            count(plan, step, index).to_string(),
            classes(plan, step),
            if step.held_out { "check" } else { "calibration" }.to_owned(),
        ]);
    }
    table
}

/// Drawing every request of a longer plan than this would take long: its mean says enough.
const DRAWN_MAX: f64 = 10e6;

/// Requests that the step holds.
fn count(plan: &Plan, step: &PlannedStep, index: usize) -> u64 {
    if plan.requests_expected() > DRAWN_MAX {
        (step.rate_per_s * (step.seconds + plan.warm_up.as_secs_f64())).round() as u64
    } else {
        schedule::arrivals(plan, step, index).len() as u64
    }
}

/// The share of each class that the step sends.
fn classes(plan: &Plan, step: &PlannedStep) -> String {
    let all: f64 = plan.requests.iter().map(|request| request.weight).sum();
    let share = |class: Class| match &step.mix {
        Some(mix) => *mix.get(class),
        None => {
            let own = plan.requests.iter().filter(|request| request.class == class);
            own.map(|request| request.weight).sum::<f64>() / all
        }
    };
    let shares = Class::ALL.into_iter().map(|class| (class, share(class))).filter(|(_, share)| *share > 0.0);
    shares.map(|(class, share)| format!("{} {:.0} %", class.name(), 100.0 * share)).collect::<Vec<_>>().join(", ")
}

/// What each kind of request looks like, with the values that the first of them would have.
fn requests(plan: &Plan, host: Option<&Url>) -> Table {
    let mut table = Table::new(&["request", "class", "weight", "expected", "for example"]);
    for (index, request) in plan.requests.iter().enumerate() {
        let values = Stream::new(plan.seed, "values", "step 0");
        let path = request.path.render(&plan.values, &mut values.draw(0));
        let address = match host {
            Some(host) => format!("{}{path}", host.origin().ascii_serialization()),
            None => path,
        };
        table.row([
            (index + 1).to_string(),
            request.class.name().to_owned(),
            number(request.weight),
            expected(request),
            format!("{} {address}", request.method),
        ]);
    }
    table
}

fn expected(request: &PlannedRequest) -> String {
    match request.expect.as_slice() {
        [] => "2xx".to_owned(),
        codes => codes.iter().map(|code| code.as_u16().to_string()).collect::<Vec<_>>().join(" "),
    }
}

fn summary(plan: &Plan) -> String {
    let requests: u64 = plan.steps.iter().enumerate().map(|(index, step)| count(plan, step, index)).sum();
    let arrivals = match plan.arrivals {
        Arrivals::Poisson => "Poisson arrivals",
        Arrivals::Constant => "equally spaced arrivals",
    };
    format!(
        "{requests} requests in {} s, {arrivals} of seed {}; at most {} in flight, each given up after {} s.\n",
        number(plan.seconds()),
        plan.seed,
        plan.users,
        number(plan.timeout.as_secs_f64())
    )
}

fn takes(host: &str, takes: &[Take]) -> String {
    let line = |take: &Take| {
        let (name, unit, option) = take.quantity.words();
        let asked = format!("{}{unit}", number(take.asked));
        match take.max {
            max if max.is_infinite() => format!("  {name}: {asked}, no limit"),
            max if take.asked > max => {
                format!("  {name}: {asked}, over the limit of {}{unit}; {option} raises it", number(max))
            }
            max => format!("  {name}: {asked} of {}{unit}", number(max)),
        }
    };
    let lines: Vec<String> = takes.iter().map(line).collect();
    format!("On {host}:\n{}\n", lines.join("\n"))
}
