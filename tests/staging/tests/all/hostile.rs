//! Bad input: a clear refusal, and Tick lives on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::common::{Client, json, options, start, tick};
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn a_huge_body_is_refused() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    let huge = "x".repeat(10 * 1024 * 1024);
    for body in [json!({ "title": huge }).to_string(), huge.clone()] {
        let request = user.request(Method::POST, "/api/lists").header("content-type", "application/json").body(body);
        // Tick may hang up on a client that goes on sending; then there is no answer to read.
        if let Ok(response) = request.send().await {
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        }
    }
    assert_eq!(user.get("/healthz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn malformed_input_gets_a_problem_that_says_what_is_wrong() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    let cases = [
        ("{", "column", StatusCode::BAD_REQUEST),
        ("[]", "", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"title": 7}"#, "title", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"titel": "x"}"#, "titel", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"title": "x", "title": "y"}"#, "duplicate", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"title": "  "}"#, "1 to 200", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"title": "a\nb"}"#, "line breaks", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"title": "a\u0000b"}"#, "control", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"title": "x", "due": "2026-02-30"}"#, "date", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"title": "x", "due": "20260228"}"#, "date", StatusCode::UNPROCESSABLE_ENTITY),
    ];
    for (body, expected, expected_status) in cases {
        let request = user.request(Method::POST, "/api/lists/1/items");
        let (status, problem) = json(request.header("content-type", "application/json").body(body)).await;
        assert_eq!((status, &problem["status"]), (expected_status, &json!(expected_status.as_u16())), "{body}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{body}: {detail}");
    }
    let long = json!({ "title": "x".repeat(201) });
    assert_eq!(user.post("/api/lists/1/items", long).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let note = json!({ "title": "x", "note": "é".repeat(2001) });
    assert_eq!(user.post("/api/lists/1/items", note).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = json(user.request(Method::POST, "/api/lists/1/items").body("{}")).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn unknown_paths_ids_and_methods_are_refused() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    for path in [
        "/nowhere",
        "/api/lists/0",
        "/api/lists/-1",
        "/api/lists/999999",
        "/api/lists/99999999999999999999999",
        "/api/lists/abc",
        "/api/lists/1%20OR%201=1",
        "/api/lists/1'--",
        "/lists/%00",
        "/lists/%ff",
    ] {
        let (status, problem) = user.get_json(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {problem}");
    }
    for query in ["page=0", "page=-1", "page=x", "page=99999999999", "size=5"] {
        let (status, _) = user.get_json(&format!("/api/lists/1/items?{query}")).await;
        assert!(status.is_client_error(), "{query}: {status}");
    }
    let (status, far) = user.get_json("/api/lists/1/items?page=4294967295").await;
    assert_eq!((status, &far["items"]), (StatusCode::OK, &json!([])));
    let (status, problem) = user.patch("/api/lists", json!({})).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{problem}");
}

#[tokio::test]
async fn text_that_looks_like_sql_is_stored_as_text() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    let title = r#"'); DROP TABLE item; -- " $1 ?1 %s \' ; UPDATE account SET role = 'operator'"#;
    let (status, item) = user.post("/api/lists/1/items", json!({ "title": title })).await;
    assert_eq!((status, &item["title"]), (StatusCode::CREATED, &json!(title)));
    assert_eq!(user.get("/api/lists/6").await.0, StatusCode::NOT_FOUND, "still no operator");
    let sign_in = json!({ "email": "user1@tick.example' OR '1'='1", "password": "' OR ''='" });
    assert_eq!(user.post("/api/sessions", sign_in).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn markup_comes_out_escaped_on_every_page() {
    let tick = tick();
    let script = r#"<script>alert(1)</script>"#;
    let attribute = r#""onmouseover="alert(1)" x=""#;
    let nobody = Client::new(&tick, "");
    let account = json!({ "email": "x@example.org", "name": script, "password": "correct horse" });
    let (_, session) = nobody.post("/api/accounts", account).await;
    let user = Client::new(&tick, session["token"].as_str().unwrap());
    let (_, list) = user.post("/api/lists", json!({ "title": format!("{script}{attribute}") })).await;
    let item = json!({ "title": format!("{script}{attribute}"), "note": format!("{script}\n{attribute}") });
    user.post(&format!("/api/lists/{}/items", list["id"]), item).await;
    user.post(&format!("/api/accounts/{}/digest", session["account"]), json!(null)).await;
    for path in ["/".to_owned(), format!("/lists/{}", list["id"]), "/digest".to_owned()] {
        let (status, page) = user.get(&path).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("&#60;script&#62;"), "{path}: {page}");
        assert!(!page.contains("<script>") && !page.contains(r#""onmouseover"#), "{path}: {page}");
    }
    let response = user.request(Method::GET, "/").send().await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn only_a_known_token_signs_in() {
    let tick = tick();
    for token in ["", "unknown", "tick-seed-0", "tick-seed-99", "' OR 1=1 --", &"x".repeat(129), &"x".repeat(8_000)] {
        let (status, problem) = Client::new(&tick, token).get_json("/api/lists").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{token}: {problem}");
    }
    let nobody = Client::new(&tick, "");
    let cookie = nobody.request(Method::GET, "/api/lists").header("cookie", "a=b; tick_session=tick-seed-1; c");
    assert_eq!(json(cookie).await.0, StatusCode::OK);
    let basic = nobody.request(Method::GET, "/api/lists").header("authorization", "Basic dGljaw==");
    assert_eq!(json(basic).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    let form = |name: &str, value: &str| {
        user.request(Method::POST, "/lists").header(name, value).form(&[("title", "From elsewhere")])
    };
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let status = form(name, value).send().await.unwrap().status();
        assert_eq!(status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let own = form("origin", &tick.url()).send().await.unwrap().status();
    assert_eq!(own, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn bytes_that_are_not_http_do_no_harm() {
    let tick = tick();
    let mut connections = Vec::new();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/lists HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /api/lists HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nshort",
        b"GET /\0 HTTP/1.1\r\n\r\n",
        b"GET ",
    ] {
        let mut connection = TcpStream::connect(tick.address()).unwrap();
        connection.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        connection.write_all(garbage).unwrap();
        let mut answer = [0; 64];
        let read = connection.read(&mut answer).unwrap_or(0);
        assert!(!answer[..read].starts_with(b"HTTP/1.1 5"), "{}", String::from_utf8_lossy(&answer));
        connections.push(connection);
    }
    assert_eq!(Client::new(&tick, "").get("/healthz").await.0, StatusCode::OK);
    drop(connections);
}

#[tokio::test]
async fn a_client_that_leaves_is_counted_out() {
    let mut options = options();
    options.work_factor = 20_000;
    let tick = start(&options);
    let user = Client::account(&tick, 1);
    let impatient = user.request(Method::GET, "/lists/1").timeout(Duration::from_millis(50)).send().await;
    assert!(impatient.is_err());
    let mut metrics = String::new();
    for _ in 0..100 {
        metrics = user.get("/metrics").await.1;
        if metrics.contains(r#"tick_requests_abandoned_total{class="read"} 1"#) {
            assert!(metrics.contains("tick_requests_in_flight 1"), "{metrics}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never counted:\n{metrics}");
}

#[tokio::test]
async fn passwords_of_clients_that_leave_take_no_more_than_their_slot() {
    let mut options = options();
    options.workers = 1;
    let tick = start(&options);
    let hasty = reqwest::Client::builder().timeout(Duration::from_millis(80)).build().unwrap();
    let threads = || std::fs::read_dir(format!("/proc/{}/task", tick.pid())).unwrap().count();
    let idle = threads();
    let form = [("email", "nobody@tick.example"), ("password", "a wrong one")];
    let sign_in = || hasty.post(format!("{}/login", tick.url())).form(&form).send();
    let mut most = idle;
    for _ in 0..12 {
        // A hash takes longer than that in a build for tests; an answer in time is none of a client that leaves.
        let _ = sign_in().await;
        most = most.max(threads());
    }
    assert!(most <= idle + 2, "{most} threads, {idle} without a password");
}
