//! Several runs that send one plan together.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::common::{GOOD, Server, shard, together};
use hockeystick_core::measurement::Ended;
use hockeystick_core::schedule::Schedule;
use hockeystick_loadgen::plan;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const OPEN: &str = "schema = 1\nseed = 4\nwarm_up = \"0.5 s\"\ntimeout = \"1 s\"\nusers = 7\n\
    steps = [{ rate = \"120/s\", seconds = 1 }, { rate = \"60/s\", seconds = 1 }]\n[stop]\nresponse = \"1 s\"\n\
    [values]\nlist = { from = 1, to = 1000 }\n[[request]]\nclass = \"read\"\npath = \"/lists/{list}\"\n\
    [[request]]\nclass = \"write\"\nmethod = \"POST\"\npath = \"/lists/{list}\"\n";

/// Reads one request, and gives its first line; none when the client is gone.
async fn line(stream: &mut tokio::net::TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()?.lines().next().map(str::to_owned)
}

/// A server that counts each first line, and whose clock is ahead.
fn server(ahead: Duration) -> (Server, Arc<Mutex<BTreeMap<String, u32>>>) {
    let seen = Arc::new(Mutex::new(BTreeMap::new()));
    let counts = Arc::clone(&seen);
    let server = Server::start(move |mut stream| {
        let counts = Arc::clone(&counts);
        async move {
            while let Some(line) = line(&mut stream).await {
                *counts.lock().unwrap().entry(line).or_default() += 1;
                let date = httpdate::fmt_http_date(SystemTime::now() + ahead);
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 6\r\ndate: {date}\r\n\r\nhello\n");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    });
    (server, seen)
}

fn read(folder: &Path, number: u32) -> hockeystick_core::measurement::Results {
    hockeystick_loadgen::store::read_results(&folder.join(format!("{number}.json"))).unwrap()
}

#[test]
fn shards_send_together_what_one_machine_would() {
    let folder = tempfile::tempdir().unwrap();
    let plan = || plan::read(OPEN, "plan.toml").unwrap();
    let (server, alone) = server(Duration::ZERO);
    let whole = together(&server.url(), plan(), folder.path(), 1).remove(0);
    let (server, shared) = self::server(Duration::ZERO);
    let shards = together(&server.url(), plan(), folder.path(), 3);
    // Every user opens a connection with a GET of its own, and there are seven of them either way.
    assert_eq!(*alone.lock().unwrap(), *shared.lock().unwrap());
    assert_eq!(shards.iter().map(|shard| shard.generator.users).sum::<u32>(), 7);
    for (index, step) in whole.steps.iter().enumerate() {
        let share = shards.iter().map(|shard| &shard.steps[index]);
        assert!(share.clone().all(|share| share.due > 0 && share.window_from == shards[0].steps[index].window_from));
        assert_eq!(share.clone().map(|share| share.due).sum::<u64>(), step.due);
        let sent = |text: &Option<String>| Schedule::read(text.as_ref().unwrap()).unwrap().arrivals().to_vec();
        let mut union: Vec<_> = share.flat_map(|share| sent(&share.schedule)).collect();
        union.sort_by_key(|arrival| (arrival.at, arrival.class));
        let mut all = sent(&step.schedule);
        all.sort_by_key(|arrival| (arrival.at, arrival.class));
        assert_eq!(union, all);
    }
    for (number, shard) in (1..).zip(&shards) {
        assert_eq!((shard.ended.clone(), read(folder.path(), number) == *shard), (Ended::Complete, true));
        let written = shard.shard.as_ref().unwrap();
        assert_eq!((written.number, written.of), (number, 3));
    }
}

#[test]
fn users_of_a_closed_loop_are_dealt_out() {
    let text = "schema = 1\nwarm_up = \"0 s\"\ntimeout = \"1 s\"\nusers = 5\nsteps = [{ users = 5, think = { mean = \"0.1 s\", \
        cv = 0 }, seconds = 1 }]\n[stop]\nresponse = \"1 s\"\n[values]\nwho = { from = 1, to = 5, per = \"user\" }\n\
        [[request]]\nclass = \"read\"\npath = \"/{who}\"\n";
    let (server, seen) = server(Duration::ZERO);
    let folder = tempfile::tempdir().unwrap();
    let shards = together(&server.url(), plan::read(text, "plan.toml").unwrap(), folder.path(), 2);
    assert_eq!(shards.iter().map(|shard| shard.generator.users).collect::<Vec<_>>(), [3, 2]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[test]
fn the_deployments_clock_is_seen_to_within_milliseconds() {
    let text = "schema = 1\nwarm_up = \"0 s\"\ntimeout = \"1 s\"\nusers = 4\nsteps = [{ rate = \"200/s\", seconds = 3 }]\n\
        [stop]\nresponse = \"1 s\"\n[[request]]\nclass = \"read\"\npath = \"/\"\n";
    let (server, _) = server(Duration::from_millis(350));
    let folder = tempfile::tempdir().unwrap();
    for shard in together(&server.url(), plan::read(text, "plan.toml").unwrap(), folder.path(), 2) {
        let clock = shard.steps[0].clock.unwrap();
        assert!(clock.low_s <= 0.3501 && clock.high_s >= 0.3499, "{clock:?}");
        // One answer alone would leave a whole second.
        assert!(clock.high_s - clock.low_s < 0.5, "{clock:?}");
    }
    let silent = Server::answering(GOOD, true);
    let shards = together(&silent.url(), plan::read(text, "plan.toml").unwrap(), folder.path(), 1);
    assert_eq!(shards[0].steps[0].clock, None);
}

#[test]
fn merged_shards_are_a_measurement_and_a_shard_alone_is_none() {
    let (server, _) = server(Duration::ZERO);
    let folder = tempfile::tempdir().unwrap();
    let shards = together(&server.url(), plan::read(OPEN, "plan.toml").unwrap(), folder.path(), 2);
    let loadgen = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_loadgen")).current_dir(&folder).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\n  │ ", " ");
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let (code, said) = loadgen(&["merge", "2.json", "1.json", "--out", "all.json"]);
    assert!(code == Some(0) && said.contains("all.json: 2 steps of 2 shards"), "{said}");
    let merged = hockeystick_loadgen::store::read_whole_results(&folder.path().join("all.json")).unwrap();
    for (index, step) in merged.steps.iter().enumerate() {
        let share = shards.iter().map(|shard| &shard.steps[index]);
        assert_eq!(step.due, share.clone().map(|share| share.due).sum::<u64>());
        assert_eq!(step.completed, share.map(|share| share.completed).sum::<u64>());
        assert_eq!(step.skew().unwrap().at_least_s, 0.0);
    }
    let (code, said) = loadgen(&["report", "all.json", "--format", "md"]);
    assert!(code == Some(0) && said.contains("By generator") && said.contains("in 2 shards"), "{said}");
    for (arguments, says) in [
        (&["report", "1.json", "--format", "md"][..], "shard 1 of 2"),
        (&["check", "1.json", "--stage", "01-single-server"], "loadgen merge"),
        (&["merge", "1.json", "--out", "x.json"], "missing: 2"),
        (&["merge", "1.json", "2.json", "--out", "./1.json"], "would be lost"),
        (&["merge", "1.json", "absent.json", "--out", "x.json"], "cannot read absent.json"),
    ] {
        let (code, said) = loadgen(arguments);
        assert!(code == Some(2) && said.contains(says), "{arguments:?}: {said}");
    }
    assert!(!folder.path().join("x.json").exists());
}

#[test]
fn a_shard_that_comes_when_all_is_over_sends_nothing_and_says_what_it_missed() {
    let (server, seen) = server(Duration::ZERO);
    let folder = tempfile::tempdir().unwrap();
    let ago = SystemTime::now() - Duration::from_secs(60);
    let start = jiff::Timestamp::from_second(ago.duration_since(UNIX_EPOCH).unwrap().as_secs() as i64).unwrap();
    let plan = plan::read(OPEN, "plan.toml").unwrap();
    let results = shard(&server.url(), plan, &folder.path().join("1.json"), (1, 2), start);
    assert_eq!((&results.ended, results.steps.len()), (&Ended::Complete, 0));
    assert_eq!(results.missed.iter().map(|missed| missed.step).collect::<Vec<_>>(), [1, 2]);
    assert!(results.missed[0].reason.contains("it was started at"), "{:?}", results.missed);
    // Not even a connection was opened.
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(read(folder.path(), 1), results);
}
