//! `rate` or `users`, and `[workload]`: what users ask for.

use hockeystick_core::units::Rate;
use hockeystick_core::workload::{PEAK_PER_DAILY_USER, Workload};

use crate::fields::{Fields, Known, Wrong, names, valid};
use crate::problem::Problems;

/// Fields of `[workload]`.
pub(crate) const FIELDS: [Known; 8] = [
    ("mix", "mix = { static = 0.70, read = 0.24, write = 0.05, job = 0.01 }"),
    ("arrivals", "arrivals = \"poisson\" or \"constant\""),
    ("bursts", "bursts = { factor = 5.0, lasts = \"10 s\", every = \"60 s\" }"),
    ("day", "day = { length = \"24 h\", quiet = 0.2 }"),
    ("closed", "closed = { users = 50, think = \"2 s\" }"),
    ("popularity", "popularity = { zipf = 1.0, items = 1_000_000 }"),
    ("request_size", "request_size = \"700 B\""),
    ("response_size", "response_size = { static = \"35 kB\" }"),
];

/// What would be valid for the rate.
pub(crate) const RATE: &str = "users = 1_000 (a day), or rate = \"9.3/s\"";

pub(crate) fn read(top: &Fields<'_, '_>, problems: &mut Problems) -> Result<Workload, Wrong> {
    let closed = top.get("workload").and_then(|value| value.get_ref().get("closed")).is_some();
    let rate = read_rate(top, closed, problems);
    let default = Workload::default();
    let Some(value) = top.get("workload") else { return Ok(Workload { rate: rate?, ..default }) };
    let table = Fields::of(value, "workload", problems)?;
    table.only(&names(&FIELDS), problems);
    let mix = table.optional("mix", valid(&FIELDS, "mix"), problems);
    let arrivals = table.optional("arrivals", valid(&FIELDS, "arrivals"), problems);
    let bursts = table.optional("bursts", valid(&FIELDS, "bursts"), problems);
    let day = table.optional("day", valid(&FIELDS, "day"), problems);
    let closed = table.optional("closed", valid(&FIELDS, "closed"), problems);
    let popularity = table.optional("popularity", valid(&FIELDS, "popularity"), problems);
    let request_size = table.optional("request_size", valid(&FIELDS, "request_size"), problems);
    let response_size = table.optional("response_size", valid(&FIELDS, "response_size"), problems);
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
    let rate = top.optional::<Rate>("rate", RATE, problems);
    let users = top.optional::<u64>("users", RATE, problems);
    match (rate?, users?) {
        (Some(rate), None) => Ok(rate),
        (None, Some(users)) => Ok(Rate::per_second(users as f64 * PEAK_PER_DAILY_USER)),
        // A closed workload's users make its rate.
        (None, None) if closed => Ok(Rate::default()),
        (None, None) => {
            problems.add(top.span(), "users", "missing field", RATE);
            Err(Wrong)
        }
        (Some(_), Some(_)) => {
            let span = top.get("users").map_or(0..0, toml::Spanned::span);
            problems.add(span, "users", "`users` and `rate` say the same thing twice", "keep one of the two");
            Err(Wrong)
        }
    }
}
