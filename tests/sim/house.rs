//! A desk that is the world itself. What is posted carries the names of all deliveries in it.

use super::sky::{Asked, Sky, Told};
use careline::case::effect::{Answer, Button, Card, Face, Note, Notice, Receipt};
use careline::case::event::{Envelope, Event, File, Inside, Remark, Request, Standing};
use careline::case::id::{
    AgentId, ChannelId, DeliveryId, Deployment, DeskId, FeedId, MessageId, ThreadId,
};
use careline::case::model::Agent;
use careline::case::rich::Rich;
use careline::case::time::{Span, Timestamp};
use careline::desk::{Desk, Mark, Outgoing};
use careline::inbox::{Inbox, Pulse, Task};
use careline::net::{Failure, Finding, Looked, Stopped};
use careline::world::World;
use careline::world::office::{Kind, Member, Message, No, Office, What};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

pub const DESK: &str = "slack";
pub const CHANNEL: &str = "C1";
/// The member that careline is.
pub const BOT: &str = "BOT";
/// A guest of the workspace.
pub const GUEST: &str = "U7";
/// Another app.
pub const OTHER_BOT: &str = "B2";

/// See the module.
pub struct House {
    pub sky: Sky,
}

pub fn channel() -> ChannelId {
    ChannelId { desk: DeskId::new(DESK), channel: CHANNEL.into() }
}

fn thread(root: i64) -> ThreadId {
    ThreadId { channel: channel(), root: root.to_string() }
}

fn message(id: i64) -> MessageId {
    MessageId { channel: channel(), message: id.to_string() }
}

fn agent(member: &Member) -> Agent {
    let id = AgentId { desk: DeskId::new(DESK), user: member.id.clone() };
    Agent { id, name: member.name.clone() }
}

fn standing(member: &Member) -> Standing {
    if member.kind == Kind::Guest { Standing::Guest } else { Standing::Member }
}

/// Colleagues whom these words call by their ids.
fn named(office: &Office, words: &str) -> Vec<Agent> {
    let called = |member: &&Member| words.contains(&format!("@{}", member.id));
    office.members.values().filter(called).map(agent).collect()
}

fn card(card: &Card) -> String {
    let standing = card.standing.plain(true);
    let buttons = buttons(&card.buttons);
    let (handle, text, audience) = (card.handle.raw(), card.text.raw(), &card.audience);
    let fact = |(what, is): &(String, Rich)| format!("\n{what}: {}", is.plain(true));
    let facts: String = card.facts.iter().map(fact).collect();
    format!("{} @{handle} {text}\n{audience} · {standing}{facts}{buttons}", card.case)
}

fn note(note: &Note) -> String {
    note.words.plain(true) + &buttons(&note.buttons)
}

fn buttons(all: &[Button]) -> String {
    all.iter().map(|button| format!("\n[{}]", button.words)).collect()
}

fn face(to: &Face) -> String {
    match to {
        Face::Card(shown) => card(shown),
        Face::Note(shown) => note(shown),
    }
}

/// One of several in a message.
fn several(notice: &Notice) -> String {
    match notice {
        Notice::Post(shown) | Notice::Tell { note: shown, .. } => note(shown),
        Notice::Open { card: shown, .. } => card(shown),
        Notice::Amend { to, .. } => face(to),
        Notice::Mark { .. } => String::new(),
    }
}

/// What can be pressed below it.
fn pressed(notice: &Notice) -> &[Button] {
    match notice {
        Notice::Post(shown) | Notice::Tell { note: shown, .. } => &shown.buttons,
        Notice::Open { card: shown, .. } => &shown.buttons,
        Notice::Amend { to, .. } => match &**to {
            Face::Card(shown) => &shown.buttons,
            Face::Note(shown) => &shown.buttons,
        },
        Notice::Mark { .. } => &[],
    }
}

/// How a message looks: its words and its buttons. One that carries several shows all of them.
fn looks(out: &Outgoing) -> (String, Value) {
    let merged = out.merged.iter().map(|(_, notice)| notice);
    let own = !matches!(out.notice, Notice::Amend { .. }) || out.merged.is_empty();
    let all: Vec<_> = std::iter::once(&out.notice).filter(|_| own).chain(merged).collect();
    let words: Vec<String> = all.iter().map(|notice| several(notice)).collect();
    let buttons: Vec<_> = all.iter().flat_map(|notice| pressed(notice)).collect();
    (words.join("\n"), json!(buttons))
}

fn marks(out: &Outgoing) -> Value {
    let merged = out.merged.iter().map(|(id, _)| id.0.clone());
    let ids: Vec<String> = std::iter::once(out.id.0.clone()).chain(merged).collect();
    json!({ "deployment": out.deployment.0, "ids": ids })
}

fn carries(message: &Message, id: &DeliveryId) -> bool {
    let ids = message.marks.get("ids").and_then(Value::as_array);
    ids.is_some_and(|ids| ids.iter().any(|other| other.as_str() == Some(id.as_str())))
}

