//! Reading back: what an earlier attempt left, and what was written while we were away.

use super::hear::{self, Me};
use super::rest::{Call, Trouble};
use super::wire::{Channel, Message, id_at, instant, order};
use super::{Discord, Known};
use crate::case::effect::{Notice, Receipt};
use crate::case::event::Envelope;
use crate::case::time::Span;
use crate::desk::{Failure, Looked, Mark, Outgoing};
use crate::inbox::{Inbox, Pulse, Shut};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How much earlier than our clock says an attempt may have been made.
const SKEW: Span = Span::seconds(60);
/// How far before the newest known message edits are looked for.
const EDITS: Span = Span::minutes(15);
/// Between two reads that are not urgent.
const SLOWLY: Duration = Duration::from_millis(250);
/// Messages of one page, at most (resources/message, "Get Channel Messages").
const PAGE: usize = 100;
/// Pages of one read; a thread that grew by more in one outage is read on at the next sweep.
const PAGES: usize = 50;
/// Posts of a forum that are opened in search of our own.
const POSTS: usize = 50;

type Found<T> = Result<T, Trouble>;

/// All messages after this one, oldest first.
async fn after(desk: &Discord, channel: &str, from: &str) -> Found<Vec<Message>> {
    Ok(reading(desk, channel, from).await?.0)
}

/// The same, and whether the end was reached.
async fn reading(desk: &Discord, channel: &str, after: &str) -> Found<(Vec<Message>, bool)> {
    let (mut all, mut from) = (Vec::new(), after.to_owned());
    for _ in 0..PAGES {
        let call = Call::get(&["channels", channel, "messages"]);
        let call = call.ask("after", from.clone()).ask("limit", PAGE.to_string());
        let mut page: Vec<Message> = read(desk.rest.call(call).await?)?;
        let full = page.len() >= PAGE;
        page.sort_by_key(|m| order(&m.id));
        page.retain(|m| order(&m.id) > order(&from));
        let Some(last) = page.last() else { return Ok((all, !full)) };
        from.clone_from(&last.id);
        all.append(&mut page);
        if !full {
            return Ok((all, true));
        }
    }
    Ok((all, false))
}

fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Found<T> {
    serde_json::from_value(value).map_err(|_| Trouble::Lost("the answer cannot be read".into()))
}

async fn active(desk: &Discord) -> Found<Vec<Channel>> {
    let told = desk.rest.call(Call::get(&["guilds", &desk.guild, "threads", "active"])).await?;
    read(told["threads"].clone())
}

fn is_of(me: &Me, message: &Message, out: &Outgoing) -> bool {
    me.is_mine(message)
        && hear::marks(message).is_some_and(|(deployment, delivery)| {
            deployment == out.deployment && delivery == out.id
        })
}

/// Searches for what this delivery may have made in a channel: a forum post or a message.
pub(super) async fn find(
    desk: &Discord,
    out: &Outgoing,
    channel: &str,
) -> Result<Option<Receipt>, Failure> {
    let found = async {
        let me = desk.me().await?;
        if desk.is_forum(channel).await {
            in_forum(desk, &me, out, channel).await
        } else {
            in_channel(desk, &me, out, channel).await
        }
    };
    found.await.map_err(Trouble::after_read)
}

async fn in_channel(
    desk: &Discord,
    me: &Me,
    out: &Outgoing,
    channel: &str,
) -> Found<Option<Receipt>> {
    let all = after(desk, channel, &id_at(out.first - SKEW)).await?;
    let found = all.iter().find(|message| is_of(me, message, out));
    Ok(found.and_then(|message| receipt(desk, channel, &message.id)))
}

fn receipt(desk: &Discord, channel: &str, id: &str) -> Option<Receipt> {
    let url = Some(desk.link(channel, id));
    Some(Receipt { remote: id.to_owned(), url, at: instant(id)? })
}

