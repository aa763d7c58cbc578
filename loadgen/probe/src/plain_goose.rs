//! `plain-goose HOST PATH USERS SECONDS`: goose as it comes. Prints what it measured as JSON, in seconds; where a fifth
//! argument says `bare`, goose keeps no metrics, which makes it faster, and prints nothing.

use std::collections::BTreeMap;

use anyhow::Context;
use goose::config::GooseConfiguration;
use goose::prelude::*;

/// Reads the answer as the others do; goose's own time ends at its first byte.
async fn get(user: &mut GooseUser) -> TransactionResult {
    let path = PATH.get().map_or("/", String::as_str);
    let mut goose = user.get(path).await?;
    if let Ok(response) = &mut goose.response {
        while let Ok(Some(_)) = response.chunk().await {}
    }
    Ok(())
}

static PATH: std::sync::OnceLock<String> = std::sync::OnceLock::new();

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, path, users, seconds, rest @ ..] = arguments.as_slice() else {
        anyhow::bail!("expected HOST PATH USERS SECONDS, and perhaps bare");
    };
    let bare = rest.first().is_some_and(|word| word == "bare");
    PATH.get_or_init(|| path.clone());
    let mut flags = vec![
        "--host",
        host,
        "--users",
        users,
        "--run-time",
        seconds,
        "--increase-rate",
        "10000",
        "--no-telnet",
        "--quiet",
        "--no-print-metrics",
    ];
    flags.extend(bare.then_some("--no-metrics"));
    let configuration = GooseConfiguration::parse_args_default(&flags)?;
    let scenario = scenario!("plain").register_transaction(transaction!(get));
    let metrics = GooseAttack::initialize_with_config(configuration)?.register_scenario(scenario).execute().await?;
    if bare {
        return Ok(());
    }
    let (_, request) = metrics.requests.iter().next().context("goose sent nothing")?;
    let times: BTreeMap<u64, usize> = request.raw_data.times_us.iter().map(|(us, count)| (*us, *count)).collect();
    let count: usize = times.values().sum();
    let quantile = |share: f64| {
        let mut left = (share * count as f64).ceil() as usize;
        times.iter().find(|(_, count)| {
            left = left.saturating_sub(**count);
            left == 0
        })
    };
    let seconds = |share| quantile(share).map_or(0.0, |(us, _)| *us as f64 / 1e6);
    let json = serde_json::json!({
        "p50": seconds(0.5), "p90": seconds(0.9), "p95": seconds(0.95), "p99": seconds(0.99), "p99.9": seconds(0.999),
        "max": seconds(1.0),
    });
    println!("{json}");
    Ok(())
}
