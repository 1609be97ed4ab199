//! The store's directory: who may enter, what is put right before sled opens it, and how sled's
//! files are written anew.
//!
//! ```text
//! store/careline.lock     held while a daemon runs
//! store/sled/             sled's own files
//! store/sled.new, .old    while the files are written anew
//! store/sled.damaged-1    a copy of what could not be opened; only a person deletes it
//! ```

use super::{Handle, guarded};
use crate::inbox::boundary;
use crate::store::StoreError;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Memory sled may use for pages; its default of 1 GB is more than a small machine has.
const CACHE: u64 = 64 << 20;
/// sled collects old segments only in its own flusher.
const COLLECT_MS: u64 = 200;
/// sled moves a page beyond a quarter of a segment into a blob file of its own, which its flush
/// does
/// not sync. A page holds several rows of 16 KiB, so its default of 512 KB is too small (seen in
/// the
/// contract's test with ten such rows side by side).
const SEGMENT: usize = 8 << 20;
/// Room that must be free before a store that was full is opened again: two of sled's segments.
const PROBE: usize = 2 * SEGMENT;
/// Rows copied between two flushes when files are written anew.
const COPY: usize = 1_000;

/// A directory that is ours as long as the lock is held.
pub(super) struct Home {
    path: PathBuf,
    lock: File,
}

impl Home {
    /// Makes the directory where there is none, and locks it.
    pub(super) fn enter(path: &Path) -> Result<Self, StoreError> {
        let made = |e| io("made", &e);
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(made)?;
            let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
            sync_dir(parent.unwrap_or(Path::new("."))).map_err(made)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let lock = options.open(path.join("careline.lock")).map_err(made)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked(format!(
                "another careline is running on the store {}; stop it first",
                path.display()
            ))),
            Err(TryLockError::Error(e)) => Err(io("locked", &e)),
        }
    }

    /// Lets others in.
    pub(super) fn leave(&self) {
        let _ = self.lock.unlock();
    }

    fn sled(&self) -> PathBuf {
        self.path.join("sled")
    }

    fn fresh(&self) -> PathBuf {
        self.path.join("sled.new")
    }

    fn old(&self) -> PathBuf {
        self.path.join("sled.old")
    }

    /// Is there room again? Finds out by taking some.
    pub(super) fn probe(&self) -> Result<(), StoreError> {
        let path = self.path.join("room.probe");
        let tried = File::create(&path).and_then(|mut file| {
            file.write_all(&vec![1; PROBE])?;
            file.sync_all()
        });
        let _ = fs::remove_file(&path);
        tried.map_err(|e| io("written", &e))
    }

    /// Puts the new files in the place of the old ones. Interrupted anywhere, [`tidy`](Self::tidy)
    /// ends it.
    pub(super) fn swap(&self) -> Result<(), StoreError> {
        let step = || -> io::Result<()> {
            boundary::here("store.swap.copied");
            fs::rename(self.sled(), self.old())?;
            sync_dir(&self.path)?;
            boundary::here("store.swap.moved");
            fs::rename(self.fresh(), self.sled())?;
            sync_dir(&self.path)?;
            boundary::here("store.swap.placed");
            fs::remove_dir_all(self.old())
        };
        step().map_err(|e| io("written anew", &e))
    }

    /// Ends what an interrupted swap left. `sled.old` exists only once `sled.new` is complete.
    fn tidy(&self) -> io::Result<()> {
        if self.old().exists() && !self.sled().exists() && self.fresh().exists() {
            fs::rename(self.fresh(), self.sled())?;
            sync_dir(&self.path)?;
        }
        for left in [self.fresh(), self.old()] {
            if self.sled().exists() && left.exists() {
                fs::remove_dir_all(left)?;
            }
        }
        Ok(())
    }
}

/// How often sled's own lock is tried for, and the wait between.
const TRIES: u32 = 100;
const BREATH: Duration = Duration::from_millis(20);

/// As [`attempt`], with patience for sled's own lock. Ours is held: whoever has sled's is a thread
/// of a store that this process has just closed, and ends by itself.
fn patiently(path: &Path) -> Result<Handle, StoreError> {
    for _ in 1..TRIES {
        match attempt(path) {
            Err(StoreError::Locked(_)) => std::thread::sleep(BREATH),
            done => return done,
        }
    }
    attempt(path)
}

