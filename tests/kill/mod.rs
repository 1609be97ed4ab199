//! Does it stand up again after the process was killed? The real program on a real sled store, the
//! faces over TCP, and SIGKILL at every boundary of the code.
//!
//! `cargo test kill` runs one case of each kind; `CARELINE_KILL=all cargo test kill` every boundary
//! at several occurrences. `CARELINE_KILL=NAME` or `NAME:N` runs that boundary alone.

mod cases;
mod house;
mod judge;
mod outage;
mod story;

use crate::contract::server::Schema;
use careline::sandbox::pair::{Net, Office, Pair};
use cases::{CASES, QUICK, Way};
use house::{Fine, House};
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// Stories that are told side by side.
const AT_ONCE: usize = 8;

fn in_source(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            in_source(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).expect("a file");
            found.extend(named(&text));
        }
    }
}

/// Names of the boundaries in a text: every word in quotes of the call, since it may choose.
fn named(text: &str) -> Vec<String> {
    let calls = text.match_indices("boundary::here(").map(|(at, call)| &text[at + call.len()..]);
    let inside = calls.map(|rest| rest.split(");").next().unwrap_or_default());
    inside.flat_map(|call| call.split('"').skip(1).step_by(2).map(str::to_owned)).collect()
}

#[test]
fn every_boundary_of_the_code_has_a_story() {
    assert_eq!(named(r#"boundary::here(if x { "a.b" } else { "c" }); here("d")"#), ["a.b", "c"]);
    let mut found = BTreeSet::new();
    in_source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let known: BTreeSet<String> = CASES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(found, known, "boundaries in src on the left, in tests/kill/cases.rs on the right");
}

/// A death in a story: the boundary and how it is reached, which time, and where.
type Death = (&'static str, Way, u32, Pair);

/// Which cases this run shall have.
fn wanted() -> Vec<Death> {
    let all = || CASES.iter().flat_map(|(name, way, ns)| ns.iter().map(|n| (*name, *way, *n)));
    let at = |(name, way, n)| (name, way, n, pair(name, Net::Mastodon));
    match std::env::var("CARELINE_KILL").as_deref() {
        Ok("all") => all().map(at).collect(),
        Ok(one) => {
            let is = |name: &str, n: u32| one == name || one == format!("{name}:{n}");
            all().filter(|(name, _, n)| is(name, *n)).map(at).collect()
        }
        Err(_) => {
            let way = |name| CASES.iter().find(|case| case.0 == name).expect("a case").1;
            QUICK.iter().map(|(name, n, net)| (*name, way(*name), *n, pair(name, *net))).collect()
        }
    }
}

/// Where a boundary's story happens: Discord's own at Discord, the others at Slack, or where
/// `CARELINE_KILL_PAIR=NETWORK,DESK` says.
fn pair(name: &str, net: Net) -> Pair {
    if let Ok(named) = std::env::var("CARELINE_KILL_PAIR") {
        let (net, office) = named.split_once(',').expect("CARELINE_KILL_PAIR is NETWORK,DESK");
        let (net, office) = (net.parse().expect("a network"), office.parse().expect("a desk"));
        return Pair { net, office };
    }
    let office = if name.starts_with("discord.") { Office::Discord } else { Office::Slack };
    Pair { net, office }
}

/// How the network itself names Bilal.
fn bilal(house: &House) -> String {
    let id = &house.demo.cast.customer("bilal").expect("Bilal").id;
    match house.demo.pair().net {
        Net::Mastodon => "bilal".to_owned(),
        Net::Bluesky => careline::network::bluesky::face::did(id),
        Net::X | Net::Facebook | Net::Instagram => id.clone(),
    }
}

/// The story with one death in it, and the judgement.
async fn one((name, way, n, pair): Death) -> Fine {
    live(House::build(pair).await, name, way, n).await
}

async fn live(mut house: House, name: &str, way: Way, n: u32) -> Fine {
    let boundary = format!("{name}:{n}");
    house.start(Some(&boundary).filter(|_| way != Way::Forget).map(String::as_str));
    let told = story::play(&mut house, way == Way::Confused).await?;
    house.stop().await?;
    if way == Way::Forget {
        let account = house.demo.pair().net.account();
        let answer = house.ask(&["forget", account, &bilal(&house)], Some(&boundary));
        house.deaths += u32::from(answer.status.signal() == Some(9));
        house.verify()?;
        house.start(None);
        house.drained().await?;
        house.stop().await?;
    }
    // Beyond the third occurrence the story may be over before it comes so far.
    if house.deaths != 1 && n <= 3 {
        return Err(format!("it died {} times, not once", house.deaths));
    }
    let judged = judge::judge(&house, &told);
    house.demo.end().await;
    judged.and(house.verify())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_nothing_is_lost_doubled_or_told_outside() {
    let all = wanted();
    assert!(!all.is_empty(), "there is no such boundary");
    let (count, began) = (all.len(), Instant::now());
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let runs = all.into_iter().map(|death| {
        let room = room.clone();
        let (name, _, n, pair) = death;
        tokio::spawn(async move {
            let _permit = room.acquire().await;
            let began = Instant::now();
            let done = one(death).await;
            println!(
                "{name}:{n} on {} {} in {:.1?}",
                pair.net.title(),
                if done.is_ok() { "well" } else { "NOT WELL" },
                began.elapsed()
            );
            done.map_err(|why| format!("== {name}:{n} on {}\n{why}", pair.net.title()))
        })
    });
    let mut wrong = Vec::new();
    for run in runs.collect::<Vec<_>>() {
        wrong.extend(run.await.unwrap_or_else(|e| Err(e.to_string())).err());
    }
    println!("{count} deaths, {} not well, in {:.0?}", wrong.len(), began.elapsed());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

/// Two daemons at a time on one PostgreSQL, one that works and one that waits. Twice the one that
/// works dies, between writing and COMMIT and before it calls the network; each time the one that
/// waits takes over, and a new one comes to wait.
#[tokio::test(flavor = "multi_thread")]
async fn of_three_daemons_on_one_postgresql_two_are_killed_at_work() {
    let Some(schema) = Schema::fresh() else { return };
    let began = Instant::now();
    let mut house = House::build_on(Pair::default(), Some(schema)).await;
    let done = crew(&mut house).await;
    house.demo.end().await;
    println!("{} deaths of three daemons in {:.1?}", house.deaths, began.elapsed());
    assert!(done.is_ok(), "{}", done.unwrap_err());
}

async fn crew(house: &mut House) -> Fine {
    house.start(Some("store.group.applied:8"));
    house.holder(1).await?;
    house.start_another(Some("network.deliver.call:1"));
    let told = story::play(house, false).await?;
    house.drained().await?;
    house.stop().await?;
    if house.deaths != 2 {
        return Err(format!("{} died, not two", house.deaths));
    }
    judge::judge(house, &told).and(house.verify())
}
