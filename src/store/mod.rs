//! Remembers. One trait, several stores, one contract.
//!
//! A commit is all or nothing and conditional on the versions that were read. Nothing is answered,
//! `Repeated` included, and nothing is handed out before it is on disk (the synced watermark).

mod check;
mod committer;
pub mod export;
mod find;
pub mod forget;
mod index;
pub mod kept;
pub mod key;
pub mod memory;
pub mod postgres;
pub mod retain;
pub mod row;
pub mod sled;
pub mod table;
pub mod walk;

use crate::case::id::{CaseNo, DeliveryId, EnvelopeId};
use crate::case::model::Alarm;
use crate::case::record::{Commit, Found, Identity, Key, LogEntry, Reach, Versioned};
use crate::case::time::Timestamp;
use crate::inbox::Task;
use kept::Kept;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on disk.
    Fresh,
    /// This envelope was committed before, and that is on disk.
    Repeated,
    /// Something that was read has changed since: reach, read and decide again.
    Conflict,
}

/// A store cannot go on. The engine stops with this sentence; a restart is always safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another daemon has it.
    #[error("{0}")]
    Locked(String),
    /// No room left; reading still works.
    #[error("{0}")]
    Full(String),
    /// It cannot be read as it is.
    #[error("{0}")]
    Broken(String),
    /// It was written by a newer careline.
    #[error("{0}")]
    Newer(String),
    /// A row is larger than a store takes ([`ROW_BYTES`](crate::case::limits::ROW_BYTES)).
    #[error("{0}")]
    TooLarge(String),
}

/// A delivery that is not finished, as the outbox queues it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub id: DeliveryId,
    /// Its lane, as text.
    pub lane: String,
    /// Its bucket, as text.
    pub bucket: String,
    /// Before routine ones.
    pub urgent: bool,
    /// Its place in the lane.
    pub order: (Timestamp, u32),
    /// Not before.
    pub ready: Timestamp,
}

/// Which records a scan reads: all of one kind, in key order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Key::Case`.
    Case,
    /// `Key::Line`.
    Line,
    /// `Key::Contact`.
    Contact,
    /// `Key::Thread`.
    Thread,
    /// `Key::Message`.
    Message,
    /// `Key::Post`.
    Post,
    /// `Key::Conversation`.
    Conversation,
    /// `Key::Delivery`.
    Delivery,
    /// `Key::Cursor`.
    Cursor,
    /// `Key::Account`.
    Account,
    /// `Key::Tombstone`.
    Tombstone,
    /// `Key::Quarantine`.
    Quarantine,
    /// `Key::Switch`, `Key::Identity`, `Key::Duty` and `Key::Incident`.
    Self_,
}

/// Where cases, deliveries and all else are kept.
pub trait Store: Send + Sync {
    /// Who this store is; made at its first opening.
    fn identity(&self) -> Identity;

    /// Reads records by name, absent ones with version 0, and answers the reach's query.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn read<'a>(&'a self, reach: &'a Reach) -> Task<'a, Result<Found, StoreError>>;

    /// Writes all of it or nothing; returns when it is on disk.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails; whether it was written is then unknown, and a
    /// restart finds out.
    fn commit(&self, commit: Commit) -> Task<'_, Result<Outcome, StoreError>>;

    /// Deliveries that are not finished, in order of `(order, id)`, at most `limit`, after `after`.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn pending<'a>(
        &'a self,
        after: Option<&'a Pending>,
        limit: usize,
    ) -> Task<'a, Result<Vec<Pending>, StoreError>>;

    /// Alarms up to `until`, earliest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn alarms(
        &self,
        until: Timestamp,
        limit: usize,
    ) -> Task<'_, Result<Vec<(CaseNo, Alarm)>, StoreError>>;

    /// The highest case number that was ever in use: no number is given twice, even after its case
    /// was dropped.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn last_case(&self) -> Task<'_, Result<CaseNo, StoreError>>;

    /// Records of one kind in key order, at most `limit`, after `after`.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn scan<'a>(
        &'a self,
        kind: Kind,
        after: Option<&'a Key>,
        limit: usize,
    ) -> Task<'a, Result<Vec<(Key, Versioned)>, StoreError>>;

    /// The log after entry `after`, at most `limit` entries. The first entry is number 1.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn log(&self, after: u64, limit: usize) -> Task<'_, Result<Vec<LogEntry>, StoreError>>;

    /// Drops envelopes and log entries from before this instant, except those of cases that are
    /// still there. Says how many.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn trim(&self, before: Timestamp) -> Task<'_, Result<u64, StoreError>>;

    /// Checks the store against itself: indexes against rows, lines and deliveries against cases.
    /// Each sentence names one thing that is wrong.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn check(&self) -> Task<'_, Result<Vec<String>, StoreError>>;

    /// Envelopes that were taken and when, in order of their ids, at most `limit`, after `after`.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn envelopes<'a>(
        &'a self,
        after: Option<&'a EnvelopeId>,
        limit: usize,
    ) -> Task<'a, Result<Vec<(EnvelopeId, Timestamp)>, StoreError>>;

    /// The number of the newest log entry there ever was; 0 before the first.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn last_log(&self) -> Task<'_, Result<u64, StoreError>>;

    /// Takes over envelopes and log entries of another store as they are, and gives no number up to
    /// the `last` ones (case, log) again. For `import` only.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn load(
        &self,
        envelopes: Vec<(EnvelopeId, Timestamp)>,
        log: Vec<LogEntry>,
        last: (CaseNo, u64),
    ) -> Task<'_, Result<(), StoreError>>;

    /// Writes the store's files anew, so that nothing of what was deleted is left in them.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails; the store goes on with the old files or the new ones.
    fn compact(&self) -> Task<'_, Result<(), StoreError>>;

    /// Waits until no other daemon works on this store. From then on it is this one's: as soon as
    /// another has taken over, commits of this one are refused as `Locked`. A store that only one
    /// can open is held already.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn hold(&self) -> Task<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Waits until all is on disk and lets go of it.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn close(&self) -> Task<'_, Result<(), StoreError>>;
}

/// Where a store is.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Its directory, where it has one.
    pub dir: PathBuf,
    /// Its address, where it has one; it may hold a password.
    pub address: Option<SecretString>,
}

impl<P: AsRef<Path>> From<P> for Place {
    fn from(dir: P) -> Self {
        Self { dir: dir.as_ref().to_owned(), address: None }
    }
}

/// A row of the table of stores.
pub struct Row {
    /// Its name in `bot-config`.
    pub name: &'static str,
    /// Opens it at this place.
    pub open: fn(&Place, Timestamp) -> Result<Arc<dyn Store>, StoreError>,
}

/// All stores, by name.
pub static STORES: &[&Row] = &[
    &Row {
        name: "memory",
        open: |_, now| Ok(Arc::new(Kept::open(memory::Memory::default(), now)?)),
    },
    &Row {
        name: "postgres",
        open: |place, now| {
            let none = || StoreError::Broken("PostgreSQL has no address".into());
            let address = place.address.as_ref().ok_or_else(none)?;
            Ok(Arc::new(postgres::Postgres::open(address, now)?))
        },
    },
    &Row {
        name: "sled",
        open: |place, now| Ok(Arc::new(Kept::open(sled::Sled::open(&place.dir)?, now)?)),
    },
];
