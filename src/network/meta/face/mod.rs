//! Meta as the world pretends it: the parts of the Graph API that careline uses, for a Facebook
//! Page or a professional Instagram account, as strict as Meta or stricter: a field, a parameter or
//! a key that is not known is refused.
//!
//! Its JSON is written by hand and not with the driver's types, or both would agree on the same
//! mistake. Meta publishes no document of these calls that a machine can read. Source: its pages at
//! <https://developers.facebook.com/docs> ("Graph API", "Messenger Platform", "Instagram Platform",
//! "Webhooks"), called docs below; what stands in none of them is marked as a guess.
//!
//! On Facebook a post of somebody's that names us is a visitor's post on our Page. Instagram has no
//! such thing: there it is a comment below the one picture that our account always has. A post
//! written with the app `tag` names us in somebody's own place. Our token is the app's secret too,
//! so that proofs and seals are really checked.

mod fields;
mod lists;
mod names;
mod push;
mod tokens;
mod view;
mod write;

use super::Kind;
use crate::net::Net;
use crate::network::face::{self, Refuses};
use crate::web::seal;
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
use std::ops::Deref;

/// Bytes a call may bring.
const BODY: usize = 1_000_000;

/// What the world does not remember.
#[derive(Default)]
struct Memory {
    /// Where the app wants to be called, and the fields of our Page it wants to be told.
    hook: Option<String>,
    subscribed: Vec<String>,
}

/// What a face stands on, and which of Meta's networks it pretends.
#[derive(Clone)]
struct Stage {
    on: face::Stage<Memory>,
    kind: Kind,
    net: Net,
}

impl Deref for Stage {
    type Target = face::Stage<Memory>;

    fn deref(&self) -> &Self::Target {
        &self.on
    }
}

/// The Page of this square.
pub fn facebook(world: Shared, name: &str) -> Router {
    routes(Kind::Facebook, world, name)
}

/// The Instagram account of this square.
pub fn instagram(world: Shared, name: &str) -> Router {
    routes(Kind::Instagram, world, name)
}

fn routes(kind: Kind, world: Shared, name: &str) -> Router {
    let stage = Stage { on: face::Stage::new(world, name), kind, net: Net::new(true) };
    Router::new().fallback(handle).with_state(stage)
}

/// What a call is answered with.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// Source: docs, "Handling errors".
    fn no(status: u16, code: i64, subcode: i64, message: &str) -> Self {
        let mut error = json!({ "message": format!("(#{code}) {message}"), "code": code,
            "type": "OAuthException", "fbtrace_id": "A-trace" });
        if subcode != 0 {
            error["error_subcode"] = json!(subcode);
        }
        Self { status, body: json!({ "error": error }) }
    }

    fn invalid(message: &str) -> Self {
        Self::no(400, 100, 0, message)
    }

    /// Source: docs, "Handling errors": the same whether it was deleted or is not for us.
    fn gone(id: &str) -> Self {
        let why = format!(
            "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to \
             missing permissions, or does not support this operation"
        );
        Self::no(400, 100, 33, &why)
    }

    fn dead() -> Self {
        Self::no(401, 190, 460, "Error validating access token")
    }
}

type Result<T> = std::result::Result<T, Answer>;

/// One call.
struct Call {
    method: String,
    /// Without the version in front.
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
    /// Where this server stands, as the caller called it.
    base: String,
}

impl Call {
    fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn only(&self, known: &[&str]) -> Result<()> {
        let odd = |key: &str| key != "appsecret_proof" && !known.contains(&key);
        match self.query.iter().find(|(key, _)| odd(key)) {
            Some((key, _)) => Err(Answer::invalid(&format!("Param {key} is not known here"))),
            None => Ok(()),
        }
    }

    /// How many are wanted. Source: docs, "Paginated results" and "Page feed": 100 at most.
    fn limit(&self) -> Result<usize> {
        let Some(text) = self.param("limit") else { return Ok(25) };
        match text.parse() {
            Ok(n) if (1..=100).contains(&n) => Ok(n),
            _ => Err(Answer::invalid("Please reduce the amount of data you're asking for")),
        }
    }

    fn json(&self) -> Result<Value> {
        if !face::is_json(&self.headers) {
            return Err(Answer::invalid("The content type must be application/json"));
        }
        serde_json::from_slice(&self.body).map_err(|_| Answer::invalid("The body is no JSON"))
    }
}

