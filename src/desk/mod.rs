//! Where agents are: what a desk must be able to do, and the table of those we know.
//!
//! Adding one: a folder with `mod`, `wire`, `hear`, `say`, `face`, and two neighbouring lines here.

use crate::case::effect::{Notice, Receipt};
use crate::case::event::File;
use crate::case::id::{DeliveryId, Deployment, DeskId, MessageId, ThreadId};
use crate::case::time::Timestamp;
use crate::inbox::{Inbox, Task};
use crate::net::Ground;
use crate::setting::{Mistakes, Section};
use crate::world::Shared;
use bytes::Bytes;
use std::sync::Arc;

pub use crate::net::{Failure, Finding, Looked, Stopped};

/// A notice, with all that its sending needs.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its name; with `deployment` it is written into what is posted, so that it can be found.
    pub id: DeliveryId,
    /// Which installation speaks.
    pub deployment: Deployment,
    /// When the first attempt began, by our clock: how far back to look.
    pub first: Timestamp,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What to do.
    pub notice: Notice,
    /// The case's thread; `None` for `Open` and `Tell`.
    pub thread: Option<ThreadId>,
    /// The message to amend (`Amend`).
    pub message: Option<MessageId>,
    /// More notices that waited for the same thread and go out in the same message, after
    /// `notice`; all of them `Post` of a customer's words or of status. For an `Amend` of a message
    /// that carries several: all its notices in their order, the changed one among them.
    pub merged: Vec<(DeliveryId, Notice)>,
}

/// One thread to sweep, and what is known of it.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The thread.
    pub thread: ThreadId,
    /// All that was written before this instant was read; `None` = nothing is sure.
    pub seen: Option<Timestamp>,
    /// Agents' messages that stood there when they were last heard of, as the desk names them:
    /// those of waiting replies, and the newest others. One that does not stand there any more was
    /// deleted.
    pub known: Vec<String>,
    /// A reply waits whose message is among `known`: this thread is read before the others.
    pub waits: bool,
}

impl Mark {
    /// The whole thread, of which nothing is known.
    #[must_use]
    pub const fn whole(thread: ThreadId) -> Self {
        Self { thread, seen: None, known: Vec::new(), waits: false }
    }
}

/// One desk.
pub trait Desk: Send + Sync {
    /// Hears messages, commands, buttons and forms and puts them into the inbox, until the inbox's
    /// stop fires. Acknowledges each after `put` has returned. Fires `swept` after each
    /// (re)connection, so that the engine calls [`Desk::sweep`].
    fn listen(&self, inbox: Inbox, swept: Arc<tokio::sync::Notify>) -> Task<'_, Stopped>;

    /// Sends one notice once. Never repeats by itself.
    ///
    /// # Errors
    /// [`Failure`] says what is known: not sent, never to be sent, or nobody knows.
    fn deliver<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Result<Receipt, Failure>>;

    /// Searches for what an earlier attempt may have left. Reads only.
    fn look<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Looked>;

    /// Reads these threads again, changed ones first, and puts all messages after the marks into
    /// the inbox (and our own, as `Echo`). Of what is known and does not stand there any more it
    /// puts `Unsaid`, but only after a complete reading, and after it was asked for by itself.
    fn sweep(&self, marks: Vec<Mark>, inbox: Inbox) -> Task<'_, Result<(), Failure>>;

    /// Brings a file of an agent.
    ///
    /// # Errors
    /// [`Failure`]; files over `limits::FILE_BYTES` are refused for good.
    fn fetch<'a>(&'a self, file: &'a File) -> Task<'a, Result<Bytes, Failure>>;

    /// Tries tokens and permissions; writes nothing.
    fn probe(&self) -> Task<'_, Vec<Finding>>;

    /// Paths this desk wants served (events over HTTP), if any.
    fn routes(&self, _inbox: Inbox) -> Option<axum::Router> {
        None
    }
}

/// Opens one from its section; names every mistake of it at once.
pub type Open = fn(&DeskId, &Section, &Ground) -> Result<Arc<dyn Desk>, Mistakes>;

/// A file that is made from the names of the verbs.
pub struct Made {
    /// Its name in `bot-config`.
    pub file: &'static str,
    /// What stands in it.
    pub text: fn(&[&str]) -> String,
    /// What to do with it, in a sentence.
    pub then: &'static str,
}

/// A row of the table of desks.
pub struct Driver {
    /// Its name in `bot-config`: `slack`.
    pub name: &'static str,
    /// Its section in `bot-config/careline.toml`, every key shown with its default.
    pub example: &'static str,
    /// Opens one desk; names every mistake of its section at once. Connects nowhere yet.
    pub open: Open,
    /// Its platform as the world pretends it, for the sandbox: the desk of this name, over HTTP.
    pub face: fn(Shared, &str) -> axum::Router,
    /// A file in `bot-config` that is made from the verbs and makes the app at the platform.
    pub made: Option<Made>,
}

pub mod discord;
mod face;
pub mod slack;

/// All desks, by name.
pub static DESKS: &[&Driver] = &[&discord::DISCORD, &slack::SLACK];
