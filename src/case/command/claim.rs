//! `claim`: you look after the case. Two claims in one instant have one winner: the second decision
//! finds the first in the record.

use super::{Action, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::draft::Draft;
use crate::case::event::Request;
use crate::case::model::{Agent, Case, Status};
use crate::case::policy::Policy;
use crate::case::record::Query;

/// See the module.
pub static VERB: Verb = Verb {
    name: "claim",
    usage: "claim",
    summary: "You look after the case; your messages in its thread go to the customer.",
    example: "claim #42",
    action: Action::Claim,
    query: Some(query),
    ..Verb::plain(run)
};

/// What he should know before he types.
fn but(draft: &Draft<'_>, case: &Case) -> String {
    let newest = case.recent.iter().rev().find(|heard| !heard.withdrawn);
    let why = newest.and_then(|heard| draft.mention(case.no, heard.line)?.0.no_reply.clone());
    match why {
        Some(why) => format!(" It cannot be answered from here: {why}."),
        None if case.unasked => " He did not write to us: only `reply` answers him, once.".into(),
        None => String::new(),
    }
}

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let (draft, by) = (turn.draft, asker(turn.request));
    match &case.claimer {
        Some(owner) if draft.policy.same(&owner.id, &by.id) => {
            draft.say(format!("{} is yours already.", case.no))
        }
        Some(owner) => draft.say(format!("{} looks after {} already.", owner.name, case.no)),
        None if case.status == Status::Closed => {
            draft.say(format!("{} is closed. Reopen it first.", case.no));
        }
        None if is_full(draft, &by) => draft.say(full(draft, &by)),
        None => {
            draft.say(format!("{} is yours.{}", case.no, but(draft, &case)));
            case.claimer = Some(by);
            alert::taken(draft, &mut case);
            refresh(draft, &mut case);
            draft.put_case(case);
            draft.out.did = "claimed";
        }
    }
}

fn query(policy: &Policy, request: &Request, _: &str, _: Option<&Case>) -> Option<Query> {
    Some(Query::Of(policy.accounts(&request.by.id)))
}

/// Does this person look after as many cases already as he may? The list that was read is a hint:
/// two claims in one instant may make it one more.
#[must_use]
pub fn is_full(draft: &Draft<'_>, by: &Agent) -> bool {
    let most = draft.policy.person(&by.id).map_or(0, |(_, person)| person.capacity);
    most > 0 && has(draft, by) >= most as usize
}

fn has(draft: &Draft<'_>, by: &Agent) -> usize {
    let own = |claimer: &Agent| draft.policy.same(&claimer.id, &by.id);
    draft.found.list.iter().filter(|s| s.claimer.as_ref().is_some_and(own)).count()
}

/// What he is told then.
#[must_use]
pub fn full(draft: &Draft<'_>, by: &Agent) -> String {
    let most = draft.policy.person(&by.id).map_or(0, |(_, person)| person.capacity);
    format!(
        "You look after {} cases already, and {most} is your limit. Close or release one.",
        has(draft, by)
    )
}
