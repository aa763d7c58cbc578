//! wasm-bindgen's JavaScript around the compiled programs of a page.
//!
//! The bindings come from a library, so their version is the one in Cargo.lock and cannot differ from `wasm-bindgen`'s.

use std::path::Path;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::files::SiteFiles;

/// A program of the page: a module, its bindings, and the script that loads them.
#[derive(Debug)]
pub(crate) struct Program {
    /// The crate's name, as cargo and the bindings write it.
    name: &'static str,
    /// The script of `site/assets` that calls it.
    pub(crate) script: &'static str,
    /// Whether a page loads it only when its reader asks for more than the page shows.
    pub(crate) on_demand: bool,
}

/// The programs of a page.
pub(crate) const PROGRAMS: [Program; 3] = [
    Program { name: "hockeystick_site", script: "app.js", on_demand: false },
    Program { name: "hockeystick_theorist", script: "theorist.js", on_demand: true },
    Program { name: "hockeystick_scribe", script: "scribe.js", on_demand: true },
];

impl Program {
    /// The script that makes the module's functions callable.
    pub(crate) fn glue(&self) -> String {
        format!("{}.js", self.name)
    }

    /// The module.
    pub(crate) fn module(&self) -> String {
        format!("{}_bg.wasm", self.name)
    }
}

/// Bindings for every program, from the folder into which cargo compiled them.
pub(crate) fn make(compiled: &Path) -> Result<SiteFiles> {
    let mut files = SiteFiles::default();
    for program in PROGRAMS {
        let wasm = compiled.join(program.name).with_extension("wasm");
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        Bindgen::new()
            .input_path(&wasm)
            .out_name(program.name)
            .web(true)?
            .omit_default_module_path(false)
            .typescript(false)
            // They stay as the compiler made them: `slim` goes by them.
            .demangle(false)
            .remove_producers_section(true)
            .generate(folder.path())
            .with_context(|| format!("cannot make bindings for {}", wasm.display()))?;
        files.extend(SiteFiles::read(folder.path())?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// What is compiled for the browser alone is a `cdylib`, see ARCHITECTURE.md.
    #[test]
    fn every_module_of_the_site_is_a_program() {
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../site");
        let below = fs::read_dir(&site).unwrap().map(|entry| entry.unwrap().path());
        let manifests = below.chain([site.clone()]).map(|folder| folder.join("Cargo.toml"));
        let is_module = |manifest: &PathBuf| {
            fs::read_to_string(manifest).is_ok_and(|text| text.contains("crate-type = [\"cdylib\"]"))
        };
        let name = |manifest: PathBuf| {
            let text = fs::read_to_string(manifest).unwrap();
            text.split('"').nth(1).unwrap().replace('-', "_")
        };
        let mut modules: Vec<String> = manifests.filter(is_module).map(name).collect();
        let mut programs = PROGRAMS.map(|program| program.name);
        modules.sort();
        programs.sort_unstable();
        assert_eq!(modules, programs);
    }
}
