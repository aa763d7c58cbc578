//! Changing what is on a board: adding, wiring, copying, removing.
//!
//! Every change keeps the rules of a stage ([`Stage::check`]) but one: something may not be connected yet, and
//! [`Stage::unconnected`] says what. A change that would break another rule is not made. Where a new component goes
//! is in [`place`], how it is connected in [`wiring`]; what is here carries it out and keeps every index right.

mod place;
mod wiring;

use crate::component::Kind;
use crate::hardware::{Machine, MachineSize};
use crate::stage::{Component, Fault, Link, NamedMachine, Placement, Stage, Target, limits};
use crate::units::Duration;
use crate::workload::{Class, PerClass};

/// Where a new component may be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// On the link with this index: between its ends, or beside them, as the kind needs it.
    Link(usize),
    /// On the component with this index: connected with it.
    Component(usize),
    /// Anywhere, connected with nothing yet.
    Board,
}

/// One way within a data centre; stage files of the journey have 200 to 250 microseconds.
const NEAR: Duration = Duration::from_ns(250_000);
/// One way from users to servers, to name servers and edges nearby, and to an object store.
const USERS_TO_SERVERS: Duration = Duration::from_ms(15);
const USERS_TO_EDGES: Duration = Duration::from_ms(5);
const TO_STORAGE: Duration = Duration::from_ms(10);

impl Kind {
    /// The name of its first component on a board.
    const fn first_name(self) -> &'static str {
        match self {
            Self::Clients => "users",
            Self::ObjectStore => "storage",
            Self::LoadBalancer => "balancer",
            Self::AppServer => "app",
            Self::SessionStore => "sessions",
            Self::Autoscaler => "scaler",
            Self::LogPipeline => "logs",
            _ => self.key(),
        }
    }

    fn may_call(self, other: Self) -> bool {
        self.about().calls.contains(&other)
    }
}

impl Stage {
    /// Where a component of this kind may be put so that it does something: links and components first, then the board.
    pub fn spots(&self, kind: Kind) -> Vec<Spot> {
        let links = (0..self.links.len()).map(Spot::Link);
        let components = (0..self.components.len()).map(Spot::Component);
        let all = links.chain(components).chain([Spot::Board]);
        if !self.has_room(2, 4) {
            return Vec::new();
        }
        all.filter(|spot| self.wiring(kind, *spot).is_some()).collect()
    }

    /// Puts a component of this kind with its default settings at a spot, wired as it makes sense there; its centre is at
    /// `at`, in board units. What runs on machines of ours gets one of this size, each copy its own. The new component's
    /// index; none, and nothing is changed, where it cannot be put there.
    pub fn put(&mut self, kind: Kind, spot: Spot, at: [f32; 2], size: Option<&MachineSize>) -> Option<usize> {
        let wiring = self.wiring(kind, spot).filter(|_| self.has_room(2, 4))?;
        let mut after = self.clone();
        let new = after.push(kind, at, size, wiring.region);
        if wiring.workers {
            let name = after.fresh_name("workers");
            let workers = after.push(Kind::AppServer, [at[0], at[1] + 110.0], size, wiring.region);
            after.components[workers].id = name;
        }
        for (link, classes) in wiring.changed {
            after.links[link].classes = classes;
        }
        after.links.extend(wiring.links);
        // The last first: each that goes moves those behind it.
        (0..after.links.len()).rev().filter(|link| wiring.gone.contains(link)).for_each(|link| after.disconnect(link));
        self.take(after).then_some(new)
    }

    fn push(&mut self, kind: Kind, at: [f32; 2], size: Option<&MachineSize>, region: Option<usize>) -> usize {
        let own = || match size {
            Some(size) => Placement::Own { size: Some(size.id.clone()), machine: size.machine.clone() },
            None => Placement::Own { size: None, machine: Machine::default() },
        };
        self.components.push(Component {
            id: self.fresh_name(kind.first_name()),
            copies: 1,
            machine: kind.about().hosted.then(own),
            region: region.filter(|_| !kind.is_everywhere()),
            at: at.map(|at| at.clamp(-100_000.0, 100_000.0)),
            settings: kind.default_settings(),
        });
        self.components.len() - 1
    }

    /// `name`, or `name-2` and so on where that is taken.
    fn fresh_name(&self, name: &str) -> String {
        let is_taken = |name: &str| {
            self.component(name).is_some()
                || self.machines.iter().any(|machine| machine.id == name)
                || self.regions.iter().any(|region| region.id == name)
        };
        if !is_taken(name) {
            return name.to_owned();
        }
        // A name ends with its number already where a copy is copied again.
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
        let stem = if stem.is_empty() { name } else { &stem[..stem.len().min(34)] };
        let mut number = 2;
        loop {
            let name = format!("{stem}-{number}");
            if !is_taken(&name) {
                return name;
            }
            number += 1;
        }
    }

