//! The sweeps: what the stream only hints at is read here, from the network's own lists.

use super::Bluesky;
use super::call::Trouble;
use super::hear::{self, Found};
use super::hint::Hint;
use super::known::{Known, News};
use super::send::get_record;
use super::wire::{KeptPage, Notice, POSTS, Page, Post, Views};
use crate::case::event::{Envelope, Event};
use crate::case::id::{EnvelopeId, FeedId, PostId};
use crate::case::limits::IN_FLIGHT;
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Pulse, Shut, Taken, Task};
use crate::network::feed;
use futures_util::stream::{StreamExt, iter};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Notifications per page (lexicon: 100 at most).
const PAGE: &str = "100";
/// Pages of one look at the whole list; what stands below is left to the stream.
const PAGES: usize = 50;
/// Posts per question for their views (lexicon `app.bsky.feed.getPosts`: 25 at most).
const VIEWS: usize = 25;
/// Posts that vanished from the list and are asked about in one sweep.
const ASKED: usize = 20;
/// Times a hint is followed before it is given up: the sweeps find it, if it is for us.
const FOLLOWED: u32 = 4;

/// Why a sweep ended early.
pub(super) type Ended = feed::Ended<Trouble>;

/// What a hint still waits for.
struct Waiting {
    /// The new content's name, if the post was changed.
    cid: Option<String>,
    tries: u32,
}

/// What both the sweeps and the stream look at.
#[derive(Default)]
pub(super) struct Shared(Mutex<Option<Known>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is this post one that was heard?
    pub(super) fn has(&self, uri: &str) -> bool {
        self.lock().as_ref().is_some_and(|known| known.has(uri))
    }
}

/// Listens to the notifications of one account.
pub(super) struct Ear<'a> {
    driver: &'a Bluesky,
    inbox: &'a Inbox,
    shared: &'a Shared,
    feed: FeedId,
    us: String,
    waiting: BTreeMap<String, Waiting>,
    unreadable: BTreeSet<EnvelopeId>,
    first: bool,
}

/// What one walk down the list brought.
#[derive(Default)]
struct Walk {
    found: Vec<(String, Found)>,
    listed: BTreeSet<String>,
    /// The lowest time that was read; `None` if the list was read to its end.
    lowest: Option<Timestamp>,
}

