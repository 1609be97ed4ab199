//! Starts everything, watches that nothing ends by itself, and stops it in the right order.

use super::{Engine, Inner, clock, hear};
use crate::case::time::Span;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a stop may take in all, however many of those it waits for are deaf. The process needs
/// a moment more to end, and has promised to be gone after 20 s.
const STOP: Span = Span::seconds(16);
/// Of it, what is kept for the store to let go.
const CLOSE: Span = Span::seconds(5);
/// Of the rest, the most that drivers get to hand over what they hold.
const HAND_OVER: Span = Span::seconds(4);

/// How a task of the engine ended.
pub(super) enum Ended {
    /// As it should.
    Well,
    /// The whole engine cannot go on.
    All(String),
}

impl Engine {
    /// Runs until `stop` fires or the machine fails; then stops in order and closes the store, in
    /// 16 s at most.
    ///
    /// # Errors
    /// The sentence with which the engine gave up.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), String> {
        let inner = &self.0;
        let mut tasks = JoinSet::new();
        self.start(&mut tasks);
        tokio::select! {
            biased;
            () = stop.cancelled() => tracing::info!("stopping"),
            () = inner.shut.cancelled() => {}
            why = supervise(&mut tasks) => inner.give_up(why),
        }
        self.wind_down(tasks).await;
        inner.broken().map_or(Ok(()), Err)
    }

    fn start(&self, tasks: &mut JoinSet<Ended>) {
        let inner = &self.0;
        let (one, two, three) = (inner.clone(), inner.clone(), inner.clone());
        tasks.spawn(async move {
            one.send_all().await;
            Ended::Well
        });
        tasks.spawn(async move {
            match two.wake_cases().await {
                Ok(()) => Ended::Well,
                Err(error) => Ended::All(error.to_string()),
            }
        });
        let four = inner.clone();
        tasks.spawn(async move {
            match four.go_round().await {
                Ok(()) => Ended::Well,
                Err(error) => Ended::All(error.to_string()),
            }
        });
        tasks.spawn(async move {
            tokio::select! {
                () = clock::watch(&*three.clock) => {}
                () = three.shut.cancelled() => {}
            }
            Ended::Well
        });
        for (id, network) in &inner.networks {
            tasks.spawn(hear::network(self.clone(), id.clone(), network.clone()));
        }
        for (id, desk) in &inner.desks {
            let swept = Arc::new(Notify::new());
            tasks.spawn(hear::desk(self.clone(), id.clone(), desk.clone(), swept.clone()));
            tasks.spawn(hear::sweeps(self.clone(), id.clone(), desk.clone(), swept));
        }
    }

    /// Stops intake, then claiming, then waits for what is under way, then closes the store. One
    /// deadline stands over all of it.
    async fn wind_down(&self, tasks: JoinSet<Ended>) {
        let inner = &self.0;
        inner.stop.cancel();
        let rest = inner.come_to_rest(tasks);
        if clock::within(&*inner.clock, Span(STOP.0 - CLOSE.0), rest).await.is_none() {
            tracing::warn!("work was under way at the end; it is looked up at the next start");
        }
        match clock::within(&*inner.clock, CLOSE, inner.store.close()).await {
            Some(Ok(())) => {}
            Some(Err(error)) => inner.give_up(error.to_string()),
            None => inner.give_up("the store did not close in time; a restart is safe"),
        }
    }
}

impl Inner {
    /// Returns when drivers, calls and steps have ended.
    async fn come_to_rest(&self, mut tasks: JoinSet<Ended>) {
        // Outbox and alarms end with `shut`; drivers first get a moment to hand over.
        if clock::within(&*self.clock, HAND_OVER, self.idle()).await.is_none() {
            tracing::warn!("events were still coming in when careline stopped");
        }
        self.shut.cancel();
        self.steps.close();
        self.outbox.finished().await;
        self.steps.wait().await;
        while tasks.join_next().await.is_some() {}
    }

    /// Returns when no step is under way.
    async fn idle(&self) {
        while !self.steps.is_empty() {
            self.clock.sleep(Span::millis(10)).await;
        }
    }
}

/// Ends with a sentence when a task ends that the whole engine needs.
async fn supervise(tasks: &mut JoinSet<Ended>) -> String {
    match tasks.join_next().await {
        Some(Ok(Ended::Well)) => "a part of careline ended by itself".into(),
        Some(Ok(Ended::All(why))) => why,
        Some(Err(_)) => "a part of careline panicked".into(),
        None => "all parts of careline ended by themselves".into(),
    }
}
