//! The sweeps: mentions, our own posts, direct messages. They are the guarantee; webhooks and
//! streams only make it faster.

use super::X;
use super::call::{Asked, Trouble};
use super::hear::{DIRECT, Us, order};
use super::money::{self, Kind};
use super::wire::{Direct, FIELDS, Includes, Page, Tweet};
use crate::case::event::Envelope;
use crate::case::id::{AccountId, FeedId};
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Shut};
use crate::network::feed;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Posts per page (OpenAPI: 5 to 100).
const PAGE: &str = "100";
/// Pages of one sweep; X keeps the newest 800 mentions within reach.
const PAGES: usize = 20;
/// Posts that vanished from the newest page and are asked about in one review (OpenAPI: 100).
const ASKED: usize = 100;

/// What every reading of direct messages asks for.
pub(super) const DIRECT_FIELDS: &[(&str, &str)] = &[
    ("event_types", "MessageCreate"),
    (
        "dm_event.fields",
        "attachments,created_at,dm_conversation_id,entities,event_type,id,participant_ids,\
         sender_id,text",
    ),
    ("expansions", "attachments.media_keys,sender_id"),
    ("user.fields", "name,profile_image_url,protected,public_metrics,username"),
    ("media.fields", "alt_text,media_key,preview_image_url,type,url"),
];

/// Why a sweep ended early.
pub(super) type Ended = feed::Ended<Trouble>;

/// Where a feed was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind the thing of this id.
    Id(String),
    /// At this instant: nothing was seen since.
    At(Timestamp),
}

impl Place {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("id", id) if super::say::is_id(id) => Some(Self::Id(id.to_owned())),
            ("at", at) => Timestamp::parse(at).map(Self::At),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Id(id) => format!("id:{id}"),
            Self::At(at) => format!("at:{at}"),
        }
    }

    /// Does a thing of this id and time lie behind this place?
    fn is_before(&self, id: &str, at: Option<&str>) -> bool {
        match self {
            Self::Id(mine) => order(id) > order(mine),
            Self::At(mine) => at.and_then(Timestamp::parse).is_none_or(|at| at >= *mine),
        }
    }
}

/// A feed of one account, and where it stands.
pub(super) struct Feed {
    pub(super) what: What,
    pub(super) id: FeedId,
    pub(super) place: Place,
    /// The newest mentions: the first id of each, and its newest.
    known: BTreeMap<String, String>,
    reviewed: Timestamp,
    /// Of each person, the last message before now.
    before: BTreeMap<String, String>,
}

/// What a feed holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Mentions,
    Own,
    Direct,
}

impl What {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mentions => "mentions",
            Self::Own => "own",
            Self::Direct => "direct",
        }
    }
}

/// Posts with what they refer to.
type Found = Vec<(Tweet, Includes)>;

