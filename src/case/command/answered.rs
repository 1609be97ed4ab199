//! `answered`: you answered by hand, on the network itself. The clock stops.

use super::{Action, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::effect::Tone;
use crate::case::model::{ReplyState, Status};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "answered",
    usage: "answered",
    summary: "You answered by hand on the network; the customer no longer waits.",
    example: "answered #42",
    action: Action::Sort,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    if case.status == Status::Closed {
        return draft.say(format!("{} is closed.", case.no));
    }
    // A reply of which nobody knew is settled by whoever has looked.
    if let Some(seq) = case.unknown.take() {
        draft.change_reply(case.no, seq, |reply| reply.state = ReplyState::Sent);
    }
    let by = asker(turn.request);
    case.status = Status::Answered;
    case.waits = None;
    case.answered = case.lines.checked_sub(1);
    alert::over(draft, &mut case, Rich::of("Answered by hand."));
    draft.tell(&mut case, Tone::Status, Rich::of("✓ ").agent(&by.name).say(" answered by hand."));
    case.claimer.get_or_insert(by);
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "answered";
}
