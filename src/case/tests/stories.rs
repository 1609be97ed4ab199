//! Small stories.

use super::*;
use crate::case::event::{Inside, Outcome, OwnPost};
use crate::case::model::{Ask, ReplyState, Status};

fn claimed() -> Play {
    let mut play = Play::open();
    play.asks("maria", "claim");
    play.arrive();
    play
}

#[test]
fn a_mention_opens_a_case_and_the_next_one_joins_it() {
    let mut play = Play::new();
    assert_eq!(play.writes("anna", "p1", "help").did, "opened");
    assert_eq!(play.writes("anna", "p1", "help").did, "known");
    play.arrive();
    assert_eq!(play.writes("anna", "p2", "hello?").did, "joined");
    assert_eq!(play.writes("ben", "p3", "hi").did, "opened");
    assert!(play.told().contains("hello?"));
    assert_eq!(play.case().no, CaseNo(2));
}

#[test]
fn the_claimers_plain_words_go_out_after_the_undo_time() {
    let mut play = claimed();
    assert_eq!(play.says("maria", "Sorry! Which order is it?").did, "captured");
    assert!(play.texts().is_empty(), "held");
    play.wait(Span::seconds(9));
    assert!(play.texts().is_empty(), "still held");
    play.wait(Span::seconds(2));
    assert_eq!(play.texts(), ["@anna Sorry! Which order is it?"]);
    play.arrive();
    assert_eq!(play.case().status, Status::Answered);
    assert!(play.told().contains("Sent to @anna"));
    assert_eq!(play.case().waits, None);
}

#[test]
fn nobody_elses_words_go_out() {
    let mut play = claimed();
    assert_eq!(play.says("otto", "tell her it is lost").did, "kept_inside");
    let mut remark = play.remark("maria", "bot words");
    remark.machine = true;
    play.take(Event::Said(Box::new(remark)));
    for standing in [Standing::Guest, Standing::Stranger, Standing::Nobody] {
        let mut remark = play.remark("maria", "x");
        remark.standing = standing;
        play.take(Event::Said(Box::new(remark)));
    }
    play.wait(Span::minutes(1));
    play.arrive();
    assert!(play.texts().is_empty());
}

#[test]
fn an_unclaimed_thread_answers_only_the_author_who_can_claim_and_send() {
    let mut play = Play::new();
    play.writes("anna", "p1", "help");
    play.arrive();
    let decision = play.says("maria", "Which order?");
    assert!(answer(&decision).contains("[Claim and send: send #1 1]"), "{}", answer(&decision));
    assert!(answer(&play.asks("otto", "send #1 1")).contains("Only its author"));
    play.asks("maria", "send #1 1");
    assert_eq!(play.case().claimer, Some(agent("maria")));
    play.wait(Span::seconds(11));
    play.arrive();
    assert_eq!(play.texts(), ["@anna Which order?"]);
}

#[test]
fn undo_deletion_and_a_note_marker_take_a_held_reply_back() {
    for how in 0..3 {
        let mut play = claimed();
        let remark = play.remark("maria", "oops");
        play.take(Event::Said(Box::new(remark.clone())));
        match how {
            0 => play.asks("maria", "undo"),
            1 => play.take(Event::Unsaid { message: remark.message.clone(), thread: None }),
            _ => {
                let mut note = remark.clone();
                note.text = "note: oops".into();
                play.take(Event::Reworded(Box::new(note)))
            }
        };
        play.wait(Span::minutes(1));
        play.arrive();
        assert!(play.texts().is_empty(), "way {how}");
        assert!(play.told().contains("Taken back"), "way {how}: {}", play.told());
    }
}

#[test]
fn an_edit_changes_what_is_held_and_not_what_has_left() {
    let mut play = claimed();
    let mut remark = play.remark("maria", "frist");
    play.take(Event::Said(Box::new(remark.clone())));
    remark.text = "first".into();
    play.take(Event::Reworded(Box::new(remark.clone())));
    play.wait(Span::seconds(11));
    assert_eq!(play.texts(), ["@anna first"]);
    remark.text = "second".into();
    let decision = play.take(Event::Reworded(Box::new(remark)));
    assert!(answer(&decision).contains("left already"));
    assert_eq!(play.texts(), ["@anna first"]);
}

