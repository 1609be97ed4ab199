//! Whether all is well, said honestly: a feed counts only while it is really read, the store only
//! while it commits. And numbers for Prometheus, without anybody's words.

use super::Engine;
use crate::case::id::FeedId;
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Pulse, Taken};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// What is known of one feed.
#[derive(Clone, Debug)]
struct Feed {
    /// When it was last really read.
    read: Option<Timestamp>,
    /// Since when it is watched.
    since: Timestamp,
    /// What is wrong, in our words.
    wrong: Option<String>,
    /// It needs the operator.
    dead: bool,
    /// A long way that is being gone: done so far, of how many.
    way: Option<(u64, u64)>,
}

/// What feeds and store told of themselves.
pub(super) struct Board {
    feeds: Mutex<BTreeMap<String, Feed>>,
    /// Accounts and desks that were given up for a dead token and are tried again.
    trying: Mutex<BTreeSet<String>>,
    commits: AtomicBool,
    silent: Span,
}

/// One thing that is not well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ill {
    /// The feed, account or desk; or `store`.
    pub what: String,
    /// What is wrong.
    pub why: String,
    /// Seconds since it was last really read, if it ever was.
    pub silent_for: Option<i64>,
}

impl Board {
    /// Accounts and desks by name: each must tell of at least one feed of its own.
    pub(super) fn new<'a>(
        names: impl Iterator<Item = &'a str>,
        silent: Span,
        now: Timestamp,
    ) -> Self {
        let feed = Feed { read: None, since: now, wrong: None, dead: false, way: None };
        let feeds = names.map(|name| (name.to_owned(), feed.clone())).collect();
        Self {
            feeds: Mutex::new(feeds),
            trying: Mutex::default(),
            commits: AtomicBool::new(true),
            silent,
        }
    }

    fn feeds(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Feed>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is this the news that a token is dead? Said once, until it lives again.
    pub(super) fn is_news(&self, feed: &FeedId, pulse: &Pulse) -> bool {
        let owner = owner(feed.as_str());
        let dead = |(key, feed): (&String, &Feed)| feed.dead && self::owner(key) == owner;
        matches!(pulse, Pulse::Dead(_)) && !self.feeds().iter().any(dead)
    }

    fn trying(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.trying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An account or desk that was given up is tried again.
    pub(super) fn try_again(&self, name: &str) {
        self.trying().insert(name.to_owned());
    }

    /// One of its feeds was read: is that the news that it lives again? Then nothing of it is dead.
    pub(super) fn is_back(&self, name: &str) -> bool {
        let back = self.trying().remove(name);
        if back {
            self.feeds().retain(|key, feed| owner(key) != name || !feed.dead);
        }
        back
    }

    /// A feed told how it is doing. The name of an account or desk alone stands only until one of
    /// its feeds has spoken.
    pub(super) fn pulse(&self, feed: &FeedId, pulse: Pulse, now: Timestamp) {
        let mut feeds = self.feeds();
        let owner = owner(feed.as_str());
        if owner != feed.as_str() && feeds.get(owner).is_some_and(|owner| !owner.dead) {
            feeds.remove(owner);
        }
        let new = || Feed { read: None, since: now, wrong: None, dead: false, way: None };
        let known = feeds.entry(feed.0.clone()).or_insert_with(new);
        match pulse {
            Pulse::Read => *known = Feed { read: Some(now), way: known.way, ..new() },
            Pulse::Progress(done, of) => {
                known.read = Some(now);
                known.gone(feed, done, of);
            }
            Pulse::Down(why) => {
                if known.wrong.as_ref() != Some(&why) {
                    tracing::warn!(%feed, "cannot be read: {why}");
                }
                known.wrong = Some(why);
            }
            Pulse::Dead(why) => {
                if !known.dead {
                    tracing::error!(%feed, "needs the operator: {why}");
                }
                counter!("careline_feeds_dead_total", "feed" => feed.0.clone()).increment(1);
                (known.wrong, known.dead) = (Some(why), true);
            }
        }
    }

    /// An account or desk refused our token, or takes it again.
    pub(super) fn token(&self, name: &str, dead: Option<&str>, now: Timestamp) {
        let key = format!("{name}:token");
        self.trying().remove(name);
        match dead {
            Some(why) => self.pulse(&FeedId::new(key), Pulse::Dead(why.to_owned()), now),
            None => drop(self.feeds().remove(&key)),
        }
    }

    /// What was wrong with this is over, and it is no feed of its own.
    pub(super) fn over(&self, feed: &FeedId) {
        self.feeds().remove(feed.as_str());
    }

    pub(super) fn committed(&self, well: bool) {
        self.commits.store(well, Ordering::Relaxed);
        counter!("careline_commits_total", "well" => if well { "yes" } else { "no" }).increment(1);
    }

    /// What is being done that takes long, in words.
    pub(super) fn doing(&self) -> Vec<String> {
        let words = |(name, feed): (&String, &Feed)| {
            let (done, of) = feed.way?;
            Some(format!("{name}: reading what was missed, {done} of {of} threads"))
        };
        self.feeds().iter().filter_map(words).collect()
    }

    /// All that is not well.
    pub(super) fn ill(&self, now: Timestamp) -> Vec<Ill> {
        let mut all = Vec::new();
        for (name, feed) in &*self.feeds() {
            let silent = now.since(feed.read.unwrap_or(feed.since));
            gauge!("careline_feed_silent_seconds", "feed" => name.clone()).set(seconds(silent));
            let late = (silent.0 > self.silent.0).then(|| format!("was not read for {silent}"));
            let never = feed.read.is_none().then(|| "was not read yet".to_owned());
            if let Some(why) = feed.wrong.clone().or(never).or(late) {
                let silent_for = feed.read.map(|_| silent.0 / 1_000_000);
                all.push(Ill { what: name.clone(), why, silent_for });
            }
        }
        if !self.commits.load(Ordering::Relaxed) {
            let why = "the last commit failed".to_owned();
            all.push(Ill { what: "store".into(), why, silent_for: None });
        }
        all
    }
}

impl Feed {
    /// Notes how far a long way was gone, and tells the log of every tenth of it.
    fn gone(&mut self, feed: &FeedId, done: u64, of: u64) {
        let tenth = |done: u64| (done * 10).checked_div(of);
        let before = self.way.filter(|(_, all)| *all == of).map(|(done, _)| tenth(done));
        if before != Some(tenth(done)) || done == of {
            tracing::info!(%feed, "reading what was missed: {done} of {of} threads");
        }
        gauge!("careline_reading_done", "feed" => feed.0.clone()).set(count(done));
        gauge!("careline_reading_of", "feed" => feed.0.clone()).set(count(of));
        self.way = Some((done, of)).filter(|_| done < of);
    }
}

fn count(n: u64) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Feeds are named after their account or desk: `acme`, `acme:notifications`, `acme/home`.
pub(super) fn owner(feed: &str) -> &str {
    feed.split([':', '/']).next().unwrap_or(feed)
}

#[expect(clippy::cast_precision_loss, reason = "a gauge of seconds needs no more digits")]
fn seconds(span: Span) -> f64 {
    span.0 as f64 / 1e6
}

/// The recorder of this process; installed at first use.
fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE.get_or_init(|| PrometheusBuilder::new().install_recorder().ok()).as_ref()
}

