//! `promise WHEN WHAT`: something was promised; whoever looks after the case is called when it is
//! due.

use super::{Action, Field, Kind, Missing, Turn, Verb, asker};
use crate::case::effect::Tone;
use crate::case::gate::Rule;
use crate::case::hours::split_when;
use crate::case::limits::HELD;
use crate::case::model::{Alarm, Body, Status, Wake};
use crate::case::rich::{Rich, Theirs};
use crate::case::text::fit;

/// See the module.
pub static VERB: Verb = Verb {
    name: "promise",
    usage: "promise WHEN WHAT",
    summary: "Notes a promise and reminds you when it is due.",
    example: "promise #42 friday 12:00 we call her back",
    fields: &[
        Field::needed("when", "When it is due: friday 12:00, 2h", Kind::When),
        Field::needed("what", "What was promised", Kind::Text),
    ],
    action: Action::Sort,
    missing: Some(Missing {
        label: "When and what",
        hint: "Such as: friday 12:00 we call her back",
    }),
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    if case.status == Status::Closed {
        return draft.say(format!("{} is closed. Reopen it first.", case.no));
    }
    let Some((at, what)) = split_when(turn.rest, draft.at, &draft.policy.zone) else {
        return draft.say("For when? Say `promise friday 12:00 we call her back`.");
    };
    if what.is_empty() {
        return draft.say("What was promised? Say `promise friday 12:00 we call her back`.");
    }
    if case.alarms.len() >= HELD {
        return draft.say("Too many things are due in this case already.");
    }
    let by = asker(turn.request);
    let text = fit(what, crate::case::limits::TEXT_BYTES);
    let words = Rich::of("🤝 Promised for ").when(at).say(" by ").agent(&by.name);
    let words = words.quote(&Theirs::new(text.clone()));
    let now = draft.at;
    let body = Body::Remark { by, text, source: None, rule: Rule::OnPurpose, files: Vec::new() };
    let seq = draft.add_line(&mut case, now, body);
    case.alarms.push(Alarm { at, what: Wake::Promise(seq) });
    draft.tell(&mut case, Tone::Status, words);
    draft.put_case(case);
    draft.out.did = "promised";
}
