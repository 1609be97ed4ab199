//! `mine`: the cases you look after, over all desks.

use super::{About, Action, Turn, Verb, list::rows};
use crate::case::event::Request;
use crate::case::model::Case;
use crate::case::policy::Policy;
use crate::case::record::Query;
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "mine",
    usage: "mine",
    summary: "Lists the cases you look after, at whatever desk.",
    example: "mine",
    about: About::Nothing,
    action: Action::Look,
    query: Some(query),
    ..Verb::plain(run)
};

fn query(policy: &Policy, request: &Request, _: &str, _: Option<&Case>) -> Option<Query> {
    Some(Query::Of(policy.accounts(&request.by.id)))
}

fn run(turn: Turn<'_, '_>) {
    let draft = turn.draft;
    if draft.found.list.is_empty() {
        return draft.say("You look after no case. `next` gives you one.");
    }
    let words = rows(Rich::of("Yours, longest wait first:"), &draft.found.list, draft.at);
    draft.answer(words, Vec::new());
}
