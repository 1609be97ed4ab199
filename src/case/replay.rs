//! Decides over a plain map of records: what a store does, without one. The same envelopes in the
//! same order give the same records, which is how a log is replayed and how dialogues are played.

use super::decide::decide;
use super::event::Envelope;
use super::id::{AgentId, CaseNo};
use super::model::{Case, Status};
use super::policy::Policy;
use super::reach::reach;
use super::record::{Decision, Found, Key, Query, Record, Summary, Versioned};
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Clone, Default)]
pub struct Replay {
    /// All records as they stand.
    pub records: BTreeMap<Key, Versioned>,
    taken: BTreeSet<super::id::EnvelopeId>,
    cases: u64,
}

impl Replay {
    /// What was read for this envelope, all rounds.
    #[must_use]
    pub fn found(&self, policy: &Policy, envelope: &Envelope) -> Found {
        let mut found = Found::default();
        for _ in 0..super::limits::ROUNDS {
            let wanted = reach(policy, envelope, &found);
            found.list = wanted.query.map(|query| self.list(&query)).unwrap_or_default();
            for key in wanted.keys {
                let versioned = self.records.get(&key).cloned().unwrap_or_default();
                found.records.insert(key, versioned);
            }
        }
        found
    }

    /// Takes an envelope. One that was taken before decides nothing.
    pub fn take(&mut self, policy: &Policy, mut envelope: Envelope) -> Decision {
        if self.taken.contains(&envelope.id) {
            return Decision { did: "repeated", ..Decision::default() };
        }
        envelope.spare = CaseNo(self.cases + 1);
        let found = self.found(policy, &envelope);
        let decision = decide(policy, &found, &envelope);
        if !decision.writes.is_empty() {
            self.taken.insert(envelope.id);
        }
        for (key, record) in &decision.writes {
            if let Key::Case(no) = key {
                self.cases = self.cases.max(no.0);
            }
            let slot = self.records.entry(key.clone()).or_default();
            slot.version += 1;
            slot.record.clone_from(record);
        }
        decision
    }

    fn list(&self, query: &Query) -> Vec<Summary> {
        let cases = self.records.values().filter_map(|versioned| match &versioned.record {
            Some(Record::Case(case)) => Some(&**case),
            _ => None,
        });
        let open = |case: &Case| case.status != Status::Closed;
        let wanted = |case: &&Case| match query {
            Query::NotClosed => open(case),
            Query::Unclaimed => {
                case.status == Status::Open && case.claimer.is_none() && case.snoozed.is_none()
            }
            Query::Of(person) => open(case) && is_of(case, person),
            Query::Queue(person) => {
                let free = case.claimer.is_none() && case.snoozed.is_none();
                (case.status == Status::Open && free) || (open(case) && is_of(case, person))
            }
            Query::OfContacts(contacts) => contacts.contains(&case.contact),
            Query::Find(words) => self.holds(case, words),
        };
        let mut list: Vec<Summary> = cases.filter(wanted).map(Summary::of).collect();
        match query {
            Query::OfContacts(_) | Query::Find(_) => list.sort_by_key(|s| std::cmp::Reverse(s.no)),
            Query::Queue(_) => {
                list.sort_by_key(|s| (s.claimer.is_some(), s.snoozed, s.place, s.no));
            }
            _ => list.sort_by_key(|s| (s.snoozed, s.place, s.no)),
        }
        list.truncate(super::limits::LISTED);
        list
    }

    fn holds(&self, case: &Case, words: &str) -> bool {
        let lines = (0..case.lines).filter_map(|seq| {
            match &self.records.get(&Key::Line(case.no, seq))?.record {
                Some(Record::Line(line)) => Some(line.words()),
                _ => None,
            }
        });
        let all = lines.fold(case.words(), |all, line| all + " " + &line);
        words.to_lowercase().split_whitespace().all(|word| all.contains(word))
    }
}

fn is_of(case: &Case, person: &[AgentId]) -> bool {
    case.claimer.as_ref().is_some_and(|claimer| person.contains(&claimer.id))
}
