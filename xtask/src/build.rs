//! `cargo xtask build`: compile the figures, make the bindings, render the pages, weigh them.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::native::Native;
use crate::steps::Steps;
use crate::tools::{self, NpmPackages};
use crate::workspace::Workspace;

/// Builds the site into a folder of static files.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask build                          into dist/, optimised
  cargo xtask build --base /hockeystick/     for a host that serves it below a path
  cargo xtask build --debug --out /tmp/site  fast, large, with assertions

Budgets of a page, brotli 11: wasm + JS 180 KB, HTML + CSS 20 KB, fonts 60 KB. A page over one fails the build, and so
does a link that leads nowhere. Where a budget is not reached yet, the build says so and fails only above the least that
was: see xtask/press/src/weights.rs. Without npm nothing is optimised, and pages are weighed but not held to their budgets.")]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) flavour: Flavour,
    /// Where the site goes, `dist` beside the sources unless said; a folder that is not a built site is never replaced.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// The path the site will live under on its host.
    #[arg(long, default_value = "/", value_name = "PATH")]
    pub(crate) base: String,
    /// What the press is compiled with.
    #[arg(skip = Native::new(vec![PRESS]))]
    pub(crate) native: Native,
}

/// The package that makes the site, and its program.
pub(crate) const PRESS: &str = "hockeystick-press";

