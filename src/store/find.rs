//! What `find` looks through: the words of all cases in memory, small letters, scanned in a row.
//! Filled on first use, then kept in step with what is committed. It is a projection: a search may
//! miss a line that is being written.

use super::key::{self, end_of, prefix};
use super::table::{Synced, Table};
use super::{Kind, StoreError, row};
use crate::case::id::CaseNo;
use crate::case::record::{Key, Record};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A case and a line of it; the case's own words stand behind its lines.
type Place = (CaseNo, u32);
/// What a commit changes.
pub type Told = Vec<(Place, Option<String>)>;

/// See the module.
#[derive(Default)]
pub struct Find {
    words: Mutex<Option<BTreeMap<Place, String>>>,
}

/// Rows that are read at a time while it is filled.
const PAGE: usize = 4096;

impl Find {
    /// The newest cases that hold all these words.
    ///
    /// # Errors
    /// [`StoreError`] when the machine fails.
    pub fn cases<T: Table>(
        &self,
        table: &Synced<T>,
        words: &str,
        limit: usize,
    ) -> Result<Vec<CaseNo>, StoreError> {
        let wanted: Vec<String> =
            words.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let mut all = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_none() {
            *all = Some(fill(table)?);
        }
        let all = all.as_ref().expect("filled just now");
        Ok(newest(all, &wanted, limit))
    }

    /// What these writes will change, if anything is kept yet.
    pub fn changes(&self, writes: &BTreeMap<Key, Option<Record>>) -> Told {
        if self.words.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Told::new();
        }
        writes
            .iter()
            .filter_map(|(key, record)| place(key).map(|at| (at, text(record.as_ref()))))
            .collect()
    }

    /// Takes over what was committed.
    pub fn learn(&self, told: Told) {
        let mut all = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(all) = all.as_mut() else { return };
        for (at, words) in told {
            match words {
                Some(words) => drop(all.insert(at, words)),
                None => drop(all.remove(&at)),
            }
        }
    }
}

fn place(key: &Key) -> Option<Place> {
    match key {
        Key::Case(no) => Some((*no, u32::MAX)),
        Key::Line(no, seq) => Some((*no, *seq)),
        _ => None,
    }
}

fn text(record: Option<&Record>) -> Option<String> {
    match record? {
        Record::Case(case) => Some(case.words()),
        Record::Line(line) => Some(line.words()),
        _ => None,
    }
}

fn fill<T: Table>(table: &Synced<T>) -> Result<BTreeMap<Place, String>, StoreError> {
    let mut all = BTreeMap::new();
    for kind in [Kind::Case, Kind::Line] {
        let to = end_of(&[prefix(kind)]);
        let mut from = vec![prefix(kind)];
        loop {
            let rows = table.range(&from, &to, PAGE)?;
            for (key, value) in &rows {
                let at = key::decode(key).as_ref().and_then(place);
                let words = text(row::decode(value)?.record.as_ref());
                all.extend(at.zip(words));
            }
            let Some((last, _)) = rows.last().filter(|_| rows.len() == PAGE) else { break };
            from.clone_from(last);
            from.push(0);
        }
    }
    Ok(all)
}

/// Case by case from the newest: each word must stand somewhere in the case.
fn newest(all: &BTreeMap<Place, String>, wanted: &[String], limit: usize) -> Vec<CaseNo> {
    let mut found = Vec::new();
    let mut now: Option<(CaseNo, Vec<bool>)> = None;
    for ((no, _), text) in all.iter().rev() {
        if now.as_ref().is_none_or(|(at, _)| at != no) {
            found.extend(complete(now.take()));
            if found.len() == limit {
                return found;
            }
            now = Some((*no, vec![false; wanted.len()]));
        }
        if let Some((_, seen)) = &mut now {
            for (seen, word) in seen.iter_mut().zip(wanted).filter(|(seen, _)| !**seen) {
                *seen = text.contains(word.as_str());
            }
        }
    }
    found.extend(complete(now));
    found.truncate(limit);
    found
}

fn complete(case: Option<(CaseNo, Vec<bool>)>) -> Option<CaseNo> {
    case.filter(|(_, seen)| seen.iter().all(|seen| *seen)).map(|(no, _)| no)
}
