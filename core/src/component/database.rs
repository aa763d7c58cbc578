//! A relational database: processes that run queries, and a disk that must hold what was written.

use super::About;
use crate::settings;
use crate::units::{Bytes, Duration};
use crate::workload::{Demand, PerClass};

/// What the model of the database does.
pub const ABOUT: About = About {
    name: "Database",
    summary: "Keeps the rows, finds them again, and says a change is safe only when the disk holds it.",
    models: &[
        "A query shares the machine's processors equally with everything else that runs there (processor sharing).",
        "A change waits until the disk holds its log record; the disk serves one synchronous write after another.",
        "Every connection holds memory, and there is a most of them.",
    ],
    leaves_out: &["Locks between changes of the same row.", "Group commit.", "Rows that are not in memory."],
    hosted: true,
    calls: &[],
};

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
        /// Synchronous disk writes of one query.
        writes: PerClass<f64> = PerClass([0.0, 0.0, 0.4, 0.1]), 0.0..=1000.0,
            "Of three queries of a change one commits; a job commits once in ten queries";
        /// Connections that are served at once. One more is refused.
        connections: u32 = 100, 1.0..=1_000_000.0,
            "PostgreSQL's documentation: max_connections is 100 by default";
        /// Memory of the server when idle, its page cache of rows included.
        memory: Bytes = Bytes(250_000_000), 0.0..=1e15,
            "PostgreSQL's documentation: shared_buffers is 128 MB by default; the rest is its processes";
        /// Memory that each connection in use holds.
        memory_per_connection: Bytes = Bytes(5_000_000), 0.0..=1e12,
            "Assumed: one PostgreSQL process with a warm catalogue cache and work_mem of 4 MB";
        /// How long a killed server takes until it answers again.
        restart: Duration = Duration::from_s(15), 0.0..=86_400.0,
            "Assumed: crash recovery of a small write-ahead log";
    }
}
