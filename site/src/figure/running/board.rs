//! The board of a figure at work: its elements are built, laid out, moved and focused.

use std::sync::Arc;

use hockeystick_core::stage::Stage;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::Running;
use crate::figure::eye::Eye;
use crate::figure::history::Moment;
use crate::figure::layout::{BOARD_UNITS, Layout, NARROW_PX, Point, members, rows};
use crate::figure::view::Thing;

impl Running {
    /// Takes over the board's place on the page, and what builds its elements in there.
    pub(crate) fn attach(&self, board: HtmlElement, build: Box<dyn Fn()>) {
        self.board.replace(Some(board));
        self.build.replace(Some(build));
        self.rebuild();
    }

    /// Builds the elements of the board as it stands. Who worked on it by keyboard goes on where they were: on the same
    /// component while it is there, else on the board.
    pub(super) fn rebuild(&self) {
        let focused = self.focused();
        if let Some(build) = self.build.borrow().as_ref() {
            build();
        }
        match focused.map(|card| self.still(card?)) {
            Some(Some(index)) => self.focus(Thing::Component(index)),
            Some(None) => self.focus_board(),
            None => {}
        }
        self.built.replace(self.handle.stage());
        self.lay_out();
    }

    /// A setting may give a card another row, or take one away.
    pub(super) fn keep_rows(&self, stage: &Stage) {
        let same = {
            let built = self.built.borrow();
            let count = stage.components.len();
            built.components.len() == count && (0..count).all(|index| rows(stage, index) == rows(&built, index))
        };
        if !same {
            self.rebuild();
        }
    }

    /// What a component of the board that is built is on the stage as it stands.
    fn still(&self, index: usize) -> Option<usize> {
        self.handle.with_stage(|stage| stage.same_component(&self.built.borrow(), index))
    }

    /// The component whose card has the focus; none where something else on the board has it.
    fn focused(&self) -> Option<Option<usize>> {
        let board = self.board.borrow();
        let board = board.as_ref()?;
        let active = leptos::prelude::document().active_element()?;
        if !board.contains(Some(&active)) {
            return None;
        }
        let cards = board.query_selector_all(".card").ok()?;
        let card = (0..cards.length()).find(|at| cards.item(*at).is_some_and(|card| card.contains(Some(&active))));
        Some(card.map(|at| at as usize))
    }

    /// The settings that are open stay open while their component is there, whatever its number and its name are now.
    pub(super) fn follow_chosen(&self) {
        let now = match self.view.chosen.get_untracked() {
            Some(Thing::Component(index)) => {
                let now = self.still(index).map(Thing::Component);
                let built = self.built.borrow();
                let name = built.components.get(index).map(|it| it.id.as_str()).unwrap_or_default();
                if self.handle.with_stage(|stage| stage.component(name).is_none()) {
                    // Its settings go by its name: they are made anew.
                    self.view.chosen.set(now);
                }
                now
            }
            Some(Thing::Machine(index)) => {
                Some(Thing::Machine(index)).filter(|_| self.handle.with_stage(|stage| index < stage.machines.len()))
            }
            Some(Thing::Link(_)) | None => None,
        };
        self.view.chosen.put(now);
    }

    fn box_width(&self) -> f64 {
        self.board.borrow().as_ref().map_or(0.0, |board| f64::from(board.client_width()))
    }

    /// Lays the board out for its present width.
    pub(crate) fn lay_out(&self) {
        let width = self.box_width();
        if width < 1.0 {
            return;
        }
        let narrow = width < NARROW_PX;
        let moved = self.handle.places(|places| places.of(narrow).clone());
        let layout = self.handle.with_stage(|stage| Layout::new(stage, width, &moved));
        self.view.layout.set(Arc::new(layout));
        self.frames.ask();
    }

