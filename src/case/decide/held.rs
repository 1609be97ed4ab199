//! Alerts that were held: one list for each channel, when the team is there again or an incident
//! is over.

use super::unreadable::tell;
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::draft::Draft;
use crate::case::id::{CaseNo, ChannelId};
use crate::case::incident;
use crate::case::limits::LISTED;
use crate::case::model::{Case, Status};
use crate::case::record::Decision;
use crate::case::rich::Rich;
use std::collections::BTreeMap;

pub fn decide(mut draft: Draft<'_>, cases: &[CaseNo]) -> Decision {
    let mut lists: BTreeMap<ChannelId, Vec<Case>> = BTreeMap::new();
    for mut case in cases.iter().filter_map(|no| draft.found.case(*no).cloned()) {
        let holds = case.alert.as_ref().is_some_and(|alert| alert.held);
        if !holds || case.status != Status::Open || incident::of(&draft, &case).is_some() {
            continue;
        }
        case.alert.iter_mut().for_each(|alert| alert.held = false);
        alert::arm(&draft, &mut case);
        refresh(&mut draft, &mut case);
        draft.put_case(case.clone());
        lists.entry(alert::channel(&draft, &case)).or_default().push(case);
    }
    for (n, (channel, cases)) in lists.into_iter().enumerate() {
        let id = format!("h{}.{}.{n}", draft.at.0, draft.spare.0);
        let words = words(&draft, &cases);
        tell(&mut draft, &id, channel, words);
    }
    draft.out.case = None;
    draft.done("listed")
}

fn words(draft: &Draft<'_>, cases: &[Case]) -> Rich {
    let title = match cases.len() {
        1 => "🔔 One alert was held:".to_owned(),
        n => format!("🔔 {n} alerts were held:"),
    };
    let list = cases.iter().take(LISTED).fold(Rich::of(title), |words, case| {
        let why = case.alert.as_ref().map_or_else(String::new, |alert| alert.why.join("; "));
        let words = words.line().strong(case.no.to_string()).say(" @").theirs(&case.handle);
        let words = words.say(format!(": {why}"));
        let words = match case.waits {
            Some(since) => words.say(". Waits since ").when(since),
            None => words,
        };
        match alert::thread_url(draft, case) {
            Some(url) => words.say(" ").link(&url, "Open thread"),
            None => words,
        }
    });
    match cases.len().checked_sub(LISTED + 1) {
        Some(more) => list.line().say(format!("… and {} more", more + 1)),
        None => list,
    }
}
