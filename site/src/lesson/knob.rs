//! Numbers in sentences: drag one sideways, or turn it by keys, and its figure follows.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use hockeystick_core::number::short;
use hockeystick_core::settings::Unit;
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusEvent, HtmlElement, HtmlInputElement, KeyboardEvent, MouseEvent, PointerEvent};

use crate::dom::{self, Listener, weakly};
use crate::figure::handle::{self, Change, FigureHandle, Subscription};
use crate::figure::numbers;
use crate::figure::scrub::Scale;

/// Pixels that a pointer may stray before a click is a drag.
const STRAY_PX: f64 = 3.0;

/// Every knob of the page.
pub(super) fn start() -> Vec<Rc<Knob>> {
    dom::all(".knob[data-figure][data-path]").into_iter().filter_map(Knob::new).collect()
}

/// One number in a sentence.
pub(super) struct Knob {
    word: HtmlElement,
    path: String,
    /// What the author wrote, in the knob's unit.
    authored: f64,
    /// Whether the author wrote a number without its unit.
    bare: bool,
    figure: RefCell<Option<(FigureHandle, Subscription)>>,
    /// Where a drag began, and at which value.
    drag: Cell<Option<(f64, f64)>>,
    dragged: Cell<bool>,
    input: RefCell<Option<(HtmlInputElement, [Listener; 2])>>,
    listeners: RefCell<Vec<Listener>>,
}

impl Knob {
    fn new(word: HtmlElement) -> Option<Rc<Self>> {
        let path = word.get_attribute("data-path")?;
        let id = word.get_attribute("data-figure")?;
        let authored = numbers::decimal(&word.get_attribute("data-value")?)?;
        let text = word.text_content().unwrap_or_default();
        let bare = !text.contains(|c: char| c.is_alphabetic() || c == '/' || c == '%');
        let knob = Rc::new(Self {
            word,
            path,
            authored,
            bare,
            figure: RefCell::default(),
            drag: Cell::new(None),
            dragged: Cell::new(false),
            input: RefCell::default(),
            listeners: RefCell::default(),
        });
        let connect = weakly(&knob, |knob, figure| knob.connect(figure));
        handle::when_mounted(&id, connect);
        Some(knob)
    }

    /// Begins to work: from here on it can be turned.
    fn connect(self: &Rc<Self>, figure: FigureHandle) {
        let word = &self.word;
        let control = figure.authored().controls.iter().find(|control| control.path == self.path);
        let label = control.map_or_else(|| self.path.replace(['.', '_'], " "), |control| control.label.clone());
        for (name, value) in [("role", "slider"), ("tabindex", "0"), ("aria-label", &label)] {
            dom::set(word, name, value);
        }
        dom::set(word, "title", "Drag sideways, or use the arrow keys. Enter: type a number. Double click: as it was.");
        let changed = weakly(self, |knob, change: Change| {
            // Whatever was turned: what this one turns may have another name by now.
            if matches!(change, Change::Knob(_)) {
                knob.show();
            }
        });
        let subscription = figure.on_change(move |_, change| changed(change.clone()));
        *self.figure.borrow_mut() = Some((figure, subscription));
        self.show();
        self.listen();
    }

    fn listen(self: &Rc<Self>) {
        let word = &self.word;
        let listeners = vec![
            Listener::new(word, "pointerdown", weakly(self, |knob, event| knob.pointer_down(&event))),
            Listener::new(word, "pointermove", weakly(self, |knob, event| knob.pointer_move(&event))),
            Listener::new(word, "pointerup", weakly(self, |knob, event| knob.pointer_up(&event))),
            Listener::new(word, "pointercancel", weakly(self, |knob, _: PointerEvent| knob.let_go())),
            Listener::new(word, "dblclick", weakly(self, |knob, _: MouseEvent| knob.turn(knob.authored))),
            Listener::new(word, "keydown", weakly(self, |knob, event| knob.key_down(&event))),
        ];
        *self.listeners.borrow_mut() = listeners;
    }

    fn figure(&self) -> Option<FigureHandle> {
        self.figure.borrow().as_ref().map(|(figure, _)| figure.clone())
    }

    fn scale(&self) -> Option<Scale> {
        let figure = self.figure()?;
        let reading = figure.reading(&self.path)?;
        let control = figure.authored().controls.iter().find(|control| control.path == self.path);
        Some(Scale::new(&reading, control, self.authored))
    }

    fn value(&self) -> Option<f64> {
        self.figure()?.get(&self.path)
    }

    fn turn(&self, value: f64) {
        if let Some(figure) = self.figure() {
            figure.set(&self.path, value);
        }
    }

