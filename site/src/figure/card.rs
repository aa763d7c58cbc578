//! The cards on the board, one a component, and the boxes of the machines that they share.

use std::rc::Rc;

use hockeystick_core::component::Kind;
use hockeystick_core::component::glance::{Glance, Place};
use hockeystick_core::figure::title;
use hockeystick_core::hardware::Machine;
use hockeystick_core::number::short;
use hockeystick_core::settings::Unit;
use hockeystick_core::stage::Stage;
use hockeystick_core::stage::edit::Spot;

use super::aim::{Aim, Errand};
use super::board::translate;
use super::dom::{El, el, svg};
use super::drag::Drag;
use super::layout::{Rect, Row, SLOT_PX, SLOTS, rows};
use super::meter::{percent as hundredths, pool};
use super::numbers::show;
use super::view::{CardNow, MachineNow, Thing, icon};
use super::{Figure, carry};
use crate::dom::px;

/// Shares of a machine's memory and disk from which a card says so.
const SHORT_MEMORY: f64 = 0.9;
const SHORT_DISK: f64 = 0.75;

/// The card of a component.
pub(crate) fn card(figure: Figure, index: usize) -> El {
    let view = figure.view;
    let now = view.card(index);
    let thing = Thing::Component(index);
    let (id, kind, copies, rows) = figure.stage(|stage| {
        let component = &stage.components[index];
        (component.id.clone(), component.settings.kind(), component.copies, rows(stage, index))
    });
    let name = if copies > 1 { format!("{} ×\u{a0}{copies}", title(&id)) } else { title(&id) };
    let rect = move || view.layout.with(|layout| layout.cards.get(index).copied().unwrap_or_default());
    let head = el("div", "card-head")
        .child(svg("icon", "0 0 24 24", &icon(kind)))
        .child(el("span", "card-name").text(&name))
        .child(el("span", "card-note").live_text(move || note(figure, index, kind, now.get())));
    let card = el("div", if rows.is_empty() { "card small" } else { "card" });
    held(figure, thing, placed(card, rect))
        .attr("aria-roledescription", "component")
        .live_class("down", move || now.get().down)
        .live_class("chosen", move || view.chosen.get() == Some(thing))
        .live_class("moving", move || view.moving.get() == Some(thing))
        .live_class("can", lit(figure, index, Aim::may))
        .live_class("aimed", lit(figure, index, Aim::is_at))
        .child(head)
        .children(rows.iter().map(|row| card_row(figure, index, kind, *row)))
        .children(port(figure, index))
}

/// Whether something that is carried may be dropped on a card.
fn lit(figure: Figure, index: usize, is: fn(&Aim, Spot) -> bool) -> impl Fn() -> bool + 'static {
    move || figure.view.aim.with(|aim| aim.as_ref().is_some_and(|aim| is(aim, Spot::Component(index))))
}

/// The handle from which a link is drawn to another card. The keyboard has a key for it.
fn port(figure: Figure, index: usize) -> Option<El> {
    let makes_sense = |stage: &Stage| (0..stage.components.len()).any(|to| stage.connection(index, to).is_some());
    if !figure.can_edit() || !figure.stage(makes_sense) {
        return None;
    }
    let port = el("span", "port").attr("aria-hidden", "true").attr("title", "Drag, or press, to connect");
    Some(carry::handle(figure, port, Errand::Connect(index)))
}

/// An element that is where the layout says.
fn placed(element: El, rect: impl Fn() -> Rect + Copy + 'static) -> El {
    element
        .live_style("transform", move || translate(rect().x, rect().y))
        .live_style("width", move || px(rect().width))
        .live_style("height", move || px(rect().height))
}

/// An element that can be chosen and moved.
fn held(figure: Figure, thing: Thing, element: El) -> El {
    let drag = Drag::new(figure, thing);
    element
        .attr("tabindex", "0")
        .attr("role", "button")
        .attr("aria-describedby", &figure.help_id())
        .on("pointerdown", move |event| drag.pointer_down(&event))
        .on("pointermove", move |event| drag.pointer_move(&event))
        .on("pointerup", move |event| drag.pointer_up(&event))
        .on("touchmove", move |event: web_sys::Event| drag.touch_move(&event))
        .on("pointercancel", move |_: web_sys::Event| drag.give_back())
        .on("keydown", move |event| drag.key_down(&event))
        .on("blur", move |_: web_sys::Event| drag.blur())
}

