//! A deterministic database: the same accounts, lists and items every time, so that a load plan can name them.
//!
//! Account `n` (from 1) is `user<n>@tick.example`, owns lists `4n-3` to `4n`, shares the first list of its neighbour,
//! and holds the session token `tick-seed-<n>`. The operator comes last. Whoever reads this can sign in: for tests only.

use anyhow::{Context, bail};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::identity;
use super::store::{Account, Role, Store};
use crate::plan::{ITEMS_PER_LIST_MAX, ITEMS_PER_LIST_MIN, LISTS_PER_ACCOUNT, OPERATOR_TOKEN, account_token};

/// Argon2id of `tick-seed-password`. Written down, because hashing takes a second in a debug build.
const PASSWORD_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$dGljay5zZWVkLnNhbHQuLg$bectErRFBNTy7JB+Tlora6FY2BrTyhniF5yYHKgWDL4";
/// 2026-01-01 00:00 UTC, in seconds since 1970.
const CREATED_AT_S: i64 = 1_767_225_600;
/// Seeded sessions outlive every experiment: the last second of the year 9999.
const EXPIRES_AT_S: i64 = 253_402_300_799;
const FIRST_DUE: Date = date(2026, 1, 1);
const DUE_SPREAD_DAYS: u64 = 730;

const LIST_TITLES: [&str; 11] = [
    "Shopping",
    "Work",
    "House and garden",
    "Holiday",
    "Reading",
    "Club",
    "Repairs",
    "Birthday party",
    "School",
    "Paperwork",
    "Someday",
];
const TASKS: [&str; 24] = [
    "Buy bread and milk",
    "Call the plumber",
    "Write to Aunt Vera & Uncle Tom",
    "Repair the bicycle lamp",
    "Book two train seats",
    "Return the library books",
    "Plan Saturday's dinner",
    "Clean the windows",
    "Ask about the new timetable",
    "Fetch the <small> parcel",
    "Sort last year's photos",
    "Make an appointment with the dentist",
    "Pay for the school trip",
    "Mend the garden hose",
    "Answer the insurance letter",
    "Order winter tyres",
    "Water the neighbours' plants",
    "Charge the drill",
    "Cancel the newspaper",
    "Print the boarding passes",
    "Find the spare key",
    "Measure the kitchen shelf",
    "Renew the passport",
    "Take the coat to the cleaner's",
];
const NOTES: [&str; 5] = [
    "",
    "Ask for the receipt.",
    "Not before noon; they open late on weekdays, and the side entrance is the one that works.",
    "See the letter of last week: reference 4711, second page, the part about the deposit.",
    "Anna has the key.",
];

/// Fills an empty database; leaves one alone that holds this very seed already.
pub(crate) async fn seed(store: &Store, accounts: u32) -> anyhow::Result<()> {
    if operator(store).await?.is_some_and(|operator| operator.id == i64::from(accounts) + 1) {
        return Ok(());
    }
    let present = store.count_accounts().await?;
    if present > 0 {
        bail!("the database holds {present} accounts already; seed an empty one, or leave --seed-accounts out");
    }
    let mut transaction = store.begin().await?;
    insert_accounts(&mut transaction, accounts).await.context("cannot seed accounts")?;
    insert_lists(&mut transaction, accounts).await.context("cannot seed lists")?;
    insert_items(&mut transaction, accounts * LISTS_PER_ACCOUNT).await.context("cannot seed items")?;
    transaction.commit().await?;
    Ok(())
}

/// The operator whose token everybody knows: there is one in a seeded database.
pub(crate) async fn operator(store: &Store) -> Result<Option<Account>, sqlx::Error> {
    store.account_by_session(&identity::token_hash(OPERATOR_TOKEN)).await
}

