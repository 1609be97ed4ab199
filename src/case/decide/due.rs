//! An alarm of a case went off. It counts only if the case still has it.

use crate::case::alert;
use crate::case::card::refresh;
use crate::case::draft::Draft;
use crate::case::effect::Tone;
use crate::case::id::CaseNo;
use crate::case::model::{Alarm, Case, Wake};
use crate::case::record::Decision;
use crate::case::reply::release;
use crate::case::rich::{Piece, Rich};

pub fn decide(mut draft: Draft<'_>, no: CaseNo, alarm: &Alarm) -> Decision {
    let Some(mut case) = draft.found.case(no).cloned() else { return draft.done("unknown") };
    if !case.alarms.contains(alarm) {
        return draft.done("no_longer");
    }
    case.alarms.retain(|set| set != alarm);
    match alarm.what {
        Wake::Release(seq) => release(&mut draft, &mut case, seq, false),
        Wake::Patience(rung) => alert::waited(&mut draft, &mut case, rung),
        Wake::Snooze => wake(&mut draft, &mut case),
    }
    draft.done_with(case, "woken")
}

/// A case comes back into sight, and calls whoever put it away.
pub fn wake(draft: &mut Draft<'_>, case: &mut Case) {
    case.alarms.retain(|alarm| alarm.what != Wake::Snooze);
    let Some(snooze) = case.snoozed.take() else { return };
    let words = Rich::of("⏰ Back in sight, as you asked. ").and(Piece::Call(snooze.by.id));
    draft.tell(case, Tone::Status, words);
    alert::arm(draft, case);
    refresh(draft, case);
}
