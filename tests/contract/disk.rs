//! What a store on disk must bear: opened again, opened twice, damaged, full, frozen.

use super::kit::*;
use careline::case::limits::ROW_BYTES;
use careline::case::record::Commit;
use careline::store::kept::Kept;
use careline::store::sled::Sled;
use careline::store::{STORES, Store, StoreError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

fn open(dir: &Path) -> Result<Kept<Sled>, StoreError> {
    Kept::open(Sled::open(dir)?, NOW)
}

async fn fill(store: &dyn Store, rows: usize) {
    for n in 0..rows {
        let commit = put([(key(&format!("k{n}")), Some(value(&format!("v{n}"))))]);
        fresh(store, with_log(with_envelope(commit, &format!("e{n}")), None)).await;
    }
}

async fn holds(store: &dyn Store, rows: usize) {
    for n in 0..rows {
        let found = get(store, key(&format!("k{n}"))).await;
        assert_eq!((found.version, found.record), (1, Some(value(&format!("v{n}")))));
    }
    assert_eq!(store.log(0, 9999).await.unwrap().len(), rows);
    assert_eq!(store.envelopes(None, 9999).await.unwrap().len(), rows);
}

#[test]
fn opened_again_it_is_as_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    run(async {
        let store = open(dir.path()).unwrap();
        let identity = store.identity();
        assert_eq!((identity.deployment.0.len(), identity.salt.len()), (8, 64));
        fill(&store, 50).await;
        store.close().await.unwrap();
        assert!(store.commit(put([])).await.is_err(), "closed is closed");
        drop(store);
        for _ in 0..3 {
            // Dropped without closing: the lock must be free at once.
            let store = open(dir.path()).unwrap();
            assert_eq!(store.identity(), identity);
            holds(&store, 50).await;
        }
    });
}

#[test]
fn a_second_daemon_is_refused_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path()).unwrap();
    for row in STORES.iter().filter(|row| row.name == "sled") {
        let refused = (row.open)(&dir.path().into(), NOW).err().unwrap();
        assert!(matches!(refused, StoreError::Locked(_)), "{refused:?}");
        assert!(refused.to_string().contains("another careline is running"), "{refused}");
    }
}

#[test]
fn only_the_owner_may_look_into_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/store");
    let _store = open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

/// sled's own directory below the store's.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => todo.push(path),
                false => found.push(path),
            }
        }
    }
    found
}

#[test]
fn a_left_over_snapshot_does_not_keep_it_closed() {
    for content in [&b""[..], &b"half a snap"[..]] {
        let dir = tempfile::tempdir().unwrap();
        run(async {
            let store = open(dir.path()).unwrap();
            fill(&store, 20).await;
            store.close().await.unwrap();
            fs::write(dir.path().join("sled/snap.0000000000000001.generating"), content).unwrap();
            let store = open(dir.path()).unwrap();
            holds(&store, 20).await;
            let aside = files(dir.path()).iter().any(|f| f.to_string_lossy().contains("damaged"));
            assert!(!aside, "nothing was damaged, so nothing is copied aside");
        });
    }
}

#[test]
fn a_damaged_snapshot_is_copied_aside_and_made_again() {
    for damage in ["empty", "half", "overwritten"] {
        let dir = tempfile::tempdir().unwrap();
        run(async {
            let store = open(dir.path()).unwrap();
            fill(&store, 20).await;
            store.close().await.unwrap();
            drop(store);
            drop(open(dir.path()).unwrap());
            let is_snap = |f: &PathBuf| f.to_string_lossy().contains("/snap.");
            let snaps: Vec<_> = files(dir.path()).into_iter().filter(is_snap).collect();
            assert!(!snaps.is_empty(), "sled writes a snapshot when it is opened");
            for snap in snaps {
                let mut bytes = fs::read(&snap).unwrap();
                match damage {
                    "empty" => bytes.clear(),
                    "half" => bytes.truncate(bytes.len() / 2),
                    _ => bytes.fill(0xAB),
                }
                fs::write(&snap, bytes).unwrap();
            }
            let store = open(dir.path()).unwrap();
            holds(&store, 20).await;
            assert!(dir.path().join("sled.damaged-1/db").exists(), "{damage}");
        });
    }
}

