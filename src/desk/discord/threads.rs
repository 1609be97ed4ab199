//! Threads: opening them once, their tags, and keeping them open while they are needed.
//! Source: <https://docs.discord.com/developers/topics/threads>.

use super::rest::{Call, Trouble};
use super::say::{self, As, Key};
use super::wire::{Channel, Tag};
use super::{Discord, Known, lock};
use crate::case::effect::{Card, Receipt};
use crate::case::id::ThreadId;
use crate::case::rich::Rich;
use crate::desk::{Failure, Outgoing};
use serde_json::json;
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
    /// Held while a forum's tags are changed: the whole list is written anew, and two at once
    /// would undo each other.
    making: tokio::sync::Mutex<()>,
    /// Forums whose tags we may not change.
    closed: Mutex<BTreeSet<String>>,
    set: Mutex<BTreeMap<String, Set>>,
    /// Names of networks that cards said.
    networks: Mutex<BTreeSet<String>>,
}

/// What a thread was set to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set {
    archived: bool,
    tags: BTreeSet<String>,
}

impl Labels {
    pub(super) fn learn(&self, forum: &Channel) {
        lock(&self.forums).insert(forum.id.clone(), forum.available_tags.clone());
    }

    fn of(&self, forum: &str) -> Vec<Tag> {
        lock(&self.forums).get(forum).cloned().unwrap_or_default()
    }

    /// What is known of a forum's tags is not so any more.
    fn unlearn(&self, forum: &str) {
        lock(&self.forums).remove(forum);
    }

    /// A thread as Discord tells it. What somebody else changed is no longer known as set by us.
    /// Says whether its case is closed, as far as it can be seen.
    pub(super) fn told(&self, thread: &Channel) -> Option<bool> {
        let archived = thread.thread_metadata.as_ref().is_some_and(|known| known.archived);
        let tags = thread.applied_tags.iter().cloned().collect();
        let now = Set { archived, tags };
        let before = lock(&self.set).get(&thread.id).cloned();
        if before.as_ref().is_some_and(|before| *before != now) {
            self.forget(&thread.id);
        }
        let ours = self.of(&thread.parent_id);
        let named =
            |name: &str| ours.iter().any(|tag| same(&tag.name, name) && now.tags.contains(&tag.id));
        let known = say::STANDINGS.iter().any(|name| named(name));
        before.map(|before| before.archived).or_else(|| known.then(|| named(say::CLOSED)))
    }

    /// Is this a tag that careline sets: a standing, or a network's name as cards said it?
    fn is_ours(&self, tag: &Tag) -> bool {
        say::STANDINGS.iter().any(|name| same(name, &tag.name))
            || lock(&self.networks).iter().any(|name| same(name, &tag.name))
    }

    /// What we set is no longer known.
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
    // Tags are looks: a post whose tags are refused, since somebody changed the forum's meanwhile,
    // goes without. A refusal says that nothing was done.
    if let (Err(Trouble::No(400, 50035, _)), true) = (&made, !tags.is_empty()) {
        desk.labels.unlearn(forum);
        body.as_object_mut().map(|fields| fields.remove("applied_tags"));
        made = desk.rest.call(Call::post(&path, body.clone())).await;
    }
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
    let network = wanted.iter().filter(|name| !say::STANDINGS.contains(&name.as_str()));
    lock(&desk.labels.networks).extend(network.cloned());
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
    let _alone = desk.labels.making.lock().await;
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
    let (forum, root) = (&thread.channel.channel, thread.root.as_str());
    let archived = say::is_closed(card);
    let is_forum = desk.is_forum(forum).await;
    let ours = if is_forum { tags(desk, forum, card).await } else { Vec::new() };
    let wanted = |set: &Set| {
        set.archived == archived
            && ours.iter().all(|tag| set.tags.contains(tag))
            && set.tags.len() <= POST_TAGS
    };
    let set = lock(&desk.labels.set).get(root).cloned();
    // Which tags of ours stand there is known only from what was set.
    if set.as_ref().is_some_and(|set| wanted(set) && standing(desk, forum, set) == ours.len()) {
        return Ok(());
    }
    let mut body = json!({"archived": archived});
    let mut all = ours;
    if is_forum && !all.is_empty() {
        all.extend(theirs(desk, forum, root).await);
        all.truncate(POST_TAGS);
        body["applied_tags"] = json!(all);
    }
    match desk.rest.call(Call::patch(&["channels", root], body)).await {
        Ok(_) => {
            let mut known = lock(&desk.labels.set);
            if known.len() >= super::REMEMBERED {
                known.clear();
            }
            known.insert(root.to_owned(), Set { archived, tags: all.into_iter().collect() });
            Ok(())
        }
        // Looks, not words: a card must not fail for what we may not or cannot set.
        Err(Trouble::No(..)) => {
            desk.labels.unlearn(forum);
            Ok(())
        }
        Err(trouble) => Err(trouble.after_write()),
    }
}

/// How many tags of a post are careline's to set.
fn standing(desk: &Discord, forum: &str, set: &Set) -> usize {
    let known = desk.labels.of(forum);
    known.iter().filter(|tag| set.tags.contains(&tag.id) && desk.labels.is_ours(tag)).count()
}

/// Tags that people gave a post: those stay.
async fn theirs(desk: &Discord, forum: &str, post: &str) -> Vec<String> {
    let Ok(told) = desk.rest.call(Call::get(&["channels", post])).await else { return Vec::new() };
    let told: Channel = serde_json::from_value(told).unwrap_or_default();
    let known = desk.labels.of(forum);
    let ours = |id: &String| known.iter().any(|tag| tag.id == *id && desk.labels.is_ours(tag));
    told.applied_tags.into_iter().filter(|id| !ours(id)).collect()
}

/// Opens a thread that somebody locked, and says so in it.
pub(super) async fn unlock(desk: &Discord, thread: &str) -> Result<(), Trouble> {
    let body = json!({"archived": false, "locked": false});
    desk.rest.call(Call::patch(&["channels", thread], body)).await?;
    let words = "This thread was locked by hand. It is open again, because its case is; \
                 `close` puts both away.";
    let said = say::of_answer(&Rich::of(words), &[]);
    desk.post(thread, say::sealed(&said, As::Answer { to: None })).await.map(drop)
}
