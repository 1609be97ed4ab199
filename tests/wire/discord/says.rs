//! Every kind of notice, in forums and in text channels, and the look for each.

use super::{ANN, Bench, FORUM, TEXT, again, button, card, message, note, out, place, post};
use careline::case::effect::{Face, Mark, Notice};
use careline::case::id::DeliveryId;
use careline::case::rich::{Rich, Theirs};
use careline::desk::discord::face;
use careline::desk::{Failure, Looked};
use careline::world::fault::{Fault, Wrong};

fn there(looked: Looked) -> String {
    match looked {
        Looked::There(receipt) => receipt.remote,
        other => panic!("{other:?}"),
    }
}

fn fault(bench: &Bench, call: &str, times: u32, wrong: Wrong) {
    let fault = Fault { face: "team".into(), call: call.into(), skip: 0, times, wrong };
    bench.shared.look().faults.set(fault);
}

#[tokio::test]
async fn a_case_is_a_forum_post_with_tags_and_is_archived_when_closed() {
    let bench = Bench::new("forum").await;
    let thread = bench.thread(FORUM).await;
    let words = bench.words(&thread.root);
    assert!(words[0].starts_with("**Anna**  \\@anna\\@social.example"), "{words:?}");
    assert!(words[0].contains("> My tent leaks.\n> What now?\n"), "{words:?}");
    assert!(words[0].ends_with("\n-# careline · d1:1.0"), "{words:?}");
    let name = bench.office(|o| o.channels[&thread.root].name.clone());
    assert_eq!(name, "#1 Anna: My tent leaks. What now?");
    let place_of = |b: &Bench| b.office(|o| o.notes[&format!("place:{}", thread.root)].clone());
    assert_eq!(place_of(&bench)["applied_tags"].as_array().map(Vec::len), Some(2));
    let tags = bench.office(|o| o.notes[&format!("place:{FORUM}")]["available_tags"].clone());
    assert_eq!((&tags[0]["name"], &tags[1]["name"]), (&"Open".into(), &"Mastodon".into()));

    let mut closed = card();
    closed.standing = Rich::new().strong("Closed").say(": done");
    let to = Box::new(Face::Card(Box::new(closed)));
    let mut amend = out("1.1", Notice::Amend { of: DeliveryId::new("1.0"), to }, Some(&thread));
    amend.message = Some(message(FORUM, &thread.root));
    assert_eq!(bench.desk.look(&amend).await, Looked::Absent);
    bench.desk.deliver(&amend).await.unwrap();
    assert!(bench.words(&thread.root)[0].contains("**Closed**\\: done"));
    assert!(bench.words(&thread.root)[0].ends_with("d1:1.0"), "it stays findable");
    assert_eq!(place_of(&bench)["archived"], true);
    assert_eq!(there(bench.desk.look(&amend).await), thread.root);

    // A closed case's thread is opened by a new look that says so.
    let to = Box::new(Face::Card(Box::new(card())));
    let amend = careline::desk::Outgoing {
        notice: Notice::Amend { of: DeliveryId::new("1.0"), to },
        ..amend
    };
    bench.desk.deliver(&amend).await.unwrap();
    assert_eq!(place_of(&bench)["archived"], false);
}

#[tokio::test]
async fn a_forum_whose_tags_were_changed_meanwhile_still_takes_posts() {
    let bench = Bench::new("forum").await;
    bench.thread(FORUM).await;
    bench.office(|o| {
        let forum = o.notes.get_mut(&format!("place:{FORUM}")).unwrap();
        forum["available_tags"] = serde_json::json!([{"id": "78", "name": "Open",
            "moderated": false, "emoji_id": null, "emoji_name": null}]);
    });
    let open = Notice::Open { channel: place(FORUM), card: Box::new(card()) };
    let receipt = bench.desk.deliver(&out("2.0", open, None)).await.unwrap();
    let tags = |b: &Bench, root: &str| b.office(|o| o.notes[&format!("place:{root}")].clone());
    assert_eq!(tags(&bench, &receipt.remote)["applied_tags"], serde_json::json!([]));
    let open = Notice::Open { channel: place(FORUM), card: Box::new(card()) };
    let receipt = bench.desk.deliver(&out("3.0", open, None)).await.unwrap();
    let set = tags(&bench, &receipt.remote)["applied_tags"].clone();
    assert_eq!(set.as_array().map(Vec::len), Some(2), "the new list is known");
}

