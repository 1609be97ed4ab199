//! What must hold at the end of every day, judged by what really happened in the world.

use super::day::ACCOUNTS;
use super::disk::Disk;
use super::house::{BOT, CHANNEL, DESK};
use super::town::US;
use careline::case::effect::State;
use careline::case::model::{Body, ReplyState};
use careline::case::record::{Key, Record, Switch};
use careline::world::World;
use careline::world::office::{self, Message};
use careline::world::square::{SquarePost, What};

/// All that does not hold.
pub fn check(world: &mut World, disk: &Disk) -> Vec<String> {
    let mut wrong = Vec::new();
    for account in ACCOUNTS {
        mentions(world, account, &mut wrong);
        replies(world, account, &mut wrong);
        keys(world, account, &mut wrong);
    }
    ended(disk, &mut wrong);
    truthful(world, disk, &mut wrong);
    wrong
}

/// The token of a text: `m17.` of `it is broken, m17.`
fn tokens(text: &str, letter: char) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let token = |word: &&str| {
        let mut chars = word.chars();
        chars.next() == Some(letter) && word.len() > 1 && chars.all(|c| c.is_ascii_digit())
    };
    words.filter(token).map(str::to_owned).collect()
}

/// What careline posted at the desk, as it was posted.
fn shown(world: &mut World) -> Vec<Message> {
    let all = world.office(DESK).happened.iter().filter_map(|happening| match &happening.what {
        office::What::Posted { message } if message.author == BOT => Some((**message).clone()),
        _ => None,
    });
    all.collect()
}

fn posts(world: &mut World, account: &str) -> Vec<SquarePost> {
    let all = world.square(account).happened.iter().filter_map(|happening| match &happening.what {
        What::Posted { post } => Some((**post).clone()),
        _ => None,
    });
    all.collect()
}

/// Nothing lost, nothing twice, one thread a customer, in order.
fn mentions(world: &mut World, account: &str, wrong: &mut Vec<String>) {
    let shown = shown(world);
    let posts = posts(world, account);
    let gone: Vec<i64> =
        world.square(account).posts.values().filter(|p| p.deleted).map(|p| p.id).collect();
    let mut last: std::collections::BTreeMap<(String, i64), i64> = Default::default();
    for post in posts.iter().filter(|post| post.author != US) {
        let Some(token) = tokens(&post.text, 'm').pop() else { continue };
        let places: Vec<&Message> =
            shown.iter().filter(|m| tokens(&m.text, 'm').contains(&token)).collect();
        match places[..] {
            [] if gone.contains(&post.id) => {}
            [] => wrong.push(format!("{token} of {} is in no thread", post.author)),
            [place] => {
                let at = place.id * 1000 + place.text.find(&token).unwrap_or(0) as i64;
                let thread = (post.author.clone(), place.thread.unwrap_or(place.id));
                let before = last.insert(thread, at).unwrap_or(0);
                if at < before {
                    wrong.push(format!("{token} of {} stands before an older one", post.author));
                }
            }
            _ => wrong.push(format!("{token} is shown {} times", places.len())),
        }
    }
}

/// Once, to the right customer, no wider, and nothing internal.
fn replies(world: &mut World, account: &str, wrong: &mut Vec<String>) {
    let posts = posts(world, account);
    let ours: Vec<&SquarePost> = posts.iter().filter(|post| post.author == US).collect();
    let mut seen = std::collections::BTreeSet::new();
    for post in ours {
        if !tokens(&post.text, 'n').is_empty() {
            wrong.push(format!("an internal word is public: {}", post.text));
        }
        let Some(parent) = posts.iter().find(|p| Some(p.id) == post.parent) else {
            wrong.push(format!("{} answers nothing", post.text));
            continue;
        };
        if post.audience > parent.audience {
            wrong.push(format!("{} is for more people than what it answers", post.text));
        }
        for token in tokens(&post.text, 'r') {
            let customer = customer(world, &token);
            if customer.as_ref() != Some(&parent.author) {
                wrong.push(format!("{token} was for {customer:?}, and went to {}", parent.author));
            }
            if !seen.insert(token.clone()) {
                wrong.push(format!("{token} is public twice"));
            }
        }
    }
}

/// Whose thread an agent's words stand in.
fn customer(world: &mut World, token: &str) -> Option<String> {
    let office = world.office(DESK);
    let said = office
        .messages
        .values()
        .find(|m| m.author != BOT && tokens(&m.text, 'r').iter().any(|other| other == token))?;
    let root = office.messages.get(&(CHANNEL.to_owned(), said.thread?))?;
    let handle = root.text.split('@').nth(1)?.split_whitespace().next()?;
    Some(handle.to_owned())
}

/// No key of ours twice.
fn keys(world: &mut World, account: &str, wrong: &mut Vec<String>) {
    let mut keys: Vec<String> = posts(world, account).into_iter().filter_map(|p| p.key).collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    if keys.len() < all {
        wrong.push(format!("{} posts of {account} went out twice", all - keys.len()));
    }
}

/// Nothing is left on its way, and nothing was stopped.
fn ended(disk: &Disk, wrong: &mut Vec<String>) {
    for row in disk.records.values() {
        match &row.record {
            Some(Record::Delivery(row)) if row.state.is_pending() => {
                wrong.push(format!("{} is not finished: {:?}", row.id, row.state));
            }
            Some(Record::Line(line)) => {
                let Body::Reply(reply) = &line.body else { continue };
                if matches!(reply.state, ReplyState::Held | ReplyState::Sending) {
                    wrong.push(format!("a reply of {} is left {:?}", line.case, reply.state));
                }
            }
            _ => {}
        }
    }
    let switch = disk.records.get(&Key::Switch).and_then(|row| row.record.clone());
    if let Some(Record::Switch(Switch { stopped: Some(why), .. })) = switch {
        wrong.push(format!("sending was stopped: {why}"));
    }
}

/// What is called sent is public, and what is public is called sent or unknown.
fn truthful(world: &mut World, disk: &Disk, wrong: &mut Vec<String>) {
    let public: Vec<String> = ACCOUNTS
        .into_iter()
        .flat_map(|account| posts(world, account))
        .filter_map(|post| post.key)
        .collect();
    for row in disk.records.values() {
        let Some(Record::Delivery(row)) = &row.record else { continue };
        if !matches!(row.act, careline::case::effect::Act::Network(_)) {
            continue;
        }
        let key = format!("sim-{}", row.id);
        let is_public = public.contains(&key);
        let said = match row.state {
            State::Done(_) => is_public,
            State::Dead(_) | State::Dropped => !is_public,
            _ => true,
        };
        if !said {
            wrong.push(format!("{} says {:?}; public: {is_public}", row.id, row.state));
        }
    }
}
