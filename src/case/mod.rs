//! Decides. Imports nothing of careline: no I/O, no clock, no randomness, no async.

pub mod ability;
pub mod effect;
pub mod event;
pub mod gate;
pub mod id;
pub mod limits;
pub mod model;
pub mod policy;
pub mod reach;
pub mod record;
pub mod rich;
pub mod time;

mod decide;
pub use decide::decide;
