//! Mastodon and its kin: streams, flavours, hostile payloads, and what real clients recorded.

use crate::contract::networks::{Bench, answer, until};
use careline::case::ability::Resend;
use careline::case::event::{Event, Mention};
use careline::case::id::AccountId;
use careline::case::model::Audience;
use careline::net::{Failure, Looked};
use careline::network::mastodon::NETWORK;
use careline::network::mastodon::hear::{self, Me};
use careline::world::fault::Wrong;
use serde_json::{Value, json};

fn me() -> Me {
    Me { account: AccountId::new("acme"), id: "7".into() }
}

/// A notification of our own writing, with this status in it changed as asked.
fn raw(change: impl FnOnce(&mut Value)) -> String {
    let mut status = json!({
        "id": "11", "created_at": "2026-08-01T10:00:04.000Z", "in_reply_to_id": null,
        "visibility": "unlisted", "spoiler_text": "", "language": "en", "edited_at": null,
        "url": "https://far.example/@ann/11", "content": "<p>Hello</p>",
        "account": { "id": "42", "acct": "ann@far.example", "display_name": "Ann",
            "url": "https://far.example/@ann", "avatar_static": "https://near.example/a.png" },
        "media_attachments": [],
        "mentions": [{ "id": "7", "acct": "acme", "url": "https://x/@acme" }],
    });
    change(&mut status);
    json!({ "id": "900", "type": "mention", "created_at": "2026-08-01T10:00:05.000Z",
        "status": status })
    .to_string()
}

fn mention(raw: &str) -> Mention {
    let item = hear::notification(&me(), raw);
    match item.envelopes.into_iter().next().map(|e| e.event) {
        Some(Event::Mentioned(mention)) => *mention,
        other => panic!("no mention: {other:?}"),
    }
}

#[test]
fn who_somebody_is_only_our_own_server_says() {
    let raw = raw(|status| {
        status["account"]["url"] = json!("https://bank.example/@support");
        status["url"] = json!("https://third.example/@someone/1");
        status["account"]["acct"] = json!("support@bank.example");
    });
    assert_eq!(mention(&raw).contact.remote, "42");
}

#[test]
fn what_hides_or_turns_does_not_get_in() {
    let bad = mention(&raw(|status| {
        status["content"] = json!("<p>a\u{202E}b\u{200B}c\u{E0041}</p><p>&#x202E;d</p>");
        status["account"]["display_name"] = json!("Slackbot\n\u{2066}admin");
        status["spoiler_text"] = json!("x\u{FEFF}y");
        status["media_attachments"] = json!([
            { "type": "image", "url": "javascript:alert(1)", "description": "z" },
            { "type": "image", "url": "https://u:p@near.example/1.png" },
            { "type": "gifv", "url": "https://near.example/1.mp4", "description": "q\u{202E}" },
        ]);
    }));
    assert_eq!(bad.text.raw(), "abc\n\nd");
    assert_eq!(bad.name.raw(), "Slackbot admin");
    assert_eq!(bad.warning.unwrap().raw(), "xy");
    assert_eq!(bad.media.len(), 1);
    assert_eq!(bad.media[0].alt.raw(), "q");
}

#[test]
fn an_unknown_visibility_counts_as_private() {
    let of = |text: &str| mention(&raw(|status| status["visibility"] = json!(text))).audience;
    assert_eq!(of("public"), Audience::Public);
    assert_eq!(of("private"), Audience::Followers);
    assert_eq!(of("local"), Audience::Direct);
}

#[test]
fn edits_have_a_name_of_their_own() {
    let edited = raw(|status| status["edited_at"] = json!("2026-08-01T11:00:00.000Z"));
    let ids: Vec<String> =
        hear::notification(&me(), &edited).envelopes.iter().map(|e| e.id.to_string()).collect();
    assert_eq!(ids, ["acme:11", "acme:11:2026-08-01T11:00:00.000Z"]);
    let gone = hear::streamed(&me(), "delete", "11");
    assert_eq!(gone[0].id.as_str(), "acme:11:gone");
}

#[test]
fn what_cannot_be_read_is_kept_and_does_not_stop_the_list() {
    let deep = format!(
        r#"{{"id":"5","type":"mention","status":{}1{}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    let odd = [
        r#"{"id":"5","type":"mention","status":{"id":7.5,"account":{}}}"#.to_owned(),
        r#"{"id":"5","type":"mention","status":{"id":"","account":{"id":"1"}}}"#.to_owned(),
        r#"{"id":"5","type":"mention","status":{"id":"1","account":{"id":"1"},"content":"\ud800"}}"#
            .to_owned(),
        r#"{"id":"5","type":"mention","status":{"id":"..","account":{"id":"1"}}}"#.to_owned(),
        deep,
        "[]".to_owned(),
        r#"{"id":"5","type":"mention","status":{"id":"1","account":"unspeakable"}}"#.to_owned(),
    ];
    for raw in odd {
        let item = hear::notification(&me(), &raw);
        let event = &item.envelopes[0].event;
        let Event::Unreadable { source, why, .. } = event else { panic!("{raw}") };
        assert_eq!(source, "acme");
        assert!(!why.contains("unspeakable"), "a parser's complaint repeats their words: {why}");
    }
    let silent = r#"{"id":"6","type":"mention","status":null}"#;
    let item = hear::notification(&me(), silent);
    assert_eq!((item.id.as_deref(), item.envelopes.len()), (Some("6"), 0));
}

