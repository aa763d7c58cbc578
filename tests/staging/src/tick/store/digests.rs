//! The daily digest: what goes into it, and the one that was made last.

use super::{Item, Store};

/// Open items that a digest names, soonest due first; a mail longer than that helps nobody.
const DIGEST_ITEMS_MAX: i64 = 500;

impl Store {
    /// How many items all lists hold that `account_id` owns or shares, and how many of them are done.
    pub(crate) async fn digest_counts(&self, account_id: i64) -> Result<(i64, i64), sqlx::Error> {
        sqlx::query_as(
            "SELECT COUNT(*), COUNT(item.done_at)
             FROM list JOIN item ON item.list_id = list.id
             WHERE list.owner_id = $1
                OR list.id IN (SELECT list_id FROM list_member WHERE account_id = $1)",
        )
        .bind(account_id)
        .fetch_one(&self.reads)
        .await
    }

    /// Open items over the same lists, each with its list's title.
    pub(crate) async fn digest_items(&self, account_id: i64) -> Result<Vec<(String, Item)>, sqlx::Error> {
        type Row = (String, i64, String, String, Option<String>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT list.title, item.number, item.title, item.note, item.due
             FROM list JOIN item ON item.list_id = list.id
             WHERE item.done_at IS NULL
               AND (list.owner_id = $1
                    OR list.id IN (SELECT list_id FROM list_member WHERE account_id = $1))
             ORDER BY COALESCE(item.due, '9999-12-31'), list.id, item.number
             LIMIT $2",
        )
        .bind(account_id)
        .bind(DIGEST_ITEMS_MAX)
        .fetch_all(&self.reads)
        .await?;
        let item = |(list, number, title, note, due): Row| (list, Item { number, title, note, due, done: false });
        Ok(rows.into_iter().map(item).collect())
    }

    /// Keeps the digest of a day; a second run on the same day replaces the first.
    pub(crate) async fn save_digest(&self, account_id: i64, day: &str, html: &str) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO digest (account_id, day, html) VALUES ($1, $2, $3)
             ON CONFLICT (account_id, day) DO UPDATE SET html = excluded.html, revision = digest.revision + 1",
        )
        .bind(account_id)
        .bind(day)
        .bind(html)
        .execute(&self.writes)
        .await
        .map(drop)
    }

    /// The newest digest of an account: its day and its HTML.
    pub(crate) async fn latest_digest(&self, account_id: i64) -> Result<Option<(String, String)>, sqlx::Error> {
        sqlx::query_as("SELECT day, html FROM digest WHERE account_id = $1 ORDER BY day DESC LIMIT 1")
            .bind(account_id)
            .fetch_optional(&self.reads)
            .await
    }
}
