//! What is known of words before anybody taught anything: VADER's lexicon of English (Hutto and
//! Gilbert 2014, by a crate under the MIT licence) and short lists of our own for six languages.

use super::lists::LISTS;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;
use vader_sentimental::SentimentIntensityAnalyzer;

/// Words of this many languages are known, English first.
pub const LANGUAGES: usize = LISTS.len();

/// What is known of one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    /// -1 speaks of trouble, 1 of joy.
    side: i8,
    /// It turns round what follows.
    negates: bool,
    /// One bit for each language that has it.
    languages: u8,
}

/// What the words of a text say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tone {
    /// VADER's sum, from -1 (bad) to 1 (good). 0 in other languages than English.
    pub compound: f32,
    /// Share of bad words in VADER's view.
    pub bad: f32,
    /// Share of good words in VADER's view.
    pub good: f32,
}

/// Words of a text that the lists know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Words of trouble.
    pub bad: u32,
    /// Words of joy.
    pub good: u32,
    /// Words that turn round what follows.
    pub negations: u32,
    votes: [u16; LANGUAGES],
}

impl Hits {
    /// Counts a word by its hash; says whether it turns round what follows.
    pub fn count(&mut self, word: u64) -> bool {
        let Some(known) = words().get(&word) else { return false };
        self.bad += u32::from(known.side < 0);
        self.good += u32::from(known.side > 0);
        self.negations += u32::from(known.negates);
        for (language, votes) in self.votes.iter_mut().enumerate() {
            *votes += u16::from(known.languages >> language & 1 == 1);
        }
        known.negates
    }

    /// The language that most of the known words belong to, if it is one of ours.
    #[must_use]
    pub fn language(&self) -> Option<usize> {
        let most = *self.votes.iter().max()?;
        let language = self.votes.iter().position(|votes| *votes == most)?;
        (most > 0).then_some(language)
    }
}

/// A word's hash; everything that knows a word knows it by this.
pub fn hash(word: &[u8]) -> u64 {
    word.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| step(hash, *byte))
}

/// One step of FNV-1a (Fowler, Noll and Vo).
pub const fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3)
}

/// Words by their hash, which is mixed well enough to be looked up by as it is.
type Words = HashMap<u64, Known, BuildHasherDefault<AsItIs>>;

/// A hash of a hash.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| step(hash, *byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash ^ (hash << 32);
    }
}

fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut words = Words::default();
        for (language, list) in LISTS.iter().enumerate() {
            let mut add = |text: &str, side: i8, negates: bool| {
                for word in text.split_whitespace() {
                    let known = words.entry(hash(word.as_bytes())).or_default();
                    // The first language that has a word decides what it means.
                    known.side = if known.side == 0 { side } else { known.side };
                    known.negates |= negates;
                    known.languages |= 1 << language;
                }
            };
            add(list.bad, -1, false);
            add(list.good, 1, false);
            add(list.negations, 0, true);
            add(list.common, 0, false);
        }
        words
    })
}

/// What VADER says of a text; in other languages than English only of its emoji and faces, since
/// its words would be chance there. The crate tells the valence of one word; the sum over the
/// words is made here by VADER's rules, which is several times as fast as the crate's own.
pub fn tone(text: &str, english: bool) -> Tone {
    let mut words: Vec<f32> = Vec::with_capacity(text.len() / 5);
    let (mut negated, mut stress) = (0_u32, 0.0_f32);
    for part in text.split_whitespace() {
        let word = bare(part);
        let counts = english || !word.contains(char::is_alphabetic);
        let found = if counts { valence(word) } else { 0.0 };
        words.push(turned(found, negated > 0, stress));
        negated = negated.saturating_sub(1);
        let (turns, stresses) = manner(word);
        negated = if turns { TURNED } else { negated };
        stress = if stresses { STRESS } else { 0.0 };
        if word.eq_ignore_ascii_case("but") {
            words.iter_mut().for_each(|word| *word *= 0.5);
        }
    }
    let calls = text.bytes().filter(|byte| *byte == b'!').take(4).count();
    summed(&words, f32::from(u8::try_from(calls).unwrap_or(4)) * 0.292)
}

/// How much a word alone speaks for a person, by the lists.
pub fn speaks(word: &str) -> f32 {
    let side = words().get(&hash(word.as_bytes())).map_or(0, |known| known.side);
    valence(word).mul_add(-0.15, f32::from(side) * -0.5)
}

/// Words behind a negation whose valence is turned.
const TURNED: u32 = 3;
/// How much "very" adds, and what a negation makes of a valence: VADER's own figures.
const STRESS: f32 = 0.293;
const TURN: f32 = -0.74;

