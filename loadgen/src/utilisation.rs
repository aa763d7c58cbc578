//! Busy time that `loadgen run` could not read itself: from Prometheus, or typed by whoever looked it up.
//!
//! Of Prometheus one instant query is asked for each station and step, at the end of the step's window, with `$window` in
//! it replaced by the window's length: `sum(rate(container_cpu_usage_seconds_total{pod=~"app-.*"}[$window]))` is the
//! processors that were busy over just that window. See <https://prometheus.io/docs/prometheus/latest/querying/api/>.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hockeystick_core::as_measured;
use hockeystick_core::measurement::{BusyTime, Results, Step};
use hockeystick_core::stage::Stage;
use miette::{IntoDiagnostic, Report, WrapErr, miette};
use reqwest::{Client, Url};
use serde::Deserialize;

/// How a query says where the window's length goes.
const WINDOW: &str = "$window";
/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer that is read: one number needs a few hundred bytes.
const ANSWER_BYTES_MAX: usize = 1_000_000;

/// Where busy time comes from, if not from the results file; it takes the place of what is there.
#[derive(Clone, Debug, Default, Args)]
pub struct Elsewhere {
    /// Prometheus that knows the stations' processor time; asked once for each step and --query
    #[arg(long, value_name = "URL", requires = "query")]
    prometheus: Option<Url>,
    /// Processors that a station kept busy, as Prometheus says it. NAME is the station in the stage, such as "app cpu";
    /// $window becomes the length of the step. Repeatable
    #[arg(long, value_name = "NAME=PROMQL", requires = "prometheus", value_parser = query)]
    query: Vec<(String, String)>,
    /// File with a bearer token for Prometheus
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    prometheus_token: Option<PathBuf>,
    /// Processors that a station kept busy, step by step: "app cpu=0.21,0.39,-,0.8", - where it is unknown. Repeatable
    #[arg(long, value_name = "NAME=N,N,…", value_parser = by_hand)]
    busy: Vec<(String, Vec<Option<f64>>)>,
}

fn query(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(name, query)| (name.trim().to_owned(), query.trim().to_owned()));
    let expected = "expected NAME=PROMQL, such as 'app cpu=sum(rate(process_cpu_seconds_total{job=\"app\"}[$window]))'";
    let (name, query) = parts.filter(|(name, query)| !name.is_empty() && !query.is_empty()).ok_or(expected)?;
    if !query.contains(WINDOW) {
        return Err(format!("the query must look at the window of a step: write its length as {WINDOW}; {expected}"));
    }
    Ok((name, query))
}

fn by_hand(text: &str) -> Result<(String, Vec<Option<f64>>), String> {
    let expected = "expected NAME=N,N,…: busy processors at each step, such as \"app cpu=0.21,0.39,-,0.8\"";
    let (name, values) = text.split_once('=').ok_or(expected)?;
    let value = |text: &str| match text.trim() {
        "-" => Ok(None),
        number => number.parse::<f64>().ok().filter(|number| (0.0..1e6).contains(number)).map(Some).ok_or(expected),
    };
    let values: Result<Vec<Option<f64>>, &str> = values.split(',').map(value).collect();
    if name.trim().is_empty() { Err(expected.to_owned()) } else { Ok((name.trim().to_owned(), values?)) }
}

impl Elsewhere {
    /// Puts the busy time into the results, for a model of this stage where there is one.
    ///
    /// # Errors
    /// When Prometheus does not answer with one number for a step, there are more or fewer numbers than steps, or a name
    /// is no station of the stage.
    pub fn add_to(&self, results: &mut Results, stage: Option<&Stage>) -> Result<(), Report> {
        if let Some(stage) = stage {
            self.permit_names(stage)?;
            self.clear(results, stage);
        }
        for (name, values) in &self.busy {
            if values.len() != results.steps.len() {
                return Err(miette!(
                    help = "give one number for each step, in order, and - where it is unknown",
                    "--busy \"{name}=…\" has {} numbers, the results have {} steps",
                    values.len(),
                    results.steps.len()
                ));
            }
            for (step, processors) in results.steps.iter_mut().zip(values) {
                if let Some(processors) = processors {
                    set(step, name, *processors);
                }
            }
        }
        match &self.prometheus {
            Some(url) => self.ask(url, results),
            None => Ok(()),
        }
    }

    /// A name that was mistyped must not leave the model without the busy time that somebody took the trouble to give.
    fn permit_names(&self, stage: &Stage) -> Result<(), Report> {
        let Some(strange) = self.names().find(|name| as_measured::station_named(stage, name).is_none()) else {
            return Ok(());
        };
        let known: Vec<String> = as_measured::stations(stage).map(|(name, _)| format!("`{name}`")).collect();
        let help = format!("the stage has {}", known.join(", "));
        Err(miette!(help = help, "`{strange}` is no station of the stage"))
    }

    /// Takes out what the run has read under another name of a station that is given here.
    fn clear(&self, results: &mut Results, stage: &Stage) {
        let station = |name: &str| as_measured::station_named(stage, name).map(|(station, _)| station);
        let given: Vec<String> = self.names().filter_map(|name| station(name)).collect();
        for step in &mut results.steps {
            let is_given = |name: &str| station(name).is_some_and(|station| given.contains(&station));
            step.stations.retain(|name, _| !is_given(name));
            step.busy_by_slice.retain(|name, _| !is_given(name));
        }
    }

    /// The stations whose busy time is given here.
    fn names(&self) -> impl Iterator<Item = &String> {
        self.busy.iter().map(|(name, _)| name).chain(self.query.iter().map(|(name, _)| name))
    }

