//! The operator's rules for words that matter, all of them behind one sieve.

use super::pattern::Pattern;
use super::pattern::sieve::Sieve;
use super::policy::Urgency;
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// Words that matter, with the reason that people read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRule {
    /// Its name, for reports.
    pub name: String,
    /// What the words look like.
    pub pattern: Pattern,
    /// Why it matters: `speaks of a lawyer`.
    pub why: String,
    /// How much.
    #[serde(default)]
    pub urgency: Urgency,
}

impl AlertRule {
    /// Is it in a customer's words? Curly apostrophes count as straight ones.
    #[must_use]
    pub fn finds(&self, text: &str) -> bool {
        self.pattern.is_in(&straight(text))
    }
}

fn straight(text: &str) -> String {
    text.replace('’', "'")
}

/// See the module. Read as a list; the sieve is made when a text is first looked at.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<AlertRule>", into = "Vec<AlertRule>")]
pub struct AlertRules {
    list: Vec<AlertRule>,
    sieve: Arc<OnceLock<Sieve>>,
}

impl AlertRules {
    /// The rules that find something in a customer's words, in their order.
    #[must_use]
    pub fn finding(&self, text: &str) -> Vec<&AlertRule> {
        let text = straight(text);
        let Some(hit) = self.sieve.get_or_init(|| sieve(&self.list)).hit(&text) else {
            return Vec::new();
        };
        let meant = self.list.iter().enumerate().filter(|(n, _)| hit.any(*n..n + 1));
        meant.map(|(_, rule)| rule).filter(|rule| rule.pattern.is_in(&text)).collect()
    }
}

fn sieve(rules: &[AlertRule]) -> Sieve {
    let needles: Vec<_> = rules.iter().map(|rule| rule.pattern.needles()).collect();
    Sieve::new(needles.iter().map(Option::as_deref))
}

impl From<Vec<AlertRule>> for AlertRules {
    fn from(list: Vec<AlertRule>) -> Self {
        Self { list, sieve: Arc::default() }
    }
}

impl From<AlertRules> for Vec<AlertRule> {
    fn from(rules: AlertRules) -> Self {
        rules.list
    }
}

impl Deref for AlertRules {
    type Target = [AlertRule];

    fn deref(&self) -> &[AlertRule] {
        &self.list
    }
}

impl PartialEq for AlertRules {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for AlertRules {}

impl std::fmt::Debug for AlertRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.list.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATTERNS: [&str; 8] = [
        r"\b(lawyer|solicitor)s?\b",
        r"(?x)\b( i \s+ will \s+ sue | court )\b",
        r"can't\s+believe",
        r"\d{3}",
        "straße|ΣΊΓΜΑ",
        "task",
        r"(?-i)ABC",
        "x|y",
    ];

    fn rules() -> AlertRules {
        let rule = |text: &&str| AlertRule {
            name: (*text).to_owned(),
            pattern: Pattern::new(text).unwrap(),
            why: String::new(),
            urgency: Urgency::Normal,
        };
        PATTERNS.iter().map(rule).collect::<Vec<_>>().into()
    }

    proptest! {
        /// The sieve only saves work: what is found is what each rule alone finds.
        #[test]
        fn the_sieve_hides_nothing(words in proptest::collection::vec(
            prop_oneof![
                Just("LAWYER"), Just("solicitors"), Just("i will  SUE"), Just("ta\u{17F}k"),
                Just("can’t believe"), Just("12345"), Just("Straße"), Just("σίγμας"), Just("abc"),
                Just("ABC"), Just("tas\u{212A}"), Just("Y"), Just("😡"), Just("court"), Just("é"),
            ], 0..6), gap in "[ \n_]?")
        {
            let (rules, text) = (rules(), words.join(&gap));
            let alone: Vec<_> = rules.iter().filter(|rule| rule.finds(&text)).collect();
            prop_assert_eq!(rules.finding(&text), alone);
        }
    }
}
