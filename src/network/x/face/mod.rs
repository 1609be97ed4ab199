//! X as the world pretends it: the parts of its API v2 that careline, the page and a customer's
//! client use, over HTTP, as strict as X or stricter.
//!
//! Its JSON is written by hand and not with the driver's types, or both would agree on the same
//! mistake. Each rule names its source: `openapi` is the document that X serves at
//! `/2/openapi.json` (version 2.167), `docs` X's documentation at commit 2871328 of
//! <https://github.com/xdevplatform/docs>. What stands in neither is marked as a guess.
//!
//! A person's token is his access token. With OAuth 1.0a it is its own secret too, and so is the
//! app's key: signatures are really checked. With OAuth 2.0 `refresh-` and the token is the first
//! refresh token.

mod auth;
mod direct;
mod lists;
mod media;
mod names;
mod posts;
mod stream;
mod view;

use crate::case::time::Span;
use crate::network::face::{self, Refuses};
use crate::world::Shared;
use crate::world::clock::now;
use crate::world::square::Person;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Bytes a call may bring: a piece of a file is the largest (docs, "Media": 5 MB).
const BODY: usize = 5_500_000;

/// What the world does not remember.
#[derive(Default)]
struct Memory {
    grants: auth::Grants,
    uploads: media::Uploads,
    rules: Vec<stream::Rule>,
    /// Which events of whom the activity API tells.
    subscriptions: Vec<(String, String)>,
    minted: i64,
}

type Stage = face::Stage<Memory>;

/// The network of this square.
pub fn routes(world: Shared, name: &str) -> Router {
    Router::new().fallback(handle).with_state(Stage::new(world, name))
}

/// What a call is answered with.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
    /// Bytes instead of JSON.
    bytes: Option<(String, Bytes)>,
    /// Where the browser goes instead.
    location: Option<String>,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: 200, body, bytes: None, location: None }
    }

    fn made(body: Value) -> Self {
        Self { status: 201, ..Self::ok(body) }
    }

    /// Source: openapi, `Problem`; the kinds' names from its mapping.
    fn no(status: u16, kind: &str, title: &str, detail: &str) -> Self {
        let kind = match kind {
            "" => "about:blank".to_owned(),
            kind => format!("https://api.x.com/2/problems/{kind}"),
        };
        let body = json!({ "type": kind, "title": title, "detail": detail, "status": status });
        Self { status, ..Self::ok(body) }
    }

    fn invalid(message: &str) -> Self {
        let detail = "One or more parameters to your request was invalid.";
        let mut no = Self::no(400, "invalid-request", "Invalid Request", detail);
        no.body["errors"] = json!([{ "message": message }]);
        no
    }

    fn unauthorized() -> Self {
        Self::no(401, "", "Unauthorized", "Unauthorized")
    }

    fn forbidden(detail: &str) -> Self {
        Self::no(403, "", "Forbidden", detail)
    }
}

type Result<T> = std::result::Result<T, Answer>;

/// One call.
struct Call {
    method: String,
    path: String,
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

    /// Source: openapi; a parameter that is not there is refused.
    fn only(&self, known: &[&str]) -> Result<()> {
        match self.query.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            Some((key, _)) => {
                let known = known.join(", ");
                Err(Answer::invalid(&format!(
                    "The query parameter [{key}] is not one of [{known}]"
                )))
            }
            None => Ok(()),
        }
    }

    /// How many are wanted. Source: openapi (`max_results`).
    fn count(&self, least: usize, default: usize) -> Result<usize> {
        let Some(text) = self.param("max_results") else { return Ok(default) };
        match text.parse() {
            Ok(n) if (least..=100).contains(&n) => Ok(n),
            _ => Err(Answer::invalid(&format!(
                "The `max_results` query parameter value [{text}] is not between {least} and 100"
            ))),
        }
    }

    fn json(&self) -> Result<Value> {
        if !face::is_json(&self.headers) {
            return Err(Answer::invalid("The content type must be application/json"));
        }
        serde_json::from_slice(&self.body).map_err(|_| Answer::invalid("The body is no JSON"))
    }

    fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

async fn handle(State(stage): State<Stage>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let name = format!("{} {}", parts.method, parts.uri.path());
    if stream::is_one(&parts) {
        return match stage.refused(&name) {
            Some(response) => response,
            None => {
                let call = read(parts, body).await;
                call.and_then(|call| stream::open(&stage, &call)).unwrap_or_else(shown)
            }
        };
    }
    let doing = stage.clone();
    let work = async move {
        let done = async { answer(&doing, &read(parts, body).await?).await };
        shown(done.await.unwrap_or_else(|no| no))
    };
    stage.serve(&name, work).await
}

