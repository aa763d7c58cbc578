//! How a new component is wired where it is dropped: as the journey's stages wire that kind.
//!
//! Most kinds stand in the way of requests (a balancer, an edge cache) or beside it, where somebody asks them (a cache, a
//! session store). Some serve one class only: a queue takes jobs, a journal takes changes, an object store has the static
//! files.

use super::{Spot, Stage, only};
use crate::component::Kind;
use crate::stage::Link;
use crate::workload::{Class, PerClass};

/// What putting a component somewhere does to the links. The new component has the index after the last, workers for
/// its messages the one after that.
#[derive(Clone, Debug, Default)]
pub(super) struct Wiring {
    /// Links that are taken away.
    pub(super) gone: Vec<usize>,
    /// Links that carry these classes from now on.
    pub(super) changed: Vec<(usize, PerClass<bool>)>,
    /// Links that are made.
    pub(super) links: Vec<Link>,
    /// Whether workers come with it: application servers that take the messages of a queue.
    pub(super) workers: bool,
    /// Where it is: in the region of what it is connected with.
    pub(super) region: Option<usize>,
}

impl Stage {
    /// How a component of this kind is wired at a spot; none where it would make no sense.
    pub(super) fn wiring(&self, kind: Kind, spot: Spot) -> Option<Wiring> {
        let wire = Wire { stage: self, kind, new: self.components.len() };
        let region = |component: usize| self.components.get(component).and_then(|it| it.region);
        match spot {
            Spot::Board => Some(Wiring::default()),
            Spot::Link(index) => {
                let link = self.links.get(index)?;
                Some(Wiring { region: region(link.to), ..wire.on_link(index, link)? })
            }
            Spot::Component(index) => {
                self.components.get(index)?;
                Some(Wiring { region: region(index), ..wire.on_component(index)? })
            }
        }
    }
}

struct Wire<'s> {
    stage: &'s Stage,
    kind: Kind,
    new: usize,
}

