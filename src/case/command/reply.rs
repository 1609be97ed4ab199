//! `reply TEXT`: an answer to the customer, on purpose. Without a text it opens a form.

use super::{Action, Field, Kind, Missing, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::effect::Answer;
use crate::case::gate::{Rule, on_purpose};
use crate::case::reply::{Words, capture};

/// See the module.
pub static VERB: Verb = Verb {
    name: "reply",
    usage: "reply TEXT",
    summary: "Answers the customer; without a text it opens a form.",
    example: "reply #42 Sorry about that. Which order is it?",
    fields: &[Field::free("text", "The answer; empty opens a form", Kind::Text)],
    action: Action::Speak,
    missing: Some(Missing {
        label: "To the customer",
        hint: "This is public if the customer's post is public.",
    }),
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let (draft, request) = (turn.draft, turn.request);
    let passed = on_purpose(&case, turn.rest, 0);
    let claims = case.claimer.is_none();
    let words = passed.and_then(|passed| {
        let (by, written) = (asker(request), request.asked.unwrap_or(draft.at));
        capture(
            draft,
            &mut case,
            Words { passed, by, source: None, files: Vec::new(), written, not_before: None },
        )
    });
    match words {
        Err(Rule::ByHand) => draft.say(format!("Not sent: {}.", Rule::ByHand.why())),
        Err(rule) => draft.out.answer = Some(Answer::Refuse(format!("Not sent: {}.", rule.why()))),
        Ok(_) => {
            if claims {
                case.claimer = Some(asker(request));
                alert::taken(draft, &mut case);
                refresh(draft, &mut case);
            }
            draft.put_case(case);
            draft.out.did = "captured";
        }
    }
}
