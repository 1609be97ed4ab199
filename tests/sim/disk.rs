//! A store that forgets: what was synced stays on the disk, all else goes with the process. It can
//! die at any call, before or after the write, and never answers again then.

use super::sky::Sky;
use careline::case::id::{CaseNo, Deployment, EnvelopeId};
use careline::case::limits::LISTED;
use careline::case::model::{Alarm, Case, Status};
use careline::case::record::{
    Commit, Found, Identity, Key, LogEntry, Query, Reach, Record, Summary, Versioned,
};
use careline::case::time::{Span, Timestamp};
use careline::inbox::Task;
use careline::store::{Kind, Outcome, Pending, Store, StoreError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a crash leaves.
#[derive(Default)]
pub struct Disk {
    pub records: BTreeMap<Key, Versioned>,
    taken: BTreeMap<EnvelopeId, Timestamp>,
    pub log: Vec<LogEntry>,
}

impl Disk {
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.records.values().filter_map(|row| match &row.record {
            Some(Record::Case(case)) => Some(&**case),
            _ => None,
        })
    }

    fn commit(&mut self, mut commit: Commit) -> Outcome {
        if commit.envelope.as_ref().is_some_and(|id| self.taken.contains_key(id)) {
            return Outcome::Repeated;
        }
        let version = |key| self.records.get(key).map_or(0, |row| row.version);
        if commit.reads.iter().any(|(key, read)| version(key) != *read) {
            return Outcome::Conflict;
        }
        for (key, record) in std::mem::take(&mut commit.writes) {
            let row = self.records.entry(key).or_default();
            row.version += 1;
            row.record = record;
        }
        self.taken.extend(commit.envelope.map(|id| (id, commit.at)));
        if let Some(mut entry) = commit.log {
            entry.seq = self.log.len() as u64 + 1;
            self.log.push(entry);
        }
        Outcome::Fresh
    }

    fn list(&self, query: &Query) -> Vec<Summary> {
        let wanted = |case: &&Case| match query {
            Query::Unclaimed => case.status == Status::Open && case.claimer.is_none(),
            Query::Of(agent) => case.claimer.as_ref().is_some_and(|by| by.id == *agent),
            Query::OfContact(contact) => case.contact == *contact,
            _ => case.status != Status::Closed,
        };
        self.cases().filter(wanted).take(LISTED).map(Summary::of).collect()
    }

    fn pending(&self) -> Vec<Pending> {
        let rows = self.records.values().filter_map(|row| match &row.record {
            Some(Record::Delivery(row)) if row.state.is_pending() => Some(Pending {
                id: row.id.clone(),
                lane: row.lane.0.clone(),
                bucket: row.bucket.0.clone(),
                urgent: row.urgent,
                order: row.order,
                ready: row.ready,
            }),
            _ => None,
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|a, b| (a.order, &a.id).cmp(&(b.order, &b.id)));
        rows
    }

    fn alarms(&self) -> Vec<(CaseNo, Alarm)> {
        let alarms = self.cases().flat_map(|case| case.alarms.iter().map(|a| (case.no, a.clone())));
        let mut alarms: Vec<_> = alarms.collect();
        alarms.sort_by_key(|(case, alarm)| (alarm.at, *case));
        alarms
    }
}

fn kind(key: &Key) -> Kind {
    match key {
        Key::Case(_) => Kind::Case,
        Key::Line(..) => Kind::Line,
        Key::Contact(_) => Kind::Contact,
        Key::Thread(_) => Kind::Thread,
        Key::Message(_) => Kind::Message,
        Key::Post(..) => Kind::Post,
        Key::Conversation(..) => Kind::Conversation,
        Key::Delivery(_) => Kind::Delivery,
        Key::Cursor(_) => Kind::Cursor,
        Key::Account(_) => Kind::Account,
        Key::Tombstone(_) => Kind::Tombstone,
        Key::Quarantine(_) => Kind::Quarantine,
        _ => Kind::Self_,
    }
}

/// The longest that half a read takes, in microseconds.
const READ: u64 = 500;
/// The longest that half a commit takes.
const COMMIT: u64 = 6000;

/// When a process dies: at this call of the store, before or after the write.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    pub call: u64,
    pub after: bool,
}

/// One process's hold on a disk.
pub struct Forgetful {
    sky: Sky,
    disk: Arc<Mutex<Disk>>,
    death: Option<Death>,
    life: Mutex<(u64, bool)>,
}

impl Forgetful {
    pub fn new(sky: Sky, disk: Arc<Mutex<Disk>>, death: Option<Death>) -> Self {
        Self { sky, disk, death, life: Mutex::default() }
    }

    pub fn is_dead(&self) -> bool {
        self.life.lock().unwrap().1
    }

    /// Calls so far: whether a process still moves.
    pub fn calls(&self) -> u64 {
        self.life.lock().unwrap().0
    }

