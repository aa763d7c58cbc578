//! One style sheet for lessons, made of the readable ones in `site/assets`; the other pages have a second one beside it.
//!
//! Together they compress to three quarters of what they weigh apart, and a page asks for one file instead of four.

use super::{Page, SiteOptions};

/// In the order of the cascade.
const SHEETS: [&str; 4] = [
    include_str!("../../../site/assets/page.css"),
    include_str!("../../../site/assets/figure.css"),
    include_str!("../../../site/assets/charts.css"),
    include_str!("../../../site/assets/lesson.css"),
];

/// The sheet's name in the folder of assets, beside the fonts that it refers to.
pub(super) const NAME: &str = "style.css";

/// The sheet of the pages around the lessons: home, map, model. No lesson loads it.
pub(super) const PLACES: &str = "places.css";

pub(super) fn sheet(options: &SiteOptions) -> Page {
    let text: String = SHEETS.into_iter().map(shortened).collect();
    Page { path: format!("assets/{}/{NAME}", options.build_id), bytes: text.into_bytes() }
}

/// The sheet without comments and without spaces that say nothing.
fn shortened(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    let mut space = false;
    while let Some(c) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
            space = true;
        } else if c.is_whitespace() {
            rest = rest.trim_start();
            space = true;
        } else {
            let token = if c == '"' { string_length(rest) } else { c.len_utf8() };
            // Before `:` a space tells `a :hover` from `a:hover`; after it, it never matters.
            let open = out.is_empty() || out.ends_with(['{', '}', ';', ',', ':', '>']);
            if space && !open && !matches!(c, '{' | '}' | ';' | ',' | '>') {
                out.push(' ');
            }
            if c == '}' && out.ends_with(';') {
                out.pop();
            }
            out.push_str(&rest[..token]);
            rest = &rest[token..];
            space = false;
        }
    }
    out
}

/// The length of the quoted text at the start, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map_or(text.len(), |(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_nothing_is_left_out() {
        let css = "/* a */ a,\n b :hover > c {\n  content: \"{ ; \\\" } \" ;\n  width: calc(1px + 2px);\n}\n\
                   @media (x: y) { d { e: f } }\n";
        let short = "a,b :hover>c{content:\"{ ; \\\" } \";width:calc(1px + 2px)}@media (x:y){d{e:f}}";
        assert_eq!(shortened(css).replace("\";}", "\"}"), short);
    }

    #[test]
    fn every_sheet_keeps_its_rules() {
        for sheet in SHEETS {
            let short = shortened(sheet);
            assert_eq!(short.matches('{').count(), short.matches('}').count());
            assert!(short.len() > sheet.len() / 2 && !short.contains("/*"));
        }
    }
}
