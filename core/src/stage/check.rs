//! The rules that a stage keeps. Every breach is reported, with the field's path and what would be valid.

use std::fmt::Arguments;

use super::{Challenge, Fault, FaultKind, Link, Placement, Stage, Target, limits};
use crate::component::Kind;
use crate::hardware::Machine;
use crate::number::short;
use crate::popularity::zipf::LARGEST_EXPONENT;
use crate::settings::{Field, Unit};
use crate::units::{Bytes, Duration};
use crate::workload::{Class, Demand, Workload};

/// Most decimals of a number in a sentence.
const PLACES: usize = 6;

/// A breach of a rule, at a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field: `component[2].workers`, `link[0]`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be valid.
    pub help: String,
}

/// Collects breaches. Texts come as what is to be formatted: a stage without a breach formats nothing.
#[derive(Debug, Default)]
struct Report(Vec<Problem>);

impl Report {
    fn add(&mut self, path: Arguments<'_>, message: Arguments<'_>, help: Arguments<'_>) {
        self.0.push(Problem { path: path.to_string(), message: message.to_string(), help: help.to_string() });
    }

    /// Not-a-number is outside every range.
    fn range(&mut self, path: Arguments<'_>, value: f64, min: f64, max: f64, unit: Unit) {
        if !(min..=max).contains(&value) {
            let (value, min, max) = (show(value, unit), show(min, unit), show(max, unit));
            self.add(path, format_args!("{value} is out of range"), format_args!("from {min} to {max}"));
        }
    }
}

fn show(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => Duration::from_secs_f64(value).to_string(),
        Unit::Bytes => Bytes(value as u64).to_string(),
        Unit::PerSecond => short(value, PLACES) + "/s",
        _ => short(value, PLACES),
    }
}

impl Stage {
    /// Every breach of a rule; none in a stage that can be simulated.
    pub fn check(&self) -> Vec<Problem> {
        let mut report = Report::default();
        if self.check_sizes(&mut report) {
            self.check_regions(&mut report);
            self.check_workload(&mut report);
            self.check_components(&mut report);
            self.check_links(&mut report);
            self.check_faults(&self.faults, "fault", &mut report);
        }
        report.0
    }

    /// Sizes first: everything after takes time in proportion. False when a size is too large.
    fn check_sizes(&self, report: &mut Report) -> bool {
        let copies = self.components.iter().fold(0_u32, |sum, component| sum.saturating_add(component.copies));
        let sizes = [
            ("component", self.components.len(), limits::COMPONENTS, "components"),
            ("component", copies as usize, limits::COPIES as usize, "copies of components"),
            ("machine", self.machines.len(), limits::COMPONENTS, "machines"),
            ("link", self.links.len(), limits::LINKS, "links"),
            ("fault", self.faults.len(), limits::FAULTS, "faults"),
            ("region", self.regions.len(), limits::REGIONS, "regions"),
        ];
        let before = report.0.len();
        for (path, size, most, what) in sizes {
            if size > most {
                report.add(
                    format_args!("{path}"),
                    format_args!("{size} {what} are too many"),
                    format_args!("at most {most}"),
                );
            }
        }
        let edges = self.edges();
        if edges > limits::EDGES {
            let message = format!("{edges} connections between copies are too many");
            report.add(format_args!("link"), format_args!("{message}"), format_args!("at most {}", limits::EDGES));
        }
        report.0.len() == before
    }

    /// Connections between copies.
    pub(super) fn edges(&self) -> u64 {
        let copies = |index: usize| self.components.get(index).map_or(0, |it| u64::from(it.copies));
        self.links.iter().fold(0, |sum, link| sum.saturating_add(copies(link.from).saturating_mul(copies(link.to))))
    }

    /// Every breach of a rule in what the reader is asked to reach. Whoever simulates a stage need not know.
    pub fn check_challenge(&self) -> Vec<Problem> {
        let mut report = Report::default();
        if let Some(Challenge { rate, errors, stale, lost, faults, .. }) = &self.challenge {
            let mut range = |field: &str, value: f64, most: f64, unit| {
                report.range(format_args!("challenge.{field}"), value, 0.0, most, unit);
            };
            range("rate", rate.per_s(), limits::RATE_PER_S, Unit::PerSecond);
            range("errors", *errors, 1.0, Unit::Number);
            range("stale", stale.unwrap_or_default(), 1.0, Unit::Number);
            range("lost", lost.unwrap_or_default(), 1e12, Unit::Count);
            self.check_faults(faults, "challenge.fault", &mut report);
        }
        report.0
    }

