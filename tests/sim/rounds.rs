//! What comes round by the clock: the list of what was held over night, the morning's digest and
//! the count of an incident, each once, also after a restart at the same hour.

use super::house;
use careline::case::effect::{Act, Face, Notice};
use careline::case::event::{Envelope, Event, Request, Standing};
use careline::case::hours::Hours;
use careline::case::id::{AccountId, AgentId, DeskId, PostId};
use careline::case::model::Agent;
use careline::case::pattern::Pattern;
use careline::case::policy::{Policy, Urgency};
use careline::case::record::Record;
use careline::case::rules::AlertRule;
use careline::case::time::{Span, Timestamp};
use careline::engine::clock::Stepped;
use careline::engine::{Engine, Parts, Tuning};
use careline::inbox::Door;
use careline::store::kept::Kept;
use careline::store::memory::Memory;
use careline::store::{Kind, Store};
use careline::world::square::{Square, SquarePost};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("an instant")
}

fn policy() -> Policy {
    let day = || vec![(9 * 60, 17 * 60)];
    let week = [day(), day(), day(), day(), day(), Vec::new(), Vec::new()];
    let mut policy = super::life::policy();
    policy.alerts.ladder.clear();
    policy.alerts.hours = Hours { zone: "Europe/Berlin".into(), week, holidays: [].into() };
    policy.alerts.digest = Some(8 * 60 + 30);
    let rule = |name: &str, why: &str, urgency| AlertRule {
        name: name.into(),
        pattern: Pattern::new(name).unwrap(),
        why: why.into(),
        urgency,
    };
    policy.alerts.rules = vec![rule("lawyer", "speaks of a lawyer", Urgency::Normal)].into();
    policy
}

struct Office {
    store: Arc<dyn Store>,
    clock: Stepped,
    engine: Engine,
    run: tokio::task::JoinHandle<Result<(), String>>,
}

impl Office {
    async fn open(store: Arc<dyn Store>, now: Timestamp) -> Self {
        let clock = Stepped::at(now);
        let parts = Parts {
            store: store.clone(),
            policy: policy(),
            networks: Vec::new(),
            desks: Vec::new(),
            clock: Arc::new(clock.clone()),
            tuning: Tuning::default(),
        };
        let engine = Engine::open(parts).await.unwrap();
        let (runs, stop) = (engine.clone(), CancellationToken::new());
        let run = tokio::spawn(async move { runs.run(stop).await });
        Self { store, clock, engine, run }
    }

    async fn writes(&self, n: i64, text: &str) {
        let post = SquarePost { id: n, ..SquarePost::by(&format!("c{n}"), text) };
        let account = AccountId::new(super::day::ACCOUNTS[0]);
        let mut mention = super::town::mention(&account, &Square::default(), &post);
        mention.post = PostId::new(n.to_string());
        let event = Event::Mentioned(Box::new(mention));
        self.engine.put(Envelope::new(format!("m{n}"), event)).await.unwrap();
    }

    async fn asks(&self, words: &str) {
        let desk = DeskId::new(house::DESK);
        let id = AgentId { desk, user: super::day::AGENTS[0].into() };
        let request = Request {
            by: Agent { id, name: "Maria".into() },
            standing: Standing::Member,
            channel: house::channel(),
            thread: None,
            words: words.into(),
            named: Vec::new(),
            on: None,
            asked: None,
            gesture: false,
        };
        let event = Event::Asked(Box::new(request));
        self.engine.put(Envelope::new(format!("a {words}"), event)).await.unwrap();
    }

    /// Lets the time pass in steps, so that all who sleep wake in their turn.
    async fn until(&self, end: Timestamp) {
        while self.clock.passed() < end {
            self.clock.step(end.min(self.clock.passed() + Span::seconds(20)));
            for _ in 0..40 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// What stands in channels, outside of threads, with these words.
    async fn told(&self, words: &str) -> Vec<String> {
        let rows = self.store.scan(Kind::Delivery, None, 1_000).await.unwrap();
        let texts = rows.into_iter().filter_map(|(_, row)| match row.record? {
            Record::Delivery(delivery) => match delivery.act {
                Act::Desk(Notice::Tell { note, .. }) => Some(note.words.plain(true)),
                Act::Desk(Notice::Amend { to, .. }) => match *to {
                    Face::Note(note) => Some(note.words.plain(true)),
                    Face::Card(_) => None,
                },
                _ => None,
            },
            _ => None,
        });
        texts.filter(|text| text.contains(words)).collect()
    }

    /// Tries for as long as is fair.
    async fn sees(&self, words: &str) -> Vec<String> {
        for _ in 0..200 {
            let told = self.told(words).await;
            if !told.is_empty() {
                return told;
            }
            self.until(self.clock.passed() + Span::seconds(1)).await;
        }
        panic!("nobody was told {words:?}");
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.run.abort();
    }
}

fn memory(now: Timestamp) -> Arc<dyn Store> {
    Arc::new(Kept::open(Memory::default(), now).unwrap())
}

#[tokio::test]
async fn what_was_held_over_night_is_one_list_and_the_morning_has_one_digest() {
    let begins = at("2026-11-24T20:00:00+01:00");
    let office = Office::open(memory(begins), begins).await;
    office.writes(1, "my lawyer will call").await;
    office.writes(2, "so will my lawyer").await;
    office.until(at("2026-11-25T08:25:00+01:00")).await;
    assert_eq!(office.told("🔔").await, Vec::<String>::new());
    assert_eq!(office.told("Good morning").await, Vec::<String>::new());
    office.until(at("2026-11-25T08:32:00+01:00")).await;
    let digest = office.sees("Good morning").await;
    assert_eq!(digest.len(), 1);
    for part in ["2 customers wait", "Waits longest", "speaks of a lawyer", "lawyer 2"] {
        assert!(digest[0].contains(part), "{part}: {digest:?}");
    }
    office.until(at("2026-11-25T09:02:00+01:00")).await;
    assert!(office.sees("2 alerts were held").await[0].contains("speaks of a lawyer"));
    let store = office.store.clone();
    drop(office);
    let office = Office::open(store, at("2026-11-25T09:03:00+01:00")).await;
    office.until(at("2026-11-25T09:10:00+01:00")).await;
    assert_eq!(office.told("2 alerts were held").await.len(), 1);
    assert_eq!(office.told("Good morning").await.len(), 1, "a restart says nothing again");
}

#[tokio::test]
async fn an_incident_is_counted_and_what_was_muted_is_listed_at_its_end() {
    let begins = at("2026-11-25T10:00:00+01:00");
    let office = Office::open(memory(begins), begins).await;
    office.asks("incident checkout down").await;
    office.writes(1, "the checkout is stuck, my lawyer will call").await;
    office.writes(2, "the checkout again").await;
    office.until(begins + Span::minutes(2)).await;
    office.sees("2 cases under it, 1 calls counted").await;
    assert_eq!(office.told("speaks of a lawyer").await, Vec::<String>::new());
    office.asks("incident over").await;
    office.sees("One alert was held").await;
    assert_eq!(office.told("speaks of a lawyer").await.len(), 1);
}
