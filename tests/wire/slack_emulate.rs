//! Our Slack driver against a Web API somebody else wrote. `tests/wire/slack_emulate.sh` starts it;
//! without its address this says so in one line.

use super::slack::{ground, out};
use careline::case::effect::{Card, Face, Mark, Note, Notice, Tone};
use careline::case::id::{CaseNo, ChannelId, DeskId, MessageId, ThreadId};
use careline::case::rich::{Rich, Theirs};
use careline::case::time::Timestamp;
use careline::desk::{DESKS, Desk, Outgoing};
use careline::net::Looked;
use careline::setting::Section;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const BOT: &str = "xoxb-careline-test";
const MARIA: &str = "xoxp-maria-test";

fn secret(name: &str) -> Option<String> {
    match name {
        "BOT" => Some(BOT.to_owned()),
        "SECRET" => Some("a-signing-secret".to_owned()),
        _ => None,
    }
}

fn driver(api: &str) -> Arc<dyn Desk> {
    let values = [
        ("mode", "http"),
        ("bot_token", "env:BOT"),
        ("signing_secret", "env:SECRET"),
        ("api", api),
    ];
    let values = values.map(|(key, text)| (key.to_owned(), (1, toml::Value::from(text))));
    let section = Section::new("careline.toml", "desk.office", 1, BTreeMap::from(values), secret);
    let slack = DESKS.iter().find(|row| row.name == "slack").unwrap();
    (slack.open)(&DeskId::new("office"), &section, &ground()).unwrap()
}

fn card(text: &str) -> Box<Card> {
    Box::new(Card {
        case: CaseNo(42),
        name: Theirs::new("Jo <!channel>"),
        handle: Theirs::new("jo@social.example"),
        author_url: None,
        avatar: None,
        place: "Mastodon · acme".into(),
        audience: "public".into(),
        warning: None,
        text: Theirs::new(text),
        media: Vec::new(),
        url: Some("https://social.example/@jo/1".into()),
        written: Timestamp(1),
        facts: Vec::new(),
        standing: Rich::of("Nobody has claimed it."),
        buttons: Vec::new(),
        urgent: false,
    })
}

fn line(words: &str) -> Notice {
    let words = Rich::new().quote(&Theirs::new(words));
    let (media, buttons) = (Vec::new(), Vec::new());
    Notice::Post(Box::new(Note { tone: Tone::Customer, words, media, url: None, buttons }))
}

/// A thread as a colleague reads it, through the server's own API.
async fn thread(api: &str, channel: &str, root: &str) -> Vec<Value> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{api}/conversations.replies")).bearer_auth(MARIA);
    let asked = request.form(&[("channel", channel), ("ts", root)]);
    let told: Value = asked.send().await.unwrap().json().await.unwrap();
    told["messages"].as_array().cloned().unwrap_or_else(|| panic!("no thread: {told}"))
}

#[tokio::test]
async fn card_line_change_and_mark_on_a_foreign_server() {
    let facts = std::env::var("CARELINE_SLACK_EMULATE").ok();
    let Some(facts) = facts.and_then(|text| serde_json::from_str::<Value>(&text).ok()) else {
        println!("no CARELINE_SLACK_EMULATE: the driver was not tried on a foreign server");
        return;
    };
    let (api, name) = (facts["api"].as_str().unwrap(), facts["channel"].as_str().unwrap());
    let desk = driver(api);
    let channel = ChannelId { desk: DeskId::new("office"), channel: name.to_owned() };
    let open = |text: &str| Notice::Open { channel: channel.clone(), card: card(text) };
    let opened = out("1.0", open("My parcel is lost."));
    assert_eq!(desk.look(&opened).await, Looked::Absent);
    let root = desk.deliver(&opened).await.unwrap();
    let found = |looked: Looked| match looked {
        Looked::There(receipt) => receipt.remote,
        other => panic!("not found again: {other:?}"),
    };
    assert_eq!(found(desk.look(&opened).await), root.remote);

    let place = ThreadId { channel: channel.clone(), root: root.remote.clone() };
    let below = Outgoing { thread: Some(place), ..out("1.1", line("And another thing <@U1>")) };
    assert_eq!(desk.look(&below).await, Looked::Absent);
    let second = desk.deliver(&below).await.unwrap();
    assert_eq!(found(desk.look(&below).await), second.remote);

    let message = MessageId { channel: channel.clone(), message: root.remote.clone() };
    let to = Box::new(Face::Card(card("My parcel is found.")));
    let amend = Notice::Amend { of: opened.id.clone(), to };
    let amend = Outgoing { message: Some(message.clone()), ..out("1.2", amend) };
    desk.deliver(&amend).await.unwrap();
    assert_eq!(found(desk.look(&opened).await), root.remote, "a changed card is still found");
    desk.deliver(&out("1.3", Notice::Mark { message, mark: Mark::Sent })).await.unwrap();

    let all = thread(api, name, &root.remote).await;
    assert_eq!(all.len(), 2, "{all:?}");
    let blocks = all[0]["blocks"].to_string();
    assert!(blocks.contains("is found") && !blocks.contains("is lost"), "{blocks}");
    assert!(!all[0]["text"].to_string().contains("Jo"), "the fallback holds no customer's word");
    assert!(all[1]["blocks"].to_string().contains("another thing"), "{}", all[1]);
    let marks = all[0]["reactions"].as_array().map_or(0, Vec::len);
    assert_eq!(marks, 1, "{}", all[0]);
}
