//! What Discord tells, as events. Pure: people and threads were looked up before.

pub(super) mod asked;
pub(super) mod plain;

use super::wire::{Attachment, Member, Message, User, instant};
use crate::case::event::{self, Envelope, Event, Inside, Remark, Request, Standing};
use crate::case::id::{AgentId, ChannelId, DeliveryId, Deployment, DeskId, MessageId, ThreadId};
use crate::case::limits::{MEDIA, NAME_BYTES, TEXT_BYTES};
use crate::case::model::Agent;
use crate::case::rich::Theirs;
use std::collections::BTreeSet;

/// Who we are on this server, and who may work for us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Me {
    pub(crate) desk: String,
    pub(crate) guild: String,
    pub(crate) user: String,
    pub(crate) app: String,
    /// Roles of agents; empty = every member.
    pub(crate) roles: BTreeSet<String>,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// In a thread below this channel.
    Thread(&'a str),
    /// In a channel itself.
    Channel,
}

impl Me {
    fn desk(&self) -> DeskId {
        DeskId::new(&self.desk)
    }

    pub(super) fn channel(&self, channel: &str) -> ChannelId {
        ChannelId { desk: self.desk(), channel: channel.to_owned() }
    }

    /// A thread is a channel of its own; it is known by the channel it hangs below.
    pub(super) fn thread(&self, parent: &str, root: &str) -> ThreadId {
        ThreadId { channel: self.channel(parent), root: root.to_owned() }
    }

    pub(super) fn message(&self, channel: &str, id: &str) -> MessageId {
        MessageId { channel: self.channel(channel), message: id.to_owned() }
    }

    pub(super) fn agent(&self, user: &User, member: Option<&Member>) -> Agent {
        let nick = member.map_or("", |member| member.nick.as_str());
        let names = [nick, &user.global_name, &user.username, &user.id];
        let name = names.into_iter().find(|name| !name.trim().is_empty()).unwrap_or_default();
        let name = name[..name.floor_char_boundary(NAME_BYTES)].to_owned();
        Agent { id: AgentId { desk: self.desk(), user: user.id.clone() }, name }
    }

    /// Whoever has no agent's role is a guest; who is no member of the server is nobody.
    pub(super) fn standing(&self, user: &User, member: Option<&Member>) -> Standing {
        match member {
            _ if user.bot || user.system => Standing::Nobody,
            None => Standing::Nobody,
            Some(member) if member.pending => Standing::Guest,
            Some(_) if self.roles.is_empty() => Standing::Member,
            Some(member) if member.roles.iter().any(|r| self.roles.contains(r)) => Standing::Member,
            Some(_) => Standing::Guest,
        }
    }

    /// Ours, as author or by our app's name on it.
    pub(crate) fn is_mine(&self, m: &Message) -> bool {
        let same = |mine: &str, theirs: &str| !mine.is_empty() && mine == theirs;
        same(&self.user, &m.author.id) || same(&self.app, &m.application_id)
    }

    pub(super) fn id(&self, channel: &str, rest: &str) -> String {
        format!("discord:{}:{channel}:{rest}", self.guild)
    }
}

/// Posted by an app, an integration or a webhook, in whatever disguise.
fn is_machine(m: &Message) -> bool {
    let author = &m.author;
    author.bot || author.system || !m.webhook_id.is_empty() || !m.application_id.is_empty()
}

/// Hears a message as the gateway or a read tells it. `member` is its author on this server.
pub(crate) fn written(
    me: &Me,
    m: &Message,
    place: Place<'_>,
    member: Option<&Member>,
) -> Vec<Envelope> {
    if me.is_mine(m) {
        return echo(me, m).into_iter().collect();
    }
    // Everything else (joins, pins, renamings, polls' ends) is nobody's words: types 0 and 19 are
    // a message and an answer to one.
    if !matches!(m.kind, 0 | 19) || instant(&m.id).is_none() {
        return Vec::new();
    }
    let id = me.id(&m.channel_id, &m.id);
    if let Some(request) = mention(me, m, place, member) {
        return vec![Envelope::new(id, Event::Asked(Box::new(request)))];
    }
    let Place::Thread(parent) = place else { return Vec::new() };
    let said = |remark| Envelope::new(id, Event::Said(Box::new(remark)));
    remark(me, m, parent, member).map(said).into_iter().collect()
}

/// The message as it stands now, named by its last change. Discord tells of a change, too, when
/// it only unfolded a link: then there is no time of editing.
pub(crate) fn reworded(
    me: &Me,
    m: &Message,
    place: Place<'_>,
    member: Option<&Member>,
) -> Option<Envelope> {
    let Place::Thread(parent) = place else { return None };
    if m.edited_timestamp.is_empty() || me.is_mine(m) || !matches!(m.kind, 0 | 19) {
        return None;
    }
    let mut remark = remark(me, m, parent, member)?;
    // Calling the bot in an edit is no request: it stays a message, and an internal one.
    if addressed(me, &m.content).is_some() && !remark.inside.contains(&Inside::Bot) {
        remark.inside.push(Inside::Bot);
    }
    let id = me.id(&m.channel_id, &format!("{}:edit:{}", m.id, m.edited_timestamp));
    Some(Envelope::new(id, Event::Reworded(Box::new(remark))))
}

