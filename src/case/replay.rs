//! Decides over a plain map of records: what a store does, without one. The same envelopes in the
//! same order give the same records, which is how a log is replayed and how dialogues are played.

use super::decide::decide;
use super::event::Envelope;
use super::id::CaseNo;
use super::model::Status;
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
    pub fn found(&self, envelope: &Envelope) -> Found {
        let mut found = Found::default();
        for _ in 0..super::limits::ROUNDS {
            let wanted = reach(envelope, &found);
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
        let found = self.found(&envelope);
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
            Some(Record::Case(case)) if case.status != Status::Closed => Some(case),
            _ => None,
        });
        let mine = |case: &&Box<super::model::Case>| match query {
            Query::NotClosed => true,
            Query::Unclaimed => case.claimer.is_none(),
            Query::Of(agent) => case.claimer.as_ref().is_some_and(|c| c.id == *agent),
        };
        let mut list: Vec<Summary> = cases.filter(mine).map(|case| Summary::of(case)).collect();
        list.sort_by_key(|summary| (summary.waits.is_none(), summary.waits, summary.no));
        list.truncate(super::limits::LISTED);
        list
    }
}
