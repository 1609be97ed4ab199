//! What an account can do: data that the middle reads, so that it never asks for a platform's name.

use super::time::Span;
use serde::{Deserialize, Serialize};

/// How a network counts the length of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Count {
    /// Characters as readers see them; a link costs `link`, a mention only its local part
    /// (Mastodon: `characters_reserved_per_url`, documentation of `Instance`).
    Mastodon {
        /// What one link costs.
        link: usize,
    },
    /// Graphemes, and at most `bytes` bytes of UTF-8 (Bluesky: lexicon `app.bsky.feed.post`).
    Graphemes {
        /// The second limit.
        bytes: usize,
    },
    /// Weighted characters after NFC: 200 per unit of 100 outside the light ranges, links 23 (X:
    /// twitter-text configuration v3).
    Weighted,
    /// Unicode scalar values.
    Chars,
}

/// What may be done after an unknown result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resend {
    /// The platform recognises our key for at least this long after the first attempt: look, then
    /// send again with the same key.
    Keyed {
        /// How long the key is kept.
        window: Span,
    },
    /// The driver can search for what we sent: look, and send again only after two absences.
    Look,
    /// Nobody can know: a person is asked.
    Ask,
}

/// What one account (or one desk) can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// The network's name as people say it: `Mastodon`.
    pub network: String,
    /// May we answer here at all? If not, the card carries a link and the verb `answered`.
    pub replies: bool,
    /// The longest post, in units of `count`.
    pub limit: usize,
    /// How it is counted.
    pub count: Count,
    /// Must the text begin with the customer's handle for him to be told of it?
    pub names_customer: bool,
    /// Files one post may carry; 0 if none.
    pub files: usize,
    /// Posts and edits can be changed afterwards.
    pub edits: bool,
    /// A post of our own can be given other words by us.
    #[serde(default)]
    pub rewrites: bool,
    /// A post of our own can be deleted by us.
    #[serde(default)]
    pub deletes: bool,
    /// After an unknown result.
    pub resend: Resend,
    /// Wait before the first look, and between two looks.
    pub look_after: Span,
    /// The account's own handle, without `@`, where the network tells.
    #[serde(default)]
    pub handle: Option<String>,
}

impl Abilities {
    /// What is assumed of a network until its own server has told better: the smallest limits.
    #[must_use]
    pub fn cautious(network: &str) -> Self {
        Self {
            network: network.to_owned(),
            replies: true,
            limit: 500,
            count: Count::Mastodon { link: 23 },
            names_customer: true,
            files: 4,
            edits: true,
            rewrites: false,
            deletes: false,
            resend: Resend::Look,
            look_after: Span::seconds(5),
            handle: None,
        }
    }
}
