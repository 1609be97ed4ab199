//! Who speaks to the customer. The only place where words become public.

use serde::{Deserialize, Serialize};

/// Words that passed the gate. No other module can make one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicText(String);

impl PublicText {
    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which rule kept words inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// Posted by an app, a workflow or a webhook.
    Machine,
    /// The author is no member of this workspace.
    Stranger,
    /// The author is a guest.
    Guest,
    /// The author may not speak to customers here.
    NotAgent,
    /// Nobody has claimed the case.
    Unclaimed,
    /// The author is not the claimer.
    NotClaimer,
    /// Relay mode is `explicit`.
    Explicit,
    /// It looks like a note.
    Note,
    /// It speaks to a colleague, a channel or the bot.
    Colleague,
    /// It holds a word that is only for inside.
    InsideWord,
    /// It starts like a command.
    Command,
    /// There is nothing to send.
    Empty,
    /// It was written as a note on purpose.
    OnPurpose,
    /// The case is closed.
    Closed,
    /// The network does not let us answer here.
    NoReply,
    /// There is no post of the customer to answer.
    NoTarget,
}
