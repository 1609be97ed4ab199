//! What a store stands on: bytes by bytes, in order, written in groups that are all or nothing.

use super::StoreError;
use crate::inbox::boundary;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// A group of writes; `None` deletes.
pub type Group = BTreeMap<Vec<u8>, Option<Vec<u8>>>;
/// Keys with their values, in order.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// Bytes by bytes, in order.
pub trait Table: Send + Sync + 'static {
    /// The value of a key.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keys from `from` up to, not including, `to`, in order, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, StoreError>;

    /// Writes a group, all of it or nothing, not yet for sure on disk.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails; nothing or all may have been written.
    fn apply(&self, group: &Group) -> Result<(), StoreError>;

    /// Returns when all that was applied is on disk.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn sync(&self) -> Result<(), StoreError>;

    /// Called before each group. A table that failed and can work again does so here and says
    /// true: then all that it shows is on disk.
    ///
    /// # Errors
    /// [`StoreError`]: it still cannot write.
    fn ready(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Notes that a sync failed for a reason from outside (tests only).
    fn failed(&self, _error: &std::io::Error) -> StoreError {
        StoreError::Broken("the disk failed".into())
    }

    /// Writes its files anew, so that nothing of what was deleted is left in them.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn compact(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Does it answer at once, without waiting for a disk? Then a commit is done on the caller's
    /// own
    /// thread, and a simulated clock stays in charge.
    fn at_once(&self) -> bool {
        false
    }

    /// Lets go of what it holds.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    fn close(&self) -> Result<(), StoreError>;
}

/// A table whose readers see only what is on disk.
///
/// While a group is applied and not yet synced, what its keys held before stands in `before`, and
/// readers are given that. A reader holds `before` while it reads, so a group cannot appear or
/// settle halfway through.
pub struct Synced<T> {
    table: T,
    before: RwLock<Group>,
}

impl<T: Table> Synced<T> {
    /// Around this table.
    pub fn new(table: T) -> Self {
        Self { table, before: RwLock::default() }
    }

    /// The value of a key, as it is on disk.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let before = self.before.read().unwrap_or_else(PoisonError::into_inner);
        match before.get(key) {
            Some(old) => Ok(old.clone()),
            None => self.table.get(key),
        }
    }

    /// Keys from `from` up to, not including, `to`, as they are on disk, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    pub fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, StoreError> {
        let before = self.before.read().unwrap_or_else(PoisonError::into_inner);
        if from >= to {
            return Ok(Vec::new());
        }
        let changed: Vec<_> = before.range(from.to_vec()..to.to_vec()).collect();
        let rows = self.table.range(from, to, limit.saturating_add(changed.len()))?;
        if changed.is_empty() {
            return Ok(rows);
        }
        let mut merged: BTreeMap<Vec<u8>, Vec<u8>> = rows.into_iter().collect();
        for (key, old) in changed {
            match old {
                Some(value) => drop(merged.insert(key.clone(), value.clone())),
                None => drop(merged.remove(key)),
            }
        }
        Ok(merged.into_iter().take(limit).collect())
    }

    /// The table itself, with what is not on disk yet. For the committer only.
    pub const fn unsynced(&self) -> &T {
        &self.table
    }

    /// Applies a group and returns when it is on disk. `between` runs after the one and before the
    /// other; tests hold it there.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    pub fn write(
        &self,
        group: &Group,
        between: impl FnOnce() -> std::io::Result<()>,
    ) -> Result<(), StoreError> {
        let mut old = Group::new();
        for key in group.keys() {
            old.insert(key.clone(), self.table.get(key)?);
        }
        *self.before.write().unwrap_or_else(PoisonError::into_inner) = old;
        let done = self.table.apply(group).and_then(|()| {
            boundary::here("store.group.applied");
            between().map_err(|e| self.table.failed(&e))?;
            self.table.sync()
        });
        boundary::here("store.group.synced");
        if done.is_ok() {
            self.before.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
        done
    }

    /// After a failure: what is on disk now is what counts.
    pub fn settle(&self) {
        self.before.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
