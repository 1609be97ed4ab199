//! What the network's view lists. Source: lexicons `app.bsky.*`; order and cursor of notifications
//! measured (`realservers.md` 2, "Mentions").

use super::view::View;
use super::{Answer, Call, Memory, Result, Stage, caller, names, record, unknown};
use crate::case::time::Timestamp;
use crate::world::square::{Square, SquarePost};
use serde_json::{Value, json};

/// How far up a reply tells the authors of a conversation. Source: atproto,
/// bsky/src/data-plane/server/indexing/plugins/post.ts (`REPLY_NOTIF_DEPTH`).
const DEPTH: usize = 5;

pub(super) fn answer(stage: &Stage, call: &Call) -> Result<Answer> {
    match call.nsid.as_str() {
        "app.bsky.notification.listNotifications" => notifications(stage, call),
        "app.bsky.feed.getPosts" => posts(stage, call),
        "app.bsky.feed.getPostThread" => thread(stage, call),
        "app.bsky.feed.getAuthorFeed" => written(stage, call),
        "app.bsky.actor.getProfile" => profile(stage, call),
        "app.bsky.actor.getProfiles" => profiles(stage, call),
        "com.atproto.identity.resolveHandle" => resolve(stage, call),
        _ => Err(unknown()),
    }
}

/// Looks with the eyes of whoever calls, or of a stranger.
fn look<T>(stage: &Stage, call: &Call, what: impl FnOnce(&View<'_>) -> T) -> Result<T> {
    let me = call.token().map(|_| caller(stage, call)).transpose()?;
    let memory = stage.memory();
    Ok(stage.see(|square| {
        let me = me.as_ref().map(|me| me.id.as_str());
        what(&View { square, memory: &memory, me, base: &call.base })
    }))
}

/// Why a post tells this person of itself, if it does.
fn reason(square: &Square, memory: &Memory, post: &SquarePost, me: &str) -> Option<&'static str> {
    if post.author == me || square.blocked(me, &post.author) {
        return None;
    }
    if post.mentions.iter().any(|id| id == me) {
        return Some("mention");
    }
    let quoted = memory.records.get(&post.id).map(|record| &record["embed"]);
    let quoted =
        quoted.and_then(|e| e["record"]["uri"].as_str().or(e["record"]["record"]["uri"].as_str()));
    if quoted.and_then(|uri| names::post(square, uri)).is_some_and(|post| post.author == me) {
        return Some("quote");
    }
    let above = square.ancestors(post.id);
    above.iter().rev().take(DEPTH).any(|post| post.author == me).then_some("reply")
}

/// Newest first by the time each post claims; the cursor is the time of the last one and leads to
/// what is older. Deleted posts are not listed. Source: measured.
fn notifications(stage: &Stage, call: &Call) -> Result<Answer> {
    let me = caller(stage, call)?;
    let limit = call.limit(50)?;
    let wanted = call.all("reasons");
    let before = call
        .param("cursor")
        .map(|text| Timestamp::parse(text).ok_or_else(|| Answer::invalid("Malformed cursor")));
    let before = before.transpose()?;
    look(stage, call, |view| {
        let told = view.square.posts.values().filter(|post| !post.deleted).filter_map(|post| {
            let reason = reason(view.square, view.memory, post, &me.id)?;
            let sort = record::sort(view.memory, post);
            let here = before.is_none_or(|before| sort < before);
            (here && (wanted.is_empty() || wanted.contains(&reason)))
                .then_some((sort, post, reason))
        });
        let mut told: Vec<_> = told.collect();
        told.sort_by_key(|(sort, post, _)| std::cmp::Reverse((*sort, post.id)));
        told.truncate(limit);
        let mut body = json!({ "priority": false });
        if let Some((sort, _, _)) = told.last() {
            body["cursor"] = json!(record::time(*sort));
        }
        let items = told.iter().map(|(sort, post, reason)| notice(view, *sort, post, reason));
        body["notifications"] = items.collect();
        Answer::ok(body)
    })
}

fn notice(view: &View<'_>, sort: Timestamp, post: &SquarePost, reason: &str) -> Value {
    let record = record::of(view.square, view.memory, post);
    let mut notice = json!({
        "uri": names::uri(post),
        "cid": names::cid(&record),
        "author": view.author(&post.author),
        "reason": reason,
        "isRead": false,
        "indexedAt": record::time(sort),
        "labels": [],
    });
    if let Some(parent) = post.parent.and_then(|id| view.square.posts.get(&id)) {
        notice["reasonSubject"] = json!(names::uri(parent));
    }
    notice["record"] = record;
    notice
}

