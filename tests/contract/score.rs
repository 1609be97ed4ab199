//! Does the score learn from the team, keep it, and forget it when asked? And does it keep what the
//! README says of it, on real words?

use super::kit::{agent, channel, run};
use careline::case::event::{Envelope, Event, Mention, Request, Standing};
use careline::case::id::{AccountId, CaseNo, ContactId, PostId};
use careline::case::model::{Audience, Case};
use careline::case::pattern::Pattern;
use careline::case::policy::{Policy, Urgency};
use careline::case::record::{Key, Reach};
use careline::case::rich::Theirs;
use careline::case::rules::AlertRule;
use careline::case::time::{Span, Timestamp};
use careline::engine::{Engine, Parts, Tuning, clock, judge};
use careline::inbox::Door;
use careline::score::Scorer;
use careline::score::burst::{Burst, Bursts, Happening};
use careline::score::measure::{Measured, measure};
use careline::score::shuffle::Chance;
use careline::store::{STORES, Store};
use std::path::PathBuf;
use std::sync::Arc;

/// A team with one account, whose store lasts longer than its engine.
struct Team {
    store: Arc<dyn Store>,
    engine: Engine,
    posts: u32,
}

impl Team {
    async fn new(store: Arc<dyn Store>, score: bool) -> Self {
        let mut policy = Policy::standard();
        policy.routes.insert(AccountId::new("shop"), channel());
        policy.score = score;
        let rule = AlertRule {
            name: "wait".into(),
            pattern: Pattern::new("terrible wait").unwrap(),
            why: "speaks of a terrible wait".into(),
            urgency: Urgency::Normal,
        };
        policy.alerts.rules = vec![rule].into();
        let parts = Parts {
            store: store.clone(),
            policy,
            networks: Vec::new(),
            desks: Vec::new(),
            clock: Arc::new(clock::System),
            tuning: Tuning::default(),
        };
        Self { store, engine: Engine::open(parts).await.unwrap(), posts: 0 }
    }

    /// A new customer writes; his case.
    async fn writes(&mut self, who: &str, text: &str) -> Case {
        self.posts += 1;
        let post = format!("{who}-{}", self.posts);
        let event = Event::Mentioned(Box::new(mention(who, &post, text)));
        self.engine.put(Envelope::new(post, event)).await.unwrap();
        let last = self.store.last_case().await.unwrap();
        self.case(last).await
    }

    async fn case(&self, no: CaseNo) -> Case {
        let reach = Reach { keys: [Key::Case(no)].into(), query: None };
        self.store.read(&reach).await.unwrap().case(no).expect("a case").clone()
    }

    async fn asks(&self, words: String) {
        let request = Request {
            by: agent("U1"),
            standing: Standing::Member,
            channel: channel(),
            thread: None,
            words: words.clone(),
            named: Vec::new(),
            on: None,
            asked: None,
            gesture: false,
        };
        let envelope = Envelope::new(format!("asked {words}"), Event::Asked(Box::new(request)));
        self.engine.put(envelope).await.unwrap();
    }
}

fn mention(who: &str, post: &str, text: &str) -> Mention {
    Mention {
        contact: ContactId { account: AccountId::new("shop"), remote: who.into() },
        handle: Theirs::new(who),
        name: Theirs::new(who),
        author_url: None,
        avatar: None,
        post: PostId::new(post),
        parent: None,
        conversation: post.into(),
        audience: Audience::Public,
        text: Theirs::new(text),
        warning: None,
        media: Vec::new(),
        url: None,
        written: Timestamp::from_seconds(1_700_000_000),
        language: None,
        no_reply: None,
        overheard: None,
        reach: None,
    }
}

fn memory() -> Arc<dyn Store> {
    let row = STORES.iter().find(|row| row.name == "memory").unwrap();
    (row.open)(&"".into(), Timestamp::from_seconds(1)).unwrap()
}

fn percent(case: &Case) -> u8 {
    case.score.as_ref().expect("a score").percent
}

const FIRST: &str = "still no sign of the blue scarf, what a terrible wait";
const NEXT: &str = "my blue scarf: no sign of it, a terrible wait";