#[test]
fn a_new_post_in_the_undo_time_stops_the_reply_and_asks() {
    let mut play = claimed();
    play.says("maria", "Which order?");
    play.writes("anna", "p2", "never mind, found it");
    play.wait(Span::seconds(11));
    assert!(play.texts().is_empty());
    assert_eq!(play.reply_line(1).state, ReplyState::Asking(Ask::WroteAgain));
    play.asks("maria", "send #1 1");
    assert_eq!(play.texts(), ["@anna Which order?"], "still to the first post");
    assert_eq!(play.reply_line(1).target.post, PostId::new("p1"));
}

#[test]
fn the_target_is_what_stood_in_the_thread_when_the_agent_wrote() {
    let mut play = claimed();
    play.writes("anna", "p2", "also this");
    // The second post is on its way to the thread: nobody can have read it.
    play.says("maria", "About the first.");
    assert_eq!(play.reply_line(2).target.post, PostId::new("p1"));
    assert_eq!(play.reply_line(2).state, ReplyState::Asking(Ask::WroteAgain));
}

#[test]
fn files_secrets_and_old_words_wait_for_a_press() {
    let mut play = claimed();
    let mut remark = play.remark("maria", "see");
    remark.files.push(file("form.pdf", "application/pdf"));
    play.take(Event::Said(Box::new(remark)));
    assert_eq!(play.reply_line(1).state, ReplyState::Asking(Ask::Files));
    assert!(play.told().contains("form.pdf"));
    play.says("maria", "the card is 4111 1111 1111 1111");
    assert_eq!(play.reply_line(2).state, ReplyState::Asking(Ask::Secret));
    let remark = play.remark("maria", "hello");
    play.pass(Span::hours(12));
    play.take(Event::Said(Box::new(remark)));
    assert_eq!(play.reply_line(3).state, ReplyState::Asking(Ask::Old));
    play.wait(Span::hours(1));
    assert!(play.texts().is_empty());
}

#[test]
fn an_edit_of_a_reply_that_asks_asks_anew() {
    let mut play = claimed();
    let mut remark = play.remark("maria", "hello");
    play.pass(Span::hours(12));
    play.take(Event::Said(Box::new(remark.clone())));
    assert_eq!(play.reply_line(1).state, ReplyState::Asking(Ask::Old));
    assert!(!play.told().contains("password"));
    remark.text = "hello, password: hunter2".into();
    play.take(Event::Reworded(Box::new(remark.clone())));
    assert_eq!(play.reply_line(1).state, ReplyState::Asking(Ask::Secret));
    assert!(play.told().contains("password"));
    remark.text = "hello again".into();
    play.take(Event::Reworded(Box::new(remark)));
    play.wait(Span::hours(1));
    assert!(play.texts().is_empty(), "what asks never goes by itself");
}

#[test]
fn a_second_person_reads_that_the_words_hold_a_secret() {
    let mut play = claimed();
    play.learns("maria");
    let mut remark = play.remark("maria", "hello");
    play.take(Event::Said(Box::new(remark.clone())));
    remark.text = "password: hunter2".into();
    play.take(Event::Reworded(Box::new(remark)));
    assert_eq!(play.reply_line(1).state, ReplyState::Asking(Ask::Approval));
    assert!(play.told().contains("seems to hold a password"));
}

#[test]
fn a_long_reply_becomes_a_chain_in_one_lane() {
    let mut play = claimed();
    play.says("maria", &"A sentence of some length. ".repeat(40));
    play.wait(Span::seconds(11));
    let parts = play.texts();
    assert_eq!(parts.len(), 3);
    assert!(parts[2].ends_with("(3/3)"));
    play.arrive();
    assert_eq!(play.reply_line(1).state, ReplyState::Sent);
}

#[test]
fn when_a_part_fails_the_rest_stays_and_the_thread_says_so() {
    let mut play = claimed();
    play.says("maria", &"A sentence of some length. ".repeat(40));
    play.wait(Span::seconds(11));
    let first = play.pending().into_iter().find(|d| matches!(d.act, Act::Network(_))).unwrap();
    play.take(Event::Failed { delivery: first.id, outcome: Outcome::Never("it is gone".into()) });
    play.arrive();
    let waiting = play.outward().into_iter().filter(|(_, state)| state.is_pending()).count();
    assert_eq!(waiting, 0);
    assert!(play.told().contains("Not delivered to @anna: it is gone"));
}

