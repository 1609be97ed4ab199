//! X's streams: lines of JSON, an empty one when nothing happens. Source: docs, "Filtered stream",
//! "Consuming streaming data", "X Activity API" (the envelopes of its events).

use super::lists::{is_public, tells};
use super::view::{View, WISHES, Wishes};
use super::{Answer, Call, Result, Stage, caller, names, posts};
use crate::case::model::Audience;
use crate::network::face;
use crate::world::fault::Wrong;
use crate::world::square::{Happening, Person, Square, SquarePost, What};
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Between two empty lines (docs: 20 s).
const ALIVE: Duration = Duration::from_secs(10);

/// A rule of the filtered stream: a post matches if all its words stand in it.
pub(super) struct Rule {
    id: String,
    value: String,
    tag: Option<String>,
}

pub(super) fn is_one(parts: &Parts) -> bool {
    parts.method == Method::GET
        && matches!(parts.uri.path(), "/2/tweets/search/stream" | "/2/activity/stream")
}

/// What a listener hears, and how far he is.
struct Listener {
    stage: Stage,
    me: Person,
    activity: bool,
    base: String,
    seq: u64,
    bell: watch::Receiver<u64>,
    over: bool,
}

pub(super) fn open(stage: &Stage, call: &Call) -> Result<Response> {
    let me = caller(stage, call)?;
    call.only(&[WISHES, &["backfill_minutes"]].concat())?;
    Wishes::of(call)?;
    let listener = Listener {
        seq: stage.see(|square| square.happened.len() as u64),
        stage: stage.clone(),
        me,
        activity: call.path.starts_with("/2/activity"),
        base: call.base.clone(),
        bell: stage.world.bell(),
        over: false,
    };
    let body = unfold(listener, |mut listener| async move {
        let piece = listener.next().await?;
        Some((Ok::<_, Infallible>(piece), listener))
    });
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, Body::from_stream(body)).into_response())
}

impl Listener {
    /// The next piece; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.over {
                return None;
            }
            let news = self.news();
            if !news.is_empty() {
                return Some(self.told(news));
            }
            match timeout(ALIVE, self.bell.changed()).await {
                Err(_) => return Some(Bytes::from_static(b"\r\n")),
                Ok(Err(_)) => return None,
                Ok(Ok(())) => {}
            }
        }
    }

    /// The lines, with what shall go wrong with them.
    fn told(&mut self, news: Vec<String>) -> Bytes {
        let lines: Vec<String> = match self.stage.wrong("STREAM") {
            Some(Wrong::Cut) => {
                self.over = true;
                let half = news.first().map(|line| line.chars().take(line.len() / 2).collect());
                return half.map(|half: String| half.into()).unwrap_or_default();
            }
            wrong => face::told(wrong, news),
        };
        let text: String = lines.into_iter().map(|line| format!("{line}\r\n")).collect();
        if text.is_empty() { Bytes::from_static(b"\r\n") } else { text.into() }
    }

    fn news(&mut self) -> Vec<String> {
        let stage = self.stage.clone();
        let memory = stage.memory();
        stage.see(|square| {
            let view = View { square, base: &self.base, wishes: Wishes::all() };
            let fresh = square.since(self.seq);
            let news = fresh.iter().filter_map(|of| match self.activity {
                true => self.activity(&view, &memory.subscriptions, of),
                false => filtered(&view, &memory.rules, of),
            });
            let news = news.map(|event| event.to_string()).collect();
            self.seq = square.happened.len() as u64;
            news
        })
    }

    fn activity(
        &self,
        view: &View<'_>,
        subscriptions: &[(String, String)],
        of: &Happening,
    ) -> Option<Value> {
        let post = alive(view.square, of)?;
        if post.author == self.me.id {
            return None;
        }
        let named = post.mentions.contains(&self.me.id);
        let (kind, payload) = match post.audience {
            Audience::Direct if named => ("dm.received", letter(post, &self.me, view)),
            _ if tells(view.square, post, &self.me.id) => {
                let named = view.square.called(&post.text).contains(&self.me.id);
                let kind = if named { "post.mention.create" } else { "post.reply.create" };
                (kind, view.post(post))
            }
            _ => return None,
        };
        let me = names::id(&self.me.id);
        if !subscriptions.iter().any(|(event, of)| event == kind && *of == me) {
            return None;
        }
        Some(json!({ "data": { "event_uuid": format!("-{}", of.seq), "event_type": kind,
            "filter": { "user_id": me }, "tag": "careline", "payload": payload,
            "includes": view.includes(&[post]) } }))
    }
}

