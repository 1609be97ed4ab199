//! Messages, reactions, files.
//! Source: <https://docs.discord.com/developers/resources/message>.

use super::channels::{change, is_thread, place, seen};
use super::ids::{stamp, unstamp};
use super::{Answer, Call, Face, No, invalid, no, rules, show};
use crate::world::World;
use crate::world::office::{File, Message, No as Why};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// How long a nonce is known, in microseconds: "the past few minutes".
const NONCE: i64 = 300_000_000;

pub(super) fn route(call: &mut Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    let ["channels", channel, "messages", rest @ ..] = parts else { return None };
    Some(match (method, rest) {
        ("POST", []) => create(call, channel),
        ("GET", []) => list(call, channel),
        ("GET", [id]) => get(call, channel, id),
        ("PATCH", [id]) => edit(call, channel, id),
        ("DELETE", [id]) => delete(call, channel, id),
        ("PUT", [id, "reactions", emoji, "@me"]) => react(call, channel, id, emoji, true),
        ("DELETE", [id, "reactions", emoji, "@me"]) => react(call, channel, id, emoji, false),
        _ => return None,
    })
}

/// `[message#create-message]`; `[threads]`: a message opens an archived thread, not a locked one.
fn create(call: &mut Call<'_>, channel: &str) -> Answer {
    let place = seen(call, channel)?;
    rules::message(call.body, rules::Body::Create)?;
    if matches!(place["type"].as_u64(), Some(15 | 16)) {
        return Err(no(400, 50008, "Cannot send messages in a non-text channel"));
    }
    call.needs(if is_thread(&place) { "SEND_MESSAGES_IN_THREADS" } else { "SEND_MESSAGES" })?;
    if let Some(id) = known_nonce(call, channel) {
        let base = call.base.to_owned();
        return Ok(show::message(call.office(), channel, id, &base));
    }
    if place["locked"] == true
        && (call.app.is_none()
            || call.needs("MANAGE_THREADS").is_err()
            || place["archived"] == true)
    {
        return Err(no(400, 160_005, "Thread is locked"));
    }
    if place["archived"] == true {
        let at = call.world.now;
        change(call.office(), at, channel, json!({"archived": false}));
    }
    let body = call.body.clone();
    let id = write(call, channel, None, &body)?;
    let base = call.base.to_owned();
    Ok(show::message(call.office(), channel, id, &base))
}

/// "If another message was created by the same author with the same nonce, that message will be
/// returned and no new message will be created", with `enforce_nonce`.
fn known_nonce(call: &mut Call<'_>, channel: &str) -> Option<i64> {
    let nonce = call.body.get("nonce")?.as_str()?.to_owned();
    if call.body.get("enforce_nonce") != Some(&json!(true)) {
        return None;
    }
    let (who, now) = (call.who.id.clone(), call.world.now.0);
    let mine = |m: &&Message| m.author == who && m.client_id.as_deref() == Some(&nonce);
    let found = call.office().channel(channel).filter(mine).map(|m| m.id).last()?;
    (now - found < NONCE).then_some(found)
}

/// Writes it into the office, whose rules about places hold.
pub(super) fn write(
    call: &mut Call<'_>,
    channel: &str,
    id: Option<i64>,
    body: &Map<String, Value>,
) -> Result<i64, No> {
    let at = call.world.now;
    let id = id.unwrap_or_else(|| call.world.mint());
    let (author, app) = (call.who.id.clone(), call.app.as_ref().map(|app| app.id.clone()));
    let text = body.get("content").and_then(Value::as_str).unwrap_or_default().to_owned();
    let office = call.office();
    let root = unstamp(channel).filter(|root| office.message(channel, *root).is_some());
    let message = Message {
        channel: channel.to_owned(),
        id,
        thread: root,
        author,
        app,
        blocks: body.get("components").cloned().unwrap_or_default(),
        marks: marks(body, &text),
        client_id: body.get("nonce").and_then(Value::as_str).map(str::to_owned),
        text,
        ..Message::default()
    };
    office.post(at, message).map_err(|why| refused(&why))
}

