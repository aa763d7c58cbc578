//! "Break it": the faults that the chosen thing can have, its links' and its region's too.

use std::sync::Arc;

use hockeystick_core::figure::{Break, title};
use hockeystick_core::stage::{FaultKind, Stage, Target};
use web_sys::Event;

use super::Figure;
use super::board::translate;
use super::dom::{El, button, el, follow, value_of};
use super::layout::Layout;
use super::live::Live;
use super::view::Thing;

/// How long a fault may last; 0 until it is repaired.
const LASTS: [(u32, &str); 5] = [(5, "5 s"), (10, "10 s"), (30, "30 s"), (120, "2 min"), (0, "until repaired")];
/// How long it lasts unless the reader wants it otherwise.
const USUAL: u32 = 10;
/// Copies that can be chosen one by one.
const COPIES: u32 = 12;

/// What can be broken about a thing, heading by heading.
fn targets(stage: &Stage, thing: Thing, copy: Option<u32>) -> Vec<(String, Target)> {
    match thing {
        Thing::Machine(index) => vec![(String::new(), Target::Machine(index))],
        Thing::Link(index) => vec![(String::new(), Target::Link(index))],
        Thing::Component(index) => {
            let Some(component) = stage.components.get(index) else { return Vec::new() };
            let mut targets = vec![(String::new(), Target::Component(index, copy))];
            for (number, link) in stage.links.iter().enumerate() {
                let words = match (link.from == index, link.to == index) {
                    (true, _) => format!("The link to {}", title(&stage.components[link.to].id)),
                    (_, true) => format!("The link from {}", title(&stage.components[link.from].id)),
                    _ => continue,
                };
                targets.push((words, Target::Link(number)));
            }
            if let Some(region) = component.region.filter(|region| *region < stage.regions.len()) {
                targets.push((format!("All of {}", title(&stage.regions[region].id)), Target::Region(region)));
            }
            targets
        }
    }
}

/// Whether nothing can be broken about a thing.
fn is_sound(stage: &Stage, thing: Thing) -> bool {
    targets(stage, thing, None).iter().all(|(_, on)| stage.troubles(on).is_empty())
}

/// The button at a card that opens the choice of its faults. It stands beside the card, for a card is a button itself, and
/// is there while the card is pointed at, focused or chosen.
pub(crate) fn at_card(figure: Figure, index: usize) -> Option<El> {
    let thing = Thing::Component(index);
    let name = figure.name(thing);
    if figure.stage(|stage| is_sound(stage, thing)) {
        return None;
    }
    let place = move || {
        let corner = |layout: &Arc<Layout>| layout.cards.get(index).map(|card| translate(card.x + card.width, card.y));
        figure.view.layout.with(corner).unwrap_or_default()
    };
    let open = move || {
        figure.view.to_break.set(true);
        figure.view.chosen.set(Some(thing));
    };
    let button = button("break-card", "Break it").attr("aria-label", &format!("Break it: {}", title(&name)));
    Some(button.live_style("transform", place).on_click(open))
}

/// The faults that the chosen thing can have; nothing where it can have none.
pub(crate) fn breaks(figure: Figure, thing: Thing) -> Option<El> {
    let copies = Live::new(1);
    follow(move || {
        figure.view.stage_version.track();
        copies.put(figure.stage(|stage| match thing {
            Thing::Component(index) => stage.components.get(index).map_or(1, |component| component.copies),
            Thing::Machine(_) | Thing::Link(_) => 1,
        }));
    });
    if figure.stage(|stage| is_sound(stage, thing)) {
        return None;
    }
    let (lasts, copy) = (Live::new(USUAL), Live::new(None::<u32>));
    let mut choices = el("div", "break-choices").child(choice(
        "For",
        LASTS.map(|(seconds, words)| (seconds, words.to_owned())).to_vec(),
        USUAL,
        move |seconds| lasts.set(seconds),
    ));
    choices = choices.live_child(move || {
        let copies = copies.get();
        let each = (1..=copies.min(COPIES)).map(|number| (number, format!("number {number}")));
        let all = std::iter::once((0, format!("all {copies}"))).chain(each).collect();
        copy.set(None);
        (copies > 1).then(|| choice("Of them", all, 0, move |number| copy.set(number.checked_sub(1))))
    });
    let menu = el("details", "break-it");
    // Who has touched a card or a machine wants its settings first; an arrow has little else than its faults.
    let is_first = figure.view.to_break.get_untracked() || matches!(thing, Thing::Link(_));
    let menu = if is_first { menu.attr("open", "") } else { menu };
    let menu = menu
        .child(el("summary", "").text("Break it"))
        .child(choices)
        .live_child(move || {
            figure.view.stage_version.track();
            Some(buttons(figure, thing, copy.get(), lasts))
        })
        .child(super::controls::mend(figure, "Repair everything"));
    Some(menu)
}

fn buttons(figure: Figure, thing: Thing, copy: Option<u32>, lasts: Live<u32>) -> El {
    let groups = figure.stage(|stage| {
        let group = |(words, on): (String, Target)| {
            let troubles = stage.troubles(&on);
            let name = title(&stage.target_name(&on));
            let each = troubles.into_iter().map(|kind| {
                let label = format!("{name} {}", kind.words());
                (name.clone(), Break { label, on: on.clone(), kind, lasts_s: 0.0 })
            });
            (words, each.collect::<Vec<_>>())
        };
        targets(stage, thing, copy).into_iter().map(group).collect::<Vec<_>>()
    });
    let group = |(words, each): (String, Vec<(String, Break)>)| {
        let heading = (!words.is_empty()).then(|| el("p", "").text(&words));
        let each = each.into_iter().map(|(name, what)| {
            // Who speaks to the page says what is seen: the button's name begins with it.
            let how = title(&size_words(what.kind));
            button("button break", &how).attr("aria-label", &format!("{how}: {name}")).on_click(move || {
                let lasts_s = f64::from(lasts.get_untracked());
                figure.break_it(Break { lasts_s, ..what.clone() });
            })
        });
        el("div", "break-group").children(heading).child(el("div", "breaks").children(each))
    };
    el("div", "").children(groups.into_iter().map(group))
}

/// What happens, and how badly.
fn size_words(kind: FaultKind) -> String {
    let words = kind.words();
    let times = |factor: f64| hockeystick_core::number::short(factor, 0);
    match kind {
        FaultKind::Slow { speed } => format!("{words}, {}×", times(1.0 / speed)),
        FaultKind::Lossy { loss } => format!("{words}, {}\u{a0}%", times(loss * 100.0)),
        FaultKind::Spike { factor } => format!("{}× as many", times(factor)),
        FaultKind::HotKey { share } => format!("{}\u{a0}% {words}", times(share * 100.0)),
        FaultKind::Deploy { errors, .. } => format!("bad release, {}\u{a0}% fail", times(errors * 100.0)),
        FaultKind::ConnectionLeak { share } => format!("{words}, {}\u{a0}%", times(share * 100.0)),
        _ => words.to_owned(),
    }
}

/// A list to choose a number from.
fn choice(name: &str, choices: Vec<(u32, String)>, usual: u32, chosen: impl Fn(u32) + 'static) -> El {
    let options = choices.into_iter().map(|(value, words)| {
        let option = el("option", "").attr("value", &value.to_string()).text(&words);
        if value == usual { option.attr("selected", "") } else { option }
    });
    let select = el("select", "").children(options).on("change", move |event: Event| {
        if let Ok(value) = value_of(&event).parse() {
            chosen(value);
        }
    });
    el("label", "break-choice").text(name).text(" ").child(select)
}