impl<'a> Ear<'a> {
    /// Opens the feed where it was left.
    pub(super) async fn open(
        driver: &'a Bluesky,
        inbox: &'a Inbox,
        shared: &'a Shared,
        us: String,
    ) -> Result<Self, Shut> {
        let feed = driver.feed("notifications");
        let cursor = inbox.cursor(&feed).await?;
        let known = Known::from_cursor(cursor.as_deref(), driver.now() - driver.since);
        *shared.lock() = Some(known);
        let (waiting, unreadable) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { driver, inbox, shared, feed, us, waiting, unreadable, first: true })
    }

    fn known<T>(&self, what: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.shared.lock();
        what(known.get_or_insert_with(|| Known::from_cursor(None, self.driver.now())))
    }

    /// Was the whole list never read since the start?
    pub(super) const fn is_first(&self) -> bool {
        self.first
    }

    /// Does a hint wait to be followed?
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes a hint of the stream.
    pub(super) async fn hint(&mut self, hint: Hint) -> Result<(), Shut> {
        match hint {
            Hint::Spoken(uri) if !self.known(|known| known.has(&uri)) => {
                self.waiting.insert(uri, Waiting { cid: None, tries: 0 });
            }
            Hint::Changed(uri, cid) if !self.known(|known| known.is(&uri, &cid)) => {
                self.waiting.insert(uri, Waiting { cid: Some(cid), tries: 0 });
            }
            Hint::Gone(uri) => {
                self.waiting.remove(&uri);
                self.withdraw(&uri).await?;
            }
            Hint::Spoken(_) | Hint::Changed(..) | Hint::Own => {}
        }
        Ok(())
    }

    /// Reads the top of the list, or all of it, and puts what is new.
    pub(super) async fn round(&mut self, deep: bool) -> Result<(), Ended> {
        let mut walk = self.walk(deep).await?;
        self.inbox.pulse(&self.feed, Pulse::Read);
        self.follow_hints(&mut walk).await?;
        let news = self.sort(&walk);
        let news = self.enrich(news).await?;
        self.put(news).await?;
        self.vanished(&walk).await?;
        self.first = self.first && !deep;
        self.give_up();
        self.save().await?;
        Ok(())
    }

    async fn walk(&mut self, deep: bool) -> Result<Walk, Ended> {
        let mut walk = Walk::default();
        let mut cursor = None;
        for _ in 0..PAGES {
            let page = self.page(cursor.as_deref()).await?;
            let (mut lowest, before) = (walk.lowest, walk.listed.len());
            for raw in &page.notifications {
                if let Some((reason, found)) = self.read(raw.get()).await? {
                    lowest = Some(lowest.map_or(found.sort, |low| low.min(found.sort)));
                    if walk.listed.insert(found.uri.clone()) {
                        walk.found.push((reason, found));
                    }
                }
            }
            walk.lowest = lowest;
            let new = walk.listed.len() > before;
            cursor = page.cursor.filter(|next| !next.is_empty()).map(|next| {
                let again = again(&next, new);
                if cursor.as_ref() == Some(&again) { next } else { again }
            });
            if cursor.is_none() {
                walk.lowest = None;
                break;
            }
            let far = lowest.is_some_and(|low| self.known(|known| known.is_below(low)));
            if far && !deep {
                break;
            }
        }
        Ok(walk)
    }

    async fn page(&self, cursor: Option<&str>) -> Result<Page, Trouble> {
        let mut query = vec![("limit", PAGE)];
        query.extend(["mention", "reply", "quote"].map(|reason| ("reasons", reason)));
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        self.driver.client.get("app.bsky.notification.listNotifications", &query).await
    }

    /// Reads one item; what cannot be read is shown to the team, once.
    async fn read(&mut self, raw: &str) -> Result<Option<(String, Found)>, Shut> {
        let notice = serde_json::from_str::<Notice>(raw).map_err(|e| crate::net::misread(&e));
        let why = match notice {
            Ok(notice) if !matches!(notice.reason.as_str(), "mention" | "reply" | "quote") => {
                return Ok(None);
            }
            Ok(notice) => {
                let reason = notice.reason.clone();
                match Found::from_notice(notice) {
                    Ok(found) => return Ok(Some((reason, found))),
                    Err(why) => why,
                }
            }
            Err(why) => why,
        };
        let why = format!("a notification of Bluesky cannot be read: {}", why_only(&why));
        let envelope = feed::unreadable(&self.driver.account, raw, why);
        if self.unreadable.insert(envelope.id.clone()) {
            self.inbox.put(envelope).await?;
        }
        Ok(None)
    }

    /// Asks for the views of hinted posts that need not stand in the part of the list that was
    /// read: those that were changed, and those that did not turn up in the whole of it.
    async fn follow_hints(&mut self, walk: &mut Walk) -> Result<(), Ended> {
        let apart = |waiting: &Waiting| waiting.cid.is_some() || waiting.tries + 1 >= FOLLOWED;
        let wanted = self
            .waiting
            .iter()
            .filter(|(uri, waiting)| apart(waiting) && !walk.listed.contains(*uri));
        let uris: Vec<String> = wanted.map(|(uri, _)| uri.clone()).collect();
        let mut found = Vec::new();
        for part in uris.chunks(VIEWS) {
            found.extend(views(self.driver, part).await?.posts);
        }
        for view in found {
            let muted = view.author.viewer.muted;
            let Ok(found) = Found::from_view(view) else { continue };
            let known = self.known(|known| known.has(&found.uri));
            let reason = hear::reason(&found, &self.us).filter(|_| !muted);
            if let Some(reason) = reason.or(known.then_some("mention")) {
                walk.found.push((reason.into(), found));
            }
        }
        Ok(())
    }

    /// What of it is news for us, oldest first.
    fn sort(&self, walk: &Walk) -> Vec<(News, Found)> {
        let now = self.driver.now();
        let mut news: Vec<(News, Found)> = Vec::new();
        for (reason, found) in &walk.found {
            let hinted = self.waiting.contains_key(&found.uri);
            let what = self.known(|known| known.news(found, hinted, now));
            if what == News::Old {
                self.known(|known| known.show(&found.uri));
                continue;
            }
            if what == News::New && !hear::is_for_us(reason, found, &self.us) {
                continue;
            }
            news.push((what, found.clone()));
        }
        news.sort_by_key(|(_, found)| found.written(now));
        news
    }

    /// Asks for the views of what is news: pictures, labels, whether we may answer. A post that
    /// has none (just deleted, or the view lags) is told without.
    async fn enrich(&self, news: Vec<(News, Found)>) -> Result<Vec<(News, Found)>, Ended> {
        let mut news = news;
        for part in news.chunks_mut(VIEWS) {
            let bare = part.iter().filter(|(_, found)| found.view.is_none());
            let uris: Vec<String> = bare.map(|(_, found)| found.uri.clone()).collect();
            if uris.is_empty() {
                continue;
            }
            for view in views(self.driver, &uris).await?.posts {
                if let Some((_, found)) = part.iter_mut().find(|(_, f)| f.uri == view.uri) {
                    found.view = Some(Box::new(view));
                }
            }
        }
        Ok(news)
    }

    /// Puts what is news, many at once; the engine keeps each conversation in order.
    async fn put(&mut self, news: Vec<(News, Found)>) -> Result<(), Shut> {
        let mut puts: Vec<Task<'_, Result<Taken, Shut>>> = Vec::new();
        for (what, found) in &news {
            puts.push(Box::pin(self.inbox.put(self.envelope(*what, found))));
        }
        let mut told = iter(puts).buffered(IN_FLIGHT);
        while let Some(taken) = told.next().await {
            taken?;
        }
        drop(told);
        for (what, found) in &news {
            // It may have been told before a restart, and changed since; whether it was is for the
            // engine to know.
            if self.first && *what == News::New {
                self.inbox.put(self.envelope(News::Changed, found)).await?;
            }
            self.known(|known| known.keep(found));
            let done = |waiting: &Waiting| waiting.cid.as_ref().is_none_or(|c| *c == found.cid);
            if self.waiting.get(&found.uri).is_some_and(done) {
                self.waiting.remove(&found.uri);
            }
        }
        Ok(())
    }

    fn envelope(&self, what: News, found: &Found) -> Envelope {
        let driver = self.driver;
        let mention = hear::mention(&driver.account, found, &driver.app, driver.now());
        let mention = Box::new(mention);
        let (id, event) = match what {
            News::Changed => {
                let id = format!("{}/{}/{}", driver.account, found.uri, found.cid);
                (id, Event::Changed(mention))
            }
            _ => (format!("{}/{}", driver.account, found.uri), Event::Mentioned(mention)),
        };
        Envelope::new(id, event)
    }

    async fn withdraw(&mut self, uri: &str) -> Result<(), Shut> {
        let account = self.driver.account.clone();
        let id = format!("{account}/{uri}/gone");
        let event = Event::Withdrawn { account, post: PostId::new(uri) };
        self.inbox.put(Envelope::new(id, event)).await?;
        self.known(|known| known.drop(uri));
        Ok(())
    }

    /// Posts that are no longer listed: deleted, or hidden from us by a mute or a block. The
    /// author's own server knows which.
    async fn vanished(&mut self, walk: &Walk) -> Result<(), Ended> {
        let missing = self.known(|known| known.missing(&walk.listed, walk.lowest));
        for uri in missing.into_iter().take(ASKED) {
            match get_record(self.driver, &uri).await? {
                None => self.withdraw(&uri).await?,
                Some(_) => self.known(|known| known.hide(&uri)),
            }
        }
        Ok(())
    }

    fn give_up(&mut self) {
        for waiting in self.waiting.values_mut() {
            waiting.tries += 1;
        }
        self.waiting.retain(|_, waiting| waiting.tries < FOLLOWED);
    }

    async fn save(&mut self) -> Result<(), Shut> {
        let Some(cursor) = self.known(Known::cursor) else { return Ok(()) };
        self.driver.save(self.inbox, &self.feed, cursor).await
    }
}

