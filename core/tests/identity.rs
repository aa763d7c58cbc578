//! The same stage and seed give the same bits natively and in WebAssembly.

use std::path::{Path, PathBuf};
use std::process::Command;

use hockeystick_core::simulate::Simulation;
use hockeystick_core::units::SECOND_NS;

/// Prints the fingerprint of each run, a line each.
const SCRIPT: &str = "
const module = await WebAssembly.instantiate((await import('node:fs')).readFileSync(process.argv[1]));
for (let i = 2; i < process.argv.length; i += 3) {
    const [which, seconds, seed] = process.argv.slice(i, i + 3).map(Number);
    console.log(BigInt.asUintN(64, module.instance.exports.digest(which, seconds, seed)).toString());
}";

fn native(case: u32, seconds: u64, seed: u64) -> String {
    let stage = hockeystick_probe::case(case).expect("the probe has this case");
    let mut run = Simulation::new(&stage, seed).expect("the probe's stages break no rule");
    run.run_until(seconds * SECOND_NS);
    run.digest().to_string()
}

/// Builds the probe for WebAssembly as the page is built, in a target folder of its own: the outer cargo may hold the usual one.
fn probe() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "hockeystick-probe"])
        .args(["--target", "wasm32-unknown-unknown", "--profile", "site", "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the wasm build failed; is the target there? rustup target add wasm32-unknown-unknown");
    target.join("wasm32-unknown-unknown/site/hockeystick_probe.wasm")
}

#[test]
fn native_and_webassembly_runs_are_bit_identical() {
    let seconds = [60, 10, 300, 300];
    let seeds = |case| (1..=3).map(move |seed| (case, seconds[case as usize], seed));
    let runs: Vec<(u32, u64, u64)> = (0..4).flat_map(seeds).collect();
    let node = Command::new("node")
        .args(["--input-type=module", "--eval", SCRIPT])
        .arg(probe())
        .args(runs.iter().flat_map(|(case, seconds, seed)| [case.to_string(), seconds.to_string(), seed.to_string()]))
        .output()
        .expect("node runs the WebAssembly; install Node.js");
    assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
    let printed = String::from_utf8(node.stdout).unwrap();
    for ((case, seconds, seed), in_wasm) in runs.iter().zip(printed.lines()) {
        let here = native(*case, *seconds, *seed);
        assert_eq!(here, in_wasm, "case {case}, {seconds} s, seed {seed}");
    }
    assert_eq!(printed.lines().count(), runs.len());
}
