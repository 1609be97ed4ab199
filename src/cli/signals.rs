//! Signals: a clean stop, a stop at once, and reading the policy again.

use super::Failure;
use std::future::Future;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The signals we listen to.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGTERM, SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

impl Signals {
    /// From now on signals come here instead of ending the process.
    pub(super) fn listen() -> Result<Self, Failure> {
        let open = |kind| {
            signal(kind).map_err(|e| Failure::Failed(format!("cannot listen to signals: {e}")))
        };
        Ok(Self {
            terminate: open(SignalKind::terminate())?,
            interrupt: open(SignalKind::interrupt())?,
            hangup: open(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    /// Runs `work` to its end. The first stop fires `stop` and lets it finish; the second leaves at
    /// once, which is as safe as a kill: nothing is promised that is not on disk.
    pub(super) async fn around<T>(
        &mut self,
        work: impl Future<Output = T>,
        stop: &CancellationToken,
        mut reload: impl FnMut(),
    ) -> Result<T, Failure> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                asked = self.next() => match asked {
                    Asked::Reload => reload(),
                    Asked::Stop if stop.is_cancelled() => {
                        return Err(Failure::Failed("left at once, as asked".into()));
                    }
                    Asked::Stop => {
                        tracing::info!("stopping; a second signal leaves at once");
                        stop.cancel();
                    }
                },
            }
        }
    }
}
