//! What the load plan promises: its requests are answered, and none makes later ones dearer or cheaper.

use crate::common::{Client, SEEDED, options, start, text, tick};
use hockeystick_staging::plan::{self, PlanRequest, RequestClass};
use reqwest::StatusCode;
use serde_json::json;

/// Sends a request of the plan to this path.
async fn send(client: &Client, request: &PlanRequest, path: &str) -> (StatusCode, String) {
    let mut call = client.request(request.method.parse().unwrap(), path).body(request.body);
    for (name, value) in request.headers {
        call = call.header(*name, *value);
    }
    text(call).await
}

#[tokio::test]
async fn the_plan_s_changes_cost_the_same_however_often_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.database = Some(folder.path().join("load.sqlite"));
    let tick = start(&options);
    let operator = Client::operator(&tick);
    let log = folder.path().join("load.sqlite-wal");
    let material = plan::material(SEEDED);
    let mut rounds = Vec::new();
    for _ in 0..3 {
        // The log grows to a thousand pages before it is folded into the file: a round stays far below that.
        let before = std::fs::metadata(&log).map_or(0, |log| log.len());
        let mut item = 0;
        for _ in 0..6 {
            for request in material.requests.iter().filter(|request| request.class == RequestClass::Write) {
                // Each of the items in its turn, so that a round ticks what the one before has opened, or has ticked.
                item = item % material.ranges.item.1 + 1;
                let path = request.path_with(&material.ranges, |(first, last)| item.clamp(first, last));
                assert_eq!(send(&operator, request, &path).await.0, StatusCode::OK);
            }
        }
        rounds.push(std::fs::metadata(&log).unwrap().len() - before);
    }
    assert!(rounds[1] == rounds[2] && 10 * rounds[2] > 9 * rounds[0], "bytes of the log: {rounds:?}");
}

#[tokio::test]
async fn the_plan_s_digests_stay_as_long_as_the_seed_made_them() {
    let tick = tick();
    let operator = Client::operator(&tick);
    let material = plan::material(SEEDED);
    let writes: Vec<_> = material.requests.iter().filter(|request| request.class == RequestClass::Write).collect();
    let mut sizes = Vec::new();
    let mut draws = 0_u32;
    while sizes.len() < 3 {
        let mut bytes = 0;
        for account in 1..=SEEDED {
            let (_, digest) = operator.post(&format!("/api/accounts/{account}/digest"), json!(null)).await;
            bytes += digest["bytes"].as_u64().unwrap();
        }
        sizes.push(bytes);
        // As many as there are items, twice: any list, any item, any of the requests, by a linear congruential generator.
        for _ in 0..480 {
            let mut draw = |below: u32| {
                draws = draws.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (draws >> 16) % below
            };
            let request = writes[draw(u32::try_from(writes.len()).unwrap()) as usize];
            let path = request.path_with(&material.ranges, |(first, last)| first + draw(last - first + 1));
            assert_eq!(send(&operator, request, &path).await.0, StatusCode::OK);
        }
    }
    let [seeded, once, twice] = sizes[..] else { panic!("{sizes:?}") };
    assert!(once.abs_diff(seeded) * 10 < seeded && twice.abs_diff(once) * 10 < once, "bytes of the digests: {sizes:?}");
}

#[tokio::test]
async fn every_request_of_the_plan_is_answered_at_both_ends_of_its_ranges() {
    let tick = tick();
    let material = plan::material(SEEDED);
    // The token is the plan's.
    let client = Client::new(&tick, material.authorization.1.strip_prefix("Bearer ").unwrap());
    for request in material.requests {
        for pick in [|(first, _): (u32, u32)| first, |(_, last): (u32, u32)| last] {
            let path = request.path_with(&material.ranges, pick);
            let (status, body) = send(&client, request, &path).await;
            assert!(status.is_success(), "{} {path}: {status} {body}", request.method);
        }
    }
    let beyond = material.ranges.list.1 + 1;
    assert_eq!(Client::operator(&tick).get(&format!("/api/lists/{beyond}")).await.0, StatusCode::NOT_FOUND);
}
