//! A store in PostgreSQL, for one daemon or several.
//!
//! The tables can be read by people (`sheet`, `report_*`). All work is done on threads of the
//! store's own: a caller who goes away leaves nothing half done. A failover of the database is
//! waited for; only what lasts longer ends the engine.

pub mod ask;
mod columns;
mod group;
mod link;
mod schema;
mod sheet;
mod upkeep;
mod write;

use super::{Kind, Outcome, Pending, Store, StoreError};
use crate::case::id::{CaseNo, EnvelopeId};
use crate::case::model::Alarm;
use crate::case::record::{Commit, Found, Identity, Key, LogEntry, Reach, Versioned};
use crate::case::time::Timestamp;
use crate::inbox::Task;
use group::Ask;
use link::{Links, Pause, Trouble, broken, patiently, step};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnection;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use write::{Job, Writer};

/// Commits that may wait before whoever commits must wait too.
const WAITING: usize = 1024;
/// How often a daemon that waits looks whether the store is free.
const WATCH: Duration = Duration::from_secs(1);
/// Work on the whole of it takes no longer.
const LONG: Duration = Duration::from_secs(3600);

/// See the module.
pub struct Postgres {
    links: Arc<Links>,
    identity: Identity,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    threads: Threads,
}

/// The store's own threads. They end by themselves: a runtime may not be waited for where others
/// wait.
struct Threads(Option<Runtime>);

impl Threads {
    fn start() -> Result<Self, StoreError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let built = builder.worker_threads(2).thread_name("postgres").enable_all().build();
        let runtime = built.map_err(|e| broken(&format!("no threads for PostgreSQL: {e}")))?;
        Ok(Self(Some(runtime)))
    }

    /// Runs work to its end, whatever becomes of the caller.
    fn spawn<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> Result<JoinHandle<R>, StoreError> {
        self.0.as_ref().map(|runtime| runtime.spawn(work)).ok_or_else(closed)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Postgres {
    /// Opens the store at this address; a new database is given its tables.
    ///
    /// # Errors
    /// [`StoreError`]: it cannot be reached, is newer, or is not ours.
    pub fn open(address: &SecretString, now: Timestamp) -> Result<Self, StoreError> {
        let links = Arc::new(Links::new(address.expose_secret())?);
        let threads = Threads::start()?;
        let (answer, answered) = std::sync::mpsc::channel();
        let there = Arc::clone(&links);
        threads.spawn(async move {
            let _ = answer.send(first(&there, now).await);
        })?;
        let identity = answered.recv().map_err(|_| closed())??;
        let (jobs, taken) = mpsc::channel(WAITING);
        let writer = threads.spawn(Writer::new(Arc::clone(&links), me()).work(taken))?;
        let (jobs, writer) = (Mutex::new(Some(jobs)), Mutex::new(Some(writer)));
        Ok(Self { links, identity, jobs, writer, threads })
    }

    /// Runs work on the store's own threads, to its end whatever becomes of the caller.
    fn spawn<R: Send + 'static>(
        &self,
        work: impl Future<Output = Result<R, StoreError>> + Send + 'static,
    ) -> Task<'_, Result<R, StoreError>> {
        let running = self.threads.spawn(work);
        Box::pin(async move { running?.await.unwrap_or_else(|_| Err(closed())) })
    }

    /// Asks a question.
    fn read<R: Send + 'static>(
        &self,
        work: impl for<'c> Fn(&'c mut PgConnection) -> link::Work<'c, R> + Send + Sync + 'static,
    ) -> Task<'_, Result<R, StoreError>> {
        let links = Arc::clone(&self.links);
        self.spawn(async move { links.read(work).await })
    }

    /// Does long work on a connection of its own, once.
    fn long<R: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut PgConnection) -> link::Work<'c, R> + Send + 'static,
    ) -> Task<'_, Result<R, StoreError>> {
        let links = Arc::clone(&self.links);
        self.spawn(async move {
            let done = async {
                let mut link = links.fresh().await?;
                work(&mut link).await
            };
            match timeout(LONG, done).await {
                Ok(Ok(done)) => Ok(done),
                Ok(Err(Trouble::Lasting(error))) => Err(error),
                Ok(Err(Trouble::Passing(why))) => Err(broken(&why)),
                Err(_) => Err(broken("PostgreSQL does not come to an end")),
            }
        })
    }

    /// Has something written.
    fn write(&self, ask: Result<Ask, StoreError>) -> Task<'_, Result<Outcome, StoreError>> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let jobs = jobs.ok_or_else(closed)?;
            jobs.send(Job::Write(ask?, answer)).await.map_err(|_| closed())?;
            answered.await.map_err(|_| closed())?
        })
    }
}

fn closed() -> StoreError {
    broken("the store is closed")
}

