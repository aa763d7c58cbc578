//! What a running figure takes from the page's HTML, so that its program need not hold it: icons of what a reader may
//! drag in, and the machine sizes on sale.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hockeystick_core::component::Kind;
use hockeystick_core::hardware::MachineSize;
use hockeystick_core::pack;
use hockeystick_core::stage::HOURS_A_MONTH;
use maud::{Markup, html};

use crate::{builtin, draw, show};

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

/// The machine sizes on sale, for figures to copy.
pub(super) fn sizes() -> Markup {
    html! {
        datalist #machine-sizes {
            @for size in &builtin::catalogue().sizes {
                option value=(size.id) data-size=(packed(size)) { (words(size)) }
            }
        }
    }
}

fn packed(size: &MachineSize) -> String {
    // The page about the catalogue names the source; here it would be most of the bytes.
    URL_SAFE_NO_PAD.encode(pack::to_bytes(&MachineSize { source: String::new(), ..size.clone() }))
}

fn words(size: &MachineSize) -> String {
    let machine = &size.machine;
    let price = show::dollars(machine.price_per_hour * HOURS_A_MONTH);
    format!("{}: {} vCPU, {}, {price} a month", size.name, machine.vcpus, machine.memory)
}
