//! The one way in. A driver puts an envelope and learns when it is safe on disk.
//!
//! `put` returns only after the commit stands behind the synced watermark: from then on a crash
//! cannot lose the envelope, and the driver may acknowledge, read on or move its cursor.

pub mod boundary;

use crate::case::effect::Answer;
use crate::case::event::Envelope;
use crate::case::id::FeedId;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A boxed future: traits behind `dyn` need it, and no macro is used.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What became of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// It had been taken before; nothing was done again.
    pub repeated: bool,
    /// What to say at once to whoever asked.
    pub answer: Option<Answer>,
}

/// The engine stopped taking envelopes; the driver should stop without acknowledging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("careline is stopping and takes nothing more")]
pub struct Shut;

/// How a feed is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// It was really read (an answer came, even an empty one), just now.
    Read,
    /// It cannot be read at the moment, for this reason in our words.
    Down(String),
    /// Its token is dead: nothing will work until the operator acts.
    Dead(String),
    /// Work on a long way: done so far, of how many.
    Progress(u64, u64),
}

/// What stands behind an inbox: the engine, or a test.
pub trait Door: Send + Sync {
    /// Takes an envelope; returns when it is safe.
    ///
    /// # Errors
    /// [`Shut`] when the engine is stopping; the envelope was not taken.
    fn put(&self, envelope: Envelope) -> Task<'_, Result<Taken, Shut>>;

    /// Where a feed was left.
    ///
    /// # Errors
    /// [`Shut`] when the engine is stopping.
    fn cursor<'a>(&'a self, feed: &'a FeedId) -> Task<'a, Result<Option<String>, Shut>>;

    /// Notes how a feed is doing; never waits.
    fn pulse(&self, feed: &FeedId, pulse: Pulse);
}

/// A handle to the one way in.
#[derive(Clone)]
pub struct Inbox {
    door: Arc<dyn Door>,
    stop: CancellationToken,
}

impl Inbox {
    /// An inbox for this door; `stop` tells drivers to end.
    pub fn new(door: Arc<dyn Door>, stop: CancellationToken) -> Self {
        Self { door, stop }
    }

    /// Puts an envelope; returns when it is safe on disk.
    ///
    /// # Errors
    /// [`Shut`] when the engine is stopping; the envelope was not taken.
    pub async fn put(&self, envelope: Envelope) -> Result<Taken, Shut> {
        self.door.put(envelope).await
    }

    /// Where a feed was left.
    ///
    /// # Errors
    /// [`Shut`] when the engine is stopping.
    pub async fn cursor(&self, feed: &FeedId) -> Result<Option<String>, Shut> {
        self.door.cursor(feed).await
    }

    /// Notes how a feed is doing; never waits.
    pub fn pulse(&self, feed: &FeedId, pulse: Pulse) {
        self.door.pulse(feed, pulse);
    }

    /// Fires when drivers shall end.
    #[must_use]
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}
