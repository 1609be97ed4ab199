//! Slack, spoken over a real connection: the driver on one side, the pretended workspace on the
//! other, and a door in place of the engine that notes what comes in.

mod ask;
mod deliver;
mod golden;
mod hear;
mod http;
mod mean;
mod sweep;

use careline::case::effect::Answer;
use careline::case::event::{Envelope, Event, Remark, Request};
use careline::case::id::{ChannelId, DeliveryId, Deployment, DeskId, FeedId, MessageId, ThreadId};
use careline::case::rich::Rich;
use careline::case::time::Timestamp;
use careline::desk::slack::face::{self, App};
use careline::desk::{DESKS, Desk, Outgoing};
use careline::inbox::{Door, Inbox, Pulse, Shut, Taken, Task};
use careline::net::{Ground, Net};
use careline::setting::Section;
use careline::world::fault::{Fault, Wrong};
use careline::world::office::{Kind, Message, Office, What};
use careline::world::{Shared, World};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(super) const BOT: &str = "U0BOT";
pub(super) const ANN: &str = "U0ANN";
pub(super) const CHANNEL: &str = "C0SUPPORT";

/// What an engine would do, told by the test.
pub(super) type Reply = Box<dyn Fn(&Envelope) -> Option<Answer> + Send + Sync>;

/// Notes what comes in; repeats are noted as repeats.
#[derive(Default)]
pub(super) struct Book {
    pub(super) taken: Mutex<Vec<Envelope>>,
    pub(super) repeats: Mutex<Vec<String>>,
    pub(super) pulses: Mutex<Vec<Pulse>>,
    pub(super) reply: Mutex<Option<Reply>>,
    /// How long each put takes.
    pub(super) slow: Mutex<Duration>,
    /// Nothing more is taken.
    pub(super) shut: std::sync::atomic::AtomicBool,
    seen: Mutex<BTreeSet<String>>,
}

impl Door for Book {
    fn put(&self, envelope: Envelope) -> Task<'_, Result<Taken, Shut>> {
        Box::pin(async move {
            let slow = *self.slow.lock().unwrap();
            tokio::time::sleep(slow).await;
            if self.shut.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(Shut);
            }
            let id = envelope.id.as_str().to_owned();
            if !self.seen.lock().unwrap().insert(id.clone()) {
                self.repeats.lock().unwrap().push(id);
                return Ok(Taken { repeated: true, answer: None });
            }
            let answer = self.reply.lock().unwrap().as_ref().and_then(|reply| reply(&envelope));
            self.taken.lock().unwrap().push(envelope);
            Ok(Taken { repeated: false, answer })
        })
    }

    fn cursor<'a>(&'a self, _feed: &'a FeedId) -> Task<'a, Result<Option<String>, Shut>> {
        Box::pin(async { Ok(None) })
    }

    fn pulse(&self, _feed: &FeedId, pulse: Pulse) {
        self.pulses.lock().unwrap().push(pulse);
    }
}

/// A workspace, a driver that hears and speaks there, and the book.
pub(super) struct Scene {
    pub(super) world: Shared,
    pub(super) desk: Arc<dyn Desk>,
    pub(super) book: Arc<Book>,
    pub(super) inbox: Inbox,
    pub(super) swept: Arc<Notify>,
    pub(super) base: String,
    stop: CancellationToken,
}

pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_micros()).unwrap())
}

pub(super) fn app() -> App {
    App {
        id: "A0CARELINE".into(),
        bot: "B0CARELINE".into(),
        user: BOT.into(),
        name: "careline".into(),
        bot_token: "xoxb-demo-bot".into(),
        app_token: "xapp-demo-app".into(),
        signing_secret: "demo signing secret".into(),
        request_url: None,
        scopes: [
            "app_mentions:read",
            "channels:history",
            "channels:read",
            "chat:write",
            "commands",
            "files:read",
            "groups:history",
            "groups:read",
            "reactions:read",
            "reactions:write",
            "users:read",
        ]
        .map(str::to_owned)
        .to_vec(),
        command: "/careline".into(),
    }
}

