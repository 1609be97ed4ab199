//! What must be true afterwards, read from the ledgers of both faces and never from our own store.

use super::house::{Fine, House};
use super::story::{ANSWERS, ASIDE, NOTE, Told, thread_of};
use careline::case::model::Audience;
use careline::sandbox::ledger::{Ledger, shown};
use careline::sandbox::pair::Pair;
use careline::world::World;
use careline::world::office::{Message, What as Deed};
use careline::world::square::{SquarePost, What};
use std::collections::BTreeMap;

/// All that is wrong, or nothing.
pub fn judge(house: &House, told: &Told) -> Fine {
    let world = house.demo.shared.look();
    let pair = house.demo.pair();
    let mut wrong = posts_in_threads(&world, told);
    wrong.extend(answers(&world, pair, told));
    wrong.extend(posted_once(&world));
    let ledger = Ledger::of(&world, &house.demo.cast);
    if ledger.lost + ledger.waiting + ledger.doubled + ledger.sent_twice + ledger.outside > 0 {
        wrong.push(format!("{ledger:?}"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Each post in exactly one message, and each customer in exactly one thread.
fn posts_in_threads(world: &World, told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    let shown = shown(world);
    for post in told.posts() {
        let times = shown.get(&post).map_or(0, std::collections::BTreeSet::len);
        if times != 1 {
            wrong.push(format!("post {post} was shown {times} times"));
        }
    }
    let thread = |post| thread_of(world, post);
    if thread(told.anna[0]) != thread(told.anna[1]) {
        wrong.push("Anna has two threads".into());
    }
    if thread(told.anna[0]) == thread(told.bilal) {
        wrong.push("two customers share a thread".into());
    }
    wrong
}

/// All that our account ever posted.
fn ours(world: &World, pair: Pair) -> Vec<&SquarePost> {
    let Some(square) = world.squares.get(pair.net.account()) else { return Vec::new() };
    let us = square.us().map(|us| us.id.clone()).unwrap_or_default();
    let posts = square.happened.iter().filter_map(|happening| match &happening.what {
        What::Posted { post } => Some(&**post),
        _ => None,
    });
    posts.filter(|post| post.author == us).collect()
}

/// The answers, each once, in order, to the right customer and no wider than he wrote; nothing
/// beside them.
fn answers(world: &World, pair: Pair, told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    let posts = ours(world, pair);
    if posts.len() != ANSWERS.len() {
        let texts: Vec<&str> = posts.iter().map(|post| post.text.as_str()).collect();
        wrong.push(format!("{} posts of ours: {texts:?}", posts.len()));
    }
    for (post, (who, text)) in posts.iter().zip(ANSWERS) {
        let to = if who == "anna" { told.anna.clone() } else { vec![told.bilal] };
        if !post.text.contains(text) || !answers_one(world, pair, post, &to) {
            wrong.push(format!(
                "expected to {who}: {text}; found below {:?}: {}",
                post.parent, post.text
            ));
        }
        if who == "bilal" && pair.net.is_private() && post.audience != Audience::Direct {
            wrong.push("a private answer is not private".into());
        }
    }
    for inside in [NOTE.trim_start_matches("note "), ASIDE] {
        if posts.iter().any(|post| post.text.contains(inside)) {
            wrong.push(format!("this got out: {inside}"));
        }
    }
    wrong
}

/// Does it answer one of these posts? At X and Meta a private message answers its person only.
fn answers_one(world: &World, pair: Pair, post: &SquarePost, to: &[i64]) -> bool {
    let square = &world.squares[pair.net.account()];
    match post.parent {
        Some(parent) => to.contains(&parent),
        None => to.iter().any(|to| {
            let his = &square.posts[to];
            his.audience == Audience::Direct && post.mentions.contains(&his.author)
        }),
    }
}

/// No message of the app was posted twice: each carries the name of what it carries out.
fn posted_once(world: &World) -> Vec<String> {
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    let happened = world.offices.values().flat_map(|office| &office.happened);
    for happening in happened {
        if let Deed::Posted { message } = &happening.what
            && message.app.is_some()
            && let Some(name) = name(message)
        {
            *names.entry(name).or_default() += 1;
        }
    }
    if names.is_empty() {
        return vec!["no message carries a name".into()];
    }
    let twice = names.iter().filter(|(_, times)| **times > 1);
    twice.map(|(name, times)| format!("message {name} was posted {times} times")).collect()
}

/// What a message of the app carries out, as it is written into it: Slack's first block, Discord's
/// last line.
fn name(message: &Message) -> Option<String> {
    let block = message.blocks[0]["block_id"].as_str();
    let line = message.text.lines().next_back().filter(|line| line.starts_with("-# careline · "));
    block.or(line).map(str::to_owned)
}
