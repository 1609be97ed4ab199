//! One desk's workspace: members, channels, threads, files, forms. Pure; knows no platform.
//!
//! A message's id is its instant ([`World::mint`](super::World::mint)); a face writes it in its
//! platform's form. Every change is written into [`Office::happened`], in order and for ever:
//! checkers and pages read that, and a face turns it into its platform's events.

use crate::case::time::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the workspace knows of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A colleague.
    Full,
    /// A guest, let into some channels.
    Guest,
    /// Somebody of another workspace, in a shared channel.
    Stranger,
    /// An app's own user.
    Bot,
    /// A colleague who has left.
    Deactivated,
}

/// Somebody who can be in channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// His id, in the platform's form.
    pub id: String,
    /// What people call him.
    pub name: String,
    /// What the workspace knows of him.
    pub kind: Kind,
    /// What he may log in with. Whoever has one of them speaks as him.
    pub tokens: BTreeSet<String>,
}

/// A place where messages stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its id, in the platform's form.
    pub id: String,
    /// Its name, without a leading `#`.
    pub name: String,
    /// Closed: can be read, but nothing can be written.
    pub archived: bool,
    /// Not open to everybody.
    pub private: bool,
    /// Who is in it.
    pub members: BTreeSet<String>,
}

/// A file that was given to the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its id, in the platform's form.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is (`image/png`).
    pub mime: String,
    /// Its description.
    pub alt: Option<String>,
    /// Who gave it.
    pub owner: String,
    /// Its bytes; empty until they arrived.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Where it stands.
    pub channel: String,
    /// Its instant and name.
    pub id: i64,
    /// The message it answers; itself or `None` for one that answers nothing.
    pub thread: Option<i64>,
    /// The member who wrote it.
    pub author: String,
    /// The app it was written with, if it was one.
    pub app: Option<String>,
    /// Its words, as they were sent.
    pub text: String,
    /// Its formatted form, as it was sent; `Null` if there is none.
    pub blocks: Value,
    /// What its author attached for programs; `Null` if nothing.
    pub marks: Value,
    /// Ids of its files.
    pub files: Vec<String>,
    /// When it was last changed.
    pub edited: Option<i64>,
    /// It was deleted; what it said stays in the ledger.
    pub deleted: bool,
    /// Small pictures on it, and who put them there.
    pub reactions: BTreeMap<String, BTreeSet<String>>,
    /// Only this member sees it.
    pub only_for: Option<String>,
    /// A message of a thread that is shown in the channel, too.
    pub broadcast: bool,
    /// A special kind, in the platform's words (`me_message`, `channel_join`).
    pub subtype: Option<String>,
    /// What its author knows it by; a platform that repeats it may have taken it twice.
    pub client_id: Option<String>,
}

/// A form that an app showed to a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Its id, in the platform's form.
    pub id: String,
    /// Who sees it.
    pub member: String,
    /// As the app sent it.
    pub view: Value,
    /// What is said beside its fields after a refusal, by the field's name.
    pub errors: BTreeMap<String, String>,
    /// It was sent and taken, or put away.
    pub closed: bool,
}

