//! Posts. Source: docs, methods/statuses.

use super::call::Call;
use super::json::{self, View};
use super::{Answer, Flavour, Result, Stage};
use crate::case::model::Audience;
use crate::case::time::Span;
use crate::world::World;
use crate::world::clock::now;
use crate::world::square::{No, Square, SquarePost};
use serde_json::json;

/// Longest post. Source: docs, entities/Instance (`max_characters`); GoToSocial's default is 5000.
pub(super) const fn limit(flavour: Flavour) -> usize {
    if matches!(flavour, Flavour::GoToSocial) { 5000 } else { 500 }
}

pub(super) fn answer(stage: &Stage, call: &Call, rest: &[&str]) -> Result<Answer> {
    match (call.method.as_str(), rest) {
        ("POST", []) => create(stage, call),
        ("GET", []) => several(stage, call),
        ("GET", [id]) => one(stage, call, id),
        ("PUT", [id]) => edit(stage, call, id),
        ("DELETE", [id]) => delete(stage, call, id),
        ("GET", [id, what]) => around(stage, call, id, what),
        _ => Err(Answer::missing()),
    }
}

fn show(call: &Call, square: &Square, id: i64) -> Result<Answer> {
    let view = View { square, base: &call.base, flavour: call.flavour };
    let post = square.posts.get(&id).ok_or_else(Answer::missing)?;
    Ok(Answer::ok(json::status(&view, post)))
}

const CREATE: [&str; 8] = [
    "status",
    "in_reply_to_id",
    "media_ids",
    "sensitive",
    "spoiler_text",
    "visibility",
    "language",
    "quote_approval_policy",
];

/// Source: docs, methods/statuses#create. Who is not named in the text is not told, even if his
/// post is answered. Polls and scheduled posts are not pretended.
fn create(stage: &Stage, call: &Call) -> Result<Answer> {
    let me = call.me()?.clone();
    call.takes(&CREATE)?;
    let key = call.header("idempotency-key").map(str::to_owned);
    stage.act(|world| {
        let (square, now) = (world.square(&stage.name), now());
        if let Some(known) = repeated(square, call, &me.id, key.as_deref(), now) {
            return show(call, square, known);
        }
        let mut post = draft(square, call, &me.id)?;
        post.key = key.filter(|key| !key.is_empty());
        post.app = Some("an app".into());
        let id = world.post(&stage.name, post).map_err(refusal)?;
        show(call, world.square(&stage.name), id)
    })
}

/// The post that came before under this key. Source: docs, methods/statuses#create: a key is kept
/// for up to one hour. GoToSocial ignores it (measured, `realservers.md` 3).
fn repeated(
    square: &Square,
    call: &Call,
    me: &str,
    key: Option<&str>,
    now: crate::case::time::Timestamp,
) -> Option<i64> {
    if call.flavour == Flavour::GoToSocial {
        return None;
    }
    let (id, at) = square.keys.get(&(me.to_owned(), key?.to_owned()))?;
    (now.since(*at) < Span::hours(1)).then_some(*id)
}

/// The post as it was asked for.
fn draft(square: &Square, call: &Call, me: &str) -> Result<SquarePost> {
    let text = call.param("status").unwrap_or_default().trim();
    let warning = call.param("spoiler_text").map(str::to_owned);
    let media = call.all("media_ids");
    call.flag("sensitive")?;
    checked(square, call, text, warning.as_deref(), &media)?;
    let parent = match call.param("in_reply_to_id") {
        None => None,
        Some(id) => Some(target(square, call, me, id)?),
    };
    // The caller's own server needs no name behind a handle. Source: docs, user/posting.
    let host = call.base.trim_start_matches("http://");
    let mentions = square.called(&text.replace(&format!("@{host}"), ""));
    Ok(SquarePost {
        parent,
        audience: audience(call)?,
        warning,
        mentions,
        media,
        language: call.param("language").map(str::to_owned),
        ..SquarePost::by(me, text)
    })
}

/// Source: docs, methods/statuses#create (422 "Validation failed: …"); GoToSocial answers an empty
/// post with 400 (measured, `realservers.md` 3).
fn checked(
    square: &Square,
    call: &Call,
    text: &str,
    warning: Option<&str>,
    media: &[String],
) -> Result<()> {
    let most = limit(call.flavour);
    if text.is_empty() && media.is_empty() {
        let status = if call.flavour == Flavour::GoToSocial { 400 } else { 422 };
        return Err(Answer::no(status, "Validation failed: Text can't be blank"));
    }
    if length(text) + warning.map_or(0, |warning| warning.chars().count()) > most {
        let error = format!("Validation failed: Text character limit of {most} exceeded");
        return Err(Answer::no(422, &error));
    }
    if media.len() > 4 {
        return Err(Answer::no(422, "Cannot attach more than 4 files"));
    }
    let waits = |id: &&String| square.media.get(*id).is_some_and(|m| m.pending > 0);
    if media.iter().any(|id| waits(&id)) {
        let error = "Cannot attach files that have not finished processing. Try again in a moment!";
        return Err(Answer::no(422, error));
    }
    Ok(())
}

/// Source: docs, user/posting: links count 23, a mention only its local part.
fn length(text: &str) -> usize {
    let word = |word: &str| {
        if word.starts_with("http://") || word.starts_with("https://") {
            return 23;
        }
        let host = word.strip_prefix('@').and_then(|rest| rest.find('@'));
        host.map_or_else(|| word.chars().count(), |at| word[..=at].chars().count())
    };
    let spaces = text.chars().filter(|c| c.is_whitespace()).count();
    text.split_whitespace().map(word).sum::<usize>() + spaces
}

