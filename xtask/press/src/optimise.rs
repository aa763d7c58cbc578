//! wasm-opt: what rustc leaves to be made smaller.

use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::bindings::{PROGRAMS, Program};
use crate::files::SiteFiles;
use crate::order;

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

/// The modules of all programs, smaller, by name. They are optimised at the same time: no step of a build takes longer.
pub(crate) fn all(wasm_opt: &Path, files: &SiteFiles) -> Result<Vec<(String, Vec<u8>)>> {
    let smaller = |program: &Program| {
        let name = program.module();
        let optimised = optimise(wasm_opt, files.get(&name).unwrap_or_default(), !program.on_demand)?;
        Ok((name, optimised))
    };
    thread::scope(|scope| {
        let under_way = PROGRAMS.each_ref().map(|program| scope.spawn(move || smaller(program)));
        under_way.into_iter().map(|one| one.join().unwrap_or_else(|_| bail!("wasm-opt could not be run"))).collect()
    })
}

/// One module, smaller. `to_the_end` repeats until nothing changes: twice the time for some hundred bytes.
fn optimise(wasm_opt: &Path, module: &[u8], to_the_end: bool) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let file = folder.path().join("module.wasm");
    std::fs::write(&file, module).with_context(|| format!("cannot write {}", file.display()))?;
    let output = Command::new(wasm_opt)
        // Its lowest kilobyte is the far end of the stack: no data lie there, so a constant may be folded into an address.
        // Rebuilt from a flat form, control flow is smaller by half a hundredth, and the engine not slower.
        .args(["--flatten", "--rereloop", "-Oz", "-Oz", "--low-memory-unused"])
        .args(to_the_end.then_some("--converge"))
        .args(WASM_FEATURES)
        .arg(&file)
        .arg("-o")
        .arg(&file)
        .output()
        .with_context(|| format!("cannot start {}", wasm_opt.display()))?;
    if !output.status.success() {
        bail!("wasm-opt failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let module = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    order::by_likeness(&module)
}
