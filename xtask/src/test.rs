//! `cargo xtask test`: everything that must hold, in one command.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::build;
use crate::native::Native;
use crate::process;
use crate::steps::{Step, Steps};
use crate::summary::{self, Counts, Entry};
use crate::tools;
use crate::workspace::Workspace;

/// Checks formatting and lints, runs all tests, builds the site within its budgets, tests it in a browser.
///
/// Installs Chromium and ChromeDriver from Debian's packages when root. Ends with a summary and the line
/// `N passed, M failed`; exits 0 when nothing failed.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask test                   everything; what .ci/run does
  cargo xtask test --only core       the model
  cargo xtask test --only browser    the site build and its tests in Chromium")]
pub(crate) struct Options {
    /// One part of the repository.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Show everything the tools print.
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Core,
    Content,
    Site,
    Browser,
    Loadgen,
    Staging,
}

/// The package of the tests that need a site and a browser.
const BROWSER_TESTS: &str = "hockeystick-browser-tests";

/// What a run covers.
#[derive(Debug)]
struct Scope {
    /// Packages with native checks and tests.
    packages: Vec<&'static str>,
    site: bool,
    browser: bool,
}

impl Scope {
    fn of(only: Option<Part>) -> Self {
        let packages = match only {
            Some(Part::Core) => vec!["hockeystick-core", "hockeystick-probe"],
            Some(Part::Content) => vec!["hockeystick-content"],
            Some(Part::Site) => vec![
                "hockeystick-site",
                "hockeystick-protocol",
                "hockeystick-scribe",
                "hockeystick-simulator",
                "hockeystick-theorist",
                "wasm-streams",
                "hockeystick-press",
                "hockeystick-server",
            ],
            Some(Part::Browser) => vec![],
            Some(Part::Loadgen) => vec!["hockeystick-loadgen", "hockeystick-loadgen-probe"],
            Some(Part::Staging) => vec!["hockeystick-staging"],
            None => {
                let parts = [Part::Core, Part::Content, Part::Site, Part::Loadgen, Part::Staging];
                let packages = parts.into_iter().flat_map(|part| Self::of(Some(part)).packages);
                packages.chain(["hockeystick-xtask"]).collect()
            }
        };
        Self {
            packages,
            site: matches!(only, None | Some(Part::Site | Part::Browser)),
            browser: matches!(only, None | Some(Part::Browser)),
        }
    }

    fn has_core(&self) -> bool {
        self.packages.contains(&"hockeystick-core")
    }

    /// Everything that a run compiles for this machine, and lints.
    fn compiled(&self) -> Vec<&'static str> {
        let browser = self.browser.then_some(BROWSER_TESTS);
        let press = (self.site && !self.packages.contains(&build::PRESS)).then_some(build::PRESS);
        self.packages.iter().copied().chain(browser).chain(press).collect()
    }

    /// Packages whose documentation has tests.
    fn documented(&self, workspace: &Workspace) -> Vec<&'static str> {
        let libraries = workspace.libraries();
        let is_documented = |package: &str| libraries.iter().any(|it| it.package == package && it.has_doc_tests);
        self.packages.iter().copied().filter(|package| is_documented(package)).collect()
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let scope = Scope::of(options.only);
    process::adopt_orphans();
    let mut run = Run::new(&workspace, &scope, options.verbose);
    run.everything(&scope);
    let Run { entries, steps, .. } = run;
    drop(steps);

    let left_over = process::end_orphans();
    if !left_over.is_empty() {
        eprintln!("note: tests left processes behind, now ended: {}", left_over.join(", "));
    }
    println!("\n{}", summary::text(&entries).trim_end());
    let ok = entries.iter().all(|entry| entry.ok);
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A run, and how its steps went so far.
struct Run<'a> {
    workspace: &'a Workspace,
    native: Native,
    steps: Steps,
    entries: Vec<Entry>,
    nextest: bool,
    /// Whether all that this run needs of native code compiles. What does not must not keep the rest from being tested.
    compiles: bool,
    verbose: bool,
}

impl<'a> Run<'a> {
    fn new(workspace: &'a Workspace, scope: &Scope, verbose: bool) -> Self {
        let native = usize::from(!scope.packages.is_empty()) + usize::from(!scope.documented(workspace).is_empty());
        let total = 3 + native + usize::from(scope.site) * (1 + build::STEPS) + usize::from(scope.browser) * 2;
        let native = Native::new(scope.compiled());
        let steps = Steps::new(total, verbose);
        Self { workspace, native, steps, entries: Vec::new(), nextest: false, compiles: true, verbose }
    }

