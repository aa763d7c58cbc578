//! What theory is told of a backup job.

use super::{PIECE, PIECES, Settings};
use crate::component::flow::{Context, Flow, Round};
use crate::component::table::Table;
use crate::component::{self, Kind};
use crate::units::Bytes;
use crate::workload::Class;

/// What theory is told of it: what a round of it works on the machine that it copies.
pub(in crate::component) fn flow(settings: &Settings, _: Class, context: &Context<'_>) -> Flow {
    let linked = |kind: Kind| {
        let links = context.stage.links.iter().filter(|link| link.from == context.component);
        links.map(|link| link.to).find(|to| context.stage.components[*to].settings.kind() == kind)
    };
    let interval_s = settings.interval.as_secs_f64();
    let Some(source) = linked(Kind::Replica).or_else(|| linked(Kind::Database)).filter(|_| interval_s > 0.0) else {
        return Flow::default();
    };
    let of = &context.stage.components[source];
    let components = &context.stage.components;
    let followed = || {
        let to_it = context.stage.links.iter().filter(|link| link.to == source);
        to_it.map(|link| &components[link.from].settings).find(|from| from.kind() == Kind::Database)
    };
    let (rows, keeps) = match &of.settings {
        component::Settings::Replica(replica) => (followed(), replica.keeps),
        database => (Some(database), 1.0),
    };
    let Some(component::Settings::Database(rows)) = rows else { return Flow::default() };
    let full = Table::bytes(rows, f64::from(rows.rows)) * keeps;
    let mut total = full;
    if settings.incremental {
        let rates = context.rates.get(source).copied().unwrap_or_default();
        let changes = |class: Class| rates[class as usize] * rows.writes.get(class).min(1.0);
        let changed = interval_s * Class::ALL.into_iter().map(changes).sum::<f64>() / f64::from(rows.rows.max(1));
        let every = f64::from(settings.full_every.max(1));
        total = full * (1.0 + (every - 1.0) * changed.min(1.0)) / every;
    }
    let seconds = |bytes: f64, rate: Bytes| bytes / rate.0.max(1) as f64;
    let kept_here = if linked(Kind::ObjectStore).is_none() { settings.ratio } else { 0.0 };
    let disk_s = seconds(total * (1.0 + kept_here), settings.disk_rate);
    let work_s = total / 1e6 * settings.compression.as_secs_f64();
    let piece = (total / PIECES).max(PIECE).min(total);
    let elsewhere_s = if kept_here > 0.0 { 0.0 } else { seconds(total * settings.ratio, settings.bandwidth) };
    Flow {
        round: Some(Round {
            component: source,
            interval_s,
            disk_s,
            cpu_s: work_s,
            elsewhere_s,
            piece: piece / total.max(1.0),
        }),
        caveats: vec!["a backup as a job that shares the processors while it is made (quasi-stationary)".to_owned()],
        ..Flow::default()
    }
}