pub(super) fn furnish(office: &mut Office) {
    face::install(office, &app());
    office.hire(ANN, "Ann Lee", Kind::Full, &["xoxp-ann"]);
    office.hire("U0GUEST", "Gus Guest", Kind::Guest, &["xoxp-guest"]);
    office.hire("U0ELSE", "Eve Elsewhere", Kind::Stranger, &["xoxp-else"]);
    office.hire("U0LEFT", "Lee Left", Kind::Deactivated, &[]);
    let other = App {
        id: "A0OTHER".into(),
        bot: "B0OTHER".into(),
        user: "U0OTHERBOT".into(),
        bot_token: "xoxb-other".into(),
        app_token: "xapp-other".into(),
        command: "/other".into(),
        name: "otherbot".into(),
        ..app()
    };
    face::install(office, &other);
    office.found(CHANNEL, "support", &[BOT, ANN, "U0GUEST", "U0ELSE", "U0LEFT", "U0OTHERBOT"]);
}

fn env(name: &str) -> Option<String> {
    match name {
        "BOT" => Some("xoxb-demo-bot".into()),
        "APP" => Some("xapp-demo-app".into()),
        "SECRET" => Some("demo signing secret".into()),
        _ => None,
    }
}

pub(super) fn section(values: &[(&str, &str)]) -> Section {
    let mut entries = BTreeMap::new();
    for (n, (key, value)) in values.iter().enumerate() {
        let value = match *value {
            "[]" => toml::Value::Array(vec![CHANNEL.into()]),
            text => text.into(),
        };
        entries.insert((*key).to_owned(), (n + 2, value));
    }
    Section::new("careline.toml", "desk.office", 1, entries, env)
}

pub(super) fn ground() -> Ground {
    Ground { net: Net::new(true), now: Arc::new(now) }
}

impl Scene {
    /// A workspace with Ann, a guest, a stranger and another bot; the driver by Socket Mode.
    pub(super) async fn new() -> Self {
        let world = Shared::default();
        world.change(now(), |w| furnish(w.office("office")));
        let row = DESKS.iter().find(|row| row.name == "slack").unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let router = (row.face)(world.clone(), "office");
        tokio::spawn(careline::web::serve(listener, router, stop.clone()));
        let api = format!("{base}/api");
        let values = [
            ("bot_token", "env:BOT"),
            ("app_token", "env:APP"),
            ("api", api.as_str()),
            ("channels", "[]"),
        ];
        let opened = (row.open)(&DeskId::new("office"), &section(&values), &ground());
        let desk = opened.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let book = Arc::new(Book::default());
        let inbox = Inbox::new(book.clone(), stop.clone());
        Self { world, desk, book, inbox, swept: Arc::default(), base, stop }
    }

    /// The same, and the driver listens.
    pub(super) async fn listening() -> Self {
        let scene = Self::new().await;
        scene.listen();
        scene.swept().await;
        scene
    }

    pub(super) fn listen(&self) {
        let (desk, inbox, swept) = (self.desk.clone(), self.inbox.clone(), self.swept.clone());
        tokio::spawn(async move { desk.listen(inbox, swept).await });
    }

    pub(super) async fn swept(&self) {
        let fired = tokio::time::timeout(Duration::from_secs(20), self.swept.notified()).await;
        fired.expect("the driver connects");
    }

    /// So many of these calls go wrong; 0 = all, until the faults are taken back.
    pub(super) fn fault(&self, call: &str, times: u32, wrong: Wrong) {
        let (face, call) = ("office".to_owned(), call.to_owned());
        self.change(|w| w.faults.set(Fault { face, call, skip: 0, times, wrong }));
    }

    pub(super) fn change<T>(&self, what: impl FnOnce(&mut World) -> T) -> T {
        self.world.change(now(), what)
    }

    /// Somebody writes.
    pub(super) fn say(&self, who: &str, thread: Option<i64>, text: &str) -> i64 {
        self.write(Message {
            channel: CHANNEL.into(),
            thread,
            author: who.into(),
            text: text.into(),
            ..Message::default()
        })
    }

