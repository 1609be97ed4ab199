//! What the suites share: stores by name, and records that are quick to make.

use super::server::Schema;
use careline::case::effect::{Act, Delivery, Note, Notice, State, Tone};
use careline::case::id::{
    AccountId, AgentId, Bucket, CaseNo, ChannelId, ContactId, DeliveryId, DeskId, EnvelopeId, Lane,
};
use careline::case::model::{Agent, Case, Shown, Status};
use careline::case::record::{Commit, Key, LogEntry, Reach, Record, Versioned};
use careline::case::rich::{Rich, Theirs};
use careline::case::time::Timestamp;
use careline::store::{Outcome, Place, Row, STORES, Store};
use std::future::Future;
use std::sync::Arc;

pub(super) const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

/// Runs a test on every store of the table, each in a fresh directory.
pub(super) fn on_all<F: Future<Output = ()>>(test: impl Fn(Arc<dyn Store>) -> F) {
    for room in STORES.iter().filter_map(|row| room(row)) {
        let row = room.row;
        run(async {
            let store = room.open();
            println!("store: {}", row.name);
            test(Arc::clone(&store)).await;
            assert_eq!(store.check().await.unwrap(), Vec::<String>::new(), "{}", row.name);
            store.close().await.unwrap();
        });
    }
}

/// A place of its own for a store of some row; it goes with all that is in it.
pub(super) struct Room {
    pub(super) row: &'static Row,
    pub(super) dir: tempfile::TempDir,
    schema: Option<Schema>,
}

/// A fresh place for a store of this row; none where there is no PostgreSQL.
pub(super) fn room(row: &'static Row) -> Option<Room> {
    let schema = match row.name {
        "postgres" => Some(Schema::fresh()?),
        _ => None,
    };
    Some(Room { row, dir: tempfile::tempdir().unwrap(), schema })
}

impl Room {
    pub(super) fn open(&self) -> Arc<dyn Store> {
        let address = self.schema.as_ref().map(|schema| schema.address.clone().into());
        let place = Place { dir: self.dir.path().join("store"), address };
        (self.row.open)(&place, NOW).unwrap()
    }

    /// Do the tables of a database hold these words? Where there is none, no.
    pub(super) fn tables_hold(&self, words: &str) -> bool {
        self.schema.as_ref().is_some_and(|schema| schema.holds(words))
    }
}

pub(super) fn run<R>(test: impl Future<Output = R>) -> R {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(test)
}

pub(super) fn key(name: &str) -> Key {
    Key::Cursor(careline::case::id::FeedId::new(name))
}

pub(super) fn value(text: &str) -> Record {
    Record::Cursor(text.to_owned())
}

/// A commit without envelope, reads and log.
pub(super) fn put(writes: impl IntoIterator<Item = (Key, Option<Record>)>) -> Commit {
    Commit {
        envelope: None,
        at: NOW,
        reads: Default::default(),
        writes: writes.into_iter().collect(),
        log: None,
    }
}

pub(super) fn with_envelope(mut commit: Commit, id: &str) -> Commit {
    commit.envelope = Some(EnvelopeId::new(id));
    commit
}

pub(super) fn with_log(mut commit: Commit, case: Option<u64>) -> Commit {
    commit.log = Some(LogEntry {
        seq: 0,
        at: commit.at,
        envelope: commit.envelope.clone().unwrap_or_else(|| EnvelopeId::new("none")),
        event: "mentioned".into(),
        did: "opened".into(),
        case: case.map(CaseNo),
        by: None,
        policy: "1".into(),
        fired: Vec::new(),
    });
    commit
}

pub(super) async fn fresh(store: &dyn Store, commit: Commit) {
    assert_eq!(store.commit(commit).await.unwrap(), Outcome::Fresh);
}

pub(super) async fn get(store: &dyn Store, key: Key) -> Versioned {
    let reach = Reach { keys: [key.clone()].into(), query: None };
    store.read(&reach).await.unwrap().records.remove(&key).unwrap()
}

pub(super) fn agent(user: &str) -> Agent {
    Agent { id: AgentId { desk: DeskId::new("slack"), user: user.into() }, name: user.into() }
}

pub(super) fn contact(remote: &str) -> ContactId {
    ContactId { account: AccountId::new("shop"), remote: remote.into() }
}

pub(super) fn channel() -> ChannelId {
    ChannelId { desk: DeskId::new("slack"), channel: "C1".into() }
}

pub(super) fn case(no: u64) -> Case {
    Case {
        no: CaseNo(no),
        account: AccountId::new("shop"),
        contact: contact(&format!("r{no}")),
        handle: Theirs::new(format!("h{no}")),
        name: Theirs::new(format!("N{no}")),
        status: Status::Open,
        claimer: None,
        opened: NOW,
        closed: None,
        cause: None,
        waits: Some(Timestamp(NOW.0 - no.cast_signed())),
        channel: channel(),
        thread: None,
        card: Shown { by: DeliveryId::new(format!("{no}.0")), amend: None },
        lines: 0,
        sent: 0,
        wrote: 1,
        recent: Vec::new(),
        answered: None,
        held: Vec::new(),
        sending: Vec::new(),
        unknown: None,
        alarms: Vec::new(),
        follows: None,
        linked: Vec::new(),
        lost: Vec::new(),
        newest_order: NOW,
        tags: Vec::new(),
        snoozed: None,
        alert: None,
        plain: false,
        odd: None,
        score: None,
        unasked: false,
        low: None,
        priority: Default::default(),
        knew: None,
        thanks: 0,
        same: Vec::new(),
        fired: Vec::new(),
        calmed: None,
        incident: None,
        muted: 0,
    }
}

pub(super) fn case_row(case: Case) -> (Key, Option<Record>) {
    (Key::Case(case.no), Some(Record::Case(Box::new(case))))
}

pub(super) fn delivery(id: &str, order: (i64, u32)) -> Delivery {
    let words = Rich::of("all is well");
    let note =
        Note { tone: Tone::Status, words, media: Vec::new(), url: None, buttons: Vec::new() };
    Delivery {
        id: DeliveryId::new(id),
        case: None,
        line: None,
        lane: Lane::new("lane"),
        bucket: Bucket::new("bucket"),
        urgent: false,
        order: (Timestamp(order.0), order.1),
        ready: NOW,
        act: Act::Desk(Notice::Tell { channel: channel(), note: Box::new(note) }),
        state: State::Waiting { tried: 0 },
    }
}

pub(super) fn delivery_row(delivery: Delivery) -> (Key, Option<Record>) {
    (Key::Delivery(delivery.id.clone()), Some(Record::Delivery(Box::new(delivery))))
}
