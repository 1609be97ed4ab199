//! Hearing: events in order from the queue, each put into the inbox before the next.

use super::gateway::{self, Dispatch, UNREADABLE};
use super::hear::asked::{Surface, Way};
use super::hear::{self, Me, Place, asked};
use super::rest::{Call, Trouble};
use super::say;
use super::wire::{Channel, Interaction, Member, Message, Ready};
use super::{Known, Shared, answer, lock, threads};
use crate::case::effect::Answer;
use crate::case::event::Envelope;
use crate::desk::Stopped;
use crate::inbox::{Inbox, Pulse, Shut, Taken, boundary};
use reqwest::Method;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, channel};

/// Events that wait to be heard; beyond it the gateway is not read.
const QUEUE: usize = 1_024;
/// Discord wants a first answer within three seconds.
/// Source: <https://docs.discord.com/developers/interactions/receiving-and-responding>.
const FIRST_ANSWER: Duration = Duration::from_millis(2_000);
/// Said to whom was told to wait.
const NOT_DONE: &str = "careline is stopping and did not do this. Please ask again in a moment.";

/// See [`crate::desk::Desk::listen`].
pub(super) async fn listen(desk: Shared, inbox: Inbox, swept: Arc<Notify>) -> Stopped {
    desk.token.renew();
    let (queue, events) = channel(QUEUE);
    let ear = Ear { desk: desk.clone(), inbox: inbox.clone(), swept };
    tokio::select! {
        stopped = gateway::run(&desk, &inbox, &queue) => stopped,
        () = ear.work(events) => Stopped::Asked,
    }
}

struct Ear {
    desk: Shared,
    inbox: Inbox,
    swept: Arc<Notify>,
}

type Heard = Result<(), Shut>;

impl Ear {
    async fn work(&self, mut events: Receiver<Dispatch>) {
        while let Some((name, data)) = events.recv().await {
            if self.hear(&name, data).await.is_err() {
                return;
            }
            self.inbox.pulse(&self.desk.feed(), Pulse::Read);
        }
    }

    async fn hear(&self, name: &str, data: Value) -> Heard {
        match name {
            "READY" => self.ready(data),
            "RESUMED" => self.swept.notify_one(),
            "MESSAGE_CREATE" => return self.message(data, false).await,
            "MESSAGE_UPDATE" => return self.message(data, true).await,
            "MESSAGE_DELETE" => return self.deleted(&data, &[text(&data, "id")]).await,
            "MESSAGE_DELETE_BULK" => {
                let ids = data["ids"].as_array().into_iter().flatten();
                let ids: Vec<String> = ids.filter_map(|id| Some(id.as_str()?.into())).collect();
                return self.deleted(&data, &ids).await;
            }
            "INTERACTION_CREATE" => return self.interaction(data).await,
            "GUILD_CREATE" if self.is_ours(&data, "id") => {
                self.learn(&data["channels"]);
                self.learn(&data["threads"]);
            }
            "THREAD_LIST_SYNC" if self.is_ours(&data, "guild_id") => self.learn(&data["threads"]),
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE"
                if self.is_ours(&data, "guild_id") =>
            {
                self.learn(&Value::Array(vec![data.clone()]));
                return self.arranged(&data).await;
            }
            "THREAD_DELETE" if self.is_ours(&data, "guild_id") => {
                let (parent, root) = (text(&data, "parent_id"), text(&data, "id"));
                return self.lost(&parent, &root, "its thread was deleted").await;
            }
            "CHANNEL_DELETE" if self.is_ours(&data, "guild_id") => {
                return self.channel_gone(&text(&data, "id")).await;
            }
            "GUILD_DELETE" if self.is_ours(&data, "id") && data["unavailable"] != true => {
                let why = "careline's bot was taken out of the Discord server; invite it again";
                self.inbox.pulse(&self.desk.feed(), Pulse::Down(why.into()));
            }
            UNREADABLE => return self.unreadable(data.as_str().unwrap_or_default()).await,
            _ => {}
        }
        Ok(())
    }

    fn is_ours(&self, data: &Value, key: &str) -> bool {
        data[key] == self.desk.guild.as_str()
    }

    fn me(&self) -> Me {
        lock(&self.desk.me).clone().unwrap_or_default()
    }

