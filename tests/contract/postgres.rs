//! What a store in PostgreSQL must bear beside the contract: two daemons, a killed connection, a
//! lost answer to COMMIT, a newer schema, a copied database; and that no question reads all rows.

use super::kit::*;
use super::server::Schema;
use careline::case::id::CaseNo;
use careline::case::record::Key;
use careline::store::postgres::{Postgres, ask};
use careline::store::{Outcome, Store, StoreError};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// As the program does it: where others wait, too.
fn open(address: &str) -> Result<Postgres, StoreError> {
    let address = address.to_owned().into();
    match tokio::runtime::Handle::try_current() {
        Ok(_) => Postgres::open(&address, NOW),
        Err(_) => run(async { Postgres::open(&address, NOW) }),
    }
}

/// Adds one to a sum, going round until nobody was faster.
async fn count(store: &dyn Store, envelope: &str) {
    loop {
        let seen = get(store, key("sum")).await;
        let next = format!("{}", seen.version + 1);
        let commit = put([(key("sum"), Some(value(&next)))]);
        let mut commit = with_log(with_envelope(commit, envelope), None);
        commit.reads.insert(key("sum"), seen.version);
        if store.commit(commit).await.unwrap() == Outcome::Fresh {
            return;
        }
    }
}

#[test]
fn three_daemons_count_together_and_their_log_has_no_gap() {
    let Some(schema) = Schema::fresh() else { return };
    run(async {
        let stores: Vec<_> = (0..3).map(|_| Arc::new(open(&schema.address).unwrap())).collect();
        assert!(stores.iter().all(|store| store.identity() == stores[0].identity()));
        let each = (0..3_usize).map(|daemon| {
            let store = Arc::clone(&stores[daemon]);
            tokio::spawn(async move {
                for n in 0..20 {
                    count(&*store, &format!("{daemon}.{n}")).await;
                }
            })
        });
        for daemon in each.collect::<Vec<_>>() {
            let limit = Duration::from_secs(120);
            tokio::time::timeout(limit, daemon).await.expect("nobody hangs").unwrap();
        }
        assert_eq!(get(&*stores[1], key("sum")).await.version, 60);
        let seqs: Vec<_> = stores[2].log(0, 99).await.unwrap().iter().map(|e| e.seq).collect();
        assert_eq!(seqs, (1..=60).collect::<Vec<_>>());
        for store in stores {
            store.close().await.unwrap();
        }
    });
}

/// All connections of the stores of a schema end.
fn cut(schema: &Schema) {
    schema.run(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name = '{}' AND pid <> pg_backend_pid()",
        schema.name
    ));
}

