//! `note TEXT`: words for colleagues, kept with the case. They never leave the house.

use super::{Action, Field, Kind, Missing, Turn, Verb, asker};
use crate::case::draft::note;
use crate::case::effect::Tone;
use crate::case::gate::Rule;
use crate::case::model::Body;
use crate::case::rich::{Rich, Theirs};
use crate::case::text::fit;

/// See the module.
pub static VERB: Verb = Verb {
    name: "note",
    usage: "note TEXT",
    summary: "Keeps a note with the case; it never leaves the house.",
    example: "note #42 She wrote to us by mail as well.",
    fields: &[Field::free("text", "The note; empty opens a form", Kind::Text)],
    action: Action::Sort,
    missing: Some(Missing { label: "For colleagues only", hint: "This never leaves the house." }),
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    let by = asker(turn.request);
    let text = fit(turn.rest, crate::case::limits::TEXT_BYTES);
    let words = Rich::of("🔒 Note by ").agent(&by.name).quote(&Theirs::new(text.clone()));
    let at = draft.at;
    let body = Body::Remark { by, text, source: None, rule: Rule::OnPurpose, files: Vec::new() };
    let seq = draft.add_line(&mut case, at, body);
    draft.post(&mut case, Some(seq), note(Tone::Status, words, Vec::new()));
    draft.put_case(case);
    draft.out.did = "noted";
}
