//! `claim`: you look after the case. Two claims in one instant have one winner: the second decision
//! finds the first in the record.

use super::{About, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::draft::Draft;
use crate::case::model::{Case, Status};

/// See the module.
pub static VERB: Verb = Verb {
    name: "claim",
    usage: "claim",
    summary: "You look after the case; your messages in its thread go to the customer.",
    example: "claim #42",
    about: About::Case,
    fields: &[],
    query: None,
    run,
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
        Some(owner) if owner.id == by.id => draft.say(format!("{} is yours already.", case.no)),
        Some(owner) => draft.say(format!("{} looks after {} already.", owner.name, case.no)),
        None if case.status == Status::Closed => {
            draft.say(format!("{} is closed. Reopen it first.", case.no));
        }
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
