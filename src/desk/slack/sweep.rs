//! Reads again: what was said while nobody listened, and what an unknown attempt may have left.

use super::calls::Trouble;
use super::hear::{self, Me};
use super::wire::{Message, instant, ts};
use super::{Shared, Slack};
use crate::case::effect::{Notice, Receipt};
use crate::case::id::ThreadId;
use crate::case::time::{Span, Timestamp};
use crate::desk::{Failure, Looked, Mark, Outgoing};
use crate::inbox::{Inbox, Pulse};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Between two reads that are not urgent: `conversations.replies` is good for 50 a minute.
const SLOWLY: Duration = Duration::from_millis(1_300);
/// Pages of one reading; more than any thread or channel of ours has.
const PAGES: usize = 50;
/// What we look back beyond the first attempt: clocks differ.
const BEFORE: Span = Span::seconds(60);

/// Reads one page after the other, waiting where Slack wants it; `each` says whether to go on. Says
/// whether all was read that there is: what cannot be read, or stands on a page that did not come,
/// is not known to be gone.
async fn pages(
    slack: &Slack,
    method: &str,
    args: &[(&str, &str)],
    mut each: impl FnMut(Message) -> bool,
) -> Result<bool, Trouble> {
    let (mut cursor, mut whole) = (String::new(), true);
    for _ in 0..PAGES {
        let mut args = args.to_vec();
        if !cursor.is_empty() {
            args.push(("cursor", &cursor));
        }
        let page = patient(slack, method, &args).await?;
        for value in page["messages"].as_array().into_iter().flatten() {
            let Ok(message) = Message::deserialize(value) else {
                whole = false;
                continue;
            };
            if !each(message) {
                return Ok(false);
            }
        }
        let next = page["response_metadata"]["next_cursor"].as_str().unwrap_or_default().to_owned();
        if next.is_empty() {
            return Ok(whole && page["messages"].is_array() && page["has_more"] != true);
        }
        cursor = next;
    }
    Err(Trouble::Unsure("there is more than careline reads".into()))
}

/// One read, repeated as often as Slack asks for patience.
async fn patient(slack: &Slack, method: &str, args: &[(&str, &str)]) -> Result<Value, Trouble> {
    let mut tries = 0;
    loop {
        match slack.calls.get(method, args).await {
            Err(Trouble::Limited(after)) if tries < 5 => {
                tries += 1;
                tokio::time::sleep(after.unwrap_or(Span::seconds(5)).to_std()).await;
            }
            done => return done,
        }
    }
}

/// Looks for what this delivery left: by our marks, from a minute before its first attempt.
pub(super) async fn look(slack: &Slack, out: &Outgoing) -> Looked {
    let from = ts(out.first - BEFORE);
    let found = match (&out.notice, &out.thread) {
        (Notice::Open { channel, .. } | Notice::Tell { channel, .. }, _) => {
            find(slack, out, "conversations.history", &channel.channel, None, &from).await
        }
        (Notice::Post(_), Some(t)) => {
            let (channel, root) = (&t.channel.channel, Some(t.root.as_str()));
            find(slack, out, "conversations.replies", channel, root, &from).await
        }
        (Notice::Post(_), None) => return Looked::Unclear("its thread is not known".into()),
        // A change and a mark can be made once more: the second changes nothing.
        (Notice::Amend { .. } | Notice::Mark { .. }, _) => return Looked::Absent,
    };
    let place = match &out.notice {
        Notice::Open { channel, .. } => Some(channel.clone()),
        _ => None,
    };
    match found {
        Ok(None) => Looked::Absent,
        Ok(Some(message)) => {
            let Some(at) = instant(&message.ts) else {
                return Looked::Unclear("Slack's answer makes no sense".into());
            };
            let mut url = None;
            if let Some(channel) = place {
                url = slack.permalink(&channel.channel, &message.ts).await;
                let root = message.ts.clone();
                slack.caught.tell_one(ThreadId { channel, root });
            }
            Looked::There(Receipt { remote: message.ts, url, at })
        }
        Err(trouble) => Looked::Unclear(trouble.why()),
    }
}

