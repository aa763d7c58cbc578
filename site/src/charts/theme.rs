//! The page's colours and font, as the style sheet has them now.

use plotters::style::RGBColor;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::dom;
use crate::figure::numbers::decimal;

/// What a colour is for. Each is a CSS custom property of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// Text and the line of theory.
    Text,
    /// Labels.
    Quiet,
    /// What is there and not to be read.
    Faint,
    /// Grid lines.
    Rule,
    /// The surface under the chart.
    Card,
    /// The accent: simulated, operating point, p95.
    Accent,
    /// The highest percentile.
    Violet,
    /// Measured; a goal that is met.
    Good,
    /// Failures.
    Bad,
    /// Words in the colours above: dark enough to be read.
    AccentText,
    VioletText,
    GoodText,
    BadText,
}

impl Ink {
    /// The colour for words beside a line of this colour: one that can be read.
    pub(super) const fn for_text(self) -> Self {
        match self {
            Self::Faint | Self::Rule | Self::Card => Self::Quiet,
            Self::Accent => Self::AccentText,
            Self::Violet => Self::VioletText,
            Self::Good => Self::GoodText,
            Self::Bad => Self::BadText,
            other => other,
        }
    }

    const ALL: [(Self, &'static str); 13] = [
        (Self::Text, "--ink"),
        (Self::Quiet, "--ink-2"),
        (Self::Faint, "--ink-3"),
        (Self::Rule, "--rule"),
        (Self::Card, "--card"),
        (Self::Accent, "--accent"),
        (Self::Violet, "--violet"),
        (Self::Good, "--good"),
        (Self::Bad, "--bad"),
        (Self::AccentText, "--accent-ink"),
        (Self::VioletText, "--violet-ink"),
        (Self::GoodText, "--good-ink"),
        (Self::BadText, "--bad-ink"),
    ];
}

/// Colours and font of one moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Theme {
    colours: [RGBColor; Ink::ALL.len()],
    font: String,
}

impl Theme {
    /// Reads what the style sheet says for `element`. Asking the browser for a computed `color` resolves whatever the
    /// custom property is made of.
    pub(super) fn of(element: &HtmlElement) -> Option<Self> {
        let window = web_sys::window()?;
        let probe: HtmlElement = window.document()?.create_element("i").ok()?.dyn_into().ok()?;
        probe.set_hidden(true);
        element.append_child(&probe).ok()?;
        let computed = window.get_computed_style(&probe).ok()??;
        let mut colours = [RGBColor(128, 128, 128); Ink::ALL.len()];
        for (ink, property) in Ink::ALL {
            let _ = probe.style().set_property("color", &format!("var({property})"));
            if let Some(colour) = computed.get_property_value("color").ok().as_deref().and_then(parse) {
                colours[ink as usize] = colour;
            }
        }
        let font = computed.get_property_value("font-family").ok()?;
        Element::remove(&probe);
        Some(Self { colours, font })
    }

    /// The colour for a purpose.
    pub(super) fn colour(&self, ink: Ink) -> RGBColor {
        self.colours[ink as usize]
    }

    /// The colour for a purpose, as CSS writes it.
    pub(super) fn css(&self, ink: Ink) -> String {
        let RGBColor(red, green, blue) = self.colour(ink);
        format!("rgb({red} {green} {blue})")
    }

    /// The font of labels, at a size in CSS pixels.
    pub(super) fn font(&self, weight: u32, size: f64) -> String {
        format!("{weight} {} {}", dom::px(size), self.font)
    }
}

/// Reads `rgb(0, 114, 178)` and `rgba(0, 114, 178, 0.5)`, which is how browsers write a computed colour.
fn parse(text: &str) -> Option<RGBColor> {
    let inside = text.strip_prefix("rgb")?.trim_start_matches('a').strip_prefix('(')?;
    let mut parts = inside.split(|c: char| !(c.is_ascii_digit() || c == '.')).filter(|part| !part.is_empty());
    let mut next = || decimal(parts.next()?).map(|value| value as u8);
    Some(RGBColor(next()?, next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computed_colours_are_read() {
        assert_eq!(parse("rgb(0, 114, 178)"), Some(RGBColor(0, 114, 178)));
        assert_eq!(parse("rgba(1, 2, 3, 0.5)"), Some(RGBColor(1, 2, 3)));
        assert_eq!(parse("rgb(1 2 3 / 50%)"), Some(RGBColor(1, 2, 3)));
        assert_eq!(parse("color(srgb 1 1 1)"), None);
    }
}
