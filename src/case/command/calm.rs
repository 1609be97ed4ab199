//! `calm`: the alert was not needed, or is no longer.

use super::{Action, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::model::Priority;
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "calm",
    usage: "calm",
    summary: "Ends the alert of a case.",
    example: "calm #42",
    action: Action::Sort,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    if case.alert.is_none() {
        return draft.say(format!("{} has no alert.", case.no));
    }
    let by = asker(turn.request);
    alert::over(draft, &mut case, Rich::of("Not urgent, says ").agent(&by.name).say("."));
    case.calmed = Some(draft.at);
    if case.priority == Priority::High {
        case.priority = Priority::Normal;
    }
    alert::arm(draft, &mut case);
    draft.say(format!("The alert of {} is over.", case.no));
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "calmed";
}