async fn find(
    slack: &Slack,
    out: &Outgoing,
    method: &str,
    channel: &str,
    root: Option<&str>,
    from: &str,
) -> Result<Option<Message>, Trouble> {
    let mut args = vec![
        ("channel", channel),
        ("oldest", from),
        ("limit", "200"),
        ("include_all_metadata", "true"),
    ];
    args.extend(root.map(|root| ("ts", root)));
    let mut found = None;
    pages(slack, method, &args, |message| {
        let ours = hear::marks(&message);
        let is_it =
            |(deployment, all): (_, Vec<_>)| deployment == out.deployment && all.contains(&out.id);
        if ours.is_some_and(is_it) {
            found = Some(message);
        }
        found.is_none()
    })
    .await?;
    Ok(found)
}

/// Reads these threads again: first those with words that wait or that history shows as changed,
/// then, slowly, the others: an edit or a deletion shows nowhere but in the thread itself.
pub(super) async fn sweep(slack: &Shared, marks: Vec<Mark>, inbox: Inbox) -> Result<(), Failure> {
    let me = slack.me().await.map_err(Trouble::after_read)?;
    slack.caught.tell(marks.iter().map(|mark| &mark.thread));
    let life = slack.caught.life();
    let latest = latest(slack, &marks).await?;
    let (changed, mut still): (Vec<Mark>, Vec<Mark>) = marks.into_iter().partition(|mark| {
        let newest = latest.get(&mark.thread);
        mark.waits || newest.is_some_and(|newest| is_newer(newest, mark.seen))
    });
    // Nothing was said in these since: what is heard live is not behind anything.
    still.iter().filter(|mark| latest.contains_key(&mark.thread)).for_each(|mark| {
        slack.caught.read(&mark.thread, life);
    });
    // Where nobody has written there is nothing to change.
    still.retain(|mark| !mark.known.is_empty() || !latest.contains_key(&mark.thread));
    let total = (changed.len() + still.len()) as u64;
    let slowly = std::iter::repeat_n(false, changed.len()).chain(std::iter::repeat(true));
    for ((done, mark), slow) in (0..).zip(changed.iter().chain(&still)).zip(slowly) {
        if inbox.stop().is_cancelled() {
            return Err(shut());
        }
        inbox.pulse(&slack.feed(), Pulse::Progress(done, total));
        if slow {
            tokio::time::sleep(SLOWLY).await;
        }
        thread(slack, &me, &inbox, mark, None).await?;
        slack.caught.read(&mark.thread, life);
    }
    inbox.pulse(&slack.feed(), Pulse::Progress(total, total));
    Ok(())
}

/// How new each of these threads is, as far as their channels' histories show it.
async fn latest(slack: &Slack, marks: &[Mark]) -> Result<BTreeMap<ThreadId, String>, Failure> {
    let mut latest = BTreeMap::new();
    for (channel, from) in channels(marks) {
        match recent(slack, &channel, &from, &mut latest).await {
            Ok(()) => {}
            Err(Trouble::No(code)) if !super::calls::is_dead(&code) => {
                tracing::warn!(desk = %slack.desk, channel, code, "a channel cannot be swept");
            }
            Err(trouble) => return Err(trouble.after_read()),
        }
    }
    Ok(latest)
}

/// The channels concerned, each with its oldest thread.
fn channels(marks: &[Mark]) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for mark in marks {
        let (channel, root) = (&mark.thread.channel.channel, &mark.thread.root);
        let oldest = all.entry(channel.clone()).or_insert_with(|| root.clone());
        if instant(root) < instant(oldest) {
            oldest.clone_from(root);
        }
    }
    all
}

/// Notes how new each thread of a channel is, by its parent's `latest_reply`.
async fn recent(
    slack: &Slack,
    channel: &str,
    from: &str,
    latest: &mut BTreeMap<ThreadId, String>,
) -> Result<(), Trouble> {
    let args = [("channel", channel), ("oldest", from), ("inclusive", "true"), ("limit", "200")];
    let place =
        crate::case::id::ChannelId { desk: slack.desk.clone(), channel: channel.to_owned() };
    let read = pages(slack, "conversations.history", &args, |message| {
        // A stone tells of a deleted card: the thread itself must be read to hear of it.
        if message.subtype != "tombstone" {
            let thread = ThreadId { channel: place.clone(), root: message.ts };
            latest.insert(thread, message.latest_reply);
        }
        true
    });
    match read.await {
        // A very long channel: what was not reached is read thread by thread.
        Err(Trouble::Unsure(_)) => Ok(()),
        done => done.map(drop),
    }
}

