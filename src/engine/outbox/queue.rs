//! What waits to go out: references in lanes, and who of them is next. In memory only; the store
//! has the rows, and a crash loses nothing here.
//!
//! Only the head of a lane goes out, one at a time. An item whose commit is still under way holds
//! its place, so that what was decided later never overtakes it.

use super::pace::{Pace, Tokens};
use crate::case::effect::Delivery;
use crate::case::id::{self, DeliveryId};
use crate::case::time::{Span, Timestamp};
use crate::store::Pending;
use std::collections::{BTreeMap, BTreeSet};

type Order = (Timestamp, u32);

#[derive(Clone, Debug)]
struct Item {
    bucket: String,
    urgent: bool,
    ready: Timestamp,
    /// Its commit is acknowledged.
    sure: bool,
    /// Commits under way that may bring it.
    announced: u32,
}

#[derive(Debug, Default)]
struct Lane {
    items: BTreeMap<(Order, DeliveryId), Item>,
    busy: bool,
    /// Merged posts were refused here: one by one until it is empty.
    singly: bool,
    placed: Option<Placed>,
}

#[derive(Clone, Debug)]
enum Placed {
    /// Could go now, if its bucket lets it.
    Head(String, Rank),
    /// Waits for its time.
    Later(Timestamp),
}

/// What calls somebody first, then what is urgent, then by order.
type Rank = (u8, Order, DeliveryId);

/// Where a bucket leads: a desk's or an account's name.
#[must_use]
pub(super) fn way(bucket: &str) -> &str {
    bucket.split(':').next().unwrap_or(bucket)
}

/// Buckets of desks name a channel behind the desk; those of accounts are the account's name.
#[must_use]
pub(super) fn is_network(bucket: &str) -> bool {
    !bucket.contains(':')
}

/// Where something may not go at the moment.
#[derive(Debug, Default)]
pub(super) struct Barred {
    /// Nothing goes to customers.
    pub(super) stopped: bool,
    /// Ways whose token is dead, and when one item may try again.
    pub(super) dead: BTreeMap<String, Timestamp>,
}

