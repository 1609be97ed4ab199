//! One delivery, one step further: written down, tried, and its outcome put into the inbox.

use super::queue::{Next, way};
use super::resolve::{Attempt, Call, Hindrance};
use super::{Inner, look};
use crate::case::effect::{Act, Delivery, Notice, Receipt, State, Tone};
use crate::case::event::{Envelope, Event, Outcome};
use crate::case::id::DeliveryId;
use crate::case::limits;
use crate::case::record::{Commit, Key, Record};
use crate::case::retry::{NOTICES, REPLIES, retry};
use crate::case::time::{Span, Timestamp};
use crate::engine::clock::within;
use crate::engine::health;
use crate::inbox::{Door, boundary};
use crate::net::Failure;
use crate::store::{self, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Notices that go out in one message.
const MERGED: usize = 10;
/// What hangs on something that is on its way is asked for again so soon.
const SOON: Span = Span::seconds(1);

/// A row as it was read.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) delivery: Delivery,
    pub(super) version: u64,
}

/// Rows that go out together: the head of a lane, and those merged into it.
pub(super) struct Load {
    pub(super) next: Next,
    pub(super) rows: Vec<Row>,
}

impl Load {
    pub(super) fn head(&self) -> &Delivery {
        &self.rows[0].delivery
    }

    pub(super) fn ids(&self) -> Vec<DeliveryId> {
        self.rows.iter().map(|row| row.delivery.id.clone()).collect()
    }

    pub(super) fn way(&self) -> &str {
        way(&self.next.bucket)
    }

    pub(super) fn is_reply(&self) -> bool {
        matches!(self.head().act, Act::Network(_))
    }

    pub(super) fn merged(&self) -> Vec<(DeliveryId, Notice)> {
        let notice = |row: &Row| match &row.delivery.act {
            Act::Desk(notice) => Some((row.delivery.id.clone(), notice.clone())),
            Act::Network(_) => None,
        };
        self.rows[1..].iter().filter_map(notice).collect()
    }
}

/// May this go out in one message with others?
fn is_mergeable(row: &Delivery) -> bool {
    match &row.act {
        Act::Desk(Notice::Post(note)) => note.tone != Tone::Warning && note.buttons.is_empty(),
        _ => false,
    }
}

impl Inner {
    /// Takes the head of a lane one step further.
    pub(super) async fn carry(self: &Arc<Self>, next: Next) -> Result<(), StoreError> {
        let (row, version) = self.row(&next.id).await?;
        let Some(delivery) = row.filter(|row| row.state.is_pending()) else {
            self.outbox.queue().remove(&next.id);
            self.outbox.notes().forget(&next.id);
            return Ok(());
        };
        let state = delivery.state.clone();
        let mut load = Load { next, rows: vec![Row { delivery, version }] };
        match state {
            State::Waiting { tried } => {
                self.merge(&mut load, |state| matches!(state, State::Waiting { .. })).await?;
                self.send(load, tried).await
            }
            _ => {
                // Those that stand behind an attempted head and are attempted too went with it:
                // a lane has one call under way at a time.
                self.merge(&mut load, |state| matches!(state, State::Attempted { .. })).await?;
                look::look(self, load).await
            }
        }
    }

    /// Adds what follows in the lane and goes out in the same message.
    async fn merge(
        &self,
        load: &mut Load,
        same: impl Fn(&State) -> bool,
    ) -> Result<(), StoreError> {
        let waiting = matches!(load.head().state, State::Waiting { .. });
        let lane = load.next.lane.clone();
        let single = waiting && !self.outbox.queue().merges(&lane);
        if !is_mergeable(load.head()) || single {
            return Ok(());
        }
        let now = self.clock.now();
        let behind = self.outbox.queue().behind(&lane, &load.next.id, MERGED - 1);
        for id in behind {
            let (Some(delivery), version) = self.row(&id).await? else { break };
            let ready = !waiting || delivery.ready <= now;
            if !ready || !same(&delivery.state) || !is_mergeable(&delivery) {
                break;
            }
            load.rows.push(Row { delivery, version });
        }
        Ok(())
    }

    /// A plain try: nothing that was tried before can still happen.
    async fn send(self: &Arc<Self>, load: Load, tried: u32) -> Result<(), StoreError> {
        let now = self.clock.now();
        let ready = load.head().ready;
        if ready > now {
            self.outbox.defer(&load.ids(), ready);
            return Ok(());
        }
        let call = match self.resolve(load.head(), load.merged(), true).await {
            Ok(call) => call,
            Err(hindrance) => return self.hindered(load, tried, hindrance).await,
        };
        self.attempt(load, call, tried + 1, None).await
    }

