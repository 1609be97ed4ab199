//! Starts everything, watches that nothing ends by itself, and stops it in the right order.

use super::{Engine, Inner, clock, hear};
use crate::case::time::Span;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long drivers get to end after they were told to.
const DRIVERS: Span = Span::seconds(4);
/// How long calls and steps under way get to end; what is left is looked up at the next start.
const UNDER_WAY: Span = Span::seconds(8);
/// How long the store gets to let go.
const CLOSE: Span = Span::seconds(5);

/// How a task of the engine ended.
pub(super) enum Ended {
    /// As it should.
    Well,
    /// The whole engine cannot go on.
    All(String),
}

impl Engine {
    /// Runs until `stop` fires or the machine fails; then stops in order and closes the store, in
    /// under 20 s.
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

    /// Stops intake, then claiming, then waits for what is under way, then closes the store.
    async fn wind_down(&self, mut tasks: JoinSet<Ended>) {
        let inner = &self.0;
        inner.stop.cancel();
        let drivers = async { while tasks.join_next().await.is_some() {} };
        // Outbox and alarms end with `shut`; drivers first get a moment to hand over.
        let handed = clock::within(&*inner.clock, DRIVERS, inner.idle()).await;
        inner.shut.cancel();
        if clock::within(&*inner.clock, DRIVERS, drivers).await.is_none() || handed.is_none() {
            tracing::warn!("a driver did not end when it was told to");
        }
        inner.steps.close();
        let rest = async {
            inner.outbox.finished().await;
            inner.steps.wait().await;
        };
        if clock::within(&*inner.clock, UNDER_WAY, rest).await.is_none() {
            tracing::warn!("calls were under way at the end; they are looked up at the next start");
        }
        match clock::within(&*inner.clock, CLOSE, inner.store.close()).await {
            Some(Ok(())) => {}
            Some(Err(error)) => inner.give_up(error.to_string()),
            None => inner.give_up("the store did not close in time; a restart is safe"),
        }
    }
}

impl Inner {
    /// Returns when no step is under way.
    async fn idle(&self) {
        while !self.steps.is_empty() {
            self.clock.sleep(Span::millis(10)).await;
        }
    }
}

/// Ends with a sentence when a task ends that the whole engine needs.
async fn supervise(tasks: &mut JoinSet<Ended>) -> String {
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(Ended::Well) => return "a part of careline ended by itself".into(),
            Ok(Ended::All(why)) => return why,
            Err(_) => return "a part of careline panicked".into(),
        }
    }
    "all parts of careline ended by themselves".into()
}
