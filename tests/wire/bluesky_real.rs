//! Our driver against the network's own code: PDS and AppView of the makers of Bluesky.
//! `tests/wire/bluesky_real.sh` starts them; without its facts this says so in one line.

use super::bluesky::{Person, call, naming};
use crate::contract::networks::{Bench, answer, until};
use careline::case::event::Event;
use careline::case::time::{Span, Timestamp};
use careline::engine::clock;
use careline::inbox::Inbox;
use careline::net::{Failure, Ground, Looked, Net};
use careline::network::Network;
use careline::network::bluesky::NETWORK;
use careline::setting::Section;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const POST: &str = "app.bsky.feed.post";

/// Stands before the server, and does what no server does on request.
#[derive(Default)]
struct Between {
    /// Let the next `putRecord` through and cut the line before its answer.
    cut: AtomicBool,
    /// Answer the next call oneself: its token has expired.
    stale: AtomicBool,
}

const EXPIRED: &str = r#"{"error":"ExpiredToken","message":"Token has expired"}"#;

async fn between(server: String) -> (String, Arc<Between>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let state = Arc::new(Between::default());
    let shared = state.clone();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(carry(near, server.clone(), shared.clone()));
        }
    });
    (base, state)
}

async fn carry(mut near: TcpStream, server: String, state: Arc<Between>) {
    let Ok(mut far) = TcpStream::connect(server).await else { return };
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    let mut cutting = false;
    loop {
        tokio::select! {
            n = near.read(&mut up) => {
                let Ok(n @ 1..) = n else { return };
                let text = String::from_utf8_lossy(&up[..n]);
                if text.contains("/xrpc/app.bsky") && state.stale.swap(false, Ordering::SeqCst) {
                    let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n";
                    let length = EXPIRED.len();
                    let answer = format!("{head}content-length: {length}\r\n\r\n{EXPIRED}");
                    let _ = near.write_all(answer.as_bytes()).await;
                    continue;
                }
                let writes = text.contains("repo.putRecord");
                cutting |= writes && state.cut.swap(false, Ordering::SeqCst);
                if far.write_all(&up[..n]).await.is_err() { return; }
            }
            n = far.read(&mut down) => {
                let Ok(n @ 1..) = n else { return };
                if cutting { return; }
                if near.write_all(&down[..n]).await.is_err() { return; }
            }
        }
    }
}

fn password(name: &str) -> Option<String> {
    Some(format!("{name}-password"))
}

fn driver(who: &str, base: &str, jetstream: Option<&str>) -> Arc<dyn Network> {
    let (handle, secret) = (format!("{who}.test"), format!("env:{who}"));
    let text = |text: &str| (1, toml::Value::String(text.to_owned()));
    let list = jetstream.map(|url| toml::Value::String(url.to_owned())).into_iter().collect();
    let mut keys: std::collections::BTreeMap<String, (usize, toml::Value)> = [
        ("service", base),
        ("handle", handle.as_str()),
        ("password", secret.as_str()),
        ("poll", "300 ms"),
        ("deep", "1 s"),
    ]
    .map(|(key, value)| (key.to_owned(), text(value)))
    .into();
    keys.insert("jetstream".into(), (1, toml::Value::Array(list)));
    let section = Section::new("real.toml", "account.acme", 1, keys, password);
    let ground = Ground { net: Net::new(true), now: clock::system() };
    (NETWORK.open)(&careline::case::id::AccountId::new("acme"), &section, &ground).unwrap()
}

