//! Threads: opening them once, their tags, and keeping them open while they are needed.
//! Source: <https://docs.discord.com/developers/topics/threads>.

use super::rest::{Call, Trouble};
use super::say::{self, As, Key};
use super::wire::{Channel, Tag};
use super::{Discord, Known, lock};
use crate::case::effect::{Card, Receipt};
use crate::case::id::ThreadId;
use crate::desk::{Failure, Outgoing};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Mutex;

/// Tags of a forum, and of one post, at most.
const FORUM_TAGS: usize = 20;
const POST_TAGS: usize = 5;
/// A week: the longest that Discord leaves a quiet thread open.
const QUIET_MINUTES: u16 = 10_080;

/// What is known of forums' tags, and of what each thread was last set to.
#[derive(Default)]
pub(super) struct Labels {
    forums: Mutex<BTreeMap<String, Vec<Tag>>>,
    /// Forums whose tags we may not change.
    closed: Mutex<BTreeSet<String>>,
    set: Mutex<BTreeMap<String, Value>>,
}

impl Labels {
    pub(super) fn learn(&self, forum: &Channel) {
        lock(&self.forums).insert(forum.id.clone(), forum.available_tags.clone());
    }

    fn of(&self, forum: &str) -> Vec<Tag> {
        lock(&self.forums).get(forum).cloned().unwrap_or_default()
    }

    /// A thread was changed by somebody: what we set is no longer known.
    pub(super) fn forget(&self, thread: &str) {
        lock(&self.set).remove(thread);
    }
}

/// Opens a case's thread. After an attempt whose end nobody knows it looks before it makes a
/// second one: making a thread takes no nonce.
pub(super) async fn open(
    desk: &Discord,
    out: &Outgoing,
    channel: &str,
    card: &Card,
) -> Result<Receipt, Failure> {
    let forum = desk.is_forum(channel).await;
    if out.attempt > 1
        && let Some(receipt) = super::sweep::find(desk, out, channel).await?
    {
        return if forum { Ok(receipt) } else { below(desk, channel, receipt, card).await };
    }
    let said = say::said(out).ok_or_else(super::no_place)?;
    if forum {
        let tags = tags(desk, channel, card).await;
        return post(desk, channel, &say::name(card), tags, &said, &Key::of(out)).await;
    }
    let body = say::sealed(&said, As::New(&Key::of(out)));
    let receipt = desk.post(channel, body).await.map_err(Trouble::after_write)?;
    below(desk, channel, receipt, card).await
}

/// A thread below the card; it gets the card's id. One that is there already is the one.
async fn below(
    desk: &Discord,
    channel: &str,
    card: Receipt,
    shown: &Card,
) -> Result<Receipt, Failure> {
    let body = json!({"name": say::name(shown), "auto_archive_duration": QUIET_MINUTES});
    let call = Call::post(&["channels", channel, "messages", &card.remote, "threads"], body);
    match desk.rest.call(call).await {
        Ok(_) | Err(Trouble::No(_, 160_004, _)) => {
            desk.remember(&card.remote, Known::Thread(channel.to_owned()));
            Ok(Receipt { url: Some(desk.link(&card.remote, &card.remote)), ..card })
        }
        // The card stands: only a look can tell how far this came.
        Err(Trouble::Busy(_) | Trouble::NotSent(_) | Trouble::Lost(_)) => {
            Err(Failure::Unsure("the card stands, but its thread is not known to be made".into()))
        }
        Err(trouble) => Err(trouble.after_write()),
    }
}

/// A post in a forum, with its first message.
async fn post(
    desk: &Discord,
    forum: &str,
    name: &str,
    tags: Vec<String>,
    said: &say::Said,
    key: &Key,
) -> Result<Receipt, Failure> {
    let message = say::sealed(said, As::First(key)).into_value();
    let mut body = json!({
        "name": name, "auto_archive_duration": QUIET_MINUTES, "message": message,
    });
    if !tags.is_empty() {
        body["applied_tags"] = json!(tags);
    }
    let path = ["channels", forum, "threads"];
    let mut made = desk.rest.call(Call::post(&path, body.clone())).await;
    // A forum that wants a tag on every post gets the first it has.
    if let (Err(Trouble::No(_, 40067, _)), Some(tag)) = (&made, desk.labels.of(forum).first()) {
        body["applied_tags"] = json!([tag.id]);
        made = desk.rest.call(Call::post(&path, body)).await;
    }
    let made = made.map_err(Trouble::after_write)?;
    let id = made["id"].as_str().unwrap_or_default().to_owned();
    desk.remember(&id, Known::Thread(forum.to_owned()));
    desk.receipt(&id, &made).map_err(Trouble::after_write)
}

