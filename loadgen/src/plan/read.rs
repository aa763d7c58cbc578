//! From the text of a plan file to a [`Plan`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use hockeystick_core::units::Duration;
use hockeystick_core::workload::Arrivals;
use serde::Deserialize;
use toml::Spanned;

use super::file::{self, Folder};
use super::load::{self, StepTable};
use super::message::{self, Common, MessageTable};
use super::template::Names;
use super::threshold::Threshold;
use super::values::{self, ValueTable};
use super::{Connections, Load, Plan, PlanError, PlannedRequest, PlannedStep, SCHEMA, Setup, SetupPer, Stop, limits};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: Spanned<u32>,
    #[serde(default = "one")]
    seed: u64,
    #[serde(default)]
    arrivals: Arrivals,
    users: Option<Spanned<u32>>,
    warm_up: Option<Spanned<Duration>>,
    timeout: Option<Spanned<Duration>>,
    #[serde(default)]
    cookies: bool,
    #[serde(default)]
    connections: Connections,
    tls: Option<Spanned<TlsTable>>,
    #[serde(default)]
    headers: BTreeMap<String, Spanned<String>>,
    steps: Spanned<Vec<Spanned<StepTable>>>,
    #[serde(default)]
    values: BTreeMap<String, Spanned<ValueTable>>,
    stop: Option<Spanned<StopTable>>,
    #[serde(default)]
    thresholds: Vec<Spanned<String>>,
    #[serde(default)]
    setup: Vec<Spanned<MessageTable>>,
    request: Spanned<Vec<Spanned<MessageTable>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsTable {
    ca: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StopTable {
    errors: Option<f64>,
    response: Option<Duration>,
}

fn one() -> u64 {
    1
}

/// Where in the file something is wrong, what, and what would be valid.
#[derive(Debug)]
pub(super) struct Wrong {
    span: Range<usize>,
    message: String,
    help: &'static str,
}

pub(super) fn wrong<T>(span: Range<usize>, message: impl Into<String>, help: &'static str) -> Result<T, Wrong> {
    Err(Wrong { span, message: message.into(), help })
}

/// Reads a plan from the text of its file; `file` is the name that errors carry, and the files that the plan names lie
/// in its folder.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read(text: &str, file: impl AsRef<Path>) -> Result<Plan, PlanError> {
    let path = file.as_ref();
    let file = &*path.to_string_lossy();
    if text.len() > limits::FILE_BYTES {
        let message = format!("a plan of {} bytes is too large", text.len());
        return Err(PlanError::new(message, file, "", None, "a plan has at most a million bytes"));
    }
    let raw: File = toml::from_str(text)
        .map_err(|error| PlanError::new(error.message().trim().to_owned(), file, text, error.span(), ""))?;
    let folder = Folder::of(path, text);
    let mut plan = build(&raw, &folder)
        .map_err(|wrong| PlanError::new(wrong.message, file, text, Some(wrong.span), wrong.help))?;
    plan.digest = folder.digest();
    Ok(plan)
}

fn build(file: &File, folder: &Folder) -> Result<Plan, Wrong> {
    if *file.schema.get_ref() != SCHEMA {
        let message = format!("version {} of the plan's shape is not known", file.schema.get_ref());
        return wrong(file.schema.span(), message, "schema = 1");
    }
    let warm_up = seconds_within(file.warm_up.as_ref(), 2.0, 0.0, 3600.0, "warm_up is from \"0 s\" to \"1 h\"")?;
    let timeout = seconds_within(file.timeout.as_ref(), 10.0, 0.001, 3600.0, "timeout is from \"1 ms\" to \"1 h\"")?;
    let names = read_names(file, folder)?;
    let setups = read_setups(file, &names, folder)?;
    let requests = read_requests(file, &names, folder)?;
    let steps = load::read(&file.steps, &requests, warm_up.as_secs_f64())?;
    Ok(Plan {
        seed: file.seed,
        arrivals: file.arrivals,
        users: read_users(file.users.as_ref(), &steps)?,
        warm_up,
        timeout,
        cookies: file.cookies,
        connections: file.connections,
        ca: file.tls.as_ref().map(|tls| read_ca(tls.get_ref(), folder)).transpose()?,
        stop: read_stop(file.stop.as_ref())?,
        thresholds: file.thresholds.iter().map(read_threshold).collect::<Result<_, _>>()?,
        steps,
        setups,
        requests,
        names,
        digest: String::new(),
    })
}

fn seconds_within(
    given: Option<&Spanned<Duration>>,
    default_s: f64,
    min_s: f64,
    max_s: f64,
    help: &'static str,
) -> Result<std::time::Duration, Wrong> {
    let seconds = given.map_or(default_s, |given| given.get_ref().as_secs_f64());
    match given {
        Some(given) if !(min_s..=max_s).contains(&seconds) => wrong(given.span(), "out of range", help),
        _ => Ok(std::time::Duration::from_secs_f64(seconds)),
    }
}

