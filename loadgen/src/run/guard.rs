//! Guard rails: which hosts may be loaded and how much, and when a run stops by itself.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use reqwest::Url;

use super::Failure;
use super::step::{Live, StepRun};
use crate::plan::{Plan, Stop, limits};
use crate::timetable::Timetable;

/// Without being told otherwise, a host that is not this machine gets at most this many requests a second…
pub const REMOTE_RATE_MAX_PER_S: f64 = 200.0;
/// … for at most this long.
pub const REMOTE_SECONDS_MAX: f64 = 900.0;
/// Most requests of a whole plan, anywhere, unless `--max-requests` says more.
pub const REQUESTS_MAX: f64 = 5_000_000.0;

/// How much a run may do.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Hosts that may be loaded, besides this machine.
    pub allowed_hosts: Vec<String>,
    /// Most requests a second; none for the default.
    pub rate_max_per_s: Option<f64>,
    /// Longest run; none for the default.
    pub seconds_max: Option<f64>,
    /// Most requests.
    pub requests_max: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { allowed_hosts: Vec::new(), rate_max_per_s: None, seconds_max: None, requests_max: REQUESTS_MAX }
    }
}

/// Why a run may not begin.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No such address.
    #[error("`{0}` is not the address of a host; write http://NAME:PORT or https://NAME:PORT, without a path")]
    NotAHost(String),
    /// Somebody else's machine, perhaps.
    #[error("{host} is not this machine; if you may load it, add --allow-host {host}")]
    NotAllowed {
        /// Its name.
        host: String,
    },
    /// Too fast.
    #[error("the plan sends up to {}; raise it with --max-rate", held(*.asked, "requests a second", *.max))]
    TooFast {
        /// The plan's highest rate.
        asked: f64,
        /// The limit.
        max: f64,
    },
    /// Too long.
    #[error("the plan takes at least {}; raise it with --max-seconds", held(*.asked, "seconds", *.max))]
    TooLong {
        /// The plan's length.
        asked: f64,
        /// The limit.
        max: f64,
    },
    /// Users without think time, on a host whose rate is limited.
    #[error("a closed step without think time has no highest rate; give its users some, such as think = \"1 s\"")]
    Unbounded,
    /// Too much.
    #[error("the plan sends up to about {}; raise it with --max-requests", held(*.asked, "requests", *.max))]
    TooMuch {
        /// The plan's requests.
        asked: f64,
        /// The limit.
        max: f64,
    },
}

/// What is asked, held against what is allowed, in as many digits as tell them apart.
fn held(asked: f64, unit: &str, max: f64) -> String {
    let [asked, max] = (0..10)
        .map(|digits| [asked, max].map(|number| format!("{number:.digits$}")))
        .find(|[asked, max]| asked != max)
        .unwrap_or([asked, max].map(|number| number.to_string()));
    format!("{asked} {unit}, and {max} are allowed")
}

/// Reads the address of a host.
///
/// # Errors
/// When it is none.
pub fn read_host(text: &str) -> Result<Url, Refusal> {
    let refuse = || Refusal::NotAHost(text.to_owned());
    let url = Url::parse(text).map_err(|_| refuse())?;
    let nobody = url.username().is_empty() && url.password().is_none();
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && nobody;
    if matches!(url.scheme(), "http" | "https") && url.has_host() && plain { Ok(url) } else { Err(refuse()) }
}

/// Whether the host is this machine, by its address or by the one name that always is (RFC 6761, section 6.3).
pub fn is_loopback(host: &Url) -> bool {
    let name = name(host);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A host's name or address, of version 6 without brackets: to a shell, those stand for one of several letters.
fn name(host: &Url) -> &str {
    bare(host.host_str().unwrap_or_default())
}

fn bare(address: &str) -> &str {
    address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address)
}

/// Whether two names are one host's: an address has several spellings.
fn is_same(one: &str, other: &str) -> bool {
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one.eq_ignore_ascii_case(other),
    }
}

