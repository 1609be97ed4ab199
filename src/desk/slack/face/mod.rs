//! Slack as the world pretends it: Web API, Socket Mode, signed HTTP, files, response addresses.
//!
//! Written by hand from Slack's own pages, never from `wire`, so that driver and face cannot agree
//! on the same mistake. Source: Slack's own pages, named `[method]` = that method's reference,
//! `[threads]`, `[socket-mode]`, `[block-kit]`, `[events]`, `[interactivity]`, `[signing]` = the
//! pages of these names on docs.slack.dev, read in 2026. Stricter than Slack where a mistake of
//! ours would otherwise pass: unknown arguments are refused, and metadata is shown only to those
//! who ask for it.

mod act;
mod args;
mod blocks;
mod chat;
mod events;
mod files;
mod push;
mod rooms;
mod show;
mod views;

/// `how` is `refresh_requested` or `warning`, with a goodbye, or `cut`, without.
pub use crate::desk::face::hang_up;
pub use act::{App, install, open_home, press, press_home, shortcut, slash, submit};
pub use show::{stamp, unstamp};

use crate::desk::face::{Refusals, faulty};
use crate::world::clock::now;
use crate::world::fault::Wrong;
use crate::world::office::Member;
use crate::world::{Shared, World};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// The page that the installed app shows a member, if it has made one.
#[must_use]
pub fn page(office: &crate::world::office::Office, user: &str) -> Option<Value> {
    let app = act::apps(office).next()?;
    office.notes.get(&views::page(&app.id, user)).cloned()
}

/// One workspace's face.
pub(super) struct Face {
    shared: Shared,
    name: String,
    push: push::Push,
    base: Mutex<String>,
}

/// Who calls, by his token.
#[derive(Clone)]
struct Caller {
    member: Member,
    /// The app, if the token is a bot's or an app's own.
    app: Option<App>,
    /// `xoxb`, `xoxp`, `xapp`.
    token: String,
}

/// One call of the Web API.
struct Call<'a> {
    world: &'a mut World,
    desk: &'a str,
    args: &'a Map<String, Value>,
    who: Caller,
    base: &'a str,
}

/// What a call may answer besides success.
enum No {
    /// `ok: false` with this code.
    Code(&'static str),
    /// The same with more fields.
    With(&'static str, Value),
    /// HTTP 429 with so many seconds in `Retry-After`.
    Paced(u64),
}

type Answer = Result<Value, No>;

/// A row of the table of methods.
struct Method {
    name: &'static str,
    /// The bot scope it needs, empty if none.
    scope: &'static str,
    need: &'static [&'static str],
    may: &'static [&'static str],
    run: fn(&mut Call<'_>) -> Answer,
}

fn methods() -> impl Iterator<Item = &'static Method> {
    [chat::METHODS, rooms::METHODS, views::METHODS, files::METHODS].into_iter().flatten()
}

/// All routes of this desk's workspace. Starts the task that pushes events to apps; call it inside
/// a Tokio runtime.
pub fn face(shared: Shared, name: &str) -> Router {
    let face = Arc::new(Face {
        push: push::Push::new(&shared, name),
        shared,
        name: name.to_owned(),
        base: Mutex::default(),
    });
    tokio::spawn(push::pump(Arc::downgrade(&face), face.shared.bell()));
    Router::new()
        .route("/api/{method}", any(api))
        .route("/link/{ticket}", get(push::link))
        .route("/response/{id}", post(views::response))
        .route("/upload/{file}", post(files::upload))
        .route("/files/{file}/{name}", get(files::download))
        .layer(DefaultBodyLimit::max(40_000_000))
        .with_state(face)
}

