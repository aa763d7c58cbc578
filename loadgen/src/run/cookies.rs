//! The cookies of one user: as many as a browser keeps, for a deployment may set a new one with every answer.

use cookie_store::{Cookie, CookieStore};
use reqwest::Url;
use reqwest::header::HeaderValue;

/// Most cookies, and longest of them in bytes: what every browser keeps of one host at least (RFC 6265, section 6.1).
const COOKIES_MAX: usize = 50;
const BYTES_MAX: usize = 4096;

/// What one user was given.
#[derive(Debug, Default)]
pub(super) struct Cookies(CookieStore);

impl Cookies {
    /// Keeps what the answer to a request for `url` sets; what passes the limits is left out, as a browser would.
    pub(super) fn keep<'h>(&mut self, headers: impl Iterator<Item = &'h HeaderValue>, url: &Url) {
        for header in headers.filter(|header| header.len() <= BYTES_MAX) {
            let text = std::str::from_utf8(header.as_bytes()).ok();
            let Some(cookie) = text.and_then(|text| Cookie::parse(text.to_owned(), url).ok()) else { continue };
            self.forget_expired();
            let known =
                cookie.domain.as_cow().is_some_and(|domain| self.0.contains(&domain, &cookie.path, cookie.name()));
            // One that has expired takes away the one that it names.
            if known || cookie.is_expired() || self.0.iter_any().count() < COOKIES_MAX {
                // What is not this host's to set is left out.
                let _ = self.0.insert(cookie, url);
            }
        }
    }

    /// What a request to `url` sends.
    pub(super) fn for_url(&self, url: &Url) -> Option<HeaderValue> {
        let pairs: Vec<String> =
            self.0.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { None } else { HeaderValue::from_bytes(pairs.join("; ").as_bytes()).ok() }
    }

    /// The store keeps them, and they would fill it.
    fn forget_expired(&mut self) {
        let expired = self.0.iter_any().filter(|cookie| cookie.is_expired());
        let of = |cookie: &Cookie<'_>| {
            let domain = cookie.domain.as_cow().unwrap_or_default().into_owned();
            (domain, cookie.path.to_string(), cookie.name().to_owned())
        };
        for (domain, path, name) in expired.map(of).collect::<Vec<_>>() {
            self.0.remove(&domain, &path, &name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        Url::parse("http://127.0.0.1/").unwrap().join(path).unwrap()
    }

    fn keep_at(cookies: &mut Cookies, path: &str, text: &str) {
        let header = HeaderValue::from_str(text).unwrap();
        cookies.keep(std::iter::once(&header), &url(path));
    }

    fn keep(cookies: &mut Cookies, text: &str) {
        keep_at(cookies, "/", text);
    }

    fn sent_to(cookies: &Cookies, path: &str) -> String {
        let header = cookies.for_url(&url(path));
        header.map(|header| header.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    fn sent(cookies: &Cookies) -> String {
        sent_to(cookies, "/")
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

    #[test]
    fn cookies_that_were_taken_away_leave_room_for_others() {
        let mut cookies = Cookies::default();
        for number in 0..1_000 {
            keep(&mut cookies, &format!("n{number}=1; Path=/"));
            keep(&mut cookies, &format!("n{number}=; Path=/; Max-Age=0"));
        }
        assert_eq!(cookies.0.iter_any().count(), 1);
        keep(&mut cookies, "session=1; Path=/");
        assert_eq!(sent(&cookies), "session=1");
    }

    /// RFC 6265, section 5.1.4.
    #[test]
    fn a_cookie_without_a_path_is_of_the_folder_of_its_request() {
        let mut cookies = Cookies::default();
        keep_at(&mut cookies, "/shop/log-in", "session=shop");
        keep_at(&mut cookies, "/admin/log-in", "session=admin");
        assert_eq!(sent(&cookies), "");
        assert_eq!(sent_to(&cookies, "/shop/cart/7"), "session=shop");
        assert_eq!(sent_to(&cookies, "/admin/"), "session=admin");
    }
}