/// Something that happened, for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// Its place in the ledger, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum What {
    /// A message was written.
    Posted {
        /// As it was written.
        message: Box<Message>,
    },
    /// A message was changed.
    Edited {
        /// As it was.
        before: Box<Message>,
        /// As it is.
        after: Box<Message>,
    },
    /// A message was deleted.
    Deleted {
        /// As it was.
        before: Box<Message>,
        /// It is kept as an empty stone because others answer it.
        stone: bool,
    },
    /// A small picture was put on a message, or taken off.
    Reacted {
        /// Where.
        channel: String,
        /// On which message.
        message: i64,
        /// By whom.
        member: String,
        /// Which.
        name: String,
        /// Put on, or taken off.
        on: bool,
    },
    /// A channel was closed.
    Archived {
        /// Which.
        channel: String,
    },
    /// A channel was removed with all that stood in it.
    ChannelGone {
        /// Which.
        channel: String,
    },
    /// A channel or thread was made or arranged anew, in the platform's words (`THREAD_CREATE`).
    Arranged {
        /// Which.
        channel: String,
        /// What happened to it.
        how: String,
    },
    /// A member asked an app for something: a button, a command, a form that he sent.
    Asked {
        /// Who.
        member: String,
        /// Which app.
        app: String,
        /// Which surface, in the platform's words (`interactive`, `slash_commands`).
        surface: String,
        /// What the app is told, as the platform writes it.
        payload: Value,
    },
    /// An app did not answer somebody in time; the platform told him so.
    Unanswered {
        /// Who waited.
        member: String,
        /// The place in the ledger of what he asked.
        asked: u64,
    },
    /// A form was shown.
    FormOpened {
        /// Which.
        form: String,
        /// To whom.
        member: String,
    },
}

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum No {
    /// There is no such channel.
    #[error("there is no such channel")]
    NoChannel,
    /// The channel is closed.
    #[error("the channel is archived")]
    Archived,
    /// He is not in the channel.
    #[error("not in this channel")]
    NotIn,
    /// There is no such message.
    #[error("there is no such message")]
    NoMessage,
    /// It is not his.
    #[error("somebody else's message")]
    NotYours,
    /// It answers a message that is itself an answer, or is not there.
    #[error("there is no such thread")]
    NoThread,
    /// It is there already.
    #[error("already there")]
    Already,
}

/// A desk's workspace.
#[derive(Clone, Debug, Default)]
pub struct Office {
    /// Its id, in the platform's form.
    pub team: String,
    /// People and apps, by id.
    pub members: BTreeMap<String, Member>,
    /// Channels, by id.
    pub channels: BTreeMap<String, Channel>,
    /// All messages, by channel and instant; deleted ones stay, marked.
    pub messages: BTreeMap<(String, i64), Message>,
    /// Which messages answer which, oldest first; kept by [`Office::post`].
    pub answers: BTreeMap<(String, i64), BTreeSet<i64>>,
    /// Files, by id.
    pub files: BTreeMap<String, File>,
    /// Forms, by id.
    pub forms: BTreeMap<String, Form>,
    /// All that happened.
    pub happened: Vec<Happening>,
    /// Posts in one channel must be so many microseconds apart, as the platform wants; 0 = no
    /// pace.
    pub pace: i64,
    /// When something was last posted by an app, by channel; for `pace`.
    pub paced: BTreeMap<String, i64>,
    /// What a face keeps for itself (open triggers, forms' counters), by name.
    pub notes: BTreeMap<String, Value>,
}

impl Office {
    /// Adds or replaces a member.
    pub fn hire(&mut self, id: &str, name: &str, kind: Kind, tokens: &[&str]) {
        let tokens = tokens.iter().map(|&t| t.to_owned()).collect();
        let member = Member { id: id.to_owned(), name: name.to_owned(), kind, tokens };
        self.members.insert(id.to_owned(), member);
    }

    /// Adds or replaces a public channel with these members.
    pub fn found(&mut self, id: &str, name: &str, members: &[&str]) {
        let channel = Channel {
            id: id.to_owned(),
            name: name.to_owned(),
            archived: false,
            private: false,
            members: members.iter().map(|&m| m.to_owned()).collect(),
        };
        self.channels.insert(id.to_owned(), channel);
    }

