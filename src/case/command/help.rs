//! `help`: what can be asked.

use super::{About, Action, Turn, VERBS, Verb};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "help",
    usage: "help",
    summary: "Shows what you can ask.",
    example: "help",
    about: About::Nothing,
    action: Action::Look,
    ..Verb::plain(run)
};

/// What a colleague needs on his first day, in the order he needs it; made to be pinned.
const FIRST: [(&str, &str); 5] = [
    ("claim", "press *Claim* on a card, or write `@careline claim` in its thread"),
    ("answer", "write in the thread; it goes out after a few seconds, *Undo* takes it back"),
    ("note", "`@careline note …`, or begin with `note:`; it stays inside"),
    ("snooze", "`@careline snooze tomorrow 9:00`, or `until they answer`"),
    ("close", "press *Close*, or `@careline close what was behind it`"),
];

fn run(turn: Turn<'_, '_>) {
    let words = FIRST.iter().fold(Rich::new().strong("Your first case"), |rich, (what, how)| {
        rich.line().strong(*what).say(format!(" · {how}"))
    });
    let words = words.line().line().say(
        "All commands, in a thread behind `@careline`, elsewhere behind `/careline` with the \
         case's number, such as `claim #42`:",
    );
    let words = VERBS.iter().fold(words, |rich, verb| {
        rich.line().strong(verb.usage).say(format!(" · {}", verb.summary))
    });
    turn.draft.answer(words, Vec::new());
}