fn is_newer(newest: &str, seen: Option<Timestamp>) -> bool {
    instant(newest).is_some_and(|newest| seen.is_none_or(|seen| newest > seen))
}

/// From where a thread is read: nothing is missed before, and all that is known stands behind.
fn from(mark: &Mark) -> Option<Timestamp> {
    let oldest = mark.known.iter().filter_map(|ts| instant(ts)).min();
    mark.seen.map(|seen| oldest.map_or(seen, |oldest| seen.min(oldest - Span::millis(1))))
}

/// Reads a thread again; `before` leaves out that message and those after it.
pub(super) async fn thread(
    slack: &Shared,
    me: &Me,
    inbox: &Inbox,
    mark: &Mark,
    before: Option<&str>,
) -> Result<(), Failure> {
    let (channel, root) = (&mark.thread.channel.channel, &mark.thread.root);
    let oldest = from(mark).map(ts);
    let mut args = vec![
        ("channel", channel.as_str()),
        ("ts", root.as_str()),
        ("limit", "200"),
        ("include_all_metadata", "true"),
    ];
    args.extend(oldest.as_deref().map(|oldest| ("oldest", oldest)));
    let mut messages = Vec::new();
    let read = pages(slack, "conversations.replies", &args, |message| {
        let wanted = before.is_none_or(|before| instant(&message.ts) < instant(before));
        messages.extend(wanted.then_some(message));
        true
    })
    .await;
    let whole = match read {
        Ok(whole) => whole,
        Err(Trouble::No(code)) if super::calls::is_dead(&code) => {
            return Err(Trouble::No(code).after_read());
        }
        Err(Trouble::No(code)) => {
            let lost = hear::lost(me, channel, root, &super::calls::words(&code));
            return inbox.put(lost).await.map(drop).map_err(|_| shut());
        }
        Err(trouble) => return Err(trouble.after_read()),
    };
    let there: BTreeSet<String> = messages.iter().map(|message| message.ts.clone()).collect();
    heard(slack, me, inbox, channel, messages).await?;
    let missing = mark.known.iter().filter(|ts| whole && !there.contains(*ts));
    for ts in missing {
        vanished(slack, me, inbox, mark, ts).await?;
    }
    Ok(())
}

/// A message that is known does not stand in its thread: asked for by itself, and if Slack does not
/// show it then either, it was deleted while nobody listened.
async fn vanished(
    slack: &Slack,
    me: &Me,
    inbox: &Inbox,
    mark: &Mark,
    ts: &str,
) -> Result<(), Failure> {
    let (channel, root) = (mark.thread.channel.channel.as_str(), mark.thread.root.as_str());
    let args = [
        ("channel", channel),
        ("ts", root),
        ("oldest", ts),
        ("latest", ts),
        ("inclusive", "true"),
        ("limit", "2"),
    ];
    let mut stands = false;
    let read = pages(slack, "conversations.replies", &args, |message| {
        stands |= message.ts == ts && message.subtype != "tombstone";
        true
    });
    let whole = read.await.map_err(Trouble::after_read)?;
    if stands || !whole {
        return Ok(());
    }
    let gone = hear::unsaid(me, channel, root, ts);
    inbox.put(gone).await.map(drop).map_err(|_| shut())
}

fn shut() -> Failure {
    Failure::Later { after: None, why: "careline is stopping".into() }
}

async fn heard(
    slack: &Shared,
    me: &Me,
    inbox: &Inbox,
    channel: &str,
    messages: Vec<Message>,
) -> Result<(), Failure> {
    for message in messages {
        if message.subtype == "tombstone" {
            let why = "the first message of the thread was deleted";
            inbox.put(hear::lost(me, channel, &message.ts, why)).await.map_err(|_| shut())?;
            continue;
        }
        let people = slack.find(me, hear::people(&message)).await;
        let people = people.map_err(Trouble::after_read)?;
        let all = hear::written(me, &people, &message, channel).into_iter();
        for envelope in all.chain(hear::edited(me, &people, &message, channel)) {
            inbox.put(envelope).await.map_err(|_| shut())?;
        }
    }
    Ok(())
}
