//! What finding rows costs: by an index or by reading the table, from memory or from the disk, in stores of every family.

use super::database::{Family, Settings};
use crate::engine::Engine;
use crate::numeric::pow;
use crate::units::Nanos;
use crate::workload::Popularity;

/// Entries of one page of an index: 8 kB pages of some 40 bytes each (PostgreSQL's page size; half a fan-out of 400
/// where pages are half full).
const FAN_OUT: f64 = 200.0;
/// Rows of the table in which the demand of a query was measured.
const REFERENCE_ROWS: f64 = 100_000.0;
/// Processor time of one more level of an index: find a page in memory and search it. Assumed.
const LEVEL_NS: f64 = 2_000.0;
/// Bytes of one index's entries, as a share of the rows' own. Assumed.
const INDEX_SHARE: f64 = 0.2;

/// What a query costs in a family of stores, as factors on a relational store's processor time.
///
/// Orders of magnitude, assumed, in the direction that these found: Cooper et al., "Benchmarking cloud serving systems
/// with YCSB" (SoCC 2010): log-structured column families write cheaply and read dearly; Robinson, Webber & Eifrem,
/// *Graph Databases* (2nd ed. 2015), table 2-1: joins of many steps are where graphs win; Pelkonen et al., "Gorilla"
/// (VLDB 2015): appended and compressed series are cheap to write and to scan; Taft et al., "CockroachDB" (SIGMOD 2020):
/// a transaction over several nodes costs more work than on one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    pub(super) read: f64,
    pub(super) write: f64,
    /// Of processor and disk alike: what is compressed by columns is read so.
    pub(super) scan: f64,
    /// None where the store cannot join.
    pub(super) join: Option<f64>,
}

impl Factors {
    pub(super) const fn of(family: Family) -> Self {
        let (read, write, scan, join) = match family {
            Family::Relational => (1.0, 1.0, 1.0, Some(1.0)),
            Family::KeyValue => (0.2, 0.3, 3.0, None),
            Family::Document => (0.6, 0.8, 1.2, None),
            Family::ColumnFamily => (1.5, 0.3, 0.5, None),
            Family::Graph => (1.2, 1.5, 3.0, Some(0.2)),
            Family::TimeSeries => (1.0, 0.2, 0.1, None),
            Family::NewSql => (1.3, 1.5, 1.2, Some(1.5)),
        };
        Self { read, write, scan, join }
    }
}

/// What one query is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Question {
    pub(super) change: bool,
    pub(super) joins: bool,
    pub(super) searches: bool,
    pub(super) scans: bool,
    /// The item that it is about, by its rank in popularity.
    pub(super) item: u64,
}

/// What it costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    /// Factor on the query's own demand.
    pub(super) factor: f64,
    /// Processor time on top.
    pub(super) more_ns: f64,
    /// Time at the disk to read rows in sequence.
    pub(super) scan_ns: Nanos,
    /// Single pages to read from the disk.
    pub(super) pages: u32,
    /// Further look-ups that the app makes in place of a join.
    pub(super) lookups: u32,
}

/// The rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) rows: f64,
    items: f64,
    zipf: f64,
}

impl Table {
    pub(super) fn new(rows: u32, popularity: &Popularity) -> Self {
        let mut table = Self { rows: f64::from(rows), items: 1.0, zipf: 1.0 };
        table.configure(popularity);
        table
    }

    pub(super) fn configure(&mut self, popularity: &Popularity) {
        (self.items, self.zipf) = ((popularity.items as f64).max(1.0), popularity.zipf);
    }

    /// Bytes of so many rows with their indexes.
    pub(super) fn bytes(settings: &Settings, rows: f64) -> f64 {
        let indexes = f64::from(settings.more_indexes) + f64::from(u8::from(settings.index));
        rows * settings.row.0 as f64 * (1.0 + INDEX_SHARE * indexes)
    }

    /// Share of the rows that memory holds, when the machine has so many bytes to spare. The operating system caches
    /// files in whatever nobody else uses.
    pub(super) fn in_memory(&self, settings: &Settings, spare_bytes: f64) -> f64 {
        let room = settings.buffers.0 as f64 + spare_bytes.max(0.0);
        (room / Self::bytes(settings, self.rows).max(1.0)).min(1.0)
    }

    /// Share of the look-ups that find their row in memory, when that holds this share of the rows, the most popular
    /// ones: what a cache that never forgets a popular row would hold (the *top-C* approximation). The sum over ranks is
    /// taken as an integral.
    pub(super) fn hit_ratio(&self, in_memory: f64) -> f64 {
        if in_memory >= 1.0 {
            return 1.0;
        }
        let sum = |rank: f64| {
            let power = 1.0 - self.zipf;
            let from_half = |x: f64| {
                if power.abs() < 1e-9 { libm::log(x / 0.5) } else { (pow(x, power) - pow(0.5, power)) / power }
            };
            from_half(rank + 0.5)
        };
        sum(in_memory * self.items) / sum(self.items)
    }

