//! Every kind of notice reaches the workspace, and every kind of failure is told as what it is.

use super::*;
use careline::case::effect::{Button, Card, Face, Mark, Note, Notice, Style, Tone};
use careline::case::event::{Media, MediaKind};
use careline::case::id::CaseNo;
use careline::case::rich::Theirs;
use careline::net::{Failure, Looked};

pub(in super::super) fn card() -> Card {
    Card {
        case: CaseNo(42),
        name: Theirs::new("Jo Customer"),
        handle: Theirs::new("jo@social.example"),
        author_url: Some("https://social.example/@jo".into()),
        avatar: None,
        place: "Mastodon (acme)".into(),
        audience: "public".into(),
        warning: None,
        text: Theirs::new("My parcel is lost.\nCan you help?"),
        media: vec![Media {
            kind: MediaKind::Picture,
            url: "https://social.example/box.png".into(),
            preview: None,
            alt: Theirs::new("An empty box"),
        }],
        url: Some("https://social.example/@jo/1".into()),
        written: Timestamp(1),
        facts: vec![("wrote".into(), Rich::of("for the second time"))],
        standing: Rich::of("Nobody has claimed this case."),
        buttons: vec![Button {
            label: "Claim".into(),
            words: "claim #42".into(),
            style: Style::Primary,
        }],
        urgent: false,
    }
}

pub(in super::super) fn note(words: Rich) -> Note {
    Note { tone: Tone::Customer, words, media: vec![], url: None, buttons: vec![] }
}

fn open() -> Notice {
    Notice::Open { channel: channel(), card: Box::new(card()) }
}

fn post(words: &str) -> Notice {
    Notice::Post(Box::new(note(Rich::new().quote(&Theirs::new(words)))))
}

