//! X's JSON as types: what careline reads, and nothing else. Unknown fields are passed over.
//! Source: the OpenAPI document that X serves at `/2/openapi.json` (version 2.167).

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// The fields every reading of posts asks for.
pub(super) const FIELDS: &[(&str, &str)] = &[
    (
        "tweet.fields",
        "attachments,author_id,conversation_id,created_at,edit_history_tweet_ids,entities,\
         in_reply_to_user_id,lang,note_tweet,possibly_sensitive,referenced_tweets,reply_settings",
    ),
    ("expansions", "attachments.media_keys,author_id,referenced_tweets.id"),
    ("user.fields", "name,profile_image_url,protected,public_metrics,username"),
    ("media.fields", "alt_text,media_key,preview_image_url,type,url"),
];

/// An answer of X. Parts of it may be missing, and then `errors` says which.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Page<T> {
    /// What was asked for; absent where there is nothing.
    pub(super) data: Option<T>,
    /// What it refers to.
    #[serde(default)]
    pub(super) includes: Includes,
    /// What could not be given, with status 200.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) errors: Vec<Problem>,
    #[serde(default)]
    pub(super) meta: Meta,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    pub(super) newest_id: Option<String>,
    pub(super) next_token: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Includes {
    #[serde(deserialize_with = "lenient")]
    pub(super) users: Vec<User>,
    #[serde(deserialize_with = "lenient")]
    pub(super) tweets: Vec<Tweet>,
    #[serde(deserialize_with = "lenient")]
    pub(super) media: Vec<Media>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) name: String,
    pub(super) profile_image_url: Option<String>,
    /// Nothing hangs on it, so that no shape of it is an error.
    pub(super) public_metrics: Value,
}

impl User {
    pub(super) fn followers(&self) -> Option<u64> {
        self.public_metrics.get("followers_count")?.as_u64()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Media {
    pub(super) media_key: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) url: Option<String>,
    pub(super) preview_image_url: Option<String>,
    pub(super) alt_text: Option<String>,
}

/// A post.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tweet {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) author_id: String,
    pub(super) conversation_id: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) in_reply_to_user_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) referenced_tweets: Vec<Reference>,
    pub(super) attachments: Attachments,
    pub(super) entities: Entities,
    /// All ids the post has had, the first in front. Answers to writes call it by the second name.
    #[serde(alias = "edit_history_post_ids")]
    pub(super) edit_history_tweet_ids: Vec<String>,
    pub(super) lang: Option<String>,
    pub(super) note_tweet: Option<Note>,
    pub(super) reply_settings: Option<String>,
    pub(super) possibly_sensitive: bool,
}

impl Tweet {
    /// The first id of its history: what the post is called for ever, however often it is edited.
    pub(super) fn first(&self) -> &str {
        self.edit_history_tweet_ids.first().unwrap_or(&self.id)
    }

    /// The post of this kind that it refers to.
    pub(super) fn refers(&self, kind: &str) -> Option<&str> {
        self.referenced_tweets.iter().find(|r| r.kind == kind).map(|r| r.id.as_str())
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reference {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) id: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attachments {
    pub(super) media_keys: Vec<String>,
}

/// A long post, whole; `text` is cut then.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Note {
    pub(super) text: String,
    pub(super) entities: Entities,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entities {
    #[serde(deserialize_with = "lenient")]
    pub(super) urls: Vec<Link>,
    #[serde(deserialize_with = "lenient")]
    pub(super) mentions: Vec<Named>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Link {
    pub(super) url: String,
    pub(super) expanded_url: Option<String>,
    pub(super) media_key: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) username: String,
    pub(super) id: Option<String>,
}

/// Why something was refused (`application/problem+json`), or one part of an answer is missing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) detail: String,
    /// The id that is meant.
    pub(super) resource_id: Option<String>,
    pub(super) value: Value,
    pub(super) errors: Vec<Value>,
}

impl Problem {
    /// Does it say that this post is not there any more?
    pub(super) fn is_gone(&self) -> bool {
        self.kind.ends_with("resource-not-found")
    }

    /// The id it is about.
    pub(super) fn about(&self) -> Option<&str> {
        self.resource_id.as_deref().or_else(|| self.value.as_str())
    }
}

/// A direct message, as the lists of them show it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Direct {
    pub(super) id: String,
    pub(super) event_type: String,
    pub(super) text: String,
    pub(super) sender_id: String,
    pub(super) dm_conversation_id: String,
    pub(super) created_at: Option<String>,
    pub(super) participant_ids: Vec<String>,
    pub(super) attachments: Attachments,
    pub(super) entities: Entities,
}

/// An event of the X Activity API, by webhook or stream.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Activity {
    pub(super) data: ActivityData,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ActivityData {
    pub(super) event_uuid: String,
    pub(super) event_type: String,
    pub(super) payload: Value,
    pub(super) includes: Includes,
}

/// A direct message of an activity: in the older shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Letters {
    pub(super) direct_message_events: Vec<Letter>,
    pub(super) users: BTreeMap<String, Known>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Letter {
    pub(super) id: String,
    /// Milliseconds since 1970, as text.
    pub(super) created_timestamp: String,
    pub(super) message_create: LetterBody,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LetterBody {
    pub(super) target: LetterTarget,
    pub(super) sender_id: String,
    pub(super) message_data: LetterWords,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LetterTarget {
    pub(super) recipient_id: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LetterWords {
    pub(super) text: String,
    pub(super) entities: Entities,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    pub(super) data: User,
}

/// A post that was written.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    pub(super) data: WrittenData,
}

#[derive(Debug, Deserialize)]
pub(super) struct WrittenData {
    #[serde(alias = "dm_event_id")]
    pub(super) id: String,
}

/// A file on its way to X.
#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    pub(super) data: UploadData,
}

#[derive(Debug, Deserialize)]
pub(super) struct UploadData {
    pub(super) id: String,
    pub(super) processing_info: Option<Processing>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Processing {
    pub(super) state: String,
    pub(super) check_after_secs: Option<u64>,
}

/// A list of which what cannot be read is left out: one odd entry does not cost the whole page.
fn lenient<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let all: Vec<Value> = Option::deserialize(from)?.unwrap_or_default();
    Ok(all.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}
