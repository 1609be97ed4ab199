//! Moves: reach, read, decide, commit. Never looks inside an effect further than its sending needs,
//! and knows no platform by name.
//!
//! ```text
//!   put ──> turns ──> step ──> store ──acknowledged──> outbox ──> drivers
//!    ^                                                   │
//!    └──────────── Delivered, Failed, Due ───────────────┘
//! ```

mod alarms;
pub mod clock;
pub mod fairness;
pub mod health;
mod hear;
pub mod judge;
mod morning;
mod numbers;
mod outbox;
pub mod pager;
mod rounds;
mod run;
mod settle;
mod step;
mod turns;

pub use outbox::pace::Pace;

use crate::case::event::{Envelope, Event};
use crate::case::id::{AccountId, Deployment, DeskId, FeedId};
use crate::case::policy::Policy;
use crate::case::record::{Key, Reach, Record};
use crate::case::time::Span;
use crate::desk::Desk;
use crate::inbox::{Door, Inbox, Pulse, Shut, Taken, Task};
use crate::network::Network;
use crate::store::{Store, StoreError};
use clock::Clock;
use health::Board;
use judge::Judge;
use numbers::Numbers;
use outbox::Outbox;
use settle::Settling;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use turns::Turns;

/// How fast, how many, how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Envelopes decided at once.
    pub steps: usize,
    /// Deliveries under way at once.
    pub calls: usize,
    /// Posts into one channel of a desk (Slack asks for about one a second, with short bursts).
    pub desk: Pace,
    /// Posts of one account.
    pub account: Pace,
    /// How often one item tries whether a dead token lives again.
    pub probe: Span,
    /// A feed that was not read for this long is ill.
    pub silent: Span,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            steps: 256,
            calls: 64,
            desk: Pace { burst: 3, every: Span::seconds(1) },
            account: Pace { burst: 3, every: Span::seconds(1) },
            probe: Span::minutes(5),
            silent: Span::minutes(3),
        }
    }
}

/// What an engine is made of.
pub struct Parts {
    /// Where all is kept.
    pub store: Arc<dyn Store>,
    /// What the operator decided.
    pub policy: Policy,
    /// Accounts.
    pub networks: Vec<(AccountId, Arc<dyn Network>)>,
    /// Desks.
    pub desks: Vec<(DeskId, Arc<dyn Desk>)>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How fast, how many, how long.
    pub tuning: Tuning,
}

/// A handle to the one engine; cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

pub(crate) struct Inner {
    store: Arc<dyn Store>,
    policy: RwLock<Arc<Policy>>,
    networks: BTreeMap<AccountId, Arc<dyn Network>>,
    desks: BTreeMap<DeskId, Arc<dyn Desk>>,
    clock: Arc<dyn Clock>,
    tuning: Tuning,
    deployment: Deployment,
    numbers: Numbers,
    turns: Arc<Turns>,
    room: Semaphore,
    outbox: Outbox,
    settling: Settling,
    alarms: Notify,
    /// Who stopped for a dead token is tried at once.
    again: Notify,
    /// Desks whose threads with waiting replies were not read since they (re)connected: an agent
    /// may have taken his words back meanwhile, so nothing is released there yet.
    unswept: Mutex<BTreeSet<DeskId>>,
    board: Board,
    judge: Judge,
    /// Steps under way.
    steps: TaskTracker,
    /// Nothing more is taken.
    shut: CancellationToken,
    /// Drivers shall end.
    stop: CancellationToken,
    /// The sentence with which the engine gave up.
    broken: RwLock<Option<String>>,
}

