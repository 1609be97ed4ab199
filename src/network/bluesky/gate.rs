//! Raw events of Jetstream: which of them tell of a post, and whether its words could be what we
//! listen for. Nine of ten events end here, unparsed.
//!
//! An event that begins as Jetstream writes it (compact, its keys in its own order) is judged by
//! its beginning alone; any other is parsed. Likes hold the name of the posts' collection too, in
//! the address of what they like: so the collection is read where it stands, not searched.
//! Source: <https://github.com/bluesky-social/jetstream> (`pkg/models`); what Go's encoder escapes
//! is in `tests/wire/listen.rs`, which holds all this against parsing everything.

use super::wire::{AtUri, Jet, POSTS, Post, post_uri};
use crate::listen::Rules;
use memchr::memmem::Finder;
use memchr::{memchr2, memrchr};
use std::sync::LazyLock;

/// What an event is, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate<'e> {
    /// No post, or one that was deleted.
    Other,
    /// A post; its words begin here.
    Words(&'e [u8]),
    /// Not as Jetstream writes it.
    Odd,
}

/// A post that a rule may mean, read from its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its author.
    pub did: String,
    /// Its name.
    pub uri: String,
    /// Its content's name.
    pub cid: String,
    /// The event's time, in microseconds: the stream's cursor.
    pub at: i64,
    /// It was changed, not made.
    pub changed: bool,
    /// Its words.
    pub text: String,
    /// Its languages.
    pub languages: Vec<String>,
    /// The whole of it.
    pub(super) post: Post,
}

static TEXT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""text":""#));

/// Reads an event if one of these rules may mean it. Whether one does, [`Rules::meaning`] says.
#[must_use]
pub fn told(event: &str, rules: &Rules) -> Option<Told> {
    let may = match gate(event.as_bytes()) {
        Gate::Other => false,
        Gate::Words(words) => rules.may_hold(words),
        Gate::Odd => !rules.is_empty(),
    };
    if may { read(event) } else { None }
}

/// Reads an event that makes or changes a post.
pub(super) fn read(event: &str) -> Option<Told> {
    let jet: Jet<'_> = serde_json::from_str(event).ok()?;
    let commit = jet.commit.filter(|commit| commit.collection == POSTS)?;
    let post: Post = serde_json::from_str(commit.record?.get()).ok()?;
    let uri = post_uri(&jet.did, &commit.rkey);
    AtUri::parse(&uri)?;
    Some(Told {
        did: jet.did,
        uri,
        cid: commit.cid.unwrap_or_default(),
        at: jet.time_us,
        changed: commit.operation == "update",
        text: post.text.clone(),
        languages: post.langs.clone(),
        post,
    })
}

fn gate(event: &[u8]) -> Gate<'_> {
    judge(event).unwrap_or(Gate::Odd)
}

/// `None`: it is not written as expected.
fn judge(event: &[u8]) -> Option<Gate<'_>> {
    let (_, rest) = value(event.strip_prefix(br#"{"did":""#)?)?;
    let rest = rest.strip_prefix(br#","time_us":"#)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (kind, rest) = value(rest[digits..].strip_prefix(br#","kind":""#)?)?;
    match kind {
        b"commit" => {}
        b"identity" | b"account" => return Some(Gate::Other),
        _ => return None,
    }
    let (_, rest) = value(rest.strip_prefix(br#","commit":{"rev":""#)?)?;
    let (operation, rest) = value(rest.strip_prefix(br#","operation":""#)?)?;
    let (collection, rest) = value(rest.strip_prefix(br#","collection":""#)?)?;
    match (operation, collection == POSTS.as_bytes()) {
        (b"create" | b"update" | b"delete", false) | (b"delete", true) => Some(Gate::Other),
        (b"create" | b"update", true) => {
            let words = &rest[TEXT.find(rest)?..];
            Some(Gate::Words(&words[..words.len() - tail(words)]))
        }
        _ => None,
    }
}

/// How long the end is, in which no words can stand: the content's name behind the record.
fn tail(words: &[u8]) -> usize {
    let name = |inner: &[u8]| {
        let from = memrchr(b'"', inner)?;
        inner[..=from].ends_with(br#"},"cid":""#).then(|| inner.len() + 3 - from)
    };
    words.strip_suffix(br#""}}"#).and_then(name).unwrap_or(0)
}

/// A string without escapes, and what follows its closing quote.
fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr2(b'"', b'\\', text)?;
    (text[end] == b'"').then(|| (&text[..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(operation: &str, collection: &str, record: &str) -> String {
        let head = r#"{"did":"did:plc:a","time_us":7,"kind":"commit","commit":{"rev":"x""#;
        let what = format!(r#""operation":"{operation}","collection":"{collection}""#);
        format!(r#"{head},{what},"rkey":"3lbqta5lnck2i","record":{record},"cid":"b"}}}}"#)
    }

    fn is_other(text: &str) -> bool {
        gate(text.as_bytes()) == Gate::Other
    }

    #[test]
    fn only_posts_pass_and_odd_ones_are_parsed() {
        let like = r#"{"subject":{"uri":"at://x/app.bsky.feed.post/y"},"text":"acme"}"#;
        assert!(is_other(&event("create", "app.bsky.feed.like", like)));
        assert!(is_other(&event("delete", POSTS, "null")));
        assert!(is_other(r#"{"did":"d","time_us":1,"kind":"identity","identity":{}}"#));
        let post = event("create", POSTS, r#"{"$type":"x","text":"an acme"}"#);
        let Gate::Words(words) = gate(post.as_bytes()) else { panic!("{post}") };
        assert!(words.starts_with(br#""text":"an acme"},"cid":"#) && !words.ends_with(b"}"));
        let spaced = post.replace(':', ": ");
        let turned = post.replace(r#""did":"did:plc:a","#, "").replace("}}", r#"},"did":"d"}"#);
        for odd in [&spaced, &turned, &post.replace("text", r"\u0074ext"), "", "{", "[]"] {
            assert_eq!(gate(odd.as_bytes()), Gate::Odd, "{odd}");
        }
    }
}
