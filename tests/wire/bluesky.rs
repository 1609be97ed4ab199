//! Bluesky: the face's rules, and the driver against it where the network is peculiar.

use crate::contract::networks::{Bench, answer, until};
use careline::case::event::{Event, File};
use careline::case::id::PostId;
use careline::engine::clock;
use careline::net::{Failure, Looked};
use careline::network::bluesky::NETWORK;
use careline::world::fault::Wrong;
use careline::world::square::SquarePost;
use serde_json::{Value, json};

/// Somebody with a client of his own.
pub struct Person {
    base: String,
    token: String,
    pub did: String,
}

/// A call as any client makes it: status and body.
pub async fn call(base: &str, token: &str, nsid: &str, body: Option<&Value>) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{base}/xrpc/{nsid}");
    let request = match body {
        Some(body) => client.post(url).json(body),
        None => client.get(url),
    };
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
}

impl Person {
    pub async fn log_in(base: &str, handle: &str, password: &str) -> Self {
        let login = json!({ "identifier": handle, "password": password });
        let (status, body) = call(base, "", "com.atproto.server.createSession", Some(&login)).await;
        assert_eq!(status, 200, "{body}");
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self { base: base.to_owned(), token: text("accessJwt"), did: text("did") }
    }

    pub async fn call(&self, nsid: &str, body: Option<&Value>) -> (u16, Value) {
        call(&self.base, &self.token, nsid, body).await
    }

    /// Makes a record; its name.
    pub async fn make(&self, collection: &str, record: &Value) -> String {
        let body = json!({ "repo": self.did, "collection": collection, "record": record });
        let (status, body) = self.call("com.atproto.repo.createRecord", Some(&body)).await;
        assert_eq!(status, 200, "{body}");
        body["uri"].as_str().unwrap().to_owned()
    }

    /// Changes or deletes a record of his.
    pub async fn write(&self, what: &str, uri: &str, record: Option<&Value>) -> (u16, Value) {
        let mut parts = uri.trim_start_matches("at://").split('/').skip(1);
        let (collection, rkey) = (parts.next(), parts.next());
        let mut body = json!({ "repo": self.did, "collection": collection, "rkey": rkey });
        if let Some(record) = record {
            body["record"] = record.clone();
        }
        self.call(&format!("com.atproto.repo.{what}"), Some(&body)).await
    }
}

/// A post that calls this account by this handle, at its beginning.
pub fn naming(handle: &str, did: &str, text: &str, created: &str) -> Value {
    let called = format!("@{handle}");
    let feature = json!({ "$type": "app.bsky.richtext.facet#mention", "did": did });
    json!({
        "$type": "app.bsky.feed.post", "text": format!("{called} {text}"), "createdAt": created,
        "facets": [{ "index": { "byteStart": 0, "byteEnd": called.len() }, "features": [feature] }],
    })
}

const POST: &str = "app.bsky.feed.post";
const NOW: &str = "2026-01-01T00:00:00.000Z";

