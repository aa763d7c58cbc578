//! The database: connections, schema, and one file of queries a subject.
//!
//! One code for SQLite and PostgreSQL through sqlx's `Any` driver: the address chooses the database when Tick starts,
//! every statement is the same text (`$1` is a parameter in both), prepared once a connection. The price is that `Any`
//! carries only integers, floats, text and bytes; Tick needs no more.
//!
//! Reads and writes have pools of their own. SQLite lets one connection write at a time, and a second one would poll
//! for the lock with sleeps of up to 100 ms; a pool of one writer queues them fairly instead. The same split is where a
//! read replica plugs in.

mod accounts;
mod digests;
mod items;
mod lists;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, AssertSqlSafe, Transaction};

pub(crate) use accounts::{Account, Role};
pub(crate) use items::{ITEMS_PER_PAGE, Item};
pub(crate) use lists::{List, ListSummary};

/// How long SQLite waits for another process's lock before it reports an error.
const SQLITE_BUSY_TIMEOUT_MS: u32 = 5_000;

/// `NORMAL` with WAL cannot corrupt the file; a power cut may lose the last transactions (sqlite.org/pragma.html).
const SQLITE_SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;";

const SCHEMA: &str = include_str!("../../../schema/tick.sql");

/// The database, by what a caller wants to do with it.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    reads: AnyPool,
    writes: AnyPool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    PostgreSql,
}

/// How many connections, and how long to wait for one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolLimits {
    pub(crate) read_connections: u32,
    pub(crate) wait: Duration,
}

impl Store {
    /// Opens `database`, a file path or a postgres:// URL, and creates its tables where they are missing.
    pub(crate) async fn open(database: &str, limits: PoolLimits) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let (dialect, url) = match is_url(database) {
            true => (Dialect::PostgreSql, database.to_owned()),
            false => (Dialect::Sqlite, sqlite_url(database)?),
        };
        let store = match dialect {
            Dialect::Sqlite => {
                // The writer opens first: it creates the file and turns WAL on, which needs the file to itself.
                let writes = sqlite_pool(&url, 1, limits.wait, false).await?;
                create_tables(&writes, dialect).await?;
                Self { reads: sqlite_pool(&url, limits.read_connections, limits.wait, true).await?, writes }
            }
            Dialect::PostgreSql => {
                let options = AnyPoolOptions::new().max_connections(limits.read_connections);
                let pool = options.acquire_timeout(limits.wait).connect(&url).await?;
                create_tables(&pool, dialect).await?;
                Self { reads: pool.clone(), writes: pool }
            }
        };
        Ok(store)
    }

    /// Answers when the database does.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT 1").execute(&self.reads).await.map(drop)
    }

    /// One transaction for a caller with statements of its own (the seed).
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.writes.begin().await
    }

    /// Closes every connection; SQLite then folds its write-ahead log into the file.
    pub(crate) async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }
}

/// Whether a database is named by its URL, else it is a file.
pub(crate) fn is_url(database: &str) -> bool {
    database.starts_with("postgres://") || database.starts_with("postgresql://")
}

/// A path may hold any character; in a URL, `?`, `#` and `%` would mean something, and the first part of a relative path
/// would be a host. `:memory:` is a file's name as any other: each connection would have a database of its own there.
fn sqlite_url(path: &str) -> Result<String, std::io::Error> {
    let path = std::path::absolute(path)?;
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    Ok(format!("sqlite://{escaped}?mode=rwc"))
}

async fn sqlite_pool(url: &str, connections: u32, wait: Duration, read_only: bool) -> Result<AnyPool, sqlx::Error> {
    AnyPoolOptions::new()
        .min_connections(connections)
        .max_connections(connections)
        .acquire_timeout(wait)
        // A file does not hang up. Without this, every query pays a second trip to the connection's thread.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                let query_only = if read_only { "ON" } else { "OFF" };
                let settings = format!(
                    "PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}; {SQLITE_SETTINGS} PRAGMA query_only = {query_only};"
                );
                // The text is made of constants only.
                sqlx::raw_sql(AssertSqlSafe(settings)).execute(connection).await.map(drop)
            })
        })
        .connect(url)
        .await
}

async fn create_tables(pool: &AnyPool, dialect: Dialect) -> Result<(), sqlx::Error> {
    let identity = match dialect {
        Dialect::Sqlite => "INTEGER PRIMARY KEY",
        Dialect::PostgreSql => "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    };
    // The text is made of constants only.
    let schema = AssertSqlSafe(SCHEMA.replace("{identity}", identity));
    sqlx::raw_sql(schema).execute(pool).await?;
    // Tables that were there already may lack what has been added since.
    let is_current = sqlx::query("SELECT revision FROM item LIMIT 1").execute(pool).await.is_ok();
    let old = || sqlx::Error::Configuration("it was made by an older Tick; give the name of a new one".into());
    is_current.then_some(()).ok_or_else(old)
}

/// Seconds since 1970-01-01 UTC.
fn now_s() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PoolLimits = PoolLimits { read_connections: 1, wait: Duration::from_secs(5) };

    #[test]
    fn any_file_can_be_a_database_by_any_of_its_names() {
        for name in
            ["tick.sqlite", "two words.sqlite", "tick[1].sqlite", "a:b.sqlite", "50%.sqlite", ":memory:", "/tmp/a?b#c"]
        {
            let url = sqlite_url(name).unwrap();
            assert!(url.starts_with("sqlite:///") && url.ends_with("?mode=rwc"), "{url}");
            assert_eq!(url.matches(['?', '#']).count(), 1, "{url}");
        }
    }

    #[tokio::test]
    async fn a_database_of_an_older_tick_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two words [1].sqlite").to_string_lossy().into_owned();
        let store = Store::open(&path, LIMITS).await.unwrap();
        sqlx::query("ALTER TABLE item DROP COLUMN revision").execute(&store.writes).await.unwrap();
        store.close().await;
        let error = Store::open(&path, LIMITS).await.unwrap_err().to_string();
        assert!(error.contains("older Tick"), "{error}");
    }
}