fn refused(why: &Why) -> No {
    match why {
        Why::NoChannel => no(404, 10003, "Unknown Channel"),
        Why::NotIn => no(403, 50001, "Missing Access"),
        Why::NotYours => no(403, 50005, "Cannot edit a message authored by another user"),
        Why::Archived => no(400, 50083, "Thread is archived"),
        Why::NoMessage | Why::NoThread | Why::Already => no(404, 10008, "Unknown Message"),
    }
}

/// Who is really called by a text, after `[message#allowed-mentions-object]`, and its flags.
fn marks(body: &Map<String, Value>, text: &str) -> Value {
    let allowed = body.get("allowed_mentions").filter(|v| !v.is_null());
    let parse = |kind: &str| {
        allowed.is_none_or(|a| a["parse"].as_array().is_some_and(|p| p.contains(&json!(kind))))
    };
    let named = |kind: &str, id: &str| {
        allowed.is_some_and(|a| a[kind].as_array().is_some_and(|all| all.contains(&json!(id))))
    };
    let ids = |sign: &str, kind: &str| -> Vec<String> {
        let all = text.match_indices(sign).filter_map(|(at, _)| {
            // A backslash in front shows the sign itself.
            let escaped = text[..at].ends_with('\\');
            let body = text[at + sign.len()..].trim_start_matches('!').split('>').next()?;
            let sound = !escaped && !body.is_empty() && body.bytes().all(|b| b.is_ascii_digit());
            (sound && (parse(kind) || named(kind, body))).then(|| body.to_owned())
        });
        all.collect()
    };
    let everyone = parse("everyone") && (text.contains("@everyone") || text.contains("@here"));
    json!({
        "flags": body.get("flags").and_then(Value::as_u64).unwrap_or(0),
        "users": ids("<@", "users"), "roles": ids("<@&", "roles"), "everyone": everyone,
        "reference": body.get("message_reference").cloned().unwrap_or_default(),
    })
}

/// `[message#get-channel-messages]`: newest first; `after` gives the oldest block behind it.
fn list(call: &mut Call<'_>, channel: &str) -> Answer {
    seen(call, channel)?;
    call.needs("READ_MESSAGE_HISTORY")?;
    let limit = call.number("limit", 50, 100)?;
    let bound = |key: &str| -> Result<Option<u64>, No> {
        let Some(text) = call.query.get(key) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| invalid(format!("{key}: is not snowflake.")))
    };
    let (before, after) = (bound("before")?, bound("after")?);
    let base = call.base.to_owned();
    let office = call.office();
    let number = |id: i64| stamp(id).parse::<u64>().unwrap_or(0);
    let all = office.channel(channel).map(|m| m.id);
    let fits =
        |id: &i64| before.is_none_or(|b| number(*id) < b) && after.is_none_or(|a| number(*id) > a);
    let mut ids: Vec<i64> = all.filter(fits).collect();
    if after.is_some() {
        ids.truncate(limit);
    }
    ids.reverse();
    ids.truncate(limit);
    Ok(ids.iter().map(|id| show::message(office, channel, *id, &base)).collect())
}

fn find(call: &mut Call<'_>, channel: &str, id: &str) -> Result<i64, No> {
    seen(call, channel)?;
    let id = unstamp(id).unwrap_or(0);
    let there = call.office().message(channel, id).is_some_and(|m| m.only_for.is_none());
    if there { Ok(id) } else { Err(no(404, 10008, "Unknown Message")) }
}

fn get(call: &mut Call<'_>, channel: &str, id: &str) -> Answer {
    let id = find(call, channel, id)?;
    call.needs("READ_MESSAGE_HISTORY")?;
    let base = call.base.to_owned();
    Ok(show::message(call.office(), channel, id, &base))
}

/// Nothing but a new message can be done in an archived thread.
fn awake(call: &mut Call<'_>, channel: &str) -> Result<(), No> {
    match place(call.office(), channel)["archived"] == true {
        true => Err(no(400, 50083, "Thread is archived")),
        false => Ok(()),
    }
}

