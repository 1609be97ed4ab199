//! For the fuzz targets: what Slack may send, and what of a stranger's words may stand in what we
//! send.

use super::hear::{self, Me, asked};
use super::say;
use super::wire::{Command, Interaction, Message};
use crate::desk::Outgoing;
use serde_json::Value;

/// Hears a frame in every way in which it could be meant.
pub fn heard(text: &str) {
    let me = Me {
        desk: "slack".into(),
        team: "T1".into(),
        user: "U0".into(),
        bot: "B0".into(),
        app: "A0".into(),
    };
    let people = hear::People::new();
    if let Ok(message) = serde_json::from_str::<Message>(text) {
        let _ = hear::people(&message);
        let _ = hear::message(&me, &people, &message);
        let _ = hear::written(&me, &people, &message, "C1");
        let _ = hear::edited(&me, &people, &message, "C1");
    }
    if let Ok(interaction) = serde_json::from_str::<Interaction>(text) {
        let _ = asked::interaction(&me, &people, &interaction, "ticket");
    }
    if let Ok(command) = serde_json::from_str::<Command>(text) {
        let _ = asked::command(&me, &people, &command, "ticket");
    }
    let _ = hear::plain::plain(text, "U0", &|_| None);
}

/// Looks at a notice as it leaves.
///
/// # Panics
/// A stranger's words would call somebody or be a link.
pub fn shown(out: &Outgoing, _theirs: &str) {
    let call = say::notice(out).expect("a place to post");
    walk(&call.body);
    let blocks = call.body["blocks"].as_array().map_or(0, Vec::len);
    assert!(blocks <= 50, "Slack takes 50 blocks, not {blocks}");
}

/// In a `text` element of rich text everything is literal; anywhere else a bracket that opens
/// something must be one of ours.
fn walk(value: &Value) {
    match value {
        Value::Object(fields) => {
            let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
            if kind == "mrkdwn" {
                let text = fields.get("text").and_then(Value::as_str).unwrap_or_default();
                let calls = ["<!", "<@", "<#"].iter().any(|sign| text.contains(sign));
                assert!(!calls, "markup that calls: {text:?}");
            }
            let calls = matches!(kind, "user" | "usergroup" | "broadcast" | "channel");
            assert!(!calls, "an element that calls: {value}");
            fields.values().for_each(walk);
        }
        Value::Array(all) => all.iter().for_each(walk),
        _ => {}
    }
}
