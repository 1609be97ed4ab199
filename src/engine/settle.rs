//! An agent may answer faster than a receipt is written down. Before his words are decided, the
//! posts into his channel that were under way when he spoke get a moment to arrive.

use super::Inner;
use super::clock::within;
use crate::case::event::Event;
use crate::case::id::{ChannelId, ThreadId};
use crate::case::record::{Key, Reach};
use crate::case::time::Span;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// The longest that words wait for receipts; a desk wants its acknowledgement within 3 s.
const MOST: Span = Span::seconds(2);

/// Where a post goes that is under way.
pub(super) enum Goal {
    /// It opens a thread in this channel; which one, its receipt will tell.
    Channel(ChannelId),
    /// It stands in this thread.
    Thread(ThreadId),
}

/// Posts that are under way.
#[derive(Default)]
pub(super) struct Settling {
    under_way: Mutex<(u64, BTreeMap<u64, (Goal, CancellationToken)>)>,
}

/// One post under way; dropped when its outcome is committed, or known to be unknown.
pub(super) struct UnderWay {
    inner: Arc<Inner>,
    number: u64,
    done: CancellationToken,
}

impl Inner {
    /// A post begins.
    pub(super) fn begin(self: &Arc<Self>, goal: Goal) -> UnderWay {
        let mut all = self.settling.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        all.0 += 1;
        let (number, done) = (all.0, CancellationToken::new());
        all.1.insert(number, (goal, done.clone()));
        UnderWay { inner: self.clone(), number, done }
    }

    /// Posts under way that words in this thread may hang on: those into it, and if nobody knows
    /// it yet, those that may be about to open it.
    fn under_way(&self, thread: &ThreadId, known: bool) -> Vec<CancellationToken> {
        let all = self.settling.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = all.1.values().filter(|(goal, _)| match goal {
            Goal::Channel(channel) => !known && *channel == thread.channel,
            Goal::Thread(place) => place == thread,
        });
        mine.map(|(_, done)| done.clone()).collect()
    }

    async fn knows(&self, thread: &ThreadId) -> bool {
        let key = Key::Thread(thread.clone());
        let reach = Reach { keys: [key.clone()].into(), query: None };
        let found = self.store.read(&reach).await;
        found.is_ok_and(|found| found.get(&key).is_some())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let all = self.inner.settling.under_way.lock();
        all.unwrap_or_else(PoisonError::into_inner).1.remove(&self.number);
        self.done.cancel();
    }
}

fn thread(event: &Event) -> Option<&ThreadId> {
    match event {
        Event::Said(remark) | Event::Reworded(remark) => Some(&remark.thread),
        Event::Asked(request) => request.thread.as_ref(),
        _ => None,
    }
}

/// Waits until the posts that the event may hang on are settled, but not for long.
pub(super) async fn settle(inner: &Inner, event: &Event) {
    let Some(thread) = thread(event) else { return };
    let under_way = inner.under_way(thread, inner.knows(thread).await);
    if under_way.is_empty() {
        return;
    }
    let all = async {
        for done in under_way {
            done.cancelled().await;
        }
    };
    if within(&*inner.clock, MOST, all).await.is_none() {
        tracing::debug!("words were decided before a post into their channel was settled");
    }
}
