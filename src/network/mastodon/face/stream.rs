//! Streams, by WebSocket and by server-sent events. Source: docs, methods/streaming.

use super::json::{self, View};
use super::{Answer, Flavour, Stage, call, lists, owner, shown};
use crate::case::model::Audience;
use crate::network::face;
use crate::world::square::{Happening, Square, What};
use axum::extract::FromRequestParts;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

/// How often a stream says that it is alive. Source: docs, methods/streaming (`:thump`).
const THUMP: Duration = Duration::from_secs(15);

/// One line of a stream.
#[derive(Clone)]
struct Frame {
    event: &'static str,
    payload: String,
}

/// Whose stream it is, and how far it has come.
struct Listener {
    stage: Stage,
    base: String,
    me: String,
    flavour: Flavour,
    seq: u64,
    streams: BTreeSet<String>,
}

pub(super) async fn open(stage: &Stage, parts: &mut Parts) -> Response {
    let (flavour, person, seq) = {
        let mut world = stage.world.look();
        let square = world.square(&stage.name);
        let person = owner(square, token(parts).as_deref());
        (Flavour::of(square), person, square.happened.len() as u64)
    };
    let path = parts.uri.path().to_owned();
    let upgrade = parts.headers.contains_key(header::UPGRADE);
    // GoToSocial streams by WebSocket only, Hollo not at all (`realservers.md` 3).
    let served = match flavour {
        Flavour::Mastodon => true,
        Flavour::GoToSocial => upgrade,
        Flavour::Hollo => false,
    };
    if path == "/api/v1/streaming/health" {
        return "OK".into_response();
    }
    if !served {
        return shown(stage, Answer::missing());
    }
    let Some(person) = person else { return shown(stage, Answer::stranger()) };
    let base = face::base(&parts.headers);
    let me = person.id;
    let streams = BTreeSet::new();
    let listener = Listener { stage: stage.clone(), base, me, flavour, seq, streams };
    let tag = query(parts, "tag").unwrap_or_default();
    if upgrade { by_socket(listener, parts).await } else { by_events(listener, &path, &tag) }
}

/// Source: docs, methods/streaming: header, `access_token`, or `Sec-WebSocket-Protocol`.
fn token(parts: &Parts) -> Option<String> {
    let query = query(parts, "access_token");
    let protocol = parts.headers.get(header::SEC_WEBSOCKET_PROTOCOL);
    let protocol = protocol.and_then(|value| value.to_str().ok()).map(str::to_owned);
    call::token(&parts.headers).or(query).or(protocol)
}

