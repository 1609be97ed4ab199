//! The Discord desk against its platform's face: what it says, hears, survives and never does.

mod hears;
mod hostile;
mod says;
mod spec;
mod survives;

use careline::case::effect::{Answer, Button, Card, Note, Notice, Style, Tone};
use careline::case::event::{Envelope, Event, Media, MediaKind, Remark, Request};
use careline::case::id::{
    CaseNo, ChannelId, DeliveryId, Deployment, DeskId, FeedId, MessageId, ThreadId,
};
use careline::case::rich::{Rich, Theirs};
use careline::case::time::Timestamp;
use careline::desk::discord::face::{self, App};
use careline::desk::{DESKS, Desk, Outgoing, Stopped};
use careline::inbox::{Door, Inbox, Pulse, Shut, Taken, Task};
use careline::net::{Ground, Net};
use careline::setting::Section;
use careline::web;
use careline::world::Shared;
use careline::world::office::{Kind, Message, Office};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(super) const FORUM: &str = "200000000000000001";
pub(super) const TEXT: &str = "200000000000000002";
pub(super) const APP: &str = "300000000000000001";
pub(super) const BOT: &str = "400000000000000001";
pub(super) const ANN: &str = "400000000000000002";
pub(super) const BEN: &str = "400000000000000003";
pub(super) const TOOL: &str = "400000000000000004";
pub(super) const AGENTS: &str = "500000000000000001";
pub(super) const GUILD: &str = "100000000000000001";

/// Where envelopes go; says what it is told to say.
#[derive(Default)]
pub(super) struct Letters {
    pub(super) taken: Mutex<Vec<Envelope>>,
    seen: Mutex<BTreeSet<String>>,
    pub(super) answer: Mutex<Option<Answer>>,
    pub(super) slow: Mutex<Duration>,
    pub(super) pulses: Mutex<Vec<Pulse>>,
}

impl Door for Letters {
    fn put(&self, envelope: Envelope) -> Task<'_, Result<Taken, Shut>> {
        Box::pin(async move {
            let slow = *self.slow.lock().unwrap();
            tokio::time::sleep(slow).await;
            let repeated = !self.seen.lock().unwrap().insert(envelope.id.0.clone());
            let asked =
                matches!(envelope.event, Event::Asked(_) | Event::Said(_) | Event::Typed(_));
            if !repeated {
                self.taken.lock().unwrap().push(envelope);
            }
            let answer = self.answer.lock().unwrap().clone().filter(|_| asked && !repeated);
            Ok(Taken { repeated, answer })
        })
    }

    fn cursor<'a>(&'a self, _: &'a FeedId) -> Task<'a, Result<Option<String>, Shut>> {
        Box::pin(async { Ok(None) })
    }

    fn pulse(&self, _: &FeedId, pulse: Pulse) {
        self.pulses.lock().unwrap().push(pulse);
    }
}

/// A server, a face over TCP, and a desk that is open to it.
pub(super) struct Bench {
    pub(super) shared: Shared,
    pub(super) desk: Arc<dyn Desk>,
    pub(super) door: Arc<Letters>,
    pub(super) swept: Arc<Notify>,
    /// Stops the desk's listening.
    pub(super) stop: CancellationToken,
    server: CancellationToken,
    pub(super) base: String,
    /// All calls that were made.
    recorder: spec::Recorder,
}

/// Changes what the server gives our app.
pub(super) fn change_app(office: &mut Office, change: impl FnOnce(&mut App)) {
    let value = office.notes[&format!("app:{APP}")].clone();
    let mut app: App = serde_json::from_value(value).unwrap();
    change(&mut app);
    face::install(office, &app);
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.cancel();
        self.server.cancel();
    }
}

pub(super) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_micros()).unwrap())
}

