//! Power loss, as far as it can be had without cutting the power: `strace` records the system calls
//! of a process that commits, and at many instants a disk is built that holds what was synced by
//! then, and of the rest whatever chance leaves: nothing, all, or torn by sectors. The store must
//! open on it, and everything that was answered must be there.
//!
//! `CARELINE_POWER=N` builds so many disks; without `strace` one line says that nothing was tried.

mod calls;
mod platter;

use super::kit::*;
use careline::store::kept::Kept;
use careline::store::sled::Sled;
use careline::store::{Kind, Store};
use platter::Platter;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

const DIR: &str = "CARELINE_TEST_POWER_DIR";
const LIFE: &str = "CARELINE_TEST_POWER_LIFE";
/// Commits of one life: four writers, side by side.
const EACH: usize = 25;

/// The child's part; without its variable it is an ordinary test that has nothing to do. The first
/// life ends without a word; the second finds what it left and writes the files anew.
#[test]
fn child_that_commits_under_strace() {
    let (Ok(dir), Ok(life)) = (std::env::var(DIR), std::env::var(LIFE)) else { return };
    run(async {
        let store = Arc::new(Kept::open(Sled::open(Path::new(&dir)).unwrap(), NOW).unwrap());
        let writers = (0..4).map(|writer| {
            let (store, life) = (Arc::clone(&store), life.clone());
            tokio::spawn(async move {
                for n in 0..EACH {
                    let id = format!("{life}.{writer}.{n}");
                    let rows = [(key(&id), Some(value(&id))), delivery_row(delivery(&id, (1, 1)))];
                    fresh(&*store, with_log(with_envelope(put(rows), &id), None)).await;
                    println!("ACK {id};");
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        if life == "1" {
            std::process::abort();
        }
        store.compact().await.unwrap();
        store.close().await.unwrap();
    });
}

/// Records two lives; `None` where there is no strace, or it may not trace.
fn recorded(dir: &Path) -> Option<String> {
    let mut all = String::new();
    for life in ["1", "2"] {
        let trace = dir.join(format!("trace-{life}"));
        let done = Command::new("strace")
            .args(["-f", "-y", "-s", "100000000", "-o"])
            .arg(&trace)
            .args(["-e", calls::TRACED])
            .arg(std::env::current_exe().unwrap())
            .args(["child_that_commits_under_strace", "--nocapture", "--test-threads=1"])
            .env(DIR, dir.join("store"))
            .env(LIFE, life)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        done.ok()?;
        all.push_str(&std::fs::read_to_string(trace).ok()?);
    }
    all.contains("ACK ").then_some(all)
}

/// Opens what a disk holds, and misses nothing of what was answered.
async fn all_there(dir: &Path, answered: &BTreeSet<String>) -> Result<(), String> {
    let table = Sled::open(dir).map_err(|e| e.to_string())?;
    let store = Kept::open(table, NOW).map_err(|e| e.to_string())?;
    let mut found = BTreeSet::new();
    let mut after = None;
    loop {
        let page = store.scan(Kind::Cursor, after.as_ref(), 1000).await;
        let page = page.map_err(|e| e.to_string())?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        found.extend(page.into_iter().map(|(key, _)| key));
    }
    let lost: Vec<_> = answered.iter().filter(|id| !found.contains(&key(id))).collect();
    let wrong = store.check().await.map_err(|e| e.to_string())?;
    store.close().await.map_err(|e| e.to_string())?;
    match lost.is_empty() && wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{} of {} lost; {wrong:?}", lost.len(), answered.len())),
    }
}

#[test]
fn what_was_answered_survives_the_loss_of_all_that_was_not_synced() {
    let home = tempfile::tempdir().unwrap();
    let Some(trace) = recorded(home.path()) else {
        println!("there is no strace here that may trace; power loss was not tried");
        return;
    };
    let calls = calls::read(&trace, &home.path().join("store"));
    let disks = std::env::var("CARELINE_POWER").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let (mut wrong, mut kept, mut torn) = (Vec::new(), 0, 0);
    for n in 0..disks {
        let mut chance = fastrand::Rng::with_seed(n);
        let cut = chance.usize(0..=calls.len());
        let platter = Platter::at(&calls[..cut], &mut chance);
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("store");
        platter.write(&place);
        let answered = calls::answered(&calls[..cut]);
        (kept, torn) = (kept + answered.len(), torn + platter.torn);
        if let Err(why) = run(all_there(&place, &answered)) {
            wrong.push(format!("disk {n}, after call {cut} of {}: {why}", calls.len()));
        }
    }
    println!("{disks} disks, {torn} writes dropped or torn, {kept} answers looked for");
    assert!(kept > 0 && torn > 0, "nothing was tried");
    assert!(wrong.is_empty(), "{} of {disks}:\n{}", wrong.len(), wrong.join("\n"));
}
