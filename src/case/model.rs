//! What a case is made of: people, their words, and how far each word has come.

use super::event::{File, Mention};
use super::gate::Rule;
use super::id::{
    AccountId, AgentId, CaseNo, ChannelId, ContactId, DeliveryId, MessageId, PostId, ThreadId,
};
use super::likeness::Likeness;
use super::rich::{Rich, Theirs};
use super::time::Timestamp;
use super::tone::Score;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A member of staff who acts, with the name people know him by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Who, for the program.
    pub id: AgentId,
    /// Who, for people.
    pub name: String,
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    /// The customer waits for us, or his words stand there and nobody has answered them.
    Open,
    /// We answered; the next word is the customer's.
    Answered,
    /// Done.
    Closed,
}

/// Who can read a post. Ordered from narrow to wide, so that `min` never widens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Audience {
    /// Only who is named in it.
    Direct,
    /// The author's followers.
    Followers,
    /// Everybody who has the link.
    Unlisted,
    /// Everybody.
    Public,
}

/// What is known of one customer on one network. Guards that he has at most one open case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Who, for the program.
    pub id: ContactId,
    /// The handle as the network shows it, without a leading `@`.
    pub handle: Theirs,
    /// The name he gave himself.
    pub name: Theirs,
    /// His page.
    pub url: Option<String>,
    /// The newest case, open or closed.
    pub newest: Option<CaseNo>,
    /// How many cases there were.
    pub cases: u32,
    /// How many times he had to write, over all cases.
    pub wrote: u32,
    /// When he was first seen.
    pub first: Timestamp,
    /// The same person elsewhere, as an agent said.
    #[serde(default)]
    pub same: Vec<ContactId>,
    /// Who blocked him: what he writes is shown, and opens nothing.
    #[serde(default)]
    pub blocked: Option<Agent>,
    /// How many of his cases were not ours.
    #[serde(default)]
    pub noise: u32,
    /// What colleagues should know of him.
    #[serde(default)]
    pub profile: Option<Profile>,
    /// How many followers he had when he wrote last, where the network tells. For the report
    /// `fairness` alone: no card shows it and no decision reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<u64>,
}

/// A colleague's note about a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The note, at most [`ABOUT_CHARS`](super::limits::ABOUT_CHARS).
    pub text: Theirs,
    /// Whose it is.
    pub by: Agent,
    /// Since when it stands.
    pub at: Timestamp,
}

impl Profile {
    /// The note, whose it is and since when.
    #[must_use]
    pub fn said(&self) -> Rich {
        Rich::new()
            .theirs(&self.text)
            .say(" (")
            .agent(&self.by.name)
            .say(", ")
            .when(self.at)
            .say(")")
    }
}

/// A customer's post, as the case row remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Its line.
    pub line: u32,
    /// The post.
    pub post: PostId,
    /// When it stood in the thread, by the desk's clock. `None` while it is on its way.
    pub shown: Option<Timestamp>,
    /// The customer took it back.
    pub withdrawn: bool,
    /// The customer changed it last.
    pub edited: Option<Timestamp>,
    /// When he wrote it.
    pub written: Timestamp,
    /// Who can read it.
    pub audience: Audience,
    /// Its content warning, cut at [`NAME_BYTES`](super::limits::NAME_BYTES).
    pub warning: Option<Theirs>,
    /// The network does not let us answer it.
    #[serde(default)]
    pub no_reply: bool,
    /// It was not addressed to us.
    #[serde(default, skip_serializing_if = "is_false")]
    pub overheard: bool,
    /// It is public, and its author has a private answer to it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub private_reply: bool,
}

impl Heard {
    /// Is it a word to us that still stands?
    #[must_use]
    pub const fn waits(&self) -> bool {
        !self.withdrawn && !self.overheard
    }
}

/// For `serde`, which wants a function: rows without the mark stay as they were.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What stands at a desk, and who put it there: the delivery that posted it, and the last one that
/// changed it, so that a newer change can take the place of one that has not left yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The delivery that posted it.
    pub by: DeliveryId,
    /// The last delivery that changed it.
    pub amend: Option<DeliveryId>,
}

/// A time at which a case wants to be woken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alarm {
    /// When.
    pub at: Timestamp,
    /// What for.
    pub what: Wake,
}

/// What an alarm is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Wake {
    /// The undo time of the reply in this line is over.
    Release(u32),
    /// The customer has waited for as long as policy allows, for this rung of the ladder.
    Patience(u32),
    /// The time it was put out of sight for is over.
    Snooze,
    /// The promise noted in this line is due.
    Promise(u32),
    /// It was promised to be closed by now.
    Solved,
}