    /// A new session: Discord tells nothing of what happened before, so all is read again.
    fn ready(&self, data: Value) {
        let ready: Ready = serde_json::from_value(data).unwrap_or_default();
        self.desk.is_me(&ready.user.id, &ready.application.id);
        let desk = self.desk.clone();
        tokio::spawn(async move {
            if let Err(trouble) = register(&desk).await {
                let why = format!("{:?}", trouble.after_write());
                tracing::warn!(desk = %desk.desk, why, "commands could not be registered");
            }
        });
        self.swept.notify_one();
    }

    fn learn(&self, channels: &Value) {
        for channel in channels.as_array().into_iter().flatten() {
            if let Ok(channel) = serde_json::from_value::<Channel>(channel.clone()) {
                self.desk.learn(&channel);
            }
        }
    }

    async fn put(&self, envelope: Envelope) -> Result<Taken, Shut> {
        let taken = self.inbox.put(envelope).await?;
        // Safe, and Discord does not know yet.
        boundary::here("discord.acknowledge");
        Ok(taken)
    }

    async fn unreadable(&self, raw: &str) -> Heard {
        // Named by its content: the same frame again is the same event.
        use sha2::{Digest, Sha256};
        let id = hex::encode(&Sha256::digest(raw.as_bytes())[..12]);
        let why = "Discord sent something that cannot be read";
        self.put(hear::unreadable(&self.me(), &id, why, raw)).await.map(drop)
    }

    /// Where a message stands; `None` if Discord does not tell or does not let us see.
    async fn place(&self, channel: &str) -> Option<Known> {
        for wait in [200, 1_000, 0] {
            match self.desk.place(channel).await {
                Ok(known) => return Some(known),
                Err(Trouble::No(..)) => return None,
                Err(_) => tokio::time::sleep(Duration::from_millis(wait)).await,
            }
        }
        // The next sweep reads the thread anyway; it is asked for now.
        self.swept.notify_one();
        None
    }

    async fn message(&self, data: Value, changed: bool) -> Heard {
        if !self.is_ours(&data, "guild_id") {
            return Ok(());
        }
        let Ok(message) = serde_json::from_value::<Message>(data.clone()) else {
            return self.unreadable(&data.to_string()).await;
        };
        let me = self.me();
        if me.is_mine(&message) && changed {
            return Ok(());
        }
        let Some(known) = self.place(&message.channel_id).await else { return Ok(()) };
        let member = self.author(&message).await;
        if changed {
            let new = hear::reworded(&me, &message, known.place(), member.as_ref());
            return self.say(&me, &message, new).await;
        }
        for envelope in hear::written(&me, &message, known.place(), member.as_ref()) {
            self.say(&me, &message, Some(envelope)).await?;
        }
        Ok(())
    }

    /// Puts it; what is to be said about it is posted below the message.
    async fn say(&self, me: &Me, message: &Message, envelope: Option<Envelope>) -> Heard {
        let Some(envelope) = envelope else { return Ok(()) };
        let taken = self.put(envelope).await?;
        if let Some(answer) = taken.answer.filter(|_| !me.is_mine(message)) {
            let (desk, channel) = (self.desk.clone(), message.channel_id.clone());
            let id = message.id.clone();
            tokio::spawn(async move { answer::below(&desk, &channel, &id, &answer).await });
        }
        Ok(())
    }

    /// The author as a member: events say it themselves, mostly.
    async fn author(&self, message: &Message) -> Option<Member> {
        if message.author.bot || !message.webhook_id.is_empty() {
            return None;
        }
        if let Some(member) = message.member.clone() {
            self.desk.meet(&message.author.id, Some(member.clone()));
            return Some(member);
        }
        self.desk.member(&message.author.id, false).await.ok().flatten()
    }

    async fn deleted(&self, data: &Value, ids: &[String]) -> Heard {
        if !self.is_ours(data, "guild_id") {
            return Ok(());
        }
        let (me, channel) = (self.me(), text(data, "channel_id"));
        let Some(known) = self.place(&channel).await else { return Ok(()) };
        for id in ids {
            match known.place() {
                Place::Thread(parent) => {
                    self.put(hear::unsaid(&me, parent, &channel, id)).await?;
                }
                // The card of a thread in a text channel has the thread's id.
                Place::Channel if lock(&self.desk.places).contains_key(id) => {
                    self.lost(&channel, id, "its card was deleted").await?;
                }
                Place::Channel => {}
            }
        }
        Ok(())
    }

