//! Turning one number of a stage by its path: what sliders, scrubbable sentences and figures' overrides go through.

use super::{Placement, Stage};
use crate::hardware::Machine;
use crate::settings::{Field, Unit};
use crate::units::{Bytes, Duration, Rate};
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
}

/// Fields of a machine that can be turned, with their sane ranges.
const MACHINE_FIELDS: [(&str, Unit, f64, f64); 7] = [
    ("vcpus", Unit::Count, 1.0, 1024.0),
    ("quota", Unit::Number, 0.01, 1024.0),
    ("period", Unit::Seconds, 0.001, 1.0),
    ("speed", Unit::Number, 0.01, 100.0),
    ("memory", Unit::Bytes, 1e6, 1e14),
    ("swap", Unit::Bytes, 0.0, 1e14),
    ("disk_latency", Unit::Seconds, 0.0, 10.0),
];

impl Stage {
    /// The number at `path`: `users.rate` (of the workload, by any clients' name), `app.workers`, `app.demand.read`,
    /// `box.memory`, `app.copies`.
    pub fn knob(&self, path: &str) -> Option<Reading> {
        let (owner, rest) = path.split_once('.')?;
        if let Some(machine) = self.machine_named(owner)
            && let Some((name, unit, min, max)) = MACHINE_FIELDS.into_iter().find(|(name, ..)| *name == rest)
        {
            return Some(Reading { value: read_machine(machine, name), unit, min, max });
        }
        let component = &self.components[self.component(owner)?];
        if rest == "rate" && component.settings.kind() == crate::component::Kind::Clients {
            let max = super::limits::RATE_PER_S;
            return Some(Reading { value: self.workload.rate.per_s(), unit: Unit::PerSecond, min: 0.0, max });
        }
        let (name, class) = split_class(rest)?;
        let Field { min, max, .. } = component.settings.kind().fields().iter().find(|field| field.name == name)?;
        let knob = component.settings.knob(name)?;
        Some(Reading { value: knob.read(class)?, unit: knob.unit(), min: *min, max: *max })
    }

    /// Sets the number at `path`, kept within its sane range. False when there is no such number.
    pub fn set_knob(&mut self, path: &str, value: f64) -> bool {
        let Some(reading) = self.knob(path) else { return false };
        if !value.is_finite() {
            return false;
        }
        let value = value.clamp(reading.min, reading.max);
        let Some((owner, rest)) = path.split_once('.') else { return false };
        if MACHINE_FIELDS.iter().any(|(name, ..)| *name == rest)
            && let Some(machine) = self.machine_named_mut(owner)
        {
            write_machine(machine, rest, value);
            return true;
        }
        let Some(index) = self.component(owner) else { return false };
        let component = &mut self.components[index];
        if rest == "rate" && component.settings.kind() == crate::component::Kind::Clients {
            self.workload.rate = Rate::per_second(value);
            return true;
        }
        let Some((name, class)) = split_class(rest) else { return false };
        component.settings.knob_mut(name).is_some_and(|knob| knob.write(class, value))
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

fn read_machine(machine: &Machine, field: &str) -> f64 {
    match field {
        "vcpus" => f64::from(machine.vcpus),
        "quota" => machine.quota.unwrap_or(f64::from(machine.vcpus)),
        "period" => machine.period.as_secs_f64(),
        "speed" => machine.speed,
        "memory" => machine.memory.0 as f64,
        "swap" => machine.swap.0 as f64,
        _ => machine.disk_latency.as_secs_f64(),
    }
}

fn write_machine(machine: &mut Machine, field: &str, value: f64) {
    match field {
        "vcpus" => machine.vcpus = (value + 0.5) as u32,
        "quota" => machine.quota = Some(value),
        "period" => machine.period = Duration::from_secs_f64(value),
        "speed" => machine.speed = value,
        "memory" => machine.memory = Bytes(value as u64),
        "swap" => machine.swap = Bytes(value as u64),
        _ => machine.disk_latency = Duration::from_secs_f64(value),
    }
}
