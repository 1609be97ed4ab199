//! The one switch.

use super::event::Envelope;
use super::policy::Policy;
use super::record::{Decision, Found};

/// Total: never fails, never waits. What cannot be done becomes an answer to whoever asked.
#[must_use]
pub fn decide(_policy: &Policy, _found: &Found, _envelope: &Envelope) -> Decision {
    Decision::default()
}
