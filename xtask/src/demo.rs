//! `cargo xtask demo`: the whole loop on this machine, from a running app to a verdict.
//!
//! Tick is started on loopback, on a core of its own and under a CPU quota where the system allows it. Every other step
//! is a `loadgen` command that anybody could type; the demo prints each.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use hockeystick_staging::deploy::{Awake, CpuLimit, Deployment, Options as DeployOptions, Precedence};
use hockeystick_staging::plan::{self, PlanMaterial, RequestClass};
use serde_json::Value;

use crate::workspace::Workspace;

/// Starts the reference app, loads it, calibrates the model, checks the prediction, writes a report.
#[derive(Clone, Debug, Args)]
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

/// Where the stage of this deployment is.
const STAGE: &str = "content/stages/01-single-server/tick.toml";
/// The station of the stage whose busy time is read.
const STATION: &str = "box cpu";
/// Classes, with the share that the stage's mix gives them and the rate of the first look at their cost.
const CLASSES: [(RequestClass, f64, f64); 4] = [
    (RequestClass::Static, 0.70, 500.0),
    (RequestClass::Read, 0.24, 50.0),
    (RequestClass::Write, 0.05, 50.0),
    (RequestClass::Job, 0.01, 20.0),
];
/// How often Tick makes each document: dear enough that the processor is what is scarce, cheap enough that a step of
/// some seconds sees thousands of requests and its figures have narrow intervals.
const WORK_FACTOR: u32 = 150;
/// How busy each class by itself keeps the app, to learn its demand.
const BUSY_BY_CLASS: f64 = 0.25;
/// Seconds of each class by itself.
const BY_CLASS_S: f64 = 3.0;

/// A step with the whole mix: how busy it keeps the app, for how long, and whether the model must predict it.
struct Level {
    busy: f64,
    seconds: f64,
    held_out: bool,
}

/// The levels that the model may learn from stand between those that it must predict, so that a machine whose speed
/// drifts does so for both.
///
/// The seconds follow from simulated measurements of the fitted stage (`core/tests/verdict.rs`): the standard deviation of
/// the mean's error, at 80 % busy, is 2.6 % after 34 s, and falls with the square root of time. Its 90 % interval lies
/// within a tolerance of 10 % nineteen times of twenty when it is 2.3 % or less, errors of calibration left aside. The
/// less busy the app, the sooner one burst is forgotten, and the shorter the step.
const LEVELS: [Level; 6] = [
    Level { busy: 0.30, seconds: 5.0, held_out: false },
    Level { busy: 0.60, seconds: 9.0, held_out: true },
    Level { busy: 0.40, seconds: 6.0, held_out: false },
    Level { busy: 0.80, seconds: 56.0, held_out: true },
    Level { busy: 0.50, seconds: 10.0, held_out: false },
    Level { busy: 0.70, seconds: 14.0, held_out: true },
];

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let programs = Programs::find(&workspace, !options.no_build)?;
    let folder = workspace.root.join("results/demo");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let (app_core, generator_core) = cores();
    let awake = Awake::keep();
    let tick = Deployment::start(&DeployOptions {
        program: Some(programs.tick.clone()),
        work_factor: WORK_FACTOR,
        cpu: CpuLimit { quota_cpus: Some(options.quota), cores: app_core.into_iter().collect(), ..CpuLimit::default() },
        ..DeployOptions::default()
    })?;
    println!("Tick at {}, with {}", tick.url(), tick.limits());
    if let Err(reason) = &awake {
        println!(
            "Cores sleep between requests, which makes the fastest answers slower: they cannot be kept awake ({reason})"
        );
    }
    warn_of_neighbours();
    let precedence = Precedence::new().ok();
    let demo = Demo { loadgen: &programs.loadgen, folder: &folder, tick: &tick, generator_core, precedence, options };
    let exit = demo.run(&workspace.root.join(STAGE))?;
    tick.stop()?;
    Ok(exit)
}

