//! The daily digest: the heavy request, run for each account by the nightly job.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};
use serde_json::json;

use super::App;
use super::identity::SignedIn;
use super::input::Ids;
use super::problem::Problem;
use super::store::{Account, Item};

/// A due item, with what the mail says about it.
#[derive(Debug)]
struct Line {
    list: String,
    item: Item,
    /// Negative when overdue; `None` without a date.
    days_left: Option<i32>,
}

impl Line {
    fn when(&self) -> String {
        match self.days_left {
            None => String::new(),
            Some(0) => "today".to_owned(),
            Some(days) if days < 0 => format!("{} days late", days.unsigned_abs()),
            Some(days) => format!("in {days} days"),
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "digest.html")]
struct DigestMail<'a> {
    name: &'a str,
    day: String,
    sections: [Section; 4],
    done: i64,
    total: i64,
}

#[derive(Debug)]
struct Section {
    title: &'static str,
    lines: Vec<Line>,
}

impl DigestMail<'_> {
    fn done_percent(&self) -> i64 {
        self.done * 100 / self.total.max(1)
    }

    /// Open items that the mail does not name.
    fn more(&self) -> i64 {
        let named: usize = self.sections.iter().map(|section| section.lines.len()).sum();
        (self.total - self.done).saturating_sub_unsigned(named as u64)
    }
}

/// Builds today's digest of an account and keeps it.
pub(crate) async fn build(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Ids(account_id): Ids<i64>,
) -> Result<Response, Problem> {
    let account = digest_account(&app, &caller, account_id).await?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let counts = app.store.digest_counts(account.id).await?;
    let items = app.store.digest_items(account.id).await?;
    let mail = compose(&account.name, today, counts, items);
    let html = app.renderer.html(&mail).await?;
    app.store.save_digest(account.id, &mail.day, &html).await?;
    let body = json!({
        "account": account.id, "day": mail.day, "items": mail.total, "done": mail.done, "bytes": html.len(),
    });
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// The newest digest of an account, as it was built.
pub(crate) async fn latest(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Ids(account_id): Ids<i64>,
) -> Result<Response, Problem> {
    let account = digest_account(&app, &caller, account_id).await?;
    let digest = app.store.latest_digest(account.id).await?;
    let (_, html) = digest.ok_or_else(|| Problem::not_found("a digest of that account"))?;
    Ok(Html(html).into_response())
}

async fn digest_account(app: &App, caller: &Account, account_id: i64) -> Result<Account, Problem> {
    if caller.id == account_id {
        return Ok(caller.clone());
    }
    let account = if caller.is_operator() { app.store.account_by_id(account_id).await? } else { None };
    account.ok_or_else(|| Problem::not_found("that account"))
}

fn compose(name: &str, today: Date, (total, done): (i64, i64), items: Vec<(String, Item)>) -> DigestMail<'_> {
    let mut sections = ["Overdue", "Today", "This week", "Later"].map(|title| Section { title, lines: Vec::new() });
    for (list, item) in items {
        let due = item.due.as_deref().and_then(|due| due.parse::<Date>().ok());
        let days_left = due.and_then(|due| today.until(due).ok()).map(|span| span.get_days());
        let section = match days_left {
            Some(..0) => 0,
            Some(0) => 1,
            Some(1..=7) => 2,
            _ => 3,
        };
        sections[section].lines.push(Line { list, item, days_left });
    }
    DigestMail { name, day: today.to_string(), sections, done, total }
}
