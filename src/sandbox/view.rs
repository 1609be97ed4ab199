//! The world as the page shows it, as one JSON value.

use super::cast::{ACCOUNT, Cast, DESK, Role};
use super::ledger;
use super::life::millis;
use crate::case::model::Audience;
use crate::case::time::Timestamp;
use crate::desk::slack::face::{self as slack, stamp};
use crate::world::World;
use crate::world::office::{Message, Office};
use crate::world::square::{Square, SquarePost};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Posts that are shown, newest last.
const POSTS: usize = 200;
/// Threads that are shown, newest last.
const THREADS: usize = 60;

/// Everything but the lives of cases and what the demo itself does.
#[must_use]
pub fn view(world: &World, cast: &Cast) -> Value {
    let people: Vec<_> =
        cast.customers.iter().map(|p| json!({"id": p.id, "name": p.name})).collect();
    let staff = cast
        .staff
        .iter()
        .map(|p| json!({"id": p.id, "name": p.name, "role": p.role.map_or("", Role::name)}));
    let bot = json!({"id": cast.bot(), "name": "careline", "role": "bot"});
    let office = world.offices.get(DESK);
    json!({
        "brand": {"handle": "@acme", "name": "Acme Outdoor"},
        "names": {"network": ACCOUNT, "desk": DESK},
        "people": people,
        "staff": staff.chain([bot]).collect::<Vec<_>>(),
        "posts": world.squares.get(ACCOUNT).map(posts).unwrap_or_default(),
        "channels": office.map(channels).unwrap_or_default(),
        "threads": office.map(|office| threads(world, office)).unwrap_or_default(),
        "homes": office.map(|office| homes(office, cast)).unwrap_or_default(),
        "forms": office.map(forms).unwrap_or_default(),
        "ledger": ledger::Ledger::of(world, cast),
    })
}

fn posts(square: &Square) -> Vec<Value> {
    let skip = square.posts.len().saturating_sub(POSTS);
    square.posts.values().skip(skip).map(|post| one_post(square, post)).collect()
}

fn one_post(square: &Square, post: &SquarePost) -> Value {
    let author = square.people.get(&post.author);
    let pictures = post.media.iter().filter_map(|id| square.media.get(id));
    let gone = post.deleted;
    json!({
        "id": post.id.to_string(), "who": post.author,
        "name": author.map(|a| &a.name), "handle": author.map(|a| format!("@{}", a.handle)),
        "ours": author.is_some_and(|a| a.is_us),
        "text": if gone { "" } else { &post.text }, "warning": post.warning,
        "pictures": pictures.map(|m| json!({"src": m.url, "alt": m.alt})).collect::<Vec<_>>(),
        "to": post.parent.map(|id| id.to_string()), "audience": audience(post.audience),
        "at": millis(post.written), "edited": post.edited.is_some(), "deleted": gone,
    })
}

const fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Direct => "direct",
        Audience::Followers => "followers",
        Audience::Unlisted => "unlisted",
        Audience::Public => "public",
    }
}

/// A message is in a thread of its own, at the top of a channel, or shown to one member there.
fn channels(office: &Office) -> Vec<Value> {
    let all = office.channels.values().map(|channel| {
        let top = office.messages.values().filter(|m| {
            m.channel == channel.id && m.thread.is_none_or(|root| root == m.id) && !hidden(m)
        });
        let mut messages: Vec<_> = top.map(|m| message(office, m)).collect();
        messages.drain(..messages.len().saturating_sub(POSTS));
        json!({"id": channel.id, "name": channel.name, "messages": messages})
    });
    all.collect()
}

/// A deleted message leaves nothing behind unless others answer it.
fn hidden(m: &Message) -> bool {
    m.deleted && m.only_for.is_some()
}

fn threads(world: &World, office: &Office) -> Vec<Value> {
    let mut threads: BTreeMap<(i64, &str), Vec<&Message>> = BTreeMap::new();
    for m in office.messages.values().filter(|m| !hidden(m)) {
        let root = m.thread.unwrap_or(m.id);
        threads.entry((root, &m.channel)).or_default().push(m);
    }
    let owners = owners(world);
    let ours = |root: i64, channel: &str| {
        let first = office.messages.get(&(channel.to_owned(), root));
        first.is_some_and(|m| m.app.is_some() && m.only_for.is_none())
    };
    let mut all: Vec<Value> = Vec::new();
    for ((root, channel), list) in threads {
        let owner = owners.get(&(channel.to_owned(), root));
        if !ours(root, channel) || (owner.is_none() && list.len() < 2) {
            continue;
        }
        let who = owner.and_then(|id| world.squares.get(ACCOUNT)?.people.get(id));
        all.push(json!({
            "id": format!("{channel}/{}", stamp(root)), "channel": channel, "root": stamp(root),
            "title": who.map_or("Thread", |p| &p.name), "who": owner,
            "messages": list.iter().map(|m| message(office, m)).collect::<Vec<_>>(),
        }));
    }
    all.drain(..all.len().saturating_sub(THREADS));
    all
}

/// The customer whose post each thread's first message shows.
#[must_use]
pub fn owners(world: &World) -> BTreeMap<(String, i64), String> {
    let mut owners = BTreeMap::new();
    let Some(square) = world.squares.get(ACCOUNT) else { return owners };
    for (post, places) in ledger::shown(world) {
        let Some(author) = square.posts.get(&post).map(|post| post.author.clone()) else {
            continue;
        };
        for (channel, id) in places {
            owners.entry((channel, id)).or_insert_with(|| author.clone());
        }
    }
    owners
}

fn message(office: &Office, m: &Message) -> Value {
    let author = office.members.get(&m.author);
    let files =
        m.files.iter().filter_map(|id| office.files.get(id)).map(|f| json!({"name": f.name}));
    let gone = m.deleted;
    json!({
        "id": stamp(m.id), "channel": m.channel, "who": m.author, "bot": m.app.is_some(),
        "name": author.map(|a| &a.name), "text": if gone { "" } else { &m.text },
        "blocks": if gone { &Value::Null } else { &m.blocks }, "files": files.collect::<Vec<_>>(),
        "marks": m.reactions.keys().collect::<Vec<_>>(), "edited": m.edited.is_some(),
        "deleted": gone, "only": m.only_for, "at": millis(Timestamp(m.id)),
    })
}

/// What the app's page shows each member of staff who has looked at it.
fn homes(office: &Office, cast: &Cast) -> Vec<Value> {
    let pages = cast.staff.iter().filter_map(|who| Some((who, slack::page(office, &who.id)?)));
    pages.map(|(who, view)| json!({"who": who.id, "view": view})).collect()
}

fn forms(office: &Office) -> Vec<Value> {
    let open = office.forms.values().filter(|form| !form.closed);
    open.map(|f| json!({"id": f.id, "who": f.member, "view": f.view, "errors": f.errors})).collect()
}