    /// Writes the attempt down, makes the call, and deals with what came of it. `first` is when a
    /// try began that this one repeats; without one it begins now, to the microsecond: a look
    /// tells the two apart by it.
    pub(super) async fn attempt(
        self: &Arc<Self>,
        mut load: Load,
        call: Call,
        number: u32,
        first: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        if let Some(why) = self.forbidden(&load) {
            return match why {
                Forbidden::DryRun => {
                    let why = "careline runs with --dry-run and sends nothing".to_owned();
                    self.failed(&load, number, Outcome::Never(why)).await
                }
                Forbidden::Fuse(why) => self.blow(why).await,
                Forbidden::Stopped => Ok(()),
            };
        }
        let began = self.clock.now();
        let attempt = Attempt { number, first: first.unwrap_or(began) };
        let state = State::Attempted { number, first: attempt.first, began, absent: 0 };
        if !self.restate(&mut load, began, |row| row.state = state.clone()).await? {
            return Ok(());
        }
        self.waited(&load, number);
        let under_way = call.goal().map(|goal| self.begin(goal));
        let result = self.call(call.at(attempt)).await;
        self.after(load, attempt, result).await?;
        drop(under_way);
        Ok(())
    }

    /// Why this may not be sent now, asked again just before it is.
    fn forbidden(&self, load: &Load) -> Option<Forbidden> {
        let Act::Network(reply) = &load.head().act else { return None };
        let policy = self.policy();
        if policy.dry_run {
            return Some(Forbidden::DryRun);
        }
        if self.outbox.queue().barred.stopped {
            return Some(Forbidden::Stopped);
        }
        let lane = &load.head().lane;
        let blown = self.outbox.notes().fuse.count(lane, reply, &policy, self.clock.now());
        blown.map(Forbidden::Fuse)
    }

