//! What a rule says, and whether a text is what it means.
//!
//! Case does not matter, as Unicode folds single letters; a border is where no letter, digit, mark
//! or underscore stands beside it, in any alphabet. Words and phrases are compared letter by letter
//! instead of by a regular expression each: five hundred of those would cost forty megabytes.

use crate::case::pattern::Pattern;
use crate::case::pattern::needle::{self, Stretch};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// A rule as the operator wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Single words, as a whole.
    pub words: Vec<String>,
    /// Several words in a row, with any space between them.
    pub phrases: Vec<String>,
    /// Texts anywhere, inside of words too.
    pub parts: Vec<String>,
    /// Hashtags, without their sign.
    pub hashtags: Vec<String>,
    /// Regular expressions.
    pub regex: Vec<String>,
    /// Words and phrases that make the rule mean nothing.
    pub without: Vec<String>,
    /// Languages it listens to; empty = all. A post that tells none is heard.
    pub languages: Vec<String>,
    /// Most posts it brings in an hour.
    pub per_hour: u32,
}

/// A mistake in a rule: the key, and what is wrong.
pub type Wrong = (&'static str, String);

/// A rule, ready to be used.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Most posts it brings in an hour.
    pub per_hour: u32,
    /// Its hashtags, without the sign.
    pub hashtags: Vec<String>,
    terms: Vec<Term>,
    without: Vec<Phrase>,
    languages: Vec<String>,
}

/// One of the things that a rule looks for, with what every text that holds it must hold.
#[derive(Debug)]
struct Term {
    what: What,
    needles: Option<Vec<String>>,
}

#[derive(Debug)]
enum What {
    Phrase(Phrase),
    Pattern(Pattern),
}

/// A text, taken apart once for all rules.
pub struct Said<'t> {
    text: &'t str,
    letters: Vec<char>,
}

impl<'t> Said<'t> {
    /// A text.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        Self { text, letters: text.chars().collect() }
    }
}

impl Rule {
    /// Makes it ready.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn new(wanted: &Wanted) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut terms = Vec::new();
        let kinds = [
            ("words", &wanted.words, Border::Both),
            ("phrases", &wanted.phrases, Border::Both),
            ("parts", &wanted.parts, Border::None),
            ("hashtags", &wanted.hashtags, Border::Tag),
        ];
        for (key, texts, border) in kinds {
            for text in texts {
                match phrase(key, text, border) {
                    Ok(phrase) => terms.push(Term::of(phrase)),
                    Err(what) => wrong.push((key, what)),
                }
            }
        }
        for text in &wanted.regex {
            match expression(text) {
                Ok(term) => terms.push(term),
                Err(what) => wrong.push(("regex", what)),
            }
        }
        let without: Vec<_> =
            wanted.without.iter().map(|text| phrase("without", text, Border::Both)).collect();
        let (without, bad): (Vec<_>, Vec<_>) = without.into_iter().partition(Result::is_ok);
        wrong.extend(bad.into_iter().filter_map(|bad| Some(("without", bad.err()?))));
        if terms.is_empty() && wrong.is_empty() {
            wrong.push(("words", "a rule needs words, phrases, parts, hashtags or regex".into()));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Self {
            name: wanted.name.clone(),
            per_hour: wanted.per_hour,
            hashtags: wanted.hashtags.iter().map(|tag| tag.to_lowercase()).collect(),
            terms,
            without: without.into_iter().flatten().collect(),
            languages: wanted.languages.iter().map(|language| primary(language)).collect(),
        })
    }

    /// How many terms it has.
    #[must_use]
    pub const fn terms(&self) -> usize {
        self.terms.len()
    }

    /// For each term, needles of which one stands in every text that it means; `None` if nothing
    /// must.
    pub(super) fn needles(&self) -> impl Iterator<Item = Option<&[String]>> {
        self.terms.iter().map(|term| term.needles.as_deref())
    }

    /// Is this text, in these languages, what it means?
    #[must_use]
    pub fn means(&self, said: &Said<'_>, languages: &[String]) -> bool {
        let speaks = self.languages.is_empty()
            || languages.is_empty()
            || languages.iter().any(|language| self.languages.contains(&primary(language)));
        speaks
            && self.terms.iter().any(|term| term.is_in(said))
            && !self.without.iter().any(|phrase| phrase.is_in(said))
    }
}

/// `en` of `en-GB`.
fn primary(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or_default().to_lowercase()
}

impl Term {
    fn of(phrase: Phrase) -> Self {
        let needles = needle::spellings(&phrase.stretch());
        Self { what: What::Phrase(phrase), needles }
    }

    fn is_in(&self, said: &Said<'_>) -> bool {
        match &self.what {
            What::Phrase(phrase) => phrase.is_in(said),
            What::Pattern(pattern) => pattern.is_in(said.text),
        }
    }
}

/// Where a phrase may begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Border {
    Both,
    None,
    /// A hashtag: behind its sign, up to a border.
    Tag,
}

/// Letters in a row, each in all its cases, and the gaps between words.
#[derive(Debug)]
struct Phrase {
    steps: Vec<Step>,
    border: Border,
}

#[derive(Debug)]
enum Step {
    /// One of these letters.
    One(Vec<char>),
    /// White space, at least one.
    Gap,
}

