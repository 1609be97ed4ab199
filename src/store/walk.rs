//! Ways through a store that erasing, letting go, reports and rounds share.

use super::{Kind, Outcome, Store, StoreError};
use crate::case::effect::Delivery;
use crate::case::id::DeliveryId;
use crate::case::model::{Body, Case, Line};
use crate::case::record::{Commit, Found, Key, Reach, Record};
use crate::case::time::Timestamp;

/// Records read at a time.
const PAGE: usize = 256;

/// Rows to be written.
pub(super) type Writes = Vec<(Key, Option<Record>)>;

/// All records of a kind, page by page.
pub(super) async fn each(
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

/// All cases that are wanted.
///
/// # Errors
/// The store cannot be read.
pub async fn cases(
    store: &dyn Store,
    wanted: impl Fn(&Case) -> bool,
) -> Result<Vec<Case>, StoreError> {
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

pub(super) async fn write(
    store: &dyn Store,
    at: Timestamp,
    writes: Writes,
) -> Result<(), StoreError> {
    let writes = writes.into_iter().collect();
    let commit = Commit { envelope: None, at, reads: Default::default(), writes, log: None };
    match store.commit(commit).await? {
        Outcome::Fresh | Outcome::Repeated => Ok(()),
        Outcome::Conflict => Err(StoreError::Broken("a write without reads met a conflict".into())),
    }
}

pub(super) async fn read(
    store: &dyn Store,
    keys: impl IntoIterator<Item = Key>,
) -> Result<Found, StoreError> {
    store.read(&Reach { keys: keys.into_iter().collect(), query: None }).await
}

pub(super) async fn lines(store: &dyn Store, case: &Case) -> Result<Vec<Line>, StoreError> {
    let found = read(store, (0..case.lines).map(|seq| Key::Line(case.no, seq))).await?;
    Ok((0..case.lines).filter_map(|seq| found.line(case.no, seq).cloned()).collect())
}

pub(super) async fn deliveries(
    store: &dyn Store,
    case: &Case,
) -> Result<Vec<Delivery>, StoreError> {
    let ids: Vec<DeliveryId> = (0..case.sent).map(|n| DeliveryId::nth(case.no, n)).collect();
    let found = read(store, ids.iter().cloned().map(Key::Delivery)).await?;
    Ok(ids.iter().filter_map(|id| found.delivery(id).cloned()).collect())
}

/// The conversations of a case without it, and what was read for that: others may stand in them.
pub(super) async fn left(
    store: &dyn Store,
    case: &Case,
    lines: &[Line],
) -> Result<(Found, Writes), StoreError> {
    let name = |line: &Line| match &line.body {
        Body::Mention { mention, .. } => Some(mention.conversation.clone()),
        _ => None,
    };
    let named = lines.iter().filter_map(name).filter(|name| !name.is_empty());
    let keys = named.map(|name| Key::Conversation(case.account.clone(), name));
    let found = read(store, keys).await?;
    let mut writes = Writes::new();
    for (key, versioned) in &found.records {
        let Some(Record::Conversation(all)) = &versioned.record else { continue };
        let rest: Vec<_> = all.iter().copied().filter(|no| *no != case.no).collect();
        let record = (!rest.is_empty()).then_some(Record::Conversation(rest));
        writes.push((key.clone(), record));
    }
    Ok((found, writes))
}