fn edit(call: &mut Call<'_>, channel: &str, id: &str) -> Answer {
    let id = find(call, channel, id)?;
    rules::message(call.body, rules::Body::Edit)?;
    awake(call, channel)?;
    let body = call.body.clone();
    change_message(call, channel, id, &body)?;
    let base = call.base.to_owned();
    Ok(show::message(call.office(), channel, id, &base))
}

/// Changes what a body names and leaves the rest.
pub(super) fn change_message(
    call: &mut Call<'_>,
    channel: &str,
    id: i64,
    body: &Map<String, Value>,
) -> Result<(), No> {
    let edited = call.world.mint();
    let at = call.world.now;
    let (author, app) = (call.who.id.clone(), call.app.as_ref().map(|app| app.id.clone()));
    let who = (author.as_str(), app.as_deref());
    let done = call.office().edit(at, who, (channel, id), |message| {
        if let Some(text) = body.get("content").and_then(Value::as_str) {
            text.clone_into(&mut message.text);
            message.marks = marks(body, text);
        }
        if let Some(components) = body.get("components") {
            message.blocks = components.clone();
        }
        message.edited = Some(edited);
    });
    done.map_err(|why| refused(&why))
}

fn delete(call: &mut Call<'_>, channel: &str, id: &str) -> Answer {
    let id = find(call, channel, id)?;
    awake(call, channel)?;
    let at = call.world.now;
    let who = call.who.id.clone();
    let by_him = call.office().message(channel, id).is_some_and(|m| m.author == who);
    if !by_him {
        call.needs("MANAGE_MESSAGES")?;
    }
    call.office().delete(at, None, channel, id).map_err(|why| refused(&why))?;
    Ok(Value::Null)
}

/// `[message#create-reaction]`: an emoji of Unicode by itself, others as `name:id`. Twice is once.
fn react(call: &mut Call<'_>, channel: &str, id: &str, emoji: &str, on: bool) -> Answer {
    let id = find(call, channel, id)?;
    awake(call, channel)?;
    call.needs("ADD_REACTIONS")?;
    if emoji.is_ascii() && !emoji.contains(':') {
        return Err(no(400, 10014, "Unknown Emoji"));
    }
    let at = call.world.now;
    let who = call.who.id.clone();
    match call.office().react(at, &who, (channel, id), emoji, on) {
        Ok(()) | Err(Why::Already) => Ok(Value::Null),
        Err(why) => Err(refused(&why)),
    }
}

/// A person writes a message with a file, as in Discord's client; gives the message's id.
///
/// # Errors
/// He may not write there.
pub fn attach(
    world: &mut World,
    desk: &str,
    user: &str,
    place: (&str, &str),
    (name, mime, bytes): (&str, &str, Bytes),
) -> Result<i64, String> {
    let (id, at) = (world.mint(), world.now);
    let file = stamp(world.mint());
    let (channel, text) = (place.0.to_owned(), place.1.to_owned());
    let office = world.office(desk);
    let thread = unstamp(&channel).filter(|root| office.message(&channel, *root).is_some());
    let message = Message {
        channel,
        id,
        thread,
        author: user.to_owned(),
        text,
        files: vec![file.clone()],
        ..Message::default()
    };
    let (name, mime, owner) = (name.to_owned(), mime.to_owned(), user.to_owned());
    let kept = File { id: file.clone(), name, mime, alt: None, owner, bytes };
    office.files.insert(file, kept);
    office.post(at, message).map_err(|why| why.to_string())
}

/// `[reference#signed-attachment-cdn-urls]`: an address is signed and ends; without its sign it is
/// refused.
pub(super) async fn download(
    State(face): State<Arc<Face>>,
    Path((file, _)): Path<(String, String)>,
    uri: axum::http::Uri,
) -> Response {
    let mut world = face.shared.look();
    let office = world.office(&face.name);
    let signed = uri.query().is_some_and(|q| q.contains("hm="));
    match office.files.get(&file) {
        Some(file) if signed => {
            ([("content-type", file.mime.clone())], file.bytes.clone()).into_response()
        }
        Some(_) => StatusCode::FORBIDDEN.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
