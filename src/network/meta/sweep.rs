//! The sweeps: what stands below our posts and names us, and conversations. They are the guarantee;
//! webhooks only make it faster. Meta lists by time in whole seconds: what is as old as the cursor
//! is read again, and the engine knows it.

use super::call::{Asked, Trouble, is_gone};
use super::hear::{LETTER, NAMED, Placed, Us, instant, print};
use super::wire::{Conversation, Page, Post};
use super::{Kind, Meta};
use crate::case::event::Envelope;
use crate::case::id::FeedId;
use crate::case::time::{Span, Timestamp};
use crate::inbox::Inbox;
use crate::network::feed::{self, put_all, save};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Pages of one list that are read, of 100 posts or 25 conversations.
const PAGES: usize = 40;
/// How far before the cursor is read again: Meta lists some things a little later.
const OVERLAP: Span = Span::minutes(2);
/// Comments that vanished and are asked about in one sweep.
const ASKED: usize = 50;
/// Ids of the first second that a cursor keeps.
const TOLD: usize = 200;

/// What every reading of a comment asks for.
const COMMENT: &str = "id,from,message,created_time,parent{id},permalink_url,attachment,is_hidden";
const REPLY: &str = "id,text,timestamp,from,username,parent_id";

/// Why a sweep ended early.
pub(super) type Ended = feed::Ended<Trouble>;

/// Where a feed was left: the newest instant that was read; the instant of the very first start,
/// before which nothing is told; and what stood there already in that first second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    at: Timestamp,
    floor: Timestamp,
    told: BTreeSet<String>,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let at = Timestamp::parse(words.next()?)?;
        let floor = Timestamp::parse(words.next()?)?;
        Some(Self { at, floor, told: words.map(str::to_owned).collect() })
    }

    fn text(&self) -> String {
        let told: String = self.told.iter().map(|id| format!(" {id}")).collect();
        format!("{} {}{told}", self.at, self.floor)
    }

    /// Does a thing of this id and time have to be told?
    fn is_new(&self, id: &str, at: Timestamp) -> bool {
        at >= self.floor && at >= self.at - OVERLAP && !self.told.contains(id)
    }
}

/// What a feed holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Comments, visitors' posts, posts that name us.
    Mentions,
    /// Messages.
    Direct,
}

impl What {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mentions => "mentions",
            Self::Direct => "direct",
        }
    }
}

/// A feed of one account, and where it stands.
pub(super) struct Feed {
    pub(super) what: What,
    pub(super) id: FeedId,
    place: Place,
    /// What was listed, and a print of its words.
    known: BTreeMap<String, String>,
}

/// One thing of a list, with what tells it to the engine.
struct Item {
    id: String,
    at: Timestamp,
    print: String,
    /// Told when it is new; our own may tell nothing.
    first: Option<Envelope>,
    /// Told when its words are others than before.
    changed: Option<Envelope>,
}

/// A post of a list with its place, before anything is made of it.
struct Found {
    post: Post,
    parent: Option<String>,
    conversation: String,
}

impl Feed {
    /// Opens a feed where it was left; at the very first start behind what stands there already.
    pub(super) async fn open(
        meta: &Meta,
        inbox: &Inbox,
        what: What,
        us: &Us,
    ) -> Result<Self, Ended> {
        let id = meta.feed(what.name());
        let kept = inbox.cursor(&id).await?;
        let place = match kept.as_deref().and_then(Place::parse) {
            Some(place) => place,
            None => {
                let place = first(meta, what, us).await?;
                save(inbox, &id, meta.caller.now(), place.text()).await?;
                place
            }
        };
        Ok(Self { what, id, place, known: BTreeMap::new() })
    }

    /// Reads what is new, all of it, puts it, and only then moves on.
    pub(super) async fn sweep(&mut self, meta: &Meta, inbox: &Inbox, us: &Us) -> Result<(), Ended> {
        let items = list(meta, self.what, us, self.place.at - OVERLAP).await?;
        let listed: BTreeSet<String> = items.iter().map(|item| item.id.clone()).collect();
        let newest = items.last().map(|item| item.at);
        let mut puts = Vec::new();
        let mut seen = Vec::new();
        for item in items {
            let known = self.known.get(&item.id);
            if known.is_some_and(|print| *print != item.print) {
                puts.extend(item.changed);
            } else if known.is_none() && self.place.is_new(&item.id, item.at) {
                puts.extend(item.first);
            }
            seen.push((item.id, item.print));
        }
        put_all(inbox, puts).await?;
        self.known.extend(seen);
        if self.what == What::Mentions {
            self.gone(meta, inbox, us, &listed).await?;
        }
        self.move_on(meta, inbox, newest).await
    }

