//! Makes the site: takes the compiled figures and the content, writes a folder of static files.
//!
//! `cargo xtask build` runs this. It is a program of its own because it links `content`, and through it `core`: after a
//! change to either, the runner starts a newly compiled press, and while either does not compile, the runner still works.
//!
//! ```text
//! bindings  wasm-bindgen's JavaScript around the compiled figures
//! assets    files copied as they are, and the build id
//! scripts   bundled by esbuild
//! slim      what no page can use is taken out of the module
//! optimise  wasm-opt
//! order     functions that are alike side by side, for they compress better
//! pages     what `content` renders
//! offline   the service worker's list of what to keep
//! headers   `_headers`: Content-Security-Policy and caching
//! links     those that lead nowhere
//! weights   what a reader downloads, against the budgets
//! files     the site in memory, and putting it in place of the last one
//! ```

mod assets;
mod bindings;
mod files;
mod headers;
mod links;
mod offline;
mod optimise;
mod order;
mod pages;
mod scripts;
mod slim;
mod weights;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::files::{BuildNote, SiteFiles};

/// Makes the site from the compiled figures and the content.
#[derive(Debug, Parser)]
struct Options {
    /// The folder into which cargo compiled the programs of a page.
    #[arg(long, value_name = "FOLDER")]
    compiled: PathBuf,
    /// The workspace, where `site/assets/` is.
    #[arg(long, default_value = ".")]
    workspace: PathBuf,
    /// Where the site goes.
    #[arg(long, default_value = "dist")]
    out: PathBuf,
    /// The path the site will live under on its host.
    #[arg(long, default_value = "/", value_parser = parse_base)]
    base: String,
    /// Where the programs `esbuild` and `wasm-opt` are; without it scripts and module are shipped as they were made, and no
    /// page is held to its budget.
    #[arg(long, value_name = "FOLDER")]
    tools: Option<PathBuf>,
    /// Leave page weights out: those of a debug build say nothing.
    #[arg(long)]
    unweighed: bool,
}

/// The exit code for a site that is in place, with a page that is too heavy or a link that leads nowhere. The runner knows it
/// too.
const FAULTS: u8 = 3;

fn parse_base(text: &str) -> Result<String, String> {
    if text.contains(['?', '#', ':', ' ']) || text.contains("..") || text.contains("//") {
        return Err("expected a path such as `/` or `/hockeystick/`".to_owned());
    }
    let inner = text.trim_matches('/');
    Ok(if inner.is_empty() { "/".to_owned() } else { format!("/{inner}/") })
}

fn main() -> ExitCode {
    match press(&Options::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn press(options: &Options) -> Result<ExitCode> {
    eprintln!("bindings for {}", options.compiled.display());
    let mut versioned = bindings::make(&options.compiled)?;
    eprintln!("assets");
    let assets = assets::read(&options.workspace.join("site/assets"))?;
    versioned.extend(assets.versioned);
    let mut bundled = scripts::Bundled::default();
    if let Some(tools) = &options.tools {
        eprintln!("smaller");
        bundled = scripts::bundle(&mut versioned, &tools.join("esbuild"))?;
        for program in bindings::PROGRAMS {
            let script =
                bundled.into.get(&program.glue()).with_context(|| format!("no script uses {}", program.glue()))?;
            slim::slim(&mut versioned, script, &program.module())?;
        }
        for (program, optimised) in optimise::all(&tools.join("wasm-opt"), &versioned)? {
            versioned.insert(program, optimised);
        }
    }
    let build_id = assets::build_id(&versioned);

    let mut site = SiteFiles::default();
    site.extend_below(&format!("assets/{build_id}"), versioned);
    site.extend(assets.top);
    eprintln!("pages");
    site.extend(pages::render(&options.base, &build_id, bundled.beside.clone())?);
    offline::fill(&mut site, &build_id)?;
    let headers = headers::write(&site, &options.base);
    site.insert("_headers", headers.into_bytes());

    let weights = (!options.unweighed).then(|| {
        eprintln!("weights");
        weights::weigh(&site, &options.base, &bundled.later)
    });
    let note = BuildNote::new(&build_id, &options.base, weights.as_ref());
    files::put_in_place(&site, &note, &options.out)?;

    // Findings go to standard output, which has nothing else.
    let broken = links::broken(&site, &options.base).into_iter().map(|link| format!("broken link: {link}"));
    let mut faults: Vec<String> = broken.collect();
    if let Some(weights) = weights {
        print!("{}", weights.table());
        if options.tools.is_some() {
            weights.missed().iter().for_each(|budget| println!("OVER BUDGET: {budget}"));
            faults.extend(weights.too_heavy().into_iter().map(|page| format!("too heavy: {page}")));
        } else {
            println!("not optimised: budgets are not checked");
        }
    }
    for fault in &faults {
        println!("{fault}");
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAULTS) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_begins_and_ends_with_a_slash() {
        assert_eq!(parse_base("").unwrap(), "/");
        assert_eq!(parse_base("/").unwrap(), "/");
        assert_eq!(parse_base("talks/a").unwrap(), "/talks/a/");
        assert_eq!(parse_base("/talks/").unwrap(), "/talks/");
        for bad in ["https://example.org/", "a/../b", "a b", "//host"] {
            assert!(parse_base(bad).is_err(), "{bad}");
        }
    }
}
