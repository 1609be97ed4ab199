//! `not ours`: nothing for us. The case is closed, and the next one of this customer says so.

use super::{Action, Field, Kind, Turn, Verb, asker};
use crate::case::model::Status;
use crate::case::record::{Key, Record};

/// See the module.
pub static VERB: Verb = Verb {
    name: "not",
    usage: "not ours",
    summary: "Closes a case that was nothing for us, and remembers it of this customer.",
    example: "not #42 ours",
    fields: &[Field::needed("ours", "Says so: it is none of ours", Kind::OneOf(&["ours"]))],
    action: Action::Sort,
    ..Verb::plain(run)
};

/// The tag by which such cases are found.
/// What such a case is tagged with.
pub const TAG: &str = "not-ours";

fn run(turn: Turn<'_, '_>) {
    let Some(case) = &turn.case else { return };
    if turn.rest != "ours" {
        return turn.draft.say("Say `not ours` to close a case that was nothing for us.");
    }
    if case.status == Status::Closed {
        return turn.draft.say(format!("{} is closed already.", case.no));
    }
    let key = Key::Contact(case.contact.clone());
    let contact = match turn.draft.get(&key) {
        Some(Record::Contact(contact)) => Some(contact.clone()),
        _ => None,
    };
    let Some(mut case) = super::close::close(turn.draft, case.clone(), asker(turn.request), TAG)
    else {
        return;
    };
    case.tags.retain(|tag| tag != TAG);
    case.tags.push(TAG.to_owned());
    case.tags.sort();
    turn.draft.put_case(case);
    if let Some(mut contact) = contact {
        contact.noise += 1;
        turn.draft.write(key, Record::Contact(contact));
    }
    turn.draft.out.did = "not_ours";
}