#[test]
fn not_urgent_changes_the_next_similar_case_and_says_so() {
    run(async {
        let mut team = Team::new(memory(), true).await;
        let untaught = team.writes("anna", NEXT).await;
        let first = team.writes("berta", FIRST).await;
        assert!(first.alert.is_some(), "the rule raised an alert");
        team.asks(format!("calm {}", first.no)).await;
        let calmed = team.writes("carla", NEXT).await;
        assert!(percent(&calmed) + 5 <= percent(&untaught), "{calmed:?}");
        let why = calmed.score.as_ref().unwrap().reasons().plain(true);
        assert!(why.contains("lowered from") && why.contains("by 1 act of the team"), "{why}");
        team.asks(format!("escalate {}", calmed.no)).await;
        let escalated = team.writes("dora", NEXT).await;
        assert!(percent(&escalated) > percent(&calmed), "{escalated:?}");
        // A restart learns the same from the log; a reset forgets it.
        let mut again = Team::new(team.store.clone(), true).await;
        again.posts = 100;
        assert_eq!(again.writes("emma", NEXT).await.score, escalated.score);
        let lessons = judge::lessons(&*again.store).await.unwrap();
        assert_eq!(lessons.iter().map(|(_, yes)| *yes).collect::<Vec<_>>(), [false, true]);
        judge::reset(&*again.store, Timestamp::from_seconds(1_700_000_100)).await.unwrap();
        let mut fresh = Team::new(team.store.clone(), true).await;
        fresh.posts = 200;
        assert_eq!(fresh.writes("fritz", NEXT).await.score, untaught.score);
    });
}

#[test]
fn a_score_that_is_off_reads_nothing() {
    run(async {
        let mut team = Team::new(memory(), false).await;
        assert_eq!(team.writes("anna", FIRST).await.score, None);
    });
}

#[test]
fn a_language_that_nobody_taught_gets_no_score() {
    run(async {
        let mut team = Team::new(memory(), true).await;
        let case = team.writes("aino", "hyvää huomenta kaikille ystäville").await;
        assert_eq!(case.score, None);
        assert!(team.writes("berta", FIRST).await.score.is_some());
    });
}

/// What is no part of the words is no part of the score.
#[test]
fn who_writes_does_not_matter() {
    run(async {
        let mut team = Team::new(memory(), true).await;
        let quiet = team.writes("q", FIRST).await.score;
        let mut loud = mention("a-very-famous-person", "loud", FIRST);
        loud.author_url = Some("https://social.example/famous".into());
        loud.audience = Audience::Unlisted;
        let event = Event::Mentioned(Box::new(loud));
        team.engine.put(Envelope::new("loud", event)).await.unwrap();
        let last = team.store.last_case().await.unwrap();
        assert_eq!(team.case(last).await.score, quiet);
    });
}

#[test]
fn the_same_lessons_give_the_same_score_and_always_a_number() {
    let mut chance = Chance::new(3);
    let odd =
        ["", "!!!", "ﷺ", "\u{0}\u{1}", "ＦＵＬＬ", "🧳", "refund", "a'a'a", "%l", "not not not"];
    let mut text = |long: usize| -> String {
        (0..chance.below(long)).map(|n| format!("{}{} ", odd[n % odd.len()], n % 7)).collect()
    };
    let lessons: Vec<(String, bool)> = (0..300).map(|n| (text(60), n % 3 == 0)).collect();
    let learned = |seed| {
        let mut scorer = Scorer::new(seed);
        lessons.iter().for_each(|(text, yes)| scorer.learn(text, *yes));
        scorer
    };
    let (one, same) = (learned(1), learned(1));
    for (text, _) in &lessons {
        let read = one.read(text);
        assert_eq!(read, same.read(text));
        assert!((0.0..=1.0).contains(&read.score) && (0.0..=1.0).contains(&read.untaught));
        assert!(one.explain(text, 5).iter().all(|found| found.weight.is_finite()));
    }
}

fn shared(file: &str) -> Option<Vec<serde_json::Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("{} is not there; nothing was measured", path.display());
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Learns `labels` rows of a seeded order and measures on a quarter of all, which are others.
fn figures(rows: &[(String, bool)], labels: usize, seed: u64) -> Measured {
    let mut rows = rows.to_vec();
    Chance::new(seed).shuffle(&mut rows);
    let (test, learn) = rows.split_at(rows.len() / 4);
    let mut scorer = Scorer::new(seed);
    learn.iter().take(labels).for_each(|(text, yes)| scorer.learn(text, *yes));
    scorer.calibrate();
    let scores: Vec<_> = test.iter().map(|(text, yes)| (scorer.read(text).score, *yes)).collect();
    measure(&scores, scorer.threshold())
}