fn phrase(key: &str, text: &str, border: Border) -> Result<Phrase, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match (key, words.as_slice()) {
        (_, []) => return Err("an empty text would mean everything; remove it".into()),
        ("words", [_, _, ..]) => {
            return Err(format!("\"{text}\" is several words; put it under phrases"));
        }
        ("hashtags", [_, _, ..]) => return Err(format!("\"{text}\" is no hashtag")),
        ("hashtags", [tag]) if tag.contains(['#', '＃']) => {
            return Err(format!("write \"{text}\" without its sign"));
        }
        _ => {}
    }
    let mut steps = Vec::new();
    if border == Border::Tag {
        steps.push(Step::One(vec!['#', '＃']));
    }
    for (n, word) in words.iter().enumerate() {
        steps.extend((n > 0).then_some(Step::Gap));
        steps.extend(word.chars().map(|letter| Step::One(cases(letter))));
    }
    Ok(Phrase { steps, border })
}

/// A letter in all its cases, itself first.
fn cases(letter: char) -> Vec<char> {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
    // Fails only without Unicode's tables, which this package is built with.
    let _ = class.try_case_fold_simple();
    let others = class.ranges().iter().flat_map(|range| range.start()..=range.end());
    std::iter::once(letter).chain(others.filter(|other| *other != letter)).collect()
}

fn is_word(letter: char) -> bool {
    regex_syntax::try_is_word_character(letter).unwrap_or_else(|_| letter.is_alphanumeric())
}

impl Phrase {
    fn is_in(&self, said: &Said<'_>) -> bool {
        let letters = &said.letters;
        let free =
            |at: Option<usize>| !at.and_then(|at| letters.get(at)).is_some_and(|l| is_word(*l));
        (0..letters.len()).any(|from| {
            (self.border != Border::Both || free(from.checked_sub(1)))
                && self
                    .end(letters, from)
                    .is_some_and(|end| self.border == Border::None || free(Some(end)))
        })
    }

    /// Where it ends if it begins here.
    fn end(&self, letters: &[char], from: usize) -> Option<usize> {
        let mut at = from;
        for step in &self.steps {
            match step {
                Step::One(cases) => {
                    letters.get(at).filter(|letter| cases.contains(letter))?;
                    at += 1;
                }
                Step::Gap => {
                    letters.get(at).filter(|letter| letter.is_whitespace())?;
                    at += letters[at..].iter().take_while(|letter| letter.is_whitespace()).count();
                }
            }
        }
        Some(at)
    }

    fn stretch(&self) -> Stretch {
        let one = |step: &Step| match step {
            Step::One(cases) => needle::letter(cases),
            Step::Gap => None,
        };
        self.steps.iter().map(one).collect()
    }
}

fn expression(text: &str) -> Result<Term, String> {
    let pattern = Pattern::new(text).map_err(|e| e.replace('\n', " "))?;
    if pattern.means_nothing() {
        return Err(format!("\"{text}\" means every text; make it more exact"));
    }
    let needles = pattern.needles();
    Ok(Term { what: What::Pattern(pattern), needles })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(change: impl FnOnce(&mut Wanted)) -> Rule {
        let mut wanted = Wanted { name: "r".into(), per_hour: 9, ..Wanted::default() };
        change(&mut wanted);
        Rule::new(&wanted).unwrap()
    }

    fn means(rule: &Rule, text: &str) -> bool {
        rule.means(&Said::new(text), &[])
    }

    #[test]
    fn words_have_borders_in_every_alphabet() {
        let one = rule(|w| w.words = vec!["acme".into(), "C++".into(), "łódź".into()]);
        for text in ["Acme!", "#ACME", "to (acme)", "AcMe", "I like c++", "in ŁÓDŹ.", "aCme/x"] {
            assert!(means(&one, text), "{text}");
        }
        for text in ["acmes", "éacme", "acme_x", "xc++", "łódźx", "a cme", ""] {
            assert!(!means(&one, text), "{text}");
        }
    }

    #[test]
    fn phrases_parts_tags_and_exclusions() {
        let one = rule(|w| {
            w.phrases = vec!["lost  parcel".into()];
            w.parts = vec!["ump".into()];
            w.hashtags = vec!["Acme".into()];
            w.without = vec!["job".into()];
        });
        for text in ["my Lost\n parcel", "trumpet", "#acme rocks", "＃ACME"] {
            assert!(means(&one, text), "{text}");
        }
        for text in ["lost parcels", "#acmecorp", "acme", "a job: #acme"] {
            assert!(!means(&one, text), "{text}");
        }
    }

    #[test]
    fn languages_are_heard_if_they_are_not_told() {
        let one = rule(|w| (w.words, w.languages) = (vec!["acme".into()], vec!["en".into()]));
        let said = Said::new("acme");
        assert!(one.means(&said, &["en-GB".into()]) && one.means(&said, &[]));
        assert!(!one.means(&said, &["de".into()]));
    }

    #[test]
    fn mistakes_are_all_named() {
        let wanted = Wanted {
            words: vec!["two words".into(), " ".into()],
            hashtags: vec!["#acme".into()],
            regex: vec!["(".into(), "a*".into()],
            ..Wanted::default()
        };
        let keys: Vec<_> = Rule::new(&wanted).unwrap_err().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["words", "words", "hashtags", "regex", "regex"]);
        assert_eq!(Rule::new(&Wanted::default()).unwrap_err().len(), 1);
    }
}
