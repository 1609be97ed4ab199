//! `assign @COLLEAGUE`: somebody else looks after the case, and is told.

use super::away::duty;
use super::{Action, Field, Kind, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::effect::Tone;
use crate::case::model::Status;
use crate::case::rich::{Piece, Rich};

/// See the module.
pub static VERB: Verb = Verb {
    name: "assign",
    usage: "assign @COLLEAGUE",
    summary: "Gives the case to a colleague and tells him.",
    example: "assign #42 @otto",
    fields: &[Field::needed("colleague", "Who looks after it from now on", Kind::Person)],
    action: Action::Give,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    let Some(to) = turn.request.named.first().cloned() else {
        return draft.say("To whom? Name a colleague: `assign @otto`.");
    };
    if case.status == Status::Closed {
        return draft.say(format!("{} is closed. Reopen it first.", case.no));
    }
    if !draft.policy.is_agent(&to.id) {
        return draft.say(format!("{} may not act on cases here.", to.name));
    }
    if !case.held.is_empty() {
        return draft.say("A reply has not left yet. Send it or take it back first.");
    }
    let by = asker(turn.request);
    let words = Rich::new().agent(&by.name).say(" gave this case to ");
    draft.tell(&mut case, Tone::Status, words.and(Piece::Call(to.id.clone())).say("."));
    let away = duty(draft).away(&draft.policy.key(&to.id), draft.at).is_some();
    let but = if away { " He said that he is away." } else { "" };
    draft.say(format!("{} looks after {} now.{but}", to.name, case.no));
    case.claimer = Some(to);
    alert::taken(draft, &mut case);
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "assigned";
}
