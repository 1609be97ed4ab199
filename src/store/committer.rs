//! The only writer: one thread that takes all commits that wait, decides each by itself against the
//! table and what the others of the group have written, writes the group, waits for the disk, and
//! only then answers. `Repeated` and `Conflict` wait as well: they speak of things that must be on
//! disk.

use super::key;
use super::table::{Group, Synced, Table};
use super::{Outcome, StoreError, index, row};
use crate::case::record::{Commit, Key, Record};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// Most commits of one group.
const GROUP: usize = 512;

/// What the committer is asked.
pub enum Job {
    /// To commit this.
    Commit(Box<Commit>, Answer),
    /// To write these rows as they are: only ever to drop old envelopes and log entries.
    Raw(Group, Answer),
    /// To end.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// Where an answer goes.
pub type Answer = oneshot::Sender<Result<Outcome, StoreError>>;

/// What runs between applying a group and waiting for the disk: nothing, outside tests.
pub type Between = Arc<dyn Fn() + Send + Sync>;

/// Works until it is told to end or nobody is left to ask.
pub fn work<T: Table>(table: &Synced<T>, jobs: &Receiver<Job>, between: &Between) {
    let mut next_log = last_log(table).map_or(0, |seq| seq + 1);
    while let Ok(first) = jobs.recv() {
        let mut waiting = vec![first];
        waiting.extend(jobs.try_iter().take(GROUP - 1));
        let mut group = Grouped { table, writes: Group::new(), next_log };
        let mut answers = Vec::new();
        let mut end = None;
        for job in waiting {
            match job {
                Job::Commit(commit, answer) => answers.push((answer, group.take(&commit))),
                Job::Raw(rows, answer) => {
                    group.writes.extend(rows);
                    answers.push((answer, Ok(Outcome::Fresh)));
                }
                Job::Close(answer) => end = Some(answer),
            }
        }
        let (writes, log) = (group.writes, group.next_log);
        let written = if writes.is_empty() { Ok(()) } else { table.write(&writes, || between()) };
        match written {
            Ok(()) => next_log = log,
            Err(_) => table.settle(),
        }
        for (answer, outcome) in answers {
            let _ = answer.send(written.clone().and(outcome));
        }
        if let Some(answer) = end {
            let _ = answer.send(table.unsynced().close());
            return;
        }
    }
}

fn last_log<T: Table>(table: &Synced<T>) -> Option<u64> {
    let (from, to) = ([key::LOG], key::end_of(&[key::LOG]));
    let (last, _) = table.unsynced().last(&from, &to).ok()??;
    let bytes = last.get(1..9)?.try_into().ok()?;
    Some(u64::from_be_bytes(bytes))
}

/// A group while it grows.
struct Grouped<'t, T> {
    table: &'t Synced<T>,
    writes: Group,
    next_log: u64,
}

impl<T: Table> Grouped<'_, T> {
    /// A key's value as this group will leave it.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => self.table.unsynced().get(key),
        }
    }

    /// Decides one commit; what it writes is seen by those after it.
    fn take(&mut self, commit: &Commit) -> Result<Outcome, StoreError> {
        let envelope = commit.envelope.as_ref().map(key::envelope);
        if let Some(envelope) = &envelope
            && self.get(envelope)?.is_some()
        {
            return Ok(Outcome::Repeated);
        }
        for (key, version) in &commit.reads {
            if self.version(key)? != *version {
                return Ok(Outcome::Conflict);
            }
        }
        let mut writes = Group::new();
        for (key, record) in &commit.writes {
            self.put(key, record.as_ref(), &mut writes)?;
        }
        if let Some(envelope) = envelope {
            writes.insert(envelope, Some(commit.at.0.to_be_bytes().to_vec()));
        }
        if let Some(mut entry) = commit.log.clone() {
            entry.seq = self.next_log;
            let row = serde_json::to_vec(&entry)
                .map_err(|e| StoreError::Broken(format!("a log entry cannot be written: {e}")))?;
            writes.insert(key::log(entry.seq), Some(row));
            self.next_log += 1;
        }
        self.writes.extend(writes);
        Ok(Outcome::Fresh)
    }

    fn version(&self, key: &Key) -> Result<u64, StoreError> {
        self.get(&key::encode(key))?.map_or(Ok(0), |row| row::version(&row))
    }

    fn put(
        &self,
        key: &Key,
        record: Option<&Record>,
        writes: &mut Group,
    ) -> Result<(), StoreError> {
        let bytes = key::encode(key);
        let old = self.get(&bytes)?.map(|row| row::decode(&row)).transpose()?.unwrap_or_default();
        let row = record.map(|record| row::encode(old.version + 1, record)).transpose()?;
        let (was, will) = (index::of(old.record.as_ref()), index::of(record));
        writes.extend(difference(&was, &will));
        writes.insert(bytes, row);
        Ok(())
    }
}

/// What turns the entries of an old row into those of a new one.
fn difference(was: &index::Entries, will: &index::Entries) -> Group {
    let gone = was.keys().filter(|key| !will.contains_key(*key)).map(|key| (key.clone(), None));
    let new = will.iter().filter(|(key, value)| was.get(*key) != Some(value));
    gone.chain(new.map(|(key, value)| (key.clone(), Some(value.clone()))))
        .collect::<BTreeMap<_, _>>()
}
