//! Building elements whose parts follow signals.
//!
//! Leptos mounts the figure, owns what it holds and tells what changed. The elements themselves are made here rather than
//! by its `view!` macro, which compiles every element anew for each of its shapes: for the figure's some hundred that
//! cost a hundred kilobytes of download. What is here is compiled once.
//!
//! Everything that an element needs (effects, listeners) belongs to the reactive owner under which it is built, and ends
//! with it.

use leptos::prelude::{RenderEffect, StoredValue};
use wasm_bindgen::prelude::*;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement};

use crate::dom::Listener;

const SVG: &str = "http://www.w3.org/2000/svg";

/// An element being built.
#[derive(Clone)]
pub(crate) struct El(Element);

/// An HTML element of a class.
pub(crate) fn el(tag: &str, class: &str) -> El {
    let element = leptos::prelude::document().create_element(tag).unwrap_throw();
    if !class.is_empty() {
        element.set_class_name(class);
    }
    El(element)
}

/// An SVG drawing of a class: its view box, none where it is as large as its element, and what is inside.
pub(crate) fn svg(class: &str, view_box: &str, inside: &str) -> El {
    let element = leptos::prelude::document().create_element_ns(Some(SVG), "svg").unwrap_throw();
    element.set_inner_html(inside);
    let drawing = El(element).attr("class", class).attr("aria-hidden", "true");
    if view_box.is_empty() { drawing } else { drawing.attr("viewBox", view_box) }
}

/// A part of an SVG drawing.
pub(crate) fn svg_part(tag: &str) -> El {
    El(leptos::prelude::document().create_element_ns(Some(SVG), tag).unwrap_throw())
}

/// An SVG path to be drawn by [`El::live_attr`].
pub(crate) fn svg_path() -> El {
    svg_part("path")
}

/// Calls `act` now, and again whenever a signal that it read has changed.
pub(crate) fn follow(act: impl Fn() + 'static) {
    follow_boxed(Box::new(act));
}

fn follow_boxed(act: Box<dyn Fn()>) {
    StoredValue::new_local(RenderEffect::new(move |_: Option<()>| act()));
}