#[tokio::test]
async fn tags_follow_the_card_and_peoples_own_stay() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    let named = |b: &Bench| -> Vec<String> {
        let (known, set) = b.office(|o| {
            let known = o.notes[&format!("place:{FORUM}")]["available_tags"].clone();
            (known, o.notes[&format!("place:{}", thread.root)]["applied_tags"].clone())
        });
        let name = |id: &serde_json::Value| {
            let mut all = known.as_array().into_iter().flatten();
            Some(all.find(|tag| tag["id"] == *id)?["name"].as_str()?.to_owned())
        };
        set.as_array().into_iter().flatten().filter_map(name).collect()
    };
    assert_eq!(named(&bench), ["Open", "Mastodon"]);
    // A colleague makes a tag of his own and puts it on the post.
    bench.office(|o| {
        let forum = o.notes.get_mut(&format!("place:{FORUM}")).unwrap();
        let tags = forum["available_tags"].as_array_mut().unwrap();
        tags.push(serde_json::json!({"id": "77", "name": "vip", "moderated": false,
            "emoji_id": null, "emoji_name": null}));
        let post = o.notes.get_mut(&format!("place:{}", thread.root)).unwrap();
        post["applied_tags"].as_array_mut().unwrap().push("77".into());
    });
    let mut urgent = card();
    urgent.urgent = true;
    urgent.standing = Rich::new().strong("Answered").say(" · Ann Lee looks after it");
    for (n, card) in [urgent.clone(), urgent, card()].into_iter().enumerate() {
        let to = Box::new(Face::Card(Box::new(card)));
        let id = format!("1.{}", n + 1);
        let mut amend = out(&id, Notice::Amend { of: DeliveryId::new("1.0"), to }, Some(&thread));
        amend.message = Some(message(FORUM, &thread.root));
        bench.desk.deliver(&amend).await.unwrap();
        match n {
            2 => assert_eq!(named(&bench), ["Open", "Mastodon", "vip"]),
            _ => assert_eq!(named(&bench), ["Answered", "Urgent", "Mastodon", "vip"]),
        }
    }
}

#[tokio::test]
async fn a_case_is_a_thread_below_its_card_in_a_text_channel() {
    let bench = Bench::new("text").await;
    let thread = bench.thread(TEXT).await;
    assert!(bench.words(TEXT)[0].starts_with("**Anna**"));
    assert_eq!(bench.office(|o| face::threads(o, TEXT)), std::slice::from_ref(&thread.root));
    bench.desk.deliver(&post("1.1", "hello", &thread)).await.unwrap();
    assert_eq!(bench.words(&thread.root), ["hello\n-# careline · d1:1.1"]);
    let to = Box::new(Face::Card(Box::new(card())));
    let mut amend = out("1.2", Notice::Amend { of: DeliveryId::new("1.0"), to }, Some(&thread));
    amend.message = Some(message(TEXT, &thread.root));
    bench.desk.deliver(&amend).await.unwrap();
    assert_eq!(there(bench.desk.look(&amend).await), thread.root);
}