async fn insert_accounts(transaction: &mut Transaction<'_, Any>, accounts: u32) -> Result<(), sqlx::Error> {
    let operator = accounts + 1;
    for number in 1..=operator {
        let (name, role, token) = if number == operator {
            ("Operator".to_owned(), Role::Operator, OPERATOR_TOKEN.to_owned())
        } else {
            (format!("User {number}"), Role::Member, account_token(number))
        };
        // In an empty database, rows inserted one after the other are numbered from 1.
        sqlx::query("INSERT INTO account (email, name, password_hash, role, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(format!("{}@tick.example", name.to_lowercase().replace(' ', "")))
            .bind(&name)
            .bind(PASSWORD_HASH)
            .bind(role.as_str())
            .bind(CREATED_AT_S)
            .execute(&mut **transaction)
            .await?;
        sqlx::query("INSERT INTO session (token_hash, account_id, expires_at) VALUES ($1, $2, $3)")
            .bind(identity::token_hash(&token))
            .bind(i64::from(number))
            .bind(EXPIRES_AT_S)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

async fn insert_lists(transaction: &mut Transaction<'_, Any>, accounts: u32) -> Result<(), sqlx::Error> {
    for list in 1..=accounts * LISTS_PER_ACCOUNT {
        let owner = (list - 1) / LISTS_PER_ACCOUNT + 1;
        sqlx::query("INSERT INTO list (owner_id, title, next_item_number, created_at) VALUES ($1, $2, $3, $4)")
            .bind(i64::from(owner))
            .bind(pick(&LIST_TITLES, u64::from(list)))
            .bind(i64::from(items_of_list(list)) + 1)
            .bind(CREATED_AT_S)
            .execute(&mut **transaction)
            .await?;
        let is_first_of_owner = (list - 1) % LISTS_PER_ACCOUNT == 0;
        if is_first_of_owner && accounts > 1 {
            let neighbour = owner % accounts + 1;
            sqlx::query("INSERT INTO list_member (list_id, account_id) VALUES ($1, $2)")
                .bind(i64::from(list))
                .bind(i64::from(neighbour))
                .execute(&mut **transaction)
                .await?;
        }
    }
    Ok(())
}

async fn insert_items(transaction: &mut Transaction<'_, Any>, lists: u32) -> Result<(), sqlx::Error> {
    for list in 1..=lists {
        let count = items_of_list(list);
        // One statement a list: a seed of a thousand accounts takes seconds, not minutes. Only `$n` go into the text.
        let rows: Vec<String> = (0..count)
            .map(|row| {
                format!(
                    "(${}, ${}, ${}, ${}, ${}, ${}, ${})",
                    row * 7 + 1,
                    row * 7 + 2,
                    row * 7 + 3,
                    row * 7 + 4,
                    row * 7 + 5,
                    row * 7 + 6,
                    row * 7 + 7
                )
            })
            .collect();
        let statement = format!(
            "INSERT INTO item (list_id, number, title, note, due, done_at, created_at) VALUES {}",
            rows.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
        for number in 1..=count {
            let draw = scramble(u64::from(list) << 32 | u64::from(number));
            query = query
                .bind(i64::from(list))
                .bind(i64::from(number))
                .bind(pick(&TASKS, draw))
                .bind(pick(&NOTES, draw >> 16))
                .bind(due(draw >> 24))
                .bind((draw >> 40).is_multiple_of(2).then_some(CREATED_AT_S))
                .bind(CREATED_AT_S);
        }
        query.execute(&mut **transaction).await?;
    }
    Ok(())
}

fn items_of_list(list: u32) -> u32 {
    let spread = u64::from(ITEMS_PER_LIST_MAX - ITEMS_PER_LIST_MIN + 1);
    // The remainder is below 41.
    ITEMS_PER_LIST_MIN + u32::try_from(scramble(u64::from(list)) % spread).unwrap_or(0)
}

/// Three items in four have a date.
fn due(draw: u64) -> Option<String> {
    if draw.is_multiple_of(4) {
        return None;
    }
    let days = i64::try_from((draw >> 2) % DUE_SPREAD_DAYS).unwrap_or(0);
    FIRST_DUE.checked_add(days.days()).ok().map(|date| date.to_string())
}

fn pick<'a>(words: &[&'a str], draw: u64) -> &'a str {
    let index = usize::try_from(draw % words.len() as u64).unwrap_or(0);
    words[index]
}

/// SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014): neighbouring numbers in, unrelated numbers out.
fn scramble(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
