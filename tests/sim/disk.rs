//! A disk that forgets: what was synced stays, all else goes with the process. The real store
//! stands on it ([`Kept`]), and can die at any call: before the write, between write and sync, or
//! after both, and never answers again then.

use super::sky::Sky;
use careline::case::id::{CaseNo, Deployment, EnvelopeId};
use careline::case::model::Alarm;
use careline::case::record::{Commit, Found, Identity, Key, LogEntry, Reach, Record, Versioned};
use careline::case::time::{Span, Timestamp};
use careline::inbox::Task;
use careline::store::kept::Kept;
use careline::store::table::{Group, Rows, Table};
use careline::store::{Kind, Outcome, Pending, Store, StoreError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

type Bytes = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a crash leaves.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<Bytes>>);

impl Disk {
    /// An empty store with an identity that is the same on every day.
    pub fn new() -> Self {
        let disk = Self::default();
        let identity =
            Identity { deployment: Deployment::new("sim"), salt: "00".into(), made: Timestamp(0) };
        let first = Commit {
            envelope: None,
            at: Timestamp(0),
            reads: BTreeMap::new(),
            writes: [(Key::Identity, Some(Record::Identity(identity)))].into(),
            log: None,
        };
        let store = disk.open(&Arc::default());
        futures_util::future::FutureExt::now_or_never(store.commit(first)).unwrap().unwrap();
        disk
    }

    fn open(&self, life: &Arc<Mutex<Life>>) -> Kept<Plate> {
        let (rows, life) = (self.0.lock().unwrap().clone(), life.clone());
        let plate =
            Plate { disk: self.clone(), rows: Mutex::new(rows), unsynced: Mutex::default(), life };
        Kept::open(plate, Timestamp(0)).unwrap()
    }

    /// The store on it, to look at.
    pub fn look(&self) -> impl Store + use<> {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().clone()))).open(&Arc::default())
    }

    /// A copy, as a backup is.
    pub fn copy(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.0.lock().unwrap().clone().into_iter().collect()
    }

    /// Puts a copy back.
    pub fn restore(&self, copy: Vec<(Vec<u8>, Vec<u8>)>) {
        *self.0.lock().unwrap() = copy.into_iter().collect();
    }
}

/// Where in a call a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing was written.
    Before,
    /// It was written, and not synced.
    Unsynced,
    /// It is on disk, and nobody was told.
    After,
}

/// When a process dies: at this call of the store.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    pub call: u64,
    pub moment: Moment,
}

#[derive(Default)]
struct Life {
    calls: u64,
    dead: bool,
    /// It dies in this call, at this moment.
    dying: Option<Moment>,
}

/// A table with a cache in front of its disk, as an operating system has one.
struct Plate {
    disk: Disk,
    rows: Mutex<Bytes>,
    unsynced: Mutex<Vec<Group>>,
    life: Arc<Mutex<Life>>,
}

fn write(rows: &mut Bytes, group: &Group) {
    for (key, value) in group {
        match value {
            Some(value) => drop(rows.insert(key.clone(), value.clone())),
            None => drop(rows.remove(key)),
        }
    }
}

