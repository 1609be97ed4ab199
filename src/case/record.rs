//! What is remembered: keys, records, and what a decision reads and writes.
//!
//! A decision sees a map of records with their versions and returns a map of records. An absent
//! record has version 0, so that "nobody has this yet" can be guarded like any other fact.

use super::ability::Abilities;
use super::effect::{Answer, Delivery};
use super::id::{
    AccountId, CaseNo, ContactId, DeliveryId, Deployment, EnvelopeId, FeedId, MessageId, PostId,
    ThreadId,
};
use super::incident::Incident;
use super::model::{Agent, Case, Contact, Duty, Line, Status};
use super::rich::Theirs;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The name of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// A case.
    Case(CaseNo),
    /// A line of a case.
    Line(CaseNo, u32),
    /// A contact.
    Contact(ContactId),
    /// Which case a thread belongs to.
    Thread(ThreadId),
    /// Which line a desk message is (an agent's, or one of ours).
    Message(MessageId),
    /// Which line a network post is.
    Post(AccountId, PostId),
    /// Which cases a public conversation has.
    Conversation(AccountId, String),
    /// A delivery.
    Delivery(DeliveryId),
    /// How far a feed was read.
    Cursor(FeedId),
    /// What an account can do.
    Account(AccountId),
    /// A contact that was erased; the name is a keyed hash.
    Tombstone(String),
    /// An unreadable event.
    Quarantine(EnvelopeId),
    /// Whether anything may be sent.
    Switch,
    /// Who this store is.
    Identity,
    /// Who is not there.
    Duty,
    /// Many cases with one cause.
    Incident,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// See [`Key::Case`].
    Case(Box<Case>),
    /// See [`Key::Line`].
    Line(Box<Line>),
    /// See [`Key::Contact`].
    Contact(Box<Contact>),
    /// See [`Key::Thread`].
    Thread(CaseNo),
    /// See [`Key::Message`].
    Message(CaseNo, u32),
    /// See [`Key::Post`].
    Post(CaseNo, u32),
    /// See [`Key::Conversation`].
    Conversation(Vec<CaseNo>),
    /// See [`Key::Delivery`].
    Delivery(Box<Delivery>),
    /// See [`Key::Cursor`].
    Cursor(String),
    /// See [`Key::Account`].
    Account(Abilities),
    /// See [`Key::Tombstone`].
    Tombstone(Timestamp),
    /// See [`Key::Quarantine`].
    Quarantine {
        /// From where.
        source: String,
        /// What was wrong.
        why: String,
        /// What came.
        raw: Theirs,
        /// When.
        at: Timestamp,
    },
    /// See [`Key::Switch`].
    Switch(Switch),
    /// See [`Key::Identity`].
    Identity(Identity),
    /// See [`Key::Duty`].
    Duty(Duty),
    /// See [`Key::Incident`].
    Incident(Box<Incident>),
}

impl Record {
    /// The line, if it is one.
    #[must_use]
    pub fn line(&self) -> Option<&Line> {
        match self {
            Self::Line(line) => Some(line),
            _ => None,
        }
    }

    /// The delivery, if it is one.
    #[must_use]
    pub fn delivery(&self) -> Option<&Delivery> {
        match self {
            Self::Delivery(delivery) => Some(delivery),
            _ => None,
        }
    }
}

/// Whether anything may be sent to customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// Why nothing is sent; `None` while all is well.
    pub stopped: Option<String>,
    /// Since when it is as it is.
    pub since: Timestamp,
}

/// Who a store is. Made once, at its first opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Written into all we post at a desk.
    pub deployment: Deployment,
    /// The key of the tombstones' hash, in hexadecimal.
    pub salt: String,
    /// When the store was made.
    pub made: Timestamp,
}

/// A record with its version; absent records have version 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versioned {
    /// How many times it was written.
    pub version: u64,
    /// The record.
    pub record: Option<Record>,
}

/// What must be read before a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Records by name.
    pub keys: BTreeSet<Key>,
    /// At most one question over all cases. Its answer is a hint and guards nothing.
    pub query: Option<Query>,
}

/// A question over all cases, newest wait first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// Open cases that nobody has claimed, longest wait first.
    Unclaimed,
    /// Cases of one person, by all his accounts, that are not closed.
    Of(Vec<super::id::AgentId>),
    /// As `Unclaimed`, and behind them those of this person.
    Queue(Vec<super::id::AgentId>),
    /// All cases that are not closed, longest wait first; those out of sight last.
    NotClosed,
    /// All cases of these contacts, newest first.
    OfContacts(Vec<super::id::ContactId>),
    /// Cases whose number, tags, handle, name or words hold all these words, newest first. Case of
    /// letters does not matter.
    Find(String),
}

