//! The verbs of a day of support, and alerts.

use super::*;
use crate::case::effect::Face;
use crate::case::event::{Open, Typed};

#[test]
fn a_case_is_given_to_a_colleague_who_is_called() {
    let mut play = Play::open();
    assert!(answer(&play.asks("maria", "assign")).contains("To whom?"));
    play.asks_naming("maria", "assign @otto", "otto");
    assert_eq!(play.case().claimer, Some(agent("otto")));
    assert!(play.told().contains("gave this case to @U-otto"));
    play.policy.agents.insert(DeskId::new("slack"), ["U-maria".to_owned()].into());
    let decision = play.asks_naming("maria", "assign @eva", "eva");
    assert!(answer(&decision).contains("may not act"));
}

#[test]
fn next_hands_out_the_longest_wait() {
    let mut play = Play::open();
    play.writes("ben", "p2", "and mine");
    play.arrive();
    assert!(answer(&play.asks("maria", "next")).contains("#1 is yours"));
    assert!(answer(&play.asks("otto", "next")).contains("#2 is yours"));
    assert!(answer(&play.asks("eva", "next")).contains("Nobody waits"));
}

#[test]
fn stock_replies_come_in_a_form_and_never_with_a_hole() {
    let mut play = Play::open();
    play.policy.canned.insert("sorry".into(), "Sorry {name}, says {agent}. ({case})".into());
    play.policy.canned.insert("bad".into(), "Dear {surname}".into());
    let Some(Answer::Form(form)) = play.asks("maria", "canned sorry").answer else { panic!() };
    assert_eq!(
        (form.text.as_str(), form.words.as_str()),
        ("Sorry ANNA, says maria. (#1)", "reply #1")
    );
    assert!(answer(&play.asks("maria", "canned bad")).contains("`{surname}`"));
    assert!(answer(&play.asks("maria", "canned")).contains("`bad`, `sorry`"));
}

#[test]
fn tags_are_words() {
    let mut play = Play::open();
    play.asks("maria", "tag #1 Refund, vip");
    assert_eq!(play.case().tags, ["refund", "vip"]);
    play.asks("maria", "tag -vip late");
    assert_eq!(play.case().tags, ["late", "refund"]);
    assert!(answer(&play.asks("maria", "tag <!here>")).contains("one word"));
    assert_eq!(play.case().tags, ["late", "refund"]);
}

#[test]
fn a_snoozed_case_comes_back_by_time_or_by_the_customer() {
    let mut play = Play::open();
    assert!(answer(&play.asks("maria", "snooze soon")).contains("Until when?"));
    play.asks("maria", "snooze 2h");
    assert!(play.case().snoozed.is_some());
    play.wait(Span::hours(3));
    assert!(play.case().snoozed.is_none());
    assert!(play.told().contains("Back in sight"));
    play.asks("maria", "snooze until they answer");
    play.wait(Span::days(3));
    assert!(play.case().snoozed.is_some());
    play.writes("anna", "p2", "hello?");
    assert!(play.case().snoozed.is_none());
}

#[test]
fn cases_are_found_and_a_customers_past_is_shown() {
    let mut play = Play::open();
    play.asks("maria", "tag late");
    play.asks("maria", "close carrier");
    play.pass(Span::days(30));
    play.writes("anna", "p2", "Another PARCEL");
    play.writes("ben", "p3", "a bill");
    let found = answer(&play.asks("maria", "find parcel"));
    assert!(found.contains("#2") && found.contains("#1") && !found.contains("#3"), "{found}");
    assert!(answer(&play.asks("maria", "find late")).contains("closed: carrier"));
    assert!(answer(&play.asks("maria", "find unicorn")).contains("No case"));
    let history = answer(&play.asks("maria", "history #2"));
    assert!(history.contains("wrote 2 times in 2 cases"), "{history}");
}

#[test]
fn a_case_is_taken_over_and_its_owner_is_told() {
    let mut play = Play::open();
    play.asks("maria", "claim");
    play.asks("otto", "take");
    assert_eq!(play.case().claimer, Some(agent("otto")));
    assert!(play.told().contains("otto took this case over from @U-maria"));
}

#[test]
fn a_preview_shows_parts_and_sends_nothing() {
    let mut play = Play::open();
    let long = "A sentence of some length. ".repeat(40);
    let seen = answer(&play.asks("maria", &format!("preview {long}")));
    assert!(seen.contains("3 posts") && seen.contains("(3/3)"), "{seen}");
    assert_eq!(answer(&play.asks("maria", "preview")), "form preview #1");
    play.wait(Span::days(1));
    assert!(play.texts().is_empty());
}

#[test]
fn a_promise_reminds_whoever_looks_after_the_case() {
    let mut play = Play::open();
    play.asks("maria", "claim");
    assert!(answer(&play.asks("maria", "promise soon")).contains("For when?"));
    play.asks("maria", "promise 2h we call her back");
    play.wait(Span::hours(3));
    assert!(play.told().contains("promised for now: we call her back @U-maria"), "{}", play.told());
}

#[test]
fn a_scheduled_reply_goes_at_its_time_unless_something_happens() {
    let mut play = Play::open();
    play.asks("maria", "schedule 2 hours Good morning!");
    play.wait(Span::hours(1));
    assert!(play.texts().is_empty());
    play.wait(Span::hours(1));
    assert_eq!(play.texts(), ["@anna Good morning!"]);
    play.arrive();
    play.asks("maria", "schedule 2h And this");
    play.writes("anna", "p2", "never mind");
    play.wait(Span::hours(3));
    assert_eq!(play.texts().len(), 1, "it asks instead");
}

