//! `cargo xtask bench`: how fast the engine is, what a page weighs, what a figure costs its page, and loadgen beside its
//! peers.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::build;
use crate::steps::Steps;
use crate::tools;
use crate::workspace::Workspace;

/// Measures the engine, the pages and their figures against their budgets, and loadgen against its peers.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask bench                  everything
  cargo xtask bench --only engine    the engine, natively and in wasm under node, beside others
  cargo xtask bench --only pages     page weights
  cargo xtask bench --only frames    the page's main thread in Chromium: a frame of 2,000 dots, a card that is dragged
  cargo xtask bench --only loadgen   loadgen beside wrk, oha, hey and plain goose; wants two idle processors")]
pub(crate) struct Options {
    /// Measure one thing.
    #[arg(long, value_enum)]
    only: Option<Bench>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// The engine, natively and in WebAssembly under node, beside a tight loop, nexosim, and SimPy where Python has it.
    Engine,
    /// Page weights.
    Pages,
    /// What a figure costs the page's main thread, by Chromium's tracing.
    Frames,
    /// loadgen beside its peers, against a server whose service times are known.
    Loadgen,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let wants = |bench| options.only.is_none_or(|only| only == bench);
    if wants(Bench::Engine) {
        Steps::new(1, false).run("tools", |step| {
            tools::wasm_target(step, &workspace)?;
            tools::node()
        })?;
        show(workspace.cargo("bench").args(["--package", "hockeystick-probe"]))?;
    }
    let mut is_sound = true;
    let site = workspace.target.join("bench-site");
    if wants(Bench::Pages) || wants(Bench::Frames) {
        let mut steps = Steps::new(build::STEPS, false);
        let built = build::site(&mut steps, &workspace, &build::Options::optimised(site.clone(), false))?;
        drop(steps);
        if wants(Bench::Pages) {
            print!("{}", built.findings);
            is_sound = built.is_sound;
        }
    }
    if wants(Bench::Frames) {
        Steps::new(1, false).run("tools", tools::chromium)?;
        // The browser is what is measured; what drives it need not be optimised.
        let bench = ["--profile", "dev", "--package", "hockeystick-browser-tests", "--bench", "frames"];
        show(workspace.cargo("bench").args(bench).env("HOCKEYSTICK_SITE", &site))?;
    }
    if wants(Bench::Loadgen) {
        let mut path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
        Steps::new(1, false).run("tools", |step| {
            path.push(tools::load_generators(step, &workspace)?);
            step.say("building loadgen");
            let mut build = workspace.cargo("build");
            step.run(build.args(["--release", "--package", "hockeystick-loadgen"]))?.check("cargo build").map(drop)
        })?;
        let path = std::env::join_paths(path).context("PATH has a folder that cannot stand in it")?;
        show(
            workspace
                .cargo("bench")
                .args(["--package", "hockeystick-loadgen-probe", "--bench", "peers"])
                .env("PATH", path),
        )?;
    }
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a program whose output is the result.
fn show(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{:?} failed ({status})", command.get_program());
    }
    Ok(())
}
