//! What an agent can ask. One grammar for every surface: a slash command, a call of the bot in a
//! thread, a button, a form and a message shortcut all end as the same words.
//!
//! Adding a verb: one file, a `mod` line and a row in [`VERBS`]. Parsing, help, manifests,
//! registration and the README's table are made from the rows.

mod about;
mod answered;
mod assign;
pub mod away;
mod back;
mod block;
mod brief;
mod calm;
mod canned;
mod card;
mod claim;
mod close;
mod delete;
mod edit;
mod escalate;
mod find;
mod help;
mod history;
mod home;
mod incident;
mod link;
mod list;
mod merge;
mod mine;
pub mod next;
pub mod not;
mod note;
mod preview;
mod priority;
mod private;
mod promise;
mod public;
mod release;
mod reopen;
mod reply;
mod resume;
mod schedule;
mod send;
mod show;
mod snooze;
mod split;
mod stop;
mod tag;
mod take;
mod undo;
mod who;

use super::draft::Draft;
use super::event::Request;
use super::id::CaseNo;
use super::model::{Agent, Case};
use super::policy::Policy;
use super::record::Query;
pub use super::role::Action;

/// What a verb wants to know of all cases: from the request, what follows the verb, and the case
/// once it is known.
pub type Asks = fn(&Policy, &Request, &str, Option<&Case>) -> Option<Query>;

/// The one text a verb cannot do without: where it is missing, a form asks for it.
pub struct Missing {
    /// What it is called.
    pub label: &'static str,
    /// What is said below it.
    pub hint: &'static str,
}

/// A row of the grammar.
pub struct Verb {
    /// Its word.
    pub name: &'static str,
    /// How it is written, without the case number: `close [cause]`.
    pub usage: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// An example as a button or a person would write it, at most 100 characters.
    pub example: &'static str,
    /// What it is about.
    pub about: About,
    /// What follows it, piece by piece, for surfaces that ask for each by itself.
    pub fields: &'static [Field],
    /// What it needs a role for.
    pub action: Action,
    /// The text it cannot do without.
    pub missing: Option<Missing>,
    /// The question over all cases it needs answered.
    pub query: Option<Asks>,
    /// What it does.
    pub run: fn(Turn<'_, '_>),
}

impl Verb {
    /// What a row need not say: it is about a case, nothing follows it, no form asks for more, and
    /// it looks at no other case. Its words are its own; one without a name is found by the test
    /// below.
    const fn plain(run: fn(Turn<'_, '_>)) -> Self {
        Self {
            name: "",
            usage: "",
            summary: "",
            example: "",
            about: About::Case,
            fields: &[],
            action: Action::Look,
            missing: None,
            query: None,
            run,
        }
    }
}

/// One piece of what follows a verb. Joined in their order they are its words.
pub struct Field {
    /// Its name, in small letters.
    pub name: &'static str,
    /// What it is, in a few words.
    pub hint: &'static str,
    /// What can stand in it.
    pub kind: Kind,
    /// The verb cannot do without. Such fields come first.
    pub needed: bool,
}

/// What can stand in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any words.
    Text,
    /// A member of the desk.
    Person,
    /// The name of a stock reply.
    Canned,
    /// A time, as people say it.
    When,
    /// A number.
    Number,
    /// One of these.
    OneOf(&'static [&'static str]),
}

impl Field {
    const fn needed(name: &'static str, hint: &'static str, kind: Kind) -> Self {
        Self { name, hint, kind, needed: true }
    }

    const fn free(name: &'static str, hint: &'static str, kind: Kind) -> Self {
        Self { name, hint, kind, needed: false }
    }
}

/// What a verb is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// One case: the thread's, or the one that is named.
    Case,
    /// No case.
    Nothing,
}

/// All verbs, by name.
pub static VERBS: &[&Verb] = &[
    &about::VERB,
    &answered::VERB,
    &assign::VERB,
    &away::VERB,
    &back::VERB,
    &block::VERB,
    &brief::VERB,
    &calm::VERB,
    &canned::VERB,
    &card::VERB,
    &claim::VERB,
    &close::VERB,
    &delete::VERB,
    &edit::VERB,
    &escalate::VERB,
    &find::VERB,
    &help::VERB,
    &history::VERB,
    &home::VERB,
    &incident::VERB,
    &link::VERB,
    &list::VERB,
    &merge::VERB,
    &mine::VERB,
    &next::VERB,
    &not::VERB,
    &note::VERB,
    &preview::VERB,
    &priority::VERB,
    &private::VERB,
    &promise::VERB,
    &public::VERB,
    &release::VERB,
    &reopen::VERB,
    &reply::VERB,
    &resume::VERB,
    &schedule::VERB,
    &send::VERB,
    &show::VERB,
    &snooze::VERB,
    &split::VERB,
    &stop::VERB,
    &tag::VERB,
    &take::VERB,
    &undo::VERB,
    &who::VERB,
];

