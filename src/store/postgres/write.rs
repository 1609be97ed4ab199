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
use super::link::{Links, Pause, Trouble, patiently, step};
use super::sheet::{Cell, SHEETS, Sheet, Type, cells, int, number, plain};
use super::{broken, schema};
use crate::case::id::EnvelopeId;
use crate::case::record::{Commit, Key, LogEntry, Record};
use crate::case::time::Timestamp;
use crate::inbox::boundary;
use crate::store::{Outcome, StoreError, key, row};
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection, Postgres, raw_sql};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Most commits of one group.
const GROUP: usize = 256;

/// How long the store is a daemon's after its last sign of life, by the server's clock.
const LEASE: &str = "interval '15 s'";
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

/// A commit that is made ready: all that needs no database was done before.
#[derive(Default)]
pub struct Ask {
    envelopes: Vec<(Vec<u8>, i64)>,
    reads: Vec<(Key, u64)>,
    writes: Vec<(Key, Option<Row>)>,
    /// New ones are numbered; those of another store keep their numbers.
    log: Vec<LogEntry>,
    numbered: bool,
    /// No number up to these is given again: case, log.
    last: (i64, i64),
}

/// A record as its table takes it.
struct Row {
    text: String,
    cells: Vec<Cell>,
    alarms: Vec<(i64, String)>,
}

impl Ask {
    /// Of a commit.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`].
    pub fn commit(commit: Commit) -> Result<Self, StoreError> {
        let case = |key: &Key| if let Key::Case(no) = key { int(no.0) } else { 0 };
        let last = commit.writes.keys().map(case).max().unwrap_or(0);
        let ready = |(key, record): (Key, Option<Record>)| {
            let row = record.map(|record| Row::of(&key, &record)).transpose()?;
            Ok((key, row))
        };
        Ok(Self {
            envelopes: commit.envelope.iter().map(|id| (key::envelope(id), commit.at.0)).collect(),
            reads: commit.reads.into_iter().collect(),
            writes: commit.writes.into_iter().map(ready).collect::<Result<_, StoreError>>()?,
            log: commit.log.into_iter().collect(),
            numbered: false,
            last: (last, 0),
        })
    }

    /// Of what is taken over from another store.
    pub fn load(
        envelopes: Vec<(EnvelopeId, Timestamp)>,
        log: Vec<LogEntry>,
        last: (i64, i64),
    ) -> Self {
        let envelopes = envelopes.iter().map(|(id, at)| (key::envelope(id), at.0)).collect();
        Self { envelopes, log, last, numbered: true, ..Self::default() }
    }
}

impl Row {
    fn of(key: &Key, record: &Record) -> Result<Self, StoreError> {
        let text = row::text(record)?;
        let alarms = match record {
            Record::Case(case) => case.alarms.as_slice(),
            _ => &[],
        };
        let alarm = |alarm| serde_json::to_string(alarm).unwrap_or_default();
        let alarms = alarms.iter().map(|one| (one.at.0, alarm(one))).collect();
        Ok(Self { text, cells: cells(key, record, key::kind(key)), alarms })
    }
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
struct Me<'a> {
    name: &'a str,
    group: i64,
    epoch: i64,
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
    let mut group = Group { versions, log, case, ..Group::default() };
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

/// A group while it grows.
#[derive(Default)]
struct Group<'a> {
    versions: HashMap<Vec<u8>, u64>,
    rows: BTreeMap<(usize, Vec<u8>), Option<(u64, &'a Row)>>,
    alarms: BTreeMap<i64, &'a [(i64, String)]>,
    envelopes: BTreeMap<Vec<u8>, i64>,
    entries: Vec<LogEntry>,
    log: i64,
    case: i64,
}

impl<'a> Group<'a> {
    fn version(&self, key: &[u8]) -> u64 {
        self.versions.get(key).copied().unwrap_or(0)
    }

    /// Decides one commit; what it writes is seen by those after it.
    fn take(&mut self, ask: &'a Ask) -> Outcome {
        let taken = |(key, _): &(Vec<u8>, i64)| self.version(key) > 0;
        if !ask.numbered && ask.envelopes.iter().any(taken) {
            return Outcome::Repeated;
        }
        if ask.reads.iter().any(|(key, version)| self.version(&key::encode(key)) != *version) {
            return Outcome::Conflict;
        }
        for (key, row) in &ask.writes {
            self.put(key, row.as_ref());
        }
        for (key, at) in &ask.envelopes {
            self.versions.insert(key.clone(), 1);
            self.envelopes.insert(key.clone(), *at);
        }
        self.log = self.log.max(ask.last.1);
        self.case = self.case.max(ask.last.0);
        for entry in &ask.log {
            let mut entry = entry.clone();
            if !ask.numbered {
                self.log += 1;
                entry.seq = self.log.cast_unsigned();
            }
            self.entries.push(entry);
        }
        Outcome::Fresh
    }

