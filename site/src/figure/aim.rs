//! Dropping something where it makes sense: a new component from the palette, or the end of a new link.
//!
//! By pointer what is under it is aimed at; by keyboard the arrow keys go from one meaningful place to the next. Where it
//! may be dropped is lit meanwhile.

use hockeystick_core::component::Kind;
use hockeystick_core::figure::title;
use hockeystick_core::stage::edit::Spot;
use web_sys::KeyboardEvent;

use crate::dom::plain_key;

use super::Figure;
use super::layout::{BOARD_UNITS, Point};
use super::view::Thing;

/// What is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// A new component.
    Add(Kind),
    /// The end of a link of this component.
    Connect(usize),
}

/// Something that is carried, and where it may be dropped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Aim {
    pub(crate) errand: Errand,
    spots: Vec<Spot>,
    /// Which of them is aimed at.
    at: Option<usize>,
}

impl Aim {
    /// Whether it may be dropped there.
    pub(crate) fn may(&self, spot: Spot) -> bool {
        self.spots.contains(&spot)
    }

    /// Whether it would be dropped there now.
    pub(crate) fn is_at(&self, spot: Spot) -> bool {
        self.here() == Some(spot)
    }

    fn here(&self) -> Option<Spot> {
        self.spots.get(self.at?).copied()
    }
}

impl Figure {
    /// Takes something up.
    pub(crate) fn take_up(self, errand: Errand) {
        let spots = self.stage(|stage| match errand {
            Errand::Add(kind) => stage.spots(kind),
            Errand::Connect(from) => {
                let makes_sense = |to: &usize| stage.connection(from, *to).is_some();
                (0..stage.components.len()).filter(makes_sense).map(Spot::Component).collect()
            }
        });
        self.view.aim.set(Some(Aim { errand, spots, at: None }));
    }

    /// The pointer has carried it to this place on the screen.
    pub(crate) fn aim_at(self, x: i32, y: i32) {
        let point = self.on_board(x, y);
        self.view.pointer.put(point);
        let Some(aim) = self.view.aim.get_untracked() else { return };
        let under =
            point.map(|point| self.view.layout.with_untracked(|layout| layout.spot_at(point)).unwrap_or(Spot::Board));
        let at = |spot: Option<Spot>| aim.spots.iter().position(|it| Some(*it) == spot);
        // What does not take it is no reason not to drop it there, beside.
        let at = at(under).or_else(|| under.and_then(|_| at(Some(Spot::Board))));
        self.view.aim.put(Some(Aim { at, ..aim }));
    }

    /// A place on the screen, on the board; none beside it.
    pub(crate) fn on_board(self, x: i32, y: i32) -> Option<Point> {
        let mut point = None;
        self.with(|running| point = running.on_board(x.into(), y.into()));
        point
    }

    /// Aims with the keyboard: arrow keys, Enter, Escape. True when the key was for it.
    pub(crate) fn aim_by(self, event: &KeyboardEvent) -> bool {
        let Some(aim) = self.view.aim.get_untracked() else { return false };
        match plain_key(event).as_str() {
            "ArrowRight" | "ArrowDown" => self.aim_on(aim, 1),
            "ArrowLeft" | "ArrowUp" => self.aim_on(aim, -1),
            "Enter" | " " => self.drop_it(true),
            "Tab" => {
                self.let_it_be();
                return false;
            }
            "Escape" => {
                self.let_it_be();
                self.view.said.set("Cancelled.".to_owned());
            }
            _ => return false,
        }
        event.prevent_default();
        true
    }

    /// Takes something up with a press: the next one says where it goes.
    pub(crate) fn take_up_by_press(self, errand: Errand) {
        self.take_up(errand);
        self.view.said.set("Press where it goes. Escape cancels.".to_owned());
    }

    /// Takes something up with the keyboard: the first place is aimed at at once.
    pub(crate) fn take_up_by_key(self, errand: Errand) {
        self.take_up(errand);
        let Some(aim) = self.view.aim.get_untracked() else { return };
        if aim.spots.is_empty() {
            self.let_it_be();
            self.view.said.set("There is nothing that it could be connected with.".to_owned());
            return;
        }
        self.aim_on(aim, 1);
    }

    fn aim_on(self, aim: Aim, step: isize) {
        let count = aim.spots.len() as isize;
        let at =
            aim.at.map_or(if step > 0 { 0 } else { count - 1 }, |at| (at as isize + step).rem_euclid(count.max(1)));
        let spot = aim.spots[at as usize];
        let words = self.spot_words(aim.errand, spot);
        self.view.said.set(format!("{words}. {} of {count}. Enter drops it, Escape cancels.", at + 1));
        self.view.aim.set(Some(Aim { at: Some(at as usize), ..aim }));
    }

    fn spot_words(self, errand: Errand, spot: Spot) -> String {
        self.stage(|stage| {
            let name = |index: usize| stage.components.get(index).map(|it| title(&it.id)).unwrap_or_default();
            match (spot, errand) {
                (Spot::Link(index), _) => {
                    let link = &stage.links[index];
                    format!("On the arrow from {} to {}", name(link.from), name(link.to))
                }
                (Spot::Component(index), Errand::Add(_)) => format!("On {}", name(index)),
                (Spot::Component(index), Errand::Connect(from)) => match stage.connection(from, index) {
                    Some((caller, called)) => format!("{} calls {}", name(caller), name(called)),
                    None => name(index),
                },
                (Spot::Board, _) => "On the board, unconnected".to_owned(),
            }
        })
    }

