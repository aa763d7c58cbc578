//! A Tick for each test, and a client for it.

use std::path::PathBuf;

use hockeystick_staging::deploy::{Deployment, Options};
use hockeystick_staging::plan::{OPERATOR_TOKEN, account_token};
use reqwest::{Method, StatusCode};
use serde_json::Value;

pub(crate) const SEEDED: u32 = 3;

/// Small and quick; a test changes what it is about.
pub(crate) fn options() -> Options {
    let program = Some(PathBuf::from(env!("CARGO_BIN_EXE_tick")));
    Options { program, work_factor: 1, seed_accounts: SEEDED, ..Options::default() }
}

pub(crate) fn tick() -> Deployment {
    start(&options())
}

pub(crate) fn start(options: &Options) -> Deployment {
    Deployment::start(options).unwrap_or_else(|error| panic!("{error}"))
}

/// Speaks JSON as one account.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    pub(crate) fn new(tick: &Deployment, token: &str) -> Self {
        // No redirect: a test wants to see it.
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, base: tick.url(), token: token.to_owned() }
    }

    pub(crate) fn account(tick: &Deployment, number: u32) -> Self {
        Self::new(tick, &account_token(number))
    }

    pub(crate) fn operator(tick: &Deployment) -> Self {
        Self::new(tick, OPERATOR_TOKEN)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, String) {
        text(self.request(Method::GET, path)).await
    }

    pub(crate) async fn get_json(&self, path: &str) -> (StatusCode, Value) {
        json(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        json(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> (StatusCode, Value) {
        json(self.request(Method::PATCH, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> StatusCode {
        self.request(Method::DELETE, path).send().await.unwrap().status()
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        text(self.request(Method::POST, path).form(fields)).await
    }
}

pub(crate) async fn text(request: reqwest::RequestBuilder) -> (StatusCode, String) {
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

/// An empty body is `null`.
pub(crate) async fn json(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let (status, body) = text(request).await;
    let value = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).expect(&body) };
    (status, value)
}
