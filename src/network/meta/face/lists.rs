//! What Meta lists, newest first, in pages. Source: docs, "Page feed", "Object comments", "IG
//! media", "Conversations API", "Debug token".

use super::fields::{self, Field, only};
use super::names::{self, PICTURE};
use super::view::{View, is_open, is_tag, keep, page, time};
use super::{Answer, Call, Kind, Result, Stage};
use crate::case::model::Audience;
use crate::world::square::{Person, Square, SquarePost};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Messages of a conversation that can be read (docs, "Conversations API": the 20 newest).
const LETTERS: usize = 20;

fn listed(call: &Call, us: &Person, more: &[&str]) -> Result<(Vec<Field>, usize)> {
    call.only(&[&["fields", "limit", "after"], more].concat())?;
    let of = call.path.split('/').next().unwrap_or_default();
    if of != names::number(&us.id) && of != "me" {
        return Err(Answer::gone(of));
    }
    Ok((fields::read(call.param("fields"))?, call.limit()?))
}

/// The Page's wall: our posts, and visitors' that name us.
pub(super) fn wall(stage: &Stage, call: &Call, us: &Person) -> Result<Answer> {
    let (fields, limit) = listed(call, us, &[])?;
    stage.see(|square| {
        let view = View { kind: stage.kind, square, us, base: &call.base };
        let mut all: Vec<&SquarePost> = view.visitors();
        all.extend(own(square, us));
        all.sort_by_key(|post| std::cmp::Reverse(post.id));
        let all: Result<Vec<Value>> =
            all.into_iter().map(|post| view.post(post, &fields)).collect();
        Ok(Answer::ok(page(&all?, call.param("after"), limit)))
    })
}

fn own<'a>(square: &'a Square, us: &'a Person) -> impl Iterator<Item = &'a SquarePost> {
    square.written_by(&us.id).filter(|post| post.parent.is_none() && is_open(post))
}

/// Our Instagram media.
pub(super) fn media(stage: &Stage, call: &Call, us: &Person) -> Result<Answer> {
    let (fields, limit) = listed(call, us, &[])?;
    stage.see(|square| {
        let view = View { kind: stage.kind, square, us, base: &call.base };
        let mut posts: Vec<&SquarePost> = own(square, us).collect();
        posts.reverse();
        let posts = std::iter::once(None).chain(posts.into_iter().map(Some));
        let all: Result<Vec<Value>> = posts.map(|post| view.medium(post, &fields)).collect();
        Ok(Answer::ok(page(&all?, call.param("after"), limit)))
    })
}

/// Posts elsewhere that name us.
pub(super) fn tagged(stage: &Stage, call: &Call, us: &Person) -> Result<Answer> {
    let (fields, limit) = listed(call, us, &[])?;
    stage.see(|square| {
        let view = View { kind: stage.kind, square, us, base: &call.base };
        let all = square.posts.values().rev();
        let all = all.filter(|p| p.parent.is_none() && is_open(p) && is_tag(p));
        let all = all.filter(|post| square.tells(post, &us.id));
        let all: Result<Vec<Value>> = all.map(|post| view.tagged(post, &fields)).collect();
        Ok(Answer::ok(page(&all?, call.param("after"), limit)))
    })
}

