//! wasm-opt: what rustc leaves to be made smaller.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

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

/// The module, smaller.
pub(crate) fn optimise(program: &Path, module: &[u8]) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let file = folder.path().join("module.wasm");
    std::fs::write(&file, module).with_context(|| format!("cannot write {}", file.display()))?;
    let output = Command::new(program)
        // Its lowest kilobyte is the far end of the stack: no data lie there, so a constant may be folded into an address.
        // Rebuilt from a flat form, control flow is smaller by half a hundredth, and the engine not slower.
        .args(["--flatten", "--rereloop", "-Oz", "-Oz", "--converge", "--low-memory-unused"])
        .args(WASM_FEATURES)
        .arg(&file)
        .arg("-o")
        .arg(&file)
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        bail!("wasm-opt failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
}
