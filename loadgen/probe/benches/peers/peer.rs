//! The tools: how each is called, and where it says what it measured.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use hockeystick_loadgen::{histogram, store};
use serde_json::Value as Json;

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Loadgen,
    Wrk,
    Oha,
    Goose,
    /// goose without its metrics: as fast as it can be, and it says nothing.
    BareGoose,
    Hey,
}

/// What to send: at most `connections` at once, for some seconds.
#[derive(Clone, Debug)]
pub(crate) struct Load<'u> {
    pub(crate) url: &'u str,
    pub(crate) path: &'u str,
    pub(crate) connections: u32,
    /// Requests a second; as many as can be where none is given.
    pub(crate) rate_per_s: Option<u32>,
    pub(crate) seconds: u32,
}

/// Shares of the requests whose times are compared: the last is the longest.
pub(crate) const SHARES: [f64; 6] = [0.5, 0.9, 0.95, 0.99, 0.999, 1.0];

/// Response times that a tool reports, in seconds, for each of [`SHARES`].
pub(crate) type Times = [f64; SHARES.len()];

impl Peer {
    pub(crate) const ALL: [Self; 6] = [Self::Loadgen, Self::Wrk, Self::Oha, Self::Goose, Self::BareGoose, Self::Hey];

    /// Why it cannot take part, if it cannot.
    pub(crate) fn missing(self) -> Option<String> {
        match self {
            Self::Loadgen if !loadgen().exists() => Some("cargo build --release -p hockeystick-loadgen".to_owned()),
            Self::Loadgen | Self::Goose | Self::BareGoose => None,
            Self::Wrk | Self::Oha | Self::Hey => {
                let mut asked = Command::new(self.program());
                let found = asked.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
                let cure = if self == Self::Oha { "cargo install oha --locked" } else { "apt-get install" };
                (!found).then(|| cure.to_owned())
            }
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Loadgen => "loadgen",
            Self::Wrk => "wrk",
            Self::Oha => "oha",
            Self::Goose | Self::BareGoose => "plain-goose",
            Self::Hey => "hey",
        }
    }

    /// Whether it can be told a rate.
    pub(crate) fn paces(self) -> bool {
        matches!(self, Self::Loadgen | Self::Oha | Self::Hey)
    }