/// A verb at work.
pub struct Turn<'t, 'd> {
    /// The decision.
    pub draft: &'t mut Draft<'d>,
    /// Who asked, and where.
    pub request: &'t Request,
    /// The case; always there for verbs about a case.
    pub case: Option<Case>,
    /// What follows the verb and the number.
    pub rest: &'t str,
}

/// Parsed words.
#[derive(Clone)]
pub struct Command<'w> {
    /// The verb.
    pub verb: &'static Verb,
    /// The case that is named.
    pub case: Option<CaseNo>,
    /// What follows.
    pub rest: &'w str,
}

/// Why words are no command; a sentence for whoever wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse(pub String);

/// Reads words. Empty words ask for help.
///
/// # Errors
/// [`Misuse`]: the first word is no verb.
pub fn parse(words: &str) -> Result<Command<'_>, Misuse> {
    let (word, rest) = first_word(words);
    let name = if word.is_empty() { "help" } else { word };
    let known = VERBS.iter().find(|verb| verb.name.eq_ignore_ascii_case(name));
    let Some(verb) = known else {
        let guess = nearest(name).map_or(String::new(), |n| format!(" Did you mean `{n}`?"));
        let shown = super::text::cut(name, 30);
        return Err(Misuse(format!("There is no command `{shown}`.{guess} Try `help`.")));
    };
    let (number, after) = first_word(rest);
    match number.strip_prefix('#').and_then(|n| n.parse().ok()) {
        Some(no) => Ok(Command { verb, case: Some(CaseNo(no)), rest: after }),
        None => Ok(Command { verb, case: None, rest }),
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// The verb that differs from a word in one letter, if there is one.
fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let close = |name: &str| {
        let same_start = name.chars().zip(word.chars()).take_while(|(a, b)| a == b).count();
        let same_end =
            name.chars().rev().zip(word.chars().rev()).take_while(|(a, b)| a == b).count();
        let longer = name.chars().count().max(word.chars().count());
        longer > 2 && same_start + same_end + 1 >= longer
    };
    VERBS.iter().map(|verb| verb.name).find(|name| close(name))
}

/// The case that words begin with, or hold alone: `#17`.
#[must_use]
pub fn named_case(words: &str) -> Option<CaseNo> {
    let number = words.split_whitespace().next()?.strip_prefix('#')?;
    number.parse().ok().map(CaseNo)
}

/// The agent who asks, as the case remembers him.
#[must_use]
pub fn asker(request: &Request) -> Agent {
    request.by.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_sorted_and_their_examples_fit_a_button_and_parse() {
        let names: Vec<_> = VERBS.iter().map(|verb| verb.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        for verb in VERBS {
            assert!(verb.example.len() <= 100);
            let parsed = parse(verb.example).unwrap_or_else(|m| panic!("{}: {}", verb.name, m.0));
            assert_eq!(parsed.verb.name, verb.name);
            assert_eq!(parsed.case.is_some(), verb.about == About::Case, "{}", verb.name);
            assert!(verb.usage.starts_with(verb.name));
            assert_eq!(verb.fields.is_empty(), verb.usage == verb.name, "{}", verb.name);
            assert!(verb.fields.is_sorted_by_key(|field| !field.needed), "{}", verb.name);
        }
    }

    #[test]
    fn words_may_be_loose() {
        let parsed = parse("  CLOSE   #42   money back ").unwrap();
        assert_eq!((parsed.verb.name, parsed.case), ("close", Some(CaseNo(42))));
        assert_eq!(parsed.rest, "money back");
        assert_eq!(parse("").unwrap().verb.name, "help");
        assert_eq!(parse("reply #x marks it").unwrap().rest, "#x marks it");
    }

    #[test]
    fn a_slip_is_answered_with_a_guess() {
        let Err(Misuse(text)) = parse("clsoe").map(|_| ()).or_else(|_| parse("clos").map(|_| ()))
        else {
            panic!("taken")
        };
        assert!(text.contains("`close`"), "{text}");
    }
}
