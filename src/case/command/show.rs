//! `show`: how a case stands.

use super::{Action, Turn, Verb};
use crate::case::model::Status;
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "show",
    usage: "show",
    summary: "Shows how a case stands.",
    example: "show #42",
    action: Action::Look,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(case) = turn.case else { return };
    let status = match case.status {
        Status::Open => "open",
        Status::Answered => "answered",
        Status::Closed => "closed",
    };
    let owner = case.claimer.as_ref().map_or("nobody", |agent| agent.name.as_str());
    let mut words = Rich::new()
        .strong(case.no.to_string())
        .say(" @")
        .theirs(&case.handle)
        .say(format!(" · {status} · {owner} looks after it · wrote {} times", case.wrote));
    if let Some(since) = case.waits {
        words = words.say(format!(" · waits {}", turn.draft.at.since(since)));
    }
    if let Some((mention, _, _)) = turn.draft.mention(case.no, 0) {
        words = words.quote(&mention.text);
    }
    turn.draft.answer(words, Vec::new());
}
