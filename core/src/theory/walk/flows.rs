//! How often each component is asked.

use super::Walk;
use crate::component::Kind;
use crate::component::flow::{self, Ask, Context, Flow};
use crate::engine::processor::Crosstalk;
use crate::stage::Link;
use crate::theory::network;
use crate::workload::{Class, PerClass};

impl<'a> Walk<'a> {
    /// Asks every component for its flow, callers before those whom they call: a cache must know how often it is asked.
    pub(super) fn flows(&mut self) {
        for (index, _, share) in self.clients() {
            self.rates[index] =
                Class::ALL.map(|class| self.network.rate_per_s * share.get(class) * self.network.mix.get(class));
        }
        let homes = self.homes();
        for index in self.callers_first() {
            let component = &self.stage.components[index];
            let rate_per_s = self.rates[index];
            let idle = rate_per_s.iter().all(|rate| *rate <= 0.0);
            let context =
                Context { stage: self.stage, component: index, rate_per_s, rates: &self.rates, figures: self.figures };
            if idle && component.settings.kind() != Kind::Clients {
                continue;
            }
            let flows = Class::ALL.map(|class| component.settings.flow(class, &context));
            for (class, flow) in Class::ALL.into_iter().zip(&flows) {
                let mut made = Vec::new();
                calls(&flow.asks, 1.0, &mut made);
                calls(&flow.behind, 1.0, &mut made);
                for (kinds, number, each) in made {
                    self.pass_on(index, class, kinds, number * rate_per_s[class as usize], each, &homes);
                }
                if rate_per_s[class as usize] > 0.0 {
                    self.remark(index, flow);
                }
                if let (true, Some((host, _))) = (flow.crosstalk != Crosstalk::default(), self.host(index)) {
                    let cpu = host.cpu;
                    self.network.stations[cpu].crosstalk = flow.crosstalk;
                }
            }
            self.flows[index] = Some(flows);
        }
        self.origins();
    }

    /// What acts on its own, though nobody calls it: it may hang on what comes to all others.
    fn origins(&mut self) {
        for (index, component) in self.stage.components.iter().enumerate() {
            let kind = component.settings.kind();
            if kind.about().origin && kind != Kind::Clients && self.flows[index].is_none() {
                let rate_per_s = self.rates[index];
                let context = Context {
                    stage: self.stage,
                    component: index,
                    rate_per_s,
                    rates: &self.rates,
                    figures: self.figures,
                };
                let flow = component.settings.flow(Class::Read, &context);
                self.remark(index, &flow);
            }
        }
    }

    /// Adds calls a second to those whom they go to.
    pub(super) fn pass_on(
        &mut self,
        from: usize,
        class: Class,
        kinds: &'static [Kind],
        per_s: f64,
        each: bool,
        homes: &[(Option<usize>, PerClass<f64>)],
    ) {
        if each {
            for way in self.links(from, kinds, class) {
                self.rates[way.to][class as usize] += per_s;
            }
            return;
        }
        for (home, part) in homes {
            for way in self.called(from, kinds, class, *home) {
                self.rates[way.to][class as usize] += per_s * way.share * part.get(class);
            }
        }
    }

    /// Takes note of what a flow says besides what it asks.
    pub(super) fn remark(&mut self, component: usize, flow: &Flow) {
        self.network.beyond.extend(flow.beyond.clone().filter(|it| !self.network.beyond.contains(it)));
        for caveat in &flow.caveats {
            if !self.network.caveats.contains(caveat) {
                self.network.caveats.push(caveat.clone());
            }
        }
        self.rounds.extend(flow.round);
        for own in &flow.own {
            let Some((host, _)) = self.host(own.component) else { continue };
            let at = if own.disk { host.disk } else { host.cpu };
            let flow::Own { load, piece_s, grouped, .. } = *own;
            let copies = own.copies as usize;
            if load > 0.0 {
                self.network.stations[at].own.push(network::Own { copies, load, piece_s, grouped });
            }
        }
        if let Some((kinds, shares)) = &flow.shares {
            let of_kind = |link: &&Link| {
                link.from == component && kinds.contains(&self.stage.components[link.to].settings.kind())
            };
            let mut links = self.stage.links.iter().filter(of_kind);
            // Where they are on several components each of these is taken to be even.
            if let (Some(link), None) = (links.next(), links.next())
                && let Some((host, _)) = self.host(link.to)
                && host.names.len() == shares.len()
            {
                let (cpu, disk) = (host.cpu, host.disk);
                self.network.stations[cpu].shares = shares.clone();
                self.network.stations[disk].shares = shares.clone();
            }
        }
        for (name, estimate) in &flow.metrics {
            for copy in 0..self.stage.components[component].copies {
                let name = format!("{} {name}", self.stage.copy_name(component, copy));
                self.network.metrics.retain(|(other, _)| *other != name);
                self.network.metrics.push((name, estimate.clone()));
            }
        }
    }
}

/// Every call among these: the kinds, how many on average, and whether they go to each component of the kinds.
pub(super) fn calls(asks: &[Ask], times: f64, all: &mut Vec<(&'static [Kind], f64, bool)>) {
    for ask in asks {
        match ask {
            Ask::Call { kinds, count, chance } => all.push((*kinds, times * f64::from(*count) * chance, false)),
            Ask::Each { kinds, count, chance, .. } => all.push((*kinds, times * f64::from(*count) * chance, true)),
            Ask::OneOf(ways) => ways.iter().for_each(|(probability, asks)| calls(asks, times * probability, all)),
            _ => {}
        }
    }
}
