//! `next`: hands you the unclaimed case whose customer has waited longest.

use super::{About, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::event::Request;
use crate::case::model::{Case, Status};
use crate::case::record::Query;
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "next",
    usage: "next",
    summary: "Hands you the unclaimed case that waits longest.",
    example: "next",
    about: About::Nothing,
    fields: &[],
    query: Some(query),
    run,
};

fn query(_: &Request, _: &str, _: Option<&Case>) -> Option<Query> {
    Some(Query::Unclaimed)
}

/// The list is a hint, the record decides: if somebody was faster, the agent is told to ask again.
fn run(turn: Turn<'_, '_>) {
    let draft = turn.draft;
    let Some(first) = draft.found.list.first().cloned() else {
        return draft.say("Nobody waits for an agent.");
    };
    let Some(mut case) = draft.found.case(first.no).cloned() else {
        return draft.say("Somebody was faster. Ask again.");
    };
    if case.claimer.is_some() || case.status == Status::Closed {
        return draft.say("Somebody was faster. Ask again.");
    }
    let waits = case.waits.map(|since| format!(", waits {}", draft.at.since(since)));
    let words = Rich::of(format!("{} is yours: @", case.no)).theirs(&case.handle);
    let mut words = words.say(waits.unwrap_or_default()).say(".");
    if let Some((mention, _, _)) = draft.mention(case.no, 0) {
        words = words.quote(&mention.text);
    }
    draft.answer(words, Vec::new());
    case.claimer = Some(asker(turn.request));
    alert::taken(draft, &mut case);
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "claimed";
}
