//! `merge #OTHER`: one matter in two cases; the work goes on in the other one.

use super::{Action, Field, Kind, Missing, Turn, Verb, asker, close, named_case};
use crate::case::effect::Tone;
use crate::case::id::CaseNo;
use crate::case::limits::LINKED;
use crate::case::model::{Case, Status};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "merge",
    usage: "merge #OTHER",
    summary: "Closes this case, since the same matter goes on in another one.",
    example: "merge #42 #17",
    fields: &[Field::needed(
        "other",
        "The number of the case it goes on in, such as #17",
        Kind::Text,
    )],
    action: Action::Sort,
    missing: Some(Missing { label: "The case it goes on in", hint: "Its number, such as #17" }),
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(case) = turn.case else { return };
    let draft = turn.draft;
    let other = named_case(turn.rest).filter(|no| *no != case.no);
    let Some(mut other) = other.and_then(|no| draft.found.case(no)).cloned() else {
        return draft.say("Into which? Write its number: `merge #17`.");
    };
    if other.status == Status::Closed {
        return draft.say(format!("{} is closed. Reopen it first.", other.no));
    }
    let by = asker(turn.request);
    let cause = format!("goes on in {}", other.no);
    let Some(mut case) = close::close(draft, case, by.clone(), &cause) else { return };
    // Not his words: they would stay here when he is erased there.
    let told = Rich::of(format!("{} goes on here, says ", case.no)).agent(&by.name).say(".");
    draft.tell(&mut other, Tone::Status, told);
    connect(&mut case, other.no);
    connect(&mut other, case.no);
    draft.put_case(other);
    draft.put_case(case);
    draft.out.did = "merged";
}

fn connect(case: &mut Case, with: CaseNo) {
    case.linked.retain(|no| *no != with);
    case.linked.push(with);
    let first = case.linked.len().saturating_sub(LINKED);
    case.linked.drain(..first);
}
