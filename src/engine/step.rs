//! One step: reach, read, decide, commit. A conflict goes round again.

use super::turns::Turn;
use super::{Inner, health, settle};
use crate::case::event::{Envelope, Event};
use crate::case::record::{Commit, Decision, Found, Key, LogEntry, Reach, Record};
use crate::case::rich::Theirs;
use crate::case::time::{Span, Timestamp};
use crate::case::{decide, limits, reach, text};
use crate::inbox::{Door, Shut, Taken, boundary};
use crate::store::{Outcome, StoreError};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Rounds through conflicts before the engine gives up: more means that something writes all the
/// time, and waiting longer would hide it.
const CONFLICTS: u32 = 64;
/// The longest wait between two rounds.
const BACKOFF: Span = Span::millis(50);

/// Why a step came to nothing.
#[derive(Debug)]
enum Broken {
    Store(StoreError),
    Panic,
}

impl Broken {
    /// Is it this envelope that is wrong, and not the machine?
    const fn is_of_its_own(&self) -> bool {
        matches!(self, Self::Panic | Self::Store(StoreError::TooLarge(_)))
    }
}

impl Inner {
    /// Takes an envelope when its turn comes; returns when it is safe.
    pub(super) async fn take(
        self: &Arc<Self>,
        mut envelope: Envelope,
        turn: &Turn,
    ) -> Result<Taken, Shut> {
        let began = self.clock.now();
        turn.come().await;
        settle::settle(self, &envelope.event).await;
        let _permit = self.room.acquire().await.map_err(|_| Shut)?;
        if self.shut.is_cancelled() {
            return Err(Shut);
        }
        envelope.at = self.clock.now();
        if self.policy().score {
            envelope.score = self.judge.read(&envelope.event);
        }
        let event = envelope.event.name();
        let taken = match self.guarded(&envelope).await {
            Err(broken) if broken.is_of_its_own() => self.set_aside(&envelope, broken).await,
            other => other,
        };
        self.tell_bursts(envelope.at);
        // Safe on disk, and no driver knows yet.
        boundary::here("engine.taken");
        health::took(event, taken.as_ref().ok(), self.clock.now().since(began));
        taken.map_err(|broken| {
            self.give_up(match broken {
                Broken::Store(error) => error.to_string(),
                Broken::Panic => {
                    format!("careline failed at an event it cannot do without ({event})")
                }
            });
            Shut
        })
    }

    /// A step whose panic ends only itself.
    async fn guarded(&self, envelope: &Envelope) -> Result<Taken, Broken> {
        match AssertUnwindSafe(self.step(envelope)).catch_unwind().await {
            Ok(taken) => taken.map_err(Broken::Store),
            Err(_) => {
                health::panicked();
                let event = envelope.event.name();
                tracing::error!(event, id = %envelope.id, "a step panicked");
                Err(Broken::Panic)
            }
        }
    }

    /// What cannot be decided is kept raw under the same id and shown to the team; what cannot even
    /// be kept raw, without its words. Outcomes, alarms and cursors of our own are not: without
    /// them the record would be wrong, so the engine stops, and says why.
    async fn set_aside(&self, envelope: &Envelope, broken: Broken) -> Result<Taken, Broken> {
        let own = matches!(
            envelope.event,
            Event::Delivered { .. }
                | Event::Failed { .. }
                | Event::Due { .. }
                | Event::FeedState { .. }
                | Event::AccountState { .. }
        );
        if own {
            return Err(broken);
        }
        let name = envelope.event.name();
        let why = match &broken {
            Broken::Panic => format!("careline failed at it ({name})"),
            Broken::Store(_) => format!("it is too large for a row of the store ({name})"),
        };
        let raw = serde_json::to_string(&envelope.event).unwrap_or_default();
        match self.instead(envelope, &why, text::cut(&raw, limits::RAW_BYTES)).await {
            Err(broken) if broken.is_of_its_own() => {
                self.instead(envelope, &why, String::new()).await
            }
            done => done,
        }
    }

    async fn instead(&self, envelope: &Envelope, why: &str, raw: String) -> Result<Taken, Broken> {
        let (source, why, raw) = ("careline itself".into(), why.to_owned(), Theirs::new(raw));
        let event = Event::Unreadable { source, why, raw };
        self.guarded(&Envelope { event, ..envelope.clone() }).await
    }

    async fn step(&self, envelope: &Envelope) -> Result<Taken, StoreError> {
        let mut envelope = envelope.clone();
        for round in 0..CONFLICTS {
            envelope.spare = self.numbers.take();
            let done = self.round(&envelope).await;
            let used = matches!(done, Ok(Some((_, true))) | Err(_));
            if !used {
                self.numbers.give_back(envelope.spare);
            }
            if let Some((taken, _)) = done? {
                return Ok(taken);
            }
            self.back_off(round).await;
        }
        let name = envelope.event.name();
        Err(StoreError::Broken(format!("{CONFLICTS} conflicts in a row while deciding {name}")))
    }

    /// Waits a little, by chance, so that those who were in each other's way part.
    async fn back_off(&self, round: u32) {
        health::conflict();
        let most = (1000_i64 << round.min(8)).min(BACKOFF.0);
        self.clock.sleep(Span(fastrand::i64(0..=most))).await;
    }

