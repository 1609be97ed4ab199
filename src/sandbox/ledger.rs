//! What really happened, judged from what stands on both platforms and never from careline's own
//! record: was every customer's post shown once, was every answer sent once, did an inside word get
//! out?

use super::cast::{Cast, Role};
use super::pair::Net;
use crate::case::model::Audience;
use crate::world::World;
use crate::world::office::{Message, What as Deed};
use crate::world::square::{API, Square, SquarePost, What};
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
        let to = |post: &&SquarePost| (post.parent, post.mentions.clone(), post.text.clone());
        let different: BTreeSet<_> = sent.iter().map(to).collect();
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

/// What the program sent for us: a colleague's own app gives no key, and comes through no API.
pub fn sent(square: &Square) -> impl Iterator<Item = &SquarePost> {
    let us = square.us().map(|us| us.id.clone()).unwrap_or_default();
    let by_program = |post: &SquarePost| post.key.is_some() || post.app.as_deref() == Some(API);
    posted(square).filter(move |post| post.author == us && by_program(post))
}

/// In which messages of the app, at any desk, each post was shown, by its link: the channel and
/// the message. A post that has no link is known by its words, and only its first place is told.
#[must_use]
pub fn shown(world: &World) -> BTreeMap<i64, BTreeSet<(String, i64)>> {
    let mut found: BTreeMap<i64, BTreeSet<(String, i64)>> = BTreeMap::new();
    let happened = world.offices.values().flat_map(|office| &office.happened);
    let messages = happened.filter_map(|happening| match &happening.what {
        Deed::Posted { message } => Some(message),
        _ => None,
    });
    let mut bare_posts = unlinked(world);
    for message in messages.filter(|m| m.app.is_some() && m.only_for.is_none()) {
        let place = || (message.channel.clone(), message.id);
        for post in linked(world, message) {
            found.entry(post).or_default().insert(place());
        }
        if bare_posts.is_empty() {
            continue;
        }
        let said = bare(&words(message));
        bare_posts.retain(|(post, text)| {
            let shows = message.id > *post && said.contains(text) && !quotes(message);
            if shows {
                found.entry(*post).or_default().insert(place());
            }
            !shows
        });
    }
    found
}

/// Does it stand by itself without being a card? An alert repeats a customer's words.
fn quotes(message: &Message) -> bool {
    let top = message.thread.is_none_or(|root| root == message.id);
    top && value(message, "Note").is_none()
}

/// What a message's button with this label asks: Slack's value or action id, Discord's custom id.
pub(super) fn value(message: &Message, label: &str) -> Option<String> {
    let rows = message.blocks.as_array()?.iter();
    let all = |row: &'_ Value, key: &str| row[key].as_array().cloned().unwrap_or_default();
    let mut elements = rows.flat_map(|row| [all(row, "elements"), all(row, "components")].concat());
    let found = elements.find(|e| e["text"]["text"] == label || e["label"] == label)?;
    let value = ["value", "action_id", "custom_id"].iter().find_map(|key| found[*key].as_str());
    value.map(str::to_owned)
}

/// Posts that have no link of their own, and their words: private messages at X and Meta, and
/// comments on Instagram.
fn unlinked(world: &World) -> Vec<(i64, String)> {
    let is = |net: Net, post: &SquarePost| match net {
        Net::Mastodon | Net::Bluesky => false,
        Net::X | Net::Facebook => post.audience == Audience::Direct,
        Net::Instagram => true,
    };
    let squares = world.squares.iter().filter_map(|(name, square)| Some((Net::of(name)?, square)));
    let posts = squares.flat_map(|(net, square)| {
        to_us(square).filter(move |post| is(net, post)).map(|post| (post.id, bare(&post.text)))
    });
    posts.filter(|(_, text)| !text.is_empty()).collect()
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
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = &part[..part.find(|c| !letter(c)).unwrap_or(part.len())];
        // A comment of Facebook stands behind its post: `POST_COMMENT`.
        named(world, name.rsplit('_').next()?)
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