    async fn call(&self, call: Call) -> Result<Receipt, Failure> {
        let made = async {
            match &call {
                Call::Desk(desk, out) => match self.desks.get(desk) {
                    Some(desk) => {
                        boundary::here("desk.deliver.call");
                        let done = desk.deliver(out).await;
                        boundary::here("desk.deliver.answer");
                        done
                    }
                    None => Err(Failure::Never("the desk is not in the configuration".into())),
                },
                Call::Network(account, out) => match self.networks.get(account) {
                    Some(network) => {
                        boundary::here("network.deliver.call");
                        let done = network.deliver(out).await;
                        boundary::here("network.deliver.answer");
                        done
                    }
                    None => Err(Failure::Never("the account is not in the configuration".into())),
                },
            }
        };
        let guarded = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(made));
        match within(&*self.clock, limits::CALL, guarded).await {
            Some(Ok(result)) => result,
            Some(Err(_)) => {
                health::panicked();
                Err(Failure::Unsure("the sending itself failed".into()))
            }
            None => Err(Failure::Unsure(format!("there was no answer within {}", limits::CALL))),
        }
    }

    async fn after(
        self: &Arc<Self>,
        load: Load,
        attempt: Attempt,
        result: Result<Receipt, Failure>,
    ) -> Result<(), StoreError> {
        health::tried(load.way(), result.as_ref().map_or_else(Failure::kind, |_| "done"));
        if !matches!(result, Err(Failure::Dead(_))) {
            self.revive(load.way());
        }
        match result {
            Ok(receipt) => self.delivered(&load, attempt.number, &receipt).await,
            Err(Failure::Later { after, why }) => {
                self.later(load, attempt.number, after, &why).await
            }
            Err(Failure::Never(_)) if load.rows.len() > 1 => self.part(load, attempt).await,
            Err(Failure::Never(why)) => {
                self.failed(&load, attempt.number, Outcome::Never(why)).await
            }
            Err(Failure::Gone(why)) => self.gone(load, attempt.number, why).await,
            Err(Failure::Dead(why)) => self.dead(load, attempt.number, &why).await,
            Err(Failure::Unsure(_)) => {
                let id = &load.head().id;
                tracing::warn!(delivery = %id, way = load.way(), "nobody knows if it arrived");
                let wait = self.patience(&load).await?.look_after;
                let left = Span(wait.0 - self.waited(&load, attempt.number).0);
                self.outbox.defer(&load.ids(), self.clock.now() + left);
                Ok(())
            }
        }
    }

    /// It arrived: each of what went together gets its own outcome. The head last, since its name
    /// is what a look after a crash searches for.
    pub(super) async fn delivered(
        self: &Arc<Self>,
        load: &Load,
        number: u32,
        receipt: &Receipt,
    ) -> Result<(), StoreError> {
        for row in load.rows.iter().rev() {
            let id = row.delivery.id.clone();
            let name = format!("{id}:{number}:done");
            self.outbox.notes().forget(&id);
            let event = Event::Delivered { delivery: id.clone(), receipt: receipt.clone() };
            self.outcome(&id, Envelope::new(name, event)).await;
        }
        Ok(())
    }

    /// It will not arrive, or nobody knows. In order, since what is repeated elsewhere keeps it.
    pub(super) async fn failed(
        self: &Arc<Self>,
        load: &Load,
        number: u32,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        for row in &load.rows {
            let id = row.delivery.id.clone();
            let name = format!("{id}:{number}:failed");
            self.outbox.notes().forget(&id);
            let kind = outcome.kind();
            tracing::warn!(delivery = %id, way = load.way(), kind, "not delivered");
            let event = Event::Failed { delivery: id.clone(), outcome: outcome.clone() };
            self.outcome(&id, Envelope::new(name, event)).await;
        }
        Ok(())
    }

    async fn outcome(self: &Arc<Self>, id: &DeliveryId, envelope: Envelope) {
        let engine = super::super::Engine(self.clone());
        // Shut: the row stays as it is, and is looked up after the next start.
        if let Ok(taken) = engine.put(envelope).await
            && taken.repeated
        {
            self.outbox.defer(std::slice::from_ref(id), self.clock.now() + Span::minutes(1));
        }
    }

    /// Surely not done: again, later, unless it was tried often enough.
    async fn later(
        self: &Arc<Self>,
        mut load: Load,
        tried: u32,
        asked: Option<Span>,
        why: &str,
    ) -> Result<(), StoreError> {
        let patience = if load.is_reply() { REPLIES } else { NOTICES };
        let Some(wait) = retry(tried, asked, patience) else {
            return self.failed(&load, tried, Outcome::Never(why.to_owned())).await;
        };
        let now = self.clock.now();
        let spread = Span(fastrand::i64(0..=wait.0.min(60_000_000) / 10));
        let ready = now + wait + spread;
        tracing::info!(delivery = %load.head().id, way = load.way(), tried, "not sent yet");
        self.restate(&mut load, now, |row| {
            row.state = State::Waiting { tried };
            row.ready = ready;
        })
        .await?;
        Ok(())
    }

    /// Several in one message were refused; one by one shows which of them it was.
    async fn part(self: &Arc<Self>, mut load: Load, attempt: Attempt) -> Result<(), StoreError> {
        tracing::info!(lane = load.next.lane, "merged posts were refused, now one by one");
        self.outbox.queue().part(&load.next.lane);
        let now = self.clock.now();
        let tried = attempt.number;
        self.restate(&mut load, now, |row| row.state = State::Waiting { tried }).await?;
        Ok(())
    }

    /// The thread is gone. The head says so, and opens another; those that went with it wait.
    async fn gone(
        self: &Arc<Self>,
        mut load: Load,
        number: u32,
        why: String,
    ) -> Result<(), StoreError> {
        let rest = load.rows.split_off(1);
        if !rest.is_empty() {
            let mut rest = Load { next: load.next.clone(), rows: rest };
            let state = State::Waiting { tried: number };
            self.restate(&mut rest, self.clock.now(), |row| row.state = state.clone()).await?;
        }
        self.failed(&load, number, Outcome::Gone(why)).await
    }

    /// The token is dead: all of this account or desk waits; one item tries from time to time.
    async fn dead(
        self: &Arc<Self>,
        mut load: Load,
        number: u32,
        why: &str,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.board.token(load.way(), Some(why), now);
        let again = now + self.tuning.probe;
        self.outbox.queue().barred.dead.insert(load.way().to_owned(), again);
        let tried = number - 1;
        self.restate(&mut load, now, |row| row.state = State::Waiting { tried }).await?;
        Ok(())
    }

    fn revive(&self, way: &str) {
        if self.outbox.queue().barred.dead.remove(way).is_some() {
            tracing::info!(way, "the token is accepted again");
            self.board.token(way, None, self.clock.now());
        }
    }

    async fn hindered(
        self: &Arc<Self>,
        load: Load,
        tried: u32,
        hindrance: Hindrance,
    ) -> Result<(), StoreError> {
        match hindrance {
            Hindrance::Store(error) => Err(error),
            Hindrance::Soon => {
                self.outbox.defer(&load.ids(), self.clock.now() + SOON);
                Ok(())
            }
            Hindrance::Never(why) => self.failed(&load, tried + 1, Outcome::Never(why)).await,
            Hindrance::File(Failure::Never(why) | Failure::Gone(why)) => {
                let why = format!("a file could not be brought: {why}");
                self.failed(&load, tried + 1, Outcome::Never(why)).await
            }
            Hindrance::File(Failure::Later { after, why }) => {
                self.later(load, tried + 1, after, &why).await
            }
            Hindrance::File(Failure::Dead(why) | Failure::Unsure(why)) => {
                self.later(load, tried + 1, None, &why).await
            }
        }
    }

    /// Writes all rows of a load with this change, guarded by the versions that were read. Says
    /// whether nobody was faster; if somebody was, the lane is looked at anew.
    pub(super) async fn restate(
        &self,
        load: &mut Load,
        at: Timestamp,
        change: impl Fn(&mut Delivery),
    ) -> Result<bool, StoreError> {
        let (mut reads, mut writes) = (BTreeMap::new(), BTreeMap::new());
        for row in &mut load.rows {
            change(&mut row.delivery);
            let key = Key::Delivery(row.delivery.id.clone());
            reads.insert(key.clone(), row.version);
            writes.insert(key, Some(Record::Delivery(Box::new(row.delivery.clone()))));
            row.version += 1;
        }
        let commit = Commit { envelope: None, at, reads, writes, log: None };
        Ok(self.write(commit).await? == store::Outcome::Fresh)
    }
}

/// Why something may not be sent now.
enum Forbidden {
    DryRun,
    Stopped,
    Fuse(String),
}
