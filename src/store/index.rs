//! Indexes, derived from a row by one function. A commit compares what the old row and the new row
//! give, and writes the difference in the same batch: an index cannot disagree with its rows.

use super::key::{ALARM, Bytes, INDEX, OF_AGENT, OF_CONTACT, OPEN, PENDING, UNCLAIMED};
use super::{Pending, StoreError};
use crate::case::effect::Delivery;
use crate::case::id::{AgentId, ContactId};
use crate::case::model::{Alarm, Case, Status};
use crate::case::record::Record;
use crate::case::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Index entries: key and value.
pub type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a row gives.
pub fn of(record: Option<&Record>) -> Entries {
    let mut entries = Entries::new();
    match record {
        Some(Record::Delivery(delivery)) if delivery.state.is_pending() => {
            let value = serde_json::to_vec(&Queued::of(delivery)).unwrap_or_default();
            entries.insert(pending(delivery.order, delivery.id.as_str()), value);
        }
        Some(Record::Case(case)) => of_case(case, &mut entries),
        _ => {}
    }
    entries
}

fn of_case(case: &Case, entries: &mut Entries) {
    let no = case.no.0;
    let contact = of_contact(&case.contact).number(no);
    entries.insert(contact.0, Vec::new());
    for (n, alarm) in (0..).zip(&case.alarms) {
        let value = serde_json::to_vec(alarm).unwrap_or_default();
        let key = Bytes::new(&[INDEX, ALARM]).instant(alarm.at).small(n).number(no);
        entries.insert(key.0, value);
    }
    if case.status == Status::Closed {
        return;
    }
    let snoozed = case.snoozed.is_some();
    let wait = |bytes: Bytes| bytes.flag(snoozed).instant(case.place()).number(no).0;
    entries.insert(wait(Bytes::new(&[INDEX, OPEN])), Vec::new());
    match &case.claimer {
        Some(agent) => {
            entries.insert(wait(of_agent(&agent.id)), Vec::new());
        }
        None if case.status == Status::Open && !snoozed => {
            entries.insert(wait(Bytes::new(&[INDEX, UNCLAIMED])), Vec::new());
        }
        None => {}
    }
}

/// Where an agent's cases stand.
pub fn of_agent(agent: &AgentId) -> Bytes {
    Bytes::new(&[INDEX, OF_AGENT]).text(agent.desk.as_str()).text(&agent.user)
}

/// Where a contact's cases stand.
pub fn of_contact(contact: &ContactId) -> Bytes {
    Bytes::new(&[INDEX, OF_CONTACT]).text(contact.account.as_str()).text(&contact.remote)
}

/// Where a delivery stands while it is not finished.
pub fn pending(order: (Timestamp, u32), id: &str) -> Vec<u8> {
    Bytes::new(&[INDEX, PENDING]).instant(order.0).small(order.1).text(id).0
}

#[derive(Serialize, Deserialize)]
struct Queued {
    id: String,
    lane: String,
    bucket: String,
    urgent: bool,
    order: (Timestamp, u32),
    ready: Timestamp,
}

impl Queued {
    fn of(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id.0.clone(),
            lane: delivery.lane.0.clone(),
            bucket: delivery.bucket.0.clone(),
            urgent: delivery.urgent,
            order: delivery.order,
            ready: delivery.ready,
        }
    }
}

/// A delivery as the outbox queues it, from its index entry.
///
/// # Errors
/// [`StoreError::Broken`]: the entry is damaged.
pub fn queued(value: &[u8]) -> Result<Pending, StoreError> {
    Ok(read::<Queued>(value)?.into())
}

/// A delivery as the outbox queues it.
pub fn as_queued(delivery: &Delivery) -> Pending {
    Queued::of(delivery).into()
}

impl From<Queued> for Pending {
    fn from(queued: Queued) -> Self {
        Self {
            id: crate::case::id::DeliveryId(queued.id),
            lane: queued.lane,
            bucket: queued.bucket,
            urgent: queued.urgent,
            order: queued.order,
            ready: queued.ready,
        }
    }
}

/// An alarm from its index entry.
///
/// # Errors
/// [`StoreError::Broken`]: the entry is damaged.
pub fn alarm(value: &[u8]) -> Result<Alarm, StoreError> {
    read(value)
}

fn read<T: for<'d> Deserialize<'d>>(value: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(value)
        .map_err(|e| StoreError::Broken(format!("an index entry cannot be read: {e}")))
}