/// Opens sled's files: first puts right what is known to stop it, then tries, and if that fails
/// copies them aside, removes the snapshots (a cache that sled makes again) and tries once more.
pub(super) fn open(home: &Home) -> Result<Handle, StoreError> {
    let path = home.sled();
    home.tidy()
        .and_then(|()| remove(&path, |name| name.ends_with(".generating")))
        .map_err(|e| io("opened", &e))?;
    boundary::here("store.open.tidied");
    make(home)?;
    match patiently(&path) {
        Err(StoreError::Broken(_)) if path.join("db").exists() => {}
        done => {
            boundary::here("store.open.opened");
            return done;
        }
    }
    let aside = copy_aside(home).map_err(|e| io("copied aside", &e))?;
    tracing::warn!(copy = %aside.display(), "the store did not open; trying without snapshots");
    remove(&path, |name| name.starts_with("snap.")).map_err(|e| io("opened", &e))?;
    attempt(&path).map_err(|error| match error {
        StoreError::Broken(why) => StoreError::Broken(format!(
            "{why}; a copy as it was is in {}. `careline import` of the last export restores it",
            aside.display()
        )),
        other => other,
    })
}

/// Makes sled's files beside their place and moves them there once they are on disk: sled does not
/// sync its own `conf`, without which it never opens again.
fn make(home: &Home) -> Result<(), StoreError> {
    let (path, fresh) = (home.sled(), home.fresh());
    if path.exists() {
        return Ok(());
    }
    let made = |e| io("made", &e);
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(made)?;
    }
    drop(attempt(&fresh)?);
    boundary::here("store.open.made");
    fs::rename(&fresh, &path).and_then(|()| sync_dir(&home.path)).map_err(made)
}

fn attempt(path: &Path) -> Result<Handle, StoreError> {
    guarded(|| {
        let config = sled::Config::new().path(path).cache_capacity(CACHE).segment_size(SEGMENT);
        let db = config.flush_every_ms(Some(COLLECT_MS)).open().map_err(fault)?;
        let file = File::open(path.join("db")).map_err(|e| io("opened", &e))?;
        let handle = Handle { db, file, blobs: path.join("blobs") };
        sync(&handle)?;
        File::open(path.join("conf"))
            .and_then(|conf| conf.sync_all())
            .and_then(|()| sync_dir(path))
            .map_err(|e| io("opened", &e))?;
        Ok(handle)
    })
}

/// Until all that sled was given is on disk.
pub(super) fn sync(handle: &Handle) -> Result<(), StoreError> {
    handle.db.flush().map_err(fault)?;
    handle.file.sync_data().map_err(|e| io("written", &e))?;
    sync_blobs(&handle.blobs).map_err(|e| io("written", &e))
}

/// There should be no blobs, see [`SEGMENT`]; should one ever be there, it is not lost.
fn sync_blobs(path: &Path) -> io::Result<()> {
    let mut any = false;
    for entry in fs::read_dir(path)? {
        match File::open(entry?.path()) {
            Ok(file) => file.sync_data()?,
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        }
        any = true;
    }
    if any { sync_dir(path) } else { Ok(()) }
}

/// Copies every row into fresh files beside the old ones.
pub(super) fn copy(handle: &Handle, home: &Home) -> Result<(), StoreError> {
    let path = home.fresh();
    if path.exists() {
        fs::remove_dir_all(&path).map_err(|e| io("written anew", &e))?;
    }
    let fresh = attempt(&path)?;
    let mut batch = sled::Batch::default();
    for (n, pair) in handle.db.iter().enumerate() {
        let (key, value) = pair.map_err(fault)?;
        batch.insert(key, value);
        if n % COPY == COPY - 1 {
            fresh.db.apply_batch(std::mem::take(&mut batch)).map_err(fault)?;
        }
    }
    fresh.db.apply_batch(batch).map_err(fault)?;
    sync(&fresh)?;
    drop(fresh);
    sync_dir(&path).map_err(|e| io("written anew", &e))
}

fn remove(path: &Path, which: impl Fn(&str) -> bool) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(path) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&which) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn copy_aside(home: &Home) -> io::Result<PathBuf> {
    let free = (1..).map(|n| home.path.join(format!("sled.damaged-{n}"))).find(|p| !p.exists());
    let aside = free.unwrap_or_else(|| home.path.join("sled.damaged"));
    copy_dir(&home.sled(), &aside)?;
    Ok(aside)
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// sled's error in a sentence of ours.
pub(super) fn fault(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(e) if e.to_string().contains("could not acquire lock") => {
            StoreError::Locked("another program has the store open; stop it first".into())
        }
        sled::Error::Io(e) => io("used", &e),
        sled::Error::Corruption { .. } => {
            StoreError::Broken("the store's files are damaged".into())
        }
        other => StoreError::Broken(format!("the store's files cannot be used: {other}")),
    }
}

/// An error of the disk in a sentence of ours.
pub(super) fn io(done: &str, error: &io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full(
            "the disk of the store is full; nothing more is taken until there is room".into(),
        ),
        _ => StoreError::Broken(format!("the store's files cannot be {done}: {error}")),
    }
}
