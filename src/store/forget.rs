//! Erasing a customer, in small steps that may be interrupted and repeated at any point.

use super::walk::{cases, deliveries, each, left, lines, read, write};
use super::{Kind, Store, StoreError};
use crate::case::effect::{Act, Delivery, Face, Note, Notice, State, Tone};
use crate::case::forget::tombstone;
use crate::case::id::{ContactId, DeliveryId, PostId};
use crate::case::model::{Body, Case, Line, Status};
use crate::case::record::{Key, Record};
use crate::case::rich::{Rich, Theirs};
use crate::case::time::Timestamp;
use std::collections::BTreeSet;

/// Erases a contact: his words, names, pictures and posts, ours to him, and what stands of them at
/// the desk (queued, and done at the next run). A keyed mark stays, so that a sweep does not import
/// him again. Events that could not be read go if they name him, with what the team was shown of
/// them; one that names him beyond its kept part, or not at all, stays until it is old. The store's
/// files are then written anew, so that nothing remains in free space; copies that were made of
/// them (`sled.damaged-*`, exports, backups) are the operator's to delete. Says how many cases were
/// emptied.
///
/// # Errors
/// [`StoreError`] when the machine fails; erasing again goes on where it stopped.
pub async fn forget(
    store: &dyn Store,
    contact: &ContactId,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let grave = Key::Tombstone(tombstone(&store.identity().salt, contact));
    write(store, now, vec![(grave, Some(Record::Tombstone(now)))]).await?;
    let cases = cases(store, |case| case.contact == *contact).await?;
    for case in &cases {
        erase_case(store, case, now).await?;
    }
    let handle = match read(store, [Key::Contact(contact.clone())])
        .await?
        .get(&Key::Contact(contact.clone()))
    {
        Some(Record::Contact(contact)) => contact.handle.clone(),
        _ => Theirs::default(),
    };
    erase_unreadable(store, contact, &handle, now).await?;
    unlink(store, contact, now).await?;
    write(store, now, vec![(Key::Contact(contact.clone()), None)]).await?;
    store.compact().await?;
    Ok(cases.len())
}

/// Whoever was said to be the same person no longer names him.
async fn unlink(store: &dyn Store, gone: &ContactId, now: Timestamp) -> Result<(), StoreError> {
    let mut writes = Vec::new();
    each(store, Kind::Contact, |key, record| {
        if let Record::Contact(mut contact) = record
            && contact.same.contains(gone)
        {
            contact.same.retain(|id| id != gone);
            writes.push((key, Some(Record::Contact(contact))));
        }
    })
    .await?;
    for mut case in cases(store, |case| case.same.contains(gone)).await? {
        case.same.retain(|id| id != gone);
        writes.push((Key::Case(case.no), Some(Record::Case(Box::new(case)))));
    }
    match writes.is_empty() {
        true => Ok(()),
        false => write(store, now, writes).await,
    }
}

/// Contacts of an account by id, or by handle as it was last seen.
///
/// # Errors
/// [`StoreError`] when the machine fails.
pub async fn contacts(
    store: &dyn Store,
    account: &str,
    who: &str,
) -> Result<Vec<ContactId>, StoreError> {
    let mut found = Vec::new();
    let who = who.trim_start_matches('@');
    each(store, Kind::Contact, |_, record| {
        if let Record::Contact(contact) = record {
            let named = contact.id.remote == who || contact.handle.raw().eq_ignore_ascii_case(who);
            if contact.id.account.as_str() == account && named {
                found.push(contact.id);
            }
        }
    })
    .await?;
    Ok(found)
}

async fn erase_case(store: &dyn Store, case: &Case, now: Timestamp) -> Result<(), StoreError> {
    let mut all = lines(store, case).await?;
    let mut writes = left(store, case, &all).await?.1;
    for mut line in all.drain(..) {
        writes.extend(posts(case, &line).into_iter().map(|key| (key, None)));
        blank_line(&mut line);
        writes.push((Key::Line(case.no, line.seq), Some(Record::Line(Box::new(line)))));
    }
    let mut emptied = empty(case, now);
    for mut delivery in deliveries(store, case).await? {
        if blank_delivery(&mut delivery) {
            let amend = amend(&mut emptied, &delivery, now);
            writes.push((Key::Delivery(amend.id.clone()), Some(Record::Delivery(Box::new(amend)))));
        }
        writes
            .push((Key::Delivery(delivery.id.clone()), Some(Record::Delivery(Box::new(delivery)))));
    }
    writes.push((Key::Case(case.no), Some(Record::Case(Box::new(emptied)))));
    write(store, now, writes).await
}