/// Where a text that changes is put: said by a value, since a closure of its own for each element that has one would be
/// compiled as often.
#[derive(Clone, Copy)]
enum Place {
    Text,
    Attribute(&'static str),
    Style(&'static str),
    Value,
}

impl Place {
    fn set(self, element: &HtmlElement, text: &str) {
        // They fail only for names that are none.
        match self {
            Self::Text => element.set_text_content(Some(text)),
            Self::Attribute(name) => drop(element.set_attribute(name, text)),
            Self::Style(name) => drop(element.style().set_property(name, text)),
            Self::Value => element.unchecked_ref::<HtmlInputElement>().set_value(text),
        }
    }
}

/// What is on or off about an element.
#[derive(Clone, Copy)]
enum Switch {
    Checked,
    Class(&'static str),
    Off,
}

impl Switch {
    fn set(self, element: &Element, on: bool) {
        match self {
            Self::Checked => element.unchecked_ref::<HtmlInputElement>().set_checked(on),
            Self::Class(name) => drop(element.class_list().toggle_with_force(name, on)),
            // What is disabled loses the focus, and whoever works by keyboard their place.
            Self::Off => drop(element.set_attribute("aria-disabled", if on { "true" } else { "false" })),
        }
    }
}

impl El {
    /// Takes everything out of it.
    pub(crate) fn clear(&self) {
        self.0.set_text_content(None);
    }

    /// The element itself, as an HTML element. Only SVG parts are none, and nobody asks for those.
    pub(crate) fn html(&self) -> HtmlElement {
        self.0.clone().unchecked_into()
    }

    pub(crate) fn attr(self, name: &str, value: &str) -> Self {
        // Fails only for a name that is none.
        let _ = self.0.set_attribute(name, value);
        self
    }

    pub(crate) fn text(self, text: &str) -> Self {
        let _ = self.0.append_with_str_1(text);
        self
    }

    pub(crate) fn child(self, child: Self) -> Self {
        let _ = self.0.append_child(&child.0);
        self
    }

    pub(crate) fn children(self, children: impl IntoIterator<Item = Self>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// Its text follows what `text` says.
    pub(crate) fn live_text(self, text: impl Fn() -> String + 'static) -> Self {
        self.live(Box::new(text), Place::Text)
    }

    /// An attribute follows what `value` says.
    pub(crate) fn live_attr(self, name: &'static str, value: impl Fn() -> String + 'static) -> Self {
        self.live(Box::new(value), Place::Attribute(name))
    }

    /// A property of its own style follows what `value` says. A strict policy allows this, unlike a `style` attribute.
    pub(crate) fn live_style(self, name: &'static str, value: impl Fn() -> String + 'static) -> Self {
        self.live(Box::new(value), Place::Style(name))
    }

    /// An input's value follows what `value` says.
    pub(crate) fn live_value(self, value: impl Fn() -> String + 'static) -> Self {
        self.live(Box::new(value), Place::Value)
    }

    /// A checkbox is ticked while `on` says so.
    pub(crate) fn live_checked(self, on: impl Fn() -> bool + 'static) -> Self {
        self.live_switch(Box::new(on), Switch::Checked)
    }

    /// It has a class while `on` says so.
    pub(crate) fn live_class(self, name: &'static str, on: impl Fn() -> bool + 'static) -> Self {
        self.live_switch(Box::new(on), Switch::Class(name))
    }

    /// It is of no use while `on` says so: pressed then, it must do nothing.
    pub(crate) fn live_off(self, on: impl Fn() -> bool + 'static) -> Self {
        self.live_switch(Box::new(on), Switch::Off)
    }

    fn live(self, get: Box<dyn Fn() -> String>, place: Place) -> Self {
        let element = self.html();
        let old = std::cell::RefCell::new(None);
        follow(move || {
            let new = Some(get());
            // Touching the page costs more than comparing.
            if *old.borrow() != new {
                place.set(&element, new.as_deref().unwrap_or_default());
                old.replace(new);
            }
        });
        self
    }

    fn live_switch(self, get: Box<dyn Fn() -> bool>, switch: Switch) -> Self {
        let (element, old) = (self.0.clone(), std::cell::Cell::new(None));
        follow(move || {
            let new = get();
            if old.replace(Some(new)) != Some(new) {
                switch.set(&element, new);
            }
        });
        self
    }

    /// A child that is built anew whenever a signal that `build` reads has changed; none while it says so.
    pub(crate) fn live_child(self, build: impl Fn() -> Option<Self> + 'static) -> Self {
        let (parent, old) = (self.0.clone(), std::cell::RefCell::new(None::<Self>));
        follow(move || {
            let new = build();
            if let Some(new) = &new {
                let _ = parent.append_child(&new.0);
            }
            if let Some(old) = old.replace(new) {
                old.0.remove();
            }
        });
        self
    }

    /// Listens to an event.
    pub(crate) fn on<E: JsCast + 'static>(self, event: &'static str, act: impl Fn(E) + 'static) -> Self {
        self.on_event(event, Box::new(move |event| act(event.unchecked_into())))
    }

    /// Does something when it is pressed, by pointer or keyboard.
    pub(crate) fn on_click(self, act: impl Fn() + 'static) -> Self {
        self.on_event("click", Box::new(move |_| act()))
    }

    fn on_event(self, event: &'static str, act: Box<dyn FnMut(Event)>) -> Self {
        // It goes before its closure does: an element that is removed may still lose its focus, and says so to whoever
        // listens.
        StoredValue::new_local(Listener::boxed(&self.0, event, act));
        self
    }
}

/// A button with a text.
pub(crate) fn button(class: &str, text: &str) -> El {
    el("button", class).attr("type", "button").text(text)
}

/// A field for a few words or a number, with its name for whoever does not see what stands beside it.
pub(crate) fn field(class: &str, label: &str) -> El {
    let input = el("input", class).attr("type", "text").attr("autocomplete", "off").attr("spellcheck", "false");
    let valid: HtmlInputElement = input.html().unchecked_into();
    input.attr("aria-label", label).on("input", move |_: Event| valid.set_custom_validity(""))
}

/// Says at a field why what was typed there is not taken.
pub(crate) fn refuse(field: &HtmlInputElement, why: &str) {
    field.set_custom_validity(why);
    field.report_validity();
}

/// What the target of an input's event holds; a list has a value as an input has.
pub(crate) fn value_of(event: &Event) -> String {
    event.target().map(|it| it.unchecked_into::<HtmlInputElement>().value()).unwrap_or_default()
}