    /// Forgets what is carried.
    pub(crate) fn let_it_be(self) {
        self.view.aim.put(None);
        self.view.pointer.put(None);
        self.view.ghost.put(None);
    }

    /// Drops what is carried where it is aimed at.
    pub(crate) fn drop_it(self, by_key: bool) {
        let Some(aim) = self.view.aim.get_untracked() else { return };
        let pointer = self.view.pointer.get_untracked();
        self.let_it_be();
        let Some(spot) = aim.here() else { return };
        match (aim.errand, spot) {
            (Errand::Add(kind), spot) => self.add(kind, spot, pointer, by_key),
            (Errand::Connect(from), Spot::Component(to)) => self.connect(from, to),
            (Errand::Connect(_), _) => {}
        }
    }

    fn add(self, kind: Kind, spot: Spot, pointer: Option<Point>, by_key: bool) {
        let words = match spot {
            Spot::Board => "on the board".to_owned(),
            _ => self.spot_words(Errand::Add(kind), spot).to_ascii_lowercase(),
        };
        let layout = self.view.layout.get_untracked();
        let size = super::sizes::standard();
        let mut made = None;
        self.with(|running| {
            running.settle();
            made = running.handle.edit(|stage| {
                // Where it was dropped on the bare ground, else where there is room.
                let at = match (spot, pointer) {
                    (Spot::Board, Some(point)) if !layout.narrow => {
                        [(point.x / layout.width * BOARD_UNITS) as f32, point.y as f32]
                    }
                    _ => stage.place_for(kind, spot),
                };
                stage.put(kind, spot, at, size.as_ref())
            });
        });
        let Some(new) = made else { return };
        let name = title(&self.name(Thing::Component(new)));
        self.view.said.set(format!("{name} added {words}."));
        if by_key {
            self.focus(Thing::Component(new));
        }
    }

    fn connect(self, from: usize, to: usize) {
        let words = self.spot_words(Errand::Connect(from), Spot::Component(to));
        self.with(|running| {
            running.settle();
            if running.handle.edit(|stage| stage.connect(from, to)).is_some() {
                self.view.said.set(format!("{words} now."));
            }
        });
    }

    /// Takes a thing off the board.
    pub(crate) fn remove(self, thing: Thing) {
        let name = title(&self.name(thing));
        let is_user = |index: usize| {
            self.stage(|stage| stage.components.get(index).is_some_and(|it| it.settings.kind() == Kind::Clients))
        };
        if let Thing::Component(index) = thing
            && is_user(index)
            && self.stage(|stage| stage.components.iter().filter(|it| it.settings.kind() == Kind::Clients).count() == 1)
        {
            self.view.said.set(format!("{name} stay: without them nobody would ask for anything."));
            return;
        }
        self.view.chosen.put(None);
        self.with(|running| {
            running.settle();
            let removed = running.handle.edit(|stage| match thing {
                Thing::Component(index) => (index < stage.components.len()).then(|| stage.remove(index)),
                Thing::Link(index) => (index < stage.links.len()).then(|| stage.disconnect(index)),
                // A machine goes with the last that runs on it.
                Thing::Machine(_) => None,
            });
            if removed.is_some() {
                self.view.said.set(format!("{name} removed. Ctrl+Z brings it back."));
                running.focus_board();
            }
        });
    }

    /// Puts another like it beside a component.
    pub(crate) fn duplicate(self, index: usize) {
        self.with(|running| {
            running.settle();
            let kind =
                |stage: &hockeystick_core::stage::Stage| stage.components.get(index).map(|it| it.settings.kind());
            let made = running.handle.edit(|stage| {
                let at = stage.place_for(kind(stage)?, Spot::Board);
                let beside = stage.place_beside(index).unwrap_or(at);
                stage.duplicate(index, beside)
            });
            if let Some(new) = made {
                self.view
                    .said
                    .set(format!("{} added, connected in the same way.", title(&self.name(Thing::Component(new)))));
                self.focus(Thing::Component(new));
            }
        });
    }

    /// One copy more, or one less.
    pub(crate) fn copies(self, index: usize, by: i32) {
        self.with(|running| {
            running.settle();
            let wanted =
                self.stage(|stage| stage.components.get(index).map_or(1, |it| it.copies)).saturating_add_signed(by);
            if running.handle.edit(|stage| stage.set_copies(index, wanted).then_some(())).is_some() {
                let name = title(&self.name(Thing::Component(index)));
                self.view.said.set(format!("{name}: {wanted} {}.", if wanted == 1 { "copy" } else { "copies" }));
                self.focus(Thing::Component(index));
            }
        });
    }

    /// Puts everything in order.
    pub(crate) fn tidy(self) {
        self.see_all();
        self.with(|running| {
            running.settle();
            running.handle.tidy();
        });
        self.changed();
        self.view.said.set("Tidied up.".to_owned());
    }

    /// Takes the last change back, or makes it again.
    pub(crate) fn travel(self, back: bool) {
        let mut went = false;
        self.with(|running| went = running.handle.travel(back));
        self.view.said.set(
            match (went, back) {
                (true, true) => "Taken back.",
                (true, false) => "Made again.",
                (false, true) => "There is nothing to take back.",
                (false, false) => "There is nothing to make again.",
            }
            .to_owned(),
        );
    }
}
