//! What nobody addressed to us: public posts, and posts with certain hashtags, that a rule means.
//!
//! Each timeline has a stream, and is swept from its cursor as the mentions are: so what was said
//! while the stream was away is found too. On a busy server the public timeline cannot be read to
//! its end after a long pause; then the newest of it is read and the rest is let go.

use super::client::{Ended, Unread};
use super::hear::{self, Me};
use super::listen::told;
use super::stream::Topic;
use super::wire::Status;
use super::{Mastodon, listen};
use crate::case::event::{Envelope, Event};
use crate::case::id::FeedId;
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Shut, Task};
use crate::listen::Rules;
use crate::network::feed::put_all;
use futures_util::future::join_all;
use serde_json::value::RawValue;
use std::sync::Arc;
use tokio::sync::Notify;

/// Pages of one sweep; a page has 40 posts at most.
const PAGES: usize = 10;

/// One timeline, and how far it was read.
struct Timeline {
    feed: FeedId,
    path: Vec<String>,
    topic: Topic,
}

impl Mastodon {
    /// Listens for what the rules mean, whatever they are just now, until careline stops.
    pub(super) async fn overhear(&self, inbox: &Inbox, me: &Me) -> Shut {
        match inbox.cursor(&self.overheard_feed()).await {
            Ok(kept) => self.ears.restore(&kept.unwrap_or_default()),
            Err(shut) => return shut,
        }
        let mut rules = self.ears.watch();
        loop {
            let now = rules.borrow_and_update().clone();
            let timelines = self.timelines(&now);
            let all = timelines.iter().map(|timeline| self.listen_to(inbox, me, timeline));
            let work = async {
                match timelines.is_empty() {
                    true => std::future::pending().await,
                    false => join_all(all).await,
                }
            };
            tokio::select! {
                _ = work => return Shut,
                changed = rules.changed() => if changed.is_err() { return Shut },
            }
        }
    }

    fn overheard_feed(&self) -> FeedId {
        FeedId::new(format!("{}/overheard", self.account))
    }

    fn timelines(&self, rules: &Rules) -> Vec<Timeline> {
        let timeline = |name: &str, path: &[&str], topic| Timeline {
            feed: FeedId::new(format!("{}/timeline/{name}", self.account)),
            path: ["api", "v1", "timelines"].iter().chain(path).map(|s| (*s).to_owned()).collect(),
            topic,
        };
        if rules.is_open() {
            return vec![timeline("public", &["public"], Topic::Public)];
        }
        let tags = rules.hashtags().into_iter();
        tags.map(|tag| timeline(&format!("tag/{tag}"), &["tag", &tag], Topic::Tag(tag.clone())))
            .collect()
    }

    fn listen_to<'a>(&'a self, inbox: &'a Inbox, me: &'a Me, of: &'a Timeline) -> Task<'a, Shut> {
        Box::pin(async move {
            let nudge = Notify::new();
            let hear = |event: &str, payload: &str| self.told(me, event, payload);
            tokio::select! {
                shut = self.sweeps_of(inbox, me, of, &nudge) => shut,
                () = self.streams(inbox, &of.topic, &hear, &nudge) => Shut,
            }
        })
    }

