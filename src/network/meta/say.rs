//! What is said: a part of a reply becomes a comment or a message. Pure.

use super::hear::{LETTER, NAMED};
use super::{Kind, Limits};
use crate::case::ability::Limit;
use crate::case::model::Audience;
use crate::case::text::fits;
use crate::case::time::{Span, Timestamp};
use crate::network::{Failure, Outgoing};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

/// How long after a message it may be answered, and how long by a person with Meta's permission
/// ("Messaging windows" and "Message tags", Messenger Platform).
pub(super) const WINDOW: Span = Span::hours(24);
pub(super) const PERSON: Span = Span::hours(24 * 7);
/// How long after a comment its author may be written to, once ("Private replies").
pub(super) const PRIVATE: Span = Span::hours(24 * 7);
/// Kept free at the end of a window: clocks differ, and sending takes time.
pub(super) const MARGIN: Span = Span::minutes(1);

/// Where an answer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    /// Below a comment or a post, for everybody.
    Comment,
    /// Below somebody else's medium that names us, for everybody.
    Named,
    /// In a conversation.
    Letter,
    /// The first message to the author of a comment.
    Private,
}

/// Where this part goes.
pub(super) fn surface(out: &Outgoing) -> Surface {
    let answers_letter = out.reply.target.post.as_str().starts_with(LETTER);
    match (out.reply.target.audience, answers_letter) {
        (Audience::Direct, true) => Surface::Letter,
        (Audience::Direct, false) => Surface::Private,
        _ if out.parent.as_str().starts_with(NAMED) => Surface::Named,
        _ => Surface::Comment,
    }
}

/// The second lock before the door: what Meta would refuse is not sent there.
///
/// # Errors
/// [`Failure::Never`] with the reason.
pub(super) fn check(out: &Outgoing, limits: &Limits, us: &str) -> Result<(), Failure> {
    let never = |why: &str| Err(Failure::Never(why.into()));
    let surface = surface(out);
    let Limit { limit, count } = match surface {
        Surface::Comment | Surface::Named => limits.comment,
        Surface::Letter | Surface::Private => limits.letter,
    };
    let target = &out.reply.target;
    let known = match surface {
        Surface::Letter => is_id(&target.contact.remote),
        Surface::Private => is_id(target.post.as_str()),
        Surface::Comment => is_id(out.parent.as_str()),
        Surface::Named => out.parent.as_str()[NAMED.len()..].split('/').all(is_id),
    };
    if !fits(out.reply.text.as_str(), limit, count) {
        return never("it is too long for Meta");
    }
    if !out.files.is_empty() {
        return never("careline cannot send files to Meta");
    }
    if !known || target.contact.remote == us {
        return never("there is no such post");
    }
    if surface == Surface::Private && out.reply.part.1 > 1 {
        return never("Meta takes one private message to the author of a comment, not several");
    }
    Ok(())
}

/// Which of Meta's two windows a message to this customer falls into.
///
/// # Errors
/// [`Failure::Never`]: both are over.
pub(super) fn by_person(out: &Outgoing, granted: bool, now: Timestamp) -> Result<bool, Failure> {
    let age = Span(now.since(out.reply.target.written).0.saturating_add(MARGIN.0));
    let over =
        |days: &str| Err(Failure::Never(format!("Meta lets this be answered for {days} only")));
    match surface(out) {
        Surface::Letter if age <= WINDOW => Ok(false),
        Surface::Letter if granted && age <= PERSON => Ok(true),
        Surface::Letter if granted => over("seven days"),
        Surface::Letter => over("24 hours"),
        Surface::Private if age > PRIVATE => over("seven days"),
        _ => Ok(false),
    }
}

/// Ids of Meta are digits, of comments with `_`; nothing else goes into an address.
pub(super) fn is_id(text: &str) -> bool {
    (1..=80).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

/// The body of a message; `us` is the Page, in front of the ids of whose posts it stands.
pub(super) fn message(kind: Kind, us: &str, out: &Outgoing, by_person: bool) -> Value {
    let post = out.reply.target.post.as_str();
    let of_page = kind == Kind::Facebook && post.starts_with(&format!("{us}_"));
    let recipient = match surface(out) {
        Surface::Private if of_page => json!({ "post_id": post }),
        Surface::Private => json!({ "comment_id": post }),
        _ => json!({ "id": out.reply.target.contact.remote }),
    };
    let mut body =
        json!({ "recipient": recipient, "message": { "text": out.reply.text.as_str() } });
    if by_person {
        body["messaging_type"] = json!("MESSAGE_TAG");
        body["tag"] = json!("HUMAN_AGENT");
    } else if kind == Kind::Facebook {
        body["messaging_type"] = json!("RESPONSE");
    }
    if kind == Kind::Facebook {
        // It comes back in the echo of the message, and only there.
        body["message"]["metadata"] = json!(out.key);
    }
    body
}

/// The body of an answer to somebody who named us below a medium that is not ours.
pub(super) fn named(out: &Outgoing) -> Value {
    let mut parts = out.parent.as_str()[NAMED.len()..].split('/');
    let mut body = json!({ "media_id": parts.next(), "message": out.reply.text.as_str() });
    if let Some(comment) = parts.next() {
        body["comment_id"] = json!(comment);
    }
    body
}

/// Are these the words of this part, as Meta may write them: other spaces, composed letters?
pub(super) fn is_text(text: &str, out: &Outgoing) -> bool {
    core(text) == core(out.reply.text.as_str())
}

fn core(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_known_again_as_meta_writes_them() {
        assert_eq!(core("Sorry,  see\n\nbelow"), core("Sorry, see below "));
        assert_eq!(core("e\u{301}"), core("é"));
        assert_ne!(core("yes"), core("no"));
    }

    #[test]
    fn an_id_leads_nowhere_else() {
        assert!(is_id("901097836652708_903438993085259"));
        for odd in ["", "..", "1/2", "1?a", "m/1", "me", &"1".repeat(81)] {
            assert!(!is_id(odd), "{odd}");
        }
    }
}