    /// A step that fails does not stop the next one: a run tells everything that is wrong.
    fn everything(&mut self, scope: &Scope) {
        // Without its tools nothing can run.
        if !self.tools(scope) {
            return;
        }
        self.lints(scope);
        if !scope.packages.is_empty() {
            self.tests(scope);
        }
        if scope.site {
            let site = self.workspace.target.join("test-site");
            let built = self.site(site.clone());
            if scope.browser && built {
                let below = self.workspace.target.join("test-site-below");
                self.site_below(&below);
                self.browser(&site, &below);
            } else if scope.browser {
                self.check("browser tests", |_| bail!("there is no site to test"));
            }
        }
    }

    fn tools(&mut self, scope: &Scope) -> bool {
        let workspace = self.workspace;
        let mut nextest = false;
        let mut native = self.native.clone();
        let found = self.check("tools", |step| {
            native.lint(workspace)?;
            if scope.has_core() || scope.site {
                tools::wasm_target(step, workspace)?;
            }
            if scope.has_core() {
                tools::node()?;
            }
            if scope.browser {
                tools::chromium(step)?;
            }
            nextest = tools::nextest(step, workspace);
            Ok((Counts::default(), Ok(())))
        });
        (self.nextest, self.native) = (nextest, native);
        found
    }

    fn lints(&mut self, scope: &Scope) {
        let mut rustfmt = self.workspace.cargo("fmt");
        self.command("rustfmt", rustfmt.args(["--all", "--check"]));

        let (native, workspace) = (self.native.clone(), self.workspace);
        // A warning fails this step, and keeps no test from running.
        let mut compiles = false;
        self.check("compilation by clippy", |step| {
            let warnings = native.compile(step, workspace)?;
            compiles = true;
            ensure!(warnings.is_empty(), "warnings are errors\n{}", warnings.join("\n"));
            Ok((Counts::default(), Ok(())))
        });
        self.compiles = compiles;

        if scope.site {
            let mut clippy = self.workspace.cargo("clippy");
            clippy.args(build::PAGE_PROGRAMS.concat().into_iter().map(|package| format!("--package={package}")));
            clippy.args(["--target", tools::WASM_TARGET, "--", "-D", "warnings"]);
            self.command("clippy, wasm32", &mut clippy);
        }
    }

    fn tests(&mut self, scope: &Scope) {
        let mut tests = self.test_command(&scope.packages);
        self.command("tests", &mut tests);
        let documented = scope.documented(self.workspace);
        if !documented.is_empty() {
            let mut doc_tests = self.native.only(documented).cargo(self.workspace, &["test"]);
            self.command("documentation tests", doc_tests.arg("--doc"));
        }
    }

