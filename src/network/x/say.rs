//! What is said: a part of a reply becomes a post or a direct message. Pure.

use super::hear::{DIRECT, Us};
use super::money::{self, Kind};
use super::wire::{Direct, Includes, Tweet};
use crate::case::ability::Count;
use crate::case::model::Audience;
use crate::case::text::count;
use crate::case::weigh::has_link;
use crate::network::{Failure, Outgoing};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

/// Weighted characters of a post (twitter-text, config/v3.json).
pub(super) const LIMIT: i64 = 280;
/// Characters of a direct message (`platforms.md` 12, not seen in a source).
pub(super) const DIRECT_LIMIT: usize = 10_000;
/// Files of a post (X's documentation, "Media").
pub(super) const FILES: usize = 4;
/// Characters of a description (the same).
pub(super) const ALT: usize = 1_000;

/// Is this answer a direct message?
pub(super) fn is_direct(out: &Outgoing) -> bool {
    out.reply.target.audience == Audience::Direct
}

/// What sending it costs.
pub(super) fn kind(out: &Outgoing) -> Kind {
    match is_direct(out) {
        true => money::DIRECT,
        false if has_link(out.reply.text.as_str()) => money::LINK,
        false => money::POST,
    }
}

/// The second lock before the door: what X would refuse is not sent there.
///
/// # Errors
/// [`Failure::Never`] with the reason.
pub(super) fn check(out: &Outgoing, limit: usize) -> Result<(), Failure> {
    let text = out.reply.text.as_str();
    let fits = match is_direct(out) {
        true => text.chars().count() <= DIRECT_LIMIT,
        false => count(text, Count::Weighted) <= limit,
    };
    if !fits {
        return Err(Failure::Never("it is too long for X".into()));
    }
    if out.files.len() > FILES {
        return Err(Failure::Never(format!("X takes {FILES} files at most")));
    }
    if !is_id(bare(out.parent.as_str())) {
        return Err(Failure::Never("there is no such post".into()));
    }
    Ok(())
}

/// Ids of X are digits; nothing else goes into an address or a body.
pub(super) fn is_id(text: &str) -> bool {
    (1..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn bare(id: &str) -> &str {
    id.strip_prefix(DIRECT).unwrap_or(id)
}

/// The body of `POST /2/tweets`.
pub(super) fn post(out: &Outgoing, media: &[String]) -> Value {
    let mut body = json!({
        "text": out.reply.text.as_str(),
        "reply": { "in_reply_to_tweet_id": out.parent.as_str() },
    });
    if !media.is_empty() {
        body["media"] = json!({ "media_ids": media });
    }
    body
}

/// The body of a direct message; X takes one file with it.
pub(super) fn direct(out: &Outgoing, media: &[String]) -> Value {
    let mut body = json!({ "text": out.reply.text.as_str() });
    if let Some(id) = media.first() {
        body["attachments"] = json!([{ "media_id": id }]);
    }
    body
}

/// Is this post of ours the one that this part would have made?
pub(super) fn is_it(us: &Us, tweet: &Tweet, with: &Includes, out: &Outgoing) -> bool {
    let parent = out.parent.as_str();
    let answers = tweet.refers("replied_to").is_some_and(|id| {
        let history = |t: &&Tweet| t.id == id;
        id == parent
            || with.tweets.iter().find(history).is_some_and(|tweet| tweet.first() == parent)
    });
    answers && has_words(us, tweet, out)
}

/// Does this post of ours have the words of this part, whomever it answers?
pub(super) fn has_words(us: &Us, tweet: &Tweet, out: &Outgoing) -> bool {
    core(&us.text(tweet)) == core(out.reply.text.as_str())
}

/// Is this direct message of ours the one that this part would have made?
pub(super) fn is_letter(us: &Us, direct: &Direct, out: &Outgoing) -> bool {
    let text = super::hear::plain(&direct.text, &direct.entities);
    direct.sender_id == us.id && core(&text) == core(out.reply.text.as_str())
}

/// A text without the people in front of it, which X adds to an answer, and without what X may
/// write in another way: spaces, composed letters, a scheme that it added to a link.
fn core(text: &str) -> String {
    let mut words = text.split_whitespace().skip_while(|word| word.starts_with('@')).peekable();
    let whole: Vec<&str> = match words.peek() {
        Some(_) => words.collect(),
        None => text.split_whitespace().collect(),
    };
    let bare = |word: &&str| {
        let word = word.trim_start_matches("https://").trim_start_matches("http://");
        word.trim_end_matches('/').nfc().collect::<String>()
    };
    whole.iter().map(bare).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_known_again_as_x_writes_them() {
        assert_eq!(
            core("@ann @bob Sorry,  see\nexample.com"),
            core("Sorry, see http://example.com/")
        );
        assert_ne!(core("@ann yes"), core("@ann no"));
        assert_eq!(core("@ann"), "@ann");
        assert_eq!(core("e\u{301}"), core("é"));
    }

    #[test]
    fn an_id_is_digits_and_nothing_else() {
        assert!(is_id("1700000000000000003"));
        for odd in ["", "1/2", "..", "1700000000000000003000", "a", "dm/1"] {
            assert!(!is_id(odd), "{odd}");
        }
    }
}
