//! What became public in our name, held against what agents wrote and what their threads say.

use super::{Books, Said, tokens};
use crate::sim::day::AGENTS;
use crate::sim::house::BOT;
use crate::sim::sky::Asked;
use crate::sim::town::US;
use careline::case::model::Audience;
use careline::world::office::What;
use careline::world::square::SquarePost;
use std::collections::{BTreeMap, BTreeSet};

pub fn once(books: &Books) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let tokens = books.ours().flat_map(|(post, _)| {
        let key = post.key.iter().map(|key| format!("key {key}"));
        tokens(&post.text, 'r').into_iter().chain(tokens(&post.text, 'q')).chain(key)
    });
    tokens.filter(|t| !seen.insert(t.clone())).map(|t| format!("{t} is public twice")).collect()
}

pub fn written(books: &Books) -> Vec<String> {
    let known = |letter: char, token: &String| {
        books.said.iter().any(|said| tokens(&said.text, letter).contains(token))
    };
    let nobody = books.ours().filter(|(post, _)| {
        let (begin, end) = (tokens(&post.text, 'r'), tokens(&post.text, 'q'));
        let all_known = begin.iter().all(|t| known('r', t)) && end.iter().all(|t| known('q', t));
        begin.len() + end.len() == 0 || !all_known
    });
    nobody.map(|(post, _)| format!("nobody wrote: {}", post.text)).collect()
}

/// Only those who may speak to customers write tokens of replies; all others' are inside ones.
pub fn inside(books: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    for (post, _) in books.ours() {
        if !tokens(&post.text, 'n').is_empty() {
            wrong.push(format!("an inside word is public: {}", post.text));
        }
        for token in tokens(&post.text, 'r') {
            if books.words(&token).is_some_and(|said| !AGENTS.contains(&said.author.as_str())) {
                wrong.push(format!("{token} was written by somebody who may not speak"));
            }
        }
        for file in &post.media {
            let with = books.said.iter().find(|said| said.files.contains(file));
            let meant = with.map(|said| tokens(&said.text, 'r')).unwrap_or_default();
            if meant.is_empty() || meant != tokens(&post.text, 'r') {
                wrong.push(format!("{file} is public and was not meant to be"));
            }
        }
    }
    wrong
}

/// The instant at which a customer's post was shown in its thread.
fn stood(books: &Books, post: &SquarePost) -> Option<i64> {
    let token = tokens(&post.text, 'm').pop()?;
    let mut all = books.in_threads();
    all.find(|m| tokens(&m.text, 'm').contains(&token)).map(|m| m.id)
}

/// When somebody last acted on words: wrote them, or pressed a button that sends.
fn acted(books: &Books, said: &Said, before: i64) -> i64 {
    let pressed = books.desk.iter().filter(|happening| happening.at.0 <= before);
    let pressed = pressed.filter(|happening| match &happening.what {
        What::Asked { payload, .. } => {
            let words = payload["words"].as_str().unwrap_or_default();
            payload["thread"].as_i64() == Some(said.thread) && words.starts_with("send")
        }
        _ => false,
    });
    pressed.map(|happening| happening.at.0).max().unwrap_or(0).max(said.id)
}

pub fn target(books: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    for (post, posts) in books.ours() {
        let Some(parent) = posts.iter().find(|p| Some(p.id) == post.parent) else {
            wrong.push(format!("{} answers nothing", post.text));
            continue;
        };
        for said in tokens(&post.text, 'r').iter().filter_map(|token| books.words(token)) {
            let customer = books.customer(said.thread);
            if customer != Some(parent.author.as_str()) {
                wrong.push(format!("{} was for {customer:?}, not {}", said.text, parent.author));
            }
            let when = stood(books, parent);
            if when.is_none_or(|when| when > acted(books, said, post.id)) {
                wrong.push(format!("{} answers {}, which came later", said.text, parent.text));
            }
        }
    }
    wrong
}

pub fn audience(books: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    for (post, posts) in books.ours() {
        let Some(parent) = posts.iter().find(|p| Some(p.id) == post.parent) else { continue };
        if post.audience > parent.audience {
            wrong.push(format!("{} is for more people than what it answers", post.text));
        }
        let called = post.text.split('@').skip(1).filter_map(|rest| {
            let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            (!name.is_empty()).then_some(name)
        });
        for name in called.filter(|name| !post.mentions.contains(name)) {
            wrong.push(format!("{} calls {name}", post.text));
        }
    }
    wrong.extend(private(books));
    wrong
}

/// A private answer to a public post: only because somebody asked for it, or let a private one go
/// whose post was gone; and where the network takes one alone, no second one.
fn private(books: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    for (account, posts) in &books.posts {
        let mut answered = BTreeSet::new();
        for post in posts.iter().filter(|p| p.author == US && p.audience == Audience::Direct) {
            let parent = posts.iter().find(|p| Some(p.id) == post.parent);
            let Some(parent) = parent.filter(|p| p.audience > Audience::Direct) else { continue };
            let tokens = tokens(&post.text, 'r');
            let mut threads =
                tokens.iter().filter_map(|token| books.words(token)).map(|s| s.thread);
            if !threads.any(|thread| asked_privately(books, thread)) {
                wrong.push(format!("{} is private, and nobody asked for that", post.text));
            }
            if *account == "acme" && !answered.insert(parent.id) {
                wrong.push(format!("{} is a second private answer", post.text));
            }
        }
    }
    wrong
}

