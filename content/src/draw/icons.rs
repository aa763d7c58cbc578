//! The icons that boards and prose share: drawn once, in the page's sprite, and used from there by pages and figures.

use maud::{Markup, html};

/// Each icon's name and drawing in a square of 24. A kind of component is drawn under its key.
const ICONS: [(&str, &str); 23] = [
    (
        "clients",
        r#"<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20c.5-8 12.5-8 13 0M16 5.2a3 3 0 0 1 0 5.6M18 14c2.2.6 3.3 2.6 3.5 6"/>"#,
    ),
    ("dns", r#"<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c-6 5.5-6 12.5 0 18M12 3c6 5.5 6 12.5 0 18"/>"#),
    (
        "cdn",
        r#"<circle cx="12" cy="12" r="3"/><path d="M12 2.5v4M12 17.500v4M2.500 12h4M17.500 12h4M5.300 5.300l2.800 2.800M15.900 15.900l2.800 2.800M5.300 18.700l2.800-2.800M15.900 8.100l2.800-2.800"/>"#,
    ),
    ("object-store", r#"<path d="M4 6c0-3 16-3 16 0l-2 13c0 2.500-12 2.500-12 0zM4 6c0 3 16 3 16 0"/>"#),
    (
        "load-balancer",
        r#"<path d="M3 12h6M9 12c4 0 3-7 8-7h3M9 12h11M9 12c4 0 3 7 8 7h3M17.500 2.500l3 2.500-3 2.500M17.500 9.500l3 2.500-3 2.500M17.500 16.500l3 2.500-3 2.500"/>"#,
    ),
    ("app-server", r#"<rect x="3" y="4" width="18" height="16" rx="3"/><path d="M9.5 9 6.5 12l3 3M14.5 9l3 3-3 3"/>"#),
    ("session-store", r#"<circle cx="8" cy="15.500" r="4.500"/><path d="M11.300 12.300 20 3.500M16 7.500l3 3"/>"#),
    ("cache", r#"<path d="M13 2.500 5 13.500h6l-1 8 8-11h-6z"/>"#),
    ("database", r#"<ellipse cx="12" cy="6" rx="8" ry="3"/><path d="M4 6v12c0 4 16 4 16 0V6M4 12c0 4 16 4 16 0"/>"#),
    (
        "replica",
        r#"<ellipse cx="10" cy="8" rx="6.500" ry="2.500"/><path d="M3.500 8v10c0 3.400 13 3.400 13 0V8M8 4.500c2-2.500 12.500-2.500 12.500 1V15"/>"#,
    ),
    ("shards", r#"<path d="M4 7c0-4 16-4 16 0v10c0 4-16 4-16 0zM12 4.200v15.800M4 12h16"/>"#),
    ("queue", r#"<path d="M2 7v10M22 7v10M2 7h20M2 17h20M7 10v4M12 10v4M17 10v4"/>"#),
    (
        "journal",
        r#"<path d="M6 3h12a1.500 1.500 0 0 1 1.500 1.500v15A1.500 1.500 0 0 1 18 21H6zM6 3v18M10 8h6M10 12h6M10 16h3"/>"#,
    ),
    (
        "autoscaler",
        r#"<rect x="8.500" y="8.500" width="7" height="7" rx="1.500"/><path d="M3 8V3h5M16 3h5v5M21 16v5h-5M8 21H3v-5"/>"#,
    ),
    ("backup", r#"<path d="M12 2.500 20 6v6c0 5-4 8-8 9.500C8 20 4 17 4 12V6zM8.500 11.500l2.500 3 4.500-5.500"/>"#),
    ("log-pipeline", r#"<path d="M4 5h16M4 10h10M4 15h13M4 20h7"/>"#),
    ("monitor", r#"<path d="M2 12h5l2.500-7 4 14 3-7H22"/>"#),
    ("batch", r#"<circle cx="12" cy="12" r="9"/><path d="M12 6.500V12l4 2.500"/>"#),
    (
        "box",
        r#"<rect x="3" y="5" width="18" height="6" rx="1.5"/><rect x="3" y="13" width="18" height="6" rx="1.5"/><path d="M7 8h.1M7 16h.1M11 8h6M11 16h6"/>"#,
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

/// The drawings of the icons that a page's `html` uses, once a page.
pub(crate) fn sprite(html: &str) -> Markup {
    let used = ICONS.iter().filter(|(name, _)| html.contains(&format!("#i-{name}\"")));
    html! {
        svg.sprite width="0" height="0" aria-hidden="true" {
            @for (name, drawing) in used {
                symbol id={ "i-" (name) } viewBox="0 0 24 24" { (maud::PreEscaped(drawing)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hockeystick_core::component::Kind;

    #[test]
    fn every_kind_of_component_has_its_icon() {
        for kind in Kind::ALL {
            assert!(ICONS.iter().any(|(name, _)| *name == kind.key()), "{}", kind.key());
        }
    }

    #[test]
    fn a_page_holds_the_icons_that_it_uses_and_no_others() {
        let sprite = sprite(&icon("cache").into_string()).into_string();
        assert!(sprite.contains("i-cache") && !sprite.contains("i-queue"));
    }
}
