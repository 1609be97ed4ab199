//! `list [open|waiting|mine|unclaimed]`: cases that are not closed, longest wait first.

use super::{About, Action, Field, Kind, Turn, Verb};
use crate::case::event::Request;
use crate::case::limits::LISTED;
use crate::case::model::{Case, Status};
use crate::case::policy::Policy;
use crate::case::record::{Query, Summary};
use crate::case::rich::Rich;
use crate::case::time::Timestamp;

/// See the module.
pub static VERB: Verb = Verb {
    name: "list",
    usage: "list [open|waiting|mine|unclaimed]",
    summary: "Lists cases that are not closed, longest wait first.",
    example: "list mine",
    about: About::Nothing,
    fields: &[Field::free(
        "which",
        "Which of them; empty: all that are not closed",
        Kind::OneOf(&["open", "waiting", "mine", "unclaimed"]),
    )],
    action: Action::Look,
    query: Some(query),
    ..Verb::plain(run)
};

fn query(policy: &Policy, request: &Request, rest: &str, _: Option<&Case>) -> Option<Query> {
    Some(match rest {
        "mine" => Query::Of(policy.accounts(&request.by.id)),
        "unclaimed" => Query::Unclaimed,
        _ => Query::NotClosed,
    })
}

fn run(turn: Turn<'_, '_>) {
    let waiting = turn.rest == "waiting";
    let all = turn.draft.found.list.iter().filter(|s| !waiting || s.waits.is_some());
    let list: Vec<Summary> = all.cloned().collect();
    if list.is_empty() {
        return turn.draft.say("Nothing waits.");
    }
    let title = match list.len() {
        LISTED.. => format!("The {LISTED} that wait longest:"),
        n => format!("{n} not closed:"),
    };
    let words = rows(Rich::of(title), &list, turn.draft.at);
    turn.draft.answer(words, Vec::new());
}

/// A list of cases, a line each.
pub fn rows(title: Rich, list: &[Summary], now: Timestamp) -> Rich {
    let row = |rich: Rich, summary: &Summary| {
        let waits = summary.waits.map(|since| format!(" · waits {}", now.since(since)));
        let state = match summary.status {
            Status::Open => "",
            Status::Answered => " · answered",
            Status::Closed => " · closed",
        };
        let owner = summary.claimer.as_ref().map(|agent| format!(" · {}", agent.name));
        let free = if summary.status == Status::Closed { "" } else { " · unclaimed" };
        let tags = summary.tags.iter().map(|tag| format!(" · {tag}")).collect::<String>();
        let cause = summary.cause.as_ref().map(|cause| format!(": {cause}"));
        rich.line()
            .strong(summary.no.to_string())
            .say(" @")
            .theirs(&summary.handle)
            .say(waits.unwrap_or_else(|| state.to_owned()))
            .say(cause.unwrap_or_default())
            .say(owner.unwrap_or_else(|| free.to_owned()))
            .say(if summary.snoozed { " · snoozed" } else { "" })
            .say(tags)
    };
    list.iter().take(LISTED).fold(title, row)
}
