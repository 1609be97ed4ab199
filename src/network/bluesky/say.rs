//! What is said: a part of a reply becomes a record and its key. Pure.
//!
//! Both are the same at every attempt: the key is derived from the delivery, `createdAt` is when
//! the first attempt began. So a repeat meets the same record, and the server says so instead of
//! posting twice (`realservers.md` 2).

use super::wire::{Facet, Feature, Kept, POSTS, Post, Ref, Refs, Slice, tid};
use crate::case::time::Timestamp;
use crate::network::Outgoing;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Most pictures of a post (lexicon `app.bsky.embed.images`).
pub(super) const PICTURES: usize = 4;
/// Most bytes of a picture (the same lexicon).
pub(super) const PICTURE_BYTES: usize = 2_000_000;
/// Graphemes of a post (lexicon `app.bsky.feed.post`).
pub(super) const GRAPHEMES: usize = 300;
/// Bytes of a post (the same lexicon); both limits hold.
pub(super) const BYTES: usize = 3_000;

/// The record key of a delivery: a TID whose milliseconds are those of the first attempt, and
/// whose other 20 bits (microseconds, clock number) come from the delivery's key. Two deliveries
/// of one account meet only if both begin in one millisecond and their keys agree in those bits;
/// then the server's check shows that another post stands there, and nothing is lost.
pub(super) fn rkey(key: &str, first: Timestamp) -> String {
    let hash = Sha256::digest(key.as_bytes());
    let micros = i64::from(u16::from_be_bytes([hash[0], hash[1]])) % 1_000;
    let clock = u16::from_be_bytes([hash[2], hash[3]]);
    tid(first.0.div_euclid(1_000) * 1_000 + micros, clock)
}

/// The references of an answer to this post: the root is that of the conversation, as the parent
/// names it.
pub(super) fn refs(parent: Ref, post: &Post) -> Refs {
    let root = post.reply.as_ref().map_or_else(|| parent.clone(), |reply| reply.root.clone());
    Refs { root, parent }
}

/// The record; `pictures` are blobs as the server gave them, in the files' order.
pub(super) fn record(out: &Outgoing, refs: &Refs, pictures: &[Value]) -> Value {
    let text = out.reply.text.as_str();
    let target = &out.reply.target;
    let mut record = json!({
        "$type": POSTS,
        "text": text,
        "createdAt": created_at(out.first),
        "reply": refs,
    });
    let facets = facets(text, target.handle.raw(), &target.contact.remote);
    if !facets.is_empty() {
        record["facets"] = json!(facets);
    }
    if !pictures.is_empty() {
        let alts = out.files.iter().map(|(file, _)| file.alt.as_deref().unwrap_or_default());
        let shown = alts.zip(pictures).map(|(alt, blob)| json!({ "image": blob, "alt": alt }));
        let images: Vec<Value> = shown.collect();
        record["embed"] = json!({ "$type": "app.bsky.embed.images", "images": images });
    }
    record
}

/// As `createdAt` is written.
pub(super) fn created_at(first: Timestamp) -> String {
    first.to_string()
}

/// Is this record the one this delivery would write? The words, the time and what it answers are
/// compared; content names of posts that were changed since may differ.
pub(super) fn is_ours(out: &Outgoing, kept: &Kept) -> bool {
    let record = &kept.value;
    record["text"] == out.reply.text.as_str()
        && record["createdAt"] == created_at(out.first).as_str()
        && record["reply"]["parent"]["uri"] == out.parent.as_str()
}

/// Links, and the customer's handle if the text names him. Nobody else is called: a handle that
/// an agent typed is never a live mention of a third person.
pub(super) fn facets(text: &str, handle: &str, did: &str) -> Vec<Facet> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        found.extend(link(word, at).or_else(|| mention(word, at, handle, did)));
        at += word.len();
    }
    found
}

fn facet(at: usize, from: usize, len: usize, feature: Feature) -> Facet {
    let index = Slice { byte_start: at + from, byte_end: at + from + len };
    Facet { index, features: vec![feature] }
}

/// A link in a word, without the marks that end a sentence or close a bracket opened before it.
fn link(word: &str, at: usize) -> Option<Facet> {
    let from = word.find("https://").or_else(|| word.find("http://"))?;
    let before = word[..from].chars().next_back();
    if before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let mut uri = word[from..].trim_end();
    while let Some(last) = uri.chars().next_back() {
        let closes = last == ')' && !uri.contains('(');
        if !closes && !matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '"' | '\'' | '…' | '>')
        {
            break;
        }
        uri = &uri[..uri.len() - last.len_utf8()];
    }
    let parsed = url::Url::parse(uri).ok().filter(|url| url.host_str().is_some())?;
    debug_assert!(matches!(parsed.scheme(), "http" | "https"));
    Some(facet(at, from, uri.len(), Feature::Link { uri: uri.to_owned() }))
}

fn mention(word: &str, at: usize, handle: &str, did: &str) -> Option<Facet> {
    let from = word.find('@')?;
    let name = word.get(from + 1..from + 1 + handle.len())?;
    let rest = word[from + 1 + handle.len()..].chars().next();
    let before = word[..from].chars().next_back();
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    // A dot ends a sentence, or goes on with somebody else's name.
    let goes_on = word[from + 1 + handle.len()..].trim_end().len() > 1;
    let whole = rest.is_none_or(|c| !inside(c) && (c != '.' || !goes_on));
    let good = name.eq_ignore_ascii_case(handle) && whole && !before.is_some_and(inside);
    let feature = Feature::Mention { did: did.to_owned() };
    (good && !handle.is_empty()).then(|| facet(at, from, 1 + handle.len(), feature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facets_count_bytes_and_only_the_customer_is_called() {
        let text = "@ann.example ✨ (see https://x.example/ä?b=1). @bob.example @ann.example.org";
        let found = facets(text, "ann.example", "did:plc:ann");
        let at = |facet: &Facet| &text[facet.index.byte_start..facet.index.byte_end];
        assert_eq!(
            found.iter().map(at).collect::<Vec<_>>(),
            ["@ann.example", "https://x.example/ä?b=1"]
        );
        assert_eq!(found[0].features, [Feature::Mention { did: "did:plc:ann".into() }]);
        assert_eq!(facets("mail a@ann.example", "ann.example", "d"), []);
        assert_eq!(facets("Thanks, @ann.example.", "ann.example", "d").len(), 1);
        assert_eq!(facets("https://", "", "d"), []);
    }

    #[test]
    fn a_key_is_the_same_at_every_attempt_and_another_for_another_delivery() {
        let first = Timestamp::parse("2026-08-01T10:00:04.123456Z").unwrap();
        assert_eq!(rkey("acme/7.1", first), rkey("acme/7.1", first));
        assert_ne!(rkey("acme/7.1", first), rkey("acme/7.2", first));
        let micros = super::super::wire::tid_micros(&rkey("acme/7.1", first)).unwrap();
        assert_eq!(micros / 1_000, first.0 / 1_000);
    }
}
