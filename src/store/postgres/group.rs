//! Commits that are written together: each is decided by itself, and sees those before it.

use super::columns::{Row, Rows};
use super::link::{Trouble, broken};
use super::sheet::{SHEETS, cells, int, number, plain};
use super::write::{LEASE, Me};
use crate::case::id::EnvelopeId;
use crate::case::record::{Commit, Key, LogEntry, Record};
use crate::case::time::Timestamp;
use crate::store::{Outcome, StoreError, key, row};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use std::collections::{BTreeMap, HashMap};

/// A commit that is made ready: all that needs no database was done before.
#[derive(Default)]
pub struct Ask {
    pub envelopes: Vec<(Vec<u8>, i64)>,
    pub reads: Vec<(Key, u64)>,
    pub writes: Vec<(Key, Option<Row>)>,
    /// New ones are numbered; those of another store keep their numbers.
    log: Vec<LogEntry>,
    numbered: bool,
    /// No number up to these is given again: case, log.
    last: (i64, i64),
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

/// A group while it grows.
#[derive(Default)]
pub struct Group<'a> {
    versions: HashMap<Vec<u8>, u64>,
    rows: BTreeMap<(usize, Vec<u8>), Option<(u64, &'a Row)>>,
    alarms: BTreeMap<i64, &'a [(i64, String)]>,
    envelopes: BTreeMap<Vec<u8>, i64>,
    entries: Vec<LogEntry>,
    log: i64,
    case: i64,
}

impl<'a> Group<'a> {
    /// Of what is known: versions, the highest log entry, the highest case.
    pub fn new(versions: HashMap<Vec<u8>, u64>, log: i64, case: i64) -> Self {
        Self { versions, log, case, ..Self::default() }
    }

    fn version(&self, key: &[u8]) -> u64 {
        self.versions.get(key).copied().unwrap_or(0)
    }

    /// Decides one commit; what it writes is seen by those after it.
    pub fn take(&mut self, ask: &'a Ask) -> Outcome {
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

    /// Writes all of it, and the mark that it was written.
    pub async fn write(self, link: &mut PgConnection, me: Me<'_>) -> Result<(), Trouble> {
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
