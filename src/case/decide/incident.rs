//! Cases and calls of the incident that goes on were counted: its message tells.

use crate::case::draft::Draft;
use crate::case::incident;
use crate::case::record::Decision;

pub fn counted(mut draft: Draft<'_>, no: u32, cases: u32, calls: u32) -> Decision {
    let Some(mut open) = incident::open(&draft).filter(|open| open.no == no) else {
        return draft.done("no_longer");
    };
    (open.cases, open.calls) = (cases, calls);
    incident::show(&mut draft, open);
    draft.done("counted")
}
