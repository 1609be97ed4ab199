//! A thousand who write at once: sled 0.34 waits for itself for ever when seven callers flush side
//! by side (sled #1308), which is why only the committer does.
//!
//! `CARELINE_CROWD=60 cargo test --release --test main crowd -- --nocapture` lets them write that
//! many seconds; without it two.

use super::kit::{NOW, key, put, run, value, with_envelope};
use careline::store::{Outcome, STORES, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const WRITERS: u64 = 1_000;
/// How long one commit may take before the store counts as hanging, on a machine under load.
const HANGS: Duration = Duration::from_secs(60);

async fn write(store: Arc<dyn Store>, writer: u64, end: Instant, done: Arc<AtomicU64>) {
    let mut n = 0_u64;
    while Instant::now() < end || n == 0 {
        let row = put([(key(&format!("{writer}.{}", n % 8)), Some(value("x")))]);
        let commit = with_envelope(row, &format!("{writer}.{n}"));
        let answer = tokio::time::timeout(HANGS, store.commit(commit)).await;
        assert_eq!(answer.expect("a commit hangs").unwrap(), Outcome::Fresh);
        done.fetch_add(1, Ordering::Relaxed);
        n += 1;
    }
}

#[test]
fn a_thousand_writers_and_nobody_hangs() {
    let asked = std::env::var("CARELINE_CROWD").ok().and_then(|text| text.parse().ok());
    let long = Duration::from_secs(asked.unwrap_or(2));
    let dir = tempfile::tempdir().unwrap();
    let sled = STORES.iter().find(|row| row.name == "sled").unwrap();
    let done = Arc::new(AtomicU64::new(0));
    run(async {
        let store = (sled.open)(&dir.path().join("store").into(), NOW).unwrap();
        let end = Instant::now() + long;
        let writers = (0..WRITERS)
            .map(|writer| tokio::spawn(write(store.clone(), writer, end, done.clone())));
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        store.close().await.unwrap();
    });
    let done = done.load(Ordering::Relaxed);
    println!("{WRITERS} writers, {long:?}: {done} commits, none hung");
    run(async {
        let store = (sled.open)(&dir.path().join("store").into(), NOW).unwrap();
        let mut found = 0;
        let mut after = None;
        loop {
            let page = store.envelopes(after.as_ref(), 10_000).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            (after, found) = (Some(last.clone()), found + page.len() as u64);
        }
        assert_eq!(found, done, "what was answered is there");
        store.close().await.unwrap();
    });
}
