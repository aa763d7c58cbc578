//! Machines: what a component runs on, and what that costs.

use serde::{Deserialize, Serialize};

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

impl Machine {
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