async fn bench(manner: &str) -> Bench {
    Bench::new(&NETWORK, manner).await
}

/// Far between sweeps: what comes within the test comes through the stream.
const RARELY: (&str, &str) = ("poll", "1 h");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_bring_mentions_edits_deletions_and_own_posts() {
    for (manner, streaming) in [("", "websocket"), ("", "sse"), ("gotosocial", "auto")] {
        let bench = bench(manner).await;
        let driver = bench.driver(&[RARELY, ("streaming", streaming)]);
        let (stop, _task) = bench.listen(&driver).await;
        // The stream opens a moment after the first sweep; the sweep that follows it may be first.
        bench.post("901", "@acme one", |_| ());
        bench.heard("one").await;
        for wrong in [Wrong::Repeat, Wrong::Reorder] {
            bench.fault("STREAM", 1, wrong);
            bench.post("901", "@acme see https://x.example/a", |_| ());
        }
        until("both", || bench.notes.mentions().len() == 3).await;
        bench.fault("OPEN", 1, Wrong::Cut);
        bench.post("902", "@acme after the break", |_| ());
        bench.heard("after the break").await;
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeps_suffice_without_a_stream_or_with_a_silent_one() {
    for (manner, streaming) in [("hollo", "auto"), ("", "off"), ("", "auto")] {
        let bench = bench(manner).await;
        bench.fault("STREAM", 0, Wrong::Silence);
        let (stop, _task) = bench.listen(&bench.driver(&[("streaming", streaming)])).await;
        bench.post("901", "@acme is anybody there", |_| ());
        bench.heard("is anybody there").await;
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ignores_keys_is_known_and_gets_no_double() {
    let bench = bench("gotosocial").await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    let abilities = bench.notes.abilities().unwrap();
    assert_eq!((abilities.resend, abilities.limit), (Resend::Look, 5000));
    bench.post("901", "@acme help", |_| ());
    let out = answer(&bench.heard("help").await, "here", "k1");
    bench.fault("POST /api/v1/statuses", 1, Wrong::DoneThenCut);
    assert!(matches!(driver.deliver(&out).await, Err(Failure::Unsure(_))));
    assert!(matches!(driver.look(&out).await, Looked::There(_)));
    assert_eq!(bench.sent().len(), 1);
    // The face really doubles; only looking has kept us from it.
    driver.deliver(&out).await.unwrap();
    assert_eq!(bench.sent().len(), 2);
    assert!(matches!(driver.look(&out).await, Looked::There(_)));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_known_again_by_mastodon() {
    let bench = bench("").await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    assert!(matches!(bench.notes.abilities().unwrap().resend, Resend::Keyed { .. }));
    bench.post("901", "@acme help", |_| ());
    let out = answer(&bench.heard("help").await, "here", "k1");
    let one = driver.deliver(&out).await.unwrap();
    assert_eq!(driver.deliver(&out).await.unwrap().remote, one.remote);
    assert_eq!(bench.sent().len(), 1);
    assert_eq!(bench.sent()[0].key.as_deref(), Some("k1"));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_long_before_the_start_is_read_to_its_first_page() {
    let bench = bench("").await;
    let many = 560;
    for n in 0..many {
        bench.post("901", &format!("@acme number {n}."), |_| ());
    }
    let driver = bench.driver(&[("since", "1 h"), ("streaming", "off")]);
    let (stop, _task) = bench.listen(&driver).await;
    until("all of them", || bench.notes.mentions().len() >= many).await;
    let posts: std::collections::BTreeSet<_> =
        bench.notes.mentions().into_iter().map(|mention| mention.post).collect();
    assert_eq!(posts.len(), many, "each of them, none twice");
    stop.cancel();
}

/// Every status and notification that another client's tests hold is read without a complaint.
#[test]
fn recorded_payloads_are_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let samples = folder.join("specs/handwritten-samples/mastodon/notification_mention.json");
    let Ok(sample) = std::fs::read_to_string(&samples) else {
        println!("no ../shared here: recorded payloads of Mastodon were not read");
        return;
    };
    let heard = mention(&sample);
    assert_eq!(heard.text.raw(), "@brand it's broken\nsince 9:00");
    let frame = samples.with_file_name("stream_ws_frame.json");
    let (event, payload) = hear::frame(&std::fs::read_to_string(frame).unwrap()).unwrap();
    assert_eq!(hear::streamed(&me(), &event, &payload).len(), 1);
    let payloads = folder.join("data/payloads/mastodon");
    let text = std::fs::read_to_string(payloads.join("notifications.json")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(!all.is_empty());
    for one in all {
        let item = hear::notification(&me(), &one.to_string());
        let bad = item.envelopes.iter().find(|e| matches!(e.event, Event::Unreadable { .. }));
        assert!(bad.is_none() && item.id.is_some(), "{one}");
    }
}
