//! Is nothing overheard too much or too little? The fast way (gate, sieve, letters compared) is
//! held against the slow one: every event parsed in full, every rule a regular expression of its
//! own. Events are written in four spellings: as Jetstream does, with every letter beyond ASCII as
//! an escape, with all escapes there are, and with spaces and another order.

use careline::listen::{Rule, Rules, Wanted};
use careline::network::bluesky::gate;
use regex::{Regex, RegexBuilder};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// Texts made for this: each is a trap of one kind.
const OWN: &[&str] = &[
    "I love AT&T and H&M, honestly",
    "at&amp;t is not it",
    "<b>Acme</b> tents > all others & more",
    "ACME's new tent: \"waterproof\" they said",
    "acmeology, acmes, lacme, acme_x",
    "łódź is lovely; ŁÓDŹ too",
    "Grüße aus Köln! GRÜSSE? straße STRASSE",
    "tas\u{212A} ta\u{17F}k task TASK",
    "東京タワーのランプ",
    "لا أستطيع تسجيل الدخول",
    "lost   parcel, lost\nparcel, lost\u{a0}parcel, lost-parcel",
    "C:\\acme\\tent and a/b \\u0061cme",
    "order no. 4711 and order no 12",
    "#Acme #acmetent #ACME_x ＃acme",
    "c++ and C++11, c+ +",
    "e\u{301}clair éclair ÉCLAIR",
    "emoji 🏕️acme🏕️",
    "job: acme is hiring",
    "the lamp\tis\u{2028}broken",
    "I\u{307}stanbul İstanbul istanbul ISTANBUL ıstanbul",
];

const WORDS: &str = "acme AT&T h&m łódź grüße task İstanbul istanbul c++ éclair waterproof the
    tent straße twitter bluesky you're don't a/b k";
const PHRASES: &[&str] =
    &["lost parcel", "h&m honestly", "good morning", "thank you", "the lamp is"];
const PARTS: &[&str] =
    &["ランプ", "تسجيل", "cme", "\"waterproof\"", "\\acme", "<b>", "🏕", "> all", "ß"];
const EXPRESSIONS: &[&str] = &[
    r"\border\s+no\.? ?[0-9]{4}",
    "(lawyer|solicitor|sue)",
    r"[0-9]{4}",
    "acme.*tent",
    r"(?-i)ACME",
    "at&t|h&m",
    r"\bs[aä]d\b",
    "(first|last)post",
    "x{2,}",
    r"^good",
];

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

/// All rules that are tried, one thing each, and two with more.
fn wanted() -> Vec<Wanted> {
    let none = Wanted::default;
    let words = WORDS.split_whitespace().map(|one| Wanted { words: texts(&[one]), ..none() });
    let phrases = PHRASES.iter().map(|one| Wanted { phrases: texts(&[one]), ..none() });
    let parts = PARTS.iter().map(|one| Wanted { parts: texts(&[one]), ..none() });
    let regex = EXPRESSIONS.iter().map(|one| Wanted { regex: texts(&[one]), ..none() });
    let mut all: Vec<Wanted> = words.chain(phrases).chain(parts).chain(regex).collect();
    all.push(Wanted { hashtags: texts(&["acme", "firstpost"]), ..none() });
    all.push(Wanted { words: texts(&["acme"]), without: texts(&["job"]), ..none() });
    all
}

/// A rule as regular expressions: what it looks for, and what must not be there.
fn patterns(wanted: &Wanted) -> (Vec<String>, Vec<String>) {
    let whole = |text: &String| {
        let words: Vec<String> = text.split_whitespace().map(regex::escape).collect();
        format!(r"\b{{start-half}}{}\b{{end-half}}", words.join(r"\s+"))
    };
    let tag = |tag: &String| format!(r"[#＃]{}\b{{end-half}}", regex::escape(tag));
    let looks = wanted.words.iter().chain(&wanted.phrases).map(whole);
    let looks = looks.chain(wanted.hashtags.iter().map(tag));
    let looks = looks.chain(wanted.parts.iter().map(|text| regex::escape(text)));
    let looks = looks.chain(wanted.regex.iter().cloned());
    (looks.collect(), wanted.without.iter().map(whole).collect())
}

fn slow(pattern: &str) -> Regex {
    RegexBuilder::new(pattern).case_insensitive(true).build().unwrap()
}

