//! `loadgen run`: sends a plan to a deployment and measures.

use std::io::{IsTerminal, Write, stderr, stdin};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use hockeystick_core::measurement::{Ended, Results};
use miette::{IntoDiagnostic, Report, WrapErr, miette};
use reqwest::Url;

use super::Exit;
use super::limits::LimitOptions;
use super::signals;
use super::together::{self, TogetherOptions};
use crate::claim::{Claim, Unclaimed};
use crate::exposition::{Address, Server};
use crate::notice::{Notice, Watch};
use crate::plan::Plan;
use crate::run::busy::Meter;
use crate::run::{self, Failure, Interrupt, Metrics, guard, processors};
use crate::shard::Shard;
use crate::store;
use crate::timetable::Timetable;
use crate::view::{self, Apart, JsonLines, Terminal};

const EXAMPLES: &str = "\
Examples:
  loadgen run --host http://127.0.0.1:8080 --plan plan.toml --out results.json
  loadgen run --host http://127.0.0.1:8080 --plan plan.toml --out results.json \\
      --utilisation \"box cpu=cgroup:/sys/fs/cgroup/tick\" \\
      --metrics-addr 127.0.0.1:9464
  loadgen run --host https://staging.example.org --plan plan.toml \\
      --allow-host staging.example.org --yes --out results.json
  # and 1/3, 3/3 elsewhere
  loadgen run --host https://staging.example.org --plan plan.toml \\
      --allow-host staging.example.org --yes --out shard-2.json \\
      --shard 2/3 --start-at 2026-03-01T10:00:00Z --resume

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
    /// Where results go. A results file that is there already is kept as RESULTS.json.1, unless the run resumes it
    #[arg(long, value_name = "RESULTS.json")]
    out: PathBuf,
    /// Processor time to read beside each step; NAME is the station in the stage, such as "box cpu". Repeatable
    #[arg(long, value_name = "[NAME=]cgroup:PATH|pid:N")]
    utilisation: Vec<Meter>,
    /// Go on after the last finished step of the results file, which must be of the same plan, seed and host. With
    /// --start-at, at the next step by the timetable, whether or not there is a file, and once no other run writes it: for a
    /// shard that was cut off or is late
    #[arg(long)]
    resume: bool,
    /// Print a line of JSON for each event: a step begins, a second has passed, a step ends, the run ends
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
    /// Processor that the generator keeps to, counted from 0; give the deployment the others. For one thread
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
    refuse_a_crowd(options)?;
    let (shard, timetable) = options.together.read(options.resume)?;
    // Whoever sends how much of it: the host gets the whole plan.
    limits.permit_by(timetable.as_ref(), &host, &plan, repeats).into_diagnostic()?;
    together::permit(&plan, shard)?;
    refuse_to_repeat(options, timetable)?;
    let _claim = claim(options, shard, timetable.as_ref())?;
    let earlier = if options.resume { earlier(&options.out, &plan, &host, shard, timetable)? } else { None };
    if let Some(results) = earlier.as_ref().filter(|results| is_over(results, &plan)) {
        let of = if shard.is_whole() { String::new() } else { format!(" for shard {shard}") };
        tell!("nothing is left to do{of}");
        return Ok(conclude(&options.out, results, &plan));
    }
    let notice = timetable.filter(|_| !shard.is_whole());
    let notice = notice.map(|timetable| Notice::beside(&options.out, &plan, &host, shard, &timetable));
    if let Some(reason) = notice.as_ref().and_then(Notice::read) {
        tell!("nothing was sent, for all shards of this run were stopped: {reason}");
        return Ok(Exit::Stopped);
    }
    let loopback = guard::is_loopback(&host);
    if !loopback && !options.yes && !confirmed(&host, &plan, timetable.as_ref(), shard, repeats)? {
        return Err(miette!("not confirmed: nothing was sent"));
    }
    let address = options.metrics_addr.map(Address::take).transpose().into_diagnostic()?;
    let interrupt = Interrupt::default();
    signals::listen(&interrupt)?;
    // These threads are started before this one keeps to its processor, for that would be theirs as well.
    let view = view(options, &plan, shard, timetable.as_ref())?;
    let metrics = address.is_some().then(|| Arc::new(Metrics::new(&plan, shard)));
    let _server = serve(address, metrics.as_ref(), options.core)?;
    let _watch = watch(notice.as_ref(), &interrupt)?;
    if let Some(core) = options.core {
        processors::keep_to(core).into_diagnostic()?;
    }
    if earlier.is_none() {
        make_room(&options.out)?;
    }
    let run_options = run::Options {
        host,
        plan: plan.clone(),
        out: options.out.clone(),
        meters: options.utilisation.clone(),
        threads: usize::from(options.threads),
        shard,
        timetable,
        metrics,
        repeats,
        rate_max_per_s: limits.rate_max(loopback),
        earlier,
    };
    let results = run::run(run_options, &interrupt, &view).map_err(|error| match error {
        run::RunError::Store(_) => {
            miette!(help = "free some space, then go on with --resume; or give another --out", "{error}")
        }
        _ => miette!("{error}"),
    });
    // A view may wait for a terminal for ever, and the others must not.
    if let (Some(notice), Ok(results)) = (&notice, &results) {
        tell_the_others(notice, shard, &results.ended);
    }
    // What is said from here on comes below it.
    drop(view);
    let results = results?;
    Ok(conclude(&options.out, &results, &plan))
}

