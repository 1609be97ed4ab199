//! Lists and their pages. Source: docs, api/guidelines ("Pagination"), methods/notifications,
//! methods/accounts, methods/timelines.

use super::call::Call;
use super::json::{self, View};
use super::{Answer, Flavour, Result, Stage};
use crate::case::model::Audience;
use crate::case::time::Timestamp;
use crate::world::square::{Happening, Square, SquarePost, What};
use serde_json::Value;
use std::ops::Bound;

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
    let page = Page::of(call, 40, 80)?;
    let mut world = stage.world.look();
    let square = &*world.square(&stage.name);
    let view = View { square, base: &call.base, flavour: call.flavour };
    let shown = |notice: &Notice<'_>| {
        let name = json::id(call.flavour, notice.number);
        json::notification(&view, (&name, notice.at), notice.post)
    };
    let happened = if wanted { &square.happened[..] } else { &[] };
    let within = |ids| within(happened, call.flavour, ids);
    let told = |of| notice(square, call.flavour, of, me);
    match rest {
        [] => {
            let all = within(page.ids).iter().filter_map(told);
            Ok(page.answer(call, all.map(|notice| (notice.number, notice)), shown))
        }
        [id] => {
            let number = json::number(call.flavour, id).ok_or_else(Answer::missing)?;
            let one =
                within((Bound::Included(number), Bound::Included(number))).iter().find_map(told);
            one.map(|notice| Answer::ok(shown(&notice))).ok_or_else(Answer::missing)
        }
        _ => Err(Answer::missing()),
    }
}

/// The happenings whose notifications have these numbers.
fn within(happened: &[Happening], flavour: Flavour, (least, most): Ids) -> &[Happening] {
    let number = |of: &Happening| notice_number(flavour, of.seq, of.at);
    let from = happened.partition_point(|of| match least {
        Bound::Included(least) => number(of) < least,
        Bound::Excluded(below) => number(of) <= below,
        Bound::Unbounded => false,
    });
    let to = happened.partition_point(|of| match most {
        Bound::Included(most) => number(of) <= most,
        Bound::Excluded(above) => number(of) < above,
        Bound::Unbounded => true,
    });
    happened.get(from..to).unwrap_or_default()
}

/// Source: docs, methods/accounts#statuses. One's own list shows all, also private ones.
pub(super) fn written_by(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let known = ["only_media", "exclude_replies", "exclude_reblogs", "pinned", "tagged"];
    call.takes(&[&PAGING[..], &known[..]].concat())?;
    let (replies, pinned) = (!call.flag("exclude_replies")?, call.flag("pinned")?);
    let page = Page::of(call, 20, 40)?;
    let mut world = stage.world.look();
    let square = &*world.square(&stage.name);
    square.people.get(id).ok_or_else(Answer::missing)?;
    let view = View { square, base: &call.base, flavour: call.flavour };
    let posts = square.written_within(id, page.ids);
    let posts = posts.filter(|post| square.may_read(call.viewer(), post));
    let posts = posts.filter(|post| !pinned && (replies || post.parent.is_none()));
    let posts = posts.map(|post| (post.id, post));
    Ok(page.answer(call, posts, |post| json::status(&view, post)))
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
    let page = Page::of(call, 20, 40)?;
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
    let posts = square.posts.range(page.ids).map(|(_, post)| post).filter(seen);
    let posts = posts.map(|post| (post.id, post));
    Ok(page.answer(call, posts, |post| json::status(&view, post)))
}

/// Ids from here to there.
type Ids = (Bound<i64>, Bound<i64>);

/// The page a caller wants, newest first. `min_id` is the page right above an id, `since_id` the
/// newest page that ends there. Source: docs, api/guidelines ("Pagination").
struct Page {
    ids: Ids,
    limit: usize,
    /// The oldest of these, not the newest.
    oldest: bool,
}

impl Page {
    fn of(call: &Call, usual: usize, most: usize) -> Result<Self> {
        let limit = match call.param("limit") {
            None => usual,
            Some(text) => text.parse().map_err(|_| Answer::no(422, "limit must be a number"))?,
        };
        let bound = |name: &str| -> Result<Option<i64>> {
            let Some(text) = call.param(name) else { return Ok(None) };
            let number = json::number(call.flavour, text);
            number.map(Some).ok_or_else(|| Answer::no(400, &format!("{name} is not an id")))
        };
        let (max, since, min) = (bound("max_id")?, bound("since_id")?, bound("min_id")?);
        let beyond = |id: Option<i64>| id.map_or(Bound::Unbounded, Bound::Excluded);
        let low = min.or(since);
        // A range that ends before it begins holds nothing, and a tree would not take it.
        let max = max.map(|max| max.max(low.map_or(max, |low| low.saturating_add(1))));
        Ok(Self {
            ids: (beyond(low), beyond(max)),
            limit: limit.clamp(1, most),
            oldest: min.is_some(),
        })
    }

    /// What lies in [`Page::ids`], in order of its numbers, cut to the page and shown.
    fn answer<T>(
        &self,
        call: &Call,
        all: impl DoubleEndedIterator<Item = (i64, T)>,
        show: impl Fn(&T) -> Value,
    ) -> Answer {
        let shown: Vec<(i64, T)> = if self.oldest {
            let mut oldest: Vec<_> = all.take(self.limit).collect();
            oldest.reverse();
            oldest
        } else {
            all.rev().take(self.limit).collect()
        };
        let link = links(call, &shown);
        let body = shown.iter().map(|(_, item)| show(item)).collect();
        Answer { status: 200, link, body }
    }
}

fn links<T>(call: &Call, shown: &[(i64, T)]) -> Option<String> {
    let name = |number: i64| json::id(call.flavour, number);
    let (newest, oldest) = (name(shown.first()?.0), name(shown.last()?.0));
    let at = format!("{}{}", call.base, call.path);
    Some(format!(r#"<{at}?max_id={oldest}>; rel="next", <{at}?min_id={newest}>; rel="prev""#))
}
