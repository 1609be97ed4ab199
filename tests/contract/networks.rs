//! Is every network as good as the others? One suite over the table, each driver against its own
//! face over TCP.

use careline::case::effect::Reply;
use careline::case::event::{Envelope, Event, Mention};
use careline::case::gate::PublicText;
use careline::case::id::{AccountId, ContactId, DeliveryId, FeedId, PostId};
use careline::case::model::{Audience, Target};
use careline::case::rich::Theirs;
use careline::case::time::Timestamp;
use careline::engine::clock;
use careline::inbox::{Door, Inbox, Pulse, Shut, Taken, Task};
use careline::net::{Failure, Ground, Looked, Net, Stopped};
use careline::network::{Driver, NETWORKS, Network, Outgoing};
use careline::setting::Section;
use careline::world::Shared;
use careline::world::fault::{Fault, Wrong};
use careline::world::square::{Person, SquarePost, What};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The account's name, also the square's.
pub const ACME: &str = "acme";
/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// An inbox that notes what comes, each envelope once, as the engine does.
#[derive(Default)]
pub struct Notes {
    taken: Mutex<Vec<Envelope>>,
    ids: Mutex<BTreeSet<String>>,
    cursors: Mutex<BTreeMap<String, String>>,
    pulses: Mutex<Vec<Pulse>>,
}

impl Door for Notes {
    fn put(&self, envelope: Envelope) -> Task<'_, Result<Taken, Shut>> {
        Box::pin(async move {
            let repeated = !self.ids.lock().unwrap().insert(envelope.id.to_string());
            if let Event::FeedState { feed, cursor } = &envelope.event {
                self.cursors.lock().unwrap().insert(feed.to_string(), cursor.clone());
            }
            if !repeated {
                self.taken.lock().unwrap().push(envelope);
            }
            // The order is that of asking; being safe takes a moment longer.
            tokio::task::yield_now().await;
            Ok(Taken { repeated, answer: None })
        })
    }

    fn cursor<'a>(&'a self, feed: &'a FeedId) -> Task<'a, Result<Option<String>, Shut>> {
        Box::pin(async move { Ok(self.cursors.lock().unwrap().get(feed.as_str()).cloned()) })
    }

    fn pulse(&self, _: &FeedId, pulse: Pulse) {
        self.pulses.lock().unwrap().push(pulse);
    }
}

impl Notes {
    /// All that came, without what only the driver itself needs.
    pub fn events(&self) -> Vec<Event> {
        let own = |e: &Event| matches!(e, Event::FeedState { .. } | Event::AccountState { .. });
        let all = self.taken.lock().unwrap();
        all.iter().map(|e| e.event.clone()).filter(|e| !own(e)).collect()
    }

    /// All mentions, in the order they came.
    pub fn mentions(&self) -> Vec<Mention> {
        let mention = |event| match event {
            Event::Mentioned(mention) => Some(*mention),
            _ => None,
        };
        self.events().into_iter().filter_map(mention).collect()
    }

    /// What the account can do, as told last.
    pub fn abilities(&self) -> Option<careline::case::ability::Abilities> {
        let all = self.taken.lock().unwrap();
        all.iter().rev().find_map(|e| match &e.event {
            Event::AccountState { abilities, .. } => Some(abilities.clone()),
            _ => None,
        })
    }

    fn has_read(&self) -> bool {
        self.pulses.lock().unwrap().iter().filter(|p| **p == Pulse::Read).count() >= 2
    }

    fn is_dead(&self) -> bool {
        self.pulses.lock().unwrap().iter().any(|p| matches!(p, Pulse::Dead(_)))
    }
}

/// How the rows differ, by their networks' nature.
pub struct Habits {
    /// The call that posts.
    pub post: &'static str,
    /// How the network names the person `901`, and shows his handle.
    pub ann: (&'static str, &'static str),
    /// Can a post be for fewer than everybody, and does an answer carry a content warning?
    pub private: bool,
}

fn habits(row: &Driver) -> Habits {
    match row.name {
        "bluesky" => Habits {
            post: "com.atproto.repo.putRecord",
            ann: ("did:plc:", "ann.elsewhere.example"),
            private: false,
        },
        _ => Habits {
            post: "POST /api/v1/statuses",
            ann: ("901", "ann@elsewhere.example"),
            private: true,
        },
    }
}

/// A square, its face on a port of its own, and what a driver needs to reach it.
pub struct Bench {
    row: &'static Driver,
    pub world: Shared,
    base: String,
    pub notes: Arc<Notes>,
    _stop: tokio_util::sync::DropGuard,
}

fn secret(_: &str) -> Option<String> {
    Some("token-us".into())
}

