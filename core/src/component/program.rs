//! What an application server does for a request, step by step: which others it calls, and in which order.

use super::app_server::Settings;
use super::outbound::{choose, choose_among};
use super::sessions::Keeping;
use super::{DELETE, GET, Kind, PUT, Place};
use crate::engine::random::Stream;
use crate::engine::{Engine, Presence};
use crate::workload::Class;

/// One step. Between two steps the app's own code runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) what: What,
    /// Index of the program's group of edges that it calls.
    group: u16,
    /// Calls that it makes at once.
    pub(super) times: u32,
    class: Class,
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A query, over a connection of the pool.
    Query,
    /// A call to something that belongs to the app: a session store, a queue, a journal, an object store.
    Call,
    /// A look-up in a cache. A hit saves this many steps after it.
    LookUp {
        /// The steps.
        skip: u16,
    },
    /// Tells the cache what was read, or that something has changed.
    Put,
    /// Calls to another service.
    Service,
}

impl Step {
    /// What is asked of the called.
    pub(super) fn verb(&self) -> u8 {
        match (self.what, self.class) {
            (What::Put, Class::Write) => DELETE,
            (What::Put, _) | (_, Class::Write) => PUT,
            _ => GET,
        }
    }
}

/// What is done for requests of one class.
#[derive(Clone, Debug)]
pub(super) struct Program {
    class: Class,
    pub(super) steps: Vec<Step>,
    groups: Vec<Group>,
}

/// Edges of which a step takes one.
#[derive(Clone, Debug)]
pub(super) struct Group {
    kind: Kind,
    /// Index of the component, or of the first of those, that the edges lead to.
    pub(super) component: usize,
    edges: Vec<u16>,
}

impl Program {
    /// The programs of a server in this place, class by class.
    pub(super) fn of_classes(place: &Place, settings: &Settings) -> [Self; 4] {
        Class::ALL.map(|class| {
            let mut groups = Vec::new();
            for way in place.edges.iter().filter(|way| *way.classes.get(class)) {
                let same = |group: &Group| {
                    let first = place.edges.iter().find(|other| other.edge == group.edges[0]);
                    first.is_some_and(|first| first.component == way.component || joins(first.kind, way.kind))
                };
                match groups.iter_mut().find(|group| same(group)) {
                    Some(group) => group.edges.push(way.edge),
                    None => {
                        let component = usize::from(way.component);
                        groups.push(Group { kind: way.kind, component, edges: vec![way.edge] });
                    }
                }
            }
            let mut program = Self { class, steps: Vec::new(), groups };
            program.configure(settings);
            program
        })
    }

    /// Lays out the steps anew.
    pub(super) fn configure(&mut self, settings: &Settings) {
        self.steps.clear();
        let class = self.class;
        let queries = *settings.queries.get(class);
        let hands_on = class == Class::Job && self.groups.iter().any(|group| group.kind == Kind::Queue)
            || class == Class::Write && self.groups.iter().any(|group| group.kind == Kind::Journal);
        if class != Class::Static && settings.sessions == Keeping::Shared {
            self.each(Kind::SessionStore, What::Call, 1);
        }
        let cache = self.groups.iter().position(|group| group.kind == Kind::Cache);
        let cached = cache.filter(|_| class == Class::Read && queries > 0);
        if let Some(group) = cached {
            self.steps.push(self.step(What::LookUp { skip: 0 }, group, 1));
        }
        let looked_up = self.steps.len();
        if !hands_on && let Some(group) = self.groups.iter().position(|group| group.kind.keeps_rows()) {
            for _ in 0..queries.min(QUERIES_MOST) {
                self.steps.push(self.step(What::Query, group, 1));
            }
        }
        // The cache that was asked gets what was read. Every cache is told of a change, once it is safe: in the rows, or in
        // the journal.
        let told = |group: &usize| match class {
            Class::Write => queries > 0 && self.groups[*group].kind == Kind::Cache,
            _ => cached == Some(*group),
        };
        let puts = (0..self.groups.len()).filter(told).map(|group| self.step(What::Put, group, 1));
        let puts: Vec<Step> = puts.collect();
        if !hands_on {
            self.steps.extend(&puts);
        }
        if cached.is_some() {
            let saved = (self.steps.len() - looked_up) as u16;
            self.steps[looked_up - 1].what = What::LookUp { skip: saved };
        }
        match class {
            Class::Static => self.each(Kind::ObjectStore, What::Call, 1),
            Class::Write => self.each(Kind::Journal, What::Call, 1),
            Class::Job => self.each(Kind::Queue, What::Call, 1),
            Class::Read => {}
        }
        if hands_on {
            self.steps.extend(&puts);
        }
        let calls = (*settings.calls.get(class)).min(QUERIES_MOST);
        let (rounds, times) = if settings.parallel { (calls.min(1), calls) } else { (calls, 1) };
        for _ in 0..rounds {
            self.each(Kind::AppServer, What::Service, times);
            self.each(Kind::LoadBalancer, What::Service, times);
        }
    }