/// How much of one limit a plan takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Take {
    /// What is limited.
    pub quantity: Quantity,
    /// What the plan asks for.
    pub asked: f64,
    /// What is allowed; infinite where nothing says.
    pub max: f64,
}

/// What a limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Requests a second.
    Rate,
    /// Seconds.
    Time,
    /// Requests in all.
    Requests,
}

impl Quantity {
    /// Its name and unit, and the option that raises its limit.
    pub const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Rate => ("highest rate", "/s", "--max-rate"),
            Self::Time => ("time, without setups and late answers", " s", "--max-seconds"),
            Self::Requests => ("requests", "", "--max-requests"),
        }
    }
}

impl Take {
    fn refusal(self) -> Option<Refusal> {
        let Self { quantity, asked, max } = self;
        if asked.is_infinite() && max.is_finite() {
            return Some(Refusal::Unbounded);
        }
        (asked > max).then_some(match quantity {
            Quantity::Rate => Refusal::TooFast { asked, max },
            Quantity::Time => Refusal::TooLong { asked, max },
            Quantity::Requests => Refusal::TooMuch { asked, max },
        })
    }
}

impl Limits {
    /// Whether this plan may run against this host, with every step repeated so often.
    ///
    /// # Errors
    /// The limit that it passes, and how to raise it.
    pub fn permit(&self, host: &Url, plan: &Plan, repeats: u32) -> Result<(), Refusal> {
        self.permit_by(None, host, plan, repeats)
    }

    /// The same for a plan that goes by a timetable, if by one: then it is known how long each step waits for its
    /// answers.
    ///
    /// # Errors
    /// As [`permit`](Self::permit).
    pub fn permit_by(
        &self,
        timetable: Option<&Timetable>,
        host: &Url,
        plan: &Plan,
        repeats: u32,
    ) -> Result<(), Refusal> {
        let (name, loopback) = (name(host), is_loopback(host));
        if !loopback && !self.allowed_hosts.iter().any(|allowed| is_same(bare(allowed), name)) {
            return Err(Refusal::NotAllowed { host: name.to_owned() });
        }
        let waits = |take: Take| match timetable {
            Some(timetable) if take.quantity == Quantity::Time => Take { asked: timetable.seconds(plan), ..take },
            _ => take,
        };
        let takes = self.takes(loopback, plan, repeats).map(waits);
        takes.into_iter().find_map(Take::refusal).map_or(Ok(()), Err)
    }

    /// Most requests a second, on this machine or on another; infinite where nothing says.
    pub fn rate_max(&self, loopback: bool) -> f64 {
        self.rate_max_per_s.unwrap_or(if loopback { f64::INFINITY } else { REMOTE_RATE_MAX_PER_S })
    }

    /// What the plan takes of each limit, on this machine or on another, with every step repeated so often.
    pub fn takes(&self, loopback: bool, plan: &Plan, repeats: u32) -> [Take; 3] {
        let times = 1.0 + f64::from(repeats);
        let rate_max = self.rate_max(loopback);
        let seconds_max = self.seconds_max.unwrap_or(if loopback { f64::INFINITY } else { REMOTE_SECONDS_MAX });
        [
            Take { quantity: Quantity::Rate, asked: plan.rate_max_per_s(), max: rate_max },
            Take { quantity: Quantity::Time, asked: times * plan.seconds(), max: seconds_max },
            Take {
                quantity: Quantity::Requests,
                asked: times * plan.requests_expected(),
                // What has no bound is counted while it runs.
                max: if loopback && !plan.is_bounded() { f64::INFINITY } else { self.requests_max },
            },
        ]
    }
}

/// How far back a watch looks…
const LOOK_BACK: Duration = Duration::from_secs(3);
/// … or further, for fewer answers than this prove nothing: one of many shards has few.
const ANSWERS_MIN: u64 = 10;
/// As far back as it ever looks.
const LOOK_BACK_MAX: Duration = Duration::from_secs(60);
/// Time between two looks, which are to be a tenth of a second apart, after which the generator has stood still…
const STILL: Duration = Duration::from_secs(1);
/// … and how much of that a step may have.
const STILL_MAX: Duration = Duration::from_secs(4);
/// Mean lag, with users free, that only a generator which cannot keep up has.
const LAG_MAX: Duration = Duration::from_millis(50);

