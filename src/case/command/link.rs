//! `link #OTHER`: the customers of two cases are one person; `history` shows both from then on.

use super::{Action, Field, Kind, Missing, Turn, Verb, asker, named_case};
use crate::case::card::refresh;
use crate::case::draft::Draft;
use crate::case::effect::Tone;
use crate::case::id::ContactId;
use crate::case::limits::LINKED;
use crate::case::model::{Case, Contact};
use crate::case::record::{Key, Record};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "link",
    usage: "link #OTHER",
    summary: "The customers of two cases are one person; `history` shows all of it.",
    example: "link #42 #17",
    fields: &[Field::needed("other", "The number of the other case, such as #17", Kind::Text)],
    action: Action::Sort,
    missing: Some(Missing { label: "The other case", hint: "Its number, such as #17" }),
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(case) = turn.case else { return };
    let draft = turn.draft;
    let Some(other) = named_case(turn.rest).and_then(|no| draft.found.case(no)).cloned() else {
        return draft.say("With which? Write its number: `link #17`.");
    };
    if case.contact == other.contact {
        return draft.say("That is the same customer already.");
    }
    let (Some(one), Some(two)) = (contact(draft, &case), contact(draft, &other)) else {
        return draft.say("Nothing is kept of this customer any more.");
    };
    let by = asker(turn.request);
    // Whoever belongs to one of them belongs to both.
    let mut all = [&[one.id.clone(), two.id.clone()], one.same.as_slice(), &two.same].concat();
    all.sort();
    all.dedup();
    if all.len() > LINKED {
        return draft.say("This person has too many accounts already.");
    }
    for (contact, case) in [(one, case), (two, other)] {
        join(draft, contact, case, &all, &by.name);
    }
    draft.out.did = "linked";
}

fn contact(draft: &Draft<'_>, case: &Case) -> Option<Contact> {
    match draft.get(&Key::Contact(case.contact.clone())) {
        Some(Record::Contact(contact)) => Some((**contact).clone()),
        _ => None,
    }
}

fn join(draft: &mut Draft<'_>, mut contact: Contact, mut case: Case, all: &[ContactId], by: &str) {
    let others = || all.iter().filter(|id| **id != contact.id).cloned().collect();
    case.same = others();
    contact.same = others();
    draft.write(Key::Contact(contact.id.clone()), Record::Contact(Box::new(contact)));
    let words = Rich::of("The same person also writes elsewhere, says ").agent(by);
    draft.tell(&mut case, Tone::Status, words.say(": `history` shows it."));
    refresh(draft, &mut case);
    draft.put_case(case);
}