/// One conversation with one contact, from first mention to closing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its number.
    pub no: CaseNo,
    /// Our account.
    pub account: AccountId,
    /// The customer.
    pub contact: ContactId,
    /// His handle when he last wrote.
    pub handle: Theirs,
    /// His name when he last wrote.
    pub name: Theirs,
    /// Where it stands.
    pub status: Status,
    /// Who looks after it.
    pub claimer: Option<Agent>,
    /// When it began.
    pub opened: Timestamp,
    /// When it was closed.
    pub closed: Option<Timestamp>,
    /// Why it was closed, in the agent's words.
    pub cause: Option<String>,
    /// Since when the customer waits: his oldest unanswered words.
    pub waits: Option<Timestamp>,
    /// The channel its thread belongs to.
    pub channel: ChannelId,
    /// Its thread; `None` until the desk has given a receipt.
    pub thread: Option<ThreadId>,
    /// The delivery that showed the card on top of the thread, and the last that changed it.
    pub card: Shown,
    /// Lines so far; the next line's number.
    pub lines: u32,
    /// Deliveries so far; part of the next delivery's id.
    pub sent: u32,
    /// How many times the customer wrote in this case.
    pub wrote: u32,
    /// His newest posts, oldest first, at most [`RECENT`](super::limits::RECENT).
    pub recent: Vec<Heard>,
    /// The line of the last answer of ours: a reply that was sent, or a colleague's own post.
    pub answered: Option<u32>,
    /// Replies that wait for their time or for a press.
    pub held: Vec<u32>,
    /// Replies that are on their way to the customer.
    pub sending: Vec<u32>,
    /// The newest reply of which nobody knows whether it arrived.
    pub unknown: Option<u32>,
    /// When it wants to be woken.
    pub alarms: Vec<Alarm>,
    /// The closed case of the same contact that it follows.
    pub follows: Option<CaseNo>,
    /// Cases of other people in the same public thread.
    pub linked: Vec<CaseNo>,
    /// Threads that were lost; the case moved on to the one above.
    pub lost: Vec<ThreadId>,
    /// When its newest delivery was decided. Never goes back, whatever the clock does, so that a
    /// lane keeps its order.
    #[serde(default)]
    pub newest_order: Timestamp,
    /// What agents called it, sorted.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Out of sight until then.
    #[serde(default)]
    pub snoozed: Option<Snooze>,
    /// Why it is urgent, and which rung of the ladder was told.
    #[serde(default)]
    pub alert: Option<Alert>,
    /// The desk refused the card with the customer's words: it is shown without them.
    #[serde(default)]
    pub plain: bool,
    /// What is odd about the customer's handle or name.
    #[serde(default)]
    pub odd: Option<Likeness>,
    /// What was read in his newest mention.
    #[serde(default)]
    pub score: Option<Score>,
    /// He has never written to us: all his posts here were overheard. Read-only until a person
    /// chooses to answer, and then one answer until he speaks to us.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unasked: bool,
    /// The copy of its card at the bottom of the thread, if somebody asked for one.
    #[serde(default)]
    pub low: Option<Shown>,
    /// How it stands among those that wait.
    #[serde(default)]
    pub priority: Priority,
    /// Who looked after this customer before: he is offered it first.
    #[serde(default)]
    pub knew: Option<Agent>,
    /// How many times the customer said thanks and nothing else.
    #[serde(default)]
    pub thanks: u32,
    /// The same person elsewhere, as far as it was known when this changed last.
    #[serde(default)]
    pub same: Vec<ContactId>,
    /// Rules that called somebody for it, each with its last time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fired: Vec<Fired>,
    /// When somebody said that it is not urgent: its wait counts from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calmed: Option<Timestamp>,
    /// The incident it stands under, by its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<u32>,
    /// How often somebody would have been called for it while that incident went on.
    #[serde(default)]
    pub muted: u32,
}

/// How a case stands among those that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// Before all others.
    High,
    /// By how long it waits.
    #[default]
    Normal,
    /// After all others.
    Low,
}

/// Who is not there. One record for the whole team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// By the key of the person.
    pub away: BTreeMap<String, Away>,
}

