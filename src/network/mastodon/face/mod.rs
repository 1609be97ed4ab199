//! A Mastodon server as the world pretends it: the part of its API that careline, the page and a
//! customer's client use, over HTTP, as strict as the real one or stricter.
//!
//! Its JSON is written by hand and not with the driver's types, or both would agree on the same
//! mistake. Each rule names its source; `docs` means <https://docs.joinmastodon.org>. Where this
//! face is stricter than the real server (it refuses parameters nobody documented), it says so.

mod call;
mod json;
mod lists;
mod media;
mod posts;
mod server;
mod stream;

use crate::case::time::Span;
use crate::network::face::{self, Refuses};
use crate::world::Shared;
use crate::world::clock::now;
use crate::world::square::{Person, Square};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use call::Call;
use serde_json::{Value, json};

/// Which server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// Mastodon.
    Mastodon,
    /// GoToSocial: ids that are no numbers, no idempotency, WebSocket only.
    GoToSocial,
    /// Hollo: no streaming at all.
    Hollo,
}

impl Flavour {
    fn of(square: &Square) -> Self {
        match square.manner.as_str() {
            "gotosocial" => Self::GoToSocial,
            "hollo" => Self::Hollo,
            _ => Self::Mastodon,
        }
    }
}

/// The world remembers all that this face needs.
type Stage = face::Stage<()>;

/// The server of this square. `Square::manner` says which: empty for Mastodon, `gotosocial` or
/// `hollo`.
pub fn routes(world: Shared, name: &str) -> Router {
    Router::new()
        .route("/media/{id}", axum::routing::get(media::shown))
        .fallback(handle)
        .with_state(Stage::new(world, name))
}

/// What a call is answered with.
struct Answer {
    status: u16,
    link: Option<String>,
    body: Value,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: 200, link: None, body }
    }

    /// An error as all entities of kind `Error` look. Source: docs, entities/Error.
    fn no(status: u16, error: &str) -> Self {
        Self { status, link: None, body: json!({ "error": error }) }
    }

    /// Source: docs, methods/statuses ("404 - Not found").
    fn missing() -> Self {
        Self::no(404, "Record not found")
    }

    /// Source: docs, methods/accounts ("401 - Unauthorized"); revoked tokens are answered so.
    fn stranger() -> Self {
        Self::no(401, "The access token is invalid")
    }
}

type Result<T> = std::result::Result<T, Answer>;

async fn handle(State(stage): State<Stage>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let name = format!("{} {}", parts.method, parts.uri.path());
    if parts.uri.path().starts_with("/api/v1/streaming") {
        return match stage.refused(&name) {
            Some(response) => response,
            None => stream::open(&stage, &mut parts).await,
        };
    }
    let doing = stage.clone();
    let work = async move {
        let read = Call::read(&doing, parts, body).await;
        let answer = read.and_then(|call| call::answer(&doing, &call));
        shown(&doing, answer.unwrap_or_else(|no| no))
    };
    stage.serve(&name, work).await
}

impl Refuses for Stage {
    fn broken(&self, status: u16) -> Response {
        shown(self, Answer::no(status, error_text(status)))
    }

    fn dead(&self, _call: &str) -> Response {
        shown(self, Answer::stranger())
    }
}

/// Source: Mastodon's error pages; only the status matters to clients.
fn error_text(status: u16) -> &'static str {
    match status {
        429 => "Too many requests",
        503 => "Remote data could not be fetched",
        404 => "Record not found",
        _ => "We're sorry, but something went wrong on our end.",
    }
}

/// The answer, with the headers about the pace. Source: docs, api/rate-limits: 300 calls in five
/// minutes; `X-RateLimit-Reset` is an ISO 8601 time. The pace itself is not kept here, because
/// tests go faster; a fault with status 429 stands for it.
fn shown(stage: &Stage, answer: Answer) -> Response {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: String| {
        HeaderValue::from_str(&value).map(|value| headers.insert(name, value)).ok();
    };
    let gone = answer.status == 429;
    set("x-ratelimit-limit", "300".into());
    set("x-ratelimit-remaining", if gone { "0" } else { "299" }.into());
    set("x-ratelimit-reset", reset(stage, gone));
    set("content-type", "application/json; charset=utf-8".into());
    if let Some(link) = answer.link {
        set("link", link);
    }
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    (status, headers, Body::from(answer.body.to_string())).into_response()
}

/// When calls are counted anew; soon, if they are used up, or tests would wait for minutes.
fn reset(stage: &Stage, gone: bool) -> String {
    let wait = if gone { 1 } else { 300 };
    let now = now() + Span::seconds(wait);
    let flavour = Flavour::of(stage.world.look().square(&stage.name));
    // Older GoToSocial wrote seconds. Source: GoToSocial, docs/api/ratelimiting.
    if flavour == Flavour::GoToSocial { (now.0 / 1_000_000).to_string() } else { now.to_string() }
}

/// Whoever a token belongs to.
fn owner(square: &Square, token: Option<&str>) -> Option<Person> {
    square.by_token(token?).cloned()
}
