//! Follows the ledgers of both faces and remembers what stands where.

use careline::sandbox::Demo;
use careline::sandbox::hands::At;
use careline::sandbox::ledger::words;
use careline::sandbox::pair::Pair;
use careline::world::{World, office, square};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How long one step may take on a slow machine under load.
const PATIENCE: Duration = Duration::from_secs(100);

#[derive(Default)]
struct Seen {
    square: u64,
    office: u64,
    /// Customers' posts: author and text.
    posts: BTreeMap<i64, (String, String)>,
    /// Messages that show a post, and the threads they stand in.
    shown: BTreeMap<i64, Vec<(i64, At)>>,
    /// Our posts by the customer they answer, in order.
    answers: BTreeMap<String, Vec<String>>,
    /// Threads whose card says who looks after them.
    claimed: BTreeSet<String>,
    /// Words that colleagues wrote.
    said: Vec<String>,
}

/// See the module.
pub struct Ledger {
    demo: Arc<Demo>,
    pair: Pair,
    seen: Mutex<Seen>,
    bell: tokio::sync::watch::Sender<u64>,
}

fn key(at: &At) -> String {
    format!("{}/{}", at.channel, at.ts)
}

/// Letters and digits alone.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Ledger {
    /// Follows a demo until its end.
    pub fn follow(demo: &Arc<Demo>) -> Arc<Self> {
        let bell = tokio::sync::watch::channel(0).0;
        let pair = demo.pair();
        let ledger = Arc::new(Self { demo: demo.clone(), pair, seen: Mutex::default(), bell });
        let (follower, mut rings) = (Arc::downgrade(&ledger), demo.shared.bell());
        tokio::spawn(async move {
            while rings.changed().await.is_ok() {
                let Some(ledger) = follower.upgrade() else { return };
                ledger.read();
            }
        });
        ledger
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("a sound ledger")
    }

    fn read(&self) {
        {
            let world = self.demo.shared.look();
            let mut seen = self.seen();
            seen.read_square(&world, self.pair);
            seen.read_office(&world, self.pair);
        }
        self.bell.send_modify(|n| *n += 1);
    }

    async fn until<T>(&self, what: &str, find: impl Fn(&Seen) -> Option<T>) -> T {
        let mut bell = self.bell.subscribe();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(found) = find(&self.seen()) {
                return found;
            }
            let rung = tokio::time::timeout_at(deadline, bell.changed()).await;
            assert!(rung.is_ok(), "not seen in time: {what}");
        }
    }

    /// Waits until a post stands in a thread; says in which.
    pub async fn shown(&self, post: &str) -> At {
        let id: i64 = post.parse().expect("a number");
        let what = format!("post {post}");
        self.until(&what, |seen| Some(seen.shown.get(&id)?.first()?.1.clone())).await
    }

    /// The thread a post stands in.
    pub fn thread(&self, post: &str) -> Option<At> {
        let id: i64 = post.parse().expect("a number");
        self.seen().shown.get(&id).and_then(|all| all.first()).map(|(_, at)| at.clone())
    }

    /// Waits until the card of a thread says that Maria looks after it.
    pub async fn claimed(&self, at: &At) {
        let key = key(at);
        self.until(&format!("claim of {key}"), |seen| seen.claimed.contains(&key).then_some(()))
            .await;
    }

    /// How many of our posts answer this customer.
    pub fn answers(&self, who: &str) -> usize {
        self.seen().answers.get(who).map_or(0, Vec::len)
    }

    /// Waits until the n-th answer is there; it must hold these words.
    pub async fn answered(&self, who: &str, n: usize, text: &str) {
        let what = format!("answer {n} to {who}: {text}");
        let got = self.until(&what, |seen| seen.answers.get(who)?.get(n - 1).cloned()).await;
        assert!(bare(&got).contains(&bare(text)), "{text:?} became {got:?}");
    }

    /// Nothing lost, nothing doubled, order kept, nothing else outside.
    pub fn judge(&self, mentions: usize, answers: &BTreeMap<String, usize>, cases: usize) {
        self.read();
        let seen = self.seen();
        assert_eq!(seen.posts.len(), mentions, "posts that customers wrote");
        let lost = seen.posts.keys().find(|post| !seen.shown.contains_key(*post));
        assert_eq!(lost, None, "a post is in no thread");
        let doubled = seen.shown.iter().find(|(_, places)| places.len() != 1);
        assert_eq!(doubled, None, "a post was shown twice");
        for (who, sent) in &seen.answers {
            let wanted = answers.get(who).copied().unwrap_or(0);
            assert_eq!(sent.len(), wanted, "answers that were sent to {who}: {sent:?}");
        }
        let unanswered =
            answers.iter().find(|(who, n)| **n > 0 && !seen.answers.contains_key(*who));
        assert_eq!(unanswered, None, "answers were lost");
        let mut threads: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut newest: BTreeMap<&str, (i64, usize)> = BTreeMap::new();
        for (post, (author, text)) in &seen.posts {
            let (message, at) = &seen.shown[post][0];
            threads.entry(author).or_default().insert(key(at));
            let last = newest.entry(author).or_default();
            assert!(*message >= last.0, "{author}: {text:?} stands before an older one");
            *last = (*message, last.1 + 1);
        }
        assert_eq!(threads.len(), cases, "customers with a case");
        let split = threads.iter().find(|(_, threads)| threads.len() != 1);
        assert_eq!(split, None, "a customer has two cases");
    }
}

impl Seen {
    fn read_square(&mut self, world: &World, pair: Pair) {
        let square = &world.squares[pair.net.account()];
        let us = square.us().expect("our account").id.clone();
        for happening in square.since(self.square) {
            self.square = happening.seq;
            let square::What::Posted { post } = &happening.what else { continue };
            if post.author != us {
                self.posts.insert(post.id, (post.author.clone(), post.text.clone()));
                continue;
            }
            let to = post.parent.and_then(|parent| square.posts.get(&parent));
            let to = to.map_or_else(|| "nobody".to_owned(), |parent| parent.author.clone());
            self.answers.entry(to).or_default().push(post.text.clone());
        }
    }

    fn read_office(&mut self, world: &World, pair: Pair) {
        let office = &world.offices[pair.office.name()];
        for happening in office.since(self.office) {
            self.office = happening.seq;
            match &happening.what {
                office::What::Posted { message } if message.app.is_some() => {
                    self.shows(world, pair, message)
                }
                office::What::Posted { message } => self.said.push(message.text.clone()),
                office::What::Edited { after, .. } if after.app.is_some() => {
                    self.owned(pair, after)
                }
                _ => {}
            }
        }
    }

    fn owned(&mut self, pair: Pair, message: &office::Message) {
        if words(message).contains("Maria Okoye looks after it") {
            let stamp = pair.office.stamp(message.id);
            self.claimed.insert(format!("{}/{stamp}", message.channel));
        }
    }

    fn shows(&mut self, world: &World, pair: Pair, message: &office::Message) {
        if message.only_for.is_some() {
            return;
        }
        let root = message.thread.unwrap_or(message.id);
        let at = At { channel: message.channel.clone(), ts: pair.office.stamp(root) };
        for post in careline::sandbox::ledger::linked(world, message) {
            if self.posts.contains_key(&post) {
                self.shown.entry(post).or_default().push((message.id, at.clone()));
            }
        }
    }
}