/// Somebody who is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Who, by the account he said it from.
    pub who: Agent,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` until he says so.
    pub until: Option<Timestamp>,
}

impl Duty {
    /// Is the person of this key away at this instant?
    #[must_use]
    pub fn away(&self, key: &str, at: Timestamp) -> Option<&Away> {
        self.away.get(key).filter(|away| away.until.is_none_or(|until| at < until))
    }
}

/// A case that was put out of sight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// Until when; `None` until the customer writes.
    pub until: Option<Timestamp>,
    /// By whom.
    pub by: Agent,
}

/// What a case was alerted for, and how far up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Reasons in words, oldest first, each once.
    pub why: Vec<String>,
    /// Rungs of the ladder that were told in this wait, each once.
    #[serde(default)]
    pub told: BTreeSet<u32>,
    /// Nobody was told: it waits for the list at the next opening.
    #[serde(default)]
    pub held: bool,
    /// Since when.
    pub since: Timestamp,
    /// The message that shows it; repeats change it.
    pub shown: Option<Shown>,
    /// Who has seen to it.
    pub taken: Option<Agent>,
}

impl Alert {
    /// Of which nothing is known yet.
    #[must_use]
    pub const fn since(at: Timestamp) -> Self {
        Self {
            why: Vec::new(),
            told: BTreeSet::new(),
            held: false,
            since: at,
            shown: None,
            taken: None,
        }
    }
}

/// A rule that called somebody for a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// Its name.
    pub rule: String,
    /// When it called last.
    pub at: Timestamp,
}

/// One line of a case: something that was said, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The case.
    pub case: CaseNo,
    /// Its place in the case, from 0.
    pub seq: u32,
    /// When.
    pub at: Timestamp,
    /// What.
    pub body: Body,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// The customer wrote.
    Mention {
        /// What he wrote.
        mention: Box<Mention>,
        /// What shows it in the thread.
        shown: Shown,
        /// He changed it so many times.
        edits: u32,
    },
    /// An agent wrote to the customer.
    Reply(Box<ReplyLine>),
    /// An agent's words that stay inside, with the rule that kept them.
    Remark {
        /// Who.
        by: Agent,
        /// What.
        text: String,
        /// His message.
        source: Option<MessageId>,
        /// Why it stayed inside.
        rule: Rule,
        /// Files that came with it.
        #[serde(default)]
        files: Vec<File>,
    },
    /// We, or a colleague in the network's own app, answered there.
    Own {
        /// The post.
        post: PostId,
        /// Its text.
        text: String,
        /// Where to read it.
        url: Option<String>,
    },
}

/// A reply and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyLine {
    /// Who wrote it.
    pub by: Agent,
    /// His words, as the customer will read them (before splitting).
    pub text: String,
    /// His message in the thread, if it was one.
    pub source: Option<MessageId>,
    /// Files that go with it.
    pub files: Vec<File>,
    /// To which post of the customer, frozen when the words were captured.
    pub target: Target,
    /// How far it has come.
    pub state: ReplyState,
    /// Its parts on the way out, in order.
    pub parts: Vec<DeliveryId>,
    /// Parts that arrived.
    pub arrived: u32,
    /// Where the first part can be read.
    pub url: Option<String>,
    /// The line in the thread that tells how far it has come.
    pub told: Option<Shown>,
    /// Newest line of the case that the author could have seen when he wrote, or was asked.
    pub saw: u32,
    /// How many times it was changed after it had arrived.
    #[serde(default)]
    pub edits: u32,
}

/// The post a reply answers. Frozen: nothing of it is looked up again at sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// From which account of ours.
    pub account: AccountId,
    /// To which post.
    pub post: PostId,
    /// Its line in the case.
    pub line: u32,
    /// Its author.
    pub contact: ContactId,
    /// His handle, for networks where an answer must name him.
    pub handle: Theirs,
    /// Who could read it: the reply is never for more people.
    pub audience: Audience,
    /// Its content warning, carried over.
    pub warning: Option<Theirs>,
    /// When it was written: some networks take an answer only for a while.
    #[serde(default)]
    pub written: Timestamp,
    /// The post is public, and this answer is for its author alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub private_reply: bool,
}

/// How far a reply has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplyState {
    /// Waits for its undo time.
    Held,
    /// Waits for a press, for this reason.
    Asking(Ask),
    /// On its way.
    Sending,
    /// All parts arrived.
    Sent,
    /// It had arrived, and was deleted there again.
    Removed,
    /// Taken back before it left.
    Withdrawn,
    /// Not sent, for this reason; nothing (or only the parts that arrived) is public.
    Failed(String),
    /// Nobody knows whether it arrived; a person must look.
    Unknown(String),
}

/// Why a reply waits for a press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// The customer wrote again in the meantime.
    WroteAgain,
    /// Somebody else answered in the meantime.
    AnsweredAlready,
    /// The customer took the post back.
    PostGone,
    /// The customer changed the post in the meantime.
    PostChanged,
    /// It carries files.
    Files,
    /// It was written long ago: careline was away.
    Old,
    /// It looks like it holds a secret or somebody's personal numbers.
    Secret,
    /// The customer did not write to us: somebody must choose to answer him.
    Unasked,
    /// Its author is learning: a second person lets it go.
    Approval,
    /// A link makes it dear: it costs so many thousandths of a US dollar.
    Price(u32),
}

impl Case {
    /// Since when it waits, for the order of those that wait: a high priority counts a hundred
    /// years more, a low one less.
    #[must_use]
    pub fn place(&self) -> Timestamp {
        const CENTURY: i64 = 36_525 * 86_400_000_000;
        let since = self.waits.map_or(i64::MAX, |since| since.0);
        Timestamp(match self.priority {
            Priority::High => since.saturating_sub(CENTURY),
            Priority::Normal => since,
            Priority::Low => since.saturating_add(CENTURY),
        })
    }

    /// What `find` looks through, besides the lines: number, handle, name, tags, cause; small.
    #[must_use]
    pub fn words(&self) -> String {
        let tags = self.tags.join(" ");
        let cause = self.cause.as_deref().unwrap_or_default();
        let (handle, name) = (self.handle.raw(), self.name.raw());
        format!("{} @{handle} {name} {tags} {cause}", self.no).to_lowercase()
    }
}

impl Line {
    /// What `find` looks through: the line's words, small.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.body {
            Body::Mention { mention, .. } => mention.text.raw().to_lowercase(),
            Body::Reply(reply) => reply.text.to_lowercase(),
            Body::Remark { text, .. } | Body::Own { text, .. } => text.to_lowercase(),
        }
    }
}