    pub(super) fn write(&self, mut message: Message) -> i64 {
        self.change(|w| {
            message.id = w.mint();
            let at = w.now;
            w.office("office").post(at, message).unwrap()
        })
    }

    /// A thread of ours, as the driver would open it.
    pub(super) fn root(&self) -> i64 {
        self.write(Message {
            channel: CHANNEL.into(),
            author: BOT.into(),
            app: Some(app().id),
            text: "New mention".into(),
            ..Message::default()
        })
    }

    pub(super) fn envelopes(&self) -> Vec<Envelope> {
        self.book.taken.lock().unwrap().clone()
    }

    /// Waits until some envelope fits, and returns what was made of it.
    pub(super) async fn wait<T>(&self, what: &str, fits: impl Fn(&Envelope) -> Option<T>) -> T {
        until(what, || self.envelopes().iter().find_map(&fits)).await
    }

    pub(super) async fn said(&self, text: &str) -> Remark {
        self.wait(text, |e| match &e.event {
            Event::Said(remark) if remark.text == text => Some((**remark).clone()),
            _ => None,
        })
        .await
    }

    pub(super) async fn asked(&self, words: &str) -> Request {
        self.wait(words, |e| match &e.event {
            Event::Asked(request) if request.words == words => Some((**request).clone()),
            _ => None,
        })
        .await
    }

    pub(super) fn answer(
        &self,
        reply: impl Fn(&Envelope) -> Option<Answer> + Send + Sync + 'static,
    ) {
        *self.book.reply.lock().unwrap() = Some(Box::new(reply));
    }

    /// Looks at the office until something is there.
    pub(super) async fn see<T>(&self, what: &str, look: impl Fn(&Office) -> Option<T>) -> T {
        until(what, || look(self.world.look().office("office"))).await
    }

    /// What only this member sees, newest last.
    pub(super) async fn whisper(&self, to: &str) -> Message {
        self.see("a whisper", |office| {
            let mut all = office.messages.values();
            all.rfind(|m| m.only_for.as_deref() == Some(to) && !m.deleted).cloned()
        })
        .await
    }

    /// Calls the workspace's API as anybody.
    pub(super) async fn call(&self, token: &str, method: &str, body: Value) -> Value {
        let client = careline::net::Net::new(true).client().clone();
        let sent = client.post(format!("{}/api/{method}", self.base)).bearer_auth(token);
        sent.json(&body).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(super) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_500 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("this never came: {what}");
}

pub(super) fn channel() -> ChannelId {
    ChannelId { desk: DeskId::new("office"), channel: CHANNEL.into() }
}

pub(super) fn thread(root: i64) -> ThreadId {
    ThreadId { channel: channel(), root: face::stamp(root) }
}

pub(super) fn message(id: i64) -> MessageId {
    MessageId { channel: channel(), message: face::stamp(id) }
}

pub(super) fn out(id: &str, notice: careline::case::effect::Notice) -> Outgoing {
    Outgoing {
        id: DeliveryId::new(id),
        deployment: Deployment::new("dep1"),
        first: now(),
        attempt: 1,
        notice,
        thread: None,
        message: None,
        merged: Vec::new(),
    }
}

pub(super) fn say(words: &str) -> Option<Answer> {
    Some(Answer::Say { words: Rich::of(words), buttons: Vec::new() })
}

/// All text that stands in a message's blocks.
pub(super) fn shown(blocks: &Value) -> String {
    match blocks {
        Value::Array(all) => all.iter().map(shown).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match (key.as_str(), value) {
                ("text" | "alt_text" | "url", Value::String(text)) => text.clone(),
                (_, value) => shown(value),
            })
            .collect(),
        _ => String::new(),
    }
}

pub(super) fn happened(office: &Office, fits: impl Fn(&What) -> bool) -> usize {
    office.happened.iter().filter(|h| fits(&h.what)).count()
}