    /// The ends of the link that would connect two components, caller first: as given, or the other way round where only
    /// that makes sense. None where neither calls the other, or they are connected already.
    pub fn connection(&self, a: usize, b: usize) -> Option<(usize, usize)> {
        let reached = self.reached();
        // What nobody calls yet is to be called first of all.
        let is_lost = |at: usize| reached.get(at) == Some(&false);
        let ways = if is_lost(a) && !is_lost(b) { [(b, a), (a, b)] } else { [(a, b), (b, a)] };
        ways.into_iter().find(|(from, to)| self.may_link(*from, *to)).filter(|_| self.has_room(0, 1))
    }

    fn may_link(&self, from: usize, to: usize) -> bool {
        let (Some(caller), Some(called)) = (self.kind(from), self.kind(to)) else { return false };
        let linked = |link: &Link| (link.from, link.to) == (from, to) || (link.from, link.to) == (to, from);
        from != to
            && caller.may_call(called)
            && !self.links.iter().any(linked)
            && (caller.keeps_rows() && called.keeps_rows() || !self.leads(to, from))
    }

    /// Connects two components; the new link's index. None, and nothing is changed, where that makes no sense.
    pub fn connect(&mut self, a: usize, b: usize) -> Option<usize> {
        let (from, to) = self.connection(a, b)?;
        let mut after = self.clone();
        after.links.push(self.new_link(from, to));
        self.take(after).then(|| self.links.len() - 1)
    }

    /// A link with the latency that is usual between such components.
    fn new_link(&self, from: usize, to: usize) -> Link {
        self.link_of((self.kind(from), from), (self.kind(to), to))
    }

    fn link_of(&self, from: (Option<Kind>, usize), to: (Option<Kind>, usize)) -> Link {
        let shares = |a: &Component, b: &Component| match (&a.machine, &b.machine) {
            (Some(Placement::Shared(a)), Some(Placement::Shared(b))) => a == b,
            _ => false,
        };
        let on_one_machine =
            self.components.get(from.1).zip(self.components.get(to.1)).is_some_and(|(a, b)| shares(a, b));
        let latency = match (from.0, to.0) {
            (Some(Kind::Clients), Some(Kind::Dns | Kind::Cdn)) => USERS_TO_EDGES,
            (Some(Kind::Clients), _) => USERS_TO_SERVERS,
            (_, Some(Kind::ObjectStore)) => TO_STORAGE,
            _ if on_one_machine => Duration::from_ns(25_000),
            _ => NEAR,
        };
        Link::new(from.1, to.1, latency)
    }

