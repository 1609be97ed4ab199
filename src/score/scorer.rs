//! The score of a text: lexicon, learner and calibration together.

use super::calibration::Calibration;
use super::feature::{Features, HASHED, by_word, features, untaught};
use super::learner::{Learner, sigmoid};
use super::lexicon::{LANGUAGES, speaks};
use super::lists::LISTS;

/// Lessons in a language that the lists do not know before its tone is spoken of.
const KNOWN_BY_LESSONS: usize = 200;

/// A score that learns.
#[derive(Clone, Debug)]
pub struct Scorer {
    seed: u64,
    learner: Learner,
    calibration: Calibration,
    /// When calibration is due again.
    due: usize,
    /// Lessons by language; the last are those of no language that the lists know.
    lessons: [usize; LANGUAGES + 1],
}

/// What was read in a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// How likely it needs a person soon, from 0 to 1.
    pub score: f32,
    /// The same before anything was learned.
    pub untaught: f32,
    /// Its language, if the lists know it: `en`.
    pub language: Option<&'static str>,
    /// The language is known, by lists or by enough lessons: the score may be given as a reason.
    pub known: bool,
}

/// How much a word of a text says; above 0 speaks for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// The word, in lower case.
    pub word: String,
    /// How much.
    pub weight: f32,
}

impl Scorer {
    /// Knows the lists and nothing else.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            learner: Learner::new(seed),
            calibration: Calibration::default(),
            due: 1,
            lessons: [0; LANGUAGES + 1],
        }
    }

    /// Forgets all lessons.
    pub fn reset(&mut self) {
        *self = Self::new(self.seed);
    }

    /// Lessons so far.
    #[must_use]
    pub const fn lessons(&self) -> usize {
        self.learner.seen()
    }

    /// From this score on the answer is yes.
    #[must_use]
    pub const fn threshold(&self) -> f32 {
        self.calibration.threshold
    }

    /// Reads a text.
    #[must_use]
    pub fn read(&self, text: &str) -> Reading {
        let found = features(text);
        let language = found.hits.language();
        let said = self.learner.says(&found.all);
        Reading {
            score: self.calibration.chance(said),
            untaught: sigmoid(untaught(&found)),
            language: language.map(|language| LISTS[language].language),
            known: language.is_some() || self.lessons[LANGUAGES] >= KNOWN_BY_LESSONS,
        }
    }

    /// Learns one act: this text did need a person, or did not.
    pub fn learn(&mut self, text: &str, yes: bool) {
        let found: Features = features(text);
        self.lessons[found.hits.language().unwrap_or(LANGUAGES)] += 1;
        self.learner.learn(found.compact(), yes);
        if self.learner.seen() >= self.due {
            self.calibrate();
        }
    }

    /// Calibrates anew; done by itself whenever the lessons have grown by a thirty-second.
    pub fn calibrate(&mut self) {
        let said: Vec<_> = self.learner.unseen().collect();
        self.calibration = Calibration::of(&said);
        self.due = self.learner.seen() + self.learner.seen() / 32 + 1;
    }

    /// The words that say most, strongest first.
    #[must_use]
    pub fn explain(&self, text: &str, most: usize) -> Vec<Weight> {
        let mut all: Vec<Weight> = by_word(text, |place| self.learner.weight(place))
            .into_iter()
            .map(|(word, learned)| Weight { weight: learned + speaks(&word), word })
            .filter(|found| found.weight.abs() > 1e-3 && !found.word.starts_with('%'))
            .collect();
        all.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()).then(a.word.cmp(&b.word)));
        all.dedup_by(|a, b| a.word == b.word);
        all.truncate(most);
        all
    }

    /// The learned weights that are not 0: place and weight, for an export.
    pub fn weights(&self) -> impl Iterator<Item = (u32, f32)> {
        let places = 0..u32::try_from(HASHED).unwrap_or(u32::MAX);
        places.map(|place| (place, self.learner.weight(place))).filter(|(_, weight)| *weight != 0.0)
    }
}