/// Newest posts first; the first message of each carries our marks.
async fn in_forum(desk: &Discord, me: &Me, out: &Outgoing, forum: &str) -> Found<Option<Receipt>> {
    let since = order(&id_at(out.first - SKEW));
    let mut posts = active(desk).await?;
    posts.retain(|post| post.parent_id == forum && order(&post.id) >= since);
    posts.sort_by_key(|post| std::cmp::Reverse(order(&post.id)));
    for post in posts.iter().take(POSTS) {
        let first = match desk.message(&post.id, &post.id).await {
            Ok(first) => first,
            Err(Trouble::No(404, _, _)) => continue,
            Err(trouble) => return Err(trouble),
        };
        if is_of(me, &first, out) {
            desk.remember(&post.id, Known::Thread(forum.to_owned()));
            return Ok(receipt(desk, &post.id, &post.id));
        }
    }
    Ok(None)
}

/// See [`crate::desk::Desk::look`].
pub(super) async fn look(desk: &Discord, out: &Outgoing) -> Looked {
    match looked(desk, out).await {
        Ok(Some(receipt)) => Looked::There(receipt),
        Ok(None) => Looked::Absent,
        Err(Failure::Gone(_)) => Looked::Absent,
        Err(
            Failure::Later { why, .. }
            | Failure::Never(why)
            | Failure::Dead(why)
            | Failure::Unsure(why),
        ) => Looked::Unclear(why),
    }
}

async fn looked(desk: &Discord, out: &Outgoing) -> Result<Option<Receipt>, Failure> {
    match &out.notice {
        Notice::Open { channel, .. } => {
            let found = find(desk, out, &channel.channel).await?;
            let Some(card) = found.filter(|_| true) else { return Ok(None) };
            if desk.is_forum(&channel.channel).await {
                return Ok(Some(card));
            }
            thread_of(desk, card).await
        }
        Notice::Tell { channel, .. } => find(desk, out, &channel.channel).await,
        Notice::Post(_) => {
            let thread = out.thread.as_ref().ok_or_else(super::no_place)?;
            let me = desk.me().await.map_err(Trouble::after_read)?;
            in_channel(desk, &me, out, &thread.root).await.map_err(Trouble::after_read)
        }
        Notice::Amend { of, .. } => amended(desk, out, of).await,
        Notice::Mark { message, mark } => {
            let (channel, id) = (&message.channel.channel, &message.message);
            let there = desk.message(channel, id).await.map_err(Trouble::after_read)?;
            let emoji = super::say::emoji(*mark);
            let marked = there.reactions.iter().any(|r| r.me && r.emoji.name == emoji);
            Ok(marked.then(|| desk.mark_receipt(message)))
        }
    }
}

/// The card stands; does its thread? Without it the next attempt finds the card and makes it.
async fn thread_of(desk: &Discord, card: Receipt) -> Result<Option<Receipt>, Failure> {
    match desk.rest.call(Call::get(&["channels", &card.remote])).await {
        Ok(_) => Ok(Some(Receipt { url: Some(desk.link(&card.remote, &card.remote)), ..card })),
        Err(Trouble::No(404, _, _)) => Ok(None),
        Err(trouble) => Err(trouble.after_read()),
    }
}

/// Does the message look as it shall?
async fn amended(
    desk: &Discord,
    out: &Outgoing,
    of: &crate::case::id::DeliveryId,
) -> Result<Option<Receipt>, Failure> {
    let message = out.message.as_ref().ok_or_else(super::no_place)?;
    let channel = desk.stands_in(out.thread.as_ref(), message).await;
    let there = desk.message(&channel, &message.message).await.map_err(Trouble::after_read)?;
    let wanted = super::sealed_amend(out, of)?;
    let same = there.content.trim() == wanted.content().trim();
    Ok(if same { receipt(desk, &channel, &message.message) } else { None })
}

