//! `loadgen plan`: what a plan would do; nothing is sent.

use std::path::{Path, PathBuf};

use clap::Args;
use hockeystick_core::engine::random::Stream;
use hockeystick_core::workload::{Arrivals, Class};
use miette::{IntoDiagnostic, Report, WrapErr};
use reqwest::Url;

use super::Exit;
use super::limits::LimitOptions;
use crate::plan::{self, Filling, Load, Message, Plan, PlannedStep, SetupPer};
use crate::run::guard::{self, Quantity, Take};
use crate::schedule;
use crate::table::{Table, number};
use crate::view;

const EXAMPLES: &str = "\
Examples:
  loadgen plan plan.toml
  loadgen plan plan.toml --host https://staging.example.org \\
      --allow-host staging.example.org

Exit code 0 where `loadgen run` would begin, 2 where the plan is wrong or passes
a limit.";

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
    Ok(plan::read(&text, path)?)
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
            view::load(step),
            number(plan.warm_up.as_secs_f64()),
            number(step.seconds),
            counted(count(plan, step, index), Some(step)),
            classes(plan, step),
            if step.held_out { "check" } else { "calibration" }.to_owned(),
        ]);
    }
    table
}

/// Drawing every request of a longer plan than this would take long: its mean says enough.
const DRAWN_MAX: f64 = 10e6;

/// Requests that the step holds; of a closed step what it holds at most.
fn count(plan: &Plan, step: &PlannedStep, index: usize) -> f64 {
    let expected = step.requests_expected(plan.warm_up.as_secs_f64()).round();
    match step.load {
        Load::Open(_) if plan.requests_expected() < DRAWN_MAX => schedule::arrivals(plan, step, index).len() as f64,
        _ => expected,
    }
}

/// A number of requests that may have no bound.
fn counted(count: f64, step: Option<&PlannedStep>) -> String {
    match step.map(|step| &step.load) {
        _ if count.is_infinite() => "no bound".to_owned(),
        Some(Load::Closed(_)) => format!("≤ {count:.0}"),
        _ => format!("{count:.0}"),
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
    for (index, setup) in plan.setups.iter().enumerate() {
        let per = match setup.per {
            SetupPer::Run => "once",
            SetupPer::User => "per user",
        };
        table.row(request(plan, host, &setup.message, &format!("setup {}", index + 1), per, ""));
    }
    for (index, planned) in plan.requests.iter().enumerate() {
        let weight = number(planned.weight);
        table.row(request(plan, host, &planned.message, &(index + 1).to_string(), planned.class.name(), &weight));
    }
    table
}

fn request(plan: &Plan, host: Option<&Url>, message: &Message, name: &str, class: &str, weight: &str) -> [String; 5] {
    let values = Stream::new(plan.seed, "values", "step 0");
    let path = message.path.render(&mut Filling::new(&plan.names, &[], &values, 0, 0));
    let address = match host {
        Some(host) => format!("{}{path}", host.origin().ascii_serialization()),
        None => path,
    };
    let example = format!("{} {address}", message.method);
    [name.to_owned(), class.to_owned(), weight.to_owned(), expected(message), example]
}

fn expected(message: &Message) -> String {
    let mut parts: Vec<String> = message.expect.status.iter().map(|code| code.as_u16().to_string()).collect();
    if parts.is_empty() {
        parts.push("2xx".to_owned());
    }
    if message.expect.reads_body() {
        parts.push("body".to_owned());
    }
    parts.join(" ")
}

fn summary(plan: &Plan) -> String {
    let steps = plan.steps.iter().enumerate();
    let steps: f64 = steps.map(|(index, step)| count(plan, step, index)).sum();
    let requests = counted(steps + plan.setup_requests(plan.users) + plan.connecting_requests(), None);
    let connecting = match plan.connecting() {
        Some(_) => format!("{} of them, one for each user, open connections before the first step.\n", plan.users),
        None => String::new(),
    };
    let arrivals = match plan.arrivals {
        Arrivals::Poisson => "Poisson arrivals",
        Arrivals::Constant => "equally spaced arrivals",
    };
    let thresholds = plan.thresholds.iter().map(|threshold| format!("The run stops unless {threshold}.\n"));
    let thresholds: String = thresholds.collect();
    format!(
        "{thresholds}{requests} requests in {} s, {arrivals} of seed {}; at most {} in flight, each given up after {} s.\n{connecting}",
        number(plan.seconds()),
        plan.seed,
        plan.users,
        number(plan.timeout.as_secs_f64())
    )
}

fn takes(host: &str, takes: &[Take]) -> String {
    let line = |take: &Take| {
        let (name, unit, option) = take.quantity.words();
        let asked = if take.asked.is_infinite() {
            "as many as are answered".to_owned()
        } else {
            // What is held against the limit is the mean of what may be drawn.
            let about = if take.quantity == Quantity::Requests { "about " } else { "" };
            format!("{about}{}{unit}", number(take.asked))
        };
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
