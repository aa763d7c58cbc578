//! Runs a figure as its reader would, and reads off everything that there is to see.
//!
//! Names of what is seen, over the seconds that a claim looks at:
//!
//! - `answered_per_s`, `failed_per_s`, `failures`; `failed` and `stale` as shares: of all requests that ended, of all answers;
//! - `mean_ms`, `p50_ms`, `p95_ms`, `p99_ms` of the answers;
//! - `app cpu`, `app disk`, `app memory`: shares of a machine in use, the mean over its copies; `app#2 cpu` of one. Memory
//!   as it stands at the end;
//! - `cache hit_ratio`: a component's own figure, of all copies together as its card adds them, or of one. What is counted
//!   is counted over those seconds, gauges are as they stand at the end.

use std::collections::BTreeMap;

use hockeystick_content::{builtin, stage};
use hockeystick_core::component::{Kind, MetricReading};
use hockeystick_core::figure::Figure;
use hockeystick_core::outcome::Estimate;
use hockeystick_core::simulate::{HostGauge, Simulation, Window};
use hockeystick_core::stage::Stage;
use hockeystick_core::stage::edit::Spot;
use hockeystick_core::theory::solve;
use hockeystick_core::units::Duration;

use super::book::{Claim, Drop, Then};

/// What there is to see, by name.
pub(crate) type Figures = BTreeMap<String, f64>;

/// The size of a machine that the page gives to what is dropped on a board.
const STANDARD: &str = "small";

/// Sets a lesson's figures up.
pub(crate) struct Stagehand {
    figures: Vec<Figure>,
    boards: Vec<(&'static str, Stage)>,
}

impl Stagehand {
    pub(crate) fn of(slug: &str) -> Self {
        let figures = builtin::figures(slug).unwrap_or_else(|| panic!("no stage {slug}"));
        let figures = figures.unwrap_or_else(|errors| panic!("{}", errors.lines()));
        let boards = builtin::boards(slug).unwrap_or_else(|errors| panic!("{}", errors.lines()));
        Self { figures, boards }
    }

    fn figure(&self, claim: &Claim) -> Option<&Figure> {
        self.figures.iter().find(|figure| Some(&figure.id) == claim.figure.as_ref())
    }

    /// The seed that the reader has.
    pub(crate) fn seed_of(&self, claim: &Claim) -> u64 {
        self.figure(claim).map_or(1, |figure| figure.seed)
    }

    fn board(&self, claim: &Claim) -> Result<Stage, String> {
        let found = match (&claim.figure, &claim.board) {
            (Some(_), None) => self.figure(claim).map(|figure| figure.stage.clone()),
            (None, Some(file)) => self.boards.iter().find(|(name, _)| name == file).map(|(_, board)| board.clone()),
            _ => return Err("name a figure or a board".to_owned()),
        };
        let mut board = found.ok_or_else(|| {
            let ids: Vec<&str> = self.figures.iter().map(|figure| figure.id.as_str()).collect();
            let files: Vec<&str> = self.boards.iter().map(|(file, _)| *file).collect();
            format!("the figures are {}; the boards are {}", ids.join(", "), files.join(", "))
        })?;
        if let Some(dropped) = &claim.drop {
            put(&mut board, dropped)?;
        }
        for arrow in &claim.unlink {
            let link = link_named(&board, arrow)?;
            board.disconnect(link);
        }
        for arrow in &claim.link {
            let ends = arrow.split_once(" -> ").and_then(|(a, b)| board.component(a).zip(board.component(b)));
            ends.and_then(|(a, b)| board.connect(a, b)).ok_or_else(|| format!("`{arrow}` cannot be drawn"))?;
        }
        turn(&mut board, &claim.set)?;
        for text in &claim.faults {
            let fault = stage::fault(&board, text, "faults").map_err(|errors| errors.lines())?;
            board.faults.push(fault);
        }
        Ok(board)
    }

