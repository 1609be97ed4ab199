//! What Slack tells, as events. Pure: people were looked up before.

pub(super) mod asked;
pub(super) mod plain;

use super::wire::{File, Message, instant};
use crate::case::event::{self, Envelope, Event, Inside, Remark, Request, Standing};
use crate::case::id::{AgentId, ChannelId, DeliveryId, Deployment, DeskId, MessageId, ThreadId};
use crate::case::limits::{MEDIA, NAME_BYTES, TEXT_BYTES};
use crate::case::model::Agent;
use serde_json::Value;
use std::collections::BTreeMap;

/// Who we are in this workspace, as `auth.test` and `hello` told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Me {
    pub(crate) desk: String,
    pub(crate) team: String,
    pub(crate) user: String,
    pub(crate) bot: String,
    pub(crate) app: String,
}

/// What is known of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) standing: Standing,
}

/// People who were looked up.
pub(crate) type People = BTreeMap<String, Person>;

impl Me {
    fn desk(&self) -> DeskId {
        DeskId::new(&self.desk)
    }

    pub(super) fn channel(&self, channel: &str) -> ChannelId {
        ChannelId { desk: self.desk(), channel: channel.to_owned() }
    }

    pub(super) fn thread(&self, channel: &str, root: &str) -> ThreadId {
        ThreadId { channel: self.channel(channel), root: root.to_owned() }
    }

    pub(super) fn message(&self, channel: &str, ts: &str) -> MessageId {
        MessageId { channel: self.channel(channel), message: ts.to_owned() }
    }

    /// Somebody without a record is nobody: he may be seen, but never speak for us.
    pub(super) fn agent(&self, people: &People, user: &str) -> (Agent, Standing) {
        let known = people.get(user);
        let name = known.map_or_else(|| user.to_owned(), |person| person.name.clone());
        let id = AgentId { desk: self.desk(), user: user.to_owned() };
        (Agent { id, name }, known.map_or(Standing::Nobody, |person| person.standing))
    }

    fn is_mine(&self, message: &Message) -> bool {
        let same = |mine: &str, theirs: &str| !mine.is_empty() && mine == theirs;
        same(&self.bot, &message.bot_id)
            || same(&self.app, &message.app_id)
            || same(&self.user, &message.user)
    }

    pub(super) fn id(&self, channel: &str, rest: &str) -> String {
        format!("slack:{}:{channel}:{rest}", self.team)
    }
}

/// Everybody whose name or standing is needed to hear this message.
pub(crate) fn people(message: &Message) -> Vec<String> {
    let now = message.message.as_deref().unwrap_or(message);
    let mut all: Vec<String> = plain::called(&now.text).map(str::to_owned).collect();
    all.truncate(MEDIA);
    all.push(now.user.clone());
    all.retain(|id| id.len() < NAME_BYTES && id.starts_with(['U', 'W']));
    all.sort_unstable();
    all.dedup();
    all
}

/// Hears a message event (`message` or `app_mention`).
pub(crate) fn message(me: &Me, people: &People, event: &Message) -> Vec<Envelope> {
    match event.subtype.as_str() {
        "message_changed" => changed(me, people, event),
        "message_deleted" => deleted(me, event),
        _ => written(me, people, event, &event.channel),
    }
}

/// Hears a message as history or an event shows it.
pub(crate) fn written(me: &Me, people: &People, m: &Message, channel: &str) -> Vec<Envelope> {
    if me.is_mine(m) {
        return echo(me, m, channel);
    }
    // Joins, topics, renamings, calls: nobody's words.
    let spoken = matches!(
        m.subtype.as_str(),
        "" | "file_share" | "thread_broadcast" | "me_message" | "bot_message"
    );
    if !spoken || instant(&m.ts).is_none() {
        return Vec::new();
    }
    if let Some(request) = mention(me, people, m, channel) {
        return vec![Envelope::new(me.id(channel, &m.ts), Event::Asked(Box::new(request)))];
    }
    let remark = in_thread(m).then(|| remark(me, people, m, channel)).flatten();
    let said = |remark| Envelope::new(me.id(channel, &m.ts), Event::Said(Box::new(remark)));
    remark.map(said).into_iter().collect()
}

fn in_thread(m: &Message) -> bool {
    !m.thread_ts.is_empty() && m.thread_ts != m.ts
}

/// Posted by an app, a workflow or a webhook, in whatever disguise. A tool that posts with a
/// person's token carries no bot id, but Slack's own clients give each message an id of theirs.
fn is_machine(m: &Message) -> bool {
    !m.bot_id.is_empty() || !m.app_id.is_empty() || m.subtype == "bot_message" || m.user.is_empty()
}