/// Source: docs, "Object comments": `filter` and `order`; below a comment of the second level there
/// is nothing.
pub(super) fn comments(stage: &Stage, call: &Call, us: &Person, id: &str) -> Result<Answer> {
    call.only(&["fields", "limit", "after", "filter", "order"])?;
    let (fields, limit) = (fields::read(call.param("fields"))?, call.limit()?);
    let stream = match call.param("filter") {
        Some("stream") => true,
        None | Some("toplevel") => false,
        Some(_) => return Err(Answer::invalid("Param filter must be one of {TOPLEVEL, STREAM}")),
    };
    let newest = call.param("order") == Some("reverse_chronological");
    stage.see(|square| {
        let view = View { kind: stage.kind, square, us, base: &call.base };
        let post = match id {
            PICTURE if stage.kind == Kind::Instagram => None,
            id => Some(names::post(stage.kind, square, us, id).ok_or_else(|| Answer::gone(id))?),
        };
        let mut all = match (stage.kind, post) {
            (Kind::Instagram, post) => view.medium_comments(post, &fields)?,
            (Kind::Facebook, Some(post)) if post.parent.is_some() && view.top(post).is_some() => {
                Vec::new()
            }
            (Kind::Facebook, Some(post)) => view.comments(post, stream, &fields)?,
            (Kind::Facebook, None) => Vec::new(),
        };
        if stage.kind == Kind::Facebook && !newest {
            all.reverse();
        }
        Ok(Answer::ok(page(&all, call.param("after"), limit)))
    })
}

/// Source: docs, "IG comment replies": of a comment of the first level.
pub(super) fn replies(stage: &Stage, call: &Call, us: &Person, id: &str) -> Result<Answer> {
    call.only(&["fields", "limit", "after"])?;
    let (fields, limit) = (fields::read(call.param("fields"))?, call.limit()?);
    stage.see(|square| {
        let view = View { kind: stage.kind, square, us, base: &call.base };
        let post = names::post(stage.kind, square, us, id).ok_or_else(|| Answer::gone(id))?;
        let all = match view.top(post) {
            Some(_) => Vec::new(),
            None => view.replies(post, &fields)?,
        };
        Ok(Answer::ok(page(&all, call.param("after"), limit)))
    })
}

/// The other one of a message; `None` if it is not ours.
pub(super) fn other<'a>(post: &'a SquarePost, me: &str) -> Option<&'a str> {
    let to = post.mentions.first().map(String::as_str);
    match post.audience {
        Audience::Direct if post.author == me => to,
        Audience::Direct if post.mentions.iter().any(|id| id == me) => Some(&post.author),
        _ => None,
    }
}

/// Source: docs, "Conversations API": newest first; only a kind that belongs to the token.
pub(super) fn conversations(stage: &Stage, call: &Call, us: &Person) -> Result<Answer> {
    let (fields, limit) = listed(call, us, &["platform", "user_id"])?;
    only(&fields, "Conversation", &["id", "updated_time", "participants", "messages"])?;
    if call.param("platform") != Some(stage.kind.platform()) {
        return Err(Answer::invalid("Param platform does not fit this token"));
    }
    stage.see(|square| {
        let view = View { kind: stage.kind, square, us, base: &call.base };
        let mut talks = BTreeMap::<&str, Vec<&SquarePost>>::new();
        for post in square.posts.values().rev().filter(|post| !post.deleted) {
            if let Some(other) = other(post, &us.id) {
                talks.entry(other).or_default().push(post);
            }
        }
        if let Some(wanted) = call.param("user_id") {
            talks.retain(|other, _| names::number(other) == wanted);
        }
        let mut talks: Vec<(&str, Vec<&SquarePost>)> = talks.into_iter().collect();
        talks.sort_by_key(|(_, posts)| std::cmp::Reverse(posts[0].id));
        let all: Result<Vec<Value>> =
            talks.into_iter().map(|(other, posts)| talk(&view, other, &posts, &fields)).collect();
        Ok(Answer::ok(page(&all?, call.param("after"), limit)))
    })
}

fn talk(view: &View<'_>, other: &str, posts: &[&SquarePost], fields: &[Field]) -> Result<Value> {
    let mut all = json!({
        "id": format!("t_{}", names::number(other)), "updated_time": time(posts[0].written),
        "participants": { "data": [{ "id": names::number(other) },
            { "id": names::number(&view.us.id) }] },
    });
    if let Some(field) = fields.iter().find(|field| field.name == "messages") {
        let letters = posts.iter().take(LETTERS).map(|post| view.letter(post, &field.below));
        let letters: Result<Vec<Value>> = letters.collect();
        all["messages"] = page(&letters?, None, field.limit());
    }
    Ok(keep(all, fields))
}

