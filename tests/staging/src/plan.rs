//! What a load test may ask of a seeded Tick: paths by request class, with the ranges of the ids in them.

use serde::Serialize;

/// A client that sends this header gets the changed fragment of a page instead of a redirect to the page.
pub const FRAGMENT_HEADER: &str = "tick-fragment";

/// Lists that the seed gives each account.
pub const LISTS_PER_ACCOUNT: u32 = 4;

/// Items that the smallest seeded list has; so items 1 to this one exist in every seeded list.
pub const ITEMS_PER_LIST_MIN: u32 = 20;

/// Items that the largest seeded list has.
pub const ITEMS_PER_LIST_MAX: u32 = 60;

/// The session token of the seeded operator, who may read and write every list and build every digest.
pub const OPERATOR_TOKEN: &str = "tick-seed-operator";

/// The session token of the seeded account `id`.
#[must_use]
pub fn account_token(id: u32) -> String {
    format!("tick-seed-{id}")
}

/// What kind of work a request is. The model knows the first four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestClass {
    /// A file that is the same for everybody.
    Static,
    /// A page or document made from what the database holds.
    Read,
    /// A change to the database, and the fragment that shows it.
    Write,
    /// Heavy work for one account: building its daily digest.
    Job,
    /// Registering and signing in or out. Slow on purpose (password hashing), and rare.
    Identity,
    /// Health and metrics.
    Probe,
}

impl RequestClass {
    /// The class as metrics and plans name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Read => "read",
            Self::Write => "write",
            Self::Job => "job",
            Self::Identity => "identity",
            Self::Probe => "probe",
        }
    }
}

/// One request of a load plan. `{account}`, `{list}` and `{item}` in its path stand for a whole number within [`Ranges`].
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PlanRequest {
    /// Request class.
    pub class: RequestClass,
    /// HTTP method.
    pub method: &'static str,
    /// Path, with its placeholders.
    pub path: &'static str,
    /// Headers besides the authorization.
    pub headers: &'static [(&'static str, &'static str)],
    /// Body, empty for none.
    pub body: &'static str,
}

/// First and last id of each kind, both included.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Ranges {
    /// Seeded accounts.
    pub account: (u32, u32),
    /// Seeded lists.
    pub list: (u32, u32),
    /// Numbers of items that every seeded list has.
    pub item: (u32, u32),
}

/// Everything that a load plan against a seeded Tick needs.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PlanMaterial {
    /// Header that lets every request below in.
    pub authorization: (&'static str, &'static str),
    /// What the placeholders stand for.
    pub ranges: Ranges,
    /// The requests, in the order of their classes.
    pub requests: &'static [PlanRequest],
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// None of these makes later requests dearer: ticking changes a row in place, and a digest replaces its predecessor.
const REQUESTS: &[PlanRequest] = &[
    request(RequestClass::Static, "GET", "/static/tick.css"),
    request(RequestClass::Static, "GET", "/static/tick.js"),
    request(RequestClass::Static, "GET", "/static/tick.svg"),
    request(RequestClass::Static, "GET", "/static/tick.png"),
    request(RequestClass::Read, "GET", "/lists/{list}"),
    PlanRequest {
        headers: &[FORM, (FRAGMENT_HEADER, "1")],
        body: "done=true",
        ..request(RequestClass::Write, "POST", "/lists/{list}/items/{item}/done")
    },
    request(RequestClass::Job, "POST", "/api/accounts/{account}/digest"),
];

const fn request(class: RequestClass, method: &'static str, path: &'static str) -> PlanRequest {
    PlanRequest { class, method, path, headers: &[], body: "" }
}

/// The requests that a Tick seeded with `accounts` accounts answers.
#[must_use]
pub fn material(accounts: u32) -> PlanMaterial {
    PlanMaterial {
        authorization: ("authorization", "Bearer tick-seed-operator"),
        ranges: Ranges {
            account: (1, accounts),
            list: (1, accounts.saturating_mul(LISTS_PER_ACCOUNT)),
            item: (1, ITEMS_PER_LIST_MIN),
        },
        requests: REQUESTS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_signs_in_as_the_seeded_operator() {
        let (_, value) = material(1).authorization;
        assert_eq!(value.strip_prefix("Bearer "), Some(OPERATOR_TOKEN));
    }
}
