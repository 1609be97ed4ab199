//! What both drivers of the simulator stand on: the world, its clock, its lots, and effects that
//! come later than their answer, or without one.

use careline::case::effect::Answer;
use careline::case::time::{Span, Timestamp};
use careline::engine::clock::{Clock, Stepped};
use careline::net::Failure;
use careline::world::{Shared, World};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

type Effect = Box<dyn FnOnce(&mut World) + Send>;

/// See the module. It outlives every process.
#[derive(Clone)]
pub struct Sky {
    pub world: Shared,
    pub clock: Stepped,
    lots: Arc<Mutex<fastrand::Rng>>,
    late: Arc<Mutex<BTreeMap<(Timestamp, u64), Effect>>>,
    /// Faults are over.
    calm: Arc<Mutex<bool>>,
    /// Nothing goes wrong by lot.
    fair: bool,
    moves: Arc<Mutex<u64>>,
    calls: Arc<Mutex<Vec<Call>>>,
    told: Arc<Mutex<Vec<Told>>>,
    story: Arc<Mutex<Vec<(Timestamp, String)>>>,
}

/// A call as a platform saw it.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it was about: a key of ours.
    pub key: String,
    pub what: Asked,
}

/// What a call was, and what is known of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To do something; it surely was not done, or may have been.
    Write { refused: bool },
    /// To look for something; it surely is not there, or anything else.
    Look { absent: bool },
}

/// What only one member was told, at once.
#[derive(Clone, Debug)]
pub struct Told {
    pub member: String,
    pub thread: i64,
    pub answer: Answer,
}

impl Told {
    /// In words; a form has none.
    pub fn words(&self) -> Option<String> {
        match &self.answer {
            Answer::Say { words, .. } => Some(words.plain(true)),
            Answer::Refuse(why) => Some(why.clone()),
            Answer::Form(_) | Answer::Choices(_) => None,
        }
    }
}

/// How a write ends.
pub enum Ending {
    /// Done, and said so.
    Well,
    /// Not done; this is said.
    Not(Failure),
    /// Done at once, or so much later, but this is said.
    DoneBut(Span, Failure),
    /// Done at once, or so much later; nothing is ever said.
    DoneSilently(Span),
    /// Not done, nothing said.
    Silence,
    /// Not done, but nobody can tell.
    Unsure,
}

impl Sky {
    pub fn new(seed: u64, start: Timestamp) -> Self {
        let sky = Self {
            world: Shared::default(),
            clock: Stepped::at(start),
            lots: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
            late: Arc::default(),
            calm: Arc::default(),
            fair: false,
            moves: Arc::default(),
            calls: Arc::default(),
            told: Arc::default(),
            story: Arc::default(),
        };
        sky.world.look().now = start;
        sky
    }

    /// Under this one nothing goes wrong by itself, and everybody is quick.
    #[cfg(test)]
    pub fn fair(start: Timestamp) -> Self {
        Self { fair: true, ..Self::new(1, start) }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.passed()
    }

    /// Draws a lot below `n`.
    pub fn lot(&self, n: u64) -> u64 {
        self.lots.lock().unwrap().u64(0..n.max(1))
    }

    pub fn calm_down(&self) {
        *self.calm.lock().unwrap() = true;
    }

    pub fn is_calm(&self) -> bool {
        *self.calm.lock().unwrap()
    }

    /// Something happens in one of so many cases, while faults last.
    pub fn fault(&self, one_in: u64) -> bool {
        self.lot(one_in) == 0 && !self.fair && !self.is_calm()
    }

    pub fn moved(&self) {
        *self.moves.lock().unwrap() += 1;
    }

    pub fn moves(&self) -> u64 {
        *self.moves.lock().unwrap()
    }

    /// Writes into the platforms' own books.
    pub fn called(&self, key: &str, what: Asked) {
        self.calls.lock().unwrap().push(Call { key: key.to_owned(), what });
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub fn tell(&self, told: Told) {
        self.told.lock().unwrap().push(told);
    }

    pub fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// A line of the day's story, for people who look for a fault.
    pub fn note(&self, line: impl Into<String>) {
        self.story.lock().unwrap().push((self.now(), line.into()));
    }

    pub fn story(&self) -> Vec<(Timestamp, String)> {
        self.story.lock().unwrap().clone()
    }

    pub async fn sleep(&self, span: Span) {
        self.clock.sleep(span).await;
        self.moved();
    }

    pub fn change<T>(&self, what: impl FnOnce(&mut World) -> T) -> T {
        self.moved();
        self.world.change(self.now(), what)
    }

    /// This happens so much later, whoever lives then.
    pub fn later(&self, after: Span, effect: Effect) {
        let at = (self.now() + after, self.lot(u64::MAX));
        self.late.lock().unwrap().insert(at, effect);
    }

    pub fn next_late(&self) -> Option<Timestamp> {
        self.late.lock().unwrap().first_key_value().map(|((at, _), _)| *at)
    }

    pub fn do_late(&self) {
        loop {
            let due = {
                let mut late = self.late.lock().unwrap();
                match late.first_key_value() {
                    Some(((at, _), _)) if *at <= self.now() => late.pop_first(),
                    _ => None,
                }
            };
            match due {
                Some((_, effect)) => self.change(effect),
                None => return,
            }
        }
    }

    /// By lot; an effect is never later than `latest`.
    pub fn ending(&self, latest: Span) -> Ending {
        if !self.fault(4) {
            return Ending::Well;
        }
        let after = Span(self.lot(latest.0.unsigned_abs()) as i64);
        let unsure = || Failure::Unsure("the connection was cut".into());
        match self.lot(8) {
            0 => Ending::Not(Failure::Later { after: None, why: "busy".into() }),
            1 => {
                let after = Some(Span::seconds(self.lot(90) as i64));
                Ending::Not(Failure::Later { after, why: "too many requests".into() })
            }
            2 => Ending::DoneBut(Span(0), unsure()),
            3 => Ending::DoneBut(after, unsure()),
            4 => Ending::DoneSilently(Span(0)),
            5 => Ending::DoneSilently(after),
            6 => Ending::Silence,
            _ => Ending::Unsure,
        }
    }

    /// Does a write, or not, and ends it like this.
    pub async fn write<T: Send + 'static>(
        &self,
        key: &str,
        ending: Ending,
        effect: impl FnOnce(&mut World) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.called(key, Asked::Write { refused: matches!(ending, Ending::Not(_)) });
        let wait = Span::millis(20 + self.lot(700) as i64);
        match ending {
            Ending::Well => {
                self.sleep(wait).await;
                let done = self.change(effect);
                self.sleep(Span::millis(self.lot(300) as i64)).await;
                done
            }
            Ending::Not(failure) => {
                self.sleep(wait).await;
                Err(failure)
            }
            Ending::DoneBut(after, failure) => {
                self.sleep(wait).await;
                self.later(after, Box::new(|world| drop(effect(world))));
                self.sleep(Span::millis(1)).await;
                Err(failure)
            }
            Ending::DoneSilently(after) => {
                self.later(after, Box::new(|world| drop(effect(world))));
                std::future::pending().await
            }
            Ending::Silence => std::future::pending().await,
            Ending::Unsure => {
                self.sleep(wait).await;
                Err(Failure::Unsure("a page of HTML".into()))
            }
        }
    }
}
