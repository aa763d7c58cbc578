//! Who sends a request: sessions by token, accounts by password.

use std::fmt::Write as _;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use sha2::{Digest, Sha256};

use super::App;
use super::input::{Credentials, NewAccount};
use super::problem::Problem;
use super::store::{Account, Role};

pub(crate) const SESSION_COOKIE: &str = "tick_session";
const TOKEN_BYTES: usize = 32;
/// Longer tokens are none of ours; hashing them would let a client choose our cost.
const TOKEN_CHARS_MAX: usize = 128;

/// The signed-in account; a handler that takes it answers 401 to everybody else.
#[derive(Debug)]
pub(crate) struct SignedIn(pub(crate) Account);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = session_token(&parts.headers).ok_or_else(|| {
            Problem::unauthorised("sign in first: send a session token as a cookie or a bearer token")
        })?;
        let account = app.store.account_by_session(&token_hash(token)).await?;
        account.map(Self).ok_or_else(|| Problem::unauthorised("the session token is unknown or has expired"))
    }
}

/// The token of a bearer header (programs) or else of the cookie (browsers).
pub(crate) fn session_token(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        // The name of a scheme has no case (RFC 9110, section 11.1).
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let cookie = || {
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find_map(|(name, value)| (name == SESSION_COOKIE).then_some(value))
    };
    bearer.or_else(cookie).filter(|token| !token.is_empty() && token.len() <= TOKEN_CHARS_MAX)
}

/// SHA-256 in hexadecimal. A token is random, so unlike a password it needs no slow hash.
pub(crate) fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn new_token() -> Result<String, Problem> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(Problem::internal)?;
    Ok(hex(&bytes))
}

/// Creates the account and signs it in. Returns it with its session token.
pub(crate) async fn register(app: &App, input: NewAccount) -> Result<(Account, String), Problem> {
    let NewAccount { email, name, password } = input;
    let hash = with_password_slot(app, move || hash_password(&password)).await?.map_err(Problem::internal)?;
    let account = app.store.create_account(&email, &name, &hash, Role::Member).await?;
    let account = account.ok_or_else(|| {
        Problem::new(axum::http::StatusCode::CONFLICT, "an account with this email address exists already")
    })?;
    let token = open_session(app, account.id).await?;
    Ok((account, token))
}

/// Signs an account in. Returns it with its session token.
pub(crate) async fn sign_in(app: &App, input: Credentials) -> Result<(Account, String), Problem> {
    let found = app.store.account_by_email(&input.email).await?;
    let (account, hash) = match found {
        Some(found) => (Some(found.account), found.password_hash),
        // Check some hash all the same: the time it takes must not tell whether the account exists.
        None => (None, hash_of_nobody()),
    };
    let right = with_password_slot(app, move || verify_password(&input.password, &hash)).await?;
    match account {
        Some(account) if right => {
            let token = open_session(app, account.id).await?;
            Ok((account, token))
        }
        _ => Err(Problem::unauthorised("the email address or the password is wrong")),
    }
}

async fn open_session(app: &App, account_id: i64) -> Result<String, Problem> {
    let token = new_token()?;
    app.store.create_session(&token_hash(&token), account_id).await?;
    Ok(token)
}

/// Runs a password hash off the request threads, and only so many of them at once: a hash has its slot until it is done,
/// also when whoever asked for it has hung up.
async fn with_password_slot<T, F>(app: &App, work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let slot = Arc::clone(&app.password_slots).acquire_owned().await.map_err(Problem::internal)?;
    let work = move || {
        let _slot = slot;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

/// Argon2id with the crate's defaults: 19 MiB, 2 passes, as OWASP's password storage cheat sheet asks.
fn hash_password(password: &str) -> Result<String, argon2::password_hash::Error> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash: PasswordHash| hash.to_string())
}

/// A hash that no password has: its output is all zeros.
fn hash_of_nobody() -> String {
    let output = "A".repeat(43);
    format!("$argon2id$v=19$m=19456,t=2,p=1$dGljay5ub2JvZHkuLi4${output}")
}

fn verify_password(password: &str, hash: &str) -> bool {
    Argon2::default().verify_password(password.as_bytes(), hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_costs_what_a_real_one_costs() {
        let settings = |hash: &str| hash.rsplitn(3, '$').nth(2).map(str::to_owned);
        assert_eq!(settings(&hash_of_nobody()), settings(&hash_password("any password").unwrap()));
        let nobody = PasswordHash::new(&hash_of_nobody()).unwrap();
        assert!(nobody.hash.is_some_and(|output| output.len() == 32));
        assert!(!verify_password("any password", &hash_of_nobody()));
    }
}
