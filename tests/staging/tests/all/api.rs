//! Tick's behaviour over real HTTP.

use crate::common::{Client, SEEDED, options, start, text, tick};
use hockeystick_staging::plan;
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn an_account_registers_signs_in_and_signs_out() {
    let tick = tick();
    let nobody = Client::new(&tick, "");
    let account = json!({ "email": "Vera@Example.org ", "name": "Vera", "password": "correct horse" });
    let (status, registered) = nobody.post("/api/accounts", account.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{registered}");

    let (status, problem) = nobody.post("/api/accounts", account).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");

    let credentials = json!({ "email": "vera@example.org", "password": "correct horse" });
    let (status, session) = nobody.post("/api/sessions", credentials).await;
    assert_eq!(status, StatusCode::CREATED, "{session}");
    let vera = Client::new(&tick, session["token"].as_str().unwrap());
    assert_eq!(vera.get_json("/api/lists").await, (StatusCode::OK, json!({ "lists": [] })));

    assert_eq!(vera.delete("/api/sessions").await, StatusCode::NO_CONTENT);
    assert_eq!(vera.get("/api/lists").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_get_the_same_answer() {
    let tick = tick();
    let nobody = Client::new(&tick, "");
    let wrong = nobody.post("/api/sessions", json!({ "email": "user1@tick.example", "password": "wrong" })).await;
    let unknown = nobody.post("/api/sessions", json!({ "email": "nobody@tick.example", "password": "wrong" })).await;
    assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong, unknown);
    let right = json!({ "email": "user1@tick.example", "password": "tick-seed-password" });
    assert_eq!(nobody.post("/api/sessions", right).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn items_are_added_ticked_opened_and_deleted() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    let (status, list) = user.post("/api/lists", json!({ "title": "Party" })).await;
    assert_eq!(status, StatusCode::CREATED, "{list}");
    let items = format!("/api/lists/{}/items", list["id"]);

    let cake = json!({ "title": " Cake ", "note": "two layers", "due": "2026-12-24" });
    let (status, item) = user.post(&items, cake).await;
    let expected = json!({ "number": 1, "title": "Cake", "note": "two layers", "due": "2026-12-24", "done": false });
    assert_eq!((status, item), (StatusCode::CREATED, expected));
    assert_eq!(user.post(&items, json!({ "title": "Candles" })).await.1["number"], 2);

    let (status, ticked) = user.patch(&format!("{items}/1"), json!({ "done": true })).await;
    assert_eq!((status, &ticked["done"]), (StatusCode::OK, &json!(true)));
    let (_, summary) = user.get_json(&format!("/api/lists/{}", list["id"])).await;
    assert_eq!((&summary["items"], &summary["open"]), (&json!(2), &json!(1)));
    let (_, opened) = user.patch(&format!("{items}/1"), json!({ "done": false })).await;
    assert_eq!(opened["done"], false);

    assert_eq!(user.delete(&format!("{items}/1")).await, StatusCode::NO_CONTENT);
    assert_eq!(user.delete(&format!("{items}/1")).await, StatusCode::NOT_FOUND);
    let (_, left) = user.get_json(&items).await;
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    // A deleted number does not come back: it would name another item.
    assert_eq!(user.post(&items, json!({ "title": "Juice" })).await.1["number"], 3);

    assert_eq!(user.delete(&format!("/api/lists/{}", list["id"])).await, StatusCode::NO_CONTENT);
    assert_eq!(user.get(&items).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_list_is_there_for_its_owner_its_members_and_the_operator_only() {
    let tick = tick();
    let (owner, member, stranger) = (Client::account(&tick, 1), Client::account(&tick, 2), Client::account(&tick, 3));
    let (_, list) = owner.post("/api/lists", json!({ "title": "Secret" })).await;
    let path = format!("/api/lists/{}", list["id"]);

    assert_eq!(member.get(&path).await.0, StatusCode::NOT_FOUND);
    let share = json!({ "email": "user2@tick.example" });
    assert_eq!(owner.post(&format!("{path}/members"), share.clone()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(owner.post(&format!("{path}/members"), share).await.0, StatusCode::NO_CONTENT);

    assert_eq!(member.get(&path).await.0, StatusCode::OK);
    let item = json!({ "title": "From a member" });
    assert_eq!(member.post(&format!("{path}/items"), item.clone()).await.0, StatusCode::CREATED);
    assert_eq!(member.delete(&path).await, StatusCode::FORBIDDEN);

    assert_eq!(stranger.get(&path).await.0, StatusCode::NOT_FOUND);
    assert_eq!(stranger.post(&format!("{path}/items"), item).await.0, StatusCode::NOT_FOUND);
    assert_eq!(stranger.delete(&path).await, StatusCode::NOT_FOUND);
    assert_eq!(Client::operator(&tick).get(&path).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_digest_covers_the_account_s_lists_and_can_be_read_again() {
    let tick = tick();
    let (operator, user, other) = (Client::operator(&tick), Client::account(&tick, 1), Client::account(&tick, 2));
    let (status, digest) = operator.post("/api/accounts/1/digest", json!(null)).await;
    assert_eq!(status, StatusCode::CREATED, "{digest}");
    let (_, lists) = user.get_json("/api/lists").await;
    let items: i64 = lists["lists"].as_array().unwrap().iter().map(|list| list["items"].as_i64().unwrap()).sum();
    assert_eq!(digest["items"], items);

    let (status, mail) = user.get("/digest").await;
    assert_eq!(status, StatusCode::OK);
    assert!(mail.contains("Good morning, User 1"), "{mail}");
    assert_eq!(other.get("/api/accounts/1/digest").await.0, StatusCode::NOT_FOUND);
    assert_eq!(other.post("/api/accounts/1/digest", json!(null)).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_digest_has_what_is_open_however_much_is_done() {
    let tick = tick();
    let nobody = Client::new(&tick, "");
    let account = json!({ "email": "vera@example.org", "name": "Vera", "password": "correct horse" });
    let (_, session) = nobody.post("/api/accounts", account).await;
    let vera = Client::new(&tick, session["token"].as_str().unwrap());
    let (_, list) = vera.post("/api/lists", json!({ "title": "Busy" })).await;
    let items = format!("/api/lists/{}/items", list["id"]);
    for number in 1..=500 {
        vera.post(&items, json!({ "title": "Old", "due": "2020-01-01" })).await;
        vera.patch(&format!("{items}/{number}"), json!({ "done": true })).await;
    }
    vera.post(&items, json!({ "title": "Pack the tent" })).await;
    let (status, digest) = vera.post(&format!("/api/accounts/{}/digest", session["account"]), json!(null)).await;
    assert_eq!(status, StatusCode::CREATED, "{digest}");
    assert_eq!((&digest["items"], &digest["done"]), (&json!(501), &json!(500)));
    let (_, mail) = vera.get("/digest").await;
    assert!(mail.contains("Pack the tent") && mail.contains("500 of 501 things are done"), "{mail}");
}

#[tokio::test]
async fn a_person_without_javascript_registers_and_keeps_a_list() {
    let tick = tick();
    // Follows redirects and keeps cookies, as a browser does.
    let browser = reqwest::Client::builder().cookie_store(true).build().unwrap();
    let url = |path: &str| format!("{}{path}", tick.url());
    let (_, welcome) = text(browser.get(url("/"))).await;
    assert!(welcome.contains("Make an account"), "{welcome}");

    let account = [("email", "tom@example.org"), ("name", "Tom"), ("password", "correct horse")];
    let (status, home) = text(browser.post(url("/register")).form(&account)).await;
    assert!(status.is_success() && home.contains("Your lists") && home.contains("Tom"), "{home}");

    let response = browser.post(url("/lists")).form(&[("title", "Camping")]).send().await.unwrap();
    let list_url = response.url().clone();
    assert!(list_url.path().starts_with("/lists/"), "{list_url}");
    let tent = [("title", "Tent"), ("note", ""), ("due", "")];
    let (_, page) = text(browser.post(format!("{list_url}/items")).form(&tent)).await;
    assert!(page.contains("1 open of 1") && page.contains("Tent"), "{page}");
    let (_, page) = text(browser.post(format!("{list_url}/items/1/done")).form(&[("done", "true")])).await;
    assert!(page.contains("0 open of 1"), "{page}");
    let (_, page) = text(browser.post(format!("{list_url}/items/1/delete"))).await;
    assert!(page.contains("0 open of 0"), "{page}");

    let (_, page) = text(browser.post(url("/logout"))).await;
    assert!(page.contains("Make an account"), "{page}");
    let (status, page) = text(browser.get(list_url).header("accept", "text/html")).await;
    assert!(status == StatusCode::UNAUTHORIZED && page.starts_with("<!doctype html>"), "{page}");
}

#[tokio::test]
async fn a_form_sent_by_the_script_gets_the_fragment_and_any_other_a_redirect() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    let (status, _) = user.form("/lists/1/items/2/done", &[("done", "true")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let request = user.request(Method::POST, "/lists/1/items/2/done").header(plan::FRAGMENT_HEADER, "1");
    let (status, fragment) = text(request.form(&[("done", "true")])).await;
    assert_eq!(status, StatusCode::OK);
    assert!(fragment.starts_with("<p class=\"count\">") && fragment.contains("id=\"item-2\""), "{fragment}");
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    let (_, list) = user.post("/api/lists", json!({ "title": "Long" })).await;
    let items = format!("/api/lists/{}/items", list["id"]);
    for number in 1..=51 {
        user.post(&items, json!({ "title": format!("Thing {number}") })).await;
    }
    let (_, first) = user.get_json(&items).await;
    let (_, second) = user.get_json(&format!("{items}?page=2")).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 50);
    assert_eq!(second["items"][0]["title"], "Thing 51");
    let (_, page) = user.get(&format!("/lists/{}?page=2", list["id"])).await;
    assert!(page.contains("page 2 of 2") && page.contains("Thing 51"), "{page}");
}

#[tokio::test]
async fn who_changes_an_item_stays_on_its_page() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    let (_, list) = user.post("/api/lists", json!({ "title": "Long" })).await;
    let page = format!("/lists/{}", list["id"]);
    for number in 1..=50 {
        user.post(&format!("/api{page}/items"), json!({ "title": format!("Thing {number}") })).await;
    }
    let fragment = |path: &str, form: &[(&str, &str)]| {
        let request = user.request(Method::POST, &format!("{page}{path}")).header(plan::FRAGMENT_HEADER, "1");
        text(request.form(form))
    };
    let (_, added) = fragment("/items", &[("title", "Thing 51"), ("note", ""), ("due", "")]).await;
    assert!(added.contains("page 2 of 2") && added.contains("Thing 51"), "{added}");
    let (_, ticked) = fragment("/items/51/done", &[("done", "true")]).await;
    assert!(ticked.contains("page 2 of 2") && ticked.contains("Thing 51"), "{ticked}");
    let (_, first) = fragment("/items/50/done", &[("done", "true")]).await;
    assert!(first.contains("page 1 of 2") && first.contains("Thing 50"), "{first}");
    let request = user.request(Method::POST, &format!("{page}/items/51/done")).form(&[("done", "false")]);
    assert_eq!(request.send().await.unwrap().headers()["location"], format!("{page}?page=2"));
    let (_, deleted) = fragment("/items/51/delete", &[]).await;
    assert!(deleted.contains("49 open of 50") && deleted.contains("Thing 50"), "there is no second page: {deleted}");
}

#[tokio::test]
async fn a_known_static_file_is_not_sent_again() {
    let tick = tick();
    let nobody = Client::new(&tick, "");
    for file in ["tick.css", "tick.js", "tick.svg", "tick.png"] {
        let path = format!("/static/{file}");
        let response = nobody.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "public, max-age=86400");
        let etag = response.headers()["etag"].clone();
        let again = nobody.request(Method::GET, &path).header("if-none-match", etag).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(again.bytes().await.unwrap().is_empty());
    }
    assert_eq!(nobody.get("/static/../Cargo.toml").await.0, StatusCode::NOT_FOUND);
    assert_eq!(nobody.get("/static/%2e%2e%2fCargo.toml").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn metrics_count_requests_by_class_and_status() {
    let tick = tick();
    let user = Client::account(&tick, 1);
    assert_eq!(user.get("/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
    for _ in 0..3 {
        user.get("/static/tick.css").await;
    }
    user.get("/lists/1").await;
    user.get("/lists/999999").await;
    let (_, metrics) = user.get("/metrics").await;
    for line in [
        r#"tick_requests_total{class="static",status="200"} 3"#,
        r#"tick_requests_total{class="read",status="200"} 1"#,
        r#"tick_requests_total{class="read",status="404"} 1"#,
        "tick_requests_in_flight 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let cpu_s = metrics.lines().find_map(|line| line.strip_prefix("process_cpu_seconds_total ")).unwrap();
    assert!(cpu_s.parse::<f64>().unwrap() > 0.0);
}

#[tokio::test]
async fn the_seed_is_the_same_every_time() {
    let (one, other) = (tick(), tick());
    for account in 1..=SEEDED {
        let (one, other) = (Client::account(&one, account), Client::account(&other, account));
        let (_, lists) = one.get_json("/api/lists").await;
        assert_eq!(lists, other.get_json("/api/lists").await.1);
        for list in lists["lists"].as_array().unwrap() {
            let items = format!("/api/lists/{}/items", list["id"]);
            assert_eq!(one.get_json(&items).await, other.get_json(&items).await);
        }
    }
}

#[tokio::test]
async fn a_seeded_database_is_kept_on_a_restart_and_a_foreign_one_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.database = Some(folder.path().join("kept.sqlite"));
    let tick = start(&options);
    let (_, list) = Client::account(&tick, 1).post("/api/lists", json!({ "title": "Kept" })).await;
    tick.stop().unwrap();
    let tick = start(&options);
    let (status, kept) = Client::account(&tick, 1).get_json(&format!("/api/lists/{}", list["id"])).await;
    assert_eq!((status, &kept["title"]), (StatusCode::OK, &json!("Kept")));
    tick.stop().unwrap();

    options.seed_accounts = SEEDED + 1;
    let error = hockeystick_staging::deploy::Deployment::start(&options).unwrap_err().to_string();
    assert!(error.contains("holds 4 accounts already"), "{error}");
}
