//! `cargo xtask demo`: the whole loop on this machine, from a running app to a verdict.
//!
//! Tick is started on loopback, on a core of its own and under a CPU quota where the system allows it. Every other step
//! is a `loadgen` command that anybody could type; the demo prints each.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use clap::Args;
use hockeystick_staging::deploy::{Awake, CpuLimit, Deployment, Options as DeployOptions, Precedence};
use hockeystick_staging::plan::{self, PlanMaterial, RequestClass};
use serde_json::Value;

use crate::workspace::Workspace;

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
/// Classes, with the share that the stage's mix gives them, the rate of the first look at their cost, and how busy each by
/// itself then keeps the app, to learn its demand: as busy as the class finds it in the mix, see [`LEVELS`]. Files are so
/// cheap that the same would ask more of the generator than of the app.
const CLASSES: [(RequestClass, f64, f64, f64); 4] = [
    (RequestClass::Static, 0.70, 1500.0, 0.25),
    (RequestClass::Read, 0.24, 90.0, 0.50),
    (RequestClass::Write, 0.05, 90.0, 0.50),
    (RequestClass::Job, 0.01, 40.0, 0.50),
];
/// Tick's work factor, see its README: dear enough that the processor is what is scarce, cheap enough that a step of
/// some seconds sees thousands of requests and its figures have narrow intervals.
const WORK_FACTOR: u32 = 60;
/// Seconds of each class in the first look.
const FIRST_LOOK_S: f64 = 1.0;
/// Seconds of each class by itself, before the mix and again after it: how far a machine that drifts makes two readings of one
/// demand differ is what the fit knows its own accuracy from.
const BY_CLASS_S: f64 = 2.5;

/// A step with the whole mix: how busy it keeps the app, for how long, and whether the model must predict it.
struct Level {
    busy: f64,
    seconds: f64,
    held_out: bool,
}

/// The levels that the model may learn from stand between those that it must predict, so that a machine whose speed
/// drifts does so for both.
///
/// It learns from loads that keep the app's caches warm. Where other machines share the processor's caches, they take them
/// while it idles: work over two megabytes takes a third more processor time every 20 ms than every 0.5 ms (measured on the
/// machine of `content/measurements`; over four kilobytes the same), and the mix of requests 8 % more at 30 % busy than at
/// 80 %, when Tick still made its documents over and over. A response time at 80 % busy is off by five times as much as the
/// demands are, so demands of an app that mostly idles predict nothing there.
///
/// The seconds follow from simulated measurements of a stage that was fitted to Tick: the standard deviation of the
/// mean's error, at 80 % busy, is 2.6 % after 34 s and 2.2 % after 51 s. The 90 % interval is 1.65 times that to each
/// side, which leaves more than half of the tolerance of 10 % to what the model itself gets wrong. The less busy the app,
/// the sooner one burst is forgotten, and the shorter the step. `core/tests/all/verdict.rs` counts how often that suffices.
const LEVELS: [Level; 5] = [
    Level { busy: 0.40, seconds: 6.0, held_out: false },
    Level { busy: 0.70, seconds: 28.0, held_out: true },
    Level { busy: 0.60, seconds: 12.0, held_out: false },
    Level { busy: 0.80, seconds: 40.0, held_out: true },
    Level { busy: 0.50, seconds: 10.0, held_out: false },
];

/// Whether somebody has pressed Ctrl-C.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A command of `loadgen` that did not do what the next one needs.
#[derive(Debug, thiserror::Error)]
#[error("`loadgen {command}` ended with code {code}, so there is no verdict")]
struct Unfinished {
    command: String,
    code: u8,
}

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

fn show(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    // Before the machine is busy with our own compiling.
    warn_of_neighbours();
    let programs = Programs::find(&workspace, !options.no_build)?;
    let folder = workspace.root.join("results/demo");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // What the last demo left would stand as this one's, were it to end before its time.
    for last in RESULTS.map(|name| folder.join(name)).iter().filter(|last| last.exists()) {
        std::fs::remove_file(last).with_context(|| format!("cannot remove {}", last.display()))?;
    }
    // What is under way hears of it as well, and ends; then what was started here is taken down.
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
    let (app_core, generator_core) = cores();
    let awake = Awake::keep();
    let deploy = |work: f64| {
        let cores = app_core.into_iter().collect();
        Deployment::start(&DeployOptions {
            program: Some(programs.tick.clone()),
            work_factor: (f64::from(WORK_FACTOR) * work).round() as u32,
            cpu: CpuLimit { quota_cpus: Some(options.quota), cores, ..CpuLimit::default() },
            ..DeployOptions::default()
        })
    };
    let tick = deploy(1.0)?;
    println!("Tick at {}, with {}", tick.url(), tick.limits());
    if let Err(reason) = &awake {
        println!(
            "Cores sleep between requests, which makes the fastest answers slower: they cannot be kept awake ({reason})"
        );
    }
    let precedence = Precedence::new().ok();
    let demo = Demo { loadgen: &programs.loadgen, folder: &folder, generator_core, precedence, options };
    let material = plan::material(DeployOptions::default().seed_accounts);
    let stage = demo.stage_as_deployed(&workspace.root.join(STAGE), &tick)?;
    let demands_s = demo.first_look(&material, &tick)?;
    let steps = demo.steps(&demands_s, tick.limits().cpus.min(1.0));
    let exit = if options.drift == 1.0 {
        println!(
            "\nEach class alone, all together at 40 to 80 % busy, each alone once more; disturbed steps are repeated"
        );
        demo.load(&material, &steps, &tick, "RESULTS.json")?;
        demo.calibrate(&stage)?;
        tick.stop()?;
        demo.check("RESULTS.json")?
    } else {
        let (held_out, low): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| step.held_out);
        println!(
            "\nEach class alone, all together up to 60 % busy, each alone once more; disturbed steps are repeated"
        );
        demo.load(&material, &low, &tick, "RESULTS.json")?;
        demo.calibrate(&stage)?;
        tick.stop()?;
        println!("\nAnother Tick, whose requests take {} times the work", options.drift);
        let tick = deploy(options.drift)?;
        demo.load(&material, &held_out, &tick, "DRIFTED.json")?;
        tick.stop()?;
        demo.check("DRIFTED.json")?
    };
    println!("\nAll of it is in {}", folder.display());
    Ok(ExitCode::from(exit))
}