/// Watches a step, and says when the run should stop.
#[derive(Debug)]
pub(super) struct Watch {
    stop: Stop,
    seen: VecDeque<(Instant, Live)>,
    /// Time in which nobody looked.
    still: Duration,
}

impl Watch {
    pub(super) fn new(stop: Stop) -> Self {
        Self { stop, seen: VecDeque::new(), still: Duration::ZERO }
    }

    /// Looks at the step; the reason to stop, if there is one.
    pub(super) fn look(&mut self, step: &StepRun, now: Instant) -> Option<String> {
        let before = self.seen.back().map_or(step.start, |(before, _)| *before);
        self.still += Some(now.saturating_duration_since(before)).filter(|gap| *gap > STILL).unwrap_or_default();
        if self.still > STILL_MAX {
            let still_s = self.still.as_secs_f64();
            return Some(format!(
                "the generator stood still for {still_s:.1} s: it had no processor, or the deployment keeps it busy with \
                 something else than answers, such as 1xx without end"
            ));
        }
        if let Some(first) = step.untaken().first()
            && let Some(waits) = now.checked_duration_since(step.start + Duration::from_nanos(first.due_ns))
            && waits > self.stop.response
        {
            return Some(format!(
                "a request waits for a free user since {:.1} s: the server does not keep up",
                waits.as_secs_f64()
            ));
        }
        if step.begun() > limits::REQUESTS_PER_STEP {
            return Some(format!("the users of one step have sent {} requests; give them time to think", step.begun()));
        }
        let live = step.live();
        self.seen.push_back((now, live));
        while self.seen.len() > 1 && is_enough(self.seen[1], (now, live)) {
            self.seen.pop_front();
        }
        let (since, before) = self.seen[0];
        if now - since < LOOK_BACK || live.answers() - before.answers() < ANSWERS_MIN {
            return None;
        }
        let (answers, failed) = (live.answers() - before.answers(), live.failed - before.failed);
        let share = failed as f64 / answers as f64;
        if share > self.stop.errors {
            let (seconds, last) = ((now - since).as_secs(), step.last_failure());
            // Where some are answered, the plan and the address are not what is wrong.
            let advice = live.last_failure.filter(|_| failed == answers).map(Failure::advice);
            let advice = advice.map_or_else(String::new, |advice| format!(": {advice}"));
            return Some(format!("{failed} of {answers} requests failed within {seconds} s (last: {last}){advice}"));
        }
        let mean = |after: u64, before: u64| Duration::from_nanos((after - before) / answers);
        let response = mean(live.response_ns, before.response_ns);
        if response > self.stop.response {
            return Some(format!("the mean response time reached {:.1} s", response.as_secs_f64()));
        }
        let lag = mean(live.lag_ns, before.lag_ns);
        if lag > LAG_MAX && live.exhausted == before.exhausted {
            let text = "the generator is the bottleneck: requests leave {} ms late although users are free";
            return Some(text.replace("{}", &lag.as_millis().to_string()));
        }
        None
    }
}

