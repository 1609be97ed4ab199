//! What the drivers of all networks do alike when they read: what a call may come to that brought
//! nothing, when to try again, and how what was read gets into the inbox.

use super::{Failure, Finding, Stopped};
use crate::case::effect::Receipt;
use crate::case::event::{Envelope, Event};
use crate::case::id::{AccountId, FeedId};
use crate::case::limits::{IN_FLIGHT, RAW_BYTES};
use crate::case::rich::Theirs;
use crate::case::text::cut;
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Pulse, Shut};
use crate::net::call::Broken;
use futures_util::stream::{StreamExt, iter};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Longest wait before another try after a trouble.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// Why a call brought nothing; `R` is how the platform refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble<R> {
    /// It never left, or was turned away before anything was done.
    Later {
        /// How long the platform asked us to wait.
        after: Option<Span>,
        /// Why, in our words.
        why: String,
    },
    /// The platform understood and refused.
    Refused(R),
    /// Nobody knows what it did.
    Broken(String),
    /// The account is stopped until the operator acts.
    Dead(String),
}

/// What a platform says when it refuses.
pub(super) trait Refusal {
    /// In our words.
    fn why(&self) -> String;

    /// As the outcome of a write.
    fn writing(&self) -> Failure;
}

impl<R: Refusal> Trouble<R> {
    /// In our words.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Later { why, .. } | Self::Broken(why) | Self::Dead(why) => why.clone(),
            Self::Refused(refused) => refused.why(),
        }
    }

    /// As the outcome of a call that wrote nothing by itself.
    pub(super) fn before_writing(self) -> Failure {
        match self {
            Self::Broken(why) => Failure::Later { after: None, why },
            other => other.writing(),
        }
    }

    /// As the outcome of a write.
    pub(super) fn writing(self) -> Failure {
        match self {
            Self::Later { after, why } => Failure::Later { after, why },
            Self::Broken(why) => Failure::Unsure(why),
            Self::Dead(why) => Failure::Dead(why),
            Self::Refused(refused) => refused.writing(),
        }
    }
}

impl<R> From<Broken> for Trouble<R> {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::NotSent(why) => Self::Later { after: None, why },
            Broken::Unsure(why) => Self::Broken(why),
        }
    }
}

/// Why a sweep or a stream ended early; `T` is what kept us from reading on.
pub(super) enum Ended<T> {
    /// careline is stopping.
    Shut,
    /// The network did not let us.
    Trouble(T),
}

impl<T> From<Shut> for Ended<T> {
    fn from(_: Shut) -> Self {
        Self::Shut
    }
}

impl<R> From<Trouble<R>> for Ended<Trouble<R>> {
    fn from(trouble: Trouble<R>) -> Self {
        Self::Trouble(trouble)
    }
}

/// A wait that grows with the number of failures, a little different each time.
pub(super) fn pause(failures: u32, longest: Duration) -> Duration {
    let base = Duration::from_millis(500 << failures.min(10)).min(longest);
    base.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// Notes a trouble of a feed; how long to wait.
///
/// # Errors
/// Nothing helps but the operator.
pub(super) fn troubled<R: Refusal>(
    inbox: &Inbox,
    feed: &FeedId,
    trouble: &Trouble<R>,
    failures: u32,
) -> Result<Duration, Stopped> {
    if let Trouble::Dead(why) = trouble {
        inbox.pulse(feed, Pulse::Dead(why.clone()));
        return Err(Stopped::Dead(why.clone()));
    }
    inbox.pulse(feed, Pulse::Down(trouble.why()));
    let asked = match trouble {
        Trouble::Later { after: Some(after), .. } => after.to_std(),
        _ => Duration::ZERO,
    };
    Ok(pause(failures, LONGEST).max(asked))
}

/// Notes how a sweep of a feed went, and counts failures in a row: how long to wait if it failed.
///
/// # Errors
/// There is no sweep after this one.
pub(super) fn swept<R: Refusal>(
    inbox: &Inbox,
    feed: &FeedId,
    swept: Result<(), Ended<Trouble<R>>>,
    failures: &mut u32,
) -> Result<Option<Duration>, Stopped> {
    match swept {
        Ok(()) => {
            *failures = 0;
            Ok(None)
        }
        Err(Ended::Shut) => Err(Stopped::Asked),
        Err(Ended::Trouble(trouble)) => {
            *failures += 1;
            troubled(inbox, feed, &trouble, *failures).map(Some)
        }
    }
}

/// Works until careline is stopping.
pub(super) async fn until_stop(inbox: &Inbox, work: impl Future<Output = Stopped>) -> Stopped {
    tokio::select! {
        () = inbox.stop().cancelled() => Stopped::Asked,
        stopped = work => stopped,
    }
}

/// Keeps how far a feed was read.
pub(super) async fn save(
    inbox: &Inbox,
    feed: &FeedId,
    now: Timestamp,
    cursor: String,
) -> Result<(), Shut> {
    let event = Event::FeedState { feed: feed.clone(), cursor };
    inbox.put(Envelope::new(format!("{feed}/{}", now.0), event)).await.map(drop)
}

/// Puts them in this order, several at once, and waits until all are safe.
pub(super) async fn put_all(
    inbox: &Inbox,
    envelopes: impl IntoIterator<Item = Envelope>,
) -> Result<(), Shut> {
    let puts = iter(envelopes).map(|envelope| inbox.put(envelope)).buffered(IN_FLIGHT);
    let mut puts = std::pin::pin!(puts);
    while let Some(taken) = puts.next().await {
        taken?;
    }
    Ok(())
}

/// Something came that nobody can read. It is called after its own words, so that it is shown once.
pub(super) fn unreadable(account: &AccountId, raw: &str, why: impl Into<String>) -> Envelope {
    let name = hex::encode(&Sha256::digest(raw.as_bytes())[..12]);
    let event = Event::Unreadable {
        source: account.to_string(),
        why: why.into(),
        raw: Theirs::new(cut(raw, RAW_BYTES)),
    };
    Envelope::new(format!("{account}/unreadable/{name}"), event)
}

/// Our own posts that were sent since the start, and need not be told again.
#[derive(Default)]
pub(super) struct Sent(Mutex<BTreeSet<String>>);

impl Sent {
    /// So many are remembered.
    const MOST: usize = 10_000;

    pub(super) fn has(&self, post: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(post)
    }

    /// Remembers what comes of this sending.
    pub(super) async fn keep(
        &self,
        sending: impl Future<Output = Result<Receipt, Failure>>,
    ) -> Result<Receipt, Failure> {
        let receipt = sending.await?;
        self.note(&receipt.remote);
        Ok(receipt)
    }

    fn note(&self, post: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(post.to_owned());
        if all.len() > Self::MOST {
            all.pop_first();
        }
    }
}

/// What `check --live` tried, and what came of it.
pub(super) fn finding<R: Refusal>(what: &str, result: Result<String, Trouble<R>>) -> Finding {
    Finding { what: what.into(), result: result.map_err(|trouble| trouble.why()) }
}
