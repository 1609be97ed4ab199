//! Does real talk go through all of it, in order, once? Customers' turns are posts by the network's
//! API, agents' turns are messages in the thread by a user's token; between them is the whole
//! program with its real drivers and its real store. Judged by the ledgers of both faces.
//!
//! Without more ado a part is played: all of it takes a debug build on two cores too long for
//! every run. `CORPUS=2000` plays so many conversations (and posts about airlines), `CORPUS=all`
//! all posts and 2,000 conversations. They go through Mastodon and Slack, and a few of them through
//! Bluesky and Discord; `CORPUS_PAIR=bluesky,discord` sends all through the pair it names.

mod alerts;
mod ledger;
mod talk;

use crate::wire::bluesky;
use careline::case::time::Span;
use careline::sandbox::hands::At;
use careline::sandbox::pair::{Net, Office, Pair};
use careline::sandbox::{Demo, Setup};
use careline::world::square::Person;
use ledger::Ledger;
use reqwest::Client;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use talk::Talk;
use tokio::sync::Semaphore;

/// Conversations that go on at the same time.
const AT_ONCE: usize = 24;

/// The longest text a turn may have, in characters, so that it and our handle fit into one post.
const fn longest(net: Net) -> usize {
    match net {
        Net::Mastodon => 440,
        Net::Bluesky | Net::X => 240,
        Net::Facebook | Net::Instagram => 2_000,
    }
}

/// Does the gate let these words of an agent out by themselves? At Slack, what looks like an
/// emoji's code is taken for one of its own (`8:00am-9:00` holds one), and stays inside.
fn passes(office: Office, text: &str) -> bool {
    let policy = careline::case::policy::Policy::standard();
    let emoji = regex::Regex::new(r"(?i):[a-z0-9_+'-]+:").expect("a sound pattern");
    careline::case::gate::content(&policy, text, &[]).is_none()
        && !careline::case::gate::holds_secret(text)
        && !(office == Office::Slack && emoji.is_match(text))
}

struct Player {
    demo: Arc<Demo>,
    ledger: Arc<Ledger>,
    pair: Pair,
    client: Client,
    token: String,
    handle: String,
    id: String,
}

impl Player {
    fn new(demo: &Arc<Demo>, ledger: &Arc<Ledger>, n: usize) -> Self {
        let (id, token) = (format!("2200000000000{n:05}"), format!("corpus-{n}"));
        let (handle, pair) = (format!("guest{n}"), demo.pair());
        let person = Person {
            id: id.clone(),
            handle: handle.clone(),
            name: format!("Guest {n}"),
            token: Some(token.clone()),
            ..Person::default()
        };
        let now = careline::engine::clock::now();
        demo.shared.change(now, |world| world.square(pair.net.account()).join(person));
        let client = careline::net::Net::new(true).client().clone();
        let (demo, ledger) = (demo.clone(), ledger.clone());
        Self { demo, ledger, pair, client, token, handle, id }
    }

    async fn post(&self, text: &str, parent: Option<&str>) -> String {
        match self.pair.net {
            Net::Mastodon => self.post_on_mastodon(text, parent).await,
            Net::Bluesky => self.post_on_bluesky(text).await,
            net => panic!("nobody talks on {} here yet", net.title()),
        }
    }

    async fn post_on_mastodon(&self, text: &str, parent: Option<&str>) -> String {
        let mut body = json!({"status": format!("@acme {text}"), "visibility": "public"});
        if let Some(parent) = parent {
            body["in_reply_to_id"] = parent.into();
        }
        let url = format!("{}/api/v1/statuses", self.demo.faces.mastodon);
        let request = self.client.post(url).bearer_auth(&self.token).json(&body);
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let made: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{status}: {made}");
        made["id"].as_str().expect("an id").to_owned()
    }

    /// Each post by itself: it calls our account, and belongs to the same customer.
    async fn post_on_bluesky(&self, text: &str) -> String {
        let base = self.demo.faces.bluesky.to_string();
        let handle = format!("{}.test", self.handle);
        let me = bluesky::Person::log_in(&base, &handle, &self.token).await;
        let us = careline::sandbox::cast::did();
        let created = careline::engine::clock::now().to_string();
        let record = bluesky::naming("acme.test", &us, text, &created);
        let uri = me.make("app.bsky.feed.post", &record).await;
        let key = uri.rsplit('/').next().expect("a key");
        let world = self.demo.shared.look();
        let mut posts = world.squares[self.pair.net.account()].posts.values().rev();
        posts.find(|post| post.key.as_deref() == Some(key)).expect("a post").id.to_string()
    }