#[test]
fn an_unknown_result_is_given_to_a_person() {
    let mut play = claimed();
    play.says("maria", "Hi");
    play.wait(Span::seconds(11));
    let part = play.pending().into_iter().find(|d| matches!(d.act, Act::Network(_))).unwrap();
    let outcome = Outcome::Unknown("the answer was lost".into());
    play.take(Event::Failed { delivery: part.id, outcome });
    assert!(play.told().contains("Nobody can tell whether this reached"));
    play.asks("maria", "answered");
    assert_eq!(play.case().status, Status::Answered);
    assert_eq!(play.reply_line(1).state, ReplyState::Sent);
}

#[test]
fn a_reply_of_which_nobody_knew_is_known_again_when_it_is_seen() {
    let mut play = claimed();
    play.says("maria", "Which order?");
    play.wait(Span::seconds(11));
    let part = play.pending().into_iter().find(|d| matches!(d.act, Act::Network(_))).unwrap();
    let outcome = Outcome::Unknown("the answer was lost".into());
    play.take(Event::Failed { delivery: part.id, outcome });
    let event = own("o1", "p1", "@anna Which order?", play.now);
    assert_eq!(play.take(event).did, "delivered");
    assert_eq!(play.reply_line(1).state, ReplyState::Sent);
    assert_eq!((play.case().status, play.case().unknown), (Status::Answered, None));
    assert!(!play.told().contains("by hand"), "it was not written by hand");
}

fn own(post: &str, parent: &str, text: &str, at: Timestamp) -> Event {
    Event::OwnPost(Box::new(OwnPost {
        account: account(),
        post: PostId::new(post),
        parent: Some(PostId::new(parent)),
        text: text.into(),
        url: None,
        written: at,
    }))
}

#[test]
fn a_colleagues_native_answer_stops_the_clock_and_a_held_reply() {
    let mut play = claimed();
    play.says("maria", "Which order?");
    let event = own("o1", "p1", "@anna We are on it", play.now);
    assert_eq!(play.take(event).did, "answered_natively");
    assert_eq!(play.case().waits, None);
    play.wait(Span::seconds(11));
    assert_eq!(play.reply_line(1).state, ReplyState::Asking(Ask::AnsweredAlready));
    play.arrive();
    assert!(play.texts().is_empty());
}

#[test]
fn our_own_post_seen_before_its_receipt_is_the_receipt() {
    let mut play = claimed();
    play.says("maria", "Which order?");
    play.wait(Span::seconds(11));
    let mut part = play.pending().into_iter().find(|d| matches!(d.act, Act::Network(_))).unwrap();
    part.state = State::Attempted { number: 1, first: play.now, began: play.now, absent: 0 };
    let key = Key::Delivery(part.id.clone());
    play.replay.records.get_mut(&key).unwrap().record =
        Some(Record::Delivery(Box::new(part.clone())));
    let event = own("o1", "p1", "@anna@social.example Which order?", play.now);
    assert_eq!(play.take(event).did, "delivered");
    let receipt = Receipt { remote: "o1".into(), url: None, at: play.now };
    assert_eq!(play.take(Event::Delivered { delivery: part.id, receipt }).did, "known");
    assert_eq!(play.reply_line(1).state, ReplyState::Sent);
}

#[test]
fn edits_and_deletions_by_the_customer_reach_the_thread() {
    let mut play = claimed();
    play.writes("anna", "p2", "order 12");
    play.arrive();
    let edit = mention("anna", "p2", "order 13", play.now);
    assert_eq!(play.take(Event::Changed(Box::new(edit.clone()))).did, "changed");
    assert_eq!(play.take(Event::Changed(Box::new(edit))).did, "unchanged");
    play.arrive();
    assert!(play.told().contains("order 13"));
    let gone = Event::Withdrawn { account: account(), post: PostId::new("p2") };
    assert_eq!(play.take(gone.clone()).did, "withdrawn_by_customer");
    assert_eq!(play.take(gone).did, "known");
    let kept = play.replay.records.values().any(|v| format!("{:?}", v.record).contains("order 13"));
    assert!(!kept, "texts print as lengths");
    assert!(play.told().contains("deleted this post"));
}

