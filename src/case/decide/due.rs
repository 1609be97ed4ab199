//! An alarm of a case went off. It counts only if the case still has it.

use crate::case::alert;
use crate::case::card::refresh;
use crate::case::draft::Draft;
use crate::case::effect::Tone;
use crate::case::id::CaseNo;
use crate::case::model::{Alarm, Body, Case, Wake};
use crate::case::record::Decision;
use crate::case::reply::release;
use crate::case::rich::{Piece, Rich, Theirs};

pub fn decide(mut draft: Draft<'_>, no: CaseNo, alarm: &Alarm) -> Decision {
    let Some(mut case) = draft.found.case(no).cloned() else { return draft.done("unknown") };
    if !case.alarms.contains(alarm) {
        return draft.done("no_longer");
    }
    case.alarms.retain(|set| set != alarm);
    match alarm.what {
        Wake::Release(seq) => release(&mut draft, &mut case, seq, false),
        Wake::Patience(rung) => {
            alert::waited(&mut draft, &mut case, rung);
            refresh(&mut draft, &mut case);
        }
        Wake::Snooze => wake(&mut draft, &mut case),
        Wake::Solved => {
            alert::unsolved(&mut draft, &mut case);
            refresh(&mut draft, &mut case);
        }
        Wake::Promise(seq) => promised(&mut draft, &mut case, seq),
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

/// A promise is due: whoever looks after the case is called, and an alert says so if the customer
/// has no answer since it was made.
fn promised(draft: &mut Draft<'_>, case: &mut Case, seq: u32) {
    let Some(Body::Remark { text, by, .. }) = draft.line(case.no, seq).map(|l| l.body.clone())
    else {
        return;
    };
    let who = case.claimer.clone().unwrap_or(by);
    let words = Rich::of("🤝 This was promised for now: ").theirs(&Theirs::new(text)).say(" ");
    draft.tell(case, Tone::Warning, words.and(Piece::Call(who.id)));
    if case.answered.is_none_or(|answered| answered < seq) {
        alert::raise(draft, case, alert::Cause::promise(), None);
        refresh(draft, case);
    }
}
