//! `next`: hands you the unclaimed case whose customer has waited longest. Who knows a customer is
//! offered him first, for a while.

use super::claim::{full, is_full};
use super::{About, Action, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::event::Request;
use crate::case::id::CaseNo;
use crate::case::model::{Agent, Case, Status};
use crate::case::policy::Policy;
use crate::case::record::{Found, Query, Summary};
use crate::case::rich::Rich;
use crate::case::time::Timestamp;

/// See the module.
pub static VERB: Verb = Verb {
    name: "next",
    usage: "next",
    summary: "Hands you the unclaimed case that waits longest.",
    example: "next",
    about: About::Nothing,
    action: Action::Claim,
    query: Some(query),
    ..Verb::plain(run)
};

fn query(policy: &Policy, request: &Request, _: &str, _: Option<&Case>) -> Option<Query> {
    Some(Query::Queue(policy.accounts(&request.by.id)))
}

/// The case of the list that this agent gets: one of a customer he knows, else the first that is
/// not offered to somebody else at the moment, else the first.
#[must_use]
pub fn pick(policy: &Policy, by: &Agent, found: &Found, at: Timestamp) -> Option<CaseNo> {
    let free = || found.list.iter().filter(|s| s.claimer.is_none());
    let knows = |s: &&Summary| s.knew.as_ref().is_some_and(|knew| policy.same(&knew.id, &by.id));
    let offered = |s: &&Summary| s.knew.is_some() && at.since(s.opened) < policy.sticky;
    let own = free().find(|s| offered(s) && knows(s));
    own.or_else(|| free().find(|s| !offered(s))).or_else(|| free().next()).map(|s| s.no)
}

/// The list is a hint, the record decides: if somebody was faster, the agent is told to ask again.
fn run(turn: Turn<'_, '_>) {
    let (draft, by) = (turn.draft, asker(turn.request));
    let Some(first) = pick(draft.policy, &by, draft.found, draft.at) else {
        return draft.say("Nobody waits for an agent.");
    };
    if is_full(draft, &by) {
        return draft.say(full(draft, &by));
    }
    let Some(mut case) = draft.found.case(first).cloned() else {
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
    case.claimer = Some(by);
    alert::taken(draft, &mut case);
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "claimed";
}
