//! The only writer: one thread that takes all commits that wait, decides each by itself against the
//! table and what the others of the group have written, writes the group, waits for the disk, and
//! only then answers. `Repeated` and `Conflict` wait as well: they speak of things that must be on
//! disk.

use super::key;
use super::table::{Group, Synced, Table};
use super::{Outcome, StoreError, index, row};
use crate::case::record::{Commit, Key, Record};
use crate::inbox::boundary;
use serde::{Deserialize, Serialize};
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
    /// To write these rows as they are (envelopes and log entries only: they have no indexes), and
    /// to give no number up to these again.
    Raw(Group, High, Answer),
    /// To write the table's files anew.
    Compact(Answer),
    /// To end.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// Where an answer goes.
pub type Answer = oneshot::Sender<Result<Outcome, StoreError>>;

/// What runs between applying a group and waiting for the disk: nothing, outside tests, which hold
/// the committer there or let the disk fail.
pub type Between = Arc<dyn Fn() -> std::io::Result<()> + Send + Sync>;

/// The highest numbers that were ever given: none is given twice, even after its row was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct High {
    /// Of log entries.
    pub log: u64,
    /// Of cases: a delivery's name holds its case's number, and must stay one of a kind.
    pub case: u64,
}

/// Reads the highest numbers.
///
/// # Errors
/// [`StoreError`] when the machine fails.
pub(super) fn high(row: Option<Vec<u8>>) -> Result<High, StoreError> {
    row.map_or_else(
        || Ok(High::default()),
        |row| {
            serde_json::from_slice(&row)
                .map_err(|e| StoreError::Broken(format!("the highest numbers: {e}")))
        },
    )
}

/// Works until it is told to end or nobody is left to ask.
pub fn work<T: Table>(table: &Synced<T>, jobs: &Receiver<Job>, between: &Between) {
    while let Ok(first) = jobs.recv() {
        let mut waiting = vec![first];
        waiting.extend(jobs.try_iter().take(GROUP - 1));
        if let Some(answer) = group(table, waiting, between) {
            let _ = answer.send(table.unsynced().close());
            return;
        }
    }
    let _ = table.unsynced().close();
}

/// Where the answer to `close` goes.
pub type Closing = oneshot::Sender<Result<(), StoreError>>;

/// Does these jobs as one group, and answers each. Says whether somebody wants the end.
pub fn group<T: Table>(table: &Synced<T>, jobs: Vec<Job>, between: &Between) -> Option<Closing> {
    let mut answers = Vec::new();
    let mut end = None;
    let written = written(table, between, |group| {
        for job in jobs {
            match job {
                Job::Commit(commit, answer) => answers.push((answer, group.take(&commit))),
                Job::Raw(rows, high, answer) => {
                    group.writes.extend(rows);
                    group.high.log = group.high.log.max(high.log);
                    group.high.case = group.high.case.max(high.case);
                    answers.push((answer, Ok(Outcome::Fresh)));
                }
                Job::Compact(answer) => {
                    group.compact = true;
                    answers.push((answer, Ok(Outcome::Fresh)));
                }
                Job::Close(answer) => end = Some(answer),
            }
        }
    });
    for (answer, outcome) in answers {
        let _ = answer.send(written.clone().and(outcome));
    }
    end
}

/// Gathers a group and writes it.
fn written<'t, T: Table>(
    table: &'t Synced<T>,
    between: &Between,
    gather: impl FnOnce(&mut Grouped<'t, T>),
) -> Result<(), StoreError> {
    let ready = table.unsynced().ready();
    let high = table.unsynced().get(&[key::HIGH]).and_then(high);
    let known = *high.as_ref().unwrap_or(&High::default());
    let mut group = Grouped { table, writes: Group::new(), high: known, compact: false };
    gather(&mut group);
    // What stood in front of a failed group goes only when the table was opened anew.
    if ready? {
        table.settle();
    }
    high?;
    if group.high != known {
        let row = serde_json::to_vec(&group.high)
            .map_err(|e| StoreError::Broken(format!("the highest numbers: {e}")))?;
        group.writes.insert(vec![key::HIGH], Some(row));
    }
    if !group.writes.is_empty() {
        boundary::here("store.group.decided");
        table.write(&group.writes, || between())?;
    }
    if group.compact { table.unsynced().compact() } else { Ok(()) }
}

/// A group while it grows.
struct Grouped<'t, T> {
    table: &'t Synced<T>,
    writes: Group,
    high: High,
    compact: bool,
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
        let mut high = self.high;
        for (key, record) in &commit.writes {
            if let Key::Case(no) = key {
                high.case = high.case.max(no.0);
            }
            self.put(key, record.as_ref(), &mut writes)?;
        }
        if let Some(envelope) = envelope {
            writes.insert(envelope, Some(commit.at.0.to_be_bytes().to_vec()));
        }
        if let Some(mut entry) = commit.log.clone() {
            entry.seq = high.log + 1;
            high.log = entry.seq;
            writes.insert(key::log(entry.seq), Some(row::log(&entry)?));
        }
        self.writes.extend(writes);
        self.high = high;
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
