//! Every endpoint with its request class, and what surrounds them all.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::set_header::SetResponseHeaderLayer;

use super::problem::Problem;
use super::{App, api, assets, digest, input, observe, pages};
use crate::plan::RequestClass;

/// Everything from this origin and nothing else; no inline script, so injected markup could not run.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(crate) fn router(app: Arc<App>) -> Router {
    let in_class = |routes: Router<Arc<App>>, class: RequestClass| {
        routes
            // A browser sends the cookie along with forms of other sites; this refuses those.
            .route_layer(CsrfLayer::new().with_rejection_response(of_another_site))
            // Around it, so that what is refused is counted.
            .route_layer(middleware::from_fn_with_state((app.clone(), class), observe::observe))
    };
    let personal = Router::new()
        .merge(in_class(read_routes(), RequestClass::Read))
        .merge(in_class(write_routes(), RequestClass::Write))
        .merge(in_class(job_routes(), RequestClass::Job))
        .merge(in_class(identity_routes(), RequestClass::Identity))
        .merge(in_class(probe_routes(), RequestClass::Probe))
        .route_layer(set_header(header::CACHE_CONTROL, "private, no-cache"))
        .route_layer(set_header(header::VARY, "cookie"));
    Router::new()
        .merge(in_class(static_routes(), RequestClass::Static))
        .merge(personal)
        .fallback(|| async { Problem::not_found("this path") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take that method")
        })
        .layer(DefaultBodyLimit::max(input::BODY_BYTES_MAX))
        .layer(middleware::from_fn(problems_as_pages))
        .layer(set_header(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(set_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set_header(header::REFERRER_POLICY, "same-origin"))
        .with_state(app)
}

fn of_another_site(_: ProtectionError) -> Response {
    Problem::new(StatusCode::FORBIDDEN, "forms of other sites are refused; send it from a page of Tick").into_response()
}

fn set_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

fn static_routes() -> Router<Arc<App>> {
    Router::new().route("/static/{file}", get(assets::file)).route("/favicon.ico", get(assets::favicon))
}

fn read_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(pages::home))
        .route("/lists/{list}", get(pages::list))
        .route("/digest", get(pages::digest))
        .route("/api/lists", get(api::lists))
        .route("/api/lists/{list}", get(api::list))
        .route("/api/lists/{list}/items", get(api::items))
        .route("/api/accounts/{account}/digest", get(digest::latest))
}

fn write_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/lists", post(pages::create_list))
        .route("/lists/{list}/items", post(pages::add_item))
        .route("/lists/{list}/items/{item}/done", post(pages::set_done))
        .route("/lists/{list}/items/{item}/delete", post(pages::delete_item))
        .route("/api/lists", post(api::create_list))
        .route("/api/lists/{list}", delete(api::delete_list))
        .route("/api/lists/{list}/members", post(api::add_member))
        .route("/api/lists/{list}/items", post(api::add_item))
        .route("/api/lists/{list}/items/{item}", patch(api::set_done).delete(api::delete_item))
}

fn job_routes() -> Router<Arc<App>> {
    Router::new().route("/api/accounts/{account}/digest", post(digest::build))
}

/// Apart from the model's classes: a password hash is slow on purpose, and a session lasts for weeks.
fn identity_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/register", post(pages::register))
        .route("/login", post(pages::sign_in))
        .route("/logout", post(pages::sign_out))
        .route("/api/accounts", post(api::register))
        .route("/api/sessions", post(api::sign_in).delete(api::sign_out))
}

fn probe_routes() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(healthz)).route("/metrics", get(metrics))
}

async fn healthz(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    app.store.ping().await?;
    Ok("ok\n")
}

async fn metrics(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    let text = app.metrics.text().map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

/// Programs get problem details as JSON; a person in a browser gets a page.
async fn problems_as_pages(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let accepts_html = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) if accepts_html && !is_api => problem.into_page(response),
        _ => response,
    }
}
