//! `snooze WHEN`: out of sight until then, or until the customer writes.

use super::{Action, Field, Kind, Missing, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::effect::Tone;
use crate::case::hours::read_when;
use crate::case::model::{Alarm, Snooze, Status, Wake};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "snooze",
    usage: "snooze 2h | tomorrow 9:00 | until they answer",
    summary: "Puts the case out of sight for a while; a new post brings it back.",
    example: "snooze #42 tomorrow 9:00",
    fields: &[Field::needed("until", "2h, tomorrow 9:00, until they answer", Kind::When)],
    action: Action::Sort,
    missing: Some(Missing {
        label: "Until when",
        hint: "Such as: 2h, tomorrow 9:00, until they answer",
    }),
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    if case.status == Status::Closed {
        return draft.say(format!("{} is closed.", case.no));
    }
    let forever =
        matches!(turn.rest.trim().to_lowercase().as_str(), "until they answer" | "until answer");
    let until = read_when(turn.rest, draft.at, &draft.policy.zone);
    if until.is_none() && !forever {
        return draft
            .say("Until when? Say `2h`, `tomorrow 9:00`, `monday` or `until they answer`.");
    }
    let by = asker(turn.request);
    let words = Rich::of("💤 Snoozed by ").agent(&by.name);
    let words = match until {
        Some(at) => words.say(" until ").when(at).say("."),
        None => words.say(" until the customer writes."),
    };
    case.alarms.retain(|alarm| alarm.what != Wake::Snooze);
    case.alarms.extend(until.map(|at| Alarm { at, what: Wake::Snooze }));
    case.snoozed = Some(Snooze { until, by });
    draft.tell(&mut case, Tone::Status, words.clone());
    alert::over(draft, &mut case, words);
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "snoozed";
}
