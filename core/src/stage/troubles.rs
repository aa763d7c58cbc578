//! What can go wrong with a thing on a board: the faults that a reader is offered, each in a size worth watching.

use super::{FaultKind, Placement, Stage, Target};
use crate::component::{Kind, Settings};
use crate::units::{Bytes, Duration};

/// A leak fills a machine of common size in about half a minute.
const LEAKED_PER_S: f64 = 1.0 / 30.0;

impl Stage {
    /// The faults that a target can have, the plainest first; none for what is not there.
    pub fn troubles(&self, on: &Target) -> Vec<FaultKind> {
        match on {
            Target::Component(index, _) => self.component_troubles(*index),
            Target::Machine(index) => self.machines.get(*index).map_or(Vec::new(), |named| {
                vec![
                    FaultKind::Down,
                    FaultKind::Slow { speed: 0.25 },
                    FaultKind::MemoryLeak { per_s: part(named.machine.memory) },
                    FaultKind::DiskFill { per_s: part(named.machine.disk) },
                ]
            }),
            Target::Link(_) => {
                vec![FaultKind::Cut, FaultKind::Slow { speed: 0.05 }, FaultKind::Lossy { loss: 0.1 }]
            }
            Target::Region(_) => vec![FaultKind::Down, FaultKind::Cut],
        }
    }

    fn component_troubles(&self, index: usize) -> Vec<FaultKind> {
        let Some(component) = self.components.get(index) else { return Vec::new() };
        let kind = component.settings.kind();
        if kind == Kind::Clients {
            return vec![FaultKind::Spike { factor: 5.0 }, FaultKind::HotKey { share: 0.5 }];
        }
        let mut troubles = vec![FaultKind::Down];
        if let (Some(machine), Some(Placement::Own { .. })) = (self.machine_of(index), &component.machine) {
            troubles.push(FaultKind::Slow { speed: 0.25 });
            troubles.push(FaultKind::MemoryLeak { per_s: part(machine.memory) });
            if kind.keeps_rows() || matches!(kind, Kind::AppServer | Kind::Queue | Kind::Journal) {
                troubles.push(FaultKind::DiskFill { per_s: part(machine.disk) });
            }
        }
        match &component.settings {
            Settings::AppServer(app) => {
                if app.pool > 0 {
                    troubles.push(FaultKind::ConnectionLeak { share: 0.05 });
                }
                troubles.push(FaultKind::Deploy { errors: 0.2, speed: 1.0, canary: Duration::ZERO });
            }
            Settings::Cache(_) | Settings::Cdn(_) => troubles.push(FaultKind::ColdCache),
            Settings::Backup(_) => troubles.extend([FaultKind::CorruptBackup, FaultKind::Stuck]),
            Settings::Journal(_)
            | Settings::Batch(_)
            | Settings::Monitor(_)
            | Settings::Autoscaler(_)
            | Settings::Queue(_)
            | Settings::Replica(_) => troubles.push(FaultKind::Stuck),
            _ => {}
        }
        troubles
    }
}

fn part(whole: Bytes) -> Bytes {
    Bytes((whole.0 as f64 * LEAKED_PER_S) as u64)
}
