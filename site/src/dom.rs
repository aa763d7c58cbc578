//! The few steps through the page that charts and lesson elements take, and listeners that go when they are dropped: a
//! figure's elements have them too.

use std::rc::Rc;

use hockeystick_core::number::short;
use js_sys::Array;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, Event, EventTarget, HtmlElement, IntersectionObserverEntry, KeyboardEvent, Window};

pub(crate) fn window() -> Option<Window> {
    web_sys::window()
}

pub(crate) fn document() -> Option<Document> {
    window()?.document()
}

/// A new element of a class, inside `parent`.
pub(crate) fn child<T: JsCast>(parent: &Element, tag: &str, class: &str) -> Option<T> {
    let element = document()?.create_element(tag).ok()?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    parent.append_child(&element).ok()?;
    element.dyn_into().ok()
}

/// A new element of a class that holds a text, inside `parent`.
pub(crate) fn text_child<T: JsCast>(parent: &Element, tag: &str, class: &str, text: &str) -> Option<T> {
    let element: Element = child(parent, tag, class)?;
    element.set_text_content(Some(text));
    element.dyn_into().ok()
}

/// Sets an attribute; the names used here are all legal.
pub(crate) fn set(element: &Element, name: &str, value: &str) {
    if element.get_attribute(name).as_deref() != Some(value) {
        let _ = element.set_attribute(name, value);
    }
}

/// Sets one property of an element's own style, which a strict Content-Security-Policy allows.
pub(crate) fn style(element: &HtmlElement, property: &str, value: &str) {
    let _ = element.style().set_property(property, value);
}

/// A length in CSS pixels, as CSS writes it.
pub(crate) fn px(value: f64) -> String {
    short(value, 2) + "px"
}

/// Sets a text, touching the page only when it differs.
pub(crate) fn say(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

/// Every element within the document that a selector finds.
pub(crate) fn all(selector: &str) -> Vec<HtmlElement> {
    let Some(list) = document().and_then(|document| document.query_selector_all(selector).ok()) else {
        return Vec::new();
    };
    (0..list.length()).filter_map(|index| list.get(index)?.dyn_into().ok()).collect()
}

/// Whether the reader asked for less motion.
pub(crate) fn calm() -> bool {
    window()
        .and_then(|window| window.match_media("(prefers-reduced-motion: reduce)").ok()?)
        .is_some_and(|query| query.matches())
}

/// The key of an event; none where Control, Meta or Alt make it the browser's, which goes back a page with Alt and an arrow.
pub(crate) fn plain_key(event: &KeyboardEvent) -> String {
    if event.ctrl_key() || event.meta_key() || event.alt_key() { String::new() } else { event.key() }
}

/// An event listener that is removed when it is dropped.
#[must_use = "dropping it removes the listener"]
pub(crate) struct Listener {
    target: EventTarget,
    name: &'static str,
    closure: Closure<dyn FnMut(Event)>,
}

impl Listener {
    /// Calls back on each event of the name. `E` is the type that such events have.
    pub(crate) fn new<E: JsCast>(target: &EventTarget, name: &'static str, mut call: impl FnMut(E) + 'static) -> Self {
        Self::boxed(target, name, Box::new(move |event| call(event.unchecked_into())))
    }

    /// The same of a callback that is boxed already.
    pub(crate) fn boxed(target: &EventTarget, name: &'static str, call: Box<dyn FnMut(Event)>) -> Self {
        let closure = Closure::wrap(call);
        let _ = target.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
        Self { target: target.clone(), name, closure }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.target.remove_event_listener_with_callback(self.name, self.closure.as_ref().unchecked_ref());
    }
}

/// An observer of the browser's (of size, of visibility, of attributes) that is disconnected when it is dropped.
pub(crate) struct Observer<T> {
    observer: T,
    disconnect: fn(&T),
    _closure: Closure<dyn FnMut(JsValue)>,
}

impl<T> Observer<T> {
    /// Makes an observer that calls back with its list of entries.
    pub(crate) fn new(
        call: impl FnMut(JsValue) + 'static,
        make: impl FnOnce(&js_sys::Function) -> Result<T, JsValue>,
        disconnect: fn(&T),
    ) -> Option<Self> {
        let closure = Closure::wrap(Box::new(call) as Box<dyn FnMut(JsValue)>);
        let observer = make(closure.as_ref().unchecked_ref()).ok()?;
        Some(Self { observer, disconnect, _closure: closure })
    }

    /// The observer itself.
    pub(crate) fn get(&self) -> &T {
        &self.observer
    }
}

impl<T> Drop for Observer<T> {
    fn drop(&mut self) {
        (self.disconnect)(&self.observer);
    }
}

/// Whether an element is seen, by what an observer of that has told last.
pub(crate) fn is_seen(entries: JsValue) -> bool {
    let last: Option<IntersectionObserverEntry> = entries.unchecked_into::<Array>().pop().dyn_into().ok();
    last.is_some_and(|entry| entry.is_intersecting())
}

/// A closure that calls a method of something shared, as long as it lives.
pub(crate) fn weakly<T: 'static, A>(shared: &Rc<T>, call: impl Fn(&Rc<T>, A) + 'static) -> impl Fn(A) + 'static {
    let weak = Rc::downgrade(shared);
    move |argument| {
        if let Some(shared) = weak.upgrade() {
            call(&shared, argument);
        }
    }
}
