//! One desk's workspace: members, channels, threads.

/// A desk's workspace.
#[derive(Default)]
pub struct Office {}