/// Source: docs, methods/statuses#create: 404 when the post to be answered is gone or hidden;
/// also when its author blocked the caller (mastodon/mastodon issue 23207).
fn target(square: &Square, call: &Call, me: &str, id: &str) -> Result<i64> {
    let gone = || Answer::no(404, "The post you are trying to reply to does not appear to exist.");
    let number = json::number(call.flavour, id).ok_or_else(gone)?;
    square.read(Some(me), number).map(|post| post.id).map_err(|_| gone())
}

/// Source: docs, entities/Status#visibility. Without one, GoToSocial takes `unlisted`.
fn audience(call: &Call) -> Result<Audience> {
    match call.param("visibility") {
        Some("public") => Ok(Audience::Public),
        Some("unlisted") => Ok(Audience::Unlisted),
        Some("private") => Ok(Audience::Followers),
        Some("direct") => Ok(Audience::Direct),
        Some(_) => Err(Answer::no(422, "Validation failed: Visibility is not included")),
        None if call.flavour == Flavour::GoToSocial => Ok(Audience::Unlisted),
        None => Ok(Audience::Public),
    }
}

fn refusal(no: No) -> Answer {
    match no {
        No::NoMedium => Answer::no(422, "Validation failed: Media is not known"),
        // Somebody else's post is answered as if it were not there. Source: docs,
        // methods/statuses#delete ("404 - Status is not owned by you or does not exist").
        No::NoPerson | No::NoPost | No::NotYours => Answer::missing(),
    }
}

/// Source: docs, methods/statuses#index (`id[]`, since Mastodon 4.3).
fn several(stage: &Stage, call: &Call) -> Result<Answer> {
    call.takes(&["id"])?;
    if call.flavour != Flavour::Mastodon {
        return Err(Answer::missing());
    }
    let mut world = stage.world.look();
    let square = &*world.square(&stage.name);
    let view = View { square, base: &call.base, flavour: call.flavour };
    let ids = call.all("id");
    let ids = ids.iter().filter_map(|id| json::number(call.flavour, id));
    let posts = ids.filter_map(|id| square.read(call.viewer(), id).ok());
    Ok(Answer::ok(posts.map(|post| json::status(&view, post)).collect()))
}

fn one(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    call.takes(&[])?;
    let mut world = stage.world.look();
    let square = &*world.square(&stage.name);
    let number = json::number(call.flavour, id).ok_or_else(Answer::missing)?;
    square.read(call.viewer(), number).map_err(refusal)?;
    show(call, square, number)
}

/// Source: docs, methods/statuses#context, #source, #history.
fn around(stage: &Stage, call: &Call, id: &str, what: &str) -> Result<Answer> {
    call.takes(&[])?;
    let mut world = stage.world.look();
    let square = &*world.square(&stage.name);
    let number = json::number(call.flavour, id).ok_or_else(Answer::missing)?;
    let post = square.read(call.viewer(), number).map_err(refusal)?;
    let view = View { square, base: &call.base, flavour: call.flavour };
    let shown = |posts: Vec<&SquarePost>| -> Vec<_> {
        let seen = posts.into_iter().filter(|post| square.may_read(call.viewer(), post));
        seen.map(|post| json::status(&view, post)).collect()
    };
    let warning = post.warning.clone().unwrap_or_default();
    match what {
        "context" => Ok(Answer::ok(json!({
            "ancestors": shown(square.ancestors(number)),
            "descendants": shown(square.descendants(number)),
        }))),
        "source" => {
            call.me()?;
            Ok(Answer::ok(json!({ "id": id, "text": post.text, "spoiler_text": warning })))
        }
        "history" => Ok(Answer::ok(json!([json::status(&view, post)]))),
        _ => Err(Answer::missing()),
    }
}

/// Source: docs, methods/statuses#edit. Who is newly named is told by the real server; here an
/// edit changes whom the post names, and nobody else is told.
fn edit(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let me = call.me()?.clone();
    call.takes(&["status", "spoiler_text", "sensitive", "language", "media_ids"])?;
    let number = json::number(call.flavour, id).ok_or_else(Answer::missing)?;
    stage.act(|world: &mut World| {
        let square = world.square(&stage.name);
        let new = draft(square, call, &me.id)?;
        let change = |post: &mut SquarePost| {
            post.text = new.text;
            post.warning = new.warning;
            post.mentions = new.mentions;
            post.media = new.media;
        };
        square.edit(now(), &me.id, number, change).map_err(refusal)?;
        show(call, square, number)
    })
}

/// Source: docs, methods/statuses#delete: the answer holds the source; a second time 404 (Mastodon)
/// or 200 (GoToSocial, measured, `realservers.md` 3).
fn delete(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let me = call.me()?.clone();
    call.takes(&["delete_media"])?;
    let number = json::number(call.flavour, id).ok_or_else(Answer::missing)?;
    stage.act(|world: &mut World| {
        let square = world.square(&stage.name);
        let mine = square.posts.get(&number).is_some_and(|post| post.author == me.id);
        let done = square.delete(now(), &me.id, number);
        if !(mine && call.flavour == Flavour::GoToSocial) {
            done.map_err(refusal)?;
        }
        let mut answer = show(call, square, number)?;
        answer.body["text"] = json!(square.posts[&number].text);
        Ok(answer)
    })
}