#[tokio::test]
async fn posts_merge_tell_and_mark() {
    let bench = Bench::new("forum").await;
    let thread = bench.thread(FORUM).await;
    let mut both = post("1.1", "first", &thread);
    let second = note(Rich::new().quote(&Theirs::new("second")));
    both.merged.push((DeliveryId::new("1.2"), Notice::Post(Box::new(second))));
    let receipt = bench.desk.deliver(&both).await.unwrap();
    assert_eq!(bench.words(&thread.root)[1], "first\n> second\n-# careline · d1:1.1");
    assert_eq!(there(bench.desk.look(&both).await), receipt.remote);
    assert_eq!(bench.desk.look(&post("1.9", "never sent", &thread)).await, Looked::Absent);
    // A change of the second writes both anew, and the message stays the first one's.
    let changed = Box::new(note(Rich::of("second, changed")));
    let to = Box::new(Face::Note(changed.clone()));
    let mut amend = out("1.3", Notice::Amend { of: DeliveryId::new("1.2"), to }, Some(&thread));
    amend.message = Some(message(FORUM, &receipt.remote));
    let second = (DeliveryId::new("1.2"), Notice::Post(changed));
    amend.merged = vec![(both.id.clone(), both.notice.clone()), second];
    bench.desk.deliver(&amend).await.unwrap();
    let now = "first\nsecond, changed\n-# careline · d1:1.1";
    assert_eq!(bench.words(&thread.root)[1], now);

    for channel in [TEXT, FORUM] {
        let mut told = note(Rich::of("news"));
        told.buttons.push(button("Resume", "resume"));
        let tell = out("s1", Notice::Tell { channel: place(channel), note: Box::new(told) }, None);
        assert_eq!(bench.desk.look(&tell).await, Looked::Absent);
        let receipt = bench.desk.deliver(&tell).await.unwrap();
        assert_eq!(there(bench.desk.look(&tell).await), receipt.remote);
        // It is changed where it stands: in a forum that is a post of its own.
        let to = Box::new(Face::Note(Box::new(note(Rich::of("old news")))));
        let mut amend = out("s2", Notice::Amend { of: DeliveryId::new("s1"), to }, None);
        amend.message = Some(message(channel, &receipt.remote));
        assert_eq!(bench.desk.look(&amend).await, Looked::Absent);
        bench.desk.deliver(&amend).await.unwrap();
        assert_eq!(there(bench.desk.look(&amend).await), receipt.remote);
    }

    let id = bench.write(ANN, &thread.root, "on it");
    let on = message(&thread.root, &face::stamp(id));
    let mark = out("1.3", Notice::Mark { message: on, mark: Mark::Inside }, Some(&thread));
    assert_eq!(bench.desk.look(&mark).await, Looked::Absent);
    bench.desk.deliver(&mark).await.unwrap();
    bench.desk.deliver(&mark).await.expect("marking twice is marking once");
    there(bench.desk.look(&mark).await);
}

#[tokio::test]
async fn what_was_done_before_the_cut_is_found_and_not_done_twice() {
    for (threads, channel) in [("forum", FORUM), ("text", TEXT)] {
        let bench = Bench::new(threads).await;
        let calls = match threads {
            "forum" => vec!["/channels/200000000000000001/threads"],
            _ => vec!["/messages", "/threads"],
        };
        for (n, call) in calls.into_iter().enumerate() {
            let open = Notice::Open { channel: place(channel), card: Box::new(card()) };
            let open = out(&format!("{n}.0"), open, None);
            fault(&bench, call, 1, Wrong::DoneThenCut);
            let failed = bench.desk.deliver(&open).await;
            assert!(matches!(failed, Err(Failure::Unsure(_))), "{threads} {call}: {failed:?}");
            let _ = bench.desk.look(&open).await;
            let receipt = bench.desk.deliver(&again(&open)).await.unwrap();
            assert_eq!(there(bench.desk.look(&open).await), receipt.remote);
            let made = bench.office(|o| face::threads(o, channel));
            assert_eq!(made.len(), n + 1, "{threads} {call}");
        }
    }
    let bench = Bench::new("forum").await;
    let thread = bench.thread(FORUM).await;
    let one = post("1.1", "once", &thread);
    fault(&bench, "/messages", 1, Wrong::DoneThenCut);
    assert!(matches!(bench.desk.deliver(&one).await, Err(Failure::Unsure(_))));
    let found = there(bench.desk.look(&one).await);
    // Even a blind repeat is one message: the nonce.
    assert_eq!(bench.desk.deliver(&again(&one)).await.unwrap().remote, found);
    assert_eq!(bench.words(&thread.root).len(), 2);
}

