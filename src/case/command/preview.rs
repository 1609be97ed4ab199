//! `preview TEXT`: what the customer would see, part by part. Sends nothing.

use super::{Action, Field, Kind, Missing, Turn, Verb};
use crate::case::gate::on_purpose;
use crate::case::reply::seen_as;
use crate::case::rich::{Rich, Theirs};

/// See the module.
pub static VERB: Verb = Verb {
    name: "preview",
    usage: "preview TEXT",
    summary: "Shows what the customer would see; sends nothing.",
    example: "preview #42 Sorry about that.",
    fields: &[Field::needed("text", "The words as you would send them", Kind::Text)],
    action: Action::Look,
    missing: Some(Missing { label: "What you would write", hint: "Nothing is sent." }),
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(case) = turn.case else { return };
    let draft = turn.draft;
    let parts = match on_purpose(&case, turn.rest, 0) {
        Ok(passed) => seen_as(draft, &case, &turn.request.by, &passed),
        Err(rule) => return draft.say(format!("This would not be sent: {}.", rule.why())),
    };
    let Some(parts) = parts else {
        return draft.say("This would not be sent: it is too long, or there is no post to answer.");
    };
    let limit = draft.abilities(&case.account).limit;
    let title = match parts.len() {
        1 => "The customer would see:".to_owned(),
        n => format!("The customer would see {n} posts:"),
    };
    let words = parts.iter().fold(Rich::of(title), |words, (text, count)| {
        words.quote(&Theirs::new(text.clone())).say(format!("{count} of {limit}"))
    });
    draft.answer(words, Vec::new());
}
