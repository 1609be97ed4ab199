//! The contract of every store.

use super::kit::*;
use careline::case::effect::State;
use careline::case::id::{CaseNo, EnvelopeId, PostId};
use careline::case::limits::{LISTED, ROW_BYTES};
use careline::case::model::{Alarm, Status, Wake};
use careline::case::record::{Key, Query, Reach};
use careline::case::time::Timestamp;
use careline::store::export::{export, import};
use careline::store::{Kind, Outcome, STORES, Store, StoreError};
use std::sync::Arc;

#[test]
fn an_absent_record_has_version_0_and_versions_grow() {
    on_all(async |store| {
        assert_eq!(get(&*store, key("a")).await.version, 0);
        for version in 1..4 {
            fresh(&*store, put([(key("a"), Some(value("x")))])).await;
            let found = get(&*store, key("a")).await;
            assert_eq!((found.version, found.record), (version, Some(value("x"))));
        }
        fresh(&*store, put([(key("a"), None)])).await;
        assert_eq!(get(&*store, key("a")).await, Default::default());
    });
}

#[test]
fn a_commit_whose_reads_changed_writes_nothing() {
    on_all(async |store| {
        fresh(&*store, put([(key("a"), Some(value("1")))])).await;
        for (name, version) in [("a", 0), ("a", 2), ("absent", 1)] {
            let mut commit = put([(key("a"), Some(value("2"))), (key("b"), Some(value("2")))]);
            commit.reads.insert(key(name), version);
            let commit = with_log(with_envelope(commit, "late"), None);
            assert_eq!(store.commit(commit).await.unwrap(), Outcome::Conflict);
        }
        assert_eq!(get(&*store, key("a")).await.record, Some(value("1")));
        assert_eq!(get(&*store, key("b")).await.version, 0);
        assert!(store.log(0, 9).await.unwrap().is_empty());
        assert!(store.envelopes(None, 9).await.unwrap().is_empty());
    });
}

#[test]
fn an_envelope_is_taken_once_even_when_its_reads_changed() {
    on_all(async |store| {
        let commit = with_envelope(put([(key("a"), Some(value("1")))]), "e\0ÿ");
        fresh(&*store, commit.clone()).await;
        let mut again = commit;
        again.reads.insert(key("a"), 0);
        assert_eq!(store.commit(again).await.unwrap(), Outcome::Repeated);
        assert_eq!(get(&*store, key("a")).await.version, 1);
        let taken = vec![(EnvelopeId::new("e\0ÿ"), NOW)];
        assert_eq!(store.envelopes(None, 9).await.unwrap(), taken);
    });
}

#[test]
fn sixteen_writers_count_together_and_nobody_hangs() {
    on_all(async |store| {
        let mut writers = Vec::new();
        for writer in 0..16 {
            let store = Arc::clone(&store);
            writers.push(tokio::spawn(async move {
                for n in 0..8 {
                    count(&*store, &format!("{writer}.{n}")).await;
                }
            }));
        }
        for writer in writers {
            let limit = std::time::Duration::from_secs(120);
            tokio::time::timeout(limit, writer).await.expect("nobody hangs").unwrap();
        }
        assert_eq!(get(&*store, key("sum")).await.version, 16 * 8);
        assert_eq!(store.envelopes(None, 1000).await.unwrap().len(), 16 * 8);
    });
}

/// Adds one to a sum, going round until nobody was faster.
async fn count(store: &dyn Store, envelope: &str) {
    loop {
        let seen = get(store, key("sum")).await;
        let next = format!("{}", seen.version + 1);
        let mut commit = with_envelope(put([(key("sum"), Some(value(&next)))]), envelope);
        commit.reads.insert(key("sum"), seen.version);
        match store.commit(commit).await.unwrap() {
            Outcome::Fresh => return,
            Outcome::Conflict => {}
            Outcome::Repeated => panic!("{envelope} was never committed"),
        }
    }
}

