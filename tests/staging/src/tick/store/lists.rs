//! Lists, and who may see them.

use serde::Serialize;

use super::{Account, Store, now_s};

/// Lists an account may own. It bounds the home page and the digest.
const LISTS_PER_ACCOUNT_MAX: i64 = 200;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct List {
    pub(crate) id: i64,
    pub(crate) owner_id: i64,
    pub(crate) title: String,
}

/// A list as the home page shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ListSummary {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) items: i64,
    pub(crate) open: i64,
}

impl Store {
    /// The lists that `account_id` owns or shares.
    pub(crate) async fn lists_of(&self, account_id: i64) -> Result<Vec<ListSummary>, sqlx::Error> {
        let rows: Vec<(i64, String, i64, i64)> = sqlx::query_as(
            "SELECT list.id, list.title, COUNT(item.number), COUNT(item.number) - COUNT(item.done_at)
             FROM list LEFT JOIN item ON item.list_id = list.id
             WHERE list.owner_id = $1
                OR list.id IN (SELECT list_id FROM list_member WHERE account_id = $1)
             GROUP BY list.id, list.title
             ORDER BY list.id
             LIMIT $2",
        )
        .bind(account_id)
        .bind(LISTS_PER_ACCOUNT_MAX)
        .fetch_all(&self.reads)
        .await?;
        Ok(rows.into_iter().map(|(id, title, items, open)| ListSummary { id, title, items, open }).collect())
    }

    /// The list, if it exists and `account` may see it.
    pub(crate) async fn list_for(&self, account: &Account, list_id: i64) -> Result<Option<List>, sqlx::Error> {
        let row: Option<(i64, i64, String)> = sqlx::query_as(
            "SELECT id, owner_id, title FROM list
             WHERE id = $1
               AND ($2 = 'operator'
                    OR owner_id = $3
                    OR EXISTS (SELECT 1 FROM list_member WHERE list_id = $1 AND account_id = $3))",
        )
        .bind(list_id)
        .bind(account.role.as_str())
        .bind(account.id)
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.map(|(id, owner_id, title)| List { id, owner_id, title }))
    }

    /// The new list, or `None` when the account owns as many as it may.
    pub(crate) async fn create_list(&self, owner_id: i64, title: &str) -> Result<Option<List>, sqlx::Error> {
        let id: Option<(i64,)> = sqlx::query_as(
            "INSERT INTO list (owner_id, title, created_at)
             SELECT $1, $2, $3 WHERE (SELECT COUNT(*) FROM list WHERE owner_id = $1) < $4
             RETURNING id",
        )
        .bind(owner_id)
        .bind(title)
        .bind(now_s())
        .bind(LISTS_PER_ACCOUNT_MAX)
        .fetch_optional(&self.writes)
        .await?;
        Ok(id.map(|(id,)| List { id, owner_id, title: title.to_owned() }))
    }

    pub(crate) async fn delete_list(&self, list_id: i64) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM list WHERE id = $1").bind(list_id).execute(&self.writes).await.map(drop)
    }

    /// Shares a list; sharing it twice changes nothing.
    pub(crate) async fn add_member(&self, list_id: i64, account_id: i64) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO list_member (list_id, account_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(list_id)
            .bind(account_id)
            .execute(&self.writes)
            .await
            .map(drop)
    }
}
