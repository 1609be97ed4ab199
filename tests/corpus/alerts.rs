//! A day of posts about an airline through the decision, with the shipped rules and a team that
//! answers nearly all of them within twenty minutes: which alerts would its lead see? Each is
//! traced to a rule or a clock. `cargo test --test main a_day_at -- --nocapture` prints them.

use super::talk::rows;
use careline::case::event::{Envelope, Event, Mention, Request, Standing};
use careline::case::id::{AccountId, AgentId, CaseNo, ChannelId, ContactId, DeskId, PostId};
use careline::case::model::{Agent, Alarm, Audience, Case};
use careline::case::policy::{Alerts, Called, Policy, Rung};
use careline::case::record::Record;
use careline::case::replay::Replay;
use careline::case::rich::Theirs;
use careline::case::time::{Span, Timestamp};
use careline::config;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One customer of so many is forgotten by the team.
const FORGOTTEN: usize = 25;
const ANSWER: Span = Span::minutes(20);

struct Post {
    at: Timestamp,
    author: String,
    text: String,
}

/// What called for a case, and when.
type Call = (Timestamp, CaseNo, String);

struct Day {
    policy: Policy,
    replay: Replay,
    step: u64,
    calls: Vec<Call>,
}

fn channel() -> ChannelId {
    ChannelId { desk: DeskId::new("slack"), channel: "C1".into() }
}

fn policy() -> Policy {
    let mut policy = Policy::standard();
    policy.routes.insert(AccountId::new("air"), channel());
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("bot-config");
    policy.alerts = Alerts {
        ladder: vec![Rung { patience: Span::minutes(60), calls: Called::Channel }],
        rules: config::rules(&shipped, |_| None),
        again: 4,
        ..Alerts::default()
    };
    policy
}

fn mention(n: usize, post: &Post) -> Mention {
    let name = Theirs::new(post.author.clone());
    Mention {
        contact: ContactId { account: AccountId::new("air"), remote: post.author.clone() },
        handle: name.clone(),
        name,
        author_url: None,
        avatar: None,
        post: PostId::new(format!("p{n}")),
        parent: None,
        conversation: format!("p{n}"),
        audience: Audience::Public,
        text: Theirs::new(post.text.clone()),
        warning: None,
        media: Vec::new(),
        url: None,
        written: post.at,
        language: None,
        no_reply: None,
        overheard: None,
        reach: None,
    }
}

impl Day {
    fn take(&mut self, at: Timestamp, event: Event) {
        self.step += 1;
        let mut envelope = Envelope::new(format!("e{}", self.step), event);
        envelope.at = at;
        let decision = self.replay.take(&self.policy, envelope);
        let case = decision.case.unwrap_or_default();
        self.calls.extend(decision.fired.into_iter().map(|name| (at, case, name)));
    }

    fn cases(&self) -> impl Iterator<Item = &Case> {
        self.replay.records.values().filter_map(|row| match &row.record {
            Some(Record::Case(case)) => Some(&**case),
            _ => None,
        })
    }

    fn newest(&self, author: &str) -> Option<CaseNo> {
        self.cases().filter(|case| case.contact.remote == author).map(|case| case.no).max()
    }

    /// Alarms up to this instant, in their order.
    fn alarms(&mut self, until: Timestamp) {
        let next = |day: &Self| -> Option<(Timestamp, CaseNo, Alarm)> {
            let alarms = day.cases().flat_map(|c| c.alarms.iter().map(move |a| (c.no, a)));
            let due = alarms.filter(|(_, alarm)| alarm.at <= until);
            due.map(|(no, alarm)| (alarm.at, no, alarm.clone())).min()
        };
        while let Some((at, case, alarm)) = next(self) {
            self.take(at, Event::Due { case, alarm });
        }
    }

    fn answer(&mut self, at: Timestamp, author: &str) {
        let Some(no) = self.newest(author) else { return };
        let id = AgentId { desk: DeskId::new("slack"), user: "maria".into() };
        let request = Request {
            by: Agent { id, name: "Maria".into() },
            standing: Standing::Member,
            channel: channel(),
            thread: None,
            words: format!("answered {no}"),
            named: Vec::new(),
            on: None,
            asked: None,
            gesture: false,
        };
        self.take(at, Event::Asked(Box::new(request)));
    }
}

fn posts() -> Option<Vec<Post>> {
    let rows = rows("airline/airline_dev.jsonl")?;
    let of = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let wanted = rows.iter().filter(|row| {
        of(row, "brand") == "United" && of(row, "created_at").starts_with("2015-02-23")
    });
    let post = |row| {
        let at = Timestamp::parse(&of(row, "created_at"))?;
        Some(Post { at, author: of(row, "author"), text: of(row, "text") })
    };
    let mut posts: Vec<Post> = wanted.filter_map(post).collect();
    posts.sort_by_key(|post| post.at);
    Some(posts)
}

/// Plays the posts and the answers of the team in the order of their times.
fn play(posts: &[Post], forgotten: &BTreeSet<&str>) -> Day {
    let mut day = Day { policy: policy(), replay: Replay::default(), step: 0, calls: Vec::new() };
    let mut answers: BTreeMap<(Timestamp, usize), &str> = BTreeMap::new();
    for (n, post) in posts.iter().enumerate() {
        while let Some(((at, _), author)) = answers.first_key_value().map(|(k, v)| (*k, *v)) {
            if at > post.at {
                break;
            }
            answers.pop_first();
            day.alarms(at);
            day.answer(at, author);
        }
        day.alarms(post.at);
        day.take(post.at, Event::Mentioned(Box::new(mention(n, post))));
        if !forgotten.contains(post.author.as_str()) {
            answers.insert((post.at + ANSWER, n), &post.author);
        }
    }
    for ((at, _), author) in answers {
        day.alarms(at);
        day.answer(at, author);
    }
    let end = posts.last().map_or(Timestamp::default(), |post| post.at) + Span::hours(2);
    day.alarms(end);
    day
}

#[test]
fn a_day_at_an_airline_calls_for_what_a_lead_would_want_and_little_more() {
    let Some(posts) = posts() else {
        return println!("no ../shared/data: the day at an airline is not played");
    };
    let authors: BTreeSet<&str> = posts.iter().map(|post| post.author.as_str()).collect();
    // A mere thanks waits for nobody.
    let asks = |author: &&str| posts.iter().any(|p| p.author == **author && p.text.len() > 60);
    let forgotten = authors.iter().copied().filter(asks);
    let forgotten: BTreeSet<&str> = forgotten.step_by(FORGOTTEN).collect();
    let day = play(&posts, &forgotten);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, case, name) in &day.calls {
        *counts.entry(name).or_default() += 1;
        println!("{at}  {case}  {name}");
    }
    let (calls, all) = (day.calls.len(), posts.len());
    println!("{all} posts of {} people, {calls} calls: {counts:?}", authors.len());
    for author in &forgotten {
        let no = day.newest(author).expect("a case");
        let waited = day.calls.iter().any(|(_, case, name)| *case == no && name == "waited");
        assert!(waited, "{no} was forgotten, and nobody was called");
    }
    let waited = counts.get("waited").copied().unwrap_or(0);
    assert_eq!(waited, forgotten.len(), "who was answered in time called nobody");
    let by_words = calls - waited;
    assert!((1..=all / 20).contains(&by_words), "{by_words} of {all} posts called by their words");
    let once: BTreeSet<_> = day.calls.iter().map(|(_, case, name)| (case, name)).collect();
    assert_eq!(once.len(), calls, "a rule called twice for a case");
}
