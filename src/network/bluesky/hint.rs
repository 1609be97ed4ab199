//! What an event of the stream hints at: somebody seems to speak to us, or a post that we know was
//! changed or deleted. Pure.

use super::hear;
use super::wire::{AtUri, Jet, POSTS, Post, post_uri};
use serde_json::value::RawValue;

/// What an event of the stream hints at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// Somebody seems to speak to us.
    Spoken(String),
    /// A post was changed; this is its new content's name.
    Changed(String, String),
    /// A post was deleted.
    Gone(String),
    /// We, or a colleague, posted or deleted something.
    Own,
}

/// Reads an event of the stream: its place, and what it hints at. `known` says which posts are
/// ours to follow. Events that hint at nothing are passed over cheaply: our DID is plain ASCII,
/// which Jetstream never writes with escapes.
pub(super) fn hint(
    text: &str,
    us: &str,
    known: impl Fn(&str) -> bool,
) -> (Option<i64>, Option<Hint>) {
    let create = text.contains(r#""operation":"create""#);
    if create && !text.contains(us) {
        return (None, None);
    }
    let Ok(jet) = serde_json::from_str::<Jet<'_>>(text) else { return (None, None) };
    let hint = jet.commit.filter(|commit| commit.collection == POSTS).and_then(|commit| {
        if jet.did == us {
            return Some(Hint::Own);
        }
        let uri = post_uri(&jet.did, &commit.rkey);
        AtUri::parse(&uri)?;
        let ours = || {
            let raw = commit.record.map(RawValue::get).filter(|raw| raw.contains(us));
            let post = raw.and_then(|raw| serde_json::from_str::<Post>(raw).ok());
            post.is_some_and(|post| hear::reason_of(&post, &jet.did, us).is_some())
        };
        match commit.operation.as_str() {
            "create" => ours().then_some(Hint::Spoken(uri)),
            "update" if known(&uri) => Some(Hint::Changed(uri, commit.cid.unwrap_or_default())),
            "update" => ours().then_some(Hint::Spoken(uri)),
            "delete" => known(&uri).then_some(Hint::Gone(uri)),
            _ => None,
        }
    });
    (Some(jet.time_us), hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_stream_hints_at_what_concerns_us() {
        let event = |did: &str, operation: &str, text: &str| {
            let rkey = "3lbqta5lnck2i";
            let commit = json!({ "operation": operation, "collection": POSTS, "rkey": rkey,
                "cid": "b", "record": { "text": text, "facets": [{ "index": { "byteStart": 0,
                "byteEnd": 1 }, "features": [{ "$type": "app.bsky.richtext.facet#mention",
                "did": text }] }] } });
            json!({ "did": did, "time_us": 7, "kind": "commit", "commit": commit }).to_string()
        };
        let uri = "at://did:plc:ann/app.bsky.feed.post/3lbqta5lnck2i";
        let of = |text: &str, known: bool| hint(text, "did:plc:us", |_| known);
        let named = event("did:plc:ann", "create", "did:plc:us");
        assert_eq!(of(&named, false), (Some(7), Some(Hint::Spoken(uri.into()))));
        assert_eq!(of(&event("did:plc:ann", "create", "did:plc:x"), true), (None, None));
        let gone = event("did:plc:ann", "delete", "x");
        assert_eq!(of(&gone, true).1, Some(Hint::Gone(uri.into())));
        assert_eq!(of(&gone, false).1, None);
        assert_eq!(of(&event("did:plc:us", "create", "x"), false).1, Some(Hint::Own));
        assert_eq!(of("not json", false), (None, None));
    }
}
