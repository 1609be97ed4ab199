//! Alarms that went off before and still stand in the store, as after a restored backup: those that
//! come later must not wait behind them.

use super::life::START;
use careline::case::event::{Envelope, Event};
use careline::case::id::{AccountId, CaseNo, EnvelopeId, PostId};
use careline::case::model::{Alarm, Wake};
use careline::case::record::{Commit, Key, Reach, Record};
use careline::case::time::{Span, Timestamp};
use careline::engine::clock::Stepped;
use careline::engine::{Engine, Parts, Tuning};
use careline::inbox::Door;
use careline::store::Store;
use careline::store::kept::Kept;
use careline::store::memory::Memory;
use careline::world::square::{Square, SquarePost};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// More than the engine reads at once.
const STUCK: i64 = 600;

fn commit(envelope: Option<String>, writes: Vec<(Key, Option<Record>)>) -> Commit {
    Commit {
        envelope: envelope.map(EnvelopeId::new),
        at: START,
        reads: Default::default(),
        writes: writes.into_iter().collect(),
        log: None,
    }
}

async fn alarms(store: &dyn Store, no: CaseNo) -> Vec<Alarm> {
    let reach = Reach { keys: [Key::Case(no)].into(), query: None };
    store.read(&reach).await.unwrap().case(no).unwrap().alarms.clone()
}

/// Gives this case one alarm; `known` = it went off before.
async fn set(store: &dyn Store, no: CaseNo, at: Timestamp, known: bool) {
    let reach = Reach { keys: [Key::Case(no)].into(), query: None };
    let mut case = store.read(&reach).await.unwrap().case(no).unwrap().clone();
    case.alarms = vec![Alarm { at, what: Wake::Snooze }];
    let row = (Key::Case(no), Some(Record::Case(Box::new(case))));
    let envelope = known.then(|| format!("due:{}:snooze:{}", no.0, at.0));
    store.commit(commit(envelope, vec![row])).await.unwrap();
}

async fn engine(clock: &Stepped) -> (Arc<Kept<Memory>>, Engine) {
    let store = Arc::new(Kept::open(Memory::default(), START).unwrap());
    let parts = Parts {
        store: store.clone(),
        policy: super::life::policy(),
        networks: Vec::new(),
        desks: Vec::new(),
        clock: Arc::new(clock.clone()),
        tuning: Tuning::default(),
    };
    (store, Engine::open(parts).await.unwrap())
}

/// A customer of his own.
async fn writes(engine: &Engine, n: i64) {
    let account = AccountId::new(super::day::ACCOUNTS[0]);
    let post = SquarePost { id: n, ..SquarePost::by(&format!("c{n}"), "help") };
    let mut mention = super::town::mention(&account, &Square::default(), &post);
    mention.post = PostId::new(n.to_string());
    let event = Event::Mentioned(Box::new(mention));
    engine.put(Envelope::new(format!("m{n}"), event)).await.unwrap();
}

#[tokio::test]
async fn alarms_that_are_stuck_hide_no_later_ones() {
    let (clock, stop) = (Stepped::at(START), CancellationToken::new());
    let (store, engine) = engine(&clock).await;
    for n in 0..=STUCK {
        writes(&engine, n).await;
    }
    let last = store.last_case().await.unwrap();
    let late = START + Span::seconds(7);
    for no in 1..=last.0 {
        let at = if no == last.0 { late } else { START + Span(no.cast_signed()) };
        set(&*store, CaseNo(no), at, no != last.0).await;
    }
    let told = stop.clone();
    let run = tokio::spawn(async move { engine.run(told).await });
    for _ in 0..4000 {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        clock.step(late + Span::millis(1));
        if alarms(&*store, last).await.is_empty() {
            break;
        }
    }
    assert_eq!(alarms(&*store, last).await, Vec::new(), "it waited behind {STUCK} others");
    assert_eq!(alarms(&*store, CaseNo(1)).await.len(), 1, "and those were stuck indeed");
    run.abort();
}

/// Times at which alarms of this case went off, in the order in which they were decided.
async fn went_off(store: &dyn Store, no: CaseNo) -> Vec<i64> {
    let log = store.log(0, 10_000).await.unwrap();
    let front = format!("due:{}:promise.", no.0);
    let due = log.iter().filter(|entry| entry.envelope.as_str().starts_with(&front));
    due.map(|entry| entry.envelope.as_str().rsplit(':').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn alarms_of_one_case_that_are_due_together_go_off_in_the_order_of_their_time() {
    const MANY: i64 = 100;
    let (clock, stop) = (Stepped::at(START), CancellationToken::new());
    let (store, engine) = engine(&clock).await;
    writes(&engine, 1).await;
    let no = store.last_case().await.unwrap();
    let reach = Reach { keys: [Key::Case(no)].into(), query: None };
    let mut case = store.read(&reach).await.unwrap().case(no).unwrap().clone();
    // The latest stands first in the case, and none of the lines is there.
    let alarm = |n: i64| Alarm { at: START + Span(n), what: Wake::Promise(u32::MAX) };
    case.alarms = (1..=MANY).rev().map(alarm).collect();
    let row = (Key::Case(no), Some(Record::Case(Box::new(case))));
    store.commit(commit(None, vec![row])).await.unwrap();
    let told = stop.clone();
    let run = tokio::spawn(async move { engine.run(told).await });
    for _ in 0..4000 {
        tokio::task::yield_now().await;
        clock.step(clock.passed() + Span::seconds(1));
        if went_off(&*store, no).await.len() >= usize::try_from(MANY).unwrap() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let times: Vec<i64> = (1..=MANY).map(|n| START.0 + n).collect();
    assert_eq!(went_off(&*store, no).await, times);
    run.abort();
}
