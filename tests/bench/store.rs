//! How many records one wait for the disk carries.

use crate::Figure;
use careline::case::id::{AccountId, CaseNo, EnvelopeId};
use careline::case::record::{Commit, Key, Record};
use careline::case::time::Timestamp;
use careline::store::Store;
use careline::store::kept::Kept;
use careline::store::sled::Sled;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long is measured.
const LONG: Duration = Duration::from_secs(5);

/// One small record under an envelope of its own.
pub fn small(n: u64) -> Commit {
    let conversation = Key::Conversation(AccountId::new("bench"), format!("c{n}"));
    Commit {
        envelope: Some(EnvelopeId::new(format!("bench:{n}"))),
        at: Timestamp::from_seconds(1),
        reads: BTreeMap::new(),
        writes: [(conversation, Some(Record::Conversation(vec![CaseNo(n)])))].into(),
        log: None,
    }
}

/// Records per sync with so many writers, each of which waits for its own.
pub fn per_sync(writers: u64) -> Vec<Figure> {
    let dir = tempfile::tempdir().expect("a directory");
    let syncs = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&syncs);
    let between = Arc::new(move || {
        counts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let table = Sled::open(dir.path()).expect("a store");
    let store = Kept::open_with(table, Timestamp::from_seconds(1), between).expect("a store");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let written = runtime.block_on(write(Arc::new(store), writers));
    let syncs = syncs.load(Ordering::Relaxed);
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    let value = written as f64 / syncs.max(1) as f64;
    let name = match writers {
        16 => "store_records_per_sync_16",
        _ => "store_records_per_sync_256",
    };
    vec![Figure { name, value, unit: "records", against: None, runs: written as usize }]
}

async fn write<S: Store + 'static>(store: Arc<S>, writers: u64) -> u64 {
    let end = Instant::now() + LONG;
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let mut n = 0;
            while Instant::now() < end {
                store.commit(small(writer << 40 | n)).await.expect("a commit");
                n += 1;
            }
            n
        }));
    }
    let mut written = 0;
    for task in tasks {
        written += task.await.expect("a writer");
    }
    written
}
