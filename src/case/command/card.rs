//! `card`: in a long thread, the card with its buttons once more at the bottom. There is one such
//! copy; it changes with the card, and a newer one takes its place.

use super::{Action, Turn, Verb};
use crate::case::card::low;
use crate::case::draft::note;
use crate::case::effect::{Face, Tone};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "card",
    usage: "card",
    summary: "Brings the card with its buttons to the bottom of the thread.",
    example: "card #42",
    action: Action::Look,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    let Some((first, _, _)) = draft.mention(case.no, 0) else { return };
    let copy = low(draft, &case, &first.clone());
    if let Some(mut old) = case.low.take() {
        let words = Rich::of("The card stands further down now.");
        let moved = note(Tone::Status, words, Vec::new());
        draft.amend(&mut case, None, &mut old, Face::Note(Box::new(moved)));
    }
    case.low = Some(draft.post(&mut case, None, copy));
    draft.put_case(case);
    draft.out.did = "brought_card";
}
