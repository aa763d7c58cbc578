//! `rate` or `users`, and `[workload]`: what users ask for.

use hockeystick_core::units::Rate;
use hockeystick_core::workload::{PEAK_PER_DAILY_USER, Workload};

use crate::fields::{Fields, Wrong};
use crate::problem::Problems;

const FIELDS: [&str; 8] = ["mix", "arrivals", "bursts", "day", "closed", "popularity", "request_size", "response_size"];

pub(crate) fn read(top: &Fields<'_, '_>, problems: &mut Problems) -> Result<Workload, Wrong> {
    let closed = top.get("workload").and_then(|value| value.get_ref().get("closed")).is_some();
    let rate = read_rate(top, closed, problems);
    let default = Workload::default();
    let Some(value) = top.get("workload") else { return Ok(Workload { rate: rate?, ..default }) };
    let table = Fields::of(value, "workload", problems)?;
    table.only(&FIELDS, problems);
    let mix = table.optional("mix", "mix = { static = 0.70, read = 0.24, write = 0.05, job = 0.01 }", problems);
    let arrivals = table.optional("arrivals", "arrivals = \"poisson\" or \"constant\"", problems);
    let bursts = table.optional("bursts", "bursts = { factor = 5.0, lasts = \"10 s\", every = \"60 s\" }", problems);
    let day = table.optional("day", "day = { length = \"24 h\", quiet = 0.2 }", problems);
    let closed = table.optional("closed", "closed = { users = 50, think = \"2 s\" }", problems);
    let popularity = table.optional("popularity", "popularity = { zipf = 1.0, items = 1_000_000 }", problems);
    let request_size = table.optional("request_size", "request_size = \"700 B\"", problems);
    let response_size = table.optional("response_size", "response_size = { static = \"35 kB\" }", problems);
    Ok(Workload {
        rate: rate?,
        arrivals: arrivals?.unwrap_or(default.arrivals),
        bursts: bursts?,
        day: day?,
        closed: closed?,
        mix: mix?.unwrap_or(default.mix),
        popularity: popularity?.unwrap_or(default.popularity),
        request_size: request_size?.unwrap_or(default.request_size),
        response_size: response_size?.unwrap_or(default.response_size),
        schedule: None,
    })
}

fn read_rate(top: &Fields<'_, '_>, closed: bool, problems: &mut Problems) -> Result<Rate, Wrong> {
    const VALID: &str = "users = 1_000 (a day), or rate = \"9.3/s\"";
    let rate = top.optional::<Rate>("rate", VALID, problems);
    let users = top.optional::<u64>("users", VALID, problems);
    match (rate?, users?) {
        (Some(rate), None) => Ok(rate),
        (None, Some(users)) => Ok(Rate::per_second(users as f64 * PEAK_PER_DAILY_USER)),
        // A closed workload's users make its rate.
        (None, None) if closed => Ok(Rate::default()),
        (None, None) => {
            problems.add(top.span(), "users", "missing field", VALID);
            Err(Wrong)
        }
        (Some(_), Some(_)) => {
            let span = top.get("users").map_or(0..0, toml::Spanned::span);
            problems.add(span, "users", "`users` and `rate` say the same thing twice", "keep one of the two");
            Err(Wrong)
        }
    }
}
