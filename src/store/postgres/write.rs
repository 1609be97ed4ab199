//! The writer of one daemon: it takes the commits that wait, and writes them as one transaction.
//!
//! The transaction begins with a lock on the one row of `counters`, and every daemon's does: what
//! is checked after it stays true until it ends, commits of all daemons have one order, and the log
//! shows it without a gap. A daemon that is stopped while it holds the lock loses it after the
//! session's time (`idle_in_transaction_session_timeout`).
//!
//! Where the answer to COMMIT is lost, nobody knows whether it was done. The next try takes the
//! lock first, so that the lost one has ended, and then looks for the mark that the group left.

use super::ask::{by_sheet, of_each_sheet};
use super::group::{Ask, Group};
use super::link::{Links, Pause, Trouble, patiently, step};
use super::schema;
use super::sheet::SHEETS;
use crate::case::record::Key;
use crate::inbox::boundary;
use crate::store::{Outcome, StoreError};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, raw_sql};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Most commits of one group.
const GROUP: usize = 256;

/// How long the store is a daemon's after its last sign of life, by the server's clock.
pub const LEASE: &str = "interval '15 s'";
/// How often a daemon that has nothing to write gives a sign of life.
const SIGN: Duration = Duration::from_secs(5);

/// Where the answer to a commit goes.
type Answer = oneshot::Sender<Result<Outcome, StoreError>>;

/// What the writer is asked.
pub enum Job {
    /// To write this.
    Write(Ask, Answer),
    /// To make the store ours. Answers who has it, if somebody else has.
    Hold(oneshot::Sender<Result<Option<String>, StoreError>>),
}

/// The writer: a connection of its own, and how it is known in `writers`.
pub struct Writer {
    links: Arc<Links>,
    link: Option<PgConnection>,
    me: String,
    /// The group that is being written, or was written last.
    group: i64,
    /// The how manieth holder of the store this is; 0 while it does not hold it.
    epoch: i64,
}

/// Who writes what, as the database knows it.
#[derive(Clone, Copy)]
pub struct Me<'a> {
    pub name: &'a str,
    pub group: i64,
    pub epoch: i64,
}

impl Me<'_> {
    /// A daemon that held the store and was away for too long must not go on.
    fn may_write(self, epoch: i64) -> Result<(), StoreError> {
        if [0, epoch].contains(&self.epoch) {
            return Ok(());
        }
        Err(StoreError::Locked(
            "another careline has taken over this store; this one was away for too long".into(),
        ))
    }
}

impl Writer {
    /// Under this name, which no other daemon has.
    pub const fn new(links: Arc<Links>, me: String) -> Self {
        Self { links, link: None, me, group: 0, epoch: 0 }
    }

    /// Works until nobody is left to ask.
    pub async fn work(mut self, mut jobs: mpsc::Receiver<Job>) {
        loop {
            match timeout(SIGN, jobs.recv()).await {
                Ok(Some(Job::Write(ask, answer))) => self.gather((ask, answer), &mut jobs).await,
                Ok(Some(Job::Hold(answer))) => drop(answer.send(self.hold().await)),
                Ok(None) => break,
                Err(_) => self.sign().await,
            }
        }
        self.leave().await;
    }

    /// Writes this and what waits behind it as one group.
    async fn gather(&mut self, first: (Ask, Answer), jobs: &mut mpsc::Receiver<Job>) {
        let (mut asks, mut answers) = (vec![first.0], vec![first.1]);
        let mut hold = None;
        while asks.len() < GROUP
            && hold.is_none()
            && let Ok(job) = jobs.try_recv()
        {
            match job {
                Job::Write(ask, answer) => {
                    asks.push(ask);
                    answers.push(answer);
                }
                Job::Hold(answer) => hold = Some(answer),
            }
        }
        let outcomes = self.write(&asks).await;
        for (n, answer) in answers.into_iter().enumerate() {
            let _ = answer.send(outcomes.clone().map(|all| all[n]));
        }
        if let Some(answer) = hold {
            let _ = answer.send(self.hold().await);
        }
    }

    /// A lost answer does no harm: what is ours may be taken again.
    async fn hold(&mut self) -> Result<Option<String>, StoreError> {
        let mut pause = Pause::default();
        loop {
            match self.hold_once().await {
                Ok(held) => return Ok(held),
                Err(trouble) => pause.after(trouble).await?,
            }
        }
    }

    async fn hold_once(&mut self) -> Result<Option<String>, Trouble> {
        let mut link = self.take().await?;
        let takes = format!(
            "UPDATE counters SET holder = $1, epoch = epoch + 1, until = clock_timestamp() + {LEASE}
            WHERE until < clock_timestamp() OR holder = $1 RETURNING epoch"
        );
        let takes = sqlx::query_scalar::<_, i64>(AssertSqlSafe(takes)).bind(&self.me);
        let epoch = step(async { Ok(takes.fetch_optional(&mut link).await?) }).await?;
        let asks = sqlx::query_scalar::<_, Option<String>>("SELECT holder FROM counters");
        let holder = step(async { Ok(asks.fetch_one(&mut link).await?) }).await?;
        self.link = Some(link);
        Ok(match epoch {
            Some(epoch) => {
                self.epoch = epoch;
                None
            }
            None => Some(holder.unwrap_or_default()),
        })
    }

    /// A sign of life. Where it fails, the next one or a commit will tell.
    async fn sign(&mut self) {
        if self.epoch > 0 {
            self.until(&format!("clock_timestamp() + {LEASE}")).await;
        }
    }

