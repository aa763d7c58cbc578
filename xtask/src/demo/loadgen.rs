//! The commands of `loadgen` that the demo runs, each as anybody could type it.

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use hockeystick_staging::deploy::{Deployment, Precedence};
use hockeystick_staging::plan::PlanMaterial;

use super::plan::{self, PlanStep};
use super::{Options, STATION, first_look};

/// Whether somebody has pressed Ctrl-C.
pub(super) static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What a shell says of a program that Ctrl-C has ended: 128 and the signal's number.
const INTERRUPTED_CODE: u8 = 130;

/// A command of `loadgen` that did not do what the next one needs.
#[derive(Debug, thiserror::Error)]
#[error("`loadgen {command}` ended with code {code}, so there is no verdict")]
pub(super) struct Unfinished {
    command: String,
    pub(super) code: u8,
}

/// One folder of results, and how they come to be.
#[derive(Debug)]
pub(super) struct Demo<'d> {
    pub(super) loadgen: &'d Path,
    pub(super) folder: &'d Path,
    pub(super) generator_core: Option<usize>,
    /// Where the system lets us have it: the generator is not kept waiting by other programs.
    pub(super) precedence: Option<Precedence>,
    pub(super) options: &'d Options,
}

impl Demo<'_> {
    /// Seconds of processor time of one request, by class.
    pub(super) fn first_look(&self, material: &PlanMaterial, tick: &Deployment) -> Result<[f64; 4]> {
        println!("\nA first look at what a request of each class costs");
        self.load(material, &plan::first_look(), tick, "PROBE.json")?;
        let path = self.folder.join("PROBE.json");
        let results = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        first_look::demands_s(&results).with_context(|| format!("cannot use {}", path.display()))
    }

    pub(super) fn calibrate(&self, stage: &str) -> Result<()> {
        println!("\nFit the stage to the steps up to 60 % busy");
        self.must(&["calibrate", "RESULTS.json", "--stage", stage, "--out", "FITTED.toml"])
    }

    /// The check's exit code; the report beside it.
    pub(super) fn check(&self, results: &str) -> Result<u8> {
        println!("\nPredict the steps that the fit has not seen, and compare");
        let verdict = self.call(&["check", results, "--stage", "FITTED.toml"])?;
        self.must(&["report", results, "--stage", "FITTED.toml", "--out", "REPORT.html"])?;
        Ok(verdict)
    }

    /// The stage's file with the quota that this machine really enforces.
    pub(super) fn stage_as_deployed(&self, stage: &Path, tick: &Deployment) -> Result<String> {
        let text = std::fs::read_to_string(stage).with_context(|| format!("cannot read {}", stage.display()))?;
        let with_quota = |line: &str| match line.starts_with("quota = ") {
            true => format!("quota = {:?}\n", tick.limits().cpus.min(1.0)),
            false => format!("{line}\n"),
        };
        self.write("stage.toml", &text.lines().map(with_quota).collect::<String>())?;
        Ok("stage.toml".to_owned())
    }

    /// Sends these steps; results are written as they come.
    pub(super) fn load(&self, material: &PlanMaterial, steps: &[PlanStep], tick: &Deployment, out: &str) -> Result<()> {
        let plan = out.replace(".json", ".plan.toml");
        self.write(&plan, &plan::text(steps, material, self.options.seed))?;
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
            return Err(Unfinished { command: arguments[0].to_owned(), code: INTERRUPTED_CODE }.into());
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
        let interrupted = INTERRUPTED.load(Ordering::Relaxed);
        exit_code(status, interrupted).with_context(|| format!("loadgen {} was killed", arguments[0]))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The code that a command has ended with; none when it was killed. Ctrl-C goes to the command as well, which may know of no
/// better end than to be killed by it.
fn exit_code(status: ExitStatus, interrupted: bool) -> Option<u8> {
    let code = status.code().map(|code| u8::try_from(code).unwrap_or(u8::MAX));
    code.or(interrupted.then_some(INTERRUPTED_CODE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_command_that_ctrl_c_has_killed_was_interrupted() {
        use std::os::unix::process::ExitStatusExt as _;
        // A wait status as of wait(2): the signal's number, or the code in the second byte.
        let (by_interrupt, by_kill, with_code_3) = (2, 9, 3 << 8);
        assert_eq!(exit_code(ExitStatus::from_raw(by_interrupt), true), Some(130));
        assert_eq!(exit_code(ExitStatus::from_raw(by_kill), false), None);
        assert_eq!(exit_code(ExitStatus::from_raw(with_code_3), true), Some(3));
    }
}
