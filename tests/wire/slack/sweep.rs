//! What was said while nobody listened is heard afterwards.

use super::*;
use careline::desk::Mark;

#[tokio::test(flavor = "multi_thread")]
async fn words_that_no_event_told_are_found_by_the_sweep() {
    let scene = Scene::listening().await;
    let (quiet, busy, new) = (scene.root(), scene.root(), scene.root());
    let seen = scene.say(ANN, Some(busy), "heard");
    scene.say(ANN, Some(quiet), "heard too");
    scene.said("heard").await;
    let said = scene.said("heard too").await.message.message;
    let last = Some(Timestamp(face::unstamp(&said).unwrap()));
    scene.fault("socket", 0, Wrong::Silence);
    scene.say(ANN, Some(busy), "missed");
    scene.say("U0GUEST", Some(new), "missed as well");
    let body = json!({"channel": CHANNEL, "text": "robots too", "thread_ts": face::stamp(busy)});
    scene.call("xoxb-other", "chat.postMessage", body).await;
    let mark = |root, seen, known: &[i64]| {
        let known = known.iter().map(|id| face::stamp(*id)).collect();
        Mark { seen, known, ..Mark::whole(thread(root)) }
    };
    let marks = vec![
        mark(quiet, last, &[face::unstamp(&said).unwrap()]),
        mark(busy, Some(Timestamp(seen)), &[seen]),
        mark(new, None, &[]),
    ];
    scene.desk.sweep(marks, scene.inbox.clone()).await.unwrap();
    assert_eq!(scene.said("missed").await.thread, thread(busy));
    scene.said("missed as well").await;
    assert!(scene.said("robots too").await.machine);
    let said = scene.envelopes().iter().filter(|e| e.event.name() == "said").count();
    assert_eq!(said, 5);
    let pulses = scene.book.pulses.lock().unwrap().clone();
    assert!(pulses.contains(&Pulse::Progress(3, 3)), "{pulses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_taken_before_what_is_heard_live_after_it() {
    let scene = Scene::listening().await;
    let root = scene.root();
    scene.fault("socket", 0, Wrong::Silence);
    scene.say(ANN, Some(root), "one");
    scene.say(ANN, Some(root), "two");
    // The socket was deaf; what it swallowed is gone when it is opened anew.
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    scene.change(|w| w.faults.clear(None));
    scene.change(|w| face::hang_up(w, "office", "refresh_requested"));
    scene.swept().await;
    // No sweep has read the thread yet, and none is needed.
    scene.say(ANN, Some(root), "three");
    scene.said("three").await;
    let said = |e: &Envelope| match &e.event {
        Event::Said(remark) => Some(remark.text.clone()),
        _ => None,
    };
    let mut order: Vec<String> = scene.envelopes().iter().filter_map(said).collect();
    order.dedup();
    assert_eq!(order, ["one", "two", "three"], "in the order in which she wrote");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_messages_come_as_echoes_with_their_marks() {
    let scene = Scene::new().await;
    let card = careline::case::effect::Notice::Open {
        channel: channel(),
        card: Box::new(super::deliver::card()),
    };
    let receipt = scene.desk.deliver(&out("d1", card)).await.unwrap();
    let root = face::unstamp(&receipt.remote).unwrap();
    scene.say(ANN, Some(root), "hm");
    let marks = vec![Mark::whole(thread(root))];
    scene.desk.sweep(marks, scene.inbox.clone()).await.unwrap();
    let echo = scene
        .wait("an echo", |e| match &e.event {
            Event::Echo { deployment, delivery, message, .. } => {
                Some((deployment.clone(), delivery.clone(), message.clone()))
            }
            _ => None,
        })
        .await;
    assert_eq!(echo, (Deployment::new("dep1"), DeliveryId::new("d1"), message(root)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_is_patient_and_notices_threads_that_are_gone() {
    let scene = Scene::new().await;
    let (stone, vanished) = (scene.root(), scene.root());
    scene.say(ANN, Some(stone), "left behind");
    scene
        .change(|w| {
            let at = w.now;
            w.office("office").delete(at, None, CHANNEL, stone)
        })
        .unwrap();
    scene
        .change(|w| {
            let at = w.now;
            w.office("office").delete(at, None, CHANNEL, vanished)
        })
        .unwrap();
    scene.fault("conversations", 2, Wrong::Status { status: 429, retry_after: Some("1".into()) });
    let marks = [stone, vanished].map(|root| Mark::whole(thread(root)));
    scene.desk.sweep(marks.to_vec(), scene.inbox.clone()).await.unwrap();
    for root in [stone, vanished] {
        scene
            .wait("gone", |e| match &e.event {
                Event::ThreadGone { thread: t, .. } if *t == thread(root) => Some(()),
                _ => None,
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_cannot_read_says_so() {
    let scene = Scene::new().await;
    let marks = vec![Mark::whole(thread(scene.root()))];
    scene.fault("conversations", 0, Wrong::Status { status: 500, retry_after: None });
    let failed = scene.desk.sweep(marks, scene.inbox.clone()).await;
    assert!(failed.is_err());
}

fn gone(scene: &Scene) -> Vec<String> {
    let of = |e: Envelope| match e.event {
        Event::Unsaid { message, .. } => Some(message.message),
        _ => None,
    };
    scene.envelopes().into_iter().filter_map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_while_nobody_listened_is_noticed_once() {
    let scene = Scene::new().await;
    let root = scene.root();
    let (stays, goes) = (scene.say(ANN, Some(root), "stays"), scene.say(ANN, Some(root), "goes"));
    scene.change(|w| {
        let at = w.now;
        w.office("office").delete(at, None, CHANNEL, goes).unwrap();
    });
    let known = [stays, goes].map(face::stamp).to_vec();
    let seen = Some(now());
    let mark = Mark { seen, known, waits: true, ..Mark::whole(thread(root)) };
    for _ in 0..2 {
        scene.desk.sweep(vec![mark.clone()], scene.inbox.clone()).await.unwrap();
    }
    assert_eq!(gone(&scene), [face::stamp(goes)], "and its event would have the same name");
    let repeats = scene.book.repeats.lock().unwrap().clone();
    assert!(repeats.iter().any(|id| id.ends_with(&format!("{}:gone", face::stamp(goes)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_did_not_come_is_no_deletion() {
    let scene = Scene::new().await;
    let root = scene.root();
    // More than one page of a thread.
    let all: Vec<i64> = (0..230).map(|n| scene.say(ANN, Some(root), &format!("w{n}"))).collect();
    let known = all.iter().rev().take(5).map(|id| face::stamp(*id)).collect();
    let mark = Mark { known, waits: true, ..Mark::whole(thread(root)) };
    let fault = Fault {
        face: "office".into(),
        call: "conversations.replies".into(),
        skip: 1,
        times: 1,
        wrong: Wrong::Status { status: 500, retry_after: None },
    };
    scene.change(|w| w.faults.set(fault));
    assert!(scene.desk.sweep(vec![mark.clone()], scene.inbox.clone()).await.is_err());
    assert!(gone(&scene).is_empty());
    scene.desk.sweep(vec![mark], scene.inbox.clone()).await.unwrap();
    assert!(gone(&scene).is_empty(), "all of them stand");
}
