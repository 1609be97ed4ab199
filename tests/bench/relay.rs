//! How long a word is on its way: the real drivers, faces on loopback, sled with its syncs; against
//! what nobody can do without: one durable commit and two round trips.

use crate::{Figure, median, percentile, store};
use careline::case::time::Span;
use careline::engine::clock::now;
use careline::sandbox::cast::{ACCOUNT, DESK};
use careline::sandbox::hands::At;
use careline::sandbox::ledger::{sent, shown};
use careline::sandbox::script::How;
use careline::sandbox::{Demo, Setup};
use careline::store::STORES;
use careline::world::World;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SAMPLES: usize = 40;
/// The desk takes one message a second; a sample must not wait for the one before.
const APART: Duration = Duration::from_millis(1_200);

/// Milliseconds until something is to be seen in the world.
async fn until(demo: &Demo, began: Instant, seen: impl Fn(&World) -> bool) -> f64 {
    let mut bell = demo.shared.bell();
    while !seen(&demo.shared.look()) {
        tokio::time::timeout(Duration::from_secs(60), bell.changed())
            .await
            .expect("it is seen within a minute")
            .expect("a bell");
    }
    began.elapsed().as_secs_f64() * 1000.0
}

fn how() -> How {
    How { direct: false, again: false, warning: None, picture: false }
}

async fn inward(demo: &Demo, n: usize) -> f64 {
    let text = format!("@acme still no parcel, day {n}");
    let began = Instant::now();
    let id = demo.hands.post("bilal", &text, &how(), None).await.expect("a post");
    let id: i64 = id.parse().expect("an id");
    until(demo, began, |world| shown(world).contains_key(&id)).await
}

async fn outward(demo: &Demo, thread: &At, n: usize) -> f64 {
    let text = format!("We look into it, number {n}.");
    let began = Instant::now();
    demo.hands.say("maria", thread, &text).await.expect("a message");
    until(demo, began, |world| {
        world
            .squares
            .get(ACCOUNT)
            .is_some_and(|square| sent(square).any(|p| p.text.contains(&text)))
    })
    .await
}

/// A thread that Maria has claimed.
async fn thread(demo: &Demo) -> At {
    let began = Instant::now();
    let post = demo.hands.post("chioma", "@acme where is it?", &how(), None).await.expect("a post");
    let post: i64 = post.parse().expect("an id");
    until(demo, began, |world| shown(world).contains_key(&post)).await;
    let place = shown(&demo.shared.look())[&post].first().cloned().expect("a place");
    let at = At { channel: place.0, ts: careline::desk::slack::face::stamp(place.1) };
    demo.hands.say("maria", &at, "@careline claim").await.expect("a claim");
    until(demo, began, |world| {
        let office = world.offices.get(DESK);
        let card = office.and_then(|o| o.messages.get(&(at.channel.clone(), place.1)));
        card.is_some_and(|card| card.blocks.to_string().contains("looks after it"))
    })
    .await;
    at
}

/// One durable commit and one round trip, in milliseconds: medians and the slowest of a hundred.
async fn floor() -> ([f64; 2], [f64; 2]) {
    let dir = tempfile::tempdir().expect("a directory");
    let sled = STORES.iter().find(|row| row.name == "sled").expect("sled");
    let kept = (sled.open)(&dir.path().into(), now()).expect("a store");
    let (mut commits, mut trips) = (Vec::new(), Vec::new());
    for n in 0..100 {
        let began = Instant::now();
        kept.commit(store::small(n)).await.expect("a commit");
        commits.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let router = axum::Router::new().route("/", axum::routing::get(|| async { "{}" }));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = careline::net::Net::new(true).client().clone();
    for _ in 0..100 {
        let began = Instant::now();
        client.get(&url).send().await.expect("an answer").bytes().await.expect("a body");
        trips.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    server.abort();
    let both = |all: Vec<f64>| [median(all.clone()), percentile(all, 99.0)];
    (both(commits), both(trips))
}

async fn measured() -> Vec<Figure> {
    let setup = Setup { undo: Span(0), ..Setup::default() };
    let demo: Arc<Demo> = Demo::start(setup).await.expect("a demo");
    let at = thread(&demo).await;
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for n in 0..SAMPLES {
        tokio::time::sleep(APART).await;
        inside.push(inward(&demo, n).await);
        tokio::time::sleep(APART).await;
        outside.push(outward(&demo, &at, n).await);
    }
    demo.end().await;
    let (commit, trip) = floor().await;
    let figure = |name, all: &[f64], percent: f64, n: usize| {
        let value = percentile(all.to_vec(), percent);
        let floor = commit[n] + 2.0 * trip[n];
        let against = Some(("a durable commit and two loopback round trips", value / floor));
        Figure { name, value, unit: "ms", against, runs: SAMPLES }
    };
    vec![
        figure("relay_in_p50", &inside, 50.0, 0),
        figure("relay_in_p99", &inside, 99.0, 1),
        figure("relay_out_p50", &outside, 50.0, 0),
        figure("relay_out_p99", &outside, 99.0, 1),
    ]
}

/// All four.
pub fn all() -> Vec<Figure> {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(measured())
}
