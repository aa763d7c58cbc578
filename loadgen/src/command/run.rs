//! `loadgen run`: sends a plan to a deployment and measures.

use std::io::{IsTerminal, Write, stderr, stdin};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use hockeystick_core::measurement::{Ended, Results};
use miette::{IntoDiagnostic, Report, WrapErr, miette};
use reqwest::Url;

use super::Exit;
use super::limits::LimitOptions;
use super::together::{self, TogetherOptions};
use crate::exposition::{Address, Server};
use crate::plan::Plan;
use crate::run::busy::Meter;
use crate::run::guard;
use crate::run::{self, Interrupt, Metrics, View};
use crate::shard::Shard;
use crate::store;
use crate::timetable::Timetable;
use crate::view::{JsonLines, Terminal};

const EXAMPLES: &str = "\
Examples:
  loadgen run --host http://127.0.0.1:8080 --plan plan.toml --out results.json
  loadgen run --host http://127.0.0.1:8080 --plan plan.toml --out results.json \\
      --utilisation \"box cpu=cgroup:/sys/fs/cgroup/tick\" --metrics-addr 127.0.0.1:9464
  loadgen run --host https://staging.example.org --allow-host staging.example.org --yes \\
      --plan plan.toml --out results.json
  loadgen run --host https://staging.example.org --allow-host staging.example.org --yes \
      --plan plan.toml --shard 2/3 --start-at 2026-03-01T10:00:00Z --out shard-2.json   # and 1/3, 3/3 elsewhere