    async fn until(&mut self, until: &str) {
        let Ok(mut link) = self.take().await else { return };
        let sets = format!("UPDATE counters SET until = {until} WHERE epoch = $1");
        let sets = sqlx::query(AssertSqlSafe(sets)).bind(self.epoch);
        if step(async { Ok(sets.execute(&mut link).await?) }).await.is_ok() {
            self.link = Some(link);
        }
    }

    /// The next daemon need not wait, and nothing of this one is left.
    async fn leave(mut self) {
        if self.epoch > 0 {
            self.until("clock_timestamp()").await;
        }
        if let Some(mut link) = self.link.take() {
            let gone = sqlx::query("DELETE FROM writers WHERE id = $1").bind(&self.me);
            let _ = step(async { Ok(gone.execute(&mut link).await?) }).await;
            let _ = step(async { Ok(link.close().await?) }).await;
        }
    }

    async fn take(&mut self) -> Result<PgConnection, Trouble> {
        match self.link.take() {
            Some(link) => Ok(link),
            None => self.links.fresh().await,
        }
    }

    async fn write(&mut self, asks: &[Ask]) -> Result<Vec<Outcome>, StoreError> {
        self.group += 1;
        patiently(async {
            let (mut pause, mut lost) = (Pause::default(), None);
            loop {
                match self.write_once(asks, &mut lost).await {
                    Ok(outcomes) => return Ok(outcomes),
                    Err(trouble) => pause.after(trouble).await?,
                }
            }
        })
        .await
    }

    /// One try; only a connection on which nothing failed is kept.
    async fn write_once(
        &mut self,
        asks: &[Ask],
        lost: &mut Option<Vec<Outcome>>,
    ) -> Result<Vec<Outcome>, Trouble> {
        let mut link = self.take().await?;
        let me = Me { name: &self.me, group: self.group, epoch: self.epoch };
        let outcomes = step(once(&mut link, asks, me, lost)).await?;
        self.link = Some(link);
        Ok(outcomes)
    }
}

/// One try. `lost` is what an earlier one had decided whose COMMIT nobody answered.
async fn once(
    link: &mut PgConnection,
    asks: &[Ask],
    me: Me<'_>,
    lost: &mut Option<Vec<Outcome>>,
) -> Result<Vec<Outcome>, Trouble> {
    raw_sql("BEGIN").execute(&mut *link).await?;
    let locks = "SELECT log, last_case, oldest, epoch FROM counters FOR UPDATE";
    let locks = sqlx::query_as::<_, (i64, i64, i32, i64)>(locks);
    let (log, case, oldest, epoch) = locks.fetch_one(&mut *link).await?;
    schema::fits(oldest)?;
    if lost.is_some() && written(link, me).await? {
        raw_sql("ROLLBACK").execute(&mut *link).await?;
        return Ok(lost.take().unwrap_or_default());
    }
    *lost = None;
    me.may_write(epoch)?;
    let versions = versions(link, asks).await?;
    let mut group = Group::new(versions, log, case);
    let outcomes: Vec<Outcome> = asks.iter().map(|ask| group.take(ask)).collect();
    if !outcomes.contains(&Outcome::Fresh) {
        raw_sql("ROLLBACK").execute(&mut *link).await?;
        return Ok(outcomes);
    }
    boundary::here("store.group.decided");
    group.write(link, me).await?;
    boundary::here("store.group.applied");
    *lost = Some(outcomes.clone());
    raw_sql("COMMIT").execute(&mut *link).await?;
    boundary::here("store.group.synced");
    Ok(outcomes)
}

/// Did this group leave its mark?
async fn written(link: &mut PgConnection, me: Me<'_>) -> Result<bool, Trouble> {
    let asks = sqlx::query_scalar::<_, i64>("SELECT done FROM writers WHERE id = $1");
    Ok(asks.bind(me.name).fetch_optional(&mut *link).await? == Some(me.group))
}

static VERSIONS: LazyLock<String> = LazyLock::new(|| {
    let part = |name: &str, n| format!("SELECT key, version FROM {name} WHERE key = ANY(${n})");
    let taken = SHEETS.len() + 1;
    let taken = format!("SELECT key, 1 FROM envelopes WHERE key = ANY(${taken})");
    format!("{} UNION ALL {taken}", of_each_sheet(part))
});

/// The versions of all that these commits read or write, and 1 for envelopes that were taken.
async fn versions(link: &mut PgConnection, asks: &[Ask]) -> Result<HashMap<Vec<u8>, u64>, Trouble> {
    let named = |ask: &'_ Ask| -> Vec<Key> {
        let reads = ask.reads.iter().map(|(key, _)| key.clone());
        reads.chain(ask.writes.iter().map(|(key, _)| key.clone())).collect()
    };
    let keys: BTreeSet<Key> = asks.iter().flat_map(named).collect();
    let mut query = sqlx::query_as::<_, (Vec<u8>, i64)>(AssertSqlSafe(VERSIONS.as_str()));
    for keys in by_sheet(&keys) {
        query = query.bind(keys);
    }
    let envelopes: Vec<_> = asks.iter().flat_map(|ask| &ask.envelopes).collect();
    let envelopes: Vec<Vec<u8>> = envelopes.into_iter().map(|(key, _)| key.clone()).collect();
    let rows = query.bind(envelopes).fetch_all(&mut *link).await?;
    Ok(rows.into_iter().map(|(key, version)| (key, version.cast_unsigned())).collect())
}
