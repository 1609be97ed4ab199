//! Reads tone: does this text need a person soon? A number from 0 to 1, with its reasons in words.
//!
//! At the start it knows what a published lexicon (VADER) and short lists of plain words
//! know. On top stands a learner: a linear model over hashed words, pairs of words and
//! short runs of letters, which learns on this machine, one act of the team at a time. Nothing was
//! trained elsewhere and nothing is shipped but those lists.
//!
//! The same lessons in the same order with the same seed give the same score, bit for bit. Who
//! wrote, and how many follow him, is not asked: a text is all there is.

pub mod burst;
mod calibration;
mod feature;
mod learner;
mod lexicon;
mod lists;
pub mod measure;
mod scorer;
pub mod shuffle;

pub use scorer::{Reading, Scorer, Weight};