/// The facts that `bluesky_real.sh` wrote.
fn facts() -> Option<Value> {
    let Ok(file) = std::env::var("CARELINE_BLUESKY_REAL") else {
        println!("no CARELINE_BLUESKY_REAL: the driver was not tried on the real network");
        return None;
    };
    Some(serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
}

async fn replies(ann: &Person, uri: &str) -> Vec<Value> {
    let (_, body) = ann.call(&format!("app.bsky.feed.getPostThread?uri={uri}"), None).await;
    body["thread"]["replies"].as_array().cloned().unwrap_or_default()
}

/// The answer below a post, once its second part is shown too.
async fn chain(ann: &Person, uri: &str) -> Vec<Value> {
    let mut shown = Vec::new();
    for _ in 0..100 {
        shown = replies(ann, uri).await;
        let whole = |r: &Value| r["replies"].as_array().is_some_and(|r| !r.is_empty());
        if shown.first().is_some_and(whole) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    shown
}

/// The first post is changed, then both are deleted, and both is heard.
async fn changes(ann: &Person, bench: &Bench, brand: &str, (uri, past): (&str, &str)) {
    let now = clock::now().to_string();
    let changed = naming("brand.test", brand, "help me at once", &now);
    assert_eq!(ann.write("putRecord", uri, Some(&changed)).await.0, 200);
    until("the change", || {
        let is = |e: &Event| matches!(e, Event::Changed(m) if m.text.raw().contains("at once"));
        bench.notes.events().iter().any(is)
    })
    .await;
    for uri in [uri, past] {
        assert_eq!(ann.write("deleteRecord", uri, None).await.0, 200);
        until("the deletion", || {
            let is = |e: &Event| matches!(e, Event::Withdrawn { post, .. } if post.as_str() == uri);
            bench.notes.events().iter().any(is)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_way_on_the_real_network() {
    let Some(facts) = facts() else { return };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let service = text(&facts["service"]);
    let (base, between) = between(service.trim_start_matches("http://").to_owned()).await;
    let ann = Person::log_in(&service, "ann.test", "ann-password").await;
    let brand = text(&facts["accounts"]["brand"]["did"]);
    for jetstream in [None, facts["jetstream"].as_str()] {
        let bench = Bench::new(&NETWORK, "").await;
        let driver = driver("brand", &base, jetstream);
        let found = driver.probe().await;
        assert!(found.iter().all(|finding| finding.result.is_ok()), "{found:?}");
        let stop = CancellationToken::new();
        let inbox = Inbox::new(bench.notes.clone(), stop.clone());
        let listening = driver.clone();
        let task = tokio::spawn(async move { listening.listen(inbox).await });
        until("the account's state", || bench.notes.abilities().is_some()).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;

        let now = clock::now().to_string();
        let uri = ann.make(POST, &naming("brand.test", &brand, "help me", &now)).await;
        let heard = bench.heard("help me").await;
        assert_eq!((heard.post.as_str(), heard.contact.remote.as_str()), (&*uri, &*ann.did));

        // The answer is cut off after the post was made: unknown, found, and never made twice.
        between.cut.store(true, Ordering::SeqCst);
        let out = answer(&heard, "look at https://x.example/a?b=ü", "key-1");
        let cut = driver.deliver(&out).await;
        assert!(matches!(cut, Err(Failure::Unsure(_))), "{cut:?}");
        let Looked::There(there) = driver.look(&out).await else { panic!("not found again") };
        assert_eq!(driver.deliver(&out).await.unwrap().remote, there.remote);
        let mut next = answer(&heard, "and the second part", "key-2");
        next.parent = careline::case::id::PostId::new(&there.remote);
        driver.deliver(&next).await.unwrap();
        let shown = chain(&ann, &uri).await;
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert_eq!(shown[0]["post"]["uri"], there.remote.as_str());
        assert_eq!(shown[0]["replies"][0]["post"]["record"]["reply"]["root"]["uri"], uri.as_str());

        // A session that has expired is renewed; a mention that claims another time is found.
        between.stale.store(true, Ordering::SeqCst);
        let old = naming("brand.test", &brand, "from the past", "2025-01-01T00:00:00.000Z");
        let past = ann.make(POST, &old).await;
        let heard = bench.heard("from the past").await;
        assert!(heard.written > Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
        assert!(!between.stale.load(Ordering::SeqCst), "no call was answered with an old token");

        changes(&ann, &bench, &brand, (&uri, &past)).await;
        assert_eq!(bench.notes.mentions().len(), 2);
        let gone = driver.deliver(&answer(&heard, "too late", "key-3")).await;
        assert!(matches!(gone, Err(Failure::Gone(_))), "{gone:?}");
        stop.cancel();
        task.await.unwrap();
        if jetstream.is_some() {
            limits(&base, &answer(&heard, "not now", "key-4")).await;
        }
    }
}

/// The server lets nobody log in more often than thirty times in five minutes, and says when he may
/// again. The driver passes that on: whatever waits to be sent waits as long.
async fn limits(base: &str, out: &careline::network::Outgoing) {
    let login = json!({ "identifier": "ann.test", "password": "ann-password" });
    let mut last = 200;
    for _ in 0..40 {
        last = call(base, "", "com.atproto.server.createSession", Some(&login)).await.0;
        if last != 200 {
            break;
        }
    }
    assert_eq!(last, 429);
    match driver("ann", base, None).deliver(out).await {
        Err(Failure::Later { after: Some(after), .. }) => assert!(after > Span::seconds(30)),
        other => panic!("the pause that was asked for is lost: {other:?}"),
    }
}