/// One core for the app and another for the generator, where there are two.
fn cores() -> (Option<usize>, Option<usize>) {
    match std::thread::available_parallelism().map_or(1, usize::from) {
        1 => (None, None),
        cores => (Some(cores - 1), Some(0)),
    }
}

/// Other programs on the same cores delay requests in ways that no model of the app can know: says so beforehand.
fn warn_of_neighbours() {
    // The first figure is the mean number of running processes over the last minute; see proc_loadavg(5).
    let Ok(text) = std::fs::read_to_string("/proc/loadavg") else { return };
    let load = text.split_whitespace().next().and_then(|figure| figure.parse::<f64>().ok()).unwrap_or(0.0);
    if load > 1.0 {
        println!(
            "This machine is busy already ({load:.1} processes run): expect noise, and doubts about the measurement"
        );
    }
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

struct Demo<'d> {
    loadgen: &'d Path,
    folder: &'d Path,
    tick: &'d Deployment,
    generator_core: Option<usize>,
    /// Where the system lets us have it: the generator is not kept waiting by other programs.
    precedence: Option<Precedence>,
    options: &'d Options,
}

impl Demo<'_> {
    fn run(&self, stage: &Path) -> Result<ExitCode> {
        let material = plan::material(DeployOptions::default().seed_accounts);
        let stage = self.stage_as_deployed(stage)?;
        println!("\nA first look at what a request of each class costs");
        self.write("probe.toml", &self.plan(&material, &probe_steps(), 0.5))?;
        self.load("probe.toml", "PROBE.json")?;
        let demands_s = self.demands_s()?;
        println!("\nOne class after the other, then all together, 30 to 80 % busy; disturbed steps are repeated");
        self.write("plan.toml", &self.plan(&material, &self.steps(&demands_s), 1.0))?;
        self.load("plan.toml", "RESULTS.json")?;
        println!("\nFit the stage to the steps up to 50 % busy");
        self.must(&["calibrate", "RESULTS.json", "--stage", &stage, "--out", "FITTED.toml"])?;
        println!("\nPredict the steps that the fit has not seen, and compare");
        let verdict = self.call(&["check", "RESULTS.json", "--stage", "FITTED.toml"])?;
        self.must(&["report", "RESULTS.json", "--stage", "FITTED.toml", "--out", "REPORT.html"])?;
        println!("\nAll of it is in {}", self.folder.display());
        Ok(ExitCode::from(verdict))
    }

    /// The stage's file with the quota that this machine really enforces.
    fn stage_as_deployed(&self, stage: &Path) -> Result<String> {
        let text = std::fs::read_to_string(stage).with_context(|| format!("cannot read {}", stage.display()))?;
        let with_quota = |line: &str| match line.starts_with("quota = ") {
            true => format!("quota = {:?}\n", self.tick.limits().cpus.min(1.0)),
            false => format!("{line}\n"),
        };
        self.write("stage.toml", &text.lines().map(with_quota).collect::<String>())?;
        Ok("stage.toml".to_owned())
    }

    /// Seconds of processor time of one request, by class, from the first look.
    fn demands_s(&self) -> Result<[f64; 4]> {
        let path = self.folder.join("PROBE.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let results: Value = serde_json::from_str(&text).context("loadgen wrote no JSON")?;
        let mut demands_s = [0.0; 4];
        for (index, (class, ..)) in CLASSES.iter().enumerate() {
            let step = &results["steps"][index];
            let busy = &step["stations"][STATION];
            let processors = busy["busy_s"].as_f64().zip(busy["elapsed_s"].as_f64()).map(|(used, over)| used / over);
            let answered = step["classes"][class.as_str()]["answered"].as_f64();
            let per_s = answered.zip(step["measured_s"].as_f64()).map(|(answered, over)| answered / over);
            let (Some(processors), Some(per_s)) = (processors, per_s) else { bail!("the first look measured nothing") };
            if !(processors > 0.0 && per_s > 0.0) {
                bail!("the first look saw no work done for requests of class {}", class.as_str());
            }
            demands_s[index] = processors / per_s;
        }
        Ok(demands_s)
    }

    /// The steps of the plan, for an app in which requests cost this much.
    fn steps(&self, demands_s: &[f64; 4]) -> Vec<String> {
        let cpus = self.tick.limits().cpus.min(1.0);
        let seconds = |seconds: f64| seconds * self.options.length;
        let mut steps = Vec::new();
        for ((class, ..), demand_s) in CLASSES.iter().zip(demands_s) {
            let rate = BUSY_BY_CLASS * cpus / demand_s;
            let mix = format!("mix = {{ {} = 1 }}, held_out = false", class.as_str());
            steps.push(format!("{{ rate = \"{rate:.2}/s\", seconds = {:?}, {mix} }}", seconds(BY_CLASS_S)));
        }
        let demand_s: f64 = CLASSES.iter().zip(demands_s).map(|((_, share, _), demand_s)| share * demand_s).sum();
        for Level { busy, seconds: length, held_out } in LEVELS {
            let rate = busy * cpus / demand_s;
            steps.push(format!("{{ rate = \"{rate:.2}/s\", seconds = {:?}, held_out = {held_out} }}", seconds(length)));
        }
        steps
    }

    /// A plan with these steps.
    fn plan(&self, material: &PlanMaterial, steps: &[String], warm_up_s: f64) -> String {
        let seed = self.options.seed;
        let steps = steps.join(",\n  ");
        format!("seed = {seed}\nwarm_up = \"{warm_up_s} s\"\nsteps = [\n  {steps},\n]\n{}", material.loadgen_plan())
    }

    fn load(&self, plan: &str, out: &str) -> Result<()> {
        let (url, meter) = (self.tick.url(), format!("{STATION}={}", self.tick.utilisation_source()));
        let mut arguments =
            vec!["run", "--host", &url, "--plan", plan, "--out", out, "--utilisation", &meter, "--repeat", "2"];
        let core = self.generator_core.map(|core| core.to_string());
        if let Some(core) = &core {
            arguments.extend(["--core", core]);
        }
        self.must(&arguments)
    }

    /// Runs a command that must succeed.
    fn must(&self, arguments: &[&str]) -> Result<()> {
        match self.call(arguments)? {
            0 => Ok(()),
            code => bail!("loadgen {} ended with code {code}", arguments[0]),
        }
    }

    /// Runs a command in the folder of the results; its exit code.
    fn call(&self, arguments: &[&str]) -> Result<u8> {
        let quoted =
            arguments.iter().map(|word| if word.contains(' ') { format!("{word:?}") } else { (*word).to_owned() });
        println!("$ loadgen {}", quoted.collect::<Vec<_>>().join(" "));
        let child = Command::new(self.loadgen).args(arguments).current_dir(self.folder).spawn();
        let mut child = child.with_context(|| format!("cannot start {}", self.loadgen.display()))?;
        if let Some(precedence) = &self.precedence {
            // Without it the generator may be late, which the check would tell.
            drop(precedence.give_to(child.id()));
        }
        let status = child.wait().with_context(|| format!("cannot wait for loadgen {}", arguments[0]))?;
        match status.code() {
            Some(code) => Ok(u8::try_from(code).unwrap_or(u8::MAX)),
            None => bail!("loadgen {} was killed", arguments[0]),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Each class by itself, gently and shortly.
fn probe_steps() -> Vec<String> {
    let step = |(class, _, rate): &(RequestClass, f64, f64)| {
        format!("{{ rate = \"{rate}/s\", seconds = 1.5, mix = {{ {} = 1 }} }}", class.as_str())
    };
    CLASSES.iter().map(step).collect()
}