fn asked_privately(books: &Books, thread: i64) -> bool {
    books.desk.iter().any(|happening| match &happening.what {
        What::Asked { payload, .. } => {
            let words = payload["words"].as_str().unwrap_or_default();
            let asks = words.starts_with("private") || words.starts_with("send");
            asks && payload["thread"].as_i64() == Some(thread)
        }
        _ => false,
    })
}

/// Threads in which nobody pressed anything and no words of agents were changed: there all goes in
/// the order in which it was written.
fn plain_threads(books: &Books) -> BTreeSet<i64> {
    let mut threads: BTreeSet<i64> = books.said.iter().map(|said| said.thread).collect();
    for happening in &books.desk {
        match &happening.what {
            What::Asked { payload, .. } if payload["words"] != "claim" => {
                threads.remove(&payload["thread"].as_i64().unwrap_or_default());
            }
            What::Edited { before, .. } if before.author != BOT => {
                threads.remove(&before.thread.unwrap_or_default());
            }
            _ => {}
        }
    }
    threads
}

pub fn order(books: &Books) -> Vec<String> {
    let plain = plain_threads(books);
    let mut wrong = Vec::new();
    let mut last: BTreeMap<i64, i64> = BTreeMap::new();
    for (post, posts) in books.ours() {
        for said in tokens(&post.text, 'r').iter().filter_map(|token| books.words(token)) {
            let before = last.insert(said.thread, said.id).unwrap_or(0);
            if before > said.id && plain.contains(&said.thread) {
                wrong.push(format!("{} is public after what was written later", said.text));
            }
        }
        let begins = tokens(&post.text, 'r');
        for end in tokens(&post.text, 'q').into_iter().filter(|_| begins.is_empty()) {
            let begin = end.replace('q', "r");
            let parent = posts.iter().find(|p| Some(p.id) == post.parent);
            if parent.is_none_or(|parent| !tokens(&parent.text, 'r').contains(&begin)) {
                wrong.push(format!("{end} does not hang on {begin}"));
            }
        }
    }
    wrong
}

/// Replies of which every part is public.
fn whole(books: &Books) -> Vec<&Said> {
    let public = |letter: char| -> BTreeSet<String> {
        books.ours().flat_map(|(post, _)| tokens(&post.text, letter)).collect()
    };
    let (begins, ends) = (public('r'), public('q'));
    let is_whole = |said: &&Said| {
        let (begin, end) = (tokens(&said.text, 'r'), tokens(&said.text, 'q'));
        !begin.is_empty()
            && begin.iter().all(|token| begins.contains(token))
            && end.iter().all(|token| ends.contains(token))
    };
    books.said.iter().filter(is_whole).collect()
}

/// The mark that says "sent" stands below nothing else.
pub fn marked(books: &Books) -> Vec<String> {
    let whole: BTreeSet<i64> = whole(books).iter().map(|said| said.id).collect();
    let marks = books.desk.iter().filter_map(|happening| match &happening.what {
        What::Reacted { message, name, on: true, .. } if name == "Sent" => Some(*message),
        _ => None,
    });
    let wrong = marks.filter(|message| !whole.contains(message));
    wrong.map(|message| format!("{message} is marked as sent and is not public")).collect()
}

/// What a thread says of its replies at the end of the day, against how many are public.
pub fn counted(books: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut public: BTreeMap<i64, usize> = BTreeMap::new();
    for said in whole(books) {
        *public.entry(said.thread).or_default() += 1;
    }
    let threads: BTreeSet<i64> = books.said.iter().map(|said| said.thread).collect();
    for thread in threads {
        let lines = books.now.iter().filter(|m| m.thread == Some(thread));
        let lines: Vec<&str> = lines.flat_map(|m| m.text.lines()).collect();
        let say = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        let (sent, unknown) = (say("✓ Sent to"), say("❔ Nobody can tell"));
        let is = public.get(&thread).copied().unwrap_or(0);
        if is < sent || is > sent + unknown {
            wrong.push(format!("{thread} calls {sent} sent, {unknown} unknown; {is} are public"));
        }
    }
    wrong
}

/// Nothing is done again that may have been done, before two looks have found nothing.
pub fn looked(books: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open: BTreeMap<String, u32> = BTreeMap::new();
    for call in books.sky.calls() {
        match call.what {
            Asked::Look { absent } => {
                if let Some(looks) = open.get_mut(&call.key).filter(|_| absent) {
                    *looks += 1;
                }
            }
            Asked::Write { refused } => {
                if open.get(&call.key).is_some_and(|looks| *looks < 2) {
                    wrong.push(format!("{} was done again before two looks", call.key));
                }
                if refused {
                    open.remove(&call.key);
                } else {
                    open.insert(call.key, 0);
                }
            }
        }
    }
    wrong
}
