//! What customers show is never fetched: it is a link in the card, and whoever opens it decides.
//! So none of the traps of fetching (addresses inside the house, redirects, bombs) is there to step
//! into.

use super::refused::{listens, until};
use careline::engine::clock;
use careline::sandbox::cast::{ACCOUNT, DESK};
use careline::sandbox::ledger::words;
use careline::sandbox::{Demo, Setup};
use careline::world::square::{Medium, SquarePost};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A place that counts who comes.
async fn trap() -> (u16, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let count = came.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, came)
}

/// The same place by many names, and places that no program should go to.
fn addresses(port: u16) -> Vec<String> {
    let here = ["127.0.0.1", "localhost", "0", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"];
    let mut all: Vec<String> = here.iter().map(|host| format!("http://{host}:{port}/a")).collect();
    all.extend(here.iter().map(|host| format!("https://{host}:{port}/b.png")));
    all.push(format!("https://good.example@127.0.0.1:{port}/c.png"));
    all.extend(["file:///etc/hostname", "gopher://127.0.0.1/"].map(str::to_owned));
    all.push("http://169.254.169.254/latest/meta-data".to_owned());
    all
}

/// A customer's post for each address: as its picture, as his own picture, and in its words.
fn post(demo: &Demo, n: usize, url: &str) {
    let anna = demo.cast.customer("anna").unwrap().id.clone();
    demo.shared.change(clock::now(), |world| {
        let id = world.mint().to_string();
        let square = world.square(ACCOUNT);
        let medium = Medium {
            id: id.clone(),
            owner: anna.clone(),
            mime: "image/png".into(),
            url: url.to_owned(),
            alt: "a tent".into(),
            pending: 0,
            bytes: bytes::Bytes::new(),
        };
        square.media.insert(id.clone(), medium);
        square.people.get_mut(&anna).unwrap().avatar = Some(url.to_owned());
        let text = format!("@acme picture {n} at {url}");
        let post = SquarePost {
            mentions: square.called(&text),
            media: vec![id],
            ..SquarePost::by(&anna, &text)
        };
        world.post(ACCOUNT, post).unwrap();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_customers_show_is_never_fetched() {
    let demo = Demo::start(Setup::default()).await.unwrap();
    listens(&demo).await;
    let (port, came) = trap().await;
    let all = addresses(port);
    for (n, url) in all.iter().enumerate() {
        post(&demo, n, url);
    }
    for n in 0..all.len() {
        let shown = || {
            let world = demo.shared.look();
            let mut all = world.offices[DESK].messages.values().filter(|m| m.app.is_some());
            all.any(|m| words(m).contains(&format!("picture {n} at"))).then_some(())
        };
        until("each of them in the thread", shown).await;
    }
    demo.end().await;
    assert_eq!(came.load(Ordering::SeqCst), 0, "nobody came to where the pictures are");
}