impl Face {
    fn base(&self) -> String {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns where it is reached: addresses it hands out lead there.
    fn learn(&self, headers: &HeaderMap) -> String {
        let host = headers.get("host").and_then(|h| h.to_str().ok()).unwrap_or("127.0.0.1");
        let base = format!("http://{host}");
        *self.base.lock().unwrap_or_else(PoisonError::into_inner) = base.clone();
        base
    }

    fn wrong(&self, call: &str) -> Option<Wrong> {
        self.shared.look().faults.of(&self.name, call)
    }
}

async fn api(
    State(face): State<Arc<Face>>,
    Path(method): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let wrong = face.wrong(&method);
    let base = face.learn(&headers);
    if let Some(Wrong::Words { words, code }) = &wrong
        && String::from_utf8_lossy(&body).contains(words.as_str())
    {
        return no(code, json!({}));
    }
    let work = move |face: &Face| answer(face, &method, &uri, &headers, &body, &base);
    faulty(wrong, face, &REFUSALS, work).await
}

const REFUSALS: Refusals = Refusals { status: refused, dead: || no("token_revoked", json!({})) };

fn refused(status: u16, retry_after: Option<&str>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = if status == 429 { "ratelimited" } else { "internal_error" };
    let body = axum::Json(json!({"ok": false, "error": error}));
    match retry_after {
        Some(after) => (status, [("retry-after", after.to_owned())], body).into_response(),
        None => (status, body).into_response(),
    }
}

fn no(code: &str, more: Value) -> Response {
    let mut body = json!({"ok": false, "error": code});
    merge(&mut body, more);
    axum::Json(body).into_response()
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

fn answer(
    face: &Face,
    method: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    base: &str,
) -> Response {
    let args = match args::read(uri.query(), headers, body) {
        Ok(args) => args,
        Err(code) => return no(code, json!({})),
    };
    let token = args::token(headers, &args);
    let done = face.shared.change(now(), |world| {
        let who = caller(world, &face.name, token.as_deref())?;
        let method = methods().find(|m| m.name == method).ok_or(No::Code("unknown_method"))?;
        allowed(method, &who, &args)?;
        let scopes = who.app.as_ref().map(|app| app.scopes.join(",")).unwrap_or_default();
        let mut call = Call { world, desk: &face.name, args: &args, who, base };
        Ok(((method.run)(&mut call)?, scopes))
    });
    match done {
        Ok((more, scopes)) => {
            let mut body = json!({"ok": true});
            merge(&mut body, more);
            ([("x-oauth-scopes", scopes)], axum::Json(body)).into_response()
        }
        Err(No::Code(code)) => no(code, json!({})),
        Err(No::With(code, more)) => no(code, more),
        Err(No::Paced(seconds)) => refused(429, Some(&seconds.to_string())),
    }
}

/// `[auth.test]`: `not_authed` without a token, `invalid_auth` with an unknown one,
/// `account_inactive` for somebody who has left.
fn caller(world: &mut World, desk: &str, token: Option<&str>) -> Result<Caller, No> {
    let token = token.ok_or(No::Code("not_authed"))?;
    let office = world.office(desk);
    let member = office.by_token(token).cloned().ok_or(No::Code("invalid_auth"))?;
    if member.kind == crate::world::office::Kind::Deactivated {
        return Err(No::Code("account_inactive"));
    }
    let app = act::app_of(office, &member.id);
    let token = token.split('-').next().unwrap_or_default().to_owned();
    Ok(Caller { member, app, token })
}

/// Unknown and missing arguments, scopes and kinds of token. `[missing_scope]` names what was
/// needed and what was there.
fn allowed(method: &Method, who: &Caller, args: &Map<String, Value>) -> Result<(), No> {
    let is_app_call = method.name == "apps.connections.open";
    if is_app_call != (who.token == "xapp") {
        return Err(No::Code("not_allowed_token_type"));
    }
    if let Some(app) = who.app.as_ref().filter(|_| !is_app_call)
        && !method.scope.is_empty()
        && !method.scope.split('|').any(|scope| app.scopes.iter().any(|has| has == scope))
    {
        let more = json!({"needed": method.scope, "provided": app.scopes.join(",")});
        return Err(No::With("missing_scope", more));
    }
    // `team_id` names the workspace for tokens of a whole organization (`[auth.teams.list]`);
    // Slack's own client in Bolt adds it to every call (`WebClientOptions.teamId`).
    let everywhere = |key: &str| matches!(key, "token" | "team_id");
    let known =
        |key: &str| everywhere(key) || method.need.contains(&key) || method.may.contains(&key);
    let wrong: Vec<_> = args.keys().filter(|key| !known(key)).collect();
    let missing: Vec<_> = method.need.iter().filter(|key| !args.contains_key(**key)).collect();
    if wrong.is_empty() && missing.is_empty() {
        return Ok(());
    }
    let told = wrong.iter().map(|key| format!("[ERROR] unsupported argument: {key}"));
    let told = told.chain(missing.iter().map(|key| format!("[ERROR] missing argument: {key}")));
    let told: Vec<_> = told.collect();
    Err(No::With("invalid_arguments", json!({"response_metadata": {"messages": told}})))
}

impl Call<'_> {
    fn office(&mut self) -> &mut crate::world::office::Office {
        self.world.office(self.desk)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.args.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn flag(&self, key: &str) -> bool {
        matches!(self.args.get(key), Some(Value::Bool(true)))
            || matches!(self.text(key), Some("true" | "1"))
    }

    fn number(&self, key: &str) -> Option<usize> {
        let value = self.args.get(key)?;
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        usize::try_from(number).ok()
    }

    fn stamp(&self, key: &str) -> Option<i64> {
        unstamp(self.text(key)?)
    }

    /// A channel by id, or by name with or without `#` (`[chat.postMessage]`).
    fn channel(&mut self, key: &str) -> Result<String, No> {
        let wanted = self.text(key).unwrap_or_default().to_owned();
        let name = wanted.trim_start_matches('#').to_owned();
        let channels = &self.office().channels;
        let found = channels.values().find(|c| c.id == wanted || c.name == name);
        found.map(|c| c.id.clone()).ok_or(No::Code("channel_not_found"))
    }
}
