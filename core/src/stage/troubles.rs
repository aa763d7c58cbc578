//! What can go wrong with a thing on a board: the faults that a reader is offered, each in a size worth watching, and those
//! that do anything to it at all.

use super::{Component, FaultKind, Placement, Stage, Target};
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

impl Stage {
    /// Whether a fault of this kind does anything to a target, as its settings are or could be.
    pub fn can_have(&self, on: &Target, kind: &FaultKind) -> bool {
        let any = |is_there: &dyn Fn(&Component) -> bool| {
            let there = self.components.iter().enumerate().filter(|(_, component)| is_there(component));
            there.map(|(index, _)| index).any(|index| self.component_can_have(index, kind))
        };
        match *on {
            Target::Link(_) => {
                matches!(kind, FaultKind::Down | FaultKind::Cut | FaultKind::Slow { .. } | FaultKind::Lossy { .. })
            }
            Target::Region(region) => {
                matches!(kind, FaultKind::Down | FaultKind::Cut | FaultKind::Lossy { .. })
                    || any(&|it| it.region == Some(region))
            }
            Target::Machine(machine) => match kind {
                FaultKind::Down
                | FaultKind::Slow { .. }
                | FaultKind::MemoryLeak { .. }
                | FaultKind::DiskFill { .. } => true,
                _ => any(&|it| matches!(it.machine, Some(Placement::Shared(index)) if index == machine)),
            },
            Target::Component(index, _) => self.component_can_have(index, kind),
        }
    }

    fn component_can_have(&self, index: usize, kind: &FaultKind) -> bool {
        let Some(component) = self.components.get(index) else { return false };
        let has_machine = self.machine_of(index).is_some();
        match kind {
            FaultKind::Down => true,
            FaultKind::Cut | FaultKind::Lossy { .. } => false,
            FaultKind::Slow { .. } | FaultKind::MemoryLeak { .. } | FaultKind::DiskFill { .. } => has_machine,
            FaultKind::ConnectionLeak { .. } => matches!(component.settings, Settings::AppServer(_)),
            FaultKind::ColdCache => matches!(component.settings, Settings::Cache(_) | Settings::Cdn(_)),
            FaultKind::CorruptBackup => matches!(component.settings, Settings::Backup(_)),
            FaultKind::Deploy { .. } => has_machine || matches!(component.settings, Settings::Cdn(_)),
            FaultKind::Spike { .. } => matches!(component.settings, Settings::Clients(_)),
            // What everybody asks for is hot wherever it is.
            FaultKind::HotKey { .. } => true,
            FaultKind::Stuck => matches!(
                component.settings,
                Settings::Autoscaler(_)
                    | Settings::Backup(_)
                    | Settings::Batch(_)
                    | Settings::Database(_)
                    | Settings::Journal(_)
                    | Settings::Monitor(_)
                    | Settings::Queue(_)
                    | Settings::Replica(_)
                    | Settings::Shards(_)
            ),
        }
    }
}

fn part(whole: Bytes) -> Bytes {
    Bytes((whole.0 as f64 * LEAKED_PER_S) as u64)
}
