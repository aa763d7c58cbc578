//! Shards: one large set of rows cut into pieces, each on a database of its own, and the router that knows which is where.

mod theory;

use super::glance::Glance;
use super::{About, Behaviour, Kind, Metric, MetricReading, Place};
use crate::choices;
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::zipf::Zipf;
use crate::engine::{Engine, Reply};
use crate::settings;
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Duration, Nanos, SECOND_NS};
use crate::workload::{Class, PerClass, Workload};

pub(super) use theory::flow;

/// What the model does.
pub const ABOUT: About = About {
    name: "Shards",
    summary: "Cuts the rows into pieces by a key, puts each piece on a database of its own, and sends every query to the right one.",
    models: &[
        "The key of a query's item leads to a slot, the slot to a database: a popular item is a hot key, and its database a hot shard.",
        "A query that the key does not confine asks every shard and waits for the last answer; one shard that fails fails it.",
        "A join across keys is a second query, on the other item's shard.",
        "When the number of shards changes, rows move: with the slots of a modulo nearly all, with logical shards only those that even things out. Moving uses the processors and disks of both sides and takes time; until a slot has moved, it is served where it was.",
        "When a shard is down, its part of the queries fails and the others go on.",
    ],
    also: &[],
    leaves_out: &[
        "The router's own machine.",
        "Transactions across shards.",
        "Changes of a slot while it moves: they are taken to be copied along.",
    ],
    hosted: false,
    origin: false,
    calls: &[Kind::Database],
    glance: &[Glance::share("hottest_share", "Hottest has").most(), Glance::share("scattered", "Scattered")],
};

choices! {
    /// What says where a row belongs.
    pub enum Key {
        /// The account: all rows of one are together, and a busy account makes a hot shard.
        Account = "account",
        /// The row itself: an account's rows are everywhere, and whoever wants them all asks every shard.
        Hash = "hash",
        /// When it was made: all changes go to the newest shard.
        Time = "time",
        /// One of a few categories, some larger than others.
        Category = "category",
        /// The day of the week: today's shard works, the others wait for their day.
        DayOfWeek = "day-of-week",
        /// Ranges of account numbers; the oldest accounts are the busiest.
        Range = "range",
    }
}

settings! {
    /// Settings of a router.
    pub struct Settings {
        /// What says where a row belongs.
        key: Key = Key::Account, 0.0..=5.0,
            "Assumed: almost every query of a to-do list is about one account";
        /// Databases in use, the first of those that are linked; 0 for all.
        shards: u32 = 0, 0.0..=1000.0,
            "All unless set";
        /// Slots that keys fall into; each is on one database as a whole.
        slots: u32 = 256, 1.0..=65_536.0,
            "Assumed; Redis Cluster's specification has 16,384 slots, Vitess splits by ranges of a hash";
        /// Whether slots are logical shards, that keep their place unless they are moved. Else a key's hash modulo the number of databases decides.
        logical: bool = true, 0.0..=1.0,
            "Sharding & IDs at Instagram (2012): thousands of logical shards on few physical ones";
        /// Categories, where that is the key. The k-th is as popular as 1/k.
        categories: u32 = 8, 1.0..=10_000.0,
            "Assumed";
        /// Share of the reads that are about today, where time or the day of the week is the key.
        recent: f64 = 0.7, 0.0..=1.0,
            "Assumed: people look at what is new";
        /// Share of the queries that no key confines: they ask every shard.
        scatter: PerClass<f64> = PerClass([0.0, 0.02, 0.0, 0.0]), 0.0..=1.0,
            "Assumed: a search in everything that is shared with somebody";
        /// Share of the queries that need a second item, which may be on another shard. None where the rows hold a copy of what they need.
        cross_joins: PerClass<f64> = PerClass([0.0, 0.05, 0.0, 0.0]), 0.0..=1.0,
            "Assumed: a shared list and its owner";
        /// Time that the router takes for one query.
        overhead: Duration = Duration::from_ns(100_000), 0.0..=1.0,
            "Assumed: parse a query, look up a table; a proxy such as Vitess' vtgate adds about a millisecond with its hop";
        /// How long a shard's answer may take.
        timeout: Duration = Duration::from_s(10), 0.001..=600.0,
            "Assumed: shorter than the app's own";
        /// Rows of all shards together.
        rows: u32 = 100_000_000, 0.0..=4e9,
            "Assumed: 20 items for each of five million users";
        /// Rows that are moved in a second when the number of shards changes.
        move_rate: u32 = 20_000, 1.0..=1e9,
            "Assumed: slow enough for users not to notice";
        /// Processor time of moving one row, on each side.
        move_row: Duration = Duration::from_ns(20_000), 0.0..=1.0,
            "Assumed: read and delete here, insert there";
    }
}

