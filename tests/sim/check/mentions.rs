//! What customers wrote, and what the team sees of it.

use super::{Books, tokens};
use crate::sim::day::is_card;
use crate::sim::town::US;
use careline::world::office::Message;
use careline::world::square::SquarePost;
use std::collections::BTreeMap;

/// Each customer's post with its token and the messages that show it.
fn places(books: &Books) -> Vec<(&SquarePost, String, Vec<&Message>)> {
    let all = books.posts.values().flatten().filter(|post| post.author != US);
    all.filter_map(|post| {
        let token = tokens(&post.text, 'm').pop()?;
        let shows = |m: &&Message| tokens(&m.text, 'm').contains(&token);
        let places = books.in_threads().filter(shows).collect();
        Some((post, token, places))
    })
    .collect()
}

pub fn shown(books: &Books) -> Vec<String> {
    let all = places(books).into_iter();
    let lost = all.filter(|(post, _, places)| places.is_empty() && !books.gone.contains(&post.id));
    lost.map(|(post, token, _)| format!("{token} of {} is in no thread", post.author)).collect()
}

pub fn once(books: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut last: BTreeMap<(&str, i64), i64> = BTreeMap::new();
    for (post, token, places) in places(books) {
        if let [place] = places[..] {
            let at = place.id * 1000 + place.text.find(&token).unwrap_or(0) as i64;
            let thread = (post.author.as_str(), place.thread.unwrap_or(place.id));
            if at < last.insert(thread, at).unwrap_or(0) {
                wrong.push(format!("{token} of {} stands before an older one", post.author));
            }
        } else if places.len() > 1 {
            wrong.push(format!("{token} is shown {} times", places.len()));
        }
    }
    wrong
}

pub fn threads(books: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut of, mut whose) = (BTreeMap::new(), BTreeMap::new());
    for (post, token, places) in places(books) {
        for place in places {
            let thread = place.thread.unwrap_or(place.id);
            if *of.entry(post.author.as_str()).or_insert(thread) != thread {
                wrong.push(format!("{token} opened a second thread of {}", post.author));
            }
            if *whose.entry(thread).or_insert(post.author.as_str()) != post.author {
                wrong.push(format!("{token} of {} stands in another's thread", post.author));
            }
        }
    }
    let cards: Vec<&Message> = books.shown.iter().filter(|m| is_card(m)).collect();
    // A card whose customer deleted what he wrote before it was posted holds no words.
    let deleted = |card: &Message| {
        let gone = books.posts.values().flatten().filter(|post| books.gone.contains(&post.id));
        gone.map(|post| &*post.author).any(|author| books.customer(card.id) == Some(author))
    };
    let empty = cards.iter().filter(|card| !whose.contains_key(&card.id) && !deleted(card));
    wrong.extend(empty.map(|card| format!("a thread with nobody's words: {}", card.text)));
    wrong
}

pub fn no_loop(books: &Books) -> Vec<String> {
    let quoted = books.shown.iter().filter(|m| !tokens(&m.text, 'r').is_empty());
    quoted.map(|m| format!("our own words came back: {}", m.text)).collect()
}

pub fn unreadable(books: &Books) -> Vec<String> {
    let all = books.posts.values().flatten().flat_map(|post| tokens(&post.text, 'u'));
    let count = |token: &String| {
        let shown = books.shown.iter().filter(|m| tokens(&m.text, 'u').contains(token));
        shown.count()
    };
    let wrong = all.map(|token| (count(&token), token)).filter(|(count, _)| *count != 1);
    wrong.map(|(count, token)| format!("{token} is shown {count} times, not once")).collect()
}
