//! What time it is on this machine: the worlds of faces live by it, those of the simulator do not.

use crate::case::time::Timestamp;
use std::time::SystemTime;

/// Now. A clock that stands before 1970 counts as 1970.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