    fn put(&mut self, key: &Key, row: Option<&'a Row>) {
        let bytes = key::encode(key);
        let next = self.version(&bytes) + 1;
        if let Key::Case(no) = key {
            self.alarms.insert(int(no.0), row.map_or(&[], |row| &row.alarms));
        }
        self.versions.insert(bytes.clone(), row.map_or(0, |_| next));
        let number = number(key::kind(key));
        self.rows.insert((number, bytes), row.map(|row| (next, row)));
    }

    async fn write(self, link: &mut PgConnection, me: Me<'_>) -> Result<(), Trouble> {
        for (n, sheet) in SHEETS.iter().enumerate() {
            let rows = self.rows.range((n, Vec::new())..(n + 1, Vec::new()));
            let (gone, there): (Vec<_>, Vec<_>) = rows.partition(|(_, row)| row.is_none());
            let gone: Vec<Vec<u8>> = gone.into_iter().map(|((_, key), _)| key.clone()).collect();
            if !gone.is_empty() {
                let drops = format!("DELETE FROM {} WHERE key = ANY($1)", sheet.name);
                sqlx::query(AssertSqlSafe(drops)).bind(gone).execute(&mut *link).await?;
            }
            let mut rows = Rows::default();
            for ((_, key), row) in there {
                let Some((version, row)) = row else { continue };
                rows.push(key.clone(), *version, row);
            }
            rows.upsert(sheet, link).await?;
        }
        self.write_alarms(link).await?;
        write_envelopes(link, self.envelopes).await?;
        write_log(link, &self.entries).await?;
        let marks = format!(
            "WITH mark AS (INSERT INTO writers (id, done) VALUES ($1, $2)
                ON CONFLICT (id) DO UPDATE SET done = excluded.done, at = now())
            UPDATE counters SET log = $3, last_case = $4,
                until = CASE WHEN $5 > 0 THEN clock_timestamp() + {LEASE} ELSE until END"
        );
        let marks = sqlx::query(AssertSqlSafe(marks)).bind(me.name).bind(me.group);
        let marks = marks.bind(self.log).bind(self.case).bind(me.epoch);
        marks.execute(&mut *link).await?;
        Ok(())
    }

    async fn write_alarms(&self, link: &mut PgConnection) -> Result<(), Trouble> {
        if self.alarms.is_empty() {
            return Ok(());
        }
        let cases: Vec<i64> = self.alarms.keys().copied().collect();
        let drops = sqlx::query("DELETE FROM alarms WHERE case_no = ANY($1)").bind(cases);
        drops.execute(&mut *link).await?;
        let (mut nos, mut ns, mut ats, mut alarms) = (vec![], vec![], vec![], vec![]);
        for (no, all) in &self.alarms {
            for (n, (at, alarm)) in (0_i64..).zip(*all) {
                nos.push(*no);
                ns.push(n);
                ats.push(*at);
                alarms.push(alarm.clone());
            }
        }
        if nos.is_empty() {
            return Ok(());
        }
        let puts = "INSERT INTO alarms (case_no, n, at, alarm)
            SELECT a, b, c, d::json FROM
            unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS t(a, b, c, d)";
        let puts = sqlx::query(puts).bind(nos).bind(ns).bind(ats).bind(alarms);
        puts.execute(&mut *link).await?;
        Ok(())
    }
}

async fn write_envelopes(
    link: &mut PgConnection,
    envelopes: BTreeMap<Vec<u8>, i64>,
) -> Result<(), Trouble> {
    if envelopes.is_empty() {
        return Ok(());
    }
    let (keys, ats): (Vec<_>, Vec<_>) = envelopes.into_iter().unzip();
    let puts = "INSERT INTO envelopes (key, at) SELECT * FROM unnest($1::bytea[], $2::bigint[])
        ON CONFLICT (key) DO UPDATE SET at = excluded.at";
    sqlx::query(puts).bind(keys).bind(ats).execute(&mut *link).await?;
    Ok(())
}