async fn handle(State(stage): State<Stage>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let name = format!("{} {}", parts.method, parts.uri.path());
    let at_work = stage.clone();
    let work = async move {
        let done = match read(parts, body).await {
            Ok(call) => answer(&at_work, &call).await,
            Err(no) => Err(no),
        };
        shown(done.unwrap_or_else(|no| no))
    };
    stage.on.serve(&name, work).await
}

impl Refuses for face::Stage<Memory> {
    /// An edge server answers without Meta's error.
    fn broken(&self, status: u16) -> Response {
        shown(Answer { status, body: json!({}) })
    }

    fn dead(&self, _call: &str) -> Response {
        shown(Answer::dead())
    }
}

async fn read(parts: Parts, body: Body) -> Result<Call> {
    let query = face::query(&parts.uri);
    let large = |_| Answer::no(413, 1, 0, "the body is too large");
    let body = axum::body::to_bytes(body, BODY).await.map_err(large)?;
    let path = parts.uri.path().trim_matches('/');
    let version = |part: &str| part.starts_with('v') && part.contains('.');
    let path = match path.split_once('/') {
        Some((first, rest)) if version(first) => rest,
        _ => path,
    };
    let (method, path) = (parts.method.to_string(), path.to_owned());
    let base = face::base(&parts.headers);
    Ok(Call { method, path, query, headers: parts.headers, body, base })
}

/// Which rule answers.
async fn answer(stage: &Stage, call: &Call) -> Result<Answer> {
    let parts: Vec<&str> = call.path.split('/').collect();
    let us = caller(stage, call)?;
    match (call.method.as_str(), stage.kind, &parts[..]) {
        ("GET", Kind::Facebook, ["oauth", "access_token"])
        | ("GET", Kind::Instagram, ["access_token" | "refresh_access_token"]) => {
            tokens::granted(stage, call, &us)
        }
        ("GET", _, ["debug_token"]) => lists::debug_token(stage, call, &us),
        ("POST", _, [_, "subscriptions"]) => push::register(stage, call).await,
        (_, _, [_, "subscribed_apps"]) => push::subscribe(stage, call),
        ("GET", Kind::Facebook, [_, "feed"]) => lists::wall(stage, call, &us),
        ("GET", Kind::Facebook, [_, "tagged"]) | ("GET", Kind::Instagram, [_, "tags"]) => {
            lists::tagged(stage, call, &us)
        }
        ("GET", Kind::Instagram, [_, "media"]) => lists::media(stage, call, &us),
        ("GET", _, [id, "comments"]) => lists::comments(stage, call, &us, id),
        ("GET", Kind::Instagram, [id, "replies"]) => lists::replies(stage, call, &us, id),
        ("GET", _, [_, "conversations"]) => lists::conversations(stage, call, &us),
        ("POST", _, [_, "messages"]) => write::message(stage, call, &us),
        ("POST", Kind::Facebook, [id, "comments"]) | ("POST", Kind::Instagram, [id, "replies"]) => {
            write::comment(stage, call, &us, id)
        }
        ("POST", Kind::Instagram, [_, "mentions"]) => write::named(stage, call, &us),
        ("DELETE", _, [id]) => write::delete(stage, call, &us, id),
        ("GET", _, [id]) => lists::node(stage, call, &us, id),
        _ => Err(Answer::no(400, 2500, 0, "Unknown path components")),
    }
}

/// Whoever calls has our token, and proves that he has the app's secret. Source: docs, "Access
/// tokens"; "Securing requests".
fn caller(stage: &Stage, call: &Call) -> Result<Person> {
    let header = call.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
    let secret = tokens::first(token);
    let us = stage.see(|square| square.by_token(secret).cloned());
    let us = us.filter(|person| person.is_us).ok_or_else(Answer::dead)?;
    let right = seal::code(&secret.into(), &[token.as_bytes()]).map(hex::encode);
    match right.as_deref() == call.param("appsecret_proof") {
        true => Ok(us),
        false => Err(Answer::invalid("Invalid appsecret_proof provided in the API argument")),
    }
}

/// Source: docs, "Rate limits": the header tells percent.
fn shown(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let usage = r#"{"call_count":1,"total_cputime":1,"total_time":1}"#;
    let headers = [("content-type", "application/json; charset=UTF-8"), ("x-app-usage", usage)];
    (status, headers, Body::from(answer.body.to_string())).into_response()
}
