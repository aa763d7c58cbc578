//! The known server on a processor of its own, and processor time of tools.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The server; it ends with this.
#[derive(Debug)]
pub(crate) struct Host {
    process: Child,
    address: String,
}

impl Host {
    /// Starts it on the machine's last processor; what this process starts from now on is on its first.
    pub(crate) fn start() -> Result<Self> {
        let allowed = sched_getaffinity(None).context("cannot ask for the processors")?;
        let mut processors = (0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor));
        let first = processors.next().context("there is no processor")?;
        let last = processors.next_back().context("the bench wants two processors, and may use one")?;
        keep_to(last)?;
        let server = Command::new(env!("CARGO_BIN_EXE_known-server")).stdout(Stdio::piped()).spawn();
        let mut process = server.context("cannot start the server")?;
        keep_to(first)?;
        let mut address = String::new();
        let stdout = process.stdout.take().context("the server has no output")?;
        BufReader::new(stdout).read_line(&mut address).context("the server does not say where it listens")?;
        Ok(Self { process, address: address.trim().to_owned() })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the server has seen since the last call.
    pub(crate) fn stats(&self) -> Result<serde_json::Value> {
        let answer = self.get("/stats")?;
        let (_, body) = answer.split_once("\r\n\r\n").context("the server's statistics have no body")?;
        serde_json::from_str(body).context("the server's statistics are no JSON")
    }

    /// Asks for a stall, which begins a second later.
    pub(crate) fn stall(&self, lasts: Duration) -> Result<()> {
        self.get(&format!("/stall/{}", lasts.as_millis())).map(drop)
    }

    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address).context("the server is gone")?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address)?;
        // An answer of some hundred bytes is written in one go, and so is there as a whole.
        let mut bytes = vec![0; 4096];
        let length = stream.read(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn keep_to(processor: usize) -> Result<()> {
    let mut processors = CpuSet::new();
    processors.set(processor);
    sched_setaffinity(None, &processors).context("cannot keep to a processor")
}

/// Processor time of all children of this process that have ended: proc_pid_stat(5), cutime and cstime.
pub(crate) fn children_s() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("cannot read /proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").context("/proc/self/stat has no name in it")?;
    let ticks = fields.split(' ').skip(13).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / rustix::param::clock_ticks_per_second() as f64)
}