fn query(parts: &Parts, name: &str) -> Option<String> {
    face::query(&parts.uri).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

async fn by_socket(mut listener: Listener, parts: &mut Parts) -> Response {
    let tag = query(parts, "tag").unwrap_or_default();
    listener.streams.extend(query(parts, "stream").map(|stream| named(&stream, &tag)));
    let unknown = listener.streams.iter().find(|stream| !is_known(stream)).cloned();
    if unknown.is_some() {
        return shown(&listener.stage, Answer::no(400, "Unknown stream type"));
    }
    match WebSocketUpgrade::from_request_parts(parts, &()).await {
        Ok(upgrade) => {
            let protocol = parts.headers.get(header::SEC_WEBSOCKET_PROTOCOL);
            let protocol = protocol.and_then(|p| p.to_str().ok()).map(str::to_owned);
            upgrade.protocols(protocol).on_upgrade(|socket| speak(listener, socket))
        }
        Err(no) => no.into_response(),
    }
}

/// Source: docs, methods/streaming ("WebSocket"), the streams this server has.
fn is_known(stream: &str) -> bool {
    let plain = ["user", "user:notification", "direct", "public", "public:local"];
    plain.contains(&stream) || stream.strip_prefix("hashtag ").is_some_and(|tag| !tag.is_empty())
}

/// A stream with its tag, if it is one that has one: `hashtag lamps`.
fn named(stream: &str, tag: &str) -> String {
    match stream {
        "hashtag" => format!("hashtag {}", tag.to_lowercase()),
        other => other.to_owned(),
    }
}

async fn speak(mut listener: Listener, mut socket: WebSocket) {
    let mut bell = listener.stage.world.bell();
    let mut beat = tokio::time::interval(THUMP);
    loop {
        for (stream, frame) in listener.news() {
            let stream: Vec<&str> = stream.split(' ').collect();
            let text = json!({
                "stream": stream, "event": frame.event, "payload": frame.payload,
            });
            if socket.send(Message::Text(text.to_string().into())).await.is_err() {
                return;
            }
        }
        if listener.cut() {
            return;
        }
        tokio::select! {
            rang = bell.changed() => if rang.is_err() { return },
            _ = beat.tick() => {
                if socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return;
                }
            }
            got = socket.recv() => match got {
                Some(Ok(Message::Text(text))) => listener.told(&text),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Server-sent events. Source: docs, methods/streaming#user, #notification.
fn by_events(mut listener: Listener, path: &str, tag: &str) -> Response {
    let stream = match path.trim_start_matches("/api/v1/streaming").trim_matches('/') {
        "user" => "user".to_owned(),
        "user/notification" => "user:notification".to_owned(),
        "public" => "public".to_owned(),
        "hashtag" => named("hashtag", tag),
        _ => return shown(&listener.stage, Answer::missing()),
    };
    listener.streams.insert(stream);
    let body = axum::body::Body::from_stream(lines(listener));
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")], body)
        .into_response()
}

fn lines(listener: Listener) -> impl Stream<Item = Result<String, Infallible>> {
    let bell = listener.stage.world.bell();
    unfold((listener, bell, Some(":)\n\n".to_owned())), |(mut listener, mut bell, first)| async {
        if let Some(first) = first {
            return Some((Ok(first), (listener, bell, None)));
        }
        loop {
            let news = listener.news();
            let text: String = news
                .iter()
                .map(|(_, frame)| format!("event: {}\ndata: {}\n\n", frame.event, frame.payload))
                .collect();
            if !text.is_empty() {
                return Some((Ok(text), (listener, bell, None)));
            }
            if listener.cut() {
                return None;
            }
            match tokio::time::timeout(THUMP, bell.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some((Ok(":thump\n\n".to_owned()), (listener, bell, None))),
            }
        }
    })
}

impl Listener {
    /// What a client may say. Source: docs, methods/streaming ("subscribe", "unsubscribe").
    fn told(&mut self, text: &str) {
        let Ok(said) = serde_json::from_str::<Value>(text) else { return };
        let text = |key: &str| said[key].as_str().unwrap_or_default();
        let stream = named(text("stream"), text("tag"));
        match said["type"].as_str() {
            Some("subscribe") if is_known(&stream) => drop(self.streams.insert(stream)),
            Some("unsubscribe") => drop(self.streams.remove(&stream)),
            _ => {}
        }
    }

    /// What happened since, as frames, with what shall go wrong with them.
    fn news(&mut self) -> Vec<(String, Frame)> {
        let mut frames = Vec::new();
        {
            let mut world = self.stage.world.look();
            let square = &*world.square(&self.stage.name);
            for of in square.since(self.seq) {
                for stream in &self.streams {
                    let frame = self.frame(square, of, stream);
                    frames.extend(frame.map(|frame| (stream.clone(), frame)));
                }
            }
            self.seq = square.happened.len() as u64;
        }
        if frames.is_empty() {
            return frames;
        }
        face::told(self.stage.wrong("STREAM /api/v1/streaming"), frames)
    }

    /// Shall this stream break off now, or is its token no longer known?
    fn cut(&self) -> bool {
        self.stage.breaks_off("OPEN /api/v1/streaming")
    }

    /// Source: docs, methods/streaming#events. One's own posts come back as `update` on `user`
    /// (measured, `realservers.md` 3).
    fn frame(&self, square: &Square, of: &Happening, stream: &str) -> Option<Frame> {
        let view = View { square, base: &self.base, flavour: self.flavour };
        let post = square.posts.get(&of.what.post())?;
        let mine = post.author == self.me;
        let tag = stream.strip_prefix("hashtag ");
        let here = tag.is_some_and(|tag| json::hashtags(post).iter().any(|one| one == tag));
        let shown = post.audience == Audience::Public && !square.blocked(&self.me, &post.author);
        let public = (here || stream.starts_with("public")) && shown;
        let notified = lists::notice(square, self.flavour, of, &self.me);
        if let Some(notice) = notified.filter(|_| stream.starts_with("user")) {
            let name = json::id(self.flavour, notice.number);
            let value = json::notification(&view, (&name, notice.at), post);
            return Some(Frame { event: "notification", payload: value.to_string() });
        }
        let home = stream == "user" && (mine || post.mentions.contains(&self.me));
        if !home && !public {
            return None;
        }
        match of.what {
            What::Posted { .. } if (mine || public) && !post.deleted => {
                Some(Frame { event: "update", payload: json::status(&view, post).to_string() })
            }
            What::Edited { .. } if !post.deleted => Some(Frame {
                event: "status.update",
                payload: json::status(&view, post).to_string(),
            }),
            What::Deleted { .. } => {
                Some(Frame { event: "delete", payload: json::id(self.flavour, post.id) })
            }
            _ => None,
        }
    }
}
