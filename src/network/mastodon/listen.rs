//! Sweeps: the guarantee. Each feed is read forward from its cursor, whole pages are put into the
//! inbox, and only then the cursor follows (`reliability.md` V4).

use super::Mastodon;
use super::client::{Ended, Unread};
use super::hear::{self, Item, Me};
use super::stream::Topic;
use crate::case::event::{Envelope, Event};
use crate::case::id::{AccountId, FeedId};
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Pulse, Shut};
use crate::net::Stopped;
use crate::network::feed::{self, put_all};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::Notify;

/// The most pages that are held at once when there is no cursor and the feed is read backwards.
const BACK: usize = 5;
/// How far a cursor stays behind: servers were seen to list a smaller id after a larger one
/// (`realservers.md` 3), so what lies this near is read again.
const BEHIND: (Span, usize) = (Span::minutes(2), 40);
/// How often known mentions are compared with the server, for edits and deletions that no stream
/// told.
const REVIEW: Span = Span::minutes(5);
/// The longest wait after failures.
const LONGEST: Duration = Duration::from_secs(300);

/// One feed and how far it was read.
struct Feed {
    id: FeedId,
    path: Vec<String>,
    query: &'static [(&'static str, &'static str)],
    read: fn(&Me, &str) -> Item,
    /// `None` until the store was asked.
    cursor: Option<String>,
}

/// How far a feed was read, as its cursor says it.
enum Place {
    /// To this id.
    After(String),
    /// Not at all yet: all from this instant on counts, or simply all.
    Since(Option<Timestamp>),
}

impl Place {
    const SINCE: &str = "since:";

    /// A feed that begins at this instant.
    fn beginning(since: Timestamp) -> String {
        format!("{}{}", Self::SINCE, since.0)
    }

    fn of(cursor: &str) -> Self {
        match cursor.strip_prefix(Self::SINCE) {
            Some(micros) => Self::Since(micros.parse().ok().map(Timestamp)),
            // Earlier versions wrote this for a list that was empty.
            None if cursor.is_empty() => Self::Since(None),
            None => Self::After(cursor.to_owned()),
        }
    }
}

fn mentions_feed(account: &AccountId) -> FeedId {
    FeedId::new(format!("{account}/mentions"))
}

fn own_feed(account: &AccountId) -> FeedId {
    FeedId::new(format!("{account}/own"))
}

impl Feed {
    fn mentions(me: &Me) -> Self {
        Self {
            id: mentions_feed(&me.account),
            path: ["api", "v1", "notifications"].map(str::to_owned).to_vec(),
            query: &[("types[]", "mention"), ("include_filtered", "true"), ("limit", "80")],
            read: hear::notification,
            cursor: None,
        }
    }

    fn own(me: &Me) -> Self {
        Self {
            id: own_feed(&me.account),
            path: ["api", "v1", "accounts", &me.id, "statuses"].map(str::to_owned).to_vec(),
            query: &[("exclude_reblogs", "true"), ("limit", "40")],
            read: hear::own_post,
            cursor: None,
        }
    }
}

impl Mastodon {
    pub(super) async fn hear(&self, inbox: &Inbox) -> Stopped {
        self.client.token.renew();
        feed::until_stop(inbox, self.work(inbox)).await
    }

    async fn work(&self, inbox: &Inbox) -> Stopped {
        if self.begin(inbox).await.is_err() {
            return Stopped::Asked;
        }
        let (me, state) = match self.introduce(inbox).await {
            Ok(known) => known,
            Err(why) => return Stopped::Dead(why),
        };
        if inbox.put(state).await.is_err() {
            return Stopped::Asked;
        }
        let nudge = Notify::new();
        let hear = |event: &str, payload: &str| hear::streamed(&me, event, payload);
        tokio::select! {
            stopped = self.sweeps(inbox, &me, &nudge) => stopped,
            () = self.streams(inbox, &Topic::User, &hear, &nudge) => Stopped::Asked,
            _ = self.overhear(inbox, &me) => Stopped::Asked,
        }
    }

    /// The very first start: at now, or as far back as the operator asked for. Written down before
    /// the server is asked for anything, so that what is mentioned before it answers counts.
    async fn begin(&self, inbox: &Inbox) -> Result<(), Shut> {
        let since = (self.client.ground.now)() - self.since;
        for feed in [mentions_feed(&self.account), own_feed(&self.account)] {
            if inbox.cursor(&feed).await?.is_none() {
                put_cursor(inbox, &feed, Place::beginning(since)).await?;
            }
        }
        Ok(())
    }

