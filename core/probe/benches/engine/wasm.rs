//! The engine and the tight loop as WebAssembly, under Node.js.

use std::path::{Path, PathBuf};
use std::process::Command;

use hockeystick_core::pack;

use crate::{Case, Figure, ROUNDS, Which, native};

/// The bare module, built.
#[derive(Debug)]
pub(crate) struct Module {
    path: PathBuf,
}

/// As [`crate::measure`]: contestants take turns, the best round counts.
const SCRIPT: &str = "
const [path, packed, tight, rounds, warmUp, round] = process.argv.slice(1);
const code = (await import('node:fs')).readFileSync(path);
const open = async (begin) => {
    const { instance } = await WebAssembly.instantiate(code);
    if (!begin(instance.exports)) process.exit(1);
    return { exports: instance.exports, events: Number(instance.exports.advance(Number(warmUp))), best: 0, took: 0 };
};
const bytes = Buffer.from(packed, 'hex');
const contestants = [await open((it) => {
    const room = it.room(bytes.length);
    new Uint8Array(it.memory.buffer, room, bytes.length).set(bytes);
    return it.open_packed(1);
})];
if (tight !== 'none') contestants.push(await open((it) => it.open_tight(Number(tight), 1)));
for (let nth = 1; nth <= Number(rounds); nth++) {
    for (const it of contestants) {
        const begun = performance.now();
        const events = Number(it.exports.advance(Number(warmUp) + nth * Number(round)));
        const took = performance.now() - begun;
        if ((events - it.events) / took > it.best) [it.best, it.took] = [(events - it.events) / took, took];
        it.events = events;
    }
}
for (const it of contestants) console.log(it.best / 1e3, Number(round) / it.took, it.exports.memory.buffer.byteLength);";

impl Module {
    /// Builds the probe as the page's module is built, but for speed alone.
    pub(crate) fn build() -> Result<Self, String> {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-probe");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "hockeystick-probe", "--lib", "--profile", "bench-wasm"])
            .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
            .arg(&target)
            .status();
        let path = target.join("wasm32-unknown-unknown/bench-wasm/hockeystick_probe.wasm");
        match built {
            Ok(status) if status.success() => Ok(Self { path }),
            _ => Err("skipped: no wasm build (rustup target add wasm32-unknown-unknown)".into()),
        }
    }

    /// The engine, and where there is one the tight loop.
    pub(crate) fn measure(&self, case: &Case) -> Result<Vec<Figure>, String> {
        let packed: String = pack::to_bytes(&native::stage(case)).iter().map(|byte| format!("{byte:02x}")).collect();
        let tight = match case.which {
            Which::A => "0",
            Which::B => "1",
            Which::Stage21 => "none",
        };
        let ms = |seconds: f64| (seconds * 1e3).to_string();
        let output = Command::new("node")
            .args(["--input-type=module", "--eval", SCRIPT])
            .arg(&self.path)
            .args([&packed, tight, &ROUNDS.to_string(), &ms(case.warm_up_s), &ms(case.round_s)])
            .output()
            .map_err(|_| "skipped: no Node.js".to_owned())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let figure = |line: &str| {
            let mut numbers = line.split(' ').flat_map(str::parse);
            Some(Figure { millions: numbers.next()?, real_time: numbers.next()?, memory: numbers.next() })
        };
        let figures: Vec<Figure> = text.lines().filter_map(figure).collect();
        if figures.is_empty() { Err(String::from_utf8_lossy(&output.stderr).into_owned()) } else { Ok(figures) }
    }
}
