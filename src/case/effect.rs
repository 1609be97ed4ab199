//! Everything careline can do to the outside, written down before it is done.

use super::event::{File, Media};
use super::gate::PublicText;
use super::id::{Bucket, CaseNo, ChannelId, DeliveryId, Lane, MessageId, PostId};
use super::model::Target;
use super::rich::{Rich, Theirs};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One effect on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its name, for ever: also the key under which a platform can find it again.
    pub id: DeliveryId,
    /// The case it belongs to; `None` for notices to a channel.
    pub case: Option<CaseNo>,
    /// The line of the case it shows or carries.
    pub line: Option<u32>,
    /// Deliveries of one lane go out in the order of `order`.
    pub lane: Lane,
    /// Deliveries of one bucket share a pace.
    pub bucket: Bucket,
    /// Before routine ones of the same bucket.
    pub urgent: bool,
    /// Place in its lane: the instant of the decision, then a counter.
    pub order: (Timestamp, u32),
    /// Not before.
    pub ready: Timestamp,
    /// What to do.
    pub act: Act,
    /// How far it has come.
    pub state: State,
}

/// How far a delivery has come. Changed by the outbox (attempts) and by `decide` (the rest).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Nothing was tried, or all that was tried is known not to have happened.
    Waiting {
        /// Tries that are known to have failed.
        tried: u32,
    },
    /// A try was begun and nobody has said how it ended: look before doing anything.
    Attempted {
        /// Which try, from 1.
        number: u32,
        /// When the first try of this delivery began: how far back to look.
        first: Timestamp,
        /// When this one began.
        began: Timestamp,
        /// Looks that found nothing since.
        absent: u32,
    },
    /// It arrived.
    Done(Receipt),
    /// It will not be sent.
    Dead(String),
    /// Nobody knows; a person was asked.
    Parked(String),
    /// Taken back before the first try, or replaced by a newer one.
    Dropped,
}

impl State {
    /// Does the outbox have anything left to do?
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Attempted { .. })
    }
}

/// A platform's proof that something arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The post or message, as the platform names it.
    pub remote: String,
    /// Where it can be read.
    pub url: Option<String>,
    /// When, by the platform's clock; by ours where it does not tell.
    pub at: Timestamp,
}

/// What a delivery does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Something for a desk.
    Desk(Notice),
    /// Something for a customer.
    Network(Box<Reply>),
}

/// Words and cards for a desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// Open the case's thread with this card. The receipt names the thread.
    Open {
        /// Where.
        channel: ChannelId,
        /// The card.
        card: Box<Card>,
    },
    /// One more message in the case's thread.
    Post(Box<Note>),
    /// The message that `of` posted shall now look like this.
    Amend {
        /// The delivery that posted it.
        of: DeliveryId,
        /// What it shall show.
        to: Box<Face>,
    },
    /// A message in a channel, outside any thread.
    Tell {
        /// Where.
        channel: ChannelId,
        /// What.
        note: Box<Note>,
    },
    /// A small mark on somebody's message (a reaction). Marking twice is marking once.
    Mark {
        /// On which message.
        message: MessageId,
        /// Which.
        mark: Mark,
    },
}

/// What an amended message shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Face {
    /// A card.
    Card(Box<Card>),
    /// A line.
    Note(Box<Note>),
}

/// A small mark on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mark {
    /// It reached the customer.
    Sent,
    /// It did not.
    Failed,
    /// It stayed inside.
    Inside,
}

/// The card on top of a thread: who, where, what they said, how long they wait, what happened
/// before, buttons last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The case.
    pub case: CaseNo,
    /// The customer's name.
    pub name: Theirs,
    /// His handle.
    pub handle: Theirs,
    /// His page.
    pub author_url: Option<String>,
    /// His picture.
    pub avatar: Option<String>,
    /// The network, as people say it, and our account there.
    pub place: String,
    /// Private, followers only, public: said in words.
    pub audience: String,
    /// His content warning.
    pub warning: Option<Theirs>,
    /// What he said first in this case.
    pub text: Theirs,
    /// What he showed.
    pub media: Vec<Media>,
    /// Where it can be read.
    pub url: Option<String>,
    /// When he wrote.
    pub written: Timestamp,
    /// Facts, each a label of ours and a value: `waits since`, `wrote`, `earlier`, `claimed by`.
    pub facts: Vec<(String, Rich)>,
    /// One sentence on where the case stands.
    pub standing: Rich,
    /// What can be done.
    pub buttons: Vec<Button>,
    /// Somebody was called, and nobody has taken it.
    #[serde(default)]
    pub urgent: bool,
}

/// A message in a thread or channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What kind of message it is; a desk shows each kind in its own way.
    pub tone: Tone,
    /// The words.
    pub words: Rich,
    /// Pictures and films that belong to them.
    pub media: Vec<Media>,
    /// Where the original can be read.
    pub url: Option<String>,
    /// What can be done.
    pub buttons: Vec<Button>,
}

/// What kind of message a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    /// The customer speaks.
    Customer,
    /// careline tells how things stand.
    Status,
    /// Something is wrong and somebody should look.
    Warning,
}

/// A command somebody else has typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// The words it asks, at most 100 characters (Discord's `custom_id`).
    pub words: String,
    /// How it looks.
    pub style: Style,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Style {
    /// Like any other.
    Plain,
    /// The thing most people want here.
    Primary,
    /// Cannot be taken back.
    Danger,
}

/// Words to the customer, or one part of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// What it answers; frozen.
    pub target: Target,
    /// The part before this one, whose post this part answers instead of the target's.
    pub after: Option<DeliveryId>,
    /// The words, complete: handle in front, number at the end.
    pub text: PublicText,
    /// Files, only on the first part.
    pub files: Vec<File>,
    /// Which part, from 1, of how many.
    pub part: (u8, u8),
    /// What of ours that stands there already this changes; nothing is posted anew then.
    #[serde(default)]
    pub change: Option<Change>,
}

/// A change of a post of ours. Done twice, it is done once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The post shall say the reply's text.
    Edit {
        /// The post.
        post: PostId,
        /// The agent's words, without what stands before and below them.
        words: String,
    },
    /// The post shall be gone.
    Delete {
        /// The post.
        post: PostId,
    },
}

/// What is said at once to whoever asked. Perishable: one try, then dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Words only he sees.
    Say {
        /// The words.
        words: Rich,
        /// What he can do.
        buttons: Vec<Button>,
    },
    /// A form; its text comes back as `words` followed by the text.
    Form(Form),
    /// The form's text was not taken, for this reason; the form stays open with his text.
    Refuse(String),
    /// What could stand where he is typing, best first.
    Choices(Vec<Choice>),
}

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What people read.
    pub label: String,
    /// What is put in.
    pub value: String,
}

/// A question with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Its title, at most 24 characters (Slack's modal).
    pub title: String,
    /// The words that the text is put behind: `reply #42`.
    pub words: String,
    /// What the field is called.
    pub label: String,
    /// What is said below the field.
    pub hint: String,
    /// What already stands in it.
    pub text: String,
    /// Most characters it takes.
    pub max: usize,
}
