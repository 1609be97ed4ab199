//! `list [mine|unclaimed]`: cases that are not closed, longest wait first.

use super::{About, Turn, Verb};
use crate::case::event::Request;
use crate::case::limits::LISTED;
use crate::case::model::Status;
use crate::case::record::{Query, Summary};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "list",
    usage: "list [mine|unclaimed]",
    summary: "Lists cases that are not closed, longest wait first.",
    example: "list mine",
    about: About::Nothing,
    query: Some(query),
    run,
};

fn query(request: &Request) -> Query {
    match super::parse(&request.words).map(|command| command.rest) {
        Ok("mine") => Query::Of(request.by.id.clone()),
        Ok("unclaimed") => Query::Unclaimed,
        _ => Query::NotClosed,
    }
}

fn run(turn: Turn<'_, '_>) {
    let now = turn.draft.at;
    let list = &turn.draft.found.list;
    if list.is_empty() {
        return turn.draft.say("Nothing waits.");
    }
    let row = |rich: Rich, summary: &Summary| {
        let waits = summary.waits.map(|since| format!(" · waits {}", now.since(since)));
        let status = if summary.status == Status::Answered { " · answered" } else { "" };
        let owner = summary.claimer.as_ref().map(|name| format!(" · {name}"));
        rich.line()
            .strong(summary.no.to_string())
            .say(" @")
            .theirs(&summary.handle)
            .say(waits.unwrap_or_else(|| status.to_owned()))
            .say(owner.unwrap_or_else(|| " · unclaimed".to_owned()))
    };
    let title = match list.len() {
        LISTED.. => format!("The {LISTED} that wait longest:"),
        n => format!("{n} not closed:"),
    };
    let words = list.iter().take(LISTED).fold(Rich::of(title), row);
    turn.draft.answer(words, Vec::new());
}