    /// Shows the figure's number, in the unit of the author's words.
    fn show(&self) {
        let (Some(figure), Some(scale)) = (self.figure(), self.scale()) else { return };
        let Some(reading) = figure.reading(&self.path) else { return };
        let (number, _) = numbers::parts(reading.value, reading.unit);
        let whole = numbers::show(reading.value, reading.unit);
        dom::say(&self.word, if self.bare && reading.unit == Unit::PerSecond { &number } else { &whole });
        let (min, max) = scale.told();
        dom::set(&self.word, "aria-valuemin", &short(min, 9));
        dom::set(&self.word, "aria-valuemax", &short(max.max(reading.value), 9));
        dom::set(&self.word, "aria-valuenow", &short(reading.value, 9));
        dom::set(&self.word, "aria-valuetext", &whole);
        let same = (reading.value - self.authored).abs() <= 1e-9 * self.authored.abs();
        dom::set(&self.word, "data-turned", if same { "false" } else { "true" });
    }

    fn pointer_down(&self, event: &PointerEvent) {
        let Some(value) = self.value().filter(|_| event.button() == 0 && event.is_primary()) else { return };
        event.prevent_default();
        let _ = self.word.focus();
        let _ = self.word.set_pointer_capture(event.pointer_id());
        self.drag.set(Some((f64::from(event.client_x()), value)));
        self.dragged.set(false);
    }

    fn pointer_move(&self, event: &PointerEvent) {
        let (Some((from_x, from)), Some(scale), true) = (self.drag.get(), self.scale(), event.is_primary()) else {
            return;
        };
        let px = f64::from(event.client_x()) - from_x;
        if px.abs() >= STRAY_PX || self.dragged.get() {
            if !self.dragged.replace(true) {
                dom::set(&self.word, "data-held", "");
            }
            self.turn(scale.dragged(from, px));
        }
    }

    fn pointer_up(&self, _: &PointerEvent) {
        if self.drag.get().is_some() && !self.dragged.get() && self.is_switch() {
            self.turn(if self.value() == Some(0.0) { 1.0 } else { 0.0 });
        }
        if self.dragged.get() {
            self.watch();
        }
        self.let_go();
    }

    fn is_switch(&self) -> bool {
        self.figure().and_then(|figure| figure.reading(&self.path)).is_some_and(|reading| reading.unit == Unit::Switch)
    }

    fn let_go(&self) {
        self.drag.set(None);
        let _ = self.word.remove_attribute("data-held");
        if let Some(figure) = self.figure() {
            figure.let_go();
        }
    }

    /// Whoever turned a number wants to see what comes of it.
    fn watch(&self) {
        if let Some(figure) = self.figure().filter(|figure| !figure.is_running() && !dom::calm()) {
            figure.play();
        }
    }

    fn key_down(self: &Rc<Self>, event: &KeyboardEvent) {
        let key = dom::plain_key(event);
        let target = self.scale().zip(self.value()).and_then(|(scale, value)| scale.pressed(value, &key));
        if let Some(value) = target {
            self.turn(value);
        } else if key == "Escape" || key == "Delete" || key == "Backspace" {
            self.turn(self.authored);
        } else if key == "Enter" {
            self.type_in("");
        } else if key.len() == 1 && key.starts_with(|c: char| c.is_ascii_digit()) {
            self.type_in(&key);
        } else {
            return;
        }
        event.prevent_default();
        event.stop_propagation();
    }

    /// Puts a field in the word's place to type a number into.
    fn type_in(self: &Rc<Self>, first: &str) -> Option<()> {
        let input: HtmlInputElement = dom::document()?.create_element("input").ok()?.dyn_into().ok()?;
        input.set_class_name("knob-input");
        let text = self.word.text_content().unwrap_or_default();
        input.set_value(if first.is_empty() { &text } else { first });
        input.set_size(text.chars().count().max(4) as u32);
        dom::set(&input, "aria-label", &self.word.get_attribute("aria-label").unwrap_or_default());
        dom::set(&input, "inputmode", "decimal");
        self.word.after_with_node_1(&input).ok()?;
        self.word.set_hidden(true);
        let typed = weakly(self, |knob, event: KeyboardEvent| {
            event.stop_propagation();
            match event.key().as_str() {
                "Enter" => knob.typed(true),
                "Escape" => knob.typed(false),
                _ => return,
            }
            event.prevent_default();
            let _ = knob.word.focus();
        });
        let left = weakly(self, |knob, _: FocusEvent| knob.typed(true));
        let listeners = [Listener::new(&input, "keydown", typed), Listener::new(&input, "blur", left)];
        input.focus().ok()?;
        if first.is_empty() {
            input.select();
        }
        *self.input.borrow_mut() = Some((input, listeners));
        Some(())
    }

    /// Takes the field away, with what was typed into it.
    fn typed(self: &Rc<Self>, keep: bool) {
        let Some((input, listeners)) = self.input.take() else { return };
        let figure = self.figure();
        let reading = figure.as_ref().and_then(|figure| figure.reading(&self.path));
        let value = reading.and_then(|reading| numbers::read(&input.value(), reading.unit, reading.value));
        self.word.set_hidden(false);
        Element::remove(&input);
        if let Some(value) = value.filter(|_| keep) {
            self.turn(value);
        }
        // This runs inside one of these listeners: they may go only after it has returned.
        let later = wasm_bindgen::closure::Closure::once_into_js(move || drop(listeners));
        if let Some(window) = dom::window() {
            let _ = window.set_timeout_with_callback(later.unchecked_ref());
        }
    }
}