/// `/healthz` and `/metrics`.
pub(super) fn routes(engine: Engine) -> Router {
    recorder();
    let measured = engine.clone();
    Router::new()
        .route("/healthz", get(move || async move { healthz(&engine) }))
        .route("/metrics", get(move || async move { metrics_page(&measured) }))
}

fn healthz(engine: &Engine) -> (StatusCode, Json<serde_json::Value>) {
    let ill = engine.ill();
    let status = if ill.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (
        status,
        Json(serde_json::json!({
            "well": ill.is_empty(), "ill": ill, "doing": engine.0.board.doing(),
        })),
    )
}

fn metrics_page(engine: &Engine) -> String {
    // Asking sets the gauges of the feeds.
    let _ = engine.ill();
    let inner = &engine.0;
    gauge!("careline_outbox_length").set(f64::from(u32::try_from(inner.outbox.len()).unwrap_or(0)));
    let oldest = inner.outbox.oldest().map_or(Span(0), |at| inner.clock.now().since(at));
    gauge!("careline_outbox_oldest_seconds").set(seconds(oldest));
    recorder().map(PrometheusHandle::render).unwrap_or_default()
}

impl Engine {
    /// All that is not well; empty = all is.
    #[must_use]
    pub fn ill(&self) -> Vec<Ill> {
        let mut ill = self.0.board.ill(self.0.clock.now());
        if let Some(why) = self.0.broken() {
            ill.push(Ill { what: "engine".into(), why, silent_for: None });
        }
        ill
    }
}

