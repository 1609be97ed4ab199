//! The durable way out. Rows in the store say what must go; here is who goes next, the attempt that
//! is written down before each call, and the look before anything is repeated.

mod carry;
mod fuse;
mod look;
pub mod pace;
mod queue;
mod resolve;
mod whole;

use super::{Inner, Tuning};
use crate::case::effect::Delivery;
use crate::case::id::DeliveryId;
use crate::case::record::{Key, Reach, Record, Switch};
use crate::case::time::{Span, Timestamp};
use crate::store::{Store, StoreError};
use fuse::Fuse;
use queue::{Next, Queue};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

/// Rows loaded at once.
const PAGE: usize = 1000;
/// How long the dispatcher sleeps at most: a clock that was set forward is noticed after it.
const NAP: Span = Span::seconds(10);

/// What the outbox keeps in memory.
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    changed: Notify,
    calls: Arc<Semaphore>,
    under_way: TaskTracker,
    notes: Mutex<Notes>,
    probe: Span,
}

/// What need not survive a restart.
#[derive(Default)]
struct Notes {
    fuse: Fuse,
    /// Looks that could not tell, by delivery.
    unclear: BTreeMap<DeliveryId, u32>,
    /// Since when an unknown attempt, told by its number, is waited for: time that cannot jump.
    since: BTreeMap<DeliveryId, (u32, Span)>,
}

impl Notes {
    /// How long this attempt has been waited for in this life. Nobody knows how long a life before
    /// waited, as only the wall's clock outlives it: the wait starts anew.
    fn waited(&mut self, id: &DeliveryId, number: u32, elapsed: Span) -> Span {
        let since = self.since.entry(id.clone()).or_insert((number, elapsed));
        if since.0 != number {
            *since = (number, elapsed);
        }
        Span(elapsed.0 - since.1.0)
    }

    /// It is finished.
    fn forget(&mut self, id: &DeliveryId) {
        self.unclear.remove(id);
        self.since.remove(id);
    }
}

impl Outbox {
    /// All that is not finished, page by page.
    pub(super) async fn load(store: &dyn Store, tuning: &Tuning) -> Result<Self, StoreError> {
        let mut queue = Queue::new(tuning.desk, tuning.account);
        let mut after = None;
        loop {
            let page = store.pending(after.as_ref(), PAGE).await?;
            let Some(last) = page.last().cloned() else { break };
            page.into_iter().for_each(|row| queue.load(row));
            after = Some(last);
        }
        let reach = Reach { keys: [Key::Switch].into(), query: None };
        if let Some(Record::Switch(switch)) = store.read(&reach).await?.get(&Key::Switch) {
            queue.barred.stopped = switch.stopped.is_some();
        }
        Ok(Self {
            queue: Mutex::new(queue),
            changed: Notify::new(),
            calls: Arc::new(Semaphore::new(tuning.calls)),
            under_way: TaskTracker::new(),
            notes: Mutex::default(),
            probe: tuning.probe,
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.queue().len()
    }

    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.queue().oldest()
    }

    /// A commit is about to write these.
    pub(super) fn announce(&self, rows: &[Box<Delivery>]) {
        let mut queue = self.queue();
        rows.iter().filter(|row| row.state.is_pending()).for_each(|row| queue.announce(row));
    }

    /// That commit came to nothing.
    pub(super) fn retract(&self, rows: &[Box<Delivery>]) {
        let mut queue = self.queue();
        rows.iter().filter(|row| row.state.is_pending()).for_each(|row| queue.retract(&row.id));
        drop(queue);
        self.changed.notify_one();
    }

    /// That commit is on disk.
    pub(super) fn confirm(&self, rows: &[Box<Delivery>], gone: &[DeliveryId]) {
        let mut queue = self.queue();
        rows.iter().for_each(|row| queue.confirm(row));
        gone.iter().for_each(|id| queue.remove(id));
        drop(queue);
        self.changed.notify_one();
    }

    /// Sending to customers was stopped or begun.
    pub(super) fn switch(&self, switch: &Switch) {
        self.queue().barred.stopped = switch.stopped.is_some();
        self.notes().fuse = Fuse::default();
        self.changed.notify_one();
    }

    /// Ways with a dead token are tried at once.
    pub(super) fn probe_now(&self, now: Timestamp) {
        self.queue().barred.dead.values_mut().for_each(|again| *again = now);
        self.changed.notify_one();
    }

    /// Not before this.
    fn defer(&self, ids: &[DeliveryId], until: Timestamp) {
        let mut queue = self.queue();
        ids.iter().for_each(|id| queue.defer(id, until));
    }

    /// Ends when what is under way has come to an end.
    pub(super) async fn finished(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }
}

impl Inner {
    /// Sends what may go until the engine shuts.
    pub(super) async fn send_all(self: &Arc<Self>) {
        loop {
            let changed = self.outbox.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            while let Some(permit) = self.free_call().await {
                let now = self.clock.now();
                let next = self.outbox.queue().take(now, self.outbox.probe);
                let Some(next) = next else { break };
                let inner = self.clone();
                self.outbox.under_way.spawn(async move {
                    inner.carry_and_free(next).await;
                    drop(permit);
                });
            }
            let now = self.clock.now();
            let wake = self.outbox.queue().wake().map_or(NAP, |at| at.since(now)).min(NAP);
            tokio::select! {
                biased;
                () = self.shut.cancelled() => return,
                () = changed => {}
                () = self.clock.sleep(wake) => {}
            }
        }
    }

    /// Room for one more call; `None` when the engine shuts.
    async fn free_call(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = self.shut.cancelled() => None,
            permit = self.outbox.calls.clone().acquire_owned() => permit.ok(),
        }
    }

    async fn carry_and_free(self: Arc<Self>, next: Next) {
        let lane = next.lane.clone();
        // A panic of a driver must not leave the lane busy for ever.
        let work = std::panic::AssertUnwindSafe(self.carry(next));
        match futures_util::FutureExt::catch_unwind(work).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.give_up(error.to_string()),
            Err(_) => {
                super::health::panicked();
                self.give_up("sending failed in a way that must not happen (a panic)");
            }
        }
        self.outbox.queue().free(&lane);
        self.outbox.changed.notify_one();
    }
}