    /// Asks who we are and what we may do, until the server answers or says that the token is dead.
    async fn introduce(&self, inbox: &Inbox) -> Result<(Me, Envelope), String> {
        let feed = mentions_feed(&self.account);
        let mut failures = 0;
        loop {
            let asked = async { Ok::<_, Unread>((self.me().await?, self.state().await?)) };
            match asked.await {
                Ok(known) => return Ok(known),
                Err(Unread::Dead(why)) => {
                    inbox.pulse(&feed, Pulse::Dead(why.clone()));
                    return Err(why);
                }
                Err(unread) => {
                    let (why, after) = told(unread);
                    inbox.pulse(&feed, Pulse::Down(why));
                    failures += 1;
                    tokio::time::sleep(pause(failures, after)).await;
                }
            }
        }
    }

    async fn sweeps(&self, inbox: &Inbox, me: &Me, nudge: &Notify) -> Stopped {
        let mut feeds = [Feed::mentions(me), Feed::own(me)];
        let mut review = Review::default();
        let mut failures = 0;
        loop {
            let mut wait = None;
            for feed in &mut feeds {
                match self.sweep(inbox, me, feed).await {
                    Ok(()) => inbox.pulse(&feed.id, Pulse::Read),
                    Err(Ended::Shut) => return Stopped::Asked,
                    Err(Ended::Trouble(Unread::Dead(why))) => {
                        inbox.pulse(&feed.id, Pulse::Dead(why.clone()));
                        return Stopped::Dead(why);
                    }
                    Err(Ended::Trouble(unread)) => {
                        let (why, after) = told(unread);
                        inbox.pulse(&feed.id, Pulse::Down(why));
                        wait = Some(wait.max(after).unwrap_or_default());
                    }
                }
            }
            failures = if wait.is_some() { failures + 1 } else { 0 };
            if wait.is_none() && self.review(inbox, me, &mut review).await.is_err() {
                return Stopped::Asked;
            }
            let rest = wait.map_or(self.poll.to_std(), |after| pause(failures, Some(after)));
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = nudge.notified(), if wait.is_none() => {}
            }
        }
    }

    /// Reads one feed from its cursor to its end.
    async fn sweep(&self, inbox: &Inbox, me: &Me, feed: &mut Feed) -> Result<(), Ended> {
        if feed.cursor.is_none() {
            feed.cursor = inbox.cursor(&feed.id).await?;
        }
        let place = |feed: &Feed| Place::of(feed.cursor.as_deref().unwrap_or_default());
        if let Place::Since(since) = place(feed)
            && !self.read_back(inbox, me, feed, since).await?
        {
            return Ok(());
        }
        let Place::After(mut at) = place(feed) else { return Ok(()) };
        let mut seen = Vec::new();
        loop {
            let page = self.page(me, feed, ("min_id", &at)).await?;
            // An item that nobody can read may have no id; the others around it count all the same.
            let newest = page.iter().find_map(|item| item.id.clone());
            self.take(inbox, feed, page, &mut seen).await?;
            let Some(newest) = newest else { return Ok(()) };
            // A server that ignores `min_id` gives the same page for ever.
            if newest == at {
                return Ok(());
            }
            at = newest;
        }
    }

    /// Reads backwards to the beginning, or to an instant, and takes all that, oldest first. What
    /// is too far to be held at once is not: only its oldest page is taken, and the answer is that
    /// there is more from the cursor on.
    async fn read_back(
        &self,
        inbox: &Inbox,
        me: &Me,
        feed: &mut Feed,
        since: Option<Timestamp>,
    ) -> Result<bool, Ended> {
        let mut all = self.page(me, feed, ("", "")).await?;
        let late =
            |item: &Item| since.is_none_or(|since| item.at.is_none_or(|at| is_from(at, since)));
        let mut pages = 0;
        while all.last().is_some_and(late) {
            let Some(below) = all.iter().rev().find_map(|item| item.id.clone()) else { break };
            let page = self.page(me, feed, ("max_id", &below)).await?;
            if page.is_empty() || page.last().map(|item| &item.id) == Some(&Some(below)) {
                break;
            }
            pages += 1;
            if pages >= BACK {
                inbox.pulse(&feed.id, Pulse::Read);
                all.clear();
            }
            all.extend(page);
        }
        let newest = all.iter().find_map(|item| item.id.clone());
        let is_far = pages >= BACK;
        all.retain(late);
        // All that is listed is older, and what comes from now on stands behind it.
        let long_ago = since.is_some_and(|at| (self.client.ground.now)().since(at) >= BEHIND.0);
        match newest {
            Some(newest) if all.is_empty() && (long_ago || is_far) => {
                self.follow(inbox, feed, newest).await?;
            }
            _ => self.take(inbox, feed, all, &mut Vec::new()).await?,
        }
        Ok(is_far)
    }

    /// One page, newest first, as the server lists it.
    async fn page(&self, me: &Me, feed: &Feed, at: (&str, &str)) -> Result<Vec<Item>, Unread> {
        let path: Vec<&str> = feed.path.iter().map(String::as_str).collect();
        let mut query = feed.query.to_vec();
        query.retain(|(key, _)| *key != at.0);
        let mut query: Vec<(&str, &str)> = query;
        query.extend((!at.0.is_empty()).then_some(at));
        let items: Vec<Box<RawValue>> = self.client.get(&path, &query).await?;
        Ok(items.iter().map(|raw| (feed.read)(me, raw.get())).collect())
    }

    /// Puts a page into the inbox, oldest first; when all of it is safe, the cursor follows.
    async fn take(
        &self,
        inbox: &Inbox,
        feed: &mut Feed,
        mut page: Vec<Item>,
        seen: &mut Vec<(Option<String>, Option<Timestamp>)>,
    ) -> Result<(), Ended> {
        page.reverse();
        seen.extend(page.iter().map(|item| (item.id.clone(), item.at)));
        put_all(inbox, page.into_iter().flat_map(|item| item.envelopes)).await?;
        match behind(seen, (self.client.ground.now)()) {
            Some(cursor) => self.follow(inbox, feed, cursor).await,
            None => Ok(()),
        }
    }

    async fn follow(&self, inbox: &Inbox, feed: &mut Feed, to: String) -> Result<(), Ended> {
        if feed.cursor.as_ref() != Some(&to) {
            put_cursor(inbox, &feed.id, to.clone()).await?;
            feed.cursor = Some(to);
        }
        Ok(())
    }

    /// Compares the newest mentions with what they were: some servers tell of edits and deletions
    /// only through streams, and only to followers.
    async fn review(&self, inbox: &Inbox, me: &Me, review: &mut Review) -> Result<(), Shut> {
        let now = (self.client.ground.now)();
        let often = REVIEW.min(Span(self.poll.0.saturating_mul(5)));
        if review.last.is_some_and(|last| now.since(last) < often) {
            return Ok(());
        }
        let feed = Feed::mentions(me);
        let Ok(page) = self.page(me, &feed, ("limit", "40")).await else { return Ok(()) };
        review.last = Some(now);
        let gone = review.compare(&page);
        let is_change = |e: &Envelope| matches!(e.event, Event::Changed(_));
        let changed = page.into_iter().flat_map(|item| item.envelopes).filter(is_change);
        put_all(inbox, changed).await?;
        for post in gone {
            let path = ["api", "v1", "statuses", post.as_str()];
            if self.client.read(&path, &[]).await == Err(Unread::Absent) {
                put_all(inbox, hear::withdrawn(me, &post)).await?;
            }
        }
        Ok(())
    }
}

