//! One request and its answer: what is sent, read, checked, and kept for later requests.

use std::fmt;

use hockeystick_core::engine::random::Stream;
use reqwest::header::{CONNECTION, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use reqwest::{Body, Request, Response, StatusCode, Url};

use super::dates::Dated;
use super::failure::Failure;
use super::user::User;
use crate::plan::{Connections, Filling, Message, Payload};

/// Largest body that is read: an endless one must not fill the time of a step.
const BODY_BYTES_MAX: usize = 64 << 20;
/// Largest body that is kept to be looked at: every user may hold one.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// A request that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    pub(super) kind: Failure,
    /// The answer's status, if there was an answer.
    pub(super) status: Option<StatusCode>,
}

/// A cookie as it was set, and by the answer to what.
pub(super) type SetCookie = (Url, HeaderValue);

impl From<Failure> for Failed {
    fn from(kind: Failure) -> Self {
        Self { kind, status: None }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} (the answer was {status})", self.kind.name()),
            None => f.write_str(self.kind.name()),
        }
    }
}

impl User<'_> {
    /// The request with its values.
    pub(super) fn request(&self, message: &Message, values: &Stream, number: u64) -> Result<Request, Failed> {
        let plan = &self.shared.plan;
        let mut filling = Filling::new(&plan.names, &self.extracted, values, number, self.number);
        let base = &self.shared.base;
        let url = base.join(&message.path.render(&mut filling)).map_err(|_| Failure::Plan)?;
        if url.origin() != base.origin() {
            // No value leads to another host than the one that may be loaded.
            return Err(Failure::Plan.into());
        }
        let mut request = Request::new(message.method.clone(), url);
        *request.headers_mut() = message.headers.clone();
        for (name, template) in &message.templated_headers {
            let value = HeaderValue::try_from(template.render(&mut filling)).map_err(|_| Failure::Plan)?;
            request.headers_mut().insert(name.clone(), value);
        }
        if plan.connections == Connections::New {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(cookies) = self.cookies.as_ref().and_then(|kept| kept.for_url(request.url())) {
            request.headers_mut().insert(COOKIE, cookies);
        }
        *request.body_mut() = message.body.as_ref().map(|body| match body {
            Payload::Text(template) => Body::from(template.render(&mut filling)),
            Payload::File(bytes) => Body::from(bytes.clone()),
        });
        Ok(request)
    }

    /// Sends, reads the answer to its last byte, and looks at it. `cookies` gets those that came with it.
    pub(super) async fn exchange(
        &mut self,
        message: &Message,
        request: Request,
        cookies: Option<&mut Vec<SetCookie>>,
    ) -> Result<(), Failed> {
        let url = (self.cookies.is_some() || cookies.is_some()).then(|| request.url().clone());
        let response = self.shared.client.execute(request).await.map_err(|error| Failure::of_exchange(&error))?;
        if self.shared.reads_dates {
            self.dated = Dated::read(response.headers());
        }
        let status = response.status();
        let looked_at = self.cookies.is_some() || cookies.is_some() || !message.extract.is_empty();
        let headers = if looked_at { response.headers().clone() } else { HeaderMap::new() };
        let answered = |kind| Failed { kind, status: Some(status) };
        let body = read_body(response, message.reads_body()).await.map_err(answered)?;
        if !message.expect.accepts(status) {
            return Err(answered(Failure::Status));
        }
        if message.expect.reads_body() && !message.expect.accepts_body(&body) {
            return Err(answered(Failure::Content));
        }
        if let Some(url) = url {
            self.keep_cookies(headers.get_all(SET_COOKIE).iter(), &url);
            if let Some(cookies) = cookies {
                cookies.extend(headers.get_all(SET_COOKIE).iter().map(|cookie| (url.clone(), cookie.clone())));
            }
        }
        for extraction in &message.extract {
            let text = extraction.find(&headers, &body).ok_or(answered(Failure::Content))?;
            extraction.keep(text, &mut self.extracted);
        }
        Ok(())
    }

    /// Keeps what the answer to a request for `url` sets.
    pub(super) fn keep_cookies<'h>(&mut self, headers: impl Iterator<Item = &'h HeaderValue>, url: &Url) {
        if let Some(kept) = &mut self.cookies {
            kept.keep(headers, url);
        }
    }
}

/// Reads a body to its end, and keeps it if somebody will look at it.
async fn read_body(mut response: Response, keep: bool) -> Result<Vec<u8>, Failure> {
    let (mut bytes, mut kept) = (0, Vec::new());
    let bytes_max = if keep { KEPT_BYTES_MAX } else { BODY_BYTES_MAX };
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::of_body(&error))? {
        bytes += chunk.len();
        if bytes > bytes_max {
            return Err(Failure::Body);
        }
        if keep {
            kept.extend_from_slice(&chunk);
        }
    }
    Ok(kept)
}
