//! A regular expression of the operator's: bounded, and compiled when a text first needs it.
//!
//! Five hundred compiled ones cost a tenth of a second and twenty megabytes, and each searches
//! every text on its own. So they stand behind one sieve, which tells those that a text may mean.
//!
//! * [`needle`]: bytes that stand in every text that a pattern could mean.
//! * [`sieve`]: tells in one pass which patterns a text may mean. It loses nothing.

pub mod needle;
pub mod sieve;

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};

/// How deep a pattern may be nested.
const DEEP: u32 = 50;
/// The largest weight of a pattern: about as many states of an automaton.
const HEAVY: usize = 200_000;
/// Bytes that a compiled pattern may have: far more than one of the largest weight has.
const LARGE: usize = 64 << 20;

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
        let hir = parse(text)?;
        if weight(&hir) > HEAVY {
            return Err("is too large a pattern".to_owned());
        }
        Ok(Self { text: text.to_owned(), compiled: Arc::default() })
    }

    /// Does it mean even an empty text?
    #[must_use]
    pub fn means_nothing(&self) -> bool {
        parse(&self.text).is_ok_and(|hir| hir.properties().minimum_len() == Some(0))
    }

    /// Needles of which one stands in every text that holds it; `None` if nothing must.
    #[must_use]
    pub fn needles(&self) -> Option<Vec<String>> {
        let stretches = needle::required(&parse(&self.text).ok()?)?;
        let all = stretches.iter().map(needle::spellings).collect::<Option<Vec<_>>>()?;
        Some(all.concat())
    }

    /// Does the text hold it? A pattern that does not compile is nowhere; [`Self::new`] lets none
    /// pass.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.compiled
            .get_or_init(|| compile(&self.text).ok())
            .as_ref()
            .is_some_and(|r| r.is_match(text))
    }
}

fn parse(text: &str) -> Result<Hir, String> {
    let mut parser = ParserBuilder::new().case_insensitive(true).nest_limit(DEEP).build();
    parser.parse(text).map_err(|e| format!("is no regular expression: {e}"))
}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).case_insensitive(true).size_limit(LARGE).nest_limit(DEEP).build()
}

/// About how many states it takes. Reading a pattern is cheap and compiling it is not, so this is
/// what bounds it.
fn weight(hir: &Hir) -> usize {
    let all = |parts: &[Hir]| parts.iter().map(weight).fold(0, usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Unicode(class)) => class.ranges().len() * 4,
        HirKind::Class(Class::Bytes(class)) => class.ranges().len(),
        HirKind::Capture(capture) => weight(&capture.sub),
        HirKind::Repetition(repeated) => {
            let times = repeated.max.unwrap_or(repeated.min).max(1);
            weight(&repeated.sub).saturating_add(1).saturating_mul(times as usize)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => all(parts),
    }
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

    /// What is accepted unseen must compile: a rule that is silently nowhere calls nobody.
    #[test]
    fn the_largest_that_are_accepted_compile() {
        let largest = |unit: &str| {
            let of = |n: usize| format!("(?:{unit}){{{n}}}");
            let fits = |n: &usize| Pattern::new(&of(*n)).is_ok();
            of((1..1_000).rev().find(fits).unwrap())
        };
        for unit in [r"\w", r"\pL\d", r"\W", ".", "[^a]", "a", r"(?:\w\s?){2}", r"\p{Greek}|ß"] {
            let text = largest(unit);
            assert!(compile(&text).is_ok(), "{text}");
        }
        let many: Vec<String> = (0..20_000).map(|n| format!("w{n}x")).collect();
        assert!(Pattern::new(&many.join("|")).map_or(true, |p| compile(&p.text).is_ok()));
    }
}
