//! The life of a case as the page draws it: how far the newest words have come.

use crate::case::effect::{Act, Delivery, State};
use crate::case::id::{CaseNo, ThreadId};
use crate::case::model::{Alarm, Body, Case, Line, ReplyLine, ReplyState, Status, Wake};
use crate::case::record::{Key, LogEntry, Reach, Record};
use crate::case::time::{Span, Timestamp};
use crate::store::{Kind, Store};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Lines of a case that are looked at, newest last.
const LINES: u32 = 14;
/// Cases that are shown.
const CASES: usize = 60;

/// What the store knows, as far as it is shown.
#[derive(Clone, Debug, Default)]
pub struct Known {
    cases: Vec<Case>,
    lines: BTreeMap<(CaseNo, u32), Line>,
    deliveries: BTreeMap<String, Delivery>,
    log: Vec<LogEntry>,
}

impl Known {
    /// Reads again what is shown; keeps what it had where the store does not answer.
    pub async fn read(&mut self, store: &dyn Store) {
        let after = self.log.last().map_or(0, |entry| entry.seq);
        if let Ok(more) = store.log(after, 5000).await {
            self.log.extend(more);
        }
        let last = store.last_case().await.map_or(0, |no| no.0);
        let first = Key::Case(CaseNo(last.saturating_sub(CASES as u64)));
        let Ok(rows) = store.scan(Kind::Case, Some(&first), CASES).await else { return };
        let cases = rows.into_iter().filter_map(|(_, row)| match row.record {
            Some(Record::Case(case)) => Some(*case),
            _ => None,
        });
        self.cases = cases.collect();
        let keys = self.cases.iter().flat_map(|case| {
            let from = case.lines.saturating_sub(LINES);
            (from..case.lines).map(|seq| Key::Line(case.no, seq))
        });
        let reach = Reach { keys: keys.collect(), query: None };
        let Ok(found) = store.read(&reach).await else { return };
        self.lines.clear();
        for row in found.records.into_values() {
            if let Some(Record::Line(line)) = row.record {
                self.lines.insert((line.case, line.seq), *line);
            }
        }
        self.parts(store).await;
    }

    async fn parts(&mut self, store: &dyn Store) {
        let replies = self.lines.values().filter_map(|line| match &line.body {
            Body::Reply(reply) if reply.state == ReplyState::Sending => Some(&reply.parts),
            _ => None,
        });
        let keys = replies.flatten().map(|id| Key::Delivery(id.clone())).collect();
        let Ok(found) = store.read(&Reach { keys, query: None }).await else { return };
        self.deliveries.clear();
        for row in found.records.into_values() {
            if let Some(Record::Delivery(delivery)) = row.record {
                self.deliveries.insert(delivery.id.0.clone(), *delivery);
            }
        }
    }

    /// The lives of all cases that have a thread.
    #[must_use]
    pub fn lives(&self, now: Timestamp, undo: Span) -> Vec<Value> {
        let threads = self.cases.iter().filter_map(|case| Some((case, case.thread.as_ref()?)));
        let life = threads.map(|(case, thread)| {
            let (steps, hold) = self.steps(case, now, undo);
            json!({
                "thread": place(thread),
                "case": case.no.0, "who": case.contact.remote, "status": status(case),
                "claimer": case.claimer.as_ref().map(|agent| &agent.name),
                "steps": steps, "hold": hold, "notes": self.notes(case.no),
            })
        });
        life.collect()
    }

    fn notes(&self, no: CaseNo) -> Vec<Value> {
        let mine = self.log.iter().rev().filter(|entry| entry.case == Some(no));
        let told = mine.filter(|entry| !entry.did.is_empty()).take(9);
        told.map(|entry| json!({"at": millis(entry.at), "text": entry.did.replace('_', " ")}))
            .collect()
    }

    fn body(&self, case: &Case, of: impl Fn(&Body) -> bool) -> Option<&Line> {
        let range = (case.no, 0)..=(case.no, u32::MAX);
        self.lines.range(range).rev().map(|(_, line)| line).find(|line| of(&line.body))
    }

    fn steps(&self, case: &Case, now: Timestamp, undo: Span) -> (Vec<Value>, Option<Value>) {
        let said = self.body(case, |body| matches!(body, Body::Mention { .. }));
        let seq = said.map_or(0, |line| line.seq);
        let reply = self.body(case, |body| matches!(body, Body::Reply(_)));
        let reply = reply.and_then(|line| match &line.body {
            Body::Reply(reply) => Some((line, &**reply)),
            _ => None,
        });
        let open = |state: &ReplyState| !matches!(state, ReplyState::Sent | ReplyState::Withdrawn);
        let reply = reply.filter(|(line, reply)| line.seq > seq || open(&reply.state));
        let hand = self.body(case, |body| matches!(body, Body::Own { .. }));
        let hand = hand.is_some_and(|line| line.seq > seq);
        let mut steps = heard(case, said);
        steps.push(claimed(case));
        let hold = reply.and_then(|(line, _)| hold(case, line.seq, undo));
        match reply {
            Some((_, reply)) => steps.extend(self.answer(reply, now)),
            None if hand || case.status == Status::Answered => steps.extend(by_hand()),
            None => steps.extend(nothing_yet(case)),
        }
        (steps, hold)
    }