async fn us_and_ann(bench: &Bench) -> (Person, Person) {
    let us = Person::log_in(bench.base(), "acme.test", "token-us").await;
    (us, Person::log_in(bench.base(), "ann.elsewhere.example", "token-901").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backdated_mention_is_found_with_and_without_a_stream() {
    for more in [&[("jetstream", "[]")][..], &[("deep", "1 h")]] {
        let bench = Bench::new(&NETWORK, "").await;
        let (us, ann) = us_and_ann(&bench).await;
        let (stop, _task) = bench.listen(&bench.driver(more)).await;
        for n in 0..3 {
            ann.make(POST, &naming("acme.test", &us.did, &format!("first {n}"), NOW)).await;
        }
        bench.heard("first 2").await;
        let old = naming("acme.test", &us.did, "from the past", "2025-01-01T00:00:00.000Z");
        ann.make(POST, &old).await;
        let heard = bench.heard("from the past").await;
        assert!(heard.written > careline::case::time::Timestamp::parse(NOW).unwrap());
        assert_eq!(bench.notes.mentions().len(), 4);
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_stream_changes_and_deletions_are_noticed_too() {
    let bench = Bench::new(&NETWORK, "").await;
    let (us, ann) = us_and_ann(&bench).await;
    let (stop, task) = bench.listen(&bench.driver(&[("jetstream", "[]")])).await;
    let first = ann.make(POST, &naming("acme.test", &us.did, "first", NOW)).await;
    let second = ann.make(POST, &naming("acme.test", &us.did, "second", NOW)).await;
    bench.heard("second").await;
    let changed = naming("acme.test", &us.did, "first, corrected", NOW);
    assert_eq!(ann.write("putRecord", &first, Some(&changed)).await.0, 200);
    until("the change", || {
        let is = |e: &Event| matches!(e, Event::Changed(m) if m.text.raw().contains("corrected"));
        bench.notes.events().iter().any(is)
    })
    .await;
    stop.cancel();
    task.await.unwrap();
    // Deleted while nobody listens.
    ann.write("deleteRecord", &second, None).await;
    let (stop, _task) = bench.listen(&bench.driver(&[("jetstream", "[]")])).await;
    until("the deletion", || {
        let is = |e: &Event| matches!(e, Event::Withdrawn { post, .. } if post.as_str() == second);
        bench.notes.events().iter().any(is)
    })
    .await;
    assert_eq!(bench.notes.mentions().len(), 2);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_misbehaves_costs_nothing() {
    for wrong in [Wrong::Silence, Wrong::Repeat, Wrong::Reorder] {
        let bench = Bench::new(&NETWORK, "").await;
        bench.fault("STREAM /subscribe", 0, wrong);
        let (stop, _task) = bench.listen(&bench.driver(&[])).await;
        for n in 0..20 {
            bench.post("901", &format!("@acme number {n:02}"), |_| ());
        }
        until("all of them", || bench.notes.mentions().len() >= 20).await;
        bench.post("902", "@acme the last", |_| ());
        bench.heard("the last").await;
        assert_eq!(bench.notes.mentions().len(), 21);
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_lost_a_reply_is_posted_once() {
    let bench = Bench::new(&NETWORK, "").await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    let id = bench.post("901", "@acme help", |_| ());
    let out = answer(&bench.heard("help").await, "see https://x.example/a.", "k1");
    bench.fault("putRecord", 1, Wrong::DoneThenCut);
    assert!(matches!(driver.deliver(&out).await, Err(Failure::Unsure(_))));
    let Looked::There(found) = driver.look(&out).await else { panic!("not found again") };
    // The same record again writes nothing.
    assert_eq!(driver.deliver(&out).await.unwrap().remote, found.remote);
    // After the customer's edit the reference differs; what stands there is still ours.
    bench.world.change(clock::now(), |world| {
        let new = |post: &mut SquarePost| post.text = "@acme help!".into();
        world.square("acme").edit(clock::now(), "901", id, new).unwrap();
    });
    assert_eq!(driver.deliver(&out).await.unwrap().remote, found.remote);
    // Another reply under the same key is refused, and does not overwrite the first.
    let other = answer(&bench.heard("help").await, "something else", "k1");
    let mut same_key = other.clone();
    same_key.first = out.first;
    assert!(matches!(driver.deliver(&same_key).await, Err(Failure::Never(_))));
    assert_eq!(bench.sent().len(), 1);
    assert!(bench.sent()[0].text.ends_with("see https://x.example/a."));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_session_is_renewed_and_nothing_is_lost() {
    let bench = Bench::new(&NETWORK, "").await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    // From here on no new session is given: only a renewal helps.
    bench.fault("createSession", 0, Wrong::DeadToken);
    bench.fault("listNotifications", 1, Wrong::DeadToken);
    bench.post("901", "@acme help", |_| ());
    let out = answer(&bench.heard("help").await, "here", "k1");
    bench.fault("putRecord", 1, Wrong::DeadToken);
    driver.deliver(&out).await.unwrap();
    assert_eq!(bench.sent().len(), 1);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_and_gates_are_said_before_anybody_types() {
    let bench = Bench::new(&NETWORK, "").await;
    let (us, ann) = us_and_ann(&bench).await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    let root = ann.make(POST, &json!({ "$type": POST, "text": "mine", "createdAt": NOW })).await;
    let gate = json!({ "$type": "app.bsky.feed.threadgate", "post": root, "allow": [] });
    ann.make("app.bsky.feed.threadgate", &gate).await;
    let (_, kept) = ann.call(&format!("app.bsky.feed.getPosts?uris={root}"), None).await;
    let strong = json!({ "uri": root, "cid": kept["posts"][0]["cid"] });
    let mut below = naming("acme.test", &us.did, "look here", NOW);
    below["reply"] = json!({ "root": strong, "parent": strong });
    ann.make(POST, &below).await;
    let heard = bench.heard("look here").await;
    assert!(heard.no_reply.as_ref().is_some_and(|why| why.contains("does not take replies")));
    assert_eq!(
        (heard.conversation.as_str(), heard.parent),
        (root.as_str(), Some(PostId::new(&root)))
    );
    ann.make(POST, &naming("acme.test", &us.did, "in the open", NOW)).await;
    let heard = bench.heard("in the open").await;
    assert_eq!(heard.no_reply, None);
    let block = json!({ "$type": "app.bsky.graph.block", "subject": us.did });
    ann.make("app.bsky.graph.block", &block).await;
    let refused = driver.deliver(&answer(&heard, "here", "k1")).await;
    assert!(matches!(refused, Err(Failure::Never(_))), "{refused:?}");
    assert!(bench.sent().is_empty());
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_go_with_their_descriptions_and_too_large_ones_do_not() {
    let bench = Bench::new(&NETWORK, "").await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    bench.post("901", "@acme help", |_| ());
    let heard = bench.heard("help").await;
    let file = |mime: &str| File {
        id: "F1".into(),
        name: "a.png".into(),
        mime: mime.into(),
        size: 3,
        alt: Some("a red lamp".into()),
        url: String::new(),
    };
    let mut out = answer(&heard, "like this", "k1");
    out.files = vec![(file("image/png"), bytes::Bytes::from_static(b"png"))];
    driver.deliver(&out).await.unwrap();
    let sent = bench.sent();
    let alt = bench.world.look().square("acme").media[&sent[0].media[0]].alt.clone();
    assert_eq!(alt, "a red lamp");
    let mut large = answer(&heard, "like that", "k2");
    large.files = vec![(file("image/png"), vec![0; 2_000_001].into())];
    assert!(matches!(driver.deliver(&large).await, Err(Failure::Never(_))));
    large.files = vec![(file("application/pdf"), bytes::Bytes::from_static(b"pdf"))];
    assert!(matches!(driver.deliver(&large).await, Err(Failure::Never(_))));
    assert_eq!(bench.sent().len(), 1);
    stop.cancel();
}

/// What the reference server was seen to do (`realservers.md` 2, "Sending once").
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_face_treats_record_keys_as_the_real_server_does() {
    let bench = Bench::new(&NETWORK, "").await;
    let (us, _) = us_and_ann(&bench).await;
    let record = |text: &str| json!({ "$type": POST, "text": text, "createdAt": NOW });
    let uri = us.make(POST, &record("one")).await;
    let again = us.write("createRecord", &uri, Some(&record("one"))).await;
    assert_eq!((again.0, again.1["error"].as_str()), (500, Some("InternalServerError")));
    let (status, same) = us.write("putRecord", &uri, Some(&record("one"))).await;
    assert!(status == 200 && same.get("commit").is_none(), "{same}");
    let mut swap = json!({ "repo": us.did, "collection": POST, "record": record("two") });
    swap["rkey"] = json!(uri.rsplit('/').next());
    swap["swapRecord"] = Value::Null;
    let (status, no) = us.call("com.atproto.repo.putRecord", Some(&swap)).await;
    assert_eq!((status, no["error"].as_str()), (400, Some("InvalidSwap")));
    let (status, over) = us.write("putRecord", &uri, Some(&record("two"))).await;
    assert!(status == 200 && over.get("commit").is_some(), "{over}");
    let wrong = format!("at://{}/{POST}/careline-1", us.did);
    assert_eq!(us.write("putRecord", &wrong, Some(&record("x"))).await.0, 400);
    let long = record(&"x".repeat(301));
    let (status, no) =
        us.write("createRecord", &wrong.replace("careline-1", "3jzfcijpj2z2a"), Some(&long)).await;
    assert!(status == 400 && no["message"].as_str().unwrap().contains("grapheme too big"));
    let heavy = record(&"👩‍👩‍👧".repeat(200));
    let body = json!({ "repo": us.did, "collection": POST, "record": heavy });
    let (status, no) = us.call("com.atproto.repo.createRecord", Some(&body)).await;
    assert!(status == 400 && no["message"].as_str().unwrap().contains("string too big"));
    assert!(us.write("deleteRecord", &uri, None).await.1.get("commit").is_some());
    assert!(us.write("deleteRecord", &uri, None).await.1.get("commit").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_face_keeps_sessions_as_the_real_server_does() {
    let bench = Bench::new(&NETWORK, "").await;
    let base = bench.base();
    let login =
        |password: &str| json!({ "identifier": "ann.elsewhere.example", "password": password });
    let create = "com.atproto.server.createSession";
    assert_eq!(call(base, "", create, Some(&login("no"))).await.0, 401);
    let (_, one) = call(base, "", create, Some(&login("token-901"))).await;
    let list = "app.bsky.notification.listNotifications";
    let bad = call(base, "bad", list, None).await;
    assert_eq!((bad.0, bad.1["error"].as_str()), (400, Some("InvalidToken")));
    let old = one["refreshJwt"].as_str().unwrap();
    for _ in 0..2 {
        let renewed = call(base, old, "com.atproto.server.refreshSession", Some(&json!({}))).await;
        assert_eq!(renewed.0, 200);
    }
    call(base, old, "com.atproto.server.deleteSession", Some(&json!({}))).await;
    let (status, no) = call(base, old, "com.atproto.server.refreshSession", Some(&json!({}))).await;
    assert_eq!((status, no["error"].as_str()), (400, Some("ExpiredToken")));
    assert_eq!(call(base, one["accessJwt"].as_str().unwrap(), list, None).await.0, 200);
    for _ in 2..30 {
        call(base, "", create, Some(&login("token-901"))).await;
    }
    assert_eq!(call(base, "", create, Some(&login("token-901"))).await.0, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handle_without_a_facet_tells_nobody() {
    let bench = Bench::new(&NETWORK, "").await;
    let (us, ann) = us_and_ann(&bench).await;
    let (stop, _task) = bench.listen(&bench.driver(&[])).await;
    ann.make(POST, &json!({ "$type": POST, "text": "@acme.test psst", "createdAt": NOW })).await;
    ann.make(POST, &naming("acme.test", &us.did, "aloud", NOW)).await;
    bench.heard("aloud").await;
    assert_eq!(bench.notes.mentions().len(), 1);
    stop.cancel();
}
