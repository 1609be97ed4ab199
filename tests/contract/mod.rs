//! Is every store as good as the others? One suite over the table of stores, and what only a store
//! on disk must bear.

mod crash;
mod crowd;
mod desks;
mod disk;
mod erase;
mod fairness;
mod kit;
mod model;
pub mod networks;
mod pager;
mod postgres;
mod power;
mod score;
pub mod server;
mod store;
