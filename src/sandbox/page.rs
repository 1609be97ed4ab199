//! The page's files, all inside the program, and the headers that keep everything else out.

use super::Demo;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;

const INDEX: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
const BLOCKS: &str = include_str!("page/blocks.js");
const MARKDOWN: &str = include_str!("page/markdown.js");
const APP: &str = include_str!("page/app.js");
const ICON: &str = include_str!("page/icon.svg");

/// Nothing but our own files; no frames, no forms elsewhere, no inline code.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Router<Arc<Demo>> {
    Router::new()
        .route("/", get(index))
        .route("/style.css", get(|| async { file("text/css", STYLE) }))
        .route("/blocks.js", get(|| async { file("text/javascript", BLOCKS) }))
        .route("/markdown.js", get(|| async { file("text/javascript", MARKDOWN) }))
        .route("/app.js", get(|| async { file("text/javascript", APP) }))
        .route("/icon.svg", get(|| async { file("image/svg+xml", ICON) }))
}

async fn index(State(demo): State<Arc<Demo>>) -> Html<String> {
    Html(INDEX.replace("{{token}}", &demo.token))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, format!("{kind}; charset=utf-8"))], text).into_response()
}

/// Puts the protecting headers on an answer.
pub(super) fn protect(headers: &mut HeaderMap) {
    let all = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
