//! What shall go wrong, where and how often. Faces ask before and after each call.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What goes wrong with one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Wrong {
    /// Answered with this status, nothing done.
    Status {
        /// The HTTP status: 429, 500, 503.
        status: u16,
        /// `Retry-After`, as it is written into the header.
        retry_after: Option<String>,
    },
    /// Done, then answered with this status.
    DoneThenStatus {
        /// The HTTP status: 500, 502, 504.
        status: u16,
    },
    /// Done, then no answer for so many milliseconds.
    DoneThenSilence {
        /// How long.
        millis: u64,
    },
    /// Done, then the connection is cut.
    DoneThenCut,
    /// The connection is cut, nothing done.
    Cut,
    /// Done, but the answer is an HTML page with status 200.
    DoneThenHtml,
    /// Nothing is answered for so many milliseconds, then done after all.
    Late {
        /// How long.
        millis: u64,
    },
    /// Pushed events of this face come twice.
    Repeat,
    /// Pushed events of this face come in the wrong order.
    Reorder,
    /// Streams of this face stay open and say nothing.
    Silence,
    /// The token is dead.
    DeadToken,
    /// A call that carries these words is refused for them with this code; nothing is done.
    Words {
        /// What the platform does not like.
        words: String,
        /// Its code: `invalid_blocks`.
        code: String,
    },
}

/// One fault: where, how often, what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The face: the account's or desk's name.
    pub face: String,
    /// A part of the call's path or method: `chat.postMessage`, `/api/v1/statuses`; empty = all.
    #[serde(default)]
    pub call: String,
    /// Calls that go well before.
    #[serde(default)]
    pub skip: u32,
    /// Calls that go wrong then; 0 = until the fault is taken back.
    #[serde(default)]
    pub times: u32,
    /// What goes wrong.
    #[serde(flatten)]
    pub wrong: Wrong,
}

/// All faults that are set.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    set: VecDeque<(Fault, u32)>,
}

impl Faults {
    /// Sets one more.
    pub fn set(&mut self, fault: Fault) {
        self.set.push_back((fault, 0));
    }

    /// Takes all back, of one face or of all.
    pub fn clear(&mut self, face: Option<&str>) {
        self.set.retain(|(fault, _)| face.is_some_and(|face| fault.face != face));
    }

    /// What goes wrong with this call, counted.
    pub fn of(&mut self, face: &str, call: &str) -> Option<Wrong> {
        let at = self.set.iter_mut().position(|(fault, seen)| {
            let mine = fault.face == face && call.contains(&fault.call);
            *seen += u32::from(mine);
            let over = fault.times > 0 && *seen > fault.skip + fault.times;
            mine && *seen > fault.skip && !over
        })?;
        Some(self.set[at].0.wrong.clone())
    }
}
