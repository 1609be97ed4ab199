//! Decides. Imports nothing of careline: no I/O, no clock, no randomness, no async.

pub mod ability;
pub mod alert;
pub mod card;
pub mod command;
pub mod draft;
pub mod effect;
pub mod event;
pub mod forget;
pub mod gate;
pub mod hours;
pub mod id;
pub mod limits;
pub mod model;
pub mod pattern;
pub mod policy;
pub mod reach;
pub mod record;
pub mod replay;
pub mod reply;
pub mod rich;
pub mod text;
pub mod time;

mod decide;
pub use decide::decide;

#[cfg(test)]
mod tests;
