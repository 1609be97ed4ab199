//! A store over any table: versions, envelopes, indexes, log and questions, written once.

use super::committer::{Between, High, Job, group, high, work};
use super::find::Find;
use super::key::{self, end_of, prefix};
use super::table::{Group, Rows, Synced, Table};
use super::{Kind, Outcome, Pending, Store, StoreError, index, row};
use crate::case::id::{AgentId, CaseNo, ContactId, DeliveryId, Deployment, EnvelopeId};
use crate::case::limits::LISTED;
use crate::case::model::Alarm;
use crate::case::record::{
    Commit, Found, Identity, Key, LogEntry, Query, Reach, Record, Summary, Versioned,
};
use crate::case::time::Timestamp;
use crate::inbox::Task;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Commits that may wait before whoever commits must wait too.
const WAITING: usize = 1024;

/// See the module.
pub struct Kept<T> {
    table: Arc<Synced<T>>,
    way: Way,
    identity: Identity,
    find: Find,
}

/// How commits are done.
enum Way {
    /// On the caller's own thread, one after the other.
    Here(Mutex<()>, Between),
    /// By the committer's thread; `None` once it was told to end.
    Thread(Mutex<Option<(mpsc::SyncSender<Job>, JoinHandle<()>)>>),
}

impl Way {
    fn sender(&self) -> Option<mpsc::SyncSender<Job>> {
        let Self::Thread(thread) = self else { return None };
        let thread = thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().map(|(jobs, _)| jobs.clone())
    }

    /// Takes no more, and waits until what was taken is written and the table let go.
    fn end(&self) {
        let Self::Thread(thread) = self else { return };
        let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((jobs, thread)) = thread {
            drop(jobs);
            let _ = thread.join();
        }
    }
}

impl<T> Drop for Kept<T> {
    /// The next one to open this store must not find it locked.
    fn drop(&mut self) {
        self.way.end();
    }
}

impl<T: Table> Kept<T> {
    /// Opens a store over a table; an empty one is given an identity.
    ///
    /// # Errors
    /// [`StoreError`]: it cannot be read, or was written by a newer careline.
    pub fn open(table: T, now: Timestamp) -> Result<Self, StoreError> {
        Self::open_with(table, now, Arc::new(|| Ok(())))
    }

    /// As [`Kept::open`], with something to do between applying and syncing a group.
    ///
    /// # Errors
    /// As [`Kept::open`].
    pub fn open_with(table: T, now: Timestamp, between: Between) -> Result<Self, StoreError> {
        let table = Arc::new(Synced::new(table));
        let identity = identity(&table, now)?;
        let way = if table.unsynced().at_once() {
            Way::Here(Mutex::default(), between)
        } else {
            Way::Thread(Mutex::new(Some(thread(&table, between)?)))
        };
        Ok(Self { table, way, identity, find: Find::default() })
    }

