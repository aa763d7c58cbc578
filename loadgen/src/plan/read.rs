//! From the text of a plan file to a [`Plan`].

use std::collections::BTreeMap;
use std::ops::Range;

use hockeystick_core::units::{Duration, Rate};
use hockeystick_core::workload::{Arrivals, Class, PerClass};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use toml::Spanned;

use super::template::{Template, Value};
use super::{Plan, PlanError, PlannedRequest, PlannedStep, SCHEMA, Stop, limits};

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
    headers: BTreeMap<String, Spanned<String>>,
    steps: Spanned<Vec<Spanned<StepTable>>>,
    #[serde(default)]
    values: BTreeMap<String, Spanned<ValueTable>>,
    stop: Option<Spanned<StopTable>>,
    request: Spanned<Vec<Spanned<RequestTable>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    rate: Rate,
    seconds: f64,
    mix: Option<BTreeMap<Class, f64>>,
    held_out: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected { from = 1, to = 800 } or [\"bread\", \"milk\"]")]
enum ValueTable {
    Range { from: u64, to: u64 },
    List(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StopTable {
    errors: Option<f64>,
    response: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestTable {
    class: Class,
    method: Option<Spanned<String>>,
    path: Spanned<String>,
    weight: Option<Spanned<f64>>,
    body: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Spanned<String>>,
    expect: Option<Spanned<Expect>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a status such as 201, or a list of them")]
enum Expect {
    One(u16),
    Any(Vec<u16>),
}

fn one() -> u64 {
    1
}

/// Where in the file something is wrong, what, and what would be valid.
struct Wrong {
    span: Range<usize>,
    message: String,
    help: &'static str,
}

fn wrong<T>(span: Range<usize>, message: impl Into<String>, help: &'static str) -> Result<T, Wrong> {
    Err(Wrong { span, message: message.into(), help })
}

/// Reads a plan from the text of its file; `file` is the name that errors carry.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read(text: &str, file: &str) -> Result<Plan, PlanError> {
    if text.len() > limits::FILE_BYTES {
        let message = format!("a plan of {} bytes is too large", text.len());
        return Err(PlanError::new(message, file, "", None, "a plan has at most a million bytes"));
    }
    let raw: File = toml::from_str(text)
        .map_err(|error| PlanError::new(error.message().trim().to_owned(), file, text, error.span(), ""))?;
    build(&raw).map_err(|wrong| PlanError::new(wrong.message, file, text, Some(wrong.span), wrong.help))
}

fn build(file: &File) -> Result<Plan, Wrong> {
    if *file.schema.get_ref() != SCHEMA {
        let message = format!("version {} of the plan's shape is not known", file.schema.get_ref());
        return wrong(file.schema.span(), message, "schema = 1");
    }
    let warm_up = seconds_within(file.warm_up.as_ref(), 2.0, 0.0, 3600.0, "warm_up is from \"0 s\" to \"1 h\"")?;
    let timeout = seconds_within(file.timeout.as_ref(), 10.0, 0.001, 3600.0, "timeout is from \"1 ms\" to \"1 h\"")?;
    let (names, values) = read_values(&file.values)?;
    let requests = read_requests(file, &names)?;
    let steps = read_steps(&file.steps, &requests, warm_up.as_secs_f64())?;
    let rate_max = steps.iter().map(|step| step.rate_per_s).fold(0.0, f64::max);
    Ok(Plan {
        seed: file.seed,
        arrivals: file.arrivals,
        users: read_users(file.users.as_ref(), rate_max)?,
        warm_up,
        timeout,
        stop: read_stop(file.stop.as_ref())?,
        steps,
        requests,
        values,
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

/// Enough users for responses of a quarter of a second at the highest rate, as Little's law has it, and never few.
fn read_users(given: Option<&Spanned<u32>>, rate_max_per_s: f64) -> Result<u32, Wrong> {
    match given {
        Some(users) if (1..=limits::USERS).contains(users.get_ref()) => Ok(*users.get_ref()),
        Some(users) => wrong(users.span(), "out of range", "users = 1 to 10_000"),
        None => Ok((rate_max_per_s * 0.25).ceil().clamp(32.0, 512.0) as u32),
    }
}

fn read_values(tables: &BTreeMap<String, Spanned<ValueTable>>) -> Result<(Vec<String>, Vec<Value>), Wrong> {
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (name, table) in tables {
        let value = match table.get_ref() {
            ValueTable::Range { from, to } if from <= to => Value::Range(*from, *to),
            ValueTable::Range { .. } => return wrong(table.span(), "the range is empty", "from is at most to"),
            ValueTable::List(texts) if texts.is_empty() => {
                return wrong(table.span(), "the list is empty", "at least one text");
            }
            ValueTable::List(texts) => Value::List(texts.clone()),
        };
        names.push(name.clone());
        values.push(value);
    }
    Ok((names, values))
}

fn read_stop(table: Option<&Spanned<StopTable>>) -> Result<Stop, Wrong> {
    let default = Stop { errors: 0.5, response: std::time::Duration::from_secs(10) };
    let Some(table) = table else { return Ok(default) };
    let errors = table.get_ref().errors.unwrap_or(default.errors);
    if !(0.0..=1.0).contains(&errors) {
        return wrong(table.span(), format!("errors = {errors} is out of range"), "errors is a share from 0 to 1");
    }
    let response = table.get_ref().response.map_or(default.response, |r| std::time::Duration::from_nanos(r.ns()));
    Ok(Stop { errors, response })
}

fn read_requests(file: &File, names: &[String]) -> Result<Vec<PlannedRequest>, Wrong> {
    let tables = file.request.get_ref();
    if tables.is_empty() || tables.len() > limits::REQUESTS {
        return wrong(file.request.span(), format!("{} kinds of request", tables.len()), "1 to 1000 of [[request]]");
    }
    let common = read_headers(&file.headers)?;
    let requests: Vec<PlannedRequest> =
        tables.iter().map(|table| read_request(table.get_ref(), &common, names)).collect::<Result<_, _>>()?;
    if requests.iter().all(|request| request.weight == 0.0) {
        return wrong(file.request.span(), "all weights are zero", "at least one weight above zero");
    }
    Ok(requests)
}

fn read_request(table: &RequestTable, common: &HeaderMap, names: &[String]) -> Result<PlannedRequest, Wrong> {
    let method = match &table.method {
        None => Method::GET,
        Some(name) => match Method::from_bytes(name.get_ref().as_bytes()) {
            Ok(method) if method != Method::CONNECT => method,
            _ => {
                return wrong(
                    name.span(),
                    format!("`{}` is no method", name.get_ref()),
                    "GET, POST, PUT, PATCH, DELETE, HEAD",
                );
            }
        },
    };
    let path = table.path.get_ref();
    // Two slashes would name another host.
    if !path.starts_with('/')
        || path.starts_with("//")
        || path.contains(|c: char| c.is_control() || c == ' ' || c == '#')
    {
        let help = "a path begins with one slash and holds no blank, such as \"/lists/{list}?sort=due\"";
        return wrong(table.path.span(), format!("`{path}` is no path"), help);
    }
    let find = |name: &str| names.iter().position(|known| known == name);
    let mut unknown = None;
    let path = Template::parse(path, find, |name| unknown = Some(name.to_owned()));
    if let Some(name) = unknown {
        return wrong(table.path.span(), format!("`{{{name}}}` stands for nothing"), "give it a value in [values]");
    }
    let weight = table.weight.as_ref().map_or(1.0, |weight| *weight.get_ref());
    if !(weight.is_finite() && (0.0..=1e9).contains(&weight)) {
        let span = table.weight.as_ref().map_or(0..0, Spanned::span);
        return wrong(span, format!("weight = {weight} is out of range"), "a number from 0 to 1e9");
    }
    let mut headers = common.clone();
    headers.extend(read_headers(&table.headers)?);
    Ok(PlannedRequest {
        class: table.class,
        method,
        path,
        body: table.body.as_ref().map(|body| Template::parse(body, find, |_| ())),
        headers,
        weight,
        expect: read_expect(table.expect.as_ref())?,
    })
}

fn read_expect(expect: Option<&Spanned<Expect>>) -> Result<Vec<StatusCode>, Wrong> {
    let Some(expect) = expect else { return Ok(Vec::new()) };
    let codes = match expect.get_ref() {
        Expect::One(code) => std::slice::from_ref(code),
        Expect::Any(codes) => codes,
    };
    let status = |code: &u16| StatusCode::from_u16(*code).ok().filter(|status| status.as_u16() < 600);
    codes
        .iter()
        .map(status)
        .collect::<Option<Vec<_>>>()
        .map_or_else(|| wrong(expect.span(), "not a status", "a number from 100 to 599, or a list of them"), Ok)
}

fn read_headers(table: &BTreeMap<String, Spanned<String>>) -> Result<HeaderMap, Wrong> {
    let mut headers = HeaderMap::new();
    for (name, value) in table {
        let Ok(name) = HeaderName::try_from(name) else {
            return wrong(value.span(), format!("`{name}` is no header field's name"), "letters, digits and hyphens");
        };
        let Ok(value) = HeaderValue::try_from(value.get_ref()) else {
            return wrong(value.span(), "this is no header field's value", "visible characters and blanks");
        };
        headers.insert(name, value);
    }
    Ok(headers)
}

fn read_steps(
    steps: &Spanned<Vec<Spanned<StepTable>>>,
    requests: &[PlannedRequest],
    warm_up_s: f64,
) -> Result<Vec<PlannedStep>, Wrong> {
    let tables = steps.get_ref();
    if tables.is_empty() || tables.len() > limits::STEPS {
        return wrong(steps.span(), format!("{} steps", tables.len()), "1 to 1000 steps");
    }
    let mut planned: Vec<PlannedStep> =
        tables.iter().map(|table| read_step(table, requests, warm_up_s)).collect::<Result<_, _>>()?;
    if tables.iter().all(|table| table.get_ref().held_out.is_none()) {
        hold_out_upper_half(&mut planned);
    }
    Ok(planned)
}

fn read_step(table: &Spanned<StepTable>, requests: &[PlannedRequest], warm_up_s: f64) -> Result<PlannedStep, Wrong> {
    let step = table.get_ref();
    let rate_per_s = step.rate.per_s();
    if !(rate_per_s > 0.0 && rate_per_s <= limits::RATE_PER_S) {
        return wrong(table.span(), format!("a rate of {rate_per_s}/s"), "above 0/s, at most 1000000/s");
    }
    if !(step.seconds > 0.0 && step.seconds <= limits::STEP_S) {
        return wrong(table.span(), format!("seconds = {}", step.seconds), "above 0, at most 86400");
    }
    let count = rate_per_s * (step.seconds + warm_up_s);
    if count > limits::REQUESTS_PER_STEP as f64 {
        let message = format!("this step would send {count:.0} requests, its warm-up included");
        return wrong(table.span(), message, "at most 5 million in a step: a lower rate, or several shorter steps");
    }
    let mix = step.mix.as_ref().map(|mix| read_mix(mix, requests, table.span())).transpose()?;
    Ok(PlannedStep { rate_per_s, seconds: step.seconds, mix, held_out: step.held_out.unwrap_or(false) })
}

/// Shares that add up to one, of classes that the plan can send.
fn read_mix(
    mix: &BTreeMap<Class, f64>,
    requests: &[PlannedRequest],
    span: Range<usize>,
) -> Result<PerClass<f64>, Wrong> {
    let sum: f64 = mix.values().sum();
    if mix.values().any(|share| !(share.is_finite() && *share >= 0.0)) || !(sum > 0.0 && sum.is_finite()) {
        return wrong(span, "these shares are no mix", "numbers from 0, at least one above");
    }
    let mut shares = PerClass::all(0.0);
    for (class, share) in mix {
        if *share > 0.0 && !requests.iter().any(|request| request.class == *class && request.weight > 0.0) {
            let message = format!("the mix asks for `{}`, and no [[request]] is of that class", class.name());
            return wrong(span, message, "add such a request, or leave the class out");
        }
        *shares.get_mut(*class) = share / sum;
    }
    Ok(shares)
}

/// Where the plan does not say: the steps above the median rate are for the check. A plan of one step is for
/// calibration.
fn hold_out_upper_half(steps: &mut [PlannedStep]) {
    let mut rates: Vec<f64> = steps.iter().map(|step| step.rate_per_s).collect();
    rates.sort_by(f64::total_cmp);
    let median = rates[(rates.len() - 1) / 2];
    for step in steps {
        step.held_out = step.rate_per_s > median;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        assert!(plan.requests[1].expects(StatusCode::SEE_OTHER) && !plan.requests[1].expects(StatusCode::OK));
        assert_eq!(plan.requests[1].headers.len(), 2);
        assert!((plan.requests_expected() - (50.0 * 11.0 + 80.0 * 11.0 + 120.0 * 21.0)).abs() < 1e-9);
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
    fn a_huge_plan_is_refused_unread() {
        assert!(error(&"#".repeat(limits::FILE_BYTES + 1)).contains("too large"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".*") {
            let _ = read(&text, "plan.toml");
        }

        #[test]
        fn a_plan_with_a_hole_in_it_is_an_error_or_a_plan(from in 0..GOOD.len(), length in 0..80_usize) {
            let to = (from + length).min(GOOD.len());
            if GOOD.is_char_boundary(from) && GOOD.is_char_boundary(to) {
                let text = format!("{}{}", &GOOD[..from], &GOOD[to..]);
                if let Ok(plan) = read(&text, "plan.toml") {
                    prop_assert!(plan.requests_expected().is_finite() && plan.seconds().is_finite());
                }
            }
        }
    }
}
