//! The parts of Bluesky's JSON that this driver reads and writes, and the names of its records.
//!
//! Source: the lexicons of <https://github.com/bluesky-social/atproto> (commit d6296a1). What is
//! not read here is left out; what other apps add to a record is passed over.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The collection of posts.
pub(super) const POSTS: &str = "app.bsky.feed.post";
/// The handle of an account whose handle does not point back to it
/// (<https://atproto.com/specs/handle>, "Invalid Handles").
pub(super) const NO_HANDLE: &str = "handle.invalid";

/// `com.atproto.server.createSession` and `refreshSession`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    pub(super) did: String,
    pub(super) handle: String,
    pub(super) access_jwt: SecretString,
    pub(super) refresh_jwt: SecretString,
    #[serde(default)]
    pub(super) active: Option<bool>,
    #[serde(default)]
    pub(super) status: Option<String>,
}

/// An error of any call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fault {
    pub(super) error: String,
    pub(super) message: String,
}

/// `app.bsky.notification.listNotifications`; items are read one by one, so that a bad one does
/// not take the others with it.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) notifications: Vec<Box<RawValue>>,
    #[serde(default)]
    pub(super) cursor: Option<String>,
}

/// One notification.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notice {
    pub(super) uri: String,
    pub(super) cid: String,
    pub(super) author: Author,
    pub(super) reason: String,
    /// A post, if the reason is one that this driver asks for.
    pub(super) record: Value,
    pub(super) indexed_at: String,
}

/// `app.bsky.actor.defs#profileView` and its smaller kin.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Author {
    pub(super) did: String,
    pub(super) handle: String,
    pub(super) display_name: Option<String>,
    pub(super) avatar: Option<String>,
    pub(super) viewer: Standing,
}

/// `app.bsky.actor.defs#viewerState`: how we stand to each other.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Standing {
    pub(super) muted: bool,
    pub(super) blocked_by: bool,
    pub(super) blocking: Option<String>,
}

/// `app.bsky.actor.getProfiles`.
#[derive(Debug, Deserialize)]
pub(super) struct Profiles {
    pub(super) profiles: Vec<Profile>,
}

/// `app.bsky.actor.defs#profileViewDetailed`, what somebody says of himself and others of him.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Profile {
    pub(super) did: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
}

/// `app.bsky.feed.post`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Post {
    pub(super) text: String,
    pub(super) facets: Vec<Value>,
    pub(super) reply: Option<Refs>,
    pub(super) langs: Vec<String>,
    pub(super) embed: Option<Value>,
    pub(super) labels: Value,
    pub(super) created_at: String,
}

/// `app.bsky.feed.post#replyRef`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refs {
    pub(super) root: Ref,
    pub(super) parent: Ref,
}

/// `com.atproto.repo.strongRef`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ref {
    pub(super) uri: String,
    pub(super) cid: String,
}

/// `app.bsky.richtext.facet`: offsets are bytes of UTF-8, the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facet {
    pub(super) index: Slice,
    pub(super) features: Vec<Feature>,
}

/// `app.bsky.richtext.facet#byteSlice`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Slice {
    pub(super) byte_start: usize,
    pub(super) byte_end: usize,
}

/// What a facet is: a link, a mention, a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "$type")]
pub(super) enum Feature {
    #[serde(rename = "app.bsky.richtext.facet#link")]
    Link { uri: String },
    #[serde(rename = "app.bsky.richtext.facet#mention")]
    Mention { did: String },
    #[serde(other)]
    Other,
}

/// `app.bsky.feed.getPosts`.
#[derive(Debug, Deserialize)]
pub(super) struct Views {
    pub(super) posts: Vec<View>,
}

/// `app.bsky.feed.defs#postView`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View {
    pub(super) uri: String,
    pub(super) cid: String,
    pub(super) author: Author,
    pub(super) record: Value,
    #[serde(default)]
    pub(super) embed: Option<Value>,
    pub(super) indexed_at: String,
    #[serde(default)]
    pub(super) viewer: PostStanding,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
}

/// `app.bsky.feed.defs#viewerState`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PostStanding {
    pub(super) reply_disabled: bool,
}

/// `com.atproto.label.defs#label` and `#selfLabel`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Label {
    pub(super) val: String,
    #[serde(default)]
    pub(super) neg: bool,
}

/// `com.atproto.repo.getRecord`, and one item of `listRecords`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Kept {
    pub(super) uri: String,
    #[serde(default)]
    pub(super) cid: String,
    pub(super) value: Value,
}

/// `com.atproto.repo.listRecords`.
#[derive(Debug, Deserialize)]
pub(super) struct KeptPage {
    pub(super) records: Vec<Kept>,
}

/// What `com.atproto.repo.putRecord` is asked. `swap_record` is written even if it is null: null
/// says that nothing may stand there yet, absence says that it does not matter.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Put<'a> {
    pub(super) repo: &'a str,
    pub(super) collection: &'a str,
    pub(super) rkey: &'a str,
    pub(super) validate: bool,
    pub(super) swap_record: Option<&'a str>,
    pub(super) record: &'a Value,
}

