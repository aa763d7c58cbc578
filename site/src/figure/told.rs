//! What the page says of a kind of component: what it is, what the model of it leaves out, what its settings mean.
//!
//! A page with figures holds these texts in its HTML, where they can be read without a program too. Taking them from
//! there keeps the module as small as it was, however many kinds there are.

use hockeystick_core::component::Kind;
use web_sys::Element;

/// The page's words about a kind; empty where the page has none.
pub(crate) struct Told(Option<Element>);

impl Told {
    pub(crate) fn of(kind: Kind) -> Self {
        let block = format!(".thing-block[data-kind={}]", kind.key());
        Self(leptos::prelude::document().query_selector(&block).ok().flatten())
    }

    pub(crate) fn summary(&self) -> String {
        self.text(".summary")
    }

    /// What the model does, a sentence each.
    pub(crate) fn models(&self) -> Vec<String> {
        self.lines(".models li")
    }

    /// What the model leaves out, a sentence each.
    pub(crate) fn leaves_out(&self) -> Vec<String> {
        self.lines(".leaves-out li")
    }

    /// What a setting does, and where its default comes from.
    pub(crate) fn field(&self, name: &str) -> (String, String) {
        let row = format!("[data-field={name}]");
        (self.text(&format!("{row} th span")), self.text(&format!("{row} td:last-child")))
    }

    fn text(&self, selector: &str) -> String {
        self.lines(selector).into_iter().next().unwrap_or_default()
    }

    fn lines(&self, selector: &str) -> Vec<String> {
        let found = self.0.as_ref().and_then(|block| block.query_selector_all(selector).ok());
        let nodes = found.as_ref().map_or(0, web_sys::NodeList::length);
        let line = |index| found.as_ref()?.get(index)?.text_content();
        (0..nodes).filter_map(line).collect()
    }
}