#[test]
fn pending_deliveries_come_in_order_page_by_page() {
    on_all(async |store| {
        let orders = [(-5, 1), (3, 0), (3, 0), (3, 1), (NOW.0, 2)];
        for (n, order) in orders.into_iter().enumerate().rev() {
            fresh(&*store, put([delivery_row(delivery(&format!("d{n}"), order))])).await;
        }
        let mut ids = Vec::new();
        let mut after = None;
        loop {
            let page = store.pending(after.as_ref(), 2).await.unwrap();
            assert!(page.len() <= 2);
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            ids.extend(page.iter().map(|p| p.id.0.clone()));
        }
        assert_eq!(ids, ["d0", "d1", "d2", "d3", "d4"]);
        let mut done = delivery("d1", (3, 0));
        done.state = State::Dropped;
        let mut moved = delivery("d0", (9, 9));
        moved.urgent = true;
        fresh(&*store, put([delivery_row(done), delivery_row(moved)])).await;
        let page = store.pending(None, 99).await.unwrap();
        let ids: Vec<_> = page.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids, ["d2", "d3", "d0", "d4"]);
        assert!(page[2].urgent && page[2].ready == NOW && page[2].lane == "lane");
    });
}

#[test]
fn alarms_are_due_at_their_time_and_go_with_their_case() {
    on_all(async |store| {
        let alarm = |at| Alarm { at: Timestamp(at), what: Wake::Patience(1) };
        let mut first = case(1);
        first.alarms = vec![alarm(20), alarm(-10)];
        let mut second = case(2);
        second.alarms = vec![alarm(10), Alarm { at: Timestamp(10), what: Wake::Release(3) }];
        fresh(&*store, put([case_row(first.clone()), case_row(second)])).await;
        let due = async |until, limit| store.alarms(Timestamp(until), limit).await.unwrap();
        assert!(due(-11, 9).await.is_empty());
        assert_eq!(due(-10, 9).await, [(CaseNo(1), alarm(-10))]);
        assert_eq!(due(19, 9).await.len(), 3);
        assert_eq!(due(i64::MAX, 9).await.len(), 4);
        assert_eq!(due(i64::MAX, 2).await.len(), 2);
        first.alarms = vec![alarm(20)];
        fresh(&*store, put([case_row(first), (Key::Case(CaseNo(2)), None)])).await;
        assert_eq!(due(i64::MAX, 9).await, [(CaseNo(1), alarm(20))]);
    });
}

#[test]
fn questions_are_answered_longest_wait_first() {
    on_all(async |store| {
        let mut rows: Vec<_> = (1..=6).map(case).collect();
        rows[1].claimer = Some(agent("ann"));
        rows[2].claimer = Some(agent("ann"));
        rows[2].status = Status::Closed;
        rows[3].waits = None;
        rows[3].status = Status::Answered;
        fresh(&*store, put(rows.into_iter().map(case_row))).await;
        let list = async |query| {
            let reach = Reach { keys: Default::default(), query: Some(query) };
            let list = store.read(&reach).await.unwrap().list;
            list.iter().map(|s| s.no.0).collect::<Vec<_>>()
        };
        assert_eq!(list(Query::NotClosed).await, [6, 5, 2, 1, 4]);
        assert_eq!(list(Query::Unclaimed).await, [6, 5, 1]);
        assert_eq!(list(Query::Of(vec![agent("ann").id])).await, [2]);
        assert!(list(Query::Of(vec![agent("an").id])).await.is_empty());
        fresh(&*store, put((10..99).map(|no| case_row(case(no))))).await;
        assert_eq!(list(Query::NotClosed).await.len(), LISTED);
    });
}

#[test]
fn a_scan_reads_one_kind_in_order_page_by_page() {
    on_all(async |store| {
        let names = ["", "\0", "\0a", "a", "a\0", "a\0b", "a\u{1}", "ab", "ÿ"];
        fresh(&*store, put(names.map(|name| (key(name), Some(value(name)))))).await;
        fresh(&*store, put([case_row(case(7))])).await;
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = store.scan(Kind::Cursor, after.as_ref(), 2).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            seen.extend(page.into_iter().map(|(key, _)| key));
        }
        assert_eq!(seen, names.map(key));
    });
}

