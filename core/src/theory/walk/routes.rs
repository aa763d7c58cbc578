//! What a request asks on its way, and what follows it.

use super::{At, Walk, Way};
use crate::component::flow::{Ask, Context, Flow};
use crate::component::{Kind, clients};
use crate::theory::demand::Part;
use crate::theory::network::{Again, Branch, FollowUp, Leg, Route, Use};
use crate::theory::paths::{Path, Paths};
use crate::workload::{Class, Demand, PerClass};

impl<'a> Walk<'a> {
    /// The ways of users' requests; the share of each class that finds everybody up.
    pub(super) fn users(&mut self) -> PerClass<f64> {
        let clients = self.clients();
        let one_kind = clients.len() == 1;
        let mut up = PerClass::all(0.0);
        if let [(_, settings, _), ..] = clients[..] {
            let mean = if settings.jitter { 0.5 } else { 1.0 };
            self.network.again = Again {
                retries: settings.tries.saturating_sub(1),
                wait_s: mean * settings.backoff.as_secs_f64(),
                growth: settings.backoff_growth,
            };
        }
        self.network.patience_s =
            clients.iter().map(|(_, settings, _)| settings.timeout.as_secs_f64()).fold(f64::INFINITY, f64::min);
        for (index, settings, share) in clients {
            let visit = self.first_of_visit(index, settings);
            for class in Class::ALL.into_iter().filter(|class| *self.network.mix.get(*class) > 0.0) {
                let home = self.stage.components[index].region;
                for mut path in self.paths(At { component: index, class, depth: 0, home }) {
                    path.probability *= path.up;
                    *up.get_mut(class) += share.get(class) * path.probability;
                    // Users of one kind have the same first requests on every way, so these need not be multiplied out.
                    let branches = if one_kind { &[Branch { probability: 1.0, seconds: 0.0 }][..] } else { &visit };
                    for branch in branches {
                        let route = self.route(&path, class, share.get(class) * branch.probability, branch.seconds);
                        self.network.routes.push(route);
                    }
                }
            }
            if one_kind {
                self.network.branches = visit;
            }
        }
        up
    }

    /// Takes those requests out that find a server down. `up` has the share of each class that does not.
    pub(super) fn leave_out_who_finds_nobody(&mut self, up: &PerClass<f64>) {
        let network = &mut self.network;
        let all: f64 = Class::ALL.iter().map(|class| network.mix.get(*class) * up.get(*class)).sum();
        if all >= 1.0 - 1e-12 || all <= 0.0 {
            return;
        }
        for class in Class::ALL.into_iter().filter(|class| *up.get(*class) > 0.0) {
            let awaited = network.routes.iter_mut().filter(|route| route.awaited);
            awaited.for_each(|route| *route.probability.get_mut(class) /= up.get(class));
            *network.mix.get_mut(class) *= up.get(class) / all;
        }
        (network.rate_per_s, network.down) = (network.rate_per_s * all, 1.0 - all);
    }

    /// What follows requests: routes that nobody waits for.
    pub(super) fn behind(&mut self) {
        for index in 0..self.stage.components.len() {
            let Some(flows) = &self.flows[index] else { continue };
            let (mut routes, mut uses) = (Vec::new(), Vec::new());
            for (class, flow) in Class::ALL.into_iter().zip(flows).filter(|(_, flow)| !flow.behind.is_empty()) {
                let (rate_per_s, of_class) = (self.rates[index][class as usize], *self.network.mix.get(class));
                if rate_per_s <= 0.0 || of_class <= 0.0 {
                    continue;
                }
                let mut paths = Paths::default();
                let at = At { component: index, class, depth: 0, home: None };
                self.follow(&mut paths, &flow.behind, at);
                for path in paths.into_door(None) {
                    let per_request = rate_per_s / self.network.rate_per_s;
                    uses.push(path.as_use(per_request));
                    let route = self.route(&path, class, per_request / of_class, 0.0);
                    routes.push(Route { awaited: false, door: None, ..route });
                }
            }
            let follow_up = flows.iter().find_map(|flow| flow.follow_up).filter(|_| !routes.is_empty());
            let followers = self.followers(index, flows);
            self.network.routes.extend(routes);
            self.network.follow_ups.extend(followers);
            if let Some(follow_up) = follow_up {
                let context = Context {
                    stage: self.stage,
                    component: index,
                    rate_per_s: self.rates[index],
                    rates: &self.rates,
                    figures: self.figures,
                };
                let hands = match follow_up.by {
                    [] => 1.0,
                    kinds => {
                        f64::from(Class::ALL.map(|class| context.copies(kinds, class)).into_iter().max().unwrap_or(1))
                    }
                };
                self.network.follow_ups.push(FollowUp {
                    names: self.names(index, follow_up.metric),
                    component: self.stage.components[index].id.clone(),
                    uses,
                    latency_s: 0.0,
                    slots: f64::from(follow_up.slots) * hands,
                    begin_per_s: follow_up.begin_per_s,
                    ahead: follow_up.ahead,
                });
            }
        }
    }

