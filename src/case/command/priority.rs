//! `priority high`: the case comes before those that wait longer; `low`, after all others.

use super::{Action, Field, Kind, Missing, Turn, Verb, asker};
use crate::case::card::refresh;
use crate::case::effect::Tone;
use crate::case::model::Priority;
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "priority",
    usage: "priority high|normal|low",
    summary: "Moves the case before or behind the others that wait.",
    example: "priority #42 high",
    fields: &[Field::needed(
        "priority",
        "How it stands among those that wait",
        Kind::OneOf(&["high", "normal", "low"]),
    )],
    action: Action::Sort,
    missing: Some(Missing { label: "Priority", hint: "high, normal or low" }),
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    let (priority, name) = match turn.rest.to_lowercase().as_str() {
        "high" | "urgent" => (Priority::High, "high"),
        "normal" => (Priority::Normal, "normal"),
        "low" => (Priority::Low, "low"),
        _ => return draft.say("Which? Say `priority high`, `normal` or `low`."),
    };
    if case.priority == priority {
        return draft.say(format!("The priority of {} is {name} already.", case.no));
    }
    case.priority = priority;
    let by = asker(turn.request);
    let words = Rich::of(format!("Priority {name}, says ")).agent(&by.name).say(".");
    draft.tell(&mut case, Tone::Status, words);
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "prioritised";
}
