//! Discord as the world pretends it: REST, gateway, files, and what people do in its client.
//!
//! Written by hand from Discord's own pages, never from `wire`, so that driver and face cannot
//! agree on the same mistake. Source: <https://docs.discord.com/developers>, version 10 of the
//! API, read in 2026; each file names its pages. Stricter than Discord where a mistake of ours
//! would otherwise pass: unknown fields are refused.
//!
//! A thread is a channel of the office; what only Discord knows of a channel stands in the
//! office's notes, as `place:<id>`.

mod act;
mod apps;
mod channels;
mod events;
mod ids;
mod messages;
mod rules;
mod show;
mod socket;

/// `how` is `op7` (reconnect), `op9` (the session is void), `cut` (no goodbye; the session is
/// kept), `forget` (cut, and the session is void), or a close code.
pub use crate::desk::face::hang_up;
pub use act::{menu, press, slash, submit, threads, type_option};
pub use apps::{App, grant, install, role};
pub use channels::{forum, lock};
pub use ids::{stamp, unstamp};
pub use messages::attach;

use crate::case::time::Timestamp;
use crate::desk::face::{Refusals, faulty};
use crate::world::clock::now;
use crate::world::fault::Wrong;
use crate::world::office::{Member, Office};
use crate::world::{Shared, World};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One server's face.
pub(super) struct Face {
    shared: Shared,
    name: String,
    sessions: Mutex<BTreeMap<String, socket::Session>>,
    /// Calls of a window, by bucket: when it began, and how many there were.
    buckets: Mutex<BTreeMap<String, (Timestamp, u32)>>,
    /// All calls of the present second.
    all: Mutex<(Timestamp, u32)>,
}

/// One call of the REST API.
struct Call<'a> {
    world: &'a mut World,
    desk: &'a str,
    query: BTreeMap<String, String>,
    body: &'a Map<String, Value>,
    who: Member,
    /// The app, if a bot calls.
    app: Option<App>,
    base: &'a str,
}

/// What a call is answered with besides success: status, code and sentence.
#[derive(Debug)]
struct No(u16, u64, String);

type Answer = Result<Value, No>;

fn no(status: u16, code: u64, words: impl Into<String>) -> No {
    No(status, code, words.into())
}

/// `[opcodes-and-status-codes]`: 50035, with what was wrong.
fn invalid(words: impl Into<String>) -> No {
    no(400, 50035, format!("Invalid Form Body: {}", words.into()))
}

