//! `home`: what a colleague wants to see first: his cases, who waits, what changed.

use super::list::rows;
use super::{About, Action, Turn, Verb};
use crate::case::card::button;
use crate::case::draft::Draft;
use crate::case::effect::{Button, Style};
use crate::case::event::Request;
use crate::case::model::Case;
use crate::case::policy::Policy;
use crate::case::record::{Query, Summary};
use crate::case::rich::Rich;

/// See the module.
pub static VERB: Verb = Verb {
    name: "home",
    usage: "home",
    summary: "Shows your cases, who waits for an agent, and what changed last.",
    example: "home",
    about: About::Nothing,
    action: Action::Look,
    query: Some(query),
    ..Verb::plain(run)
};

/// Cases of each part.
const SHOWN: usize = 8;
/// Of those that changed last.
const CHANGED: usize = 4;

fn query(policy: &Policy, request: &Request, _: &str, _: Option<&Case>) -> Option<Query> {
    Some(Query::Queue(policy.accounts(&request.by.id)))
}

fn run(turn: Turn<'_, '_>) {
    let draft = turn.draft;
    let list = &draft.found.list;
    let (mine, free): (Vec<Summary>, Vec<Summary>) =
        list.iter().cloned().partition(|s| s.claimer.is_some());
    let mut changed = list.clone();
    changed.sort_by_key(|s| std::cmp::Reverse((s.changed, s.no)));
    changed.truncate(CHANGED);
    let words = part(draft, Rich::new(), "Your cases", "You look after no case.", &mine);
    let words = part(draft, words, "The queue", "Nobody waits for an agent.", &free);
    let words = part(draft, words, "Changed last", "Nothing yet.", &changed);
    draft.answer(words, buttons(&free));
}

fn part(draft: &Draft<'_>, words: Rich, title: &str, none: &str, list: &[Summary]) -> Rich {
    let words = if words.0.is_empty() { words } else { words.line().line() };
    let more = list.len().saturating_sub(SHOWN);
    let words = words.strong(format!("{title} ({})", list.len()));
    let words = match list {
        [] => words.line().say(none),
        _ => rows(words, &list[..list.len().min(SHOWN)], draft.at),
    };
    if more > 0 { words.line().say(format!("and {more} more: `list`")) } else { words }
}

fn buttons(free: &[Summary]) -> Vec<Button> {
    let claim =
        |s: &Summary| button(&format!("Claim {}", s.no), format!("claim {}", s.no), Style::Plain);
    let mut all: Vec<Button> = free.iter().take(5).map(claim).collect();
    if !free.is_empty() {
        all.insert(0, button("Next", "next".to_owned(), Style::Primary));
    }
    all
}
