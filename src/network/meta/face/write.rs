//! Comments and messages that are written and deleted. Source: docs, "Object comments", "IG comment
//! replies", "Send API", "Private replies", "Messaging windows", "Message tags".

use super::lists::other;
use super::names;
use super::view::{View, is_open, is_tag};
use super::{Answer, Call, Kind, Result, Stage, now};
use crate::case::model::Audience;
use crate::case::time::Span;
use crate::world::square::{API, Person, Square, SquarePost};
use serde_json::{Value, json};

/// Characters of a comment on Facebook and on Instagram, of a Messenger message; bytes of a message
/// on Instagram (docs, "Send a message"). The first three are a guess: Meta's pages do not say.
const COMMENT: usize = 8_000;
const IG_COMMENT: usize = 2_200;
const LETTER: usize = 2_000;
const IG_BYTES: usize = 1_000;
/// Characters of what comes back in an echo (docs, "Send API": less than 1,000).
const METADATA: usize = 1_000;

fn only(body: &Value, known: &[&str]) -> Result<()> {
    let Value::Object(all) = body else { return Err(Answer::invalid("The body is no object")) };
    match all.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Answer::invalid(&format!("Unexpected key \"{key}\" on param"))),
        None => Ok(()),
    }
}

fn words(body: &Value, key: &str, most: usize) -> Result<String> {
    let text = body[key].as_str().unwrap_or_default();
    if text.trim().is_empty() || text.chars().count() > most {
        return Err(Answer::invalid(&format!("Param {key} must have from 1 to {most} characters")));
    }
    Ok(text.to_owned())
}

fn put(stage: &Stage, post: SquarePost, gone: &str) -> Result<i64> {
    stage.act(|world| world.post(&stage.name, post)).map_err(|_| Answer::gone(gone))
}

/// An answer to a comment or a visitor's post.
pub(super) fn comment(stage: &Stage, call: &Call, us: &Person, id: &str) -> Result<Answer> {
    call.only(&[])?;
    let body = call.json()?;
    only(&body, &["message"])?;
    let most = if stage.kind == Kind::Facebook { COMMENT } else { IG_COMMENT };
    let text = words(&body, "message", most)?;
    let above = stage.see(|square| {
        let post = names::post(stage.kind, square, us, id).filter(|post| is_open(post));
        let post = post.filter(|post| !square.blocked(&us.id, &post.author));
        // Below a medium of somebody else there is another call.
        let post = post.filter(|post| stage.kind == Kind::Facebook || !is_tag(post));
        post.cloned().ok_or_else(|| Answer::gone(id))
    })?;
    let post = SquarePost {
        parent: Some(above.id),
        mentions: vec![above.author.clone()],
        audience: above.audience,
        app: Some(API.to_owned()),
        ..SquarePost::by(&us.id, &text)
    };
    let made = put(stage, post, id)?;
    let shown = stage.see(|square| {
        square.posts.get(&made).map(|post| names::id(stage.kind, us, post)).unwrap_or_default()
    });
    Ok(Answer::ok(json!({ "id": shown })))
}

/// An answer to whoever named us below his own medium. Source: docs, "IG user mentions".
pub(super) fn named(stage: &Stage, call: &Call, us: &Person) -> Result<Answer> {
    call.only(&[])?;
    let body = call.json()?;
    only(&body, &["media_id", "comment_id", "message"])?;
    let text = words(&body, "message", IG_COMMENT)?;
    let id = body["comment_id"].as_str().or_else(|| body["media_id"].as_str()).unwrap_or_default();
    let above = stage.see(|square| {
        let post = names::post(stage.kind, square, us, id);
        let post = post.filter(|post| is_open(post) && square.tells(post, &us.id));
        post.cloned().ok_or_else(|| Answer::gone(id))
    })?;
    let post = SquarePost {
        parent: Some(above.id),
        mentions: vec![above.author],
        app: Some(API.to_owned()),
        ..SquarePost::by(&us.id, &text)
    };
    Ok(Answer::ok(json!({ "id": put(stage, post, id)?.to_string() })))
}

