//! Cuts, lost sessions, lost events, limits: nothing is lost, nothing is said twice.

use super::{ANN, BEN, Bench, FORUM, TOOL, post};
use careline::case::event::{Event, Standing};
use careline::case::id::ThreadId;
use careline::case::time::Timestamp;
use careline::desk::discord::face;
use careline::desk::{Failure, Mark, Stopped};
use careline::world::fault::{Fault, Wrong};
use std::time::Duration;

fn hang_up(bench: &Bench, how: &str) {
    bench.shared.change(super::now(), |w| face::hang_up(w, "team", how));
}

fn fault(bench: &Bench, call: &str, times: u32, wrong: Wrong) {
    let fault = Fault { face: "team".into(), call: call.into(), skip: 0, times, wrong };
    bench.shared.look().faults.set(fault);
}

fn texts(bench: &Bench) -> Vec<String> {
    bench.said().into_iter().map(|r| r.text).collect()
}

async fn sweep(bench: &Bench, thread: &ThreadId, seen: Option<Timestamp>) -> Result<(), Failure> {
    let marks = vec![Mark { seen, ..Mark::whole(thread.clone()) }];
    bench.desk.sweep(marks, bench.inbox()).await
}

#[tokio::test]
async fn a_session_goes_on_where_it_was_cut() {
    for how in ["cut", "op7", "4000"] {
        let (bench, _task) = Bench::listening("forum").await;
        let thread = bench.thread(FORUM).await;
        bench.write(ANN, &thread.root, "one");
        bench.until("one", |b| texts(b).len() == 1).await;
        hang_up(&bench, how);
        for text in ["two", "three"] {
            bench.write(ANN, &thread.root, text);
        }
        bench.until("all three", |b| texts(b).len() == 3).await;
        assert_eq!(texts(&bench), ["one", "two", "three"], "{how}");
        assert_eq!(bench.note("identifies"), 1, "{how}: resumed, not begun anew");
    }
}

#[tokio::test]
async fn a_lost_session_begins_anew_and_asks_for_a_sweep_that_finds_all() {
    for how in ["forget", "op9"] {
        let (bench, _task) = Bench::listening("forum").await;
        let thread = bench.thread(FORUM).await;
        bench.write(ANN, &thread.root, "one");
        bench.until("one", |b| texts(b).len() == 1).await;
        bench.swept.notified().await;
        hang_up(&bench, how);
        // Written while no session stands: no gateway will ever tell it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.write(BEN, &thread.root, "two");
        bench.until("a new session", |b| b.note("identifies") == 2).await;
        bench.swept.notified().await;
        sweep(&bench, &thread, None).await.unwrap();
        let mut all = texts(&bench);
        all.sort();
        assert_eq!(all, ["one", "two"], "{how}");
        assert_eq!(bench.said()[1].standing, Standing::Guest, "looked up by the sweep");
    }
}

#[tokio::test]
async fn a_gateway_that_no_longer_answers_beats_is_left() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    bench.office(|o| o.notes.insert("deaf".into(), true.into()));
    let down = |b: &Bench| {
        let all = b.door.pulses.lock().unwrap();
        all.iter().any(|p| matches!(p, careline::inbox::Pulse::Down(_)))
    };
    bench.until("a broken connection", down).await;
    bench.office(|o| o.notes.remove("deaf"));
    bench.write(ANN, &thread.root, "still here");
    bench.until("a remark", |b| texts(b) == ["still here"]).await;
}

#[tokio::test]
async fn events_twice_and_in_another_order_are_each_heard_once() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    fault(&bench, "gateway", 0, Wrong::Repeat);
    for n in 0..20 {
        bench.write(ANN, &thread.root, &n.to_string());
    }
    bench.until("twenty", |b| texts(b).len() >= 20).await;
    let wanted: Vec<String> = (0..20).map(|n: u32| n.to_string()).collect();
    assert_eq!(texts(&bench), wanted);
}

#[tokio::test]
async fn a_sweep_reads_every_page_and_tells_of_edits_machines_and_lost_threads() {
    let bench = Bench::new("forum").await;
    let thread = bench.thread(FORUM).await;
    let first = bench.write(ANN, &thread.root, "first");
    for n in 0..230 {
        bench.write(if n % 50 == 0 { TOOL } else { ANN }, &thread.root, &format!("m{n}"));
    }
    let root = thread.root.as_str();
    let change = |m: &mut careline::world::office::Message| {
        m.text = "first, changed".into();
        m.edited = Some(super::now().0);
    };
    bench.office(|o| o.edit(super::now(), (ANN, None), (root, first), change)).unwrap();
    sweep(&bench, &thread, Some(Timestamp(first))).await.unwrap();
    assert_eq!(bench.said().len(), 231);
    assert_eq!(bench.said().iter().filter(|r| r.machine).count(), 5);
    let edited = |e: &Event| matches!(e, Event::Reworded(r) if r.text == "first, changed");
    assert!(bench.events().iter().any(edited), "an edit while we were away");
    let at = super::now();
    bench.office(|o| o.remove_channel(at, root));
    sweep(&bench, &thread, None).await.unwrap();
    assert!(matches!(bench.events().last(), Some(Event::ThreadGone { .. })));
}