fn turned(valence: f32, negated: bool, stress: f32) -> f32 {
    let stressed = if valence == 0.0 { 0.0 } else { stress.mul_add(valence.signum(), valence) };
    if negated { stressed * TURN } else { stressed }
}

/// VADER's end: a sum that stays between -1 and 1, and the shares of its parts.
fn summed(words: &[f32], calls: f32) -> Tone {
    let sum: f32 = words.iter().sum();
    let sum = if sum == 0.0 { 0.0 } else { calls.mul_add(sum.signum(), sum) };
    let bad: f32 = words.iter().filter(|v| **v < 0.0).map(|v| 1.0 - v).sum();
    let good: f32 = words.iter().filter(|v| **v > 0.0).map(|v| 1.0 + v).sum();
    let rest = words.iter().filter(|v| **v == 0.0).map(|_| 1.0).sum::<f32>();
    let all = (bad + good + rest).max(1.0);
    Tone { compound: sum / sum.mul_add(sum, 15.0).sqrt(), bad: bad / all, good: good / all }
}

/// A word without the signs around it; what is only signs may be a face and is left whole.
fn bare(part: &str) -> &str {
    let bare = part.trim_matches(|c: char| c.is_ascii_punctuation());
    if bare.len() <= 2 { part } else { bare }
}

/// Whether a word turns round what follows, and whether it stresses it.
fn manner(word: &str) -> (bool, bool) {
    let mut lower = [0_u8; 12];
    let Some(lower) = lower.get_mut(..word.len()) else { return (false, false) };
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    let stresses: [&[u8]; 7] =
        [b"very", b"so", b"really", b"extremely", b"totally", b"absolutely", b"most"];
    let turns = words().get(&hash(lower)).is_some_and(|known| known.negates);
    (turns, stresses.contains(&&*lower))
}

/// Words whose valence is remembered. A text has few that were not in the last thousands.
const REMEMBERED: usize = 1 << 14;
/// A longer word is in no lexicon.
const LONGEST: usize = 32;

/// The valence of one word, about from -4 to 4.
fn valence(word: &str) -> f32 {
    thread_local! {
        static KNOWN: RefCell<Vec<(u64, f32)>> = RefCell::new(vec![(0, 0.0); REMEMBERED]);
    }
    if word.len() > LONGEST {
        return 0.0;
    }
    let hash = hash(word.as_bytes());
    #[allow(clippy::cast_possible_truncation, reason = "only the low bits are meant")]
    let place = (hash ^ (hash >> 32)) as usize % REMEMBERED;
    KNOWN.with_borrow_mut(|known| {
        let slot = &mut known[place];
        if slot.0 != hash {
            *slot = (hash, asked(word));
        }
        slot.1
    })
}

/// Asks the crate. It tells the valence as one word's compound, `v / sqrt(v² + 15)`.
fn asked(word: &str) -> f32 {
    static VADER: OnceLock<SentimentIntensityAnalyzer<'static>> = OnceLock::new();
    let vader = VADER.get_or_init(SentimentIntensityAnalyzer::new);
    let compound = vader.polarity_scores(word).compound;
    if !compound.is_finite() || compound.abs() >= 1.0 {
        return 0.0;
    }
    #[allow(clippy::cast_possible_truncation, reason = "about from -4 to 4")]
    let valence = (compound * (15.0 / compound.mul_add(-compound, 1.0)).sqrt()) as f32;
    valence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(text: &str) -> Hits {
        let mut hits = Hits::default();
        text.split(' ').for_each(|word| {
            let _ = hits.count(hash(word.as_bytes()));
        });
        hits
    }

    #[test]
    fn a_language_is_known_by_its_words() {
        let name = |text| hits(text).language().map(|language| LISTS[language].language);
        assert_eq!(name("where is my refund"), Some("en"));
        assert_eq!(name("ich warte seit zwei stunden auf den zug"), Some("de"));
        assert_eq!(name("je suis très déçue de votre service"), Some("fr"));
        assert_eq!(name("hyvää huomenta kaikille"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn trouble_and_joy_are_told_apart() {
        let bad = hits("the parcel is broken and nobody cares");
        assert!(bad.bad >= 2 && bad.good == 0, "{bad:?}");
        assert!(tone("This is a terrible day", true).compound < -0.3);
        assert!(tone("This is a wonderful day", true).compound > 0.3);
        assert_eq!(tone("", true).compound, 0.0);
        assert_eq!(tone("wer war die", false).compound, 0.0);
    }
}
