//! `escalate [REASON]`: a person says that this case needs somebody now.

use super::{Action, Field, Kind, Turn, Verb};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::model::Status;
use crate::case::text::cut;

/// See the module.
pub static VERB: Verb = Verb {
    name: "escalate",
    usage: "escalate [REASON]",
    summary: "Calls for somebody now; the alert says why.",
    example: "escalate #42 she speaks of a lawyer",
    fields: &[Field::free("reason", "Why somebody must look now", Kind::Text)],
    action: Action::Sort,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    if case.status == Status::Closed {
        return draft.say(format!("{} is closed. Reopen it first.", case.no));
    }
    let by = &turn.request.by.name;
    let why = match turn.rest {
        "" => format!("{by} asks for help"),
        reason => format!("{by} says: {}", cut(reason, crate::case::limits::NAME_BYTES)),
    };
    let rung = alert::next_rung(draft, &case);
    alert::raise(draft, &mut case, alert::Cause::person(why), rung);
    alert::rearm(draft, &mut case);
    draft.say(format!("{} is escalated.", case.no));
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "escalated";
}
