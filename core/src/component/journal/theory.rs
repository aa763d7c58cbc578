//! What theory is told of the journal, and of the stores that its changes go to.

use super::{ABOUT, Settings};
use crate::component;
use crate::component::flow::{Ask, Context, Flow, FollowUp};
use crate::component::group::Group;
use crate::stage::Link;
use crate::workload::Class;

/// What theory is told of the journal: what the caller waits for, and its disk.
pub(in crate::component) fn flow(settings: &Settings, class: Class, context: &Context<'_>) -> Flow {
    let group = Group::of(context.total_per_s() * (1.0 - settings.invalid), context);
    let mut flow = Flow {
        asks: vec![
            Ask::Compute { demand: settings.demand, count: 1, chance: 1.0 },
            group.waits(1.0 - settings.invalid),
        ],
        behind: vec![Ask::Call { kinds: ABOUT.calls, count: settings.queries, chance: 1.0 }],
        follow_up: Some(FollowUp {
            metric: "delay",
            slots: settings.lanes,
            by: &[],
            begin_per_s: settings.drain_rate.per_s(),
            ahead: group.ahead(),
        }),
        ..Flow::default()
    };
    if settings.rejected > 0.0 {
        // Their inverse.
        flow.behind.push(Ask::Call { kinds: ABOUT.calls, count: settings.queries, chance: settings.rejected });
    }
    if class == Class::Write {
        flow.own.push(group.own(context));
        if settings.invalid > 0.0 {
            flow.caveats.push("changes that are turned away as if they were applied".to_owned());
        }
    }
    flow
}

/// Disk writes of one query of a change at a store of rows, and the chance that there are any, where one query has `writes`
/// of them: the same, but for the last query of a change of a journal's, which commits for certain. That is known where
/// nobody else changes the rows.
pub(in crate::component) fn commits(writes: f64, class: Class, context: &Context<'_>) -> (f64, f64) {
    let (each, any) = (writes, writes.min(1.0));
    match queries_of_a_change(context, context.component).filter(|_| class == Class::Write) {
        None => (each, any),
        Some(queries) => {
            let before = f64::from(queries.max(1)) - 1.0;
            ((before * each + each.max(1.0)) / (before + 1.0), (before * any + 1.0) / (before + 1.0))
        }
    }
}

/// How many queries a change takes at a store whose changes all come from journals, directly or through shards.
fn queries_of_a_change(context: &Context<'_>, store: usize) -> Option<u32> {
    let stage = context.stage;
    let gets_none = |app: usize| context.rates.get(app).is_some_and(|per_s| per_s[Class::Write as usize] == 0.0);
    let callers = stage.links.iter().filter(|link| link.to == store && link.carries(Class::Write));
    let hands_on = |app: usize| {
        let journal = |link: &&Link| matches!(stage.components[link.to].settings, component::Settings::Journal(_));
        stage.links.iter().filter(journal).any(|link| link.from == app && link.carries(Class::Write))
    };
    let mut queries = None;
    for caller in callers {
        let of_caller = match &stage.components[caller.from].settings {
            component::Settings::Journal(journal) => Some(journal.queries),
            component::Settings::Shards(_) => queries_of_a_change(context, caller.from),
            component::Settings::AppServer(_) if !hands_on(caller.from) && !gets_none(caller.from) => None,
            // Whoever is linked for other reasons changes nothing.
            _ => continue,
        };
        if of_caller.is_none() || queries.is_some_and(|others| Some(others) != of_caller) {
            return None;
        }
        queries = of_caller;
    }
    queries
}
