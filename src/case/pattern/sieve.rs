//! Passes over posts that surely mean nothing to any rule, by their raw bytes.
//!
//! One automaton searches all needles at once. Whatever could spell a needle otherwise passes too:
//! any escape with four digits that is not `&`, `<` or `>` (Go writes those so, and needles know),
//! and the two letters beyond ASCII that are cases of ASCII letters. Raw bytes end at the first
//! hit; a decoded text is searched overlapping, or a hit of one needle could hide another's.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memchr_iter;
use std::collections::BTreeMap;
use std::ops::Range;

/// Patterns before the needles: the Kelvin sign, the long s.
const TRIGGERS: [&str; 2] = ["\u{212A}", "\u{17F}"];

/// See the module.
#[derive(Debug, Default)]
pub struct Sieve {
    /// `None`: nothing is asked for, or the automaton could not be made; `terms` tells.
    automaton: Option<AhoCorasick>,
    /// The terms of each needle.
    owners: Vec<Vec<usize>>,
    /// Terms without a needle: every text may mean them.
    always: Vec<usize>,
    terms: usize,
}

/// Which terms a text may mean.
pub struct Hit {
    all: bool,
    terms: Vec<bool>,
}

impl Hit {
    /// Is one of these among them?
    #[must_use]
    pub fn any(&self, terms: Range<usize>) -> bool {
        self.all || self.terms[terms].contains(&true)
    }
}

impl Sieve {
    /// A sieve for these terms, each with its needles.
    pub fn new<'n>(terms: impl Iterator<Item = Option<&'n [String]>>) -> Self {
        let (mut needles, mut always, mut count) = (BTreeMap::new(), Vec::new(), 0);
        for (term, spelt) in terms.enumerate() {
            count = term + 1;
            match spelt {
                None => always.push(term),
                Some(spelt) => {
                    for needle in spelt {
                        needles.entry(needle.as_str()).or_insert_with(Vec::new).push(term);
                    }
                }
            }
        }
        if count == 0 {
            return Self::default();
        }
        let patterns = TRIGGERS.iter().copied().chain(needles.keys().copied());
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(patterns)
            .ok();
        let owners = needles.into_values().collect();
        Self { automaton, owners, always, terms: count }
    }

    /// Could this JSON hold a text that one of the terms means?
    #[must_use]
    pub fn may_hold(&self, json: &[u8]) -> bool {
        let Some(automaton) = &self.automaton else { return self.terms > 0 };
        if !self.always.is_empty() {
            return true;
        }
        automaton.is_match(json) || memchr_iter(b'\\', json).any(|at| is_odd(&json[at + 1..]))
    }

    /// The terms that this text may mean; `None` if it means none.
    #[must_use]
    pub fn hit(&self, text: &str) -> Option<Hit> {
        if self.terms == 0 {
            return None;
        }
        let all = || Some(Hit { all: true, terms: Vec::new() });
        let Some(automaton) = &self.automaton else { return all() };
        let Ok(hits) = automaton.try_find_overlapping_iter(text) else { return all() };
        let mut terms = vec![false; self.terms];
        self.always.iter().for_each(|term| terms[*term] = true);
        for hit in hits {
            match hit.pattern().as_usize() {
                trigger if trigger < TRIGGERS.len() => return all(),
                needle => {
                    self.owners[needle - TRIGGERS.len()]
                        .iter()
                        .for_each(|term| terms[*term] = true);
                }
            }
        }
        terms.contains(&true).then_some(Hit { all: false, terms })
    }
}

/// Is what follows a backslash an escape with four digits, and none that needles know: `&`, `<`,
/// `>`? The second backslash of two may look like one; that only costs a parse.
fn is_odd(rest: &[u8]) -> bool {
    let Some(digits) = rest.strip_prefix(b"u") else { return false };
    let known = [&b"0026"[..], b"003c", b"003e"];
    let is = |known: &&[u8]| digits.get(..4).is_some_and(|d| d.eq_ignore_ascii_case(known));
    !known.iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sieve(needles: &[&[&str]]) -> Sieve {
        let all: Vec<Vec<String>> =
            needles.iter().map(|n| n.iter().map(|s| (*s).to_owned()).collect()).collect();
        Sieve::new(all.iter().map(|needles| Some(needles.as_slice())))
    }

    #[test]
    fn escapes_lose_nothing() {
        let sieve = sieve(&[&["acme"], &["at&t", "at\\u0026t"], &["task"]]);
        let pass = ["ACME", r"AT\u0026T", "at&t", r"\u0061cme", "tas\u{212A}", r"AT\u0026t\u0026"];
        for json in pass {
            assert!(sieve.may_hold(json.as_bytes()), "{json}");
        }
        for json in ["acm", r"a\u0026b \u003C\u003e", "", "aTt"] {
            assert!(!sieve.may_hold(json.as_bytes()), "{json}");
        }
        assert!(sieve.may_hold(br"\u00"));
    }

    #[test]
    fn a_text_names_the_terms_it_may_mean() {
        let sieve = sieve(&[&["acme"], &["cmex"], &["task"]]);
        let hit = sieve.hit("an ACMEX").unwrap();
        assert!(hit.any(0..1) && hit.any(1..2) && !hit.any(2..3));
        assert!(sieve.hit("ta\u{17F}k").unwrap().any(2..3));
        assert!(sieve.hit("nothing").is_none());
        assert!(Sieve::default().hit("acme").is_none() && !Sieve::default().may_hold(b"acme"));
    }
}
