//! Why a request failed, told apart so that each kind points at its cause.

use std::error::Error;
use std::io;

/// What became of a request that was not answered as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// Nobody listens at the port.
    Refused,
    /// The connection broke or was closed before the whole answer was there.
    Reset,
    /// No answer, or not all of it, within the plan's timeout.
    Timeout,
    /// The name has no address.
    Dns,
    /// No agreement on encryption: a certificate that is not trusted, or no TLS at the other end.
    Tls,
    /// The answer has a status that the plan does not expect.
    Status,
    /// The body ended early, or passed the limit.
    Body,
    /// The body is not what the plan expects, or lacks what a later request needs.
    Content,
    /// The answer is not HTTP, or is none within the limits of its head.
    Protocol,
    /// Any other trouble with the connection: no route, no free port, too many open files.
    Network,
    /// The request cannot be made of the plan's values: they lead to another host, or into no header.
    Plan,
    /// The request was due, and never sent, because the step ended first.
    Unsent,
}

impl Failure {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Refused,
        Self::Reset,
        Self::Timeout,
        Self::Dns,
        Self::Tls,
        Self::Status,
        Self::Body,
        Self::Content,
        Self::Protocol,
        Self::Network,
        Self::Plan,
        Self::Unsent,
    ];

    /// Its name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Status => "status",
            Self::Body => "body",
            Self::Content => "content",
            Self::Protocol => "protocol",
            Self::Network => "network",
            Self::Plan => "plan",
            Self::Unsent => "unsent",
        }
    }

    /// The kind of this [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What to look at first when no request fares better, in words that follow a colon.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Refused => "nobody listens there: is the deployment up, and is the port right?",
            Self::Reset => "the other end hangs up: see its log, and that of a proxy before it",
            Self::Timeout => "answers take longer than the plan's `timeout`: how long does one request by hand take?",
            Self::Dns => "the host's name has no address: is it spelt right, and known on this machine?",
            Self::Tls => {
                "no agreement on TLS: does that port speak it, is the certificate valid for this host, and does the plan name \
                 its authority (`tls = { ca = \"ca.pem\" }`) where it is your own?"
            }
            Self::Status => {
                "the deployment answers, with another status than the plan expects: are the paths right, is a log-in \
                 missing, or shall the plan `expect` it?"
            }
            Self::Body => {
                "bodies end before their length, or pass the limit: see the deployment's log, and that of a proxy before it"
            }
            Self::Content => {
                "the deployment answers, and the body is not what the plan's `expect` or `extract` looks for: compare one \
                 answer by hand"
            }
            Self::Protocol => "what answers at that port does not speak HTTP/1.1 as it should: is the port right?",
            Self::Network => {
                "no connection comes about: is there a route to the host, and are there ports and open files left (`ulimit -n`)?"
            }
            Self::Plan => {
                "the plan's values make no request: does one lead to another host, or have a line break for a header?"
            }
            Self::Unsent => "the step was over before they could be sent: does the plan need more `users`?",
        }
    }

    /// The kind of a client error before the answer's head was there.
    pub(super) fn of_exchange(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        // hyper-util's resolver wraps what getaddrinfo says in this message and gives it no type.
        if sources(error).any(|source| source.to_string().starts_with("dns error")) {
            return Self::Dns;
        }
        if let Some(error) = sources(error).find_map(|source| source.downcast_ref::<hyper::Error>()) {
            if error.is_parse() {
                return Self::Protocol;
            }
            if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
                return Self::Reset;
            }
        }
        match io_kind(error) {
            Some(io::ErrorKind::ConnectionRefused) => Self::Refused,
            Some(io::ErrorKind::TimedOut) => Self::Timeout,
            // rustls reports a failed handshake as invalid data; a server that hangs up during it, as an early end.
            Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) if error.is_connect() => Self::Tls,
            Some(kind) if is_break(kind) => Self::Reset,
            // Under TLS, an end without close_notify.
            Some(io::ErrorKind::UnexpectedEof) => Self::Reset,
            _ => Self::Network,
        }
    }

    /// The kind of a client error while the body came.
    pub(super) fn of_body(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        match io_kind(error) {
            Some(kind) if is_break(kind) => Self::Reset,
            // hyper reports chunks that are none as either of these.
            Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => Self::Protocol,
            _ => Self::Body,
        }
    }
}

fn is_break(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe)
}

fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |error| (*error).source())
}

/// The kind of the innermost input or output error.
fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut innermost = sources(error).filter_map(|source| source.downcast_ref::<io::Error>()).last()?;
    // Such an error may hold another of its kind, which is no source of its own.
    while let Some(inner) = innermost.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()) {
        innermost = inner;
    }
    Some(innermost.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Failure::ALL {
            assert_eq!(Failure::named(kind.name()), Some(kind));
        }
        assert_eq!(Failure::named("a kind of a later version"), None);
    }
}