/// The newest mentions when they were last compared: the notification, and its post.
#[derive(Default)]
struct Review {
    last: Option<Timestamp>,
    known: BTreeMap<String, (String, Option<Timestamp>)>,
}

impl Review {
    /// Remembers this page; gives the posts that should be on it and are not.
    fn compare(&mut self, page: &[Item]) -> Vec<String> {
        let now: BTreeMap<_, _> = page.iter().filter_map(noted).collect();
        let oldest = page.last().and_then(|item| item.at);
        let on_page = |at: &Option<Timestamp>| page.is_empty() || (*at > oldest && at.is_some());
        let missing = self.known.iter().filter(|(id, _)| !now.contains_key(*id));
        let missing = missing.filter(|(_, (_, at))| on_page(at));
        let gone = missing.map(|(_, (post, _))| post.clone()).collect();
        self.known = now;
        gone
    }
}

fn noted(item: &Item) -> Option<(String, (String, Option<Timestamp>))> {
    let post = item.envelopes.iter().find_map(|envelope| match &envelope.event {
        Event::Mentioned(mention) => Some(mention.post.to_string()),
        _ => None,
    })?;
    Some((item.id.clone()?, (post, item.at)))
}

/// Is it from then or later? Servers tell thousandths of a second, some of them whole seconds only.
const fn is_from(at: Timestamp, since: Timestamp) -> bool {
    let grain = if at.0 % 1_000_000 == 0 { 1_000_000 } else { 1_000 };
    at.0 >= since.0 - since.0.rem_euclid(grain)
}