    /// A place on the screen, on the board; none beside it.
    pub(crate) fn on_board(&self, x: f64, y: f64) -> Option<Point> {
        let rect = self.board.borrow().as_ref()?.get_bounding_client_rect();
        let inside = (rect.left()..=rect.right()).contains(&x) && (rect.top()..=rect.bottom()).contains(&y);
        let eye = self.view.eye.get_untracked();
        let scale = self.view.layout.with_untracked(|layout| eye.scale(layout));
        inside.then(|| Point { x: (x - rect.left() - eye.x) / scale, y: (y - rect.top() - eye.y) / scale })
    }

    /// Moves a thing by some pixels from where everything was before.
    pub(crate) fn shift(&self, thing: Thing, before: &[Point], by: Point) {
        let mut centres = before.to_vec();
        for index in self.members(thing) {
            if let Some(centre) = centres.get_mut(index) {
                *centre = Point { x: centre.x + by.x, y: centre.y + by.y };
            }
        }
        self.put_cards(&centres);
    }

    /// The components that move with a thing.
    pub(crate) fn members(&self, thing: Thing) -> Vec<usize> {
        match thing {
            Thing::Component(index) => vec![index],
            Thing::Machine(machine) => self.handle.with_stage(|stage| members(stage, machine).collect()),
            Thing::Link(_) => Vec::new(),
        }
    }

    /// Puts the cards' centres where the reader wants them.
    pub(crate) fn put_cards(&self, centres: &[Point]) {
        let layout = self.view.layout.get_untracked();
        let share = |centre: &Point| Point { x: centre.x / layout.width, y: centre.y };
        let ids = self.handle.with_stage(|stage| stage.components.iter().map(|it| it.id.clone()).collect::<Vec<_>>());
        self.handle.places(|places| {
            *places.of(layout.narrow) = ids.into_iter().zip(centres.iter().map(share)).collect();
        });
        self.view.layout.set(Arc::new(self.handle.with_stage(|stage| layout.moved(stage, centres))));
        self.frames.ask();
    }

    /// Puts the cards back where they were.
    pub(crate) fn put_back(&self, then: Moment) {
        self.handle.places(|places| *places = then.places);
        self.lay_out();
    }

    /// Makes the positions that are seen the stage's own, before it is changed: what stays, stays where it is.
    pub(crate) fn settle(&self) {
        let layout = self.view.layout.get_untracked();
        if layout.narrow || layout.width < 1.0 {
            return;
        }
        let centres = layout.centres();
        self.handle.move_to(|stage| {
            for (component, centre) in stage.components.iter_mut().zip(&centres) {
                component.at = [(centre.x / layout.width * BOARD_UNITS) as f32, centre.y as f32];
            }
        });
        self.handle.places(|places| places.wide.clear());
    }

    /// The element may have another width now.
    pub(crate) fn fit(&self) {
        let (width, fit) = self.view.layout.with_untracked(|layout| (layout.width, layout.fit));
        if (self.box_width() - width * fit).abs() > 0.5 {
            self.view.eye.put(Eye::default());
            self.lay_out();
        }
    }

    /// Gives the board itself the focus, where what had it is gone.
    pub(crate) fn focus_board(&self) {
        if let Some(board) = self.board.borrow().as_ref() {
            let _ = board.focus();
        }
    }

    /// Gives a thing on the board the focus.
    pub(crate) fn focus(&self, thing: Thing) {
        let (selector, index) = match thing {
            Thing::Component(index) => (".card", index),
            Thing::Machine(index) => (".machine-head", index),
            Thing::Link(index) => (".arrow", index),
        };
        let board = self.board.borrow();
        let found = board
            .as_ref()
            .and_then(|board| board.query_selector_all(selector).ok())
            .and_then(|all| all.item(index as u32));
        // An arrow is no HTML element, and takes the focus all the same.
        if let Some(element) = found.map(|node| node.unchecked_into::<HtmlElement>()) {
            let _ = element.focus();
        }
    }
}
