//! A desk that is the world itself. What is posted carries the names of all deliveries in it.

use super::sky::{Asked, Sky, Told};
use careline::case::effect::{Answer, Button, Card, Face, Note, Notice, Receipt};
use careline::case::event::{Envelope, Event, File, Remark, Request, Standing};
use careline::case::id::{
    AgentId, ChannelId, DeliveryId, Deployment, DeskId, FeedId, MessageId, ThreadId,
};
use careline::case::model::Agent;
use careline::case::time::{Span, Timestamp};
use careline::desk::{Desk, Mark, Outgoing};
use careline::inbox::{Inbox, Pulse, Task};
use careline::net::{Failure, Finding, Looked, Stopped};
use careline::world::World;
use careline::world::office::{Message, No, What};
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

fn agent(user: &str) -> Agent {
    let id = AgentId { desk: DeskId::new(DESK), user: user.to_owned() };
    Agent { id, name: user.to_owned() }
}

fn card(card: &Card) -> String {
    let standing = card.standing.plain(true);
    let buttons = buttons(&card.buttons);
    format!("{} @{} {}\n{standing}{buttons}", card.case, card.handle.raw(), card.text.raw())
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

fn post(world: &mut World, out: &Outgoing, text: String) -> Result<i64, Failure> {
    let (now, id) = (world.now, world.mint());
    let root = out.thread.as_ref().map(|thread| number(&thread.root));
    let said = Message {
        channel: CHANNEL.into(),
        id,
        thread: root,
        author: BOT.into(),
        app: Some(BOT.into()),
        text,
        marks: marks(out),
        ..Message::default()
    };
    world.office(DESK).post(now, said).map_err(failure)
}

fn do_it(world: &mut World, out: &Outgoing) -> Result<i64, Failure> {
    let now = world.now;
    match &out.notice {
        Notice::Open { card: shown, .. } => post(world, out, card(shown)),
        Notice::Tell { note: shown, .. } => post(world, out, note(shown)),
        Notice::Post(first) => {
            let rest = out.merged.iter().map(|(_, notice)| several(notice));
            let all: Vec<String> = std::iter::once(note(first)).chain(rest).collect();
            post(world, out, all.join("\n"))
        }
        Notice::Amend { to, .. } => {
            let id = out.message.as_ref().map_or(0, |place| number(&place.message));
            // A message that carries several is written anew with all of them.
            let all: Vec<String> = out.merged.iter().map(|(_, notice)| several(notice)).collect();
            let text = if all.is_empty() { face(to) } else { all.join("\n") };
            let who = (BOT, Some(BOT));
            let office = world.office(DESK);
            office.edit(now, who, (CHANNEL, id), |m| m.text = text).map_err(failure)?;
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
    fn remark(said: &Message, root: i64) -> Remark {
        Remark {
            thread: thread(root),
            message: message(said.id),
            by: agent(&said.author),
            standing: if said.author == GUEST { Standing::Guest } else { Standing::Member },
            text: said.text.clone(),
            inside: Vec::new(),
            files: said.files.iter().map(|name| file(name)).collect(),
            machine: said.author == OTHER_BOT,
            written: Timestamp(said.id),
        }
    }

    fn said(said: &Message) -> Option<Envelope> {
        let root = said.thread.filter(|_| said.author != BOT)?;
        let event = Event::Said(Box::new(Self::remark(said, root)));
        Some(Envelope::new(format!("{DESK}:said:{}", said.id), event))
    }

    fn event(seq: u64, what: &What) -> Option<Envelope> {
        match what {
            What::Posted { message } => Self::said(message),
            What::Edited { after, .. } if after.author != BOT => {
                let event = Event::Reworded(Box::new(Self::remark(after, after.thread?)));
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
                let event = Event::Asked(Box::new(Request {
                    by: agent(member),
                    standing: Standing::Member,
                    channel: channel(),
                    thread: root.map(thread),
                    words: words.to_owned(),
                    named: Vec::new(),
                    on: None,
                    asked: None,
                    gesture: false,
                }));
                Some(Envelope::new(format!("{DESK}:{seq}"), event))
            }
            _ => None,
        }
    }

    /// What somebody is told at once who asked for something.
    fn answer(&self, what: &What, answer: Option<Answer>) {
        let (What::Asked { member, payload, .. }, Some(Answer::Say { words, .. })) = (what, answer)
        else {
            return;
        };
        let thread = payload.get("thread").and_then(Value::as_i64).unwrap_or_default();
        self.sky.tell(Told { member: member.clone(), thread, words: words.plain(true) });
    }

    /// A socket: tells what happens from now on, some of it twice, and forgets what nobody heard.
    async fn hear(&self, inbox: &Inbox, swept: &Notify) {
        let mut seen = self.sky.world.look().office(DESK).happened.len() as u64;
        swept.notify_one();
        loop {
            let new: Vec<(u64, What)> = {
                let mut world = self.sky.world.look();
                let all = world.office(DESK).since(seen).iter();
                all.map(|happening| (happening.seq, happening.what.clone())).collect()
            };
            for (seq, what) in new {
                seen = seq;
                let Some(envelope) = Self::event(seq, &what) else { continue };
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
            let id = self.sky.write(out.id.as_str(), Span::seconds(15), done).await?;
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
                let all: Vec<Message> = {
                    let mut world = self.sky.world.look();
                    world.office(DESK).thread(CHANNEL, root).cloned().collect()
                };
                for said in all {
                    let envelopes =
                        Self::said(&said).map_or_else(|| Self::echo(&said), |said| vec![said]);
                    for envelope in envelopes {
                        let put = inbox.put(envelope).await;
                        put.map_err(|shut| Failure::Unsure(shut.to_string()))?;
                    }
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
