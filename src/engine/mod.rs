//! Moves: reach, read, decide, commit.

pub mod clock;
