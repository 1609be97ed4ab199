//! What the fuzz targets of `fuzz/` run, each with the sentence that must hold whatever comes in.
//! Compiled for them and for the tests, where each takes some hundred inputs by lot; never part of
//! the program.

use crate::case::ability::Count;
use crate::case::command::parse;
use crate::case::effect::{Button, Card, Note, Notice, Style, Tone};
use crate::case::event::{Media, MediaKind};
use crate::case::gate::content;
use crate::case::id::{AccountId, CaseNo, ChannelId, DeliveryId, Deployment, DeskId, ThreadId};
use crate::case::policy::Policy;
use crate::case::rich::{Rich, Theirs};
use crate::case::text::{Frame, fits, split};
use crate::case::time::Timestamp;
use crate::config::{Files, Tables, Text};
use crate::desk::{self, Outgoing};
use crate::net::{Ground, Net};
use crate::network::mastodon::hear as mastodon;
use crate::store::{key, row};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// A target by name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them, by name: one file each in `fuzz/fuzz_targets`.
pub const TARGETS: &[Target] = &[
    ("configuration", configuration),
    ("discord_envelopes", |data| desk::discord::fuzzed::heard(&text(data))),
    ("gate", gate),
    ("grammar", grammar),
    ("html_to_text", html_to_text),
    ("mastodon_envelopes", mastodon_envelopes),
    ("render_discord", |data| rendered(data, desk::discord::fuzzed::shown)),
    ("render_slack", |data| rendered(data, desk::slack::fuzzed::shown)),
    ("slack_envelopes", |data| desk::slack::fuzzed::heard(&text(data))),
    ("splitting", splitting),
    ("stored_rows", stored_rows),
];

/// Runs a target.
///
/// # Panics
/// There is none of this name, or what must hold does not.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.map(|(_, run)| run(data)).expect("a target of this name");
}

