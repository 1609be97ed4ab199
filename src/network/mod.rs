//! Where customers are: what a network must be able to do, and the table of those we know.
//!
//! Adding one: a folder with `mod`, `wire`, `hear`, `say`, `face`, and two neighbouring lines here.

use crate::case::ability::Abilities;
use crate::case::effect::{Receipt, Reply};
use crate::case::event::File;
use crate::case::id::{AccountId, DeliveryId, PostId};
use crate::case::time::Timestamp;
use crate::inbox::{Inbox, Task};
use crate::listen::Rules;
use crate::net::Ground;
use crate::setting::{Mistakes, Section};
use crate::world::Shared;
use bytes::Bytes;
use std::sync::Arc;

pub use crate::net::{Failure, Finding, Looked, Stopped};
pub use crate::web::hooks::Hook;

/// A part of a reply, with all that its sending needs and nothing that must be looked up.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its name.
    pub id: DeliveryId,
    /// The key for the platform, the same at every attempt: deployment and delivery.
    pub key: String,
    /// When the first attempt began, by our clock: how far back to look.
    pub first: Timestamp,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The words and their target.
    pub reply: Reply,
    /// The post to answer: the target's, or for a later part the post of the part before.
    pub parent: PostId,
    /// The files' bytes, in the reply's order.
    pub files: Vec<(File, Bytes)>,
}

/// What an account has paid to its network, by days of UTC, in thousandths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// Yesterday.
    pub yesterday: u64,
    /// Today so far.
    pub today: u64,
    /// The most that a day may cost; `None` without a limit.
    pub budget: Option<u64>,
}

/// One account of ours on a network.
pub trait Network: Send + Sync {
    /// Reads all feeds and puts what it hears into the inbox, until the inbox's stop fires.
    /// Streams are hints; the sweep from the stored cursor is the guarantee. First it tells what
    /// the account can do (`AccountState`).
    fn listen(&self, inbox: Inbox) -> Task<'_, Stopped>;

    /// Sends one part once. Never repeats by itself.
    ///
    /// # Errors
    /// [`Failure`] says what is known: not sent, never to be sent, or nobody knows.
    fn deliver<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Result<Receipt, Failure>>;

    /// Searches for what an earlier attempt may have left. Reads only.
    fn look<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Looked>;

    /// From now on listens for these posts too, although nobody addressed them to us.
    ///
    /// # Errors
    /// Why this account cannot listen, as the end of a sentence about it.
    fn heed(&self, _rules: Arc<Rules>) -> Result<(), String> {
        Err("is on a network where careline cannot listen".into())
    }

    /// What was paid to the network; `None` where nothing costs.
    fn paid(&self) -> Option<Paid> {
        None
    }

    /// Tries tokens and permissions; writes nothing.
    fn probe(&self) -> Task<'_, Vec<Finding>>;

    /// Lets a person log in by his browser, and keeps what comes of it; `say` tells him where to
    /// go. `None` where the configuration alone is enough.
    fn login<'a>(
        &'a self,
        _say: &'a (dyn Fn(&str) + Send + Sync),
    ) -> Option<Task<'a, Result<String, String>>> {
        None
    }

    /// The path that a platform calls for a whole app: accounts of one app may share it, and each
    /// takes what is its own.
    fn hook(&self, _inbox: Inbox) -> Option<Hook> {
        None
    }

    /// Paths this account wants served (webhooks), if any.
    fn routes(&self, _inbox: Inbox) -> Option<axum::Router> {
        None
    }
}

/// Opens one from its section; names every mistake of it at once.
pub type Open = fn(&AccountId, &Section, &Ground) -> Result<Arc<dyn Network>, Mistakes>;

/// A row of the table of networks.
pub struct Driver {
    /// Its name in `bot-config`: `mastodon`.
    pub name: &'static str,
    /// Its section in `bot-config/careline.toml`, every key shown with its default.
    pub example: &'static str,
    /// Opens one account; names every mistake of its section at once. Connects nowhere yet.
    pub open: Open,
    /// What an account can usually do there; each account tells what it really can.
    pub abilities: fn() -> Abilities,
    /// Its platform as the world pretends it, for the sandbox: the network of this name, over HTTP.
    pub face: fn(Shared, &str) -> axum::Router,
}

pub mod bluesky;
mod face;
mod feed;
pub mod mastodon;
pub mod meta;
pub mod x;

/// All networks, by name.
pub static NETWORKS: &[&Driver] =
    &[&bluesky::NETWORK, &meta::FACEBOOK, &meta::INSTAGRAM, &mastodon::NETWORK, &x::NETWORK];
