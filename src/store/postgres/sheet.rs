//! Which record stands in which table, and what stands readable beside it.

use crate::case::effect::{Act, Delivery, State};
use crate::case::model::{Body, Case, Contact, Line, Status};
use crate::case::record::{Key, Record};
use crate::store::Kind;

/// The value of a readable column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A number or an instant.
    Int(Option<i64>),
    /// A text.
    Text(Option<String>),
    /// Yes or no.
    Flag(bool),
}

/// The type of a readable column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `bigint`.
    Int,
    /// `text`.
    Text,
    /// `boolean`.
    Flag,
}

/// A table of records: `key`, `version`, `record`, then these columns.
#[derive(Debug)]
pub struct Sheet {
    /// The table.
    pub name: &'static str,
    /// Its readable columns, in the order of [`cells`].
    pub columns: &'static [(&'static str, Type)],
}

use Type::{Flag, Int, Text};

/// All tables of records.
pub static SHEETS: [Sheet; 7] = [
    Sheet {
        name: "cases",
        columns: &[
            ("no", Int),
            ("account", Text),
            ("contact", Text),
            ("handle", Text),
            ("name", Text),
            ("status", Text),
            ("desk", Text),
            ("channel", Text),
            ("claimer_desk", Text),
            ("claimer", Text),
            ("opened", Int),
            ("closed", Int),
            ("waits", Int),
            ("place", Int),
            ("snoozed", Flag),
            ("words", Text),
        ],
    },
    Sheet {
        name: "lines",
        columns: &[("case_no", Int), ("seq", Int), ("at", Int), ("what", Text), ("words", Text)],
    },
    Sheet {
        name: "contacts",
        columns: &[
            ("account", Text),
            ("contact", Text),
            ("handle", Text),
            ("name", Text),
            ("cases", Int),
            ("first", Int),
            ("blocked", Flag),
        ],
    },
    Sheet {
        name: "threads",
        columns: &[("desk", Text), ("channel", Text), ("root", Text), ("case_no", Int)],
    },
    Sheet {
        name: "posts",
        columns: &[("account", Text), ("post", Text), ("case_no", Int), ("line", Int)],
    },
    Sheet {
        name: "deliveries",
        columns: &[
            ("id", Text),
            ("case_no", Int),
            ("lane", Text),
            ("bucket", Text),
            ("urgent", Flag),
            ("order_at", Int),
            ("order_n", Int),
            ("ready", Int),
            ("state", Text),
            ("pending", Flag),
            ("whom", Text),
        ],
    },
    Sheet { name: "settings", columns: &[("kind", Text)] },
];

/// The place in [`SHEETS`] of a kind's table.
pub const fn number(kind: Kind) -> usize {
    match kind {
        Kind::Case => 0,
        Kind::Line => 1,
        Kind::Contact => 2,
        Kind::Thread => 3,
        Kind::Post => 4,
        Kind::Delivery => 5,
        _ => 6,
    }
}

/// A kind's table.
pub fn sheet(kind: Kind) -> &'static Sheet {
    &SHEETS[number(kind)]
}

/// PostgreSQL's texts cannot hold the character 0; the record itself keeps it.
pub fn plain(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// A number of ours as the database counts.
pub fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn text(text: impl AsRef<str>) -> Cell {
    Cell::Text(Some(plain(text.as_ref())))
}

fn count(n: impl Into<u64>) -> Cell {
    Cell::Int(Some(int(n.into())))
}

/// The readable columns of a record, in the order of its table; `kind` for those without one.
pub fn cells(key: &Key, record: &Record, kind: Kind) -> Vec<Cell> {
    match (key, record) {
        (Key::Case(_), Record::Case(case)) => of_case(case),
        (Key::Line(..), Record::Line(line)) => of_line(line),
        (Key::Contact(_), Record::Contact(contact)) => of_contact(contact),
        (Key::Thread(id), Record::Thread(no)) => vec![
            text(id.channel.desk.as_str()),
            text(&id.channel.channel),
            text(&id.root),
            count(no.0),
        ],
        (Key::Post(account, post), Record::Post(no, line)) => {
            vec![text(account.as_str()), text(post.as_str()), count(no.0), count(*line)]
        }
        (Key::Delivery(_), Record::Delivery(delivery)) => of_delivery(delivery),
        _ => vec![text(format!("{kind:?}").trim_end_matches('_').to_lowercase())],
    }
}

/// The status of a case as its column says it.
pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Closed => "closed",
        Status::Open => "open",
        _ => "answered",
    }
}

fn of_case(case: &Case) -> Vec<Cell> {
    let claimer = case.claimer.as_ref().map(|agent| &agent.id);
    vec![
        count(case.no.0),
        text(case.account.as_str()),
        text(&case.contact.remote),
        text(case.handle.raw()),
        text(case.name.raw()),
        text(status(case.status)),
        text(case.channel.desk.as_str()),
        text(&case.channel.channel),
        Cell::Text(claimer.map(|id| plain(id.desk.as_str()))),
        Cell::Text(claimer.map(|id| plain(&id.user))),
        Cell::Int(Some(case.opened.0)),
        Cell::Int(case.closed.map(|at| at.0)),
        Cell::Int(case.waits.map(|at| at.0)),
        Cell::Int(Some(case.place().0)),
        Cell::Flag(case.snoozed.is_some()),
        text(case.words()),
    ]
}

fn of_line(line: &Line) -> Vec<Cell> {
    let what = match line.body {
        Body::Mention { .. } => "mention",
        Body::Reply(_) => "reply",
        Body::Remark { .. } => "remark",
        Body::Own { .. } => "own",
    };
    vec![
        count(line.case.0),
        count(line.seq),
        Cell::Int(Some(line.at.0)),
        text(what),
        text(line.words()),
    ]
}

fn of_contact(contact: &Contact) -> Vec<Cell> {
    vec![
        text(contact.id.account.as_str()),
        text(&contact.id.remote),
        text(contact.handle.raw()),
        text(contact.name.raw()),
        count(contact.cases),
        Cell::Int(Some(contact.first.0)),
        Cell::Flag(contact.blocked.is_some()),
    ]
}

fn of_delivery(delivery: &Delivery) -> Vec<Cell> {
    let state = match delivery.state {
        State::Waiting { .. } => "waiting",
        State::Attempted { .. } => "attempted",
        State::Done(_) => "done",
        State::Dead(_) => "dead",
        State::Parked(_) => "parked",
        State::Dropped => "dropped",
    };
    let whom = match delivery.act {
        Act::Desk(_) => "desk",
        Act::Network(_) => "customer",
    };
    vec![
        text(delivery.id.as_str()),
        Cell::Int(delivery.case.map(|no| int(no.0))),
        text(&delivery.lane.0),
        text(&delivery.bucket.0),
        Cell::Flag(delivery.urgent),
        Cell::Int(Some(delivery.order.0.0)),
        count(delivery.order.1),
        Cell::Int(Some(delivery.ready.0)),
        text(state),
        Cell::Flag(delivery.state.is_pending()),
        text(whom),
    ]
}