fn alive<'a>(square: &'a Square, of: &Happening) -> Option<&'a SquarePost> {
    let told = !matches!(of.what, What::Deleted { .. });
    square.posts.get(&of.what.post()).filter(|post| told && !post.deleted)
}

/// A direct message in the older shape that the activity API uses.
fn letter(post: &SquarePost, me: &Person, view: &View<'_>) -> Value {
    let (sender, to) = (names::id(&post.author), names::id(&me.id));
    let event = json!({ "type": "message_create", "id": post.id.to_string(),
        "created_timestamp": (post.written.0 / 1_000).to_string(),
        "message_create": { "target": { "recipient_id": to }, "sender_id": sender,
            "message_data": { "text": post.text, "entities": {} } } });
    json!({ "direct_message_events": [event],
        "users": { sender: { "data": view.user(&post.author) } } })
}

fn filtered(view: &View<'_>, rules: &[Rule], of: &Happening) -> Option<Value> {
    let post = alive(view.square, of).filter(|post| is_public(post))?;
    let text = post.text.to_lowercase();
    let all = |rule: &&Rule| rule.value.to_lowercase().split(' ').all(|word| text.contains(word));
    let hits: Vec<Value> =
        rules.iter().filter(all).map(|rule| json!({ "id": rule.id, "tag": rule.tag })).collect();
    let includes = view.includes(&[post]);
    (!hits.is_empty())
        .then(|| json!({ "data": view.post(post), "includes": includes, "matching_rules": hits }))
}

/// Source: openapi, `/2/tweets/search/stream/rules`.
pub(super) fn rules(stage: &Stage, call: &Call) -> Result<Answer> {
    caller(stage, call)?;
    let mut memory = stage.memory();
    if call.method == "POST" {
        let body = call.json()?;
        posts::only(&body, &["add", "delete"])?;
        for rule in body["add"].as_array().into_iter().flatten() {
            posts::only(rule, &["value", "tag"])?;
            let value = rule["value"].as_str().filter(|v| (1..=1024).contains(&v.len()));
            let value =
                value.ok_or_else(|| Answer::invalid("$.add: a rule has 1 to 1024 letters"))?;
            memory.minted += 1;
            let (id, tag) = (memory.minted.to_string(), rule["tag"].as_str().map(str::to_owned));
            memory.rules.push(Rule { id, value: value.to_owned(), tag });
        }
        let gone = body["delete"]["ids"].as_array().cloned().unwrap_or_default();
        memory.rules.retain(|rule| !gone.iter().any(|id| id == rule.id.as_str()));
    }
    let shown: Vec<Value> = memory
        .rules
        .iter()
        .map(|rule| json!({ "id": rule.id, "value": rule.value, "tag": rule.tag }))
        .collect();
    let mut body = json!({ "meta": { "sent": super::now().to_string() } });
    if !shown.is_empty() {
        body["data"] = json!(shown);
    }
    Ok(Answer::ok(body))
}

/// Source: openapi, `/2/activity/subscriptions`. One that is there already is refused (a guess).
pub(super) fn subscriptions(stage: &Stage, call: &Call) -> Result<Answer> {
    caller(stage, call)?;
    let mut memory = stage.memory();
    if call.method == "POST" {
        let body = call.json()?;
        posts::only(&body, &["event_type", "filter", "tag", "webhook_id"])?;
        let (kind, of) = (body["event_type"].as_str(), body["filter"]["user_id"].as_str());
        let odd = || Answer::invalid("$: event_type and filter are required");
        let new = (kind.ok_or_else(odd)?.to_owned(), of.ok_or_else(odd)?.to_owned());
        if memory.subscriptions.contains(&new) {
            return Err(Answer::invalid("$: there is such a subscription already"));
        }
        memory.subscriptions.push(new);
        return Ok(Answer::ok(json!({ "data": { "subscription": body } })));
    }
    call.only(&["max_results", "pagination_token"])?;
    let all = memory.subscriptions.iter();
    let all = all.map(|(kind, of)| json!({ "event_type": kind, "filter": { "user_id": of } }));
    Ok(Answer::ok(json!({ "data": all.collect::<Vec<_>>(), "meta": {} })))
}