    fn step(&self, what: What, group: usize, times: u32) -> Step {
        Step { what, group: group as u16, times, class: self.class }
    }

    /// The group of edges that a step takes one of.
    pub(super) fn group(&self, step: Step) -> &Group {
        &self.groups[usize::from(step.group)]
    }

    /// A step for each group of a kind.
    fn each(&mut self, kind: Kind, what: What, times: u32) {
        let groups: Vec<usize> = (0..self.groups.len()).filter(|group| self.groups[*group].kind == kind).collect();
        for group in groups {
            self.steps.push(self.step(what, group, times));
        }
    }

    /// Whether the step after this one is another query.
    pub(super) fn queries_on(&self, step: u16) -> bool {
        self.steps.get(usize::from(step) + 1).is_some_and(|next| next.what == What::Query)
    }

    /// The edge that a step takes. Changes go to a primary, reads to replicas while any is up, else to the primary; what a
    /// replica has sent `elsewhere` goes to the primary too. A cache's copies share the items among them.
    pub(super) fn edge(
        &self,
        engine: &Engine,
        step: Step,
        elsewhere: bool,
        routes: &Stream,
        request: u64,
        number: u64,
    ) -> Option<u16> {
        let edges = &self.group(step).edges;
        // A replica that has sent it elsewhere is not asked again, for as long as it is one.
        if let [only] = edges[..]
            && (!elsewhere || engine.presence(engine.target(only)).primary)
        {
            return Some(only);
        }
        self.edge_of_several(engine, step, elsewhere, routes, request, number)
    }

    // Out of the way of the step that has no choice.
    #[inline(never)]
    fn edge_of_several(
        &self,
        engine: &Engine,
        step: Step,
        elsewhere: bool,
        routes: &Stream,
        request: u64,
        number: u64,
    ) -> Option<u16> {
        let edges = &self.group(step).edges;
        if self.group(step).kind == Kind::Cache {
            return keeper(engine, edges, engine.item(request, 0));
        }
        if step.what != What::Query {
            return choose(engine, edges, routes, number);
        }
        let replicas = self.class == Class::Read && !elsewhere;
        let replica = |node: &Presence| !node.primary && node.up;
        let chosen = if replicas { choose_among(engine, edges, replica, routes, number) } else { None };
        chosen.or_else(|| choose_among(engine, edges, |node| node.primary, routes, number))
    }
}

/// Most steps of a kind: longer programs are cut, so that a step's number fits where it is kept.
const QUERIES_MOST: u32 = 10_000;

/// The edge to the copy that keeps an item, of those that are up: the one with the highest hash of copy and item, so that
/// a copy that dies leaves every other's items where they are (Thaler & Ravishankar, "Using name-based mappings to
/// increase hit rates", IEEE/ACM Transactions on Networking 6(1), 1998).
fn keeper(engine: &Engine, edges: &[u16], item: u64) -> Option<u16> {
    let hash = |edge: &u16| Stream::new(item, "", "").draw(u64::from(engine.target(*edge))).bits();
    let up = edges.iter().copied().filter(|edge| engine.presence(engine.target(*edge)).up);
    up.max_by_key(hash).or(edges.first().copied())
}

/// Whether two kinds are one to whoever calls them: a primary and its replicas.
fn joins(a: Kind, b: Kind) -> bool {
    a.keeps_rows() && b.keeps_rows()
}

/// What a release made of an application's code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Release {
    /// Share of the requests that fail.
    pub(super) errors: f64,
    /// Speed against the release before it.
    pub(super) speed: f64,
}

impl Release {
    pub(super) const GOOD: Self = Self { errors: 0.0, speed: 1.0 };
}
