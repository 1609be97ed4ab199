//! The only place that asks what time it is; everybody else is told.

use crate::case::time::Timestamp;
use std::sync::Arc;
use std::time::SystemTime;

/// The machine's time.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The machine's time, as drivers and the engine ask for it.
#[must_use]
pub fn system() -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
    Arc::new(now)
}