    fn check_workload(&self, report: &mut Report) {
        let rate = self.workload.rate.per_s();
        report.range(format_args!("rate"), rate, 0.0, limits::RATE_PER_S, Unit::PerSecond);
        for (class, share) in self.workload.mix.iter() {
            report.range(format_args!("workload.mix.{}", class.name()), *share, 0.0, 1.0, Unit::Number);
        }
        let sum: f64 = self.workload.mix.0.iter().sum();
        if (sum - 1.0).abs() >= 1e-6 || sum.is_nan() {
            report.add(
                format_args!("workload.mix"),
                format_args!("the shares add up to {}", short(sum, PLACES)),
                format_args!("shares that add up to 1"),
            );
        }
        self.check_shape(report);
    }

    /// How requests come, and what they are about.
    fn check_shape(&self, report: &mut Report) {
        let Workload { bursts, day, closed, popularity, .. } = &self.workload;
        let mut range = |field: &str, value: f64, min: f64, max: f64, unit| {
            report.range(format_args!("workload.{field}"), value, min, max, unit);
        };
        if let Some(bursts) = bursts {
            range("bursts.factor", bursts.factor, 1.0, 1_000.0, Unit::Number);
            range("bursts.lasts", bursts.lasts.as_secs_f64(), 0.001, 86_400.0, Unit::Seconds);
            range("bursts.every", bursts.every.as_secs_f64(), 0.001, 864_000.0, Unit::Seconds);
        }
        if let Some(day) = day {
            range("day.length", day.length.as_secs_f64(), 1.0, 864_000.0, Unit::Seconds);
            range("day.quiet", day.quiet, 0.0, 1.0, Unit::Number);
        }
        if let Some(closed) = closed {
            range("closed.users", f64::from(closed.users), 1.0, limits::CLOSED_USERS, Unit::Count);
            range("closed.think", closed.think.mean.as_secs_f64(), 0.0, 86_400.0, Unit::Seconds);
            range("closed.think.cv", closed.think.cv, 0.0, Demand::LARGEST_CV, Unit::Number);
        }
        range("popularity.zipf", popularity.zipf, 0.0, LARGEST_EXPONENT, Unit::Number);
        range("popularity.items", popularity.items as f64, 1.0, 1e12, Unit::Count);
    }

    fn check_regions(&self, report: &mut Report) {
        for (index, region) in self.regions.iter().enumerate() {
            let path = format!("region.{}", region.id);
            if !valid_id(&region.id) {
                report.add(
                    format_args!("{path}"),
                    format_args!("`{}` is not a name", region.id),
                    format_args!("{NAMES}"),
                );
            }
            let elsewhere = |id: &str| self.component(id).is_some() || self.machines.iter().any(|named| named.id == id);
            if self.regions[..index].iter().any(|other| other.id == region.id) || elsewhere(&region.id) {
                report.add(
                    format_args!("{path}"),
                    format_args!("there is another `{}`", region.id),
                    format_args!("a name of its own"),
                );
            }
            if region.latency.len() != self.regions.len() {
                report.add(
                    format_args!("{path}"),
                    format_args!("distances are missing"),
                    format_args!("a latency to every other region"),
                );
            }
            for latency in &region.latency {
                report.range(format_args!("{path}.latency"), latency.as_secs_f64(), 0.0, 60.0, Unit::Seconds);
            }
        }
    }

    fn check_components(&self, report: &mut Report) {
        for (index, named) in self.machines.iter().enumerate() {
            if self.machines[..index].iter().any(|other| other.id == named.id) || self.component(&named.id).is_some() {
                let message = format!("there is another `{}`", named.id);
                report.add(
                    format_args!("machine.{}", named.id),
                    format_args!("{message}"),
                    format_args!("a name of its own"),
                );
            }
            check_machine(report, &format!("machine.{}", named.id), &named.machine);
        }
        if !self.components.iter().any(|component| component.settings.kind() == Kind::Clients) {
            report.add(
                format_args!("component"),
                format_args!("no component of kind `clients`"),
                format_args!("at least one: the users"),
            );
        }
        for (index, component) in self.components.iter().enumerate() {
            let path = format!("component[{index}]");
            if !valid_id(&component.id) {
                report.add(
                    format_args!("{path}.id"),
                    format_args!("`{}` is not a name", component.id),
                    format_args!("{NAMES}"),
                );
            }
            if self.component(&component.id) != Some(index) {
                let message = format!("there is another `{}`", component.id);
                report.add(format_args!("{path}.id"), format_args!("{message}"), format_args!("a name of its own"));
            }
            let most = if component.settings.kind() == Kind::Clients { 1 } else { limits::COPIES };
            report.range(format_args!("{path}.copies"), f64::from(component.copies), 1.0, f64::from(most), Unit::Count);
            if !component.at.iter().all(|at| (-100_000.0..=100_000.0).contains(at)) {
                report.add(
                    format_args!("{path}.at"),
                    format_args!("off the board"),
                    format_args!("two numbers, about 800 by 470 for a whole figure"),
                );
            }
            if component.region.is_some_and(|region| region >= self.regions.len()) {
                report.add(
                    format_args!("{path}.region"),
                    format_args!("there is no such region"),
                    format_args!("a region of this stage"),
                );
            }
            self.check_placement(report, &path, index);
            self.check_settings(report, &path, index);
        }
    }

