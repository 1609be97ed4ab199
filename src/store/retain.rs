//! Letting go of what is old, in small steps that may be interrupted and repeated at any point.

use super::forget::posts;
use super::walk::{Writes, cases, deliveries, each, left, lines, read, write};
use super::{Kind, Outcome, Store, StoreError};
use crate::case::effect::{Act, State};
use crate::case::id::{MessageId, PostId};
use crate::case::model::{Body, Case, Status};
use crate::case::record::{Commit, Key, Record};
use crate::case::time::{Span, Timestamp};

/// Rows dropped in one commit.
const AT_ONCE: usize = 256;

/// Lets go of cases that were closed longer ago than this, with all that belongs to them; of events
/// that could not be read and of notices about careline itself, once they are as old; and of the
/// log and the envelopes of that time, except those of cases that stay. Says how many cases went.
///
/// # Errors
/// [`StoreError`] when the machine fails.
pub async fn retain(store: &dyn Store, keep: Span, now: Timestamp) -> Result<usize, StoreError> {
    let before = now - keep;
    let old = |case: &Case| {
        case.status == Status::Closed && case.closed.is_some_and(|closed| closed < before)
    };
    let cases = cases(store, old).await?;
    let mut gone = 0;
    for case in &cases {
        gone += usize::from(drop_case(store, case, now).await?);
    }
    drop_apart(store, before, now).await?;
    store.trim(before).await?;
    Ok(gone)
}

/// Drops what belongs to no case and is from before this instant.
async fn drop_apart(
    store: &dyn Store,
    before: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut old = Writes::new();
    each(store, Kind::Quarantine, |key, record| {
        if matches!(record, Record::Quarantine { at, .. } if at < before) {
            old.push((key, None));
        }
    })
    .await?;
    each(store, Kind::Delivery, |key, record| {
        let Record::Delivery(delivery) = record else { return };
        let is_over = delivery.case.is_none() && !delivery.state.is_pending();
        if is_over && delivery.order.0 < before {
            old.push((key, None));
        }
    })
    .await?;
    for rows in old.chunks(AT_ONCE) {
        write(store, now, rows.to_vec()).await?;
    }
    Ok(())
}

/// A case that was opened again, or changed in any way since it was read, stays: the next run looks
/// at it anew.
async fn drop_case(store: &dyn Store, case: &Case, now: Timestamp) -> Result<bool, StoreError> {
    let own = [Key::Case(case.no), Key::Contact(case.contact.clone())];
    let mut found = read(store, own).await?;
    if found.case(case.no) != Some(case) {
        return Ok(false);
    }
    let mut keys = vec![Key::Case(case.no)];
    let channel = case.thread.as_ref().map_or(&case.channel, |thread| &thread.channel);
    let message = |message: &str| {
        Key::Message(MessageId { channel: channel.clone(), message: message.to_owned() })
    };
    let all = lines(store, case).await?;
    let (talks, mut writes) = left(store, case, &all).await?;
    for line in all {
        keys.extend(posts(case, &line));
        if let Body::Remark { source: Some(source), .. } = &line.body {
            keys.push(Key::Message(source.clone()));
        }
        if let Body::Reply(reply) = &line.body {
            keys.extend(reply.source.clone().map(Key::Message));
        }
        keys.push(Key::Line(case.no, line.seq));
    }
    for delivery in deliveries(store, case).await? {
        if let State::Done(receipt) = &delivery.state {
            keys.push(match &delivery.act {
                Act::Desk(_) => message(&receipt.remote),
                Act::Network(_) => Key::Post(case.account.clone(), PostId::new(&receipt.remote)),
            });
        }
        keys.push(Key::Delivery(delivery.id));
    }
    keys.extend(case.thread.clone().map(Key::Thread));
    if let Some(Record::Contact(contact)) = found.get(&Key::Contact(case.contact.clone()))
        && contact.newest == Some(case.no)
    {
        keys.push(Key::Contact(case.contact.clone()));
    }
    writes.extend(keys.into_iter().map(|key| (key, None)));
    found.records.extend(talks.records);
    let writes = writes.into_iter().collect();
    let commit = Commit { envelope: None, at: now, reads: found.versions(), writes, log: None };
    Ok(store.commit(commit).await? == Outcome::Fresh)
}