/// The marks that we write into what we post: `cl:<deployment>:<delivery>` on the first block,
/// and the same as metadata.
pub(crate) fn marks(m: &Message) -> Option<(Deployment, Vec<DeliveryId>)> {
    let block = m.blocks.as_array().and_then(|all| all.first());
    let block = block.and_then(|block| block["block_id"].as_str());
    let by_block = block.and_then(|id| id.strip_prefix("cl:")?.split_once(':'));
    let payload = &m.metadata["event_payload"];
    let by_metadata = || {
        let ours = m.metadata["event_type"] == super::say::EVENT;
        Some((payload["deployment"].as_str()?, payload["delivery"].as_str()?)).filter(|_| ours)
    };
    let (deployment, head) = by_block.or_else(by_metadata)?;
    let with = payload["with"].as_str().unwrap_or_default().split_whitespace();
    let all = std::iter::once(head).chain(with).map(DeliveryId::new).collect();
    Some((Deployment::new(deployment), all))
}

/// One for each delivery that stands in the message.
fn echo(me: &Me, m: &Message, channel: &str) -> Vec<Envelope> {
    let (Some((deployment, all)), Some(at)) = (marks(m), instant(&m.ts)) else {
        return Vec::new();
    };
    let one = |delivery: DeliveryId| {
        let id = me.id(channel, &format!("echo:{}:{delivery}", m.ts));
        let (desk, message) = (me.desk(), me.message(channel, &m.ts));
        let deployment = deployment.clone();
        Envelope::new(id, Event::Echo { desk, message, deployment, delivery, at })
    };
    all.into_iter().map(one).collect()
}

/// `@careline …`: a request, in a thread or outside. Only people ask.
fn mention(me: &Me, people: &People, m: &Message, channel: &str) -> Option<Request> {
    let words = addressed(me, &m.text)?;
    if is_machine(m) {
        return None;
    }
    let (by, standing) = me.agent(people, &m.user);
    Some(Request {
        by,
        standing,
        channel: me.channel(channel),
        thread: in_thread(m).then(|| me.thread(channel, &m.thread_ts)),
        words: read(me, people, words).text,
        named: named(me, people, words),
        on: None,
        asked: instant(&m.ts),
        gesture: false,
    })
}

/// The words behind our own name, if the text begins with it.
fn addressed<'a>(me: &Me, text: &'a str) -> Option<&'a str> {
    if me.user.is_empty() {
        return None;
    }
    let rest = text.trim_start().strip_prefix("<@")?.strip_prefix(me.user.as_str())?;
    let (label, rest) = rest.split_once('>')?;
    (label.is_empty() || label.starts_with('|')).then(|| rest.trim_start_matches([' ', ':', ',']))
}

/// Colleagues whom the words name, in order.
fn named(me: &Me, people: &People, words: &str) -> Vec<Agent> {
    let others = plain::called(words).filter(|id| *id != me.user && people.contains_key(*id));
    others.take(MEDIA).map(|id| me.agent(people, id).0).collect()
}

fn read(me: &Me, people: &People, text: &str) -> plain::Plain {
    let names = |id: &str| people.get(id).map(|person| person.name.clone());
    let cut = &text[..text.floor_char_boundary(4 * TEXT_BYTES)];
    plain::plain(cut, &me.user, &names)
}

fn remark(me: &Me, people: &People, m: &Message, channel: &str) -> Option<Remark> {
    let machine = is_machine(m);
    let (mut by, mut standing) = me.agent(people, &m.user);
    if machine {
        standing = Standing::Nobody;
        if m.user.is_empty() {
            by.id.user = if m.bot_id.is_empty() { "app" } else { &m.bot_id }.to_owned();
            by.name = if m.username.is_empty() { "an app" } else { &m.username }.to_owned();
        }
    }
    by.name.truncate(by.name.floor_char_boundary(NAME_BYTES));
    let plain = read(me, people, &m.text);
    Some(Remark {
        thread: me.thread(channel, &m.thread_ts),
        message: me.message(channel, &m.ts),
        by,
        standing,
        text: plain.text,
        inside: plain.inside,
        files: files(m),
        machine,
        written: instant(&m.ts)?,
    })
}

fn files(m: &Message) -> Vec<event::File> {
    let there = m.files.iter().filter(|file| file.mode != "tombstone");
    there.take(MEDIA).map(file).collect()
}

fn file(from: &File) -> event::File {
    let url = if from.url_private_download.is_empty() {
        &from.url_private
    } else {
        &from.url_private_download
    };
    event::File {
        id: from.id.clone(),
        name: from.name.clone(),
        mime: from.mimetype.clone(),
        size: from.size,
        alt: Some(from.alt_txt.clone()).filter(|alt| !alt.trim().is_empty()),
        url: url.clone(),
    }
}