/// A case as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its number.
    pub no: CaseNo,
    /// Who wrote.
    pub handle: Theirs,
    /// Where it stands.
    pub status: Status,
    /// Who looks after it.
    pub claimer: Option<Agent>,
    /// Who looked after this customer before.
    pub knew: Option<Agent>,
    /// Since when the customer waits.
    pub waits: Option<Timestamp>,
    /// Its place among those that wait ([`Case::place`]).
    pub place: Timestamp,
    /// When something in it was decided last.
    pub changed: Timestamp,
    /// Its thread.
    pub thread: Option<ThreadId>,
    /// It is out of sight.
    pub snoozed: bool,
    /// What agents called it.
    pub tags: Vec<String>,
    /// When it began.
    pub opened: Timestamp,
    /// Why it was closed.
    pub cause: Option<String>,
}

impl Summary {
    /// A case as a list shows it.
    #[must_use]
    pub fn of(case: &Case) -> Self {
        Self {
            no: case.no,
            handle: case.handle.clone(),
            status: case.status,
            claimer: case.claimer.clone(),
            knew: case.knew.clone(),
            waits: case.waits,
            place: case.place(),
            changed: case.newest_order,
            thread: case.thread.clone(),
            snoozed: case.snoozed.is_some(),
            tags: case.tags.clone(),
            opened: case.opened,
            cause: case.cause.clone(),
        }
    }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The records that were asked for, absent ones too.
    pub records: BTreeMap<Key, Versioned>,
    /// The answer to the question.
    pub list: Vec<Summary>,
}

impl Found {
    /// A record, if it was read and is there.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Record> {
        self.records.get(key)?.record.as_ref()
    }

    /// A case.
    #[must_use]
    pub fn case(&self, no: CaseNo) -> Option<&Case> {
        match self.get(&Key::Case(no)) {
            Some(Record::Case(case)) => Some(case),
            _ => None,
        }
    }

    /// A line.
    #[must_use]
    pub fn line(&self, no: CaseNo, seq: u32) -> Option<&Line> {
        self.get(&Key::Line(no, seq))?.line()
    }

    /// A delivery.
    #[must_use]
    pub fn delivery(&self, id: &DeliveryId) -> Option<&Delivery> {
        self.get(&Key::Delivery(id.clone()))?.delivery()
    }

    /// The versions, to guard a commit with.
    #[must_use]
    pub fn versions(&self) -> BTreeMap<Key, u64> {
        self.records.iter().map(|(k, v)| (k.clone(), v.version)).collect()
    }
}

/// What was decided: records to write, an answer, and a word for the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Records to write; `None` deletes.
    pub writes: BTreeMap<Key, Option<Record>>,
    /// What is said at once to whoever asked.
    pub answer: Option<Answer>,
    /// The case it was about, for the log.
    pub case: Option<CaseNo>,
    /// What was done, in one or two fixed words: `opened`, `joined`, `kept_inside`.
    pub did: &'static str,
    /// Who did it, where an agent acted.
    pub by: Option<super::id::AgentId>,
    /// What called somebody: rules by name, `waited`, `again`, `promise`, `person`.
    pub fired: Vec<String>,
}

/// One line of the log: what was decided, without anybody's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its place in the log, given by the store.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Which envelope.
    pub envelope: EnvelopeId,
    /// What happened.
    pub event: String,
    /// What was done.
    pub did: String,
    /// The case.
    pub case: Option<CaseNo>,
    /// The agent.
    pub by: Option<String>,
    /// The revision of the policy it was decided under.
    pub policy: String,
    /// What called somebody ([`Decision::fired`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fired: Vec<String>,
}

/// One step of the record: all of it, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The envelope it answers; a second commit of the same one is `Repeated`. `None` for the
    /// outbox's own attempts.
    pub envelope: Option<EnvelopeId>,
    /// When.
    pub at: Timestamp,
    /// Versions that were read; any that changed makes it a conflict.
    pub reads: BTreeMap<Key, u64>,
    /// What to write.
    pub writes: BTreeMap<Key, Option<Record>>,
    /// What the log says of it; its `seq` is set by the store.
    pub log: Option<LogEntry>,
}
