//! Everything that can happen, as one closed list.

use super::ability::Abilities;
use super::effect::Receipt;
use super::id::{
    AccountId, CaseNo, ChannelId, ContactId, DeliveryId, Deployment, DeskId, EnvelopeId, FeedId,
    MessageId, PostId, ThreadId,
};
use super::model::{Agent, Alarm, Audience};
use super::rich::{Rich, Theirs};
use super::time::Timestamp;
use super::tone::Score;
use serde::{Deserialize, Serialize};

/// An event with its id and its time. The engine stamps `at`, `spare` and `score`; drivers leave
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// What makes it the same when it comes twice.
    pub id: EnvelopeId,
    /// When the engine took it.
    pub at: Timestamp,
    /// A case number nobody has, should this event open a case.
    pub spare: CaseNo,
    /// What happened.
    pub event: Event,
    /// What the engine read in it, before it was decided. Stored with it, so that deciding it again
    /// decides the same.
    #[serde(default)]
    pub score: Option<Score>,
}

impl Envelope {
    /// What a driver puts into the inbox.
    pub fn new(id: impl Into<String>, event: Event) -> Self {
        Self {
            id: EnvelopeId::new(id),
            at: Timestamp::default(),
            spare: CaseNo::default(),
            event,
            score: None,
        }
    }
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A customer wrote to an account of ours.
    Mentioned(Box<Mention>),
    /// A customer changed his post. The whole post as it stands now.
    Changed(Box<Mention>),
    /// A customer took a post back.
    Withdrawn {
        /// Seen by this account.
        account: AccountId,
        /// The post.
        post: PostId,
    },
    /// A post of our own account was seen on the network: ours, or a colleague's.
    OwnPost(Box<OwnPost>),
    /// Somebody wrote a plain message in a thread.
    Said(Box<Remark>),
    /// Somebody changed his message. The whole message as it stands now.
    Reworded(Box<Remark>),
    /// Somebody deleted his message.
    Unsaid {
        /// The message.
        message: MessageId,
        /// The thread, where the desk tells.
        thread: Option<ThreadId>,
    },
    /// Somebody asked careline to do something.
    Asked(Box<Request>),
    /// Somebody is typing what can be completed. Nothing is decided by it.
    Typed(Box<Typed>),
    /// A delivery arrived.
    Delivered {
        /// Which.
        delivery: DeliveryId,
        /// The proof.
        receipt: Receipt,
    },
    /// A delivery will not arrive, or nobody knows.
    Failed {
        /// Which.
        delivery: DeliveryId,
        /// What is known.
        outcome: Outcome,
    },
    /// An alarm of a case went off.
    Due {
        /// The case.
        case: CaseNo,
        /// The alarm, as it was set.
        alarm: Alarm,
    },
    /// A thread was deleted, or its channel is gone.
    ThreadGone {
        /// The thread.
        thread: ThreadId,
        /// Why, in a few words of ours.
        why: String,
    },
    /// Something came that nobody can read. Kept raw and shown to the team.
    Unreadable {
        /// From where: an account's or a desk's name.
        source: String,
        /// What was wrong, in our words.
        why: String,
        /// What came, cut at [`RAW_BYTES`](super::limits::RAW_BYTES).
        raw: Theirs,
    },
    /// Something of careline's own does not work, and only the operator can help.
    Trouble {
        /// What: an account's or a desk's name.
        source: String,
        /// What is wrong and what it means, in our words.
        why: String,
    },
    /// An account or desk that needed the operator is read again.
    Restored {
        /// Its name.
        source: String,
    },
    /// Far more customers write than usual.
    Burst(Box<Many>),
    /// The team is there again, or an incident is over: alerts of these cases were held.
    Held {
        /// Cases with an alert that nobody was told of.
        cases: Vec<CaseNo>,
    },
    /// The morning's digest, as the engine put it together.
    Morning {
        /// What the leads read.
        words: Rich,
    },
    /// The incident that goes on was counted.
    Counted {
        /// Its number.
        incident: u32,
        /// Cases under it.
        cases: u32,
        /// Calls that were counted instead of sent.
        calls: u32,
    },
    /// A feed was read up to here, and everything before is safe.
    FeedState {
        /// The feed.
        feed: FeedId,
        /// Where it stands, opaque.
        cursor: String,
    },
    /// An account told what it can do now.
    AccountState {
        /// The account.
        account: AccountId,
        /// What it can do.
        abilities: Abilities,
    },
    /// A message of our own at a desk was seen, with the marks it carries.
    Echo {
        /// The desk.
        desk: DeskId,
        /// Where.
        message: MessageId,
        /// Who wrote it: this installation, or another one with the same tokens.
        deployment: Deployment,
        /// Which delivery.
        delivery: DeliveryId,
        /// When it was written, by the desk's clock.
        at: Timestamp,
    },
}