/// The real posts beside the project, if they are there, and our own.
fn posts() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/bluesky_posts");
    let mut all: Vec<String> = OWN.iter().map(|text| (*text).to_owned()).collect();
    match std::fs::read_to_string(path.join("bluesky_posts.jsonl")) {
        Ok(lines) => all.extend(lines.lines().filter_map(|line| {
            let post: Value = serde_json::from_str(line).ok()?;
            Some(post["text"].as_str()?.to_owned())
        })),
        Err(_) => println!("no ../shared/data/bluesky_posts: only our own texts were listened to"),
    }
    all
}

/// How an event may be written.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    Jetstream,
    Ascii,
    Escapes,
    Loose,
}

const SPELLINGS: [Spelling; 4] =
    [Spelling::Jetstream, Spelling::Ascii, Spelling::Escapes, Spelling::Loose];

fn event(text: &str, how: Spelling) -> String {
    let record = json!({
        "$type": "app.bsky.feed.post", "createdAt": "2026-01-01T00:00:00Z", "text": text,
    });
    let event = json!({
        "did": "did:plc:ann", "time_us": 1, "kind": "commit",
        "commit": { "rev": "3l", "operation": "create", "collection": "app.bsky.feed.post",
            "rkey": "3lbqta5lnck2i", "record": record, "cid": "bafyrei" },
    });
    let compact = |event: &Value| {
        let parts = ["rev", "operation", "collection", "rkey", "record", "cid"];
        let commit: Vec<String> =
            parts.iter().map(|key| format!(r#""{key}":{}"#, event["commit"][*key])).collect();
        let commit = commit.join(",");
        format!(r#"{{"did":"did:plc:ann","time_us":1,"kind":"commit","commit":{{{commit}}}}}"#)
    };
    match how {
        Spelling::Jetstream => respelt(&compact(&event), |c| matches!(c, '&' | '<' | '>')),
        Spelling::Ascii => respelt(&compact(&event), |c| !c.is_ascii()),
        Spelling::Escapes => {
            let plain = compact(&event);
            let from = plain.find(r#""text":""#).unwrap() + 8;
            let to = plain.find(r#"},"cid":"#).unwrap() - 1;
            let text = respelt(text, |_| true);
            format!("{}{text}{}", &plain[..from], &plain[to..])
        }
        Spelling::Loose => serde_json::to_string_pretty(&event).unwrap(),
    }
}

/// The text with certain signs as escapes of four digits.
fn respelt(text: &str, which: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if which(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| {
                let _ = write!(out, "\\u{unit:04x}");
            });
        } else {
            out.push(c);
        }
    }
    out
}

#[test]
fn nothing_is_overheard_too_much_or_too_little() {
    let all = wanted();
    let made: Vec<Rule> = all.iter().map(|wanted| Rule::new(wanted).unwrap()).collect();
    let slow = all.iter().map(|wanted| {
        let of = |all: &[String]| all.iter().map(|pattern| slow(pattern)).collect();
        let (looks, without) = patterns(wanted);
        (of(&looks), of(&without))
    });
    let slow: Vec<(Vec<Regex>, Vec<Regex>)> = slow.collect();
    // Each rule alone, as otherwise one without a needle would let everything pass; and together.
    let alone: Vec<Rules> =
        all.iter().map(|one| Rules::new(vec![Rule::new(one).unwrap()], &[])).collect();
    let together = Rules::new(made, &[]);
    let mut meant = 0;
    for (n, text) in posts().iter().enumerate() {
        let is = |(looks, without): &(Vec<Regex>, Vec<Regex>)| {
            looks.iter().any(|r| r.is_match(text)) && !without.iter().any(|r| r.is_match(text))
        };
        let want: Vec<bool> = slow.iter().map(is).collect();
        assert_eq!(
            together.meaning(text, &[]).len(),
            want.iter().filter(|w| **w).count(),
            "{text}"
        );
        // All spellings for our own texts, the real posts as Jetstream writes them.
        let spellings = if n < OWN.len() { &SPELLINGS[..] } else { &SPELLINGS[..1] };
        for how in spellings {
            let event = event(text, *how);
            for (rule, want) in alone.iter().zip(&want) {
                let told = gate::told(&event, rule);
                let got = told.is_some_and(|told| {
                    assert_eq!(told.text, *text, "{how:?}");
                    !rule.meaning(&told.text, &[]).is_empty()
                });
                assert_eq!(got, *want, "{how:?}: {event}");
            }
        }
        meant += want.iter().filter(|want| **want).count();
    }
    assert!(meant > 60, "the rules mean next to nothing: {meant}");
}
