//! Random commits against a model that is too simple to be wrong.

use super::kit::*;
use careline::case::record::{Commit, Record};
use careline::store::{Kind, Outcome, STORES, Store};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Keys with their new values; `None` deletes.
type Writes = Vec<(u8, Option<u8>)>;

#[derive(Clone, Debug)]
enum Step {
    Commit { envelope: Option<u8>, reads: Vec<(u8, u64)>, writes: Writes, log: bool },
    Reopen,
    Compact,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let commit = (
        proptest::option::of(0..12_u8),
        proptest::collection::vec((0..5_u8, 0..4_u64), 0..2),
        proptest::collection::vec((0..5_u8, proptest::option::of(any::<u8>())), 0..4),
        any::<bool>(),
    );
    let commit = commit.prop_map(|(envelope, reads, writes, log)| Step::Commit {
        envelope,
        reads,
        writes,
        log,
    });
    let step = prop_oneof![30 => commit, 2 => Just(Step::Reopen), 1 => Just(Step::Compact)];
    proptest::collection::vec(step, 1..40)
}

#[derive(Default)]
struct Model {
    rows: BTreeMap<u8, (u64, u8)>,
    taken: BTreeSet<u8>,
    log: u64,
}

impl Model {
    fn commit(&mut self, step: &Step) -> Outcome {
        let Step::Commit { envelope, reads, writes, log } = step else { panic!("no commit") };
        if envelope.is_some_and(|id| self.taken.contains(&id)) {
            return Outcome::Repeated;
        }
        let version = |key: &u8| self.rows.get(key).map_or(0, |row| row.0);
        let reads: BTreeMap<_, _> = reads.iter().copied().collect();
        if reads.iter().any(|(key, seen)| version(key) != *seen) {
            return Outcome::Conflict;
        }
        let writes: BTreeMap<_, _> = writes.iter().copied().collect();
        for (key, new) in writes {
            let next = self.rows.get(&key).map_or(0, |row| row.0) + 1;
            match new {
                Some(new) => drop(self.rows.insert(key, (next, new))),
                None => drop(self.rows.remove(&key)),
            }
        }
        self.taken.extend(envelope);
        self.log += u64::from(*log);
        Outcome::Fresh
    }
}

fn real(step: &Step) -> Commit {
    let Step::Commit { envelope, reads, writes, log } = step else { panic!("no commit") };
    let name = |n: &u8| key(&format!("k{n}"));
    let writes: BTreeMap<_, _> = writes.iter().copied().collect();
    let rows = writes.iter().map(|(k, v)| (name(k), v.map(|v| value(&v.to_string()))));
    let mut commit = put(rows);
    commit.reads = reads.iter().map(|(k, v)| (name(k), *v)).collect();
    if let Some(id) = envelope {
        commit = with_envelope(commit, &id.to_string());
    }
    if *log { with_log(commit, None) } else { commit }
}

async fn compare(store: &dyn Store, model: &Model) {
    let rows = store.scan(Kind::Cursor, None, 99).await.unwrap();
    let expected: Vec<_> = model
        .rows
        .iter()
        .map(|(k, (version, v))| (key(&format!("k{k}")), *version, value(&v.to_string())))
        .collect();
    let found: Vec<(_, u64, Record)> =
        rows.into_iter().map(|(k, v)| (k, v.version, v.record.unwrap())).collect();
    assert_eq!(found, expected);
    assert_eq!(store.log(0, 99).await.unwrap().len() as u64, model.log);
    assert_eq!(store.envelopes(None, 99).await.unwrap().len(), model.taken.len());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn every_store_does_what_the_model_does(steps in steps()) {
        for room in STORES.iter().filter_map(|row| room(row)) {
            run(async {
                let mut store = room.open();
                let mut model = Model::default();
                for step in &steps {
                    match step {
                        Step::Reopen if room.row.name != "memory" => {
                            drop(store);
                            store = room.open();
                            compare(&*store, &model).await;
                        }
                        Step::Reopen => {}
                        Step::Compact => store.compact().await.unwrap(),
                        step => {
                            let outcome = store.commit(real(step)).await.unwrap();
                            assert_eq!(outcome, model.commit(step), "{step:?}");
                        }
                    }
                }
                compare(&*store, &model).await;
            });
        }
    }
}
