//! `schedule WHEN TEXT`: a reply that goes out later. Until then it can be taken back, and whatever
//! the customer writes in the meantime stops it.

use super::{Action, Field, Kind, Missing, Turn, Verb, asker};
use crate::case::card::refresh;
use crate::case::gate::on_purpose;
use crate::case::hours::split_when;
use crate::case::reply::{Words, capture};

/// See the module.
pub static VERB: Verb = Verb {
    name: "schedule",
    usage: "schedule WHEN TEXT",
    summary: "Answers the customer later; a new post of his stops it.",
    example: "schedule #42 tomorrow 9:00 Good morning! It has arrived.",
    fields: &[
        Field::needed("when", "When it goes out: tomorrow 9:00, 2h", Kind::When),
        Field::needed("text", "The answer", Kind::Text),
    ],
    action: Action::Speak,
    missing: Some(Missing {
        label: "When and what",
        hint: "Such as: tomorrow 9:00 Good morning! It has arrived.",
    }),
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let (draft, by) = (turn.draft, asker(turn.request));
    let Some((at, text)) = split_when(turn.rest, draft.at, &draft.policy.zone) else {
        return draft.say("When? Say `schedule tomorrow 9:00 Good morning!`.");
    };
    let written = turn.request.asked.unwrap_or(draft.at);
    let captured = on_purpose(&case, text, 0).and_then(|passed| {
        let (by, files) = (by.clone(), Vec::new());
        let words = Words { passed, by, source: None, files, written, not_before: Some(at) };
        capture(draft, &mut case, words)
    });
    match captured {
        Err(rule) => draft.say(format!("Not scheduled: {}.", rule.why())),
        Ok(_) => {
            if case.claimer.is_none() {
                case.claimer = Some(by);
                refresh(draft, &mut case);
            }
            draft.put_case(case);
            draft.out.did = "scheduled";
        }
    }
}
