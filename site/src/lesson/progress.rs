//! Which stages this reader has visited: kept in this browser, shown on the journey map.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlAnchorElement, Storage};

use crate::charts::dom;

/// Key in the browser's storage: the visited stages, separated by spaces.
const KEY: &str = "hockeystick.visited";
/// More than the journey has; what a stranger put there does not grow without bounds.
const MOST: usize = 100;

/// Notes that this page's stage was visited, and marks those that are on the page's map and ladder.
pub(super) fn start() {
    let Some(window) = dom::window() else { return };
    // Storage may be forbidden, or full: then there is no progress, and nothing else is lost.
    let Some(storage) = window.local_storage().ok().flatten() else { return };
    let mut visited = read(&storage);
    let here = window.location().pathname().unwrap_or_default();
    if let Some(stage) = stage_of(&here)
        && add(&mut visited, stage)
    {
        let _ = storage.set_item(KEY, &visited.join(" "));
    }
    for link in dom::all(".stages a[href], .ladder a[href]") {
        let Ok(link) = link.dyn_into::<HtmlAnchorElement>() else { continue };
        let is_visited = stage_of(&link.pathname()).is_some_and(|stage| visited.iter().any(|known| known == stage));
        if let Some(entry) = link.closest("li").ok().flatten().filter(|_| is_visited) {
            let _ = entry.class_list().add_1("visited");
            let _ = dom::text_child::<Element>(&link, "span", "unseen", " (visited)");
        }
    }
}

/// `01-single-server` of `/any/where/stages/01-single-server/`.
fn stage_of(path: &str) -> Option<&str> {
    let (_, rest) = path.rsplit_once("/stages/")?;
    let stage = rest.trim_end_matches("index.html").trim_end_matches('/');
    let is_slug = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!stage.is_empty() && stage.chars().all(is_slug)).then_some(stage)
}

fn read(storage: &Storage) -> Vec<String> {
    let text = storage.get_item(KEY).ok().flatten().unwrap_or_default();
    text.split_whitespace().take(MOST).map(str::to_owned).collect()
}

/// Adds a stage unless it is known or the list is full. True when it was added.
fn add(visited: &mut Vec<String>, stage: &str) -> bool {
    let is_new = visited.len() < MOST && !visited.iter().any(|known| known == stage);
    if is_new {
        visited.push(stage.to_owned());
    }
    is_new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_noted_once() {
        let mut visited = Vec::new();
        assert!(add(&mut visited, "01-single-server"));
        assert!(!add(&mut visited, "01-single-server"));
        assert_eq!(visited, ["01-single-server"]);
    }

    #[test]
    fn the_stage_is_the_last_folder_of_the_address() {
        assert_eq!(stage_of("/stages/01-single-server/"), Some("01-single-server"));
        assert_eq!(stage_of("/my/stages/stages/09-load-balancer/index.html"), Some("09-load-balancer"));
        for other in ["/", "/stages/", "/stages/index.html", "/stages/a b/", "/stages/a/b/"] {
            assert_eq!(stage_of(other), None, "{other}");
        }
    }

    #[test]
    fn the_list_is_bounded() {
        let mut visited: Vec<String> = (0..MOST).map(|n| n.to_string()).collect();
        assert!(!add(&mut visited, "one-more"));
    }
}
