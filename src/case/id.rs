//! Names of things: a type each, so that the compiler refuses to swap them.
//!
//! Ids of platforms are opaque: nobody outside a driver's own folder may look inside one, compare
//! two as numbers or build one. Ids of our own ([`CaseNo`], [`DeliveryId`]) are made in `case`
//! only.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The same id from any text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

text_ids! {
    /// One configured login of ours on a network: the name of its section in `bot-config`.
    AccountId,
    /// A post on a network, as its server names it.
    PostId,
    /// One configured desk: the name of its section in `bot-config`.
    DeskId,
    /// One thing on its way out; at most 24 characters, so that it fits a Discord nonce.
    DeliveryId,
    /// What makes an envelope the same envelope when it comes twice.
    EnvelopeId,
    /// One stream of events that has a cursor of its own.
    FeedId,
    /// Written into all we post at a desk: which installation of careline spoke.
    Deployment,
    /// Deliveries that must keep their order.
    Lane,
    /// Deliveries that share a pace: a channel, an account.
    Bucket,
}

impl DeliveryId {
    /// The name of a case's delivery by its number: all names of a case can be told from the case.
    #[must_use]
    pub fn nth(case: CaseNo, n: u32) -> Self {
        Self(format!("{}.{n}", case.0))
    }

    /// The name of a notice about an event that nobody could read. Several may come in one instant;
    /// `spare` is another one for each.
    #[must_use]
    pub fn unreadable(at: Timestamp, spare: CaseNo) -> Self {
        Self(format!("q{}.{}", at.0, spare.0))
    }

    /// When the unreadable event came of which this is the notice; `None` if it is no such notice.
    #[must_use]
    pub fn shows_unreadable(&self) -> Option<Timestamp> {
        let (at, spare) = self.0.strip_prefix('q')?.split_once('.')?;
        spare.parse::<u64>().ok()?;
        at.parse().ok().map(Timestamp)
    }
}

/// The number of a case, as people say it: `#42`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct CaseNo(pub u64);

impl fmt::Display for CaseNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One customer on one network, seen by one account of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContactId {
    /// Our account.
    pub account: AccountId,
    /// The customer's id there: the stable one, never the handle.
    pub remote: String,
}

/// A place at a desk where threads are opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChannelId {
    /// The desk.
    pub desk: DeskId,
    /// The channel, as the desk names it.
    pub channel: String,
}

/// One thread at a desk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ThreadId {
    /// The channel it stands in.
    pub channel: ChannelId,
    /// The thread, as the desk names it.
    pub root: String,
}

impl ThreadId {
    /// The message that this names, where a message and not a thread is meant.
    #[must_use]
    pub fn message(&self) -> MessageId {
        MessageId { channel: self.channel.clone(), message: self.root.clone() }
    }
}

/// One message at a desk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// The channel it stands in (on Discord: the thread's own channel id).
    pub channel: ChannelId,
    /// The message, as the desk names it.
    pub message: String,
}

/// A member of staff at a desk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AgentId {
    /// The desk.
    pub desk: DeskId,
    /// The user, as the desk names it.
    pub user: String,
}
impl Lane {
    /// The lane of a case's alert.
    #[must_use]
    pub fn of_alert(case: CaseNo) -> Self {
        Self::new(format!("a{}", case.0))
    }

    /// The lane of an incident's message.
    #[must_use]
    pub fn of_incident(number: u32) -> Self {
        Self::new(format!("i{number}"))
    }

    /// Does what stands in a lane of this name call somebody? It goes before all that is only
    /// shown: in a burst an alert behind a thousand posts would wake nobody.
    #[must_use]
    pub fn calls(name: &str) -> bool {
        let number = name.strip_prefix(['a', 'i']).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    }
}