    /// Plays one conversation; returns how many answers must have gone out.
    async fn play(self, talk: Talk) -> usize {
        let (mut last, mut thread, mut answers) = (None::<String>, None::<At>, 0);
        for (customer, text) in &talk.turns {
            if *customer {
                let post = self.post(text, last.as_deref()).await;
                let at = self.ledger.shown(&post).await;
                let at = thread.get_or_insert(at.clone()).clone();
                assert_eq!(self.ledger.thread(&post), Some(at), "one thread for a customer");
                last = Some(post);
            } else if let Some(at) = &thread {
                if answers == 0 {
                    self.claim(at).await;
                }
                let before = self.ledger.answers(&self.id);
                self.demo.hands.say("maria", at, text).await.expect("a message");
                if passes(self.pair.office, text) {
                    answers += 1;
                    self.ledger.answered(&self.id, before + 1, text).await;
                }
            }
        }
        answers
    }

    async fn claim(&self, at: &At) {
        self.demo.hands.say("maria", at, "@careline claim").await.expect("a message");
        self.ledger.claimed(at).await;
    }
}

async fn play(talks: Vec<Talk>, pair: Pair) {
    let setup = Setup { undo: Span::seconds(0), fuse: 10_000, pair, ..Setup::default() };
    let demo = Demo::start(setup).await.expect("a demo");
    let ledger = Ledger::follow(&demo);
    let (began, count) = (Instant::now(), talks.len());
    let mentions: usize = talks.iter().map(|t| t.turns.iter().filter(|(c, _)| *c).count()).sum();
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = tokio::task::JoinSet::new();
    for (n, talk) in talks.into_iter().enumerate() {
        if n > 0 && n % 250 == 0 {
            println!("{n} conversations were begun after {:?}", began.elapsed());
        }
        let player = Player::new(&demo, &ledger, n);
        let place = room.clone().acquire_owned().await.expect("an open door");
        playing.spawn(async move {
            let who = player.id.clone();
            let answers = player.play(talk).await;
            drop(place);
            (who, answers)
        });
    }
    let answers: BTreeMap<String, usize> = playing.join_all().await.into_iter().collect();
    // What would come twice or too late has its chance to do so.
    tokio::time::sleep(Duration::from_secs(2)).await;
    ledger.judge(mentions, &answers, count);
    let answers: usize = answers.values().sum();
    println!(
        "{pair:?}: {count} conversations, {mentions} mentions, {answers} answers: {:?}",
        began.elapsed()
    );
    demo.end().await;
}

/// How many are played: a part, unless more is asked for.
fn most(part: usize, all: usize) -> usize {
    match std::env::var("CORPUS") {
        Ok(wanted) if wanted == "all" => all,
        Ok(wanted) => wanted.parse().unwrap_or(part),
        Err(_) => part,
    }
}

/// The pair that the environment names.
fn wanted() -> Option<Pair> {
    let named = std::env::var("CORPUS_PAIR").ok()?;
    let (net, office) = named.split_once(',').expect("CORPUS_PAIR is NETWORK,DESK");
    Some(Pair { net: net.parse().expect("a network"), office: office.parse().expect("a desk") })
}

async fn conversations(part: usize, pair: Pair) {
    let talks = talk::conversations(most(part, 2000), longest(pair.net)).unwrap_or_else(|| {
        println!("../shared is not here; conversations of our own are played");
        talk::own()
    });
    play(talks, pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_go_through_in_order_and_once() {
    conversations(40, wanted().unwrap_or_default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_go_through_bluesky_and_discord_likewise() {
    let pair = Pair { net: Net::Bluesky, office: Office::Discord };
    match wanted() {
        Some(_) => println!("CORPUS_PAIR is played by the other test"),
        None => conversations(15, pair).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_about_airlines_make_one_case_an_author() {
    let pair = wanted().unwrap_or_default();
    match talk::airline(most(120, usize::MAX), longest(pair.net)) {
        Some(talks) => play(talks, pair).await,
        None => println!("../shared is not here; there are no airlines to complain about"),
    }
}