    /// Those who apply the changes that are made in a component: one change after another.
    fn followers(&self, index: usize, flows: &[Flow; Class::ALL.len()]) -> Vec<FollowUp> {
        let mut found: Vec<(usize, FollowUp)> = Vec::new();
        for (flow, rate_per_s) in flows.iter().zip(self.rates[index]) {
            for follower in &flow.followers {
                let Some((host, machine)) = self.host(follower.component) else { continue };
                let copies = f64::from(self.stage.components[follower.component].copies);
                let one = Use {
                    per_request: copies * follower.changes * rate_per_s / self.network.rate_per_s.max(1e-12),
                    delay_s: 0.0,
                    demand_s: vec![(host.cpu, Part::new(1, 1.0, &follower.apply, machine.speed).moments().first)],
                };
                match found.iter_mut().find(|(to, _)| *to == follower.component) {
                    Some((_, follow_up)) => follow_up.uses.push(one),
                    None => found.push((
                        follower.component,
                        FollowUp {
                            names: self.names(follower.component, "visible_after"),
                            component: self.stage.components[follower.component].id.clone(),
                            uses: vec![one],
                            latency_s: follower.latency.as_secs_f64(),
                            slots: 1.0,
                            begin_per_s: f64::INFINITY,
                            ahead: 0.0,
                        },
                    )),
                }
            }
        }
        found.into_iter().map(|(_, follow_up)| follow_up).collect()
    }

    /// Names of a figure of each copy.
    fn names(&self, component: usize, metric: &str) -> Vec<String> {
        let copies = 0..self.stage.components[component].copies;
        copies.map(|copy| format!("{} {metric}", self.stage.copy_name(component, copy))).collect()
    }

    pub(super) fn route(&self, path: &Path, class: Class, share: f64, before_s: f64) -> Route {
        let mut probability = PerClass::all(0.0);
        *probability.get_mut(class) = share * path.probability;
        let mut inside_s = PerClass::all(0.0);
        *inside_s.get_mut(class) = path.inside_s;
        let mut legs: Vec<Leg> = Vec::new();
        for (station, part) in &path.parts {
            let index = legs.iter().position(|leg| leg.station == *station).unwrap_or_else(|| {
                legs.push(Leg { station: *station, demand: PerClass(std::array::from_fn(|_| Vec::new())) });
                legs.len() - 1
            });
            legs[index].demand.get_mut(class).push(*part);
        }
        Route { awaited: true, probability, door: path.door, outside_s: path.outside_s + before_s, inside_s, legs }
    }

    /// The ways that one call may take from a component on.
    pub(super) fn paths(&self, at: At) -> Vec<Path> {
        // Links go in no circle, so no way is longer than this.
        let known = self.flows[at.component].as_ref().filter(|_| at.depth <= self.stage.components.len());
        let Some(flows) = known else { return vec![Path::default()] };
        let flow = &flows[at.class as usize];
        let mut paths = Paths::default();
        self.follow(&mut paths, &flow.asks, at);
        paths.into_door(self.door_of[at.component])
    }

    /// The ways from the end of one link on, there and back.
    pub(super) fn onward(&self, at: At, way: &Way) -> impl Iterator<Item = Path> {
        let (share, there_and_back_s) = (way.share, 2.0 * way.latency_s);
        let paths = self.paths(At { component: way.to, depth: at.depth + 1, ..at });
        // A balancer finds out who is down, and asks others.
        let watched = self.stage.components[at.component].settings.kind() == Kind::LoadBalancer;
        let down = self.flows[way.to].as_ref().map_or(0.0, |flows| flows[at.class as usize].down);
        let up = if watched { 1.0 } else { 1.0 - down };
        paths.into_iter().map(move |path| Path {
            probability: path.probability * share,
            outside_s: path.outside_s + there_and_back_s,
            up: path.up * up,
            ..path
        })
    }

