//! What X lists, newest first, in pages. Source: openapi and docs, "Timelines", "Posts lookup".

use super::view::{View, WISHES, Wishes};
use super::{Answer, Call, Result, Stage, caller, names};
use crate::case::model::Audience;
use crate::case::time::Timestamp;
use crate::world::square::{Square, SquarePost};
use serde_json::{Value, json};

/// Mentions that X keeps within reach (docs, "Timelines").
const REACH: usize = 800;
/// Parameters of a timeline.
const TIMELINE: &[&str] = &[
    "max_results",
    "pagination_token",
    "since_id",
    "until_id",
    "start_time",
    "end_time",
    "exclude",
];

pub(super) fn me(stage: &Stage, call: &Call) -> Result<Answer> {
    let me = caller(stage, call)?;
    call.only(WISHES)?;
    let wishes = Wishes::of(call)?;
    stage.see(|square| {
        let view = View { square, base: &call.base, wishes };
        Ok(Answer::ok(json!({ "data": view.user(&me.id) })))
    })
}

/// Is this post open to everybody?
pub(super) fn is_public(post: &SquarePost) -> bool {
    !post.deleted && matches!(post.audience, Audience::Public | Audience::Unlisted)
}

/// Does this post tell this person of itself: by his name, or because it answers him?
pub(super) fn tells(square: &Square, post: &SquarePost, who: &str) -> bool {
    let parent = post.parent.and_then(|id| square.posts.get(&id));
    let answers = parent.is_some_and(|parent| parent.author == who && post.author != who);
    is_public(post) && (square.tells(post, who) || answers && !square.blocked(who, &post.author))
}

pub(super) fn mentions(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let wanted = |square: &Square, post: &SquarePost, who: &str| tells(square, post, who);
    timeline(stage, call, id, wanted)
}

pub(super) fn written(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let wanted = |_: &Square, post: &SquarePost, who: &str| is_public(post) && post.author == who;
    timeline(stage, call, id, wanted)
}

fn known() -> Vec<&'static str> {
    WISHES.iter().chain(TIMELINE).copied().collect()
}

fn number(call: &Call, name: &str) -> Result<Option<i64>> {
    let Some(text) = call.param(name) else { return Ok(None) };
    let odd =
        || Answer::invalid(&format!("The `{name}` query parameter value [{text}] is not valid"));
    text.parse().map(Some).map_err(|_| odd())
}

/// Source: openapi: `YYYY-MM-DDTHH:mm:ssZ`; anything finer is refused.
fn instant(call: &Call, name: &str) -> Result<Option<Timestamp>> {
    let Some(text) = call.param(name) else { return Ok(None) };
    let good = text.len() == 20 && text.ends_with('Z');
    let odd =
        || Answer::invalid(&format!("The `{name}` query parameter value [{text}] is not valid"));
    Timestamp::parse(text).filter(|_| good).map(Some).ok_or_else(odd)
}

/// A token that leads to what is older than this id.
pub(super) fn token(id: &str) -> String {
    format!("7140{}", hex::encode(id))
}

pub(super) fn older(call: &Call) -> Result<Option<i64>> {
    let Some(text) = call.param("pagination_token") else { return Ok(None) };
    let read = || {
        let id = hex::decode(text.strip_prefix("7140")?).ok()?;
        String::from_utf8(id).ok()?.parse().ok()
    };
    let odd = || Answer::invalid("The `pagination_token` query parameter is not valid");
    read().map(Some).ok_or_else(odd)
}

