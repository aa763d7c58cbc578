//! Copies that an autoscaler switches on and off by the messages that wait in a queue.
//!
//! Such a rule keeps no number of copies between the fewest and the most: while copies keep up nothing waits, and they
//! are sent away; while they do not the backlog grows, and more are switched on. So there is a steady state where the
//! fewest copies keep up and leave no more waiting than the rule allows them. Else their number goes up and down for
//! ever: the work that is done is known, and how busy each copy is is not.

use super::follow_up;
use super::network::Network;
use super::solve::steady;
use crate::component::{Kind, Settings, autoscaler};
use crate::outcome::{Estimate, Outcome};
use crate::stage::Stage;

/// An autoscaler, the component whose copies it switches, and the queue that it looks at.
pub(super) struct Scaled<'a> {
    settings: &'a autoscaler::Settings,
    target: usize,
    queue: usize,
}

/// The stage's autoscaler that goes by a backlog, if it has one.
pub(super) fn scaled(stage: &Stage) -> Option<Scaled<'_>> {
    stage.components.iter().enumerate().find_map(|(index, component)| match &component.settings {
        Settings::Autoscaler(settings) if settings.signal == autoscaler::Signal::Backlog => {
            let linked = |kind: Kind| {
                let links = stage.links.iter().filter(move |link| link.from == index);
                links.map(|link| link.to).find(|to| stage.components[*to].settings.kind() == kind)
            };
            Some(Scaled { settings, target: linked(Kind::AppServer)?, queue: linked(Kind::Queue)? })
        }
        _ => None,
    })
}

/// Solves such a stage at one rate.
pub(super) fn solve(stage: &Stage, scaled: &Scaled<'_>) -> Outcome {
    let all = stage.components[scaled.target].copies;
    let fewest = scaled.settings.min.clamp(1, scaled.settings.max.min(all).max(1));
    let mut small = stage.clone();
    small.components[scaled.target].copies = fewest;
    let network = Network::of(&small);
    let queue = &stage.components[scaled.queue].id;
    let work = network.follow_ups.iter().find(|it| it.component == *queue).map(|it| follow_up::of(&network, it));
    let settles = work.is_none_or(|work| work.waiting <= f64::from(fewest) * scaled.settings.backlog);
    let named = |copy: u32| stage.copy_name(scaled.target, copy);
    if settles {
        let mut outcome = steady(network);
        for copy in fewest..all {
            for what in ["cpu", "disk"] {
                let name = format!("{} {what}", named(copy));
                outcome
                    .utilisation
                    .insert(name, Estimate::by(0.0, "exact: it is switched off while the others keep up"));
            }
        }
        return outcome;
    }
    let mut network = Network::of(stage);
    let first = named(0);
    for station in &mut network.stations {
        station.comes_and_goes |= station.names.first().is_some_and(|name| name.strip_suffix(" cpu") == Some(&first));
    }
    steady(network)
}
