//! One request: where its time went.

use hockeystick_core::component::Kind;
use hockeystick_core::simulate::trace::{Leg, LegKind, Station, Trace, Which, trace};
use hockeystick_core::stage::Stage;
use hockeystick_core::units::{Duration, Nanos};
use miette::{IntoDiagnostic, Report, miette};
use serde::Serialize;

use super::Options;
use crate::model;
use crate::table::Table;

/// The furthest request that is followed without asking: all before it are simulated.
const FURTHEST: u64 = 5_000_000;

/// What `--json` prints. Times are milliseconds after the click.
#[derive(Serialize)]
struct Path<'t> {
    stage: &'t str,
    seed: u64,
    users: &'t str,
    number: u64,
    class: &'t str,
    begun_s: f64,
    response_ms: Option<f64>,
    failed: Option<&'t str>,
    legs: Vec<Part<'t>>,
}

#[derive(Serialize)]
struct Part<'t> {
    kind: LegKind,
    from: &'t str,
    to: &'t str,
    depth: u16,
    begins_ms: f64,
    ends_ms: f64,
    station: Option<Station>,
    cause: Option<&'t str>,
    awaited: bool,
}

fn ms(ns: Nanos) -> f64 {
    ns as f64 / 1e6
}

pub(super) fn follow(stage: &Stage, which: &str, options: &Options) -> Result<(), Report> {
    let which = read(stage, which)?;
    if which.nth > FURTHEST && options.seconds.is_none() {
        let help = format!("follow one of the first {FURTHEST}, or say with --seconds how long it may take to come");
        return Err(miette!(help = help, "request {} is too far away: all before it would be simulated", which.nth));
    }
    // Time enough for it to come, and to be given up.
    let rate_per_s = stage.workload.rate.per_s().max(1.0);
    let seconds = options.seconds.unwrap_or(600.0_f64.max(2.0 * which.nth as f64 / rate_per_s + 60.0));
    let found = trace(stage, options.seed, which, Duration::from_secs_f64(seconds));
    let found = found.map_err(model::broken)?.ok_or_else(|| {
        let help = "try the next one: a browser does not ask for files that it has kept; or give more --seconds";
        miette!(help = help, "request {} was not sent within {seconds:.0} s", which.nth)
    })?;
    let users = stage.components[which.users].id.as_str();
    if options.json {
        let path = path(&found, users, options);
        say!("{}", serde_json::to_string_pretty(&path).into_diagnostic()?);
    } else {
        print(&found, users);
    }
    Ok(())
}

/// `12` or `europeans:12`.
fn read(stage: &Stage, text: &str) -> Result<Which, Report> {
    let users = || stage.components.iter().enumerate().filter(|(_, it)| it.settings.kind() == Kind::Clients);
    let names: Vec<&str> = users().map(|(_, component)| component.id.as_str()).collect();
    let names = names.join(", ");
    let (name, nth) = text.rsplit_once(':').map_or((None, text), |(name, nth)| (Some(name), nth));
    let nth = nth.trim().parse::<u64>().ok().filter(|nth| *nth >= 1);
    let nth = nth.ok_or_else(|| miette!("--trace {text}: expected the number of a request, the first is 1"))?;
    let found = users().find(|(_, component)| name.is_none_or(|name| component.id == name));
    let (users, _) = found.ok_or_else(|| {
        miette!(help = format!("the stage's users are: {names}"), "--trace {text}: there are no such users")
    })?;
    Ok(Which { users, nth })
}

fn path<'t>(found: &'t Trace, users: &'t str, options: &'t Options) -> Path<'t> {
    let part = |leg: &'t Leg| Part {
        kind: leg.kind,
        from: &leg.from,
        to: &leg.to,
        depth: leg.depth,
        begins_ms: ms(leg.begins - found.begun),
        ends_ms: ms(leg.ends - found.begun),
        station: leg.station,
        cause: leg.cause.map(|cause| cause.name()),
        awaited: leg.awaited,
    };
    Path {
        stage: &options.stage,
        seed: options.seed,
        users,
        number: found.which.nth,
        class: found.class.name(),
        begun_s: found.begun as f64 / 1e9,
        response_ms: found.response_ns().map(ms),
        failed: found.failed.map(|cause| cause.name()),
        legs: found.legs.iter().map(part).collect(),
    }
}

fn print(found: &Trace, users: &str) {
    let end = match (found.response_ns(), found.failed) {
        (Some(ns), None) => format!("answered after {:.3} ms", ms(ns)),
        (Some(ns), Some(cause)) => format!("failed after {:.3} ms: {}", ms(ns), cause.name()),
        (None, _) => "still under way".to_owned(),
    };
    let begun_s = found.begun as f64 / 1e9;
    say!("request {} of `{users}`, {}, sent at {begun_s:.3} s, {end}\n", found.which.nth, found.class.name());
    let mut table = Table::new(&["", "from ms", "ms", ""]);
    for leg in &found.legs {
        let what = format!("{}{}", "  ".repeat(usize::from(leg.depth)), what(leg));
        let times = [ms(leg.begins - found.begun), ms(leg.ns())].map(|ms| format!("{ms:.3}"));
        let [from, lasts] = times;
        table.row([what, from, lasts, remark(leg)]);
    }
    say!("{}\n\n{}", table.to_string().trim_end(), sums(found));
}

fn what(leg: &Leg) -> String {
    match (leg.kind, leg.station) {
        (LegKind::Travel, _) => format!("{} → {}", leg.from, leg.to),
        (LegKind::Wait, _) => format!("{} waits", leg.to),
        (LegKind::Serve, Some(Station::Processor)) => format!("{} computes", leg.to),
        (LegKind::Serve, Some(Station::Disk)) => format!("{} is at the disk", leg.to),
        (LegKind::Serve, None) => format!("{} works", leg.to),
    }
}

fn remark(leg: &Leg) -> String {
    let cause = leg.cause.map(|cause| cause.name());
    let nobody = (!leg.awaited).then_some("nobody waits for it");
    cause.into_iter().chain(nobody).collect::<Vec<_>>().join(", ")
}

/// What the awaited parts come to.
fn sums(found: &Trace) -> String {
    let sum = |is: &dyn Fn(&Leg) -> bool| {
        let legs = found.legs.iter().filter(|leg| leg.awaited && is(leg));
        ms(legs.map(Leg::ns).sum::<Nanos>())
    };
    let at = |station| sum(&|leg| leg.station == station && leg.kind == LegKind::Serve);
    let all = sum(&|_| true);
    let text = format!(
        "on the way {:.3} ms, waiting {:.3} ms, processors {:.3} ms, disks {:.3} ms, other work {:.3} ms",
        sum(&|leg| leg.kind == LegKind::Travel),
        sum(&|leg| leg.kind == LegKind::Wait),
        at(Some(Station::Processor)),
        at(Some(Station::Disk)),
        at(None),
    );
    match found.response_ns().map(ms) {
        Some(response_ms) if all > response_ms + 1e-6 => {
            format!("{text}; {:.3} ms of them at the same time as others", all - response_ms)
        }
        _ => format!("{text}: {all:.3} ms"),
    }
}