async fn read(parts: Parts, body: Body) -> Result<Call> {
    let query = face::query(&parts.uri);
    let large = |_| Answer::no(413, "", "Payload Too Large", "the body is too large");
    let body = axum::body::to_bytes(body, BODY).await.map_err(large)?;
    let base = face::base(&parts.headers);
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    Ok(Call { method, path, query, headers: parts.headers, body, base })
}

/// Which rule answers.
async fn answer(stage: &Stage, call: &Call) -> Result<Answer> {
    let parts: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match (call.method.as_str(), &parts[..]) {
        ("POST", ["2", "oauth2", "token"]) => auth::token(stage, call),
        ("GET", ["i", "oauth2", "authorize"]) => auth::authorize(stage, call),
        ("GET", ["media", id]) => media::shown(stage, id),
        (_, ["2", "tweets", "search", "stream", "rules"]) => stream::rules(stage, call),
        (_, ["2", "activity", "subscriptions"]) => stream::subscriptions(stage, call),
        ("GET", ["2", "users", "me"]) => lists::me(stage, call),
        ("GET", ["2", "users", id, "mentions"]) => lists::mentions(stage, call, id),
        ("GET", ["2", "users", id, "tweets"]) => lists::written(stage, call, id),
        ("GET", ["2", "tweets"]) => lists::some(stage, call),
        ("GET", ["2", "tweets", id]) => lists::one(stage, call, id),
        ("POST", ["2", "tweets"]) => posts::create(stage, call),
        ("DELETE", ["2", "tweets", id]) => posts::delete(stage, call, id),
        ("GET", ["2", "dm_events"]) => direct::all(stage, call),
        ("GET", ["2", "dm_conversations", "with", id, "dm_events"]) => {
            direct::with(stage, call, id)
        }
        ("POST", ["2", "dm_conversations", "with", id, "messages"]) => {
            direct::create(stage, call, id)
        }
        ("POST", ["2", "media", "upload", "initialize"]) => media::initialize(stage, call),
        ("POST", ["2", "media", "upload", id, "append"]) => media::append(stage, call, id).await,
        ("POST", ["2", "media", "upload", id, "finalize"]) => media::finalize(stage, call, id),
        ("GET", ["2", "media", "upload"]) => media::status(stage, call),
        ("POST", ["2", "media", "metadata"]) => media::metadata(stage, call),
        _ => Err(Answer::no(404, "", "Not Found", "there is no such call here")),
    }
}

/// Whoever calls.
fn caller(stage: &Stage, call: &Call) -> Result<Person> {
    auth::caller(stage, call)
}

impl Refuses for Stage {
    fn broken(&self, status: u16) -> Response {
        shown(failure(status))
    }

    fn dead(&self, _call: &str) -> Response {
        shown(Answer::unauthorized())
    }
}

/// A failure of the server's own. Source: docs, "Response codes"; 402 is a guess: the
/// documentation says that calls are blocked without credits, not with which answer.
fn failure(status: u16) -> Answer {
    let (title, detail) = match status {
        402 => ("CreditsDepleted", "Your enrolled account does not have any credits"),
        429 => ("Too Many Requests", "Too Many Requests"),
        503 => ("Service Unavailable", "Service Unavailable"),
        _ => ("Internal Server Error", "Internal Server Error"),
    };
    Answer::no(status, "", title, detail)
}

/// The answer. Source: docs, "Rate limits": three headers, the last in unix seconds.
fn shown(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    if let Some((mime, bytes)) = answer.bytes {
        return (status, [(header::CONTENT_TYPE, mime)], bytes).into_response();
    }
    if let Some(to) = answer.location {
        return (StatusCode::FOUND, [(header::LOCATION, to)]).into_response();
    }
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    let busy = answer.status == 429;
    let reset = now() + if busy { Span::seconds(2) } else { Span::minutes(15) };
    let left = if busy { "0" } else { "299" };
    let headers = [
        ("content-type", format!("{kind}; charset=utf-8")),
        ("x-rate-limit-limit", "300".to_owned()),
        ("x-rate-limit-remaining", left.to_owned()),
        ("x-rate-limit-reset", (reset.0 / 1_000_000).to_string()),
    ];
    (status, headers, Body::from(answer.body.to_string())).into_response()
}
