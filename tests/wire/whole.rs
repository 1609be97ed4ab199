//! What others recorded of the real X and Meta, through the whole program: from the network's own
//! words to a thread in Slack, on the real engine, store and drivers.

use super::meta::recorded::{Recorded, send};
use super::{meta, x};
use careline::case::id::{AccountId, ChannelId, DeskId};
use careline::case::policy::Policy;
use careline::case::time::Span;
use careline::desk::DESKS;
use careline::engine::{Engine, Pace, Parts, Tuning, clock};
use careline::net::{Ground, Net};
use careline::network::Network;
use careline::sandbox::cast::{CHANNEL, DESK};
use careline::sandbox::ledger::words;
use careline::sandbox::{Demo, Setup};
use careline::setting::Section;
use careline::store::STORES;
use careline::world::office::What;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Accounts of ours, by name.
pub type Accounts = Vec<(AccountId, Arc<dyn Network>)>;

/// The program at work, with Slack's face at its other end.
struct Whole {
    demo: Arc<Demo>,
    engine: Engine,
    _home: tempfile::TempDir,
    _stop: DropGuard,
}

impl Whole {
    async fn open(accounts: Accounts) -> Self {
        let demo = Demo::start(Setup { daemon: false, ..Setup::default() }).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let ground = Ground { net: Net::new(true), now: Arc::new(clock::now) };
        let desk = desk(&demo, home.path(), &ground);
        let mut policy = Policy::standard();
        let channel = || ChannelId { desk: DeskId::new(DESK), channel: CHANNEL.into() };
        policy.routes = accounts.iter().map(|(id, _)| (id.clone(), channel())).collect();
        let sled = STORES.iter().find(|row| row.name == "sled").unwrap();
        let free = Pace { burst: 1_000, every: Span::millis(1) };
        let parts = Parts {
            store: (sled.open)(&home.path().join("data").into(), clock::now()).unwrap(),
            policy,
            networks: accounts,
            desks: vec![(DeskId::new(DESK), desk)],
            clock: Arc::new(clock::System),
            tuning: Tuning { desk: free, account: free, ..Tuning::default() },
        };
        let (engine, stop) = (Engine::open(parts).await.unwrap(), CancellationToken::new());
        let (running, until) = (engine.clone(), stop.clone());
        tokio::spawn(async move { running.run(until).await });
        Self { demo, engine, _home: home, _stop: stop.drop_guard() }
    }

    /// All that the app has posted, as words.
    fn posted(&self) -> Vec<String> {
        let world = self.demo.shared.look();
        let all = world.offices[DESK].happened.iter().filter_map(|happened| match &happened.what {
            What::Posted { message } if message.app.is_some() => Some(words(message)),
            _ => None,
        });
        all.collect()
    }

    /// Waits until all these words stand at the desk.
    async fn shows(&self, wanted: &BTreeSet<String>) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let posted: Vec<String> = self.posted().iter().map(|text| bare(text)).collect();
            let missing =
                wanted.iter().find(|want| !posted.iter().any(|text| text.contains(*want)));
            let Some(missing) = missing else { return };
            assert!(tokio::time::Instant::now() < deadline, "never shown: {missing}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn desk(demo: &Demo, home: &std::path::Path, ground: &Ground) -> Arc<dyn careline::desk::Desk> {
    let kept = |name: &str, secret: &str| {
        std::fs::write(home.join(name), secret).unwrap();
        toml::Value::String(format!("file:{}/{name}", home.display()))
    };
    let keys = [
        ("mode", "socket".into()),
        ("bot_token", kept("bot", &demo.cast.bot_token)),
        ("app_token", kept("app", &demo.cast.app_token)),
        ("api", format!("{}/api", demo.faces.slack).into()),
    ];
    let entries = keys.into_iter().map(|(key, value)| (key.to_owned(), (1, value))).collect();
    let section = Section::new("test.toml", "desk.slack", 1, entries, |_| None);
    let row = DESKS.iter().find(|row| row.name == DESK).unwrap();
    (row.open)(&DeskId::new(DESK), &section, ground).unwrap()
}

/// Letters and digits alone, as many as surely stand in one message.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The words that must be shown of these mentions.
fn wanted(texts: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let texts = texts.into_iter().map(|text| bare(&text).chars().take(200).collect::<String>());
    texts.filter(|text| !text.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_meta_sent_to_others_stands_in_threads_once() {
    let Some(recorded) = Recorded::read().await else { return };
    let whole = Whole::open(recorded.accounts.clone()).await;
    let accounts = recorded.accounts.iter();
    let hooks = accounts.filter_map(|(_, driver)| driver.hook(whole.engine.inbox()));
    let (base, _served) = meta::serve(careline::web::hooks::mount(hooks)).await;
    let url = format!("{base}/meta");
    let send_all = async || {
        for body in &recorded.bodies {
            assert_eq!(send(&url, body, None).await, 200, "{body}");
        }
    };
    send_all().await;
    whole.shows(&wanted(recorded.texts.clone())).await;
    // All of it once more shows nothing; one that is new ends it.
    let before = whole.posted().len();
    send_all().await;
    let last = "and this is the very last one";
    assert_eq!(send(&url, &recorded.comment(last), None).await, 200);
    whole.shows(&wanted([last.to_owned()])).await;
    let after: Vec<String> = whole.posted().split_off(before);
    let again: Vec<&String> = after.iter().filter(|text| !text.contains(last)).collect();
    assert_eq!(again, Vec::<&String>::new());
    whole.demo.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_x_gave_to_others_stands_in_threads() {
    let (accounts, texts, _served) = x::recorded::accounts().await;
    if accounts.is_empty() {
        return;
    }
    let whole = Whole::open(accounts).await;
    whole.shows(&wanted(texts)).await;
    whole.demo.end().await;
}
