//! Bluesky as the world pretends it: the parts of a personal data server (PDS), of the network's
//! view (AppView) and of Jetstream that careline, the page and a customer's client use, over HTTP,
//! as strict as the real ones or stricter.
//!
//! Its JSON is written by hand and not with the driver's types, or both would agree on the same
//! mistake. Each rule names its source: `lexicon` means the lexicons of
//! <https://github.com/bluesky-social/atproto> (commit d6296a1), `measured` what the reference
//! servers were seen to do (`realservers.md` 2).

mod lists;
mod names;
mod record;
mod repo;
mod session;
mod stream;
mod view;

pub use names::did;

use crate::case::time::{Span, Timestamp};
use crate::network::face::{self, Refuses};
use crate::world::Shared;
use crate::world::clock::now;
use crate::world::square::Person;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use session::Tokens;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes a call may bring; a picture is the largest (lexicon `com.atproto.repo.uploadBlob`; the
/// reference server takes 5 MB unless told otherwise).
const BODY: usize = 5_000_000;

/// What the world does not remember: sessions, and records as their authors' apps wrote them.
#[derive(Default)]
struct Memory {
    tokens: Tokens,
    /// Records by post; a post that the world itself put up has none.
    records: BTreeMap<i64, Value>,
    /// Posts under which nobody but the author may answer.
    gated: BTreeSet<i64>,
}

type Stage = face::Stage<Memory>;

/// The network of this square. A person's token is his app password.
pub fn routes(world: Shared, name: &str) -> Router {
    Router::new().fallback(handle).with_state(Stage::new(world, name))
}

/// What a call is answered with.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
    /// For a call that comes too early: when it may come again.
    reset: Option<Timestamp>,
    /// Bytes instead of JSON.
    bytes: Option<(String, Bytes)>,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: 200, body, reset: None, bytes: None }
    }

    /// Source: the errors of every lexicon, <https://atproto.com/specs/xrpc> ("Error Responses").
    fn no(status: u16, error: &str, message: &str) -> Self {
        let body = json!({ "error": error, "message": message });
        Self { status, body, reset: None, bytes: None }
    }

    fn invalid(message: &str) -> Self {
        Self::no(400, "InvalidRequest", message)
    }

    /// A token that is none. Source: measured ("Bad JWT: 400 InvalidToken").
    fn bad_token() -> Self {
        Self::no(400, "InvalidToken", "Token could not be verified")
    }

    /// Source: measured; `handwritten-samples/bluesky/errors.json` has the same.
    fn expired(message: &str) -> Self {
        Self::no(400, "ExpiredToken", message)
    }
}

type Result<T> = std::result::Result<T, Answer>;

/// One call.
struct Call {
    method: &'static str,
    nsid: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
    /// Where this server stands, as the caller called it.
    base: String,
}

impl Call {
    fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let all = self.query.iter().filter(|(key, _)| key == name);
        all.map(|(_, value)| value.as_str()).collect()
    }

    /// A parameter that must be there. Source: <https://atproto.com/specs/xrpc>; the reference
    /// server says "Error: Params must have the property".
    fn must(&self, name: &str) -> Result<&str> {
        let missing =
            || Answer::invalid(&format!("Error: Params must have the property \"{name}\""));
        self.param(name).ok_or_else(missing)
    }

    /// How many are wanted. Source: lexicons (`limit`: 1 to 100).
    fn limit(&self, default: usize) -> Result<usize> {
        let Some(text) = self.param("limit") else { return Ok(default) };
        match text.parse() {
            Ok(n @ 1..=100) => Ok(n),
            _ => Err(Answer::invalid("Error: limit must be between 1 and 100")),
        }
    }

    fn json(&self) -> Result<Value> {
        if !face::is_json(&self.headers) {
            return Err(Answer::invalid(
                "Request encoding (Content-Type) required but not provided",
            ));
        }
        serde_json::from_slice(&self.body)
            .map_err(|_| Answer::invalid("Request body is not valid JSON"))
    }

    /// The token of a call. Source: <https://atproto.com/specs/xrpc> ("Authentication").
    fn token(&self) -> Option<&str> {
        self.headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
    }
}

async fn handle(State(stage): State<Stage>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let name = format!("{} {}", parts.method, parts.uri.path());
    if parts.uri.path() == "/subscribe" {
        return match stage.refused(&name) {
            Some(response) => response,
            None => stream::open(&stage, &mut parts).await,
        };
    }
    let doing = stage.clone();
    let work = async move {
        let read = read(parts, body).await;
        shown(read.and_then(|call| answer(&doing, &call)).unwrap_or_else(|no| no))
    };
    stage.serve(&name, work).await
}