impl Feed {
    /// Opens a feed where it was left; at the very first start behind what stands there already.
    pub(super) async fn open(x: &X, inbox: &Inbox, what: What, us: &Us) -> Result<Self, Ended> {
        let id = x.feed(what.name());
        let kept = inbox.cursor(&id).await?;
        let place = match kept.as_deref().and_then(Place::parse) {
            Some(place) => place,
            None => {
                let place = first(x, what, us).await?;
                x.save(inbox, &id, place.text()).await?;
                place
            }
        };
        let (known, before) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { what, id, place, known, reviewed: Timestamp(0), before })
    }

    /// Reads what is new, all of it, puts it, and only then moves on.
    pub(super) async fn sweep(&mut self, x: &X, inbox: &Inbox, us: &Us) -> Result<(), Ended> {
        match self.what {
            What::Mentions => self.mentions(x, inbox, us).await,
            What::Own => self.own(x, inbox, us).await,
            What::Direct => self.direct(x, inbox, us).await,
        }
    }

    async fn mentions(&mut self, x: &X, inbox: &Inbox, us: &Us) -> Result<(), Ended> {
        let (found, newest) = self.read(x, inbox, &mentions_of(us), money::OWNED).await?;
        for (tweet, with) in &found {
            self.put(x, inbox, us, tweet, with).await?;
        }
        self.move_on(x, inbox, newest).await?;
        if x.now().since(self.reviewed) >= x.review {
            self.review(x, inbox, us).await?;
            self.reviewed = x.now();
        }
        Ok(())
    }

    /// Reads from this place on: oldest first, with the newest id that X tells.
    async fn read(
        &self,
        x: &X,
        inbox: &Inbox,
        path: &str,
        kind: Kind,
    ) -> Result<(Found, Option<String>), Ended> {
        let (mut found, mut newest, mut next) = (Found::new(), None, None::<String>);
        for _ in 0..PAGES {
            let mut asked = Asked::get(path).with(FIELDS).with(&[("max_results", PAGE)]);
            asked = match &self.place {
                Place::Id(id) => asked.with(&[("since_id", id)]),
                Place::At(at) => asked.with(&[("start_time", &super::stream::seconds(*at))]),
            };
            if let Some(token) = &next {
                asked = asked.with(&[("pagination_token", token)]);
            }
            let page: Page<Vec<Value>> = x.caller.call(&asked).await?;
            newest = newest.or(page.meta.newest_id.clone());
            next = page.meta.next_token.clone();
            let tweets = readable(x, inbox, page.data.unwrap_or_default()).await?;
            x.books.read(kind, tweets.iter().map(|tweet| tweet.id.as_str()), x.now());
            found.extend(tweets.into_iter().map(|tweet| (tweet, page.includes.clone())));
            if next.is_none() {
                break;
            }
        }
        found.retain(|(tweet, _)| self.place.is_before(&tweet.id, tweet.created_at.as_deref()));
        found.sort_by(|(a, _), (b, _)| order(&a.id).cmp(&order(&b.id)));
        let last = found.last().map(|(tweet, _)| tweet.id.clone());
        Ok((found, newest.max_by_order(last)))
    }

    async fn put(
        &mut self,
        x: &X,
        inbox: &Inbox,
        us: &Us,
        tweet: &Tweet,
        with: &Includes,
    ) -> Result<(), Shut> {
        if !us.is_theirs(tweet) {
            return Ok(());
        }
        let first = tweet.first().to_owned();
        let known = self.known.insert(first.clone(), tweet.id.clone());
        if known.as_deref() == Some(&tweet.id) {
            return Ok(());
        }
        inbox.put(us.mentioned(tweet, with, x.now())).await?;
        // Whether an earlier version was told is for the engine to know: the same words change
        // nothing.
        if first != tweet.id {
            inbox.put(us.changed(tweet, with, x.now())).await?;
        }
        Ok(())
    }

    async fn move_on(&mut self, x: &X, inbox: &Inbox, to: Option<String>) -> Result<(), Shut> {
        let Some(to) = to.filter(|id| super::say::is_id(id)).map(Place::Id) else { return Ok(()) };
        if to != self.place {
            x.save(inbox, &self.id, to.text()).await?;
            self.place = to;
        }
        Ok(())
    }

    /// Reads the newest page once more: what X listed late is told, and what vanished is asked
    /// about, because X tells nobody of deletions by others.
    async fn review(&mut self, x: &X, inbox: &Inbox, us: &Us) -> Result<(), Ended> {
        let asked = Asked::get(mentions_of(us)).with(FIELDS).with(&[("max_results", PAGE)]);
        let page: Page<Vec<Value>> = x.caller.call(&asked).await?;
        let mut tweets = readable(x, inbox, page.data.unwrap_or_default()).await?;
        x.books.read(money::OWNED, tweets.iter().map(|tweet| tweet.id.as_str()), x.now());
        tweets.sort_by(|a, b| order(&a.id).cmp(&order(&b.id)));
        let whole = page.meta.next_token.is_none();
        let lowest = tweets.first().map(|tweet| tweet.first().to_owned()).filter(|_| !whole);
        let listed: BTreeSet<String> = tweets.iter().map(|t| t.first().to_owned()).collect();
        let oldest = self.known.keys().min_by_key(|id| order(id)).cloned();
        for tweet in &tweets {
            let late = oldest.as_ref().is_some_and(|old| order(tweet.first()) > order(old));
            if late || self.place.is_before(&tweet.id, tweet.created_at.as_deref()) {
                self.put(x, inbox, us, tweet, &page.includes).await?;
            } else {
                // Told before a restart, or older than us: only watched.
                self.known.entry(tweet.first().into()).or_insert_with(|| tweet.id.clone());
            }
        }
        self.gone(x, inbox, us, &listed, lowest).await
    }

    async fn gone(
        &mut self,
        x: &X,
        inbox: &Inbox,
        us: &Us,
        listed: &BTreeSet<String>,
        lowest: Option<String>,
    ) -> Result<(), Ended> {
        let reached = |id: &str| lowest.as_deref().is_none_or(|low| order(id) >= order(low));
        self.known.retain(|first, _| reached(first));
        let missing = self.known.iter().filter(|(first, _)| !listed.contains(*first));
        let missing: Vec<(String, String)> =
            missing.take(ASKED).map(|(a, b)| (a.clone(), b.clone())).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = missing.iter().map(|(_, newest)| newest.as_str()).collect();
        let asked = Asked::get("/2/tweets").with(&[("ids", &ids.join(","))]);
        let page: Page<Vec<Tweet>> = x.caller.call(&asked).await?;
        let there: Vec<Tweet> = page.data.unwrap_or_default();
        x.books.read(money::READ, there.iter().map(|tweet| tweet.id.as_str()), x.now());
        for (first, newest) in missing {
            let gone = page.errors.iter().any(|p| p.is_gone() && p.about() == Some(&newest));
            if gone {
                inbox.put(us.withdrawn(&first)).await?;
            }
            // A post that is there and not listed (the author is blocked, say) is not asked again.
            self.known.remove(&first);
        }
        Ok(())
    }

    async fn own(&mut self, x: &X, inbox: &Inbox, us: &Us) -> Result<(), Ended> {
        let path = format!("/2/users/{}/tweets", us.id);
        let (found, newest) = self.read(x, inbox, &path, money::OWNED).await?;
        for (tweet, with) in &found {
            let Some(own) = us.own(tweet, with, x.now()) else { continue };
            if !x.sent.has(tweet.first()) {
                inbox.put(own).await?;
            }
        }
        Ok(self.move_on(x, inbox, newest).await?)
    }

    /// Direct messages have no `since_id`: the list is read from its top down to this place.
    async fn direct(&mut self, x: &X, inbox: &Inbox, us: &Us) -> Result<(), Ended> {
        let (mut found, mut next) = (Vec::<(Direct, Includes)>::new(), None::<String>);
        for _ in 0..PAGES {
            let mut asked = Asked::get("/2/dm_events").with(DIRECT_FIELDS);
            asked = asked.with(&[("max_results", PAGE)]);
            if let Some(token) = &next {
                asked = asked.with(&[("pagination_token", token)]);
            }
            let page: Page<Vec<Direct>> = x.caller.call(&asked).await?;
            let letters = page.data.unwrap_or_default();
            x.books.read(money::DIRECT_READ, letters.iter().map(|d| d.id.as_str()), x.now());
            let (all, before) = (letters.len(), found.len());
            let new = letters
                .into_iter()
                .filter(|d| self.place.is_before(&d.id, d.created_at.as_deref()));
            found.extend(new.map(|direct| (direct, page.includes.clone())));
            next = page.meta.next_token;
            if next.is_none() || found.len() - before < all {
                break;
            }
        }
        found.sort_by(|(a, _), (b, _)| order(&a.id).cmp(&order(&b.id)));
        for (direct, with) in &found {
            self.put_direct(x, inbox, us, direct, with).await?;
        }
        let newest = found.last().map(|(direct, _)| direct.id.clone());
        Ok(self.move_on(x, inbox, newest).await?)
    }

    async fn put_direct(
        &mut self,
        x: &X,
        inbox: &Inbox,
        us: &Us,
        direct: &Direct,
        with: &Includes,
    ) -> Result<(), Shut> {
        let talk = direct.dm_conversation_id.clone();
        let before = self.before.get(&talk).map(String::as_str);
        let envelope = us.direct(direct, with, before, x.now());
        if direct.sender_id != us.id {
            self.before.insert(talk, direct.id.clone());
        }
        match envelope {
            Some(own) if x.sent.has(&format!("{DIRECT}{}", direct.id)) => drop(own),
            Some(envelope) => drop(inbox.put(envelope).await?),
            None => {}
        }
        Ok(())
    }
}

