//! What theory is told of the database.

use super::{Family, Settings};
use crate::component;
use crate::component::flow::{Ask, Context, Flow, Follower, Held};
use crate::component::group::Group;
use crate::component::journal;
use crate::component::table::{Factors, Question, Table};
use crate::engine::host::SYSTEM_MEMORY;
use crate::engine::processor::Crosstalk;
use crate::outcome::Estimate;
use crate::stage::Placement;
use crate::statistics::sort;
use crate::units::{Duration, Nanos};
use crate::workload::{Class, Demand};

pub(in crate::component) fn flow(settings: &Settings, class: Class, context: &Context<'_>) -> Flow {
    let table = Table::new(settings.rows, &context.stage.workload.popularity);
    let machine_bytes = context.stage.machine_of(context.component).map_or(0.0, |machine| machine.memory.0 as f64);
    // Connections in use, by Little's law, if no query waits.
    let copies = f64::from(context.stage.components[context.component].copies);
    let in_use = |class: Class| context.rate_per_s[class as usize] * settings.demand.get(class).mean.as_secs_f64();
    let in_use = Class::ALL.into_iter().map(in_use).sum::<f64>() / copies;
    let taken = settings.process_memory.0 as f64
        + in_use * settings.memory_per_connection.0 as f64
        + SYSTEM_MEMORY.0 as f64
        + neighbours_bytes(context);
    let in_memory = table.in_memory(settings, machine_bytes - taken);
    let (writes, changes) = journal::commits(*settings.writes.get(class), class, context);
    let mut asks = Vec::new();
    let mut caveats = Vec::new();
    let ask = |question: Question, chance: f64, asks: &mut Vec<Ask>| {
        let cost = table.cost(settings, question, in_memory);
        let demand = settings.demand.get(class);
        let scaled =
            |factor: f64| Demand { mean: Duration::from_ns((demand.mean.ns() as f64 * factor) as Nanos), ..*demand };
        asks.push(Ask::Compute { demand: scaled(cost.factor), count: 1, chance });
        if cost.more_ns > 0.0 {
            let demand = Demand::constant(Duration::from_ns(cost.more_ns as Nanos));
            asks.push(Ask::Compute { demand, count: 1, chance });
        }
        if cost.scan_ns > 0 {
            asks.push(Ask::Disk { mean_count: chance, each: Some(Duration::from_ns(cost.scan_ns)) });
        }
        if cost.lookups > 0 {
            let time = Duration::from_ns(u64::from(cost.lookups) * round_trip(context).ns());
            asks.push(Ask::Delay { time, chance });
            asks.push(Ask::Compute { demand: scaled(Factors::of(settings.family).read), count: cost.lookups, chance });
        }
    };
    // A query changes, joins and examines independently of one another, each with its probability.
    let (joins, scans) = (*settings.joins.get(class), *settings.scans.get(class));
    let searches = if settings.index { 0.0 } else { *settings.searches.get(class) };
    let examines = 1.0 - (1.0 - scans) * (1.0 - searches);
    let plain = settings.family == Family::Relational && examines == 0.0 && settings.more_indexes == 0;
    if plain {
        ask(Question { item: 1, ..Question::default() }, 1.0, &mut asks);
    } else {
        let of = |is: bool, chance: f64| if is { chance } else { 1.0 - chance };
        for kind in 0..8 {
            let [change, joining, scanning] = [1, 2, 4].map(|bit| kind & bit != 0);
            let question = Question { change, joins: joining, scans: scanning, item: 1, ..Question::default() };
            let chance = of(change, changes) * of(joining, joins) * of(scanning, examines);
            if chance > 0.0 {
                ask(question, chance, &mut asks);
            }
        }
    }
    if in_memory < 1.0 {
        let mean_count = (1.0 - table.hit_ratio(in_memory)) * (1.0 - examines) * f64::from(settings.pages);
        asks.push(Ask::Disk { mean_count, each: None });
        caveats.push("the table as it is at first".to_owned());
    }
    let mut own = Vec::new();
    if settings.group_commit {
        // A call's writes are one, and it waits for it with others.
        let changes_of = |class: Class| journal::commits(*settings.writes.get(class), class, context).1;
        let per_s = |class: Class| context.rate_per_s[class as usize] * changes_of(class);
        let group = Group::of(Class::ALL.into_iter().map(per_s).sum::<f64>(), context);
        asks.push(group.waits(changes));
        own.extend((class == Class::Write).then(|| group.own(context)));
    } else {
        asks.push(Ask::Disk { mean_count: writes, each: None });
    }
    if settings.family == Family::NewSql {
        asks.push(Ask::Delay { time: settings.consensus, chance: changes });
    }
    let (replicas, mut followers) = (applied(changes, context), followers(changes, context));
    if settings.synchronous > 0
        && let Some(time) = acknowledged(settings.synchronous, &followers, context)
    {
        asks.push(Ask::Delay { time, chance: changes });
        caveats.push("replicas that a commit waits for as idle".to_owned());
        // A replica whose word a commit waits for writes the change down first.
        followers.iter_mut().for_each(|it| it.latency = Duration::from_ns(it.latency.ns() + written(it, context).ns()));
    }
    let taken = in_use + 4.0 * libm::sqrt(in_use);
    if taken > f64::from(settings.connections) {
        caveats.push("no query is turned away for want of a connection".to_owned());
    }
    if settings.archive_every.ns() > 0 && settings.archive_keeps > 0 {
        caveats.push("the work of archiving left out".to_owned());
    }
    let Settings { process_memory, memory_per_connection, connections, .. } = *settings;
    let held = Held { idle: process_memory, each: memory_per_connection, most: connections };
    let crosstalk = Crosstalk { contention: settings.contention, coherency: settings.coherency };
    let found = if plain { table.hit_ratio(in_memory) } else { 1.0 };
    let basis = if in_memory < 1.0 { TOP_C } else { "exact: memory holds every row" };
    let metrics = if plain { vec![("memory_hit_ratio", Estimate::by(found, basis))] } else { Vec::new() };
    Flow { asks, behind: replicas, followers, own, crosstalk, caveats, metrics, memory: Some(held), ..Flow::default() }
}

