//! What really happened, judged from what stands on both platforms and never from careline's own
//! record: was every customer's post shown once, was every answer sent once, did an inside word get
//! out?

use super::cast::{Cast, Role};
use crate::world::World;
use crate::world::office::{Message, What as Deed};
use crate::world::square::{Square, SquarePost, What};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A post may be on its way for this long before it counts as lost, in microseconds.
const GRACE: i64 = 20_000_000;

/// The counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Posts that customers wrote to us.
    pub wrote: usize,
    /// Those that stand in a thread.
    pub shown: usize,
    /// Those on their way.
    pub waiting: usize,
    /// Those that do not stand in a thread and should by now.
    pub lost: usize,
    /// Times a post was shown again.
    pub doubled: usize,
    /// Posts of ours that the program sent.
    pub sent: usize,
    /// Times the same answer was sent again.
    pub sent_twice: usize,
    /// Words for inside that stand outside.
    pub outside: usize,
}

impl Ledger {
    /// Counts.
    #[must_use]
    pub fn of(world: &World, cast: &Cast) -> Self {
        let shown = shown(world);
        let mut ledger = Self::default();
        for square in world.squares.values() {
            for post in to_us(square) {
                ledger.wrote += 1;
                let stands = square.posts.get(&post.id).is_some_and(|now| !now.deleted);
                let late = world.now.0 - post.written.0 > GRACE;
                ledger.customers(shown.get(&post.id).map_or(0, BTreeSet::len), stands, late);
            }
        }
        let sent: Vec<_> = world.squares.values().flat_map(sent).collect();
        let different: BTreeSet<_> = sent.iter().map(|post| (post.parent, &post.text)).collect();
        ledger.sent = sent.len();
        ledger.sent_twice = sent.len() - different.len();
        ledger.outside = outside(world, cast, &sent);
        ledger
    }

    fn customers(&mut self, times: usize, stands: bool, late: bool) {
        self.shown += usize::from(times > 0);
        self.doubled += times.saturating_sub(1);
        self.lost += usize::from(times == 0 && stands && late);
        self.waiting += usize::from(times == 0 && stands && !late);
    }
}

/// Posts as they were first written, deleted ones too.
fn posted(square: &Square) -> impl Iterator<Item = &SquarePost> {
    square.happened.iter().filter_map(|happening| match &happening.what {
        What::Posted { post } => Some(&**post),
        _ => None,
    })
}

/// What customers wrote to us, in order.
pub fn to_us(square: &Square) -> impl Iterator<Item = &SquarePost> {
    let us = square.us().map(|us| us.id.clone()).unwrap_or_default();
    posted(square).filter(move |post| post.author != us && post.mentions.contains(&us))
}

/// What the program sent for us: a colleague's own app gives no key.
pub fn sent(square: &Square) -> impl Iterator<Item = &SquarePost> {
    let us = square.us().map(|us| us.id.clone()).unwrap_or_default();
    posted(square).filter(move |post| post.author == us && post.key.is_some())
}

/// In which messages of the app, at any desk, each post was shown, by its link: the channel and
/// the message.
#[must_use]
pub fn shown(world: &World) -> BTreeMap<i64, BTreeSet<(String, i64)>> {
    let mut found: BTreeMap<i64, BTreeSet<(String, i64)>> = BTreeMap::new();
    let happened = world.offices.values().flat_map(|office| &office.happened);
    let messages = happened.filter_map(|happening| match &happening.what {
        Deed::Posted { message } => Some(message),
        _ => None,
    });
    for message in messages.filter(|m| m.app.is_some() && m.only_for.is_none()) {
        for post in linked(world, message) {
            found.entry(post).or_default().insert((message.channel.clone(), message.id));
        }
    }
    found
}

/// Ids of posts, of any network, that this message links to.
#[must_use]
pub fn linked(world: &World, message: &Message) -> BTreeSet<i64> {
    let blocks = match &message.blocks {
        Value::Null => String::new(),
        blocks => blocks.to_string(),
    };
    let parts = blocks.split('/').chain(message.text.split('/'));
    let ids = parts.filter_map(|part| {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len());
        named(world, &part[..end])
    });
    ids.collect()
}

/// The post that is called so at the end of a link: by its number, or by a record's key.
fn named(world: &World, name: &str) -> Option<i64> {
    if let Some(id) = name.parse::<i64>().ok().filter(|_| name.len() > 9) {
        return world.squares.values().any(|s| s.posts.contains_key(&id)).then_some(id);
    }
    // A key of Bluesky has 13 letters (<https://atproto.com/specs/tid>). Newest first: what is
    // linked to was written lately.
    let mut posts = world.squares.values().flat_map(|square| square.posts.values().rev());
    let found = (name.len() == 13).then(|| posts.find(|post| post.key.as_deref() == Some(name)));
    found?.map(|post| post.id)
}

/// All words that a message shows, as plain text.
#[must_use]
pub fn words(message: &Message) -> String {
    let mut out = String::new();
    gather(&message.blocks, &mut out);
    let plain = match out.trim().is_empty() {
        // Discord's words are markdown in the text itself, and its buttons no words.
        true => message.text.replace("**", "").replace('\\', ""),
        false => out,
    };
    let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    // Marks that keep the direction of writing inside a name are not words.
    let plain = plain.replace(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'], "");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Pieces of one sentence stand without a gap; blocks, fields and buttons do not.
const PIECES: [&str; 6] = ["text", "link", "emoji", "user", "channel", "date"];

fn gather(value: &Value, out: &mut String) {
    match value {
        Value::Array(all) => all.iter().for_each(|value| gather(value, out)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "text" || key == "alt_text" => {
                        out.push_str(text);
                    }
                    Value::Array(_) | Value::Object(_) => gather(value, out),
                    _ => {}
                }
            }
            let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
            if !PIECES.contains(&kind) {
                out.push(' ');
            }
        }
        _ => {}
    }
}

/// Letters and digits alone: what survives every rewriting on the way.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Messages of people who never speak to customers, and notes, that stand in a post of ours. Very
/// short ones are left out: "ok" may stand anywhere.
fn outside(world: &World, cast: &Cast, sent: &[&SquarePost]) -> usize {
    let posts: Vec<String> = sent.iter().map(|post| bare(&post.text)).collect();
    let speaks = |id: &str| cast.member(id).is_some_and(|p| p.role == Some(Role::Agent));
    let happened = world.offices.values().flat_map(|office| &office.happened);
    let inside = happened.filter_map(|happening| match &happening.what {
        Deed::Posted { message } if message.app.is_none() => Some(message),
        _ => None,
    });
    let is_note = |text: &str| text.split_whitespace().next().is_some_and(|w| bare(w) == "note");
    let inside = inside.filter(|m| !speaks(&m.author) || is_note(&m.text));
    let words = inside.map(|m| bare(&m.text)).filter(|words| words.len() > 12);
    words.filter(|words| posts.iter().any(|post| post.contains(words))).count()
}
