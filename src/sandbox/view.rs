//! The world as the page shows it, as one JSON value.

use super::cast::{Cast, Role};
use super::ledger;
use super::life::millis;
use super::pair::{self, Net, Pair};
use crate::case::model::Audience;
use crate::case::time::Timestamp;
use crate::desk::slack::face as slack;
use crate::world::World;
use crate::world::office::{Message, Office};
use crate::world::square::{Square, SquarePost};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Posts that are shown, newest last.
const POSTS: usize = 200;
/// Threads that are shown, newest last.
const THREADS: usize = 60;

/// Everything but the lives of cases and what the demo itself does, as this pair shows it.
#[must_use]
pub fn view(world: &World, cast: &Cast, pair: Pair) -> Value {
    let people: Vec<_> =
        cast.customers.iter().map(|p| json!({"id": p.id, "name": p.name})).collect();
    let staff = cast
        .staff_of(pair.office)
        .iter()
        .map(|p| json!({"id": p.id, "name": p.name, "role": p.role.map_or("", Role::name)}));
    let bot = json!({"id": pair.office.bot(), "name": "careline", "role": "bot"});
    let office = world.offices.get(pair.office.name());
    let square = world.squares.get(pair.net.account());
    let look = Look { world, pair };
    json!({
        "brand": {"handle": "@acme", "name": "Acme Outdoor"},
        "names": names(pair), "choices": choices(),
        "people": people,
        "staff": staff.chain([bot]).collect::<Vec<_>>(),
        "posts": square.map(posts).unwrap_or_default(),
        "channels": office.map(|office| look.channels(office)).unwrap_or_default(),
        "threads": office.map(|office| look.threads(office)).unwrap_or_default(),
        "homes": office.map(|office| homes(office, cast)).unwrap_or_default(),
        "forms": office.map(forms).unwrap_or_default(),
        "ledger": ledger::Ledger::of(world, cast),
    })
}

/// How faults and the page call what is looked at.
fn names(pair: Pair) -> Value {
    json!({
        "network": pair.net.account(), "desk": pair.office.name(), "on": pair.net.name(),
        "network_title": pair.net.title(), "desk_title": pair.office.title(),
        "network_post": pair.net.posting(), "desk_post": pair.office.posting(),
        "talk": pair.office.talk(), "private": pair.net.is_private(), "warns": pair.net.warns(),
        "pictures": pair.net.has_pictures(), "edits": pair.net.edits(),
    })
}

fn choices() -> Value {
    let nets = Net::ALL.map(|net| json!({"name": net.name(), "title": net.title()}));
    let desks = pair::Office::ALL.map(|desk| json!({"name": desk.name(), "title": desk.title()}));
    json!({"networks": nets, "desks": desks})
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

/// A deleted message leaves nothing behind unless others answer it.
fn hidden(m: &Message) -> bool {
    m.deleted && m.only_for.is_some()
}

struct Look<'w> {
    world: &'w World,
    pair: Pair,
}

impl Look<'_> {
    /// A message is in a thread of its own, at the top of a channel, or shown to one member there.
    fn channels(&self, office: &Office) -> Vec<Value> {
        let talk = self.pair.office.talk();
        let all = office.channels.values().filter(|c| c.id == talk).map(|channel| {
            let top = office.messages.values().filter(|m| {
                m.channel == channel.id && m.thread.is_none_or(|root| root == m.id) && !hidden(m)
            });
            let mut messages: Vec<_> = top.map(|m| self.message(office, m)).collect();
            messages.drain(..messages.len().saturating_sub(POSTS));
            json!({"id": channel.id, "name": channel.name, "messages": messages})
        });
        all.collect()
    }

    fn threads(&self, office: &Office) -> Vec<Value> {
        let mut threads: BTreeMap<(i64, &str), Vec<&Message>> = BTreeMap::new();
        for m in office.messages.values().filter(|m| !hidden(m)) {
            let root = m.thread.unwrap_or(m.id);
            threads.entry((root, &m.channel)).or_default().push(m);
        }
        let owners = owners(self.world);
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
            let mut squares = self.world.squares.values();
            let who = owner.and_then(|id| squares.find_map(|square| square.people.get(id)));
            let stamp = self.pair.office.stamp(root);
            all.push(json!({
                "id": format!("{channel}/{stamp}"), "channel": channel, "root": stamp,
                "title": who.map_or("Thread", |p| &p.name), "who": owner,
                "messages": list.iter().map(|m| self.message(office, m)).collect::<Vec<_>>(),
            }));
        }
        all.drain(..all.len().saturating_sub(THREADS));
        all
    }

    fn message(&self, office: &Office, m: &Message) -> Value {
        let author = office.members.get(&m.author);
        let files =
            m.files.iter().filter_map(|id| office.files.get(id)).map(|f| json!({"name": f.name}));
        let gone = m.deleted;
        json!({
            "id": self.pair.office.stamp(m.id), "channel": m.channel, "who": m.author,
            "bot": m.app.is_some(), "name": author.map(|a| &a.name),
            "text": if gone { "" } else { &m.text },
            "blocks": if gone { &Value::Null } else { &m.blocks },
            "files": files.collect::<Vec<_>>(),
            "marks": m.reactions.keys().collect::<Vec<_>>(), "edited": m.edited.is_some(),
            "deleted": gone, "only": m.only_for, "at": millis(Timestamp(m.id)),
        })
    }
}

/// The customer whose post each thread's first message shows.
#[must_use]
pub fn owners(world: &World) -> BTreeMap<(String, i64), String> {
    let mut owners = BTreeMap::new();
    for (post, places) in ledger::shown(world) {
        let mut squares = world.squares.values();
        let Some(author) = squares.find_map(|s| Some(s.posts.get(&post)?.author.clone())) else {
            continue;
        };
        for (channel, id) in places {
            owners.entry((channel, id)).or_insert_with(|| author.clone());
        }
    }
    owners
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