async fn read(parts: Parts, body: Body) -> Result<Call> {
    let nsid = parts.uri.path().strip_prefix("/xrpc/").unwrap_or(parts.uri.path()).to_owned();
    let query = face::query(&parts.uri);
    // Source: measured on the reference server; a larger body is refused with this status.
    let body = axum::body::to_bytes(body, BODY).await;
    let body = body.map_err(|_| Answer::no(413, "PayloadTooLarge", "request entity too large"))?;
    let base = face::base(&parts.headers);
    let method = if parts.method == "POST" { "POST" } else { "GET" };
    Ok(Call { method, nsid, query, headers: parts.headers, body, base })
}

/// Which rule answers.
fn answer(stage: &Stage, call: &Call) -> Result<Answer> {
    let nsid = call.nsid.as_str();
    if let Some(name) = nsid.strip_prefix("com.atproto.server.") {
        return session::answer(stage, call, name);
    }
    match (call.method, nsid) {
        ("POST", "com.atproto.repo.putRecord") => repo::put(stage, call),
        ("POST", "com.atproto.repo.createRecord") => repo::create(stage, call),
        ("POST", "com.atproto.repo.deleteRecord") => repo::delete(stage, call),
        ("POST", "com.atproto.repo.uploadBlob") => repo::upload(stage, call),
        ("GET", "com.atproto.repo.getRecord") => repo::get(stage, call),
        ("GET", "com.atproto.repo.listRecords") => repo::list(stage, call),
        ("GET", "com.atproto.sync.getBlob") => repo::blob(stage, call),
        ("GET", _) => lists::answer(stage, call),
        _ => Err(unknown()),
    }
}

/// Source: <https://atproto.com/specs/xrpc> (`MethodNotImplemented`, status 501).
fn unknown() -> Answer {
    Answer::no(501, "MethodNotImplemented", "Method Not Implemented")
}

/// Whoever calls. Source: measured: none is 401 AuthMissing, a bad one 400 InvalidToken, an old
/// one 400 ExpiredToken.
fn caller(stage: &Stage, call: &Call) -> Result<Person> {
    let missing = || Answer::no(401, "AuthMissing", "Authentication Required");
    let id = stage.memory().tokens.access(call.token().ok_or_else(missing)?, now())?;
    stage.see(|square| square.people.get(&id).cloned()).ok_or_else(Answer::bad_token)
}

impl Refuses for Stage {
    fn broken(&self, status: u16) -> Response {
        shown(failure(status))
    }

    fn dead(&self, call: &str) -> Response {
        shown(session::dead(call))
    }
}

/// A failure of the server's own. Source: <https://atproto.com/specs/xrpc> ("Error Responses");
/// 429 measured. A pause of one second, or tests would wait for minutes.
fn failure(status: u16) -> Answer {
    let (error, message) = match status {
        429 => ("RateLimitExceeded", "Rate Limit Exceeded"),
        502 => ("UpstreamFailure", "Upstream Failure"),
        503 => ("NotEnoughResources", "Not Enough Resources"),
        504 => ("UpstreamTimeout", "Upstream Timeout"),
        _ => ("InternalServerError", "Internal Server Error"),
    };
    let reset = (status == 429).then(|| now() + Span::seconds(1));
    Answer { reset, ..Answer::no(status, error, message) }
}

/// The answer. Source: measured: `RateLimit-Reset` is a unix time in seconds.
fn shown(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    if let Some((mime, bytes)) = answer.bytes {
        return (status, [(header::CONTENT_TYPE, mime)], bytes).into_response();
    }
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: String| {
        HeaderValue::from_str(&value).map(|value| headers.insert(name, value)).ok();
    };
    set("content-type", "application/json; charset=utf-8".into());
    let reset = answer.reset.unwrap_or_else(|| now() + Span::seconds(300));
    let left = if answer.reset.is_some() { "0" } else { "2999" };
    set("ratelimit-limit", "3000".into());
    set("ratelimit-remaining", left.into());
    set("ratelimit-reset", (reset.0 / 1_000_000 + i64::from(answer.reset.is_some())).to_string());
    set("ratelimit-policy", "3000;w=300".into());
    (status, headers, Body::from(answer.body.to_string())).into_response()
}
