//! Carries events and requests to apps: Socket Mode or signed HTTP, as `[socket-mode]`,
//! `[events]` and `[signing]` describe.
//!
//! What happens while an app listens nowhere is not told to it later: Slack gives up after a few
//! tries, and an app must sweep.
//!
//! Source: [socket-mode], [events], [signing] (named in `face/mod.rs`).

use super::act::App;
use super::{Face, act, events, now, views};
use crate::net::Net;
use crate::world::Shared;
use crate::world::fault::Wrong;
use crate::world::office::What;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// `[events]` and `[interactivity]`: an answer is due in three seconds.
const DUE: Duration = Duration::from_secs(3);
/// `[events]`: three more tries.
const TRIES: u32 = 3;

/// One thing on its way to an app.
#[derive(Clone)]
struct Item {
    envelope: String,
    surface: String,
    payload: Value,
    app: App,
    attempt: u32,
    /// Who asked, and his place in the ledger; events have none.
    asked: Option<(String, u64)>,
}

#[derive(Default)]
struct Line {
    seen: u64,
    waiting: VecDeque<Item>,
    held: Option<Item>,
    flying: BTreeMap<String, (Item, Instant)>,
    /// Open connections, by app.
    links: BTreeMap<String, usize>,
    count: u64,
}

/// The line of things to be pushed.
pub(super) struct Push {
    line: Mutex<Line>,
    wake: Notify,
    net: Net,
}

impl Push {
    pub(super) fn new(shared: &Shared, name: &str) -> Self {
        let seen = shared.look().office(name).happened.len() as u64;
        let line = Line { seen, ..Line::default() };
        Self { line: Mutex::new(line), wake: Notify::new(), net: Net::new(true) }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Turns the ledger into things to push, again and again, until the face is gone.
pub(super) async fn pump(face: Weak<Face>, mut bell: watch::Receiver<u64>) {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            rung = bell.changed() => if rung.is_err() { return },
            _ = tick.tick() => {}
        }
        let Some(face) = face.upgrade() else { return };
        late(&face);
        collect(&face);
        post_all(&face);
        face.push.wake.notify_waiters();
    }
}

fn collect(face: &Face) {
    let base = face.base();
    let mut world = face.shared.look();
    let office = world.office(&face.name);
    let mut line = face.push.line();
    let news = office.since(line.seen).to_vec();
    line.seen = office.happened.len() as u64;
    if news.is_empty() {
        return;
    }
    let apps: Vec<App> = act::apps(office).collect();
    for app in apps {
        let listens = app.request_url.is_some() || line.links.get(&app.id).is_some_and(|n| *n > 0);
        for happening in &news {
            if let What::Asked { app: to, member, surface, payload } = &happening.what {
                if *to == app.id && surface == act::HOME {
                    line.count += 1;
                    let id = format!("Ev{:08}", line.count);
                    let event = payload.clone();
                    let call = events::callback(office, &app, event, &id, happening.at.0);
                    line.push("events_api", call, &app, None);
                } else if *to == app.id {
                    let asked = Some((member.clone(), happening.seq));
                    let payload = with_base(payload.clone(), &base);
                    line.push(surface, payload, &app, asked);
                }
            } else if listens {
                for event in events::of(office, happening, &app, &base) {
                    line.count += 1;
                    let id = format!("Ev{:08}", line.count);
                    let call = events::callback(office, &app, event, &id, happening.at.0);
                    line.push("events_api", call, &app, None);
                }
            }
        }
    }
}

fn with_base(mut payload: Value, base: &str) -> Value {
    if let Some(path) = payload["response_url"].as_str().filter(|p| p.starts_with('/')) {
        payload["response_url"] = format!("{base}{path}").into();
    }
    payload
}

impl Line {
    fn push(&mut self, surface: &str, payload: Value, app: &App, asked: Option<(String, u64)>) {
        self.count += 1;
        let envelope = format!("envelope-{}", self.count);
        let (surface, app) = (surface.to_owned(), app.clone());
        self.waiting.push_back(Item { envelope, surface, payload, app, attempt: 0, asked });
    }

    /// The next thing for this app.
    fn next(&mut self, app: &str) -> Option<Item> {
        let at = self.waiting.iter().position(|item| item.app.id == app)?;
        self.waiting.remove(at)
    }

    fn fly(&mut self, item: &Item) {
        self.flying.insert(item.envelope.clone(), (item.clone(), Instant::now()));
    }
}

