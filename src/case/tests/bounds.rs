//! Whatever somebody writes: every row stays small enough to be kept, and nothing is lost for want
//! of a place.

use super::*;
use crate::case::event::{File, Media, MediaKind, Outcome};
use crate::case::limits::{RAW_BYTES, ROW_BYTES, TEXT_BYTES};
use crate::case::model::{Ask, ReplyState};

/// The store adds a format and a version in front of a row.
const HEAD: usize = 9;

fn assert_small(play: &Play) {
    for (key, versioned) in &play.replay.records {
        let row = serde_json::to_vec(&versioned.record).unwrap();
        assert!(row.len() + HEAD <= ROW_BYTES, "{key:?}: {} bytes", row.len());
    }
}

fn heaviest(post: &str, at: Timestamp) -> Mention {
    let link = |n: usize| format!("https://social.example/{}", "x".repeat(n));
    let medium = || Media {
        kind: MediaKind::Picture,
        url: link(370),
        preview: Some(link(370)),
        alt: Theirs::new("\"".repeat(5_000)),
    };
    let mut mention = mention("anna", post, &"\"\\\n".repeat(50_000), at);
    mention.name = Theirs::new("\\".repeat(5_000));
    mention.warning = Some(Theirs::new("\"".repeat(5_000)));
    mention.media = (0..30).map(|_| medium()).collect();
    mention
}

#[test]
fn the_heaviest_mentions_and_changes_fit_into_rows() {
    let mut play = Play::new();
    for n in 0..40 {
        let mention = heaviest(&format!("{:0>60}", n), play.now);
        let decision = play.take(Event::Mentioned(Box::new(mention.clone())));
        assert!(["opened", "joined"].contains(&decision.did), "{}", decision.did);
        assert_small(&play);
        assert_eq!(play.take(Event::Changed(Box::new(mention.clone()))).did, "unchanged");
        let mut changed = mention;
        changed.text = Theirs::new("\"".repeat(70_000));
        assert_eq!(play.take(Event::Changed(Box::new(changed))).did, "changed");
        play.arrive();
        assert_small(&play);
    }
}

#[test]
fn what_nobody_can_read_fits_whatever_it_is() {
    let mut play = Play::new();
    for raw in ["\u{1}", "\"", "\\", "ü", "\n"] {
        let raw = Theirs::new(raw.repeat(2 * RAW_BYTES));
        let why = format!("invalid type: string {:?}", "\u{1}".repeat(9_000));
        let event = Event::Unreadable { source: "s".repeat(9_000), why, raw };
        assert_eq!(play.take(event).did, "quarantined");
    }
    assert_small(&play);
}

fn claimed() -> Play {
    let mut play = Play::new();
    play.writes("anna", "p1", "my parcel is lost");
    play.arrive();
    play.asks("maria", "claim");
    play.arrive();
    play
}

#[test]
fn words_too_long_to_keep_are_not_sent_and_do_not_leave_the_old_ones_waiting() {
    let mut play = claimed();
    play.policy.abilities.get_mut(&account()).unwrap().limit = 50_000;
    let long = "ü".repeat(TEXT_BYTES);
    assert_eq!(play.says("maria", &long).did, "kept_inside");
    assert_small(&play);
    let said = play.remark("maria", "Which order is it?");
    assert_eq!(play.take(Event::Said(Box::new(said.clone()))).did, "captured");
    let mut edited = said;
    edited.text = long;
    assert_eq!(play.take(Event::Reworded(Box::new(edited))).did, "withdrawn");
    play.wait(Span::minutes(1));
    play.arrive();
    assert!(play.texts().is_empty());
}

#[test]
fn files_that_an_edit_adds_are_shown_before_they_go() {
    let mut play = claimed();
    let mut said = play.remark("maria", "Here it is");
    play.take(Event::Said(Box::new(said.clone())));
    said.files = vec![File {
        id: "F1".into(),
        name: "label.png".into(),
        mime: "image/png".into(),
        size: 1,
        alt: None,
        url: "https://files.example/1".into(),
    }];
    play.take(Event::Reworded(Box::new(said)));
    assert_eq!(play.reply_line(1).state, ReplyState::Asking(Ask::Files));
    assert!(play.told().contains("label.png"), "{}", play.told());
}

#[test]
fn a_case_that_finds_no_thread_waits_for_its_channel_with_all_its_words() {
    let mut play = Play::new();
    play.writes("anna", "p1", "first");
    play.writes("anna", "p2", "second");
    let card = play.pending().first().cloned().unwrap();
    let outcome = Outcome::Never("the channel was archived".into());
    // Once as it is, once without the customer's words: then it is the channel.
    for _ in 0..2 {
        let (delivery, outcome) = (card.id.clone(), outcome.clone());
        play.take(Event::Failed { delivery, outcome });
    }
    let head = play.pending().first().cloned().unwrap();
    assert_eq!((head.id, head.state), (card.id, State::Waiting { tried: 2 }));
    assert!(head.ready > play.now, "not at once");
    play.arrive();
    assert!(play.case().thread.is_some());
    assert!(play.told().contains("second"));
}