/// Those that are not there are left out. Source: lexicon `app.bsky.feed.getPosts`.
fn posts(stage: &Stage, call: &Call) -> Result<Answer> {
    let uris = call.all("uris");
    if uris.is_empty() || uris.len() > 25 {
        return Err(Answer::invalid("Error: uris must not have more than 25 elements"));
    }
    look(stage, call, |view| {
        let found = uris.iter().filter_map(|uri| names::post(view.square, uri));
        let shown = found.filter(|post| view.shows(post)).map(|post| view.post(post));
        Answer::ok(json!({ "posts": shown.collect::<Vec<_>>() }))
    })
}

/// Source: lexicon `app.bsky.feed.getPostThread`; its error `NotFound`.
fn thread(stage: &Stage, call: &Call) -> Result<Answer> {
    let uri = call.must("uri")?;
    let missing = || Answer::no(400, "NotFound", &format!("Post not found: {uri}"));
    look(stage, call, |view| {
        let post = names::post(view.square, uri).filter(|post| view.shows(post));
        let post = post.ok_or_else(missing)?;
        let mut thread = below(view, post, 6);
        if let Some(parent) = post.parent.and_then(|id| view.square.posts.get(&id)) {
            thread["parent"] = above(view, parent);
        }
        Ok(Answer::ok(json!({ "thread": thread })))
    })?
}

fn above(view: &View<'_>, post: &SquarePost) -> Value {
    if post.deleted || !view.shows(post) {
        let kind = "app.bsky.feed.defs#notFoundPost";
        return json!({ "$type": kind, "uri": names::uri(post), "notFound": true });
    }
    let mut thread = whole(view, post);
    if let Some(parent) = post.parent.and_then(|id| view.square.posts.get(&id)) {
        thread["parent"] = above(view, parent);
    }
    thread
}

fn whole(view: &View<'_>, post: &SquarePost) -> Value {
    json!({ "$type": "app.bsky.feed.defs#threadViewPost", "post": view.post(post) })
}

fn below(view: &View<'_>, post: &SquarePost, depth: usize) -> Value {
    let mut thread = whole(view, post);
    if depth > 0 {
        let answers = view.square.answers_to(post.id).filter(|answer| view.shows(answer));
        thread["replies"] = answers.map(|post| below(view, post, depth - 1)).collect();
    }
    thread
}

/// Source: lexicon `app.bsky.feed.getAuthorFeed`.
fn written(stage: &Stage, call: &Call) -> Result<Answer> {
    let (actor, limit) = (call.must("actor")?, call.limit(50)?);
    let before = call.param("cursor").and_then(Timestamp::parse);
    look(stage, call, |view| {
        let person = names::person(view.square, actor);
        let person = person.ok_or_else(|| Answer::invalid("Profile not found"))?;
        let mut posts: Vec<(Timestamp, &SquarePost)> = view
            .square
            .written_by(&person.id)
            .map(|post| (record::sort(view.memory, post), post))
            .filter(|(sort, post)| view.shows(post) && before.is_none_or(|before| *sort < before))
            .collect();
        posts.sort_by_key(|(sort, post)| std::cmp::Reverse((*sort, post.id)));
        posts.truncate(limit);
        let mut body = json!({});
        if let Some((sort, _)) = posts.last() {
            body["cursor"] = json!(record::time(*sort));
        }
        body["feed"] = posts.iter().map(|(_, post)| json!({ "post": view.post(post) })).collect();
        Ok(Answer::ok(body))
    })?
}

/// Source: lexicon `app.bsky.actor.getProfile`.
fn profile(stage: &Stage, call: &Call) -> Result<Answer> {
    let actor = call.must("actor")?;
    look(stage, call, |view| {
        let person = names::person(view.square, actor);
        let person = person.ok_or_else(|| Answer::invalid("Profile not found"))?;
        Ok(Answer::ok(view.profile(person)))
    })?
}

/// Those that are not there are left out. Source: lexicon `app.bsky.actor.getProfiles`.
fn profiles(stage: &Stage, call: &Call) -> Result<Answer> {
    let actors = call.all("actors");
    if actors.is_empty() || actors.len() > 25 {
        return Err(Answer::invalid("Error: actors must not have more than 25 elements"));
    }
    look(stage, call, |view| {
        let people = actors.iter().filter_map(|actor| names::person(view.square, actor));
        let profiles: Vec<Value> = people.map(|person| view.profile(person)).collect();
        Answer::ok(json!({ "profiles": profiles }))
    })
}

/// Source: lexicon `com.atproto.identity.resolveHandle`.
fn resolve(stage: &Stage, call: &Call) -> Result<Answer> {
    let handle = call.must("handle")?;
    let did = stage.see(|square| names::person(square, handle).map(|p| names::did(&p.id)));
    let missing = || Answer::invalid("Unable to resolve handle");
    Ok(Answer::ok(json!({ "did": did.ok_or_else(missing)? })))
}
