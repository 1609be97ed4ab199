//! The table on disk for one machine: sled 0.34.7 behind the guards it needs.
//!
//! * `flush` makes no fsync on Linux (sled #1452, and measured): after it we `fdatasync` the file on
//!   a descriptor of our own.
//! * Concurrent flushes hang it (sled #1308): only the committer flushes. sled's own background
//!   flusher stays on, since its garbage collection runs there.
//! * A leftover `snap.*.generating`, or a damaged `snap.*`, keeps it from opening (sled #1527): the
//!   first is removed under our lock before opening; if opening fails or panics, the directory is
//!   copied aside, all `snap.*` are removed, and it is opened once more.
//! * After an I/O error a handle never works again: it is dropped and opened anew.

use super::StoreError;
use super::table::{Group, Rows, Table};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// See the module.
pub struct Sled {
    dir: PathBuf,
    open: RwLock<Option<Open>>,
    _lock: File,
}

struct Open {
    db: sled::Db,
    file: File,
}

impl Sled {
    /// Opens the table in this directory; makes it if it is not there.
    ///
    /// # Errors
    /// [`StoreError::Locked`]: another daemon has it; [`StoreError::Full`], [`StoreError::Broken`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        make_dir(dir).map_err(|e| io_error(dir, &e))?;
        let lock = lock(dir)?;
        let open = open_guarded(dir)?;
        Ok(Self { dir: dir.to_owned(), open: RwLock::new(Some(open)), _lock: lock })
    }

    /// Does something with the open table; after an error of the machine the next call opens it
    /// anew.
    fn with<T>(&self, what: impl FnOnce(&Open) -> Result<T, sled::Error>) -> Result<T, StoreError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let result = match open.as_ref() {
            Some(open) => what(open),
            None => return Err(StoreError::Broken("the store is closed".into())),
        };
        drop(open);
        result.map_err(|e| {
            let error = sled_error(&self.dir, &e);
            self.reopen();
            error
        })
    }

    fn reopen(&self) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        *open = None;
        match open_guarded(&self.dir) {
            Ok(anew) => *open = Some(anew),
            Err(e) => tracing::error!(error = %e, "the store could not be opened anew"),
        }
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if !dir.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        if let Some(parent) = dir.parent().filter(|parent| parent.is_dir()) {
            File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}

/// Our own lock, held as long as the table: sled's is only taken after it has written.
fn lock(dir: &Path) -> Result<File, StoreError> {
    let file = File::create(dir.join("careline.lock")).map_err(|e| io_error(dir, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StoreError::Locked(format!(
            "another careline is running on the store {}; stop it first",
            dir.display()
        ))),
        Err(fs::TryLockError::Error(e)) => Err(io_error(dir, &e)),
    }
}

fn open_guarded(dir: &Path) -> Result<Open, StoreError> {
    remove(dir, |name| name.starts_with("snap.") && name.ends_with(".generating"))?;
    let first = open_once(dir);
    if first.is_ok() || !dir.join("db").exists() {
        return first;
    }
    if matches!(first, Err(StoreError::Full(_) | StoreError::Locked(_))) {
        return first;
    }
    let aside = copy_aside(dir).map_err(|e| io_error(dir, &e))?;
    tracing::warn!(copy = %aside.display(), "the store did not open; tried again without snapshots");
    remove(dir, |name| name.starts_with("snap."))?;
    open_once(dir).map_err(|e| match e {
        StoreError::Broken(what) => StoreError::Broken(format!(
            "{what}; a copy as it was is in {}. `careline import` of the last export restores it",
            aside.display()
        )),
        other => other,
    })
}

fn open_once(dir: &Path) -> Result<Open, StoreError> {
    // sled panics on some damage instead of returning an error.
    let opened = std::panic::catch_unwind(|| {
        sled::Config::new().path(dir).cache_capacity(64 << 20).flush_every_ms(Some(200)).open()
    });
    let db = match opened {
        Ok(Ok(db)) => db,
        Ok(Err(e)) => return Err(sled_error(dir, &e)),
        Err(_) => return Err(StoreError::Broken(damaged(dir))),
    };
    let file = File::open(dir.join("db")).map_err(|e| io_error(dir, &e))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| io_error(dir, &e))?;
    Ok(Open { db, file })
}

fn remove(dir: &Path, which: impl Fn(&str) -> bool) -> Result<(), StoreError> {
    let error = |e: io::Error| io_error(dir, &e);
    for entry in fs::read_dir(dir).map_err(error)? {
        let entry = entry.map_err(error)?;
        if entry.file_name().to_str().is_some_and(&which) {
            fs::remove_file(entry.path()).map_err(error)?;
        }
    }
    Ok(())
}

fn copy_aside(dir: &Path) -> io::Result<PathBuf> {
    let free = (1..).map(|n| dir.join(format!("damaged-{n}"))).find(|path| !path.exists());
    let aside = free.unwrap_or_else(|| dir.join("damaged"));
    fs::create_dir(&aside)?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), aside.join(entry.file_name()))?;
        }
    }
    Ok(aside)
}

fn damaged(dir: &Path) -> String {
    format!("the store {} is damaged", dir.display())
}

fn io_error(dir: &Path, error: &io::Error) -> StoreError {
    let dir = dir.display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full(format!(
            "the disk of the store {dir} is full; nothing more is taken until there is room"
        )),
        _ => StoreError::Broken(format!("the store {dir}: {error}")),
    }
}

fn sled_error(dir: &Path, error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(e) if e.to_string().contains("could not acquire lock") => {
            StoreError::Locked(format!(
                "another program has the store {} open; stop it first",
                dir.display()
            ))
        }
        sled::Error::Io(e) => io_error(dir, e),
        sled::Error::Corruption { .. } => StoreError::Broken(damaged(dir)),
        other => StoreError::Broken(format!("the store {}: {other}", dir.display())),
    }
}

impl Table for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|open| Ok(open.db.get(key)?.map(|value| value.to_vec())))
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, StoreError> {
        self.with(|open| {
            let rows = open.db.range(from..to).take(limit);
            rows.map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
        })
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<(Vec<u8>, Vec<u8>)>, StoreError> {
        self.with(|open| {
            let last = open.db.range(from..to).next_back().transpose()?;
            Ok(last.map(|(key, value)| (key.to_vec(), value.to_vec())))
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
        self.with(|open| open.db.apply_batch(batch))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.with(|open| {
            open.db.flush()?;
            open.file.sync_data().map_err(sled::Error::Io)
        })
    }

    fn close(&self) -> Result<(), StoreError> {
        let open = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(open) = open {
            open.db.flush().map_err(|e| sled_error(&self.dir, &e))?;
            open.file.sync_data().map_err(|e| io_error(&self.dir, &e))?;
        }
        Ok(())
    }
}
