//! The page's colours for the canvas, which cannot use CSS custom properties itself; and the reader's wish for calm.

use hockeystick_core::workload::Class;
use web_sys::Element;

/// Colours as CSS writes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Theme {
    /// Paper of a card, to draw over.
    pub(crate) card: String,
    /// Its ink.
    pub(crate) ink: String,
    /// What failed.
    pub(crate) bad: String,
    /// One a class, in [`Class::ALL`]'s order.
    pub(crate) classes: [String; 4],
    /// The sans-serif family.
    pub(crate) family: String,
}

/// The custom property that carries each class's colour.
pub(crate) const CLASS_COLOURS: [&str; 4] = ["--accent", "--violet", "--good", "--job"];

/// What a reader calls a class of request.
pub(crate) const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Static => "page or file",
        Class::Read => "read",
        Class::Write => "write",
        Class::Job => "job",
    }
}

impl Theme {
    /// The colours that hold at an element.
    pub(crate) fn of(element: &Element) -> Option<Self> {
        let style = web_sys::window()?.get_computed_style(element).ok()??;
        let get = |name: &str| style.get_property_value(name).map(|value| value.trim().to_owned()).unwrap_or_default();
        Some(Self {
            card: get("--card"),
            ink: get("--ink"),
            bad: get("--bad"),
            classes: CLASS_COLOURS.map(get),
            family: get("font-family"),
        })
    }
}
