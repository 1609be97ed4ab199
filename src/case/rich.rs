//! Words for a desk, with their origin kept: what a customer wrote stays [`Theirs`] until a desk's
//! own renderer shows it as data. There is no way to turn it into our own words by accident.

use super::id::AgentId;
use serde::{Deserialize, Serialize};

/// Text from outside. It has no `Display`: a renderer must ask for it by name and escape it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Theirs(String);

impl Theirs {
    /// Marks a text as theirs.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The bare text, for whoever escapes, counts or compares it.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Is there anything to read?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl std::fmt::Debug for Theirs {
    /// Only the length: customers' words have no place in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Theirs({} bytes)", self.0.len())
    }
}

/// One piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// Our own words, plain.
    Say(String),
    /// Our own words, stressed.
    Strong(String),
    /// Their words inside a sentence of ours: one line, shown as data.
    Theirs(Theirs),
    /// Their words as a block of their own, inside a quote that nobody mistakes for ours.
    Quote(Theirs),
    /// A member of staff, by name, without calling him.
    Agent(String),
    /// A member of staff, called: he is told. Only from configured or acting ids.
    Call(AgentId),
    /// A link whose target we know; the label is ours.
    Link {
        /// Where it goes.
        url: String,
        /// Our own label.
        label: String,
    },
    /// An instant; a desk shows it in the reader's own time zone where it can.
    When(super::time::Timestamp),
    /// A new line.
    Break,
}

/// A sentence, or several, for a desk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rich(pub Vec<Piece>);

impl Rich {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Just these words of ours.
    pub fn of(text: impl Into<String>) -> Self {
        Self::new().say(text)
    }

    /// And then: our own words.
    #[must_use]
    pub fn say(self, text: impl Into<String>) -> Self {
        self.and(Piece::Say(text.into()))
    }

    /// And then: our own words, stressed.
    #[must_use]
    pub fn strong(self, text: impl Into<String>) -> Self {
        self.and(Piece::Strong(text.into()))
    }

    /// And then: their words, inside the sentence.
    #[must_use]
    pub fn theirs(self, text: &Theirs) -> Self {
        self.and(Piece::Theirs(text.clone()))
    }

    /// And then: their words as a quote.
    #[must_use]
    pub fn quote(self, text: &Theirs) -> Self {
        self.and(Piece::Quote(text.clone()))
    }

    /// And then: a colleague's name.
    #[must_use]
    pub fn agent(self, name: &str) -> Self {
        self.and(Piece::Agent(name.to_owned()))
    }

    /// And then: a link with a label of ours.
    #[must_use]
    pub fn link(self, url: &str, label: &str) -> Self {
        self.and(Piece::Link { url: url.to_owned(), label: label.to_owned() })
    }

    /// And then: an instant.
    #[must_use]
    pub fn when(self, at: super::time::Timestamp) -> Self {
        self.and(Piece::When(at))
    }

    /// And then: the next line.
    #[must_use]
    pub fn line(self) -> Self {
        self.and(Piece::Break)
    }

    /// And then: this piece.
    #[must_use]
    pub fn and(mut self, piece: Piece) -> Self {
        self.0.push(piece);
        self
    }

    /// And then: all of that.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// As bare text, for tests, terminals and fallbacks that carry no customer's words: theirs is
    /// replaced by an ellipsis unless `show_theirs`.
    #[must_use]
    pub fn plain(&self, show_theirs: bool) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Say(t) | Piece::Strong(t) | Piece::Agent(t) => out.push_str(t),
                Piece::Theirs(t) if show_theirs => out.push_str(t.raw()),
                Piece::Quote(t) if show_theirs => {
                    out.push_str("\n> ");
                    out.push_str(&t.raw().replace('\n', "\n> "));
                    out.push('\n');
                }
                Piece::Theirs(_) | Piece::Quote(_) => out.push('…'),
                Piece::Call(agent) => out.push_str(&format!("@{}", agent.user)),
                Piece::Link { url, label } => out.push_str(&format!("{label} ({url})")),
                Piece::When(at) => out.push_str(&at.to_string()),
                Piece::Break => out.push('\n'),
            }
        }
        out
    }
}
