//! Which network and which desk are looked at: a pair, and what differs between its platforms.

use super::cast::{ACCOUNT, BOT, CHANNEL, DESK};
use crate::desk::{discord, slack};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// Our account on Bluesky, as `bot-config` names it.
pub const SKY: &str = "acme_sky";
/// Our account on X.
pub const X: &str = "acme_x";
/// Our Page on Facebook.
pub const FACEBOOK: &str = "acme_facebook";
/// Our account on Instagram.
pub const INSTAGRAM: &str = "acme_instagram";
/// The demo's Discord desk, as `bot-config` names it.
pub const DISCORD: &str = "discord";
/// The demo's Discord server.
pub const GUILD: &str = "100000000000000001";
/// The forum of its cases.
pub const FORUM: &str = "200000000000000001";
/// A text channel of it, for commands.
pub const TEAM_TALK: &str = "200000000000000002";
/// The app there.
pub const DISCORD_APP: &str = "300000000000000001";
/// The app's bot.
pub const DISCORD_BOT: &str = "400000000000000001";
/// The role of its agents.
pub const AGENTS: &str = "500000000000000001";

/// A network of the demo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Net {
    /// A Mastodon server.
    #[default]
    Mastodon,
    /// Bluesky.
    Bluesky,
    /// X.
    X,
    /// A Facebook Page, with its Messenger.
    Facebook,
    /// An Instagram account.
    Instagram,
}

/// What a network of the demo is called, and what its customers can do.
struct Row {
    name: &'static str,
    title: &'static str,
    account: &'static str,
    posting: &'static str,
    private: bool,
    warns: bool,
    pictures: bool,
    edits: bool,
}

/// A desk of the demo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Office {
    /// A Slack workspace.
    #[default]
    Slack,
    /// A Discord server.
    Discord,
}

/// A network and a desk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// Where customers write.
    pub net: Net,
    /// Where new cases go.
    pub office: Office,
}

impl Net {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Mastodon, Self::Bluesky, Self::X, Self::Facebook, Self::Instagram];

    const fn row(self) -> Row {
        let all = Row {
            name: "mastodon",
            title: "Mastodon",
            account: ACCOUNT,
            posting: "POST /api/v1/statuses",
            private: true,
            warns: true,
            pictures: true,
            edits: true,
        };
        let post = "POST /xrpc/com.atproto.repo.putRecord";
        match self {
            Self::Mastodon => all,
            Self::Bluesky => Row {
                name: "bluesky",
                title: "Bluesky",
                account: SKY,
                posting: post,
                private: false,
                warns: false,
                ..all
            },
            Self::X => Row {
                name: "x",
                title: "X",
                account: X,
                posting: "POST /2/tweets",
                warns: false,
                ..all
            },
            Self::Facebook => Row {
                name: "facebook",
                title: "Facebook",
                account: FACEBOOK,
                posting: "/comments",
                warns: false,
                pictures: false,
                ..all
            },
            Self::Instagram => Row {
                name: "instagram",
                title: "Instagram",
                account: INSTAGRAM,
                posting: "/replies",
                warns: false,
                pictures: false,
                edits: false,
                ..all
            },
        }
    }

    /// The driver's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// As people say it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// Our account there.
    #[must_use]
    pub const fn account(self) -> &'static str {
        self.row().account
    }

    /// The call that posts, as faults name it.
    #[must_use]
    pub const fn posting(self) -> &'static str {
        self.row().posting
    }

    /// Can a customer write to us alone?
    #[must_use]
    pub const fn is_private(self) -> bool {
        self.row().private
    }

    /// Can he warn of what he shows?
    #[must_use]
    pub const fn warns(self) -> bool {
        self.row().warns
    }

    /// Do his pictures come with his words?
    #[must_use]
    pub const fn has_pictures(self) -> bool {
        self.row().pictures
    }

    /// Can he change what he wrote?
    #[must_use]
    pub const fn edits(self) -> bool {
        self.row().edits
    }

    /// The network of this account of ours.
    #[must_use]
    pub fn of(account: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|net| net.account() == account)
    }
}

impl Office {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Slack, Self::Discord];

    /// The driver's name, which is the desk's, too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slack => DESK,
            Self::Discord => DISCORD,
        }
    }

    /// As people say it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Discord => "Discord",
        }
    }

    /// Where cases go.
    #[must_use]
    pub const fn channel(self) -> &'static str {
        match self {
            Self::Slack => CHANNEL,
            Self::Discord => FORUM,
        }
    }

    /// Where people talk and type commands outside any case.
    #[must_use]
    pub const fn talk(self) -> &'static str {
        match self {
            Self::Slack => CHANNEL,
            Self::Discord => TEAM_TALK,
        }
    }

    /// The app's own user.
    #[must_use]
    pub const fn bot(self) -> &'static str {
        match self {
            Self::Slack => BOT,
            Self::Discord => DISCORD_BOT,
        }
    }

    /// The call that posts, as faults name it.
    #[must_use]
    pub const fn posting(self) -> &'static str {
        match self {
            Self::Slack => "chat.postMessage",
            Self::Discord => "POST /channels/",
        }
    }

    /// A message's id as the platform writes it.
    #[must_use]
    pub fn stamp(self, id: i64) -> String {
        match self {
            Self::Slack => slack::face::stamp(id),
            Self::Discord => discord::face::stamp(id),
        }
    }

    /// The world's id of a message.
    #[must_use]
    pub fn unstamp(self, id: &str) -> Option<i64> {
        match self {
            Self::Slack => slack::face::unstamp(id),
            Self::Discord => discord::face::unstamp(id),
        }
    }
}

impl FromStr for Net {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|known| known.name() == name);
        let all = || Self::ALL.map(Self::name).join(", ");
        found.ok_or_else(|| format!("the networks of the demo are {}", all()))
    }
}

impl FromStr for Office {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|known| known.name() == name);
        found.ok_or_else(|| "the desks of the demo are slack and discord".to_owned())
    }
}

/// The pair that is looked at now; clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Chosen(Arc<Mutex<Pair>>);

impl Chosen {
    /// Begins with this pair.
    #[must_use]
    pub fn new(pair: Pair) -> Self {
        Self(Arc::new(Mutex::new(pair)))
    }

    /// The pair now.
    #[must_use]
    pub fn get(&self) -> Pair {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at another one; gives the one before.
    pub fn set(&self, pair: Pair) -> Pair {
        std::mem::replace(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), pair)
    }
}
