//! Decides. Imports nothing of careline: no I/O, no clock, no randomness, no async.
//!
//! The life of a case, in one picture:
//!
//! ```text
//!            a mention                    claim, release, assign, tag, snooze: stay where they are
//!                |                                        |
//!                v          our answer arrived            v
//!             +------+ --------------------------> +----------+
//!   opened -> | Open |                             | Answered |
//!             +------+ <-------------------------- +----------+
//!                |           a new mention              |
//!                |  close                        close  |
//!                v                                      v
//!             +-------------------------------------------+    a new mention soon, or `reopen`
//!             |                  Closed                   | ----------------------------> Open
//!             +-------------------------------------------+    a new mention late: a new case
//! ```
//!
//! The life of a reply in it ([`reply`]):
//!
//! ```text
//!   words -> gate -> Held --undo time--> Sending --receipts--> Sent
//!              |       |  \                  \--refused--> Failed
//!              |       |   \--something new--> Asking      \--nobody knows--> Unknown
//!              |       \--undo, edit into a note, deletion--> Withdrawn
//!              \--any rule--> a remark: stays inside
//! ```
//!
//! [`reach()`](reach::reach) says what must be read for an event, [`decide()`] turns what was found
//! into records to write. A [`draft::Draft`] is a decision while it is made; one file of `decide/`
//! tells one event, one file of [`command`] one verb. [`replay::Replay`] does both over a map.

pub mod ability;
pub mod alert;
pub mod card;
pub mod clean;
pub mod command;
pub mod draft;
pub mod effect;
pub mod event;
pub mod forget;
pub mod gate;
pub mod hours;
pub mod id;
pub mod incident;
pub mod likeness;
pub mod limits;
pub mod mend;
pub mod model;
pub mod pattern;
pub mod picture;
pub mod pleasant;
pub mod policy;
mod private;
pub mod reach;
pub mod record;
pub mod replay;
pub mod reply;
pub mod retry;
pub mod rich;
pub mod role;
pub mod rules;
mod terms;
pub mod text;
pub mod time;
pub mod told;
pub mod tone;
pub mod weigh;

mod decide;
pub use decide::decide;

#[cfg(test)]
mod tests;