/// The words at a card's right or below its name.
fn note(figure: Figure, index: usize, kind: Kind, now: CardNow) -> String {
    if now.down {
        return "down".to_owned();
    }
    if now.up < now.copies {
        return format!("{} of {} up", now.up, now.copies);
    }
    for (glance, figure) in kind.about().glance.iter().zip(now.figures) {
        if glance.place == Place::Head
            && let Some(bad) = some(glance, figure)
        {
            return bad;
        }
    }
    // What is seldom short is told when it is.
    if now.memory >= SHORT_MEMORY {
        return format!("memory {}", percent(now.memory));
    }
    if now.disk >= SHORT_DISK {
        return format!("disk {}", percent(now.disk));
    }
    figure.view.stage_version.track();
    match kind {
        Kind::Clients => show(figure.stage(|stage| stage.users_rate(&stage.components[index])), Unit::PerSecond),
        _ => String::new(),
    }
}

/// The machine of its own that a component runs on, in a few words.
fn own_machine(figure: Figure, index: usize) -> String {
    figure.view.stage_version.track();
    figure.stage(|stage| stage.machine_of(index).map(machine_words)).unwrap_or_default()
}

fn card_row(figure: Figure, index: usize, kind: Kind, row: Row) -> El {
    let now = figure.view.card(index);
    let counts = move || {
        let now = now.get();
        if row == Row::Serving { (now.serving, now.serving_most) } else { (now.waiting, now.waiting_most) }
    };
    let name = match (row, kind) {
        (Row::Cpu, _) => return bar("CPU", move || now.get().cpu, move || own_machine(figure, index)),
        (Row::Figure(place), _) => return figure_row(figure, index, kind, place.into()),
        (Row::Serving, Kind::Database | Kind::Replica) => "Queries",
        (Row::Serving, _) => "Workers",
        (Row::Waiting, _) => "Waiting",
    };
    let width = move || {
        figure.view.stage_version.track();
        let most = figure.stage(|stage| capacity(stage, index, row));
        px(f64::from(most.min(SLOTS as u32)) * SLOT_PX)
    };
    el("div", "slots-row")
        .live_class("full", move || {
            let (count, most) = counts();
            most > 0 && count >= most
        })
        .child(el("span", "").text(name))
        .child(el("span", "slots-count").live_text(move || {
            let (count, most) = counts();
            count_words(count, most)
        }))
        .child(el("span", "slots").live_style("width", width))
}

/// A figure of its own kind: a bar where it is a share, else words.
fn figure_row(figure: Figure, index: usize, kind: Kind, place: usize) -> El {
    let now = figure.view.card(index);
    if kind == Kind::AppServer {
        return pool_row(figure, index);
    }
    let Some(glance) = kind.about().glance.get(place).copied() else { return el("div", "") };
    let beside = kind.about().glance.get(place + 1).filter(|it| it.place == Place::Beside);
    let value = move || now.get().figures[place].map(f64::from);
    let words = move || {
        let words = value().map_or_else(|| "–".to_owned(), |value| glance_words(value, glance.unit));
        match beside.and_then(|it| some(it, now.get().figures[place + 1])) {
            Some(more) => words + ", " + &more,
            None => words,
        }
    };
    if glance.unit == Unit::Number {
        return bar(glance.label, move || value().unwrap_or(0.0), words).attr("data-plain", "");
    }
    let alarms = glance.metric == "firing";
    el("span", "bar words")
        .live_class("hot", move || alarms && value().is_some_and(|value| value > 0.0))
        .child(el("span", "bar-name").text(glance.label))
        .child(el("span", "bar-words").live_text(words))
}

/// A figure that is told while there is any of it.
fn some(glance: &Glance, figure: Option<f32>) -> Option<String> {
    let figure = f64::from(figure?);
    // Less than that reads as none.
    (figure >= 0.000_5).then(|| glance_words(figure, glance.unit) + " " + glance.label)
}

fn glance_words(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Number if value < 0.01 => short(value * 100.0, 1) + "\u{a0}%",
        Unit::Number => percent(value),
        // A lag of less than a millisecond is none.
        Unit::Seconds if value < 0.000_5 => show(0.0, unit),
        _ => show(value, unit),
    }
}

/// The connections that an application holds, and who waits for one.
fn pool_row(figure: Figure, index: usize) -> El {
    let now = figure.view.card(index);
    let most = move || {
        figure.view.stage_version.track();
        figure.stage(|stage| stage.components.get(index).map_or(0.0, pool))
    };
    let held = move || now.get().figures[0].map_or(0.0, f64::from);
    let words = move || {
        let waiting = now.get().figures[1].unwrap_or(0.0);
        let words = count_words(held() as u32, most() as u32);
        if waiting >= 1.0 { format!("{words}, {} wait", short(waiting.into(), 0)) } else { words }
    };
    bar("Pool", move || now.get().pool, words)
}

