//! What the team is told: who looks after a case, who waits, what is finished.

use super::{Books, tokens};
use crate::sim::day::is_card;
use crate::sim::town::US;
use careline::world::office::{Message, What};
use std::collections::BTreeMap;

/// How often these words were asked in a thread.
fn asked(books: &Books, thread: i64, words: &str) -> usize {
    let asked = books.desk.iter().filter(|happening| match &happening.what {
        What::Asked { payload, .. } => {
            let said = payload["words"].as_str().unwrap_or_default();
            payload["thread"].as_i64() == Some(thread) && said.starts_with(words)
        }
        _ => false,
    });
    asked.count()
}

pub fn claims(books: &Books) -> Vec<String> {
    let mut won: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for told in &books.told {
        if told.words().is_some_and(|words| words.ends_with(" is yours.")) {
            won.entry(told.thread).or_default().push(&told.member);
        }
    }
    for (thread, members) in won {
        let released = asked(books, thread, "release");
        if members.len() > 1 + released {
            wrong.push(format!("{thread} was given to {members:?}; released {released} times"));
        }
        let card = books.now.iter().find(|m| m.id == thread && is_card(m));
        let holder = members.last().copied().unwrap_or_default();
        let says = |m: &Message| m.text.contains(&format!("{holder} looks after it"));
        if released == 0 && !card.is_some_and(says) {
            wrong.push(format!("{thread} was given to {holder}, and its card does not say so"));
        }
    }
    wrong
}

pub fn alerts(books: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    for card in books.shown.iter().filter(|m| is_card(m)) {
        let Some(customer) = books.customer(card.id) else { continue };
        let called = format!(" @{customer}: ");
        let alerts = books.shown.iter().filter(|m| m.thread.is_none());
        let alerts = alerts.filter(|m| m.text.starts_with('🔔') && m.text.contains(&called));
        let (count, answers) = (alerts.count(), answers(books, customer));
        // Two rungs a wait. Each answer ends one; whoever claims or releases begins anew.
        let begun = asked(books, card.id, "claim") + asked(books, card.id, "release");
        let most = crate::sim::life::RUNGS * (1 + answers) + begun;
        if count > most {
            wrong.push(format!("{count} alerts for {customer}, who was answered {answers} times"));
        }
        let posts = books.posts.values().flatten().filter(|post| post.author == customer);
        let waits = posts.clone().any(|post| !tokens(&post.text, 'm').is_empty());
        let deleted = posts.clone().any(|post| books.gone.contains(&post.id));
        if count == 0 && answers == 0 && waits && !deleted {
            wrong.push(format!("{customer} was never answered, and nobody was called"));
        }
    }
    wrong
}

fn answers(books: &Books, customer: &str) -> usize {
    let ours = books.posts.values().flatten().filter(|post| post.author == US);
    ours.filter(|post| post.mentions.iter().any(|who| who == customer)).count()
}

/// Whatever a thread still calls on its way will stay there.
pub fn settled(books: &Books) -> Vec<String> {
    let lines = books.now.iter().filter(|m| m.thread.is_some());
    let lines = lines.flat_map(|m| m.text.lines().map(|line| (m.thread.unwrap_or(0), line)));
    let left = lines.filter(|(_, line)| line.starts_with('⏳') || line.starts_with("→ On its way"));
    let mut wrong: Vec<String> =
        left.map(|(thread, line)| format!("left in {thread}: {line}")).collect();
    let stopped = books.shown.iter().filter(|m| m.text.starts_with("Nothing is sent"));
    wrong.extend(stopped.map(|m| format!("sending was stopped: {}", m.text)));
    wrong
}

pub fn stops(books: &Books) -> Vec<String> {
    let long = books.stops.iter().filter(|seconds| **seconds >= 20);
    long.map(|seconds| format!("a stop took {seconds} s")).collect()
}