/// One core for the app and another for the generator, where we may use two: the last and the first.
fn cores() -> (Option<usize>, Option<usize>) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    // As `0-3,8`; see proc_pid_status(5).
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let mut numbers = list.split(['-', ',']).map_while(|number| number.trim().parse().ok());
    let first = numbers.next();
    match (first, numbers.last()) {
        (Some(first), Some(last)) if first < last => (Some(last), Some(first)),
        _ => (None, None),
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
    generator_core: Option<usize>,
    /// Where the system lets us have it: the generator is not kept waiting by other programs.
    precedence: Option<Precedence>,
    options: &'d Options,
}

impl Demo<'_> {
    /// Seconds of processor time of one request, by class.
    fn first_look(&self, material: &PlanMaterial, tick: &Deployment) -> Result<[f64; 4]> {
        println!("\nA first look at what a request of each class costs");
        let step = |(class, _, rate_per_s, _): (RequestClass, f64, f64, f64)| PlanStep {
            rate_per_s,
            seconds: FIRST_LOOK_S,
            only: Some(class),
            held_out: false,
        };
        self.load(material, &CLASSES.map(step), tick, "PROBE.json")?;
        self.demands_s()
    }

    fn calibrate(&self, stage: &str) -> Result<()> {
        println!("\nFit the stage to the steps up to 60 % busy");
        self.must(&["calibrate", "RESULTS.json", "--stage", stage, "--out", "FITTED.toml"])
    }

    /// The check's exit code; the report beside it.
    fn check(&self, results: &str) -> Result<u8> {
        println!("\nPredict the steps that the fit has not seen, and compare");
        let verdict = self.call(&["check", results, "--stage", "FITTED.toml"])?;
        self.must(&["report", results, "--stage", "FITTED.toml", "--out", "REPORT.html"])?;
        Ok(verdict)
    }

    /// The stage's file with the quota that this machine really enforces.
    fn stage_as_deployed(&self, stage: &Path, tick: &Deployment) -> Result<String> {
        let text = std::fs::read_to_string(stage).with_context(|| format!("cannot read {}", stage.display()))?;
        let with_quota = |line: &str| match line.starts_with("quota = ") {
            true => format!("quota = {:?}\n", tick.limits().cpus.min(1.0)),
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

    /// The steps of the plan, for an app in which requests cost this much and that has so many processors.
    fn steps(&self, demands_s: &[f64; 4], cpus: f64) -> Vec<PlanStep> {
        let by_class = || {
            CLASSES.iter().zip(demands_s).map(|((class, _, _, busy), demand_s)| PlanStep {
                rate_per_s: busy * cpus / demand_s,
                seconds: BY_CLASS_S * self.options.length,
                only: Some(*class),
                held_out: false,
            })
        };
        let demand_s: f64 = CLASSES.iter().zip(demands_s).map(|((_, share, ..), demand_s)| share * demand_s).sum();
        let together = LEVELS.map(|Level { busy, seconds, held_out }| PlanStep {
            rate_per_s: busy * cpus / demand_s,
            seconds: seconds * self.options.length,
            only: None,
            held_out,
        });
        by_class().chain(together).chain(by_class()).collect()
    }

    /// Sends these steps; results are written as they come.
    fn load(&self, material: &PlanMaterial, steps: &[PlanStep], tick: &Deployment, out: &str) -> Result<()> {
        let (seed, lines): (u64, Vec<String>) = (self.options.seed, steps.iter().map(PlanStep::line).collect());
        let plan = out.replace(".json", ".plan.toml");
        let steps = lines.join(",\n  ");
        let text = format!("seed = {seed}\nwarm_up = \"1 s\"\nsteps = [\n  {steps},\n]\n{}", material.loadgen_plan());
        self.write(&plan, &text)?;
        let (url, meter) = (tick.url(), format!("{STATION}={}", tick.utilisation_source()));
        let mut arguments = vec!["run", "--host", &url, "--plan", &plan, "--out", out, "--utilisation", &meter];
        arguments.extend(["--repeat", "2"]);
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
            code => Err(Unfinished { command: arguments[0].to_owned(), code }.into()),
        }
    }

    /// Runs a command in the folder of the results; its exit code.
    fn call(&self, arguments: &[&str]) -> Result<u8> {
        if INTERRUPTED.load(Ordering::Relaxed) {
            return Err(Unfinished { command: arguments[0].to_owned(), code: 130 }.into());
        }
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

/// One step of a plan.
struct PlanStep {
    rate_per_s: f64,
    seconds: f64,
    /// The only class that is sent; all in the stage's mix where there is none.
    only: Option<RequestClass>,
    held_out: bool,
}

impl PlanStep {
    fn line(&self) -> String {
        let Self { rate_per_s, seconds, only, held_out } = self;
        let mix = only.map_or_else(String::new, |class| format!(", mix = {{ {} = 1 }}", class.as_str()));
        format!("{{ rate = \"{rate_per_s:.2}/s\", seconds = {seconds:?}, held_out = {held_out}{mix} }}")
    }
}
