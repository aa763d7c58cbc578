//! The three comparisons, and their tables.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hockeystick_loadgen_probe::delay::Law;

use crate::host::{Host, children_s};
use crate::peer::{Load, Peer, SHARES, Times, lag_us, named_times};

const CONNECTIONS: u32 = 50;
/// Each tool is run so often, in turns, and its best counts: what disturbs a machine makes no tool faster.
const ROUNDS: usize = 3;
const SATURATED_S: u32 = 5;
const PACED_S: u32 = 10;
const PACED_PER_S: u32 = 2_000;
/// Exponential with a mean of five milliseconds: ten requests in flight, on average.
const PACED_PATH: &str = "/exponential/5000";
const STALLED_S: u32 = 10;
const STALLED_PER_S: u32 = 1_000;
const STALL: Duration = Duration::from_secs(1);
/// When the stall is asked for, which is a second before it begins.
const STALL_AFTER: Duration = Duration::from_secs(3);

/// One tool's turn.
struct Turn {
    /// Answers that the server wrote.
    answers: f64,
    cpu_s: f64,
    /// As the tool says.
    said: Option<Times>,
    /// As the server saw them.
    seen: Times,
    /// How late loadgen sent, if it was loadgen.
    lag_us: Option<[u64; 4]>,
}

pub(crate) fn run() -> Result<()> {
    let (there, absent): (Vec<Peer>, Vec<Peer>) = Peer::ALL.into_iter().partition(|peer| peer.missing().is_none());
    for peer in &absent {
        println!("{peer}: left out, not installed ({})", peer.missing().unwrap_or_default());
    }
    if absent.contains(&Peer::Loadgen) {
        bail!("loadgen itself is not built: cargo build --release -p hockeystick-loadgen");
    }
    let host = Host::start()?;
    saturated(&host, &there)?;
    let paced: Vec<Peer> = there.iter().copied().filter(|peer| peer.paces()).collect();
    known(&host, &paced)?;
    stalled(&host, &there)
}

fn turn(host: &Host, peer: Peer, load: &Load<'_>, meanwhile: impl FnOnce() -> Result<()>) -> Result<Turn> {
    let folder = tempfile::tempdir()?;
    // What was seen before is none of this turn's.
    host.stats()?;
    let before = children_s()?;
    let tool = peer.command(load, folder.path())?.spawn().with_context(|| format!("cannot start {peer}"))?;
    meanwhile()?;
    let output = tool.wait_with_output()?;
    let cpu_s = children_s()? - before;
    let stats = host.stats()?;
    let said = peer.times(&String::from_utf8_lossy(&output.stdout), folder.path());
    let said = said.with_context(|| format!("{peer} did not measure"))?;
    let (answers, seen, lag_us) = (stats["count"].as_f64().unwrap_or(0.0), named_times(&stats)?, lag_us(folder.path()));
    Ok(Turn { answers, cpu_s, said, seen, lag_us })
}

/// The best of some rounds, by a figure that should be large.
fn best(host: &Host, peers: &[Peer], load: &Load<'_>, worth: impl Fn(&Turn) -> f64) -> Result<Vec<(Peer, Turn)>> {
    let mut turns: Vec<(Peer, Turn)> = Vec::new();
    for _ in 0..ROUNDS {
        for peer in peers {
            let turn = turn(host, *peer, load, || Ok(()))?;
            match turns.iter_mut().find(|(of, _)| of == peer) {
                None => turns.push((*peer, turn)),
                Some((_, best)) if worth(&turn) > worth(best) => *best = turn,
                Some(_) => {}
            }
        }
    }
    Ok(turns)
}

fn saturated(host: &Host, peers: &[Peer]) -> Result<()> {
    let url = host.url();
    let load = Load { url: &url, path: "/", connections: CONNECTIONS, rate_per_s: None, seconds: SATURATED_S };
    let turns = best(host, peers, &load, |turn| turn.answers)?;
    let of = |peer: Peer| turns.iter().find(|(of, _)| *of == peer).map(|(_, turn)| turn.answers);
    println!(
        "\nHighest rate: {CONNECTIONS} connections, {SATURATED_S} s, best of {ROUNDS}; the server counts, six bytes an answer\n"
    );
    println!("| tool | requests/s | per CPU second | to wrk | to plain goose | to goose, no metrics |");
    println!("|---|---|---|---|---|---|");
    for (peer, turn) in &turns {
        let rate = turn.answers / f64::from(SATURATED_S);
        let to = |other| of(other).map_or("-".to_owned(), |other| format!("{:.2}", turn.answers / other));
        let per_cpu_s = turn.answers / turn.cpu_s.max(0.01);
        let ratios = [Peer::Wrk, Peer::Goose, Peer::BareGoose].map(to).join(" | ");
        println!("| {peer} | {rate:.0} | {per_cpu_s:.0} | {ratios} |");
    }
    Ok(())
}