#[test]
fn what_cannot_be_opened_is_kept_and_said_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    run(async {
        let store = open(dir.path()).unwrap();
        fill(&store, 20).await;
        store.close().await.unwrap();
    });
    let garbage: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    fs::write(dir.path().join("sled/conf"), &garbage[..64]).unwrap();
    fs::write(dir.path().join("sled/db"), &garbage).unwrap();
    let refused = open(dir.path()).err().expect("garbage is no store");
    assert!(matches!(refused, StoreError::Broken(_)), "{refused:?}");
    assert!(refused.to_string().contains("import"), "{refused}");
    assert_eq!(fs::read(dir.path().join("sled.damaged-1/db")).unwrap(), garbage);
}

#[test]
fn rows_as_large_as_allowed_make_no_blobs() {
    let dir = tempfile::tempdir().unwrap();
    run(async {
        let store = open(dir.path()).unwrap();
        for n in 0..40 {
            let rows = (0..10).map(|m| {
                let text = format!("{n}{m}").repeat(ROW_BYTES);
                (key(&format!("big{m}")), Some(value(&text[..ROW_BYTES - 40])))
            });
            fresh(&store, put(rows)).await;
        }
        store.close().await.unwrap();
    });
    let blobs: Vec<_> = fs::read_dir(dir.path().join("sled/blobs")).unwrap().collect();
    assert!(blobs.is_empty(), "{blobs:?}");
}

/// Holds the committer between applying and syncing.
#[derive(Default)]
struct Gate {
    state: Mutex<(bool, u32)>,
    changed: Condvar,
}

impl Gate {
    fn hold(&self) {
        self.state.lock().unwrap().0 = true;
    }

    fn release(&self) {
        self.state.lock().unwrap().0 = false;
        self.changed.notify_all();
    }

    /// Called by the committer.
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        self.changed.notify_all();
        while state.0 {
            state = self.changed.wait(state).unwrap();
        }
    }

    /// Waits until the committer stands at the gate.
    fn reached(&self, times: u32) {
        let mut state = self.state.lock().unwrap();
        while state.1 < times {
            let limit = std::time::Duration::from_secs(60);
            let (next, late) = self.changed.wait_timeout(state, limit).unwrap();
            assert!(!late.timed_out(), "the committer never came");
            state = next;
        }
    }
}

#[test]
fn what_is_not_on_disk_is_not_seen_and_not_answered() {
    let dir = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate::default());
    let own = Arc::clone(&gate);
    let between = Arc::new(move || {
        own.pass();
        Ok(())
    });
    run(async {
        let store = Kept::open_with(Sled::open(dir.path()).unwrap(), NOW, between).unwrap();
        let store = Arc::new(store);
        let mut known = case(1);
        fresh(&*store, put([case_row(known.clone())])).await;
        gate.hold();
        known.alarms.push(careline::case::model::Alarm {
            at: NOW,
            what: careline::case::model::Wake::Snooze,
        });
        let rows = [
            case_row(known),
            case_row(case(2)),
            delivery_row(delivery("1.0", (1, 1))),
            (key("a"), Some(value("x"))),
        ];
        let commit = with_log(with_envelope(put(rows), "e"), Some(1));
        let first = answer(&store, commit.clone());
        gate.reached(2);
        let second = answer(&store, commit);
        unseen(&*store).await;
        assert!(!first.is_finished() && !second.is_finished());
        gate.release();
        use careline::store::Outcome::{Fresh, Repeated};
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (Fresh, Repeated));
        assert_eq!(get(&*store, key("a")).await.version, 1);
        assert_eq!(store.pending(None, 9).await.unwrap().len(), 1);
    });
}

