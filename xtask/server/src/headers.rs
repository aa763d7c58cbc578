//! `_headers` as static hosts read it: a path in the first column, its headers indented below.
//!
//! <https://docs.netlify.com/manage/routing/headers/> and
//! <https://developers.cloudflare.com/pages/configuration/headers/> describe the format; this reads the part of it that
//! both understand: exact paths and one `*` at the end of a path.

use std::str::FromStr;

use axum::http::{HeaderName, HeaderValue};

/// A line of `_headers` that a host would not understand.
#[derive(Debug, thiserror::Error)]
#[error("_headers line {line}: {expected}")]
pub struct HeaderRulesError {
    /// Counted from 1.
    pub line: usize,
    /// What would be valid.
    pub expected: &'static str,
}

/// Which headers a path is answered with.
#[derive(Clone, Debug, Default)]
pub struct HeaderRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl HeaderRules {
    /// The headers of every rule whose path matches, in the file's order.
    pub fn matching(&self, path: &str) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.rules.iter().filter(move |rule| rule.matches(path)).flat_map(|rule| &rule.headers)
    }
}

impl Rule {
    fn matches(&self, path: &str) -> bool {
        match self.path.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => self.path == path,
        }
    }
}

impl FromStr for HeaderRules {
    type Err = HeaderRulesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rules: Vec<Rule> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let error = |expected| HeaderRulesError { line: index + 1, expected };
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with('/') {
                rules.push(Rule { path: line.trim().to_owned(), headers: Vec::new() });
                continue;
            }
            if !line.starts_with([' ', '\t']) {
                return Err(error("a path starts with `/`, a header is indented"));
            }
            let (name, value) = line.split_once(':').ok_or_else(|| error("a header reads `Name: value`"))?;
            let name = name.trim().parse().map_err(|_| error("this is not a header name"))?;
            let value = value.trim().parse().map_err(|_| error("this is not a header value"))?;
            let rule = rules.last_mut().ok_or_else(|| error("a header follows the path it belongs to"))?;
            rule.headers.push((name, value));
        }
        Ok(Self { rules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rules: &HeaderRules, path: &str) -> Vec<String> {
        rules.matching(path).map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn a_star_matches_what_follows_and_an_exact_path_only_itself() {
        let rules: HeaderRules = "# comment\n/\n  A: 1\n\n/embed/*\n  B: 2\n".parse().unwrap();
        assert_eq!(names(&rules, "/"), ["a"]);
        assert_eq!(names(&rules, "/embed/"), ["b"]);
        assert_eq!(names(&rules, "/embed/x"), ["b"]);
        assert!(names(&rules, "/embedded").is_empty());
    }

    #[test]
    fn a_malformed_line_is_named_with_its_number() {
        for (text, line) in [("A: 1", 1), ("/\n  no colon", 2), ("\n  A: 1", 2), ("/\n  b c: 1", 2)] {
            assert_eq!(text.parse::<HeaderRules>().unwrap_err().line, line, "{text:?}");
        }
    }
}