fn rows(file: &str, label: impl Fn(&serde_json::Value) -> bool) -> Option<Vec<(String, bool)>> {
    let row = |row: serde_json::Value| (row["text"].as_str().unwrap().to_owned(), label(&row));
    Some(shared(file)?.into_iter().map(row).collect())
}

#[test]
fn real_words_are_learned_as_fast_as_promised() {
    let airline = rows("airline/airline_dev.jsonl", |row| row["sentiment"] == "negative");
    let complaints = rows("complaints2019/complaints_dev.jsonl", |row| row["complaint"] == 1);
    let (Some(airline), Some(complaints)) = (airline, complaints) else { return };
    for (name, rows, floors) in [
        ("airline", airline, [0.775, 0.81, 0.845]),
        ("complaints", complaints, [0.648, 0.70, 0.785]),
    ] {
        for (labels, floor) in [0, 50, 200].into_iter().zip(floors) {
            let found = figures(&rows, labels, 1);
            println!("{name} {labels}: {found:?}");
            assert!(found.auc >= floor, "{name} after {labels}: {found:?}");
        }
    }
}

/// The README's table: `SCORE=all cargo test --release contract::score::table -- --nocapture`.
#[test]
fn table() {
    if std::env::var("SCORE").is_ok_and(|wanted| wanted == "all") {
        let all = [0, 50, 200, 1_000, usize::MAX];
        let airline = rows("airline/airline_dev.jsonl", |row| row["sentiment"] == "negative");
        let complaints = rows("complaints2019/complaints_dev.jsonl", |row| row["complaint"] == 1);
        print_means("airline", &airline.unwrap_or_default(), &all);
        print_means("complaints", &complaints.unwrap_or_default(), &all);
        for language in ["de", "en", "es", "fr", "it", "pt"] {
            let file = shared("multilingual/multilingual_dev.jsonl").unwrap_or_default();
            let own = file.into_iter().filter(|row| row["lang"] == language);
            let row = |row: serde_json::Value| {
                (row["text"].as_str().unwrap().to_owned(), row["sentiment"] == "negative")
            };
            print_means(language, &own.map(row).collect::<Vec<_>>(), &[1_000]);
        }
    } else {
        println!("SCORE=all prints the table");
    }
}

/// Means of five splits and orders.
fn print_means(name: &str, rows: &[(String, bool)], labels: &[usize]) {
    for labels in labels.iter().filter(|_| !rows.is_empty()) {
        let all: Vec<_> = (1..=5).map(|seed| figures(rows, *labels, seed)).collect();
        let mean = |of: fn(&Measured) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
        let (auc, f1, ece) = (mean(|m| m.auc), mean(|m| m.f1), mean(|m| m.ece));
        let labels = (*labels).min(rows.len() - rows.len() / 4);
        println!("{name:10}  {labels:>6} labels: auc {auc:.4}, f1 {f1:.4}, ece {ece:.4}");
    }
}

#[test]
fn real_timelines_stay_quiet_on_the_first_day_and_nearly_so_after() {
    let Some(events) = shared("airline/timeline_dev.jsonl") else { return };
    let mut happenings: Vec<Happening> = events
        .iter()
        .map(|row| Happening {
            at: Timestamp::parse(row["created_at"].as_str().unwrap()).unwrap(),
            brand: row["brand"].as_str().unwrap().to_owned(),
            topic: row["reason"].as_str().map(str::to_owned),
            ..Happening::default()
        })
        .collect();
    happenings.sort_by_key(|happening| happening.at);
    let mut bursts = Bursts::default();
    let found: Vec<Burst> = happenings.iter().filter_map(|h| bursts.add(h)).collect();
    for burst in &found {
        println!("{} {} since {}: {}", burst.at, burst.brand, burst.since, burst.count);
        let first = happenings.iter().find(|h| h.brand == burst.brand).unwrap();
        assert!(burst.at.since(first.at) >= Span::hours(24), "{burst:?}");
    }
    for brand in ["United", "Southwest", "Virgin America"] {
        let of = found.iter().filter(|burst| burst.brand == brand).count();
        // Each was looked at: an hour with more than twice of what the other days' had.
        assert!(of <= 2, "{brand}: {found:?}");
    }
}
