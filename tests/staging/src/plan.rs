//! What a load test may ask of a seeded Tick: paths by request class, with the ranges of the ids in them.

use std::fmt::Write as _;

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

/// None of these makes later requests dearer or cheaper: half of the items are done, as in the seed, and as many are ticked
/// as are opened again; a digest replaces its predecessor.
const REQUESTS: &[PlanRequest] = &[
    request(RequestClass::Static, "GET", "/static/tick.css"),
    request(RequestClass::Static, "GET", "/static/tick.js"),
    request(RequestClass::Static, "GET", "/static/tick.svg"),
    request(RequestClass::Static, "GET", "/static/tick.png"),
    request(RequestClass::Read, "GET", "/lists/{list}"),
    tick("done=true"),
    tick("done=false"),
    request(RequestClass::Job, "POST", "/api/accounts/{account}/digest"),
];

const fn tick(body: &'static str) -> PlanRequest {
    let request = request(RequestClass::Write, "POST", "/lists/{list}/items/{item}/done");
    PlanRequest { headers: &[FORM, (FRAGMENT_HEADER, "1")], body, ..request }
}

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

impl Ranges {
    /// Each range with the name that stands for it in a path.
    #[must_use]
    pub fn named(&self) -> [(&'static str, (u32, u32)); 3] {
        [("account", self.account), ("list", self.list), ("item", self.item)]
    }
}

impl PlanRequest {
    /// The path with each name replaced by the number that `pick` takes from its range.
    #[must_use]
    pub fn path_with(&self, ranges: &Ranges, mut pick: impl FnMut((u32, u32)) -> u32) -> String {
        ranges.named().into_iter().fold(self.path.to_owned(), |path, (name, range)| {
            let name = format!("{{{name}}}");
            if path.contains(&name) { path.replace(&name, &pick(range).to_string()) } else { path }
        })
    }

    /// Share of this request in the journey's mix of 70 % static, 24 % reads, 5 % writes, 1 % jobs.
    #[must_use]
    pub fn weight(&self, material: &PlanMaterial) -> f64 {
        let class_share = match self.class {
            RequestClass::Static => 70.0,
            RequestClass::Read => 24.0,
            RequestClass::Write => 5.0,
            RequestClass::Job => 1.0,
            RequestClass::Identity | RequestClass::Probe => 0.0,
        };
        let in_class = material.requests.iter().filter(|other| other.class == self.class);
        class_share / in_class.map(|_| 1.0).sum::<f64>()
    }
}

impl PlanMaterial {
    /// The part of a loadgen plan that is about Tick; add the steps, and loadgen runs it.
    #[must_use]
    pub fn loadgen_plan(&self) -> String {
        // Debug quoting is TOML's: none of these texts has a character beyond ASCII.
        let (name, value) = self.authorization;
        let mut plan = format!("schema = 1\nheaders = {{ {name} = {value:?} }}\n\n[values]\n");
        for (name, (from, to)) in self.ranges.named() {
            // Writing to a String cannot fail.
            let _ = writeln!(plan, "{name} = {{ from = {from}, to = {to} }}");
        }
        for request in self.requests {
            let PlanRequest { class, method, path, headers, body } = request;
            let weight = request.weight(self);
            let _ = writeln!(plan, "\n[[request]]\nclass = {:?}\nmethod = {method:?}", class.as_str());
            let _ = writeln!(plan, "path = {path:?}\nweight = {weight:?}");
            if !headers.is_empty() {
                let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
                let _ = writeln!(plan, "headers = {{ {} }}", headers.join(", "));
            }
            if !body.is_empty() {
                let _ = writeln!(plan, "body = {body:?}");
            }
        }
        plan
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

    #[test]
    fn every_name_in_a_path_has_a_range() {
        let material = material(10);
        let paths: Vec<_> =
            material.requests.iter().map(|request| request.path_with(&material.ranges, |(_, last)| last)).collect();
        assert!(paths.iter().all(|path| !path.contains('{')), "{paths:?}");
        assert!(paths.contains(&"/lists/40/items/20/done".to_owned()), "{paths:?}");
    }

    #[test]
    fn the_plan_s_weights_are_the_journey_s_mix() {
        let material = material(10);
        let total: f64 = material.requests.iter().map(|request| request.weight(&material)).sum();
        assert!((total - 100.0).abs() < 1e-9, "{total}");
        assert!(material.loadgen_plan().contains("path = \"/static/tick.css\"\nweight = 17.5\n"));
    }
}
