//! An alarm of a case went off. It counts only if the case still has it.

use crate::case::draft::Draft;
use crate::case::id::CaseNo;
use crate::case::model::{Alarm, Wake};
use crate::case::record::Decision;
use crate::case::reply::release;

pub fn decide(mut draft: Draft<'_>, no: CaseNo, alarm: &Alarm) -> Decision {
    let Some(mut case) = draft.found.case(no).cloned() else { return draft.done("unknown") };
    if !case.alarms.contains(alarm) {
        return draft.done("no_longer");
    }
    case.alarms.retain(|set| set != alarm);
    match alarm.what {
        Wake::Release(seq) => release(&mut draft, &mut case, seq, false),
        Wake::Patience(_) => {}
    }
    draft.done_with(case, "woken")
}
