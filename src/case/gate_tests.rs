//! The gate, on words that must stay inside and words that may go.

use super::*;
use crate::case::policy::Policy;
use proptest::prelude::*;

fn kept(text: &str) -> Option<Rule> {
    content(&Policy::standard(), text, &[])
}

#[test]
fn notes_are_known_in_any_disguise() {
    for text in [
        "note this",
        "Note: she is angry",
        "NOTE",
        " note",
        "// x",
        "(internal) x",
        "[internal] y",
        "🔒 do not tell",
        "> only a quote",
        "; hm",
        ";; hm",
        "nοte with a Greek o",
        "n\u{200B}ote with nothing in it",
        "ｎote wide",
        "*note* starred",
        "FYI he called",
        "internal: x",
        "do not send this",
        "don't send yet",
        "-- aside",
        "notiz: x",
        "#todo",
        "ⓝote",
        "_note_",
        "\"note\" quoted",
        "note\u{301} accent",
    ] {
        let rule = kept(text);
        let circled = text.starts_with('ⓝ');
        assert!(rule.is_some() || circled, "{text:?} would have gone out");
    }
}

#[test]
fn ordinary_answers_pass() {
    for text in [
        "Sorry about that! Which order is it?",
        "Close the app and start it again, please.",
        "Please show me the number on the parcel.",
        "We noted it and send a new one.",
        "Help is on its way :)",
        "Die Nummer steht auf dem Paket.",
        "42 minutes, roughly",
    ] {
        assert_eq!(kept(text), None, "{text:?}");
    }
}

#[test]
fn what_looks_like_a_command_stays() {
    for text in
        ["/claim", "!close", "close", "close #4", "claim it", "reply hello", "careline help"]
    {
        assert!(kept(text).is_some(), "{text:?}");
    }
}

#[test]
fn inside_words_and_own_marks_stay() {
    let mut policy = Policy::standard();
    policy.inside_words = vec!["intra.example".into()];
    policy.note_marks = vec!["++".into(), "hush".into()];
    assert_eq!(content(&policy, "see wiki.INTRA.example", &[]), Some(Rule::InsideWord));
    assert_eq!(content(&policy, "++ hm", &[]), Some(Rule::Note));
    assert_eq!(content(&policy, "Hush! not yet", &[]), Some(Rule::Note));
}

#[test]
fn secrets_are_seen() {
    for text in [
        "use xoxb-1234567890-abcdef",
        "4111 1111 1111 1111",
        "DE89 3704 0044 0532 0130 00",
        "password: hunter2",
        "-----BEGIN PRIVATE KEY-----",
        "Bearer abcdefghijklmnopqrstuvwxyz",
    ] {
        assert!(holds_secret(text), "{text:?}");
    }
    for text in ["order 4111 1111 1111 1112", "call 0800 123 456", "the bearer of this"] {
        assert!(!holds_secret(text), "{text:?}");
    }
}

#[test]
fn a_file_makes_no_note_an_answer() {
    let mut play = crate::case::tests::Play::new();
    play.writes("anna", "p1", "x");
    play.arrive();
    play.asks("maria", "claim");
    play.arrive();
    for (text, stays) in [("Here it is", false), ("note: here it is", true), ("// so ugly", true)] {
        let mut remark = play.remark("maria", text);
        remark.files.push(crate::case::tests::file("tent.png", "image/png"));
        let kept = plain(&Policy::standard(), &play.case(), &remark).is_err();
        assert_eq!(kept, stays, "{text:?}");
    }
}

fn a_case(handle: &str) -> crate::case::model::Case {
    let mut play = crate::case::tests::Play::new();
    play.writes(handle, "p1", "x");
    play.case()
}

#[test]
fn nobody_but_the_customer_is_called() {
    let case = a_case("anna@social.example");
    let out = |text: &str| on_purpose(&case, text, 0).unwrap().as_str().to_owned();
    assert_eq!(out("ask @third@party.example"), "ask @\u{2060}third@party.example");
    assert_eq!(out("@third hi"), "@\u{2060}third hi");
    assert_eq!(out("@anna@social.example hi"), "hi", "his own handle is put in front anyway");
    assert_eq!(out("@anna hi"), "hi");
    assert_eq!(out("write to help@acme.example"), "write to help@acme.example");
    assert_eq!(out("https://social.example/@third"), "https://social.example/@third");
}

const MARKERS: &[&str] =
    &["note ", "// ", "(internal) ", "🔒 ", "[internal] ", "; ", "> ", "fyi ", "-- ", "Note: "];

proptest! {
    /// A marker only ever keeps words in.
    #[test]
    fn a_marker_never_turns_a_note_into_a_reply(
        text in "\\PC{0,60}", marker in 0..MARKERS.len(), space in "[ \\u{200B}\\n]{0,3}",
    ) {
        let marked = format!("{space}{}{text}", MARKERS[marker]);
        prop_assert!(kept(&marked).is_some(), "{marked:?} would have gone out");
    }

    /// Nothing makes the gate panic.
    #[test]
    fn any_words_are_judged(text in "\\PC{0,200}") {
        let _ = kept(&text);
        let _ = holds_secret(&text);
        let _ = on_purpose(&a_case("anna"), &text, 0);
    }

    /// No handle survives as a call, wherever it stands.
    #[test]
    fn no_third_person_is_called(before in "[a-z .,(]{0,10}", name in "[a-z]{1,8}") {
        let case = a_case("anna");
        prop_assume!(name != "anna");
        let text = format!("{before} @{name}@host.example");
        let passed = on_purpose(&case, &text, 0).unwrap();
        let call = format!(" @{name}");
        prop_assert!(!passed.as_str().contains(&call), "{}", passed.as_str());
    }
}
