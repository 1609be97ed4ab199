//! A real process that commits is killed at a random instant, again and again; whatever it had
//! answered must be there when the store is opened again.

use super::kit::*;
use careline::store::kept::Kept;
use careline::store::sled::Sled;
use careline::store::{Kind, Store};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const DIR: &str = "CARELINE_TEST_CRASH_DIR";
const ROUND: &str = "CARELINE_TEST_CRASH_ROUND";
const ROUNDS: &str = "CARELINE_TEST_CRASH_ROUNDS";

/// The child's part; without its variable it is an ordinary test that has nothing to do.
#[test]
fn child_that_commits_until_it_is_killed() {
    let (Ok(dir), Ok(round)) = (std::env::var(DIR), std::env::var(ROUND)) else { return };
    run(async {
        let store = Arc::new(Kept::open(Sled::open(Path::new(&dir)).unwrap(), NOW).unwrap());
        println!("READY");
        let writers = (0..8).map(|writer| {
            let (store, round) = (Arc::clone(&store), round.clone());
            tokio::spawn(async move {
                for n in 0.. {
                    let id = format!("{round}.{writer}.{n}");
                    let rows = [(key(&id), Some(value(&id))), delivery_row(delivery(&id, (1, 1)))];
                    fresh(&*store, with_log(with_envelope(put(rows), &id), None)).await;
                    println!("ACK {id}");
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

fn child(dir: &Path, round: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child_that_commits_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// One life and death; returns what was answered. Every fourth child dies while it opens.
fn life(dir: &Path, round: usize) -> Vec<String> {
    let mut child = child(dir, round);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    if round % 4 != 3 {
        let ready =
            |line: &std::io::Result<String>| line.as_ref().is_ok_and(|l| l.contains("READY"));
        assert!(lines.any(|line| ready(&line)), "the child never opened the store");
    }
    std::thread::sleep(Duration::from_millis(fastrand::u64(0..60)));
    child.kill().unwrap();
    child.wait().unwrap();
    let whole = lines.map_while(Result::ok);
    whole.filter_map(|line| line.strip_prefix("ACK ").map(str::to_owned)).collect()
}

async fn all_there(dir: &Path, answered: &BTreeSet<String>) {
    let store = Kept::open(Sled::open(dir).unwrap(), NOW).unwrap();
    let mut found = BTreeSet::new();
    let mut after = None;
    loop {
        let page = store.scan(Kind::Cursor, after.as_ref(), 1000).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        found.extend(page.into_iter().map(|(key, _)| key));
    }
    let lost: Vec<_> = answered.iter().filter(|id| !found.contains(&key(id))).collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new(), "half a commit");
    assert_eq!(store.last_log().await.unwrap() as usize, found.len());
    store.close().await.unwrap();
}

#[test]
fn whatever_was_answered_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let rounds = std::env::var(ROUNDS).ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let mut answered = BTreeSet::new();
    for round in 0..rounds {
        let mut acks = life(dir.path(), round);
        // The last line may be torn by the kill: a shorter id would be a false accusation.
        acks.pop();
        answered.extend(acks);
        run(all_there(dir.path(), &answered));
    }
    println!("{rounds} kills, {} answers, none lost", answered.len());
    assert!(!answered.is_empty(), "no child ever answered");
}