    /// Waits as long as a disk does, then works, dies, or was dead already.
    fn call<T: Send + 'static>(
        &self,
        most: u64,
        work: impl FnOnce(&mut Disk) -> T + Send + 'static,
    ) -> Task<'_, T> {
        Box::pin(async move {
            self.sky.sleep(Span(self.sky.lot(most) as i64)).await;
            let answer = {
                let mut life = self.life.lock().unwrap();
                life.0 += 1;
                let dies = self.death.filter(|death| death.call == life.0);
                let was_dead = life.1;
                life.1 |= dies.is_some();
                let works = !was_dead && dies.is_none_or(|death| death.after);
                let answer = works.then(|| work(&mut self.disk.lock().unwrap()));
                answer.filter(|_| !life.1)
            };
            // What is written is seen by others before it is acknowledged.
            self.sky.sleep(Span(self.sky.lot(most) as i64)).await;
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

impl Store for Forgetful {
    fn identity(&self) -> Identity {
        Identity { deployment: Deployment::new("sim"), salt: "00".into(), made: Timestamp(0) }
    }

    fn read<'a>(&'a self, reach: &'a Reach) -> Task<'a, Result<Found, StoreError>> {
        let reach = reach.clone();
        let identity = self.identity();
        self.call(READ, move |disk| {
            let row = |key: &Key| match key {
                Key::Identity => {
                    Versioned { version: 1, record: Some(Record::Identity(identity.clone())) }
                }
                _ => disk.records.get(key).cloned().unwrap_or_default(),
            };
            let records = reach.keys.iter().map(|key| (key.clone(), row(key))).collect();
            let list = reach.query.as_ref().map(|query| disk.list(query)).unwrap_or_default();
            Ok(Found { records, list })
        })
    }

    fn commit(&self, mut commit: Commit) -> Task<'_, Result<Outcome, StoreError>> {
        commit.reads.remove(&Key::Identity);
        self.call(COMMIT, move |disk| Ok(disk.commit(commit)))
    }

    fn pending<'a>(
        &'a self,
        after: Option<&'a Pending>,
        limit: usize,
    ) -> Task<'a, Result<Vec<Pending>, StoreError>> {
        let after = after.map(|row| (row.order, row.id.clone()));
        self.call(READ, move |disk| {
            let rows = disk.pending().into_iter();
            let rest = rows.filter(|row| after.as_ref() < Some(&(row.order, row.id.clone())));
            Ok(rest.take(limit).collect())
        })
    }

    fn alarms(
        &self,
        until: Timestamp,
        limit: usize,
    ) -> Task<'_, Result<Vec<(CaseNo, Alarm)>, StoreError>> {
        self.call(READ, move |disk| {
            Ok(disk.alarms().into_iter().filter(|(_, a)| a.at <= until).take(limit).collect())
        })
    }

    fn last_case(&self) -> Task<'_, Result<CaseNo, StoreError>> {
        self.call(READ, |disk| Ok(disk.cases().map(|case| case.no).max().unwrap_or_default()))
    }

    fn scan<'a>(
        &'a self,
        of: Kind,
        after: Option<&'a Key>,
        limit: usize,
    ) -> Task<'a, Result<Vec<(Key, Versioned)>, StoreError>> {
        let after = after.cloned();
        self.call(READ, move |disk| {
            let rows = disk.records.iter().filter(|(key, row)| {
                kind(key) == of && row.record.is_some() && after.as_ref() < Some(*key)
            });
            Ok(rows.take(limit).map(|(key, row)| (key.clone(), row.clone())).collect())
        })
    }

    fn log(&self, after: u64, limit: usize) -> Task<'_, Result<Vec<LogEntry>, StoreError>> {
        self.call(READ, move |disk| {
            let rest = disk.log.iter().filter(|entry| entry.seq > after);
            Ok(rest.take(limit).cloned().collect())
        })
    }

    fn trim(&self, _before: Timestamp) -> Task<'_, Result<u64, StoreError>> {
        self.call(READ, |_| Ok(0))
    }

    fn check(&self) -> Task<'_, Result<Vec<String>, StoreError>> {
        self.call(READ, |_| Ok(Vec::new()))
    }

    fn envelopes<'a>(
        &'a self,
        after: Option<&'a EnvelopeId>,
        limit: usize,
    ) -> Task<'a, Result<Vec<(EnvelopeId, Timestamp)>, StoreError>> {
        let after = after.cloned();
        self.call(READ, move |disk| {
            let rest = disk.taken.iter().filter(|(id, _)| after.as_ref() < Some(*id));
            Ok(rest.take(limit).map(|(id, at)| (id.clone(), *at)).collect())
        })
    }

    fn last_log(&self) -> Task<'_, Result<u64, StoreError>> {
        self.call(READ, |disk| Ok(disk.log.len() as u64))
    }

    fn load(
        &self,
        _envelopes: Vec<(EnvelopeId, Timestamp)>,
        _log: Vec<LogEntry>,
        _last: (CaseNo, u64),
    ) -> Task<'_, Result<(), StoreError>> {
        self.call(READ, |_| Err(StoreError::Broken("nothing is imported on these days".into())))
    }

    fn compact(&self) -> Task<'_, Result<(), StoreError>> {
        self.call(READ, |_| Ok(()))
    }

    fn close(&self) -> Task<'_, Result<(), StoreError>> {
        self.call(READ, |_| Ok(()))
    }
}