fn timeline(
    stage: &Stage,
    call: &Call,
    id: &str,
    wanted: impl Fn(&Square, &SquarePost, &str) -> bool,
) -> Result<Answer> {
    caller(stage, call)?;
    call.only(&known())?;
    let (count, wishes) = (call.count(5, 10)?, Wishes::of(call)?);
    let (since, older) = (number(call, "since_id")?, older(call)?);
    let from = instant(call, "start_time")?;
    stage.see(|square| {
        let who = names::person(square, id).ok_or_else(|| gone(id))?;
        let mut all: Vec<(i64, &SquarePost)> = square
            .posts
            .values()
            .filter(|post| wanted(square, post, &who.id))
            .map(|post| (names::newest(square, post).parse().unwrap_or(post.id), post))
            .collect();
        all.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        all.truncate(REACH);
        all.retain(|(id, post)| {
            let written = post.edited.unwrap_or(post.written);
            since.is_none_or(|since| *id > since)
                && older.is_none_or(|older| *id < older)
                && from.is_none_or(|from| written >= from)
        });
        Ok(Answer::ok(page(&View { square, base: &call.base, wishes }, &all, count)))
    })
}

/// One page. Where there is nothing, there is no `data` (openapi).
fn page(view: &View<'_>, all: &[(i64, &SquarePost)], count: usize) -> Value {
    let shown: Vec<&SquarePost> = all.iter().take(count).map(|(_, post)| *post).collect();
    let mut body = json!({ "meta": { "result_count": shown.len() } });
    if let (Some((newest, _)), Some((oldest, _))) =
        (all.first(), all.get(shown.len().saturating_sub(1)))
    {
        body["data"] = shown.iter().map(|post| view.post(post)).collect();
        body["includes"] = view.includes(&shown);
        body["meta"]["newest_id"] = json!(newest.to_string());
        body["meta"]["oldest_id"] = json!(oldest.to_string());
        if all.len() > count {
            body["meta"]["next_token"] = json!(token(&oldest.to_string()));
        }
    }
    body
}

/// A part that is missing. Source: openapi, `ResourceNotFoundProblem`.
fn missing(id: &str) -> Value {
    json!({
        "type": "https://api.x.com/2/problems/resource-not-found", "title": "Not Found Error",
        "detail": format!("Could not find tweet with ids: [{id}]."), "resource_type": "tweet",
        "parameter": "ids", "resource_id": id, "value": id,
    })
}

fn gone(id: &str) -> Answer {
    let mut no = Answer::no(404, "resource-not-found", "Not Found Error", "Could not find it");
    no.body["resource_id"] = json!(id);
    no
}

/// Some posts by their ids: those that are missing are told with status 200.
pub(super) fn some(stage: &Stage, call: &Call) -> Result<Answer> {
    caller(stage, call)?;
    call.only(&[WISHES, &["ids"]].concat())?;
    let ids: Vec<&str> = call.param("ids").unwrap_or_default().split(',').collect();
    if ids.len() > 100 || ids.iter().any(|id| id.parse::<i64>().is_err()) {
        return Err(Answer::invalid("The `ids` query parameter must hold 1 to 100 ids"));
    }
    let wishes = Wishes::of(call)?;
    stage.see(|square| {
        let view = View { square, base: &call.base, wishes };
        let find = |id: &str| names::post(square, id).filter(|post| is_public(post));
        let there: Vec<&SquarePost> = ids.iter().filter_map(|id| find(id)).collect();
        let lost: Vec<Value> =
            ids.iter().filter(|id| find(id).is_none()).map(|id| missing(id)).collect();
        let mut body = json!({});
        if !there.is_empty() {
            body["data"] = there.iter().map(|post| view.post(post)).collect();
            body["includes"] = view.includes(&there);
        }
        if !lost.is_empty() {
            body["errors"] = json!(lost);
        }
        Ok(Answer::ok(body))
    })
}

pub(super) fn one(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    caller(stage, call)?;
    call.only(WISHES)?;
    let wishes = Wishes::of(call)?;
    stage.see(|square| {
        let view = View { square, base: &call.base, wishes };
        Ok(Answer::ok(match names::post(square, id).filter(|post| is_public(post)) {
            Some(post) => json!({ "data": view.post(post), "includes": view.includes(&[post]) }),
            None => json!({ "errors": [missing(id)] }),
        }))
    })
}
