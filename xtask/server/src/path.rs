//! One name for a file, however a request writes its path.

use axum::http::Uri;
use percent_encoding::percent_decode_str;

/// The path as a rule of `_headers` names it: decoded, without empty parts and dots, which a file's name has not.
pub(crate) fn plain(path: &str) -> String {
    let path = percent_decode_str(path).decode_utf8_lossy();
    join(&path, |part| !part.is_empty() && *part != ".")
}

/// The address with one slash wherever its path has several; `None` where it has none such.
///
/// A folder's address without its last slash is sent on to the one with it, and to a browser `//stages/` is another host.
pub(crate) fn with_single_slashes(uri: &Uri) -> Option<Uri> {
    if !uri.path().contains("//") {
        return None;
    }
    let path = join(uri.path(), |part| !part.is_empty());
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{path}{query}").parse().ok()
}

fn join(path: &str, is_kept: fn(&&str) -> bool) -> String {
    let parts: Vec<&str> = path.split('/').filter(is_kept).collect();
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_has_one_name() {
        for (path, name) in [("/", "/"), ("//", "/"), ("/%61//./b", "/a/b"), ("/a%2Fb/", "/a/b/"), ("/.", "/")] {
            assert_eq!(plain(path), name, "{path}");
        }
    }

    #[test]
    fn slashes_of_a_question_stay() {
        let merged = |uri: &str| with_single_slashes(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(merged("//a///b/?c=//d"), Some("/a/b/?c=//d".to_owned()));
        assert_eq!(merged("/a/?c=//d"), None);
    }
}