    /// What the claim's figure shows with this seed.
    pub(crate) fn play(&self, claim: &Claim, seed: u64) -> Result<Figures, String> {
        let board = self.board(claim)?;
        if claim.theory {
            return Ok(by_theory(&board));
        }
        let [from, to] = claim.seconds;
        if !(0.0 <= from && from < to) {
            return Err(format!("seconds = [{from}, {to}] is no stretch of time"));
        }
        let mut run = Simulation::new(&board, seed).map_err(|problems| format!("{problems:?}"))?;
        let mut then = claim.then.iter().peekable();
        while let Some(next) = then.next_if(|next| next.at <= from) {
            self.act(claim, next, &mut run)?;
        }
        run.run_until(Duration::from_secs_f64(from).ns());
        run.take_window();
        let before = Look::at(&run);
        for next in then {
            if next.at >= to {
                return Err(format!("at {} s nobody looks any more", next.at));
            }
            self.act(claim, next, &mut run)?;
        }
        run.run_until(Duration::from_secs_f64(to).ns());
        let window = run.take_window();
        Ok(seen(&run, &before, &Look::at(&run), &window))
    }

    /// Goes to an instant and does what is done there.
    fn act(&self, claim: &Claim, then: &Then, run: &mut Simulation) -> Result<(), String> {
        run.run_until(Duration::from_secs_f64(then.at).ns());
        if let Some(label) = &then.press {
            let breaks = self.figure(claim).map_or(&[][..], |figure| &figure.breaks);
            let pressed = breaks.iter().find(|button| button.label == *label);
            let pressed = pressed.ok_or_else(|| {
                let labels: Vec<&str> = breaks.iter().map(|button| button.label.as_str()).collect();
                format!("no button says “{label}”, but {labels:?}")
            })?;
            let lasts = Duration::from_secs_f64(pressed.lasts_s);
            run.inject(pressed.on.clone(), pressed.kind, Some(lasts));
        }
        let mut board = run.stage().clone();
        turn(&mut board, &then.set)?;
        if run.update(&board) { Ok(()) } else { Err(format!("{:?} makes another board of it", then.set)) }
    }
}

fn turn(board: &mut Stage, set: &BTreeMap<String, String>) -> Result<(), String> {
    set.iter().try_for_each(|(path, text)| stage::set(board, path, text).map_err(|error| error.to_string()))
}

/// The arrow of this name: `app -> database`.
fn link_named(board: &Stage, arrow: &str) -> Result<usize, String> {
    let id = |index: usize| board.components[index].id.as_str();
    let found = board.links.iter().position(|link| format!("{} -> {}", id(link.from), id(link.to)) == arrow);
    found.ok_or_else(|| format!("no link `{arrow}`"))
}

fn put(board: &mut Stage, dropped: &Drop) -> Result<(), String> {
    let Drop { kind: key, on, size, set } = dropped;
    let kind = Kind::from_key(key).ok_or_else(|| format!("no kind `{key}`"))?;
    let catalogue = builtin::catalogue();
    let size = catalogue.get(size.as_deref().unwrap_or(STANDARD)).ok_or_else(|| format!("no size {size:?}"))?;
    let spot = Spot::Link(link_named(board, on)?);
    let at = board.place_for(kind, spot);
    board.put(kind, spot, at, Some(size)).ok_or_else(|| format!("a {key} cannot stand on `{on}`"))?;
    turn(board, set)
}

/// What can be read of a run at an instant, to be held against another.
struct Look {
    at_s: f64,
    stale: u64,
    hosts: Vec<HostGauge>,
    metrics: Vec<Vec<(&'static str, MetricReading)>>,
}

impl Look {
    fn at(run: &Simulation) -> Self {
        let metrics = |node| run.metrics(node).iter().map(|metric| (metric.name, metric.reading)).collect();
        Self {
            at_s: run.now() as f64 / 1e9,
            stale: run.counts().stale,
            hosts: (0..run.hosts().len()).map(|host| run.host_gauge(host)).collect(),
            metrics: (0..run.nodes().len()).map(metrics).collect(),
        }
    }
}

fn seen(run: &Simulation, before: &Look, after: &Look, window: &Window) -> Figures {
    let mut figures = Figures::new();
    let seconds = after.at_s - before.at_s;
    let failures = window.failed.iter().sum::<u64>() as f64;
    let answered = window.completed as f64;
    let mut add = |name: &str, value: f64| {
        figures.insert(name.to_owned(), value);
    };
    add("answered_per_s", answered / seconds);
    add("failures", failures);
    add("failed_per_s", failures / seconds);
    add("failed", failures / (failures + answered).max(1.0));
    add("stale", (after.stale - before.stale) as f64 / answered.max(1.0));
    add("mean_ms", window.mean_ms);
    add("p50_ms", window.p50_ms);
    add("p95_ms", window.p95_ms);
    add("p99_ms", window.p99_ms);
    machines(run, before, after, &mut figures);
    components(run, before, after, &mut figures);
    figures
}

fn machines(run: &Simulation, before: &Look, after: &Look, figures: &mut Figures) {
    let seconds = after.at_s - before.at_s;
    let mut copies: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (host, info) in run.hosts().iter().enumerate() {
        let (then, now) = (&before.hosts[host], &after.hosts[host]);
        let shares = [
            ("cpu", (now.busy_s - then.busy_s) / now.processors / seconds),
            ("disk", (now.disk_busy_s - then.disk_busy_s) / f64::from(now.disk_channels) / seconds),
            ("memory", now.memory_used / now.memory),
        ];
        for (what, share) in shares {
            // Integrals are sums: a full processor may be 1e-16 more than full.
            let share = if what == "memory" { share } else { share.min(1.0) };
            figures.insert(format!("{} {what}", info.name), share);
            copies.entry(format!("{} {what}", all_of(&info.name))).or_default().push(share);
        }
    }
    for (name, shares) in copies {
        figures.insert(name, shares.iter().sum::<f64>() / shares.len() as f64);
    }
}

fn components(run: &Simulation, before: &Look, after: &Look, figures: &mut Figures) {
    let mut copies: BTreeMap<String, (bool, Vec<MetricReading>)> = BTreeMap::new();
    for (node, info) in run.nodes().enumerate() {
        let kind = run.stage().components[info.component].settings.kind();
        for (name, now) in &after.metrics[node] {
            let then = before.metrics[node].iter().find(|(then, _)| then == name).map(|(_, reading)| *reading);
            let since = match (*now, then) {
                (MetricReading::Count(now), Some(MetricReading::Count(then))) => MetricReading::Count(now - then),
                (MetricReading::Ratio(a, b), Some(MetricReading::Ratio(c, d))) => MetricReading::Ratio(a - c, b - d),
                (now, _) => now,
            };
            figures.insert(format!("{} {name}", info.name), since.number());
            let most = kind.about().glance.iter().any(|glance| glance.metric == *name && glance.most);
            copies.entry(format!("{} {name}", all_of(&info.name))).or_insert((most, Vec::new())).1.push(since);
        }
    }
    for (name, (most, readings)) in copies {
        figures.insert(name, together(&readings, most));
    }
}

/// The figure of several copies as a card adds it up.
fn together(readings: &[MetricReading], most: bool) -> f64 {
    if most {
        return readings.iter().map(MetricReading::number).fold(0.0, f64::max);
    }
    let pair = |reading: &MetricReading| match *reading {
        MetricReading::Ratio(part, of) => (part, of),
        MetricReading::Count(number) | MetricReading::Gauge(number) => (number, 0.0),
    };
    let (part, of) = readings.iter().map(pair).fold((0.0, 0.0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
    if of > 0.0 { part / of } else { part }
}

/// The name of all copies: what stands before the `#`.
fn all_of(name: &str) -> &str {
    name.split_once('#').map_or(name, |(all, _)| all)
}

fn by_theory(board: &Stage) -> Figures {
    let outcome = solve(board);
    let mut figures = Figures::new();
    let mut add = |name: String, estimate: &Estimate| {
        if let Some(value) = estimate.known() {
            figures.entry(all_of(&name).to_owned()).or_insert(value);
            figures.insert(name, value);
        }
    };
    add("answered_per_s".to_owned(), &outcome.throughput_per_s);
    add("mean_ms".to_owned(), &outcome.response_ms.mean);
    add("p50_ms".to_owned(), &outcome.response_ms.p50);
    add("p95_ms".to_owned(), &outcome.response_ms.p95);
    add("p99_ms".to_owned(), &outcome.response_ms.p99);
    for (name, estimate) in outcome.utilisation.iter().chain(&outcome.metrics) {
        add(name.clone(), estimate);
    }
    figures
}
