//! `cargo xtask serve`: build the site and serve it on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use hockeystick_server::{ServeError, Site, listen};
use notify::{RecursiveMode, Watcher};

use crate::build::{self, Flavour};
use crate::steps::Steps;
use crate::workspace::Workspace;

/// Builds the site and serves it at http://127.0.0.1:8080/ with the headers it has in production.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask serve --open              build, serve, open a browser
  cargo xtask serve --watch --debug     rebuild at every change and reload the page
  cargo xtask serve --port 9000")]
pub(crate) struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, short, default_value_t = 8080)]
    port: u16,
    /// Rebuild when a source changes, and reload the page.
    #[arg(long, short)]
    watch: bool,
    /// Open the page in the default browser.
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    flavour: Flavour,
}

/// A change often comes as several: an editor writes, renames and touches.
const QUIET_MS: u64 = 150;

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the server's threads")?;
    runtime.block_on(serve(options))
}

async fn serve(options: &Options) -> Result<ExitCode> {
    // The port first: nobody should wait for a build to learn that it is taken.
    let listener = listen(options.port).await.map_err(|error| match error {
        ServeError::PortInUse { port } => {
            anyhow!("{error}: choose another with `--port {}`, or 0 for any free one", port.saturating_add(1))
        }
        _ => error.into(),
    })?;
    let address = listener.local_addr().context("cannot tell which port was opened")?;
    let workspace = Workspace::find()?;
    // Not `dist`: that is what somebody may be about to ship.
    let folder = workspace.target.join("serve-site");
    let build = build::Options::new(options.flavour.clone(), folder.clone());

    // Watch before building, so that a change during the build is not lost.
    let changes = if options.watch { Some(watch(&workspace.root)?) } else { None };
    print!("{}", tokio::task::block_in_place(|| rebuild(&workspace, &build))?);
    let site = if options.watch { Site::open_live(&folder)? } else { Site::open(&folder)? };

    println!("serving {} at http://{address}/ (Ctrl-C stops it)", folder.display());
    if let Some(changes) = changes {
        println!("watching the sources: a change rebuilds the site and reloads the page");
        let site = site.clone();
        thread::spawn(move || rebuild_on_change(&changes, &site, &workspace, &build));
    }
    if options.open {
        open(&format!("http://{address}/"));
    }
    tokio::select! {
        result = site.serve(listener) => result.context("the server stopped")?,
        _ = tokio::signal::ctrl_c() => println!(),
    }
    Ok(ExitCode::SUCCESS)
}

fn rebuild(workspace: &Workspace, options: &build::Options) -> Result<String> {
    let mut steps = Steps::new(build::STEPS, options.flavour.verbose);
    // A page over its budget is worth a line, not a stop: somebody works on it and wants to see it.
    Ok(build::site(&mut steps, workspace, options)?.findings)
}

/// The folders of the sources that a page is made of, and the files beside them.
const FOLDERS: [&str; 4] = ["core", "content", "site", "xtask/press"];
const FILES: [&str; 2] = ["index.html", "Cargo.toml"];

/// Sends each path that changes, until the receiver is dropped; the root where it is not known what has.
struct Changes {
    paths: Receiver<PathBuf>,
    /// Watching ends when this is dropped.
    _watcher: notify::RecommendedWatcher,
}

fn watch(root: &Path) -> Result<Changes> {
    let (sender, paths) = mpsc::channel();
    let top = root.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Nobody listens any more when the program ends.
        for path in changed(&top, event) {
            let _ = sender.send(path);
        }
    })
    .context("cannot watch for changes")?;
    // A file that is saved is often another file of the same name: only its folder sees that it has changed.
    let folders = FOLDERS.map(|name| (root.join(name), RecursiveMode::Recursive));
    for (path, mode) in folders.into_iter().chain([(root.to_owned(), RecursiveMode::NonRecursive)]) {
        if path.exists() {
            watcher.watch(&path, mode).with_context(|| format!("cannot watch {}", path.display()))?;
        }
    }
    Ok(Changes { paths, _watcher: watcher })
}

/// The sources that an event tells of.
fn changed(root: &Path, event: notify::Result<notify::Event>) -> Vec<PathBuf> {
    let is_source = |path: &PathBuf| {
        let Ok(below) = path.strip_prefix(root) else { return true };
        FOLDERS.iter().any(|folder| below.starts_with(folder)) || FILES.iter().any(|file| below == Path::new(file))
    };
    match event {
        // Events were lost.
        Err(_) => vec![root.to_owned()],
        Ok(event) if event.need_rescan() => vec![root.to_owned()],
        // Reading a file is an event too.
        Ok(event) if event.kind.is_access() => Vec::new(),
        Ok(event) => event.paths.into_iter().filter(is_source).collect(),
    }
}

fn rebuild_on_change(changes: &Changes, site: &Site, workspace: &Workspace, options: &build::Options) {
    while let Ok(path) = changes.paths.recv() {
        if is_scratch(&path) {
            continue;
        }
        settle(&changes.paths);
        match path.strip_prefix(&workspace.root) {
            Ok(path) if path.as_os_str().is_empty() => println!("something changed"),
            below => println!("{} changed", below.unwrap_or(&path).display()),
        }
        let outcome = rebuild(workspace, options).and_then(|findings| Ok((findings, site.announce()?)));
        match outcome {
            Ok((findings, ())) => println!("{findings}reloaded"),
            Err(error) => println!("error: {error:#}\nstill serving the last build"),
        }
    }
}

/// Waits until nothing has changed for a moment.
fn settle(paths: &Receiver<PathBuf>) {
    let quiet = Duration::from_millis(QUIET_MS);
    while !matches!(paths.recv_timeout(quiet), Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)) {}
}

/// Swap and backup files of editors.
fn is_scratch(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.starts_with('#') || name.ends_with('~') || name.ends_with(".tmp") || name == "4913"
}

/// A browser is a convenience: that none opens is worth a line, not an error.
fn open(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started = Command::new(program).arg(url).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if started.is_err() {
        println!("{program} is missing: open {url} yourself");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_watched_after_it_was_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let file = root.join("Cargo.toml");
        std::fs::write(&file, "0").unwrap();
        let changes = watch(&root).unwrap();
        for text in ["1", "2", "3"] {
            std::fs::write(root.join("new"), text).unwrap();
            std::fs::rename(root.join("new"), &file).unwrap();
            let path = changes.paths.recv_timeout(Duration::from_secs(10));
            assert_eq!(path.as_ref(), Ok(&file), "{text}");
            settle(&changes.paths);
        }
    }

    #[test]
    fn what_is_built_is_no_source_and_a_lost_event_is_a_change() {
        let root = Path::new("/work");
        let event = |path: &str| Ok(notify::Event::new(notify::EventKind::Any).add_path(root.join(path)));
        assert!(changed(root, event("target")).is_empty());
        assert_eq!(changed(root, event("core/src/lib.rs")), [root.join("core/src/lib.rs")]);
        assert_eq!(changed(root, Err(notify::Error::generic("lost"))), [root]);
        let rescan = notify::Event::new(notify::EventKind::Other).set_flag(notify::event::Flag::Rescan);
        assert_eq!(changed(root, Ok(rescan)), [root]);
    }

    #[test]
    fn files_that_editors_leave_do_not_rebuild() {
        for name in [".lesson.md.swp", "lesson.md~", "4913", "#lesson.md#"] {
            assert!(is_scratch(&Path::new("content").join(name)), "{name}");
        }
        assert!(!is_scratch(Path::new("content/stages/01-single-server/lesson.md")));
    }
}
