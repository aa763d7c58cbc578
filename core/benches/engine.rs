//! Engine speed, natively and in WebAssembly under V8, in one session: `cargo bench -p hockeystick-core`.
//!
//! An event is something that a component acts on: a request comes to it, a station is done with it, an answer or a timer
//! comes. Each figure is the best of several runs, because a busy machine only ever makes a run slower.

#![expect(clippy::disallowed_types, reason = "a benchmark needs a clock")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use hockeystick_core::simulate::Simulation;
use hockeystick_core::units::SECOND_NS;

const ROUNDS: u32 = 5;

struct Case {
    name: &'static str,
    /// Its number in the probe.
    number: u32,
    simulated_s: u32,
    /// What a tight hand-written loop reached for it, natively and in wasm.
    tight_loop: &'static str,
}

const CASES: [Case; 3] = [
    Case { name: "A: M/M/1, 80 % busy", number: 0, simulated_s: 3_000, tight_loop: "" },
    Case { name: "B: 8 apps, 3 replicas, 70 % busy", number: 1, simulated_s: 120, tight_loop: "50 native, 40 wasm" },
    Case { name: "stage 01, 60 requests/s", number: 2, simulated_s: 6_000, tight_loop: "" },
];

const SCRIPT: &str = "
const [path, rounds, ...cases] = process.argv.slice(1);
const module = await WebAssembly.instantiate((await import('node:fs')).readFileSync(path));
for (let i = 0; i < cases.length; i += 2) {
    let best = 0;
    for (let round = 0; round < Number(rounds); round++) {
        const begun = performance.now();
        const events = Number(module.instance.exports.events(Number(cases[i]), Number(cases[i + 1]), 1));
        best = Math.max(best, events / (performance.now() - begun) / 1e3);
    }
    console.log(best);
}";

fn main() {
    let wasm = in_wasm();
    println!("million events a second, best of {ROUNDS}");
    println!("{:<36}{:>8}{:>8}{:>8}   tight loop", "", "native", "wasm", "ratio");
    for (index, Case { name, number, simulated_s, tight_loop: tight }) in CASES.into_iter().enumerate() {
        let native = native(number, simulated_s);
        match wasm.as_ref().map(|wasm| wasm[index]) {
            Ok(wasm) => println!("{name:<36}{native:>8.1}{wasm:>8.1}{:>8.2}   {tight}", wasm / native),
            Err(why) => println!("{name:<36}{native:>8.1}{why:>16}   {tight}"),
        }
    }
    println!(
        "other engines on workload B: nexosim 2.8, hand-written JavaScript heap 8.5 to 10.5, SimPy 0.24, Ciw 0.06"
    );
}

fn native(case: u32, seconds: u32) -> f64 {
    let Some(stage) = hockeystick_probe::case(case) else { return 0.0 };
    let round = |_| {
        let Ok(mut run) = Simulation::new(&stage, 1) else { return 0.0 };
        let begun = Instant::now();
        run.run_until(u64::from(seconds) * SECOND_NS);
        run.events() as f64 / begun.elapsed().as_secs_f64() / 1e6
    };
    (0..ROUNDS).map(round).fold(0.0, f64::max)
}

fn in_wasm() -> Result<Vec<f64>, &'static str> {
    let probe = build_probe().ok_or("no wasm build")?;
    let output = Command::new("node")
        .args(["--input-type=module", "--eval", SCRIPT])
        .arg(probe)
        .arg(ROUNDS.to_string())
        .args(CASES.iter().flat_map(|case| [case.number.to_string(), case.simulated_s.to_string()]))
        .output()
        .map_err(|_| "no Node.js")?;
    let figures: Vec<f64> = String::from_utf8_lossy(&output.stdout).lines().flat_map(str::parse).collect();
    if figures.len() == CASES.len() { Ok(figures) } else { Err("wasm run failed") }
}

fn build_probe() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "hockeystick-probe", "--profile", "site"])
        .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
        .arg(&target)
        .status();
    let module = target.join("wasm32-unknown-unknown/site/hockeystick_probe.wasm");
    built.is_ok_and(|status| status.success()).then_some(module)
}
