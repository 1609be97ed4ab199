//! What this driver has heard already, and where it stands in the list of notifications. Pure.
//!
//! The list is sorted by what each post claims as its time, so a new mention may stand far down
//! (`realservers.md` 2: one with a `createdAt` of last year is listed last). A high-water mark
//! would miss it. So: the top of the list often, down to some minutes below the mark; the whole
//! list now and then; and a set of the posts that were seen. The key of a post (a TID) tells
//! whether one that was never seen is new or from before our time.

use super::hear::Found;
use super::wire::{POSTS, post_uri};
use crate::case::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How far below the mark the top of the list is read: the network indexes posts late at times.
const OVERLAP: Span = Span::minutes(10);
/// How long after it was written a post can still be news: careline was away that long at most.
const HORIZON: Span = Span::days(14);
/// Posts remembered while running.
const POSTS_KEPT: usize = 20_000;
/// Bytes of a cursor: a stored value stays far below 16 KiB.
const CURSOR_BYTES: usize = 10_000;

/// Where the feed stands: its cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// When this account was first listened to; nothing from before is news.
    start: i64,
    /// The newest time of the list that was read.
    mark: i64,
    /// The newest posts, as `did/key`: known again after a restart, so that a deletion or a change
    /// in the meantime is noticed.
    recent: Vec<String>,
}

/// What is known of one post.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Post {
    /// Its content's name; empty after a restart.
    cid: String,
    sort: Timestamp,
    /// It is no longer listed although it is there (a mute, a block): not asked about again.
    hidden: bool,
}

/// What a found post is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Never seen.
    New,
    /// Seen with other content, or not known with which.
    Changed,
    /// Seen as it is, or from before our time.
    Old,
}

/// All that is known.
#[derive(Debug)]
pub(super) struct Known {
    start: Timestamp,
    mark: Timestamp,
    posts: BTreeMap<String, Post>,
    written: String,
}

impl Known {
    /// From a stored cursor; without one the account begins at
    /// `start`.
    pub(super) fn from_cursor(cursor: Option<&str>, start: Timestamp) -> Self {
        let place = cursor.and_then(|text| serde_json::from_str::<Place>(text).ok());
        let place = place.unwrap_or(Place { start: start.0, mark: start.0, recent: Vec::new() });
        let known = |short: &String| {
            let (did, rkey) = short.split_once('/')?;
            let sort = super::wire::tid_micros(rkey).map_or(start, Timestamp);
            Some((post_uri(did, rkey), Post { cid: String::new(), sort, hidden: false }))
        };
        Self {
            start: Timestamp(place.start),
            mark: Timestamp(place.mark),
            posts: place.recent.iter().filter_map(known).collect(),
            written: cursor.unwrap_or_default().to_owned(),
        }
    }

    /// The cursor, if it is another one than was written last.
    pub(super) fn cursor(&mut self) -> Option<String> {
        let mut newest: Vec<(&Timestamp, &String)> =
            self.posts.iter().map(|(uri, post)| (&post.sort, uri)).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        let mut room = CURSOR_BYTES;
        let short =
            |uri: &str| uri.trim_start_matches("at://").replacen(&format!("/{POSTS}/"), "/", 1);
        let recent = newest.into_iter().map(|(_, uri)| short(uri)).take_while(|short| {
            let cost = short.len() + 3;
            let fits = cost <= room;
            room = room.saturating_sub(cost);
            fits
        });
        let recent = recent.collect();
        let place = Place { start: self.start.0, mark: self.mark.0, recent };
        let text = serde_json::to_string(&place).unwrap_or_default();
        (text != self.written).then(|| {
            self.written.clone_from(&text);
            text
        })
    }

    /// Is this post one that was heard?
    pub(super) fn has(&self, uri: &str) -> bool {
        self.posts.contains_key(uri)
    }

    /// Is it known with this content?
    pub(super) fn is(&self, uri: &str, cid: &str) -> bool {
        self.posts.get(uri).is_some_and(|post| post.cid == cid)
    }

    /// Is the list read far enough, if this is the lowest time read?
    pub(super) fn is_below(&self, lowest: Timestamp) -> bool {
        lowest < self.mark - OVERLAP
    }

    /// What is this post? `hinted`: the stream has just told of it, so it is new whatever times it
    /// claims.
    pub(super) fn news(&self, found: &Found, hinted: bool, now: Timestamp) -> News {
        if let Some(post) = self.posts.get(&found.uri) {
            return if post.cid == found.cid { News::Old } else { News::Changed };
        }
        let floor = self.start.max((self.mark - OVERLAP).min(now - HORIZON));
        let latest = found.keyed().map_or(found.sort, |keyed| keyed.max(found.sort));
        if hinted || latest >= floor { News::New } else { News::Old }
    }

    /// Notes a post that is safe now.
    pub(super) fn keep(&mut self, found: &Found) {
        let post = Post { cid: found.cid.clone(), sort: found.sort, hidden: false };
        self.posts.insert(found.uri.clone(), post);
        self.mark = self.mark.max(found.sort);
        if self.posts.len() > POSTS_KEPT {
            let oldest = self.posts.iter().min_by_key(|(_, post)| post.sort);
            if let Some(uri) = oldest.map(|(uri, _)| uri.clone()) {
                self.posts.remove(&uri);
            }
        }
    }

    /// Forgets a post: it is gone.
    pub(super) fn drop(&mut self, uri: &str) {
        self.posts.remove(uri);
    }

    /// It is there, but not listed.
    pub(super) fn hide(&mut self, uri: &str) {
        if let Some(post) = self.posts.get_mut(uri) {
            post.hidden = true;
        }
    }

    /// It is listed again.
    pub(super) fn show(&mut self, uri: &str) {
        if let Some(post) = self.posts.get_mut(uri) {
            post.hidden = false;
        }
    }

    /// Known posts that should stand above this time in the list and do not.
    pub(super) fn missing(
        &self,
        listed: &BTreeSet<String>,
        lowest: Option<Timestamp>,
    ) -> Vec<String> {
        let here = |post: &Post| lowest.is_none_or(|lowest| post.sort > lowest);
        let missing = self
            .posts
            .iter()
            .filter(|(uri, post)| !post.hidden && here(post) && !listed.contains(*uri));
        missing.map(|(uri, _)| uri.clone()).collect()
    }
}
