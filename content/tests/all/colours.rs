//! The page's colours: readable in both themes.

use std::collections::BTreeMap;

const SHEET: &str = include_str!("../../../site/assets/page.css");

/// The colours of the first block after `start`.
fn colours(start: &str) -> BTreeMap<&'static str, [f64; 3]> {
    let block = SHEET.split_once(start).unwrap().1.split_once('}').unwrap().0;
    let declarations = block.split([';', '{']).filter_map(|declaration| declaration.split_once(':'));
    declarations.filter_map(|(name, value)| Some((name.trim().strip_prefix("--")?, rgb(value.trim())?))).collect()
}

fn rgb(text: &str) -> Option<[f64; 3]> {
    let digits = text.strip_prefix('#')?;
    let long: String =
        if digits.len() == 3 { digits.chars().flat_map(|c| [c, c]).collect() } else { digits.to_owned() };
    let part = |index: usize| u8::from_str_radix(&long[2 * index..2 * index + 2], 16).ok().map(f64::from);
    Some([part(0)?, part(1)?, part(2)?])
}

/// Relative luminance, WCAG 2.2.
fn luminance(colour: [f64; 3]) -> f64 {
    let linear = |value: f64| {
        let value = value / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// What text is written with, and what it is written on.
const INKS: [&str; 7] = ["ink", "ink-2", "accent-ink", "good-ink", "bad-ink", "violet-ink", "job"];
const GROUNDS: [&str; 3] = ["paper", "card", "board"];
/// What shapes and lines are drawn with.
const SHAPES: [&str; 6] = ["accent", "good", "bad", "violet", "job", "ink-3"];

#[test]
fn text_and_shapes_stand_out_in_both_themes() {
    for (theme, start) in [("light", ":root {"), ("dark", ":root[data-theme=dark] {")] {
        let colours = colours(start);
        for ground in GROUNDS {
            for ink in INKS {
                let ratio = contrast(colours[ink], colours[ground]);
                assert!(ratio >= 4.5, "{theme}: text in --{ink} on --{ground}: {ratio:.2}");
            }
            for shape in SHAPES {
                let ratio = contrast(colours[shape], colours[ground]);
                let least = if shape == "ink-3" { 2.5 } else { 3.0 };
                assert!(ratio >= least, "{theme}: a shape in --{shape} on --{ground}: {ratio:.2}");
            }
        }
    }
}

#[test]
fn dark_is_the_same_by_choice_and_by_the_system() {
    assert_eq!(colours(":root:not([data-theme=light]) {"), colours(":root[data-theme=dark] {"));
}

#[test]
fn lines_of_percentiles_differ_in_both_themes() {
    for start in [":root {", ":root[data-theme=dark] {"] {
        let colours = colours(start);
        // p50, p95 and p99, as `charts` draws them.
        let lines = ["ink-2", "accent", "violet"].map(|name| colours[name]);
        assert!(lines[0] != lines[1] && lines[1] != lines[2] && lines[0] != lines[2]);
    }
}