#[test]
fn a_scheduled_reply_keeps_its_time_when_its_words_change() {
    let mut play = Play::open();
    play.asks("maria", "schedule 2 hours Good morning!");
    play.asks("maria", "edit #1 1 Good evening!");
    play.wait(Span::hours(1));
    assert!(play.texts().is_empty(), "{:?}", play.texts());
    play.wait(Span::hours(1));
    assert_eq!(play.texts(), ["@anna Good evening!"]);
}

#[test]
fn a_learners_reply_waits_for_somebody_else() {
    let mut play = Play::open();
    play.learns("maria");
    play.asks("maria", "claim");
    play.says("maria", "Which order?");
    play.wait(Span::hours(1));
    assert!(answer(&play.asks("maria", "send #1 1")).contains("Somebody else"));
    assert!(play.texts().is_empty());
    play.asks("otto", "send #1 1");
    assert_eq!(play.texts(), ["@anna Which order?"]);
}

#[test]
fn who_presses_has_seen_what_he_was_asked_about_and_nothing_newer() {
    let mut play = Play::open();
    play.asks("maria", "claim");
    play.says("maria", "Which order?");
    play.writes("anna", "p2", "second");
    play.wait(Span::seconds(11));
    play.writes("anna", "p3", "third");
    play.asks("maria", "send #1 1");
    assert!(play.texts().is_empty(), "the third post came after the question");
    play.asks("maria", "send #1 1");
    assert_eq!(play.texts(), ["@anna Which order?"]);
}

#[test]
fn send_now_does_not_skip_the_question() {
    let mut play = Play::open();
    play.asks("maria", "claim");
    play.says("maria", "Which order?");
    play.writes("anna", "p2", "second");
    play.asks("maria", "send #1 1");
    assert!(play.texts().is_empty(), "it was held, not asked about");
}

#[test]
fn files_of_a_message_that_stayed_inside_are_shown_before_they_go() {
    let mut play = Play::open();
    let mut remark = play.remark("maria", "see the form");
    remark.files.push(file("form.pdf", "application/pdf"));
    play.take(Event::Said(Box::new(remark)));
    play.asks("maria", "send #1 1");
    play.wait(Span::hours(1));
    assert!(play.texts().is_empty() && play.told().contains("form.pdf"), "{}", play.told());
    play.asks("maria", "send #1 2");
    assert_eq!(play.texts(), ["@anna see the form"]);
}

#[test]
fn a_case_holds_only_so_many_replies_and_promises() {
    let mut play = Play::open();
    for n in 0..25 {
        play.asks("maria", &format!("schedule 2h reply {n}"));
    }
    assert_eq!(play.case().held.len(), crate::case::limits::HELD);
    let refused = play.asks("maria", "promise 3h one more");
    assert!(answer(&refused).contains("Too many"), "{}", answer(&refused));
}

fn claimed_by_maria() -> Play {
    let mut play = Play::open();
    play.asks("maria", "claim");
    play.arrive();
    play
}

#[test]
fn the_card_comes_to_the_bottom_and_changes_with_the_case() {
    let mut play = claimed_by_maria();
    let decision = play.asks("maria", "card");
    assert_eq!(decision.did, "brought_card");
    let low = play.case().low.expect("a copy");
    let shown = |play: &Play, of: &crate::case::id::DeliveryId| {
        let mut all = play.pending().into_iter().filter_map(|delivery| match delivery.act {
            Act::Desk(Notice::Post(note)) if delivery.id == *of => Some(*note),
            Act::Desk(Notice::Amend { of: changed, to }) if changed == *of => match *to {
                Face::Note(note) => Some(*note),
                Face::Card(_) => None,
            },
            _ => None,
        });
        all.next_back().expect("it is shown")
    };
    assert!(shown(&play, &low.by).buttons.iter().any(|b| b.label == "Release"));
    play.asks("maria", "release");
    assert!(shown(&play, &low.by).buttons.iter().any(|b| b.label == "Claim"));
    play.asks("maria", "card");
    let next = play.case().low.expect("a newer copy");
    assert_ne!(next.by, low.by);
    assert!(shown(&play, &low.by).words.plain(true).contains("further down"));
    assert!(shown(&play, &low.by).buttons.is_empty());
}

#[test]
fn what_is_typed_is_completed_for_agents_and_writes_nothing() {
    let mut play = Play::open();
    play.policy.canned.insert("sorry".into(), "We are sorry, {name}.".into());
    let mut typed = |who: &str, standing, of, begun: &str| {
        let by = agent(who);
        let begun = begun.to_owned();
        let decision = play.take(Event::Typed(Box::new(Typed { by, standing, of, begun })));
        assert!(decision.writes.is_empty());
        answer(&decision)
    };
    let member = Standing::Member;
    assert!(typed("maria", member, Open::Canned, "sor").contains("=sorry\n"));
    assert_eq!(typed("maria", member, Open::Canned, "nothing like it"), "");
    assert!(typed("maria", member, Open::When, "tom").starts_with("tom=tom\ntomorrow 9:00="));
    assert_eq!(typed("maria", Standing::Guest, Open::Canned, "sor"), "");
}