    fn check_placement(&self, report: &mut Report, path: &str, index: usize) {
        let component = &self.components[index];
        let about = component.settings.kind().about();
        match &component.machine {
            None if about.hosted => {
                let message = format!("`{}` runs on nothing", component.id);
                report.add(
                    format_args!("{path}"),
                    format_args!("{message}"),
                    format_args!("machine = \"…\": a machine of this stage, or a size of the catalogue"),
                );
            }
            Some(_) if !about.hosted => {
                let message = format!("`{}` does not run on a machine of ours", component.id);
                report.add(format_args!("{path}.machine"), format_args!("{message}"), format_args!("no machine"));
            }
            Some(Placement::Shared(machine)) if *machine >= self.machines.len() => {
                report.add(
                    format_args!("{path}.machine"),
                    format_args!("there is no such machine"),
                    format_args!("a machine of this stage"),
                );
            }
            Some(Placement::Own { machine, .. }) => check_machine(report, &format!("{path}.machine"), machine),
            _ => {}
        }
    }

    fn check_settings(&self, report: &mut Report, path: &str, index: usize) {
        let mut settings = self.components[index].settings;
        for Field { name, min, max, .. } in settings.kind().fields() {
            let Some(knob) = settings.knob(name) else { continue };
            let classes = if knob.per_class() { Class::ALL.map(Some).to_vec() } else { vec![None] };
            for class in classes {
                let part = class.map_or(String::new(), |class| format!(".{}", class.name()));
                let value = knob.read(class).unwrap_or(f64::NAN);
                report.range(format_args!("{path}.{name}{part}"), value, *min, *max, knob.unit());
                let cv = knob.variation(class);
                if !(0.0..=Demand::LARGEST_CV).contains(&cv) {
                    let most = short(Demand::LARGEST_CV, PLACES);
                    let help = format!("from 0 (constant) over 1 (exponential) to {most}");
                    report.add(
                        format_args!("{path}.{name}{part}.cv"),
                        format_args!("{} is out of range", short(cv, PLACES)),
                        format_args!("{help}"),
                    );
                }
            }
        }
    }

    fn check_links(&self, report: &mut Report) {
        for (index, link) in self.links.iter().enumerate() {
            let path = format!("link[{index}]");
            let (Some(from), Some(to)) = (self.components.get(link.from), self.components.get(link.to)) else {
                report.add(
                    format_args!("{path}"),
                    format_args!("it leads to nowhere"),
                    format_args!("two components of this stage"),
                );
                continue;
            };
            let (caller, called) = (from.settings.kind(), to.settings.kind());
            if !caller.about().calls.contains(&called) {
                let names: Vec<&str> = caller.about().calls.iter().map(|kind| kind.key()).collect();
                let help = if names.is_empty() { "no link from it".to_owned() } else { names.join(", ") };
                let message = format!("`{}` ({}) does not call a {}", from.id, caller.key(), called.key());
                report.add(format_args!("{path}"), format_args!("{message}"), format_args!("{help}"));
            }
            if self.links[..index].iter().any(|other| (other.from, other.to) == (link.from, link.to)) {
                report.add(
                    format_args!("{path}"),
                    format_args!("`{}` and `{}` are linked already", from.id, to.id),
                    format_args!("one link"),
                );
            }
            report.range(format_args!("{path}.latency"), link.latency.as_secs_f64(), 0.0, 60.0, Unit::Seconds);
            if let Some(bandwidth) = link.bandwidth {
                let bytes_per_s = bandwidth.bytes_per_s();
                if !(1.0..=1e15).contains(&bytes_per_s) {
                    report.add(
                        format_args!("{path}.bandwidth"),
                        format_args!("{bandwidth} is out of range"),
                        format_args!("from 1 B/s"),
                    );
                }
            }
            if !link.classes.0.contains(&true) {
                report.add(
                    format_args!("{path}.for"),
                    format_args!("no class goes this way"),
                    format_args!("at least one class"),
                );
            }
        }
        self.check_circles(report);
        self.check_reach(report);
    }

