//! What texts of a burst have in common that those before it had not.

use std::collections::{BTreeMap, BTreeSet};

/// At most so many things in common are named.
const NAMED: usize = 5;
/// A thing in common is in at least one of so many texts.
const ONE_OF: usize = 4;
/// It is at least so many times as frequent as before.
const MORE: usize = 3;

/// Words, links and places that are frequent now and were not before, the most frequent first.
pub fn common(before: &[String], now: &[String]) -> Vec<String> {
    let (was, is) = (counts(before), counts(now));
    let fewest = (now.len() / ONE_OF).max(2);
    let mut found: Vec<(usize, &String)> = is
        .iter()
        .filter(|(word, count)| {
            let earlier = was.get(*word).copied().unwrap_or_default();
            **count >= fewest && **count * before.len() >= MORE * earlier * now.len()
        })
        .map(|(word, count)| (*count, word))
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    found.into_iter().take(NAMED).map(|(_, word)| word.clone()).collect()
}

/// Texts that have most in common, the earliest first.
pub fn voices(now: &[String], common: &[String], most: usize) -> Vec<String> {
    let mut rated: Vec<(usize, usize)> = now
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let words = words(text);
            (common.iter().filter(|word| words.contains(*word)).count(), at)
        })
        .collect();
    rated.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut voices: Vec<String> = Vec::new();
    for (_, at) in rated {
        if voices.len() < most && !voices.contains(&now[at]) {
            voices.push(now[at].clone());
        }
    }
    voices
}

fn counts(texts: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for word in texts.iter().flat_map(|text| words(text)) {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// The words of a text, each once: links whole, everything else in lower case; short words and
/// handles say nothing.
fn words(text: &str) -> BTreeSet<String> {
    let parts = text.split_whitespace().filter(|part| !part.starts_with('@'));
    parts
        .map(|part| {
            if part.starts_with("http") {
                return part.to_owned();
            }
            part.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
        })
        .filter(|word| word.chars().count() > 3 || word.chars().any(|c| c.is_ascii_digit()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_and_frequent_is_named() {
        let before: Vec<String> =
            (0..30).map(|n| format!("where is my order number {n}")).collect();
        let mut now: Vec<String> = (0..8)
            .map(|n| format!("@shop checkout is down again {n} https://s.example/x"))
            .collect();
        now.push("where is my order".into());
        let found = common(&before, &now);
        assert!(found.contains(&"checkout".to_owned()), "{found:?}");
        assert!(found.contains(&"https://s.example/x".to_owned()), "{found:?}");
        assert!(!found.contains(&"order".to_owned()), "{found:?}");
        let voices = voices(&now, &found, 3);
        assert_eq!(voices, now[..3]);
    }
}
