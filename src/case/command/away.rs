//! `away [WHEN]`: you are not there, until then or until you say `back`.

use super::{About, Action, Field, Kind, Turn, Verb, asker};
use crate::case::draft::Draft;
use crate::case::hours::read_when;
use crate::case::model::{Away, Duty};
use crate::case::record::{Key, Record};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "away",
    usage: "away [WHEN]",
    summary: "You are not there, until then or until you say `back`; your colleagues see it.",
    example: "away tomorrow 9:00",
    about: About::Nothing,
    fields: &[Field::free(
        "until",
        "Until when: tomorrow 9:00, 2h; empty: until you are back",
        Kind::When,
    )],
    action: Action::Claim,
    ..Verb::plain(run)
};

/// Who is away is remembered for so many at most: old entries go first.
const MOST: usize = 500;

fn run(turn: Turn<'_, '_>) {
    let (draft, who) = (turn.draft, asker(turn.request));
    let until = read_when(turn.rest, draft.at, &draft.policy.zone);
    if until.is_none() && !turn.rest.is_empty() {
        return draft.say("Until when? Say `away 2h`, `away tomorrow 9:00`, or only `away`.");
    }
    let mut duty = duty(draft);
    let (at, since) = (draft.at, draft.at);
    duty.away.retain(|_, away| away.until.is_none_or(|until| at < until));
    duty.away.insert(draft.policy.key(&who.id), Away { who, since, until });
    while duty.away.len() > MOST {
        let oldest = duty.away.iter().min_by_key(|(_, away)| away.since).map(|(k, _)| k.clone());
        duty.away.remove(&oldest.unwrap_or_default());
    }
    draft.write(Key::Duty, Record::Duty(duty));
    let words = Rich::of("You are away");
    let words = match until {
        Some(at) => words.say(" until ").when(at).say("."),
        None => words.say(" until you say `back`."),
    };
    draft.answer(words.say(" Your cases stay yours; `release` gives one back."), Vec::new());
    draft.out.did = "away";
}

/// Who is away at the moment.
#[must_use]
pub fn duty(draft: &Draft<'_>) -> Duty {
    match draft.get(&Key::Duty) {
        Some(Record::Duty(duty)) => duty.clone(),
        _ => Duty::default(),
    }
}