    /// Calls that go round in a circle would never end. Databases that replicate to one another do not call.
    fn check_circles(&self, report: &mut Report) {
        let kind = |index: usize| self.components.get(index).map(|component| component.settings.kind());
        let calls = |link: &Link| {
            !(kind(link.from).is_some_and(Kind::keeps_rows) && kind(link.to).is_some_and(Kind::keeps_rows))
        };
        let links: Vec<(usize, &Link)> = self.links.iter().enumerate().filter(|(_, link)| calls(link)).collect();
        // Whoever has nobody left to call is taken off, until none is (Kahn, 1962); what stays is in a circle or leads to
        // one.
        let mut left: Vec<bool> = vec![true; self.components.len()];
        let calls_on = |left: &[bool], index: usize| {
            let on = |(_, link): &&(usize, &Link)| link.from == index && left.get(link.to) == Some(&true);
            links.iter().find(on).map(|(number, link)| (*number, link.to))
        };
        for _ in 0..self.components.len() {
            let before = left.clone();
            left.iter_mut().enumerate().for_each(|(index, left)| *left &= calls_on(&before, index).is_some());
            if left == before {
                break;
            }
        }
        // So whoever follows the calls comes round to where they were before.
        let mut seen = vec![false; self.components.len()];
        let mut at = left.iter().position(|left| *left);
        while let Some(index) = at {
            seen[index] = true;
            let next = calls_on(&left, index);
            if let Some((number, to)) = next.filter(|(_, to)| seen[*to]) {
                let (from, to) = (&self.components[index].id, &self.components[to].id);
                let message = format!("calls from `{from}` to `{to}` go round in a circle");
                report.add(
                    format_args!("link[{number}]"),
                    format_args!("{message}"),
                    format_args!("calls that come to an end: remove a link of the circle"),
                );
                break;
            }
            at = next.map(|(_, to)| to);
        }
    }

    /// Whatever handles requests must be reachable from the users, or from something that acts on its own.
    fn check_reach(&self, report: &mut Report) {
        let reached = self.reached();
        for (index, component) in self.components.iter().enumerate() {
            if !reached[index] {
                let message = format!("no way leads from the users to `{}`", component.id);
                report.add(format_args!("component[{index}]"), format_args!("{message}"), format_args!("a link to it"));
            }
            if self.asks_nobody(index) {
                let message = format!("`{}` have nobody to ask", component.id);
                report.add(
                    format_args!("component[{index}]"),
                    format_args!("{message}"),
                    format_args!("a link to whatever answers them: an app-server"),
                );
            }
        }
    }

    /// Which components somebody's calls come to: the users', or those of something that acts on its own.
    pub(super) fn reached(&self) -> Vec<bool> {
        let acts = |component: &super::Component| component.settings.kind().about().origin;
        let mut reached: Vec<bool> = self.components.iter().map(acts).collect();
        for _ in 0..self.components.len() {
            let before = reached.iter().filter(|reached| **reached).count();
            for link in &self.links {
                if reached.get(link.from) == Some(&true)
                    && let Some(to) = reached.get_mut(link.to)
                {
                    *to = true;
                }
            }
            if reached.iter().filter(|reached| **reached).count() == before {
                break;
            }
        }
        reached
    }

    /// Whether these are users whom nobody answers.
    pub(super) fn asks_nobody(&self, index: usize) -> bool {
        let kind = |index: usize| self.components.get(index).map(|component| component.settings.kind());
        let answers = |link: &Link| link.from == index && kind(link.to).is_some_and(|kind| kind != Kind::Dns);
        kind(index) == Some(Kind::Clients) && !self.links.iter().any(answers)
    }

    fn check_faults(&self, faults: &[Fault], list: &str, report: &mut Report) {
        for (index, fault) in faults.iter().enumerate() {
            let path = format!("{list}[{index}]");
            let there = match fault.on {
                Target::Machine(machine) => machine < self.machines.len(),
                Target::Link(link) => link < self.links.len(),
                Target::Region(region) => region < self.regions.len(),
                Target::Component(component, copy) => self
                    .components
                    .get(component)
                    .is_some_and(|component| copy.is_none_or(|copy| copy < component.copies)),
            };
            if !there {
                let help = "a component, a copy of one, a machine, a link or a region";
                report.add(format_args!("{path}.on"), format_args!("there is no such thing"), format_args!("{help}"));
            }
            for (field, value, [min, max]) in fault.kind.numbers() {
                report.range(format_args!("{path}.{field}"), value, min, max, Unit::Number);
            }
            let links_only = matches!(fault.kind, FaultKind::Lossy { .. } | FaultKind::Cut);
            if links_only && matches!(fault.on, Target::Component(..) | Target::Machine(_)) {
                report.add(
                    format_args!("{path}.on"),
                    format_args!("only a link or a region can have this"),
                    format_args!("a link: \"app -> database\""),
                );
            }
        }
    }
}

const NAMES: &str = "1 to 40 letters, digits, `-` or `_`, a letter first";

pub(super) fn valid_id(id: &str) -> bool {
    id.len() <= 40
        && id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn check_machine(report: &mut Report, path: &str, machine: &Machine) {
    for field in &Machine::FIELDS {
        report.range(format_args!("{path}.{}", field.name), (field.read)(machine), field.min, field.max, field.unit);
    }
}
