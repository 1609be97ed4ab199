//! What Discord tells, as far as careline reads it.
//!
//! What is *said* is built by serenity's builders. What is *heard* is read here, with tolerance:
//! serenity's own models refuse a whole message for one component of a newer kind and lose the
//! text of newer forms, and a refused message would be a lost one.
//! Source: <https://docs.discord.com/developers/reference>, API version 10.

use crate::case::time::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Discord's epoch, the first second of 2015, in milliseconds.
const EPOCH: i64 = 1_420_070_400_000;

/// When this id was made.
pub(crate) fn instant(id: &str) -> Option<Timestamp> {
    let id: u64 = id.parse().ok()?;
    let millis = i64::try_from(id >> 22).ok()?;
    Some(Timestamp((millis + EPOCH) * 1000))
}

/// The smallest id of this instant, for `after=`.
pub(crate) fn id_at(at: Timestamp) -> String {
    let millis = (at.0 / 1000 - EPOCH).max(0);
    (u64::try_from(millis).unwrap_or(0) << 22).to_string()
}

/// Ids as numbers, for their order only.
pub(crate) fn order(id: &str) -> u64 {
    id.parse().unwrap_or(0)
}

/// `null` where a text is expected is no text.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(from)?.unwrap_or_default())
}

/// One frame of the gateway.
#[derive(Debug, Deserialize)]
pub(crate) struct Frame {
    pub(crate) op: u8,
    #[serde(default)]
    pub(crate) d: Value,
    #[serde(default)]
    pub(crate) s: Option<u64>,
    #[serde(default)]
    pub(crate) t: Option<String>,
}

/// A person, a bot or a webhook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) username: String,
    #[serde(deserialize_with = "text")]
    pub(crate) global_name: String,
    pub(crate) bot: bool,
    pub(crate) system: bool,
}

/// A user as a member of the server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Member {
    pub(crate) user: User,
    #[serde(deserialize_with = "text")]
    pub(crate) nick: String,
    pub(crate) roles: Vec<String>,
    pub(crate) pending: bool,
}

/// A file of a message.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    pub(crate) filename: String,
    #[serde(deserialize_with = "text")]
    pub(crate) title: String,
    #[serde(deserialize_with = "text")]
    pub(crate) description: String,
    #[serde(deserialize_with = "text")]
    pub(crate) content_type: String,
    pub(crate) size: u64,
    pub(crate) url: String,
}

/// A message. No `Debug`: agents' words have no place in a log.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) channel_id: String,
    pub(crate) author: User,
    pub(crate) member: Option<Member>,
    #[serde(deserialize_with = "text")]
    pub(crate) content: String,
    #[serde(deserialize_with = "text")]
    pub(crate) edited_timestamp: String,
    pub(crate) attachments: Vec<Attachment>,
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    #[serde(deserialize_with = "text")]
    pub(crate) webhook_id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) application_id: String,
    pub(crate) components: Value,
    pub(crate) mentions: Vec<User>,
    pub(crate) reactions: Vec<Reaction>,
}

/// How many put an emoji on a message, and whether we did.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reaction {
    pub(crate) me: bool,
    pub(crate) emoji: Emoji,
}

/// An emoji; one of Unicode has only a name.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Emoji {
    #[serde(deserialize_with = "text")]
    pub(crate) name: String,
}

/// A channel or a thread.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Channel {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    #[serde(deserialize_with = "text")]
    pub(crate) guild_id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) parent_id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) owner_id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) name: String,
    #[serde(deserialize_with = "text")]
    pub(crate) last_message_id: String,
    pub(crate) available_tags: Vec<Tag>,
    pub(crate) applied_tags: Vec<String>,
    pub(crate) thread_metadata: Option<ThreadMetadata>,
}

impl Channel {
    /// Announcement, public and private threads.
    pub(crate) const fn is_thread(&self) -> bool {
        matches!(self.kind, 10..=12)
    }

    /// Forums and media channels, where every thread is a post.
    pub(crate) const fn is_forum(&self) -> bool {
        matches!(self.kind, 15 | 16)
    }
}

/// A label of a forum.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tag {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// What only threads have.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ThreadMetadata {
    pub(crate) archived: bool,
    pub(crate) locked: bool,
}

/// Somebody used a command, a button or a form. No `Debug`: it carries a token.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Interaction {
    pub(crate) id: String,
    pub(crate) application_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    pub(crate) token: String,
    pub(crate) data: Value,
    #[serde(deserialize_with = "text")]
    pub(crate) guild_id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) channel_id: String,
    pub(crate) channel: Option<Channel>,
    pub(crate) member: Option<Member>,
    pub(crate) user: Option<User>,
    pub(crate) message: Option<Message>,
}

/// `READY`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ready {
    pub(crate) user: User,
    pub(crate) session_id: String,
    pub(crate) resume_gateway_url: String,
    pub(crate) application: Application,
}

/// Our app, as it is known to itself.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) flags: u64,
}

/// `GET /gateway/bot`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Gateway {
    pub(crate) url: String,
    pub(crate) session_start_limit: StartLimit,
}

/// How many sessions may still be started.
#[derive(Deserialize)]
#[serde(default)]
pub(crate) struct StartLimit {
    pub(crate) remaining: u64,
    pub(crate) reset_after: i64,
}

impl Default for StartLimit {
    /// A server that does not tell sets no limit.
    fn default() -> Self {
        Self { remaining: u64::MAX, reset_after: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_their_instant() {
        // The example of Discord's reference: 175928847299117063 was made at 1462015105796 ms.
        assert_eq!(instant("175928847299117063"), Some(Timestamp(1_462_015_105_796_000)));
        let id = id_at(Timestamp(1_462_015_105_796_000));
        assert!(order(&id) <= order("175928847299117063"));
        assert_eq!(instant(&id), instant("175928847299117063"));
        assert_eq!(instant("x"), None);
    }

    #[test]
    fn null_and_newer_things_do_not_lose_a_message() {
        let text = r#"{"id":"1","content":null,"edited_timestamp":null,"webhook_id":null,
            "components":[{"type":99,"of":"tomorrow"}],"author":{"id":"2","global_name":null}}"#;
        let message: Message = serde_json::from_str(text).unwrap();
        assert_eq!((message.id.as_str(), message.author.id.as_str()), ("1", "2"));
    }
}