async fn put_cursor(inbox: &Inbox, feed: &FeedId, cursor: String) -> Result<(), Shut> {
    let id = format!("{feed}:at:{cursor}");
    let event = Event::FeedState { feed: feed.clone(), cursor };
    inbox.put(Envelope::new(id, event)).await.map(drop)
}

/// The newest id that lies far enough behind, if any does.
fn behind(seen: &[(Option<String>, Option<Timestamp>)], now: Timestamp) -> Option<String> {
    let old = |at: &Option<Timestamp>| at.is_some_and(|at| now.since(at) >= BEHIND.0);
    let by_time = seen.iter().rposition(|(id, at)| id.is_some() && old(at));
    let by_number = seen.len().checked_sub(BEHIND.1 + 1);
    let at = by_time.max(by_number)?;
    seen[..=at].iter().rev().find_map(|(id, _)| id.clone())
}

pub(super) fn told(unread: Unread) -> (String, Option<Span>) {
    match unread {
        Unread::Down(why, after) => (why, after),
        Unread::Absent => ("the server does not know this list".into(), None),
        Unread::Dead(why) => (why, None),
    }
}

/// How long to wait after so many failures: longer each time, never in step with others, and never
/// shorter than the server asked for.
pub(super) fn pause(failures: u32, asked: Option<Span>) -> Duration {
    feed::pause(failures, LONGEST).max(asked.unwrap_or_default().to_std())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(ages: &[i64], now: Timestamp) -> Vec<(Option<String>, Option<Timestamp>)> {
        let one = |age: &i64| (Some(format!("{age}")), Some(now - Span::seconds(*age)));
        ages.iter().map(one).collect()
    }

    #[test]
    fn a_cursor_stays_a_little_behind() {
        let now = Timestamp::from_seconds(10_000);
        assert_eq!(behind(&seen(&[300, 200, 121, 119, 3], now), now).as_deref(), Some("121"));
        assert_eq!(behind(&seen(&[100, 3], now), now), None);
        let many: Vec<i64> = (0..100).rev().collect();
        assert_eq!(behind(&seen(&many, now), now).as_deref(), Some("40"));
        assert_eq!(behind(&[], now), None);
    }

    #[test]
    fn what_was_written_in_the_very_instant_of_the_start_counts() {
        let since = Timestamp(7_654_321);
        assert!(is_from(Timestamp(7_654_000), since) && is_from(Timestamp(7_000_000), since));
        assert!(!is_from(Timestamp(7_653_000), since) && !is_from(Timestamp(6_000_000), since));
    }

    #[test]
    fn what_vanished_from_the_newest_page_is_looked_at() {
        let item = |id: &str, at: i64| {
            let me = Me { account: crate::case::id::AccountId::new("a"), id: "1".into() };
            let raw = format!(
                r#"{{"id":"{id}","type":"mention","created_at":"{}","status":{{"id":"p{id}",
                "account":{{"id":"2"}}}}}}"#,
                Timestamp::from_seconds(at)
            );
            hear::notification(&me, &raw)
        };
        let mut review = Review::default();
        assert!(review.compare(&[item("3", 30), item("2", 20), item("1", 10)]).is_empty());
        // The first left the page because a new one came; the second is gone.
        assert_eq!(review.compare(&[item("4", 40), item("3", 30), item("1", 10)]), ["p2"]);
        assert!(review.compare(&[item("5", 50), item("4", 40), item("3", 30)]).is_empty());
    }

    #[test]
    fn waits_grow_and_never_undercut_the_server() {
        assert!(pause(1, None) <= Duration::from_secs(1));
        assert!(pause(30, None) <= LONGEST);
        assert!(pause(1, Some(Span::minutes(9))) >= Duration::from_secs(540));
    }
}
