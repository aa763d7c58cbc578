//! A database: processes that run queries, rows in memory and on disk, and a disk that must hold what was written.
//!
//! What finding rows costs is in `table`, the way of a query in `storage`, copies and promotion in `replication`; the
//! archive job is in `archive`, who else keeps the rows in `members`, what theory is told of all this in `theory`.

mod archive;
mod members;
mod theory;

use super::glance::Glance;
use super::replication::{Promotion, TICK_NS};
use super::storage::{Limits, Plan, Storage};
use super::table::{Cost, Question, Table};
use super::{About, Behaviour, Kind, Metric, MetricReading, NodeGauge, Place};
use crate::choices;
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::processor::Crosstalk;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::engine::{Engine, Timer};
use crate::settings;
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Bytes, Duration, Nanos};
use crate::workload::{Demand, PerClass, Workload};

pub(super) use theory::flow;

/// What the model of the database does.
pub const ABOUT: About = About {
    name: "Database",
    summary: "Keeps the rows, finds them again, and says a change is safe only when the disk holds it.",
    models: &[
        "A query shares the machine's processors equally with everything else that runs there (processor sharing).",
        "A change waits until the disk holds its log record; the disk serves one synchronous write after another, or with group commit one write for all that wait.",
        "Every connection holds memory, and their number is limited; one more is refused.",
    ],
    also: &[
        "With an index a search costs a page for each level, the logarithm of the rows; without one it reads every row that partitions do not rule out. Every further index costs each change.",
        "Rows that do not fit in the machine's spare memory are read from the disk: the most popular rows stay in memory.",
        "Rows are added and fill the disk; an archive job moves old ones away and loads the machine meanwhile.",
        "Each family of stores has its own price for reading, writing, scanning and joining. Where there are no joins the app looks up again instead: a round trip and a read for each look-up.",
        "NewSQL commits wait for a round trip to the majority. When nodes cannot see one another, a consistent store refuses without a majority, an available one answers with what it has.",
        "Replicas are told of every commit; a synchronous commit waits for their word. Two databases that are linked both take changes, and conflict where one changes what it has not heard of.",
    ],
    leaves_out: &[
        "Locks between changes of the same row.",
        "Order of look-ups in memory: the most popular rows are taken to be there.",
        "Contention set on two programs of one machine: the last one set counts.",
        "Repair of what copies of an available store disagree about.",
    ],
    hosted: true,
    origin: false,
    calls: &[Kind::Replica, Kind::Database],
    glance: &[
        Glance::share("memory_hit_ratio", "From memory"),
        Glance::seconds("lag", "Lag").most(),
        Glance::rate("stale_reads", "stale").beside(),
        Glance::count("lost_writes", "lost").at_head(),
    ],
};

choices! {
    /// What shape of data a store is made for; it decides what reading, writing, scanning and joining cost.
    pub enum Family {
        /// Tables, joins, transactions.
        Relational = "relational",
        /// A value for a key.
        KeyValue = "key-value",
        /// Whole documents, with what belongs to them inside.
        Document = "document",
        /// Rows of many columns in sorted files that are only ever added.
        ColumnFamily = "column-family",
        /// Nodes and edges that are followed.
        Graph = "graph",
        /// Values over time, compressed column by column.
        TimeSeries = "time-series",
        /// Tables and transactions over several nodes that agree on each commit.
        NewSql = "newsql",
    }
}

choices! {
    /// What copies of a store do when they cannot see one another.
    pub enum OnPartition {
        /// Nothing: they know nothing of each other.
        Alone = "alone",
        /// Refuse where no majority is seen: consistent, not available.
        Consistent = "cp",
        /// Answer with what is there: available, not consistent.
        Available = "ap",
    }
}

