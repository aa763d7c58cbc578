//! The machine sizes on sale: the page's HTML has them, so that the module need not.

use hockeystick_core::hardware::{Catalogue, MachineSize};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// The size of a machine that is added.
const STANDARD: &str = "small";

/// The page's list of sizes, smallest first: options with the size packed in `data-size`; empty where it has none.
pub(crate) struct Sizes(Vec<Element>);

impl Sizes {
    pub(crate) fn of_page() -> Self {
        let found = leptos::prelude::document().query_selector_all("#machine-sizes option");
        let count = found.as_ref().map_or(0, web_sys::NodeList::length);
        let option = |index| found.as_ref().ok()?.get(index)?.dyn_into().ok();
        Self((0..count).filter_map(option).collect())
    }

    /// The size of new machines.
    pub(crate) fn standard(&self) -> Option<MachineSize> {
        self.get(STANDARD)
    }

    /// The size with this key.
    pub(crate) fn get(&self, id: &str) -> Option<MachineSize> {
        read(self.0.iter().find(|option| option.get_attribute("value").as_deref() == Some(id))?)
    }

    /// All of them.
    pub(crate) fn catalogue(&self) -> Catalogue {
        Catalogue { sizes: self.0.iter().filter_map(read).collect() }
    }

    /// Copies of the options, for a reader to choose from.
    pub(crate) fn options(&self) -> Vec<HtmlElement> {
        let copy = |option: &Element| option.clone_node_with_deep(true).ok()?.dyn_into().ok();
        self.0.iter().filter_map(copy).collect()
    }
}

fn read(option: &Element) -> Option<MachineSize> {
    super::unpack(&option.get_attribute("data-size")?).ok()
}
