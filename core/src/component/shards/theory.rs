//! What theory is told of shards: how evenly the key spreads their load.

use super::{DAYS, Key, Settings, category, spread};
use crate::component::Kind;
use crate::component::flow::{Ask, Context, Flow};
use crate::engine::zipf::Zipf;
use crate::outcome::Estimate;
use crate::popularity::placement;
use crate::popularity::zipf::Zipf as Law;
use crate::workload::{Class, Popularity};

pub(in crate::component) fn flow(settings: &Settings, class: Class, context: &Context<'_>) -> Flow {
    const SHARDS: &[Kind] = &[Kind::Database];
    let everywhere = settings.key == Key::Hash && class == Class::Read;
    let scatter = if everywhere { 1.0 } else { *settings.scatter.get(class) };
    let join = *settings.cross_joins.get(class);
    let one = |chance| Ask::Call { kinds: SHARDS, count: 1, chance };
    // Every shard in use, which are the copies of one component or several components.
    let (active, components) = (active(settings, context.copies(SHARDS, class)), context.targets(SHARDS, class).max(1));
    let count = active.div_ceil(components);
    let chance = f64::from(active) / f64::from(count * components);
    let ways = vec![
        (1.0 - scatter, vec![one(1.0), one(join)]),
        (scatter, vec![Ask::Each { kinds: SHARDS, count, chance, at_once: true }]),
    ];
    let mut flow = Flow { asks: vec![Ask::Delay { time: settings.overhead, chance: 1.0 }], ..Flow::default() };
    flow.asks.push(Ask::OneOf(ways));
    // They are of all classes together: it is enough to say them once.
    let first = Class::ALL.into_iter().find(|class| context.rate_per_s[*class as usize] > 0.0);
    if first == Some(class) {
        flow.shares = Some((SHARDS, shares(settings, context)));
    }
    flow.caveats.push(match settings.key {
        Key::Account | Key::Category => format!("the {HEAD} most popular keys where they are, the others evenly"),
        _ => "keys evenly within their part".to_owned(),
    });
    flow.caveats.push("percentiles as if shards were equally busy".to_owned());
    flow.metrics.push(("scattered", Estimate::by(scattered(settings, context), "exact: by the mix of queries")));
    flow
}

/// Keys whose place is looked up one by one. Of what is beyond them a shard has a random part: with Zipf's law over a
/// million items its deviation is below 1 % of a shard's load for up to eight shards.
const HEAD: u64 = 4_096;

/// How many of all databases hold rows.
fn active(settings: &Settings, all: u32) -> u32 {
    if settings.shards == 0 { all } else { settings.shards.min(all) }.max(1)
}

/// Share of the queries that come to each database.
fn shares(settings: &Settings, context: &Context<'_>) -> Vec<f64> {
    let all = context.copies(&[Kind::Database], Class::Write).max(context.copies(&[Kind::Database], Class::Read));
    let active = active(settings, all);
    let mut load = vec![0.0; all.max(1) as usize];
    let mut add = |share: f64, of: &[f64]| load.iter_mut().zip(of).for_each(|(load, part)| *load += share * part);
    let even = vec![1.0 / f64::from(active); active as usize];
    let place = |class: Class| placed(settings, context.stage.workload.popularity, class, active);
    // Only where it is about what is new does the class matter.
    let write = place(Class::Write);
    let by_time = matches!(settings.key, Key::Time | Key::DayOfWeek);
    let read = if by_time { place(Class::Read) } else { write.clone() };
    for class in Class::ALL.into_iter().filter(|class| context.rate_per_s[*class as usize] > 0.0) {
        let rate = context.rate_per_s[class as usize];
        let everywhere = settings.key == Key::Hash && class == Class::Read;
        let scatter = if everywhere { 1.0 } else { *settings.scatter.get(class) };
        add(rate * scatter * f64::from(active), &even);
        let one = rate * (1.0 - scatter) * (1.0 + settings.cross_joins.get(class));
        add(one, if class == Class::Write { &write } else { &read }.as_ref().unwrap_or(&even));
    }
    let sum: f64 = load.iter().sum();
    load.iter().map(|load| load / sum.max(f64::MIN_POSITIVE)).collect()
}

/// Share of the queries of a class, of those that ask one database, that each gets; none where that is even.
fn placed(settings: &Settings, popularity: Popularity, class: Class, active: u32) -> Option<Vec<f64>> {
    let keys = Law::new(popularity.zipf, popularity.items.max(1))?;
    let slots = u64::from(settings.slots.max(1));
    let by_rank = |part: f64, load: &mut Vec<f64>| {
        let upto = |slot: u64| (u128::from(slot) * u128::from(keys.items())).div_ceil(u128::from(slots)) as u64;
        for slot in 0..slots {
            let share = keys.share_of_top(upto(slot + 1)) - keys.share_of_top(upto(slot));
            load[(slot % u64::from(active)) as usize] += part * share;
        }
    };
    let now = if class == Class::Write { 1.0 } else { settings.recent };
    let mut load = vec![0.0; active as usize];
    match settings.key {
        Key::Hash => return None,
        Key::Account => return placement::shares(&keys, active, HEAD, |item| spread(item) % slots),
        Key::Category => {
            // The others' categories are as popular as all are.
            let categories = Zipf::new(u64::from(settings.categories), 1.0);
            load = placement::shares(&keys, active, HEAD, |item| category(&categories, item) % slots)?;
            let others = 1.0 - keys.share_of_top(HEAD);
            load.iter_mut().for_each(|load| *load -= others / f64::from(active));
            let law = Law::new(1.0, u64::from(settings.categories.max(1)))?;
            for rank in 1..=law.items() {
                load[(rank % slots % u64::from(active)) as usize] += others * law.share(rank);
            }
        }
        Key::Range => by_rank(1.0, &mut load),
        Key::Time => {
            load[((slots - 1) % u64::from(active)) as usize] += now;
            by_rank(1.0 - now, &mut load);
        }
        Key::DayOfWeek => {
            load[0] += now;
            for day in 0..DAYS {
                load[(day % slots % u64::from(active)) as usize] += (1.0 - now) / DAYS as f64;
            }
        }
    }
    Some(load)
}

/// Share of the queries that ask every shard.
fn scattered(settings: &Settings, context: &Context<'_>) -> f64 {
    let of = |class: Class| match class {
        Class::Read if settings.key == Key::Hash => 1.0,
        _ => *settings.scatter.get(class),
    };
    let asked = |class: Class| context.rate_per_s[class as usize];
    Class::ALL.into_iter().map(|class| asked(class) * of(class)).sum::<f64>() / context.total_per_s().max(1e-12)
}
