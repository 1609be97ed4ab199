//! `reopen`: the case was not done after all.

use super::{Action, Turn, Verb, asker};
use crate::case::card::refresh;
use crate::case::effect::Tone;
use crate::case::model::Status;
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "reopen",
    usage: "reopen",
    summary: "Opens a closed case again.",
    example: "reopen #42",
    action: Action::Sort,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    if case.status != Status::Closed {
        return draft.say(format!("{} is not closed.", case.no));
    }
    if draft.newest_of_contact(&case).is_some_and(|newest| newest != case.no) {
        return draft.say("This customer has a newer case; please go on there.");
    }
    case.status = Status::Open;
    case.closed = None;
    case.cause = None;
    let by = asker(turn.request);
    draft.tell(&mut case, Tone::Status, Rich::of("Reopened by ").agent(&by.name).say("."));
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "reopened";
}