/// What `putRecord` answers.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    pub(super) uri: String,
    /// Empty never; its absence would mean that this is no answer of `putRecord`.
    #[serde(rename = "cid")]
    pub(super) _cid: String,
}

/// `com.atproto.repo.uploadBlob`: the blob is put into the record as it came.
#[derive(Debug, Deserialize)]
pub(super) struct Uploaded {
    pub(super) blob: Value,
}

/// One event of Jetstream, version 1 (<https://github.com/bluesky-social/jetstream>).
#[derive(Debug, Deserialize)]
pub(super) struct Jet<'a> {
    pub(super) did: String,
    pub(super) time_us: i64,
    #[serde(borrow, default)]
    pub(super) commit: Option<JetCommit<'a>>,
}

/// What happened to a record.
#[derive(Debug, Deserialize)]
pub(super) struct JetCommit<'a> {
    pub(super) operation: String,
    pub(super) collection: String,
    pub(super) rkey: String,
    #[serde(default)]
    pub(super) cid: Option<String>,
    #[serde(borrow, default)]
    pub(super) record: Option<&'a RawValue>,
}

/// The name of a record: `at://did/collection/rkey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AtUri<'a> {
    pub(super) did: &'a str,
    pub(super) collection: &'a str,
    pub(super) rkey: &'a str,
}

impl<'a> AtUri<'a> {
    /// Only what the syntax allows passes: nothing that could lead a path or a query elsewhere
    /// (<https://atproto.com/specs/at-uri-scheme>, "Restricted AT URI Syntax").
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > 2_000 {
            return None;
        }
        let mut parts = text.strip_prefix("at://")?.split('/');
        let (did, collection, rkey) = (parts.next()?, parts.next()?, parts.next()?);
        let plain = |s: &str, more: &str| {
            !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        let good = parts.next().is_none()
            && did.starts_with("did:")
            && plain(did, "._:-")
            && plain(collection, ".-")
            && plain(rkey, "._:~-")
            && !matches!(rkey, "." | "..");
        good.then_some(Self { did, collection, rkey })
    }
}

/// The name of a post.
pub(super) fn post_uri(did: &str, rkey: &str) -> String {
    format!("at://{did}/{POSTS}/{rkey}")
}

/// The letters of a TID, in the order of their values (<https://atproto.com/specs/tid>).
const LETTERS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// A TID of this instant and this clock number (its lowest 10 bits count).
pub(super) fn tid(micros: i64, clock: u16) -> String {
    let micros = u64::try_from(micros).unwrap_or(0) & ((1 << 53) - 1);
    let number = micros << 10 | u64::from(clock & 0x3FF);
    let letter = |i: u32| char::from(LETTERS[(number >> (60 - 5 * i)) as usize & 31]);
    (0..13).map(letter).collect()
}

/// The instant a TID names, in microseconds since 1970; `None` if it is no TID.
pub(super) fn tid_micros(text: &str) -> Option<i64> {
    if text.len() != 13 {
        return None;
    }
    let mut number: u64 = 0;
    for (i, letter) in text.bytes().enumerate() {
        let value = LETTERS.iter().position(|l| *l == letter)? as u64;
        // The topmost bit must be 0: the first letter stands for four bits.
        if i == 0 && value > 15 {
            return None;
        }
        number = number << 5 | value;
    }
    i64::try_from(number >> 10).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tids_are_those_of_the_specification() {
        for good in ["3jzfcijpj2z2a", "7777777777777", "3zzzzzzzzzzzz", "a222222222222"] {
            assert!(tid_micros(good).is_some(), "{good}");
        }
        let bad = [
            "3jzfcijpj2z21",
            "0000000000000",
            "3jzfcijpj2z2aa",
            "3jzfcijpj2z2",
            "zzzzzzzzzzzzz",
            "kjzfcijpj2z2a",
        ];
        for bad in bad {
            assert_eq!(tid_micros(bad), None, "{bad}");
        }
        assert_eq!(tid_micros(&tid(1_764_000_000_123_456, 77)), Some(1_764_000_000_123_456));
        assert!(tid(1, 0) < tid(1, 1) && tid(1, 1) < tid(2, 0));
    }

    #[test]
    fn names_that_lead_elsewhere_are_no_names() {
        let good = "at://did:plc:abc/app.bsky.feed.post/3jzfcijpj2z2a";
        let uri = AtUri::parse(good).unwrap();
        assert_eq!((uri.did, uri.rkey), ("did:plc:abc", "3jzfcijpj2z2a"));
        let long = format!("at://did:plc:a/app.bsky.feed.post/{}", "x".repeat(10_000));
        let bad = [
            "at://did:plc:a/app.bsky.feed.post/../../x",
            "at://did:plc:a/app.bsky.feed.post/..",
            "at://did:plc:a/app.bsky.feed.post/%2e%2e",
            "at://did:plc:a/app.bsky.feed.post/a?b",
            "at://did:plc:a/app.bsky.feed.post/a#b",
            "at://ann.example/app.bsky.feed.post/a",
            "at://did:plc:a/app.bsky.feed.post",
            "https://bsky.app/profile/x/post/y",
            &long,
        ];
        for bad in bad {
            assert_eq!(AtUri::parse(bad), None, "{bad}");
        }
    }
}
