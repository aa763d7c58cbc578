//! An HTTP server of one thread that answers six bytes, each as long after its request as a [`Law`] says.
//!
//! Requests do not wait for one another, so that the service time is all of the response time that a server can cause. The
//! thread spins while answers are due soon: it wants a processor of its own, and then is late by microseconds. How late it
//! was, it knows: it keeps the time from reading each request to having written its answer.
//!
//! `/stats` answers what it has seen since the last `/stats`, as JSON in seconds. `/stall/MILLISECONDS` makes it do nothing at all for
//! that long, a second later.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::event::{Timespec, epoll};

use crate::delay::Law;

/// Before this long to the next answer, the thread sleeps.
const SPIN_FOR: Duration = Duration::from_millis(2);
/// When a stall begins, after it was asked for.
const STALL_IN: Duration = Duration::from_secs(1);
const LISTENER: u64 = u64::MAX;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n";
/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The server; see the module.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    epoll: rustix::fd::OwnedFd,
    connections: Vec<Option<Connection>>,
    due: BinaryHeap<Reverse<Due>>,
    requests: u64,
    seen: Histogram<u64>,
    stall: Option<(Instant, Duration)>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
    /// Tells it from others that had this number before.
    since: u64,
}

/// An answer to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Instant,
    read: Instant,
    connection: usize,
    since: u64,
}

impl Server {
    /// Listens at a free port of this machine.
    ///
    /// # Errors
    /// When the system has none.
    pub fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
        Ok(Self {
            listener,
            epoll,
            connections: Vec::new(),
            due: BinaryHeap::new(),
            requests: 0,
            seen: histogram(),
            stall: None,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// When the system can wait no longer; trouble with a connection ends that connection.
    pub fn serve(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(256);
        loop {
            events.clear();
            let timeout = self.timeout();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if let Some((_, lasts)) = self.stall.take_if(|(from, _)| *from <= Instant::now()) {
                std::thread::sleep(lasts);
            }
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept(),
                    number => self.read(number as usize),
                }
            }
            self.answer_due();
        }
    }

    /// How long to wait for the next event: not at all when an answer is due soon.
    fn timeout(&self) -> Option<Timespec> {
        let next = self.due.peek().map(|due| due.0.at).into_iter().chain(self.stall.map(|(from, _)| from)).min()?;
        let left = next.saturating_duration_since(Instant::now()).saturating_sub(SPIN_FOR);
        Some(Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() })
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let number = self.connections.iter().position(Option::is_none).unwrap_or(self.connections.len());
            let data = epoll::EventData::new_u64(number as u64);
            let ready = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
            if ready.is_err() || epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN).is_err() {
                continue;
            }
            let connection = Connection { stream, head: Vec::new(), since: self.requests };
            match self.connections.get_mut(number) {
                Some(free) => *free = Some(connection),
                None => self.connections.push(Some(connection)),
            }
        }
    }

    fn read(&mut self, number: usize) {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else { return };
        let mut bytes = [0; 4096];
        let length = match connection.stream.read(&mut bytes) {
            Ok(length) if length > 0 && connection.head.len() < HEAD_BYTES_MAX => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            // Dropping the stream takes it out of epoll.
            _ => return self.connections[number] = None,
        };
        let read = Instant::now();
        connection.head.extend_from_slice(&bytes[..length]);
        if !connection.head.ends_with(b"\r\n\r\n") {
            return;
        }
        let path = path(&connection.head).to_owned();
        connection.head.clear();
        let since = connection.since;
        if path == "/stats" {
            return self.tell(number);
        }
        if let Some(lasts) = path.strip_prefix("/stall/").and_then(|ms| ms.parse().ok()) {
            self.stall = Some((read + STALL_IN, Duration::from_millis(lasts)));
        }
        let due = Due { at: read + Law::of_path(&path).draw(self.requests), read, connection: number, since };
        self.requests += 1;
        if due.at == read { self.answer(due) } else { self.due.push(Reverse(due)) }
    }

    fn answer_due(&mut self) {
        while let Some(Reverse(due)) = self.due.pop_if_due() {
            self.answer(due);
        }
    }

    fn answer(&mut self, due: Due) {
        let Some(place) = self.connections.get_mut(due.connection) else { return };
        let Some(connection) = place.as_mut().filter(|connection| connection.since == due.since) else { return };
        // So few bytes always fit, unless the client reads nothing.
        if connection.stream.write(ANSWER).is_ok_and(|length| length == ANSWER.len()) {
            self.seen.saturating_record((due.read.elapsed().as_nanos() as u64).max(1));
        } else {
            *place = None;
        }
    }

    /// What it has seen, and begins anew.
    fn tell(&mut self, number: usize) {
        let seconds = |share| self.seen.value_at_quantile(share) as f64 / 1e9;
        let body = format!(
            "{{\"count\":{},\"p50\":{},\"p90\":{},\"p95\":{},\"p99\":{},\"p99.9\":{},\"max\":{}}}",
            self.seen.len(),
            seconds(0.5),
            seconds(0.9),
            seconds(0.95),
            seconds(0.99),
            seconds(0.999),
            seconds(1.0)
        );
        self.seen.reset();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let Some(Some(connection)) = self.connections.get_mut(number) else { return };
        if connection.stream.write_all(answer.as_bytes()).is_err() {
            self.connections[number] = None;
        }
    }
}

/// Takes the next element whose time has come.
trait PopIfDue {
    fn pop_if_due(&mut self) -> Option<Reverse<Due>>;
}

impl PopIfDue for BinaryHeap<Reverse<Due>> {
    fn pop_if_due(&mut self) -> Option<Reverse<Due>> {
        self.peek().filter(|due| due.0.at <= Instant::now())?;
        self.pop()
    }
}

/// The path of a request's first line; `/` where it has none.
fn path(head: &[u8]) -> &str {
    let mut words = head.split(|byte| *byte == b' ');
    words.nth(1).and_then(|path| std::str::from_utf8(path).ok()).unwrap_or("/")
}

/// Nanoseconds up to a minute, to a thousandth.
fn histogram() -> Histogram<u64> {
    // The bounds are constants that the library accepts.
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are good")
}
