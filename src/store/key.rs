//! Keys as bytes: one prefix byte a kind, then the parts, so that byte order is the order wanted.
//!
//! Texts are closed with `00 01`, a zero inside them is written `00 FF`: no id can reach into the
//! next part, whatever bytes it holds. Numbers are big-endian.

use super::Kind;
use crate::case::id::{
    AccountId, CaseNo, ChannelId, ContactId, DeliveryId, DeskId, EnvelopeId, FeedId, MessageId,
    PostId, ThreadId,
};
use crate::case::record::Key;
use crate::case::time::Timestamp;

/// Prefix of the envelopes that were taken.
pub const ENVELOPE: u8 = b'e';
/// Prefix of the log.
pub const LOG: u8 = b'L';
/// Key of the highest numbers that were ever given.
pub const HIGH: u8 = b'h';
/// Prefix of all indexes.
pub const INDEX: u8 = b'i';
/// Index: deliveries that are not finished.
pub const PENDING: u8 = b'P';
/// Index: alarms.
pub const ALARM: u8 = b'A';
/// Index: cases that are not closed.
pub const OPEN: u8 = b'O';
/// Index: open cases nobody has claimed.
pub const UNCLAIMED: u8 = b'U';
/// Index: cases of an agent that are not closed.
pub const OF_AGENT: u8 = b'G';
/// Index: cases of a contact.
pub const OF_CONTACT: u8 = b'C';

/// Bytes being put together.
#[derive(Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// Starting with this prefix.
    pub fn new(prefix: &[u8]) -> Self {
        Self(prefix.to_vec())
    }

    /// And then a text.
    pub fn text(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xFF);
            }
        }
        self.0.extend([0, 1]);
        self
    }

    /// And then a number.
    pub fn number(mut self, n: u64) -> Self {
        self.0.extend(n.to_be_bytes());
        self
    }

    /// And then a small number.
    pub fn small(mut self, n: u32) -> Self {
        self.0.extend(n.to_be_bytes());
        self
    }

    /// And then an instant; earlier ones, also those before 1970, come first.
    pub fn instant(self, at: Timestamp) -> Self {
        self.number(u64::from_be_bytes(at.0.to_be_bytes()) ^ (1 << 63))
    }

    /// And then yes or no; no comes first.
    pub fn flag(mut self, flag: bool) -> Self {
        self.0.push(u8::from(flag));
        self
    }

    fn channel(self, channel: &ChannelId) -> Self {
        self.text(channel.desk.as_str()).text(&channel.channel)
    }
}

/// The prefix byte of a kind of record.
pub const fn prefix(kind: Kind) -> u8 {
    match kind {
        Kind::Case => b'c',
        Kind::Line => b'l',
        Kind::Contact => b'k',
        Kind::Thread => b't',
        Kind::Message => b'm',
        Kind::Post => b'p',
        Kind::Conversation => b'v',
        Kind::Delivery => b'd',
        Kind::Cursor => b'f',
        Kind::Account => b'a',
        Kind::Tombstone => b'g',
        Kind::Quarantine => b'q',
        Kind::Self_ => b's',
    }
}

/// All kinds, in the order of an export.
pub const KINDS: [Kind; 13] = [
    Kind::Self_,
    Kind::Account,
    Kind::Cursor,
    Kind::Contact,
    Kind::Case,
    Kind::Line,
    Kind::Thread,
    Kind::Message,
    Kind::Post,
    Kind::Conversation,
    Kind::Delivery,
    Kind::Tombstone,
    Kind::Quarantine,
];

/// The kind of a record.
pub const fn kind(key: &Key) -> Kind {
    match key {
        Key::Case(_) => Kind::Case,
        Key::Line(..) => Kind::Line,
        Key::Contact(_) => Kind::Contact,
        Key::Thread(_) => Kind::Thread,
        Key::Message(_) => Kind::Message,
        Key::Post(..) => Kind::Post,
        Key::Conversation(..) => Kind::Conversation,
        Key::Delivery(_) => Kind::Delivery,
        Key::Cursor(_) => Kind::Cursor,
        Key::Account(_) => Kind::Account,
        Key::Tombstone(_) => Kind::Tombstone,
        Key::Quarantine(_) => Kind::Quarantine,
        Key::Switch | Key::Identity | Key::Duty | Key::Incident => Kind::Self_,
    }
}

/// A record's key as bytes.
pub fn encode(key: &Key) -> Vec<u8> {
    let bytes = Bytes::new(&[prefix(kind(key))]);
    let bytes = match key {
        Key::Case(no) => bytes.number(no.0),
        Key::Line(no, seq) => bytes.number(no.0).small(*seq),
        Key::Contact(id) => bytes.text(id.account.as_str()).text(&id.remote),
        Key::Thread(id) => bytes.channel(&id.channel).text(&id.root),
        Key::Message(id) => bytes.channel(&id.channel).text(&id.message),
        Key::Post(account, post) => bytes.text(account.as_str()).text(post.as_str()),
        Key::Conversation(account, name) => bytes.text(account.as_str()).text(name),
        Key::Delivery(id) => bytes.text(id.as_str()),
        Key::Cursor(feed) => bytes.text(feed.as_str()),
        Key::Account(account) => bytes.text(account.as_str()),
        Key::Tombstone(grave) => bytes.text(grave),
        Key::Quarantine(id) => bytes.text(id.as_str()),
        Key::Switch => bytes.flag(false),
        Key::Identity => bytes.flag(true),
        Key::Duty => Bytes([bytes.0, vec![2]].concat()),
        Key::Incident => Bytes([bytes.0, vec![3]].concat()),
    };
    bytes.0
}