fn mentions_of(us: &Us) -> String {
    format!("/2/users/{}/mentions", us.id)
}

/// Where to begin at the very first start: behind the newest thing there is, or so far back as the
/// operator wants.
async fn first(x: &X, what: What, us: &Us) -> Result<Place, Trouble> {
    let since = Place::At(x.now() - x.since);
    if x.since > Span(0) {
        return Ok(since);
    }
    let asked = match what {
        What::Mentions => Asked::get(mentions_of(us)).with(&[("max_results", "5")]),
        What::Own => Asked::get(format!("/2/users/{}/tweets", us.id)).with(&[("max_results", "5")]),
        What::Direct => Asked::get("/2/dm_events").with(&[("max_results", "1")]),
    };
    let page: Page<Vec<Named>> = x.caller.call(&asked).await?;
    let named = page.data.unwrap_or_default().into_iter().map(|named| named.id);
    let newest = named.max_by(|a, b| order(a).cmp(&order(b)));
    Ok(newest.filter(|id| super::say::is_id(id)).map_or(since, Place::Id))
}

#[derive(serde::Deserialize)]
struct Named {
    id: String,
}

/// The posts that can be read; what cannot is shown to the team, once.
async fn readable(x: &X, inbox: &Inbox, all: Vec<Value>) -> Result<Vec<Tweet>, Shut> {
    let mut tweets = Vec::new();
    for value in all {
        let raw = value.to_string();
        match serde_json::from_value::<Tweet>(value) {
            Ok(tweet) if super::say::is_id(&tweet.id) => tweets.push(tweet),
            _ => drop(inbox.put(unreadable(&x.account, &raw)).await?),
        }
    }
    Ok(tweets)
}

/// Something of X came that nobody can read.
pub(super) fn unreadable(account: &AccountId, raw: &str) -> Envelope {
    feed::unreadable(account, raw, "something of X cannot be read")
}

/// The later of two ids.
trait ByOrder {
    fn max_by_order(self, other: Option<String>) -> Option<String>;
}

impl ByOrder for Option<String> {
    fn max_by_order(self, other: Self) -> Self {
        self.into_iter().chain(other).max_by(|a, b| order(a).cmp(&order(b)))
    }
}