/// What was not acknowledged in time: events come again, people are told that nobody answered.
fn late(face: &Face) {
    let mut unanswered = Vec::new();
    {
        let mut line = face.push.line();
        let over = |(_, since): &(Item, Instant)| since.elapsed() > DUE;
        let late: Vec<String> =
            line.flying.iter().filter(|(_, f)| over(f)).map(|(id, _)| id.clone()).collect();
        for id in late {
            let Some((mut item, _)) = line.flying.remove(&id) else { continue };
            if item.asked.is_some() {
                unanswered.extend(item.asked);
            } else if item.attempt < TRIES {
                item.attempt += 1;
                line.count += 1;
                item.envelope = format!("envelope-{}", line.count);
                line.waiting.push_front(item);
            }
        }
        let nobody: Vec<_> =
            line.waiting.iter().filter(|i| !line.listens(&i.app)).cloned().collect();
        let links = line.links.clone();
        line.waiting.retain(|i| {
            i.app.request_url.is_some() || links.get(&i.app.id).is_some_and(|n| *n > 0)
        });
        unanswered.extend(nobody.into_iter().filter_map(|item| item.asked));
    }
    if unanswered.is_empty() {
        return;
    }
    face.shared.change(now(), |world| {
        let at = world.now;
        for (member, asked) in unanswered {
            world.office(&face.name).note(at, What::Unanswered { member, asked });
        }
    });
}

impl Line {
    fn listens(&self, app: &App) -> bool {
        app.request_url.is_some() || self.links.get(&app.id).is_some_and(|n| *n > 0)
    }
}

/// What the app answered with its acknowledgement.
fn acknowledged(face: &Face, item: &Item, payload: &Value) {
    let Some((member, _)) = &item.asked else { return };
    face.shared.change(now(), |world| {
        let (at, id) = (world.now, world.mint());
        let office = world.office(&face.name);
        if item.surface == "slash_commands" && payload.is_object() {
            let channel = item.payload["channel_id"].clone();
            let to = json!({"channel": channel, "user": member, "app": item.app.id});
            views::said(office, at, id, &to, payload);
        }
        let view = item.payload["view"]["id"].as_str().unwrap_or_default();
        if let Some(form) = office.forms.get_mut(view)
            && item.payload["type"] == "view_submission"
        {
            form.errors.clear();
            match payload["response_action"].as_str() {
                Some("errors") => {
                    let told = payload["errors"].as_object().into_iter().flatten();
                    let told = told.map(|(k, v)| (k.clone(), v.as_str().unwrap_or("").to_owned()));
                    form.errors = told.collect();
                    form.view["state"] = item.payload["view"]["state"].clone();
                }
                Some("update") => form.view["blocks"] = payload["view"]["blocks"].clone(),
                _ => form.closed = true,
            }
        }
    });
}

/// One Socket Mode connection. The ticket works once.
pub(super) async fn link(
    State(face): State<Arc<Face>>,
    Path(ticket): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let known = face.shared.look().office(&face.name).notes.remove(&format!("ticket:{ticket}"));
    let app = ticket.rsplit_once('-').map(|(app, _)| app.to_owned()).unwrap_or_default();
    if known.is_none() {
        return StatusCode::FORBIDDEN.into_response();
    }
    upgrade.on_upgrade(move |socket| async move {
        *face.push.line().links.entry(app.clone()).or_default() += 1;
        connected(&face, socket, &app).await;
        if let Some(n) = face.push.line().links.get_mut(&app) {
            *n = n.saturating_sub(1);
        }
    })
}

fn hang_up(face: &Face) -> (u64, String) {
    let mut world = face.shared.look();
    let note = world.office(&face.name).notes.get("hang_up").cloned().unwrap_or_default();
    (note["n"].as_u64().unwrap_or(0), note["how"].as_str().unwrap_or_default().to_owned())
}

fn text(value: &Value) -> Message {
    Message::Text(value.to_string().into())
}

async fn connected(face: &Face, mut socket: WebSocket, app: &str) {
    // Read before the first frame: who hangs up as soon as that has come means this connection.
    let (began, _) = hang_up(face);
    let links = face.push.line().links.get(app).copied().unwrap_or(1);
    // `[socket-mode]`: the first frame.
    let hello = json!({
        "type": "hello", "num_connections": links, "connection_info": {"app_id": app},
        "debug_info": {"host": "applink-1", "approximate_connection_time": 18060},
    });
    if socket.send(text(&hello)).await.is_err() {
        return;
    }
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            got = socket.recv() => match got {
                Some(Ok(Message::Text(frame))) => acked(face, &frame),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            () = face.push.wake.notified() => {}
            _ = tick.tick() => {}
        }
        if !flush(face, &mut socket, app).await {
            return;
        }
        let (n, how) = hang_up(face);
        if n != began {
            if how != "cut" {
                let from = json!({"host": "applink-1"});
                let bye = json!({"type": "disconnect", "reason": how, "debug_info": from});
                let _ = socket.send(text(&bye)).await;
                let _ = socket.recv().await;
            }
            return;
        }
    }
}

