//! One network's server: people and their posts.

/// A network's server.
#[derive(Default)]
pub struct Square {}
