//! Jetstream, version 1: everything that happens to posts, over WebSocket. Source:
//! <https://github.com/bluesky-social/jetstream> (README, "Consuming Jetstream"); how the old path
//! treats cursors is in `realservers.md` 2.

use super::{Answer, Memory, Stage, names, record, shown};
use crate::network::face;
use crate::world::square::{Happening, Square, What};
use axum::extract::FromRequestParts;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What a listener asked for, and how far he is.
struct Listener {
    stage: Stage,
    collections: Vec<String>,
    dids: Vec<String>,
    /// Happenings that were told or passed over.
    seq: u64,
    /// The time of the last one: times only grow.
    time: i64,
    /// Nothing before this is wanted; `None`: nothing that has happened before now.
    cursor: Option<i64>,
}

/// Parameters that are read here. The real server knows `compress`, `maxMessageSizeBytes` and
/// `requireHello` besides; they are refused instead of ignored.
const KNOWN: [&str; 3] = ["wantedCollections", "wantedDids", "cursor"];

pub(super) async fn open(stage: &Stage, parts: &mut Parts) -> Response {
    let pairs = face::query(&parts.uri);
    if pairs.iter().any(|(key, _)| !KNOWN.contains(&key.as_str())) {
        return shown(Answer::invalid("a parameter that is not pretended here"));
    }
    let all = |name: &str| {
        let named = pairs.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let cursor = match all("cursor").first().map(|text| text.parse::<i64>()) {
        None => None,
        Some(Ok(cursor)) => Some(cursor),
        Some(Err(_)) => return shown(Answer::invalid("invalid cursor")),
    };
    let listener = Listener {
        collections: all("wantedCollections"),
        dids: all("wantedDids"),
        seq: 0,
        time: 0,
        cursor,
        stage: stage.clone(),
    };
    match WebSocketUpgrade::from_request_parts(parts, &()).await {
        Ok(upgrade) => upgrade.on_upgrade(|socket| speak(listener, socket)),
        Err(no) => no.into_response(),
    }
}

async fn speak(mut listener: Listener, mut socket: WebSocket) {
    let mut bell = listener.stage.world.bell();
    if listener.cursor.is_none() {
        listener.news();
    }
    loop {
        for text in listener.events() {
            if socket.send(Message::Text(text.into())).await.is_err() {
                return;
            }
        }
        if listener.stage.breaks_off("OPEN /subscribe") {
            return;
        }
        tokio::select! {
            rang = bell.changed() => if rang.is_err() { return },
            got = socket.recv() => if !matches!(got, Some(Ok(_))) { return },
        }
    }
}

impl Listener {
    /// What is told now, with what shall go wrong with it.
    fn events(&mut self) -> Vec<String> {
        let news = self.news();
        if news.is_empty() {
            return news;
        }
        face::told(self.stage.wrong("STREAM /subscribe"), news)
    }

    fn news(&mut self) -> Vec<String> {
        let stage = self.stage.clone();
        let memory = stage.memory();
        stage.see(|square| {
            let mut news = Vec::new();
            for of in square.since(self.seq) {
                self.time = (self.time + 1).max(of.at.0);
                let wanted = self.cursor.is_none_or(|cursor| self.time >= cursor);
                news.extend(self.event(square, &memory, of).filter(|_| wanted));
            }
            self.seq = square.happened.len() as u64;
            news
        })
    }

    fn event(&self, square: &Square, memory: &Memory, of: &Happening) -> Option<String> {
        let post = square.posts.get(&of.what.post())?;
        let did = names::did(&post.author);
        let wants = |list: &[String], what: &str| {
            let is = |wanted: &String| match wanted.strip_suffix('*') {
                Some(start) => what.starts_with(start),
                None => wanted == what,
            };
            list.is_empty() || list.iter().any(is)
        };
        if !wants(&self.collections, "app.bsky.feed.post") || !wants(&self.dids, &did) {
            return None;
        }
        let commit = commit(square, memory, of)?;
        let event = json!({ "did": did, "time_us": self.time, "kind": "commit", "commit": commit });
        Some(escaped(&event))
    }
}

/// A post that was changed or deleted since is told as it is now; the real server kept each event.
fn commit(square: &Square, memory: &Memory, of: &Happening) -> Option<Value> {
    let post = square.posts.get(&of.what.post())?;
    let mut commit = json!({
        "rev": names::tid(of.at.0),
        "collection": "app.bsky.feed.post",
        "rkey": names::rkey(post),
    });
    commit["operation"] = json!(match of.what {
        What::Posted { .. } => "create",
        What::Edited { .. } => "update",
        What::Deleted { .. } => "delete",
    });
    if !matches!(of.what, What::Deleted { .. }) {
        let record = record::of(square, memory, post);
        commit["cid"] = json!(names::cid(&record));
        commit["record"] = record;
    }
    Some(commit)
}

/// Go's encoder writes these three signs as escapes. Source: issue of the project; Go, package
/// encoding/json (`HTMLEscape`): <https://pkg.go.dev/encoding/json#HTMLEscape>.
fn escaped(event: &Value) -> String {
    let text = event.to_string();
    text.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}
