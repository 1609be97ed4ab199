//! Direct messages. Source: openapi, `/2/dm_events`, `/2/dm_conversations/with/{id}/…`; docs,
//! "Direct Messages": newest first, no `since_id`, 30 days back (not pretended).

use super::lists::{older, token};
use super::view::{View, WISHES, Wishes};
use super::{Answer, Call, Result, Stage, caller, names, posts};
use crate::case::model::Audience;
use crate::world::square::{API, No, Square, SquarePost};
use serde_json::{Value, json};

const LIST: &[&str] = &["max_results", "pagination_token", "event_types"];

pub(super) fn all(stage: &Stage, call: &Call) -> Result<Answer> {
    list(stage, call, None)
}

pub(super) fn with(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    list(stage, call, Some(id))
}

/// The other one of a message, seen by this person; `None` if it is not his.
fn other<'a>(post: &'a SquarePost, me: &str) -> Option<&'a str> {
    let to = post.mentions.first().map(String::as_str);
    match post.audience {
        Audience::Direct if post.author == me => to,
        Audience::Direct if post.mentions.iter().any(|id| id == me) => Some(&post.author),
        _ => None,
    }
}

/// Source: docs: both numbers, the smaller in front.
fn talk(one: &str, two: &str) -> String {
    let (one, two) = (names::id(one), names::id(two));
    match (one.len(), &one) < (two.len(), &two) {
        true => format!("{one}-{two}"),
        false => format!("{two}-{one}"),
    }
}

fn list(stage: &Stage, call: &Call, only_with: Option<&str>) -> Result<Answer> {
    let me = caller(stage, call)?;
    call.only(&[WISHES, LIST].concat())?;
    let (count, older) = (call.count(1, 100)?, older(call)?);
    let wishes = Wishes::of(call)?;
    let fields = call.param("dm_event.fields").unwrap_or("id,text,event_type").to_owned();
    stage.see(|square| {
        let mine = |post: &&SquarePost| {
            let other = other(post, &me.id);
            !post.deleted
                && older.is_none_or(|older| post.id < older)
                && other.is_some_and(|other| only_with.is_none_or(|id| names::id(other) == id))
        };
        let all: Vec<&SquarePost> = square.posts.values().rev().filter(mine).collect();
        let shown: Vec<&SquarePost> = all.iter().take(count).copied().collect();
        let mut body = json!({ "meta": { "result_count": shown.len() } });
        if let Some(last) = shown.last() {
            let view = View { square, base: &call.base, wishes };
            body["data"] = shown.iter().map(|post| event(post, &me.id, &fields)).collect();
            body["includes"] = view.includes(&shown);
            if all.len() > count {
                body["meta"]["next_token"] = json!(token(&last.id.to_string()));
            }
        }
        Ok(Answer::ok(body))
    })
}

fn event(post: &SquarePost, me: &str, fields: &str) -> Value {
    let other = other(post, me).unwrap_or_default();
    let keys: Vec<String> = post.media.iter().map(|id| format!("3_{id}")).collect();
    let mut event = json!({
        "id": post.id.to_string(), "event_type": "MessageCreate", "text": post.text,
        "sender_id": names::id(&post.author), "dm_conversation_id": talk(me, other),
        "created_at": post.written.to_string(),
        "participant_ids": [names::id(me), names::id(other)],
    });
    if !keys.is_empty() {
        event["attachments"] = json!({ "media_keys": keys });
    }
    if let Value::Object(all) = &mut event {
        all.retain(|key, _| {
            ["id", "event_type", "text"].contains(&key.as_str())
                || fields.split(',').any(|f| f == key)
        });
    }
    event
}

pub(super) fn create(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let me = caller(stage, call)?;
    let body = call.json()?;
    posts::only(&body, &["text", "attachments"])?;
    let media: Vec<String> = match body["attachments"].as_array() {
        Some(all) if all.len() == 1 => {
            all.iter().filter_map(|a| a["media_id"].as_str().map(str::to_owned)).collect()
        }
        Some(_) => return Err(Answer::invalid("$.attachments: must have 1 item")),
        None => Vec::new(),
    };
    let text = body["text"].as_str().unwrap_or_default();
    if text.is_empty() && media.is_empty() {
        return Err(Answer::invalid("$: one of text or attachments is required"));
    }
    let to = stage.see(|square| open_to(square, &me.id, id))?;
    let post = SquarePost {
        audience: Audience::Direct,
        mentions: vec![to.clone()],
        media,
        app: Some(API.to_owned()),
        ..SquarePost::by(&me.id, text)
    };
    let done = stage.act(|world| world.post(&stage.name, post));
    let id = done.map_err(|no| match no {
        No::NoMedium => Answer::invalid("Your media IDs are invalid."),
        _ => Answer::forbidden("You cannot send messages to this user."),
    })?;
    let data = json!({ "dm_conversation_id": talk(&me.id, &to), "dm_event_id": id.to_string() });
    Ok(Answer::made(json!({ "data": data })))
}

/// Source: docs, "Developer guidelines": only whoever wrote first is written to; a block closes it.
fn open_to(square: &Square, me: &str, id: &str) -> Result<String> {
    let closed = || Answer::forbidden("You cannot send messages to this user.");
    let to = names::person(square, id).ok_or_else(closed)?;
    let wrote = |post: &SquarePost| post.author == to.id && other(post, me).is_some();
    let is_us = square.people.get(me).is_some_and(|me| me.is_us);
    let open = !is_us || square.posts.values().any(wrote);
    if open && !square.blocked(me, &to.id) { Ok(to.id.clone()) } else { Err(closed()) }
}
