//! `undo [LINE]`: takes a reply back that has not left; without a line, your newest one.

use super::{Action, Field, Kind, Turn, Verb};
use crate::case::reply::withdraw;

/// See the module.
pub static VERB: Verb = Verb {
    name: "undo",
    usage: "undo [LINE]",
    summary: "Takes back a reply that has not left yet.",
    example: "undo #42",
    fields: &[Field::free("line", "Which line of the case; empty: the newest", Kind::Number)],
    action: Action::Release,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    let seq = match turn.rest.parse() {
        Ok(seq) => Some(seq),
        Err(_) => case.held.last().copied(),
    };
    let Some(seq) = seq else { return draft.say("Nothing waits to be sent.") };
    if withdraw(draft, &mut case, seq) {
        draft.put_case(case);
        draft.out.did = "withdrawn";
        return;
    }
    match draft.reply(case.no, seq).is_some() {
        true => draft.say("Too late: it has left already."),
        false => draft.say("It stays inside."),
    }
}
