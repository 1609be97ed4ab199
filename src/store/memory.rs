//! A table in memory: for tests, the simulator and dry looks. Nothing survives the process.

use super::StoreError;
use super::table::{Group, Rows, Table};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// See the module.
#[derive(Default)]
pub struct Memory {
    rows: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Memory {
    /// A table that begins with these rows: what a simulated disk still had after a crash.
    #[must_use]
    pub fn with(rows: BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        Self { rows: RwLock::new(rows) }
    }

    fn rows(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows().get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, StoreError> {
        let rows = self.rows();
        let range = rows.range(from.to_vec()..to.to_vec()).take(limit);
        Ok(range.map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn apply(&self, group: &Group) -> Result<(), StoreError> {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in group {
            match value {
                Some(value) => drop(rows.insert(key.clone(), value.clone())),
                None => drop(rows.remove(key)),
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn at_once(&self) -> bool {
        true
    }

    fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
