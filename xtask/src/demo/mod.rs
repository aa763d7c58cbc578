//! `cargo xtask demo`: the whole loop on this machine, from a running app to a verdict.
//!
//! Tick is started on loopback, on a core of its own and under a CPU quota where the system allows it. Every other step
//! is a `loadgen` command that anybody could type; the demo prints each.

mod first_look;
mod loadgen;
mod machine;
mod plan;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use clap::Args;
use hockeystick_staging::deploy::{Awake, CpuLimit, DeployError, Deployment, Options as DeployOptions, Precedence};

use crate::workspace::Workspace;
use loadgen::{Demo, INTERRUPTED, Unfinished};

const EXIT_CODES: &str = "\
Exit codes, as of `loadgen check`:
  0  the model agrees with the measurement
  1  the model disagrees with the measurement
  2  something could not be built, started or written
  3  inconclusive, or the measurement was disturbed
  4  a guard rail stopped the load
130  somebody pressed Ctrl-C";

/// Starts the reference app, loads it, calibrates the model, checks the prediction, writes a report.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Options {
    /// Share of a core that the app gets.
    #[arg(long, default_value_t = 0.8, value_parser = share)]
    quota: f64,
    /// Seed of the arrivals.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Multiplies the length of every step: 2 for narrower intervals.
    #[arg(long, default_value_t = 1.0, value_parser = length)]
    length: f64,
    /// Makes requests this much dearer at the steps that must be predicted, behind the model's back: 1.25 for a quarter
    /// more work. The check should say that the model disagrees.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = drift)]
    drift: f64,
    /// Use the programs in target/release as they are.
    #[arg(long)]
    no_build: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.05..=1.0).contains(share));
    share.ok_or_else(|| "expected a share of a core from 0.05 to 1".to_owned())
}

fn length(text: &str) -> Result<f64, String> {
    let factor = text.parse::<f64>().ok().filter(|factor| (0.1..=100.0).contains(factor));
    factor.ok_or_else(|| "expected a factor from 0.1 to 100".to_owned())
}

fn drift(text: &str) -> Result<f64, String> {
    let factor = text.parse::<f64>().ok().filter(|factor| (0.1..=10.0).contains(factor));
    factor.ok_or_else(|| "expected a factor from 0.1 to 10".to_owned())
}

/// Where the stage of this deployment is.
const STAGE: &str = "content/stages/01-single-server/tick.toml";
/// The station of the stage whose busy time is read.
const STATION: &str = "box cpu";
/// Tick's work factor, see its README: dear enough that the processor is what is scarce, cheap enough that a step of
/// some seconds sees thousands of requests and its figures have narrow intervals.
const WORK_FACTOR: u32 = 60;
/// What the demo leaves in its folder.
const RESULTS: [&str; 8] = [
    "PROBE.json",
    "PROBE.plan.toml",
    "RESULTS.json",
    "RESULTS.plan.toml",
    "DRIFTED.json",
    "DRIFTED.plan.toml",
    "FITTED.toml",
    "REPORT.html",
];

/// Ends with the exit code of `loadgen check`, or of the command that left nothing to check.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let outcome = show(options).or_else(|error| match error.downcast_ref::<Unfinished>() {
        Some(unfinished) => {
            eprintln!("{unfinished}");
            Ok(ExitCode::from(unfinished.code))
        }
        None => Err(error),
    });
    // The usual code for errors would say that the model disagrees.
    outcome.or_else(|error| {
        eprintln!("error: {error:#}");
        Ok(ExitCode::from(2))
    })
}

fn show(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    // Before the machine is busy with our own compiling.
    machine::warn_of_neighbours();
    let programs = Programs::find(&workspace, !options.no_build)?;
    let folder = workspace.root.join("results/demo");
    make_room(&folder)?;
    // What is under way hears of it as well, and ends; then what was started here is taken down.
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
    let (app_core, generator_core) = machine::cores();
    let awake = Awake::keep();
    let tick = programs.deploy(options.quota, app_core, 1.0)?;
    println!("Tick at {}, with {}", tick.url(), tick.limits());
    if let Err(reason) = &awake {
        println!(
            "Cores sleep between requests, which makes the fastest answers slower: they cannot be kept awake ({reason})"
        );
    }
    let precedence = Precedence::new().ok();
    let demo = Demo { loadgen: &programs.loadgen, folder: &folder, generator_core, precedence, options };
    let material = hockeystick_staging::plan::material(DeployOptions::default().seed_accounts);
    let stage = demo.stage_as_deployed(&workspace.root.join(STAGE), &tick)?;
    let demands_s = demo.first_look(&material, &tick)?;
    let steps = plan::steps(&demands_s, tick.limits().cpus.min(1.0), options.length);
    let drifts = options.drift != 1.0;
    let (later, now): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| drifts && step.held_out);
    let together = if drifts { "up to 60 % busy" } else { "at 40 to 80 % busy" };
    println!("\nEach class alone, all together {together}, each alone once more; disturbed steps are repeated");
    demo.load(&material, &now, &tick, "RESULTS.json")?;
    demo.calibrate(&stage)?;
    tick.stop()?;
    let mut results = "RESULTS.json";
    if drifts {
        println!("\nAnother Tick, whose requests take {} times the work", options.drift);
        let tick = programs.deploy(options.quota, app_core, options.drift)?;
        results = "DRIFTED.json";
        demo.load(&material, &later, &tick, results)?;
        tick.stop()?;
    }
    let exit = demo.check(results)?;
    println!("\nAll of it is in {}", folder.display());
    Ok(ExitCode::from(exit))
}

/// An empty place for the results: what the last demo left would stand as this one's, were it to end before its time.
fn make_room(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for last in RESULTS.map(|name| folder.join(name)).iter().filter(|last| last.exists()) {
        std::fs::remove_file(last).with_context(|| format!("cannot remove {}", last.display()))?;
    }
    Ok(())
}

/// What the demo runs.
struct Programs {
    loadgen: PathBuf,
    tick: PathBuf,
}

impl Programs {
    fn find(workspace: &Workspace, build: bool) -> Result<Self> {
        if build {
            Self::build(workspace)?;
        }
        let program =
            |name: &str| workspace.target.join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        Ok(Self { loadgen: program("loadgen"), tick: program("tick") })
    }

    /// Tick on this share of a core, with requests that take so many times the usual work.
    fn deploy(&self, quota_cpus: f64, core: Option<usize>, work: f64) -> Result<Deployment, DeployError> {
        Deployment::start(&DeployOptions {
            program: Some(self.tick.clone()),
            work_factor: (f64::from(WORK_FACTOR) * work).round() as u32,
            cpu: CpuLimit { quota_cpus: Some(quota_cpus), cores: core.into_iter().collect(), ..CpuLimit::default() },
            ..DeployOptions::default()
        })
    }

    fn build(workspace: &Workspace) -> Result<()> {
        println!("Building loadgen and Tick");
        let mut cargo = workspace.cargo("build");
        cargo.args(["--release", "--package=hockeystick-loadgen", "--package=hockeystick-staging", "--bins"]);
        if !cargo.status().context("cannot start cargo")?.success() {
            bail!("loadgen or Tick does not build");
        }
        Ok(())
    }
}
