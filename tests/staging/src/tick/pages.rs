//! The pages, and the forms on them.
//!
//! A form works without JavaScript: it answers with a redirect to the page. With it, `tick.js` asks for the changed
//! fragment only (the `Tick-Fragment` header) and puts it in place.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::App;
use super::api::accessible_list;
use super::identity::{self, SESSION_COOKIE, SignedIn};
use super::input::{CheckedForm, CheckedQuery, Credentials, Ids, ItemState, NewAccount, NewItem, NewList, PageNumber};
use super::problem::Problem;
use super::store::{Account, ITEMS_PER_PAGE, Item, List, ListSummary};
use crate::plan::FRAGMENT_HEADER;

type Answer = Result<Response, Problem>;

#[derive(Debug, Template)]
#[template(path = "welcome.html")]
struct WelcomePage;

#[derive(Debug, Template)]
#[template(path = "home.html")]
struct HomePage {
    account: Account,
    lists: Vec<ListSummary>,
}

#[derive(Debug, Template)]
#[template(path = "list.html")]
struct ListPage {
    account: Account,
    view: ListView,
}

/// The part of a list's page that a change replaces.
#[derive(Debug, Template)]
#[template(path = "items.html")]
struct ListView {
    list: List,
    items: Vec<Item>,
    total: i64,
    open: i64,
    page: u32,
    pages: u32,
}

pub(crate) async fn home(State(app): State<Arc<App>>, signed_in: Result<SignedIn, Problem>) -> Answer {
    let account = match signed_in {
        Ok(SignedIn(account)) => account,
        Err(problem) if problem.is_unauthorised() => return app.renderer.page(&WelcomePage).await,
        Err(problem) => return Err(problem),
    };
    let lists = app.store.lists_of(account.id).await?;
    app.renderer.page(&HomePage { account, lists }).await
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Ids(list_id): Ids<i64>,
    CheckedQuery(query): CheckedQuery<PageNumber>,
) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    let view = list_view(&app, list, query.page).await?;
    app.renderer.page(&ListPage { account, view }).await
}

async fn list_view(app: &App, list: List, page: u32) -> Result<ListView, Problem> {
    let items = app.store.items(list.id, page).await?;
    let (total, open) = app.store.count_items(list.id).await?;
    let pages = u32::try_from((total + ITEMS_PER_PAGE - 1) / ITEMS_PER_PAGE).unwrap_or(u32::MAX).max(1);
    Ok(ListView { list, items, total, open, page, pages })
}

pub(crate) async fn digest(State(app): State<Arc<App>>, SignedIn(account): SignedIn) -> Answer {
    let id = account.id;
    super::digest::latest(State(app), SignedIn(account), Ids(id)).await
}

pub(crate) async fn create_list(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    CheckedForm(input): CheckedForm<NewList>,
) -> Answer {
    let list = app.store.create_list(account.id, &input.title).await?;
    let list = list.ok_or_else(|| Problem::new(StatusCode::CONFLICT, "this account owns as many lists as it may"))?;
    Ok(Redirect::to(&format!("/lists/{}", list.id)).into_response())
}

pub(crate) async fn add_item(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Ids(list_id): Ids<i64>,
    headers: HeaderMap,
    CheckedForm(input): CheckedForm<NewItem>,
) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    let item = app.store.add_item(list.id, &input.title, &input.note, input.due.as_deref()).await?;
    let item = item.ok_or_else(|| Problem::new(StatusCode::CONFLICT, "this list holds as many items as it may"))?;
    changed(&app, list, item.number, &headers).await
}

pub(crate) async fn set_done(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Ids((list_id, number)): Ids<(i64, i64)>,
    headers: HeaderMap,
    CheckedForm(input): CheckedForm<ItemState>,
) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    let item = app.store.set_done(list.id, number, input.done).await?;
    item.ok_or_else(|| Problem::not_found("that item"))?;
    changed(&app, list, number, &headers).await
}

pub(crate) async fn delete_item(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Ids((list_id, number)): Ids<(i64, i64)>,
    headers: HeaderMap,
) -> Answer {
    let list = accessible_list(&app, &account, list_id).await?;
    if !app.store.delete_item(list.id, number).await? {
        return Err(Problem::not_found("that item"));
    }
    changed(&app, list, number, &headers).await
}

/// The page of the list where the item of this number is, or was.
async fn changed(app: &App, list: List, number: i64, headers: &HeaderMap) -> Answer {
    let page = app.store.page_of(list.id, number).await?;
    if headers.contains_key(FRAGMENT_HEADER) {
        let view = list_view(app, list, page).await?;
        return app.renderer.page(&view).await;
    }
    let query = if page > 1 { format!("?page={page}") } else { String::new() };
    Ok(Redirect::to(&format!("/lists/{}{query}", list.id)).into_response())
}

pub(crate) async fn register(State(app): State<Arc<App>>, CheckedForm(input): CheckedForm<NewAccount>) -> Answer {
    let (_, token) = identity::register(&app, input).await?;
    Ok(home_with_cookie(&token, "Max-Age=2592000"))
}

pub(crate) async fn sign_in(State(app): State<Arc<App>>, CheckedForm(input): CheckedForm<Credentials>) -> Answer {
    let (_, token) = identity::sign_in(&app, input).await?;
    Ok(home_with_cookie(&token, "Max-Age=2592000"))
}

pub(crate) async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer {
    if let Some(token) = identity::session_token(&headers) {
        app.store.delete_session(&identity::token_hash(token)).await?;
    }
    Ok(home_with_cookie("", "Max-Age=0"))
}

/// `Secure` is left out: a staging deployment speaks plain HTTP on loopback.
fn home_with_cookie(token: &str, lifetime: &str) -> Response {
    let cookie = format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; {lifetime}");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}
