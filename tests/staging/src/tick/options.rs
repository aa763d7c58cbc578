//! The flags of `tick serve`.

use std::net::SocketAddr;

use clap::Args;

/// How Tick listens, what it stores, and how much it may do at once.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// Address to listen on; port 0 takes a free one and prints it
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// SQLite file (created when missing), or a postgres:// URL in a build with `--features postgresql`
    #[arg(long, value_name = "PATH|URL", default_value = "tick.sqlite")]
    pub database: String,

    /// Threads that answer requests; 1 runs everything but the database on one thread
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: u16,

    /// Connections to the database that read at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub database_connections: u32,

    /// How long a request waits for a database connection before it fails with 503, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub database_wait_ms: u64,

    /// Read every document K - 1 times over, to stand for a slower language (see the README)
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub work_factor: u32,

    /// Fill an empty database with N accounts and their lists, the same ones every time
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub seed_accounts: u32,

    /// Connections the kernel holds until Tick accepts them
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub backlog: u32,

    /// Requests in flight above which Tick answers 503 at once
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_in_flight: u32,

    /// A request that takes longer fails with 503, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub request_timeout_ms: u64,

    /// Stop when standard input closes, so that Tick never outlives the program that started it
    #[arg(long)]
    pub exit_with_parent: bool,
}
