//! An application server: workers that run the app's code and wait for its queries.

use super::{About, Kind};
use crate::settings;
use crate::units::{Bytes, Duration};
use crate::workload::{Demand, PerClass};

/// What the model of the application server does.
pub const ABOUT: About = About {
    name: "Application server",
    summary: "Runs the app's code: takes a request, works, asks the database, answers.",
    models: &[
        "A worker takes one request and keeps it until the answer is sent, also while it waits for the database.",
        "When every worker is taken, connections wait in the accept backlog; when that is full too, they are refused.",
        "Work shares the machine's processors equally with everything else that runs there (processor sharing).",
        "Every request in service holds memory. Past the machine's memory work slows down; past its swap the process is killed.",
    ],
    leaves_out: &["Garbage collection pauses.", "Locks inside the app."],
    hosted: true,
    calls: &[Kind::Database],
};

settings! {
    /// Settings of an application server.
    pub struct Settings {
        /// Requests that are worked on at once.
        workers: u32 = 32, 1.0..=100_000.0,
            "Threads of one process; Apache Tomcat's default is 200, Puma's 5 for each process";
        /// Connections that may wait for a worker. One more is refused.
        backlog: u32 = 128, 0.0..=1_000_000.0,
            "listen(2): SOMAXCONN was 128 until Linux 5.4, and many servers still ask for 128";
        /// Processor time of the app's own code.
        demand: PerClass<Demand> = PerClass([
                Demand::exponential(Duration::from_ns(300_000)),
                Demand::exponential(Duration::from_ms(12)),
                Demand::exponential(Duration::from_ms(15)),
                Demand::exponential(Duration::from_ms(120)),
            ]), 0.0..=600.0,
            "Assumed: an interpreted language with an object mapper; calibrate your own with loadgen";
        /// Queries that a request sends, one after another.
        queries: PerClass<u32> = PerClass([0, 2, 3, 10]), 0.0..=10_000.0,
            "Assumed: a session and a list to read; a session, a check and a change to write";
        /// Memory of the process when idle.
        memory: Bytes = Bytes(250_000_000), 0.0..=1e15,
            "Assumed: an interpreter with a framework and its libraries loaded";
        /// Memory that each request in service holds.
        memory_per_request: Bytes = Bytes(4_000_000), 0.0..=1e12,
            "Assumed: a thread's stack in use, and the objects of one page";
        /// How long a killed process takes until it answers again.
        restart: Duration = Duration::from_s(10), 0.0..=86_400.0,
            "Assumed: load the framework, open connections, warm up";
    }
}
