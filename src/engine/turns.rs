//! Order of a conversation: envelopes that share a key are decided one after the other, in the
//! order in which they were put; all others side by side.

use crate::case::event::{Envelope, Event};
use crate::case::id::{AccountId, MessageId, PostId, ThreadId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// Who comes after whom.
#[derive(Default)]
pub(super) struct Turns {
    tails: Mutex<Tails>,
}

#[derive(Default)]
struct Tails {
    last: BTreeMap<String, (u64, CancellationToken)>,
    count: u64,
}

/// A place in the order. Dropping it lets the next one go.
pub(super) struct Turn {
    turns: Arc<Turns>,
    keys: BTreeSet<String>,
    number: u64,
    before: Vec<CancellationToken>,
    done: CancellationToken,
}

impl Turns {
    fn tails(&self) -> MutexGuard<'_, Tails> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place behind all that were taken before with one of these keys. All keys are taken
    /// at once, so that nobody ever waits in a circle.
    pub(super) fn take(self: &Arc<Self>, keys: BTreeSet<String>) -> Turn {
        let mut tails = self.tails();
        tails.count += 1;
        let (number, done) = (tails.count, CancellationToken::new());
        let set = |key: &String| tails.last.insert(key.clone(), (number, done.clone()));
        let before = keys.iter().filter_map(set).map(|(_, token)| token).collect();
        Turn { turns: self.clone(), keys, number, before, done }
    }
}

impl Turn {
    /// Returns when all who came before are done.
    pub(super) async fn come(&self) {
        for before in &self.before {
            before.cancelled().await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut tails = self.turns.tails();
        for key in &self.keys {
            if tails.last.get(key).is_some_and(|(number, _)| *number == self.number) {
                tails.last.remove(key);
            }
        }
        drop(tails);
        self.done.cancel();
    }
}

fn post(account: &AccountId, post: &PostId) -> String {
    format!("p {account} {post}")
}

fn thread(thread: &ThreadId) -> String {
    format!("t {} {} {}", thread.channel.desk, thread.channel.channel, thread.root)
}

fn message(message: &MessageId) -> String {
    format!("m {} {} {}", message.channel.desk, message.channel.channel, message.message)
}

/// What an envelope shares with others whose order matters.
pub(super) fn keys(envelope: &Envelope) -> BTreeSet<String> {
    let keys = match &envelope.event {
        Event::Mentioned(mention) | Event::Changed(mention) => {
            let contact = &mention.contact;
            let who = format!("c {} {}", contact.account, contact.remote);
            // Cases of one conversation are linked in one record: a crowd below one post would only
            // stand in its own way there.
            let talk = format!("v {} {}", contact.account, mention.conversation);
            vec![who, post(&contact.account, &mention.post), talk]
        }
        Event::Withdrawn { account, post: gone } => vec![post(account, gone)],
        Event::OwnPost(own) => {
            let parent = own.parent.iter().map(|parent| post(&own.account, parent));
            parent.chain([post(&own.account, &own.post)]).collect()
        }
        Event::Said(remark) | Event::Reworded(remark) => {
            vec![thread(&remark.thread), message(&remark.message)]
        }
        Event::Unsaid { message: gone, thread: place } => {
            place.iter().map(thread).chain([message(gone)]).collect()
        }
        Event::Asked(request) => match &request.thread {
            Some(place) => vec![thread(place)],
            None => vec![format!("u {} {}", request.by.id.desk, request.by.id.user)],
        },
        Event::Delivered { delivery, .. }
        | Event::Failed { delivery, .. }
        | Event::Echo { delivery, .. } => vec![format!("d {delivery}")],
        Event::Due { case, .. } => vec![format!("n {case}")],
        Event::ThreadGone { thread: gone, .. } => vec![thread(gone)],
        // Nothing is decided by what is typed, so that it waits for nobody.
        Event::Unreadable { .. }
        | Event::Trouble { .. }
        | Event::Restored { .. }
        | Event::Burst(_)
        | Event::Held { .. }
        | Event::Morning { .. }
        | Event::Counted { .. }
        | Event::Typed(_) => Vec::new(),
        Event::FeedState { feed, .. } => vec![format!("f {feed}")],
        Event::AccountState { account, .. } => vec![format!("a {account}")],
    };
    keys.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn named(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(|&k| k.to_owned()).collect()
    }

    async fn waits(turn: &Turn) -> bool {
        tokio::time::timeout(Duration::from_millis(20), turn.come()).await.is_err()
    }

    #[tokio::test]
    async fn one_after_the_other_by_key() {
        let turns = Arc::new(Turns::default());
        let (a, b) = (turns.take(named(&["x"])), turns.take(named(&["y"])));
        let both = turns.take(named(&["x", "y"]));
        a.come().await;
        b.come().await;
        assert!(waits(&both).await);
        drop(a);
        assert!(waits(&both).await);
        drop(b);
        both.come().await;
        drop(both);
        assert!(turns.tails().last.is_empty(), "nothing is remembered of the past");
    }
}