impl Wire<'_> {
    fn kind_of(&self, index: usize) -> Option<Kind> {
        if index == self.new { Some(self.kind) } else { self.stage.kind(index) }
    }

    fn may_call(&self, from: usize, to: usize) -> bool {
        self.kind_of(from).zip(self.kind_of(to)).is_some_and(|(from, to)| from.may_call(to))
    }

    fn link(&self, from: usize, to: usize) -> Link {
        self.stage.link_of((self.kind_of(from), from), (self.kind_of(to), to))
    }

    fn link_for(&self, from: usize, to: usize, class: Class) -> Link {
        Link { classes: only(class), ..self.link(from, to) }
    }

    fn one(&self, from: usize, to: usize) -> Wiring {
        Wiring { links: vec![self.link(from, to)], ..Wiring::default() }
    }

    fn on_link(&self, index: usize, link: &Link) -> Option<Wiring> {
        let (a, b, new) = (link.from, link.to, self.new);
        match self.kind {
            Kind::LoadBalancer | Kind::Cdn | Kind::AppServer | Kind::Shards => self.between([index].into_iter()),
            Kind::Queue => self.queue(index, link),
            Kind::Journal => self.journal(link),
            Kind::Replica => self.replica(self.database_at(link)?, a),
            Kind::ObjectStore if self.kind_of(b) == Some(Kind::Cdn) => Some(self.one(b, new)),
            Kind::ObjectStore => self.object_store(a),
            Kind::Clients => self.users(b),
            Kind::Autoscaler | Kind::Monitor => self.watcher([a, b]),
            Kind::Cache => self.cache([a, b]),
            _ if self.may_call(a, new) => Some(self.one(a, new)),
            _ if self.may_call(b, new) => Some(self.one(b, new)),
            // Something that acts on its own asks whom it can.
            _ if !self.kind.about().origin => None,
            _ => [b, a].into_iter().find(|other| self.may_call(new, *other)).map(|other| self.one(new, other)),
        }
    }

    fn on_component(&self, at: usize) -> Option<Wiring> {
        let new = self.new;
        let from_it = || (0..self.stage.links.len()).filter(move |index| self.stage.links[*index].from == at);
        let to_it = || (0..self.stage.links.len()).filter(move |index| self.stage.links[*index].to == at);
        let either = || match (self.may_call(at, new), self.may_call(new, at)) {
            (true, _) => Some(self.one(at, new)),
            (_, true) if self.kind != Kind::Dns => Some(self.one(new, at)),
            _ => None,
        };
        match self.kind {
            // Between the users and whatever answers them; before anybody else, between it and whoever calls it.
            Kind::LoadBalancer | Kind::Cdn if self.kind_of(at) == Some(Kind::Clients) => {
                self.between(from_it()).or_else(either)
            }
            Kind::LoadBalancer | Kind::Cdn | Kind::Shards => {
                self.between(to_it()).or_else(|| self.may_call(new, at).then(|| self.one(new, at)))
            }
            Kind::Queue => {
                from_it().chain(to_it()).find_map(|index| self.queue(index, &self.stage.links[index])).or_else(either)
            }
            Kind::Journal => {
                from_it().chain(to_it()).find_map(|index| self.journal(&self.stage.links[index])).or_else(either)
            }
            Kind::Replica => {
                let database = match self.kind_of(at)? {
                    Kind::Database => at,
                    _ => from_it().chain(to_it()).find_map(|index| self.database_at(&self.stage.links[index]))?,
                };
                self.replica(database, at)
            }
            Kind::ObjectStore => self.object_store(at).or_else(either),
            Kind::Clients => self.users(at),
            Kind::Autoscaler | Kind::Monitor => self.watcher([at, at]),
            Kind::Cache => self.cache([at, at]),
            _ => either(),
        }
    }

    /// In the way of these links: whoever called over them calls the new one, and that calls on.
    fn between(&self, links: impl Iterator<Item = usize>) -> Option<Wiring> {
        let mut wiring = Wiring::default();
        for index in links {
            let link = &self.stage.links[index];
            if !(self.may_call(link.from, self.new) && self.may_call(self.new, link.to)) {
                continue;
            }
            wiring.gone.push(index);
            wiring.join(Link { to: self.new, ..link.clone() });
            wiring.join(Link { classes: link.classes, ..self.link(self.new, link.to) });
        }
        (!wiring.gone.is_empty()).then_some(wiring)
    }

    /// Jobs wait in the queue; whoever was called for them takes them from there. Where that is a store, workers do.
    fn queue(&self, index: usize, link: &Link) -> Option<Wiring> {
        let (new, workers) = (self.new, self.new + 1);
        if !link.carries(Class::Job) || !self.may_call(link.from, new) {
            return None;
        }
        let mut wiring = Wiring { links: vec![self.link_for(link.from, new, Class::Job)], ..Wiring::default() };
        if self.may_call(new, link.to) {
            wiring.links.push(self.link_for(new, link.to, Class::Job));
        } else if self.kind_of(link.to).is_some_and(|kind| Kind::AppServer.may_call(kind) && kind.keeps_rows()) {
            let app = Some(Kind::AppServer);
            let to_workers = self.stage.link_of((Some(Kind::Queue), new), (app, workers));
            let to_rows = self.stage.link_of((app, workers), (self.kind_of(link.to), link.to));
            wiring.links.extend([to_workers, to_rows].map(|link| Link { classes: only(Class::Job), ..link }));
            wiring.workers = true;
        } else {
            return None;
        }
        wiring.spare(index, link, Class::Job);
        Some(wiring)
    }

    /// Changes are written to the journal, and from there to the store, which the caller keeps for the rest.
    fn journal(&self, link: &Link) -> Option<Wiring> {
        let (from, new, to) = (link.from, self.new, link.to);
        let fits = link.carries(Class::Write) && self.may_call(from, new) && self.may_call(new, to);
        let links = || vec![self.link_for(from, new, Class::Write), self.link_for(new, to, Class::Write)];
        fits.then(|| Wiring { links: links(), ..Wiring::default() })
    }

    /// The database that a link leads to, or to whose rows it leads.
    fn database_at(&self, link: &Link) -> Option<usize> {
        match (self.kind_of(link.from)?, self.kind_of(link.to)?) {
            (_, Kind::Database) => Some(link.to),
            (Kind::Database, _) => Some(link.from),
            (_, Kind::Replica | Kind::Shards) => {
                let ways = self.stage.links.iter().filter(|it| it.from == link.to || it.to == link.to);
                let ends = ways.flat_map(|it| [it.from, it.to]);
                ends.into_iter().find(|end| self.kind_of(*end) == Some(Kind::Database))
            }
            _ => None,
        }
    }

    /// The database sends its changes to the replica; `reader` reads from it, or all who read from the database do.
    fn replica(&self, database: usize, reader: usize) -> Option<Wiring> {
        let mut wiring = self.one(database, self.new);
        if self.may_call(reader, self.new) && reader != database {
            wiring.join(self.link(reader, self.new));
            return Some(wiring);
        }
        let calls = |from: usize, to: usize| self.stage.links.iter().any(|link| (link.from, link.to) == (from, to));
        let leads = |from: usize| {
            calls(from, database)
                || (0..self.new)
                    .any(|way| self.kind_of(way) == Some(Kind::Shards) && calls(from, way) && calls(way, database))
        };
        let readers = (0..self.new).filter(|from| self.kind_of(*from) == Some(Kind::AppServer) && leads(*from));
        for reader in readers {
            wiring.join(self.link(reader, self.new));
        }
        Some(wiring)
    }

    /// Static files come from the store; who has served them so far need not any more.
    fn object_store(&self, caller: usize) -> Option<Wiring> {
        if !self.may_call(caller, self.new) {
            return None;
        }
        if !matches!(self.kind_of(caller), Some(Kind::Clients | Kind::LoadBalancer)) {
            return Some(self.one(caller, self.new));
        }
        let link = self.link_for(caller, self.new, Class::Static);
        let mut wiring = Wiring { links: vec![link], ..Wiring::default() };
        for (index, link) in self.stage.links.iter().enumerate().filter(|(_, link)| link.from == caller) {
            let serves = matches!(self.kind_of(link.to), Some(Kind::AppServer | Kind::LoadBalancer));
            if serves && link.carries(Class::Static) && link.classes != only(Class::Static) {
                wiring.spare(index, link, Class::Static);
            }
        }
        Some(wiring)
    }

    /// More users, who ask the same.
    fn users(&self, at: usize) -> Option<Wiring> {
        let answers = self.may_call(self.new, at) && self.kind_of(at) != Some(Kind::Dns);
        answers.then(|| self.one(self.new, at))
    }

    /// Beside the app that keeps its rows there. A balancer may call caches too, but has nothing to put into one.
    fn cache(&self, ends: [usize; 2]) -> Option<Wiring> {
        let app = ends.into_iter().find(|end| self.kind_of(*end) == Some(Kind::AppServer))?;
        Some(self.one(app, self.new))
    }

    /// Something that looks after both ends, where it can.
    fn watcher(&self, ends: [usize; 2]) -> Option<Wiring> {
        let mut wiring = Wiring::default();
        for end in ends.into_iter().filter(|end| self.may_call(self.new, *end)) {
            wiring.join(self.link(self.new, end));
        }
        (!wiring.links.is_empty()).then_some(wiring)
    }
}

impl Wiring {
    /// Makes a link, or lets one that is made already carry its classes as well.
    fn join(&mut self, link: Link) {
        match self.links.iter_mut().find(|it| (it.from, it.to) == (link.from, link.to)) {
            Some(there) => {
                for (class, carries) in link.classes.iter() {
                    *there.classes.get_mut(class) |= *carries;
                }
            }
            None => self.links.push(link),
        }
    }

    /// A link need not carry a class any more; one that carries nothing else goes.
    fn spare(&mut self, index: usize, link: &Link, class: Class) {
        let mut classes = link.classes;
        *classes.get_mut(class) = false;
        if classes == PerClass::all(false) {
            self.gone.push(index);
        } else {
            self.changed.push((index, classes));
        }
    }
}
