//! A text as numbers: hashed words, pairs of words, runs of letters, and a few things counted.
//!
//! Each group is scaled by its own length, so that a long text weighs no more than a short one.

use super::lexicon::{self, Hits, step};
use std::ops::Range;

/// Weights of hashed features.
pub const HASHED: usize = 1 << 16;
/// Things that are counted, the constant one among them.
pub const COUNTED: usize = 13;
/// All weights.
pub const WEIGHTS: usize = HASHED + COUNTED;

/// What a counted thing says before anything was learned, in the order of [`counted`].
pub const PRIOR: [f32; COUNTED] =
    [2.0, 1.4, 1.0, 0.0, -0.3, 0.0, 0.7, 0.0, 1.4, 1.4, -0.6, 0.0, 0.0];

/// How much each group weighs: words, pairs, runs of letters, counted things, the constant.
const WORDS: f32 = 0.8;
const PAIRS: f32 = 0.5;
const RUNS: f32 = 1.0;
const COUNTS: f32 = 0.7;
const CONSTANT: f32 = 0.5;
/// Runs of so many bytes, within one word and the spaces around it.
const SHORTEST: usize = 3;
const LONGEST: usize = 4;
/// Words behind a negation that are also counted as negated.
const NEGATED: u32 = 3;
/// Bytes of a text that are read; what is longer says the same again.
const READ: usize = 4096;

/// A weight's place, and how much of it a text has.
pub type Feature = (u32, f32);

/// A text as numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// Places may come more than once; their shares add up.
    pub all: Vec<Feature>,
    /// What the lists know of it.
    pub hits: Hits,
}

impl Features {
    /// The same with each place once, sorted.
    #[must_use]
    pub fn compact(mut self) -> Vec<Feature> {
        self.all.sort_unstable_by_key(|feature| feature.0);
        self.all.dedup_by(|more, first| {
            let same = more.0 == first.0;
            first.1 += if same { more.1 } else { 0.0 };
            same
        });
        self.all
    }
}

/// A text in the form that is hashed: lower case, digits as `0`, no name and no address.
#[derive(Debug, Default)]
pub struct Plain {
    text: String,
    words: Vec<Range<usize>>,
}

impl Plain {
    /// Reads a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut plain = Self::default();
        plain.text.reserve(text.len() + 2);
        plain.text.push(' ');
        for part in text[..text.floor_char_boundary(READ)].split_whitespace() {
            match part {
                link if link.starts_with("http") => plain.text.push_str("%l"),
                name if name.starts_with('@') || name.starts_with("__") => {
                    plain.text.push_str("%u");
                }
                word => plain.lower(word),
            }
            plain.text.push(' ');
        }
        plain.cut();
        plain
    }

    /// The words and signs, as they are hashed.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| &self.text[word.clone()])
    }

    /// Lower case; no character more than three times in a row.
    fn lower(&mut self, word: &str) {
        let (mut last, mut again) = ('\0', 0);
        let mut skip = 0;
        for (at, c) in word.char_indices() {
            if at < skip {
                continue;
            }
            again = if c == last { again + 1 } else { 0 };
            last = c;
            match c {
                _ if again >= 3 => {}
                '&' => skip = at + self.entity(&word[at..]),
                '0'..='9' => self.text.push('0'),
                '’' => self.text.push('\''),
                c if c.is_ascii() => self.text.push(c.to_ascii_lowercase()),
                c => self.text.extend(c.to_lowercase()),
            }
        }
    }

    /// What an API escaped, as the customer wrote it. Returns how many bytes it took.
    fn entity(&mut self, text: &str) -> usize {
        let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')];
        let (name, means) =
            known.into_iter().find(|(name, _)| text.starts_with(name)).unwrap_or(("&", '&'));
        self.text.push(means);
        name.len()
    }

    /// Finds where words begin and end. Signs are words of one character.
    fn cut(&mut self) {
        let mut start = None;
        for (at, c) in self.text.char_indices() {
            if c.is_alphanumeric() || c == '\'' || c == '%' {
                start.get_or_insert(at);
                continue;
            }
            if let Some(start) = start.take() {
                self.words.push(start..at);
            }
            if !matches!(c, ' ' | '#' | ',' | '-') {
                self.words.push(at..at + c.len_utf8());
            }
        }
    }
}

/// A text as numbers.
#[must_use]
pub fn features(text: &str) -> Features {
    let plain = Plain::of(text);
    let mut found =
        Features { all: Vec::with_capacity(text.len() * 2 + 64), ..Features::default() };
    let hashes = words(&plain, &mut found);
    pairs(&hashes, &mut found.all);
    runs(plain.text.as_bytes(), &mut found.all);
    counted(text, hashes.len(), &mut found);
    found
}

fn words(plain: &Plain, found: &mut Features) -> Vec<u64> {
    let mut hashes = Vec::with_capacity(plain.words.len());
    let mut negated = 0;
    for word in plain.words() {
        let hash = lexicon::hash(word.as_bytes());
        found.all.push((place(hash), 1.0));
        if negated > 0 {
            found.all.push((place(hash ^ 0x5555), 1.0));
            negated -= 1;
        }
        if found.hits.count(hash) {
            negated = NEGATED;
        }
        hashes.push(hash);
    }
    scale(&mut found.all, WORDS);
    hashes
}

