//! wasm-bindgen's JavaScript around the compiled figures.
//!
//! The bindings come from a library, so their version is the one in Cargo.lock and cannot differ from `wasm-bindgen`'s.

use std::path::Path;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::files::SiteFiles;

const OUT_NAME: &str = "hockeystick";
/// The script that loads the module and calls it.
pub(crate) const SCRIPT: &str = "hockeystick.js";
/// The module.
pub(crate) const MODULE: &str = "hockeystick_bg.wasm";

pub(crate) fn make(wasm: &Path) -> Result<SiteFiles> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    Bindgen::new()
        .input_path(wasm)
        .out_name(OUT_NAME)
        .web(true)?
        .omit_default_module_path(false)
        .typescript(false)
        // They stay as the compiler made them: `slim` goes by them.
        .demangle(false)
        .remove_producers_section(true)
        .generate(folder.path())
        .with_context(|| format!("cannot make bindings for {}", wasm.display()))?;
    SiteFiles::read(folder.path())
}
