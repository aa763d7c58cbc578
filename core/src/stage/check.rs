//! The rules that a stage keeps. Every breach is reported, with the field's path and what would be valid.

use super::{FaultKind, Placement, Stage, Target, limits};
use crate::component::Kind;
use crate::hardware::Machine;
use crate::number::short;
use crate::settings::{Field, Unit};
use crate::units::{Bytes, Duration};
use crate::workload::{Class, Demand};

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

/// Collects breaches.
#[derive(Debug, Default)]
struct Report(Vec<Problem>);

impl Report {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Problem { path: path.into(), message: message.into(), help: help.into() });
    }

    /// Not-a-number is outside every range.
    fn range(&mut self, path: impl Into<String>, value: f64, min: f64, max: f64, unit: Unit) {
        if !(min..=max).contains(&value) {
            let (value, min, max) = (show(value, unit), show(min, unit), show(max, unit));
            self.add(path, format!("{value} is out of range"), format!("from {min} to {max}"));
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
            self.check_workload(&mut report);
            self.check_components(&mut report);
            self.check_links(&mut report);
            self.check_faults(&mut report);
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
        ];
        let before = report.0.len();
        for (path, size, most, what) in sizes {
            if size > most {
                report.add(path, format!("{size} {what} are too many"), format!("at most {most}"));
            }
        }
        let edges = self.links.iter().fold(0_u64, |sum, link| {
            let copies = |index: usize| self.components.get(index).map_or(0, |c| u64::from(c.copies));
            sum.saturating_add(copies(link.from).saturating_mul(copies(link.to)))
        });
        if edges > limits::EDGES {
            let message = format!("{edges} connections between copies are too many");
            report.add("link", message, format!("at most {}", limits::EDGES));
        }
        report.0.len() == before
    }

    fn check_workload(&self, report: &mut Report) {
        let rate = self.workload.rate.per_s();
        report.range("rate", rate, 0.0, limits::RATE_PER_S, Unit::PerSecond);
        for (class, share) in self.workload.mix.iter() {
            report.range(format!("workload.mix.{}", class.name()), *share, 0.0, 1.0, Unit::Number);
        }
        let sum: f64 = self.workload.mix.0.iter().sum();
        if (sum - 1.0).abs() >= 1e-6 || sum.is_nan() {
            report.add(
                "workload.mix",
                format!("the shares add up to {}", short(sum, PLACES)),
                "shares that add up to 1",
            );
        }
        if let Some(challenge) = &self.challenge {
            report.range("challenge.rate", challenge.rate.per_s(), 0.0, limits::RATE_PER_S, Unit::PerSecond);
            report.range("challenge.errors", challenge.errors, 0.0, 1.0, Unit::Number);
        }
    }

    fn check_components(&self, report: &mut Report) {
        for (index, named) in self.machines.iter().enumerate() {
            if self.machines[..index].iter().any(|other| other.id == named.id) || self.component(&named.id).is_some() {
                let message = format!("there is another `{}`", named.id);
                report.add(format!("machine.{}", named.id), message, "a name of its own");
            }
            check_machine(report, &format!("machine.{}", named.id), &named.machine);
        }
        let users = self.components.iter().filter(|component| component.settings.kind() == Kind::Clients).count();
        if users != 1 {
            report.add("component", format!("{users} components of kind `clients`"), "exactly one: the users");
        }
        for (index, component) in self.components.iter().enumerate() {
            let path = format!("component[{index}]");
            if !valid_id(&component.id) {
                let help = "1 to 40 letters, digits, `-` or `_`, a letter first";
                report.add(format!("{path}.id"), format!("`{}` is not a name", component.id), help);
            }
            if self.component(&component.id) != Some(index) {
                let message = format!("there is another `{}`", component.id);
                report.add(format!("{path}.id"), message, "a name of its own");
            }
            let most = if component.settings.kind() == Kind::Clients { 1 } else { limits::COPIES };
            report.range(format!("{path}.copies"), f64::from(component.copies), 1.0, f64::from(most), Unit::Count);
            if !component.at.iter().all(|at| (-100_000.0..=100_000.0).contains(at)) {
                report.add(format!("{path}.at"), "off the board", "two numbers, about 800 by 470 for a whole figure");
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
                report.add(path, message, "machine = \"…\": a machine of this stage, or a size of the catalogue");
            }
            Some(_) if !about.hosted => {
                let message = format!("`{}` does not run on a machine of ours", component.id);
                report.add(format!("{path}.machine"), message, "no machine");
            }
            Some(Placement::Shared(machine)) if *machine >= self.machines.len() => {
                report.add(format!("{path}.machine"), "there is no such machine", "a machine of this stage");
            }
            Some(Placement::Own { machine, .. }) => check_machine(report, &format!("{path}.machine"), machine),
            _ => {}
        }
    }

    fn check_settings(&self, report: &mut Report, path: &str, index: usize) {
        let settings = &self.components[index].settings;
        for Field { name, min, max, .. } in settings.kind().fields() {
            let Some(knob) = settings.knob(name) else { continue };
            let classes = if knob.per_class() { Class::ALL.map(Some).to_vec() } else { vec![None] };
            for class in classes {
                let part = class.map_or(String::new(), |class| format!(".{}", class.name()));
                let value = knob.read(class).unwrap_or(f64::NAN);
                report.range(format!("{path}.{name}{part}"), value, *min, *max, knob.unit());
                let cv = knob.variation(class);
                if !(0.0..=Demand::LARGEST_CV).contains(&cv) {
                    let most = short(Demand::LARGEST_CV, PLACES);
                    let help = format!("from 0 (constant) over 1 (exponential) to {most}");
                    report.add(
                        format!("{path}.{name}{part}.cv"),
                        format!("{} is out of range", short(cv, PLACES)),
                        help,
                    );
                }
            }
        }
    }

    fn check_links(&self, report: &mut Report) {
        for (index, link) in self.links.iter().enumerate() {
            let path = format!("link[{index}]");
            let (Some(from), Some(to)) = (self.components.get(link.from), self.components.get(link.to)) else {
                report.add(path, "it leads to nowhere", "two components of this stage");
                continue;
            };
            let (caller, called) = (from.settings.kind(), to.settings.kind());
            if !caller.about().calls.contains(&called) {
                let names: Vec<&str> = caller.about().calls.iter().map(|kind| kind.key()).collect();
                let help = if names.is_empty() { "no link from it".to_owned() } else { names.join(", ") };
                let message = format!("`{}` ({}) does not call a {}", from.id, caller.key(), called.key());
                report.add(&path, message, help);
            }
            if self.links[..index].iter().any(|other| (other.from, other.to) == (link.from, link.to)) {
                report.add(&path, format!("`{}` and `{}` are linked already", from.id, to.id), "one link");
            }
            report.range(format!("{path}.latency"), link.latency.as_secs_f64(), 0.0, 60.0, Unit::Seconds);
        }
        self.check_reach(report);
    }

    /// Whatever handles requests must be reachable from the users. A cycle cannot be: every kind calls only kinds
    /// that lie behind it.
    fn check_reach(&self, report: &mut Report) {
        let mut reached: Vec<bool> =
            self.components.iter().map(|component| component.settings.kind() == Kind::Clients).collect();
        for _ in 0..self.components.len() {
            for link in &self.links {
                if reached.get(link.from) == Some(&true)
                    && let Some(to) = reached.get_mut(link.to)
                {
                    *to = true;
                }
            }
        }
        for (index, component) in self.components.iter().enumerate() {
            let kind = component.settings.kind();
            let leads_on = |to: Kind| {
                self.links.iter().any(|link| {
                    link.from == index && self.components.get(link.to).is_some_and(|c| c.settings.kind() == to)
                })
            };
            if !reached[index] {
                let message = format!("no way leads from the users to `{}`", component.id);
                report.add(format!("component[{index}]"), message, "a link to it");
            }
            if kind == Kind::Clients && !leads_on(Kind::AppServer) {
                let message = format!("`{}` have nobody to ask", component.id);
                report.add(format!("component[{index}]"), message, "a link to an app-server");
            }
        }
    }

    fn check_faults(&self, report: &mut Report) {
        for (index, fault) in self.faults.iter().enumerate() {
            let path = format!("fault[{index}]");
            let there = match fault.on {
                Target::Machine(machine) => machine < self.machines.len(),
                Target::Component(component, copy) => self
                    .components
                    .get(component)
                    .is_some_and(|component| copy.is_none_or(|copy| copy < component.copies)),
            };
            if !there {
                report.add(format!("{path}.on"), "there is no such thing", "a component, a copy of one, or a machine");
            }
            if let FaultKind::Slow { speed } = fault.kind {
                report.range(format!("{path}.speed"), speed, 0.001, 1.0, Unit::Number);
            }
        }
    }
}

fn valid_id(id: &str) -> bool {
    id.len() <= 40
        && id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn check_machine(report: &mut Report, path: &str, machine: &Machine) {
    for field in &Machine::FIELDS {
        report.range(format!("{path}.{}", field.name), (field.read)(machine), field.min, field.max, field.unit);
    }
}