async fn write_log(link: &mut PgConnection, entries: &[LogEntry]) -> Result<(), Trouble> {
    if entries.is_empty() {
        return Ok(());
    }
    let texts = |text: fn(&LogEntry) -> &str| -> Vec<String> {
        entries.iter().map(|entry| plain(text(entry))).collect()
    };
    let ints = |n: fn(&LogEntry) -> i64| -> Vec<i64> { entries.iter().map(n).collect() };
    let cases: Vec<_> = entries.iter().map(|entry| entry.case.map(|no| int(no.0))).collect();
    let by: Vec<_> = entries.iter().map(|entry| entry.by.as_deref().map(plain)).collect();
    let whole: Vec<_> = entries
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<_, _>>()
        .map_err(|e| broken(&format!("a log entry cannot be written: {e}")))?;
    let envelopes: Vec<_> = entries.iter().map(|entry| key::envelope(&entry.envelope)).collect();
    let puts = "INSERT INTO log (seq, at, envelope, event, did, case_no, by, entry)
        SELECT a, b, c, d, e, f, g, h::json FROM unnest($1::bigint[], $2::bigint[], $3::bytea[],
            $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])
            AS t(a, b, c, d, e, f, g, h)";
    let puts = sqlx::query(puts).bind(ints(|entry| int(entry.seq))).bind(ints(|entry| entry.at.0));
    let puts = puts.bind(envelopes).bind(texts(|entry| &entry.event));
    let puts = puts.bind(texts(|entry| &entry.did)).bind(cases).bind(by).bind(whole);
    puts.execute(&mut *link).await?;
    Ok(())
}

/// Rows of one table, column by column, as `unnest` takes them.
#[derive(Default)]
struct Rows<'a> {
    keys: Vec<Vec<u8>>,
    versions: Vec<i64>,
    rows: Vec<&'a Row>,
}

impl<'a> Rows<'a> {
    fn push(&mut self, key: Vec<u8>, version: u64, row: &'a Row) {
        self.keys.push(key);
        self.versions.push(int(version));
        self.rows.push(row);
    }

    async fn upsert(self, sheet: &Sheet, link: &mut PgConnection) -> Result<(), Trouble> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let statement = upsert(sheet);
        let records: Vec<String> = self.rows.iter().map(|row| row.text.clone()).collect();
        let query = sqlx::query(AssertSqlSafe(statement));
        let mut query = query.bind(self.keys).bind(self.versions).bind(records);
        for (n, (_, of)) in sheet.columns.iter().enumerate() {
            query = bind(query, *of, self.rows.iter().map(|row| &row.cells[n]));
        }
        query.execute(&mut *link).await?;
        Ok(())
    }
}

type Asked<'q> = Query<'q, Postgres, PgArguments>;

/// Binds a column.
pub fn bind<'q, 'c>(
    query: Asked<'q>,
    of: Type,
    cells: impl Iterator<Item = &'c Cell>,
) -> Asked<'q> {
    match of {
        Type::Int => query.bind(
            cells
                .map(|cell| if let Cell::Int(n) = cell { *n } else { None })
                .collect::<Vec<Option<i64>>>(),
        ),
        Type::Text => query.bind(
            cells
                .map(|cell| if let Cell::Text(text) = cell { text.clone() } else { None })
                .collect::<Vec<Option<String>>>(),
        ),
        Type::Flag => {
            query.bind(cells.map(|cell| matches!(cell, Cell::Flag(true))).collect::<Vec<bool>>())
        }
    }
}

/// `unnest` of all readable columns of a table, the first of them bound as number `first`.
pub fn unnested(sheet: &Sheet, first: usize) -> String {
    let column = |(n, (_, of)): (usize, &(&str, Type))| {
        let of = match of {
            Type::Int => "bigint",
            Type::Text => "text",
            Type::Flag => "boolean",
        };
        format!("${n}::{of}[]")
    };
    (first..).zip(sheet.columns).map(column).collect::<Vec<_>>().join(", ")
}

/// The names of a table's readable columns.
pub fn names(sheet: &Sheet, before: &str) -> String {
    let names = sheet.columns.iter().map(|(name, _)| format!("{before}{name}"));
    names.collect::<Vec<_>>().join(", ")
}

fn upsert(sheet: &Sheet) -> String {
    let (names, values) = (names(sheet, ""), names(sheet, "t."));
    let new = sheet.columns.iter().map(|(name, _)| format!("{name} = excluded.{name}"));
    let new = new.collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO {} (key, version, record, {names})
        SELECT t.key, t.version, t.record::json, {values}
        FROM unnest($1::bytea[], $2::bigint[], $3::text[], {})
            AS t(key, version, record, {names})
        ON CONFLICT (key) DO UPDATE SET version = excluded.version, record = excluded.record, {new}",
        sheet.name,
        unnested(sheet, 4)
    )
}
