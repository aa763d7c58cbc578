//! Still pictures, as SVG: a board before it runs, and the icons that boards and prose share.
//!
//! Colours are the page's CSS custom properties, through classes: a picture follows the theme, and has no `style`.

mod board;
mod curve;
mod layout;

pub(crate) use board::board;
pub(crate) use curve::Curves;

use maud::{Markup, html};

/// Each icon's name and drawing in a square of 24.
const ICONS: [(&str, &str); 9] = [
    (
        "clients",
        r#"<circle cx="9" cy="8" r="3.5"/>
<path d="M2.5 20c.5-8 12.5-8 13 0M16 5.2a3 3 0 0 1 0 5.6M18 14c2.2.6 3.3 2.6 3.5 6"/>"#,
    ),
    ("dns", r#"<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c-6 5.5-6 12.5 0 18M12 3c6 5.5 6 12.5 0 18"/>"#),
    ("app-server", r#"<rect x="3" y="4" width="18" height="16" rx="3"/><path d="M9.5 9 6.5 12l3 3M14.5 9l3 3-3 3"/>"#),
    ("database", r#"<ellipse cx="12" cy="6" rx="8" ry="3"/><path d="M4 6v12c0 4 16 4 16 0V6M4 12c0 4 16 4 16 0"/>"#),
    (
        "box",
        r#"<rect x="3" y="5" width="18" height="6" rx="1.5"/><rect x="3" y="13" width="18" height="6" rx="1.5"/>
<path d="M7 8h.1M7 16h.1M11 8h6M11 16h6"/>"#,
    ),
    ("static", r#"<circle cx="12" cy="12" r="9" fill="currentColor" stroke="none"/>"#),
    ("read", r#"<path d="M12 1.5 22.5 12 12 22.5 1.5 12z" fill="currentColor" stroke="none"/>"#),
    ("write", r#"<rect x="3.5" y="3.5" width="17" height="17" rx="3" fill="currentColor" stroke="none"/>"#),
    ("job", r#"<path d="M12 2.5 23 21.5H1z" fill="currentColor" stroke="none"/>"#),
];

/// An icon of the page's [`sprite`].
pub(crate) fn icon(name: &str) -> Markup {
    html! { svg.icon aria-hidden="true" { use href={ "#i-" (name) } {} } }
}

/// The drawings of all icons, once a page.
pub(crate) fn sprite() -> Markup {
    html! {
        svg.sprite width="0" height="0" aria-hidden="true" {
            @for (name, drawing) in ICONS {
                symbol id={ "i-" (name) } viewBox="0 0 24 24" { (maud::PreEscaped(drawing)) }
            }
        }
    }
}