fn furnish(office: &mut Office) {
    let app = App {
        id: APP.into(),
        user: BOT.into(),
        name: "careline".into(),
        token: "bot-token".into(),
        content: true,
        lacks: Vec::new(),
    };
    face::install(office, &app);
    office.hire(ANN, "Ann Lee", Kind::Full, &["token-ann"]);
    office.hire(BEN, "Ben", Kind::Full, &["token-ben"]);
    office.hire(TOOL, "Tool", Kind::Bot, &[]);
    face::role(office, AGENTS, "agents");
    face::grant(office, ANN, &[AGENTS]);
    let all = [BOT, ANN, BEN, TOOL];
    face::forum(office, FORUM, "customers", &all);
    office.found(TEXT, "lobby", &all);
    office.notes.insert("heartbeat".into(), 1_000.into());
}

pub(super) fn open(base: &str, threads: &str) -> Arc<dyn Desk> {
    let text = |text: &str| (1, toml::Value::String(text.into()));
    let list = |text: &str| (1, toml::Value::Array(vec![toml::Value::String(text.into())]));
    let channel = if threads == "forum" { FORUM } else { TEXT };
    let entries = BTreeMap::from([
        ("token".to_owned(), text("env:TOKEN")),
        ("server".to_owned(), text(GUILD)),
        ("threads".to_owned(), text(threads)),
        ("agent_roles".to_owned(), list(AGENTS)),
        ("channels".to_owned(), list(channel)),
        ("calls_per_second".to_owned(), (1, toml::Value::Integer(1_000))),
        ("api".to_owned(), text(&format!("{base}/api/v10"))),
    ]);
    let env = |name: &str| (name == "TOKEN").then(|| "bot-token".to_owned());
    let section = Section::new("careline.toml", "desk.team", 1, entries, env);
    let ground = Ground { net: Net::new(true), now: Arc::new(now) };
    let row = DESKS.iter().find(|row| row.name == "discord").unwrap();
    (row.open)(&DeskId::new("team"), &section, &ground).unwrap_or_else(|m| panic!("{m:?}"))
}

impl Bench {
    pub(super) async fn new(threads: &str) -> Self {
        let shared = Shared::default();
        shared.change(now(), |world| furnish(world.office("team")));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let row = DESKS.iter().find(|row| row.name == "discord").unwrap();
        let server = CancellationToken::new();
        let recorder = spec::Recorder::default();
        let router = spec::recorded((row.face)(shared.clone(), "team"), recorder.clone());
        tokio::spawn(web::serve(listener, router, server.clone()));
        let desk = open(&base, threads);
        let (door, swept) = (Arc::new(Letters::default()), Arc::new(Notify::new()));
        let stop = CancellationToken::new();
        Self { shared, desk, door, swept, stop, server, base, recorder }
    }

    pub(super) fn inbox(&self) -> Inbox {
        Inbox::new(self.door.clone(), self.stop.clone())
    }

    /// Listens, and waits until a session stands.
    pub(super) async fn listening(threads: &str) -> (Self, tokio::task::JoinHandle<Stopped>) {
        let bench = Self::new(threads).await;
        let task = bench.listen();
        bench
            .until("a session", |b| b.note("identifies") == 1 && b.note("command_writes") == 1)
            .await;
        (bench, task)
    }

    pub(super) fn listen(&self) -> tokio::task::JoinHandle<Stopped> {
        let (desk, inbox, swept) = (self.desk.clone(), self.inbox(), self.swept.clone());
        tokio::spawn(async move { desk.listen(inbox, swept).await })
    }

