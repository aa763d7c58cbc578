//! Whether the reader sees a figure, and how wide it is.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{Document, Element, HtmlElement, IntersectionObserver, IntersectionObserverEntry, ResizeObserver};

use super::running::Running;

/// Watches a figure's element; dropped, it stops.
pub(crate) struct Sight {
    document: Document,
    intersections: IntersectionObserver,
    sizes: ResizeObserver,
    on_visibility: Closure<dyn FnMut()>,
    _on_intersection: Closure<dyn FnMut(Array)>,
    _on_size: Closure<dyn FnMut()>,
}

impl Sight {
    pub(crate) fn new(element: &HtmlElement, running: &Rc<Running>) -> Option<Self> {
        let document = web_sys::window()?.document()?;
        let in_view = Rc::new(Cell::new(false));
        let tell = {
            let (running, in_view, document) = (Rc::downgrade(running), Rc::clone(&in_view), document.clone());
            move || {
                if let Some(running) = running.upgrade() {
                    running.set_seen(in_view.get() && !document.hidden());
                }
            }
        };
        let seen = tell.clone();
        let on_intersection = Closure::<dyn FnMut(Array)>::new(move |entries: Array| {
            if let Some(entry) = entries.iter().last().and_then(|it| it.dyn_into::<IntersectionObserverEntry>().ok()) {
                in_view.set(entry.is_intersecting());
                seen();
            }
        });
        let on_visibility = Closure::<dyn FnMut()>::new(tell);
        let weak = Rc::downgrade(running);
        let on_size = Closure::<dyn FnMut()>::new(move || {
            if let Some(running) = weak.upgrade() {
                running.fit();
            }
        });
        let intersections = IntersectionObserver::new(on_intersection.as_ref().unchecked_ref()).ok()?;
        let sizes = ResizeObserver::new(on_size.as_ref().unchecked_ref()).ok()?;
        let _ = document.add_event_listener_with_callback("visibilitychange", on_visibility.as_ref().unchecked_ref());
        let element: &Element = element;
        intersections.observe(element);
        // The board is as wide as its panels and the inspector leave it.
        if let Ok(Some(board)) = element.query_selector(".board") {
            sizes.observe(&board);
        }
        Some(Self {
            document,
            intersections,
            sizes,
            on_visibility,
            _on_intersection: on_intersection,
            _on_size: on_size,
        })
    }
}

impl Drop for Sight {
    fn drop(&mut self) {
        self.intersections.disconnect();
        self.sizes.disconnect();
        let listener = self.on_visibility.as_ref().unchecked_ref();
        let _ = self.document.remove_event_listener_with_callback("visibilitychange", listener);
    }
}
