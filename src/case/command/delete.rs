//! `delete LINE`: a reply that was sent is deleted on the network, where it allows that.

use super::{Action, Field, Kind, Turn, Verb, asker};
use crate::case::mend::remove;
use crate::case::reply::may_edit;

/// See the module.
pub static VERB: Verb = Verb {
    name: "delete",
    usage: "delete LINE",
    summary: "Deletes a reply that was sent, where the network allows it.",
    example: "delete #42 7",
    fields: &[Field::needed("line", "Which line of the case", Kind::Number)],
    action: Action::Speak,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    let seq: Option<u32> = turn.rest.parse().ok();
    let reply = seq.and_then(|seq| draft.reply(case.no, seq));
    let (Some(seq), Some(reply)) = (seq, reply) else {
        return draft.say("Which? Name the reply's line: `delete 7`.");
    };
    if !may_edit(draft, reply, &asker(turn.request).id) {
        return draft.say("Only its author can delete this. Nothing was done.");
    }
    match remove(draft, &mut case, seq) {
        Err(why) => draft.say(why),
        Ok(()) => {
            draft.say("It is being deleted there.");
            draft.put_case(case);
            draft.out.did = "deleted";
        }
    }
}
