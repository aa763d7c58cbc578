//! The machine sizes on sale: the page's HTML has them, so that the module need not.

use hockeystick_core::hardware::{Catalogue, MachineSize};

/// The size of a machine that is added.
const STANDARD: &str = "small";

/// The sizes on sale, smallest first; none where the page has no list of them.
pub(crate) fn catalogue() -> Catalogue {
    let list = leptos::prelude::document().get_element_by_id("machine-sizes");
    Catalogue { sizes: list.and_then(|list| super::unpack(&list.get_attribute("value")?).ok()).unwrap_or_default() }
}

/// The size with this key.
pub(crate) fn get(id: &str) -> Option<MachineSize> {
    catalogue().get(id).cloned()
}

/// The size of new machines.
pub(crate) fn standard() -> Option<MachineSize> {
    get(STANDARD)
}
