//! The cookies of one user: as many as a browser keeps, for a deployment may set a new one with every answer.

use std::collections::BTreeSet;

use reqwest::Url;
use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::HeaderValue;

/// Most cookies, and longest of them in bytes: what every browser keeps of one host at least (RFC 6265, section 6.1).
const COOKIES_MAX: usize = 50;
const BYTES_MAX: usize = 4096;

/// What one user was given.
#[derive(Debug, Default)]
pub(super) struct Cookies {
    jar: Jar,
    /// Which are in the jar: their names, each with the path that it is for.
    known: BTreeSet<Vec<u8>>,
}

impl Cookies {
    /// Keeps what an answer from `url` sets; what passes the limits is left out, as a browser would.
    pub(super) fn keep<'h>(&mut self, headers: impl Iterator<Item = &'h HeaderValue>, url: &Url) {
        let known = &mut self.known;
        let mut kept = headers.filter(|header| {
            let key = key(header.as_bytes());
            let fits = header.len() <= BYTES_MAX && (known.len() < COOKIES_MAX || known.contains(&key));
            if fits {
                known.insert(key);
            }
            fits
        });
        self.jar.set_cookies(&mut kept, url);
    }

    /// What a request to `url` sends.
    pub(super) fn for_url(&self, url: &Url) -> Option<HeaderValue> {
        self.jar.cookies(url)
    }
}

/// What tells one cookie of a host from another: its name and its path, from `name=value; Path=/p; …`.
fn key(header: &[u8]) -> Vec<u8> {
    let mut parts = header.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let pair = parts.next().unwrap_or_default();
    let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii_end();
    let path = parts.rfind(|part| part.len() >= 5 && part[..5].eq_ignore_ascii_case(b"path="));
    [name, b";", path.map_or(b"", |path| &path[5..])].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(cookies: &mut Cookies, text: &str) {
        let header = HeaderValue::from_str(text).unwrap();
        cookies.keep(std::iter::once(&header), &Url::parse("http://127.0.0.1/").unwrap());
    }

    fn sent(cookies: &Cookies) -> String {
        let header = cookies.for_url(&Url::parse("http://127.0.0.1/").unwrap());
        header.map(|header| header.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_new_cookie_with_every_answer_fills_no_memory() {
        let mut cookies = Cookies::default();
        for number in 0..10_000 {
            keep(&mut cookies, &format!("n{number}=1; Path=/"));
            keep(&mut cookies, &format!("n=1; Path=/{number}"));
        }
        assert_eq!(sent(&cookies).matches("n").count() + 25, COOKIES_MAX);
        keep(&mut cookies, &format!("n1={}; Path=/", "x".repeat(BYTES_MAX)));
        assert!(sent(&cookies).len() < 1_000);
    }

    #[test]
    fn a_session_that_is_renewed_for_ever_stays_one_cookie() {
        let mut cookies = Cookies::default();
        for number in 0..1_000 {
            keep(&mut cookies, &format!("session={number}; Path=/; HttpOnly"));
        }
        assert_eq!(sent(&cookies), "session=999");
    }
}
