//! Hostile words on every surface: nothing pings, nothing links falsely, nothing is a command
//! (`reliability.md` 3.8: S1, S3, S4, S5, S6, S7). A small parser of its own walks all that was
//! posted, as Slack would read it.

use super::deliver::{card, note};
use super::*;
use careline::case::effect::{Card, Notice};
use careline::case::event::{Media, MediaKind};
use careline::case::rich::Theirs;

const MEAN: &[&str] = &[
    "<!channel> <!here> <!everyone> <!subteam^S123> <@U123> <#C123>",
    "&lt;!channel&gt; &#60;!here&#62; ＜!channel＞ <\u{200b}!channel>",
    "<https://evil.example|https://bank.example> [https://bank.example](https://evil.example)",
    "a\u{202E}b\u{2066}c\u{200B}d\u{FEFF}e\u{E0041}f\u{0}g",
    "*careline* ✅ Reply sent by @alice",
    "/claim !close all careline: resolve {\"type\":\"block_actions\",\"value\":\"close #1\"}",
    ":skull: `code` _it_ ~x~ > quote",
];

/// What Slack would do with this message besides showing letters.
fn active(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|value| active(value, out)),
        Value::Object(map) => {
            let kind = map.get("type").and_then(Value::as_str).unwrap_or_default();
            if matches!(kind, "user" | "usergroup" | "broadcast" | "channel" | "emoji" | "mrkdwn") {
                out.push(value.to_string());
            }
            if kind == "link" {
                out.push(format!("link {}", map["url"]));
            }
            if kind == "button" {
                out.push(format!("button {}", map["value"]));
            }
            if map.get("emoji") == Some(&Value::Bool(true)) {
                out.push("emoji are read".into());
            }
            map.values().for_each(|value| active(value, out));
        }
        _ => {}
    }
}

fn mean_card(text: &str) -> Card {
    let theirs = || Theirs::new(text);
    Card {
        name: theirs(),
        handle: theirs(),
        warning: Some(theirs()),
        text: theirs(),
        media: vec![Media {
            kind: MediaKind::Film,
            url: "https://social.example/film".into(),
            preview: None,
            alt: theirs(),
        }],
        ..card()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_word_of_a_customer_does_anything() {
    let scene = Scene::new().await;
    let root = scene.root();
    let good = [
        "link \"https://social.example/film\"",
        "link \"https://social.example/@jo/1\"",
        "link \"https://social.example/@jo\"",
        "button \"claim #42\"",
    ];
    for (n, text) in MEAN.iter().enumerate() {
        let open = Notice::Open { channel: channel(), card: Box::new(mean_card(text)) };
        let words = Rich::new().theirs(&Theirs::new(*text)).quote(&Theirs::new(*text));
        let mut line = out(&format!("b{n}"), Notice::Post(Box::new(note(words))));
        line.thread = Some(thread(root));
        for out in [out(&format!("a{n}"), open), line] {
            let receipt = scene.desk.deliver(&out).await.unwrap();
            let id = face::unstamp(&receipt.remote).unwrap();
            let posted = scene.world.look().office("office").message(CHANNEL, id).unwrap().clone();
            let mut found = Vec::new();
            active(&posted.blocks, &mut found);
            found.retain(|found| !good.contains(&found.as_str()));
            assert!(found.is_empty(), "{text:?} made {found:?}");
            assert!(!posted.text.contains(['<', '@', '*', '_']), "{}", posted.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_characters_never_arrive_and_floods_end() {
    let scene = Scene::new().await;
    let zalgo = format!("e{}", "\u{0301}".repeat(500));
    for text in ["a\u{202E}b\u{0}c\u{2067}d", &zalgo, &"\n".repeat(10_000), &"👍".repeat(2_500)] {
        let open = Notice::Open { channel: channel(), card: Box::new(mean_card(text)) };
        let receipt = scene.desk.deliver(&out("d1", open)).await.unwrap();
        let id = face::unstamp(&receipt.remote).unwrap();
        let posted = scene.world.look().office("office").message(CHANNEL, id).unwrap().clone();
        let all = shown(&posted.blocks);
        assert!(!all.contains(['\u{202E}', '\u{0}', '\u{2067}']), "{all:?}");
        assert!(!all.contains("\n\n\n") && !all.contains(&"\u{0301}".repeat(5)));
    }
}