/// What the processes beside it on its machine hold when they are idle.
fn neighbours_bytes(context: &Context<'_>) -> f64 {
    let components = &context.stage.components;
    let Some(Placement::Shared(machine)) = components[context.component].machine else { return 0.0 };
    let beside = components.iter().enumerate().filter(|(index, component)| {
        *index != context.component && matches!(component.machine, Some(Placement::Shared(other)) if other == machine)
    });
    let idle = beside.filter_map(|(_, component)| {
        let mut settings = component.settings;
        settings.knob("process_memory")?.read(None)
    });
    idle.sum()
}

const TOP_C: &str = "approximation: memory holds the most popular rows (top-C), as the simulation takes it as well";

/// What a change asks of those who keep a copy of the rows: each applies it.
fn applied(changes: f64, context: &Context<'_>) -> Vec<Ask> {
    let links = context.stage.links.iter().filter(|link| link.from == context.component);
    let apply = |link: &crate::stage::Link| {
        let replica = &context.stage.components[link.to];
        let component::Settings::Replica(settings) = &replica.settings else { return None };
        let chance = changes * settings.keeps;
        let ask = Box::new(Ask::Compute { demand: settings.apply, count: replica.copies, chance });
        Some(Ask::At { component: link.to, ask })
    };
    links.filter_map(apply).collect()
}

/// Who applies them, one after another.
fn followers(changes: f64, context: &Context<'_>) -> Vec<Follower> {
    let links = context.stage.links.iter().filter(|link| link.from == context.component);
    let follower = |link: &crate::stage::Link| match &context.stage.components[link.to].settings {
        component::Settings::Replica(settings) => Some(Follower {
            component: link.to,
            changes: changes * settings.keeps,
            apply: settings.apply,
            latency: context.stage.latency(link),
        }),
        _ => None,
    };
    links.filter_map(follower).collect()
}

/// How long a replica takes to write a change down.
fn written(follower: &Follower, context: &Context<'_>) -> Duration {
    context.stage.machine_of(follower.component).map_or(Duration::ZERO, |machine| machine.disk_latency)
}

/// The way to whoever asks and back, for what a query looks up again: the mean of those who do.
fn round_trip(context: &Context<'_>) -> Duration {
    let callers = || context.stage.links.iter().filter(|link| link.to == context.component);
    let all_ns: Nanos = callers().map(|link| 2 * context.stage.latency(link).ns()).sum();
    Duration::from_ns(all_ns / (callers().count() as u64).max(1))
}

/// How long a commit waits until so many replicas, the nearest of them, have written it and said so.
fn acknowledged(synchronous: u32, followers: &[Follower], context: &Context<'_>) -> Option<Duration> {
    let stage = context.stage;
    let mut waits: Vec<Nanos> = Vec::new();
    for follower in followers {
        let wait_ns = 2 * follower.latency.ns() + written(follower, context).ns();
        waits.extend((0..stage.components[follower.component].copies).map(|_| wait_ns));
    }
    sort(&mut waits, |one, other| one < other);
    waits.get((synchronous as usize).checked_sub(1)?).copied().map(Duration::from_ns)
}
