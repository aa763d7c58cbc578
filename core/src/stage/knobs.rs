//! Turning one number of a stage by its path: what sliders, scrubbable sentences and figures' overrides go through.

use super::{Placement, Stage};
use crate::hardware::{Machine, MachineField};
use crate::number::within;
use crate::settings::{Field, Unit};
use crate::units::{Duration, Rate};
use crate::workload::Class;

/// A number of a stage, as it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The number.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
    /// Smallest sane value.
    pub min: f64,
    /// Largest sane value.
    pub max: f64,
    /// The choices by name, where the number counts them.
    pub choices: &'static [&'static str],
}

impl Stage {
    /// The number at `path`: `users.rate` (of the workload, by any clients' name), `app.workers`, `app.demand.read`,
    /// `box.memory`, `app.copies`, `app->database.latency`.
    pub fn knob(&self, path: &str) -> Option<Reading> {
        let (owner, rest) = path.split_once('.')?;
        if let Some(link) = self.link_named(owner).filter(|_| rest == "latency") {
            let value = self.links[link].latency.as_secs_f64();
            return Some(Reading { value, unit: Unit::Seconds, min: 0.0, max: 60.0, choices: &[] });
        }
        if let Some(machine) = self.machine_named(owner)
            && let Some(field) = Machine::field(rest)
        {
            let MachineField { unit, min, max, .. } = *field;
            return Some(Reading { value: (field.read)(machine), unit, min, max, choices: &[] });
        }
        let component = &self.components[self.component(owner)?];
        if rest == "rate" && component.settings.kind() == crate::component::Kind::Clients {
            let max = super::limits::RATE_PER_S;
            return Some(Reading {
                value: self.workload.rate.per_s(),
                unit: Unit::PerSecond,
                min: 0.0,
                max,
                choices: &[],
            });
        }
        if rest == "copies" {
            let value = f64::from(component.copies);
            let max = f64::from(super::limits::COPIES);
            return Some(Reading { value, unit: Unit::Count, min: 1.0, max, choices: &[] });
        }
        let (name, class) = split_class(rest)?;
        let Field { min, max, .. } = component.settings.kind().fields().iter().find(|field| field.name == name)?;
        let mut settings = component.settings;
        let knob = settings.knob(name)?;
        Some(Reading { value: knob.read(class)?, unit: knob.unit(), min: *min, max: *max, choices: knob.choices() })
    }

    /// Sets the number at `path`, kept within its sane range. False when there is no such number.
    pub fn set_knob(&mut self, path: &str, value: f64) -> bool {
        let Some(reading) = self.knob(path) else { return false };
        if !value.is_finite() {
            return false;
        }
        let value = within(value, reading.min, reading.max);
        let Some((owner, rest)) = path.split_once('.') else { return false };
        if let Some(link) = self.link_named(owner).filter(|_| rest == "latency") {
            self.links[link].latency = Duration::from_secs_f64(value);
            return true;
        }
        if let (Some(field), Some(machine)) = (Machine::field(rest), self.machine_named_mut(owner)) {
            (field.write)(machine, value);
            return true;
        }
        let Some(index) = self.component(owner) else { return false };
        let component = &mut self.components[index];
        if rest == "rate" && component.settings.kind() == crate::component::Kind::Clients {
            self.workload.rate = Rate::per_second(value);
            return true;
        }
        if rest == "copies" {
            component.copies = (value + 0.5) as u32;
            return true;
        }
        let Some((name, class)) = split_class(rest) else { return false };
        component.settings.knob(name).is_some_and(|knob| knob.write(class, value))
    }

    /// The link between two components, `app->database`.
    fn link_named(&self, ends: &str) -> Option<usize> {
        let (from, to) = ends.split_once('>')?;
        let ends = (self.component(from.strip_suffix('-')?)?, self.component(to)?);
        self.links.iter().position(|link| (link.from, link.to) == ends)
    }

    /// The machine of this name, or of the component of this name.
    fn machine_named(&self, id: &str) -> Option<&Machine> {
        match self.machines.iter().find(|named| named.id == id) {
            Some(named) => Some(&named.machine),
            None => self.machine_of(self.component(id)?),
        }
    }

    fn machine_named_mut(&mut self, id: &str) -> Option<&mut Machine> {
        let index = match self.machines.iter().position(|named| named.id == id) {
            Some(index) => index,
            None => {
                let component = self.component(id)?;
                match self.components[component].machine.as_mut()? {
                    Placement::Shared(index) => *index,
                    Placement::Own { machine, .. } => return Some(machine),
                }
            }
        };
        self.machines.get_mut(index).map(|named| &mut named.machine)
    }
}

/// `demand.read` is the part `read` of the setting `demand`.
fn split_class(path: &str) -> Option<(&str, Option<Class>)> {
    match path.split_once('.') {
        None => Some((path, None)),
        Some((name, class)) => Some((name, Some(Class::from_name(class)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Kind;

    /// `app.speed` is of the machine on which the app runs alone: a setting of the same name could not be turned.
    #[test]
    fn no_setting_has_the_name_of_a_machines_number() {
        for kind in Kind::ALL {
            for field in kind.fields() {
                assert!(Machine::field(field.name).is_none() && field.name != "copies", "{kind:?}: {}", field.name);
            }
        }
    }
}