#[test]
fn no_number_is_given_twice() {
    on_all(async |store| {
        for n in 1..=3_u64 {
            let commit = put([case_row(case(n * 10))]);
            fresh(&*store, with_log(with_envelope(commit, &n.to_string()), Some(n))).await;
        }
        let seqs = |log: Vec<careline::case::record::LogEntry>| {
            log.iter().map(|entry| entry.seq).collect::<Vec<_>>()
        };
        assert_eq!(seqs(store.log(0, 9).await.unwrap()), [1, 2, 3]);
        assert_eq!(seqs(store.log(1, 1).await.unwrap()), [2]);
        assert_eq!(store.last_case().await.unwrap(), CaseNo(30));
        fresh(&*store, put([(Key::Case(CaseNo(30)), None)])).await;
        assert_eq!(store.trim(Timestamp(NOW.0 + 1)).await.unwrap(), 6);
        assert_eq!(store.last_case().await.unwrap(), CaseNo(30));
        fresh(&*store, with_log(put([]), None)).await;
        assert_eq!(seqs(store.log(0, 9).await.unwrap()), [4]);
        assert!(store.envelopes(None, 9).await.unwrap().is_empty());
    });
}

#[test]
fn a_row_that_is_too_large_is_refused_and_nothing_of_its_commit_is_written() {
    on_all(async |store| {
        let big = value(&"x".repeat(ROW_BYTES));
        let commit = put([(key("a"), Some(value("small"))), (key("b"), Some(big))]);
        let commit = with_log(with_envelope(commit, "big"), None);
        let refused = store.commit(commit).await;
        assert!(matches!(refused, Err(StoreError::TooLarge(_))), "{refused:?}");
        assert_eq!(get(&*store, key("a")).await.version, 0);
        assert!(store.envelopes(None, 9).await.unwrap().is_empty());
        fresh(&*store, put([(key("a"), Some(value(&"y".repeat(ROW_BYTES - 100))))])).await;
    });
}

#[test]
fn an_export_goes_into_an_empty_store_and_comes_out_the_same() {
    let lines = |text: Vec<u8>| {
        let text = String::from_utf8(text).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    on_all(async |store| {
        for n in 1..=700_u64 {
            let rows = [case_row(case(n)), delivery_row(delivery(&format!("{n}.0"), (1, 1)))];
            fresh(&*store, with_log(with_envelope(put(rows), &n.to_string()), Some(n))).await;
        }
        fresh(&*store, put([(Key::Case(CaseNo(700)), None)])).await;
        fresh(&*store, put([(key("a"), Some(value("1")))])).await;
        let mut out = Vec::new();
        export(&*store, NOW, &mut out).await.unwrap();
        for room in STORES.iter().filter_map(|row| room(row)) {
            let (row, other) = (room.row, room.open());
            import(&*other, NOW, &mut out.as_slice()).await.unwrap();
            let mut again = Vec::new();
            export(&*other, NOW, &mut again).await.unwrap();
            assert_eq!(lines(again), lines(out.clone()), "{}", row.name);
            assert_eq!(other.last_case().await.unwrap(), CaseNo(700));
            assert_eq!(other.check().await.unwrap(), Vec::<String>::new());
            let twice = import(&*other, NOW, &mut out.as_slice()).await;
            assert!(twice.is_err(), "only an empty store takes an import");
            other.close().await.unwrap();
        }
    });
}

#[test]
fn the_check_names_what_hangs_in_the_air() {
    for room in STORES.iter().filter_map(|row| room(row)) {
        run(async {
            let store = room.open();
            let post = Key::Post(careline::case::id::AccountId::new("shop"), PostId::new("p1"));
            let record = careline::case::record::Record::Post(CaseNo(99), 0);
            fresh(&*store, put([(post, Some(record))])).await;
            let wrong = store.check().await.unwrap();
            assert!(wrong.len() == 1 && wrong[0].contains("#99"), "{wrong:?}");
        });
    }
}