    fn answer(&self, reply: &ReplyLine, now: Timestamp) -> Vec<Value> {
        let (held, sent, seen) = match &reply.state {
            ReplyState::Held => ("now", "todo", "todo"),
            ReplyState::Asking(_) | ReplyState::Withdrawn => ("bad", "todo", "todo"),
            ReplyState::Sending => ("done", "now", "todo"),
            ReplyState::Sent => ("done", "done", "done"),
            ReplyState::Removed => ("done", "done", "bad"),
            ReplyState::Failed(_) | ReplyState::Unknown(_) => ("done", "bad", "todo"),
        };
        let hold = match &reply.state {
            ReplyState::Held => format!("{} can still take it back", reply.by.name),
            ReplyState::Asking(_) => "Waits for a press: something changed meanwhile".to_owned(),
            ReplyState::Withdrawn => "Taken back. Nothing left the house.".to_owned(),
            _ => format!("Written by {}", reply.by.name),
        };
        let way = match &reply.state {
            ReplyState::Sending => self.way(reply, now),
            ReplyState::Failed(why) | ReplyState::Unknown(why) => why.clone(),
            ReplyState::Sent if reply.arrived > 1 => {
                format!("In {} parts, in order", reply.arrived)
            }
            ReplyState::Sent => "Once; its receipt is written down".to_owned(),
            _ => String::new(),
        };
        let seen_note = if seen == "done" { "Below their own post, for them to read" } else { "" };
        vec![
            step("held", "Held", held, &hold),
            step("sent", if sent == "bad" { "Not sent" } else { "Sent" }, sent, &way),
            step("seen", "With the customer", seen, seen_note),
        ]
    }

    /// How an answer that has left the house is doing.
    fn way(&self, reply: &ReplyLine, now: Timestamp) -> String {
        let parts = reply.parts.iter().filter_map(|id| self.deliveries.get(id.as_str()));
        let mut outward = parts.filter(|part| matches!(part.act, Act::Network(_)));
        let Some(part) = outward.find(|part| part.state.is_pending()) else {
            return "On its way".to_owned();
        };
        let wait = part.ready.since(now);
        match &part.state {
            State::Waiting { tried: 0 } => "Next in its lane".to_owned(),
            State::Waiting { tried } => {
                format!("Refused {tried} times, surely not posted; again in {wait}")
            }
            State::Attempted { number, absent: 0, .. } => {
                format!("Attempt {number}: no answer yet. It is looked up before any repeat.")
            }
            State::Attempted { number, absent, .. } => {
                format!("Attempt {number}: looked {absent} times, not there yet")
            }
            _ => "On its way".to_owned(),
        }
    }
}

/// A thread as the page names it: its channel and its first message. A thread of Discord is a
/// channel of its own.
fn place(thread: &ThreadId) -> String {
    let own = thread.channel.desk.as_str() == super::pair::DISCORD;
    let channel = if own { &thread.root } else { &thread.channel.channel };
    format!("{channel}/{}", thread.root)
}

fn heard(case: &Case, said: Option<&Line>) -> Vec<Value> {
    let heard = said.and_then(|line| case.recent.iter().find(|heard| heard.line == line.seq));
    let again = if case.wrote > 1 { format!("Wrote {} times", case.wrote) } else { String::new() };
    let shown = heard.and_then(|heard| Some((heard.shown?, heard.written)));
    let (state, note) = match shown {
        Some((shown, written)) => {
            let millis = (shown.since(written).0 / 1000).max(1);
            ("done", format!("{} ms after it was written", millis))
        }
        None => ("now", "On its way to the desk".to_owned()),
    };
    let first =
        if again.is_empty() { "Written to disk before anything else".into() } else { again };
    vec![step("heard", "Heard", "done", &first), step("shown", "In the thread", state, &note)]
}

fn claimed(case: &Case) -> Value {
    match (&case.claimer, case.status) {
        (Some(agent), _) => {
            step("claimed", "Claimed", "done", &format!("{} looks after it", agent.name))
        }
        (None, Status::Closed) => step("claimed", "Claimed", "todo", "Closed without"),
        (None, _) => step("claimed", "Claimed", "now", "Press Claim on the card"),
    }
}

fn nothing_yet(case: &Case) -> Vec<Value> {
    let writing = case.claimer.is_some() && case.status == Status::Open;
    let (state, note) = if writing { ("now", "Write in the thread") } else { ("todo", "") };
    vec![
        step("held", "Held", state, note),
        step("sent", "Sent", "todo", ""),
        step("seen", "With the customer", "todo", ""),
    ]
}

fn by_hand() -> Vec<Value> {
    vec![
        step("held", "Held", "done", "Not here"),
        step("sent", "Sent", "done", "A colleague answered in the network's own app"),
        step("seen", "With the customer", "done", "The clock has stopped"),
    ]
}

fn hold(case: &Case, seq: u32, undo: Span) -> Option<Value> {
    let release = |alarm: &&Alarm| alarm.what == Wake::Release(seq);
    let until = case.alarms.iter().find(release)?.at;
    Some(json!({"from": millis(until - undo), "until": millis(until)}))
}

fn step(key: &str, title: &str, state: &str, note: &str) -> Value {
    json!({"key": key, "title": title, "state": state, "note": note})
}

const fn status(case: &Case) -> &'static str {
    match case.status {
        Status::Open => "open",
        Status::Answered => "answered",
        Status::Closed => "closed",
    }
}

/// As browsers count time.
#[must_use]
pub const fn millis(at: Timestamp) -> i64 {
    at.0 / 1000
}