/// Enough users for responses of a quarter of a second at the highest rate, as Little's law has it, and never few; and
/// those of each closed step.
fn read_users(given: Option<&Spanned<u32>>, steps: &[PlannedStep]) -> Result<u32, Wrong> {
    let closed = |step: &PlannedStep| match &step.load {
        Load::Closed(closed) => closed.users,
        Load::Open(_) => 0,
    };
    let closed = steps.iter().map(closed).max().unwrap_or(0);
    match given {
        Some(users) if *users.get_ref() < closed => {
            let help = "leave users out, or give at least as many as the step with the most";
            wrong(users.span(), format!("a step has {closed} users"), help)
        }
        Some(users) if (1..=limits::USERS).contains(users.get_ref()) => Ok(*users.get_ref()),
        Some(users) => wrong(users.span(), "out of range", "users = 1 to 10_000"),
        None => {
            let open = |step: &PlannedStep| match &step.load {
                Load::Open(curve) => (curve.max_per_s() * 0.25).ceil().clamp(32.0, 512.0) as u32,
                Load::Closed(_) => 0,
            };
            Ok(steps.iter().map(open).max().unwrap_or(0).max(closed))
        }
    }
}

fn read_ca(tls: &TlsTable, folder: &Folder) -> Result<Vec<u8>, Wrong> {
    let span = tls.ca.span();
    let pem = file::read_bytes(folder, tls.ca.get_ref(), span.clone())?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(pem),
        _ => wrong(span, format!("{} holds no certificate", tls.ca.get_ref()), "a file of certificates in PEM"),
    }
}

fn read_stop(table: Option<&Spanned<StopTable>>) -> Result<Stop, Wrong> {
    let default = Stop { errors: 0.5, response: std::time::Duration::from_secs(10) };
    let Some(table) = table else { return Ok(default) };
    let errors = table.get_ref().errors.unwrap_or(default.errors);
    if !(0.0..=1.0).contains(&errors) {
        return wrong(table.span(), format!("errors = {errors} is out of range"), "errors is a share from 0 to 1");
    }
    let response = table.get_ref().response.map_or(default.response, |r| std::time::Duration::from_nanos(r.ns()));
    if response.is_zero() {
        return wrong(table.span(), "response = 0 stops any run", "a time above 0, such as response = \"10 s\"");
    }
    Ok(Stop { errors, response })
}

fn read_threshold(text: &Spanned<String>) -> Result<Threshold, Wrong> {
    let help = "[CLASS] FIGURE < LIMIT [for S s], such as \"p95 < 200 ms\" or \"write errors < 1 % for 10 s\"";
    text.get_ref().parse().or_else(|reason: String| wrong(text.span(), format!("this is no threshold: {reason}"), help))
}

/// The names of values, and those that some answer gives.
fn read_names(file: &File, folder: &Folder) -> Result<Names, Wrong> {
    let (drawn, values) = values::read(&file.values, folder)?;
    let tables = file.setup.iter().chain(file.request.get_ref());
    let mut extracted: Vec<String> = tables.flat_map(|table| table.get_ref().extract.keys().cloned()).collect();
    extracted.sort();
    extracted.dedup();
    Ok(Names { drawn, values, extracted })
}

/// Setups in the order of their sending: those of the run before those of each user.
fn read_setups(file: &File, names: &Names, folder: &Folder) -> Result<Vec<Setup>, Wrong> {
    if let Some(table) = file.setup.get(limits::REQUESTS) {
        return wrong(table.span(), "more than 1000 of [[setup]]", "at most 1000");
    }
    let mut known = names.drawn.clone();
    let mut setups = Vec::new();
    for of in [SetupPer::Run, SetupPer::User] {
        for table in file.setup.iter().filter(|table| message::per(table) == of) {
            let common = Common { names, headers: &file.headers, folder, known, before: true };
            setups.push(message::read_setup(table, &common)?);
            known = common.known;
            known.extend(table.get_ref().extract.keys().cloned());
        }
    }
    Ok(setups)
}