#[tokio::test]
async fn a_locked_thread_is_opened_and_one_that_stays_locked_is_gone() {
    let bench = Bench::new("forum").await;
    let thread = bench.thread(FORUM).await;
    bench.shared.change(super::now(), |w| face::lock(w, "team", &thread.root));
    bench.desk.deliver(&post("1.1", "hello", &thread)).await.unwrap();
    assert_eq!(bench.words(&thread.root).len(), 2);

    bench.shared.change(super::now(), |w| face::lock(w, "team", &thread.root));
    bench.office(|o| super::change_app(o, |app| app.lacks.push("MANAGE_THREADS".into())));
    let gone = bench.desk.deliver(&post("1.2", "hello", &thread)).await;
    assert!(matches!(gone, Err(Failure::Gone(_))), "{gone:?}");
    let at = super::now();
    bench.office(|o| o.remove_channel(at, &thread.root));
    let gone = bench.desk.deliver(&post("1.3", "hello", &thread)).await;
    assert!(matches!(gone, Err(Failure::Gone(_))), "{gone:?}");
}

#[tokio::test]
async fn without_a_permission_tags_are_left_out_and_the_case_still_opens() {
    let bench = Bench::new("forum").await;
    bench.office(|o| super::change_app(o, |app| app.lacks.push("MANAGE_CHANNELS".into())));
    let thread = bench.thread(FORUM).await;
    let place = bench.office(|o| o.notes[&format!("place:{}", thread.root)].clone());
    assert_eq!(place["applied_tags"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn each_failure_says_what_is_known() {
    let bench = Bench::new("forum").await;
    let thread = bench.thread(FORUM).await;
    let one = post("1.1", "x", &thread);
    let cases: [(Wrong, fn(&Failure) -> bool); 6] = [
        (Wrong::Cut, |f| matches!(f, Failure::Unsure(_))),
        (Wrong::DoneThenHtml, |f| matches!(f, Failure::Unsure(_))),
        (Wrong::Status { status: 503, retry_after: None }, |f| matches!(f, Failure::Unsure(_))),
        (Wrong::DeadToken, |f| matches!(f, Failure::Dead(_))),
        (
            Wrong::Status { status: 429, retry_after: Some("30".into()) },
            |f| matches!(f, Failure::Later { after: Some(s), .. } if s.0 >= 29_000_000),
        ),
        (Wrong::Status { status: 400, retry_after: None }, |f| matches!(f, Failure::Never(_))),
    ];
    for (wrong, fits) in cases {
        let other = super::open(&bench.base, "forum");
        fault(&bench, "/messages", 1, wrong.clone());
        let failed = other.deliver(&one).await.unwrap_err();
        assert!(fits(&failed), "{wrong:?}: {failed:?}");
        bench.shared.look().faults.clear(None);
    }
    let away = super::open("http://127.0.0.1:1", "forum");
    assert!(matches!(away.deliver(&one).await, Err(Failure::Later { .. })));
}

#[tokio::test]
async fn probe_names_what_is_missing() {
    let bench = Bench::new("forum").await;
    let all = bench.desk.probe().await;
    assert!(all.iter().all(|f| f.result.is_ok()), "{all:?}");
    bench.office(|o| super::change_app(o, |app| app.content = false));
    let all = bench.desk.probe().await;
    let missing: Vec<_> = all.iter().filter(|f| f.result.is_err()).map(|f| &f.what).collect();
    assert_eq!(missing, ["message content"]);
    let wrong = super::open(&bench.base, "text");
    assert!(wrong.probe().await.iter().all(|f| f.result.is_ok() || f.what == "message content"));
}