/// An envelope was taken, or not.
pub(super) fn took(event: &'static str, taken: Option<&Taken>, took: Span) {
    let outcome = match taken {
        Some(taken) if taken.repeated => "repeated",
        Some(_) => "taken",
        None => "refused",
    };
    counter!("careline_envelopes_total", "event" => event, "outcome" => outcome).increment(1);
    histogram!("careline_step_seconds").record(seconds(took));
}

/// A step was in somebody's way.
pub(super) fn conflict() {
    counter!("careline_conflicts_total").increment(1);
}

/// A step panicked.
pub(super) fn panicked() {
    counter!("careline_panics_total").increment(1);
}

/// A try to deliver ended.
pub(super) fn tried(way: &str, result: &'static str) {
    counter!("careline_deliveries_total", "way" => way.to_owned(), "result" => result).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn what(board: &Board, now: i64) -> Vec<String> {
        board.ill(at(now)).into_iter().map(|ill| format!("{}: {}", ill.what, ill.why)).collect()
    }

    #[test]
    fn well_only_while_every_feed_is_really_read() {
        let board = Board::new(["acme", "slack"].into_iter(), Span::minutes(3), at(0));
        assert_eq!(what(&board, 1), ["acme: was not read yet", "slack: was not read yet"]);
        board.pulse(&FeedId::new("acme:home"), Pulse::Read, at(2));
        board.pulse(&FeedId::new("slack"), Pulse::Read, at(2));
        assert!(what(&board, 3).is_empty());
        assert_eq!(what(&board, 190).len(), 2, "silence is not health");
        board.pulse(&FeedId::new("slack"), Pulse::Read, at(190));
        board.pulse(&FeedId::new("acme:home"), Pulse::Down("no answer".into()), at(190));
        assert_eq!(what(&board, 191), ["acme:home: no answer"]);
    }

    #[test]
    fn a_dead_token_and_a_failing_store_are_named() {
        let board = Board::new(["acme"].into_iter(), Span::minutes(3), at(0));
        board.pulse(&FeedId::new("acme:home"), Pulse::Read, at(1));
        board.token("acme", Some("the token was revoked"), at(1));
        board.committed(false);
        assert_eq!(what(&board, 2).len(), 2);
        board.token("acme", None, at(3));
        board.committed(true);
        assert!(what(&board, 3).is_empty());
    }

    #[test]
    fn a_long_way_is_told_in_words_until_its_end() {
        let board = Board::new(["slack"].into_iter(), Span::minutes(3), at(0));
        let slack = FeedId::new("slack");
        board.pulse(&slack, Pulse::Progress(12, 340), at(1));
        board.pulse(&slack, Pulse::Read, at(2));
        assert_eq!(board.doing(), ["slack: reading what was missed, 12 of 340 threads"]);
        assert!(what(&board, 3).is_empty(), "reading is health");
        board.pulse(&slack, Pulse::Progress(340, 340), at(4));
        assert!(board.doing().is_empty());
    }

    #[test]
    fn who_was_given_up_is_back_only_when_he_was_tried_and_read() {
        let board = Board::new(["acme"].into_iter(), Span::minutes(3), at(0));
        let feed = FeedId::new("acme:home");
        board.pulse(&feed, Pulse::Dead("revoked".into()), at(1));
        board.token("acme", Some("revoked"), at(1));
        assert!(!board.is_back("acme"), "a late answer is no news");
        board.try_again("acme");
        board.token("acme", Some("revoked"), at(2));
        assert!(!board.is_back("acme"), "tried in vain");
        board.try_again("acme");
        assert!(board.is_back("acme"));
        board.pulse(&feed, Pulse::Read, at(3));
        assert!(what(&board, 3).is_empty(), "nothing of it is dead any more");
        assert!(!board.is_back("acme"), "said once");
    }
}
