//! A network's face on a port of its own, and an inbox that notes what its driver hears.

use careline::case::effect::Reply;
use careline::case::event::{Envelope, Event, Mention};
use careline::case::gate::PublicText;
use careline::case::id::{AccountId, DeliveryId, FeedId};
use careline::case::model::Target;
use careline::engine::clock;
use careline::inbox::{Door, Inbox, Pulse, Shut, Taken, Task};
use careline::net::{Ground, Net, Stopped};
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
pub const PATIENCE: Duration = Duration::from_secs(30);

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
            // A mention that the engine knows writes nothing, and is not called a repetition.
            Ok(Taken { repeated: false, answer: None })
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

    /// How many mentions had come whenever the cursor of a feed with this ending moved.
    pub fn before_cursors(&self, ending: &str) -> Vec<usize> {
        let (mut mentions, mut moves) = (0, Vec::new());
        for envelope in self.taken.lock().unwrap().iter() {
            match &envelope.event {
                Event::Mentioned(_) => mentions += 1,
                Event::FeedState { feed, .. } if feed.as_str().ends_with(ending) => {
                    moves.push(mentions);
                }
                _ => {}
            }
        }
        moves
    }

    /// What the account can do, as told last.
    pub fn abilities(&self) -> Option<careline::case::ability::Abilities> {
        let all = self.taken.lock().unwrap();
        all.iter().rev().find_map(|e| match &e.event {
            Event::AccountState { abilities, .. } => Some(abilities.clone()),
            _ => None,
        })
    }

    pub fn has_read(&self) -> bool {
        self.pulses.lock().unwrap().iter().filter(|p| **p == Pulse::Read).count() >= 2
    }

    pub fn is_dead(&self) -> bool {
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
    /// The author's warning `a rant`, as this network tells it; empty if it knows none.
    pub warning: &'static str,
    /// Can it listen for posts that nobody addressed to us?
    pub listens: bool,
}

pub fn habits(row: &Driver) -> Habits {
    match row.name {
        "bluesky" => Habits {
            post: "com.atproto.repo.putRecord",
            ann: ("did:plc:", "ann.elsewhere.example"),
            private: false,
            warning: "a rant",
            listens: true,
        },
        "facebook" => Habits {
            post: "POST /",
            // Facebook tells no handle: the name stands there.
            ann: ("901", "ann@elsewhere.example"),
            private: false,
            warning: "",
            listens: false,
        },
        "instagram" => Habits {
            post: "POST /",
            ann: ("901", "ann_elsewhere.example"),
            private: false,
            warning: "",
            listens: false,
        },
        "x" => Habits {
            post: "POST /2/tweets",
            ann: ("901", "ann_elsewhere_e"),
            private: false,
            warning: "marked as sensitive",
            listens: false,
        },
        _ => Habits {
            post: "POST /api/v1/statuses",
            ann: ("901", "ann@elsewhere.example"),
            private: true,
            warning: "a rant",
            listens: true,
        },
    }
}

/// A square, its face on a port of its own, and what a driver needs to reach it.
pub struct Bench {
    pub row: &'static Driver,
    pub world: Shared,
    pub base: String,
    pub notes: Arc<Notes>,
    _stop: tokio_util::sync::DropGuard,
}

pub fn secret(_: &str) -> Option<String> {
    Some("token-us".into())
}

pub fn person(id: &str, handle: &str) -> Person {
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
            "x" => vec![
                ("api", base),
                ("auth", "oauth1"),
                ("consumer_key", "env:T"),
                ("consumer_secret", "env:T"),
                ("access_token", "env:T"),
                ("access_secret", "env:T"),
                ("poll", "150 ms"),
                ("direct", "150 ms"),
                ("review", "300 ms"),
            ],
            "facebook" | "instagram" => vec![
                ("api", base),
                ("page", "900"),
                ("token", "env:T"),
                ("app_secret", "env:T"),
                ("poll", "150 ms"),
            ],
            other => panic!("say here which keys {other} needs to reach its face"),
        };
        // `[a,b]` is a list of two texts, `[]` an empty one.
        let list = |text: &str| {
            let inside = text.strip_prefix('[')?.strip_suffix(']')?;
            let all = inside.split(',').filter(|one| !one.is_empty());
            Some(toml::Value::Array(all.map(|one| toml::Value::String(one.to_owned())).collect()))
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
        written: to.written,
        private_reply: false,
    };
    let text = PublicText::for_test(&format!("@{} {text}", to.handle.raw()));
    let first = clock::now();
    let id = DeliveryId::new(key);
    let reply = Reply { target, after: None, text, files: Vec::new(), part: (1, 1), change: None };
    let parent = to.post.clone();
    Outgoing { id, key: key.to_owned(), first, attempt: 1, reply, parent, files: Vec::new() }
}

/// Runs a test for every row of the table.
pub async fn each<F: Future<Output = ()>>(test: impl Fn(Bench) -> F) {
    assert!(!NETWORKS.is_empty());
    for row in NETWORKS {
        test(Bench::new(row, "").await).await;
    }
}