    async fn move_on(
        &mut self,
        meta: &Meta,
        inbox: &Inbox,
        newest: Option<Timestamp>,
    ) -> Result<(), Ended> {
        let Some(newest) = newest.filter(|at| *at > self.place.at) else { return Ok(()) };
        let mut place = self.place.clone();
        place.at = newest;
        if newest - OVERLAP > place.floor {
            place.told.clear();
        }
        save(inbox, &self.id, meta.caller.now(), place.text()).await?;
        self.place = place;
        Ok(())
    }

    /// Asks about what is listed no more. What is there all the same (below the fold, or of an
    /// account that Meta hides) is not asked about again.
    async fn gone(
        &mut self,
        meta: &Meta,
        inbox: &Inbox,
        us: &Us,
        listed: &BTreeSet<String>,
    ) -> Result<(), Ended> {
        let asks = |id: &&String| !listed.contains(*id) && super::say::is_id(id);
        let missing = self.known.keys().filter(asks).take(ASKED);
        for id in missing.cloned().collect::<Vec<_>>() {
            let asked = Asked::get(format!("/{id}")).with(&[("fields", "id")]);
            match meta.caller.call::<Value>(&asked).await {
                Err(trouble) if is_gone(&trouble) => drop(inbox.put(us.withdrawn(&id)).await?),
                Err(trouble) => return Err(trouble.into()),
                Ok(_) => {}
            }
            self.known.remove(&id);
        }
        Ok(())
    }
}

/// Where to begin at the very first start: behind the newest thing there is, or so far back as the
/// operator wants.
async fn first(meta: &Meta, what: What, us: &Us) -> Result<Place, Trouble> {
    let now = meta.caller.now();
    let since = now - meta.since;
    if meta.since > Span(0) {
        return Ok(Place { at: since, floor: since, told: BTreeSet::new() });
    }
    let items = list(meta, what, us, now - OVERLAP).await?;
    // Where nothing stands yet, nothing can be told that stood there before.
    let at = items.last().map_or(since - OVERLAP, |item| item.at);
    let same = items.iter().rev().take_while(|item| item.at == at).take(TOLD);
    Ok(Place { at, floor: at, told: same.map(|item| item.id.clone()).collect() })
}

/// All that is within reach, oldest first; what is of one second in the order of Meta's list.
async fn list(meta: &Meta, what: What, us: &Us, since: Timestamp) -> Result<Vec<Item>, Trouble> {
    let mut items = match (what, meta.kind) {
        (What::Mentions, Kind::Facebook) => {
            let mut all = items(meta, us, page_posts(meta, us).await?);
            all.extend(items_of_tagged(meta, us, "id,message,created_time,permalink_url").await?);
            all
        }
        (What::Mentions, Kind::Instagram) => {
            let mut all = items(meta, us, media(meta, us).await?);
            all.extend(items_of_tagged(meta, us, "id,caption,timestamp,username,permalink").await?);
            all
        }
        (What::Direct, _) => letters(meta, us, since).await?,
    };
    items.reverse();
    items.sort_by_key(|item| item.at);
    Ok(items)
}

fn items(meta: &Meta, us: &Us, found: Vec<Found>) -> Vec<Item> {
    found.iter().filter_map(|found| item(meta, us, found)).collect()
}

fn item(meta: &Meta, us: &Us, found: &Found) -> Option<Item> {
    let (post, now) = (&found.post, meta.caller.now());
    if !super::say::is_id(post.id.0.trim_start_matches(NAMED)) {
        return None;
    }
    let placed =
        Placed { post, parent: found.parent.clone(), conversation: found.conversation.clone() };
    let at = post.created_time.as_deref().and_then(instant).unwrap_or(now);
    let warning = if post.is_hidden { "hidden" } else { "" };
    let print = print(post.message.trim(), warning);
    let id = post.id.0.clone();
    let (first, changed) = match us.is_ours(post) {
        true => (us.own(&placed, now).filter(|_| !meta.sent.has(&id)), None),
        false => (Some(us.mentioned(&placed, now)), Some(us.changed(&placed, now))),
    };
    Some(Item { id, at, print, first, changed })
}

