//! A store with 100,000 cases: does a commit cost more, how long does a start take, a search?

use crate::{Figure, median};
use careline::case::event::{Envelope, Event, Mention};
use careline::case::id::{AccountId, ChannelId, DeskId};
use careline::case::policy::Policy;
use careline::case::record::{Commit, Query, Reach};
use careline::case::replay::Replay;
use careline::case::time::Timestamp;
use careline::store::{STORES, Store};
use std::sync::Arc;
use std::time::Instant;

const CASES: u64 = 100_000;
const SAMPLE: u64 = 2_000;
const WORDS: [&str; 12] = [
    "parcel", "late", "refund", "broken", "bill", "login", "train", "seat", "order", "wrong",
    "waiting", "nobody",
];

fn open(dir: &std::path::Path) -> Arc<dyn Store> {
    let sled = STORES.iter().find(|row| row.name == "sled").expect("sled");
    (sled.open)(&dir.into(), Timestamp::from_seconds(1)).expect("a store")
}

fn policy() -> Policy {
    let mut policy = Policy::standard();
    let channel = ChannelId { desk: DeskId::new("slack"), channel: "C1".into() };
    policy.routes.insert(AccountId::new("acme"), channel);
    policy
}

fn mention(n: u64) -> Mention {
    let word = |k: u64| WORDS[usize::try_from((n / (k + 1) + k * 7) % 12).unwrap_or(0)];
    let text = format!("{} {} {} number {n}", word(0), word(1), word(2));
    let written = Timestamp::from_seconds(i64::try_from(n).unwrap_or(0));
    Mention { written, ..crate::mention(n, n, &text) }
}

/// What opening a case writes, decided once more for each number.
fn commit(policy: &Policy, n: u64) -> Commit {
    let mut envelope = Envelope::new(format!("m{n}"), Event::Mentioned(Box::new(mention(n))));
    envelope.at = Timestamp::from_seconds(i64::try_from(n).unwrap_or(0) + 1);
    envelope.spare = careline::case::id::CaseNo(n);
    let found = Replay::default().found(policy, &envelope);
    let decision = careline::case::decide(policy, &found, &envelope);
    Commit {
        envelope: Some(envelope.id),
        at: envelope.at,
        reads: found.versions(),
        writes: decision.writes,
        log: None,
    }
}

/// Median time of one commit by itself, in milliseconds, over a stretch of new cases.
async fn stretch(store: &dyn Store, policy: &Policy, from: u64) -> f64 {
    let mut times = Vec::new();
    for n in from..from + SAMPLE {
        let mut commit = commit(policy, n);
        commit.reads.clear();
        let began = Instant::now();
        store.commit(commit).await.expect("a commit");
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    median(times)
}

async fn fill(store: &Arc<dyn Store>, policy: &Policy, from: u64, to: u64) {
    let mut next = from;
    while next < to {
        let wave = (next..(next + 512).min(to)).map(|n| {
            let mut commit = commit(policy, n);
            commit.reads.clear();
            store.commit(commit)
        });
        for done in futures_util::future::join_all(wave).await {
            done.expect("a commit");
        }
        next += 512;
    }
}

/// All three.
pub fn all() -> Vec<Figure> {
    let dir = tempfile::tempdir().expect("a directory");
    let policy = policy();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (few, many) = runtime.block_on(async {
        let store = open(dir.path());
        let few = stretch(&*store, &policy, 1).await;
        fill(&store, &policy, 1 + SAMPLE, CASES - SAMPLE).await;
        let many = stretch(&*store, &policy, CASES - SAMPLE).await;
        store.close().await.expect("closed");
        (few, many)
    });
    let began = Instant::now();
    let store = open(dir.path());
    runtime.block_on(async {
        store.last_case().await.expect("a number");
        store.pending(None, 1024).await.expect("what waits");
    });
    let start = began.elapsed().as_secs_f64() * 1000.0;
    let find = runtime.block_on(finds(&*store));
    vec![
        Figure {
            name: "growth_100k_cases",
            value: many,
            unit: "ms a commit",
            against: Some(("the same among the first 2,000 cases", many / few)),
            runs: usize::try_from(SAMPLE).unwrap_or(0),
        },
        Figure { name: "start_100k_cases_ms", value: start, unit: "ms", against: None, runs: 1 },
        Figure { name: "find_100k_ms", value: find, unit: "ms", against: None, runs: 50 },
    ]
}

/// The first search fills the words; the figure is what every later one takes.
async fn finds(store: &dyn Store) -> f64 {
    let ask = |words: String| Reach { keys: [].into(), query: Some(Query::Find(words)) };
    store.read(&ask("nobody".into())).await.expect("found");
    let mut times = Vec::new();
    for n in 0..50_usize {
        let words = match n % 3 {
            0 => format!("number {}", n * 1999 + 1),
            1 => format!("{} {}", WORDS[n % 12], WORDS[(n + 5) % 12]),
            _ => "words that nobody wrote".into(),
        };
        let began = Instant::now();
        store.read(&ask(words)).await.expect("found");
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    median(times)
}