    /// The rows of a prefix, for export, checks and tests.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    pub fn rows(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, StoreError> {
        self.table.range(from, to, limit)
    }

    fn get(&self, key: &Key) -> Result<Versioned, StoreError> {
        let row = self.table.get(&key::encode(key))?;
        row.map_or_else(|| Ok(Versioned::default()), |row| row::decode(&row))
    }

    fn found(&self, reach: &Reach) -> Result<Found, StoreError> {
        let mut found = Found::default();
        for key in &reach.keys {
            found.records.insert(key.clone(), self.get(key)?);
        }
        if let Some(query) = &reach.query {
            found.list = self.answer(query)?;
        }
        Ok(found)
    }

    fn answer(&self, query: &Query) -> Result<Vec<Summary>, StoreError> {
        let open = |prefix: Vec<u8>| self.indexed(&prefix, false);
        let cases = match query {
            Query::NotClosed => open(vec![key::INDEX, key::OPEN])?,
            Query::Unclaimed => open(vec![key::INDEX, key::UNCLAIMED])?,
            Query::Of(person) => self.of_person(person)?,
            Query::Queue(person) => {
                let mut all = open(vec![key::INDEX, key::UNCLAIMED])?;
                all.extend(self.of_person(person)?);
                all
            }
            Query::OfContacts(contacts) => self.of_contacts(contacts)?,
            Query::Find(words) => self.find.cases(&self.table, words, LISTED)?,
        };
        let mut list = Vec::new();
        for no in cases {
            if let Some(Record::Case(case)) = self.get(&Key::Case(no))?.record {
                list.push(Summary::of(&case));
            }
        }
        if matches!(query, Query::Of(person) if person.len() > 1) {
            list.sort_by_key(|s| (s.snoozed, s.place, s.no));
            list.truncate(LISTED);
        }
        Ok(list)
    }

    fn of_person(&self, person: &[AgentId]) -> Result<Vec<CaseNo>, StoreError> {
        let each = person.iter().map(|agent| self.indexed(&index::of_agent(agent).0, false));
        Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn of_contacts(&self, contacts: &[ContactId]) -> Result<Vec<CaseNo>, StoreError> {
        let each = contacts.iter().map(|id| self.indexed(&index::of_contact(id).0, true));
        let mut all = each.collect::<Result<Vec<_>, _>>()?.concat();
        all.sort_by_key(|no| std::cmp::Reverse(*no));
        all.truncate(LISTED);
        Ok(all)
    }

    /// The cases at the end of an index's keys; the last ones of it if `newest`.
    fn indexed(&self, prefix: &[u8], newest: bool) -> Result<Vec<CaseNo>, StoreError> {
        let limit = if newest { usize::MAX } else { LISTED };
        let rows = self.table.range(prefix, &end_of(prefix), limit)?;
        let cases = rows.iter().filter_map(|(key, _)| key::trailing_case(key));
        Ok(if newest { cases.rev().take(LISTED).collect() } else { cases.collect() })
    }

    async fn ask(&self, job: impl FnOnce(super::committer::Answer) -> Job) -> Asked {
        let (answer, answered) = oneshot::channel();
        match &self.way {
            Way::Here(turn, between) => {
                let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
                group(&self.table, vec![job(answer)], between);
            }
            Way::Thread(_) => self.send(job(answer)).await?,
        }
        answered.await.map_err(|_| closed())?
    }

    /// A full queue is waited for without holding a worker.
    async fn send(&self, mut job: Job) -> Result<(), StoreError> {
        let jobs = self.way.sender().ok_or_else(closed)?;
        loop {
            match jobs.try_send(job) {
                Ok(()) => return Ok(()),
                Err(mpsc::TrySendError::Full(back)) => job = back,
                Err(mpsc::TrySendError::Disconnected(_)) => return Err(closed()),
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    /// Drops rows of a prefix, page by page.
    async fn drop_rows(
        &self,
        prefix: u8,
        mut is_old: impl FnMut(&[u8], &[u8]) -> Result<bool, StoreError>,
    ) -> Result<u64, StoreError> {
        let (mut from, to) = (vec![prefix], end_of(&[prefix]));
        let mut dropped = 0;
        loop {
            let rows = self.table.range(&from, &to, 4096)?;
            let Some((last, _)) = rows.last() else { return Ok(dropped) };
            from = just_after(last);
            let mut gone = Group::new();
            for (key, value) in &rows {
                if is_old(key, value)? {
                    gone.insert(key.clone(), None);
                }
            }
            dropped += gone.len() as u64;
            if !gone.is_empty() {
                self.ask(|answer| Job::Raw(gone, High::default(), answer)).await?;
            }
        }
    }

    /// Drops old entries of the log whose case is not there any more. Gives how many, and the
    /// envelopes of the old ones that stay.
    async fn drop_log(&self, before: Timestamp) -> Result<(u64, BTreeSet<Vec<u8>>), StoreError> {
        let mut stay = BTreeSet::new();
        let dropped = self.drop_rows(key::LOG, |_, value| {
            let entry = serde_json::from_slice::<LogEntry>(value).ok();
            let Some(entry) = entry.filter(|entry| entry.at < before) else { return Ok(false) };
            let case = entry.case.map(|no| self.table.get(&key::encode(&Key::Case(no))));
            let stays = case.transpose()?.flatten().is_some();
            if stays {
                stay.insert(key::envelope(&entry.envelope));
            }
            Ok(!stays)
        });
        let dropped = dropped.await?;
        Ok((dropped, stay))
    }
}

fn thread<T: Table>(
    table: &Arc<Synced<T>>,
    between: Between,
) -> Result<(mpsc::SyncSender<Job>, JoinHandle<()>), StoreError> {
    let (jobs, taken) = mpsc::sync_channel(WAITING);
    let table = Arc::clone(table);
    let thread = std::thread::Builder::new()
        .name("committer".into())
        .spawn(move || work(&table, &taken, &between))
        .map_err(|e| StoreError::Broken(format!("no thread for the committer: {e}")))?;
    Ok((jobs, thread))
}

fn envelope_at(value: &[u8]) -> Option<Timestamp> {
    value.try_into().ok().map(|bytes| Timestamp(i64::from_be_bytes(bytes)))
}

type Asked = Result<Outcome, StoreError>;

fn closed() -> StoreError {
    StoreError::Broken("the store is closed".into())
}

fn identity<T: Table>(table: &Synced<T>, now: Timestamp) -> Result<Identity, StoreError> {
    let key = key::encode(&Key::Identity);
    if let Some(row) = table.get(&key)? {
        return match row::decode(&row)?.record {
            Some(Record::Identity(identity)) => Ok(identity),
            _ => Err(StoreError::Broken("the store's identity cannot be read".into())),
        };
    }
    let identity = new_identity(now)?;
    let row = row::encode(1, &Record::Identity(identity.clone()))?;
    table.write(&[(key, Some(row))].into(), || Ok(()))?;
    Ok(identity)
}

/// A name that no other installation has, and a key that nobody can guess: from the system's own
/// source of randomness.
pub(super) fn new_identity(now: Timestamp) -> Result<Identity, StoreError> {
    use std::io::Read;
    let mut random = [0_u8; 37];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .map_err(|e| StoreError::Broken(format!("the system gives no random bytes: {e}")))?;
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 32)]);
    let name: String = random[..5].iter().chain(&random[34..]).map(letter).collect();
    Ok(Identity { deployment: Deployment::new(name), salt: hex::encode(&random[5..37]), made: now })
}

