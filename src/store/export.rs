//! A store as lines of JSON, and back. The first line says what it is; each other line is a record
//! (`{"kind": "case", …}`, a line of a case is a `message`) or an entry of the log.

use super::key::KINDS;
use super::{Kind, Outcome, Store, StoreError};
use crate::case::record::{Commit, Key, LogEntry, Record};
use crate::case::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

/// The format that is written; readers take all up to it.
const FORMAT: u32 = 1;
const PAGE: usize = 256;

#[derive(Serialize, Deserialize)]
struct Header {
    careline_export: u32,
    at: String,
}

#[derive(Serialize, Deserialize)]
struct Row {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Record>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<LogEntry>,
}

/// Why an export or import ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Reading or writing the lines failed.
    #[error("the lines could not be read or written: {0}")]
    Io(#[from] io::Error),
    /// A line is not what an export writes.
    #[error("line {0}: {1}")]
    Line(usize, String),
    /// The store already holds something.
    #[error("the store is not empty; import into a new one")]
    NotEmpty,
}

const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Case => "case",
        Kind::Line => "message",
        Kind::Contact => "contact",
        Kind::Thread => "thread",
        Kind::Message => "desk_message",
        Kind::Post => "post",
        Kind::Conversation => "conversation",
        Kind::Delivery => "delivery",
        Kind::Cursor => "cursor",
        Kind::Account => "account",
        Kind::Tombstone => "tombstone",
        Kind::Quarantine => "unreadable",
        Kind::Self_ => "store",
    }
}

/// Writes all of a store. Says how many lines.
///
/// # Errors
/// [`ExportError`].
pub async fn export(
    store: &dyn Store,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<u64, ExportError> {
    line(out, &Header { careline_export: FORMAT, at: now.to_string() })?;
    let mut lines = 1;
    for kind in KINDS {
        let mut after: Option<Key> = None;
        loop {
            let page = store.scan(kind, after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, versioned) in page {
                let kind = name(kind).to_owned();
                line(out, &Row { kind, key: Some(key), record: versioned.record, entry: None })?;
                lines += 1;
            }
        }
    }
    let mut next = 0;
    loop {
        let page = store.log(next, PAGE).await?;
        let Some(last) = page.last() else { break };
        next = last.seq + 1;
        for entry in page {
            let kind = "log".to_owned();
            line(out, &Row { kind, key: None, record: None, entry: Some(entry) })?;
            lines += 1;
        }
    }
    out.flush()?;
    Ok(lines)
}

fn line<T: Serialize>(out: &mut (dyn Write + Send), row: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")
}

/// Reads an export into an empty store. Versions begin anew; the identity is the exported one and
/// counts from the next opening. Says how many lines.
///
/// # Errors
/// [`ExportError`]; what was read before stays, and the store is to be thrown away.
pub async fn import(
    store: &dyn Store,
    now: Timestamp,
    lines: &mut (dyn BufRead + Send),
) -> Result<u64, ExportError> {
    if store.last_case().await?.0 > 0 || !store.log(0, 1).await?.is_empty() {
        return Err(ExportError::NotEmpty);
    }
    let mut read = 0;
    let mut text = String::new();
    loop {
        text.clear();
        if lines.read_line(&mut text)? == 0 {
            break;
        }
        read += 1;
        let wrong = |e: String| ExportError::Line(read, e);
        if read == 1 {
            header(&text).map_err(wrong)?;
            continue;
        }
        let row: Row = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let commit =
            commit(row, now).ok_or_else(|| wrong("neither a record nor a log entry".into()))?;
        if store.commit(commit).await? == Outcome::Conflict {
            return Err(ExportError::NotEmpty);
        }
    }
    if read == 0 {
        return Err(ExportError::Line(1, "there is nothing in it".into()));
    }
    Ok(read as u64)
}

fn header(text: &str) -> Result<(), String> {
    match serde_json::from_str::<Header>(text) {
        Ok(header) if header.careline_export <= FORMAT => Ok(()),
        Ok(header) => Err(format!(
            "written by a newer careline (format {}; this one reads up to {FORMAT})",
            header.careline_export
        )),
        Err(_) => Err("this is not an export of careline".into()),
    }
}

fn commit(row: Row, now: Timestamp) -> Option<Commit> {
    let mut commit = Commit {
        envelope: None,
        at: now,
        reads: BTreeMap::new(),
        writes: BTreeMap::new(),
        log: None,
    };
    match (row.key, row.record, row.entry) {
        (Some(key), Some(record), None) => drop(commit.writes.insert(key, Some(record))),
        (None, None, Some(entry)) => {
            commit.at = entry.at;
            commit.envelope = Some(entry.envelope.clone());
            commit.log = Some(entry);
        }
        _ => return None,
    }
    Some(commit)
}
