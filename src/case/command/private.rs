//! `private [LINE]`: a reply that waits goes to the customer alone, though his post is public.

use super::{Action, Field, Kind, Turn, Verb, asker};
use crate::case::private::switch;
use crate::case::reply::may_edit;

/// See the module.
pub static VERB: Verb = Verb {
    name: "private",
    usage: "private [LINE]",
    summary: "Sends a waiting reply to the customer alone, where the network can.",
    example: "private #42 7",
    fields: &[Field::free("line", "Which line of the case; empty: the newest", Kind::Number)],
    action: Action::Release,
    ..Verb::plain(|turn| run(turn, true))
};

/// Makes the reply that is named, or the newest that waits, private or public.
pub(super) fn run(turn: Turn<'_, '_>, private: bool) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    let seq = turn.rest.parse().ok().or_else(|| case.held.last().copied());
    let reply = seq.and_then(|seq| Some((seq, draft.reply(case.no, seq)?)));
    let Some((seq, reply)) = reply else {
        return draft.say("No reply waits. Write it first; while it waits it can be made private.");
    };
    if !may_edit(draft, reply, &asker(turn.request).id) {
        return draft.say("Only its author can change this. Nothing was done.");
    }
    match switch(draft, &mut case, seq, private) {
        Err(why) => draft.say(format!("Nothing was changed: {why}.")),
        Ok(()) => {
            draft.put_case(case);
            draft.out.did = if private { "made_private" } else { "made_public" };
        }
    }
}