/// See [`crate::desk::Desk::sweep`].
pub(super) async fn sweep(desk: &Discord, marks: Vec<Mark>, inbox: Inbox) -> Result<(), Failure> {
    let me = desk.me().await.map_err(Trouble::after_read)?;
    let newest: BTreeMap<String, String> = match active(desk).await {
        Ok(all) => all.into_iter().map(|t| (t.id, t.last_message_id)).collect(),
        // Only an order and a shortcut depend on it.
        Err(_) => BTreeMap::new(),
    };
    for mark in &marks {
        desk.remember(&mark.thread.root, Known::Thread(mark.thread.channel.channel.clone()));
    }
    let last = |mark: &Mark| newest.get(&mark.thread.root).map_or(0, |id| order(id));
    let (mut changed, mut quiet): (Vec<Mark>, Vec<Mark>) =
        marks.into_iter().partition(|mark| !is_quiet(desk, mark, last(mark)));
    changed.sort_by_key(|mark| std::cmp::Reverse((mark.waits, last(mark))));
    // Where nobody has written there is nothing to change.
    quiet.retain(|mark| !mark.known.is_empty());
    let total = (changed.len() + quiet.len()) as u64;
    let slowly = std::iter::repeat_n(false, changed.len()).chain(std::iter::repeat(true));
    let mut met = BTreeSet::new();
    for ((done, mark), slow) in (0..).zip(changed.iter().chain(&quiet)).zip(slowly) {
        inbox.pulse(&desk.feed(), Pulse::Progress(done, total));
        if slow {
            tokio::time::sleep(SLOWLY).await;
        }
        match thread(desk, &me, mark, &inbox, &mut met).await {
            Ok(Ok(())) => {}
            Ok(Err(Shut)) => return Err(shut()),
            Err(trouble) => return Err(trouble.after_read()),
        }
    }
    inbox.pulse(&desk.feed(), Pulse::Progress(total, total));
    Ok(())
}

fn shut() -> Failure {
    Failure::Later { after: None, why: "careline is stopping".into() }
}

/// Nothing came since, and what is known is too old for an edit that still counts.
fn is_quiet(desk: &Discord, mark: &Mark, last: u64) -> bool {
    let Some(seen) = mark.seen.filter(|_| !mark.waits) else { return false };
    let old = (desk.ground.now)().since(seen) > EDITS;
    last > 0 && order(&id_at(seen)) >= last && old
}

/// The id behind which a thread is read: nothing is missed before, and all that is known is there.
fn behind(mark: &Mark) -> String {
    let Some(seen) = mark.seen else {
        return order(&mark.thread.root).saturating_sub(1).to_string();
    };
    let recent = order(&id_at(seen - EDITS));
    let oldest = mark.known.iter().map(|id| order(id)).filter(|id| *id > 0).min();
    oldest.map_or(recent, |oldest| recent.min(oldest - 1)).to_string()
}

async fn thread(
    desk: &Discord,
    me: &Me,
    mark: &Mark,
    inbox: &Inbox,
    met: &mut BTreeSet<String>,
) -> Found<Result<(), Shut>> {
    let (root, parent) = (mark.thread.root.as_str(), mark.thread.channel.channel.as_str());
    let (messages, whole) = match reading(desk, root, &behind(mark)).await {
        Ok(read) => read,
        Err(Trouble::No(404, _, _)) => {
            let lost = hear::lost(me, parent, root, "its thread was deleted");
            return Ok(inbox.put(lost).await.map(drop));
        }
        Err(trouble) => return Err(trouble),
    };
    for message in &messages {
        for envelope in heard(desk, me, parent, message, met).await? {
            if inbox.put(envelope).await.is_err() {
                return Ok(Err(Shut));
            }
        }
    }
    let there: BTreeSet<&str> = messages.iter().map(|message| message.id.as_str()).collect();
    let missing = mark.known.iter().filter(|id| whole && !there.contains(id.as_str()));
    for id in missing {
        // Asked for by itself: only what Discord does not know any more was deleted.
        match desk.message(root, id).await {
            Err(Trouble::No(404, 10008, _)) => {
                if inbox.put(hear::unsaid(me, parent, root, id)).await.is_err() {
                    return Ok(Err(Shut));
                }
            }
            Err(Trouble::No(404, _, _)) | Ok(_) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(Ok(()))
}

/// A message as a read shows it: as it was said, and as it stands now if it was changed. Whoever
/// wrote it is looked up once a sweep.
async fn heard(
    desk: &Discord,
    me: &Me,
    parent: &str,
    message: &Message,
    met: &mut BTreeSet<String>,
) -> Found<Vec<Envelope>> {
    let human = !me.is_mine(message) && !message.author.bot && message.webhook_id.is_empty();
    let member = match human {
        true => desk.member(&message.author.id, met.insert(message.author.id.clone())).await?,
        false => None,
    };
    let place = hear::Place::Thread(parent);
    let mut all = hear::written(me, message, place, member.as_ref());
    all.extend(hear::reworded(me, message, place, member.as_ref()));
    Ok(all)
}
