//! The engine with drivers that answer at once: what one message costs when nobody is waited for,
//! and how much of a channel's pace is used when everybody must wait.

use crate::{Figure, median, mention, rss_mb_of_self};
use careline::case::effect::{Notice, Receipt, Tone};
use careline::case::event::{Envelope, Event, File};
use careline::case::id::{AccountId, ChannelId, DeskId, FeedId};
use careline::case::policy::{Policy, Urgency};
use careline::case::rules::AlertRule;
use careline::case::time::{Span, Timestamp};
use careline::desk::{self, Desk, Mark};
use careline::engine::clock::{Clock, Stepped, System, now};
use careline::engine::{Engine, Pace, Parts, Tuning};
use careline::inbox::{Inbox, Pulse, Task};
use careline::net::{Failure, Finding, Looked, Stopped};
use careline::network::{self, Network};
use careline::store::kept::Kept;
use careline::store::memory::Memory;
use careline::store::{STORES, Store};
use futures_util::stream::{self, StreamExt};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const DESK: &str = "slack";
const ACCOUNT: &str = "acme";

fn channel() -> ChannelId {
    ChannelId { desk: DeskId::new(DESK), channel: "C1".into() }
}

/// A number of posts by a number of people, all at once.
struct Crowd {
    posts: u64,
    people: u64,
    taken: Arc<AtomicU64>,
}

impl Network for Crowd {
    fn listen(&self, inbox: Inbox) -> Task<'_, Stopped> {
        Box::pin(async move {
            let puts = (0..self.posts).map(|n| {
                let text = format!("@acme my parcel is late, number {n}, and nobody answers");
                let event = Event::Mentioned(Box::new(mention(n, n % self.people, &text)));
                let put = inbox.put(Envelope::new(format!("m{n}"), event));
                async move { put.await.map(|_| self.taken.fetch_add(1, Ordering::Relaxed)) }
            });
            stream::iter(puts).buffer_unordered(64).for_each(|_| async {}).await;
            inbox.pulse(&FeedId::new(ACCOUNT), Pulse::Read);
            inbox.stop().cancelled().await;
            Stopped::Asked
        })
    }

    fn deliver<'a>(&'a self, _: &'a network::Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(async { Err(Failure::Never("nobody answers here".into())) })
    }

    fn look<'a>(&'a self, _: &'a network::Outgoing) -> Task<'a, Looked> {
        Box::pin(async { Looked::Absent })
    }

    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }
}

/// A desk that takes everything at once and counts.
struct Counter {
    clock: Arc<dyn Clock>,
    /// Customers' posts that were shown.
    shown: AtomicU64,
    /// Messages that were written.
    messages: AtomicU64,
    ids: AtomicI64,
    /// When messages were written.
    times: Mutex<Vec<Timestamp>>,
    /// When the alert for the urgent one was shown.
    called: Mutex<Option<Timestamp>>,
    bell: Notify,
}

impl Counter {
    fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let (shown, messages, ids) = (AtomicU64::new(0), AtomicU64::new(0), AtomicI64::new(1));
        let (times, called, bell) = (Mutex::default(), Mutex::default(), Notify::new());
        Arc::new(Self { clock, shown, messages, ids, times, called, bell })
    }

    fn count(&self, out: &desk::Outgoing) {
        let customer = |notice: &Notice| match notice {
            Notice::Open { .. } => true,
            Notice::Post(note) => note.tone == Tone::Customer,
            _ => false,
        };
        let merged = out.merged.iter().filter(|(_, notice)| customer(notice)).count() as u64;
        match &out.notice {
            Notice::Open { .. } | Notice::Post(_) => {
                self.shown.fetch_add(u64::from(customer(&out.notice)) + merged, Ordering::Relaxed);
            }
            // Others are called for, too: whoever wrote again and again.
            Notice::Tell { note, .. } if note.words.plain(true).contains("lawyer") => {
                self.called.lock().expect("sound").get_or_insert(self.clock.now());
            }
            Notice::Tell { .. } | Notice::Amend { .. } | Notice::Mark { .. } => {}
        }
        if matches!(out.notice, Notice::Open { .. } | Notice::Post(_) | Notice::Tell { .. }) {
            self.messages.fetch_add(1, Ordering::Relaxed);
            self.times.lock().expect("sound").push(self.clock.now());
        }
        self.bell.notify_one();
    }
}

impl Desk for Counter {
    fn listen(&self, inbox: Inbox, _: Arc<Notify>) -> Task<'_, Stopped> {
        Box::pin(async move {
            inbox.stop().cancelled().await;
            Stopped::Asked
        })
    }

    fn deliver<'a>(&'a self, out: &'a desk::Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(async move {
            self.count(out);
            let remote = self.ids.fetch_add(1, Ordering::Relaxed).to_string();
            Ok(Receipt { remote, url: None, at: self.clock.now() })
        })
    }

    fn look<'a>(&'a self, _: &'a desk::Outgoing) -> Task<'a, Looked> {
        Box::pin(async { Looked::Absent })
    }

    fn sweep(&self, _: Vec<Mark>, _: Inbox) -> Task<'_, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }

    fn fetch<'a>(&'a self, _: &'a File) -> Task<'a, Result<bytes::Bytes, Failure>> {
        Box::pin(async { Err(Failure::Never("no files".into())) })
    }

    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }
}

fn policy() -> Policy {
    let mut policy = Policy::standard();
    policy.routes.insert(AccountId::new(ACCOUNT), channel());
    let pattern = careline::case::pattern::Pattern::new("lawyer").expect("a pattern");
    let why = "speaks of a lawyer".into();
    let rule = AlertRule { name: "law".into(), pattern, why, urgency: Urgency::Normal };
    policy.alerts.rules = vec![rule].into();
    policy
}

