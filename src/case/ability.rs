//! What an account can do: data that the middle reads, so that it never asks for a platform's name.

use super::model::Audience;
use super::time::{Span, Timestamp};
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
    /// Bytes of UTF-8.
    Bytes,
}

/// The longest text of one kind, and how it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The most, in units of `count`.
    pub limit: usize,
    /// How it is counted.
    pub count: Count,
}

/// How long after the customer's words a network takes an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// To a private message, by a person.
    pub direct: Span,
    /// To a public post in private, and then only once; `None` for ever and as often as one likes.
    pub private: Option<Span>,
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
    /// The longest private message, where it is not as long as a post.
    #[serde(default)]
    pub direct: Option<Limit>,
    /// A public post can be answered for its author alone.
    #[serde(default)]
    pub private: bool,
    /// For how long an answer is taken; `None` if for ever.
    #[serde(default)]
    pub window: Option<Window>,
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
    /// What a post of ours costs; `None` if nothing.
    #[serde(default)]
    pub price: Option<Price>,
    /// An address that opens the network's own form with a text filled in, for posts that may only
    /// be answered by hand: `{post}` and `{text}` stand in it. `None` where there is no such form.
    #[serde(default)]
    pub compose: Option<String>,
}

/// What a network takes for a post, in thousandths of a US dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// A post.
    pub post: u32,
    /// A post that holds a link.
    pub link: u32,
}

impl Price {
    /// What these parts cost, if a link in them makes them dearer than they need be.
    #[must_use]
    pub fn of_links<'t>(self, parts: impl Iterator<Item = &'t str>) -> Option<u32> {
        let (mut sum, mut dear) = (0_u32, false);
        for part in parts {
            let linked = super::weigh::has_link(part) && self.link > self.post;
            sum = sum.saturating_add(if linked { self.link } else { self.post });
            dear |= linked;
        }
        dear.then_some(sum)
    }
}

/// Thousandths of a US dollar, as people write them: `$0.20`, `$0.015`.
#[must_use]
pub fn dollars(mills: u64) -> String {
    match mills % 10 {
        0 => format!("${}.{:02}", mills / 1000, mills % 1000 / 10),
        _ => format!("${}.{:03}", mills / 1000, mills % 1000),
    }
}

impl Abilities {
    /// The longest answer to a post of this audience.
    #[must_use]
    pub fn limit_for(&self, audience: Audience) -> Limit {
        let post = Limit { limit: self.limit, count: self.count };
        self.direct.filter(|_| audience == Audience::Direct).unwrap_or(post)
    }

    /// Until when an answer to a private message of this instant is taken.
    #[must_use]
    pub fn until(&self, audience: Audience, written: Timestamp) -> Option<Timestamp> {
        let window = self.window.filter(|_| audience == Audience::Direct)?;
        Some(written + window.direct)
    }

    /// Until when a public post of this instant can be answered in private, if not for ever.
    #[must_use]
    pub fn until_private(&self, written: Timestamp) -> Option<Timestamp> {
        Some(written + self.window?.private?)
    }

    /// Is a public post answered in private only once?
    #[must_use]
    pub fn is_private_once(&self) -> bool {
        self.window.is_some_and(|window| window.private.is_some())
    }

    /// The address that opens the network's own form for an answer to this post.
    #[must_use]
    pub fn form(&self, post: &str, text: &str) -> Option<String> {
        let coded = |text: &str| {
            url::form_urlencoded::byte_serialize(text.as_bytes())
                .collect::<String>()
                .replace('+', "%20")
        };
        let form = self.compose.as_ref()?;
        Some(form.replace("{post}", &coded(post)).replace("{text}", &coded(text)))
    }
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
            direct: None,
            private: false,
            window: None,
            names_customer: true,
            files: 4,
            edits: true,
            rewrites: false,
            deletes: false,
            resend: Resend::Look,
            look_after: Span::seconds(5),
            handle: None,
            price: None,
            compose: None,
        }
    }
}