    /// The tool at work.
    pub(crate) fn command(self, load: &Load<'_>, folder: &Path) -> Result<Command> {
        let Load { url, path, connections, rate_per_s, seconds } = load;
        let target = format!("{url}{path}");
        let (connections_text, seconds_text) = (connections.to_string(), seconds.to_string());
        let (count, duration) = (connections_text.as_str(), format!("{seconds}s"));
        let mut command = Command::new(self.program());
        match self {
            Self::Loadgen => {
                fs::write(folder.join("plan.toml"), plan(load))?;
                command = Command::new(loadgen());
                command.args(["run", "--host", url, "--plan"]).arg(folder.join("plan.toml"));
                command.arg("--out").arg(folder.join("results.json"));
            }
            Self::Wrk => {
                fs::write(folder.join("done.lua"), WRK_DONE)?;
                command.args(["-t1", "-c", count, "-d", &duration, "-s"]).arg(folder.join("done.lua")).arg(&target);
            }
            Self::Oha => {
                command.args(["-c", count, "-z", &duration, "--no-tui", "--output-format", "json"]);
                if let Some(rate) = rate_per_s {
                    command.args(["-q", &rate.to_string(), "--latency-correction"]);
                }
                command.arg(&target);
            }
            Self::Goose | Self::BareGoose => {
                command = Command::new(env!("CARGO_BIN_EXE_plain-goose"));
                command.args([url, path, count, &seconds_text]).args((self == Self::BareGoose).then_some("bare"));
            }
            Self::Hey => {
                command.args(["-c", count, "-z", &duration, "-o", "csv"]);
                if let Some(rate) = rate_per_s {
                    command.args(["-q", &(rate / connections).to_string()]);
                }
                command.arg(&target);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Ok(command)
    }

    /// What it says it measured; none where it says nothing.
    pub(crate) fn times(self, stdout: &str, folder: &Path) -> Result<Option<Times>> {
        Ok(Some(match self {
            Self::Loadgen => {
                let results = store::read_results(&folder.join("results.json"))?;
                let step = results.steps.first().context("loadgen measured no step")?;
                let times = histogram::decode(&step.response.hdr)?;
                SHARES.map(|share| times.value_at_quantile(share) as f64 / 1e6)
            }
            Self::Wrk => {
                let line = stdout.lines().find_map(|line| line.strip_prefix("times ")).context("wrk says no times")?;
                let times: Vec<f64> = line.split(' ').map(|us| Ok(us.parse::<f64>()? / 1e6)).collect::<Result<_>>()?;
                Times::try_from(times).ok().context("wrk says other times")?
            }
            Self::Oha => {
                let json: Json = serde_json::from_str(stdout).context("oha says no JSON")?;
                let named = |name: &str| json["latencyPercentiles"][name].as_f64().context("oha lacks a percentile");
                let slowest = json["summary"]["slowest"].as_f64().context("oha lacks the slowest")?;
                [named("p50")?, named("p90")?, named("p95")?, named("p99")?, named("p99.9")?, slowest]
            }
            Self::Goose => named_times(&serde_json::from_str(stdout).context("plain goose says no JSON")?)?,
            Self::BareGoose => return Ok(None),
            Self::Hey => {
                let rows = stdout.lines().skip(1).filter_map(|row| row.split(',').next()?.parse::<f64>().ok());
                let mut times: Vec<f64> = rows.collect();
                if times.is_empty() {
                    bail!("hey says no times");
                }
                times.sort_unstable_by(f64::total_cmp);
                SHARES.map(|share| times[((share * times.len() as f64).ceil() as usize).clamp(1, times.len()) - 1])
            }
        }))
    }
}

/// How late loadgen sent in the run that left its results in this folder, in microseconds: p50, p95, p99, and at most.
pub(crate) fn lag_us(folder: &Path) -> Option<[u64; 4]> {
    let lag = store::read_results(&folder.join("results.json")).ok()?.steps.pop()?.lag;
    Some([lag.p50_us, lag.p95_us, lag.p99_us, lag.max_us])
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Goose => "plain goose",
            Self::BareGoose => "goose, no metrics",
            other => other.program(),
        })
    }
}

/// Times from JSON with names such as `p99.9`, in seconds: the server's, and plain goose's.
pub(crate) fn named_times(json: &Json) -> Result<Times> {
    let named = |name: &str| json[name].as_f64().with_context(|| format!("there is no {name}"));
    Ok([named("p50")?, named("p90")?, named("p95")?, named("p99")?, named("p99.9")?, named("max")?])
}

/// loadgen lies beside this package's own programs.
fn loadgen() -> std::path::PathBuf {
    Path::new(env!("CARGO_BIN_EXE_known-server")).with_file_name("loadgen")
}

fn plan(load: &Load<'_>) -> String {
    let Load { path, connections, rate_per_s, seconds, .. } = load;
    let step = match rate_per_s {
        Some(rate) => format!("rate = \"{rate}/s\", seconds = {seconds}"),
        None => format!("users = {connections}, think = \"0 s\", seconds = {seconds}"),
    };
    format!(
        "schema = 1\nwarm_up = \"0 s\"\narrivals = \"constant\"\nusers = {connections}\nsteps = [{{ {step} }}]\n\
         [[request]]\nclass = \"read\"\npath = \"{path}\"\n"
    )
}

/// wrk's own table ends at its 99th percentile.
const WRK_DONE: &str = "\
done = function(summary, latency, requests)
  io.write(string.format('times %d %d %d %d %d %d\\n', latency:percentile(50), latency:percentile(90),
    latency:percentile(95), latency:percentile(99), latency:percentile(99.9), latency.max))
end
";