    /// Whether calls from one component come to another, however many are between.
    fn leads(&self, from: usize, to: usize) -> bool {
        let rows = |index: usize| self.kind(index).is_some_and(Kind::keeps_rows);
        let mut reached = vec![false; self.components.len()];
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            if reached.get_mut(at).is_none_or(|reached| std::mem::replace(reached, true)) {
                continue;
            }
            let calls = |link: &&Link| link.from == at && !(rows(link.from) && rows(link.to));
            open.extend(self.links.iter().filter(calls).map(|link| link.to));
        }
        false
    }

    /// Takes a link away, and the faults that befall it.
    pub fn disconnect(&mut self, link: usize) {
        if link >= self.links.len() {
            return;
        }
        self.links.remove(link);
        self.keep_faults(|on| match on {
            Target::Link(at) => moved(at, link).map(Target::Link),
            other => Some(other),
        });
    }

    /// Takes a component away with its links, the faults that befall either, and a machine on which nothing runs then.
    /// Whoever called others through it, as through a balancer, calls them straight from then on.
    pub fn remove(&mut self, component: usize) {
        if component >= self.components.len() {
            return;
        }
        let bridges = self.bridges(component);
        let touches = |link: &Link| link.from == component || link.to == component;
        for index in (0..self.links.len()).rev() {
            if touches(&self.links[index]) {
                self.disconnect(index);
            }
        }
        for link in bridges {
            if self.may_link(link.from, link.to) {
                self.links.push(link);
            }
        }
        let removed = self.components.remove(component);
        for link in &mut self.links {
            link.from -= usize::from(link.from > component);
            link.to -= usize::from(link.to > component);
        }
        self.keep_faults(|on| match on {
            Target::Component(at, copy) => moved(at, component).map(|at| Target::Component(at, copy)),
            other => Some(other),
        });
        if let Some(Placement::Shared(machine)) = removed.machine
            && !self.components.iter().any(|it| it.machine == Some(Placement::Shared(machine)))
        {
            self.remove_machine(machine);
        }
    }

    /// The links that take the place of something that stood in the way of calls: for the classes that have no other way.
    fn bridges(&self, component: usize) -> Vec<Link> {
        if !matches!(self.kind(component), Some(Kind::LoadBalancer | Kind::Cdn | Kind::Shards)) {
            return Vec::new();
        }
        let mut bridges = Vec::new();
        for into in self.links.iter().filter(|link| link.to == component) {
            let other_way = |class| {
                let serves = |link: &Link| link.to != component && self.kind(link.to) != Some(Kind::Dns);
                self.links.iter().any(|link| link.from == into.from && serves(link) && link.carries(class))
            };
            for out in self.links.iter().filter(|link| link.from == component) {
                let carries = |class| into.carries(class) && out.carries(class) && !other_way(class);
                let classes = PerClass(Class::ALL.map(carries));
                if classes.0.contains(&true) {
                    bridges.push(Link { to: out.to, classes, ..into.clone() });
                }
            }
        }
        bridges
    }

    fn remove_machine(&mut self, machine: usize) {
        if machine >= self.machines.len() {
            return;
        }
        self.machines.remove(machine);
        for component in &mut self.components {
            if let Some(Placement::Shared(at)) = &mut component.machine {
                *at -= usize::from(*at > machine);
            }
        }
        self.keep_faults(|on| match on {
            Target::Machine(at) => moved(at, machine).map(Target::Machine),
            other => Some(other),
        });
    }

    /// Each fault's target as it is now; the fault goes with a target that is gone.
    fn keep_faults(&mut self, now: impl Fn(Target) -> Option<Target>) {
        let faults = std::mem::take(&mut self.faults);
        let keep = |fault: Fault| Some(Fault { on: now(fault.on)?, ..fault });
        self.faults = faults.into_iter().filter_map(keep).collect();
    }

    /// Makes another component like this one, connected as it is, with its centre at `at`. The new component's index;
    /// none, and nothing is changed, where the board is full.
    pub fn duplicate(&mut self, component: usize, at: [f32; 2]) -> Option<usize> {
        let new = self.components.len();
        let mut copy = self.components.get(component)?.clone();
        copy.id = self.fresh_name(&copy.id);
        copy.at = at;
        let mut after = self.clone();
        after.components.push(copy);
        let end = |at: usize| if at == component { new } else { at };
        let touches = |link: &&Link| link.from == component || link.to == component;
        let links = self.links.iter().filter(touches).map(|link| Link {
            from: end(link.from),
            to: end(link.to),
            ..link.clone()
        });
        after.links.extend(links);
        self.take(after).then_some(new)
    }

    /// Sets how many copies of a component there are. False, and nothing is changed, where there cannot be so many.
    pub fn set_copies(&mut self, component: usize, copies: u32) -> bool {
        let most = if self.kind(component) == Some(Kind::Clients) { 1 } else { limits::COPIES };
        if component >= self.components.len() || !(1..=most).contains(&copies) {
            return false;
        }
        let mut after = self.clone();
        after.components[component].copies = copies;
        // What befell a copy that is gone befalls nobody.
        after.keep_faults(|on| match on {
            Target::Component(at, Some(copy)) if at == component && copy >= copies => None,
            other => Some(other),
        });
        self.take(after)
    }

    /// Puts a component on a machine of this size: its own, or the one that it shares with others. False where it runs
    /// on none of ours.
    pub fn set_size(&mut self, component: usize, size: &MachineSize) -> bool {
        match self.components.get_mut(component).and_then(|it| it.machine.as_mut()) {
            Some(Placement::Own { size: name, machine }) => {
                (*name, *machine) = (Some(size.id.clone()), size.machine.clone());
                true
            }
            Some(Placement::Shared(machine)) => {
                let machine = *machine;
                self.set_machine_size(machine, size)
            }
            None => false,
        }
    }

    /// Makes a shared machine one of this size. False where there is none.
    pub fn set_machine_size(&mut self, machine: usize, size: &MachineSize) -> bool {
        let Some(NamedMachine { size: name, machine, .. }) = self.machines.get_mut(machine) else { return false };
        (*name, *machine) = (Some(size.id.clone()), size.machine.clone());
        true
    }

    /// Puts a component into a region of the stage, or into none by name. False where there is no such region.
    pub fn set_region(&mut self, component: usize, region: Option<usize>) -> bool {
        let known = region.is_none_or(|region| region < self.regions.len());
        match self.components.get_mut(component).filter(|_| known) {
            Some(it) => {
                it.region = region;
                true
            }
            None => false,
        }
    }

    /// Gives a component another name. False, and nothing is changed, when it is no name or another's already.
    pub fn rename(&mut self, component: usize, id: &str) -> bool {
        if component >= self.components.len() || !super::check::valid_id(id) {
            return false;
        }
        let old = std::mem::take(&mut self.components[component].id);
        let is_free = self.fresh_name(id) == id;
        self.components[component].id = if is_free { id.to_owned() } else { old };
        is_free
    }

    /// Which component is here what that of another stage is there: the one of its name; or, where none has it, one of its
    /// kind in its place with a name that is new.
    pub fn same_component(&self, of: &Self, index: usize) -> Option<usize> {
        let there = of.components.get(index)?;
        self.component(&there.id).or_else(|| {
            let here = self.components.get(index)?;
            (here.settings.kind() == there.settings.kind() && of.component(&here.id).is_none()).then_some(index)
        })
    }

    /// What a target of another stage is here: a board that was edited counts its things anew, and may name them otherwise.
    pub fn counterpart(&self, of: &Self, on: &Target) -> Option<Target> {
        let here = |index: usize| self.same_component(of, index);
        match on {
            Target::Component(index, copy) => {
                let index = here(*index)?;
                let there = copy.is_none_or(|copy| copy < self.components[index].copies);
                there.then_some(Target::Component(index, *copy))
            }
            Target::Machine(index) => {
                let id = &of.machines.get(*index)?.id;
                self.machines.iter().position(|machine| machine.id == *id).map(Target::Machine)
            }
            Target::Link(index) => {
                let link = of.links.get(*index)?;
                let ends = (here(link.from)?, here(link.to)?);
                self.links.iter().position(|it| (it.from, it.to) == ends).map(Target::Link)
            }
            Target::Region(index) => Some(Target::Region(*index)).filter(|_| *index < self.regions.len()),
        }
    }

    /// Components that no request comes to yet, and users that have nobody to ask: until they are connected, or taken
    /// away, the stage cannot run.
    pub fn unconnected(&self) -> Vec<usize> {
        let reached = self.reached();
        (0..self.components.len()).filter(|index| !reached[*index] || self.asks_nobody(*index)).collect()
    }

    /// Whether anybody is there to ask for something.
    pub fn has_users(&self) -> bool {
        self.components.iter().any(|component| component.settings.kind() == Kind::Clients)
    }

    /// Whether nothing was added, removed, copied or connected otherwise: a run can go on.
    pub fn has_shape_of(&self, other: &Self) -> bool {
        let placed = |placement: &Option<Placement>| match placement {
            None => None,
            Some(Placement::Shared(index)) => Some(Some(*index)),
            Some(Placement::Own { .. }) => Some(None),
        };
        let alike = |(a, b): (&Component, &Component)| {
            a.id == b.id
                && (a.copies, a.region, a.settings.kind()) == (b.copies, b.region, b.settings.kind())
                && placed(&a.machine) == placed(&b.machine)
        };
        let ways = |stage: &Self| stage.links.iter().map(|link| (link.from, link.to, link.classes)).collect::<Vec<_>>();
        self.components.len() == other.components.len()
            && self.components.iter().zip(&other.components).all(alike)
            && self.machines.iter().map(|named| &named.id).eq(other.machines.iter().map(|named| &named.id))
            && ways(self) == ways(other)
            && self.faults == other.faults
    }

    fn kind(&self, component: usize) -> Option<Kind> {
        self.components.get(component).map(|it| it.settings.kind())
    }

    /// Whether so many more components and links are within the limits.
    fn has_room(&self, components: usize, links: usize) -> bool {
        self.components.len() + components <= limits::COMPONENTS && self.links.len() + links <= limits::LINKS
    }

    /// Becomes what it was changed to, unless that is too large to be simulated.
    fn take(&mut self, after: Self) -> bool {
        let copies: u64 = after.components.iter().map(|it| u64::from(it.copies)).sum();
        let fits = after.has_room(0, 0) && copies <= u64::from(limits::COPIES) && after.edges() <= limits::EDGES;
        if fits {
            *self = after;
        }
        fits
    }
}

/// Where what stood at `at` is once the thing at `gone` was taken out of the list; none for that thing itself.
fn moved(at: usize, gone: usize) -> Option<usize> {
    (at != gone).then(|| at - usize::from(at > gone))
}

/// No class but this one.
fn only(class: Class) -> PerClass<bool> {
    let mut classes = PerClass::all(false);
    *classes.get_mut(class) = true;
    classes
}
