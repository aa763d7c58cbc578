//! Whom a call may go to.

use super::{Walk, Way};
use crate::component::{Kind, Settings, clients, dns};
use crate::stage::{Link, Stage};
use crate::workload::{Class, PerClass};

impl<'a> Walk<'a> {
    /// What a component calls for a class, of some kinds: each with the link's latency and its share of the calls, which
    /// go to every copy with the same probability. `home` is where the users are whose request it is.
    pub(super) fn called(&self, from: usize, kinds: &[Kind], class: Class, home: Option<usize>) -> Vec<Way> {
        let mut ways: Vec<Way> = self.links(from, kinds, class).collect();
        if let Some(entry) = self.named_entry(from, class)
            && ways.iter().any(|way| way.to == entry)
        {
            ways.retain(|way| way.to == entry);
        }
        // An edge cache without a place of its own stands where its users are, and asks the nearest origin.
        if self.stage.components[from].settings.kind() == Kind::Cdn && self.stage.components[from].region.is_none() {
            let distance = |way: &Way| {
                let to = self.stage.components[way.to].region.unwrap_or(0);
                let home = self.stage.regions.get(home.unwrap_or(0));
                home.and_then(|home| home.latency.get(to)).map_or(0.0, |latency| latency.as_secs_f64())
            };
            let nearest = ways.iter().map(&distance).fold(f64::INFINITY, f64::min);
            let first = ways.iter().find(|way| distance(way) <= nearest).map(|way| way.to);
            ways.retain(|way| Some(way.to) == first);
            ways.iter_mut().for_each(|way| way.latency_s += nearest);
        }
        let all: f64 = ways.iter().map(|way| way.share).sum();
        ways.iter_mut().for_each(|way| way.share /= all);
        ways
    }

    /// The links that a call may take, each with its number of copies.
    pub(super) fn links(&self, from: usize, kinds: &[Kind], class: Class) -> impl Iterator<Item = Way> + use<> {
        let to = |link: &Link| &self.stage.components[link.to];
        let fits =
            move |link: &&Link| link.from == from && link.carries(class) && kinds.contains(&to(link).settings.kind());
        let way = move |link: &Link| Way {
            to: link.to,
            latency_s: self.stage.latency(link).as_secs_f64(),
            share: f64::from(to(link).copies),
        };
        let kept: Vec<Way> = self.stage.links.iter().filter(fits).map(way).collect();
        kept.into_iter()
    }

    /// Where a name leads these users, if it leads them to one place.
    pub(super) fn named_entry(&self, users: usize, class: Class) -> Option<usize> {
        if self.stage.components[users].settings.kind() != Kind::Clients {
            return None;
        }
        let resolver = self.links(users, &[Kind::Dns], Class::Read).next()?.to;
        let Settings::Dns(settings) = &self.stage.components[resolver].settings else { return None };
        let entries: Vec<usize> =
            self.stage.links.iter().filter(|link| link.from == resolver).map(|link| link.to).collect();
        match settings.policy {
            dns::Policy::Static => None,
            dns::Policy::Failover => entries.first().copied(),
            dns::Policy::Nearest => {
                let near: Vec<Way> =
                    self.links(users, Kind::ALL, class).filter(|way| entries.contains(&way.to)).collect();
                let least = near.iter().map(|way| way.latency_s).fold(f64::INFINITY, f64::min);
                near.iter().find(|way| way.latency_s <= least).map(|way| way.to)
            }
        }
    }

    /// Where some users are: all that differ, with their shares.
    pub(super) fn homes(&self) -> Vec<(Option<usize>, PerClass<f64>)> {
        self.clients().into_iter().map(|(index, _, share)| (self.stage.components[index].region, share)).collect()
    }

    /// The users: each with their share of the requests of each class that are sent.
    pub(super) fn clients(&self) -> Vec<(usize, &'a clients::Settings, PerClass<f64>)> {
        let all = clients_of(self.stage);
        let sent = Class::ALL.map(|class| sent(self.stage, class));
        let share = |settings: &clients::Settings, weight: f64| {
            PerClass(
                Class::ALL.map(|class| weight * settings.sent(class) / sent[class as usize].max(f64::MIN_POSITIVE)),
            )
        };
        all.into_iter().map(|(index, settings, weight)| (index, settings, share(settings, weight))).collect()
    }

    /// Components in an order in which every caller comes before whom it calls.
    pub(super) fn callers_first(&self) -> Vec<usize> {
        let components = self.stage.components.len();
        let rows = |index: usize| self.stage.components[index].settings.kind().keeps_rows();
        let leads = |index: usize| self.stage.components[index].settings.kind() == Kind::Shards;
        let calls = |link: &&Link| leads(link.from) || !(rows(link.from) && rows(link.to));
        let mut waiting = vec![0_usize; components];
        self.stage.links.iter().filter(calls).for_each(|link| waiting[link.to] += 1);
        let mut order: Vec<usize> = (0..components).filter(|index| waiting[*index] == 0).collect();
        let mut next = 0;
        while let Some(index) = order.get(next).copied() {
            next += 1;
            for link in self.stage.links.iter().filter(|link| link.from == index).filter(calls) {
                waiting[link.to] -= 1;
                if waiting[link.to] == 0 {
                    order.push(link.to);
                }
            }
        }
        // Shards and what lies behind them call one another's kinds; they come last, in the file's order.
        let rest: Vec<usize> = (0..components).filter(|index| !order.contains(index)).collect();
        order.extend(rest);
        order
    }
}

/// The users of a stage: each with their share of what is asked for.
fn clients_of(stage: &Stage) -> Vec<(usize, &clients::Settings, f64)> {
    let all = stage.components.iter().enumerate().filter_map(|(index, component)| match &component.settings {
        Settings::Clients(settings) => Some((index, settings)),
        _ => None,
    });
    let weight: f64 = all.clone().map(|(_, settings)| settings.share).sum();
    all.map(|(index, settings)| (index, settings, settings.share / weight.max(f64::MIN_POSITIVE))).collect()
}

/// Share of what is asked for of a class that is sent: the rest is in users' browsers.
pub(super) fn sent(stage: &Stage, class: Class) -> f64 {
    clients_of(stage).into_iter().map(|(_, settings, weight)| weight * settings.sent(class)).sum()
}
