//! A clean stop among the deaf: nobody answers any more, not even the disk, and the end comes in
//! time all the same.

use super::life::START;
use careline::case::effect::Receipt;
use careline::case::event::{Envelope, Event, File};
use careline::case::id::{AccountId, DeskId};
use careline::case::time::Span;
use careline::desk::{self, Desk, Mark};
use careline::engine::clock::Stepped;
use careline::engine::{Engine, Parts, Tuning};
use careline::inbox::{Door, Inbox, Task};
use careline::net::{Failure, Finding, Looked, Stopped};
use careline::network::{self, Network};
use careline::store::kept::Kept;
use careline::store::sled::Sled;
use careline::world::square::{Square, SquarePost};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the whole process has promised.
const PROMISED: Span = Span::seconds(20);
/// What the process needs after its engine: the runtime ends, the port closes.
const AFTER: Span = Span::seconds(3);

/// What this test waits for a thread of the machine before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes every call and answers none.
#[derive(Default)]
struct Deaf {
    called: AtomicBool,
}

impl Network for Deaf {
    fn listen(&self, _: Inbox) -> Task<'_, Stopped> {
        Box::pin(pending())
    }

    fn deliver<'a>(&'a self, _: &'a network::Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(pending())
    }

    fn look<'a>(&'a self, _: &'a network::Outgoing) -> Task<'a, Looked> {
        Box::pin(pending())
    }

    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(pending())
    }
}

impl Desk for Deaf {
    fn listen(&self, _: Inbox, swept: Arc<Notify>) -> Task<'_, Stopped> {
        swept.notify_one();
        Box::pin(pending())
    }

    fn deliver<'a>(&'a self, _: &'a desk::Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        self.called.store(true, Ordering::SeqCst);
        Box::pin(pending())
    }

    fn look<'a>(&'a self, _: &'a desk::Outgoing) -> Task<'a, Looked> {
        Box::pin(pending())
    }

    fn sweep(&self, _: Vec<Mark>, _: Inbox) -> Task<'_, Result<(), Failure>> {
        Box::pin(pending())
    }

    fn fetch<'a>(&'a self, _: &'a File) -> Task<'a, Result<bytes::Bytes, Failure>> {
        Box::pin(pending())
    }

    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(pending())
    }
}

/// A disk that stops answering when it is told to.
#[derive(Clone, Default)]
struct Brake {
    on: Arc<AtomicBool>,
    held: Arc<AtomicBool>,
}

impl Brake {
    fn hold(&self) {
        while self.on.load(Ordering::SeqCst) {
            self.held.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn parts(store: Kept<Sled>, deaf: &Arc<Deaf>, clock: &Stepped) -> Parts {
    let account = AccountId::new(super::day::ACCOUNTS[0]);
    Parts {
        store: Arc::new(store),
        policy: super::life::policy(),
        networks: vec![(account, deaf.clone())],
        desks: vec![(DeskId::new(super::house::DESK), deaf.clone())],
        clock: Arc::new(clock.clone()),
        tuning: Tuning::default(),
    }
}

fn mention(n: i64) -> Envelope {
    let account = AccountId::new(super::day::ACCOUNTS[0]);
    let post = SquarePost { id: n, root: n, ..SquarePost::by(&format!("anna{n}"), "help") };
    let mut square = Square::default();
    for id in 1..=n {
        square.posts.insert(id, post.clone());
    }
    let mention = super::town::mention(&account, &square, &post);
    Envelope::new(format!("m{n}"), Event::Mentioned(Box::new(mention)))
}

async fn until(what: &str, flag: &AtomicBool) {
    let rises = async {
        while !flag.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, rises).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Lets time pass until the task ends; says how long it took.
async fn pass<T>(clock: &Stepped, task: &tokio::task::JoinHandle<T>) -> Span {
    let (began, real) = (clock.passed(), std::time::Instant::now());
    while !task.is_finished() {
        assert!(real.elapsed() < PATIENCE, "it does not end, whatever time passes");
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        if !task.is_finished() {
            clock.step(began + Span::hours(1));
        }
    }
    clock.passed().since(began)
}

#[test]
fn a_stop_among_the_deaf_keeps_its_promise() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (brake, deaf) = (Brake::default(), Arc::new(Deaf::default()));
    let between = brake.clone();
    let between = Arc::new(move || {
        between.hold();
        Ok(())
    });
    let table = Sled::open(dir.path()).unwrap();
    let store = Kept::open_with(table, START, between).unwrap();
    runtime.block_on(async {
        let (clock, stop) = (Stepped::at(START), CancellationToken::new());
        let engine = Engine::open(parts(store, &deaf, &clock)).await.unwrap();
        let (own, told) = (engine.clone(), stop.clone());
        let run = tokio::spawn(async move { own.run(told).await });
        engine.put(mention(1)).await.unwrap();
        until("the desk is called", &deaf.called).await;
        brake.on.store(true, Ordering::SeqCst);
        let stuck = tokio::spawn(async move { engine.put(mention(2)).await });
        until("a commit waits for the disk", &brake.held).await;
        stop.cancel();
        let took = pass(&clock, &run).await;
        assert!(took.0 + AFTER.0 < PROMISED.0, "the engine took {took}");
        let why = run.await.unwrap().unwrap_err();
        assert!(why.contains("did not close in time"), "{why}");
        brake.on.store(false, Ordering::SeqCst);
        stuck.abort();
    });
}