fn known(host: &Host, peers: &[Peer]) -> Result<()> {
    let url = host.url();
    let law = Law::of_path(PACED_PATH);
    let exact = SHARES.map(|share| law.quantile_s(share));
    let load =
        Load { url: &url, path: PACED_PATH, connections: CONNECTIONS, rate_per_s: Some(PACED_PER_S), seconds: PACED_S };
    // The nearest in its worst percentile up to the 99th, as the server saw it: the quietest round of the machine.
    let worth = |turn: &Turn| -> f64 {
        let errors = turn.said.iter().flat_map(|said| said.iter().zip(&exact).take(4));
        -errors.map(|(said, exact)| (said / exact - 1.0).abs()).fold(0.0, f64::max)
    };
    let turns = best(host, peers, &load, worth)?;
    println!(
        "\nKnown times: {PACED_PER_S} requests/s for {PACED_S} s, exponential with a mean of 5 ms, best of {ROUNDS}; milliseconds \
         and error\n"
    );
    println!("| who says | p50 | p90 | p95 | p99 | p99.9 |\n|---|---|---|---|---|---|");
    row("the law", &exact, None);
    for (peer, turn) in &turns {
        if let Some(said) = &turn.said {
            row(&peer.to_string(), said, Some(&exact));
        }
        row(&format!("… and the server then ({:.0} answers)", turn.answers), &turn.seen, Some(&exact));
    }
    for [p50, p95, p99, most] in turns.iter().filter_map(|(_, turn)| turn.lag_us) {
        println!(
            "\nloadgen sent late in that round by {p50} µs (p50), {p95} µs (p95), {p99} µs (p99), {most} µs at most"
        );
    }
    Ok(())
}

fn row(who: &str, times: &Times, exact: Option<&Times>) {
    let cell = |index: usize| {
        let error = exact.map(|exact| format!(" ({:+.1} %)", 100.0 * (times[index] / exact[index] - 1.0)));
        format!("{:.2}{}", times[index] * 1e3, error.unwrap_or_default())
    };
    println!("| {who} | {} |", (0..SHARES.len() - 1).map(cell).collect::<Vec<_>>().join(" | "));
}

/// Of requests at a constant rate over T seconds, those due in a stall of one second wait for its end: one second down to
/// none, evenly.
fn stalled(host: &Host, peers: &[Peer]) -> Result<()> {
    let url = host.url();
    println!(
        "\nA stall: the server does nothing for {STALL:?}; {STALLED_PER_S} requests/s for {STALLED_S} s where a tool can be told, \
         else as fast as its {CONNECTIONS} connections go; milliseconds\n"
    );
    println!("| who says | p50 | p90 | p95 | p99 | p99.9 | longest |\n|---|---|---|---|---|---|---|");
    let truth = |share: f64| (STALL.as_secs_f64() - (1.0 - share) * f64::from(STALLED_S)).max(0.0);
    print_stall("users, by the clock (at least)", &SHARES.map(truth));
    for peer in peers {
        let load = Load {
            url: &url,
            path: "/constant/1000",
            connections: CONNECTIONS,
            rate_per_s: peer.paces().then_some(STALLED_PER_S),
            seconds: STALLED_S,
        };
        let begun = Instant::now();
        let turn = turn(host, *peer, &load, || {
            thread::sleep(STALL_AFTER.saturating_sub(begun.elapsed()));
            host.stall(STALL)
        })?;
        if let Some(said) = &turn.said {
            print_stall(&peer.to_string(), said);
        }
    }
    Ok(())
}

fn print_stall(who: &str, times: &Times) {
    let cells = times.map(|time| format!("{:.1}", time * 1e3));
    println!("| {who} | {} |", cells.join(" | "));
}
