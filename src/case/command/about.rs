//! `about TEXT`: what colleagues should know of this customer, on the cards of all his cases. It
//! never leaves the house, and is erased with him.

use super::{Action, Field, Kind, Turn, Verb, asker};
use crate::case::card::refresh;
use crate::case::effect::Tone;
use crate::case::limits::ABOUT_CHARS;
use crate::case::model::Profile;
use crate::case::record::{Key, Record};
use crate::case::rich::{Rich, Theirs};

/// See the module.
pub static VERB: Verb = Verb {
    name: "about",
    usage: "about [TEXT | off]",
    summary: "Keeps a note about the customer, shown on all his cards; `about off` takes it away.",
    example: "about #42 Is deaf; please never offer to call.",
    fields: &[Field::free("text", "What colleagues should know, or off", Kind::Text)],
    action: Action::Sort,
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
            let known = contact.profile.as_ref().map(Profile::said);
            let nothing = || Rich::of("Nothing is noted about this customer.");
            return draft.answer(known.unwrap_or_else(nothing), Vec::new());
        }
        "off" => {
            contact.profile = None;
            Rich::of("What was noted about this customer was taken away by ").agent(&by.name)
        }
        text if text.chars().count() > ABOUT_CHARS => {
            return draft.say(format!("That is too long: keep it to {ABOUT_CHARS} characters."));
        }
        text => {
            let profile = Profile { text: Theirs::new(text), by, at: draft.at };
            let words = Rich::of("🔒 About this customer: ").then(profile.said());
            contact.profile = Some(profile);
            words
        }
    };
    draft.out.did = "noted about";
    draft.write(key, Record::Contact(contact));
    draft.tell(&mut case, Tone::Status, words.say("."));
    refresh(draft, &mut case);
    draft.put_case(case);
}
