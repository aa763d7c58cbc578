//! Machines: what a component runs on, and what that costs.

use serde::{Deserialize, Serialize};

use crate::pack_struct;
use crate::settings::Unit;
use crate::units::{Bytes, Duration};

/// A machine as the model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Machine {
    /// Processors that the operating system sees.
    pub vcpus: u32,
    /// Limit on processor time, in processors (0.5 is half of one); none where the machine is whole.
    ///
    /// The limit is a token bucket that is filled once a period, as in Linux's CFS bandwidth control: work runs at full
    /// speed until the bucket is empty, then waits for the next period. See the kernel's
    /// `Documentation/scheduler/sched-bwc.rst`.
    pub quota: Option<f64>,
    /// How often the quota is filled.
    pub period: Duration,
    /// Speed of one processor relative to the one on which demands were measured.
    pub speed: f64,
    /// Main memory.
    pub memory: Bytes,
    /// Swap space behind it.
    pub swap: Bytes,
    /// Time that one synchronous disk operation takes.
    pub disk_latency: Duration,
    /// Disk operations that are served at once.
    pub disk_channels: u32,
    /// Disk size.
    pub disk: Bytes,
    /// Price of an hour, in US dollars.
    pub price_per_hour: f64,
}

pack_struct!(Machine { vcpus, quota, period, speed, memory, swap, disk_latency, disk_channels, disk, price_per_hour });

impl Default for Machine {
    fn default() -> Self {
        Self {
            vcpus: 1,
            quota: None,
            period: Duration::from_ms(100),
            speed: 1.0,
            memory: Bytes(1_000_000_000),
            swap: Bytes(1_000_000_000),
            disk_latency: Duration::from_ms(1),
            disk_channels: 1,
            disk: Bytes(25_000_000_000),
            price_per_hour: 0.0,
        }
    }
}

/// A number of a machine that can be turned.
#[derive(Clone, Copy, Debug)]
pub struct MachineField {
    /// Its key in a stage file.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Smallest sane value.
    pub min: f64,
    /// Largest sane value.
    pub max: f64,
    /// Reads it.
    pub read: fn(&Machine) -> f64,
    /// Sets it.
    pub write: fn(&mut Machine, f64),
}

impl Machine {
    /// Every number of a machine, with its sane range.
    pub const FIELDS: [MachineField; 10] = {
        const fn field(
            name: &'static str,
            unit: Unit,
            (min, max): (f64, f64),
            read: fn(&Machine) -> f64,
            write: fn(&mut Machine, f64),
        ) -> MachineField {
            MachineField { name, unit, min, max, read, write }
        }
        [
            field("vcpus", Unit::Count, (1.0, 1024.0), |m| f64::from(m.vcpus), |m, x| m.vcpus = (x + 0.5) as u32),
            // A whole machine reads as a quota of all its processors.
            field(
                "quota",
                Unit::Number,
                (0.01, 1024.0),
                |m| m.quota.unwrap_or(f64::from(m.vcpus)),
                |m, x| m.quota = Some(x),
            ),
            field(
                "period",
                Unit::Seconds,
                (0.001, 1.0),
                |m| m.period.as_secs_f64(),
                |m, x| m.period = Duration::from_secs_f64(x),
            ),
            field("speed", Unit::Number, (0.01, 100.0), |m| m.speed, |m, x| m.speed = x),
            field("memory", Unit::Bytes, (1e6, 1e14), |m| m.memory.0 as f64, |m, x| m.memory = Bytes(x as u64)),
            field("swap", Unit::Bytes, (0.0, 1e14), |m| m.swap.0 as f64, |m, x| m.swap = Bytes(x as u64)),
            field(
                "disk_latency",
                Unit::Seconds,
                (0.0, 10.0),
                |m| m.disk_latency.as_secs_f64(),
                |m, x| m.disk_latency = Duration::from_secs_f64(x),
            ),
            field(
                "disk_channels",
                Unit::Count,
                (1.0, 10_000.0),
                |m| f64::from(m.disk_channels),
                |m, x| m.disk_channels = (x + 0.5) as u32,
            ),
            field("disk", Unit::Bytes, (0.0, 1e17), |m| m.disk.0 as f64, |m, x| m.disk = Bytes(x as u64)),
            field("price_per_hour", Unit::Number, (0.0, 1e6), |m| m.price_per_hour, |m, x| m.price_per_hour = x),
        ]
    };

    /// The number with this key.
    pub fn field(name: &str) -> Option<&'static MachineField> {
        Self::FIELDS.iter().find(|field| field.name == name)
    }

    /// Processors' worth of work that the machine does in a second, on average.
    pub fn capacity(&self) -> f64 {
        let cpus = f64::from(self.vcpus);
        self.speed * self.quota.map_or(cpus, |quota| quota.min(cpus))
    }
}

/// One size on sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineSize {
    /// The key in a stage file, such as `small`.
    pub id: String,
    /// The name that a reader sees.
    pub name: String,
    /// What one gets.
    pub machine: Machine,
    /// Where the figures come from, with their date.
    pub source: String,
}

pack_struct!(MachineSize { id, name, machine, source });

/// The sizes on sale, smallest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Every size.
    pub sizes: Vec<MachineSize>,
}

impl Catalogue {
    /// The size with this key.
    pub fn get(&self, id: &str) -> Option<&MachineSize> {
        self.sizes.iter().find(|size| size.id == id)
    }
}
