//! `take`: you look after a case that somebody else has; he is told.

use super::{Action, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::effect::Tone;
use crate::case::model::Status;
use crate::case::rich::{Piece, Rich};

/// See the module.
pub static VERB: Verb = Verb {
    name: "take",
    usage: "take",
    summary: "You take the case over from a colleague, who is told.",
    example: "take #42",
    action: Action::Give,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let (draft, by) = (turn.draft, asker(turn.request));
    if case.status == Status::Closed {
        return draft.say(format!("{} is closed. Reopen it first.", case.no));
    }
    if !case.held.is_empty() {
        return draft.say("A reply has not left yet. Wait for it, or have it taken back first.");
    }
    match case.claimer.take() {
        Some(owner) if draft.policy.same(&owner.id, &by.id) => {
            return draft.say(format!("{} is yours already.", case.no));
        }
        Some(owner) => {
            let words = Rich::new().agent(&by.name).say(" took this case over from ");
            draft.tell(&mut case, Tone::Status, words.and(Piece::Call(owner.id)).say("."));
        }
        None => {}
    }
    draft.say(format!("{} is yours.", case.no));
    case.claimer = Some(by);
    alert::taken(draft, &mut case);
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "taken_over";
}