    /// Share of the table that a search or scan reads when no index leads it to its rows, and when one does.
    pub(super) fn examined(settings: &Settings, indexed: bool) -> f64 {
        let parts = f64::from(settings.partitions.max(1));
        let pruned = (settings.span * parts).ceil().max(1.0) / parts;
        if indexed { settings.span.min(pruned) } else { pruned }
    }

    /// What a query costs.
    pub(super) fn cost(&self, settings: &Settings, question: Question, in_memory: f64) -> Cost {
        let factors = Factors::of(settings.family);
        let mut cost = Cost { factor: if question.change { factors.write } else { factors.read }, ..Cost::default() };
        if question.joins && !question.change {
            match factors.join {
                Some(factor) => cost.factor = factor,
                None => cost.lookups = settings.join_lookups,
            }
        }
        cost.more_ns = LEVEL_NS * (levels(self.rows) - levels(REFERENCE_ROWS)).max(0.0);
        if question.change {
            cost.more_ns += settings.index_write.ns() as f64 * f64::from(settings.more_indexes);
        }
        let examines = question.scans || (question.searches && !settings.index);
        if examines {
            let rows = self.rows * Self::examined(settings, settings.index);
            cost.more_ns += rows * settings.row_cost.ns() as f64 * factors.scan;
            let bytes = rows * settings.row.0 as f64 * (1.0 - in_memory) * factors.scan;
            cost.scan_ns = (bytes / settings.disk_rate.0.max(1) as f64 * 1e9) as Nanos;
        } else if question.item as f64 > in_memory * self.items {
            cost.pages = settings.pages;
        }
        cost
    }

    /// Memory that the machine has left for caching files.
    pub(super) fn spare_bytes(engine: &Engine, host: u32) -> f64 {
        let host = &engine.hosts()[host as usize];
        host.machine.memory.0 as f64 - host.used_bytes()
    }
}

/// Levels of an index over so many rows.
fn levels(rows: f64) -> f64 {
    (libm::log(rows.max(FAN_OUT)) / libm::log(FAN_OUT)).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: u32) -> Table {
        Table::new(rows, &Popularity { zipf: 1.0, items: 1_000_000 })
    }

    #[test]
    fn an_index_costs_as_the_logarithm_and_a_scan_as_the_number_of_rows() {
        let search = Question { searches: true, item: 1, ..Question::default() };
        let (with, without) = (Settings::default(), Settings { index: false, ..Settings::default() });
        let more = |settings: &Settings, rows| table(rows).cost(settings, search, 1.0).more_ns;
        assert_eq!(more(&with, 100_000), 0.0, "the table that demands were measured in");
        assert!(more(&with, 100_000_000) <= 2.0 * LEVEL_NS, "a thousand times the rows: two more levels");
        let grows = more(&without, 10_000_000) / more(&without, 100_000);
        assert!((grows - 100.0).abs() < 0.01, "a hundred times the rows: {grows}");
        let pruned = Settings { partitions: 10, ..without };
        assert!((more(&pruned, 10_000_000) / more(&without, 10_000_000) - 0.1).abs() < 0.01, "one part of ten is read");
    }

    #[test]
    fn rows_that_do_not_fit_in_memory_are_read_from_the_disk() {
        let settings = Settings { rows: 10_000_000, ..Settings::default() };
        let table = table(10_000_000);
        let share = table.in_memory(&settings, 172_000_000.0);
        assert!((share - 0.1).abs() < 0.001, "300 MB of 3 GB: {share}");
        // Zipf with exponent one: the most popular tenth of a million items has over four fifths of all look-ups.
        let hits = table.hit_ratio(share);
        assert!((hits - 0.84).abs() < 0.01, "{hits}");
        let pages = |item| table.cost(&settings, Question { item, ..Question::default() }, share).pages;
        assert_eq!((pages(99_000), pages(101_000)), (0, settings.pages));
    }

    #[test]
    fn a_store_without_joins_makes_the_app_look_up_again() {
        let cost = |family| {
            let settings = Settings { family, ..Settings::default() };
            table(100_000).cost(&settings, Question { joins: true, item: 1, ..Question::default() }, 1.0)
        };
        assert_eq!(cost(Family::Relational), Cost { factor: 1.0, ..Cost::default() });
        assert_eq!(cost(Family::KeyValue).lookups, Settings::default().join_lookups);
        assert!(cost(Family::Graph).factor < 0.5, "joins are what a graph is for");
    }
}
