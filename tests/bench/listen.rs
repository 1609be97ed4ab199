//! How many events of Jetstream five hundred rules are held against in one second of one processor,
//! beside Node: the same events and rules there, `JSON.parse` and one regular expression.
//!
//! Time is that of the processor, not of the wall, because the machine has other work too.

use crate::{Figure, median};
use careline::listen::{Rule, Rules, Wanted};
use careline::network::bluesky::gate;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Events that are judged; a quarter of them are posts, as on the whole stream.
const EVENTS: usize = 40_000;
const RUNS: usize = 3;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    fn name(&mut self) -> String {
        const PARTS: [&str; 16] = [
            "vel", "nor", "zan", "tri", "quo", "lum", "bra", "xen", "dor", "fyl", "gam", "hex",
            "jun", "kal", "mov", "pyr",
        ];
        (0..2 + self.roll(2)).map(|_| PARTS[self.roll(PARTS.len())]).collect()
    }

    fn letters(&mut self, n: usize) -> String {
        let letter =
            |dice: &mut Self| char::from(b"234567abcdefghijklmnopqrstuvwxyz"[dice.roll(32)]);
        (0..n).map(|_| letter(self)).collect()
    }
}

/// Words of people: real posts where they lie beside the project, else a few sentences.
fn texts() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/bluesky_posts");
    let read = std::fs::read_to_string(path.join("bluesky_posts.jsonl")).unwrap_or_default();
    let text = |line: &str| {
        let post: Value = serde_json::from_str(line).ok()?;
        Some(post["text"].as_str()?.to_owned())
    };
    let real: Vec<String> = read.lines().filter_map(text).collect();
    if !real.is_empty() {
        return real;
    }
    eprintln!("no ../shared/data/bluesky_posts: the posts are made of a few sentences");
    let some = [
        "Good morning! Coffee first & then the news <again>.",
        "Wir fahren heute an die Küste, es regnet natürlich 🌧️",
        "is anybody else's timeline full of \"hot takes\" today?\n\nasking for a friend",
        "今日はとても暑いですね。アイスを食べました。",
        "New post on my blog: why I stopped worrying about tabs https://blog.example/tabs",
    ];
    some.map(str::to_owned).to_vec()
}

/// Five hundred things to look for, as rules and as regular expressions for Node.
fn rules() -> (Rules, Vec<String>, Vec<String>) {
    let mut dice = Dice(7);
    let mut wanted = Wanted { name: "bench".into(), per_hour: 1, ..Wanted::default() };
    let mut patterns = Vec::new();
    for n in 0..500 {
        let (one, two) = (dice.name(), dice.name());
        match n {
            0..303 => wanted.words.push(one),
            303..316 => wanted.words.push(format!("{one}&{two}")),
            316..435 => wanted.parts.push(format!("{one}{}", dice.letters(2))),
            435..475 => wanted.phrases.push(format!("{one} {two}")),
            _ => wanted.regex.push(format!("{one}(?:s|shop)? +{two}")),
        }
    }
    patterns.extend(wanted.words.iter().map(|word| format!(r"\b{word}\b")));
    patterns.extend(wanted.parts.iter().cloned());
    patterns.extend(wanted.phrases.iter().map(|p| format!(r"\b{}\b", p.replace(' ', r"\s+"))));
    patterns.extend(wanted.regex.iter().cloned());
    let planted =
        wanted.words.iter().chain(&wanted.parts).chain(&wanted.phrases).cloned().collect();
    (Rules::new(vec![Rule::new(&wanted).expect("a rule")], &[]), patterns, planted)
}

/// A post, or a like, a follow or a repost, as Jetstream writes it. Every three hundredth post
/// holds something that is looked for.
fn event(dice: &mut Dice, n: usize, texts: &[String], planted: &[String]) -> String {
    let did = format!("did:plc:{}", dice.letters(24));
    let (rev, rkey) = (dice.letters(13), dice.letters(13));
    let cid = format!("bafyrei{}", dice.letters(52));
    let time = 1_764_000_000_000_000_u64 + n as u64 * 997;
    let created = "2026-01-01T10:00:00.000Z";
    let (collection, record) = if n.is_multiple_of(4) {
        let mut text = texts[dice.roll(texts.len())].clone();
        if n.is_multiple_of(1_200) {
            text = format!("{text} {}!", planted[dice.roll(planted.len())].to_uppercase());
        }
        let uri = format!("at://did:plc:{}/app.bsky.feed.post/{rkey}", dice.letters(24));
        let strong = json!({ "cid": cid, "uri": uri });
        let reply = json!({ "parent": strong, "root": strong });
        (
            "post",
            json!({ "$type": "app.bsky.feed.post", "createdAt": created, "langs": ["en"],
            "reply": reply, "text": text }),
        )
    } else {
        let uri = format!("at://did:plc:{}/app.bsky.feed.post/{rkey}", dice.letters(24));
        let kind = if n % 8 == 1 { "repost" } else { "like" };
        (
            kind,
            json!({ "$type": format!("app.bsky.feed.{kind}"), "createdAt": created,
            "subject": { "cid": cid, "uri": uri } }),
        )
    };
    let head = format!(r#"{{"did":"{did}","time_us":{time},"kind":"commit","#);
    let what = format!(r#""operation":"create","collection":"app.bsky.feed.{collection}""#);
    let rest = format!(r#""rkey":"{rkey}","record":{record},"cid":"{cid}"}}}}"#);
    let line = format!(r#"{head}"commit":{{"rev":"{rev}",{what},{rest}"#);
    line.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

/// Seconds that this thread has had a processor.
fn on_processor() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    nanos.unwrap_or_default() / 1e9
}

fn ours(events: &[String], rules: &Rules) -> (f64, usize) {
    let begun = on_processor();
    let meant = |event: &&String| {
        let told = gate::told(event, rules);
        told.is_some_and(|told| !rules.meaning(&told.text, &told.languages).is_empty())
    };
    let found = events.iter().filter(meant).count();
    (events.len() as f64 / (on_processor() - begun), found)
}

/// Node's events a second; `None` without Node.
fn node(dir: &Path) -> Option<f64> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/listen.mjs");
    let output = Command::new("node").arg(script).current_dir(dir).output().ok()?;
    let said: Value = serde_json::from_slice(&output.stdout).ok()?;
    said["per_cpu_s"].as_f64()
}

/// The figure.
pub fn figure() -> Vec<Figure> {
    let (rules, patterns, planted) = rules();
    let (mut dice, texts) = (Dice(1), texts());
    let events: Vec<String> = (0..EVENTS).map(|n| event(&mut dice, n, &texts, &planted)).collect();
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("events.jsonl"), events.join("\n")).expect("a file");
    std::fs::write(dir.path().join("rules.json"), json!(patterns).to_string()).expect("a file");
    let (_, found) = ours(&events, &rules);
    assert!(found >= EVENTS / 1_300, "only {found} of the planted posts were found");
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        mine.push(ours(&events, &rules).0);
        theirs.extend(node(dir.path()));
    }
    let value = median(mine);
    let against =
        (!theirs.is_empty()).then(|| ("node_json_parse_one_regex", value / median(theirs)));
    vec![Figure { name: "listen_events_per_cpu_s", value, unit: "events", against, runs: RUNS }]
}
