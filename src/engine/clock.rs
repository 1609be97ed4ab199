//! The only place that asks what time it is, and the only one that waits; everybody else is told.

use crate::case::time::{Span, Timestamp};
use crate::inbox::Task;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};
use tokio::sync::oneshot;

/// The machine's time.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The machine's time, as drivers and the engine ask for it.
#[must_use]
pub fn system() -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
    Arc::new(now)
}

/// Tells the time and lets it pass.
pub trait Clock: Send + Sync {
    /// What the clock on the wall shows. It may jump.
    fn now(&self) -> Timestamp;

    /// How much time has passed since some instant of this process; it never jumps.
    fn elapsed(&self) -> Span;

    /// Waits this long, whatever the clock on the wall does.
    fn sleep(&self, span: Span) -> Task<'static, ()>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        now()
    }

    fn elapsed(&self) -> Span {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        Span(i64::try_from(BEGAN.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    fn sleep(&self, span: Span) -> Task<'static, ()> {
        Box::pin(tokio::time::sleep(span.to_std()))
    }
}

/// A clock that stands still until it is moved: for tests and the simulator.
#[derive(Clone, Default)]
pub struct Stepped {
    inner: Arc<Mutex<Steps>>,
}

#[derive(Default)]
struct Steps {
    passed: Timestamp,
    offset: Span,
    count: u64,
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
}

impl Stepped {
    /// A clock that shows this.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let clock = Self::default();
        clock.steps().passed = now;
        clock
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves to the next instant for which somebody waits, but not beyond `until`. Says whether
    /// somebody was woken; if not, it now is `until`.
    pub fn step(&self, until: Timestamp) -> bool {
        let mut steps = self.steps();
        steps.sleepers.retain(|_, sleeper| !sleeper.is_closed());
        match steps.sleepers.first_key_value().map(|(key, _)| *key) {
            Some(key) if key.0 <= until => {
                steps.passed = steps.passed.max(key.0);
                if let Some(sleeper) = steps.sleepers.remove(&key) {
                    let _ = sleeper.send(());
                }
                true
            }
            _ => {
                steps.passed = steps.passed.max(until);
                false
            }
        }
    }

    /// How much time has passed, whatever the wall shows.
    #[must_use]
    pub fn passed(&self) -> Timestamp {
        self.steps().passed
    }

    /// Somebody sets the clock on the wall; who sleeps does not notice.
    pub fn jump(&self, by: Span) {
        let mut steps = self.steps();
        steps.offset = Span(steps.offset.0 + by.0);
    }

    /// Forgets who waits: the process that did is gone.
    pub fn forget_sleepers(&self) {
        self.steps().sleepers.clear();
    }
}

impl Clock for Stepped {
    fn now(&self) -> Timestamp {
        let steps = self.steps();
        steps.passed + steps.offset
    }

    fn elapsed(&self) -> Span {
        Span(self.passed().0)
    }

    fn sleep(&self, span: Span) -> Task<'static, ()> {
        let woken = {
            let mut steps = self.steps();
            let (sender, woken) = oneshot::channel();
            steps.count += 1;
            let key = (steps.passed + span.max(Span(0)), steps.count);
            steps.sleepers.insert(key, sender);
            woken
        };
        Box::pin(async move {
            if woken.await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// What a future gives, or `None` if it takes longer than this. The future is dropped then; what
/// it began outside may still happen.
pub async fn within<T>(
    clock: &dyn Clock,
    span: Span,
    future: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        done = future => Some(done),
        () = clock.sleep(span) => None,
    }
}

/// Watches the clock on the wall and logs when somebody sets it. Never ends.
pub async fn watch(clock: &dyn Clock) {
    const EVERY: Span = Span::seconds(30);
    const JUMP: i64 = 5_000_000;
    loop {
        let before = clock.now();
        clock.sleep(EVERY).await;
        let off = clock.now().0 - before.0 - EVERY.0;
        if off.abs() > JUMP {
            let seconds = off / 1_000_000;
            tracing::warn!(seconds, "the clock of this machine jumped, or the machine slept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_order_and_jumps_do_not_wake_them() {
        let clock = Stepped::at(Timestamp::from_seconds(100));
        let (short, long) = (clock.sleep(Span::seconds(1)), clock.sleep(Span::seconds(9)));
        clock.jump(Span::hours(1));
        assert!(clock.step(Timestamp::from_seconds(200)));
        short.await;
        assert_eq!(clock.now(), Timestamp::from_seconds(101 + 3600));
        assert_eq!(clock.elapsed(), Span::seconds(101), "a jump is no time that passed");
        drop(long);
        assert!(!clock.step(Timestamp::from_seconds(200)), "nobody waits any more");
        assert_eq!(clock.passed(), Timestamp::from_seconds(200));
    }
}