/// Pages of a list, until it ends or `more` has enough.
async fn pages<T: serde::de::DeserializeOwned>(
    meta: &Meta,
    asked: impl Fn() -> Asked,
    mut after: Option<String>,
    more: impl Fn(&[T]) -> bool,
) -> Result<Vec<T>, Trouble> {
    let mut all = Vec::new();
    for _ in 0..PAGES {
        let asked = match &after {
            Some(after) => asked().with(&[("after", after)]),
            None => asked(),
        };
        let page: Page<T> = meta.caller.call(&asked).await?;
        after = page.paging.after().map(str::to_owned);
        let go_on = more(&page.data);
        all.extend(page.data);
        if after.is_none() || !go_on {
            break;
        }
    }
    Ok(all)
}

/// Is the last of these young enough that older ones may matter?
fn is_watched(meta: &Meta, posts: &[Post]) -> bool {
    let last = posts.last().and_then(|post| post.created_time.as_deref()).and_then(instant);
    last.is_some_and(|at| at >= meta.caller.now() - meta.watch)
}

/// The Page's wall: visitors' posts, and the comments below all posts.
async fn page_posts(meta: &Meta, us: &Us) -> Result<Vec<Found>, Trouble> {
    let fields = format!(
        "id,from,message,created_time,permalink_url,is_hidden,\
         comments.filter(stream).order(reverse_chronological).limit(25){{{COMMENT}}}"
    );
    let asked = || {
        let wanted = [("limit", "100"), ("fields", fields.as_str())];
        Asked::get(format!("/{}/feed", us.id)).with(&wanted)
    };
    let posts = pages(meta, asked, None, |posts: &[Post]| is_watched(meta, posts)).await?;
    let mut found = Vec::new();
    for mut post in posts {
        let id = post.id.0.clone();
        let below = below(meta, &id, "comments", COMMENT, post.comments.take()).await?;
        found.extend(below.into_iter().map(|comment| {
            let above = comment.parent.as_ref().map(|parent| parent.id.0.clone());
            let ours = us.is_ours(&comment).then(|| id.clone());
            Found { parent: above.or(ours), conversation: id.clone(), post: comment }
        }));
        found.push(Found { post, parent: None, conversation: id });
    }
    Ok(found)
}

/// All comments below a post: those that came with it, and the pages behind.
async fn below(
    meta: &Meta,
    id: &str,
    list: &str,
    fields: &str,
    first: Option<Page<Post>>,
) -> Result<Vec<Post>, Trouble> {
    let Some(first) = first else { return Ok(Vec::new()) };
    let mut all = first.data;
    let Some(after) = first.paging.after().map(str::to_owned).filter(|_| super::say::is_id(id))
    else {
        return Ok(all);
    };
    let asked = || {
        let asked = Asked::get(format!("/{id}/{list}"));
        let asked = asked.with(&[("limit", "100"), ("fields", fields)]);
        match meta.kind {
            Kind::Facebook => {
                asked.with(&[("filter", "stream"), ("order", "reverse_chronological")])
            }
            Kind::Instagram => asked,
        }
    };
    all.extend(pages(meta, asked, Some(after), |_: &[Post]| true).await?);
    Ok(all)
}

/// Our Instagram media with their comments, and the answers to those.
async fn media(meta: &Meta, us: &Us) -> Result<Vec<Found>, Trouble> {
    let comments = format!("{REPLY},replies.limit(50){{{REPLY}}}");
    let fields = format!("id,timestamp,permalink,comments.limit(50){{{comments}}}");
    let asked = || {
        let wanted = [("limit", "50"), ("fields", fields.as_str())];
        Asked::get(format!("/{}/media", us.id)).with(&wanted)
    };
    let all = pages(meta, asked, None, |posts: &[Post]| is_watched(meta, posts)).await?;
    let mut found = Vec::new();
    for mut medium in all {
        let id = medium.id.0.clone();
        let link = medium.permalink_url.take();
        let top = below(meta, &id, "comments", &comments, medium.comments.take()).await?;
        for mut comment in top {
            let above = comment.id.0.clone();
            let replies = below(meta, &above, "replies", REPLY, comment.comments.take()).await?;
            let place = |mut post: Post, parent: Option<String>| {
                post.permalink_url.clone_from(&link);
                Found { post, parent, conversation: id.clone() }
            };
            found.extend(replies.into_iter().map(|reply| place(reply, Some(above.clone()))));
            let ours = us.is_ours(&comment).then(|| id.clone());
            found.push(place(comment, ours));
        }
    }
    Ok(found)
}

