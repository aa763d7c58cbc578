//! The same stage and seed give the same bits natively and in WebAssembly.

use std::path::{Path, PathBuf};
use std::process::Command;

use hockeystick_core::simulate::Simulation;

/// Prints the fingerprint of each run, a line each.
const SCRIPT: &str = "
const module = await WebAssembly.instantiate((await import('node:fs')).readFileSync(process.argv[1]));
for (let i = 2; i < process.argv.length; i += 3) {
    const [which, seconds, seed] = process.argv.slice(i, i + 3).map(Number);
    console.log(BigInt.asUintN(64, module.instance.exports.digest(which, seconds, seed)).toString());
}";

fn native(case: u32, seconds: u32, seed: u32) -> String {
    let run =
        hockeystick_probe::exports::ran(case, seconds, seed).expect("the probe has this case, and it breaks no rule");
    run.digest().to_string()
}

#[test]
fn the_cases_have_every_kind_of_component_and_of_fault() {
    for case in 4..=9 {
        let stage = hockeystick_probe::case(case).expect("the probe has this case");
        let run = Simulation::new(&stage, 1).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(run.nodes().len(), stage.components.len());
        let kinds = stage.components.iter().map(|component| component.settings.kind());
        for kind in hockeystick_core::component::Kind::ALL {
            assert!(kinds.clone().any(|other| other == *kind), "case {case}: no {kind:?}");
        }
    }
    let stages = (4..=9).filter_map(hockeystick_probe::case);
    let faults: Vec<_> =
        stages.flat_map(|stage| stage.faults).map(|fault| std::mem::discriminant(&fault.kind)).collect();
    let different = (0..faults.len()).filter(|at| !faults[..*at].contains(&faults[*at])).count();
    assert_eq!(different, 13, "kinds of fault");
}

/// Builds the probe for WebAssembly as the page is built, in a target folder of its own: the outer cargo may hold the usual one.
fn probe() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "hockeystick-probe"])
        .args(["--target", "wasm32-unknown-unknown", "--profile", "site", "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // Not by a linter that may compile this test.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the wasm build failed; is the target there? rustup target add wasm32-unknown-unknown");
    target.join("wasm32-unknown-unknown/site/hockeystick_probe.wasm")
}

#[test]
fn native_and_webassembly_runs_are_bit_identical() {
    // Cases 4 to 9 have a component of every kind and a fault of every kind; those from 10 on are random.
    let seconds = |case| match case {
        0 => 60,
        1 => 10,
        2 | 3 => 300,
        4..=9 => 200,
        _ => 4,
    };
    let seeds = |case| (1..=if case < 4 { 3 } else { 1 }).map(move |seed| (case, seconds(case), seed));
    let runs: Vec<(u32, u32, u32)> = (0..60).flat_map(seeds).collect();
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