    async fn sweeps_of(&self, inbox: &Inbox, me: &Me, of: &Timeline, nudge: &Notify) -> Shut {
        let mut failures = 0;
        loop {
            let rest = match self.sweep_of(inbox, me, of).await {
                Ok(()) => {
                    failures = 0;
                    self.poll.to_std()
                }
                Err(Ended::Shut) => return Shut,
                Err(Ended::Trouble(unread)) => {
                    let (why, after) = told(unread);
                    tracing::debug!(feed = %of.feed, why, "a timeline cannot be read");
                    failures += 1;
                    listen::pause(failures, after)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = nudge.notified(), if failures == 0 => {}
            }
        }
    }

    /// Reads a timeline from its cursor on; at the very first start from now, or the newest of what
    /// was written since the operator's own beginning.
    async fn sweep_of(&self, inbox: &Inbox, me: &Me, of: &Timeline) -> Result<(), Ended> {
        let begun = inbox.cursor(&of.feed).await?;
        if begun.is_none() && self.since == Span(0) {
            let newest = self.page_of(of, ("limit", "1")).await?;
            return Ok(self.save(inbox, &of.feed, first_id(&newest).unwrap_or_default()).await?);
        }
        let since = begun.is_none().then(|| (self.client.ground.now)() - self.since);
        let mut at = begun.clone().unwrap_or_default();
        for page in 0.. {
            let is_last = at.is_empty() || page == PAGES;
            let from = if is_last { ("limit", "40") } else { ("min_id", at.as_str()) };
            let statuses = self.page_of(of, from).await?;
            let late = |raw: &RawValue| since.is_none_or(|since| written(raw) >= Some(since));
            let heard = statuses.iter().rev().filter(|raw| late(raw));
            let heard = heard.filter_map(|raw| self.heard(me, raw.get(), false));
            let heard: Vec<Envelope> = heard.collect();
            put_all(inbox, heard).await?;
            let newest = first_id(&statuses).filter(|newest| *newest != at);
            let is_done = is_last || newest.is_none();
            at = newest.unwrap_or(at);
            if is_done {
                break;
            }
        }
        if begun.as_ref() != Some(&at) {
            self.save(inbox, &of.feed, at).await?;
        }
        Ok(())
    }

    async fn page_of(&self, of: &Timeline, at: (&str, &str)) -> Result<Vec<Box<RawValue>>, Unread> {
        let path: Vec<&str> = of.path.iter().map(String::as_str).collect();
        let limit = [("limit", "40"), at];
        let query = if at.0 == "limit" { &limit[1..] } else { &limit[..] };
        self.client.get(&path, query).await
    }

    /// Keeps where a timeline stands, and what was overheard.
    async fn save(&self, inbox: &Inbox, feed: &FeedId, cursor: String) -> Result<(), Shut> {
        let kept = self.overheard_feed();
        let now = (self.client.ground.now)().0;
        for (feed, cursor) in [(&kept, self.ears.kept()), (feed, cursor)] {
            let event = Event::FeedState { feed: feed.clone(), cursor };
            inbox.put(Envelope::new(format!("{feed}:at:{now}"), event)).await?;
        }
        Ok(())
    }

    /// One event of a public stream.
    fn told(&self, me: &Me, event: &str, payload: &str) -> Vec<Envelope> {
        match event {
            "update" => self.heard(me, payload, false).into_iter().collect(),
            "status.update" | "status_update" => {
                self.heard(me, payload, true).into_iter().collect()
            }
            "delete" => {
                let post = payload.trim().trim_matches('"');
                let gone = self.ears.has(post).then(|| hear::withdrawn(me, post));
                gone.unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// A post of others, if a rule brings it. What cannot be read is passed over: it is nobody's
    /// word to us.
    fn heard(&self, me: &Me, raw: &str, changed: bool) -> Option<Envelope> {
        let status: Status = serde_json::from_str(raw).ok()?;
        if self.ears.has(&status.id) {
            return if changed { hear::overheard(me, &status, None) } else { None };
        }
        let rules = self.ears.rules();
        if !may_be_heard(&rules, me, &status) {
            return None;
        }
        let languages: Vec<String> = status.language.iter().cloned().collect();
        let now = (self.client.ground.now)();
        let rule = self.ears.admit(&hear::words(&status), &languages, now)?;
        let envelope = hear::overheard(me, &status, Some(rule))?;
        self.ears.note(&status.id);
        Some(envelope)
    }
}

/// Is it public, addressed to others, and by somebody who does not mind programs?
fn may_be_heard(rules: &Arc<Rules>, me: &Me, status: &Status) -> bool {
    let author = &status.account;
    let named = status.mentions.iter().any(|named| named.id == me.id);
    let about = hear::html::plain(&author.note, &[]);
    let names = [author.id.as_str(), author.acct.as_str()];
    status.visibility == "public"
        && !named
        && author.id != me.id
        && !author.bot
        && !author.noindex
        && !rules.spares(&names, &about)
}

fn written(raw: &RawValue) -> Option<Timestamp> {
    let stub: super::wire::Stub = serde_json::from_str(raw.get()).ok()?;
    Timestamp::parse(&stub.created_at?)
}

fn first_id(statuses: &[Box<RawValue>]) -> Option<String> {
    let id = |raw: &RawValue| serde_json::from_str::<super::wire::Stub>(raw.get()).ok()?.id;
    statuses.iter().find_map(|raw| id(raw))
}