/// One thing by its id: ourselves, a person who wrote to us, a post, a comment.
pub(super) fn node(stage: &Stage, call: &Call, us: &Person, id: &str) -> Result<Answer> {
    call.only(&["fields"])?;
    let fields = fields::read(call.param("fields"))?;
    stage.see(|square| {
        let view = View { kind: stage.kind, square, us, base: &call.base };
        if let Some(asked) = fields.iter().find(|field| field.name.starts_with("mentioned_")) {
            return named(&view, asked);
        }
        if let Some(person) =
            names::person(square, id).filter(|p| p.id == us.id || wrote(square, us, p))
        {
            only(&fields, "User", &["id", "name", "username", "access_token"])?;
            // Source: docs, "Long-lived access tokens": a Page shows its own to whoever runs it.
            let token = person.token.as_ref().filter(|_| stage.kind == Kind::Facebook);
            let token = token.filter(|_| person.id == us.id).map(|token| format!("page-{token}"));
            let all = json!({ "id": id, "name": person.name,
                "username": names::username(person), "access_token": token });
            return Ok(Answer::ok(keep(all, &fields)));
        }
        let post = names::post(stage.kind, square, us, id).filter(|post| is_open(post));
        let post = post.ok_or_else(|| Answer::gone(id))?;
        let shown = match (stage.kind, post.parent.is_some()) {
            (Kind::Facebook, true) => view.comment(post, &fields)?,
            (Kind::Facebook, false) => view.post(post, &fields)?,
            (Kind::Instagram, _) => view.ig_comment(post, &fields)?,
        };
        Ok(Answer::ok(shown))
    })
}

/// Source: docs, "User profile API": of whoever wrote to us.
fn wrote(square: &Square, us: &Person, person: &Person) -> bool {
    square.written_by(&person.id).any(|post| other(post, &us.id).is_some())
}

/// Source: docs, "IG user mentioned comment", "IG user mentioned media": only where we are named.
fn named(view: &View<'_>, asked: &Field) -> Result<Answer> {
    let arg = match asked.name.as_str() {
        "mentioned_comment" => "comment_id",
        "mentioned_media" => "media_id",
        _ => return Err(Answer::invalid("there is no such field")),
    };
    let id = asked.arg(arg).unwrap_or_default();
    let post = names::post(view.kind, view.square, view.us, id);
    let post = post.filter(|post| is_open(post) && view.square.tells(post, &view.us.id));
    let post = post.ok_or_else(|| Answer::gone(id))?;
    let shown = match arg {
        "comment_id" => {
            let mut shown = view.ig_comment(post, &asked.below)?;
            shown["media"] = json!({ "id": post.root.to_string(),
                "permalink": format!("{}/p/{}/", view.base, post.root) });
            shown
        }
        _ => view.tagged(post, &asked.below)?,
    };
    let us = names::number(&view.us.id);
    Ok(Answer::ok(json!({ "id": us, asked.name.as_str(): shown })))
}

/// Source: docs, "Debug token".
pub(super) fn debug_token(stage: &Stage, call: &Call, us: &Person) -> Result<Answer> {
    call.only(&["input_token"])?;
    let valid = us.token.is_some() && us.token.as_deref() == call.param("input_token");
    let scopes = match stage.kind {
        Kind::Facebook => vec![
            "pages_show_list",
            "pages_manage_metadata",
            "pages_messaging",
            "pages_read_engagement",
            "pages_read_user_content",
            "pages_manage_engagement",
        ],
        Kind::Instagram => {
            vec!["instagram_basic", "instagram_manage_comments", "instagram_manage_messages"]
        }
    };
    let lacks = stage.see(|square| square.manner.clone());
    let scopes: Vec<&str> =
        scopes.into_iter().filter(|scope| lacks != format!("without {scope}")).collect();
    Ok(Answer::ok(json!({ "data": { "is_valid": valid, "type": "PAGE", "expires_at": 0,
        "data_access_expires_at": 0, "scopes": scopes } })))
}