#[tokio::test]
async fn limits_are_obeyed_before_they_are_broken() {
    let bench = Bench::new("forum").await;
    let thread = bench.thread(FORUM).await;
    // Five messages in half a second.
    bench.office(|o| o.pace = 100_000);
    for n in 0..12 {
        bench.desk.deliver(&post(&format!("1.{n}"), "x", &thread)).await.unwrap();
    }
    assert_eq!(bench.words(&thread.root).len(), 13, "none was refused, none came twice");
    // All at once likewise: what flies is counted before it is answered.
    let outgoing: Vec<_> = (0..12).map(|n| post(&format!("3.{n}"), "y", &thread)).collect();
    let all = outgoing.iter().map(|one| bench.desk.deliver(one));
    for sent in futures_util::future::join_all(all).await {
        sent.unwrap();
    }
    assert_eq!(bench.words(&thread.root).len(), 25);
    bench.office(|o| o.pace = 0);

    let global = Wrong::Status { status: 429, retry_after: Some("1.5 global".into()) };
    fault(&bench, "/messages", 1, global);
    let refused = bench.desk.deliver(&post("2.1", "x", &thread)).await;
    assert!(matches!(refused, Err(Failure::Later { after: Some(_), .. })), "{refused:?}");
    let before = std::time::Instant::now();
    bench.desk.deliver(&post("2.1", "x", &thread)).await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(1_000), "all calls waited");
}

#[tokio::test]
async fn refused_calls_end_before_discords_ceiling() {
    let bench = Bench::new("forum").await;
    let thread = bench.thread(FORUM).await;
    let forbidden = Wrong::Status { status: 403, retry_after: None };
    fault(&bench, "/messages", 0, forbidden);
    for n in 0..1_000 {
        let failed = bench.desk.deliver(&post(&format!("1.{n}"), "x", &thread)).await;
        assert!(matches!(failed, Err(Failure::Never(_))), "{n}: {failed:?}");
    }
    bench.shared.look().faults.clear(None);
    let held = bench.desk.deliver(&post("2.0", "x", &thread)).await;
    assert!(matches!(held, Err(Failure::Later { after: Some(_), .. })), "{held:?}");
    assert_eq!(bench.words(&thread.root).len(), 1, "nothing was sent any more");
}

#[tokio::test]
async fn no_session_is_begun_beyond_the_limit_and_stopping_is_quick() {
    let bench = Bench::new("forum").await;
    bench.office(|o| {
        o.notes.insert("session_limit".into(), 0.into());
        o.notes.insert("session_reset".into(), 60_000.into());
    });
    let task = bench.listen();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(bench.note("identifies"), 0);
    bench.stop.cancel();
    let stopped = tokio::time::timeout(Duration::from_secs(5), task).await.unwrap().unwrap();
    assert_eq!(stopped, Stopped::Asked);
}

#[tokio::test]
async fn what_was_deleted_while_nobody_listened_is_noticed_once() {
    let bench = Bench::new("forum").await;
    let thread = bench.thread(FORUM).await;
    let root = thread.root.as_str();
    let stays = bench.write(ANN, root, "stays");
    let goes = bench.write(ANN, root, "goes");
    bench.office(|o| o.delete(super::now(), None, root, goes)).unwrap();
    let known = [stays, goes].map(face::stamp).to_vec();
    let seen = Some(super::now());
    let mark = Mark { seen, known, waits: true, ..Mark::whole(thread.clone()) };
    let marks = vec![mark];
    // A page that does not come is no deletion.
    let away = Wrong::Status { status: 500, retry_after: None };
    fault(&bench, "/messages", 1, away);
    assert!(bench.desk.sweep(marks.clone(), bench.inbox()).await.is_err());
    let gone = |b: &Bench| {
        let of =
            |e| if let Event::Unsaid { message, .. } = e { Some(message.message) } else { None };
        b.events().into_iter().filter_map(of).collect::<Vec<_>>()
    };
    assert!(gone(&bench).is_empty());
    for _ in 0..2 {
        bench.desk.sweep(marks.clone(), bench.inbox()).await.unwrap();
    }
    assert_eq!(gone(&bench), [face::stamp(goes)]);
}
