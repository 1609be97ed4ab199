//! An agent may answer faster than a receipt is written down. Before his words are decided, the
//! posts into his channel that were under way when he spoke get a moment to arrive.

use super::Inner;
use super::clock::within;
use crate::case::event::Event;
use crate::case::id::ChannelId;
use crate::case::time::Span;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// The longest that words wait for receipts; a desk wants its acknowledgement within 3 s.
const MOST: Span = Span::seconds(2);

/// Posts into channels that are under way.
#[derive(Default)]
pub(super) struct Settling {
    under_way: Mutex<(u64, BTreeMap<u64, (ChannelId, CancellationToken)>)>,
}

/// One post under way; dropped when its outcome is committed, or known to be unknown.
pub(super) struct UnderWay {
    inner: Arc<Inner>,
    number: u64,
    done: CancellationToken,
}

impl Inner {
    /// A post into this channel begins.
    pub(super) fn begin(self: &Arc<Self>, channel: ChannelId) -> UnderWay {
        let mut all = self.settling.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        all.0 += 1;
        let (number, done) = (all.0, CancellationToken::new());
        all.1.insert(number, (channel, done.clone()));
        UnderWay { inner: self.clone(), number, done }
    }

    fn under_way(&self, channel: &ChannelId) -> Vec<CancellationToken> {
        let all = self.settling.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = all.1.values().filter(|(place, _)| place == channel);
        mine.map(|(_, done)| done.clone()).collect()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let all = self.inner.settling.under_way.lock();
        all.unwrap_or_else(PoisonError::into_inner).1.remove(&self.number);
        self.done.cancel();
    }
}

fn channel(event: &Event) -> Option<&ChannelId> {
    match event {
        Event::Said(remark) | Event::Reworded(remark) => Some(&remark.thread.channel),
        Event::Asked(request) => request.thread.as_ref().map(|thread| &thread.channel),
        _ => None,
    }
}

/// Waits until the posts under way in the event's channel are settled, but not for long.
pub(super) async fn settle(inner: &Inner, event: &Event) {
    let Some(channel) = channel(event) else { return };
    let under_way = inner.under_way(channel);
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