    /// Who has this token.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<&Member> {
        self.members.values().find(|member| member.tokens.contains(token))
    }

    /// A message that is still there.
    #[must_use]
    pub fn message(&self, channel: &str, id: i64) -> Option<&Message> {
        self.messages.get(&(channel.to_owned(), id)).filter(|message| !message.deleted)
    }

    /// The thread below `root`, oldest first, without the root; deleted and private ones left out.
    pub fn thread(&self, channel: &str, root: i64) -> impl Iterator<Item = &Message> {
        let ids = self.answers.get(&(channel.to_owned(), root));
        let channel = channel.to_owned();
        let found = ids.into_iter().flatten().map(move |id| (channel.clone(), *id));
        let found = found.filter_map(|key| self.messages.get(&key));
        found.filter(|m| !m.deleted && m.only_for.is_none())
    }

    /// All messages of a channel that everybody there sees, oldest first, threads among them.
    pub fn channel(&self, channel: &str) -> impl Iterator<Item = &Message> {
        let all = (channel.to_owned(), i64::MIN)..=(channel.to_owned(), i64::MAX);
        self.messages.range(all).map(|(_, m)| m).filter(|m| !m.deleted && m.only_for.is_none())
    }

    /// May this member write here now?
    ///
    /// # Errors
    /// The reason why not.
    pub fn may_write(&self, member: &str, channel: &str) -> Result<(), No> {
        let place = self.channels.get(channel).ok_or(No::NoChannel)?;
        if !place.members.contains(member) {
            return Err(No::NotIn);
        }
        if place.archived { Err(No::Archived) } else { Ok(()) }
    }

    /// Writes a message. Its id must be new ([`World::mint`](super::World::mint)).
    ///
    /// # Errors
    /// The author may not write there, or the thread is not one.
    pub fn post(&mut self, at: Timestamp, mut message: Message) -> Result<i64, No> {
        self.may_write(&message.author, &message.channel)?;
        if let Some(root) = message.thread {
            let parent = self.messages.get(&(message.channel.clone(), root)).ok_or(No::NoThread)?;
            let is_answer = parent.thread.is_some_and(|thread| thread != parent.id);
            let is_gone = parent.deleted && self.thread(&message.channel, root).next().is_none();
            if is_answer || is_gone {
                return Err(No::NoThread);
            }
        }
        message.deleted = false;
        let id = message.id;
        if let Some(root) = message.thread.filter(|root| *root != id) {
            self.answers.entry((message.channel.clone(), root)).or_default().insert(id);
        }
        self.messages.insert((message.channel.clone(), id), message.clone());
        self.note(at, What::Posted { message: Box::new(message) });
        Ok(id)
    }

    /// Changes a message; `change` gets it and alters words, blocks, marks or files.
    ///
    /// # Errors
    /// There is no such message, or it is somebody else's.
    pub fn edit(
        &mut self,
        at: Timestamp,
        who: (&str, Option<&str>),
        place: (&str, i64),
        change: impl FnOnce(&mut Message),
    ) -> Result<(), No> {
        let key = (place.0.to_owned(), place.1);
        let message = self.messages.get_mut(&key).filter(|m| !m.deleted).ok_or(No::NoMessage)?;
        if message.author != who.0 || message.app.as_deref() != who.1 {
            return Err(No::NotYours);
        }
        let before = Box::new(message.clone());
        change(message);
        let after = Box::new(message.clone());
        self.note(at, What::Edited { before, after });
        Ok(())
    }

    /// Deletes a message. One that others answer leaves a stone.
    ///
    /// # Errors
    /// There is no such message, or it is somebody else's (`who` = `None`: an administrator).
    pub fn delete(
        &mut self,
        at: Timestamp,
        who: Option<&str>,
        channel: &str,
        id: i64,
    ) -> Result<(), No> {
        let stone = self.thread(channel, id).next().is_some();
        let message = self.messages.get_mut(&(channel.to_owned(), id)).ok_or(No::NoMessage)?;
        if message.deleted {
            return Err(No::NoMessage);
        }
        if who.is_some_and(|who| who != message.author) {
            return Err(No::NotYours);
        }
        let before = Box::new(message.clone());
        message.deleted = true;
        self.note(at, What::Deleted { before, stone });
        Ok(())
    }

    /// Puts a small picture on a message, or takes it off.
    ///
    /// # Errors
    /// There is no such message, or the picture is (not) there already.
    pub fn react(
        &mut self,
        at: Timestamp,
        member: &str,
        place: (&str, i64),
        name: &str,
        on: bool,
    ) -> Result<(), No> {
        let key = (place.0.to_owned(), place.1);
        let message = self.messages.get_mut(&key).filter(|m| !m.deleted).ok_or(No::NoMessage)?;
        let there = message.reactions.entry(name.to_owned()).or_default();
        let changed = if on { there.insert(member.to_owned()) } else { there.remove(member) };
        if there.is_empty() {
            message.reactions.remove(name);
        }
        if !changed {
            return Err(No::Already);
        }
        let (channel, message) = (place.0.to_owned(), place.1);
        let (member, name) = (member.to_owned(), name.to_owned());
        self.note(at, What::Reacted { channel, message, member, name, on });
        Ok(())
    }

    /// Closes a channel.
    pub fn archive(&mut self, at: Timestamp, channel: &str) {
        if let Some(place) = self.channels.get_mut(channel) {
            place.archived = true;
            self.note(at, What::Archived { channel: channel.to_owned() });
        }
    }

    /// Removes a channel with all that stood in it.
    pub fn remove_channel(&mut self, at: Timestamp, channel: &str) {
        if self.channels.remove(channel).is_some() {
            for (_, message) in self.messages.iter_mut().filter(|((c, _), _)| c == channel) {
                message.deleted = true;
            }
            self.note(at, What::ChannelGone { channel: channel.to_owned() });
        }
    }

    /// Shows a form.
    pub fn open_form(&mut self, at: Timestamp, form: Form) {
        let (id, member) = (form.id.clone(), form.member.clone());
        self.forms.insert(id.clone(), form);
        self.note(at, What::FormOpened { form: id, member });
    }

    /// Happenings after `seq`.
    #[must_use]
    pub fn since(&self, seq: u64) -> &[Happening] {
        let from = usize::try_from(seq).unwrap_or(usize::MAX).min(self.happened.len());
        &self.happened[from..]
    }

    /// Writes into the ledger.
    pub fn note(&mut self, at: Timestamp, what: What) {
        let seq = self.happened.len() as u64 + 1;
        self.happened.push(Happening { seq, at, what });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office() -> Office {
        let mut office = Office::default();
        office.hire("U1", "Ann", Kind::Full, &["token-ann"]);
        office.hire("U2", "Bob", Kind::Full, &[]);
        office.found("C1", "support", &["U1"]);
        office
    }

    fn say(id: i64, author: &str, thread: Option<i64>) -> Message {
        let (channel, author) = ("C1".to_owned(), author.to_owned());
        Message { channel, id, thread, author, text: "hello".into(), ..Message::default() }
    }

    #[test]
    fn only_members_write_and_only_in_real_threads() {
        let mut office = office();
        let now = Timestamp(1);
        assert_eq!(office.post(now, say(1, "U2", None)), Err(No::NotIn));
        assert_eq!(office.post(now, say(1, "U1", None)), Ok(1));
        assert_eq!(office.post(now, say(2, "U1", Some(1))), Ok(2));
        assert_eq!(office.post(now, say(3, "U1", Some(2))), Err(No::NoThread));
        office.archive(now, "C1");
        assert_eq!(office.post(now, say(4, "U1", None)), Err(No::Archived));
        assert_eq!(office.happened.len(), 3);
        assert_eq!(office.since(2).len(), 1);
    }

    #[test]
    fn a_deleted_parent_leaves_a_stone_and_reactions_count_once() {
        let mut office = office();
        let now = Timestamp(1);
        office.post(now, say(1, "U1", None)).unwrap();
        office.post(now, say(2, "U1", Some(1))).unwrap();
        assert_eq!(office.react(now, "U2", ("C1", 2), "x", true), Ok(()));
        assert_eq!(office.react(now, "U2", ("C1", 2), "x", true), Err(No::Already));
        assert_eq!(office.delete(now, Some("U2"), "C1", 1), Err(No::NotYours));
        assert_eq!(office.delete(now, None, "C1", 1), Ok(()));
        assert!(matches!(office.happened.last().unwrap().what, What::Deleted { stone: true, .. }));
        assert_eq!(office.thread("C1", 1).count(), 1);
        assert_eq!(office.by_token("token-ann").unwrap().name, "Ann");
    }

    #[test]
    fn nobody_edits_what_is_not_his() {
        let mut office = office();
        office.post(Timestamp(1), say(1, "U1", None)).unwrap();
        let new = |m: &mut Message| m.text = "new".into();
        assert_eq!(office.edit(Timestamp(2), ("U2", None), ("C1", 1), new), Err(No::NotYours));
        assert_eq!(office.edit(Timestamp(2), ("U1", None), ("C1", 1), new), Ok(()));
        assert_eq!(office.message("C1", 1).unwrap().text, "new");
    }
}