fn failure(no: No) -> Failure {
    match no {
        No::NoMessage | No::NoThread | No::NoChannel => Failure::Gone(no.to_string()),
        other => Failure::Never(other.to_string()),
    }
}

fn file(name: &str) -> File {
    let (mime, url) = ("image/png".to_owned(), String::new());
    File { id: name.to_owned(), name: name.to_owned(), mime, size: 3, alt: None, url }
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}

fn post(world: &mut World, out: &Outgoing) -> Result<i64, Failure> {
    let (text, blocks) = looks(out);
    let (now, id) = (world.now, world.mint());
    let root = out.thread.as_ref().map(|thread| number(&thread.root));
    let said = Message {
        channel: CHANNEL.into(),
        id,
        thread: root,
        author: BOT.into(),
        app: Some(BOT.into()),
        text,
        blocks,
        marks: marks(out),
        ..Message::default()
    };
    world.office(DESK).post(now, said).map_err(failure)
}

fn do_it(world: &mut World, out: &Outgoing) -> Result<i64, Failure> {
    let now = world.now;
    match &out.notice {
        Notice::Open { .. } | Notice::Tell { .. } | Notice::Post(_) => post(world, out),
        Notice::Amend { .. } => {
            let id = out.message.as_ref().map_or(0, |place| number(&place.message));
            let looks = looks(out);
            let who = (BOT, Some(BOT));
            let office = world.office(DESK);
            let root = out.thread.as_ref().map(|thread| number(&thread.root));
            let there = office.message(CHANNEL, id);
            // Not every desk finds a message without its thread.
            if there.is_some_and(|m| m.thread != root.filter(|root| *root != id)) {
                return Err(Failure::Gone("the message stands elsewhere".into()));
            }
            let change = |m: &mut Message| (m.text, m.blocks) = looks;
            office.edit(now, who, (CHANNEL, id), change).map_err(failure)?;
            Ok(id)
        }
        Notice::Mark { message, mark } => {
            let (id, name) = (number(&message.message), format!("{mark:?}"));
            match world.office(DESK).react(now, BOT, (CHANNEL, id), &name, true) {
                Ok(()) | Err(No::Already) => Ok(id),
                Err(no) => Err(failure(no)),
            }
        }
    }
}

impl House {
    fn remark(office: &Office, said: &Message, root: i64) -> Option<Remark> {
        let by = office.members.get(&said.author)?;
        let calls = !named(office, &said.text).is_empty();
        Some(Remark {
            thread: thread(root),
            message: message(said.id),
            by: agent(by),
            standing: standing(by),
            text: said.text.clone(),
            inside: calls.then_some(Inside::Person).into_iter().collect(),
            files: said.files.iter().map(|name| file(name)).collect(),
            machine: said.author == OTHER_BOT,
            written: Timestamp(said.id),
        })
    }

    fn said(office: &Office, said: &Message) -> Option<Envelope> {
        let root = said.thread.filter(|_| said.author != BOT)?;
        let event = Event::Said(Box::new(Self::remark(office, said, root)?));
        Some(Envelope::new(format!("{DESK}:said:{}", said.id), event))
    }

    fn event(office: &Office, seq: u64, what: &What) -> Option<Envelope> {
        match what {
            What::Posted { message } => Self::said(office, message),
            What::Edited { after, .. } if after.author != BOT => {
                let event = Event::Reworded(Box::new(Self::remark(office, after, after.thread?)?));
                Some(Envelope::new(format!("{DESK}:{seq}"), event))
            }
            What::Deleted { before, .. } if before.author != BOT => {
                let place = before.thread.map(thread);
                let event = Event::Unsaid { message: message(before.id), thread: place };
                Some(Envelope::new(format!("{DESK}:{seq}"), event))
            }
            What::Asked { member, payload, .. } => {
                let root = payload.get("thread").and_then(Value::as_i64);
                let words = payload.get("words").and_then(Value::as_str).unwrap_or_default();
                let by = office.members.get(member)?;
                let event = Event::Asked(Box::new(Request {
                    by: agent(by),
                    standing: standing(by),
                    channel: channel(),
                    thread: root.map(thread),
                    words: words.to_owned(),
                    named: named(office, words),
                    on: None,
                    asked: None,
                    gesture: false,
                }));
                Some(Envelope::new(format!("{DESK}:{seq}"), event))
            }
            _ => None,
        }
    }

    /// What somebody is told at once who said or asked something.
    fn answer(&self, what: &What, answer: Option<Answer>) {
        let Some(answer) = answer else { return };
        let (member, thread) = match what {
            What::Asked { member, payload, .. } => {
                (member, payload.get("thread").and_then(Value::as_i64))
            }
            What::Posted { message } | What::Edited { after: message, .. } => {
                (&message.author, message.thread)
            }
            _ => return,
        };
        let (member, thread) = (member.clone(), thread.unwrap_or_default());
        self.sky.tell(Told { member, thread, answer });
    }

