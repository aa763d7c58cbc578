//! Many clients at once.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::{Client, options, start, tick};
use hockeystick_staging::deploy::Deployment;
use reqwest::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

const WRITERS: usize = 32;
const ITEMS_EACH: usize = 20;

/// Adds items to list 1 from many clients; returns the numbers that they got.
async fn write_together(ticks: &[&Deployment]) -> Vec<i64> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let user = Client::account(ticks[writer % ticks.len()], 1);
        writers.spawn(async move {
            let mut numbers = Vec::new();
            for item in 0..ITEMS_EACH {
                let title = format!("Item {item} of writer {writer}");
                let (status, body) = user.post("/api/lists/1/items", json!({ "title": title })).await;
                assert_eq!(status, StatusCode::CREATED, "{body}");
                numbers.push(body["number"].as_i64().unwrap());
            }
            numbers
        });
    }
    writers.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_to_one_list_all_succeed_and_each_gets_its_own_number() {
    let mut options = options();
    options.workers = 2;
    let tick = start(&options);
    let (_, before) = Client::account(&tick, 1).get_json("/api/lists/1").await;
    let numbers = write_together(&[&tick]).await;
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), WRITERS * ITEMS_EACH);
    let (_, after) = Client::account(&tick, 1).get_json("/api/lists/1").await;
    let added = after["items"].as_i64().unwrap() - before["items"].as_i64().unwrap();
    assert_eq!(usize::try_from(added).unwrap(), WRITERS * ITEMS_EACH);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_may_write_to_one_database_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.database = Some(folder.path().join("shared.sqlite"));
    let (one, other) = (start(&options), start(&options));
    let numbers = write_together(&[&one, &other]).await;
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), WRITERS * ITEMS_EACH);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_do_not_wait_for_writers() {
    let tick = tick();
    let mut readers = JoinSet::new();
    for _ in 0..8 {
        let user = Client::account(&tick, 1);
        readers.spawn(async move {
            for _ in 0..50 {
                assert_eq!(user.get("/lists/1").await.0, StatusCode::OK);
            }
        });
    }
    write_together(&[&tick]).await;
    readers.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_above_the_limit_are_turned_away_at_once_but_monitors_are_not() {
    let mut options = options();
    options.work_factor = 100_000;
    options.arguments = vec!["--max-in-flight=1".to_owned()];
    let tick = start(&options);
    let user = Client::account(&tick, 1);
    let busy = user.clone();
    let first = tokio::spawn(async move { busy.get("/lists/1").await.0 });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (status, problem) = user.get_json("/api/lists").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert_eq!(user.get("/healthz").await.0, StatusCode::OK);
    first.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_share_the_cpu_so_a_short_one_does_not_wait_for_a_long_one() {
    let mut options = options();
    options.work_factor = 50_000;
    let tick = start(&options);
    let user = Client::account(&tick, 1);
    let long = user.clone();
    let long = tokio::spawn(async move { long.get("/lists/1").await.0 });
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..20 {
        assert_eq!(user.get("/static/tick.css").await.0, StatusCode::OK);
    }
    assert!(!long.is_finished(), "the long request ended before twenty short ones: raise the work factor");
    long.abort();
}