/// Unreadable events that name him are dropped, since nobody can tell what else of his is in them,
/// and so is what the team was shown of them.
async fn erase_unreadable(
    store: &dyn Store,
    contact: &ContactId,
    handle: &Theirs,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (mut writes, mut came) = (Vec::new(), BTreeSet::new());
    each(store, Kind::Quarantine, |key, record| {
        if let Record::Quarantine { raw, at, .. } = record {
            let names = |name: &str| !name.is_empty() && raw.raw().contains(name);
            if names(&contact.remote) || names(handle.raw()) {
                writes.push((key, None));
                came.insert(at);
            }
        }
    })
    .await?;
    for mut notice in notices(store, &came).await? {
        if blank_delivery(&mut notice) {
            let amend = erase_notice(&notice, now);
            writes.push((Key::Delivery(amend.id.clone()), Some(Record::Delivery(Box::new(amend)))));
        }
        let key = Key::Delivery(notice.id.clone());
        writes.push((key, Some(Record::Delivery(Box::new(notice)))));
    }
    write(store, now, writes).await
}

/// What the team was shown of events that could not be read, by the instants at which they came.
async fn notices(
    store: &dyn Store,
    came: &BTreeSet<Timestamp>,
) -> Result<Vec<Delivery>, StoreError> {
    let mut found = Vec::new();
    if came.is_empty() {
        return Ok(found);
    }
    each(store, Kind::Delivery, |_, record| {
        if let Record::Delivery(delivery) = record
            && delivery.id.shows_unreadable().is_some_and(|at| came.contains(&at))
        {
            found.push(*delivery);
        }
    })
    .await?;
    Ok(found)
}

/// Takes the words off a notice that belongs to no case.
fn erase_notice(of: &Delivery, now: Timestamp) -> Delivery {
    Delivery {
        id: DeliveryId::new(format!("{}.erased", of.id)),
        order: (now, 0),
        ready: now,
        act: Act::Desk(Notice::Amend { of: of.id.clone(), to: Box::new(Face::Note(erased())) }),
        state: State::Waiting { tried: 0 },
        ..of.clone()
    }
}

/// The keys of the network's posts in a line.
pub(super) fn posts(case: &Case, line: &Line) -> Vec<Key> {
    let post = match &line.body {
        Body::Mention { mention, .. } => mention.post.clone(),
        Body::Own { post, .. } => post.clone(),
        _ => return Vec::new(),
    };
    vec![Key::Post(case.account.clone(), post)]
}

fn blank_line(line: &mut Line) {
    match &mut line.body {
        Body::Mention { mention, .. } => {
            mention.text = Theirs::default();
            mention.handle = Theirs::default();
            mention.name = Theirs::default();
            mention.warning = None;
            mention.media.clear();
            (mention.url, mention.author_url, mention.avatar) = (None, None, None);
            mention.contact.remote.clear();
            mention.post = PostId::new("");
            mention.parent = None;
            mention.conversation.clear();
        }
        Body::Reply(reply) => {
            reply.text.clear();
            reply.files.clear();
            reply.url = None;
            reply.target.handle = Theirs::default();
            reply.target.warning = None;
            reply.target.contact.remote.clear();
            reply.target.post = PostId::new("");
        }
        Body::Remark { text, .. } => text.clear(),
        Body::Own { text, url, post } => {
            text.clear();
            *url = None;
            *post = PostId::new("");
        }
    }
}

fn empty(case: &Case, now: Timestamp) -> Case {
    let mut case = case.clone();
    case.handle = Theirs::default();
    case.name = Theirs::default();
    case.contact.remote.clear();
    case.status = Status::Closed;
    case.closed = Some(now);
    case.cause = None;
    case.waits = None;
    case.recent.clear();
    case.held.clear();
    case.sending.clear();
    case.alarms.clear();
    case.alert = None;
    case.snoozed = None;
    case
}

fn erased() -> Box<Note> {
    let words = Rich::of("These words were erased.");
    Box::new(Note { tone: Tone::Status, words, media: Vec::new(), url: None, buttons: Vec::new() })
}

/// Empties a delivery; says whether something of it stands at the desk.
fn blank_delivery(delivery: &mut Delivery) -> bool {
    let stands = matches!(delivery.state, State::Done(_))
        && matches!(
            delivery.act,
            Act::Desk(Notice::Post(_) | Notice::Open { .. } | Notice::Tell { .. })
        );
    if delivery.state.is_pending() {
        delivery.state = State::Dropped;
    }
    delivery.act = match &delivery.act {
        Act::Desk(Notice::Amend { of, .. }) => {
            Act::Desk(Notice::Amend { of: of.clone(), to: Box::new(Face::Note(erased())) })
        }
        Act::Desk(Notice::Tell { channel, .. }) => {
            Act::Desk(Notice::Tell { channel: channel.clone(), note: erased() })
        }
        Act::Desk(Notice::Mark { message, mark }) => {
            Act::Desk(Notice::Mark { message: message.clone(), mark: *mark })
        }
        _ => Act::Desk(Notice::Post(erased())),
    };
    stands
}

fn amend(case: &mut Case, of: &Delivery, now: Timestamp) -> Delivery {
    let n = case.sent;
    case.sent += 1;
    Delivery {
        id: DeliveryId::nth(case.no, n),
        order: (now, n),
        ready: now,
        line: None,
        act: Act::Desk(Notice::Amend { of: of.id.clone(), to: Box::new(Face::Note(erased())) }),
        state: State::Waiting { tried: 0 },
        ..of.clone()
    }
}
