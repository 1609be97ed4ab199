//! Posts that are written and deleted. Source: openapi, `CreatePostsRequest` (no other keys); docs,
//! "Create Post" and "Manage Posts": who may answer whom.

use super::{Answer, Call, Result, Stage, caller, lists, names, now};
use crate::case::time::Span;
use crate::case::weigh::weighted;
use crate::world::square::{API, No, Person, Square, SquarePost};
use serde_json::{Value, json};

const KEYS: &[&str] = &[
    "text",
    "reply",
    "media",
    "quote_tweet_id",
    "reply_settings",
    "poll",
    "edit_options",
    "made_with_ai",
    "paid_partnership",
];
/// The longest post. Source: twitter-text, config/v3.json.
const LONGEST: usize = 280;
/// How long the same words are refused. A guess: X does not say.
const SAME: Span = Span::hours(24);

/// Only keys that are known.
pub(super) fn only(body: &Value, known: &[&str]) -> Result<()> {
    let Value::Object(all) = body else { return Err(Answer::invalid("The body is no object")) };
    match all.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Answer::invalid(&format!("$.{key}: is not defined in the schema"))),
        None => Ok(()),
    }
}

pub(super) fn create(stage: &Stage, call: &Call) -> Result<Answer> {
    let me = caller(stage, call)?;
    let body = call.json()?;
    only(&body, KEYS)?;
    let text = body["text"].as_str().unwrap_or_default().to_owned();
    let media = media(&body)?;
    if text.trim().is_empty() && media.is_empty() {
        return Err(Answer::invalid("$: one of text or media is required"));
    }
    if weighted(&text) > LONGEST {
        return Err(Answer::forbidden("Your Tweet text is too long."));
    }
    let parent = match &body["reply"] {
        Value::Null => None,
        reply => Some(parent(stage, &me, reply)?),
    };
    if stage.see(|square| is_again(square, &me, &text)) {
        return Err(Answer::forbidden(
            "You are not allowed to create a Tweet with duplicate content.",
        ));
    }
    let post = SquarePost {
        parent: parent.as_ref().map(|parent| parent.id),
        mentions: stage.see(|square| told(square, &me, parent.as_ref(), &text)),
        media,
        app: Some(API.to_owned()),
        ..SquarePost::by(&me.id, &text)
    };
    let done = stage.act(|world| world.post(&stage.name, post));
    let id = done.map_err(|no| match no {
        No::NoMedium => Answer::invalid("Your media IDs are invalid."),
        _ => gone(),
    })?;
    let id = id.to_string();
    let data = json!({ "id": id, "text": text, "edit_history_tweet_ids": [id] });
    Ok(Answer::made(json!({ "data": data })))
}

/// Whom a post tells: those it names, and those of the conversation it answers.
fn told(square: &Square, me: &Person, parent: Option<&SquarePost>, text: &str) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    if let Some(parent) = parent {
        told.push(parent.author.clone());
        told.extend(parent.mentions.clone());
    }
    told.extend(square.called(text));
    let mut seen = std::collections::BTreeSet::from([me.id.clone()]);
    told.retain(|id| seen.insert(id.clone()));
    told
}

fn media(body: &Value) -> Result<Vec<String>> {
    let Some(ids) = body["media"]["media_ids"].as_array() else { return Ok(Vec::new()) };
    let ids: Vec<String> = ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    if !(1..=4).contains(&ids.len()) {
        return Err(Answer::invalid("$.media.media_ids: must have from 1 to 4 items"));
    }
    Ok(ids)
}

fn gone() -> Answer {
    Answer::forbidden("You attempted to reply to a Tweet that is deleted or not visible to you.")
}

/// The post to be answered, if it may be: its author names us, or answers us, or is ourselves.
/// Whether an answer to us counts is a guess (`platforms.md` 16.1).
fn parent(stage: &Stage, me: &Person, reply: &Value) -> Result<SquarePost> {
    only(reply, &["in_reply_to_tweet_id", "exclude_reply_user_ids"])?;
    let id = reply["in_reply_to_tweet_id"].as_str();
    let odd = || Answer::invalid("$.reply.in_reply_to_tweet_id: does not match ^[0-9]{1,19}$");
    let id = id.filter(|id| id.parse::<i64>().is_ok()).ok_or_else(odd)?;
    stage.see(|square| {
        let post = names::post(square, id)
            .filter(|post| lists::is_public(post) && !square.blocked(&me.id, &post.author));
        let post = post.ok_or_else(gone)?;
        let open = post.author == me.id || lists::tells(square, post, &me.id) || !me.is_us;
        if !open {
            return Err(Answer::forbidden(
                "Reply to this conversation is not allowed because you have not been mentioned or \
                 otherwise engaged by the author of the post you are replying to.",
            ));
        }
        Ok(post.clone())
    })
}

/// Did this account say the same not long ago?
fn is_again(square: &Square, me: &Person, text: &str) -> bool {
    let (bare, now) = (text.trim(), now());
    let mut own = square.posts.values().rev().filter(|post| post.author == me.id && !post.deleted);
    !bare.is_empty() && own.any(|post| post.text.trim() == bare && now.since(post.written) < SAME)
}

/// Source: docs, "Delete Post"; deleting what is gone also says that it is (a guess).
pub(super) fn delete(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let me = caller(stage, call)?;
    let post = stage.see(|square| names::post(square, id).cloned());
    if let Some(post) = post {
        if post.author != me.id {
            return Err(Answer::forbidden("You are not authorized to delete this Tweet."));
        }
        let _ = stage.act(|world| {
            let now = world.now;
            world.square(&stage.name).delete(now, &me.id, post.id)
        });
    }
    Ok(Answer::ok(json!({ "data": { "deleted": true } })))
}