/// Keeps what an earlier run has measured from being written over.
fn make_room(out: &Path) -> Result<(), Report> {
    let aside =
        store::put_aside(out).map_err(|error| miette!(help = "give another --out", "{error}; nothing was sent"))?;
    if let Some(aside) = aside {
        tell!("{} was there: what it held is now {}", out.display(), aside.display());
    }
    Ok(())
}

/// Keeps other runs off the results file. Whatever restarts processes by itself may take one for dead that is only out of
/// its sight; so with a timetable and --resume, a run whose file is taken stands by, and takes up where the other ends.
fn claim(options: &Options, shard: Shard, timetable: Option<&Timetable>) -> Result<Option<Claim>, Report> {
    const LOOK_EVERY: Duration = Duration::from_secs(1);
    let stands_by = options.resume && timetable.is_some();
    let mut said = false;
    loop {
        match Claim::take(&options.out, shard) {
            Ok(claim) => return Ok(Some(claim)),
            Err(held @ Unclaimed::Held { .. }) if stands_by => {
                if !std::mem::replace(&mut said, true) {
                    tell!("{held}; this one stands by, and takes up where that one ends");
                }
                std::thread::sleep(LOOK_EVERY);
            }
            Err(held @ Unclaimed::Held { .. }) => {
                return Err(miette!(help = "wait until it ends, or give another --out", "{held}; nothing was sent"));
            }
            Err(no_locks @ Unclaimed::NoLocks { .. }) => {
                tell!("{no_locks}");
                return Ok(None);
            }
            Err(error @ Unclaimed::Write { .. }) => {
                return Err(miette!(help = "is the folder of --out there, and may you write to it?", "{error}"));
            }
        }
    }
}

/// What is seen of the run, on a thread of its own.
fn view(options: &Options, plan: &Plan, shard: Shard, timetable: Option<&Timetable>) -> Result<Apart, Report> {
    let core = options.core;
    let place = move || processors::keep_off(core);
    let out = view::take_stdout().into_diagnostic().wrap_err("cannot write to standard output")?;
    let view = if options.json {
        Apart::new(JsonLines::new(out), place)
    } else {
        Apart::new(Terminal::new(plan, shard, timetable), place)
    };
    view.into_diagnostic().wrap_err("cannot show the run")
}

/// Whether nothing is left to do, whoever starts the run again: the plan's end is reached, or a shard was stopped,
/// after which no step could be whole.
fn is_over(results: &Results, plan: &Plan) -> bool {
    let stopped = matches!(results.ended, Ended::Stopped(_) | Ended::Missed(_) | Ended::Followed(_));
    results.reached() >= plan.steps.len() || results.shard.is_some() && stopped
}

/// Says how a run ended, and what there is of it.
fn conclude(out: &Path, results: &Results, plan: &Plan) -> Exit {
    let (out, done, steps) = (out.display(), results.steps.len(), plan.steps.len());
    let holds = format!("{out} holds the {done} of {steps} steps that were finished");
    match &results.ended {
        Ended::Complete | Ended::Running => {
            tell!("{out}: {done} steps");
            results.missed_remarks().iter().for_each(|remark| tell!("{remark}"));
            let said_nothing = results.steps.iter().zip(results.planned()).find(|(step, _)| step.completed == 0);
            let Some((step, number)) = said_nothing else {
                return if results.missed.is_empty() { Exit::Agrees } else { Exit::Inconclusive };
            };
            if step.due == 0 {
                tell!(
                    "step {number} measured nothing, as no request was due in it: make it longer, or its rate higher"
                );
                return Exit::Inconclusive;
            }
            let failed: Vec<String> = step.failed.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            let most = step.failed.iter().max_by_key(|(_, count)| **count).and_then(|(kind, _)| Failure::named(kind));
            let advice = most.map_or_else(String::new, |kind| format!(": {}", kind.advice()));
            tell!(
                "step {number} measured nothing, as {} answered no request as expected ({}){advice}",
                results.host,
                failed.join(", ")
            );
            Exit::Inconclusive
        }
        ended => {
            tell!("the run {}; {holds}", ended.early().unwrap_or_default());
            match ended {
                Ended::Interrupted => Exit::Interrupted,
                Ended::Missed(_) => Exit::Disagrees,
                _ => Exit::Stopped,
            }
        }
    }
}