fn parts(store: Arc<dyn Store>, crowd: Crowd, desk: Arc<Counter>, pace: Pace) -> Parts {
    Parts {
        store,
        policy: policy(),
        networks: vec![(AccountId::new(ACCOUNT), Arc::new(crowd))],
        clock: desk.clock.clone(),
        desks: vec![(DeskId::new(DESK), desk)],
        tuning: Tuning { desk: pace, account: pace, ..Tuning::default() },
    }
}

/// Seconds of this process on the processor, in ticks of 10 ms.
pub fn cpu_seconds(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("stat");
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |n: usize| rest.split_whitespace().nth(n).and_then(|t| t.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

const POSTS: u64 = 20_000;

/// One burst through engine and sled: messages a second, and microseconds of processor a message.
async fn burst() -> (f64, f64) {
    let dir = tempfile::tempdir().expect("a directory");
    let sled = STORES.iter().find(|row| row.name == "sled").expect("sled");
    let store = (sled.open)(&dir.path().into(), now()).expect("a store");
    let desk = Counter::new(Arc::new(System));
    let crowd = Crowd { posts: POSTS, people: 2_000, taken: Arc::default() };
    let free = Pace { burst: u32::MAX, every: Span(0) };
    let engine = Engine::open(parts(store, crowd, desk.clone(), free)).await.expect("an engine");
    let (stop, cpu) = (CancellationToken::new(), cpu_seconds("self"));
    let began = std::time::Instant::now();
    let (run, told) = (engine.clone(), stop.clone());
    let task = tokio::spawn(async move { run.run(told).await });
    while desk.shown.load(Ordering::Relaxed) < POSTS {
        desk.bell.notified().await;
    }
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds("self") - cpu);
    stop.cancel();
    task.await.expect("the engine").expect("a clean stop");
    (POSTS as f64 / wall, cpu * 1e6 / POSTS as f64)
}

/// `relay_msgs_per_s` and `cpu_us_per_message`: each message is committed, attempted, delivered and
/// its receipt committed, on sled with its syncs; the drivers are in memory.
pub fn free() -> Vec<Figure> {
    const RUNS: usize = 3;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let all: Vec<(f64, f64)> = (0..RUNS).map(|_| runtime.block_on(burst())).collect();
    let rate = median(all.iter().map(|(rate, _)| *rate).collect());
    let cpu = median(all.iter().map(|(_, cpu)| *cpu).collect());
    vec![
        Figure {
            name: "cpu_us_per_message",
            value: cpu,
            unit: "us",
            against: Some(("matterbridge, which stores nothing (300 us)", cpu / 300.0)),
            runs: RUNS,
        },
        Figure {
            name: "relay_msgs_per_s",
            value: rate,
            unit: "messages/s",
            against: Some(("matterbridge (4,370/s)", rate / 4370.0)),
            runs: RUNS,
        },
    ]
}

/// Lets everything run that can, then moves the clock to the next instant somebody waits for.
async fn step(clock: &Stepped) {
    for _ in 0..96 {
        tokio::task::yield_now().await;
    }
    clock.step(clock.passed() + Span::seconds(5));
}

const WAITING: u64 = 5_000;

async fn throttled() -> Vec<Figure> {
    let clock = Stepped::at(Timestamp::from_seconds(1_800_000_000));
    let desk = Counter::new(Arc::new(clock.clone()));
    let store = Kept::open(Memory::default(), clock.passed()).expect("a store");
    let crowd = Crowd { posts: WAITING, people: 500, taken: Arc::default() };
    let taken = crowd.taken.clone();
    let pace = Pace { burst: 1, every: Span::seconds(1) };
    let before = rss_mb_of_self();
    let parts = parts(Arc::new(store), crowd, desk.clone(), pace);
    let engine = Engine::open(parts).await.expect("an engine");
    let stop = CancellationToken::new();
    let (run, told) = (engine.clone(), stop.clone());
    let task = tokio::task::spawn_local(async move { run.run(told).await });
    while taken.load(Ordering::Relaxed) < WAITING {
        step(&clock).await;
    }
    // In the middle of the backlog somebody new writes who cannot wait.
    let asked = clock.passed();
    let event =
        Event::Mentioned(Box::new(mention(WAITING, WAITING, "my lawyer will write to you")));
    let inbox = engine.inbox();
    let put = tokio::task::spawn_local(async move { inbox.put(Envelope::new("law", event)).await });
    while desk.shown.load(Ordering::Relaxed) < WAITING + 1 {
        step(&clock).await;
    }
    put.await.expect("a put").expect("taken");
    let waited = desk.called.lock().expect("sound").map_or(f64::MAX, |at| seconds(at.since(asked)));
    let times = desk.times.lock().expect("sound").clone();
    let (posts, length) = (times.len() as f64, seconds(times[times.len() - 1].since(times[0])));
    let held = rss_mb_of_self() - before;
    stop.cancel();
    while !task.is_finished() {
        step(&clock).await;
    }
    let runs = times.len();
    let used = (posts - 1.0) / length;
    let allowed = Some(("what one post a second allows", used));
    let slot = Some(("one slot (1 s)", waited));
    vec![
        Figure { name: "burst_limit_use", value: used, unit: "posts/s", against: allowed, runs },
        Figure { name: "burst_urgent_s", value: waited, unit: "s", against: slot, runs: 1 },
        Figure { name: "burst_memory_mb", value: held, unit: "MB", against: None, runs: 1 },
    ]
}

fn seconds(span: Span) -> f64 {
    span.0 as f64 / 1e6
}

/// `burst_limit_use`: 5,000 posts of 500 people wait for a channel that takes one post a second, on
/// a clock that is moved; an urgent one comes among them.
pub fn limited() -> Vec<Figure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, throttled())
}