/// A message, or the one private answer to a comment.
pub(super) fn message(stage: &Stage, call: &Call, us: &Person) -> Result<Answer> {
    call.only(&[])?;
    let body = call.json()?;
    only(&body, &["recipient", "messaging_type", "tag", "message"])?;
    let known: &[&str] =
        if stage.kind == Kind::Facebook { &["text", "metadata"] } else { &["text"] };
    only(&body["message"], known)?;
    let known: &[&str] = match stage.kind {
        Kind::Facebook => &["id", "comment_id", "post_id"],
        Kind::Instagram => &["id", "comment_id"],
    };
    only(&body["recipient"], known)?;
    let text = words(&body["message"], "text", LETTER)?;
    if stage.kind == Kind::Instagram && text.len() > IG_BYTES {
        return Err(Answer::invalid("Length of param message[text] must be less than 1000"));
    }
    let metadata = body["message"]["metadata"].as_str().map(str::to_owned);
    if metadata.as_ref().is_some_and(|text| text.chars().count() >= METADATA) {
        return Err(Answer::invalid("Length of param message[metadata] must be less than 1000"));
    }
    let (to, comment) = stage.see(|square| match public(&body["recipient"]) {
        Some((id, is_comment)) => {
            let to = private(stage.kind, square, us, (id, is_comment))?;
            Ok((to, Some(id.to_owned())))
        }
        None => open_to(stage, square, us, &body).map(|to| (to, None)),
    })?;
    let post = SquarePost {
        audience: Audience::Direct,
        mentions: vec![to.clone()],
        key: metadata,
        app: Some(API.to_owned()),
        ..SquarePost::by(&us.id, &text)
    };
    let made = put(stage, post, &to)?;
    if let Some(id) = comment {
        stage.act(|world| {
            let (now, key) = (world.now, (us.id.clone(), format!("private {id}")));
            world.square(&stage.name).keys.insert(key, (made, now));
        });
    }
    let (to, id) = (names::number(&to), format!("m_{made}"));
    Ok(Answer::ok(json!({ "recipient_id": to, "message_id": id })))
}

/// The comment (`true`) or visitor's post whose author is written to.
fn public(recipient: &Value) -> Option<(&str, bool)> {
    let comment = recipient["comment_id"].as_str().map(|id| (id, true));
    comment.or_else(|| recipient["post_id"].as_str().map(|id| (id, false)))
}

/// Source: docs, "Private replies": once for a comment or a visitor's post, within seven days. The
/// code of a second one was told by others.
fn private(kind: Kind, square: &Square, us: &Person, to: (&str, bool)) -> Result<String> {
    let (id, is_comment) = to;
    let post = names::post(kind, square, us, id).filter(|post| is_open(post));
    // Instagram knows comments only.
    let fits = |post: &&SquarePost| kind == Kind::Instagram || post.parent.is_some() == is_comment;
    let post = post.filter(fits).ok_or_else(|| Answer::gone(id))?;
    if now().since(post.written) > Span::days(7) {
        return Err(closed());
    }
    if square.keys.contains_key(&(us.id.clone(), format!("private {id}"))) {
        return Err(Answer::no(400, 10_900, 0, "Activity already replied to"));
    }
    Ok(post.author.clone())
}

fn closed() -> Answer {
    Answer::no(400, 10, 2_018_278, "This message is sent outside of allowed window.")
}

/// Source: docs, "Messaging windows": 24 hours after his last message; with the tag seven days, if
/// the app was granted it (`human_agent` in the square's manner).
fn open_to(stage: &Stage, square: &Square, us: &Person, body: &Value) -> Result<String> {
    let nobody = || Answer::no(400, 100, 2_018_001, "No matching user found");
    let id = body["recipient"]["id"].as_str().unwrap_or_default();
    let to = names::person(square, id).ok_or_else(nobody)?;
    if square.blocked(&us.id, &to.id) {
        return Err(Answer::no(400, 551, 1_545_041, "This person isn't available right now."));
    }
    let granted = square.manner.contains("human_agent");
    let window = match (body["messaging_type"].as_str(), body["tag"].as_str()) {
        (Some("MESSAGE_TAG"), Some("HUMAN_AGENT")) if granted => Span::days(7),
        (Some("MESSAGE_TAG"), _) => return Err(Answer::invalid("Invalid parameter")),
        (Some("RESPONSE"), None) => Span::hours(24),
        (None, None) if stage.kind == Kind::Instagram => Span::hours(24),
        _ => return Err(Answer::invalid("Param messaging_type is not valid")),
    };
    let mut theirs = square.posts.values().rev();
    let last = theirs.find(|post| post.author == to.id && other(post, &us.id).is_some());
    let last = last.ok_or_else(nobody)?;
    if now().since(last.written) > window { Err(closed()) } else { Ok(to.id.clone()) }
}

/// Source: docs, "Comment": of our own, or below our posts.
pub(super) fn delete(stage: &Stage, call: &Call, us: &Person, id: &str) -> Result<Answer> {
    call.only(&[])?;
    let post = stage.see(|square| {
        let view = View { kind: stage.kind, square, us, base: &call.base };
        let post = names::post(view.kind, square, us, id).filter(|post| is_open(post));
        post.map(|post| (post.id, post.author.clone())).ok_or_else(|| Answer::gone(id))
    })?;
    let done = stage.act(|world| {
        let now = world.now;
        world.square(&stage.name).delete(now, &us.id, post.0)
    });
    let refused = |_| Answer::no(403, 200, 0, "Permissions error");
    done.map(|()| Answer::ok(json!({ "success": true }))).map_err(refused)
}
