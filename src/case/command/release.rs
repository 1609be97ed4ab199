//! `release`: somebody else may look after the case.

use super::{Action, Turn, Verb};
use crate::case::alert;
use crate::case::card::refresh;

/// See the module.
pub static VERB: Verb = Verb {
    name: "release",
    usage: "release",
    summary: "You no longer look after the case; anybody can claim it.",
    example: "release #42",
    action: Action::Claim,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    match &case.claimer {
        None => draft.say(format!("Nobody looks after {}.", case.no)),
        Some(owner) if !draft.policy.same(&owner.id, &turn.request.by.id) => {
            draft.say(format!("{} looks after {}, not you.", owner.name, case.no));
        }
        Some(_) if !case.held.is_empty() => {
            draft.say("A reply of yours has not left yet. Send it or take it back first.");
        }
        Some(_) => {
            draft.say(format!("{} is free to be claimed.", case.no));
            case.claimer = None;
            alert::rearm(draft, &mut case);
            refresh(draft, &mut case);
            draft.put_case(case);
            draft.out.did = "released";
        }
    }
}