/// How many slots a row has: workers, backlog or connections.
fn capacity(stage: &Stage, index: usize, row: Row) -> u32 {
    let mut settings = stage.components[index].settings;
    let names: &[&str] = if row == Row::Waiting { &["backlog"] } else { &["workers", "connections"] };
    let most = names.iter().find_map(|name| settings.knob(name)?.read(None)).unwrap_or(0.0);
    most as u32
}

fn count_words(count: u32, most: u32) -> String {
    if most == 0 { count.to_string() } else { format!("{count} of {most}") }
}

/// The box of a shared machine, with its bars.
pub(crate) fn machine(figure: Figure, index: usize) -> El {
    let view = figure.view;
    let now = view.machine(index);
    let thing = Thing::Machine(index);
    let name = figure.stage(|stage| title(&stage.machines[index].id));
    let rect = move || view.layout.with(|layout| layout.machines.get(index).copied().flatten().unwrap_or_default());
    let busy = move || view.busiest.get().filter(|it| it.thing == thing).map_or(0, |it| it.percent);
    let words = move || {
        view.stage_version.track();
        if now.get().down {
            return "down".to_owned();
        }
        figure.stage(|stage| machine_words(&stage.machines[index].machine))
    };
    let line = el("div", "machine-line")
        .child(el("span", "machine-name").text(&name))
        .child(el("span", "machine-note").live_text(words));
    let bars = el("div", "bars")
        .child(bar("CPU", move || now.get().cpu, move || percent(now.get().cpu)))
        .child(bar("Memory", move || memory_share(now.get()), move || memory_words(now.get())))
        .child(bar("Disk", move || now.get().disk, move || percent(now.get().disk)));
    let head =
        held(figure, thing, el("div", "machine-head")).attr("aria-roledescription", "machine").child(line).child(bars);
    warmth(placed(el("div", "machine"), rect), Rc::new(busy))
        .live_class("down", move || now.get().down)
        .live_class("chosen", move || view.chosen.get() == Some(thing))
        .child(head)
}

/// A labelled bar; what it shows is 0 to 1.
fn bar(name: &str, share: impl Fn() -> f64 + 'static, words: impl Fn() -> String + 'static) -> El {
    bar_of(name, Rc::new(share), Box::new(words))
}

fn bar_of(name: &str, share: Rc<dyn Fn() -> f64>, words: Box<dyn Fn() -> String>) -> El {
    let percent = Rc::clone(&share);
    warmth(el("span", "bar"), Rc::new(move || hundredths(percent())))
        .child(el("span", "bar-name").text(name))
        .child(el("span", "bar-words").live_text(words))
        .child(el("span", "bar-track").child(el("span", "").live_style("transform", move || scale(share()))))
}

/// An element that is calm, warm or hot, by how many hundredths are in use: one rule for bars, machines and the mark.
pub(crate) fn warmth(element: El, percent: Rc<dyn Fn() -> u32>) -> El {
    let same = Rc::clone(&percent);
    element.live_class("warm", move || percent() >= 75).live_class("hot", move || same() >= 95)
}

fn scale(share: f64) -> String {
    format!("scaleX({})", short(share.clamp(0.0, 1.0), 3))
}

fn percent(share: f64) -> String {
    format!("{}\u{a0}%", hundredths(share))
}

/// Memory in use, to ten megabytes, so that it does not flicker; past the machine's own it is on disk.
fn memory_words(now: MachineNow) -> String {
    let used = show((now.memory_used / 1e7).round() * 1e7, Unit::Bytes);
    if now.memory_used > now.memory { used + " swaps" } else { used }
}

fn memory_share(now: MachineNow) -> f64 {
    if now.memory > 0.0 { now.memory_used / now.memory } else { 0.0 }
}

/// What a machine is, in a few words: `1 vCPU · 1 GB`.
pub(crate) fn machine_words(machine: &Machine) -> String {
    let cpus = machine.vcpus;
    let cpus = match machine.quota {
        Some(quota) if quota < f64::from(cpus) => format!("{} of {cpus} vCPU", short(quota, 3)),
        _ => format!("{cpus} vCPU"),
    };
    format!("{cpus} · {}", show(machine.memory.0 as f64, Unit::Bytes))
}
