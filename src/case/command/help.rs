//! `help`: what can be asked.

use super::{About, Turn, VERBS, Verb};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "help",
    usage: "help",
    summary: "Shows what you can ask.",
    example: "help",
    about: About::Nothing,
    fields: &[],
    query: None,
    run,
};

fn run(turn: Turn<'_, '_>) {
    let start = Rich::of(
        "In a case's thread write `@careline` and one of these; elsewhere `/careline` and the \
         case's number, such as `claim #42`.",
    );
    let words = VERBS.iter().fold(start, |rich, verb| {
        rich.line().strong(verb.usage).say(format!(" · {}", verb.summary))
    });
    turn.draft.answer(words, Vec::new());
}
