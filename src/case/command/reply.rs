//! `reply TEXT`: an answer to the customer, on purpose. Without a text it opens a form.

use super::{About, Field, Kind, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::effect::{Answer, Form};
use crate::case::gate::{Rule, on_purpose};
use crate::case::model::Case;
use crate::case::reply::{Words, capture};

/// See the module.
pub static VERB: Verb = Verb {
    name: "reply",
    usage: "reply TEXT",
    summary: "Answers the customer; without a text it opens a form.",
    example: "reply #42 Sorry about that. Which order is it?",
    about: About::Case,
    fields: &[Field::free("text", "The answer; empty opens a form", Kind::Text)],
    query: None,
    run,
};

const fn hint(case: &Case) -> &'static str {
    match case.unasked {
        true => "He did not write to us. One answer, politely; you are asked before it goes.",
        false => "This is public if the customer's post is public.",
    }
}

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let (draft, request) = (turn.draft, turn.request);
    if let Some(owner) = case.claimer.as_ref().filter(|owner| owner.id != request.by.id) {
        return draft.say(format!(
            "{} looks after {}. Ask for its release first; nothing was sent.",
            owner.name, case.no
        ));
    }
    if turn.rest.is_empty() {
        draft.out.answer = Some(Answer::Form(Form {
            title: format!("Reply {}", case.no),
            words: format!("reply {}", case.no),
            label: "To the customer".into(),
            hint: hint(&case).into(),
            text: request.on.clone().unwrap_or_default(),
            max: 3000,
        }));
        return;
    }
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