A plan:
  schema = 1
  seed   = 7
  steps  = [{ rate = \"50/s\", seconds = 10 }, { rate = \"80/s\", seconds = 10 }]
  [values]
  list = { from = 1, to = 800 }
  [[request]]
  class = \"read\"
  path  = \"/lists/{list}\"";

/// Send a plan to a deployment, open loop, and measure
///
/// Requests are sent when they are due, whatever the server does; response times count from the due time. After each
/// step the results file is whole. Ctrl-C ends the run and keeps the finished steps, and --resume goes on after them; a
/// second Ctrl-C ends at once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Scheme, host and port of the deployment
    #[arg(long, value_name = "URL")]
    host: String,
    /// What to send
    #[arg(long, value_name = "PLAN.toml")]
    plan: PathBuf,
    /// Where results go
    #[arg(long, value_name = "RESULTS.json")]
    out: PathBuf,
    /// Processor time to read beside each step; NAME is the station in the stage, such as "box cpu". Repeatable
    #[arg(long, value_name = "[NAME=]cgroup:PATH|pid:N")]
    utilisation: Vec<Meter>,
    /// Go on after the last finished step of the results file, which must be of the same plan, seed and host
    #[arg(long)]
    resume: bool,
    /// Print a line of JSON for each event: a step begins, a second has passed, a step ends
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    together: TogetherOptions,
    #[command(flatten)]
    limits: LimitOptions,
    /// Tell Prometheus how the run goes: at http://ADDR/metrics while it lasts. Port 0 is any free one, which is then said
    #[arg(long, value_name = "ADDR:PORT")]
    metrics_addr: Option<SocketAddr>,
    /// Do not ask before loading another host
    #[arg(long)]
    yes: bool,
    /// Processor that the generator keeps to, counted from 0; give the deployment the others
    #[arg(long, value_name = "N")]
    core: Option<usize>,
    /// Threads that send; one is enough for some ten thousand requests a second
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    let plan = super::plan::load(&options.plan)?;
    let host = guard::read_host(&options.host).into_diagnostic()?;
    let (limits, repeats) = (options.limits.limits(), options.limits.repeat);
    // Whoever sends how much of it: the host gets the whole plan.
    limits.permit(&host, &plan, repeats).into_diagnostic()?;
    let (shard, timetable) = options.together.read()?;
    together::permit(&plan, shard)?;
    refuse_to_go_back(options, shard, timetable)?;
    if !guard::is_loopback(&host) && !options.yes && !confirmed(&host, &plan, shard, repeats)? {
        return Err(miette!("not confirmed: nothing was sent"));
    }
    let address = options.metrics_addr.map(Address::take).transpose().into_diagnostic()?;
    let earlier = if options.resume { earlier(&options.out, &plan, &host)? } else { None };
    if let Some(core) = options.core {
        run::keep_to(core).into_diagnostic()?;
    }
    let interrupt = Interrupt::default();
    on_interrupt(&interrupt)?;
    let view: Box<dyn View> = if options.json {
        Box::new(JsonLines::new().into_diagnostic().wrap_err("cannot write to standard output")?)
    } else {
        Box::new(Terminal::new(&plan, shard, timetable.as_ref()))
    };
    let metrics = address.is_some().then(|| Arc::new(Metrics::new(&plan, shard)));
    // There as long as the run.
    let _server = serve(address, metrics.as_ref())?;
    let run_options = run::Options {
        host,
        plan,
        out: options.out.clone(),
        meters: options.utilisation.clone(),
        threads: usize::from(options.threads),
        shard,
        timetable,
        metrics,
        repeats,
        earlier,
    };
    let steps = run_options.plan.steps.len();
    let results = run::run(run_options, &interrupt, view.as_ref()).map_err(|error| match error {
        run::RunError::Store(_) => miette!(help = "free some space or give another --out, then run again", "{error}"),
        _ => miette!("{error}"),
    })?;
    let out = options.out.display();
    let done = results.steps.len();
    match &results.ended {
        Ended::Complete | Ended::Running => {
            eprintln!("{out}: {done} steps");
            match results.steps.iter().position(|step| step.completed == 0 && step.due > 0) {
                None => Ok(Exit::Agrees),
                Some(index) => {
                    let failed = results.steps[index].failed.iter().map(|(kind, count)| format!("{count} {kind}"));
                    let failed: Vec<String> = failed.collect();
                    eprintln!(
                        "step {} measured nothing, as no request was answered as expected ({}): does the deployment \
                         answer at {}, and what the plan asks for?",
                        index + 1,
                        failed.join(", "),
                        results.host
                    );
                    Ok(Exit::Inconclusive)
                }
            }
        }
        Ended::Interrupted => {
            eprintln!("interrupted; {out} holds the {done} of {steps} steps that were finished");
            Ok(Exit::Inconclusive)
        }
        Ended::Missed(threshold) => {
            eprintln!(
                "a threshold was not kept: {threshold}; {out} holds the {done} of {steps} steps that were finished"
            );
            Ok(Exit::Disagrees)
        }
        Ended::Stopped(reason) => {
            eprintln!("stopped: {reason}; {out} holds the {done} of {steps} steps that were finished");
            Ok(Exit::Stopped)
        }
    }
}

/// Answers at the address, where one was asked for.
fn serve(address: Option<Address>, metrics: Option<&Arc<Metrics>>) -> Result<Option<Server>, Report> {
    let Some((address, metrics)) = address.zip(metrics) else { return Ok(None) };
    eprintln!("metrics at http://{}/metrics", address.at());
    address.serve(Arc::clone(metrics)).map(Some).into_diagnostic().wrap_err("cannot serve metrics")
}

/// A step that is measured again, or later, is no more at its place in a timetable that others keep as well.
fn refuse_to_go_back(options: &Options, shard: Shard, timetable: Option<Timetable>) -> Result<(), Report> {
    if timetable.is_some() && options.limits.repeat > 0 {
        return Err(miette!(
            help = "leave one of them out",
            "with --start-at no step can be repeated: its time is fixed"
        ));
    }
    if options.resume && !shard.is_whole() {
        let help =
            "run all shards anew, or merge what is there: `loadgen merge` keeps the steps that all of them finished";
        return Err(miette!(help = help, "a shard cannot be resumed: the others went on without it"));
    }
    Ok(())
}

/// What the file of an earlier run holds; nothing where there is no file yet.
fn earlier(out: &Path, plan: &Plan, host: &Url) -> Result<Option<Results>, Report> {
    if !out.exists() {
        return Ok(None);
    }
    let results = store::read_results(out).into_diagnostic()?;
    run::resumable(&results, plan, host).map_err(|reason| {
        miette!(
            help = "run without --resume to measure anew, or give another --out",
            "cannot resume {}: {reason}",
            out.display()
        )
    })?;
    Ok(Some(results))
}

/// Asks whether another host may be loaded.
fn confirmed(host: &Url, plan: &Plan, shard: Shard, repeats: u32) -> Result<bool, Report> {
    if !stdin().is_terminal() {
        return Err(miette!(help = "add --yes if you mean it", "nobody is there to confirm that {host} may be loaded"));
    }
    let again = match repeats {
        0 => String::new(),
        _ => format!(" (up to {} times as many, where steps are repeated)", repeats + 1),
    };
    let share = if shard.is_whole() { String::new() } else { format!("shard {shard} of ") };
    eprint!(
        "Send {share}about {:.0} requests over {:.0} s, up to {:.0} a second, to {host}{again}? [y/N] ",
        plan.requests_expected(),
        plan.seconds(),
        plan.rate_max_per_s()
    );
    stderr().flush().into_diagnostic()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).into_diagnostic()?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The first Ctrl-C (or SIGTERM) ends the run in good order, the second at once. goose sets a handler of its own only
/// where there is none.
fn on_interrupt(interrupt: &Interrupt) -> Result<(), Report> {
    let interrupt = interrupt.clone();
    let handler = move || {
        if interrupt.is_raised() {
            std::process::exit(130);
        }
        interrupt.raise();
    };
    ctrlc::set_handler(handler).into_diagnostic().wrap_err("cannot listen for Ctrl-C")
}