fn read(scene: &Scene, remote: &str) -> Message {
    let id = face::unstamp(remote).unwrap();
    scene.world.look().office("office").message(CHANNEL, id).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_opens_a_thread_and_lines_follow_in_it() {
    let scene = Scene::new().await;
    let receipt = scene.desk.deliver(&out("d1", open())).await.unwrap();
    assert!(receipt.url.is_some());
    let posted = read(&scene, &receipt.remote);
    assert_eq!(posted.text, "New mention, case #42");
    for words in ["Jo Customer", "@", "Mastodon (acme)", "My parcel is lost.", "An empty box"] {
        assert!(shown(&posted.blocks).contains(words), "{words}: {}", posted.blocks);
    }
    let last = posted.blocks.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["type"], &last["elements"][0]["value"]),
        (&json!("actions"), &json!("claim #42"))
    );
    assert_eq!(posted.marks["event_payload"]["delivery"], "d1");
    let root = face::unstamp(&receipt.remote).unwrap();
    let mut line = out("d2", post("And another thing"));
    line.thread = Some(thread(root));
    line.merged =
        vec![(DeliveryId::new("d3"), post("one more")), (DeliveryId::new("d4"), post("last"))];
    let receipt = scene.desk.deliver(&line).await.unwrap();
    let posted = read(&scene, &receipt.remote);
    assert_eq!(posted.thread, Some(root));
    let text = shown(&posted.blocks);
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} in {text}"));
    assert!(at("another thing") < at("one more") && at("one more") < at("last"));
    assert!(!posted.text.contains("another"), "the fallback holds no customer's words");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_marks_and_channel_notes() {
    let scene = Scene::new().await;
    let receipt = scene.desk.deliver(&out("d1", open())).await.unwrap();
    let root = face::unstamp(&receipt.remote).unwrap();
    let mut changed = card();
    changed.standing = Rich::of("Ann looks after it.");
    let to = Box::new(Face::Card(Box::new(changed)));
    let mut amend = out("d2", Notice::Amend { of: DeliveryId::new("d1"), to });
    amend.message = Some(message(root));
    assert_eq!(scene.desk.deliver(&amend).await.unwrap().remote, receipt.remote);
    let now = read(&scene, &receipt.remote);
    assert!(shown(&now.blocks).contains("Ann looks after it."));
    assert_eq!(now.blocks[0]["block_id"], "cl:dep1:d1");
    for (mark, name) in
        [(Mark::Sent, "white_check_mark"), (Mark::Failed, "x"), (Mark::Inside, "lock")]
    {
        let notice = Notice::Mark { message: message(root), mark };
        scene.desk.deliver(&out("d3", notice.clone())).await.unwrap();
        scene.desk.deliver(&out("d3", notice)).await.unwrap();
        assert!(read(&scene, &receipt.remote).reactions.contains_key(name));
    }
    let words = Box::new(Note { tone: Tone::Warning, ..note(Rich::of("The token is dead.")) });
    let told =
        scene.desk.deliver(&out("d4", Notice::Tell { channel: channel(), note: words })).await;
    let told = read(&scene, &told.unwrap().remote);
    assert_eq!(told.thread, None);
    assert!(shown(&told.blocks).contains("The token is dead."));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_is_told_as_what_it_is() {
    let scene = Scene::new().await;
    let status = |status, retry_after: Option<&str>| Wrong::Status {
        status,
        retry_after: retry_after.map(str::to_owned),
    };
    let unsure = [
        status(500, None),
        status(503, None),
        Wrong::DoneThenStatus { status: 502 },
        Wrong::DoneThenCut,
        Wrong::Cut,
        Wrong::DoneThenHtml,
    ];
    for wrong in unsure {
        scene.fault("chat.postMessage", 1, wrong.clone());
        let failed = scene.desk.deliver(&out("d1", open())).await;
        assert!(matches!(failed, Err(Failure::Unsure(_))), "{wrong:?}: {failed:?}");
        scene.change(|w| w.faults.clear(None));
    }
    let second = careline::case::time::Span::seconds(1);
    for (header, after) in
        [(Some("7"), Some(second.0 * 7)), (Some("-1"), None), (Some("soon"), None), (None, None)]
    {
        scene.fault("chat.postMessage", 1, status(429, header));
        match scene.desk.deliver(&out("d1", open())).await {
            Err(Failure::Later { after: told, .. }) => {
                assert_eq!(told.map(|s| s.0), after, "{header:?}")
            }
            other => panic!("{header:?}: {other:?}"),
        }
        scene.change(|w| w.faults.clear(None));
    }
    scene.fault("chat.postMessage", 1, Wrong::DeadToken);
    assert!(matches!(scene.desk.deliver(&out("d1", open())).await, Err(Failure::Dead(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_gone_is_gone() {
    let scene = Scene::new().await;
    let gone = |failed: Result<_, Failure>| matches!(failed, Err(Failure::Gone(_)));
    let mut line = out("d1", post("hello"));
    line.thread = Some(thread(17));
    assert!(gone(scene.desk.deliver(&line).await));
    scene.change(|w| {
        w.office("office").channels.get_mut(CHANNEL).unwrap().members.remove(BOT);
    });
    assert!(gone(scene.desk.deliver(&out("d2", open())).await));
    scene.change(|w| {
        w.office("office").channels.get_mut(CHANNEL).unwrap().members.insert(BOT.into());
    });
    scene.change(|w| {
        let at = w.now;
        w.office("office").archive(at, CHANNEL)
    });
    assert!(gone(scene.desk.deliver(&out("d3", open())).await));
    scene.change(|w| {
        let at = w.now;
        w.office("office").remove_channel(at, CHANNEL)
    });
    assert!(gone(scene.desk.deliver(&out("d4", open())).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_home_is_later_and_nothing_was_done() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}/api", listener.local_addr().unwrap());
    drop(listener);
    let row = DESKS.iter().find(|row| row.name == "slack").unwrap();
    let values = [("bot_token", "env:BOT"), ("app_token", "env:APP"), ("api", api.as_str())];
    let desk = (row.open)(&DeskId::new("office"), &section(&values), &ground()).unwrap();
    let failed = desk.deliver(&out("d1", open())).await;
    assert!(matches!(failed, Err(Failure::Later { .. })), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_unknown_attempt_left_is_found_by_its_marks() {
    let scene = Scene::new().await;
    let root = scene.root();
    let mut line = out("d2", post("hello"));
    line.thread = Some(thread(root));
    for (n, first) in [out("d1", open()), line].into_iter().enumerate() {
        assert_eq!(scene.desk.look(&first).await, Looked::Absent);
        scene.fault("chat.postMessage", 1, Wrong::DoneThenCut);
        assert!(matches!(scene.desk.deliver(&first).await, Err(Failure::Unsure(_))));
        scene.change(|w| w.faults.clear(None));
        let Looked::There(receipt) = scene.desk.look(&first).await else {
            panic!("{n}: not found")
        };
        assert_eq!(
            read(&scene, &receipt.remote).marks["event_payload"]["delivery"],
            first.id.as_str()
        );
        let mut other = first.clone();
        other.deployment = Deployment::new("another");
        assert_eq!(scene.desk.look(&other).await, Looked::Absent, "not ours");
    }
    scene.fault("conversations.history", 1, Wrong::Status { status: 500, retry_after: None });
    assert!(matches!(scene.desk.look(&out("d1", open())).await, Looked::Unclear(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lines_fit_one_message_and_none_is_lost() {
    let scene = Scene::new().await;
    let root = scene.root();
    let mut line = out("d0", post("words number 0."));
    line.thread = Some(thread(root));
    for n in 1..120 {
        let mut one = note(Rich::new().quote(&Theirs::new(format!("words number {n}."))));
        one.buttons =
            vec![Button { label: "Reply".into(), words: "reply".into(), style: Style::Plain }];
        let id = DeliveryId::new(format!("d{n}"));
        line.merged.push((id, Notice::Post(Box::new(one))));
    }
    let receipt = scene.desk.deliver(&line).await.unwrap();
    let text = shown(&read(&scene, &receipt.remote).blocks);
    assert!((0..120).all(|n| text.contains(&format!("words number {n}."))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pace_is_kept_by_waiting_not_by_dropping() {
    let scene = Scene::new().await;
    scene.change(|w| w.office("office").pace = 60_000_000);
    scene.desk.deliver(&out("d1", open())).await.unwrap();
    match scene.desk.deliver(&out("d2", open())).await {
        Err(Failure::Later { after: Some(after), .. }) => assert!(after.0 > 0),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_says_what_is_missing() {
    let scene = Scene::new().await;
    let found = scene.desk.probe().await;
    assert!(found.iter().all(|f| f.result.is_ok()), "{found:?}");
    assert_eq!(found.len(), 4);
    scene.change(|w| {
        let office = w.office("office");
        let mut less = app();
        less.scopes.retain(|scope| scope != "users:read");
        face::install(office, &less);
        office.channels.get_mut(CHANNEL).unwrap().members.remove(BOT);
    });
    let found = scene.desk.probe().await;
    let wrong: Vec<_> = found.iter().filter_map(|f| f.result.as_ref().err()).collect();
    assert!(wrong.iter().any(|w| w.contains("users:read")), "{found:?}");
    assert!(wrong.iter().any(|w| w.contains("/invite")), "{found:?}");
}