#[derive(Clone, Debug, Args)]
pub(crate) struct Flavour {
    /// Optimise for size and speed; this is the default.
    #[arg(long, conflicts_with = "debug")]
    release: bool,
    /// Compile fast, keep assertions, skip npm's tools and the budgets.
    #[arg(long)]
    pub(crate) debug: bool,
    /// Show everything the tools print.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// A site that is in place.
#[derive(Debug)]
pub(crate) struct Built {
    /// The table of page weights, unless it is a debug build, and what is wrong with the pages.
    pub(crate) findings: String,
    /// No page is over its budget, no link leads nowhere.
    pub(crate) is_sound: bool,
}

/// The press's exit code for a site that is in place and not sound. The press has it too: it is not linked, for it knows the
/// model.
const FAULTS: i32 = 3;

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let mut steps = Steps::new(STEPS, options.flavour.verbose);
    let built = site(&mut steps, &workspace, options)?;
    drop(steps);
    print!("{}", built.findings);
    println!("the site is in {}", options.out(&workspace).display());
    Ok(if built.is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is compiled for the browser. Programs that are compiled together share the features of what they are made of: the
/// scribe knows every text of the model, which the others must not carry.
pub(crate) const PAGE_PROGRAMS: [&[&str]; 2] = [&["hockeystick-site", "hockeystick-theorist"], &["hockeystick-scribe"]];

/// How many steps [`site`] takes.
pub(crate) const STEPS: usize = 4;

/// Builds the site, sound or not.
pub(crate) fn site(steps: &mut Steps, workspace: &Workspace, options: &Options) -> Result<Built> {
    let debug = options.flavour.debug;
    let npm = steps.run("wasm target and npm's tools", |step| {
        tools::wasm_target(step, workspace)?;
        if debug { Ok(NpmPackages::NoNpm) } else { tools::npm_packages(step, workspace) }
    })?;
    steps.run("figures to wasm", |step| {
        let profile = if debug { "dev" } else { "site" };
        for packages in PAGE_PROGRAMS {
            step.run(&mut figures_command(workspace, packages, profile))?.check("compiling the figures")?;
        }
        Ok(())
    })?;
    steps.run("the press", |step| {
        options.native.compile(step, workspace)?.iter().for_each(|warning| step.say(warning));
        Ok(())
    })?;
    steps.run("bindings, pages, weights", |step| {
        let mut command = press_command(workspace, options);
        if debug {
            command.arg("--unweighed");
        }
        if npm == NpmPackages::Installed {
            command.arg("--tools").arg(tools::npm_programs(workspace));
        }
        let mut finished = step.run(&mut command)?;
        let has_faults = finished.status.code() == Some(FAULTS);
        if !has_faults {
            finished = finished.check("the press")?;
        }
        let mut findings: String = finished.output.iter().map(|line| format!("{line}\n")).collect();
        let is_refused = npm == NpmPackages::Refused;
        if is_refused {
            findings.push_str("npm could not install its packages, so this is not the site that was asked for\n");
        }
        Ok(Built { findings, is_sound: !has_faults && !is_refused })
    })
}

/// Compiles some of what runs in the browser.
fn figures_command(workspace: &Workspace, packages: &[&str], profile: &str) -> Command {
    let mut cargo = workspace.cargo("build");
    cargo.args(packages.iter().map(|package| format!("--package={package}")));
    cargo.args(["--lib", "--target", tools::WASM_TARGET, "--profile", profile]);
    cargo.arg("--config").arg(rustflags(workspace));
    // Cargo would take these in place of the ones above.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

/// The press, once [`site`] has compiled it and the figures.
pub(crate) fn press_command(workspace: &Workspace, options: &Options) -> Command {
    let profile = if options.flavour.debug { "debug" } else { "site" };
    let compiled = workspace.target.join(tools::WASM_TARGET).join(profile);
    let mut command = Command::new(workspace.target.join("debug").join(format!("{PRESS}{EXE_SUFFIX}")));
    command.arg("--compiled").arg(compiled).arg("--workspace").arg(&workspace.root);
    command.arg("--out").arg(options.out(workspace)).arg("--base").arg(&options.base);
    command
}

/// Keeps the folders of this machine out of the module: the same sources give the same module anywhere.
fn rustflags(workspace: &Workspace) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo_home = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    let flags = [
        // Three quarters of the usual megabyte. The module's data lie behind it, and addresses below a megabyte take a
        // byte less wherever one is written.
        "-Clink-arg=-zstack-size=786432".to_owned(),
        format!("--remap-path-prefix={cargo_home}/registry/src="),
        format!("--remap-path-prefix={}=", workspace.root.display()),
    ];
    // A list of strings in JSON is one in TOML too.
    format!("target.{}.rustflags={}", tools::WASM_TARGET, serde_json::json!(flags))
}

impl Options {
    /// A build into `out` for the root of a host.
    pub(crate) fn new(flavour: Flavour, out: PathBuf) -> Self {
        Self { flavour, out: Some(out), base: "/".to_owned(), native: Native::new(vec![PRESS]) }
    }

    /// Where the site goes.
    pub(crate) fn out(&self, workspace: &Workspace) -> PathBuf {
        self.out.clone().unwrap_or_else(|| workspace.root.join("dist"))
    }

    /// An optimised one, for a subcommand that needs a site.
    pub(crate) fn optimised(out: PathBuf, verbose: bool) -> Self {
        Self::new(Flavour { release: true, debug: false, verbose }, out)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn the_site_lies_beside_the_sources_wherever_the_build_is_started() {
        let workspace = Workspace::find().expect("this is a workspace");
        let out = |words: &[&str]| Line::parse_from(words).options.out(&workspace);
        assert_eq!(out(&["build"]), workspace.root.join("dist"));
        assert_eq!(out(&["build", "--out", "a"]), PathBuf::from("a"));
    }

    #[test]
    fn the_press_and_its_runner_mean_the_same_exit_code() {
        let workspace = Workspace::find().expect("this is a workspace");
        let press = std::fs::read_to_string(workspace.root.join("xtask/press/src/main.rs")).expect("it can be read");
        assert!(press.contains(&format!("const FAULTS: u8 = {FAULTS};")));
    }

    #[test]
    fn every_module_of_the_site_is_compiled() {
        let workspace = Workspace::find().expect("this is a workspace");
        let modules = workspace.libraries().iter().filter(|library| library.is_module);
        let mut modules: Vec<&str> = modules.map(|library| library.package.as_str()).collect();
        let mut compiled = PAGE_PROGRAMS.concat();
        modules.sort_unstable();
        compiled.sort_unstable();
        assert_eq!(compiled, modules);
    }

    #[test]
    fn flags_of_the_environment_do_not_take_the_place_of_the_builds_own() {
        let workspace = Workspace::find().expect("this is a workspace");
        let command = figures_command(&workspace, PAGE_PROGRAMS[0], "site");
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            assert!(command.get_envs().any(|(key, value)| key == name && value.is_none()), "{name}");
        }
    }
}
