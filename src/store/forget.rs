//! Erasing a customer, and letting go of what is old. Both work in small steps that may be
//! interrupted and repeated at any point.

use super::{Kind, Outcome, Store, StoreError};
use crate::case::effect::{Act, Delivery, Face, Note, Notice, State, Tone};
use crate::case::forget::tombstone;
use crate::case::id::{ContactId, DeliveryId, MessageId, PostId};
use crate::case::model::{Body, Case, Line, Status};
use crate::case::record::{Commit, Found, Key, Reach, Record};
use crate::case::rich::{Rich, Theirs};
use crate::case::time::{Span, Timestamp};

/// Records read at a time.
const PAGE: usize = 256;

/// Erases a contact: his words, names, pictures and posts, ours to him, and what stands of them at
/// the desk (queued, and done at the next run). A keyed mark stays, so that a sweep does not import
/// him again. The store's files are then written anew, so that nothing remains in free space;
/// copies
/// that were made of them (`sled.damaged-*`, exports, backups) are the operator's to delete. Says
/// how
/// many cases were emptied.
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

/// Lets go of cases that were closed longer ago than this, with all that belongs to them, and of
/// the log and the envelopes of that time. Says how many cases went.
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
    store.trim(before).await?;
    Ok(gone)
}

/// All records of a kind, page by page.
async fn each(
    store: &dyn Store,
    kind: Kind,
    mut what: impl FnMut(Key, Record),
) -> Result<(), StoreError> {
    let mut after: Option<Key> = None;
    loop {
        let page = store.scan(kind, after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for (key, versioned) in page {
            if let Some(record) = versioned.record {
                what(key, record);
            }
        }
    }
}

async fn cases(store: &dyn Store, wanted: impl Fn(&Case) -> bool) -> Result<Vec<Case>, StoreError> {
    let mut cases = Vec::new();
    each(store, Kind::Case, |_, record| {
        if let Record::Case(case) = record
            && wanted(&case)
        {
            cases.push(*case);
        }
    })
    .await?;
    Ok(cases)
}

async fn write(
    store: &dyn Store,
    at: Timestamp,
    writes: Vec<(Key, Option<Record>)>,
) -> Result<(), StoreError> {
    let writes = writes.into_iter().collect();
    let commit = Commit { envelope: None, at, reads: Default::default(), writes, log: None };
    match store.commit(commit).await? {
        Outcome::Fresh | Outcome::Repeated => Ok(()),
        Outcome::Conflict => Err(StoreError::Broken("a write without reads met a conflict".into())),
    }
}

async fn read(store: &dyn Store, keys: impl IntoIterator<Item = Key>) -> Result<Found, StoreError> {
    store.read(&Reach { keys: keys.into_iter().collect(), query: None }).await
}

async fn lines(store: &dyn Store, case: &Case) -> Result<Vec<Line>, StoreError> {
    let found = read(store, (0..case.lines).map(|seq| Key::Line(case.no, seq))).await?;
    Ok((0..case.lines).filter_map(|seq| found.line(case.no, seq).cloned()).collect())
}

async fn deliveries(store: &dyn Store, case: &Case) -> Result<Vec<Delivery>, StoreError> {
    let ids: Vec<DeliveryId> = (0..case.sent).map(|n| DeliveryId::nth(case.no, n)).collect();
    let found = read(store, ids.iter().cloned().map(Key::Delivery)).await?;
    Ok(ids.iter().filter_map(|id| found.delivery(id).cloned()).collect())
}

async fn erase_case(store: &dyn Store, case: &Case, now: Timestamp) -> Result<(), StoreError> {
    let mut writes = Vec::new();
    for mut line in lines(store, case).await? {
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

/// Unreadable events that name him are dropped: nobody can tell what else of his is in them.
async fn erase_unreadable(
    store: &dyn Store,
    contact: &ContactId,
    handle: &Theirs,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut gone = Vec::new();
    each(store, Kind::Quarantine, |key, record| {
        if let Record::Quarantine { raw, .. } = record {
            let names = |name: &str| !name.is_empty() && raw.raw().contains(name);
            if names(&contact.remote) || names(handle.raw()) {
                gone.push((key, None));
            }
        }
    })
    .await?;
    write(store, now, gone).await
}

/// The keys of the network's posts in a line.
fn posts(case: &Case, line: &Line) -> Vec<Key> {
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

/// A case that was opened again, or changed in any way since it was read, stays: the next run looks
/// at it anew.
async fn drop_case(store: &dyn Store, case: &Case, now: Timestamp) -> Result<bool, StoreError> {
    let own = [Key::Case(case.no), Key::Contact(case.contact.clone())];
    let found = read(store, own).await?;
    if found.case(case.no) != Some(case) {
        return Ok(false);
    }
    let mut keys = vec![Key::Case(case.no)];
    let channel = case.thread.as_ref().map_or(&case.channel, |thread| &thread.channel);
    let message = |message: &str| {
        Key::Message(MessageId { channel: channel.clone(), message: message.to_owned() })
    };
    for line in lines(store, case).await? {
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
    let writes = keys.into_iter().map(|key| (key, None)).collect();
    let commit = Commit { envelope: None, at: now, reads: found.versions(), writes, log: None };
    Ok(store.commit(commit).await? == Outcome::Fresh)
}
