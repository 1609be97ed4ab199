//! Is every store as good as the others? One suite over the table of stores, and what only a store
//! on disk must bear.

pub mod networks;
mod crash;
mod disk;
mod erase;
mod kit;
mod model;
mod store;
