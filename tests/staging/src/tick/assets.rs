//! Static files, built into the program so that a deployment is one file.

use std::sync::{Arc, LazyLock};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::App;
use super::identity::hex;
use super::input::Ids;
use super::problem::Problem;

/// A day: long enough to matter, short enough that a new release reaches everybody. The ETag settles the rest.
const CACHE_CONTROL: &str = "public, max-age=86400";

struct Asset {
    name: &'static str,
    content_type: &'static str,
    body: &'static [u8],
    etag: LazyLock<HeaderValue>,
}

macro_rules! asset {
    ($name:literal, $content_type:literal) => {
        Asset {
            name: $name,
            content_type: $content_type,
            body: include_bytes!(concat!("../../assets/", $name)),
            etag: LazyLock::new(|| etag(include_bytes!(concat!("../../assets/", $name)))),
        }
    };
}

static ASSETS: [Asset; 4] = [
    asset!("tick.css", "text/css; charset=utf-8"),
    asset!("tick.js", "text/javascript; charset=utf-8"),
    asset!("tick.svg", "image/svg+xml"),
    asset!("tick.png", "image/png"),
];

fn etag(body: &[u8]) -> HeaderValue {
    let short = hex(&Sha256::digest(body)[..8]);
    // Hexadecimal digits and quotes are always a valid header value.
    HeaderValue::from_str(&format!("\"{short}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"tick\""))
}

pub(crate) async fn file(
    State(app): State<Arc<App>>,
    Ids(name): Ids<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(|| Problem::not_found("this file"))?;
    // What a slower language works on is the head of the answer; the kernel sends the body.
    app.renderer.costly(head(asset)).await;
    Ok(serve(asset, &headers))
}

pub(crate) async fn favicon(state: State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    file(state, Ids("tick.png".to_owned()), headers).await
}

/// The head of an asset's answer, as it is on the wire.
fn head(asset: &Asset) -> String {
    let Asset { content_type, body, etag, .. } = asset;
    let length = body.len();
    format!(
        "content-type: {content_type}\r\ncontent-length: {length}\r\netag: {:?}\r\ncache-control: {CACHE_CONTROL}\r\n",
        **etag
    )
}

fn serve(asset: &Asset, headers: &HeaderMap) -> Response {
    let common = [(header::ETAG, asset.etag.clone()), (header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL))];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| matches_etag(known, &asset.etag)) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, asset.content_type)], Bytes::from_static(asset.body)).into_response()
}

fn matches_etag(known: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(known), Ok(etag)) = (known.to_str(), etag.to_str()) else {
        return false;
    };
    known.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == etag || tag == "*")
}