/// Looks for the notice, where there may be one.
fn watch(notice: Option<&Notice>, interrupt: &Interrupt) -> Result<Option<Watch>, Report> {
    let Some(notice) = notice else { return Ok(None) };
    tell!("this shard stops as soon as there is {}", notice.path().display());
    notice.watch(interrupt).map(Some).into_diagnostic().wrap_err("cannot look for the other shards' notice")
}

/// Puts the notice up where this shard's end is that of all: no later step would be whole, and what stopped it is likely to
/// be a reason for all. One that was interrupted may come back.
fn tell_the_others(notice: &Notice, shard: Shard, ended: &Ended) {
    let (Ended::Stopped(reason) | Ended::Missed(reason)) = ended else { return };
    if let Err(error) = notice.put_up(&format!("shard {shard}: {reason}")) {
        tell!("the other shards cannot be told: {error}");
    }
}

/// Answers at the address, where one was asked for.
fn serve(
    address: Option<Address>,
    metrics: Option<&Arc<Metrics>>,
    core: Option<usize>,
) -> Result<Option<Server>, Report> {
    let Some((address, metrics)) = address.zip(metrics) else { return Ok(None) };
    tell!("metrics at http://{}/metrics", address.at());
    let place = move || processors::keep_off(core);
    address.serve(Arc::clone(metrics), place).map(Some).into_diagnostic().wrap_err("cannot serve metrics")
}

/// Threads that send take turns on one processor, each for milliseconds.
fn refuse_a_crowd(options: &Options) -> Result<(), Report> {
    if options.core.is_some() && options.threads > 1 {
        return Err(miette!(
            help = "leave one of them out; `taskset` gives several threads a processor each",
            "with --core, {} threads would keep each other from the one processor",
            options.threads
        ));
    }
    Ok(())
}

/// A step that is measured again is no more at its place in a timetable.
fn refuse_to_repeat(options: &Options, timetable: Option<Timetable>) -> Result<(), Report> {
    if timetable.is_some() && options.limits.repeat > 0 {
        return Err(miette!(
            help = "leave one of them out",
            "with --start-at no step can be repeated: its time is fixed"
        ));
    }
    Ok(())
}

/// What the file of an earlier run holds; nothing where there is no file yet.
fn earlier(
    out: &Path,
    plan: &Plan,
    host: &Url,
    shard: Shard,
    timetable: Option<Timetable>,
) -> Result<Option<Results>, Report> {
    if !out.exists() {
        return Ok(None);
    }
    let results = store::read_results(out).into_diagnostic()?;
    let share = shard.written(timetable.map(|timetable| timetable.start()));
    run::resumable(&results, plan, host, share.as_ref()).map_err(|reason| {
        miette!(
            help = "run without --resume to measure anew, or give another --out",
            "cannot resume {}: {reason}",
            out.display()
        )
    })?;
    Ok(Some(results))
}

/// Asks whether another host may be loaded.
fn confirmed(
    host: &Url,
    plan: &Plan,
    timetable: Option<&Timetable>,
    shard: Shard,
    repeats: u32,
) -> Result<bool, Report> {
    if !stdin().is_terminal() {
        return Err(miette!(help = "add --yes if you mean it", "nobody is there to confirm that {host} may be loaded"));
    }
    let again = match repeats {
        0 => String::new(),
        _ => format!(" (up to {} times as many, where steps are repeated)", repeats + 1),
    };
    let share = if shard.is_whole() { String::new() } else { format!("shard {shard} of ") };
    let mut terminal = stderr();
    write!(
        terminal,
        "Send {share}about {:.0} requests over at least {:.0} s, up to {:.0} a second, to {host}{again}? [y/N] ",
        plan.requests_expected(),
        timetable.map_or(plan.seconds(), |timetable| timetable.seconds(plan)),
        plan.rate_max_per_s()
    )
    .and_then(|()| terminal.flush())
    .into_diagnostic()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).into_diagnostic()?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
