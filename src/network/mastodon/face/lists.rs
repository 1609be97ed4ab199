//! Lists and their pages. Source: docs, api/guidelines ("Pagination"), methods/notifications,
//! methods/accounts, methods/timelines.

use super::call::Call;
use super::json::{self, View};
use super::{Answer, Flavour, Result, Stage};
use crate::case::model::Audience;
use crate::case::time::Timestamp;
use crate::world::square::{Happening, Square, SquarePost, What};
use serde_json::Value;

/// One notification: its number, when it came, and the post.
pub(super) struct Notice<'a> {
    pub(super) number: i64,
    pub(super) at: Timestamp,
    pub(super) post: &'a SquarePost,
}

/// The number of the notification that a happening causes. Mastodon counts them in a sequence of
/// their own; GoToSocial's ULIDs hold the time.
pub(super) const fn notice_number(flavour: Flavour, seq: u64, at: Timestamp) -> i64 {
    match flavour {
        Flavour::GoToSocial => at.0,
        _ => 34_000_000 + seq.cast_signed(),
    }
}

/// The notification a happening causes for this person, if any. GoToSocial tells of an edited
/// mention again (measured, `realservers.md` 3).
pub(super) fn notice<'a>(
    square: &'a Square,
    flavour: Flavour,
    of: &Happening,
    me: &str,
) -> Option<Notice<'a>> {
    let told = match &of.what {
        What::Posted { post } => square.tells(post, me),
        What::Edited { post } => flavour == Flavour::GoToSocial && square.tells(post, me),
        What::Deleted { .. } => false,
    };
    let post = square.posts.get(&of.what.post()).filter(|post| !post.deleted)?;
    told.then_some(Notice { number: notice_number(flavour, of.seq, of.at), at: of.at, post })
}

const PAGING: [&str; 4] = ["max_id", "since_id", "min_id", "limit"];

/// Source: docs, methods/notifications#get; a mention whose post was deleted is not listed.
pub(super) fn notifications(stage: &Stage, call: &Call, rest: &[&str]) -> Result<Answer> {
    let me = &call.me()?.id;
    let known = ["types", "exclude_types", "account_id", "include_filtered", "grouped_types"];
    call.takes(&[&PAGING[..], &known[..]].concat())?;
    call.flag("include_filtered")?;
    let types = call.all("types");
    let wanted = types.is_empty() || types.iter().any(|t| t == "mention");
    let wanted = wanted && !call.all("exclude_types").iter().any(|t| t == "mention");
    let mut world = stage.world.look();
    let square = &*world.square(&stage.name);
    let view = View { square, base: &call.base, flavour: call.flavour };
    let shown = |notice: Notice<'_>| {
        let name = json::id(call.flavour, notice.number);
        (notice.number, json::notification(&view, (&name, notice.at), notice.post))
    };
    let all = square.happened.iter().filter(|_| wanted);
    let all = all.filter_map(|of| notice(square, call.flavour, of, me));
    match rest {
        [] => page(call, all.map(shown).collect(), 40, 80),
        [id] => {
            let number = json::number(call.flavour, id);
            let one = all.map(shown).find(|(n, _)| Some(*n) == number);
            one.map(|(_, value)| Answer::ok(value)).ok_or_else(Answer::missing)
        }
        _ => Err(Answer::missing()),
    }
}

/// Source: docs, methods/accounts#statuses. One's own list shows all, also private ones.
pub(super) fn written_by(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let known = ["only_media", "exclude_replies", "exclude_reblogs", "pinned", "tagged"];
    call.takes(&[&PAGING[..], &known[..]].concat())?;
    let (replies, pinned) = (!call.flag("exclude_replies")?, call.flag("pinned")?);
    let mut world = stage.world.look();
    let square = &*world.square(&stage.name);
    square.people.get(id).ok_or_else(Answer::missing)?;
    let view = View { square, base: &call.base, flavour: call.flavour };
    let posts = square.written_by(id).filter(|post| square.may_read(call.viewer(), post));
    let posts = posts.filter(|post| !pinned && (replies || post.parent.is_none()));
    page(call, posts.map(|post| (post.id, json::status(&view, post))).collect(), 20, 40)
}

/// Source: docs, methods/timelines (home, public, tag). Nobody follows anybody here: home is one's
/// own posts.
pub(super) fn timeline(stage: &Stage, call: &Call, which: &[&str]) -> Result<Answer> {
    call.takes(&[&PAGING[..], &["local", "remote", "only_media"][..]].concat())?;
    let me = if which == ["home"] { Some(call.me()?.id.clone()) } else { None };
    let tag = match which {
        ["home" | "public"] => None,
        ["tag", tag] => Some(tag.to_lowercase()),
        _ => return Err(Answer::missing()),
    };
    let tagged =
        |post: &SquarePost| tag.as_ref().is_none_or(|tag| json::hashtags(post).contains(tag));
    let mut world = stage.world.look();
    let square = &*world.square(&stage.name);
    let view = View { square, base: &call.base, flavour: call.flavour };
    let seen = |post: &&SquarePost| match &me {
        Some(me) => post.author == *me && !post.deleted,
        // Source: mastodon, app/models/public_feed.rb (`account_filters_scope`).
        None => {
            let blocked = call.viewer().is_some_and(|me| square.blocked(me, &post.author));
            post.audience == Audience::Public && !post.deleted && tagged(post) && !blocked
        }
    };
    let posts = square.posts.values().filter(seen);
    page(call, posts.map(|post| (post.id, json::status(&view, post))).collect(), 20, 40)
}

/// One page, newest first. `min_id` is the page right above an id, `since_id` the newest page that
/// ends there. Source: docs, api/guidelines ("Pagination").
fn page(call: &Call, mut all: Vec<(i64, Value)>, usual: usize, most: usize) -> Result<Answer> {
    all.sort_by_key(|(number, _)| *number);
    let limit = match call.param("limit") {
        None => usual,
        Some(text) => text.parse().map_err(|_| Answer::no(422, "limit must be a number"))?,
    };
    let limit = limit.clamp(1, most);
    let bound = |name: &str| -> Result<Option<i64>> {
        let Some(text) = call.param(name) else { return Ok(None) };
        let number = json::number(call.flavour, text);
        number.map(Some).ok_or_else(|| Answer::no(400, &format!("{name} is not an id")))
    };
    let (max, since, min) = (bound("max_id")?, bound("since_id")?, bound("min_id")?);
    let above = min.or(since).unwrap_or(i64::MIN);
    all.retain(|(number, _)| *number > above && max.is_none_or(|max| *number < max));
    let cut = all.len().saturating_sub(limit);
    let mut shown = if min.is_some() { all } else { all.split_off(cut) };
    shown.truncate(limit);
    shown.reverse();
    let link = links(call, &shown);
    Ok(Answer { status: 200, link, body: shown.into_iter().map(|(_, value)| value).collect() })
}

fn links(call: &Call, shown: &[(i64, Value)]) -> Option<String> {
    let name = |number: i64| json::id(call.flavour, number);
    let (newest, oldest) = (name(shown.first()?.0), name(shown.last()?.0));
    let at = format!("{}{}", call.base, call.path);
    Some(format!(r#"<{at}?max_id={oldest}>; rel="next", <{at}?min_id={newest}>; rel="prev""#))
}