/// All routes of this desk's server.
pub fn face(shared: Shared, name: &str) -> Router {
    let face = Arc::new(Face {
        shared,
        name: name.to_owned(),
        sessions: Mutex::default(),
        buckets: Mutex::default(),
        all: Mutex::default(),
    });
    if tokio::runtime::Handle::try_current().is_ok() {
        tokio::spawn(apps::watch(Arc::downgrade(&face)));
    }
    Router::new()
        .route("/api/v10/{*path}", any(api))
        .route("/gateway/", get(socket::gateway))
        .route("/gateway", get(socket::gateway))
        .route("/attachments/{file}/{name}", get(messages::download))
        .layer(DefaultBodyLimit::max(25 * 1024 * 1024))
        .with_state(face)
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request, taken apart.
struct Asked {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

async fn api(
    State(face): State<Arc<Face>>,
    Path(path): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let wrong = face.shared.look().faults.of(&face.name, &format!("{method} /{path}"));
    if let Some(Wrong::Words { words, .. }) = &wrong
        && String::from_utf8_lossy(&body).contains(words.as_str())
    {
        return refused(&no(400, 50035, "Invalid Form Body"));
    }
    let query = uri.query().unwrap_or_default().to_owned();
    let asked = Asked { method, path, query, headers, body };
    faulty(wrong, face, &REFUSALS, move |face| answer(face, &asked)).await
}

const REFUSALS: Refusals =
    Refusals { status: broken, dead: || refused(&no(401, 0, "401: Unauthorized")) };

/// A status without a cause. `[rate-limits]`: 429 comes with `retry_after`; `"2 global"` means all.
fn broken(status: u16, retry_after: Option<&str>) -> Response {
    if status == 429 {
        let (after, global) = match retry_after.unwrap_or("1").split_once(' ') {
            Some((after, _)) => (after, true),
            None => (retry_after.unwrap_or("1"), false),
        };
        return limited(after.parse().unwrap_or(1.0), global, "");
    }
    refused(&no(status, 0, format!("{status}: Something went wrong")))
}

fn limited(after: f64, global: bool, bucket: &str) -> Response {
    let body = json!({
        "message": "You are being rate limited.", "retry_after": after, "global": global,
    });
    let mut answer = (StatusCode::TOO_MANY_REQUESTS, axum::Json(body)).into_response();
    let mut set = |key: &'static str, value: String| {
        if let Ok(value) = value.parse() {
            answer.headers_mut().insert(key, value);
        }
    };
    set("retry-after", format!("{}", after.ceil()));
    set("x-ratelimit-scope", if global { "global" } else { "user" }.into());
    if global {
        set("x-ratelimit-global", "true".into());
    } else {
        set("x-ratelimit-bucket", bucket.into());
        set("x-ratelimit-remaining", "0".into());
        set("x-ratelimit-reset-after", format!("{after:.3}"));
    }
    answer
}

fn refused(no: &No) -> Response {
    let status = StatusCode::from_u16(no.0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(json!({"message": no.2, "code": no.1}))).into_response()
}

fn answer(face: &Face, asked: &Asked) -> Response {
    let host = asked.headers.get("host").and_then(|h| h.to_str().ok()).unwrap_or("127.0.0.1");
    let base = format!("http://{host}");
    if let Some(limited) = paced(face, asked) {
        return limited;
    }
    let done = face.shared.change(now(), |world| done(face, world, asked, &base));
    let mut answer = match done {
        Ok(Value::Null) => StatusCode::NO_CONTENT.into_response(),
        Ok(value) => axum::Json(value).into_response(),
        Err(no) => refused(&no),
    };
    for (key, value) in headers(face, asked) {
        if let Ok(value) = value.parse() {
            answer.headers_mut().insert(key, value);
        }
    }
    answer
}

/// `[rate-limits]`: a bucket per route and channel. The office's pace is the time between two
/// messages; five may come at once.
const BURST: u32 = 5;
/// Calls of a bot in a second, whatever they are; interactions are free.
const GLOBAL: u32 = 50;
const SECOND: i64 = 1_000_000;

fn bucket(asked: &Asked) -> Option<String> {
    let parts: Vec<&str> = asked.path.split('/').collect();
    match parts[..] {
        ["channels", channel, "messages"] if asked.method == Method::POST => {
            Some(format!("messages:{channel}"))
        }
        _ => None,
    }
}

fn pace(face: &Face) -> i64 {
    face.shared.look().office(&face.name).pace * i64::from(BURST)
}

fn paced(face: &Face, asked: &Asked) -> Option<Response> {
    let (window, at) = (pace(face), now());
    if window <= 0 {
        return None;
    }
    if !asked.path.starts_with("interactions") && !asked.path.starts_with("webhooks") {
        let mut all = held(&face.all);
        if at.0 - all.0.0 >= SECOND {
            *all = (at, 0);
        }
        all.1 += 1;
        if all.1 > GLOBAL {
            return Some(limited((all.0.0 + SECOND - at.0) as f64 / 1e6, true, ""));
        }
    }
    let bucket = bucket(asked)?;
    let mut buckets = held(&face.buckets);
    let (began, used) = buckets.entry(bucket).or_insert((at, 0));
    if at.0 - began.0 >= window {
        (*began, *used) = (at, 0);
    }
    *used += 1;
    if *used <= BURST {
        return None;
    }
    let left = (began.0 + window - at.0) as f64 / 1e6;
    Some(limited(left.max(0.001), false, "messages"))
}

fn headers(face: &Face, asked: &Asked) -> Vec<(&'static str, String)> {
    let (Some(bucket), window) = (bucket(asked), pace(face)) else { return Vec::new() };
    let Some((began, used)) = held(&face.buckets).get(&bucket).copied() else { return Vec::new() };
    let left = (began.0 + window - now().0).max(0) as f64 / 1e6;
    vec![
        ("x-ratelimit-bucket", "messages".into()),
        ("x-ratelimit-limit", BURST.to_string()),
        ("x-ratelimit-remaining", BURST.saturating_sub(used).to_string()),
        ("x-ratelimit-reset-after", format!("{left:.3}")),
    ]
}

fn done(face: &Face, world: &mut World, asked: &Asked, base: &str) -> Answer {
    let empty = Map::new();
    let read: Option<Value> = serde_json::from_slice(&asked.body).ok();
    if !asked.body.is_empty() && read.is_none() {
        return Err(no(400, 50109, "The request body contains invalid JSON."));
    }
    let read = read.unwrap_or_default();
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    let query = url::form_urlencoded::parse(asked.query.as_bytes()).into_owned().collect();
    // Interactions and their webhooks are known by their token alone.
    let free = matches!(parts[..], ["interactions" | "webhooks", ..]);
    let (who, app) =
        if free { apps::by_token(world, &face.name, &parts)? } else { caller(face, world, asked)? };
    let body = read.as_object().unwrap_or(&empty);
    let mut call = Call { world, desk: &face.name, query, body, who, app, base };
    let method = asked.method.as_str();
    if let ("PUT", ["applications", .., "commands"]) = (method, &parts[..]) {
        return apps::overwrite(&mut call, &parts, &read);
    }
    channels::route(&mut call, method, &parts)
        .or_else(|| messages::route(&mut call, method, &parts))
        .or_else(|| apps::route(&mut call, method, &parts))
        .unwrap_or_else(|| Err(no(404, 0, "404: Not Found")))
}

/// `[reference]`, "Authentication" and "User Agent": `Bot <token>` for apps, the bare token for a
/// person's own client.
fn caller(face: &Face, world: &mut World, asked: &Asked) -> Result<(Member, Option<App>), No> {
    let text = |key: &str| asked.headers.get(key).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let token = text("authorization");
    let office = world.office(&face.name);
    let (bare, bot) = match token.strip_prefix("Bot ") {
        Some(bare) => (bare, true),
        None => (token, false),
    };
    let member = office.by_token(bare).cloned().ok_or_else(|| no(401, 0, "401: Unauthorized"))?;
    let app = apps::of_user(office, &member.id);
    if bot != app.is_some() {
        return Err(no(401, 0, "401: Unauthorized"));
    }
    if bot && !text("user-agent").starts_with("DiscordBot (") {
        return Err(no(403, 40333, "internal network error"));
    }
    Ok((member, app))
}

impl Call<'_> {
    fn office(&mut self) -> &mut Office {
        self.world.office(self.desk)
    }

    /// `[permissions]`: what an app was not given.
    fn needs(&self, permission: &str) -> Result<(), No> {
        let lacks = |app: &App| app.lacks.iter().any(|lack| lack == permission);
        match self.app.as_ref().is_some_and(lacks) {
            true => Err(no(403, 50013, "Missing Permissions")),
            false => Ok(()),
        }
    }

    fn number(&self, key: &str, default: usize, most: usize) -> Result<usize, No> {
        let Some(text) = self.query.get(key) else { return Ok(default) };
        let number = text.parse().ok().filter(|n| (1..=most).contains(n));
        number.ok_or_else(|| invalid(format!("{key}: int value should be 1 to {most}")))
    }
}
