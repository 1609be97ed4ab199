//! `block`: what this customer writes is still shown, and opens nothing; `block off` ends it.

use super::{Action, Field, Kind, Turn, Verb, asker};
use crate::case::effect::Tone;
use crate::case::record::{Key, Record};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "block",
    usage: "block [off]",
    summary: "What this customer writes is shown and opens nothing; `block off` ends it.",
    example: "block #42",
    fields: &[Field::free("off", "Ends it again", Kind::OneOf(&["off"]))],
    action: Action::Block,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let (draft, by) = (turn.draft, asker(turn.request));
    let key = Key::Contact(case.contact.clone());
    let Some(Record::Contact(contact)) = draft.get(&key) else {
        return draft.say("Nothing is kept of this customer any more.");
    };
    let mut contact = contact.clone();
    let words = match turn.rest {
        "" => {
            contact.blocked = Some(by.clone());
            Rich::of("🚫 Blocked by ").agent(&by.name).say(": he opens no case any more.")
        }
        "off" => {
            contact.blocked = None;
            Rich::of("No longer blocked, says ").agent(&by.name).say(".")
        }
        _ => return draft.say("Say `block`, or `block off` to end it."),
    };
    draft.out.did = if contact.blocked.is_some() { "blocked" } else { "unblocked" };
    draft.write(key, Record::Contact(contact));
    draft.tell(&mut case, Tone::Status, words);
    draft.put_case(case);
}
