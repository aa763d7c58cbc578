//! Items of a list.

use serde::Serialize;

use super::{Store, now_s};

/// Items a list may hold: a busy client must not fill the disk through one list.
const ITEMS_PER_LIST_MAX: i64 = 10_000;

/// Items a page shows. It keeps the cost of a page steady while a load test adds items.
pub(crate) const ITEMS_PER_PAGE: i64 = 50;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Item {
    pub(crate) number: i64,
    pub(crate) title: String,
    pub(crate) note: String,
    pub(crate) due: Option<String>,
    pub(crate) done: bool,
}

type ItemRow = (i64, String, String, Option<String>, Option<i64>);

impl Item {
    fn from_row((number, title, note, due, done_at): ItemRow) -> Self {
        Self { number, title, note, due, done: done_at.is_some() }
    }
}

impl Store {
    /// One page of a list in the order of creation; pages count from 1.
    pub(crate) async fn items(&self, list_id: i64, page: u32) -> Result<Vec<Item>, sqlx::Error> {
        let rows: Vec<ItemRow> = sqlx::query_as(
            "SELECT number, title, note, due, done_at FROM item
             WHERE list_id = $1 ORDER BY number LIMIT $2 OFFSET $3",
        )
        .bind(list_id)
        .bind(ITEMS_PER_PAGE)
        .bind(i64::from(page.saturating_sub(1)) * ITEMS_PER_PAGE)
        .fetch_all(&self.reads)
        .await?;
        Ok(rows.into_iter().map(Item::from_row).collect())
    }

    /// How many items the list holds, and how many of them are open.
    pub(crate) async fn count_items(&self, list_id: i64) -> Result<(i64, i64), sqlx::Error> {
        sqlx::query_as("SELECT COUNT(*), COUNT(*) - COUNT(done_at) FROM item WHERE list_id = $1")
            .bind(list_id)
            .fetch_one(&self.reads)
            .await
    }

    /// The page on which an item of this number is, or was; the last one where that page went with it.
    pub(crate) async fn page_of(&self, list_id: i64, number: i64) -> Result<u32, sqlx::Error> {
        let (before, all): (i64, i64) =
            sqlx::query_as("SELECT COUNT(CASE WHEN number < $2 THEN 1 END), COUNT(*) FROM item WHERE list_id = $1")
                .bind(list_id)
                .bind(number)
                .fetch_one(&self.reads)
                .await?;
        let pages_before = before.min((all - 1).max(0)) / ITEMS_PER_PAGE;
        Ok(u32::try_from(pages_before).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// The new item, or `None` when the list is full or gone.
    pub(crate) async fn add_item(
        &self,
        list_id: i64,
        title: &str,
        note: &str,
        due: Option<&str>,
    ) -> Result<Option<Item>, sqlx::Error> {
        let mut transaction = self.writes.begin().await?;
        // The update comes first: it takes the lock that makes the number ours, in SQLite and in PostgreSQL.
        let number: Option<(i64,)> = sqlx::query_as(
            "UPDATE list SET next_item_number = next_item_number + 1
             WHERE id = $1 AND (SELECT COUNT(*) FROM item WHERE list_id = $1) < $2
             RETURNING next_item_number - 1",
        )
        .bind(list_id)
        .bind(ITEMS_PER_LIST_MAX)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some((number,)) = number else {
            return Ok(None);
        };
        sqlx::query("INSERT INTO item (list_id, number, title, note, due, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(list_id)
            .bind(number)
            .bind(title)
            .bind(note)
            .bind(due)
            .bind(now_s())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let due = due.map(str::to_owned);
        Ok(Some(Item { number, title: title.to_owned(), note: note.to_owned(), due, done: false }))
    }

    /// The item after the change, or `None` when there is no such item. Ticking twice keeps the first time.
    pub(crate) async fn set_done(&self, list_id: i64, number: i64, done: bool) -> Result<Option<Item>, sqlx::Error> {
        let row: Option<ItemRow> = sqlx::query_as(
            "UPDATE item SET done_at = CASE WHEN $3 = 0 THEN NULL ELSE COALESCE(done_at, $4) END, revision = revision + 1
             WHERE list_id = $1 AND number = $2
             RETURNING number, title, note, due, done_at",
        )
        .bind(list_id)
        .bind(number)
        .bind(i64::from(done))
        .bind(now_s())
        .fetch_optional(&self.writes)
        .await?;
        Ok(row.map(Item::from_row))
    }

    /// Whether there was such an item.
    pub(crate) async fn delete_item(&self, list_id: i64, number: i64) -> Result<bool, sqlx::Error> {
        let result = sqlx::query("DELETE FROM item WHERE list_id = $1 AND number = $2")
            .bind(list_id)
            .bind(number)
            .execute(&self.writes)
            .await?;
        Ok(result.rows_affected() > 0)
    }
}
