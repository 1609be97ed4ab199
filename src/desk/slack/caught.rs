//! Which threads were read since Slack was last connected. What is heard live in any other may have
//! words before it that nobody heard: those are read first, so that an agent's words are taken in
//! the order in which he wrote them (`reliability.md` V14).

use super::sweep;
use super::wire::Message;
use super::{Me, Shared};
use crate::case::id::{ChannelId, DeskId, ThreadId};
use crate::desk::Mark;
use crate::inbox::Inbox;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Threads that are remembered at most. One that is forgotten here is found gone when something is
/// posted there.
const REMEMBERED: usize = 50_000;

/// See the module.
#[derive(Default)]
pub(super) struct Caught(Mutex<State>);

#[derive(Default)]
struct State {
    /// Counts connections.
    life: u64,
    /// The engine has told which threads are ours.
    told: bool,
    ours: BTreeSet<ThreadId>,
    /// Read in this life, or opened in it.
    read: BTreeSet<ThreadId>,
}

impl State {
    fn own(&mut self, thread: ThreadId) {
        self.ours.insert(thread);
        if self.ours.len() > REMEMBERED
            && let Some(forgotten) = self.ours.pop_first()
        {
            self.read.remove(&forgotten);
        }
    }
}

impl Caught {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection begins: what was said before it may have been missed.
    pub(super) fn begin(&self) {
        let mut state = self.state();
        state.life += 1;
        state.read.clear();
    }

    /// The connection that is open now.
    pub(super) fn life(&self) -> u64 {
        self.state().life
    }

    /// These are ours, as the engine knows them.
    pub(super) fn tell<'m>(&self, threads: impl Iterator<Item = &'m ThreadId>) {
        let mut state = self.state();
        state.told = true;
        threads.cloned().for_each(|thread| state.own(thread));
    }

    /// This one is ours; whether all in it was heard, nobody knows.
    pub(super) fn tell_one(&self, thread: ThreadId) {
        self.state().own(thread);
    }

    /// We opened this thread just now: all that will be said in it is heard.
    pub(super) fn open(&self, thread: ThreadId) {
        let mut state = self.state();
        state.read.insert(thread.clone());
        state.own(thread);
    }

    /// This thread was read, beginning in that life.
    pub(super) fn read(&self, thread: &ThreadId, life: u64) {
        let mut state = self.state();
        if state.life == life {
            state.read.insert(thread.clone());
        }
    }

    /// Threads of ours in this channel.
    pub(super) fn ours_in(&self, channel: &str) -> Vec<ThreadId> {
        let state = self.state();
        state.ours.iter().filter(|t| t.channel.channel == channel).cloned().collect()
    }

    fn is_due(&self, thread: &ThreadId) -> bool {
        let state = self.state();
        let maybe_ours = !state.told || state.ours.contains(thread);
        maybe_ours && !state.read.contains(thread)
    }
}

/// The thread that a message stands in.
fn place(desk: &DeskId, message: &Message) -> Option<ThreadId> {
    let inner = message.message.as_deref().map(|inner| &inner.thread_ts);
    let root = Some(&message.thread_ts).filter(|root| !root.is_empty()).or(inner)?;
    let channel = ChannelId { desk: desk.clone(), channel: message.channel.clone() };
    (!root.is_empty()).then(|| ThreadId { channel, root: root.clone() })
}

/// Reads what stands before a message that was heard live, if that may be missing. `false` = it is
/// not done within this time; it goes on all the same.
pub(super) async fn catch_up(
    slack: &Shared,
    inbox: &Inbox,
    me: &Me,
    message: &Message,
    within: Duration,
) -> bool {
    let Some(thread) = place(&slack.desk, message).filter(|t| slack.caught.is_due(t)) else {
        return true;
    };
    let (slack, inbox, me) = (slack.clone(), inbox.clone(), me.clone());
    // The message itself comes by its own way, which brings its author the answer.
    let own = message.message.as_deref().map_or(&message.ts, |inner| &inner.ts).clone();
    let reading = tokio::spawn(async move {
        let life = slack.caught.life();
        let mark = Mark::whole(thread);
        let read = sweep::thread(&slack, &me, &inbox, &mark, Some(&own)).await.is_ok();
        if read {
            slack.caught.read(&mark.thread, life);
        }
        read
    });
    matches!(tokio::time::timeout(within, reading).await, Ok(Ok(true)))
}
