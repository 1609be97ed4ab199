//! How Meta calls people and things: numbers as text; on Facebook a post behind its Page, a comment
//! behind its post. Source: docs, "Page post", "Comment"; webhooks recorded by others.

use super::Kind;
use crate::world::square::{Person, Square, SquarePost};

/// The one picture that our Instagram account always has.
pub(super) const PICTURE: &str = "17";

/// A person's number; the world's own id where it is one.
pub(super) fn number(person: &str) -> String {
    if !person.is_empty() && person.len() < 19 && person.bytes().all(|b| b.is_ascii_digit()) {
        return person.to_owned();
    }
    let sum = |sum: u64, b: u8| (sum ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    let hash = person.bytes().fold(0xcbf2_9ce4_8422_2325, sum);
    (1_000_000_000_000_000_000 + hash % 1_000_000_000_000_000_000).to_string()
}

/// Whoever has this number.
pub(super) fn person<'a>(square: &'a Square, wanted: &str) -> Option<&'a Person> {
    square.people.values().find(|person| number(&person.id) == wanted)
}

/// Letters, digits, `_` and `.`, at most 30.
pub(super) fn username(person: &Person) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
    person.handle.chars().map(letter).take(30).collect()
}

/// What a post or comment is called.
pub(super) fn id(kind: Kind, us: &Person, post: &SquarePost) -> String {
    match kind {
        Kind::Instagram => post.id.to_string(),
        Kind::Facebook if post.parent.is_none() => format!("{}_{}", number(&us.id), post.id),
        Kind::Facebook => format!("{}_{}", post.root, post.id),
    }
}

/// The post or comment of this id that is still there.
pub(super) fn post<'a>(
    kind: Kind,
    square: &'a Square,
    us: &Person,
    wanted: &str,
) -> Option<&'a SquarePost> {
    let last = wanted.rsplit('_').next()?.parse().ok()?;
    let post = square.posts.get(&last).filter(|post| !post.deleted)?;
    (id(kind, us, post) == wanted).then_some(post)
}
