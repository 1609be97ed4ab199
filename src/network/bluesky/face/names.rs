//! How the world's ids look here: DIDs, handles, record keys, content names. Pure.

use crate::world::square::{Person, Square, SquarePost};
use sha2::{Digest, Sha256};

/// The letters of base 32 as content names use them (RFC 4648, lower case).
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// The letters of record keys. Source: <https://atproto.com/specs/tid>.
const SORTED: &str = "234567abcdefghijklmnopqrstuvwxyz";

fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            out.push(char::from(BASE32[(bits >> held & 31) as usize]));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        out.push(char::from(BASE32[(bits << (5 - held) & 31) as usize]));
    }
    out
}

/// A person's DID: his id, if it is one, else made from it.
#[must_use]
pub fn did(id: &str) -> String {
    if id.starts_with("did:") {
        return id.to_owned();
    }
    let hash = base32(&Sha256::digest(id.as_bytes()));
    format!("did:plc:{}", &hash[..24])
}

/// A person's handle: a name of the domain name system (<https://atproto.com/specs/handle>), or
/// `handle.invalid` for one who has none.
pub(super) fn handle(person: &Person) -> String {
    let name = person.handle.replace('@', ".").to_lowercase();
    match name.as_str() {
        "" => "handle.invalid".into(),
        whole if whole.contains('.') => whole.to_owned(),
        bare => format!("{bare}.test"),
    }
}

/// Whoever is called so: by DID, by handle, or by the world's own name for him.
pub(super) fn person<'s>(square: &'s Square, name: &str) -> Option<&'s Person> {
    let name = name.trim_start_matches('@');
    let is = |person: &&Person| {
        person.id == name
            || did(&person.id) == name
            || handle(person).eq_ignore_ascii_case(name)
            || person.handle.eq_ignore_ascii_case(name)
    };
    square.people.values().find(is)
}

/// A content name of structured data (dag-cbor, SHA-256). The real one hashes another encoding of
/// the same content; equal contents have equal names here as there.
pub(super) fn cid(content: &serde_json::Value) -> String {
    content_name(0x71, content.to_string().as_bytes())
}

/// A content name of bytes.
pub(super) fn blob_cid(bytes: &[u8]) -> String {
    content_name(0x55, bytes)
}

fn content_name(codec: u8, bytes: &[u8]) -> String {
    let mut whole = vec![1, codec, 0x12, 0x20];
    whole.extend(Sha256::digest(bytes));
    format!("b{}", base32(&whole))
}

/// The record key of an instant; clock number 0 is the world's own.
pub(super) fn tid(micros: i64) -> String {
    let mut number = u64::try_from(micros).unwrap_or(0) << 10;
    let mut letters = Vec::new();
    for _ in 0..13 {
        letters.push(SORTED.as_bytes()[(number % 32) as usize]);
        number /= 32;
    }
    letters.into_iter().rev().map(char::from).collect()
}

/// Is this a valid TID? Source: <https://atproto.com/specs/tid> ("Syntax").
pub(super) fn is_tid(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| SORTED[..16].contains(c));
    text.len() == 13 && first && text.chars().all(|c| SORTED.contains(c))
}

/// The record key of a post.
pub(super) fn rkey(post: &SquarePost) -> String {
    post.key.clone().filter(|key| is_tid(key)).unwrap_or_else(|| tid(post.id))
}

/// The name of a post.
pub(super) fn uri(post: &SquarePost) -> String {
    format!("at://{}/app.bsky.feed.post/{}", did(&post.author), rkey(post))
}

/// The post of this name that is still there.
pub(super) fn post<'s>(square: &'s Square, uri: &str) -> Option<&'s SquarePost> {
    let (author, rkey) = uri.strip_prefix("at://")?.split_once("/app.bsky.feed.post/")?;
    post_at(square, author, rkey)
}

/// The post of this author under this key that is still there.
pub(super) fn post_at<'s>(square: &'s Square, author: &str, key: &str) -> Option<&'s SquarePost> {
    let author = person(square, author)?;
    let given = square.keys.get(&(author.id.clone(), key.to_owned())).map(|(id, _)| *id);
    let minted = || square.written_by(&author.id).find(|post| rkey(post) == key).map(|p| p.id);
    let post = square.posts.get(&given.or_else(minted)?)?;
    (!post.deleted && post.author == author.id).then_some(post)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_form_of_real_ones() {
        assert!(is_tid(&tid(1_764_000_000_123_456)));
        assert_eq!(did("7").len(), "did:plc:ewvi7nxzyoun6zhxrhs64oiz".len());
        // The content name of the five bytes "hello", as `ipfs add --raw-leaves` gives it.
        let hello = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq";
        assert_eq!(blob_cid(b"hello"), hello);
        assert!(cid(&serde_json::json!({})).starts_with("bafyrei"));
    }
}