fn read_requests(file: &File, names: &Names, folder: &Folder) -> Result<Vec<PlannedRequest>, Wrong> {
    let tables = file.request.get_ref();
    if tables.is_empty() || tables.len() > limits::REQUESTS {
        return wrong(file.request.span(), format!("{} kinds of request", tables.len()), "1 to 1000 of [[request]]");
    }
    let set_up = file.setup.iter().flat_map(|table| table.get_ref().extract.keys().cloned());
    let known = names.drawn.iter().cloned().chain(set_up).collect();
    let common = Common { names, headers: &file.headers, folder, known, before: false };
    let requests: Vec<PlannedRequest> =
        tables.iter().map(|table| message::read_request(table, &common)).collect::<Result<_, _>>()?;
    if requests.iter().all(|request| request.weight == 0.0) {
        return wrong(file.request.span(), "all weights are zero", "at least one weight above zero");
    }
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hockeystick_core::workload::Class;
    use proptest::prelude::*;
    use reqwest::StatusCode;

    const GOOD: &str = r#"
schema = 1
seed = 7
warm_up = "1 s"
headers = { authorization = "Bearer x" }
steps = [
  { rate = "50/s", seconds = 10 },
  { rate = "80/s", seconds = 10, mix = { read = 3, write = 1 } },
  { rate = "120/s", seconds = 20 },
]
[values]
list = { from = 1, to = 800 }
word = ["bread", "milk"]
[[request]]
class = "read"
path = "/lists/{list}"
weight = 24
[[request]]
class = "write"
method = "POST"
path = "/lists/{list}/items"
headers = { content-type = "application/json" }
body = '{"text": "{word}"}'
expect = [201, 303]
"#;

    fn error(text: &str) -> String {
        let report = miette::Report::new(read(text, "plan.toml").unwrap_err());
        format!("{report:?}")
    }

    #[test]
    fn a_plan_is_read_with_its_defaults() {
        let plan = read(GOOD, "plan.toml").unwrap();
        assert_eq!(plan.steps.len(), 3);
        assert_eq!(plan.steps.iter().map(|step| step.held_out).collect::<Vec<_>>(), [false, false, true]);
        assert!((plan.steps[1].mix.unwrap().get(Class::Read) - 0.75).abs() < 1e-12);
        assert_eq!(plan.users, 32);
        let message = &plan.requests[1].message;
        assert!(message.expect.accepts(StatusCode::SEE_OTHER) && !message.expect.accepts(StatusCode::OK));
        assert_eq!(message.headers.len(), 2);
        assert!(
            (plan.requests_expected() - (50.0 * 11.0 + 80.0 * 11.0 + 120.0 * 21.0 + f64::from(plan.users))).abs()
                < 1e-9
        );
    }

    /// Everything that a plan may say beyond steps of one rate.
    const RICH: &str = r#"
schema = 1
cookies = true
connections = "new"
headers = { authorization = "Bearer {token}" }
thresholds = ["p95 < 200 ms", "write errors < 1 % for 5 s"]
steps = [
  { rate = "50/s", seconds = 60, parts = 3 },
  { ramp = { from = "10/s", to = "100/s", stairs = 4 }, seconds = 40 },
  { ramp = { from = "0/s", to = "100/s" }, seconds = 30 },
  { rate = "20/s", spike = { rate = "200/s", at = "5 s", lasts = "2 s" }, seconds = 20 },
  { rate = "100/s", day = { length = "60 s", quiet = 0.2 }, seconds = 120 },
  { users = 40, think = { mean = "1 s", cv = 0.5 }, seconds = 30 },
]
[values]
account = { from = 1, to = 200, per = "user" }
list = { from = 1, to = 800, zipf = 1.0 }
item = ["1"]
[[setup]]
path = "/login"
form = { name = "user{account}", password = "a b" }
extract = { token = { json = "/token" } }
[[request]]
class = "read"
path = "/lists/{list}"
expect = { status = [200, 304], contains = "list", json = { "/id" = 7 } }
[[request]]
class = "write"
path = "/lists/{list}/items/{item}"
json = { text = "bread", done = false }
extract = { item = { header = "x-item" } }
"#;

    #[test]
    fn shapes_become_steps_or_curves() {
        let plan = read(RICH, "plan.toml").unwrap();
        let rates: Vec<f64> = plan.steps.iter().map(PlannedStep::rate_per_s).collect();
        let expected = [50.0, 50.0, 50.0, 10.0, 40.0, 70.0, 100.0, 50.0, 38.0, 60.0, 40.0];
        assert!(
            rates.iter().zip(expected).all(|(rate, expected)| (rate - expected).abs() < 1e-3 * expected),
            "{rates:?}"
        );
        assert_eq!(plan.steps[4].seconds, 10.0);
        assert!(plan.steps[7].held_out && plan.steps[9].held_out && !plan.steps[0].held_out);
        assert_eq!((plan.users, plan.thresholds.len(), plan.setups.len()), (50, 2, 1));
        // The plan's header needs what the setup extracts.
        assert!(plan.setups[0].message.templated_headers.is_empty());
        assert_eq!(plan.requests[1].message.templated_headers.len(), 1);
        assert_eq!(plan.requests[1].message.method, reqwest::Method::POST);
    }

    #[test]
    fn each_mistake_in_a_rich_plan_names_its_place() {
        for (from, to, says) in [
            ("p95 < 200 ms", "p95 > 200 ms", "no threshold"),
            ("parts = 3", "parts = 0", "parts = 0"),
            ("stairs = 4", "stairs = 1", "no ramp"),
            ("\"0/s\", to = \"100/s\"", "\"0/s\", to = \"0/s\"", "nothing to nothing"),
            ("at = \"5 s\"", "at = \"19 s\"", "lie within"),
            ("quiet = 0.2", "quiet = 2", "no day"),
            ("users = 40, ", "users = 40, rate = \"1/s\", ", "not clear"),
            ("users = 40", "users = 0", "users = 0"),
            ("seconds = 120 }", "seconds = 120, held_out = false }", "calibration cannot"),
            ("zipf = 1.0", "zipf = -1", "zipf"),
            ("zipf = 1.0", "zipf = 1.0, list = [\"a\"]", "no choice"),
            ("zipf = 1.0", "per = \"moon\"", "expected"),
            ("path = \"/login\"", "path = \"/login/{token}\"", "no value yet"),
            ("item = [\"1\"]\n", "", "no value yet"),
            ("json = { text", "body = \"x\"\njson = { text", "second body"),
            ("json = { text", "file = \"no such file\"\n#", "cannot read"),
            ("{ json = \"/token\" }", "{ json = \"token\" }", "no place in JSON"),
            ("{ json = \"/token\" }", "{ regex = \"(\" }", "no expression"),
            ("{ json = \"/token\" }", "{ }", "names no place"),
            ("\"/id\" = 7", "\"id\" = 7", "no place in JSON"),
            ("[[setup]]", "[[setup]]\nclass = \"read\"", "no class"),
            ("class = \"write\"\n", "", "without class"),
            ("cookies = true", "tls = { ca = \"no such file\" }", "cannot read"),
        ] {
            let text = RICH.replacen(from, to, 1);
            assert_ne!(text, RICH, "{from}");
            let shown = error(&text);
            assert!(shown.contains(says) && shown.contains("plan.toml"), "{to}: {shown}");
        }
    }

    #[test]
    fn each_mistake_names_its_place() {
        for (from, to, says) in [
            ("schema = 1", "schema = 9", "version 9"),
            ("schema = 1", "", "schema"),
            ("seed = 7", "sed = 7", "sed"),
            ("\"50/s\"", "\"fifty\"", "fifty"),
            ("\"50/s\"", "\"0/s\"", "0/s"),
            ("seconds = 20", "seconds = -1", "-1"),
            ("seconds = 20", "seconds = 0.0005", "0.1 s at least"),
            ("seconds = 20", "seconds = 0.5, parts = 10", "0.1 s at least"),
            ("seconds = 20", "seconds = nan", "NaN"),
            ("seconds = 20", "seconds = 1e308", "seconds"),
            ("{ rate = \"120/s\", seconds = 20 }", "{ rate = \"900000/s\", seconds = 20 }", "5 million"),
            ("{list}\"\nweight", "{lost}\"\nweight", "`{lost}` stands for nothing"),
            ("path = \"/lists/{list}\"", "path = \"http://elsewhere/\"", "is no path"),
            ("path = \"/lists/{list}\"", "path = \"//elsewhere/\"", "is no path"),
            ("weight = 24", "weight = inf", "weight"),
            ("[201, 303]", "[99]", "not a status"),
            ("from = 1", "from = 900", "the range is empty"),
            ("class = \"read\"", "class = \"raed\"", "raed"),
            ("write = 1 }", "job = 1 }", "no [[request]] is of that class"),
            ("\"POST\"", "\"P ST\"", "is no method"),
            ("content-type", "\"content type\"", "header"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD, "{from}");
            let shown = error(&text);
            assert!(shown.contains(says), "{to}: {shown}");
            assert!(shown.contains("plan.toml"), "{to}: {shown}");
        }
    }

    #[test]
    fn a_plan_that_any_answer_would_stop_is_refused() {
        assert!(error(&format!("{GOOD}\n[stop]\nresponse = \"0 s\"\n")).contains("stops any run"));
    }

    #[test]
    fn a_huge_plan_is_refused_unread() {
        assert!(error(&"#".repeat(limits::FILE_BYTES + 1)).contains("too large"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".*") {
            let _ = read(&text, "plan.toml");
        }

        #[test]
        fn a_plan_with_a_hole_in_it_is_an_error_or_a_plan(from in 0..RICH.len(), length in 0..80_usize, rich in any::<bool>()) {
            let good = if rich { RICH } else { GOOD };
            let (from, to) = (from.min(good.len()), (from + length).min(good.len()));
            let text = format!("{}{}", &good[..from], &good[to..]);
            if let Ok(plan) = read(&text, "plan.toml") {
                prop_assert!(plan.seconds().is_finite() && !plan.requests_expected().is_nan());
            }
        }
    }
}