fn text(data: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// A mark of a note never turns a note into a reply, and where nothing is said nothing is a note.
fn gate(data: &[u8]) {
    let (text, mut policy) = (text(data), Policy::standard());
    policy.inside_words = vec!["intranet".into()];
    let kept = content(&policy, &text, &[]).is_some();
    for mark in ["note: ", "// ", "(", "[internal] ", "🔒 "] {
        let marked = content(&policy, &format!("{mark}{text}"), &[]);
        assert!(marked.is_some(), "a marked note would go out: {mark}{text:?}");
    }
    let named = content(&policy, &format!("{text} intranet"), &[]);
    assert!(named.is_some(), "an inside word would go out: {text:?} (kept before: {kept})");
}

/// Words are a verb or a sentence, and what follows a verb is part of what was written.
fn grammar(data: &[u8]) {
    let text = text(data);
    match parse(&text) {
        Ok(command) => assert!(text.contains(command.rest), "{text:?} became {:?}", command.rest),
        Err(misuse) => assert!(misuse.0.len() < 1_000, "a sentence of {}", misuse.0.len()),
    }
}

/// Every part fits, and together they say what the whole said.
fn splitting(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let text = text(rest);
    let how = match first % 4 {
        0 => Count::Mastodon { link: 23 },
        1 => Count::Graphemes { bytes: 300 },
        2 => Count::Weighted,
        _ => Count::Chars,
    };
    let limit = 60 + usize::from(*first);
    let frame = Frame { front: "@anna ", limit, how };
    let Some(parts) = split(&text, frame, 10) else { return };
    let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let mut joined = String::new();
    for (n, part) in (1..).zip(&parts) {
        assert!(fits(part, limit, how), "a part is too long: {part:?}");
        let body = part.strip_prefix("@anna ").expect("the front stands in each part");
        let number = format!(" ({n}/{})", parts.len());
        let numbered = parts.len() > 1;
        let body = if numbered { body.strip_suffix(&number).expect("its number") } else { body };
        joined.push_str(body);
    }
    assert_eq!(bare(&joined), bare(&text));
}

/// No tag survives as a tag; what comes out is not much more than what went in.
fn html_to_text(data: &[u8]) {
    let html = text(data);
    let plain = mastodon::html::plain(&html, &[]);
    assert!(plain.len() <= 4 * html.len() + 64, "{} became {}", html.len(), plain.len());
}

fn mastodon_envelopes(data: &[u8]) {
    let text = text(data);
    let me = mastodon::Me { account: AccountId::new("acme"), id: "1".into() };
    let item = mastodon::notification(&me, &text);
    assert!(item.id.is_some() || !item.envelopes.is_empty(), "it vanished: {text:?}");
    let _ = mastodon::own_post(&me, &text);
    for event in ["update", "notification", "delete", "status.update"] {
        let _ = mastodon::streamed(&me, event, &text);
    }
    let _ = mastodon::frame(&text);
}

/// A row that is read is written the same; a key that is read is written the same.
fn stored_rows(data: &[u8]) {
    let _ = row::version(data);
    if let Ok(read) = row::decode(data)
        && let Some(record) = &read.record
        && let Ok(written) = row::encode(read.version, record)
    {
        assert_eq!(row::decode(&written).map(|again| again.record), Ok(read.record));
    }
    if let Some(read) = key::decode(data) {
        assert_eq!(key::decode(&key::encode(&read)), Some(read));
    }
    let _ = (key::envelope_of(data), key::trailing_case(data));
}

/// Mistakes are named, all of them, and nothing is opened or connected.
fn configuration(data: &[u8]) {
    let text = text(data);
    let (wiring, rest) = text.split_once("\n---\n").unwrap_or((&text, ""));
    let (policy, listen) = rest.split_once("\n---\n").unwrap_or((rest, ""));
    let file = |name: &str, text: &str| Text { name: name.into(), text: text.into() };
    let files = Files {
        wiring: file("careline.toml", wiring),
        policy: Some(file("policy.toml", policy)),
        phrases: None,
        listen: Some(file("listen.toml", listen)),
        escalation: Some(file("escalation.toml", listen)),
    };
    let none: crate::config::Env = |_| None;
    static NET: LazyLock<Net> = LazyLock::new(|| Net::new(true));
    let ground = Ground { net: NET.clone(), now: Arc::new(|| Timestamp::from_seconds(1)) };
    if let Err(mistakes) = crate::config::parse(&files, none, &ground, Tables::all()) {
        assert!(!mistakes.0.is_empty(), "refused, and nobody knows why");
    }
}

/// A card and a note full of a stranger's words, as a driver shows them; the driver looks at what
/// became of it.
fn rendered(data: &[u8], shown: fn(&Outgoing, &str)) {
    let text = text(data);
    let theirs = || Theirs::new(&*text);
    let channel = ChannelId { desk: DeskId::new("desk"), channel: "1".into() };
    let media = Media {
        kind: MediaKind::Picture,
        url: "https://media.example/1.png".into(),
        preview: None,
        alt: theirs(),
    };
    let button = Button { label: "Claim".into(), words: "claim #1".into(), style: Style::Primary };
    let card = Card {
        case: CaseNo(1),
        name: theirs(),
        handle: theirs(),
        author_url: None,
        avatar: None,
        place: "Mastodon · acme".into(),
        audience: "public".into(),
        warning: Some(theirs()),
        text: theirs(),
        media: vec![media.clone()],
        url: None,
        written: Timestamp::from_seconds(1),
        facts: vec![("Tags".into(), Rich::new().theirs(&theirs()))],
        standing: Rich::of("Open"),
        buttons: vec![button],
        urgent: false,
    };
    let words = Rich::new().theirs(&theirs()).say(" @").theirs(&theirs()).quote(&theirs());
    let note = Note { tone: Tone::Customer, words, media: vec![media], url: None, buttons: vec![] };
    let out = |notice, thread| Outgoing {
        id: DeliveryId::new("1.0"),
        deployment: Deployment::new("here"),
        first: Timestamp::from_seconds(1),
        attempt: 1,
        notice,
        thread,
        message: None,
        merged: Vec::new(),
    };
    let thread = ThreadId { channel: channel.clone(), root: "1.0".into() };
    shown(&out(Notice::Open { channel, card: Box::new(card) }, None), &text);
    shown(&out(Notice::Post(Box::new(note)), Some(thread)), &text);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of what each target reads, so that lots reach beyond the first brace.
    const SEEDS: &[&str] = &[
        r#"{"type":"message","channel":"C1","user":"U1","text":"<@U2> &lt;!here&gt;","ts":"1.5"}"#,
        r#"{"id":"1","kind":3,"guild_id":"1","channel_id":"2","content":"@everyone","type":0}"#,
        r#"{"id":"7","type":"mention","status":{"id":"3","account":{"id":"9"},"content":"<p>x"}}"#,
        "<p>Hi <a href=\"https://evil.example\">bank.example</a>&amp;<br>@anna</p>",
        "note: she lies. reply #42 Sorry. https://example.com/a?b=c 👩\u{200d}👩 \u{200b}ﷺ é",
        "[account.acme]\nnetwork = \"mastodon\"\nserver = \"https://x\"\n---\nundo = \"10 s\"\n",
        "<!channel> <@U1> @everyone <@&5> [a](https://b) **x** ||y|| `z` ```",
    ];

    /// Cuts, doubles and flips by lot.
    fn changed(random: &mut fastrand::Rng) -> Vec<u8> {
        let mut data = random.choice(SEEDS).unwrap_or(&"").as_bytes().to_vec();
        for _ in 0..random.usize(0..6) {
            let other = random.choice(SEEDS).unwrap_or(&"").as_bytes();
            let at = random.usize(0..=data.len());
            match random.u8(0..4) {
                0 => data.truncate(at),
                1 => data.insert(at, random.u8(..)),
                2 => drop(data.splice(at..at, other.iter().copied())),
                _ => data.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.u8(..)),
            }
        }
        data
    }

    #[test]
    fn every_target_holds_by_lot() {
        let mut random = fastrand::Rng::with_seed(7);
        for (name, _) in TARGETS {
            for seed in SEEDS {
                run(name, seed.as_bytes());
            }
            for _ in 0..300 {
                run(name, &changed(&mut random));
            }
        }
    }
}