/// Posts of others that name us. On Facebook their author is not told.
async fn items_of_tagged(meta: &Meta, us: &Us, fields: &str) -> Result<Vec<Item>, Trouble> {
    let list = match meta.kind {
        Kind::Facebook => "tagged",
        Kind::Instagram => "tags",
    };
    let asked =
        || Asked::get(format!("/{}/{list}", us.id)).with(&[("limit", "100"), ("fields", fields)]);
    let posts = pages(meta, asked, None, |posts: &[Post]| is_watched(meta, posts)).await?;
    let found = posts.into_iter().map(|mut post| {
        if meta.kind == Kind::Instagram {
            post.id.0.insert_str(0, NAMED);
        }
        Found { conversation: post.id.0.clone(), parent: None, post }
    });
    Ok(items(meta, us, found.collect()))
}

/// Messages of all conversations that moved since then.
async fn letters(meta: &Meta, us: &Us, since: Timestamp) -> Result<Vec<Item>, Trouble> {
    let fields = "id,updated_time,\
                  messages.limit(20){id,created_time,from,message,attachments}";
    let asked = || {
        let wanted = [("platform", meta.kind.platform()), ("limit", "25"), ("fields", fields)];
        Asked::get(format!("/{}/conversations", us.id)).with(&wanted)
    };
    let moved = |talk: &Conversation| {
        talk.updated_time.as_deref().and_then(instant).is_none_or(|at| at >= since)
    };
    let talks = pages(meta, asked, None, |talks: &[Conversation]| talks.iter().all(moved)).await?;
    let mut items = Vec::new();
    for talk in talks.iter().filter(|talk| moved(talk)) {
        items.extend(of_talk(meta, us, talk));
    }
    Ok(items)
}

/// The messages of one conversation, newest first as Meta lists them.
fn of_talk(meta: &Meta, us: &Us, talk: &Conversation) -> Vec<Item> {
    let now = meta.caller.now();
    let mut before = None::<String>;
    let mut items = Vec::new();
    let letters = talk.messages.iter().flat_map(|page| page.data.iter().rev());
    for letter in letters.filter(|letter| !letter.id.0.is_empty()) {
        let at = letter.created_time.as_deref().and_then(instant).unwrap_or(now);
        let id = format!("{LETTER}{}", letter.id.0);
        let ours = letter.from.as_ref().is_some_and(|from| from.id.0 == us.id);
        let first = match ours {
            true => before
                .as_ref()
                .filter(|_| !meta.sent.has(&id))
                .map(|before| us.own_letter(&letter.id.0, before, &letter.message, at)),
            false => us.listed(letter, now),
        };
        if let Some(from) = letter.from.as_ref().filter(|_| !ours) {
            before = Some(letter.id.0.clone());
            let mut talks = meta.talks();
            talks.names.insert(from.id.0.clone(), from.clone());
            talks.last.insert(from.id.0.clone(), letter.id.0.clone());
        }
        // Changed messages are told by webhooks only.
        let print = String::new();
        items.push(Item { id, at, print, first, changed: None });
    }
    items.reverse();
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_whole() {
        let place = Place {
            at: Timestamp::from_seconds(200),
            floor: Timestamp::from_seconds(100),
            told: BTreeSet::from(["1_2".into(), "3".into()]),
        };
        assert_eq!(Place::parse(&place.text()), Some(place.clone()));
        assert_eq!(Place::parse("nonsense"), None);
        assert!(place.is_new("9", Timestamp::from_seconds(100)));
        assert!(!place.is_new("3", Timestamp::from_seconds(100)));
        assert!(!place.is_new("9", Timestamp::from_seconds(99)));
    }
}
