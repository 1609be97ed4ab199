//! Mastodon's entities, as far as careline reads them.
//!
//! Everything that is not needed has a default, and `null` counts as not given: servers differ
//! (`platforms.md` 5.4). Source: <https://docs.joinmastodon.org/entities/>.

use serde::{Deserialize, Deserializer};

/// A value, or its default if it is `null`.
fn soft<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// An id. Text everywhere; a number is taken as its own digits.
fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(serde_json::Number),
    }
    match Either::deserialize(from)? {
        Either::Text(text) if text.is_empty() => Err(serde::de::Error::custom("an id is empty")),
        Either::Text(text) => Ok(text),
        Either::Number(number) => Ok(number.to_string()),
    }
}

/// A number from 0 on; anything else counts as not given, since nothing hangs on it.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(serde_json::Value::deserialize(from)?.as_u64())
}

fn maybe_name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Name(#[serde(deserialize_with = "name")] String);
    Ok(Option::<Name>::deserialize(from)?.map(|name| name.0))
}

/// Somebody.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// His id on our own server: the only thing that tells who he is.
    #[serde(deserialize_with = "name")]
    pub id: String,
    /// His handle; from another server with `@server`.
    #[serde(default, deserialize_with = "soft")]
    pub acct: String,
    /// The name he gave himself.
    #[serde(default, deserialize_with = "soft")]
    pub display_name: String,
    /// His page.
    #[serde(default)]
    pub url: Option<String>,
    /// His picture, not moving.
    #[serde(default)]
    pub avatar_static: Option<String>,
    /// What he says about himself, as HTML.
    #[serde(default, deserialize_with = "soft")]
    pub note: String,
    /// He says that he is a program.
    #[serde(default, deserialize_with = "soft")]
    pub bot: bool,
    /// He does not want to be found by search engines.
    #[serde(default, deserialize_with = "soft")]
    pub noindex: bool,
    /// How many follow him. Some forks say -1 for what is not told.
    #[serde(default, deserialize_with = "whole")]
    pub followers_count: Option<u64>,
}

/// A post.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// Its id on our own server.
    #[serde(deserialize_with = "name")]
    pub id: String,
    /// Who wrote it.
    pub account: Account,
    /// When.
    #[serde(default, deserialize_with = "soft")]
    pub created_at: String,
    /// When it was last changed.
    #[serde(default)]
    pub edited_at: Option<String>,
    /// The post it answers.
    #[serde(default, deserialize_with = "maybe_name")]
    pub in_reply_to_id: Option<String>,
    /// Who may read it.
    #[serde(default, deserialize_with = "soft")]
    pub visibility: String,
    /// Its content warning.
    #[serde(default, deserialize_with = "soft")]
    pub spoiler_text: String,
    /// Its words, as HTML.
    #[serde(default, deserialize_with = "soft")]
    pub content: String,
    /// Its page.
    #[serde(default)]
    pub url: Option<String>,
    /// Its language.
    #[serde(default)]
    pub language: Option<String>,
    /// What it shows.
    #[serde(default, deserialize_with = "soft")]
    pub media_attachments: Vec<Attachment>,
    /// Whom it names.
    #[serde(default, deserialize_with = "soft")]
    pub mentions: Vec<Named>,
    /// Its choices, if it is a poll.
    #[serde(default)]
    pub poll: Option<Poll>,
}

/// Somebody a post names.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Named {
    /// His id on our own server.
    #[serde(default, deserialize_with = "soft")]
    pub id: String,
    /// His page.
    #[serde(default, deserialize_with = "soft")]
    pub url: String,
    /// His handle.
    #[serde(default, deserialize_with = "soft")]
    pub acct: String,
}

/// A poll.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Poll {
    /// Its choices.
    #[serde(default, deserialize_with = "soft")]
    pub options: Vec<Choice>,
}

/// One choice of a poll.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Choice {
    /// What it says.
    #[serde(default, deserialize_with = "soft")]
    pub title: String,
}

/// Something a post shows.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Attachment {
    /// Its id; needed only of our own.
    #[serde(default, deserialize_with = "maybe_name")]
    pub id: Option<String>,
    /// What it is.
    #[serde(default, rename = "type", deserialize_with = "soft")]
    pub kind: String,
    /// Where our own server shows it; nothing while it works on it.
    #[serde(default)]
    pub url: Option<String>,
    /// A small picture of it.
    #[serde(default)]
    pub preview_url: Option<String>,
    /// Its author's description.
    #[serde(default, deserialize_with = "soft")]
    pub description: String,
}

/// Something that concerns us.
#[derive(Clone, Debug, Deserialize)]
pub struct Notification {
    /// Its id.
    #[serde(deserialize_with = "name")]
    pub id: String,
    /// What it is; `mention` is what we are after.
    #[serde(default, rename = "type", deserialize_with = "soft")]
    pub kind: String,
    /// When.
    #[serde(default, deserialize_with = "soft")]
    pub created_at: String,
    /// The post; gone if its author deleted it.
    #[serde(default)]
    pub status: Option<Status>,
}

/// What is still known of an item that cannot be read.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Stub {
    /// Its id.
    #[serde(default, deserialize_with = "maybe_name")]
    pub id: Option<String>,
    /// When.
    #[serde(default)]
    pub created_at: Option<String>,
}

/// A conversation around a post.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Context {
    /// Below it.
    #[serde(default, deserialize_with = "soft")]
    pub descendants: Vec<Status>,
}

/// One frame of a stream.
#[derive(Clone, Debug, Deserialize)]
pub struct Frame {
    /// What happened.
    #[serde(default, deserialize_with = "soft")]
    pub event: String,
    /// With what: JSON inside text, or a bare id.
    #[serde(default)]
    pub payload: Option<serde_json::Value>,
}

/// A server, as version 2 or version 1 of its entity tells.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Instance {
    /// Its version.
    #[serde(default, deserialize_with = "soft")]
    pub version: String,
    /// Its limits.
    #[serde(default, deserialize_with = "soft")]
    pub configuration: Configuration,
    /// Its addresses (version 1).
    #[serde(default, deserialize_with = "soft")]
    pub urls: Urls,
    /// The longest post, as Pleroma tells it.
    #[serde(default)]
    pub max_toot_chars: Option<usize>,
}

/// Limits of a server.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Configuration {
    /// Its addresses (version 2).
    #[serde(default, deserialize_with = "soft")]
    pub urls: Urls,
    /// Limits of posts.
    #[serde(default, deserialize_with = "soft")]
    pub statuses: Limits,
}

/// Addresses of a server.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Urls {
    /// Of its streams (version 2).
    #[serde(default)]
    pub streaming: Option<String>,
    /// Of its streams (version 1).
    #[serde(default)]
    pub streaming_api: Option<String>,
}

/// Limits of posts.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Limits {
    /// The longest post.
    #[serde(default)]
    pub max_characters: Option<usize>,
    /// The most media of one post.
    #[serde(default)]
    pub max_media_attachments: Option<usize>,
    /// What a link costs.
    #[serde(default)]
    pub characters_reserved_per_url: Option<usize>,
}

/// An error.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Problem {
    /// What is wrong.
    #[serde(default, deserialize_with = "soft")]
    pub error: String,
}

/// An app, as its own token sees it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct App {
    /// What its token may do; not told before 4.3.
    #[serde(default, deserialize_with = "soft")]
    pub scopes: Vec<String>,
}
