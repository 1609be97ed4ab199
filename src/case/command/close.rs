//! `close [CAUSE]`: the case is done; the cause says what was behind it.

use super::{Action, Field, Kind, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::draft::Draft;
use crate::case::effect::Tone;
use crate::case::model::{Agent, Case, Status};
use crate::case::rich::Rich;
use crate::case::text::cut;

/// See the module.
pub static VERB: Verb = Verb {
    name: "close",
    usage: "close [CAUSE]",
    summary: "Closes the case; the cause says what was behind it.",
    example: "close #42 parcel was lost by the carrier",
    fields: &[Field::free("cause", "What was behind it", Kind::Text)],
    action: Action::Sort,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(case) = turn.case else { return };
    if let Some(case) = close(turn.draft, case, asker(turn.request), turn.rest) {
        turn.draft.put_case(case);
        turn.draft.out.did = "closed";
    }
}

/// Closes a case, or says why not. The caller writes it.
#[must_use]
pub fn close(draft: &mut Draft<'_>, mut case: Case, by: Agent, cause: &str) -> Option<Case> {
    if case.status == Status::Closed {
        draft.say(format!("{} is closed already.", case.no));
        return None;
    }
    if !case.held.is_empty() || !case.sending.is_empty() {
        draft.say("A reply has not left yet. Wait for it or take it back first.");
        return None;
    }
    case.status = Status::Closed;
    case.closed = Some(draft.at);
    case.waits = None;
    alert::over(draft, &mut case, Rich::of("Closed."));
    case.alarms.clear();
    case.snoozed = None;
    case.cause = (!cause.is_empty()).then(|| cut(cause, crate::case::limits::NAME_BYTES));
    let words = Rich::of("Closed by ").agent(&by.name);
    let words = case.cause.iter().fold(words, |words, cause| words.say(format!(": {cause}")));
    draft.tell(&mut case, Tone::Status, words.say("."));
    refresh(draft, &mut case);
    Some(case)
}
