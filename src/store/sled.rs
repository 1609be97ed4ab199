//! The table on disk for one machine: sled 0.34.7 behind the guards it needs.
//!
//! * `flush` makes no fsync on Linux (sled #1452, and measured): after it we `fdatasync` the file
//!   on
//!   a descriptor of our own.
//! * Concurrent flushes hang it (sled #1308): only the committer flushes. sled's own background
//!   flusher stays on, since its garbage collection runs there.
//! * A leftover `snap.*.generating`, or a damaged `snap.*`, keeps it from opening (sled #1527): the
//!   first is removed under our lock before opening; if opening fails or panics, the directory is
//!   copied aside, all `snap.*` are removed, and it is opened once more.
//! * After an I/O error a handle never writes again. A full disk leaves it readable; before the
//!   next
//!   commit, once a probe file could be written, it is dropped and opened anew.
//! * After any other failure nothing is written until a restart: when an `fdatasync` fails, the
//!   kernel may have thrown the pages away, and a second call would lie.
//! * The space of deleted rows is used again but not wiped; `compact` writes the files anew.

mod disk;

use super::StoreError;
use super::table::{Group, Rows, Table};
use disk::Home;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock};

/// See the module.
pub struct Sled {
    home: Home,
    handle: RwLock<Option<Handle>>,
    health: Mutex<Health>,
}

/// sled, and our own descriptor of its file.
struct Handle {
    db: sled::Db,
    file: File,
    blobs: std::path::PathBuf,
}

/// How writing goes.
#[derive(Clone)]
enum Health {
    Well,
    /// The disk was full: reading goes on, the next commit tries to open anew.
    Full,
    /// Nothing more is written until a restart.
    Ended(StoreError),
}

impl Sled {
    /// Opens the table in this directory; makes it if it is not there.
    ///
    /// # Errors
    /// [`StoreError::Locked`]: another daemon has it; [`StoreError::Full`], [`StoreError::Broken`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let home = Home::enter(dir)?;
        let handle = RwLock::new(Some(disk::open(&home)?));
        Ok(Self { home, handle, health: Mutex::new(Health::Well) })
    }

    fn with<R>(
        &self,
        work: impl FnOnce(&Handle) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let handle = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        let handle =
            handle.as_ref().ok_or_else(|| StoreError::Broken("the store is closed".into()))?;
        guarded(|| work(handle))
    }

    fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, health: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    /// Notes how writing went.
    fn noted<R>(&self, result: Result<R, StoreError>) -> Result<R, StoreError> {
        if let Err(error) = &result {
            self.set(match error {
                StoreError::Full(_) => Health::Full,
                error => Health::Ended(error.clone()),
            });
        }
        result
    }
}

/// sled panics in many places instead of telling; a panic is damage, said in a sentence.
fn guarded<R>(work: impl FnOnce() -> Result<R, StoreError>) -> Result<R, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(StoreError::Broken(
            "the store's files are damaged; a restart copies them aside and repairs what it can"
                .into(),
        ))
    })
}

impl Table for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|h| Ok(h.db.get(key).map_err(disk::fault)?.map(|value| value.to_vec())))
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, StoreError> {
        self.with(|h| {
            let rows = h.db.range(from..to).take(limit);
            rows.map(|r| r.map(|(k, v)| (k.to_vec(), v.to_vec())).map_err(disk::fault)).collect()
        })
    }

    fn apply(&self, group: &Group) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in group {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        self.noted(self.with(|h| h.db.apply_batch(batch).map_err(disk::fault)))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.noted(self.with(disk::sync))
    }

    fn ready(&self) -> Result<bool, StoreError> {
        match self.health() {
            Health::Well => return Ok(false),
            Health::Ended(error) => return Err(error),
            Health::Full => self.home.probe()?,
        }
        let mut handle = self.handle.write().unwrap_or_else(PoisonError::into_inner);
        drop(handle.take());
        *handle = Some(disk::open(&self.home)?);
        self.set(Health::Well);
        Ok(true)
    }

    fn failed(&self, error: &std::io::Error) -> StoreError {
        let error = disk::io("written", error);
        self.noted::<()>(Err(error.clone())).err().unwrap_or(error)
    }

    fn compact(&self) -> Result<(), StoreError> {
        self.with(|handle| disk::copy(handle, &self.home))?;
        let mut handle = self.handle.write().unwrap_or_else(PoisonError::into_inner);
        drop(handle.take());
        let swapped = self.home.swap();
        *handle = Some(disk::open(&self.home)?);
        swapped
    }

    fn close(&self) -> Result<(), StoreError> {
        let handle = self.handle.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some(handle) = handle else { return Ok(()) };
        let synced = match self.health() {
            Health::Well => guarded(|| disk::sync(&handle)),
            Health::Full => Ok(()),
            Health::Ended(error) => Err(error),
        };
        let dropped = guarded(|| {
            drop(handle);
            Ok(())
        });
        self.home.leave();
        synced.and(dropped)
    }
}
