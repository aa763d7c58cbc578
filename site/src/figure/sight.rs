//! Whether the reader sees a figure, and how wide it is.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web_sys::{Element, Event, HtmlElement, IntersectionObserver, ResizeObserver};

use super::running::Running;
use crate::dom::{self, Listener, Observer, weakly};

/// What makes a figure look again: the page goes or comes, or has other colours, which a canvas does not see by itself.
const EVENTS: [&str; 2] = ["visibilitychange", "themechange"];

/// Watches a figure's element; dropped, it stops.
pub(crate) struct Sight {
    _intersections: Observer<IntersectionObserver>,
    _sizes: Observer<ResizeObserver>,
    _page: [Listener; 2],
}

impl Sight {
    pub(crate) fn new(element: &HtmlElement, running: &Rc<Running>) -> Option<Self> {
        let document = dom::document()?;
        let in_view = Rc::new(Cell::new(false));
        let tell = {
            let (in_view, document) = (Rc::clone(&in_view), document.clone());
            weakly(running, move |running, ()| running.set_seen(in_view.get() && !document.hidden()))
        };
        let tell = Rc::new(tell);
        let page = EVENTS.map(|event| {
            let tell = Rc::clone(&tell);
            Listener::new(&document, event, move |_: Event| tell(()))
        });
        let entered = move |entries: JsValue| {
            in_view.set(dom::is_seen(entries));
            tell(());
        };
        let intersections = Observer::new(entered, IntersectionObserver::new, IntersectionObserver::disconnect)?;
        let resized = weakly(running, |running, _: JsValue| running.fit());
        let sizes = Observer::new(resized, ResizeObserver::new, ResizeObserver::disconnect)?;
        let element: &Element = element;
        intersections.get().observe(element);
        // The board is as wide as its panels and the inspector leave it.
        if let Ok(Some(board)) = element.query_selector(".board") {
            sizes.get().observe(&board);
        }
        Some(Self { _intersections: intersections, _sizes: sizes, _page: page })
    }
}
