//! Pretends: people, posts, threads and a clock, in memory. Knows no platform and no HTTP.
//!
//! A [`Square`] is one network's server, an [`Office`] one desk's workspace. Both keep a ledger of
//! all that really happened, in order: checkers judge by it, never by our own store.

pub mod clock;
pub mod fault;
mod index;
pub mod office;
pub mod square;

use crate::case::time::Timestamp;
use fault::Faults;
use office::Office;
use square::Square;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// All that is pretended.
#[derive(Default)]
pub struct World {
    /// What time it is there. Faces set it from the machine's clock, the simulator as it likes.
    pub now: Timestamp,
    /// Networks, by the name of their account in `bot-config`.
    pub squares: BTreeMap<String, Square>,
    /// Desks, by their name in `bot-config`.
    pub offices: BTreeMap<String, Office>,
    /// What shall go wrong.
    pub faults: Faults,
    last_id: i64,
}

impl World {
    /// A new id: microseconds, always growing, never the same twice. Faces write it in their
    /// platform's form.
    pub fn mint(&mut self) -> i64 {
        self.last_id = (self.last_id + 1).max(self.now.0);
        self.last_id
    }

    /// The network of this name; made if it is not there.
    pub fn square(&mut self, name: &str) -> &mut Square {
        self.squares.entry(name.to_owned()).or_default()
    }

    /// The desk of this name; made if it is not there.
    pub fn office(&mut self, name: &str) -> &mut Office {
        self.offices.entry(name.to_owned()).or_default()
    }
}

/// A world that several faces share, with a bell that rings at every change.
#[derive(Clone)]
pub struct Shared {
    world: Arc<Mutex<World>>,
    bell: watch::Sender<u64>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { world: Arc::default(), bell: watch::channel(0).0 }
    }
}

impl Shared {
    /// The world, to look at. Never hold it across an await.
    pub fn look(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world at this time and rings the bell.
    pub fn change<T>(&self, now: Timestamp, what: impl FnOnce(&mut World) -> T) -> T {
        let done = {
            let mut world = self.look();
            world.now = world.now.max(now);
            what(&mut world)
        };
        self.bell.send_modify(|n| *n += 1);
        done
    }

    /// Something that wakes at every change.
    #[must_use]
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }
}