    pub(super) fn follow(&self, paths: &mut Paths, asks: &[Ask], at: At) {
        let index = at.component;
        for ask in asks {
            match ask {
                Ask::Compute { demand, count, chance } => {
                    if let Some((host, machine)) = self.host(index) {
                        paths.add(host.cpu, Part::new(*count, *chance, demand, machine.speed));
                    }
                }
                Ask::Disk { mean_count, each } => {
                    if let Some((host, machine)) = self.host(index) {
                        // The whole part of the mean always, one more with the probability of the rest.
                        let operation = Demand::constant(each.unwrap_or(machine.disk_latency));
                        let whole = *mean_count as u32;
                        paths.add(host.disk, Part::new(whole, 1.0, &operation, 1.0));
                        paths.add(host.disk, Part::new(1, mean_count - f64::from(whole), &operation, 1.0));
                    }
                }
                Ask::Delay { time, chance } => paths.delay(time.as_secs_f64(), *chance),
                Ask::Call { kinds, count, chance } => {
                    let ways = self.called(index, kinds, at.class, at.home);
                    let onward: Vec<Path> = ways.iter().flat_map(|way| self.onward(at, way)).collect();
                    paths.call(&onward, *count, *chance);
                }
                Ask::Each { kinds, count, chance, at_once } => {
                    for way in self.links(index, kinds, at.class) {
                        let onward: Vec<Path> = self.onward(at, &Way { share: 1.0, ..way }).collect();
                        if *at_once {
                            paths.at_once(&onward, *count, *chance);
                        } else {
                            paths.call(&onward, *count, *chance);
                        }
                    }
                }
                Ask::At { component, ask } => {
                    self.follow(paths, std::slice::from_ref(ask), At { component: *component, ..at });
                }
                Ask::OneOf(ways) => {
                    let ways = ways.iter().map(|(probability, asks)| {
                        let mut branch = Paths::default();
                        self.follow(&mut branch, asks, at);
                        (*probability, branch)
                    });
                    paths.one_of(ways.collect());
                }
            }
        }
    }

    /// What the first request of a visit pays: the name's look-up, and round trips that open the connection.
    pub(super) fn first_of_visit(&self, users: usize, settings: &clients::Settings) -> Vec<Branch> {
        let first = 1.0 / f64::from(settings.visit.max(1));
        let mut branches = vec![Branch { probability: 1.0 - first, seconds: 0.0 }];
        let mut paid = vec![Branch { probability: first, seconds: 0.0 }];
        if let Some(Way { to: resolver, latency_s, .. }) = self.links(users, &[Kind::Dns], Class::Read).next() {
            let context = Context {
                stage: self.stage,
                component: resolver,
                rate_per_s: self.look_ups(users, first),
                rates: &self.rates,
                figures: self.figures,
            };
            let flow = self.stage.components[resolver].settings.flow(Class::Read, &context);
            let mut look_up = Paths::default();
            let at = At { component: resolver, class: Class::Read, depth: 0, home: None };
            self.follow(&mut look_up, &flow.asks, at);
            let round_trip_s = 2.0 * latency_s;
            paid = look_up
                .delays()
                .map(|(share, s)| Branch { probability: first * share, seconds: round_trip_s + s })
                .collect();
        }
        // The connection is opened to whichever server the request goes to; a class tells where, its shares how often.
        let round_trips = 2.0 * f64::from(settings.handshake);
        let mix = self.network.mix;
        for (class, part) in mix.iter().filter(|(_, part)| **part > 0.0) {
            let home = self.stage.components[users].region;
            for Way { latency_s, share, .. } in
                self.called(users, clients::servers(self.stage, users, class), class, home)
            {
                let connect_s = round_trips * latency_s;
                branches.extend(paid.iter().map(|branch| Branch {
                    probability: branch.probability * share * part,
                    seconds: branch.seconds + connect_s,
                }));
            }
        }
        merge(&mut branches);
        branches
    }

    /// Look-ups a second by these users, as of one class.
    pub(super) fn look_ups(&self, users: usize, first: f64) -> [f64; Class::ALL.len()] {
        let of_class = |share: &PerClass<f64>, class| share.get(class) * self.network.mix.get(class);
        let of_all = |share: &PerClass<f64>| Class::ALL.into_iter().map(|class| of_class(share, class)).sum();
        let clients = self.clients();
        let share: f64 = clients.iter().find(|(index, ..)| *index == users).map_or(0.0, |(_, _, share)| of_all(share));
        let mut rates = [0.0; Class::ALL.len()];
        rates[Class::Read as usize] = self.network.rate_per_s * share * first;
        rates
    }
}

/// Puts branches of the same length together, and leaves out those that never happen.
fn merge(branches: &mut Vec<Branch>) {
    branches.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    branches.dedup_by(|later, earlier| {
        let same = later.seconds == earlier.seconds;
        if same {
            earlier.probability += later.probability;
        }
        same
    });
    branches.retain(|branch| branch.probability > 0.0);
}