/// Only a change of words or files counts: Slack sends the same event when a link unfolds and
/// when somebody answers.
fn changed(me: &Me, people: &People, event: &Message) -> Vec<Envelope> {
    let Some(new) = event.message.as_deref() else { return Vec::new() };
    let old = event.previous_message.as_deref();
    if new.subtype == "tombstone" {
        return old.map(|old| gone(me, old, &event.channel)).unwrap_or_default();
    }
    let ids = |m: &Message| files(m).into_iter().map(|f| f.id).collect::<Vec<_>>();
    let same = old.map_or(new.edited.is_none(), |old| old.text == new.text && ids(old) == ids(new));
    if same || me.is_mine(new) || !in_thread(new) {
        return Vec::new();
    }
    reworded(me, people, new, &event.channel, &event.ts).into_iter().collect()
}

/// The message as it stands now, named by its last change.
pub(crate) fn reworded(
    me: &Me,
    people: &People,
    new: &Message,
    channel: &str,
    seen: &str,
) -> Option<Envelope> {
    let when = new.edited.as_ref().map_or(seen, |edited| edited.ts.as_str());
    let id = me.id(channel, &format!("{}:edit:{when}", new.ts));
    let mut remark = remark(me, people, new, channel)?;
    // Calling the bot in an edit is no request: it stays a message, and an internal one.
    if addressed(me, &new.text).is_some() && !remark.inside.contains(&Inside::Bot) {
        remark.inside.push(Inside::Bot);
    }
    Some(Envelope::new(id, Event::Reworded(Box::new(remark))))
}

/// The last change of a message that history shows, as its event told it or would have.
pub(crate) fn edited(me: &Me, people: &People, m: &Message, channel: &str) -> Option<Envelope> {
    let changed = m.edited.is_some() && in_thread(m) && !me.is_mine(m);
    if changed { reworded(me, people, m, channel, &m.ts) } else { None }
}

fn deleted(me: &Me, event: &Message) -> Vec<Envelope> {
    let mut old = event.previous_message.as_deref().cloned().unwrap_or_default();
    if old.ts.is_empty() {
        old.ts.clone_from(&event.deleted_ts);
    }
    gone(me, &old, &event.channel)
}

/// A deleted answer was unsaid; a deleted card takes its thread with it. A notice of ours that
/// somebody deletes, and chatter outside threads, change nothing.
fn gone(me: &Me, old: &Message, channel: &str) -> Vec<Envelope> {
    let mine = me.is_mine(old);
    let unknown = old.user.is_empty() && old.bot_id.is_empty();
    let event = if mine && !in_thread(old) {
        thread_gone(me, channel, &old.ts, "the first message of the thread was deleted")
    } else if !mine && (in_thread(old) || unknown) {
        let thread = in_thread(old).then(|| me.thread(channel, &old.thread_ts));
        Event::Unsaid { message: me.message(channel, &old.ts), thread }
    } else {
        return Vec::new();
    };
    vec![Envelope::new(me.id(channel, &format!("{}:gone", old.ts)), event)]
}

/// A message that is known and does not stand in its thread any more; named as its event is.
pub(crate) fn unsaid(me: &Me, channel: &str, root: &str, ts: &str) -> Envelope {
    let (message, thread) = (me.message(channel, ts), Some(me.thread(channel, root)));
    Envelope::new(me.id(channel, &format!("{ts}:gone")), Event::Unsaid { message, thread })
}

fn thread_gone(me: &Me, channel: &str, root: &str, why: &str) -> Event {
    Event::ThreadGone { thread: me.thread(channel, root), why: why.to_owned() }
}

/// A thread that is gone for a reason that came from elsewhere.
pub(crate) fn lost(me: &Me, channel: &str, root: &str, why: &str) -> Envelope {
    let id = me.id(channel, &format!("{root}:lost:{}", why.len()));
    Envelope::new(id, thread_gone(me, channel, root, why))
}

/// The channel that was closed or removed by this event, if it is such an event.
pub(crate) fn closed(event: &Value) -> Option<(String, &'static str)> {
    let why = match event["type"].as_str()? {
        "channel_archive" | "group_archive" => "its channel was archived",
        "channel_deleted" | "group_deleted" => "its channel was deleted",
        "channel_left" | "group_left" => "careline was taken out of its channel",
        _ => return None,
    };
    let channel = &event["channel"];
    let id = channel.as_str().or_else(|| channel["id"].as_str())?;
    Some((id.to_owned(), why))
}
