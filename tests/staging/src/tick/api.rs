//! The JSON API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::App;
use super::identity::{self, SignedIn};
use super::input::{
    CheckedJson, CheckedQuery, Credentials, Ids, ItemState, NewAccount, NewItem, NewList, NewMember, PageNumber,
};
use super::problem::Problem;
use super::store::{Account, List};

type Answer = Result<Response, Problem>;

pub(crate) async fn register(State(app): State<Arc<App>>, CheckedJson(input): CheckedJson<NewAccount>) -> Answer {
    let (account, token) = identity::register(&app, input).await?;
    Ok((StatusCode::CREATED, session_body(&account, &token)).into_response())
}

pub(crate) async fn sign_in(State(app): State<Arc<App>>, CheckedJson(input): CheckedJson<Credentials>) -> Answer {
    let (account, token) = identity::sign_in(&app, input).await?;
    Ok((StatusCode::CREATED, session_body(&account, &token)).into_response())
}

fn session_body(account: &Account, token: &str) -> Json<serde_json::Value> {
    Json(json!({ "account": account.id, "name": account.name, "token": token }))
}

pub(crate) async fn sign_out(State(app): State<Arc<App>>, _: SignedIn, headers: HeaderMap) -> Answer {
    if let Some(token) = identity::session_token(&headers) {
        app.store.delete_session(&identity::token_hash(token)).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn lists(State(app): State<Arc<App>>, SignedIn(account): SignedIn) -> Answer {
    let lists = app.store.lists_of(account.id).await?;
    app.renderer.json(&json!({ "lists": lists })).await
}

pub(crate) async fn create_list(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    CheckedJson(input): CheckedJson<NewList>,
) -> Answer {
    let list = app.store.create_list(account.id, &input.title).await?;
    let list = list.ok_or_else(|| Problem::new(StatusCode::CONFLICT, "this account owns as many lists as it may"))?;
    let place = format!("/api/lists/{}", list.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], app.renderer.json(&list).await?).into_response())
}

pub(crate) async fn list(State(app): State<Arc<App>>, SignedIn(account): SignedIn, Ids(list_id): Ids<i64>) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    let (items, open) = app.store.count_items(list.id).await?;
    app.renderer
        .json(&json!({ "id": list.id, "owner_id": list.owner_id, "title": list.title, "items": items, "open": open }))
        .await
}

pub(crate) async fn delete_list(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Ids(list_id): Ids<i64>,
) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    owner_only(&account, &list)?;
    app.store.delete_list(list.id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn add_member(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Ids(list_id): Ids<i64>,
    CheckedJson(input): CheckedJson<NewMember>,
) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    owner_only(&account, &list)?;
    let member = app.store.account_by_email(&input.email).await?.ok_or_else(|| Problem::not_found("that account"))?;
    app.store.add_member(list.id, member.account.id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn items(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Ids(list_id): Ids<i64>,
    CheckedQuery(query): CheckedQuery<PageNumber>,
) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    let items = app.store.items(list.id, query.page).await?;
    app.renderer.json(&json!({ "list": list.id, "page": query.page, "items": items })).await
}

pub(crate) async fn add_item(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Ids(list_id): Ids<i64>,
    CheckedJson(input): CheckedJson<NewItem>,
) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    let item = app.store.add_item(list.id, &input.title, &input.note, input.due.as_deref()).await?;
    let item = item.ok_or_else(|| Problem::new(StatusCode::CONFLICT, "this list holds as many items as it may"))?;
    let place = format!("/api/lists/{}/items/{}", list.id, item.number);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], app.renderer.json(&item).await?).into_response())
}

pub(crate) async fn set_done(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Ids((list_id, number)): Ids<(i64, i64)>,
    CheckedJson(input): CheckedJson<ItemState>,
) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    let item = app.store.set_done(list.id, number, input.done).await?;
    app.renderer.json(&item.ok_or_else(|| Problem::not_found("that item"))?).await
}

pub(crate) async fn delete_item(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Ids((list_id, number)): Ids<(i64, i64)>,
) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    if !app.store.delete_item(list.id, number).await? {
        return Err(Problem::not_found("that item"));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn accessible_list(app: &App, account: &Account, list_id: i64) -> Result<List, Problem> {
    let list = app.store.list_for(account, list_id).await?;
    list.ok_or_else(|| Problem::not_found("that list"))
}

/// Members of a shared list work on its items; only the owner gives it away or throws it out.
fn owner_only(account: &Account, list: &List) -> Result<(), Problem> {
    if list.owner_id == account.id || account.is_operator() {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "only the owner of the list may do that"))
}