#[test]
fn killed_connections_lose_nothing_and_double_nothing() {
    let Some(schema) = Schema::fresh() else { return };
    run(async {
        let store = Arc::new(open(&schema.address).unwrap());
        let done = Arc::new(AtomicBool::new(false));
        let writer = {
            let (store, done) = (Arc::clone(&store), Arc::clone(&done));
            tokio::spawn(async move {
                for n in 0..40 {
                    count(&*store, &format!("e{n}")).await;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                done.store(true, Ordering::SeqCst);
            })
        };
        let mut cuts = 0;
        while !done.load(Ordering::SeqCst) && cuts < 200 {
            cut(&schema);
            cuts += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let limit = Duration::from_secs(120);
        tokio::time::timeout(limit, writer).await.expect("it goes on").unwrap();
        assert_eq!(get(&*store, key("sum")).await.version, 40);
        assert_eq!(store.last_log().await.unwrap(), 40);
        assert_eq!(store.envelopes(None, 99).await.unwrap().len(), 40);
        println!("{cuts} times all connections were killed");
        store.close().await.unwrap();
    });
}

/// Passes bytes on; once, the first COMMIT after `armed` reaches the server and its answer is lost.
async fn relay(listener: TcpListener, to: String, armed: Arc<AtomicBool>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(&to).await else { continue };
        let ((client_in, client_out), (server_in, server_out)) =
            (client.into_split(), server.into_split());
        let lost = Arc::new(AtomicBool::new(false));
        tokio::spawn(forward(client_in, server_out, Arc::clone(&armed), Arc::clone(&lost)));
        tokio::spawn(back(server_in, client_out, lost));
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    armed: Arc<AtomicBool>,
    lost: Arc<AtomicBool>,
) -> io::Result<()> {
    let mut bytes = vec![0; 65_536];
    loop {
        let n = from.read(&mut bytes).await?;
        if n == 0 {
            return Ok(());
        }
        let commits = bytes[..n].windows(7).any(|word| word == b"COMMIT\0");
        if commits && armed.swap(false, Ordering::SeqCst) {
            lost.store(true, Ordering::SeqCst);
        }
        to.write_all(&bytes[..n]).await?;
    }
}

async fn back(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    lost: Arc<AtomicBool>,
) -> io::Result<()> {
    let mut bytes = vec![0; 65_536];
    loop {
        let n = from.read(&mut bytes).await?;
        if n == 0 || lost.load(Ordering::SeqCst) {
            return Ok(());
        }
        to.write_all(&bytes[..n]).await?;
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_and_not_done_twice() {
    let Some(schema) = Schema::fresh() else { return };
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = listener.local_addr().unwrap().to_string();
        let (_, rest) = schema.address.split_once('@').unwrap_or(("", &schema.address));
        let far = rest.split('/').next().unwrap().to_owned();
        let armed = Arc::new(AtomicBool::new(false));
        tokio::spawn(relay(listener, far.clone(), Arc::clone(&armed)));
        let store = open(&schema.address.replace(&far, &near)).unwrap();
        for n in 0..3 {
            armed.store(true, Ordering::SeqCst);
            // Without an envelope, as the outbox commits its attempts.
            let commit = with_log(put([(key("a"), Some(value("x")))]), None);
            let limit = Duration::from_secs(60);
            let done = tokio::time::timeout(limit, store.commit(commit)).await;
            assert_eq!(done.expect("it goes on").unwrap(), Outcome::Fresh);
            assert!(!armed.load(Ordering::SeqCst), "no COMMIT was lost");
            assert_eq!(get(&store, key("a")).await.version, n + 1);
            assert_eq!(store.last_log().await.unwrap(), n + 1);
        }
        store.close().await.unwrap();
    });
}

#[test]
fn a_caller_who_goes_away_leaves_nothing_half_done() {
    let Some(schema) = Schema::fresh() else { return };
    run(async {
        let store = open(&schema.address).unwrap();
        for n in 0..50 {
            let commit = with_envelope(put([(key("a"), Some(value("x")))]), &n.to_string());
            let commit = store.commit(commit);
            let _ = tokio::time::timeout(Duration::from_micros(n * 40), commit).await;
        }
        fresh(&store, put([(key("a"), Some(value("last")))])).await;
        let taken = store.envelopes(None, 99).await.unwrap().len() as u64;
        assert_eq!(get(&store, key("a")).await.version, taken + 1);
        let open = format!(
            "SELECT state FROM pg_stat_activity WHERE application_name = '{}' \
             AND state LIKE 'idle in transaction%'",
            schema.name
        );
        assert!(schema.ask(&open).is_empty(), "a transaction was left open");
        store.close().await.unwrap();
    });
}

#[test]
fn a_newer_schema_and_a_copied_database_are_refused_in_a_sentence() {
    let Some(schema) = Schema::fresh() else { return };
    drop(open(&schema.address).unwrap());
    schema.run("UPDATE counters SET schema = 99");
    drop(open(&schema.address).expect("it says that older ones may work with it"));
    schema.run("UPDATE counters SET oldest = 99");
    let refused = open(&schema.address).err().unwrap();
    assert!(matches!(refused, StoreError::Newer(_)), "{refused:?}");
    assert!(refused.to_string().contains("a newer careline"), "{refused}");
    schema.run("UPDATE counters SET oldest = 1, home = 'elsewhere'");
    let refused = open(&schema.address).err().unwrap();
    assert!(refused.to_string().contains("is a copy"), "{refused}");
    schema.run("UPDATE counters SET home = NULL");
    drop(open(&schema.address).unwrap());
    let nowhere = open(&schema.address.replace("/postgres?", "/nowhere?")).err();
    let said = nowhere.map(|refused| refused.to_string()).unwrap_or_default();
    assert!(
        said.starts_with("PostgreSQL refuses us: ") || std::env::var("DATABASE_URL").is_ok(),
        "{said}"
    );
}

#[test]
fn while_it_runs_a_newer_schema_stops_it() {
    let Some(schema) = Schema::fresh() else { return };
    run(async {
        let store = open(&schema.address).unwrap();
        fresh(&store, put([(key("a"), Some(value("1")))])).await;
        schema.run("UPDATE counters SET schema = 2, oldest = 2");
        let refused = store.commit(put([(key("a"), Some(value("2")))])).await;
        assert!(matches!(refused, Err(StoreError::Newer(_))), "{refused:?}");
    });
}

#[test]
fn every_question_over_cases_has_an_index() {
    let Some(schema) = Schema::fresh() else { return };
    drop(open(&schema.address).unwrap());
    for statement in ask::statements() {
        let types = "text, text".split(", ").take(if statement.contains("$2") { 2 } else { 0 });
        let types = types.collect::<Vec<_>>().join(", ");
        let (types, values) = match types.as_str() {
            "" => (String::new(), String::new()),
            types => (format!("({types})"), "('%parcel%', '%lost%')".to_owned()),
        };
        let plan = schema.ask_after(
            &format!("SET enable_seqscan = off; PREPARE asked{types} AS {statement}"),
            &format!("EXPLAIN EXECUTE asked{values}"),
        );
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{statement}\n{plan}");
        assert!(plan.contains("Index"), "{statement}\n{plan}");
    }
}

#[test]
fn people_can_read_the_tables() {
    let Some(schema) = Schema::fresh() else { return };
    run(async {
        let store = open(&schema.address).unwrap();
        let mut one = case(1);
        one.claimer = Some(agent("ann"));
        let rows = [case_row(one), delivery_row(delivery("1.0", (NOW.0, 0)))];
        fresh(&store, with_log(with_envelope(put(rows), "e"), Some(1))).await;
        store.close().await.unwrap();
    });
    let ask = |question: &str| schema.ask(question);
    let cases = ask("SELECT no || ' ' || handle || ' ' || claimer || ' ' || status || ' ' || \
        (opened AT TIME ZONE 'UTC') FROM report_cases");
    assert_eq!(cases, ["1 h1 ann open 2023-11-14 22:13:20"]);
    assert_eq!(ask("SELECT whom || ' ' || state FROM report_deliveries"), ["desk waiting"]);
    assert_eq!(
        ask("SELECT event || ' ' || did || ' ' || case_no FROM report_log"),
        ["mentioned opened 1"]
    );
    assert!(ask("SELECT what FROM report_messages").is_empty());
}

#[test]
fn the_check_sees_columns_that_differ_from_their_record() {
    let Some(schema) = Schema::fresh() else { return };
    run(async {
        let store = open(&schema.address).unwrap();
        fresh(&store, put([case_row(case(1))])).await;
        assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
        schema.run("UPDATE cases SET status = 'closed'; INSERT INTO alarms VALUES (1, 0, 5, '{}')");
        let wrong = store.check().await.unwrap();
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        fresh(&store, put([(Key::Case(CaseNo(1)), None)])).await;
        assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
        store.close().await.unwrap();
    });
}

#[test]
fn one_daemon_holds_the_store_and_another_takes_over() {
    let Some(schema) = Schema::fresh() else { return };
    let limit = Duration::from_secs(30);
    run(async {
        let first = open(&schema.address).unwrap();
        let second = Arc::new(open(&schema.address).unwrap());
        first.hold().await.unwrap();
        let waits = Arc::clone(&second);
        let waits = tokio::spawn(async move { waits.hold().await });
        fresh(&first, put([(key("a"), Some(value("1")))])).await;
        assert!(!waits.is_finished(), "the store is the first one's");
        schema.run("UPDATE counters SET until = '-infinity'");
        tokio::time::timeout(limit, waits).await.expect("it is free").unwrap().unwrap();
        let refused = first.commit(put([(key("a"), Some(value("2")))])).await;
        assert!(matches!(refused, Err(StoreError::Locked(_))), "{refused:?}");
        fresh(&*second, put([(key("a"), Some(value("3")))])).await;
        first.close().await.unwrap();
        let third = open(&schema.address).unwrap();
        second.close().await.unwrap();
        let held = tokio::time::timeout(limit, third.hold()).await;
        held.expect("a clean end lets go at once").unwrap();
        assert_eq!(get(&third, key("a")).await.version, 2);
        third.close().await.unwrap();
    });
}
