//! Posts that nobody addressed to us: the rules that find them, and the manners they are met with.
//!
//! A driver that listens shows every post to its [`Ears`]; what a rule hears becomes a mention that
//! says which rule overheard it. What a case makes of that is decided in [`case`](crate::case).
//! Nothing here knows a network: a driver brings plain text, languages and names.
//!
//! * [`rule`]: what a rule says, and whether a text is what it means. Exact, on decoded text.
//! * [`ears`]: one account's rules while it listens, with their caps and what was overheard.

pub mod ears;
pub mod rule;

pub use ears::Ears;
pub use rule::{Rule, Wanted};

use crate::case::pattern::sieve::Sieve;
use rule::Said;
use std::collections::BTreeSet;

/// All rules of one account.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    sieve: Sieve,
    never: BTreeSet<String>,
}

/// Words in somebody's profile that ask programs to stay away. Source: the customs of the networks;
/// `#nobot` is the oldest of them.
const DECLINES: [&str; 4] = ["#nobot", "#nobots", "#noindex", "#nosearch"];

impl Rules {
    /// These rules, in this order. `never` names people who asked not to be listened to: handles,
    /// with or without `@`, or ids.
    #[must_use]
    pub fn new(rules: Vec<Rule>, never: &[String]) -> Self {
        let sieve = Sieve::new(rules.iter().flat_map(Rule::needles));
        let never = never.iter().map(|who| name(who)).collect();
        Self { rules, sieve, never }
    }

    /// Is there nothing to listen for?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rules.len()
    }

    /// Could this JSON hold a text that a rule means? `false` is certain, as long as the text
    /// stands in it as one JSON string.
    #[must_use]
    pub fn may_hold(&self, json: &[u8]) -> bool {
        self.sieve.may_hold(json)
    }

    /// The rules that mean this text, in their order.
    #[must_use]
    pub fn meaning(&self, text: &str, languages: &[String]) -> Vec<&Rule> {
        let Some(hit) = self.sieve.hit(text) else { return Vec::new() };
        let said = Said::new(text);
        let mut from = 0;
        let mut found = Vec::new();
        for rule in &self.rules {
            let to = from + rule.terms();
            if hit.any(from..to) && rule.means(&said, languages) {
                found.push(rule);
            }
            from = to;
        }
        found
    }

    /// Hashtags that rules name, without the sign.
    #[must_use]
    pub fn hashtags(&self) -> BTreeSet<String> {
        self.rules.iter().flat_map(|rule| rule.hashtags.iter().cloned()).collect()
    }

    /// Does a rule need every public post, not only those with certain hashtags?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.rules.iter().any(|rule| rule.terms() > rule.hashtags.len())
    }

    /// Does somebody with these names and this profile not want to be listened to?
    #[must_use]
    pub fn spares(&self, names: &[&str], profile: &str) -> bool {
        let profile = profile.to_lowercase();
        let says = |sign: &&str| {
            profile.match_indices(*sign).any(|(at, _)| {
                let after = profile[at + sign.len()..].chars().next();
                !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
            })
        };
        DECLINES.iter().any(says) || names.iter().any(|who| self.never.contains(&name(who)))
    }
}

fn name(text: &str) -> String {
    text.trim().trim_start_matches('@').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_want_it_is_spared() {
        let rules = Rules::new(Vec::new(), &["@Ann.example".into(), "did:plc:bob".into()]);
        assert!(rules.spares(&["did:plc:x", "ann.example"], ""));
        assert!(rules.spares(&["did:plc:bob", "bob.example"], ""));
        assert!(rules.spares(&["x"], "I bake. #NoBot!"));
        assert!(!rules.spares(&["x"], "I bake #nobotany cakes"));
        assert!(!rules.spares(&["ann.example.org"], ""));
    }
}
