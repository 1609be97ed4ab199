//! Reads again: what was said while nobody listened, and what an unknown attempt may have left.

use super::calls::Trouble;
use super::hear::{self, Me};
use super::wire::{Message, instant, ts};
use super::{Shared, Slack};
use crate::case::effect::{Notice, Receipt};
use crate::case::id::ThreadId;
use crate::case::time::Span;
use crate::desk::{Failure, Looked, Mark, Outgoing};
use crate::inbox::{Inbox, Pulse};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two reads that are not urgent: `conversations.replies` is good for 50 a minute.
const SLOWLY: Duration = Duration::from_millis(1_300);
/// Pages of one reading; more than any thread or channel of ours has.
const PAGES: usize = 50;
/// What we look back beyond the first attempt: clocks differ.
const BEFORE: Span = Span::seconds(60);

/// Reads one page after the other, waiting where Slack wants it; `each` says whether to go on.
async fn pages(
    slack: &Slack,
    method: &str,
    args: &[(&str, &str)],
    mut each: impl FnMut(Message) -> bool,
) -> Result<(), Trouble> {
    let mut cursor = String::new();
    for _ in 0..PAGES {
        let mut args = args.to_vec();
        if !cursor.is_empty() {
            args.push(("cursor", &cursor));
        }
        let page = patient(slack, method, &args).await?;
        for value in page["messages"].as_array().into_iter().flatten() {
            let Ok(message) = Message::deserialize(value) else { continue };
            if !each(message) {
                return Ok(());
            }
        }
        let next = page["response_metadata"]["next_cursor"].as_str().unwrap_or_default().to_owned();
        if next.is_empty() {
            return Ok(());
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

/// Reads these threads again: those that history shows as changed first, then those it does not
/// show, slowly.
pub(super) async fn sweep(slack: &Shared, marks: Vec<Mark>, inbox: Inbox) -> Result<(), Failure> {
    let me = slack.me().await.map_err(Trouble::after_read)?;
    slack.caught.tell(marks.iter().map(|mark| &mark.thread));
    let life = slack.caught.life();
    let mut latest = BTreeMap::new();
    for (channel, from) in channels(&marks) {
        match recent(slack, &channel, &from, &mut latest).await {
            Ok(()) => {}
            Err(Trouble::No(code)) if !super::calls::is_dead(&code) => {
                tracing::warn!(desk = %slack.desk, channel, code, "a channel cannot be swept");
            }
            Err(trouble) => return Err(trouble.after_read()),
        }
    }
    let total = marks.len() as u64;
    let (mut changed, mut hidden, mut done) = (Vec::new(), Vec::new(), 0);
    for mark in marks {
        match latest.get(&mark.thread) {
            Some(newest) if is_newer(newest, mark.seen.as_deref()) => changed.push(mark),
            Some(_) => {
                slack.caught.read(&mark.thread, life);
                done += 1;
            }
            None => hidden.push(mark),
        }
    }
    for (slow, list) in [(false, changed), (true, hidden)] {
        for mark in list {
            if inbox.stop().is_cancelled() {
                return Ok(());
            }
            inbox.pulse(&slack.feed(), Pulse::Progress(done, total));
            thread(slack, &me, &inbox, &mark, None).await?;
            slack.caught.read(&mark.thread, life);
            done += 1;
            if slow {
                tokio::time::sleep(SLOWLY).await;
            }
        }
    }
    inbox.pulse(&slack.feed(), Pulse::Progress(total, total));
    Ok(())
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
        done => done,
    }
}

fn is_newer(newest: &str, seen: Option<&str>) -> bool {
    match (instant(newest), seen.and_then(instant)) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(newest), Some(seen)) => newest > seen,
    }
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
    let mut args = vec![
        ("channel", channel.as_str()),
        ("ts", root.as_str()),
        ("limit", "200"),
        ("include_all_metadata", "true"),
    ];
    args.extend(mark.seen.as_deref().map(|seen| ("oldest", seen)));
    let mut messages = Vec::new();
    let read = pages(slack, "conversations.replies", &args, |message| {
        let wanted = before.is_none_or(|before| instant(&message.ts) < instant(before));
        messages.extend(wanted.then_some(message));
        true
    })
    .await;
    match read {
        Ok(()) => heard(slack, me, inbox, channel, messages).await,
        Err(Trouble::No(code)) if super::calls::is_dead(&code) => {
            Err(Trouble::No(code).after_read())
        }
        Err(Trouble::No(code)) => {
            let lost = hear::lost(me, channel, root, &super::calls::words(&code));
            inbox.put(lost).await.map(drop).map_err(|_| shut())
        }
        Err(trouble) => Err(trouble.after_read()),
    }
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