impl Engine {
    /// An engine over this store, with its outbox filled. Nothing moves yet: [`Engine::run`].
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        let last = parts.store.last_case().await?;
        let judge = Judge::load(&*parts.store).await?;
        let outbox = Outbox::load(&*parts.store, &parts.tuning).await?;
        let deployment = parts.store.identity().deployment;
        let names = parts.networks.iter().map(|(id, _)| id.as_str());
        let names = names.chain(parts.desks.iter().map(|(id, _)| id.as_str()));
        let unswept = parts.desks.iter().map(|(id, _)| id.clone()).collect();
        let board = Board::new(names, parts.tuning.silent, parts.clock.now());
        let engine = Self(Arc::new(Inner {
            store: parts.store,
            policy: RwLock::new(Arc::new(parts.policy)),
            networks: parts.networks.into_iter().collect(),
            desks: parts.desks.into_iter().collect(),
            clock: parts.clock,
            tuning: parts.tuning,
            deployment,
            numbers: Numbers::above(last),
            turns: Arc::default(),
            room: Semaphore::new(parts.tuning.steps),
            outbox,
            settling: Settling::default(),
            alarms: Notify::new(),
            again: Notify::new(),
            unswept: Mutex::new(unswept),
            board,
            judge,
            steps: TaskTracker::new(),
            shut: CancellationToken::new(),
            stop: CancellationToken::new(),
            broken: RwLock::new(None),
        }));
        Ok(engine)
    }

    /// The one way in, as drivers hold it.
    #[must_use]
    pub fn inbox(&self) -> Inbox {
        Inbox::new(Arc::new(self.clone()), self.0.stop.clone())
    }

    /// From now on this is what the operator decided. Ways with a dead token are tried at once.
    pub fn set_policy(&self, policy: Policy) {
        *self.0.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
        self.0.outbox.probe_now(self.0.clock.now());
        self.0.again.notify_waiters();
    }

    /// Deliveries that are not finished.
    #[must_use]
    pub fn outbox_len(&self) -> usize {
        self.0.outbox.len()
    }

    /// `/healthz` and `/metrics`.
    pub fn routes(&self) -> axum::Router {
        health::routes(self.clone())
    }
}

impl Inner {
    fn policy(&self) -> Arc<Policy> {
        self.policy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn unswept(&self) -> MutexGuard<'_, BTreeSet<DeskId>> {
        self.unswept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine failed: nothing more is taken, and the process ends with this sentence.
    fn give_up(&self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        tracing::error!("{sentence}");
        let mut broken = self.broken.write().unwrap_or_else(PoisonError::into_inner);
        broken.get_or_insert(sentence);
        drop(broken);
        self.shut.cancel();
        self.stop.cancel();
    }

    fn broken(&self) -> Option<String> {
        self.broken.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Door for Engine {
    fn put(&self, envelope: Envelope) -> Task<'_, Result<Taken, Shut>> {
        Box::pin(async move {
            let inner = &self.0;
            if inner.shut.is_cancelled() {
                return Err(Shut);
            }
            let turn = inner.turns.take(turns::keys(&envelope));
            let (tell, told) = oneshot::channel();
            let work = inner.clone();
            // A task of its own: a driver that stops waiting does not stop the step.
            inner.steps.spawn(async move {
                let taken = work.take(envelope, &turn).await;
                drop(turn);
                let _ = tell.send(taken);
            });
            told.await.unwrap_or(Err(Shut))
        })
    }

    fn cursor<'a>(&'a self, feed: &'a FeedId) -> Task<'a, Result<Option<String>, Shut>> {
        Box::pin(async move {
            let key = Key::Cursor(feed.clone());
            let reach = Reach { keys: [key.clone()].into(), query: None };
            match self.0.store.read(&reach).await {
                Ok(found) => Ok(match found.get(&key) {
                    Some(Record::Cursor(cursor)) => Some(cursor.clone()),
                    _ => None,
                }),
                Err(error) => {
                    self.0.give_up(error.to_string());
                    Err(Shut)
                }
            }
        })
    }

    fn pulse(&self, feed: &FeedId, pulse: Pulse) {
        let now = self.0.clock.now();
        let source = health::owner(feed.as_str()).to_owned();
        let news = match &pulse {
            Pulse::Dead(why) if self.0.board.is_news(feed, &pulse) => {
                Some(Event::Trouble { source: source.clone(), why: why.clone() })
            }
            Pulse::Read if self.0.board.is_back(&source) => {
                self.0.outbox.probe_now(now);
                Some(Event::Restored { source: source.clone() })
            }
            _ => None,
        };
        if let Some(event) = news {
            let envelope = Envelope::new(format!("{}:{source}:{}", event.name(), now.0), event);
            let engine = self.clone();
            self.0.steps.spawn(async move { engine.put(envelope).await });
        }
        self.0.board.pulse(feed, pulse, now);
    }
}
