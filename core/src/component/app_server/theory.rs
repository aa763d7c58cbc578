//! What theory is told of the application server.

use super::Settings;
use crate::component::flow::{Ask, Context, Flow, Held};
use crate::component::sessions::Keeping;
use crate::component::{self, Kind};
use crate::engine::processor::Crosstalk;
use crate::workload::Class;

pub(in crate::component) fn flow(settings: &Settings, class: Class, context: &Context<'_>) -> Flow {
    let mut flow = Flow { door: Some((settings.workers, settings.backlog)), ..Flow::default() };
    flow.asks.push(Ask::Compute { demand: *settings.demand.get(class), count: 1, chance: 1.0 });
    let queries = *settings.queries.get(class);
    let call = |kinds: &'static [Kind], count: u32| {
        (count > 0 && context.calls(kinds, class)).then_some(Ask::Call { kinds, count, chance: 1.0 })
    };
    let each = |kinds: &'static [Kind], count: u32, at_once: bool| {
        (count > 0 && context.calls(kinds, class)).then_some(Ask::Each { kinds, count, chance: 1.0, at_once })
    };
    let keepers = keepers(class, context);
    let (job, write) = (class == Class::Job, class == Class::Write);
    let cached = class == Class::Read && queries > 0 && context.calls(&[Kind::Cache], class);
    let hands_on = job && context.calls(&[Kind::Queue], class) || write && context.calls(&[Kind::Journal], class);
    let told =
        if cached { call(&[Kind::Cache], 1) } else { each(&[Kind::Cache], u32::from(write && queries > 0), false) };
    let rows: Vec<Ask> = call(keepers, if hands_on { 0 } else { queries }).into_iter().chain(told).collect();
    let asks_for_session = class != Class::Static && settings.sessions == Keeping::Shared;
    flow.asks.extend(each(&[Kind::SessionStore], u32::from(asks_for_session), false));
    if cached {
        let hits = cache_hits(context);
        flow.asks.extend(call(&[Kind::Cache], 1));
        flow.asks.push(Ask::OneOf(vec![(hits, Vec::new()), (1.0 - hits, rows)]));
    } else {
        flow.asks.extend(rows);
    }
    flow.asks.extend(each(&[Kind::ObjectStore], u32::from(class == Class::Static), false));
    flow.asks.extend(each(&[Kind::Journal], u32::from(write), false));
    flow.asks.extend(each(&[Kind::Queue], u32::from(job), false));
    let calls = *settings.calls.get(class);
    flow.asks.extend(each(&[Kind::AppServer], calls, settings.parallel));
    flow.asks.extend(each(&[Kind::LoadBalancer], calls, settings.parallel));
    flow.pool = (settings.pool > 0).then_some((settings.pool, keepers));
    flow.crosstalk = Crosstalk { contention: settings.contention, coherency: settings.coherency };
    let held = Held { idle: settings.process_memory, each: settings.memory_per_request, most: settings.workers };
    flow.memory = Some(held);
    if settings.log.0 > 0 {
        flow.behind = component::log_pipeline::record(context);
    }
    let back = if settings.supervised { settings.restart } else { settings.repair };
    let (crash_s, back_s) = (settings.crash_every.as_secs_f64(), back.as_secs_f64());
    if crash_s > 0.0 {
        flow.down = back_s / (crash_s + back_s);
    }
    let notes = [
        (cached, "the cache's hit ratio is Che's approximation"),
        (settings.bulkhead > 0 && calls > 0, "no call finds its bulkhead full"),
        (settings.tries > 1, "no call fails while stations keep up, so that none is made again"),
    ];
    flow.caveats.extend(notes.iter().filter(|(applies, _)| *applies).map(|(_, what)| (*what).to_owned()));
    flow
}

/// Share of the reads that the linked cache answers. All who change items are taken to change them as often, next to
/// the reads, as users do.
fn cache_hits(context: &Context<'_>) -> f64 {
    let stage = context.stage;
    let is_cache = |index: usize| stage.components[index].settings.kind() == Kind::Cache;
    let mut links = stage.links.iter().filter(|link| link.from == context.component && is_cache(link.to));
    let Some(link) = links.next() else { return 0.0 };
    let reads_per_s = context.rate_per_s[Class::Read as usize];
    let mix = stage.workload.mix;
    let writes_per_s = reads_per_s * mix.get(Class::Write) / mix.get(Class::Read).max(1e-9);
    let component::Settings::AppServer(settings) = &stage.components[context.component].settings else { return 0.0 };
    component::cache::hit_ratio(context, link.to, (reads_per_s, writes_per_s), fetch_s(settings, context))
}

/// How long it takes to fetch what a read looks for, in seconds, if nothing is busy.
pub(in crate::component) fn fetch_s(settings: &Settings, context: &Context<'_>) -> f64 {
    let stage = context.stage;
    let kinds = keepers(Class::Read, context);
    let links = stage.links.iter().filter(|link| link.from == context.component && link.carries(Class::Read));
    let one = |link: &crate::stage::Link| {
        let there_and_back_s = 2.0 * stage.latency(link).as_secs_f64();
        let rows_s = |component: usize| match &stage.components[component].settings {
            component::Settings::Database(settings) => settings.demand.get(Class::Read).mean.as_secs_f64(),
            component::Settings::Replica(settings) => settings.demand.get(Class::Read).mean.as_secs_f64(),
            _ => 0.0,
        };
        let behind = stage.links.iter().filter(|further| further.from == link.to);
        let sharded = stage.components[link.to].settings.kind() == Kind::Shards;
        let shard_s = behind.map(|it| 2.0 * stage.latency(it).as_secs_f64() + rows_s(it.to)).fold(0.0, f64::max);
        there_and_back_s + if sharded { shard_s } else { rows_s(link.to) }
    };
    let queried = links.filter(|link| kinds.contains(&stage.components[link.to].settings.kind()));
    f64::from(*settings.queries.get(Class::Read)) * queried.map(one).fold(0.0, f64::max)
}

/// Whom queries go to: reads to replicas where there are any, the rest to the primary.
fn keepers(class: Class, context: &Context<'_>) -> &'static [Kind] {
    match class {
        Class::Read if context.calls(&[Kind::Replica], class) => &[Kind::Replica],
        _ if context.calls(&[Kind::Database, Kind::Shards], class) => &[Kind::Database, Kind::Shards],
        _ => ROWS,
    }
}

/// Kinds that keep the app's rows.
const ROWS: &[Kind] = &[Kind::Database, Kind::Replica, Kind::Shards];
