//! `find WORDS`: cases that hold all these words, newest first.

use super::{About, Action, Field, Kind, Missing, Turn, Verb, list::rows};
use crate::case::event::Request;
use crate::case::model::Case;
use crate::case::policy::Policy;
use crate::case::record::Query;
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "find",
    usage: "find WORDS",
    summary: "Finds cases by words, tag or customer, newest first.",
    example: "find lost parcel",
    about: About::Nothing,
    fields: &[Field::needed("words", "Words, a tag, @handle or a number", Kind::Text)],
    action: Action::Look,
    missing: Some(Missing { label: "Words", hint: "A word, a tag, a handle or a number." }),
    query: Some(query),
    ..Verb::plain(run)
};

fn query(_: &Policy, _: &Request, rest: &str, _: Option<&Case>) -> Option<Query> {
    (!rest.is_empty()).then(|| Query::Find(rest.to_owned()))
}

fn run(turn: Turn<'_, '_>) {
    let draft = turn.draft;
    if draft.found.list.is_empty() {
        return draft.say("No case holds all these words.");
    }
    let words = rows(Rich::of("Found, newest first:"), &draft.found.list, draft.at);
    draft.answer(words, Vec::new());
}