/// How this daemon is known to the others: machine, process, and a word of its own.
fn me() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{} {} {:08x}", host.trim(), std::process::id(), fastrand::u32(..))
}

/// The first connection: schema and identity. A database that is down now is not waited for long.
async fn first(links: &Links, now: Timestamp) -> Result<Identity, StoreError> {
    patiently(async {
        let mut pause = Pause::default();
        loop {
            let mut link = match links.fresh().await {
                Ok(link) => link,
                Err(trouble) => {
                    pause.after(trouble).await?;
                    continue;
                }
            };
            match step(schema::ready(&mut link, now)).await {
                Ok(identity) => return Ok(identity),
                Err(trouble) => pause.after(trouble).await?,
            }
        }
    })
    .await
}

impl Store for Postgres {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn read<'a>(&'a self, reach: &'a Reach) -> Task<'a, Result<Found, StoreError>> {
        let reach = Arc::new(reach.clone());
        self.read(move |link| {
            let reach = Arc::clone(&reach);
            Box::pin(async move { ask::found(link, &reach).await })
        })
    }

    fn commit(&self, commit: Commit) -> Task<'_, Result<Outcome, StoreError>> {
        self.write(Ask::commit(commit))
    }

    fn pending<'a>(
        &'a self,
        after: Option<&'a Pending>,
        limit: usize,
    ) -> Task<'a, Result<Vec<Pending>, StoreError>> {
        let after = after.cloned();
        self.read(move |link| {
            let after = after.clone();
            Box::pin(async move { ask::pending(link, after.as_ref(), limit).await })
        })
    }

    fn alarms(
        &self,
        until: Timestamp,
        limit: usize,
    ) -> Task<'_, Result<Vec<(CaseNo, Alarm)>, StoreError>> {
        self.read(move |link| Box::pin(ask::alarms(link, until, limit)))
    }

    fn last_case(&self) -> Task<'_, Result<CaseNo, StoreError>> {
        self.read(|link| Box::pin(async move { Ok(ask::highest(link).await?.1) }))
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        after: Option<&'a Key>,
        limit: usize,
    ) -> Task<'a, Result<Vec<(Key, Versioned)>, StoreError>> {
        let after = after.cloned();
        self.read(move |link| {
            let after = after.clone();
            Box::pin(async move { ask::scan(link, kind, after.as_ref(), limit).await })
        })
    }

    fn log(&self, after: u64, limit: usize) -> Task<'_, Result<Vec<LogEntry>, StoreError>> {
        self.read(move |link| Box::pin(ask::log(link, after, limit)))
    }

    fn trim(&self, before: Timestamp) -> Task<'_, Result<u64, StoreError>> {
        self.long(move |link| Box::pin(upkeep::trim(link, before)))
    }

    fn check(&self) -> Task<'_, Result<Vec<String>, StoreError>> {
        self.long(|link| Box::pin(upkeep::check(link)))
    }

    fn envelopes<'a>(
        &'a self,
        after: Option<&'a EnvelopeId>,
        limit: usize,
    ) -> Task<'a, Result<Vec<(EnvelopeId, Timestamp)>, StoreError>> {
        let after = after.cloned();
        self.read(move |link| {
            let after = after.clone();
            Box::pin(async move { ask::envelopes(link, after.as_ref(), limit).await })
        })
    }

    fn load(
        &self,
        envelopes: Vec<(EnvelopeId, Timestamp)>,
        log: Vec<LogEntry>,
        last: (CaseNo, u64),
    ) -> Task<'_, Result<(), StoreError>> {
        let last = (sheet::int(last.0.0), sheet::int(last.1));
        let written = self.write(Ok(Ask::load(envelopes, log, last)));
        Box::pin(async move { written.await.map(drop) })
    }

    fn last_log(&self) -> Task<'_, Result<u64, StoreError>> {
        self.read(|link| Box::pin(async move { Ok(ask::highest(link).await?.0) }))
    }

    fn compact(&self) -> Task<'_, Result<(), StoreError>> {
        self.long(|link| Box::pin(upkeep::vacuum(link)))
    }

    fn hold(&self) -> Task<'_, Result<(), StoreError>> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let jobs = jobs.ok_or_else(closed)?;
            let mut known = String::new();
            loop {
                let (answer, answered) = oneshot::channel();
                jobs.send(Job::Hold(answer)).await.map_err(|_| closed())?;
                let Some(holder) = answered.await.map_err(|_| closed())?? else { return Ok(()) };
                if known != holder {
                    tracing::info!(holder, "another careline works on this store; waiting");
                    known = holder;
                }
                tokio::time::sleep(WATCH).await;
            }
        })
    }

    fn close(&self) -> Task<'_, Result<(), StoreError>> {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let links = Arc::clone(&self.links);
        self.spawn(async move {
            if let Some(writer) = writer {
                let _ = writer.await;
            }
            links.close().await;
            Ok(())
        })
    }
}
