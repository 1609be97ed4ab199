//! Cards that a desk refuses, customers who look like somebody else, and what is told of ourselves.

use super::*;
use crate::case::event::Outcome;
use crate::case::likeness::Likeness;
use crate::case::record::{Identity, Versioned};

#[test]
fn what_is_connected_again_is_told_where_the_team_reads() {
    let mut play = Play::new();
    play.take(Event::Restored { source: "acme".into() });
    assert!(play.told().contains("acme is connected again"));
}

/// The desk refuses the card that waits, for good.
fn refused(play: &mut Play, why: &str) -> Decision {
    let is_card = |d: &Delivery| matches!(d.act, Act::Desk(Notice::Open { .. }));
    let card = play.pending().into_iter().find(is_card).expect("a card that waits");
    play.take(Event::Failed { delivery: card.id, outcome: Outcome::Never(why.into()) })
}

fn card(play: &Play) -> String {
    let open = |record: &Versioned| match &record.record {
        Some(Record::Delivery(delivery)) => match &delivery.act {
            Act::Desk(Notice::Open { card, .. }) if delivery.case == Some(play.case().no) => {
                serde_json::to_string(card).ok()
            }
            _ => None,
        },
        _ => None,
    };
    play.replay.records.values().find_map(open).expect("a card")
}

#[test]
fn a_card_that_is_refused_for_its_words_is_shown_without_them() {
    let mut play = Play::new();
    play.writes("anna", "p1", "unspeakable words");
    assert!(card(&play).contains("unspeakable"));
    assert_eq!(refused(&mut play, "invalid_blocks").did, "card_shown_plainly");
    assert!(!card(&play).contains("unspeakable") && !card(&play).contains("ANNA"));
    play.arrive();
    assert!(play.case().thread.is_some());
    let told = play.told();
    assert!(told.contains("The desk refused the card with the customer's words"), "{told}");
    assert!(told.contains("https://social.example/p1"), "{told}");
    play.asks("maria", "claim");
    play.says("maria", "We are on it");
    play.wait(Span::minutes(1));
    assert_eq!(play.texts(), ["@anna We are on it"], "the case goes on");
    assert!(!play.told().contains("unspeakable"), "no later change brings them back");
}

#[test]
fn a_card_that_is_refused_even_so_waits_for_its_channel() {
    let mut play = Play::new();
    play.writes("anna", "p1", "help me");
    refused(&mut play, "no permission here");
    assert_eq!(refused(&mut play, "no permission here").did, "no_thread");
    assert!(play.pending()[0].ready > play.now + Span::minutes(4), "not at once");
    assert!(card(&play).contains("help me"), "it is the channel: the words come after all");
}

fn known_by(play: &mut Play) {
    let deployment = Deployment::new("one");
    let identity = Identity { deployment, salt: "00".into(), made: play.now };
    let row = Versioned { version: 1, record: Some(Record::Identity(identity)) };
    play.replay.records.insert(Key::Identity, row);
}

#[test]
fn look_alikes_are_told_on_the_card_and_others_are_not() {
    let mut play = Play::new();
    known_by(&mut play);
    let mut looks = |who: &str, name: &str| {
        let mut mention = mention(who, &format!("p-{who}"), "hello", play.now);
        mention.name = Theirs::new(name);
        play.take(Event::Mentioned(Box::new(mention)));
        let odd = play.case().odd;
        assert_eq!(odd.is_some(), card(&play).contains("Look out"));
        odd
    };
    assert_eq!(looks("lisbeth", "Lisbeth"), None);
    assert_eq!(looks("\u{430}cme", "Service"), Some(Likeness::Account), "a Cyrillic letter");
    assert_eq!(looks("acme@elsewhere.example", "Help"), Some(Likeness::Account));
    assert_eq!(looks("bert", "ACME"), Some(Likeness::Account));
    assert_eq!(looks("Iisbeth", "Lis"), Some(Likeness::Customer(CaseNo(1))));
    assert_eq!(looks("quinn", "careline \u{2705} Reply sent by @alice"), Some(Likeness::Program));
    assert_eq!(looks("z\u{3bf}e", "Zoe"), Some(Likeness::Mixed), "a Greek letter");
    assert_eq!(looks("olga", "\u{41e}\u{43b}\u{44c}\u{433}\u{430}"), None, "one alphabet");
}
