//! How X calls people and posts: numbers as text, handles of 15 letters. Source: openapi, `UserId`,
//! `UserName`, `PostId`; docs, "Edit Posts" (each edit has an id of its own).

use crate::world::square::{Person, Square, SquarePost, What};

/// A person's number; the world's own id where it is one.
pub(super) fn id(person: &str) -> String {
    if !person.is_empty() && person.len() < 19 && person.bytes().all(|b| b.is_ascii_digit()) {
        return person.to_owned();
    }
    let sum = |sum: u64, b: u8| (sum ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    let hash = person.bytes().fold(0xcbf2_9ce4_8422_2325, sum);
    (1_000_000_000_000_000_000 + hash % 1_000_000_000_000_000_000).to_string()
}

/// Whoever has this number.
pub(super) fn person<'a>(square: &'a Square, number: &str) -> Option<&'a Person> {
    square.people.values().find(|person| id(&person.id) == number)
}

/// Letters, digits and `_`, at most 15.
pub(super) fn handle(person: &Person) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    person.handle.chars().map(letter).take(15).collect()
}

/// All ids of a post, the first in front.
pub(super) fn history(square: &Square, post: &SquarePost) -> Vec<String> {
    let edits = square.happened.iter().filter(|h| matches!(h.what, What::Edited { .. }));
    let mut ids = vec![post.id];
    for edit in edits.filter(|edit| edit.what.post() == post.id) {
        let last = ids.last().copied().unwrap_or_default();
        ids.push(edit.at.0.max(last + 1));
    }
    ids.iter().map(ToString::to_string).collect()
}

/// The newest id of a post.
pub(super) fn newest(square: &Square, post: &SquarePost) -> String {
    history(square, post).pop().unwrap_or_default()
}

/// The post that has, or had, this id.
pub(super) fn post<'a>(square: &'a Square, id: &str) -> Option<&'a SquarePost> {
    let number: i64 = id.parse().ok()?;
    let own = square.posts.get(&number);
    own.or_else(|| {
        square
            .posts
            .values()
            .rev()
            .find(|p| p.edited.is_some() && history(square, p).iter().any(|known| known == id))
    })
}