impl Event {
    /// The event's name, for logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Mentioned(_) => "mentioned",
            Self::Changed(_) => "changed",
            Self::Withdrawn { .. } => "withdrawn",
            Self::OwnPost(_) => "own_post",
            Self::Said(_) => "said",
            Self::Reworded(_) => "reworded",
            Self::Unsaid { .. } => "unsaid",
            Self::Asked(_) => "asked",
            Self::Typed(_) => "typed",
            Self::Delivered { .. } => "delivered",
            Self::Failed { .. } => "failed",
            Self::Due { .. } => "due",
            Self::ThreadGone { .. } => "thread_gone",
            Self::Unreadable { .. } => "unreadable",
            Self::Trouble { .. } => "trouble",
            Self::Restored { .. } => "restored",
            Self::Burst(_) => "burst",
            Self::Held { .. } => "held",
            Self::Morning { .. } => "morning",
            Self::Counted { .. } => "counted",
            Self::FeedState { .. } => "feed_state",
            Self::AccountState { .. } => "account_state",
            Self::Echo { .. } => "echo",
        }
    }
}

/// A customer's words addressed to an account, public or private.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Who wrote, and to which account.
    pub contact: ContactId,
    /// His handle, without a leading `@`; on another server with `@server`.
    pub handle: Theirs,
    /// The name he gave himself.
    pub name: Theirs,
    /// His page.
    pub author_url: Option<String>,
    /// His picture.
    pub avatar: Option<String>,
    /// The post.
    pub post: PostId,
    /// The post it answers.
    pub parent: Option<PostId>,
    /// The conversation it belongs to, where the network tells; else the parent or the post.
    pub conversation: String,
    /// Who can read it.
    pub audience: Audience,
    /// What he wrote, as plain text with true link targets.
    pub text: Theirs,
    /// His content warning.
    pub warning: Option<Theirs>,
    /// Pictures, films, sounds.
    pub media: Vec<Media>,
    /// Where it can be read.
    pub url: Option<String>,
    /// When he wrote it, by the network's clock.
    pub written: Timestamp,
    /// Its language, if the network tells.
    pub language: Option<String>,
    /// May we answer it through the network's API? If not, why.
    pub no_reply: Option<String>,
    /// Nobody addressed it to us: the rule that overheard it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overheard: Option<String>,
    /// How many followers he has, where the network tells. For the report `fairness` alone; it
    /// stands in no line of a case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<u64>,
}

/// Many mentions at once, as the engine noticed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Many {
    /// To which account.
    pub account: AccountId,
    /// Since when.
    pub since: Timestamp,
    /// How many came since.
    pub count: u32,
    /// How many usually come in such a time, rounded up.
    pub usual: u32,
    /// Words, links and places that they have in common.
    pub common: Vec<Theirs>,
    /// A few of them, as they were written.
    pub voices: Vec<Theirs>,
}

/// A picture, film, sound or other thing of a post. Never fetched by us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Where it is.
    pub url: String,
    /// A small picture of it.
    pub preview: Option<String>,
    /// Its author's description.
    pub alt: Theirs,
}