fn person(id: &str, handle: &str) -> Person {
    let (id, handle, token) = (id.to_owned(), handle.to_owned(), Some(format!("token-{id}")));
    Person { name: handle.clone(), id, handle, token, ..Person::default() }
}

impl Bench {
    pub async fn new(row: &'static Driver, manner: &str) -> Self {
        let world = Shared::default();
        world.change(clock::now(), |world| {
            let square = world.square(ACME);
            square.manner = manner.to_owned();
            square.join(Person { is_us: true, token: secret(""), ..person("900", "acme") });
            square.join(person("901", "ann@elsewhere.example"));
            square.join(person("902", "bob"));
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let face = (row.face)(world.clone(), ACME);
        tokio::spawn(careline::web::serve(listener, face, stop.clone()));
        Self { row, world, base, notes: Arc::default(), _stop: stop.drop_guard() }
    }

    /// The same bench, with its drivers at another server.
    pub fn at(mut self, base: &str) -> Self {
        base.clone_into(&mut self.base);
        self
    }

    /// The driver, with these keys beside those it needs.
    pub fn driver(&self, more: &[(&str, &str)]) -> Arc<dyn Network> {
        let base = self.base.as_str();
        let stream = format!("[{}]", base.replace("http", "ws"));
        let keys = match self.row.name {
            "bluesky" => vec![
                ("service", base),
                ("handle", "acme.test"),
                ("password", "env:T"),
                ("jetstream", stream.as_str()),
                ("poll", "150 ms"),
                ("deep", "1 s"),
            ],
            "mastodon" => vec![("server", base), ("token", "env:T"), ("poll", "150 ms")],
            other => panic!("say here which keys {other} needs to reach its face"),
        };
        // `[a]` is a list of one text, `[]` an empty one.
        let list = |text: &str| {
            let inside = text.strip_prefix('[')?.strip_suffix(']')?.to_owned();
            let one = (!inside.is_empty()).then_some(toml::Value::String(inside));
            Some(toml::Value::Array(one.into_iter().collect()))
        };
        let value =
            |text: &str| (1, list(text).unwrap_or_else(|| toml::Value::String(text.to_owned())));
        let all = keys.iter().chain(more).map(|(key, text)| ((*key).to_owned(), value(text)));
        let section = Section::new("test.toml", "account.acme", 1, all.collect(), secret);
        let ground = Ground { net: Net::new(true), now: clock::system() };
        (self.row.open)(&AccountId::new(ACME), &section, &ground).unwrap()
    }

    /// Lets a driver listen until the token is cancelled, and waits until it has read its feeds.
    pub async fn listen(
        &self,
        driver: &Arc<dyn Network>,
    ) -> (CancellationToken, JoinHandle<Stopped>) {
        self.notes.pulses.lock().unwrap().clear();
        let stop = CancellationToken::new();
        let inbox = Inbox::new(self.notes.clone(), stop.clone());
        let driver = driver.clone();
        let task = tokio::spawn(async move { driver.listen(inbox).await });
        until("the first sweep", || self.notes.has_read() || self.notes.is_dead()).await;
        (stop, task)
    }

    /// Somebody posts something that names whoever it names.
    pub fn post(&self, author: &str, text: &str, change: impl FnOnce(&mut SquarePost)) -> i64 {
        self.world.change(clock::now(), |world| {
            let mentions = world.square(ACME).called(text);
            let mut post = SquarePost { mentions, ..SquarePost::by(author, text) };
            change(&mut post);
            world.post(ACME, post).unwrap()
        })
    }

    /// Where its face stands.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// How this network differs.
    pub fn habits(&self) -> Habits {
        habits(self.row)
    }

    pub fn fault(&self, call: &str, times: u32, wrong: Wrong) {
        let (face, call) = (ACME.to_owned(), call.to_owned());
        self.world.look().faults.set(Fault { face, call, skip: 0, times, wrong });
    }

    /// The next mention of this text, as the driver hears it.
    pub async fn heard(&self, text: &str) -> Mention {
        let find = || self.notes.mentions().into_iter().find(|m| m.text.raw().contains(text));
        until(text, || find().is_some()).await;
        find().unwrap()
    }

    /// What our account really posted.
    pub fn sent(&self) -> Vec<SquarePost> {
        let mut world = self.world.look();
        let ours = world.square(ACME).happened.iter().filter_map(|h| match &h.what {
            What::Posted { post } if post.author == "900" => Some((**post).clone()),
            _ => None,
        });
        ours.collect()
    }
}

/// Waits until something holds.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "never came: {what}");
}

/// An answer to this mention.
pub fn answer(to: &Mention, text: &str, key: &str) -> Outgoing {
    let target = Target {
        account: AccountId::new(ACME),
        post: to.post.clone(),
        line: 1,
        contact: to.contact.clone(),
        handle: to.handle.clone(),
        audience: to.audience,
        warning: to.warning.clone(),
    };
    let text = PublicText::for_test(&format!("@{} {text}", to.handle.raw()));
    let first = clock::now();
    let id = DeliveryId::new(key);
    let reply = Reply { target, after: None, text, files: Vec::new(), part: (1, 1) };
    let parent = to.post.clone();
    Outgoing { id, key: key.to_owned(), first, attempt: 1, reply, parent, files: Vec::new() }
}

/// Runs a test for every row of the table.
async fn each<F: Future<Output = ()>>(test: impl Fn(Bench) -> F) {
    assert!(!NETWORKS.is_empty());
    for row in NETWORKS {
        test(Bench::new(row, "").await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mention_is_heard_once_with_all_that_a_card_shows() {
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let (stop, task) = bench.listen(&driver).await;
        let habits = bench.habits();
        let audience = if habits.private { Audience::Direct } else { Audience::Public };
        let id = bench.post("901", "@acme it is broken", |post| {
            post.audience = audience;
            post.warning = Some("a rant".into());
        });
        let mention = bench.heard("it is broken").await;
        let us = AccountId::new(ACME);
        let remote = mention.contact.remote.clone();
        assert_eq!(mention.contact, ContactId { account: us, remote });
        assert!(mention.contact.remote.starts_with(habits.ann.0));
        assert_eq!(mention.handle.raw(), habits.ann.1);
        assert_eq!(mention.audience, audience);
        assert_eq!(mention.warning.as_ref().map(Theirs::raw), Some("a rant"));
        assert!(mention.url.is_some() && mention.parent.is_none());
        assert!(mention.written > Timestamp(0) && id > 0);
        // Several more sweeps bring nothing twice.
        bench.post("902", "@acme another", |_| ());
        bench.heard("another").await;
        assert_eq!(bench.notes.mentions().len(), 2);
        stop.cancel();
        assert_eq!(task.await.unwrap(), Stopped::Asked);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_start_begins_at_now_and_a_later_one_where_it_ended() {
    each(|bench| async move {
        bench.post("901", "@acme long ago", |_| ());
        let driver = bench.driver(&[]);
        let (stop, task) = bench.listen(&driver).await;
        bench.post("901", "@acme first", |_| ());
        bench.heard("first").await;
        stop.cancel();
        task.await.unwrap();
        for n in 0..200 {
            bench.post("901", &format!("@acme while away {n:03}"), |_| ());
        }
        let (stop, task) = bench.listen(&bench.driver(&[])).await;
        until("all of them", || bench.notes.mentions().len() >= 201).await;
        let heard: Vec<String> =
            bench.notes.mentions().iter().skip(1).map(|m| m.text.raw().to_owned()).collect();
        let want: Vec<String> = (0..200).map(|n| format!("@acme while away {n:03}")).collect();
        assert_eq!(heard, want);
        stop.cancel();
        task.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_deletions_and_answers_of_colleagues_are_heard() {
    each(|bench| async move {
        let (stop, _task) = bench.listen(&bench.driver(&[])).await;
        let id = bench.post("901", "@acme help", |_| ());
        let mention = bench.heard("help").await;
        bench.post("900", "@ann@elsewhere.example by hand", |post| post.parent = Some(id));
        bench.world.change(clock::now(), |world| {
            let new = |post: &mut SquarePost| post.text = "@acme help at once".into();
            world.square(ACME).edit(clock::now(), "901", id, new).unwrap();
        });
        until("the edit", || {
            let is = |e: &Event| matches!(e, Event::Changed(m) if m.text.raw().contains("at once"));
            bench.notes.events().iter().any(is)
        })
        .await;
        until("the colleague's answer", || {
            let is = |e: &Event| {
                matches!(e, Event::OwnPost(o) if o.text.contains("by hand")
                    && o.parent.as_ref() == Some(&mention.post))
            };
            bench.notes.events().iter().any(is)
        })
        .await;
        bench.world.change(clock::now(), |world| {
            world.square(ACME).delete(clock::now(), "901", id).unwrap();
        });
        until("the deletion", || {
            let is =
                |e: &Event| matches!(e, Event::Withdrawn { post, .. } if *post == mention.post);
            bench.notes.events().iter().any(is)
        })
        .await;
        stop.cancel();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_reaches_its_customer_and_is_found_again() {
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let (stop, _task) = bench.listen(&driver).await;
        let id = bench.post("901", "@acme help", |post| {
            post.audience = Audience::Unlisted;
            post.warning = Some("w".into());
        });
        let out =
            answer(&bench.heard("help").await, "Try again:\n\nhttps://x.example/a/b?c=1", "k1");
        assert_eq!(driver.look(&out).await, Looked::Absent);
        let receipt = driver.deliver(&out).await.unwrap();
        let sent = bench.sent();
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].parent, &sent[0].mentions[..]), (Some(id), &["901".into()][..]));
        if bench.habits().private {
            assert_eq!(sent[0].audience, Audience::Unlisted);
            assert_eq!(sent[0].warning.as_deref(), Some("w"));
        }
        let Looked::There(found) = driver.look(&out).await else { panic!("not found again") };
        assert_eq!(found.remote, receipt.remote);
        let mut next = answer(&bench.heard("help").await, "the second part", "k2");
        next.parent = PostId::new(receipt.remote);
        driver.deliver(&next).await.unwrap();
        assert_eq!(bench.sent()[1].parent, Some(sent[0].id));
        stop.cancel();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_result_is_said_to_be_unknown_and_found_by_looking() {
    for wrong in [
        Wrong::DoneThenCut,
        Wrong::DoneThenHtml,
        Wrong::DoneThenStatus { status: 502 },
        Wrong::DoneThenSilence { millis: 100 },
    ] {
        each(|bench| {
            let wrong = wrong.clone();
            async move {
                let driver = bench.driver(&[]);
                let (stop, _task) = bench.listen(&driver).await;
                bench.post("901", "@acme help", |_| ());
                let out = answer(&bench.heard("help").await, "here", "k1");
                bench.fault(bench.habits().post, 1, wrong.clone());
                let failed = driver.deliver(&out).await;
                assert!(matches!(failed, Err(Failure::Unsure(_))), "{wrong:?}: {failed:?}");
                let found = driver.look(&out).await;
                assert!(matches!(found, Looked::There(_)), "{wrong:?}: {found:?}");
                assert_eq!(bench.sent().len(), 1);
                stop.cancel();
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_told_apart() {
    let busy = |status, after: Option<&str>| Wrong::Status {
        status,
        retry_after: after.map(str::to_owned),
    };
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let (stop, task) = bench.listen(&driver).await;
        let id = bench.post("901", "@acme help", |_| ());
        let mention = bench.heard("help").await;
        let out = answer(&mention, "here", "k1");
        bench.fault(bench.habits().post, 1, busy(429, Some("7")));
        let Err(Failure::Later { after, .. }) = driver.deliver(&out).await else { panic!() };
        assert_eq!(after.map(|a| a.0), Some(7_000_000));
        bench.fault(bench.habits().post, 1, busy(500, None));
        assert!(matches!(driver.deliver(&out).await, Err(Failure::Unsure(_))));
        assert_eq!(driver.look(&out).await, Looked::Absent);
        let long = answer(&mention, &"x".repeat(6_000), "k2");
        assert!(matches!(driver.deliver(&long).await, Err(Failure::Never(_))));
        if bench.habits().private {
            // Where a handle in the text is a call, a third person's is refused.
            let third = answer(&mention, "ask @bob", "k3");
            assert!(matches!(driver.deliver(&third).await, Err(Failure::Never(_))));
        }
        bench.world.change(clock::now(), |world| {
            world.square(ACME).delete(clock::now(), "901", id).unwrap();
        });
        assert!(matches!(driver.deliver(&out).await, Err(Failure::Gone(_))));
        assert!(bench.sent().is_empty());
        bench.fault("", 0, Wrong::DeadToken);
        assert!(matches!(driver.deliver(&out).await, Err(Failure::Dead(_))));
        assert!(matches!(task.await.unwrap(), Stopped::Dead(_)));
        assert!(bench.notes.is_dead());
        drop(stop);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_costs_nothing_but_time() {
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let (stop, _task) = bench.listen(&driver).await;
        bench.fault("GET ", 3, Wrong::Status { status: 503, retry_after: None });
        bench.fault("GET ", 2, Wrong::Cut);
        bench.post("901", "@acme in the storm", |_| ());
        bench.heard("in the storm").await;
        stop.cancel();
        let nobody = Bench::new(bench.row, "").await.at("http://127.0.0.1:9");
        let out = answer(&bench.heard("in the storm").await, "here", "k1");
        let failed = nobody.driver(&[]).deliver(&out).await;
        assert!(matches!(failed, Err(Failure::Later { .. })), "{failed:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_probe_says_what_works_and_what_does_not() {
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let found = driver.probe().await;
        assert!(found.len() >= 4 && found.iter().all(|f| f.result.is_ok()), "{found:?}");
        bench.fault("", 0, Wrong::DeadToken);
        let found = bench.driver(&[]).probe().await;
        assert!(found.iter().any(|f| f.result.is_err()), "{found:?}");
        assert!(bench.sent().is_empty());
    })
    .await;
}