/// A database behind the router.
#[derive(Clone, Copy, Debug, Default)]
struct Shard {
    edge: u16,
    /// Queries so far.
    queries: u64,
}

/// The router at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    shards: Vec<Shard>,
    /// By slot: the database that serves it.
    owner: Vec<u16>,
    kinds: Stream,
    items: u64,
    categories: Zipf,
    scattered: u64,
    queries: u64,
    failed: u64,
    moving: Option<Move>,
    moved_rows: f64,
    stuck: bool,
}

/// Slots that move to other databases, one after another.
#[derive(Clone, Copy, Debug)]
struct Move {
    call: CallId,
    /// The slot that moves, and rows of it that are still to be moved.
    slot: usize,
    rows_left: f64,
    /// Rows of the present step.
    rows: f64,
    total: f64,
}

/// How a call of the router's own is told apart.
const MOVE: u8 = 16;
/// Rows that are moved in one step.
const STEP_S: f64 = 1.0;
/// Days of a week.
const DAYS: u64 = 7;

/// The category of an item.
fn category(categories: &Zipf, item: u64) -> u64 {
    categories.sample(&mut Stream::new(0, "items", "category").draw(item))
}

/// Spreads a key's bits (the finalizer of SplitMix64).
const fn spread(key: u64) -> u64 {
    let z = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, workload: &Workload, engine: &mut Engine) -> Self {
        let shards: Vec<Shard> =
            place.edges_to(Kind::Database).into_iter().map(|edge| Shard { edge, queries: 0 }).collect();
        let mut state = Self {
            node: place.node,
            shards,
            owner: Vec::new(),
            kinds: engine.stream(&place.name, "kind"),
            items: workload.popularity.items.max(1),
            categories: Zipf::new(u64::from(settings.categories), 1.0),
            scattered: 0,
            queries: 0,
            failed: 0,
            moving: None,
            moved_rows: 0.0,
            stuck: false,
            settings: *settings,
        };
        state.owner = (0..state.slots()).map(|slot| (slot % state.active()) as u16).collect();
        state
    }

    fn slots(&self) -> usize {
        self.settings.slots.max(1) as usize
    }

    /// Databases in use.
    fn active(&self) -> usize {
        let all = self.shards.len().max(1);
        if self.settings.shards == 0 { all } else { (self.settings.shards as usize).min(all) }
    }

    /// Databases of which one may hold rows: while rows move, those that they have not left yet as well.
    fn holding(&self) -> usize {
        let owners = self.moving.and_then(|_| self.owner.iter().max());
        owners.map_or(0, |last| usize::from(*last) + 1).max(self.active())
    }

    /// The slot of an item, for a query of this class.
    fn slot(&self, item: u64, class: Class, number: u64) -> usize {
        let slots = self.slots() as u64;
        // The item's place among all, from the most popular to the least. At most 1e12 items and 65,536 slots: it fits.
        let by_rank = || (item - 1) * slots / self.items;
        let mut draw = self.kinds.draw(number.rotate_left(32));
        let slot = match self.settings.key {
            Key::Account => spread(item),
            Key::Hash => draw.bits(),
            Key::Range => by_rank(),
            Key::Time if class == Class::Write || draw.chance(self.settings.recent) => slots - 1,
            Key::Time => by_rank(),
            Key::Category => category(&self.categories, item),
            Key::DayOfWeek if class == Class::Write || draw.chance(self.settings.recent) => 0,
            Key::DayOfWeek => draw.bits() % DAYS,
        };
        (slot % slots) as usize
    }

    /// Asks the shard of a slot.
    fn ask(&mut self, engine: &mut Engine, id: CallId, shard: usize) {
        let Some(shard) = self.shards.get_mut(shard) else { return };
        shard.queries += 1;
        let verb = engine.get(id).map_or(0, |call| call.verb);
        if let Some(child) = engine.call(shard.edge, id, self.settings.timeout.ns()) {
            child.verb = verb;
            if let Some(call) = engine.get_mut(id) {
                call.count += 1;
            }
        }
    }

    fn finish(&mut self, engine: &mut Engine, id: CallId, cause: Option<Cause>) {
        if let Some(call) = engine.get_mut(id) {
            call.note = 0;
        }
        self.failed += u64::from(cause.is_some());
        engine.answer(id, cause.map_or(Ok(()), Err));
    }

    /// The database that should serve a slot when the present number is in use.
    fn target(&self, slot: usize) -> u16 {
        (slot % self.active()) as u16
    }

    /// Finds out what must move, and begins to.
    fn reshard(&mut self, engine: &mut Engine) {
        let goal = self.goal();
        let total = self.owner.iter().zip(&goal).filter(|(owner, goal)| owner != goal).count() as f64;
        if total == 0.0 || self.moving.is_some() {
            return;
        }
        let call = engine.begin_own(0, Class::Job, self.node, None);
        if let Some(call) = engine.get_mut(call) {
            call.verb = MOVE;
        }
        self.moving = Some(Move { call, slot: 0, rows_left: 0.0, rows: 0.0, total: 0.0 });
        self.move_on(engine);
    }

    /// The database of each slot, as it should be. Logical shards move only from whoever has too many to whoever has too
    /// few; a modulo does not care where anything was.
    fn goal(&self) -> Vec<u16> {
        let (slots, active) = (self.slots(), self.active());
        if !self.settings.logical {
            return (0..slots).map(|slot| self.target(slot)).collect();
        }
        let fair = |shard: usize| slots / active + usize::from(shard < slots % active);
        let mut goal = self.owner.clone();
        let mut held = vec![0_usize; self.shards.len().max(1)];
        goal.iter().for_each(|owner| held[usize::from(*owner)] += 1);
        for slot in &mut goal {
            let owner = usize::from(*slot);
            let too_many = owner >= active || held[owner] > fair(owner);
            let needy = (0..active).find(|shard| held[*shard] < fair(*shard)).filter(|_| too_many);
            if let Some(needy) = needy {
                held[owner] -= 1;
                held[needy] += 1;
                *slot = needy as u16;
            }
        }
        goal
    }

    /// Moves the next rows, or ends.
    fn move_on(&mut self, engine: &mut Engine) {
        let Some(mut moving) = self.moving else { return };
        let slot_rows = f64::from(self.settings.rows) / self.slots() as f64;
        let goal = self.goal();
        if moving.rows_left <= 0.0 || self.owner[moving.slot] == goal[moving.slot] {
            match (0..self.slots()).find(|slot| self.owner[*slot] != goal[*slot]) {
                Some(slot) => (moving.slot, moving.rows_left) = (slot, slot_rows.max(1.0)),
                None => {
                    self.moving = None;
                    engine.finish(moving.call);
                    return;
                }
            }
        }
        moving.rows = moving.rows_left.min(f64::from(self.settings.move_rate.max(1)) * STEP_S);
        if let Some(call) = engine.get_mut(moving.call) {
            call.step = 0;
        }
        self.moving = Some(moving);
        self.work_at(engine, moving, self.owner[moving.slot]);
    }

    fn host(&self, engine: &Engine, shard: u16) -> Option<u32> {
        self.shards.get(usize::from(shard)).and_then(|shard| engine.presence(engine.target(shard.edge)).host)
    }

    fn work_at(&self, engine: &mut Engine, moving: Move, shard: u16) {
        let ns = moving.rows * self.settings.move_row.ns() as f64;
        match self.host(engine, shard) {
            Some(host) => engine.compute(moving.call, host, ns),
            None => engine.pause(moving.call, ns as Nanos),
        }
    }

    /// A step of moving is done: the work where the rows were, the work and the write where they are to be, the wait.
    fn moved(&mut self, engine: &mut Engine, id: CallId) {
        let Some(mut moving) = self.moving.filter(|moving| moving.call == id) else { return };
        let Some(call) = engine.get_mut(id) else { return };
        call.step += 1;
        let (step, begun) = (call.step, call.begun);
        let goal = self.goal()[moving.slot];
        match step {
            1 => self.work_at(engine, moving, goal),
            2 => match self.host(engine, goal) {
                Some(host) => engine.write(id, host),
                None => engine.pause(id, 0),
            },
            3 => {
                moving.rows_left -= moving.rows;
                moving.total += moving.rows;
                self.moved_rows += moving.rows;
                if moving.rows_left <= 0.0 {
                    self.owner[moving.slot] = goal;
                }
                self.moving = Some(moving);
                let run_s = moving.total / f64::from(self.settings.move_rate.max(1));
                let due = begun.saturating_add((run_s * SECOND_NS as f64) as Nanos);
                engine.pause(id, due.saturating_sub(engine.now()));
            }
            _ if self.stuck => engine.pause(id, SECOND_NS),
            _ => self.move_on(engine),
        }
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        engine.presence_mut(self.node).primary = true;
        self.reshard(engine);
    }

    fn stop(&mut self, _: &mut Engine) {
        self.moving = None;
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        // Draws of a shard's database belong to the app's query, not to the router's.
        let step = engine.get(id).and_then(|call| engine.get(call.parent)).map_or(0, |parent| parent.step);
        if let Some(call) = engine.get_mut(id) {
            (call.step, call.note, call.count) = (step, 0, 0);
        }
        self.queries += 1;
        engine.serves(id);
        engine.pause(id, self.settings.overhead.ns());
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        if call.verb == MOVE {
            self.moved(engine, id);
            return;
        }
        let number = (call.request << 8) | u64::from(call.step & 0xff);
        let mut draw = self.kinds.draw(number);
        let everywhere = self.settings.key == Key::Hash && call.class == Class::Read;
        let scatters = draw.chance(*self.settings.scatter.get(call.class)) || everywhere;
        let joins = draw.chance(*self.settings.cross_joins.get(call.class));
        if scatters {
            self.scattered += 1;
            (0..self.holding()).for_each(|shard| self.ask(engine, id, shard));
        } else {
            if let Some(call) = engine.get_mut(id).filter(|_| joins) {
                call.note = JOINS;
            }
            let slot = self.slot(engine.item(call.request, 0), call.class, number);
            self.ask(engine, id, usize::from(self.owner[slot]));
        }
        if engine.get(id).is_some_and(|call| call.count == 0) {
            self.finish(engine, id, Some(Cause::Down));
        }
    }

    fn answered(&mut self, engine: &mut Engine, id: CallId, reply: &Reply) {
        let Some(call) = engine.get_mut(id) else { return };
        call.count = call.count.saturating_sub(1);
        if let Err(cause) = reply.answer {
            call.note = FAILED + cause as u64;
        }
        let call = *call;
        if call.count > 0 {
            return;
        }
        if call.note == JOINS {
            // The other item of the join, on whichever shard that is.
            if let Some(call) = engine.get_mut(id) {
                call.note = 0;
            }
            let number = (call.request << 8) | u64::from(call.step & 0xff);
            let slot = self.slot(engine.item(call.request, OTHER_ITEM), call.class, !number);
            self.ask(engine, id, usize::from(self.owner[slot]));
            return;
        }
        let cause = call.note.checked_sub(FAILED).and_then(|cause| Cause::ALL.get(cause as usize).copied());
        self.finish(engine, id, cause);
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, workload: &Workload) {
        let super::Settings::Shards(settings) = settings else { return };
        let slots = self.slots();
        self.settings = *settings;
        self.items = workload.popularity.items.max(1);
        self.categories = Zipf::new(u64::from(settings.categories), 1.0);
        if self.slots() != slots {
            // Other slots are another layout; nothing is known of where their rows were.
            if let Some(moving) = self.moving.take() {
                engine.finish(moving.call);
            }
            self.owner = (0..self.slots()).map(|slot| self.target(slot)).collect();
        }
        self.reshard(engine);
    }

    fn fault(&mut self, _: &mut Engine, kind: &FaultKind, on: bool) {
        if *kind == FaultKind::Stuck {
            self.stuck = on;
        }
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let total: u64 = self.shards.iter().map(|shard| shard.queries).sum();
        let hottest = self.shards.iter().map(|shard| shard.queries).max().unwrap_or(0);
        let share = hottest as f64 / (total.max(1)) as f64;
        add("hottest_share", Unit::Number, MetricReading::Gauge(share));
        add("imbalance", Unit::Number, MetricReading::Gauge(share * self.active() as f64));
        add("scattered", Unit::Number, MetricReading::Ratio(self.scattered as f64, self.queries as f64));
        add("failed", Unit::Number, MetricReading::Ratio(self.failed as f64, self.queries as f64));
        add("moved_rows", Unit::Count, MetricReading::Count(self.moved_rows));
        add("moving", Unit::Switch, MetricReading::Gauge(f64::from(u8::from(self.moving.is_some()))));
    }
}

/// Notes of a query on its way: it needs a second look-up; it has failed, with the cause added.
const JOINS: u64 = 1;
const FAILED: u64 = 16;
/// Which of a request's items a join is with.
const OTHER_ITEM: u64 = 7;

#[cfg(test)]
mod tests;
