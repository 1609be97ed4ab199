//! A store as lines of JSON, and back. The first line says what it is; each other line is a record
//! (`{"kind": "case", …}`, a line of a case is a `message`) or an entry of the log.

use super::key::KINDS;
use super::{Kind, Store, StoreError};
use crate::case::id::{CaseNo, EnvelopeId};
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
    last_case: CaseNo,
    last_log: u64,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    envelope: Option<(EnvelopeId, Timestamp)>,
}

impl Row {
    fn of(kind: &str) -> Self {
        Self { kind: kind.to_owned(), key: None, record: None, entry: None, envelope: None }
    }
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
    let (last_case, last_log) = (store.last_case().await?, store.last_log().await?);
    line(out, &Header { careline_export: FORMAT, at: now.to_string(), last_case, last_log })?;
    let mut lines = 1;
    for kind in KINDS {
        let mut after: Option<Key> = None;
        loop {
            let page = store.scan(kind, after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, versioned) in page {
                let kind = name(kind);
                let row = Row { key: Some(key), record: versioned.record, ..Row::of(kind) };
                line(out, &row)?;
                lines += 1;
            }
        }
    }
    lines += envelopes(store, out).await? + log(store, out).await?;
    out.flush()?;
    Ok(lines)
}

async fn envelopes(store: &dyn Store, out: &mut (dyn Write + Send)) -> Result<u64, ExportError> {
    let (mut lines, mut after) = (0, None);
    loop {
        let page = store.envelopes(after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(lines) };
        after = Some(last.clone());
        for envelope in page {
            line(out, &Row { envelope: Some(envelope), ..Row::of("envelope") })?;
            lines += 1;
        }
    }
}

async fn log(store: &dyn Store, out: &mut (dyn Write + Send)) -> Result<u64, ExportError> {
    let (mut lines, mut after) = (0, 0);
    loop {
        let page = store.log(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(lines) };
        after = last.seq;
        for entry in page {
            line(out, &Row { entry: Some(entry), ..Row::of("log") })?;
            lines += 1;
        }
    }
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
    let known = store.scan(Kind::Contact, None, 1).await?;
    if store.last_case().await?.0 > 0 || !store.log(0, 1).await?.is_empty() || !known.is_empty() {
        return Err(ExportError::NotEmpty);
    }
    let mut read = 0;
    let mut text = String::new();
    let mut pile = Pile::default();
    loop {
        text.clear();
        if lines.read_line(&mut text)? == 0 {
            break;
        }
        read += 1;
        let wrong = |e: String| ExportError::Line(read, e);
        if read == 1 {
            let header = header(&text).map_err(wrong)?;
            store.load(Vec::new(), Vec::new(), (header.last_case, header.last_log)).await?;
            continue;
        }
        let row: Row = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        pile.add(row).ok_or_else(|| wrong("neither record, envelope nor log entry".into()))?;
        if read % PAGE == 0 {
            std::mem::take(&mut pile).write(store, now).await?;
        }
    }
    pile.write(store, now).await?;
    match read {
        0 => Err(ExportError::Line(1, "there is nothing in it".into())),
        read => Ok(read as u64),
    }
}

fn header(text: &str) -> Result<Header, String> {
    match serde_json::from_str::<Header>(text) {
        Ok(header) if header.careline_export <= FORMAT => Ok(header),
        Ok(header) => Err(format!(
            "written by a newer careline (format {}; this one reads up to {FORMAT})",
            header.careline_export
        )),
        Err(_) => Err("this is not an export of careline".into()),
    }
}

/// Lines that are written together.
#[derive(Default)]
struct Pile {
    writes: BTreeMap<Key, Option<Record>>,
    envelopes: Vec<(EnvelopeId, Timestamp)>,
    log: Vec<LogEntry>,
}

impl Pile {
    fn add(&mut self, row: Row) -> Option<()> {
        match (row.key, row.record, row.entry, row.envelope) {
            (Some(key), Some(record), None, None) => {
                self.writes.insert(key, Some(record));
            }
            (None, None, Some(entry), None) => self.log.push(entry),
            (None, None, None, Some(envelope)) => self.envelopes.push(envelope),
            _ => return None,
        }
        Some(())
    }

    async fn write(self, store: &dyn Store, at: Timestamp) -> Result<(), StoreError> {
        let reads = BTreeMap::new();
        store.commit(Commit { envelope: None, at, reads, writes: self.writes, log: None }).await?;
        store.load(self.envelopes, self.log, (CaseNo::default(), 0)).await
    }
}