    pub(super) fn note(&self, key: &str) -> u64 {
        let mut world = self.shared.look();
        let notes = &world.office("team").notes;
        notes.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0)
    }

    pub(super) fn office<T>(&self, what: impl FnOnce(&mut Office) -> T) -> T {
        self.shared.change(now(), |world| what(world.office("team")))
    }

    /// Waits until this is so.
    pub(super) async fn until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        for _ in 0..600 {
            if so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("never: {what}; taken: {:#?}", self.door.taken.lock().unwrap());
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.door.taken.lock().unwrap().iter().map(|e| e.event.clone()).collect()
    }

    pub(super) fn said(&self) -> Vec<Remark> {
        let all = self.events().into_iter();
        all.filter_map(|e| if let Event::Said(r) = e { Some(*r) } else { None }).collect()
    }

    pub(super) fn asked(&self) -> Vec<Request> {
        let all = self.events().into_iter();
        all.filter_map(|e| if let Event::Asked(r) = e { Some(*r) } else { None }).collect()
    }

    /// A member writes in a thread or channel.
    pub(super) fn write(&self, who: &str, channel: &str, text: &str) -> i64 {
        let (channel, author, text) = (channel.to_owned(), who.to_owned(), text.to_owned());
        self.shared.change(now(), |world| {
            let (id, at) = (world.mint(), world.now);
            let message = Message { channel, id, author, text, ..Message::default() };
            world.office("team").post(at, message).unwrap()
        })
    }

    /// The words of all messages of a channel, oldest first.
    pub(super) fn words(&self, channel: &str) -> Vec<String> {
        self.office(|o| o.channel(channel).map(|m| m.text.clone()).collect())
    }

    /// What only this member was shown, newest last.
    pub(super) fn private(&self, who: &str) -> Vec<Message> {
        self.office(|o| {
            let all = o.messages.values();
            all.filter(|m| m.only_for.as_deref() == Some(who)).cloned().collect()
        })
    }

    /// Opens a case's thread.
    pub(super) async fn thread(&self, channel: &str) -> ThreadId {
        let out =
            out("1.0", Notice::Open { channel: place(channel), card: Box::new(card()) }, None);
        let receipt = self.desk.deliver(&out).await.unwrap();
        ThreadId { channel: place(channel), root: receipt.remote }
    }
}

pub(super) fn place(channel: &str) -> ChannelId {
    ChannelId { desk: DeskId::new("team"), channel: channel.into() }
}

pub(super) fn message(channel: &str, id: &str) -> MessageId {
    MessageId { channel: place(channel), message: id.into() }
}

pub(super) fn out(id: &str, notice: Notice, thread: Option<&ThreadId>) -> Outgoing {
    Outgoing {
        id: DeliveryId::new(id),
        deployment: Deployment::new("d1"),
        first: now(),
        attempt: 1,
        notice,
        thread: thread.cloned(),
        message: None,
        merged: Vec::new(),
    }
}

pub(super) fn again(out: &Outgoing) -> Outgoing {
    Outgoing { attempt: out.attempt + 1, ..out.clone() }
}

pub(super) fn button(label: &str, words: &str) -> Button {
    Button { label: label.into(), words: words.into(), style: Style::Primary }
}

pub fn card() -> Card {
    Card {
        case: CaseNo(1),
        name: Theirs::new("Anna"),
        handle: Theirs::new("anna@social.example"),
        author_url: Some("https://social.example/@anna".into()),
        avatar: None,
        place: "Mastodon · acme".into(),
        audience: "public".into(),
        warning: None,
        text: Theirs::new("My tent leaks.\nWhat now?"),
        media: vec![Media {
            kind: MediaKind::Picture,
            url: "https://social.example/tent.png".into(),
            preview: None,
            alt: Theirs::new("a wet tent"),
        }],
        url: Some("https://social.example/@anna/1".into()),
        written: Timestamp(1_790_000_000_000_000),
        facts: vec![("Waits since".into(), Rich::new().when(Timestamp(1_790_000_000_000_000)))],
        standing: Rich::new().strong("Open").say(" · nobody has claimed it"),
        buttons: vec![button("Claim", "claim #1"), button("Close", "close #1")],
        urgent: false,
    }
}

pub(super) fn note(words: Rich) -> Note {
    let (media, buttons) = (Vec::new(), Vec::new());
    Note { tone: Tone::Status, words, media, url: None, buttons }
}

pub(super) fn post(id: &str, words: &str, thread: &ThreadId) -> Outgoing {
    out(id, Notice::Post(Box::new(note(Rich::of(words)))), Some(thread))
}