/// A message that was deleted in this thread.
pub(crate) fn unsaid(me: &Me, parent: &str, channel: &str, id: &str) -> Envelope {
    // The card of a thread in a text channel stands in the channel; the first message of a forum
    // post has the thread's own id. Without it the case cannot be read.
    let event = if channel == id {
        let why = "the first message of the thread was deleted".to_owned();
        Event::ThreadGone { thread: me.thread(parent, id), why }
    } else {
        let thread = Some(me.thread(parent, channel));
        Event::Unsaid { message: me.message(channel, id), thread }
    };
    Envelope::new(me.id(channel, &format!("{id}:gone")), event)
}

/// A thread that is gone.
pub(crate) fn lost(me: &Me, parent: &str, root: &str, why: &str) -> Envelope {
    let thread = me.thread(parent, root);
    let event = Event::ThreadGone { thread, why: why.to_owned() };
    Envelope::new(me.id(root, &format!("lost:{}", why.len())), event)
}

/// The marks we write into what we post: behind the words of a button, and in the last line.
pub(crate) fn marks(m: &Message) -> Option<(Deployment, DeliveryId)> {
    let last = m.content.lines().next_back().and_then(super::say::unfooted);
    let (deployment, delivery) = last.or_else(|| by_button(m))?;
    Some((Deployment::new(deployment), DeliveryId::new(delivery)))
}

fn by_button(m: &Message) -> Option<(&str, &str)> {
    let rows = m.components.as_array()?.iter();
    let mut buttons = rows.filter_map(|row| row["components"].as_array()).flatten();
    buttons.find_map(|button| super::say::split(button["custom_id"].as_str()?).1)
}

fn echo(me: &Me, m: &Message) -> Option<Envelope> {
    let (deployment, delivery) = marks(m)?;
    let message = me.message(&m.channel_id, &m.id);
    let event = Event::Echo { desk: me.desk(), message, deployment, delivery, at: instant(&m.id)? };
    Some(Envelope::new(me.id(&m.channel_id, &format!("echo:{}", m.id)), event))
}

/// `@careline …`: a request, in a thread or outside. Only people ask.
fn mention(me: &Me, m: &Message, place: Place<'_>, member: Option<&Member>) -> Option<Request> {
    let words = addressed(me, &m.content).filter(|_| !is_machine(m))?;
    let (channel, thread) = match place {
        Place::Thread(parent) => (parent, Some(me.thread(parent, &m.channel_id))),
        Place::Channel => (m.channel_id.as_str(), None),
    };
    let plain = read(me, words, &m.mentions);
    Some(Request {
        by: me.agent(&m.author, member),
        standing: me.standing(&m.author, member),
        channel: me.channel(channel),
        thread,
        named: named(me, &plain, &m.mentions),
        words: plain.text,
        on: None,
        asked: instant(&m.id),
        gesture: false,
    })
}

/// The words behind our own name, if the text begins with it.
fn addressed<'a>(me: &Me, text: &'a str) -> Option<&'a str> {
    if me.user.is_empty() {
        return None;
    }
    let rest = text.trim_start().strip_prefix("<@")?;
    let rest = rest.strip_prefix('!').unwrap_or(rest).strip_prefix(me.user.as_str())?;
    Some(rest.strip_prefix('>')?.trim_start_matches([' ', ':', ',']))
}

/// A text as plain words; people are named as the message itself tells.
pub(super) fn read(me: &Me, text: &str, people: &[User]) -> plain::Plain {
    let names = |id: &str| {
        let user = people.iter().find(|user| user.id == id)?;
        Some(me.agent(user, None).name)
    };
    plain::plain(&text[..text.floor_char_boundary(4 * TEXT_BYTES)], &me.user, &names)
}

/// The members that a text calls.
pub(super) fn named(me: &Me, plain: &plain::Plain, people: &[User]) -> Vec<Agent> {
    let user = |id: &String| {
        let known = people.iter().find(|user| user.id == *id).cloned();
        known.unwrap_or_else(|| User { id: id.clone(), ..User::default() })
    };
    plain.called.iter().map(|id| me.agent(&user(id), None)).take(MEDIA).collect()
}

fn remark(me: &Me, m: &Message, parent: &str, member: Option<&Member>) -> Option<Remark> {
    let machine = is_machine(m);
    let standing = if machine { Standing::Nobody } else { me.standing(&m.author, member) };
    let plain = read(me, &m.content, &m.mentions);
    Some(Remark {
        thread: me.thread(parent, &m.channel_id),
        message: me.message(&m.channel_id, &m.id),
        by: me.agent(&m.author, member),
        standing,
        text: plain.text,
        inside: plain.inside,
        files: m.attachments.iter().take(MEDIA).map(|a| file(m, a)).collect(),
        machine,
        written: instant(&m.id)?,
    })
}

/// Its id names its message too: addresses of files end, and are asked for anew by the message.
fn file(m: &Message, from: &Attachment) -> event::File {
    let named = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    event::File {
        id: format!("{}/{}/{}", m.channel_id, m.id, from.id),
        name: named(&from.title).unwrap_or_else(|| from.filename.clone()),
        mime: named(&from.content_type).unwrap_or_else(|| "application/octet-stream".into()),
        size: from.size,
        alt: named(&from.description),
        url: from.url.clone(),
    }
}

/// Something that nobody can read, kept as it came.
pub(crate) fn unreadable(me: &Me, id: &str, why: &str, raw: &str) -> Envelope {
    let raw = &raw[..raw.floor_char_boundary(crate::case::limits::RAW_BYTES)];
    let (source, why) = (me.desk.clone(), why.to_owned());
    let event = Event::Unreadable { source, why, raw: Theirs::new(raw) };
    Envelope::new(format!("discord:{}:unreadable:{id}", me.guild), event)
}
