//! Many at once: more than this hour usually brings, for a brand on a network or one topic of it.
//!
//! The counts' own noise is taken into account, so that three mentions in a quiet night are no
//! burst; and nothing is said of a stream that has not been seen for a day.

mod common;
mod rate;

use crate::case::time::{Span, Timestamp};
use rate::Rate;
use std::collections::{BTreeMap, VecDeque};

/// Stretches of time that are looked at, and how unlikely their count must be.
const LOOKS: [(Span, f64); 2] = [(Span::minutes(10), 2e-5), (Span::minutes(30), 5e-6)];
/// A topic is one of several streams, so it must be less likely.
const TOPIC: f64 = 0.2;
/// Fewer are a conversation.
const FEWEST: u32 = 6;
/// A burst is at least so many times what is usual.
const TIMES: f64 = 2.0;
/// A burst is over when nothing was unusual for this long; until then it is the same burst.
const CALM: Span = Span::hours(1);
/// Texts of a stream that are kept to find what a burst has in common.
const TEXTS: usize = 200;
/// Voices that a burst shows.
const VOICES: usize = 3;
/// Streams that are watched; the topics of a brand are few.
const STREAMS: usize = 1024;

/// Something that came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Happening {
    /// When.
    pub at: Timestamp,
    /// For whom.
    pub brand: String,
    /// Where.
    pub network: String,
    /// What about, if somebody knows.
    pub topic: Option<String>,
    /// How likely it needs a person, from 0 to 1.
    pub score: Option<f32>,
    /// The words.
    pub text: Option<String>,
}

/// More than usual.
#[derive(Clone, Debug, PartialEq)]
pub struct Burst {
    /// For whom.
    pub brand: String,
    /// Where.
    pub network: String,
    /// What about, if it is a burst of one topic only.
    pub topic: Option<String>,
    /// When it was noticed.
    pub at: Timestamp,
    /// Since when.
    pub since: Timestamp,
    /// How many came since.
    pub count: u32,
    /// How many usually come in such a time.
    pub usual: f64,
    /// What they have in common: words, links and places, the most common first.
    pub common: Vec<String>,
    /// Three of them, as they were written.
    pub voices: Vec<String>,
}

/// A brand, a network, a topic.
type Stream = (String, String, Option<String>);

/// Watches all streams.
#[derive(Clone, Debug, Default)]
pub struct Bursts {
    streams: BTreeMap<Stream, Watched>,
    /// When a brand on a network was unusual last.
    unusual: BTreeMap<(String, String), Timestamp>,
}

#[derive(Clone, Debug, Default)]
struct Watched {
    rate: Rate,
    texts: VecDeque<(Timestamp, String)>,
}

impl Bursts {
    /// Takes note; says so if a burst begins with it.
    pub fn add(&mut self, happening: &Happening) -> Option<Burst> {
        let whole = self.look(happening, None);
        let topic = happening.topic.as_ref().and_then(|topic| self.look(happening, Some(topic)));
        let burst = whole.or(topic)?;
        let place = (burst.brand.clone(), burst.network.clone());
        let last = self.unusual.insert(place, burst.at);
        last.is_none_or(|last| burst.at.since(last) >= CALM).then_some(burst)
    }

    fn look(&mut self, happening: &Happening, topic: Option<&String>) -> Option<Burst> {
        let stream = (happening.brand.clone(), happening.network.clone(), topic.cloned());
        if self.streams.len() >= STREAMS && !self.streams.contains_key(&stream) {
            return None;
        }
        let watched = self.streams.entry(stream).or_default();
        watched.add(happening);
        let (since, count, usual) =
            watched.unusual(happening.at, if topic.is_some() { TOPIC } else { 1.0 })?;
        let (common, voices) = watched.heard(since);
        Some(Burst {
            brand: happening.brand.clone(),
            network: happening.network.clone(),
            topic: topic.cloned(),
            at: happening.at,
            since,
            count,
            usual,
            common,
            voices,
        })
    }
}

impl Watched {
    fn add(&mut self, happening: &Happening) {
        self.rate.add(happening.at);
        if let Some(text) = &happening.text {
            self.texts.push_back((happening.at, text.clone()));
            if self.texts.len() > TEXTS {
                self.texts.pop_front();
            }
        }
    }

    /// Since when, how many, and how many are usual; if this is a burst.
    fn unusual(&self, at: Timestamp, strict: f64) -> Option<(Timestamp, u32, f64)> {
        if self.rate.cold() {
            return None;
        }
        LOOKS.iter().find_map(|(stretch, chance)| {
            let (count, first) = self.rate.last(at, *stretch);
            let expected = self.rate.expected(at, *stretch);
            let many = count >= FEWEST && f64::from(count) >= TIMES * expected.mean;
            let burst = many && expected.chance(count) < chance * strict;
            Some((first?, count, expected.mean)).filter(|_| burst)
        })
    }

    fn heard(&self, since: Timestamp) -> (Vec<String>, Vec<String>) {
        let (before, now): (Vec<_>, Vec<_>) = self.texts.iter().partition(|(at, _)| *at < since);
        let words = |texts: &[&(Timestamp, String)]| -> Vec<String> {
            texts.iter().map(|(_, text)| text.clone()).collect()
        };
        let (before, now) = (words(&before), words(&now));
        let common = common::common(&before, &now);
        let voices = common::voices(&now, &common, VOICES);
        (common, voices)
    }
}

#[cfg(test)]
mod tests;