fn pairs(hashes: &[u64], all: &mut Vec<Feature>) {
    let from = all.len();
    let both = |pair: &[u64]| pair[0].wrapping_mul(31).wrapping_add(pair[1].rotate_left(17));
    all.extend(hashes.windows(2).map(|pair| (place(both(pair) ^ 77), 1.0)));
    scale(&mut all[from..], PAIRS);
}

fn runs(bytes: &[u8], all: &mut Vec<Feature>) {
    let from = all.len();
    for start in 0..bytes.len() {
        run(&bytes[start..], |hash| all.push((place(hash), 1.0)));
    }
    scale(&mut all[from..], RUNS);
}

/// The runs that begin here. A run ends with its word.
fn run(bytes: &[u8], mut each: impl FnMut(u64)) {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ 3;
    for (at, byte) in bytes.iter().take(LONGEST).enumerate() {
        hash = step(hash, *byte);
        if at + 1 >= SHORTEST {
            each(hash);
        }
        if at > 0 && *byte == b' ' {
            return;
        }
    }
}

/// Adds what is counted, and the constant.
#[allow(clippy::cast_precision_loss, reason = "counts of a text are small")]
fn counted(text: &str, words: usize, found: &mut Features) {
    let hits = &found.hits;
    let english = hits.language().is_none_or(|language| language == 0);
    let tone = lexicon::tone(text, english);
    let (mut letters, mut capitals, mut calls, mut questions) = (1_u32, 0_u32, 0_u32, 0_u32);
    for c in text.chars() {
        letters += u32::from(c.is_alphabetic());
        capitals += u32::from(c.is_uppercase());
        calls += u32::from(c == '!');
        questions += u32::from(c == '?');
    }
    let loud = capitals as f32 > letters as f32 * 0.3;
    let most = |count: u32, most: f32, unit: f32| (count as f32).min(most) / unit;
    let flag = |set: bool| f32::from(u8::from(set));
    let counts = [
        -tone.compound,
        tone.bad * 2.0,
        -tone.good * 2.0,
        flag(loud),
        most(calls, 4.0, 4.0),
        most(questions, 3.0, 3.0),
        most(hits.negations, 3.0, 3.0),
        (words as f32 / 30.0).min(2.0),
        most(hits.bad, 4.0, 2.0),
        -most(hits.good, 3.0, 1.5),
        flag(text.contains("http")),
        flag(text.trim_start().starts_with('@')),
        CONSTANT / COUNTS,
    ];
    let place = |at: usize| u32::try_from(HASHED + at).unwrap_or(u32::MAX);
    found.all.extend(counts.iter().enumerate().map(|(at, count)| (place(at), count * COUNTS)));
}

/// What the lists alone say of a text: above 0 is yes.
#[must_use]
pub fn untaught(found: &Features) -> f32 {
    let counted = found.all.iter().filter_map(|(place, share)| {
        let prior = PRIOR.get((*place as usize).checked_sub(HASHED)?)?;
        Some(prior * share)
    });
    counted.sum()
}

/// How much each word of a text says, by the weights of its own features.
#[must_use]
pub fn by_word(text: &str, weight: impl Fn(u32) -> f32) -> Vec<(String, f32)> {
    let plain = Plain::of(text);
    let of = |word: &str| {
        let (mut sum, mut runs) = (0.0, 0.0);
        sum += weight(place(lexicon::hash(word.as_bytes()))) * WORDS;
        let spaced = format!(" {word} ");
        for start in 0..spaced.len() {
            run(&spaced.as_bytes()[start..], |hash| runs += weight(place(hash)));
        }
        sum += runs * RUNS / 3.0;
        sum
    };
    plain.words().map(|word| (word.to_owned(), of(word))).collect()
}

fn scale(group: &mut [Feature], weight: f32) {
    #[allow(clippy::cast_precision_loss, reason = "counts of a text are small")]
    let each = weight / (group.len().max(1) as f32).sqrt();
    group.iter_mut().for_each(|feature| feature.1 = each);
}

/// Where a hash has its weight.
const fn place(hash: u64) -> u32 {
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)) & (HASHED as u64 - 1)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_links_and_numbers_are_not_learned() {
        let same = |a, b| assert_eq!(Plain::of(a).text, Plain::of(b).text);
        same("@anna look http://a.example 17", "@otto look https://b.example/x 42");
        same("SOOOOOOO late &amp; cold", "sooooo late & cold");
        let plain = Plain::of("Not cool, it's late!");
        assert_eq!(plain.words().collect::<Vec<_>>(), ["not", "cool", "it's", "late", "!"]);
    }

    #[test]
    fn a_long_text_weighs_no_more_than_a_short_one() {
        let length = |text: &str| {
            features(text).all.iter().map(|(_, share)| share * share).sum::<f32>().sqrt()
        };
        let (short, long) = (length("where is it"), length(&"where is it now ".repeat(50)));
        assert!((short - long).abs() < 1.5, "{short} {long}");
    }

    #[test]
    fn every_place_exists_and_every_share_is_a_number() {
        let long = "é".repeat(9000);
        for text in ["", " ", "\u{0}", "🧳🧳🧳🧳", "ﷺ ẞ İ", &long, "&amp&amp;;#-,"] {
            let found = features(text);
            assert!(
                found.all.iter().all(|(at, share)| (*at as usize) < WEIGHTS && share.is_finite())
            );
            let all = found.compact();
            assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