impl Table for Plate {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows.lock().unwrap().get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, StoreError> {
        let rows = self.rows.lock().unwrap();
        let range = rows.range(from.to_vec()..to.to_vec()).take(limit);
        Ok(range.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn apply(&self, group: &Group) -> Result<(), StoreError> {
        write(&mut self.rows.lock().unwrap(), group);
        self.unsynced.lock().unwrap().push(group.clone());
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        if self.life.lock().unwrap().dying == Some(Moment::Unsynced) {
            return Err(StoreError::Broken("the power is gone".into()));
        }
        let mut disk = self.disk.0.lock().unwrap();
        self.unsynced.lock().unwrap().drain(..).for_each(|group| write(&mut disk, &group));
        Ok(())
    }

    fn at_once(&self) -> bool {
        true
    }

    fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The longest that half a read takes, in microseconds.
const READ: u64 = 500;
/// The longest that half a commit takes.
const COMMIT: u64 = 6000;
/// One of so many commits is told that somebody was faster.
const CONFLICT: u64 = 25;

/// One process's hold on a disk.
pub struct Forgetful {
    sky: Sky,
    store: Kept<Plate>,
    death: Option<Death>,
    life: Arc<Mutex<Life>>,
}

impl Forgetful {
    pub fn new(sky: Sky, disk: &Disk, death: Option<Death>) -> Self {
        let life = Arc::default();
        Self { sky, store: disk.open(&life), death, life }
    }

    pub fn is_dead(&self) -> bool {
        self.life.lock().unwrap().dead
    }

    /// Calls so far: whether a process still moves.
    pub fn calls(&self) -> u64 {
        self.life.lock().unwrap().calls
    }

    /// Counts a call; says whether it does anything.
    fn begin(&self) -> bool {
        let mut life = self.life.lock().unwrap();
        life.calls += 1;
        let calls = life.calls;
        life.dying = self.death.filter(|death| death.call == calls).map(|death| death.moment);
        !life.dead && life.dying != Some(Moment::Before)
    }

    /// Ends a call; says whether anybody hears its answer.
    fn end(&self) -> bool {
        let mut life = self.life.lock().unwrap();
        life.dead |= life.dying.take().is_some();
        !life.dead
    }

    /// Waits as long as a disk does, then works, dies, or was dead already.
    fn call<'a, T: Send + 'a>(&'a self, most: u64, work: Task<'a, T>) -> Task<'a, T> {
        Box::pin(async move {
            self.sky.sleep(Span(self.sky.lot(most) as i64)).await;
            // The store stands on memory: what it is asked it does at once.
            let answer = if self.begin() { Some(work.await) } else { None };
            let heard = self.end();
            // What is written is seen by others before it is acknowledged.
            self.sky.sleep(Span(self.sky.lot(most) as i64)).await;
            match answer.filter(|_| heard) {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

type Answer<'a, T> = Task<'a, Result<T, StoreError>>;

impl Store for Forgetful {
    fn identity(&self) -> Identity {
        self.store.identity()
    }

    fn read<'a>(&'a self, reach: &'a Reach) -> Answer<'a, Found> {
        self.call(READ, self.store.read(reach))
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Outcome> {
        if !commit.reads.is_empty() && self.sky.fault(CONFLICT) {
            return self.call(COMMIT, Box::pin(async { Ok(Outcome::Conflict) }));
        }
        self.call(COMMIT, self.store.commit(commit))
    }

    fn pending<'a>(&'a self, after: Option<&'a Pending>, limit: usize) -> Answer<'a, Vec<Pending>> {
        self.call(READ, self.store.pending(after, limit))
    }

    fn alarms(&self, until: Timestamp, limit: usize) -> Answer<'_, Vec<(CaseNo, Alarm)>> {
        self.call(READ, self.store.alarms(until, limit))
    }

    fn last_case(&self) -> Answer<'_, CaseNo> {
        self.call(READ, self.store.last_case())
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        after: Option<&'a Key>,
        limit: usize,
    ) -> Answer<'a, Vec<(Key, Versioned)>> {
        self.call(READ, self.store.scan(kind, after, limit))
    }

    fn log(&self, after: u64, limit: usize) -> Answer<'_, Vec<LogEntry>> {
        self.call(READ, self.store.log(after, limit))
    }

    fn trim(&self, before: Timestamp) -> Answer<'_, u64> {
        self.call(COMMIT, self.store.trim(before))
    }

    fn check(&self) -> Answer<'_, Vec<String>> {
        self.call(READ, self.store.check())
    }

    fn envelopes<'a>(
        &'a self,
        after: Option<&'a EnvelopeId>,
        limit: usize,
    ) -> Answer<'a, Vec<(EnvelopeId, Timestamp)>> {
        self.call(READ, self.store.envelopes(after, limit))
    }

    fn last_log(&self) -> Answer<'_, u64> {
        self.call(READ, self.store.last_log())
    }

    fn load(
        &self,
        envelopes: Vec<(EnvelopeId, Timestamp)>,
        log: Vec<LogEntry>,
        last: (CaseNo, u64),
    ) -> Answer<'_, ()> {
        self.call(COMMIT, self.store.load(envelopes, log, last))
    }

    fn compact(&self) -> Answer<'_, ()> {
        self.call(COMMIT, self.store.compact())
    }

    /// It stands on memory: there is nothing to let go of, and others still ask.
    fn close(&self) -> Answer<'_, ()> {
        self.call(READ, Box::pin(async { Ok(()) }))
    }
}
