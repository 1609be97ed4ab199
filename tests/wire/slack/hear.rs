//! What people do in the workspace arrives as the right events, once.

use super::*;
use careline::case::event::{Inside, Standing};

#[tokio::test(flavor = "multi_thread")]
async fn words_in_a_thread_are_said_and_words_outside_are_not() {
    let scene = Scene::listening().await;
    let root = scene.root();
    scene.say(ANN, None, "just chatting");
    let id = scene.say(ANN, Some(root), "Fish &amp; chips :smile: <https://x.example|here>");
    let remark = scene.said("Fish & chips 😄 here (https://x.example)").await;
    assert_eq!(remark.thread, thread(root));
    assert_eq!(remark.message, message(id));
    assert_eq!((remark.by.name.as_str(), remark.standing), ("Ann Lee", Standing::Member));
    assert!(!remark.machine);
    assert_eq!(remark.written, Timestamp(id));
    let all = scene.envelopes();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].id.as_str(), format!("slack:T0CARELINE:{CHANNEL}:{}", face::stamp(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_strangers_leavers_and_machines_are_told_apart() {
    let scene = Scene::listening().await;
    let root = scene.root();
    for (who, words, standing) in [
        ("U0GUEST", "guest", Standing::Guest),
        ("U0ELSE", "stranger", Standing::Stranger),
        ("U0LEFT", "left", Standing::Nobody),
    ] {
        scene.say(who, Some(root), words);
        assert_eq!(scene.said(words).await.standing, standing, "{words}");
    }
    let body = json!({"channel": CHANNEL, "text": "robot", "thread_ts": face::stamp(root)});
    assert_eq!(scene.call("xoxb-other", "chat.postMessage", body).await["ok"], true);
    let robot = scene.said("robot").await;
    assert!(robot.machine);
    assert_eq!(robot.standing, Standing::Nobody);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_token_speaks_as_the_person() {
    let scene = Scene::listening().await;
    let root = scene.root();
    let body = json!({"channel": "#support", "text": "by API", "thread_ts": face::stamp(root)});
    let told = scene.call("xoxp-ann", "chat.postMessage", body).await;
    assert!(told["message"]["bot_id"].is_null());
    let remark = scene.said("by API").await;
    assert_eq!((remark.by.id.user.as_str(), remark.machine), (ANN, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn colleagues_channels_and_own_emoji_are_marked_as_inside() {
    let scene = Scene::listening().await;
    let root = scene.root();
    scene.say(ANN, Some(root), "<@U0GUEST> see <#C1|ops> :our_cat:");
    let remark = scene.said("@Gus Guest see #ops :our_cat:").await;
    for inside in [Inside::Person, Inside::Channel, Inside::Emoji] {
        assert!(remark.inside.contains(&inside), "{inside:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_deletions_count_and_unfurls_do_not() {
    let scene = Scene::listening().await;
    let root = scene.root();
    let id = scene.say(ANN, Some(root), "first");
    scene.said("first").await;
    let edit = |text: &'static str, mark: bool| {
        scene.change(|w| {
            let (at, new) = (w.now, w.mint());
            let office = w.office("office");
            office.edit(at, (ANN, None), (CHANNEL, id), |m| {
                m.text = text.into();
                m.edited = mark.then_some(new);
            })
        })
    };
    edit("first", false).unwrap();
    edit("second", true).unwrap();
    let reworded = scene
        .wait("reworded", |e| match &e.event {
            Event::Reworded(remark) => Some(((**remark).clone(), e.id.clone())),
            _ => None,
        })
        .await;
    assert_eq!(reworded.0.text, "second");
    assert!(reworded.1.as_str().contains(":edit:"));
    scene
        .change(|w| {
            let at = w.now;
            w.office("office").delete(at, Some(ANN), CHANNEL, id)
        })
        .unwrap();
    let unsaid = scene
        .wait("unsaid", |e| match &e.event {
            Event::Unsaid { message, thread } => Some((message.clone(), thread.clone())),
            _ => None,
        })
        .await;
    assert_eq!(unsaid, (message(id), Some(thread(root))));
    let reworded = scene.envelopes().iter().filter(|e| e.event.name() == "reworded").count();
    assert_eq!(reworded, 1, "an unfurl is no edit");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_broadcasts_are_content() {
    let scene = Scene::listening().await;
    let root = scene.root();
    let told = scene
        .call("xoxp-ann", "files.getUploadURLExternal", json!({"filename": "a b.png", "length": 4}))
        .await;
    let url = told["upload_url"].as_str().unwrap();
    careline::net::Net::new(true).client().post(url).body("png!").send().await.unwrap();
    let files = json!([{"id": told["file_id"], "title": "x"}]);
    let body = json!({"files": files, "channel_id": CHANNEL, "thread_ts": face::stamp(root),
        "initial_comment": "look"});
    let done = scene.call("xoxp-ann", "files.completeUploadExternal", body).await;
    assert_eq!(done["ok"], true, "{done}");
    let remark = scene.said("look").await;
    assert_eq!((remark.files.len(), remark.files[0].mime.as_str()), (1, "image/png"));
    assert_eq!(scene.desk.fetch(&remark.files[0]).await.unwrap(), "png!");
    let body = json!({"channel": CHANNEL, "text": "loud", "thread_ts": face::stamp(root),
        "reply_broadcast": true});
    scene.call("xoxp-ann", "chat.postMessage", body).await;
    scene.said("loud").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_token_goes_nowhere_but_to_slack() {
    let scene = Scene::new().await;
    for url in
        ["https://evil.example/x", "http://127.0.0.1:9/x", "https://slack.com.evil.example/", ""]
    {
        let file = careline::case::event::File {
            id: "F1".into(),
            name: "x".into(),
            mime: "image/png".into(),
            size: 1,
            alt: None,
            url: url.into(),
        };
        let refused = scene.desk.fetch(&file).await;
        assert!(matches!(refused, Err(careline::net::Failure::Never(_))), "{url}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_card_and_an_archived_channel_take_threads_along() {
    let scene = Scene::listening().await;
    let root = scene.root();
    scene.say(ANN, Some(root), "answer");
    scene.said("answer").await;
    scene
        .change(|w| {
            let at = w.now;
            w.office("office").delete(at, None, CHANNEL, root)
        })
        .unwrap();
    let gone = |root: i64| {
        move |e: &Envelope| match &e.event {
            Event::ThreadGone { thread: t, .. } if *t == thread(root) => Some(()),
            _ => None,
        }
    };
    scene.wait("the thread is gone", gone(root)).await;
    let card = super::deliver::card();
    let open = careline::case::effect::Notice::Open { channel: channel(), card: Box::new(card) };
    let receipt = scene.desk.deliver(&out("d1", open)).await.unwrap();
    scene.change(|w| {
        let at = w.now;
        w.office("office").archive(at, CHANNEL)
    });
    scene.wait("archived", gone(face::unstamp(&receipt.remote).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_has_the_same_name_and_a_slow_commit_is_not_acknowledged() {
    let scene = Scene::listening().await;
    let root = scene.root();
    scene.fault("socket", 0, Wrong::Repeat);
    scene.say(ANN, Some(root), "twice");
    scene.said("twice").await;
    let book = scene.book.clone();
    until("a repeat", || (!book.repeats.lock().unwrap().is_empty()).then_some(())).await;
    scene.change(|w| w.faults.clear(None));
    let before = scene.book.repeats.lock().unwrap().len();
    *scene.book.slow.lock().unwrap() = Duration::from_secs(4);
    scene.say(ANN, Some(root), "slow");
    scene.said("slow").await;
    *scene.book.slow.lock().unwrap() = Duration::ZERO;
    let book = scene.book.clone();
    until("redelivery", || (book.repeats.lock().unwrap().len() > before).then_some(())).await;
    let said = scene.envelopes().iter().filter(|e| e.event.name() == "said").count();
    assert_eq!(said, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_connects_again_after_goodbye_and_after_a_cut() {
    let scene = Scene::listening().await;
    let root = scene.root();
    for (n, how) in ["refresh_requested", "warning", "cut"].into_iter().enumerate() {
        scene.change(|w| face::hang_up(w, "office", how));
        scene.swept().await;
        let words = format!("after {n}");
        scene.say(ANN, Some(root), &words);
        scene.said(&words).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_stops_the_desk_loudly() {
    let scene = Scene::new().await;
    scene.fault("auth.test", 0, Wrong::DeadToken);
    let ended = scene.desk.listen(scene.inbox.clone(), scene.swept.clone()).await;
    assert!(matches!(ended, careline::net::Stopped::Dead(_)), "{ended:?}");
    let pulses = scene.book.pulses.lock().unwrap().clone();
    assert!(pulses.iter().any(|p| matches!(p, Pulse::Dead(_))), "{pulses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_when_asked() {
    let scene = Scene::new().await;
    let (desk, inbox, swept) = (scene.desk.clone(), scene.inbox.clone(), scene.swept.clone());
    let running = tokio::spawn(async move { desk.listen(inbox, swept).await });
    scene.swept().await;
    scene.inbox.stop().cancel();
    let ended = tokio::time::timeout(Duration::from_secs(20), running).await.unwrap().unwrap();
    assert_eq!(ended, careline::net::Stopped::Asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_replaced_needs_no_restart() {
    let scene = Scene::new().await;
    let place = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(place.path(), "xoxb-an-old-one").unwrap();
    let (from, api) = (format!("file:{}", place.path().display()), format!("{}/api", scene.base));
    let values =
        [("bot_token", from.as_str()), ("app_token", "env:APP"), ("api", &api), ("channels", "[]")];
    let row = DESKS.iter().find(|row| row.name == "slack").unwrap();
    let desk = (row.open)(&DeskId::new("office"), &section(&values), &ground()).unwrap();
    let ended = desk.listen(scene.inbox.clone(), scene.swept.clone()).await;
    assert!(matches!(ended, careline::net::Stopped::Dead(_)), "{ended:?}");
    std::fs::write(place.path(), "xoxb-demo-bot").unwrap();
    let (inbox, swept) = (scene.inbox.clone(), scene.swept.clone());
    tokio::spawn(async move { desk.listen(inbox, swept).await });
    scene.swept().await;
    let root = scene.root();
    scene.say(ANN, Some(root), "heard again");
    scene.said("heard again").await;
}