fn acked(face: &Face, frame: &str) {
    let Ok(frame) = serde_json::from_str::<Value>(frame) else { return };
    let id = frame["envelope_id"].as_str().unwrap_or_default();
    let flown = face.push.line().flying.remove(id);
    if let Some((item, _)) = flown {
        acknowledged(face, &item, &frame["payload"]);
    }
}

/// Sends all that waits. `false` = the connection is gone.
async fn flush(face: &Face, socket: &mut WebSocket, app: &str) -> bool {
    loop {
        let item = face.push.line().next(app);
        let Some(item) = item else { break };
        match face.wrong("socket") {
            Some(Wrong::Silence) => continue,
            Some(Wrong::Reorder) if face.push.line().held.is_none() => {
                face.push.line().held = Some(item);
                continue;
            }
            Some(Wrong::Repeat) => {
                let mut again = item.clone();
                again.envelope.push_str("-again");
                if !send(face, socket, &again).await {
                    return false;
                }
            }
            _ => {}
        }
        if !send(face, socket, &item).await {
            return false;
        }
    }
    let held = face.push.line().held.take();
    match held {
        Some(item) => send(face, socket, &item).await,
        None => true,
    }
}

async fn send(face: &Face, socket: &mut WebSocket, item: &Item) -> bool {
    face.push.line().fly(item);
    let mut frame = json!({
        "envelope_id": item.envelope, "type": item.surface, "payload": item.payload,
        "accepts_response_payload": item.asked.is_some(),
    });
    if item.asked.is_none() {
        frame["retry_attempt"] = item.attempt.into();
        frame["retry_reason"] = if item.attempt > 0 { "timeout" } else { "" }.into();
    }
    socket.send(text(&frame)).await.is_ok()
}

fn post_all(face: &Arc<Face>) {
    let mut line = face.push.line();
    let (http, rest) = line.waiting.drain(..).partition(|i| i.app.request_url.is_some());
    let http: VecDeque<Item> = http;
    line.waiting = rest;
    drop(line);
    for item in http {
        let face = face.clone();
        tokio::spawn(async move { post(&face, item).await });
    }
}

/// `[events]`: answered with 2xx within three seconds, or it comes again.
async fn post(face: &Face, mut item: Item) {
    if matches!(face.wrong("socket"), Some(Wrong::Silence)) {
        return;
    }
    loop {
        let got = tokio::time::timeout(DUE, once(face, &item)).await;
        if let Ok(Some(payload)) = got {
            return acknowledged(face, &item, &payload);
        }
        if let Some((member, asked)) = item.asked.clone() {
            let what = What::Unanswered { member, asked };
            return face.shared.change(now(), |world| {
                let at = world.now;
                world.office(&face.name).note(at, what);
            });
        }
        item.attempt += 1;
        if item.attempt > TRIES {
            return;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn once(face: &Face, item: &Item) -> Option<Value> {
    let base = item.app.request_url.as_deref()?;
    let (path, kind, body) = match item.surface.as_str() {
        "events_api" => ("events", "application/json", item.payload.to_string()),
        "slash_commands" => ("commands", FORM, form(&item.payload)),
        _ => ("interactivity", FORM, form(&json!({"payload": item.payload.to_string()}))),
    };
    let stamp = (now().0 / 1_000_000).to_string();
    let mut request = face.push.net.client().post(format!("{base}/{path}"));
    request = request.header("content-type", kind).header("x-slack-request-timestamp", &stamp);
    request = request.header("x-slack-signature", sign(&item.app.signing_secret, &stamp, &body));
    if item.attempt > 0 {
        request = request.header("x-slack-retry-num", item.attempt.to_string());
        request = request.header("x-slack-retry-reason", "http_timeout");
    }
    let answer = request.body(body).send().await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    let text = answer.text().await.ok()?;
    Some(serde_json::from_str(&text).unwrap_or(Value::Null))
}

const FORM: &str = "application/x-www-form-urlencoded";

fn form(fields: &Value) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in fields.as_object().into_iter().flatten() {
        out.append_pair(key, value.as_str().unwrap_or_default());
    }
    out.finish()
}

/// `[signing]`: `v0=` and the hex of HMAC-SHA256 over `v0:timestamp:body`.
fn sign(secret: &str, stamp: &str, body: &str) -> String {
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("v0:{stamp}:{body}").as_bytes());
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}