    fn ask(&self, url: &Url, results: &mut Results) -> Result<(), Report> {
        let token = self.prometheus_token.as_ref().map(|file| {
            std::fs::read_to_string(file).into_diagnostic().wrap_err_with(|| format!("cannot read {}", file.display()))
        });
        let token = token.transpose()?.map(|token| token.trim().to_owned());
        // What is asked of this address is for nobody else: redirects are not followed.
        let client = Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
        let client = client.into_diagnostic().wrap_err("cannot ask Prometheus")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
        for (name, query) in &self.query {
            for (index, step) in results.steps.iter_mut().enumerate() {
                let asked = instant(url, query, index, step)?;
                let request = client.get(asked);
                let request = token.iter().fold(request, |request, token| request.bearer_auth(token));
                let text = runtime.block_on(fetch(request)).map_err(|why| {
                    let help =
                        "is the address right, can it be reached from here, and does it want --prometheus-token?";
                    miette!(help = help, "Prometheus at {} does not answer: {why}", shown(url))
                })?;
                let processors = read(&text).map_err(|why| {
                    let window_s = step.measured_s;
                    miette!(
                        help = "Prometheus needs two scrapes within the window to know a rate, so a step should be four scrape \
                                intervals long; sum() makes one series of several",
                        "Prometheus at {} does not tell `{name}` in the {window_s} s of step {}: {why}",
                        shown(url),
                        index + 1
                    )
                })?;
                set(step, name, processors);
            }
        }
        Ok(())
    }
}

fn set(step: &mut Step, name: &str, processors: f64) {
    let elapsed_s = step.measured_s;
    step.busy_by_slice.remove(name);
    step.stations.insert(name.to_owned(), BusyTime { busy_s: processors * elapsed_s, elapsed_s });
}

/// The address without a password in it.
fn shown(url: &Url) -> String {
    url.host_str()
        .map_or_else(String::new, |host| url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// The question for one step.
fn instant(url: &Url, query: &str, index: usize, step: &Step) -> Result<Url, Report> {
    let from = step.window_from.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok()).ok_or_else(|| {
        miette!(
            help = "measure again, or look the busy time up and give it with --busy",
            "the results do not say when step {} was measured, so Prometheus cannot be asked: an older loadgen wrote them",
            index + 1
        )
    })?;
    let window_ms = (step.measured_s * 1e3).round();
    let end_s = from.as_millisecond() as f64 / 1e3 + step.measured_s;
    let mut asked = url.clone();
    asked.set_path(&format!("{}/api/v1/query", url.path().trim_end_matches('/')));
    asked
        .query_pairs_mut()
        .append_pair("query", &query.replace(WINDOW, &format!("{window_ms}ms")))
        .append_pair("time", &format!("{end_s:.3}"));
    Ok(asked)
}

async fn fetch(request: reqwest::RequestBuilder) -> Result<Vec<u8>, String> {
    // The causes below say what is wrong; the first line only says that something is.
    let reason = |error: reqwest::Error| {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text
    };
    let mut response = request.send().await.map_err(reason)?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reason)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(format!("its answer is longer than {ANSWER_BYTES_MAX} bytes"));
        }
    }
    // A query that is wrong is answered with 400 and says why in JSON, as any other answer.
    let is_json = bytes.first() == Some(&b'{');
    if status.is_success() || is_json { Ok(bytes) } else { Err(format!("it answers {status}")) }
}

/// An answer of the API; what else it holds is not looked at.
#[derive(Deserialize)]
struct Answer {
    status: String,
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Series>),
    Scalar((f64, String)),
    Matrix(serde::de::IgnoredAny),
    String(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Series {
    value: (f64, String),
}

fn read(answer: &[u8]) -> Result<f64, String> {
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|error| format!("it sent no answer of its API: {error}"))?;
    if answer.status != "success" {
        return Err(answer.error.unwrap_or_else(|| format!("its status is `{}`", answer.status)));
    }
    let text = match answer.data {
        Some(Data::Vector(series)) => match series.as_slice() {
            [one] => one.value.1.clone(),
            [] => return Err("the query finds nothing there".to_owned()),
            several => return Err(format!("the query finds {} series, not one", several.len())),
        },
        Some(Data::Scalar((_, value))) => value,
        _ => return Err("the query gives neither a vector nor a scalar".to_owned()),
    };
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| format!("`{text}` is no number of busy processors"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_read_and_anything_else_is_named() {
        let vector =
            |series: &str| format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#);
        let one = r#"{"metric":{"pod":"app"},"value":[1435781451.781,"0.42"]}"#;
        assert_eq!(read(vector(one).as_bytes()), Ok(0.42));
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"1.5"]}}"#;
        assert_eq!(read(scalar.as_bytes()), Ok(1.5));
        let wrong = |text: &str| read(text.as_bytes()).unwrap_err();
        assert!(wrong(&vector("")).contains("nothing"));
        assert!(wrong(&vector(&format!("{one},{one}"))).contains("2 series"));
        assert!(wrong(&vector(&one.replace("0.42", "NaN"))).contains("`NaN`"));
        let error = r#"{"status":"error","errorType":"bad_data","error":"parse error: unclosed brace"}"#;
        assert_eq!(wrong(error), "parse error: unclosed brace");
        assert!(wrong("<html>").contains("no answer of its API"));
    }

    #[test]
    fn what_is_typed_is_checked() {
        assert_eq!(by_hand("app cpu=0.2, -,1"), Ok(("app cpu".to_owned(), vec![Some(0.2), None, Some(1.0)])));
        for wrong in ["", "app cpu", "=1", "app cpu=", "app cpu=-1", "app cpu=nan", "app cpu=1;2"] {
            assert!(by_hand(wrong).is_err(), "{wrong}");
        }
        assert!(query("app cpu=rate(x[$window])").is_ok());
        assert!(query("app cpu=rate(x[1m])").unwrap_err().contains("$window"));
    }
}
