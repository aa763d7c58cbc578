//! What a status, a method or a session asks of an answer's headers (RFC 9110, RFC 9111).

use crate::common::{Client, options, start, text, tick};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::json;

/// As a browser asks for a page.
async fn page(user: &Client, method: Method, path: &str) -> (StatusCode, HeaderMap, String) {
    let response = user.request(method, path).header("accept", "text/html").send().await.unwrap();
    (response.status(), response.headers().clone(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_problem_s_page_has_the_headers_of_its_status() {
    let mut options = options();
    options.arguments = vec!["--request-timeout-ms=1".to_owned()];
    options.work_factor = 100_000;
    let (tick, slow) = (tick(), start(&options));
    let nobody = Client::new(&tick, "");
    let (status, headers, body) = page(&nobody, Method::GET, "/lists/1").await;
    assert_eq!((status, &headers["www-authenticate"]), (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap()));
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(headers["content-length"], body.len().to_string());
    let (status, headers, _) = page(&Client::account(&slow, 1), Method::GET, "/lists/1").await;
    assert_eq!((status, &headers["retry-after"]), (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap()));
    let (status, headers, body) = page(&nobody, Method::DELETE, "/digest").await;
    assert_eq!((status, &headers["allow"]), (StatusCode::METHOD_NOT_ALLOWED, &"GET,HEAD".parse().unwrap()));
    assert!(body.starts_with("<!doctype html>"), "{body}");
}

#[tokio::test]
async fn every_refusal_is_a_problem_that_says_why() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    let foreign = user.request(Method::POST, "/api/lists").header("origin", "https://evil.example");
    for (request, expected) in [
        (foreign.json(&json!({ "title": "x" })), StatusCode::FORBIDDEN),
        (user.request(Method::GET, "/static/%ff"), StatusCode::NOT_FOUND),
        (user.request(Method::GET, "/nowhere/%ff"), StatusCode::NOT_FOUND),
        (user.request(Method::PUT, "/lists"), StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), expected);
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{expected}");
        let problem: serde_json::Value = response.json().await.unwrap();
        assert_eq!(problem["status"], expected.as_u16());
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
    }
    let (_, metrics) = user.get("/metrics").await;
    for line in [
        r#"tick_requests_total{class="write",status="403"} 1"#,
        r#"tick_requests_total{class="static",status="404"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn the_name_of_the_bearer_scheme_has_no_case() {
    let tick = tick();
    let nobody = Client::new(&tick, "");
    for (value, expected) in [
        ("Bearer tick-seed-1", StatusCode::OK),
        ("bearer tick-seed-1", StatusCode::OK),
        ("BEARER  tick-seed-1", StatusCode::OK),
        ("Bearertick-seed-1", StatusCode::UNAUTHORIZED),
        ("Bearer", StatusCode::UNAUTHORIZED),
        ("Basic tick-seed-1", StatusCode::UNAUTHORIZED),
    ] {
        let request = nobody.request(Method::GET, "/api/lists").header("authorization", value);
        assert_eq!(text(request).await.0, expected, "{value}");
    }
}

#[tokio::test]
async fn what_was_created_is_where_the_answer_says() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    let create = async |path: String| {
        let response = user.request(Method::POST, &path).json(&json!({ "title": "New" })).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        response.headers()["location"].to_str().unwrap().to_owned()
    };
    let list = create("/api/lists".to_owned()).await;
    assert_eq!(user.get_json(&list).await.1["title"], "New");
    let item = create(format!("{list}/items")).await;
    assert_eq!(item, format!("{list}/items/1"));
    assert_eq!(user.patch(&item, json!({ "done": true })).await.1["done"], true);
}

#[tokio::test]
async fn what_an_account_sees_is_kept_for_nobody_else() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    for path in ["/", "/lists/1", "/lists/999999", "/api/lists", "/metrics"] {
        let response = user.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.headers()["cache-control"], "private, no-cache", "{path}");
        assert_eq!(response.headers()["vary"], "cookie", "{path}");
    }
    let response = user.request(Method::GET, "/static/tick.css").send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "public, max-age=86400");
    assert!(!response.headers().contains_key("vary"));
}