/// A message outside any case: in a forum a post of its own.
pub(super) async fn tell(
    desk: &Discord,
    out: &Outgoing,
    channel: &str,
) -> Result<Receipt, Failure> {
    let said = say::said(out).ok_or_else(super::no_place)?;
    let key = Key::of(out);
    if desk.is_forum(channel).await {
        if out.attempt > 1
            && let Some(receipt) = super::sweep::find(desk, out, channel).await?
        {
            return Ok(receipt);
        }
        return post(desk, channel, "careline", Vec::new(), &said, &key).await;
    }
    desk.post(channel, say::sealed(&said, As::New(&key))).await.map_err(Trouble::after_write)
}

/// Does something in a thread; one that was archived or locked is opened for it, once. Both
/// refusals say that nothing was done.
pub(super) async fn opening<F: Future<Output = Result<Receipt, Trouble>>>(
    desk: &Discord,
    thread: &str,
    act: impl Fn() -> F,
) -> Result<Receipt, Failure> {
    match act().await {
        Err(trouble) if matches!(trouble.code(), 50083 | 160_005) => {
            let locked = trouble.code() == 160_005;
            let wake = if locked {
                json!({"archived": false, "locked": false})
            } else {
                json!({"archived": false})
            };
            desk.labels.forget(thread);
            match desk.rest.call(Call::patch(&["channels", thread], wake)).await {
                Ok(_) => act().await.map_err(Trouble::after_write),
                // It stays shut: for the case it is as good as gone.
                Err(Trouble::No(403, _, _)) => {
                    Err(Failure::Gone("its thread was locked by hand".into()))
                }
                Err(other) => Err(other.after_read()),
            }
        }
        done => done.map_err(Trouble::after_write),
    }
}

/// Ids of the tags that a card asks for. Missing ones are made where we may.
async fn tags(desk: &Discord, forum: &str, card: &Card) -> Vec<String> {
    let wanted = say::tags(card);
    let has = |all: &[Tag], name: &str| all.iter().any(|tag| same(&tag.name, name));
    let known = desk.labels.of(forum);
    if wanted.iter().any(|name| !has(&known, name)) && !lock(&desk.labels.closed).contains(forum) {
        make(desk, forum, &wanted).await;
    }
    let known = desk.labels.of(forum);
    let of = |name: &String| known.iter().find(|tag| same(&tag.name, name)).map(|t| t.id.clone());
    wanted.iter().filter_map(of).take(POST_TAGS).collect()
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Adds tags to a forum, after those it has now; people's own tags stay.
async fn make(desk: &Discord, forum: &str, wanted: &[String]) {
    let Ok(told) = desk.rest.call(Call::get(&["channels", forum])).await else { return };
    let mut all = told["available_tags"].as_array().cloned().unwrap_or_default();
    let there = all.len();
    for name in wanted {
        let known = all.iter().any(|tag| tag["name"].as_str().is_some_and(|n| same(n, name)));
        if !known && all.len() < FORUM_TAGS {
            all.push(json!({"name": name}));
        }
    }
    let told = if all.len() == there {
        Ok(told)
    } else {
        let body = json!({"available_tags": all});
        desk.rest.call(Call::patch(&["channels", forum], body)).await
    };
    match told {
        Ok(told) => desk.labels.learn(&serde_json::from_value(told).unwrap_or_default()),
        Err(Trouble::No(403, _, _)) => {
            tracing::info!(forum, "careline may not make tags here; posts go without");
            lock(&desk.labels.closed).insert(forum.to_owned());
        }
        Err(_) => {}
    }
}

/// Tags as the card says; a closed case's thread is archived, an open one's is not.
pub(super) async fn keep_in_step(
    desk: &Discord,
    thread: &ThreadId,
    card: &Card,
) -> Result<(), Failure> {
    let forum = &thread.channel.channel;
    let mut body = json!({"archived": say::is_closed(card)});
    if desk.is_forum(forum).await {
        let tags = tags(desk, forum, card).await;
        if !tags.is_empty() {
            body["applied_tags"] = json!(tags);
        }
    }
    if lock(&desk.labels.set).get(&thread.root) == Some(&body) {
        return Ok(());
    }
    let path = ["channels", thread.root.as_str()];
    match desk.rest.call(Call::patch(&path, body.clone())).await {
        Ok(_) => {
            let mut set = lock(&desk.labels.set);
            if set.len() >= super::REMEMBERED {
                set.clear();
            }
            set.insert(thread.root.clone(), body);
            Ok(())
        }
        // Looks, not words: a card must not fail for what we may not or cannot set.
        Err(Trouble::No(..)) => Ok(()),
        Err(trouble) => Err(trouble.after_write()),
    }
}