fn answer(
    store: &Arc<Kept<Sled>>,
    commit: Commit,
) -> tokio::task::JoinHandle<careline::store::Outcome> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.commit(commit).await.unwrap() })
}

async fn unseen(store: &dyn Store) {
    use careline::case::record::{Key, Query, Reach};
    let first = get(store, Key::Case(careline::case::id::CaseNo(1))).await;
    assert_eq!(first.version, 1);
    assert_eq!(get(store, key("a")).await.version, 0);
    assert!(store.pending(None, 9).await.unwrap().is_empty());
    assert!(store.alarms(NOW, 9).await.unwrap().is_empty());
    assert!(store.log(0, 9).await.unwrap().is_empty());
    assert!(store.envelopes(None, 9).await.unwrap().is_empty());
    assert_eq!(store.last_case().await.unwrap().0, 1);
    let reach = Reach { keys: Default::default(), query: Some(Query::NotClosed) };
    assert_eq!(store.read(&reach).await.unwrap().list.len(), 1);
    assert_eq!(store.scan(careline::store::Kind::Case, None, 9).await.unwrap().len(), 1);
}

/// A store whose disk can be made to fail.
fn failing(dir: &Path, kind: io::ErrorKind) -> (Kept<Sled>, Arc<AtomicBool>) {
    let fails = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&fails);
    let between = Arc::new(move || match own.load(Ordering::SeqCst) {
        true => Err(io::Error::from(kind)),
        false => Ok(()),
    });
    (Kept::open_with(Sled::open(dir).unwrap(), NOW, between).unwrap(), fails)
}

#[test]
fn a_full_disk_leaves_it_readable_and_works_again_with_room() {
    let dir = tempfile::tempdir().unwrap();
    run(async {
        let (store, fails) = failing(dir.path(), io::ErrorKind::StorageFull);
        fill(&store, 3).await;
        fails.store(true, Ordering::SeqCst);
        let refused = store.commit(put([(key("k0"), Some(value("lost")))])).await;
        assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
        holds(&store, 3).await;
        fails.store(false, Ordering::SeqCst);
        fresh(&store, put([(key("later"), Some(value("x")))])).await;
        assert_eq!(get(&store, key("later")).await.version, 1);
        assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    });
}

#[test]
fn after_any_other_failed_sync_nothing_is_written_until_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    run(async {
        let (store, fails) = failing(dir.path(), io::ErrorKind::Other);
        fill(&store, 3).await;
        fails.store(true, Ordering::SeqCst);
        assert!(store.commit(put([(key("b"), Some(value("x")))])).await.is_err());
        fails.store(false, Ordering::SeqCst);
        let refused = store.commit(put([(key("c"), Some(value("x")))])).await;
        assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
        holds(&store, 3).await;
        drop(store);
        let store = open(dir.path()).unwrap();
        fresh(&store, put([(key("c"), Some(value("x")))])).await;
        holds(&store, 3).await;
    });
}

#[test]
fn an_interrupted_rewrite_of_the_files_ends_well() {
    for stop in ["before the swap", "between the two renames", "after the swap"] {
        let dir = tempfile::tempdir().unwrap();
        run(async {
            let store = open(dir.path()).unwrap();
            fill(&store, 20).await;
            store.close().await.unwrap();
            drop(store);
            let at = |name: &str| dir.path().join(name);
            match stop {
                "before the swap" => fs::create_dir(at("sled.new")).unwrap(),
                "between the two renames" => {
                    fs::rename(at("sled"), at("sled.new")).unwrap();
                    fs::create_dir(at("sled.old")).unwrap();
                }
                _ => fs::create_dir(at("sled.old")).unwrap(),
            }
            let store = open(dir.path()).unwrap();
            holds(&store, 20).await;
            store.compact().await.unwrap();
            holds(&store, 20).await;
            fresh(&store, put([(key("later"), Some(value("x")))])).await;
            assert!(!at("sled.new").exists() && !at("sled.old").exists(), "{stop}");
        });
    }
}
