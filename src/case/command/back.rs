//! `back`: you are there again.

use super::away::duty;
use super::{About, Action, Turn, Verb};
use crate::case::record::{Key, Record};

/// See the module.
pub static VERB: Verb = Verb {
    name: "back",
    usage: "back",
    summary: "You are there again after `away`.",
    example: "back",
    about: About::Nothing,
    action: Action::Claim,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let draft = turn.draft;
    let mut duty = duty(draft);
    if duty.away.remove(&draft.policy.key(&turn.request.by.id)).is_none() {
        return draft.say("You were not away.");
    }
    draft.write(Key::Duty, Record::Duty(duty));
    draft.say("Welcome back. `mine` shows your cases, `next` gives you one.");
    draft.out.did = "back";
}
