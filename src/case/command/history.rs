//! `history`: all cases of this customer, newest first.

use super::{Action, Turn, Verb, list::rows};
use crate::case::event::Request;
use crate::case::model::Case;
use crate::case::policy::Policy;
use crate::case::record::{Key, Query, Record};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "history",
    usage: "history",
    summary: "Lists this customer's cases, newest first.",
    example: "history #42",
    action: Action::Look,
    query: Some(query),
    ..Verb::plain(run)
};

fn query(_: &Policy, _: &Request, _: &str, case: Option<&Case>) -> Option<Query> {
    let of = |case: &Case| [std::slice::from_ref(&case.contact), case.same.as_slice()].concat();
    case.map(|case| Query::OfContacts(of(case)))
}

fn run(turn: Turn<'_, '_>) {
    let Some(case) = turn.case else { return };
    let draft = turn.draft;
    let mut title = Rich::of("@").theirs(&case.handle);
    if let Some(Record::Contact(contact)) = draft.get(&Key::Contact(case.contact.clone())) {
        title = title
            .say(format!(" wrote {} times in {} cases since ", contact.wrote, contact.cases))
            .when(contact.first)
            .say(":");
        if let Some(profile) = &contact.profile {
            title = title.line().say("🔒 ").then(profile.said());
        }
    }
    let words = rows(title, &draft.found.list, draft.at);
    draft.answer(words, Vec::new());
}
