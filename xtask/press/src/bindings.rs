//! wasm-bindgen's JavaScript around the compiled figures, and wasm-opt.
//!
//! The bindings come from a library, so their version is the one in Cargo.lock and cannot differ from `wasm-bindgen`'s.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::files::SiteFiles;

/// `hockeystick.js` and `hockeystick_bg.wasm`.
const OUT_NAME: &str = "hockeystick";

/// What rustc emits for wasm32-unknown-unknown by default. `strip` removes the section that would tell wasm-opt.
/// <https://doc.rust-lang.org/rustc/platform-support/wasm32-unknown-unknown.html#enabled-webassembly-features>
const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

pub(crate) fn make(wasm: &Path, wasm_opt: Option<&Path>) -> Result<SiteFiles> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    Bindgen::new()
        .input_path(wasm)
        .out_name(OUT_NAME)
        .web(true)?
        .omit_default_module_path(false)
        .typescript(false)
        .remove_name_section(wasm_opt.is_some())
        .remove_producers_section(true)
        .generate(folder.path())
        .with_context(|| format!("cannot make bindings for {}", wasm.display()))?;
    if let Some(program) = wasm_opt {
        optimise(program, &folder.path().join(format!("{OUT_NAME}_bg.wasm")))?;
    }
    SiteFiles::read(folder.path())
}

fn optimise(program: &Path, module: &Path) -> Result<()> {
    let output = Command::new(program)
        .arg("-Oz")
        .args(WASM_FEATURES)
        .arg(module)
        .arg("-o")
        .arg(module)
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        bail!("wasm-opt failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