    /// Runs the tests of some of the packages that were compiled.
    fn test_command(&self, packages: &[&'static str]) -> Command {
        if self.nextest {
            let native = if self.compiles { self.native.clone() } else { self.native.only(packages.to_vec()) };
            let mut command = native.cargo(self.workspace, &["nextest", "run"]);
            let tests: Vec<String> = packages.iter().map(|package| format!("package(={package})")).collect();
            command.args(["--no-fail-fast", "--no-tests=pass", "--filterset", &tests.join(" | ")]);
            return command;
        }
        let mut command = self.native.only(packages.to_vec()).cargo(self.workspace, &["test"]);
        // Not `--all-targets`: cargo would run each benchmark as if it were a test.
        command.args(["--no-fail-fast", "--lib", "--bins", "--tests", "--examples"]);
        command
    }

    /// Builds the site, and says whether there is one: pages over their budgets can still be tested.
    fn site(&mut self, out: PathBuf) -> bool {
        let mut options = build::Options::optimised(out, self.verbose);
        if self.compiles {
            options.native = self.native.clone();
        }
        let start = Instant::now();
        let built = build::site(&mut self.steps, self.workspace, &options);
        match &built {
            Ok(built) => self.steps.say(built.findings.trim_end()),
            Err(error) => self.steps.say(&format!("{error:#}")),
        }
        let ok = built.as_ref().is_ok_and(|built| built.is_sound);
        let name = "site build with budgets".to_owned();
        self.entries.push(Entry { name, took: start.elapsed(), counts: Counts::default(), ok });
        built.is_ok()
    }

    /// The same site for a host that serves it below a path.
    fn site_below(&mut self, root: &Path) {
        let mut options = build::Options::optimised(root.join("talks/hockeystick"), self.verbose);
        options.base = "/talks/hockeystick/".to_owned();
        let mut press = build::press_command(self.workspace, &options);
        self.command("site below a path", press.arg("--unweighed"));
    }

    fn browser(&mut self, site: &Path, below: &Path) {
        let mut tests = self.test_command(&[BROWSER_TESTS]);
        // An error names the page and what is wrong with it; where it was made says nothing more.
        tests.env("RUST_LIB_BACKTRACE", "0");
        tests.env("HOCKEYSTICK_SITE", site).env("HOCKEYSTICK_SITE_BELOW", below);
        self.command("browser tests", &mut tests);
    }

    /// Runs a program as a step; what it printed is shown when it fails.
    fn command(&mut self, name: &str, command: &mut Command) {
        self.check(name, |step| {
            let finished = step.run(command)?;
            let counts = Counts::read(&finished.lines);
            let outcome = finished.check(name).map(drop);
            Ok((counts, outcome))
        });
    }

    /// Runs a step that counts tests, and says whether it succeeded.
    fn check(&mut self, name: &str, work: impl FnOnce(&Step<'_>) -> Result<(Counts, Result<()>)>) -> bool {
        let start = Instant::now();
        let mut counts = Counts::default();
        let result = self.steps.run(name, |step| {
            let (counted, outcome) = work(step)?;
            counts = counted;
            outcome
        });
        if let Err(error) = &result {
            self.steps.say(&format!("{error:#}"));
        }
        let ok = result.is_ok();
        self.entries.push(Entry { name: name.to_owned(), took: start.elapsed(), counts, ok });
        ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_part_covers_every_part() {
        let everything = Scope::of(None);
        for part in Part::value_variants() {
            let scope = Scope::of(Some(*part));
            assert!(scope.packages.iter().all(|package| everything.packages.contains(package)), "{part:?}");
            assert!(everything.site >= scope.site && everything.browser >= scope.browser, "{part:?}");
        }
    }

    #[test]
    fn a_run_covers_every_package() {
        let workspace = Workspace::find().expect("this is a workspace");
        let covered = Scope::of(None).compiled();
        let forgotten: Vec<_> = workspace.members.iter().filter(|it| !covered.contains(&it.as_str())).collect();
        assert!(forgotten.is_empty(), "{forgotten:?}");
        let unknown: Vec<_> =
            covered.iter().filter(|package| !workspace.members.iter().any(|it| it == *package)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    /// Whether rustdoc would compile an example that is fenced in like this.
    fn is_rust(fence: &str) -> bool {
        let mut words = fence.split([',', ' ']).filter(|word| !word.is_empty());
        words.all(|word| {
            matches!(word, "rust" | "no_run" | "should_panic" | "compile_fail") || word.starts_with("edition")
        })
    }

    /// Fences of examples in the documentation of a file, with the number of their lines.
    fn examples(text: &str) -> Vec<usize> {
        let mut within = false;
        let mut found = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let said = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).map(str::trim_start);
            let Some(said) = said else {
                within = false;
                continue;
            };
            let Some(fence) = said.strip_prefix("```") else { continue };
            if !within && is_rust(fence) {
                found.push(at + 1);
            }
            within = !within;
        }
        found
    }

    fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder of sources can be read") {
            let path = entry.expect("and listed").path();
            if path.is_dir() {
                rust_files(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    #[test]
    fn an_example_is_known_by_its_fence() {
        let text = [
            ["//! ```", "//! let a = 1;", "//! ```"],
            ["//! ```text", "//! b", "//! ```"],
            ["    /// ```no_run", "    /// c();", "    /// ```"],
            ["/// ```ignore", "/// d", "/// ```"],
        ];
        let text = text.concat().join("\n");
        assert_eq!(examples(&text), [1, 7]);
    }

    /// Where a manifest says `doctest = false`, an example in the documentation would never be compiled.
    #[test]
    fn every_example_in_documentation_is_tested() {
        let workspace = Workspace::find().expect("this is a workspace");
        let tested = Scope::of(None).documented(&workspace);
        for library in workspace.libraries().iter().filter(|library| !tested.contains(&library.package.as_str())) {
            let mut files = Vec::new();
            rust_files(library.source.parent().expect("a source lies in a folder"), &mut files);
            for file in files {
                let examples = examples(&std::fs::read_to_string(&file).expect("a source can be read"));
                assert!(examples.is_empty(), "{}, lines {examples:?}: see `doctest` in the manifest", file.display());
            }
        }
    }
}