/// Whether what came between two looks is enough to go by.
fn is_enough((since, before): (Instant, Live), (now, live): (Instant, Live)) -> bool {
    let long = now - since;
    long >= LOOK_BACK_MAX || long >= LOOK_BACK && live.answers() - before.answers() >= ANSWERS_MIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    fn plan() -> Plan {
        let text =
            "schema = 1\nsteps = [{ rate = \"300/s\", seconds = 10 }]\n[[request]]\nclass = \"read\"\npath = \"/\"";
        plan::read(text, "plan.toml").unwrap()
    }

    #[test]
    fn this_machine_is_free_and_others_must_be_named() {
        let limits = Limits::default();
        for host in ["http://127.0.0.1:80", "http://[::1]:8080/", "http://localhost", "https://127.1.2.3"] {
            assert!(limits.permit(&read_host(host).unwrap(), &plan(), 0).is_ok(), "{host}");
        }
        for host in
            ["http://10.0.0.1", "https://example.org", "http://localhost.example.org", "http://127.0.0.1.example.org"]
        {
            let refusal = limits.permit(&read_host(host).unwrap(), &plan(), 0).unwrap_err();
            assert!(matches!(refusal, Refusal::NotAllowed { .. }), "{host}: {refusal}");
        }
    }

    #[test]
    fn a_named_host_is_still_under_the_caps() {
        let host = read_host("http://10.0.0.1").unwrap();
        let mut limits = Limits { allowed_hosts: vec!["10.0.0.1".into()], ..Limits::default() };
        assert!(matches!(limits.permit(&host, &plan(), 0), Err(Refusal::TooFast { .. })));
        limits.rate_max_per_s = Some(300.0);
        assert!(limits.permit(&host, &plan(), 0).is_ok());
        limits.seconds_max = Some(5.0);
        assert!(matches!(limits.permit(&host, &plan(), 0), Err(Refusal::TooLong { .. })));
        limits.seconds_max = Some(25.0);
        assert!(limits.permit(&host, &plan(), 1).is_ok());
        assert!(matches!(limits.permit(&host, &plan(), 2), Err(Refusal::TooLong { .. })));
        let few = Limits { requests_max: 100.0, ..Limits::default() };
        assert!(matches!(
            few.permit(&read_host("http://127.0.0.1").unwrap(), &plan(), 0),
            Err(Refusal::TooMuch { .. })
        ));
    }

    #[test]
    fn an_address_of_version_6_is_allowed_as_people_and_shells_write_it() {
        let host = read_host("http://[2001:DB8:0::1]:8080").unwrap();
        let told = Limits::default().permit(&host, &plan(), 0).unwrap_err().to_string();
        assert!(told.ends_with("--allow-host 2001:db8::1"), "{told}");
        for allowed in ["2001:db8::1", "[2001:db8::1]", "2001:DB8:0:0::1"] {
            let limits =
                Limits { allowed_hosts: vec![allowed.into()], rate_max_per_s: Some(300.0), ..Limits::default() };
            assert!(limits.permit(&host, &plan(), 0).is_ok(), "{allowed}");
        }
    }

    #[test]
    fn what_passes_a_limit_by_little_is_told_from_it() {
        let host = read_host("http://127.0.0.1").unwrap();
        let limits = Limits { rate_max_per_s: Some(299.96), ..Limits::default() };
        let told = limits.permit(&host, &plan(), 0).unwrap_err().to_string();
        assert!(told.contains("up to 300.00 requests a second, and 299.96 are allowed"), "{told}");
    }

    /// A step of 10 s, with 2 s before it and 22 s after.
    #[test]
    fn a_timetable_takes_its_pauses_as_well() {
        let host = read_host("http://127.0.0.1").unwrap();
        let start = "2026-03-01T10:00:00Z".parse().unwrap();
        let timetable = Timetable::new(start, start).unwrap();
        let limits = |seconds_max| Limits { seconds_max: Some(seconds_max), ..Limits::default() };
        assert!(limits(12.0).permit(&host, &plan(), 0).is_ok());
        let told = limits(30.0).permit_by(Some(&timetable), &host, &plan(), 0).unwrap_err().to_string();
        assert!(told.contains("at least 34 seconds, and 30 are allowed"), "{told}");
        assert!(limits(34.0).permit_by(Some(&timetable), &host, &plan(), 0).is_ok());
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "localhost",
            "127.0.0.1:80",
            "ftp://127.0.0.1",
            "http://127.0.0.1/path",
            "http://user@127.0.0.1",
            "http://:secret@127.0.0.1",
            "http://user:secret@127.0.0.1",
            "http://",
        ] {
            assert!(read_host(text).is_err(), "{text}");
        }
    }
}
