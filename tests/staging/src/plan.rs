//! What a load test may ask of a seeded Tick: requests by class, with the ranges of the ids in them.
//!
//! [`PlanMaterial`] serialises to the part of a `loadgen` plan that is about Tick; whoever runs the test adds the
//! steps. `tick plan` prints it.

use std::collections::BTreeMap;

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

/// One kind of request. A name in braces in its path stands for a value of [`PlanMaterial::values`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanRequest {
    /// Request class.
    pub class: RequestClass,
    /// HTTP method.
    pub method: &'static str,
    /// Path, with its names.
    pub path: &'static str,
    /// Share among the requests, relative to the other weights: the journey's mix of 70 : 24 : 5 : 1.
    pub weight: f64,
    /// Body, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<&'static str>,
    /// Headers besides those of all requests.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<&'static str, &'static str>,
}

/// Whole numbers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Range {
    /// The first.
    pub from: u32,
    /// The last.
    pub to: u32,
}

/// Everything about Tick that a load plan needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanMaterial {
    /// Headers of all requests; they let each of them in.
    pub headers: BTreeMap<&'static str, String>,
    /// What the names in paths stand for.
    pub values: BTreeMap<&'static str, Range>,
    /// The requests.
    pub request: Vec<PlanRequest>,
}

/// What a Tick that was seeded with `accounts` accounts answers.
///
/// No request makes later ones dearer: ticking an item changes its row in place, a digest replaces its predecessor.
#[must_use]
pub fn material(accounts: u32) -> PlanMaterial {
    let request =
        |class, method, path, weight| PlanRequest { class, method, path, weight, body: None, headers: BTreeMap::new() };
    let tick_off = PlanRequest {
        body: Some("done=true"),
        headers: BTreeMap::from([("content-type", "application/x-www-form-urlencoded"), (FRAGMENT_HEADER, "1")]),
        ..request(RequestClass::Write, "POST", "/lists/{list}/items/{item}/done", 5.0)
    };
    PlanMaterial {
        headers: BTreeMap::from([("authorization", format!("Bearer {OPERATOR_TOKEN}"))]),
        values: BTreeMap::from([
            ("account", Range { from: 1, to: accounts }),
            ("list", Range { from: 1, to: accounts.saturating_mul(LISTS_PER_ACCOUNT) }),
            ("item", Range { from: 1, to: ITEMS_PER_LIST_MIN }),
        ]),
        request: vec![
            request(RequestClass::Static, "GET", "/static/tick.css", 17.5),
            request(RequestClass::Static, "GET", "/static/tick.js", 17.5),
            request(RequestClass::Static, "GET", "/static/tick.svg", 17.5),
            request(RequestClass::Static, "GET", "/static/tick.png", 17.5),
            request(RequestClass::Read, "GET", "/lists/{list}", 24.0),
            tick_off,
            request(RequestClass::Job, "POST", "/api/accounts/{account}/digest", 1.0),
        ],
    }
}

impl PlanRequest {
    /// The path with each name replaced by the number that `pick` takes from its range.
    #[must_use]
    pub fn path_with(&self, values: &BTreeMap<&'static str, Range>, mut pick: impl FnMut(Range) -> u32) -> String {
        let replace = |path: String, (name, range): (&&str, &Range)| {
            let name = format!("{{{name}}}");
            if path.contains(&name) { path.replace(&name, &pick(*range).to_string()) } else { path }
        };
        values.iter().fold(self.path.to_owned(), replace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_a_path_has_a_value() {
        let material = material(10);
        let paths: Vec<_> =
            material.request.iter().map(|request| request.path_with(&material.values, |range| range.to)).collect();
        assert!(paths.iter().all(|path| !path.contains('{')), "{paths:?}");
        assert!(paths.contains(&"/lists/40/items/20/done".to_owned()), "{paths:?}");
    }
}