settings! {
    /// Settings of a database.
    pub struct Settings {
        /// Processor time of one query.
        demand: PerClass<Demand> = PerClass([
                Demand::NONE,
                Demand::exponential(Duration::from_ms(2)),
                Demand::exponential(Duration::from_ms(2)),
                Demand::exponential(Duration::from_ms(4)),
            ]), 0.0..=600.0,
            "Assumed: rows found by an index and joined; calibrate your own with loadgen";
        /// Synchronous disk writes of one query. A query that writes is a change, and commits.
        writes: PerClass<f64> = PerClass([0.0, 0.0, 0.4, 0.1]), 0.0..=1000.0,
            "Of three queries of a change one commits; a job commits once in ten queries";
        /// Connections that are served at once. One more is refused.
        connections: u32 = 100, 1.0..=1_000_000.0,
            "PostgreSQL's documentation: max_connections is 100 by default";
        /// Memory of the server when idle, its page cache of rows included.
        process_memory: Bytes = Bytes(250_000_000), 0.0..=1e15,
            "PostgreSQL's documentation: shared_buffers is 128 MB by default; the rest is its processes";
        /// Memory that each connection in use holds.
        memory_per_connection: Bytes = Bytes(5_000_000), 0.0..=1e12,
            "Assumed: one PostgreSQL process with a warm catalogue cache and work_mem of 4 MB";
        /// How long a killed server takes until it answers again.
        restart: Duration = Duration::from_s(15), 0.0..=86_400.0,
            "Assumed: crash recovery of a small write-ahead log";
        /// What kind of store it is.
        family: Family = Family::Relational, 0.0..=6.0,
            "PostgreSQL and MySQL lead among web apps (Stack Overflow Developer Survey 2024)";
        /// Share of the queries that join tables.
        joins: PerClass<f64> = PerClass([0.0, 0.5, 0.0, 0.5]), 0.0..=1.0,
            "Assumed: of a page's two queries one joins lists with items", needs family | index;
        /// Look-ups that the app makes in place of a join where the store has none.
        join_lookups: u32 = 3, 0.0..=1000.0,
            "Assumed: a list, its items, their owner", needs family;
        /// Share of the queries that look for rows by more than their key, and need an index.
        searches: PerClass<f64> = PerClass([0.0, 0.5, 0.0, 0.5]), 0.0..=1.0,
            "Assumed: of a page's two queries one looks for the open items of a list", needs index;
        /// Share of the queries that add up a span of the table, with an index or without.
        scans: PerClass<f64> = PerClass([0.0, 0.0, 0.0, 0.0]), 0.0..=1.0,
            "None unless set: a to-do list has few sums";
        /// Share of the table that a search or scan is about: its most recent part.
        span: f64 = 0.05, 0.0..=1.0,
            "Assumed: the last weeks of a year", needs index | partitions | scans;
        /// Rows of the table at the start.
        rows: u32 = 100_000, 0.0..=4e9,
            "A hundred items for each of a thousand users";
        /// Bytes of a row.
        row: Bytes = Bytes(250), 1.0..=1e9,
            "Assumed: a short text, some ids and dates, and 24 bytes of PostgreSQL's row header";
        /// Rows that a commit adds; the others change what is there.
        growth: f64 = 0.5, 0.0..=1000.0,
            "Assumed: half of all changes add an item";
        /// Whether the searched column has an index.
        index: bool = true, 0.0..=1.0,
            "Whoever made the table thought of it";
        /// Further indexes, which every change keeps up to date.
        more_indexes: u32 = 0, 0.0..=1000.0,
            "None unless set";
        /// Processor time of keeping one of them at one change.
        index_write: Duration = Duration::from_ns(100_000), 0.0..=1.0,
            "Assumed: find a leaf, insert, log it; pgbench with and without an index measures yours", needs more_indexes;
        /// Processor time of one row that is read to see whether it is meant.
        row_cost: Duration = Duration::from_ns(100), 0.0..=1.0,
            "Assumed: ten million rows a second and processor, the order of a sequential scan in PostgreSQL", needs index | scans;
        /// Parts of the table by month or day; a query that names its time reads only the parts it is about.
        partitions: u32 = 1, 1.0..=100_000.0,
            "One table unless set";
        /// Memory that always holds rows. The machine's spare memory holds more, as the operating system's cache of files.
        buffers: Bytes = Bytes(128_000_000), 0.0..=1e15,
            "PostgreSQL's documentation: shared_buffers is 128 MB by default";
        /// Pages that a look-up reads from the disk when its row is not in memory.
        pages: u32 = 2, 0.0..=1000.0,
            "A leaf of the index and the row's own page; the upper levels of an index are always in memory";
        /// Bytes a second that the disk reads in sequence.
        disk_rate: Bytes = Bytes(125_000_000), 1.0..=1e12,
            "AWS EBS gp3: 125 MiB/s of throughput unless more is paid for";
        /// Whether commits that wait at the same time share one write of the log.
        group_commit: bool = false, 0.0..=1.0,
            "PostgreSQL's documentation of commit_delay; off here, so that the plain disk shows";
        /// Copies whose acknowledgement a commit waits for; 0 for asynchronous replication.
        synchronous: u32 = 0, 0.0..=100.0,
            "PostgreSQL's documentation: synchronous_standby_names is empty by default";
        /// How long it waits for them before it goes on without, until they are back.
        synchronous_wait: Duration = Duration::from_s(10), 0.0..=3600.0,
            "MySQL's manual: rpl_semi_sync_source_timeout is 10,000 ms by default", needs synchronous;
        /// Round trip to a majority of the nodes, which each commit of a NewSQL store waits for.
        consensus: Duration = Duration::from_ms(2), 0.0..=10.0,
            "Assumed: two zones of one region, 1 ms apart; Spanner (OSDI 2012) needs a round of Paxos for each commit", needs family;
        /// What copies, and databases that are linked, do when they cannot see one another.
        on_partition: OnPartition = OnPartition::Alone, 0.0..=2.0,
            "One server alone unless set; Gilbert & Lynch (2002) prove that there is no third choice";
        /// How long a node of an available store that comes back answers with what it knew when it left.
        repair: Duration = Duration::from_s(60), 0.0..=86_400.0,
            "Assumed: hints that the others kept are replayed (DeCandia et al., Dynamo, SOSP 2007)", needs on_partition;
        /// Processor time of applying another copy's change.
        apply: Demand = Demand::exponential(Duration::from_ms(1)), 0.0..=60.0,
            "Assumed: half of a query, for nothing is parsed or planned", needs synchronous;
        /// How often old rows are moved to an archive; 0 for never.
        archive_every: Duration = Duration::ZERO, 0.0..=31_536_000.0,
            "Never unless set";
        /// Rows that the archive job leaves.
        archive_keeps: u32 = 0, 0.0..=4e9,
            "None unless set", needs archive_every;
        /// Rows that it moves in a second.
        archive_rate: u32 = 10_000, 1.0..=1e9,
            "Assumed: deletes in batches", needs archive_every;
        /// Processor time of moving one row.
        archive_row: Duration = Duration::from_ns(40_000), 0.0..=1.0,
            "Assumed: insert there, delete here, with the indexes of both", needs archive_every;
        /// Serial share of the work: what only one query may do at a time, of all the machine does.
        contention: f64 = 0.0, 0.0..=1.0,
            "None unless measured: the sigma of the Universal Scalability Law (Gunther, 2007)";
        /// Cost of keeping each pair of queries in agreement, as a share of the work.
        coherency: f64 = 0.0, 0.0..=1.0,
            "None unless measured: the kappa of the Universal Scalability Law (Gunther, 2007)";
    }
}

