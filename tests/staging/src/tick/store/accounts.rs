//! Accounts and their sessions.

use super::{Store, now_s};

const SESSION_LIFETIME_S: i64 = 30 * 24 * 3600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sees the lists it owns or shares.
    Member,
    /// Sees every list and runs every digest: support, and the nightly job.
    Operator,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Operator => "operator",
        }
    }

    fn from_column(text: &str) -> Self {
        if text == Self::Operator.as_str() { Self::Operator } else { Self::Member }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) role: Role,
}

impl Account {
    pub(crate) fn is_operator(&self) -> bool {
        self.role == Role::Operator
    }
}

#[derive(Debug)]
pub(crate) struct AccountWithPassword {
    pub(crate) account: Account,
    pub(crate) password_hash: String,
}

impl Store {
    /// The new account, or `None` when the address is taken.
    pub(crate) async fn create_account(
        &self,
        email: &str,
        name: &str,
        password_hash: &str,
        role: Role,
    ) -> Result<Option<Account>, sqlx::Error> {
        let id: Option<(i64,)> = sqlx::query_as(
            "INSERT INTO account (email, name, password_hash, role, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (email) DO NOTHING RETURNING id",
        )
        .bind(email)
        .bind(name)
        .bind(password_hash)
        .bind(role.as_str())
        .bind(now_s())
        .fetch_optional(&self.writes)
        .await?;
        Ok(id.map(|(id,)| Account { id, name: name.to_owned(), role }))
    }

    pub(crate) async fn account_by_email(&self, email: &str) -> Result<Option<AccountWithPassword>, sqlx::Error> {
        let row: Option<(i64, String, String, String)> =
            sqlx::query_as("SELECT id, name, role, password_hash FROM account WHERE email = $1")
                .bind(email)
                .fetch_optional(&self.reads)
                .await?;
        Ok(row.map(|(id, name, role, password_hash)| AccountWithPassword {
            account: Account { id, name, role: Role::from_column(&role) },
            password_hash,
        }))
    }

    pub(crate) async fn account_by_id(&self, id: i64) -> Result<Option<Account>, sqlx::Error> {
        let row: Option<(i64, String, String)> = sqlx::query_as("SELECT id, name, role FROM account WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.reads)
            .await?;
        Ok(row.map(|(id, name, role)| Account { id, name, role: Role::from_column(&role) }))
    }

    /// The account behind an unexpired session.
    pub(crate) async fn account_by_session(&self, token_hash: &str) -> Result<Option<Account>, sqlx::Error> {
        let row: Option<(i64, String, String)> = sqlx::query_as(
            "SELECT account.id, account.name, account.role
             FROM session JOIN account ON account.id = session.account_id
             WHERE session.token_hash = $1 AND session.expires_at > $2",
        )
        .bind(token_hash)
        .bind(now_s())
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.map(|(id, name, role)| Account { id, name, role: Role::from_column(&role) }))
    }

    /// Opens a session, and forgets this account's expired ones so that they do not pile up.
    pub(crate) async fn create_session(&self, token_hash: &str, account_id: i64) -> Result<(), sqlx::Error> {
        let now = now_s();
        let mut transaction = self.writes.begin().await?;
        sqlx::query("DELETE FROM session WHERE account_id = $1 AND expires_at <= $2")
            .bind(account_id)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO session (token_hash, account_id, expires_at) VALUES ($1, $2, $3)")
            .bind(token_hash)
            .bind(account_id)
            .bind(now + SESSION_LIFETIME_S)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    pub(crate) async fn count_accounts(&self) -> Result<i64, sqlx::Error> {
        let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM account").fetch_one(&self.reads).await?;
        Ok(count)
    }

    pub(crate) async fn delete_session(&self, token_hash: &str) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM session WHERE token_hash = $1").bind(token_hash).execute(&self.writes).await.map(drop)
    }
}
