//! What Meta sends, as types: webhooks, lists, errors. Ids come as numbers or as texts, and what is
//! missing is empty: Meta leaves out whatever it has no permission to tell.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

/// An id: a number in some payloads, a text in others.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(pub(super) String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id, as a number or a text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                Ok(Id(text.to_owned()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
                Ok(Id(number.to_string()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Id, E> {
                Ok(Id(number.to_string()))
            }
        }
        from.deserialize_any(Any)
    }
}

/// The body of a webhook.
#[derive(Debug, Deserialize)]
pub(super) struct Hook {
    pub(super) object: String,
    #[serde(default)]
    pub(super) entry: Vec<Entry>,
}

/// What one Page or one Instagram account is told.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) id: Id,
    #[serde(default)]
    pub(super) changes: Vec<Value>,
    #[serde(default)]
    pub(super) messaging: Vec<Value>,
    /// Messages of a conversation that another app answers.
    #[serde(default)]
    pub(super) standby: Vec<Value>,
}

/// One change of a field.
#[derive(Debug, Deserialize)]
pub(super) struct Change {
    pub(super) field: String,
    #[serde(default)]
    pub(super) value: Value,
}

/// Somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Person {
    #[serde(default)]
    pub(super) id: Id,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) username: String,
}

/// Field `feed` and field `mention` of a Page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FeedValue {
    pub(super) item: String,
    pub(super) verb: String,
    pub(super) comment_id: Option<Id>,
    pub(super) post_id: Option<Id>,
    pub(super) parent_id: Option<Id>,
    pub(super) from: Option<Person>,
    /// Older forms.
    pub(super) sender_id: Option<Id>,
    pub(super) sender_name: String,
    /// Seconds since 1970.
    pub(super) created_time: Option<i64>,
    pub(super) message: String,
    pub(super) photo: Option<String>,
    pub(super) video: Option<String>,
}

/// Fields `comments` and `live_comments` of an Instagram account.
#[derive(Debug, Deserialize)]
pub(super) struct CommentValue {
    pub(super) id: Id,
    #[serde(default)]
    pub(super) text: String,
    pub(super) from: Option<Person>,
    pub(super) parent_id: Option<Id>,
    pub(super) media: Option<Named>,
}

/// Field `mentions` of an Instagram account: not who, and not what.
#[derive(Debug, Deserialize)]
pub(super) struct MentionValue {
    pub(super) media_id: Id,
    pub(super) comment_id: Option<Id>,
}

/// Something with an id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) id: Id,
    #[serde(default, alias = "permalink_url")]
    pub(super) permalink: Option<String>,
}

/// One thing in a conversation.
#[derive(Debug, Deserialize)]
pub(super) struct Talk {
    #[serde(default)]
    pub(super) sender: Named,
    #[serde(default)]
    pub(super) recipient: Named,
    /// Thousandths of a second since 1970.
    pub(super) timestamp: Option<i64>,
    pub(super) message: Option<Message>,
    pub(super) message_edit: Option<Edit>,
    pub(super) postback: Option<Postback>,
    #[serde(rename = "policy-enforcement")]
    pub(super) policy: Option<Policy>,
}

/// A message as a webhook tells it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) mid: String,
    pub(super) text: String,
    pub(super) attachments: Vec<Attachment>,
    pub(super) is_echo: bool,
    pub(super) is_deleted: bool,
    pub(super) is_unsupported: bool,
    pub(super) metadata: Option<String>,
}

/// Something that came with a message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attachment {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) payload: Option<Value>,
    pub(super) url: Option<String>,
}

/// A message with other words.
#[derive(Debug, Deserialize)]
pub(super) struct Edit {
    pub(super) mid: String,
    #[serde(default)]
    pub(super) text: String,
}

/// A button that was pressed; newer ones say which words stood on it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Postback {
    pub(super) mid: String,
    pub(super) title: String,
}

/// What Meta does to us.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Policy {
    pub(super) action: String,
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Page<T> {
    #[serde(default = "Vec::new")]
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) paging: Paging,
}

/// Where a list goes on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Paging {
    cursors: Cursors,
    next: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Cursors {
    after: Option<String>,
}

impl Paging {
    /// The cursor of the next page. A page without `next` is the last, whatever its cursors say;
    /// the address itself is not followed, so that no answer can lead us elsewhere.
    pub(super) fn after(&self) -> Option<&str> {
        self.next.as_ref()?;
        self.cursors.after.as_deref().filter(|after| !after.is_empty())
    }
}

/// A post, a comment, or a medium: Facebook and Instagram call the same things differently.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Post {
    pub(super) id: Id,
    #[serde(alias = "text", alias = "caption")]
    pub(super) message: String,
    pub(super) from: Option<Person>,
    pub(super) username: Option<String>,
    #[serde(alias = "timestamp")]
    pub(super) created_time: Option<String>,
    pub(super) parent: Option<Named>,
    pub(super) parent_id: Option<Id>,
    #[serde(alias = "permalink")]
    pub(super) permalink_url: Option<String>,
    pub(super) attachment: Option<Value>,
    pub(super) is_hidden: bool,
    pub(super) media: Option<Named>,
    #[serde(alias = "replies")]
    pub(super) comments: Option<Page<Post>>,
}

/// A conversation with one person.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Conversation {
    pub(super) updated_time: Option<String>,
    pub(super) messages: Option<Page<Letter>>,
}

/// A message as a conversation lists it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Letter {
    pub(super) id: Id,
    pub(super) message: String,
    pub(super) from: Option<Person>,
    pub(super) created_time: Option<String>,
    pub(super) attachments: Option<Page<Value>>,
}

/// What a write is answered with: a comment's id, or a message's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    pub(super) id: Option<Id>,
    pub(super) message_id: Option<Id>,
}

/// The comment or medium in which somebody named us.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Mentioned {
    #[serde(alias = "mentioned_media")]
    pub(super) mentioned_comment: Option<Post>,
}

/// What a token may do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Token {
    pub(super) is_valid: bool,
    /// Seconds since 1970; 0 = never.
    pub(super) expires_at: i64,
    pub(super) data_access_expires_at: i64,
    pub(super) scopes: Vec<String>,
}

/// One app that is told of what happens.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subscribed {
    pub(super) subscribed_fields: Vec<String>,
}

/// A refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answered {
    pub(super) error: Fault,
}

/// What was wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) code: i64,
    pub(super) error_subcode: i64,
    pub(super) is_transient: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_or_texts_and_lose_no_digit() {
        let of = |text: &str| serde_json::from_str::<Named>(text).unwrap().id.0;
        assert_eq!(of(r#"{"id":18446744073709551615}"#), "18446744073709551615");
        assert_eq!(of(r#"{"id":"12_34"}"#), "12_34");
        assert!(serde_json::from_str::<Named>(r#"{"id":1.5}"#).is_err());
    }

    #[test]
    fn a_page_without_next_is_the_last() {
        let of = |text: &str| {
            let page: Page<Post> = serde_json::from_str(text).unwrap();
            page.paging.after().map(str::to_owned)
        };
        assert_eq!(of(r#"{"data":[],"paging":{"cursors":{"after":"a"}}}"#), None);
        let more = r#"{"data":[],"paging":{"cursors":{"after":"a"},"next":"https://evil"}}"#;
        assert_eq!(of(more), Some("a".into()));
    }
}
