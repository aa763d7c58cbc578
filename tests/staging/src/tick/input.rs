//! What a client may send, and how much of it.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::{Form, Json};
use jiff::civil::Date;
use serde::{Deserialize, Deserializer};

use super::problem::Problem;

/// Bodies above this are refused before they are read. The longest valid one is a note of 2,000 characters.
pub(crate) const BODY_BYTES_MAX: usize = 32 * 1024;

const TITLE_CHARS_MAX: usize = 200;
const NOTE_CHARS_MAX: usize = 2_000;
const NAME_CHARS_MAX: usize = 100;
/// RFC 5321, section 4.5.3.1.3: a path, angle brackets included, has at most 256 octets.
const EMAIL_BYTES_MAX: usize = 254;
const PASSWORD_CHARS_MIN: usize = 8;
const PASSWORD_BYTES_MAX: usize = 256;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) password: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    pub(crate) email: String,
    pub(crate) password: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewList {
    pub(crate) title: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMember {
    pub(crate) email: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewItem {
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) note: String,
    /// An HTML form sends an empty text where the person gave no date.
    #[serde(default, deserialize_with = "empty_is_none")]
    pub(crate) due: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemState {
    pub(crate) done: bool,
}

/// Which page of a long list; pages count from 1.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageNumber {
    #[serde(default = "first_page")]
    pub(crate) page: u32,
}

fn first_page() -> u32 {
    1
}

fn empty_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// An input that knows its own limits; `check` also trims what people type around the edges.
pub(crate) trait Checked: Sized {
    fn check(self) -> Result<Self, Problem>;
}

impl Checked for NewAccount {
    fn check(self) -> Result<Self, Problem> {
        let email = email(&self.email)?;
        let name = line("name", &self.name, NAME_CHARS_MAX)?;
        password(&self.password)?;
        Ok(Self { email, name, ..self })
    }
}

impl Checked for Credentials {
    fn check(self) -> Result<Self, Problem> {
        // The bound keeps the hash cheap; which password was wrong is nobody's business.
        if self.email.len() > EMAIL_BYTES_MAX || self.password.len() > PASSWORD_BYTES_MAX {
            return Err(Problem::unauthorised("the email address or the password is wrong"));
        }
        Ok(Self { email: self.email.trim().to_lowercase(), ..self })
    }
}

impl Checked for NewList {
    fn check(self) -> Result<Self, Problem> {
        Ok(Self { title: line("title", &self.title, TITLE_CHARS_MAX)? })
    }
}

impl Checked for NewMember {
    fn check(self) -> Result<Self, Problem> {
        Ok(Self { email: email(&self.email)? })
    }
}

impl Checked for NewItem {
    fn check(self) -> Result<Self, Problem> {
        let title = line("title", &self.title, TITLE_CHARS_MAX)?;
        let note_chars = self.note.chars().count();
        if note_chars > NOTE_CHARS_MAX {
            return Err(Problem::invalid(format!(
                "note has {note_chars} characters; at most {NOTE_CHARS_MAX} are allowed"
            )));
        }
        if self.note.contains('\0') {
            return Err(Problem::invalid("note must not contain the character U+0000"));
        }
        let due = self.due.as_deref().map(date).transpose()?;
        Ok(Self { title, due, ..self })
    }
}

impl Checked for ItemState {
    fn check(self) -> Result<Self, Problem> {
        Ok(self)
    }
}

impl Checked for PageNumber {
    fn check(self) -> Result<Self, Problem> {
        if self.page == 0 {
            return Err(Problem::invalid("page counts from 1"));
        }
        Ok(self)
    }
}

fn line(field: &str, text: &str, chars_max: usize) -> Result<String, Problem> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars == 0 || chars > chars_max {
        return Err(Problem::invalid(format!("{field} has {chars} characters; 1 to {chars_max} are allowed")));
    }
    if text.chars().any(char::is_control) {
        return Err(Problem::invalid(format!("{field} must not contain control characters or line breaks")));
    }
    Ok(text.to_owned())
}

fn email(text: &str) -> Result<String, Problem> {
    let text = text.trim().to_lowercase();
    let looks_right = text
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    if text.len() > EMAIL_BYTES_MAX || !looks_right || !plain {
        return Err(Problem::invalid(format!(
            "email must look like name@example.org, with at most {EMAIL_BYTES_MAX} bytes"
        )));
    }
    Ok(text)
}

fn password(text: &str) -> Result<(), Problem> {
    if text.chars().count() < PASSWORD_CHARS_MIN || text.len() > PASSWORD_BYTES_MAX {
        return Err(Problem::invalid(format!(
            "password must have at least {PASSWORD_CHARS_MIN} characters and at most {PASSWORD_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}

fn date(text: &str) -> Result<String, Problem> {
    // The strict form only: what goes in must sort as text, and come out as it went in.
    let parsed = text.parse::<Date>().ok().map(|date| date.to_string());
    match parsed {
        Some(date) if date == text => Ok(date),
        _ => Err(Problem::invalid("due must be a date such as 2026-03-31")),
    }
}

/// A JSON body within its limits.
#[derive(Debug)]
pub(crate) struct CheckedJson<T>(pub(crate) T);

impl<T, S> FromRequest<S> for CheckedJson<T>
where
    T: Checked + serde::de::DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(input) = Json::<T>::from_request(request, state).await?;
        input.check().map(Self)
    }
}

/// An HTML form within its limits.
#[derive(Debug)]
pub(crate) struct CheckedForm<T>(pub(crate) T);

impl<T, S> FromRequest<S> for CheckedForm<T>
where
    T: Checked + serde::de::DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Form(input) = Form::<T>::from_request(request, state).await?;
        input.check().map(Self)
    }
}

/// A query string within its limits.
#[derive(Debug)]
pub(crate) struct CheckedQuery<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for CheckedQuery<T>
where
    T: Checked + serde::de::DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let Query(input) = Query::<T>::from_request_parts(parts, state).await?;
        input.check().map(Self)
    }
}

/// Ids from the path; what can be none, such as a number that is not whole, is a path that does not exist.
#[derive(Debug)]
pub(crate) struct Ids<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for Ids<T>
where
    T: serde::de::DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(ids)) => Ok(Self(ids)),
            Err(rejection) if rejection.status().is_client_error() => Err(Problem::not_found("that")),
            Err(rejection) => Err(rejection.into()),
        }
    }
}
