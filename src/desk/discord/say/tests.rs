//! What leaves for Discord, to the letter.

use super::*;
use crate::case::id::AgentId;
use crate::case::id::DeskId;
use crate::case::rich::Theirs;

fn key() -> Key {
    Key { deployment: Deployment::new("d1"), delivery: DeliveryId::new("42.7") }
}

fn said() -> Said {
    let mut text = Text::default();
    text.rich(&Rich::of("Hello ").theirs(&Theirs::new("*x*")));
    let button = |label: &str, words: &str, style| Button {
        label: label.into(),
        words: words.into(),
        style,
    };
    let buttons = vec![
        button("Undo", "undo #42 7", Style::Plain),
        button("Undo again", "undo #42 7", Style::Plain),
        button("Stop", "stop", Style::Danger),
    ];
    Said { text, buttons }
}

#[test]
fn a_message_is_what_discord_takes_and_nothing_more() {
    let body = sealed(&said(), As::New(&key())).into_value();
    let wanted = json!({
        "content": "Hello \\*x\\*\n-# careline · d1:42.7",
        "nonce": "d1:42.7", "enforce_nonce": true, "flags": 4,
        "allowed_mentions": {"parse": [], "users": [], "roles": [], "replied_user": false},
        "components": [{"type": 1, "components": [
            {"type": 2, "style": 2, "label": "Undo", "custom_id": "undo #42 7|d1:42.7",
                "disabled": false},
            {"type": 2, "style": 4, "label": "Stop", "custom_id": "stop|d1:42.7",
                "disabled": false}]}],
    });
    assert_eq!(body, wanted);
}

#[test]
fn only_the_first_message_of_a_post_has_no_nonce_and_only_private_ones_are_private() {
    let first = sealed(&said(), As::First(&key())).into_value();
    assert!(first.get("nonce").is_none() && first.get("enforce_nonce").is_none());
    let private = sealed(&said(), As::Private).into_value();
    assert_eq!(private["flags"], 4 + 64);
    assert!(private["content"].as_str().unwrap().ends_with("\n-# careline"));
    let answer = sealed(&said(), As::Answer { to: Some("5") }).into_value();
    assert_eq!(answer["message_reference"]["message_id"], "5");
    assert_eq!(answer["allowed_mentions"]["parse"], json!([]));
}

#[test]
fn whoever_a_notice_calls_is_the_only_one_who_is_called() {
    let agent = AgentId { desk: DeskId::new("d"), user: "400000000000000002".into() };
    let mut said = said();
    said.text.rich(&Rich::new().and(Piece::Call(agent)));
    let body = sealed(&said, As::New(&key())).into_value();
    assert_eq!(body["allowed_mentions"]["users"], json!(["400000000000000002"]));
    assert_eq!(body["allowed_mentions"]["parse"], json!([]));
}

#[test]
fn marks_come_back_and_words_that_only_look_like_marks_do_not() {
    assert_eq!(split("undo #42 7|d1:42.7"), ("undo #42 7", Some(("d1", "42.7"))));
    assert_eq!(split("close a|b"), ("close a|b", None));
    assert_eq!(unfooted("-# careline · d1:42.7"), Some(("d1", "42.7")));
    assert_eq!(unfooted("> \\-\\# careline · d9:9.9"), None);
    let long = Key { deployment: Deployment::new("d".repeat(30)), delivery: DeliveryId::new("1") };
    assert!(long.nonce().len() <= 25);
    assert_eq!(long.nonce(), long.nonce());
}

#[test]
fn a_form_fits_discords_limits() {
    let form = Form {
        title: "t".repeat(60),
        words: "reply #42".into(),
        label: "l".repeat(60),
        hint: "h".repeat(200),
        text: "x".repeat(5_000),
        max: 9_000,
    };
    let modal = modal(&form);
    let input = &modal["data"]["components"][0]["components"][0];
    assert_eq!((&modal["type"], &modal["data"]["custom_id"]), (&json!(9), &json!("reply #42")));
    assert_eq!(modal["data"]["title"].as_str().unwrap().len(), 45);
    assert_eq!(input["value"].as_str().unwrap().len(), 4_000);
    assert_eq!((&input["max_length"], &input["style"]), (&json!(4_000), &json!(2)));
}