/// The cursor that leads to the posts of its own millisecond once more. A cursor is the time of the
/// page's last item and leads to what is older: others of that instant would be left out. After a
/// page that brought nothing new it is used as it is.
fn again(cursor: &str, new: bool) -> String {
    match Timestamp::parse(cursor) {
        Some(at) if new => (at + Span::millis(1)).to_string(),
        _ => cursor.to_owned(),
    }
}

/// What serde says of a document, without the words of it.
fn why_only(why: &str) -> String {
    why.split('`').next().unwrap_or_default().trim().to_owned()
}

pub(super) async fn views(driver: &Bluesky, uris: &[String]) -> Result<Views, Trouble> {
    let query: Vec<(&str, &str)> = uris.iter().map(|uri| ("uris", uri.as_str())).collect();
    driver.client.get("app.bsky.feed.getPosts", &query).await
}

/// Reads our own newest posts and tells those that answer somebody. Our own server lists them
/// newest first, by their keys.
pub(super) async fn own(
    driver: &Bluesky,
    inbox: &Inbox,
    us: &str,
    told: &mut BTreeSet<String>,
) -> Result<(), Ended> {
    let feed = driver.feed("own");
    let since = inbox.cursor(&feed).await?;
    let query = [("repo", us), ("collection", POSTS), ("limit", "100")];
    let page: KeptPage = driver.client.get("com.atproto.repo.listRecords", &query).await?;
    inbox.pulse(&feed, Pulse::Read);
    // What stood there before the first start is not news.
    let first = since.as_deref().and_then(super::wire::tid_micros).unwrap_or_default();
    for kept in page.records.iter().rev() {
        let rkey = kept.uri.rsplit('/').next().unwrap_or_default();
        let late = super::wire::tid_micros(rkey).is_some_and(|at| at >= first);
        let Ok(post) = serde_json::from_value::<Post>(kept.value.clone()) else { continue };
        if !late || post.reply.is_none() || told.contains(&kept.uri) || driver.sent.has(&kept.uri) {
            continue;
        }
        let own = hear::own(&driver.account, &kept.uri, &post, &driver.app, driver.now());
        let id = format!("{}/own/{}", driver.account, kept.uri);
        inbox.put(Envelope::new(id, Event::OwnPost(Box::new(own)))).await?;
        told.insert(kept.uri.clone());
    }
    Ok(())
}