impl Barred {
    /// From when on something may go into this bucket.
    fn until(&self, bucket: &str) -> Option<Timestamp> {
        if self.stopped && is_network(bucket) {
            return None;
        }
        Some(self.dead.get(way(bucket)).copied().unwrap_or(Timestamp(i64::MIN)))
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Queue {
    lanes: BTreeMap<String, Lane>,
    places: BTreeMap<DeliveryId, (String, Order)>,
    heads: BTreeMap<String, BTreeSet<(Rank, String)>>,
    later: BTreeSet<(Timestamp, String)>,
    tokens: BTreeMap<String, Tokens>,
    desk: Pace,
    account: Pace,
    pub(super) barred: Barred,
}

/// What is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) id: DeliveryId,
    pub(super) lane: String,
    pub(super) bucket: String,
}

impl Queue {
    pub(super) fn new(desk: Pace, account: Pace) -> Self {
        Self {
            lanes: BTreeMap::new(),
            places: BTreeMap::new(),
            heads: BTreeMap::new(),
            later: BTreeSet::new(),
            tokens: BTreeMap::new(),
            desk,
            account,
            barred: Barred::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The oldest instant of a decision that has not gone out.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.places.values().map(|(_, order)| order.0).min()
    }

    fn pace(&self, bucket: &str) -> Pace {
        if is_network(bucket) { self.account } else { self.desk }
    }

    /// A row that the store has.
    pub(super) fn load(&mut self, row: Pending) {
        let item = Item {
            bucket: row.bucket,
            urgent: row.urgent,
            ready: row.ready,
            sure: true,
            announced: 0,
        };
        self.insert(row.id, row.lane, row.order, item);
    }

    /// A commit is about to write this.
    pub(super) fn announce(&mut self, row: &Delivery) {
        self.change(row, |item| item.announced += 1);
    }

    /// The commit that announced this came to nothing.
    pub(super) fn retract(&mut self, id: &DeliveryId) {
        let Some((lane, order)) = self.places.get(id).cloned() else { return };
        let key = (order, id.clone());
        let Some(slot) = self.lanes.get_mut(&lane) else { return };
        let Some(item) = slot.items.get_mut(&key) else { return };
        item.announced = item.announced.saturating_sub(1);
        if item.announced == 0 && !item.sure {
            self.remove(id);
        } else {
            self.place(&lane);
        }
    }

    /// The commit that announced this is on disk.
    pub(super) fn confirm(&mut self, row: &Delivery) {
        if !row.state.is_pending() {
            return self.remove(&row.id);
        }
        let ready = row.ready;
        self.change(row, |item| {
            item.announced = item.announced.saturating_sub(1);
            item.sure = true;
            item.ready = ready;
        });
    }

    fn change(&mut self, row: &Delivery, change: impl FnOnce(&mut Item)) {
        let known = self.places.get(&row.id).cloned();
        let old = known.and_then(|(lane, order)| {
            self.lanes.get_mut(&lane)?.items.remove(&(order, row.id.clone()))
        });
        let mut item = old.unwrap_or_else(|| Item {
            bucket: row.bucket.0.clone(),
            urgent: row.urgent,
            ready: row.ready,
            sure: false,
            announced: 0,
        });
        change(&mut item);
        self.insert(row.id.clone(), row.lane.0.clone(), row.order, item);
    }

    fn insert(&mut self, id: DeliveryId, lane: String, order: Order, item: Item) {
        self.places.insert(id.clone(), (lane.clone(), order));
        self.lanes.entry(lane.clone()).or_default().items.insert((order, id), item);
        self.place(&lane);
    }

    /// It is finished.
    pub(super) fn remove(&mut self, id: &DeliveryId) {
        let Some((lane, order)) = self.places.remove(id) else { return };
        if let Some(slot) = self.lanes.get_mut(&lane) {
            slot.items.remove(&(order, id.clone()));
        }
        self.place(&lane);
    }

    /// Not before this.
    pub(super) fn defer(&mut self, id: &DeliveryId, until: Timestamp) {
        let Some((lane, order)) = self.places.get(id).cloned() else { return };
        let slot = self.lanes.get_mut(&lane);
        if let Some(item) = slot.and_then(|slot| slot.items.get_mut(&(order, id.clone()))) {
            item.ready = until;
        }
        self.place(&lane);
    }

    /// What was taken of this lane is done with, whatever came of it.
    pub(super) fn free(&mut self, lane: &str) {
        if let Some(slot) = self.lanes.get_mut(lane) {
            slot.busy = false;
        }
        self.place(lane);
    }

    /// Nothing of this lane is merged any more until it is empty.
    pub(super) fn part(&mut self, lane: &str) {
        if let Some(slot) = self.lanes.get_mut(lane) {
            slot.singly = true;
        }
    }

    /// May posts of this lane be merged?
    pub(super) fn merges(&self, lane: &str) -> bool {
        !self.lanes.get(lane).is_some_and(|lane| lane.singly)
    }

    /// Puts the lane's head where it belongs now.
    fn place(&mut self, name: &str) {
        let Some(lane) = self.lanes.get_mut(name) else { return };
        match lane.placed.take() {
            Some(Placed::Head(bucket, rank)) => {
                let set = self.heads.get_mut(&bucket);
                let empty = set.is_some_and(|set| {
                    set.remove(&(rank, name.to_owned()));
                    set.is_empty()
                });
                if empty {
                    self.heads.remove(&bucket);
                }
            }
            Some(Placed::Later(ready)) => {
                self.later.remove(&(ready, name.to_owned()));
            }
            None => {}
        }
        if lane.items.is_empty() && !lane.busy {
            self.lanes.remove(name);
            return;
        }
        let Some((_, item)) = lane.items.first_key_value() else { return };
        if lane.busy || !item.sure {
            return;
        }
        lane.placed = Some(Placed::Later(item.ready));
        self.later.insert((item.ready, name.to_owned()));
    }

    /// Moves heads whose time has come to their buckets.
    fn ripen(&mut self, now: Timestamp) {
        while let Some((ready, name)) = self.later.first().cloned() {
            if ready > now {
                break;
            }
            self.later.pop_first();
            let Some(lane) = self.lanes.get_mut(&name) else { continue };
            let Some(((order, id), item)) = lane.items.first_key_value() else { continue };
            let haste = if id::Lane::calls(&name) { 0 } else { 2 - u8::from(item.urgent) };
            let rank = (haste, *order, id.clone());
            let bucket = item.bucket.clone();
            lane.placed = Some(Placed::Head(bucket.clone(), rank.clone()));
            self.heads.entry(bucket).or_default().insert((rank, name));
        }
    }

    fn may_go(&self, bucket: &str) -> Option<Timestamp> {
        let pace = self.tokens.get(bucket).map(|tokens| tokens.next(self.pace(bucket)));
        let barred = self.barred.until(bucket)?;
        Some(pace.map_or(barred, |pace| pace.max(barred)))
    }

    /// Takes what is next; its lane is busy until [`Queue::free`].
    pub(super) fn take(&mut self, now: Timestamp, probe: Span) -> Option<Next> {
        self.ripen(now);
        let open = self
            .heads
            .iter()
            .filter(|(bucket, _)| self.may_go(bucket).is_some_and(|from| from <= now));
        let (rank, lane, bucket) = open
            .filter_map(|(bucket, set)| set.first().map(|(rank, lane)| (rank, lane, bucket)))
            .min()
            .map(|(rank, lane, bucket)| (rank.clone(), lane.clone(), bucket.clone()))?;
        let pace = self.pace(&bucket);
        self.tokens.retain(|_, tokens| !tokens.is_full(now));
        self.tokens.entry(bucket.clone()).or_insert_with(Tokens::full).take(now, pace);
        if let Some(again) = self.barred.dead.get_mut(way(&bucket)) {
            *again = now + probe;
        }
        if let Some(slot) = self.lanes.get_mut(&lane) {
            slot.busy = true;
        }
        self.place(&lane);
        Some(Next { id: rank.2, lane, bucket })
    }

    /// When there may be something to take; `None` if only a change can bring it.
    pub(super) fn wake(&self) -> Option<Timestamp> {
        let later = self.later.first().map(|(ready, _)| *ready);
        let heads = self.heads.keys().filter_map(|bucket| self.may_go(bucket));
        heads.chain(later).min()
    }

    /// Those of the lane that follow its head and are sure, in order.
    pub(super) fn behind(&self, lane: &str, head: &DeliveryId, most: usize) -> Vec<DeliveryId> {
        let Some(lane) = self.lanes.get(lane) else { return Vec::new() };
        let items = lane.items.iter().skip_while(|((_, id), _)| id != head).skip(1);
        let sure = items.take_while(|(_, item)| item.sure);
        sure.take(most).map(|((_, id), _)| id.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