const LOOK: u8 = 0;
const ARCHIVES: u8 = 1;
/// A database that has come back as a follower takes over again as a replica does by default.
const TAKE_OVER: Promotion = Promotion { on: true, after: Duration::from_s(30) };

/// A database at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    storage: Storage,
    table: Table,
    demand: [Sampler; 4],
    demands: Stream,
    kinds: Stream,
    /// Nodes of the same store: its other copies, and databases that are linked, with the edge between them.
    members: Vec<(u16, Option<u16>)>,
    look: Slot,
    archives: Slot,
    /// When it went down last, and until when it has not been told everything that it missed.
    behind: Option<(Nanos, Nanos)>,
    /// The archive job: its call, the rows that it moves now, has moved in this run, has moved in all.
    archiving: Option<CallId>,
    moving: f64,
    moved: f64,
    archived: f64,
    stuck: bool,
    look_ups: u64,
    misses: u64,
    stale: u64,
    refused: u64,
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        connections: settings.connections,
        memory_bytes: settings.process_memory.0 as f64,
        connection_bytes: settings.memory_per_connection.0 as f64,
        group_commit: settings.group_commit,
        synchronous: settings.synchronous,
        patience: settings.synchronous_wait,
    }
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, workload: &Workload, engine: &mut Engine) -> Self {
        let look = engine.add_timer(Timer { node: place.node, which: LOOK });
        let archives = engine.add_timer(Timer { node: place.node, which: ARCHIVES });
        let members = members::of(&place, engine);
        let mut state = Self {
            storage: Storage::new(limits(settings), &place, &settings.apply, engine),
            table: Table::new(settings.rows, &workload.popularity),
            demand: settings.demand.0.map(|demand| Sampler::new(&demand)),
            demands: engine.stream(&place.name, "demand"),
            kinds: engine.stream(&place.name, "kind"),
            members,
            look,
            archives,
            behind: None,
            archiving: None,
            moving: 0.0,
            moved: 0.0,
            archived: 0.0,
            stuck: false,
            look_ups: 0,
            misses: 0,
            stale: 0,
            refused: 0,
            settings: *settings,
        };
        state.storage.shared = !state.members.is_empty();
        state.fill(engine);
        state
    }

    /// The rows are on the disk.
    fn fill(&mut self, engine: &mut Engine) {
        let bytes = Table::bytes(&self.settings, self.table.rows);
        self.storage.occupy(engine, bytes);
        let log = engine.log_of_mut(self.storage.node);
        (log.rows, log.bytes) = (self.table.rows, bytes);
    }

    /// What a query is: its draws are the same whatever the store makes of it.
    fn question(&self, engine: &Engine, call: &crate::engine::calls::Call, number: u64, in_memory: f64) -> Question {
        let Settings { joins, searches, scans, .. } = &self.settings;
        let mut draw = self.kinds.draw(number);
        let mut is = |share: &PerClass<f64>| {
            let share = *share.get(call.class);
            // Drawn in any case, so that one share does not shift the other's draws.
            draw.chance(share)
        };
        let (joins, searches, scans) = (is(joins), is(searches), is(scans));
        let item = if in_memory < 1.0 { engine.item(call.request, 0) } else { 1 };
        Question { change: false, joins, searches, scans, item }
    }

    fn plan(&mut self, engine: &Engine, id: CallId) -> Option<Plan> {
        let call = engine.get(id)?;
        self.table.rows = engine.log_of(self.storage.node).rows;
        let number = Storage::draw_number(engine, call);
        let spare_bytes = Table::spare_bytes(engine, self.storage.host);
        let in_memory = self.table.in_memory(&self.settings, spare_bytes);
        let writes = self.storage.writes(call, *self.settings.writes.get(call.class), number);
        let question = Question { change: writes > 0, ..self.question(engine, call, number, in_memory) };
        let Cost { factor, more_ns, scan_ns, pages, lookups } = self.table.cost(&self.settings, question, in_memory);
        self.look_ups += 1;
        self.misses += u64::from(pages > 0 || scan_ns > 0);
        let demand_ns = engine.demand_ns(&self.demand[call.class as usize], &mut self.demands.draw(number));
        let mean_ns = self.settings.demand.get(call.class).mean.ns() as f64;
        let new_rows = if writes > 0 { self.settings.growth } else { 0.0 };
        let agrees = self.settings.family == Family::NewSql && writes > 0;
        Some(Plan {
            demand_ns: demand_ns * factor + more_ns,
            scan_ns,
            pages,
            lookups,
            lookup_ns: mean_ns * factor,
            writes,
            new_rows,
            new_bytes: Table::bytes(&self.settings, new_rows),
            consensus_ns: if agrees { self.settings.consensus.ns() } else { 0 },
            change: writes > 0,
            ..Plan::default()
        })
    }

    fn crosstalk(&self) -> Crosstalk {
        Crosstalk { contention: self.settings.contention, coherency: self.settings.coherency }
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.storage.start(engine);
        self.storage.replication.start(engine, true);
        if self.crosstalk() != Crosstalk::default() {
            engine.set_crosstalk(self.storage.host, self.crosstalk());
        }
        if self.storage.replication.has_peers() {
            engine.set_timer(self.look, engine.now().saturating_add(TICK_NS));
        }
        if let Some((_, until)) = &mut self.behind {
            *until = engine.now().saturating_add(self.settings.repair.ns());
        }
        self.await_archive(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.storage.stop(engine);
        self.archiving = None;
        self.behind = Some((engine.now(), Nanos::MAX));
        engine.clear_timer(self.look);
        engine.clear_timer(self.archives);
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        if !self.storage.admits(engine, id) {
            return;
        }
        if self.settings.on_partition == OnPartition::Consistent && !self.majority(engine) {
            self.refused += 1;
            engine.answer(id, Err(Cause::Refused));
            return;
        }
        let Some(mut plan) = self.plan(engine, id) else { return };
        if plan.change && !engine.presence(self.storage.node).primary {
            // It has been replaced, and whoever asks it has not noticed.
            engine.answer(id, Err(Cause::Error));
            return;
        }
        if !plan.change && (!self.members.is_empty() || self.storage.replication.has_peers()) {
            plan.stale = self.out_of_date(engine, id);
            self.stale += u64::from(plan.stale);
        }
        self.storage.take(engine, id, plan);
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        if !self.storage.served(engine, id) {
            self.archive_on(engine, id);
        }
    }

    fn timer(&mut self, engine: &mut Engine, which: u8) {
        if which == ARCHIVES {
            self.archive(engine);
            return;
        }
        self.storage.replication.look(engine, TAKE_OVER);
        self.storage.finish_ready(engine);
        engine.set_timer(self.look, engine.now().saturating_add(TICK_NS));
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, workload: &Workload) {
        let super::Settings::Database(settings) = settings else { return };
        let crosstalk = self.crosstalk();
        let old = std::mem::replace(&mut self.settings, *settings);
        self.demand = settings.demand.0.map(|demand| Sampler::new(&demand));
        self.storage.configure(engine, limits(settings));
        self.storage.replication.set_apply(&settings.apply);
        self.table.configure(&workload.popularity);
        self.table.rows =
            if old.rows == settings.rows { engine.log_of(self.storage.node).rows } else { f64::from(settings.rows) };
        self.fill(engine);
        if crosstalk != self.crosstalk() {
            engine.set_crosstalk(self.storage.host, self.crosstalk());
        }
        // A job that is under way sees to the next itself.
        if old.archive_every != settings.archive_every && self.archiving.is_none() {
            engine.clear_timer(self.archives);
            self.await_archive(engine);
        }
    }

    fn fault(&mut self, engine: &mut Engine, kind: &FaultKind, on: bool) {
        if *kind == FaultKind::Stuck {
            self.stuck = on;
            self.storage.replication.stick(engine, on);
        }
    }

    fn metrics(&self, engine: &Engine, metrics: &mut Vec<Metric>) {
        let log = engine.log_of(self.storage.node);
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let (look_ups, misses) = (self.look_ups as f64, self.misses as f64);
        add("rows", Unit::Count, MetricReading::Gauge(log.rows));
        add("memory_hit_ratio", Unit::Number, MetricReading::Ratio(look_ups - misses, look_ups));
        if self.settings.archive_keeps > 0 {
            add("archived", Unit::Count, MetricReading::Count(self.archived));
        }
        if self.settings.on_partition == OnPartition::Consistent {
            add("refused_without_majority", Unit::Count, MetricReading::Count(self.refused as f64));
        }
        if self.storage.replication.has_peers() {
            let replication = &self.storage.replication;
            add("conflicts", Unit::Count, MetricReading::Count(replication.conflicts as f64));
            add("lost_writes", Unit::Count, MetricReading::Count(replication.lost as f64));
            add("lag", Unit::Seconds, MetricReading::Gauge(replication.lag_s(engine)));
        }
        if self.storage.replication.has_peers() || !self.members.is_empty() {
            add("stale_reads", Unit::Count, MetricReading::Count(self.stale as f64));
        }
    }

    fn gauge(&self) -> NodeGauge {
        let (in_service, in_service_most) = self.storage.connections();
        NodeGauge { waiting: 0, waiting_most: 0, in_service, in_service_most, up: true }
    }

    fn memory_bytes(&self) -> f64 {
        self.storage.memory_bytes()
    }

    fn restart_ns(&self) -> Nanos {
        self.settings.restart.ns()
    }
}
