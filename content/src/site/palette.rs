//! What a running figure takes from the page's HTML, so that its program need not hold it: icons of what a reader may
//! drag in, and the machine sizes on sale.

use hockeystick_core::component::Kind;
use hockeystick_core::hardware::MachineSize;
use hockeystick_core::pack;
use maud::{Markup, html};

use crate::{builtin, draw};

/// The icons of the kinds that a figure offers, so that the page's sprite has them; and of the workers that come with a
/// queue.
pub(super) fn icons(kinds: &[Kind]) -> Markup {
    html! {
        span hidden {
            @for kind in kinds { (draw::icon(kind.key())) }
            @if kinds.contains(&Kind::Queue) { (draw::icon(Kind::AppServer.key())) }
        }
    }
}

/// The machine sizes on sale, for figures to read.
pub(super) fn sizes() -> Markup {
    // The page about the model names the sources; here they would be most of the bytes.
    let on_sale: Vec<MachineSize> =
        builtin::catalogue().sizes.into_iter().map(|size| MachineSize { source: String::new(), ..size }).collect();
    html! {
        data #machine-sizes value=(pack::to_text(&on_sale)) {}
    }
}