    /// One round; `None` after a conflict. The flag says whether the spare number was used.
    async fn round(&self, envelope: &Envelope) -> Result<Option<(Taken, bool)>, StoreError> {
        let found = self.find(envelope).await?;
        let policy = self.policy();
        let decision = decide(&policy, &found, envelope);
        let answer = decision.answer.clone();
        // What writes nothing can be decided again as often as it comes: no commit.
        if decision.writes.is_empty() {
            return Ok(Some((Taken { repeated: false, answer }, false)));
        }
        let used = decision.writes.contains_key(&Key::Case(envelope.spare));
        let commit = commit(envelope, &found, decision, &policy.revision);
        let entry = commit.log.clone();
        Ok(match self.write(commit).await? {
            Outcome::Fresh => {
                self.teach(envelope, entry).await;
                Some((Taken { repeated: false, answer }, used))
            }
            Outcome::Repeated => Some((Taken { repeated: true, answer: None }, false)),
            Outcome::Conflict => None,
        })
    }

    /// A burst is an event of its own; the mention it was noticed with does not wait for it.
    fn tell_bursts(self: &Arc<Self>, at: Timestamp) {
        for many in self.judge.noticed() {
            let id = format!("burst:{}:{}", many.account, at.0);
            let engine = super::Engine(self.clone());
            let burst = Envelope::new(id, Event::Burst(Box::new(many)));
            self.steps.spawn(async move { engine.put(burst).await });
        }
    }

    /// The score learns from what was done, and what came is counted: once, when it is on disk. It
    /// is not worth stopping for.
    async fn teach(&self, envelope: &Envelope, entry: Option<LogEntry>) {
        let Some(entry) = entry.filter(|_| self.policy().score) else { return };
        self.judge.watch(envelope);
        if let Err(error) = self.judge.learn(&*self.store, &entry).await {
            tracing::warn!("the score could not learn: {error}");
        }
    }

    /// Reads in rounds what the decision needs.
    async fn find(&self, envelope: &Envelope) -> Result<Found, StoreError> {
        let mut found = Found::default();
        let mut asked = None;
        for _ in 0..limits::ROUNDS {
            let Reach { mut keys, query } = reach::reach(&self.policy(), envelope, &found);
            keys.retain(|key| !found.records.contains_key(key));
            let query = query.filter(|query| asked.as_ref() != Some(query));
            if keys.is_empty() && query.is_none() {
                break;
            }
            let more = self.store.read(&Reach { keys, query: query.clone() }).await?;
            found.records.extend(more.records);
            if query.is_some() {
                found.list = more.list;
                asked = query;
            }
        }
        Ok(found)
    }

    /// Commits, and tells outbox and alarms what changed. All writes of the engine go through here.
    pub(super) async fn write(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let rows: Vec<_> = commit.writes.values().filter_map(delivery).collect();
        let gone: Vec<_> = commit.writes.iter().filter_map(erased).collect();
        let switch = commit.writes.get(&Key::Switch).cloned().flatten();
        let wakes = commit.writes.values().any(has_alarm);
        self.outbox.announce(&rows);
        let outcome = self.store.commit(commit).await;
        self.board.committed(outcome.is_ok());
        match &outcome {
            Ok(Outcome::Fresh) => {
                self.outbox.confirm(&rows, &gone);
                if let Some(Record::Switch(switch)) = switch {
                    self.outbox.switch(&switch);
                }
                if wakes {
                    self.alarms.notify_one();
                }
            }
            _ => self.outbox.retract(&rows),
        }
        outcome
    }
}

fn delivery(record: &Option<Record>) -> Option<Box<crate::case::effect::Delivery>> {
    match record {
        Some(Record::Delivery(delivery)) => Some(delivery.clone()),
        _ => None,
    }
}

fn erased((key, record): (&Key, &Option<Record>)) -> Option<crate::case::id::DeliveryId> {
    match (key, record) {
        (Key::Delivery(id), None) => Some(id.clone()),
        _ => None,
    }
}

fn has_alarm(record: &Option<Record>) -> bool {
    matches!(record, Some(Record::Case(case)) if !case.alarms.is_empty())
}

fn commit(envelope: &Envelope, found: &Found, decision: Decision, policy: &str) -> Commit {
    let log = entry(envelope, &decision, policy);
    Commit {
        envelope: Some(envelope.id.clone()),
        at: envelope.at,
        reads: found.versions(),
        writes: decision.writes,
        log: Some(log),
    }
}

fn entry(envelope: &Envelope, decision: &Decision, policy: &str) -> LogEntry {
    LogEntry {
        seq: 0,
        at: envelope.at,
        envelope: envelope.id.clone(),
        event: envelope.event.name().to_owned(),
        did: decision.did.to_owned(),
        case: decision.case,
        by: decision.by.as_ref().map(|by| format!("{}:{}", by.desk, by.user)),
        policy: policy.to_owned(),
        fired: decision.fired.clone(),
    }
}

/// A line of the log about something the engine did by itself.
pub(super) fn own_entry(at: Timestamp, id: String, did: &str, policy: &str) -> LogEntry {
    LogEntry {
        seq: 0,
        at,
        envelope: crate::case::id::EnvelopeId::new(id),
        event: "engine".into(),
        did: did.to_owned(),
        case: None,
        by: None,
        policy: policy.to_owned(),
        fired: Vec::new(),
    }
}