    async fn lost(&self, parent: &str, root: &str, why: &str) -> Heard {
        self.put(hear::lost(&self.me(), parent, root, why)).await.map(drop)
    }

    async fn channel_gone(&self, channel: &str) -> Heard {
        let below: Vec<String> = lock(&self.desk.places)
            .iter()
            .filter(|(_, known)| **known == Known::Thread(channel.to_owned()))
            .map(|(root, _)| root.clone())
            .collect();
        lock(&self.desk.places).remove(channel);
        for root in below {
            self.lost(channel, &root, "its channel was deleted").await?;
        }
        Ok(())
    }

    /// Answered after the commit; if that takes long, Discord is told to wait first.
    async fn interaction(&self, data: Value) -> Heard {
        let Ok(mut from) = serde_json::from_value::<Interaction>(data.clone()) else {
            return self.unreadable(&data.to_string()).await;
        };
        if from.channel.is_none() {
            from.channel = self.thread_of(&from.channel_id).await;
        }
        let Some((envelope, way)) = asked::interaction(&self.me(), &from) else { return Ok(()) };
        if way.surface == Surface::Typing {
            self.complete(envelope, way);
            return Ok(());
        }
        if let Some(member) = from.member.clone() {
            let user = member.user.id.clone();
            self.desk.meet(&user, Some(member));
        }
        let mut put = std::pin::pin!(self.put(envelope));
        let mut deferred = false;
        let taken = match tokio::time::timeout(FIRST_ANSWER, &mut put).await {
            Ok(taken) => taken?,
            Err(_) => {
                deferred = answer::defer(&self.desk, &way).await;
                match put.await {
                    Ok(taken) => taken,
                    Err(shut) => {
                        // "Thinking" was shown: the end must be said too.
                        let answer = Answer::Refuse(NOT_DONE.into());
                        answer::answer(&self.desk, &way, Some(&answer), deferred).await;
                        return Err(shut);
                    }
                }
            }
        };
        let desk = self.desk.clone();
        tokio::spawn(async move {
            answer::answer(&desk, &way, taken.answer.as_ref(), deferred).await;
        });
        Ok(())
    }
}

impl Ear {
    /// What is being typed changes nothing and waits for nobody.
    fn complete(&self, envelope: Envelope, way: Way) {
        let (desk, inbox) = (self.desk.clone(), self.inbox.clone());
        tokio::spawn(async move {
            if let Ok(taken) = inbox.put(envelope).await {
                answer::answer(&desk, &way, taken.answer.as_ref(), false).await;
            }
        });
    }

    /// The thread of this id, where Discord itself did not say that it is one.
    async fn thread_of(&self, id: &str) -> Option<Channel> {
        let Some(Known::Thread(parent)) = self.place(id).await else { return None };
        Some(Channel { id: id.to_owned(), kind: 11, parent_id: parent, ..Channel::default() })
    }

    /// A thread as it is now. One of ours that was locked by hand while its case goes on is opened
    /// again, and that is said in it; where that is not allowed, the case goes on elsewhere.
    async fn arranged(&self, data: &Value) -> Heard {
        let Ok(thread) = serde_json::from_value::<Channel>(data.clone()) else { return Ok(()) };
        let locked = thread.thread_metadata.as_ref().is_some_and(|known| known.locked);
        let ours = !self.me().user.is_empty() && thread.owner_id == self.me().user;
        let open = self.desk.labels.told(&thread) == Some(false);
        if !(thread.is_thread() && locked && ours && open) {
            return Ok(());
        }
        match threads::unlock(&self.desk, &thread.id).await {
            Err(Trouble::No(403, _, _)) => {
                self.lost(&thread.parent_id, &thread.id, "its thread was locked by hand").await
            }
            _ => Ok(()),
        }
    }
}

fn text(data: &Value, key: &str) -> String {
    data[key].as_str().unwrap_or_default().to_owned()
}

/// Registers our commands, if what is registered differs.
async fn register(desk: &Shared) -> Result<(), Trouble> {
    let me = desk.me().await?;
    let path = ["applications", &me.app, "guilds", &desk.guild, "commands"];
    let there = desk.rest.call(Call::get(&path)).await?;
    if say::changed(&there) {
        desk.rest.call(Call::new(Method::PUT, &path).with(say::wanted())).await?;
        tracing::info!(desk = %desk.desk, "commands were registered");
    }
    Ok(())
}
