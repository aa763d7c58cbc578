//! What a card shows, and how large it is. The page's `figure.css` gives the same sizes to its elements.

use crate::component::Settings;
use crate::stage::{Component, Placement, Stage};

/// What a card shows below its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Slots for requests in service.
    Serving,
    /// Slots for requests that wait.
    Waiting,
    /// A bar: the processors of a machine of its own.
    Cpu,
    /// A figure of its own kind, by its place among the kind's glances.
    Figure(u8),
}

impl Row {
    /// Its height; `figure.css` gives the same to its elements.
    const fn height(self) -> f64 {
        match self {
            Self::Cpu => 26.0,
            Self::Figure(_) => 24.0,
            Self::Serving | Self::Waiting => 37.0,
        }
    }
}

/// The rows of a component's card.
pub fn rows(stage: &Stage, component: usize) -> &'static [Row] {
    const APP: [Row; 4] = [Row::Cpu, Row::Serving, Row::Waiting, Row::Figure(0)];
    const ROWS: [Row; 4] = [Row::Cpu, Row::Serving, Row::Figure(0), Row::Figure(1)];
    const OTHER: [Row; 3] = [Row::Cpu, Row::Figure(0), Row::Figure(1)];
    const CACHE: [Row; 4] = [Row::Cpu, Row::Figure(0), Row::Figure(2), Row::Figure(3)];
    const CDN: [Row; 3] = [Row::Cpu, Row::Figure(0), Row::Figure(2)];
    let leads_on = || stage.links.iter().any(|link| link.from == component);
    let component = &stage.components[component];
    let own = matches!(component.machine, Some(Placement::Own { .. }));
    let (rows, most): (&[Row], usize) = match &component.settings {
        Settings::AppServer(app) => (&APP, if app.pool > 0 { 4 } else { 3 }),
        // On a machine with others, the machine's head has the bars, and the card is small.
        Settings::Database(_) if !own => (&ROWS, 2),
        Settings::Database(_) => (&ROWS, if component.copies > 1 { 4 } else { 3 }),
        Settings::Replica(_) => (&ROWS, 3),
        Settings::Clients(users) => (&OTHER, if users.browser_cache > 0.0 { 2 } else { 1 }),
        Settings::Dns(_) => (&OTHER, if leads_on() { 2 } else { 1 }),
        Settings::Autoscaler(_) | Settings::Batch(_) | Settings::ObjectStore(_) => (&OTHER, 2),
        Settings::Cache(_) => (&CACHE, 4),
        Settings::Cdn(_) => (&CDN, 3),
        _ if own => (&OTHER, 2),
        _ => (&OTHER, 3),
    };
    &rows[usize::from(!own)..most]
}

/// The size of a component's card; `figure.css` gives the same heights to its parts.
pub fn size(stage: &Stage, component: usize) -> (f64, f64) {
    let rows = rows(stage, component);
    if rows.is_empty() {
        return (116.0, 96.0);
    }
    // Below a line of figures there is room for the mark of the busiest.
    let foot = if matches!(rows.last(), Some(Row::Figure(_))) { 12.0 } else { 6.0 };
    let inside = 46.0 + rows.iter().map(|row| row.height()).sum::<f64>() + foot;
    if rows.contains(&Row::Serving) {
        return (188.0, inside);
    }
    // Whoever answers requests has a line for them at its foot.
    let answers = stage.links.iter().any(|link| link.to == component || link.from == component);
    (width(&stage.components[component]), if answers { inside + FOOT_LINE } else { inside })
}

/// The width of a card without slots: more for a long name, so that it stands in one line. Two "Balancer EU × 2" have room
/// beside one another on a phone.
fn width(component: &Component) -> f64 {
    const LETTER: f64 = 5.0;
    let letters = component.id.len() + if component.copies > 1 { " × 2".chars().count() } else { 0 };
    148.0 + LETTER * f64::from(letters.clamp(12, 17) as u32 - 12)
}

/// Height of the line of requests at the foot of a card without slots.
const FOOT_LINE: f64 = 16.0;

/// Slots of one row: how many fit into a card.
pub const SLOTS: usize = 14;
/// From one slot's centre to the next.
pub const SLOT_PX: f64 = 11.8;
/// From a card's left edge to the centre of its first slot.
pub const SLOT_LEFT: f64 = 17.5;

/// The centre of the slots' line of a row, from the card's top.
pub fn slot_top(rows: &[Row], row: Row) -> f64 {
    let mut top = 46.0;
    for each in rows {
        if *each == row {
            break;
        }
        top += each.height();
    }
    top + 23.0
}

/// How far below a card's top arrows meet its sides: at its first line of slots, so that requests run in on a level.
pub fn anchor(stage: &Stage, component: usize) -> f64 {
    let rows = rows(stage, component);
    if rows.contains(&Row::Serving) { slot_top(rows, Row::Serving) } else { size(stage, component).1 / 2.0 }
}