#[test]
fn a_reply_to_a_deleted_post_asks_and_never_goes_out_alone() {
    let mut play = claimed();
    play.says("maria", "Which order?");
    play.take(Event::Withdrawn { account: account(), post: PostId::new("p1") });
    play.wait(Span::seconds(11));
    assert_eq!(play.reply_line(1).state, ReplyState::Asking(Ask::PostGone));
    play.asks("maria", "send #1 1");
    assert!(play.texts().is_empty());
    assert!(play.told().contains("no post of the customer left"));
}

#[test]
fn closing_and_what_comes_after() {
    let mut play = claimed();
    play.asks("maria", "close lost by the carrier");
    assert_eq!(play.case().status, Status::Closed);
    play.arrive();
    assert_eq!(play.says("maria", "thanks").did, "kept_inside");
    assert_eq!(play.writes("anna", "p2", "again").did, "reopened");
    play.asks("maria", "close");
    play.pass(Span::days(8));
    assert_eq!(play.writes("anna", "p3", "something else").did, "opened");
    assert_eq!(play.case().follows, Some(CaseNo(1)));
    let refused = play.asks("maria", "reopen #1");
    assert!(answer(&refused).contains("newer case"), "{}", answer(&refused));
}

#[test]
fn two_claims_have_one_winner_and_both_are_told() {
    let mut play = Play::new();
    play.writes("anna", "p1", "help");
    play.arrive();
    assert!(answer(&play.asks("maria", "claim")).contains("is yours"));
    assert!(answer(&play.asks("otto", "claim")).contains("maria looks after #1"));
    assert!(answer(&play.asks("otto", "reply mine!")).contains("maria looks after"));
    play.wait(Span::minutes(1));
    assert!(play.texts().is_empty());
}

#[test]
fn a_lost_thread_is_replaced_and_waiting_words_follow() {
    let mut play = claimed();
    let thread = play.thread();
    play.writes("anna", "p2", "second");
    let gone = Event::ThreadGone { thread: thread.clone(), why: "it was deleted".into() };
    assert_eq!(play.take(gone).did, "opened_again");
    assert!(matches!(play.pending()[0].act, Act::Desk(Notice::Open { .. })));
    play.arrive();
    assert_ne!(play.thread(), thread);
    assert!(play.told().contains("goes on here"));
}

#[test]
fn a_post_the_desk_refuses_is_replaced_by_a_link() {
    let mut play = claimed();
    play.writes("anna", "p2", "second");
    let post = play.pending().into_iter().find(|d| d.line == Some(1)).unwrap();
    play.take(Event::Failed { delivery: post.id, outcome: Outcome::Never("no_text".into()) });
    play.arrive();
    assert!(play.told().contains("could not be shown"));
    play.says("maria", "About the second");
    assert_eq!(play.reply_line(2).target.post, PostId::new("p2"), "the link stood in the thread");
}

#[test]
fn a_colleague_is_never_told_to_a_customer() {
    let mut play = claimed();
    let mut remark = play.remark("maria", "what do I say?");
    remark.inside = vec![Inside::Person];
    let decision = play.take(Event::Said(Box::new(remark)));
    assert!(answer(&decision).contains("speaks to a colleague"));
    play.wait(Span::minutes(1));
    assert!(play.texts().is_empty());
}

#[test]
fn an_older_store_and_a_foreign_installation_stop_all_sending() {
    for (deployment, delivery) in [("mine", "99.1"), ("other", "1.0")] {
        let mut play = claimed();
        let identity = crate::case::record::Identity {
            deployment: Deployment::new("mine"),
            salt: "s".into(),
            made: play.now,
        };
        let slot = play.replay.records.entry(Key::Identity).or_default();
        *slot =
            crate::case::record::Versioned { version: 1, record: Some(Record::Identity(identity)) };
        let decision = play.take(Event::Echo {
            desk: DeskId::new("slack"),
            message: MessageId { channel: channel(), message: "x".into() },
            deployment: Deployment::new(deployment),
            delivery: DeliveryId::new(delivery),
            at: play.now,
        });
        assert_eq!(decision.did, "stopped");
        assert!(answer(&play.asks("maria", "resume")).contains("go out again"));
    }
}

#[test]
fn what_only_the_operator_can_mend_is_told_where_the_team_reads() {
    let mut play = claimed();
    let why = "the token was refused".to_owned();
    play.take(Event::Trouble { source: "acme".into(), why });
    assert!(play.told().contains("acme needs the operator: the token was refused"));
}