/// What a medium is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaKind {
    /// A still picture, or an animated one.
    Picture,
    /// A film.
    Film,
    /// A sound.
    Sound,
    /// Something else.
    Other,
}

/// A post of our own account, seen on the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPost {
    /// Our account.
    pub account: AccountId,
    /// The post.
    pub post: PostId,
    /// The post it answers.
    pub parent: Option<PostId>,
    /// What it says, as plain text.
    pub text: String,
    /// Where it can be read.
    pub url: Option<String>,
    /// When it was written.
    pub written: Timestamp,
}

/// A plain message in a thread, with all that the gate wants to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The thread it stands in.
    pub thread: ThreadId,
    /// The message.
    pub message: MessageId,
    /// Who wrote it.
    pub by: Agent,
    /// What the desk says of him.
    pub standing: Standing,
    /// The words, as plain text in the customer's spelling (no mrkdwn, no desk emoji codes).
    pub text: String,
    /// What in the words is only understood inside: calls of colleagues, channels, own emoji.
    pub inside: Vec<Inside>,
    /// Files that came with it.
    pub files: Vec<File>,
    /// It was posted by an app, a workflow or a webhook, in whatever disguise.
    pub machine: bool,
    /// When it was written, by the desk's clock.
    pub written: Timestamp,
}

/// What a desk says of the author of a message or a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// A full member of our own workspace.
    Member,
    /// A guest of our workspace.
    Guest,
    /// Somebody from another workspace.
    Stranger,
    /// Deactivated, a bot, or not to be found.
    Nobody,
}

/// Something that only colleagues understand; a message with one of these is not for a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inside {
    /// A colleague or a group was called.
    Person,
    /// Our own bot was called.
    Bot,
    /// A channel was named.
    Channel,
    /// An emoji that exists only at this desk.
    Emoji,
    /// Formatting that may be a quotation of inside words.
    QuoteOnly,
}

/// A file that an agent put into a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The file, as the desk names it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it says it is (`image/png`).
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
    /// The agent's description of it.
    pub alt: Option<String>,
    /// Where the desk's driver fetches it.
    pub url: String,
}

/// What an agent asks careline to do: words, however they were entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Who asks.
    pub by: Agent,
    /// What the desk says of him.
    pub standing: Standing,
    /// In which channel.
    pub channel: ChannelId,
    /// In which thread, where there is one.
    pub thread: Option<ThreadId>,
    /// The words: `claim`, `close #42 refunded`.
    pub words: String,
    /// Members that the words name (`assign @otto`), in order, our own bot not among them.
    #[serde(default)]
    pub named: Vec<Agent>,
    /// Text of the message the request was made on (message shortcut): fills the form.
    pub on: Option<String>,
    /// When he asked, by the desk's clock where it tells.
    pub asked: Option<Timestamp>,
    /// It was a mere gesture, such as a reaction: where it means nothing nobody is told.
    #[serde(default)]
    pub gesture: bool,
}

/// What somebody has typed so far, of something that careline knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// Who types.
    pub by: Agent,
    /// What the desk says of him.
    pub standing: Standing,
    /// What is wanted.
    pub of: Open,
    /// What he has typed.
    pub begun: String,
}

/// What can be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Open {
    /// A case, by number, customer, tag or words.
    Case,
    /// A stock reply, by name or words.
    Canned,
    /// A time.
    When,
}

/// What is known of a delivery that did not simply arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Refused for good; the reason is for people.
    Never(String),
    /// Nobody knows and nobody can look; a person must.
    Unknown(String),
    /// The post or thread it was for is gone.
    Gone(String),
}

impl Outcome {
    /// Its kind in one word, for logs: the sentence may repeat a platform's words.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Never(_) => "never",
            Self::Unknown(_) => "unknown",
            Self::Gone(_) => "gone",
        }
    }
}
