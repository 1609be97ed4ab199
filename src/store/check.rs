//! A store against itself.

use super::key::{self, KINDS, end_of, prefix};
use super::table::{Synced, Table};
use super::{StoreError, index, row};
use crate::case::id::CaseNo;
use crate::case::record::{Key, Record};
use std::collections::BTreeSet;

const PAGE: usize = 4096;

/// All that is wrong, a sentence each.
///
/// # Errors
/// [`StoreError`] when the machine fails.
pub fn check<T: Table>(table: &Synced<T>) -> Result<Vec<String>, StoreError> {
    let mut wrong = Vec::new();
    let mut wanted = index::Entries::new();
    let mut cases = BTreeSet::new();
    for kind in KINDS {
        let (from, to) = ([prefix(kind)], end_of(&[prefix(kind)]));
        each(table, &from, &to, |key, value| match (key::decode(key), row::decode(value)) {
            (Some(key), Ok(versioned)) => {
                wanted.extend(index::of(versioned.record.as_ref()));
                if let Key::Case(no) = key {
                    cases.insert(no);
                }
                wrong.extend(dangling(&key, versioned.record.as_ref(), &cases));
            }
            (key, _) => wrong.push(format!("a row cannot be read: {key:?}")),
        })?;
    }
    let prefix = [key::INDEX];
    let mut there = index::Entries::new();
    each(table, &prefix, &end_of(&prefix), |key, value| {
        there.insert(key.to_vec(), value.to_vec());
    })?;
    let missing = wanted.iter().filter(|(key, value)| there.get(*key) != Some(value)).count();
    let extra = there.keys().filter(|key| !wanted.contains_key(*key)).count();
    if missing + extra > 0 {
        wrong.push(format!("indexes: {missing} entries are missing or differ, {extra} too many"));
    }
    Ok(wrong)
}

fn each<T: Table>(
    table: &Synced<T>,
    from: &[u8],
    to: &[u8],
    mut what: impl FnMut(&[u8], &[u8]),
) -> Result<(), StoreError> {
    let mut from = from.to_vec();
    loop {
        let rows = table.range(&from, to, PAGE)?;
        for (key, value) in &rows {
            what(key, value);
        }
        let Some((last, _)) = rows.last() else { return Ok(()) };
        from.clone_from(last);
        from.push(0);
    }
}

/// Cases are read before what names them.
pub(super) fn dangling(
    key: &Key,
    record: Option<&Record>,
    cases: &BTreeSet<CaseNo>,
) -> Option<String> {
    let named = match (key, record?) {
        (Key::Line(no, _), _) => *no,
        (_, Record::Thread(no) | Record::Message(no, _) | Record::Post(no, _)) => *no,
        (_, Record::Delivery(delivery)) => delivery.case?,
        _ => return None,
    };
    (!cases.contains(&named))
        .then(|| format!("{key:?} belongs to case {named}, which is not there"))
}
