//! A regular expression of the operator's, compiled once and bounded: linear time, small memory.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};

/// See the module. Two patterns are equal if they are written alike.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern {
    text: String,
    #[serde(skip)]
    compiled: Arc<OnceLock<Option<Regex>>>,
}

impl Pattern {
    /// A pattern; case does not matter, `\b` knows letters of all alphabets.
    ///
    /// # Errors
    /// A sentence: it is no regular expression, or too large a one.
    pub fn new(text: &str) -> Result<Self, String> {
        let pattern = Self { text: text.to_owned(), compiled: Arc::default() };
        let regex = compile(text).map_err(|e| match e {
            regex::Error::CompiledTooBig(_) => "is too large a pattern".to_owned(),
            other => format!("is no regular expression: {other}"),
        })?;
        let _ = pattern.compiled.set(Some(regex));
        Ok(pattern)
    }

    /// Does the text hold it? A pattern that does not compile is nowhere.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.compiled
            .get_or_init(|| compile(&self.text).ok())
            .as_ref()
            .is_some_and(|r| r.is_match(text))
    }
}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).case_insensitive(true).size_limit(1 << 20).nest_limit(50).build()
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{}/", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_any_case_and_refuses_nonsense() {
        let pattern = Pattern::new(r"\b(lawyer|sue)\b").unwrap();
        assert!(pattern.is_in("I will SUE you"));
        assert!(!pattern.is_in("an issue"));
        assert!(Pattern::new("(").unwrap_err().contains("no regular expression"));
        assert!(Pattern::new("(a{1000}){1000}").unwrap_err().contains("too large"));
    }
}
