//! What an application server does for a request, step by step: which others it calls, and in which order.

use super::app_server::Settings;
use super::outbound::{choose, choose_among};
use super::{DELETE, GET, Kind, PUT, Place};
use crate::engine::calls::Call;
use crate::engine::random::Stream;
use crate::engine::{Answer, Engine};
use crate::units::Nanos;
use crate::workload::Class;

/// One step. Between two steps the app's own code runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) what: What,
    /// Index of the program's group of edges that it calls.
    pub(super) group: usize,
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
    pub(super) groups: Vec<Group>,
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
        if class != Class::Static {
            self.each(Kind::SessionStore, What::Call, 1);
        }
        let cache = self.groups.iter().position(|group| group.kind == Kind::Cache);
        let cached = cache.filter(|_| class == Class::Read && queries > 0);
        if let Some(group) = cached {
            self.steps.push(Step { what: What::LookUp { skip: 0 }, group, times: 1, class });
        }
        let looked_up = self.steps.len();
        if !hands_on && let Some(group) = self.groups.iter().position(|group| group.kind.keeps_rows()) {
            for _ in 0..queries.min(QUERIES_MOST) {
                self.steps.push(Step { what: What::Query, group, times: 1, class });
            }
        }
        // The cache that was asked gets what was read. Every cache is told of a change, once it is safe: in the rows, or in
        // the journal.
        let told = |group: &usize| match class {
            Class::Write => queries > 0 && self.groups[*group].kind == Kind::Cache,
            _ => cached == Some(*group),
        };
        let puts: Vec<usize> = (0..self.groups.len()).filter(told).collect();
        let puts = puts.into_iter().map(|group| Step { what: What::Put, group, times: 1, class });
        if !hands_on {
            self.steps.extend(puts.clone());
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
            self.steps.extend(puts);
        }
        let calls = (*settings.calls.get(class)).min(QUERIES_MOST);
        let (rounds, times) = if settings.parallel { (calls.min(1), calls) } else { (calls, 1) };
        for _ in 0..rounds {
            self.each(Kind::AppServer, What::Service, times);
            self.each(Kind::LoadBalancer, What::Service, times);
        }
    }

    /// A step for each group of a kind.
    fn each(&mut self, kind: Kind, what: What, times: u32) {
        let groups: Vec<usize> = (0..self.groups.len()).filter(|group| self.groups[*group].kind == kind).collect();
        for group in groups {
            self.steps.push(Step { what, group, times, class: self.class });
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
        let edges = &self.groups[step.group].edges;
        if let [only] = edges[..] {
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
        let edges = &self.groups[step.group].edges;
        if self.groups[step.group].kind == Kind::Cache {
            return keeper(engine, edges, engine.item(request, 0));
        }
        if step.what != What::Query {
            return choose(engine, edges, routes, number);
        }
        let primary = |edge: &u16| engine.presence(engine.target(*edge)).primary;
        let replica = |edge: &u16| !primary(edge) && engine.presence(engine.target(*edge)).up;
        if self.class == Class::Read && !elsewhere && edges.iter().any(replica) {
            return choose_among(engine, edges, replica, routes, number);
        }
        choose_among(engine, edges, primary, routes, number)
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

/// What an application server keeps of a request in service.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Job {
    /// Processor time of one slice, between two steps.
    pub(super) slice_ns: f64,
    /// Attempts at the present step that have failed.
    pub(super) failed: u32,
    /// Calls of the present step that are under way.
    pub(super) pending: u32,
    /// What it is doing: the program may have changed since it began.
    pub(super) doing: Option<Step>,
    /// Its call is the one that tries whether a service has recovered.
    pub(super) tries: bool,
    /// What it will be answered, once its log record is written.
    pub(super) ending: Option<Answer>,
    /// Of which time is what it knows of its item.
    pub(super) as_of: Nanos,
    /// The rows have its change.
    pub(super) committed: bool,
    /// A replica has sent it on to the primary.
    pub(super) elsewhere: bool,
    /// It holds a connection of the pool.
    pub(super) connected: bool,
    /// Why a call of the present step has failed.
    pub(super) cause: Option<crate::engine::moves::Cause>,
}

/// The requests in service; a call's `count` is its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    jobs: Vec<Job>,
    free: Vec<u32>,
    /// For whoever asks after a call that is not in service.
    nobody: Job,
}

impl Jobs {
    pub(super) fn add(&mut self, slice_ns: f64) -> u32 {
        let job = Job { slice_ns, ..Job::default() };
        match self.free.pop() {
            Some(index) => {
                self.jobs[index as usize] = job;
                index
            }
            None => {
                self.jobs.push(job);
                self.jobs.len() as u32 - 1
            }
        }
    }

    pub(super) fn of(&mut self, call: &Call) -> &mut Job {
        self.jobs.get_mut(call.count as usize).unwrap_or(&mut self.nobody)
    }

    pub(super) fn remove(&mut self, index: u32) {
        self.free.push(index);
    }
}