impl<T: Table> Store for Kept<T> {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn read<'a>(&'a self, reach: &'a Reach) -> Task<'a, Result<Found, StoreError>> {
        Box::pin(async move { self.found(reach) })
    }

    fn commit(&self, commit: Commit) -> Task<'_, Result<Outcome, StoreError>> {
        Box::pin(async move {
            let told = self.find.changes(&commit.writes);
            let outcome = self.ask(|answer| Job::Commit(Box::new(commit), answer)).await?;
            if outcome == Outcome::Fresh {
                self.find.learn(told);
            }
            Ok(outcome)
        })
    }

    fn pending<'a>(
        &'a self,
        after: Option<&'a Pending>,
        limit: usize,
    ) -> Task<'a, Result<Vec<Pending>, StoreError>> {
        Box::pin(async move {
            let prefix = [key::INDEX, key::PENDING];
            let from = after.map_or_else(|| prefix.to_vec(), after_pending);
            let rows = self.table.range(&from, &end_of(&prefix), limit)?;
            rows.iter().map(|(_, value)| index::queued(value)).collect()
        })
    }

    fn alarms(
        &self,
        until: Timestamp,
        limit: usize,
    ) -> Task<'_, Result<Vec<(CaseNo, Alarm)>, StoreError>> {
        Box::pin(async move {
            let from = [key::INDEX, key::ALARM];
            let to = key::Bytes::new(&from).instant(Timestamp(until.0.saturating_add(1))).0;
            let rows = self.table.range(&from, &to, limit)?;
            let read = |(key, value): &(Vec<u8>, Vec<u8>)| {
                Ok((key::trailing_case(key).unwrap_or_default(), index::alarm(value)?))
            };
            rows.iter().map(read).collect()
        })
    }

    fn last_case(&self) -> Task<'_, Result<CaseNo, StoreError>> {
        Box::pin(async move { Ok(CaseNo(high(self.table.get(&[key::HIGH])?)?.case)) })
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        after: Option<&'a Key>,
        limit: usize,
    ) -> Task<'a, Result<Vec<(Key, Versioned)>, StoreError>> {
        Box::pin(async move {
            let first = [prefix(kind)];
            let from = after.map_or_else(|| first.to_vec(), |key| just_after(&key::encode(key)));
            let rows = self.table.range(&from, &end_of(&first), limit)?;
            let read = |(key, row): &(Vec<u8>, Vec<u8>)| {
                let key = key::decode(key)
                    .ok_or_else(|| StoreError::Broken("a key of the store is damaged".into()))?;
                Ok((key, row::decode(row)?))
            };
            rows.iter().map(read).collect()
        })
    }

    fn log(&self, after: u64, limit: usize) -> Task<'_, Result<Vec<LogEntry>, StoreError>> {
        Box::pin(async move {
            let to = end_of(&[key::LOG]);
            let rows = self.table.range(&key::log(after.saturating_add(1)), &to, limit)?;
            let read = |(_, value): &(Vec<u8>, Vec<u8>)| {
                serde_json::from_slice(value)
                    .map_err(|e| StoreError::Broken(format!("a log entry cannot be read: {e}")))
            };
            rows.iter().map(read).collect()
        })
    }

    fn trim(&self, before: Timestamp) -> Task<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let (entries, stay) = self.drop_log(before).await?;
            let is_old = |key: &[u8], value: &[u8]| {
                let old = envelope_at(value).is_some_and(|at| at < before);
                Ok(old && !stay.contains(key))
            };
            Ok(entries + self.drop_rows(key::ENVELOPE, is_old).await?)
        })
    }

    fn check(&self) -> Task<'_, Result<Vec<String>, StoreError>> {
        Box::pin(async move { super::check::check(&self.table) })
    }

    fn envelopes<'a>(
        &'a self,
        after: Option<&'a EnvelopeId>,
        limit: usize,
    ) -> Task<'a, Result<Vec<(EnvelopeId, Timestamp)>, StoreError>> {
        Box::pin(async move {
            let first = [key::ENVELOPE];
            let from = after.map_or_else(|| first.to_vec(), |id| just_after(&key::envelope(id)));
            let rows = self.table.range(&from, &end_of(&first), limit)?;
            let damaged = || StoreError::Broken("an envelope of the store is damaged".into());
            let read = |(key, value): &(Vec<u8>, Vec<u8>)| {
                key::envelope_of(key).zip(envelope_at(value)).ok_or_else(damaged)
            };
            rows.iter().map(read).collect()
        })
    }

    fn load(
        &self,
        envelopes: Vec<(EnvelopeId, Timestamp)>,
        log: Vec<LogEntry>,
        last: (CaseNo, u64),
    ) -> Task<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut rows = Group::new();
            for (id, at) in envelopes {
                rows.insert(key::envelope(&id), Some(at.0.to_be_bytes().to_vec()));
            }
            for entry in log {
                rows.insert(key::log(entry.seq), Some(row::log(&entry)?));
            }
            let high = High { case: last.0.0, log: last.1 };
            self.ask(|answer| Job::Raw(rows, high, answer)).await.map(drop)
        })
    }

    fn last_log(&self) -> Task<'_, Result<u64, StoreError>> {
        Box::pin(async move { Ok(high(self.table.get(&[key::HIGH])?)?.log) })
    }

    fn compact(&self) -> Task<'_, Result<(), StoreError>> {
        Box::pin(async move { self.ask(Job::Compact).await.map(drop) })
    }

    fn close(&self) -> Task<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            if self.send(Job::Close(answer)).await.is_err() {
                return Ok(());
            }
            let closed = answered.await.unwrap_or(Ok(()));
            self.way.end();
            closed
        })
    }
}

fn after_pending(pending: &Pending) -> Vec<u8> {
    just_after(&index::pending(pending.order, DeliveryId::as_str(&pending.id)))
}

fn just_after(key: &[u8]) -> Vec<u8> {
    let mut after = key.to_vec();
    after.push(0);
    after
}
