//! `close [CAUSE]`: the case is done; the cause says what was behind it.

use super::{About, Field, Kind, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::effect::Tone;
use crate::case::model::Status;
use crate::case::rich::Rich;
use crate::case::text::cut;

/// See the module.
pub static VERB: Verb = Verb {
    name: "close",
    usage: "close [CAUSE]",
    summary: "Closes the case; the cause says what was behind it.",
    example: "close #42 parcel was lost by the carrier",
    about: About::Case,
    fields: &[Field::free("cause", "What was behind it", Kind::Text)],
    query: None,
    run,
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    if case.status == Status::Closed {
        return draft.say(format!("{} is closed already.", case.no));
    }
    if !case.held.is_empty() || !case.sending.is_empty() {
        return draft.say("A reply has not left yet. Wait for it or take it back first.");
    }
    let by = asker(turn.request);
    case.status = Status::Closed;
    case.closed = Some(draft.at);
    case.waits = None;
    alert::over(draft, &mut case, Rich::of("Closed."));
    case.alarms.clear();
    case.snoozed = None;
    case.cause = (!turn.rest.is_empty()).then(|| cut(turn.rest, crate::case::limits::NAME_BYTES));
    let words = Rich::of("Closed by ").agent(&by.name);
    let words = case.cause.iter().fold(words, |words, cause| words.say(format!(": {cause}")));
    draft.tell(&mut case, Tone::Status, words.say("."));
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "closed";
}