/// Bytes being taken apart.
struct Rest<'b>(&'b [u8]);

impl Rest<'_> {
    fn text(&mut self) -> Option<String> {
        let mut out = Vec::new();
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match (byte, rest.first()) {
                (0, Some(1)) => break,
                (0, Some(0xFF)) => out.push(0),
                (0, _) => return None,
                (byte, _) => {
                    out.push(*byte);
                    continue;
                }
            }
            self.0 = &self.0[1..];
        }
        self.0 = &self.0[1..];
        String::from_utf8(out).ok()
    }

    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*number))
    }

    fn small(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn channel(&mut self) -> Option<ChannelId> {
        Some(ChannelId { desk: DeskId(self.text()?), channel: self.text()? })
    }
}

/// The key that these bytes are; `None` if they are none.
pub fn decode(bytes: &[u8]) -> Option<Key> {
    let (first, rest) = bytes.split_first()?;
    let mut rest = Rest(rest);
    let kind = KINDS.into_iter().find(|kind| prefix(*kind) == *first)?;
    let key = match kind {
        Kind::Case => Key::Case(CaseNo(rest.number()?)),
        Kind::Line => Key::Line(CaseNo(rest.number()?), rest.small()?),
        Kind::Contact => {
            Key::Contact(ContactId { account: AccountId(rest.text()?), remote: rest.text()? })
        }
        Kind::Thread => Key::Thread(ThreadId { channel: rest.channel()?, root: rest.text()? }),
        Kind::Message => {
            Key::Message(MessageId { channel: rest.channel()?, message: rest.text()? })
        }
        Kind::Post => Key::Post(AccountId(rest.text()?), PostId(rest.text()?)),
        Kind::Conversation => Key::Conversation(AccountId(rest.text()?), rest.text()?),
        Kind::Delivery => Key::Delivery(DeliveryId(rest.text()?)),
        Kind::Cursor => Key::Cursor(FeedId(rest.text()?)),
        Kind::Account => Key::Account(AccountId(rest.text()?)),
        Kind::Tombstone => Key::Tombstone(rest.text()?),
        Kind::Quarantine => Key::Quarantine(EnvelopeId(rest.text()?)),
        Kind::Self_ => match rest.0 {
            [0] => return Some(Key::Switch),
            [1] => return Some(Key::Identity),
            [2] => return Some(Key::Duty),
            [3] => return Some(Key::Incident),
            _ => return None,
        },
    };
    rest.0.is_empty().then_some(key)
}

/// The key under which a taken envelope stands.
pub fn envelope(id: &EnvelopeId) -> Vec<u8> {
    Bytes::new(&[ENVELOPE]).text(id.as_str()).0
}

/// The envelope that stands under a key.
pub fn envelope_of(bytes: &[u8]) -> Option<EnvelopeId> {
    Rest(bytes.strip_prefix(&[ENVELOPE])?).text().map(EnvelopeId)
}

/// The key of a log entry.
pub fn log(seq: u64) -> Vec<u8> {
    Bytes::new(&[LOG]).number(seq).0
}

/// The case number at the end of an index key.
pub fn trailing_case(bytes: &[u8]) -> Option<CaseNo> {
    let (_, number) = bytes.split_last_chunk::<8>()?;
    Some(CaseNo(u64::from_be_bytes(*number)))
}

/// The first key after all that start with this prefix.
pub fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xFF {
            end.push(last + 1);
            return end;
        }
    }
    vec![0xFF; 64]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> impl Strategy<Value = Key> {
        let text = || "[\\x00\\x01ab\u{ff}\u{10ffff}]{0,5}";
        prop_oneof![
            (any::<u64>(), any::<u32>()).prop_map(|(no, seq)| Key::Line(CaseNo(no), seq)),
            any::<u64>().prop_map(|no| Key::Case(CaseNo(no))),
            (text(), text()).prop_map(|(a, b)| Key::Post(AccountId(a), PostId(b))),
            (text(), text(), text()).prop_map(|(a, b, c)| Key::Thread(ThreadId {
                channel: ChannelId { desk: DeskId(a), channel: b },
                root: c,
            })),
            text().prop_map(|a| Key::Quarantine(EnvelopeId(a))),
            Just(Key::Switch),
            Just(Key::Identity),
        ]
    }

    proptest! {
        #[test]
        fn keys_come_back_and_differ(a in keys(), b in keys()) {
            prop_assert_eq!(decode(&encode(&a)), Some(a.clone()));
            prop_assert_eq!(encode(&a) == encode(&b), a == b);
        }

        #[test]
        fn any_bytes_are_a_key_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(key) = decode(&bytes) {
                prop_assert_eq!(encode(&key), bytes);
            }
        }

        #[test]
        fn instants_sort(a: i64, b: i64) {
            let key = |n| Bytes::default().instant(Timestamp(n)).0;
            prop_assert_eq!(a.cmp(&b), key(a).cmp(&key(b)));
        }
    }

    #[test]
    fn the_end_of_a_prefix_is_after_all_of_it() {
        assert!(end_of(b"ab").as_slice() > b"ab\xFF\xFF".as_slice());
        assert!(end_of(&[b'i', 0xFF]).as_slice() > [b'i', 0xFF, 0xFF].as_slice());
    }
}