    /// A socket: tells what happens from now on, some of it twice, and forgets what nobody heard.
    async fn hear(&self, inbox: &Inbox, swept: &Notify) {
        let mut seen = self.sky.world.look().office(DESK).happened.len() as u64;
        swept.notify_one();
        loop {
            let new: Vec<(u64, What, Option<Envelope>)> = {
                let mut world = self.sky.world.look();
                let office = world.office(DESK);
                let told = |seq, what: &What| (seq, what.clone(), Self::event(office, seq, what));
                office.since(seen).iter().map(|now| told(now.seq, &now.what)).collect()
            };
            for (seq, what, envelope) in new {
                seen = seq;
                let Some(envelope) = envelope else { continue };
                let times = if self.sky.fault(6) { 2 } else { 1 };
                for _ in 0..times {
                    match inbox.put(envelope.clone()).await {
                        Ok(taken) => self.answer(&what, taken.answer),
                        Err(_) => return std::future::pending().await,
                    }
                }
            }
            inbox.pulse(&FeedId::new(format!("{DESK}:socket")), Pulse::Read);
            if self.sky.fault(60) {
                self.sky.sleep(Span::seconds(self.sky.lot(40) as i64)).await;
                seen = self.sky.world.look().office(DESK).happened.len() as u64;
                swept.notify_one();
            }
            let most = if self.sky.is_calm() { 9000 } else { 200 };
            self.sky.sleep(Span::millis(20 + self.sky.lot(most) as i64)).await;
        }
    }

    fn echo(said: &Message) -> Vec<Envelope> {
        let ids = said.marks.get("ids").and_then(Value::as_array).cloned().unwrap_or_default();
        let deployment = said.marks.get("deployment").and_then(Value::as_str).unwrap_or_default();
        let envelope = |id: Value| {
            let id = id.as_str()?.to_owned();
            let event = Event::Echo {
                desk: DeskId::new(DESK),
                message: message(said.id),
                deployment: Deployment::new(deployment),
                delivery: DeliveryId::new(&*id),
                at: Timestamp(said.id),
            };
            Some(Envelope::new(format!("{DESK}:echo:{id}:{}", said.id), event))
        };
        ids.into_iter().filter_map(envelope).collect()
    }
}

impl Desk for House {
    fn listen(&self, inbox: Inbox, swept: Arc<Notify>) -> Task<'_, Stopped> {
        Box::pin(async move {
            tokio::select! {
                biased;
                () = inbox.stop().cancelled() => {}
                () = self.hear(&inbox, &swept) => {}
            }
            Stopped::Asked
        })
    }

    fn deliver<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(async move {
            let sent = out.clone();
            let done = move |world: &mut World| do_it(world, &sent);
            let ending = self.sky.ending(Span::seconds(15));
            let id = self.sky.write(out.id.as_str(), ending, done).await?;
            Ok(Receipt { remote: id.to_string(), url: None, at: Timestamp(id) })
        })
    }

    fn look<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Looked> {
        Box::pin(async move {
            self.sky.sleep(Span::millis(50 + self.sky.lot(300) as i64)).await;
            if self.sky.fault(8) {
                return Looked::Unclear("busy".into());
            }
            // Doing these twice is doing them once.
            if matches!(out.notice, Notice::Amend { .. } | Notice::Mark { .. }) {
                self.sky.called(out.id.as_str(), Asked::Look { absent: true });
                return Looked::Absent;
            }
            let mut world = self.sky.world.look();
            let found = world.office(DESK).channel(CHANNEL).find(|m| carries(m, &out.id));
            self.sky.called(out.id.as_str(), Asked::Look { absent: found.is_none() });
            match found {
                Some(said) => {
                    let remote = said.id.to_string();
                    Looked::There(Receipt { remote, url: None, at: Timestamp(said.id) })
                }
                None => Looked::Absent,
            }
        })
    }

    fn sweep(&self, marks: Vec<Mark>, inbox: Inbox) -> Task<'_, Result<(), Failure>> {
        Box::pin(async move {
            for mark in marks {
                let root = number(&mark.thread.root);
                let all: Vec<Envelope> = {
                    let mut world = self.sky.world.look();
                    let office = world.office(DESK);
                    let told = |said| {
                        Self::said(office, said).map_or_else(|| Self::echo(said), |said| vec![said])
                    };
                    office.thread(CHANNEL, root).flat_map(told).collect()
                };
                for envelope in all {
                    let put = inbox.put(envelope).await;
                    put.map_err(|shut| Failure::Unsure(shut.to_string()))?;
                }
            }
            Ok(())
        })
    }

    fn fetch<'a>(&'a self, _file: &'a File) -> Task<'a, Result<bytes::Bytes, Failure>> {
        Box::pin(async {
            self.sky.sleep(Span::millis(20 + self.sky.lot(200) as i64)).await;
            match self.sky.fault(9) {
                true => Err(Failure::Later { after: None, why: "busy".into() }),
                false => Ok(bytes::Bytes::from_static(b"png")),
            }
        })
    }

    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }
}
