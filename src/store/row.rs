//! Rows as bytes: the format's number, the record's version, then the record as JSON, so that a row
//! can be read by hand and fields can be added.
//!
//! Format 1 is the first. A reader takes all formats up to its own; a newer one is refused.

use super::StoreError;
use crate::case::limits::ROW_BYTES;
use crate::case::record::{LogEntry, Record, Versioned};

/// The format that is written.
pub const FORMAT: u8 = 1;
/// Format and version, before the record.
const HEAD: usize = 9;

/// A record as a row.
///
/// # Errors
/// [`StoreError::TooLarge`] beyond [`ROW_BYTES`].
pub fn encode(version: u64, record: &Record) -> Result<Vec<u8>, StoreError> {
    let mut row = vec![FORMAT];
    row.extend(version.to_be_bytes());
    row.extend(text(record)?.into_bytes());
    Ok(row)
}

/// A record as text, for stores that keep its version beside it.
///
/// # Errors
/// As [`encode`].
pub fn text(record: &Record) -> Result<String, StoreError> {
    let text = serde_json::to_string(record)
        .map_err(|e| StoreError::Broken(format!("a record cannot be written: {e}")))?;
    match HEAD + text.len() {
        n if n > ROW_BYTES => {
            Err(StoreError::TooLarge(format!("a record of {n} bytes; at most {ROW_BYTES}")))
        }
        _ => Ok(text),
    }
}

/// A record from its text.
///
/// # Errors
/// [`StoreError::Broken`]: it is none.
pub fn parse(text: &[u8]) -> Result<Record, StoreError> {
    serde_json::from_slice(text)
        .map_err(|e| StoreError::Broken(format!("a row of the store cannot be read: {e}")))
}

/// A log entry as its row.
///
/// # Errors
/// [`StoreError::Broken`]: never, as far as known.
pub fn log(entry: &LogEntry) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(entry)
        .map_err(|e| StoreError::Broken(format!("a log entry cannot be written: {e}")))
}

/// The version of a row.
///
/// # Errors
/// [`StoreError`]: it is no row, or a newer careline's.
pub fn version(row: &[u8]) -> Result<u64, StoreError> {
    match (row.first(), row.get(1..9).and_then(|bytes| bytes.try_into().ok())) {
        (Some(&FORMAT), Some(bytes)) => Ok(u64::from_be_bytes(bytes)),
        (Some(&format), Some(_)) if format > FORMAT => Err(StoreError::Newer(format!(
            "the store was written by a newer careline (row format {format}; this one reads up to \
             {FORMAT})"
        ))),
        _ => Err(StoreError::Broken("a row of the store is damaged".into())),
    }
}

/// A row's record with its version.
///
/// # Errors
/// As [`version`].
pub fn decode(row: &[u8]) -> Result<Versioned, StoreError> {
    let version = version(row)?;
    Ok(Versioned { version, record: Some(parse(&row[HEAD..])?) })
}
