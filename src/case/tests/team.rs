//! Several colleagues, several desks, and what a customer's short words mean.

use super::*;
use crate::case::model::{Body, Priority, ReplyState, Status};

fn says(play: &mut Play, who: &str, words: &str) -> String {
    answer(&play.asks(who, words))
}

/// The case of this number.
fn numbered(play: &Play, no: u64) -> Case {
    match play.replay.records[&Key::Case(CaseNo(no))].record.clone() {
        Some(Record::Case(case)) => *case,
        other => panic!("no case: {other:?}"),
    }
}

fn discord(name: &str) -> Agent {
    let id = AgentId { desk: DeskId::new("discord"), user: format!("D-{name}") };
    Agent { id, name: name.to_owned() }
}

/// Maria has an account at both desks.
fn maria(play: &mut Play, capacity: u32) {
    let accounts = [agent("maria").id, discord("maria").id].into();
    let person = Person { accounts, capacity, ..Person::default() };
    play.policy.people.insert("maria".into(), person);
}

#[test]
fn a_person_is_one_at_two_desks() {
    let mut play = Play::open();
    maria(&mut play, 0);
    play.asks("maria", "claim");
    let mut remark = play.remark("maria", "On its way!");
    remark.by = discord("maria");
    play.take(Event::Said(Box::new(remark)));
    play.wait(Span::minutes(1));
    play.arrive();
    assert_eq!(play.texts(), ["@anna On its way!"]);
    let mine = Request { by: discord("maria"), asked: None, ..play.request("maria", "mine") };
    let mine = play.take(Event::Asked(Box::new(mine)));
    assert!(answer(&mine).contains("#1"), "{}", answer(&mine));
    assert!(says(&mut play, "otto", "who").contains("maria · 1 case"));
}

#[test]
fn a_limit_counts_the_person() {
    let mut play = Play::open();
    maria(&mut play, 1);
    play.asks("maria", "claim");
    play.writes("ben", "q1", "hello?");
    play.arrive();
    assert!(says(&mut play, "maria", "claim #2").contains("is your limit"));
    assert!(says(&mut play, "maria", "next").contains("is your limit"));
    assert_eq!(numbered(&play, 2).claimer, None);
    play.asks("maria", "close #1");
    assert!(says(&mut play, "maria", "next").contains("#2 is yours"));
}

#[test]
fn who_is_away_is_seen_and_comes_back() {
    let mut play = Play::open();
    assert!(says(&mut play, "maria", "away 2h").contains("until"));
    assert!(says(&mut play, "otto", "who").contains("maria · 0 cases · away until"));
    let told = answer(&play.asks_naming("otto", "assign", "maria"));
    assert!(told.contains("away"), "{told}");
    play.pass(Span::hours(3));
    assert!(!says(&mut play, "otto", "who").contains("away until"));
    play.asks("maria", "away");
    assert!(says(&mut play, "maria", "back").contains("Welcome back"));
    assert!(says(&mut play, "maria", "back").contains("not away"));
    assert!(says(&mut play, "maria", "away whenever").contains("Until when?"));
}

#[test]
fn a_high_priority_comes_before_a_longer_wait() {
    let mut play = Play::open();
    play.writes("ben", "q1", "urgent!");
    play.arrive();
    play.asks("otto", "priority #2 high");
    assert_eq!(numbered(&play, 2).priority, Priority::High);
    assert!(says(&mut play, "maria", "next").contains("#2 is yours"));
    assert!(says(&mut play, "maria", "priority #1 huge").contains("Which?"));
    assert_eq!(says(&mut play, "maria", "priority #1"), "form priority #1");
}

#[test]
fn what_is_not_ours_is_closed_and_remembered() {
    let mut play = Play::open();
    assert!(says(&mut play, "maria", "not that").contains("not ours"));
    play.asks("maria", "not ours");
    let case = play.case();
    assert_eq!((case.status, case.tags.as_slice()), (Status::Closed, &["not-ours".to_owned()][..]));
    let Some(Record::Contact(contact)) =
        play.replay.records[&Key::Contact(case.contact)].record.clone()
    else {
        panic!("no contact")
    };
    assert_eq!(contact.noise, 1);
}

#[test]
fn who_is_blocked_is_shown_and_opens_nothing() {
    let mut play = Play::open();
    play.asks("maria", "close");
    play.asks("maria", "block");
    play.writes("anna", "p2", "You will regret this");
    play.arrive();
    assert_eq!(play.case().status, Status::Closed);
    assert!(play.told().contains("You will regret this"));
    play.asks("maria", "block off");
    play.writes("anna", "p3", "My parcel is still lost");
    assert_eq!(play.case().status, Status::Open);
}

#[test]
fn thanks_do_not_reopen_and_are_counted() {
    let mut play = Play::open();
    play.asks("maria", "close");
    play.writes("anna", "p2", "@acme thank you so much! 🙏");
    play.arrive();
    let case = play.case();
    assert_eq!((case.no.0, case.status, case.thanks, case.waits), (1, Status::Closed, 1, None));
    assert!(play.told().contains("thank you so much"));
    play.writes("anna", "p3", "thanks, but it is still lost");
    assert_eq!(play.case().status, Status::Open);
}

#[test]
fn thanks_from_a_stranger_are_shown_and_open_nothing() {
    let mut play = Play::new();
    play.writes("anna", "p1", "❤️");
    play.arrive();
    let case = play.case();
    assert_eq!((case.status, case.waits, case.thread.is_some()), (Status::Closed, None, true));
    assert!(says(&mut play, "maria", "next").contains("Nobody waits"));
}

/// Anna, whom Maria answered a month ago, writes again.
fn come_back() -> Play {
    let mut play = Play::open();
    play.asks("maria", "claim");
    play.asks("maria", "close");
    play.pass(Span::days(30));
    play.writes("anna", "p2", "It is me again");
    play.arrive();
    play
}

#[test]
fn who_knows_the_customer_is_offered_him_first_for_a_while() {
    let mut play = come_back();
    assert!(play.told().contains("knows this customer"));
    play.writes("ben", "q1", "hello");
    play.arrive();
    assert!(says(&mut play, "otto", "next").contains("#3 is yours"), "the other one");
    assert!(says(&mut play, "maria", "next").contains("#2 is yours"));
}

#[test]
fn an_offer_ends() {
    let mut play = come_back();
    play.pass(Span::hours(1));
    assert!(says(&mut play, "otto", "next").contains("#2 is yours"));
}

#[test]
fn two_customers_are_linked_as_one_person() {
    let mut play = Play::open();
    play.writes("anna2", "q1", "It is anna, from elsewhere");
    play.arrive();
    play.asks("maria", "link #2 #1");
    let all = says(&mut play, "maria", "history #2");
    assert!(all.contains("#1") && all.contains("#2"), "{all}");
    assert!(says(&mut play, "maria", "link #2 #2").contains("same customer"));
    assert!(says(&mut play, "maria", "link #2 #77").contains("With which?"));
}

#[test]
fn a_case_goes_on_in_another_one() {
    let mut play = Play::open();
    play.writes("anna2", "q1", "The same parcel");
    play.arrive();
    play.asks("maria", "merge #2 #1");
    let case = numbered(&play, 2);
    assert_eq!((case.status, case.linked.as_slice()), (Status::Closed, &[CaseNo(1)][..]));
    assert_eq!(numbered(&play, 1).linked, [CaseNo(2)]);
    assert!(says(&mut play, "maria", "merge #1 #2").contains("is closed"));
}

#[test]
fn another_matter_gets_a_case_of_its_own() {
    let mut play = Play::open();
    assert!(says(&mut play, "maria", "split").contains("nothing to split"));
    play.writes("anna", "p2", "And my invoice is wrong");
    play.arrive();
    play.asks("maria", "split #1");
    play.arrive();
    let (old, new) = (numbered(&play, 1), numbered(&play, 2));
    assert_eq!((old.status, new.status, new.follows), (Status::Closed, Status::Open, Some(old.no)));
    assert!(play.told().contains("goes on in #2"));
    play.writes("anna", "p3", "Still wrong");
    assert_eq!(play.case().no, new.no, "what she writes now belongs to the new one");
    assert_eq!(play.case().wrote, 2);
}

#[test]
fn somebody_is_called_in_with_a_summary() {
    let mut play = Play::open();
    play.asks_naming("maria", "brief", "otto");
    let told = play.told();
    assert!(told.contains("asks you to look") && told.contains("my parcel is lost"), "{told}");
    assert!(says(&mut play, "maria", "brief").contains("Whom?"));
}

#[test]
fn an_earlier_draft_can_be_dropped_by_approving_a_later_one() {
    let mut play = Play::open();
    play.learns("maria");
    play.asks("maria", "claim");
    play.says("maria", "Which order?");
    play.says("maria", "Which order is it, please?");
    let told = play.pending().iter().map(|d| format!("{:?}", d.act)).collect::<String>();
    assert!(told.contains("Approve this, drop the others"), "{told}");
    play.asks("otto", "send #1 2 alone");
    play.wait(Span::minutes(5));
    play.arrive();
    assert_eq!(play.texts(), ["@anna Which order is it, please?"]);
    assert_eq!(play.reply_line(1).state, ReplyState::Withdrawn);
}

#[test]
fn a_waiting_reply_is_edited_and_waits_anew() {
    let mut play = Play::open();
    play.asks("maria", "claim");
    play.says("maria", "On Monday.");
    assert_eq!(says(&mut play, "maria", "edit #1 1"), "form edit #1 1");
    assert!(says(&mut play, "otto", "edit #1 1 Never.").contains("maria looks after"));
    play.asks("maria", "edit #1 1 On Tuesday.");
    play.wait(Span::minutes(1));
    play.arrive();
    assert_eq!(play.texts(), ["@anna On Tuesday."]);
}

#[test]
fn what_came_in_between_is_shown_and_an_edit_answers_it() {
    let mut play = Play::open();
    play.asks("maria", "claim");
    play.says("maria", "We look for it.");
    play.writes("anna", "p2", "It has just arrived");
    play.arrive();
    play.wait(Span::minutes(1));
    assert!(play.told().contains("wrote again") && play.texts().is_empty());
    play.asks("maria", "edit #1 1 Good to hear!");
    play.wait(Span::minutes(1));
    assert!(play.texts().is_empty(), "the target is an older post: it asks again");
    play.asks("maria", "send #1 1");
    assert_eq!(play.texts(), ["@anna Good to hear!"]);
}

/// An answer that arrived, on a network that lets us change it.
fn sent() -> Play {
    let mut play = Play::open();
    let abilities = play.policy.abilities.get_mut(&account()).unwrap();
    (abilities.rewrites, abilities.deletes) = (true, true);
    play.asks("maria", "claim");
    play.says("maria", "On Munday.");
    play.wait(Span::minutes(1));
    play.arrive();
    play
}

#[test]
fn what_was_sent_is_changed_there_and_not_sent_anew() {
    let mut play = sent();
    play.asks("maria", "edit #1 1 On Monday.");
    let change = play.pending().into_iter().find_map(|d| match d.act {
        Act::Network(reply) => reply.change,
        Act::Desk(_) => None,
    });
    assert!(matches!(change, Some(crate::case::effect::Change::Edit { .. })), "{change:?}");
    play.arrive();
    let reply = play.reply_line(1);
    assert_eq!((reply.text.as_str(), reply.edits, reply.arrived), ("On Monday.", 1, 1));
    assert!(play.told().contains("changed since"));
}

#[test]
fn what_was_sent_is_deleted_there() {
    let mut play = sent();
    play.asks("otto", "delete #1 1");
    assert_eq!(play.pending().len(), 0, "not by somebody else");
    play.asks("maria", "delete #1 1");
    play.arrive();
    assert_eq!(play.reply_line(1).state, ReplyState::Removed);
    assert!(says(&mut play, "maria", "delete #1 1").contains("Only what was sent"));
}

#[test]
fn where_the_network_does_not_let_us_nothing_is_done() {
    let mut play = sent();
    play.policy.abilities.get_mut(&account()).unwrap().rewrites = false;
    assert!(says(&mut play, "maria", "edit #1 1 On Monday.").contains("does not let"));
    assert_eq!(play.reply_line(1).text, "On Munday.");
}

#[test]
fn a_change_that_fails_is_told_and_changes_nothing() {
    let mut play = sent();
    play.asks("maria", "edit #1 1 On Monday.");
    let delivery = play.pending().into_iter().find(|d| matches!(d.act, Act::Network(_))).unwrap();
    let outcome = crate::case::event::Outcome::Never("the server said no".into());
    play.take(Event::Failed { delivery: delivery.id, outcome });
    assert!(play.told().contains("could not be changed there"));
    let reply = play.reply_line(1);
    assert_eq!((reply.text.as_str(), reply.state), ("On Munday.", ReplyState::Sent));
}

#[test]
fn a_signature_is_of_the_person_and_counts_against_the_limit() {
    let mut play = Play::open();
    play.policy.signature = Some("– {name} of Acme".into());
    maria(&mut play, 0);
    play.policy.people.get_mut("maria").unwrap().alias = Some("Mia".into());
    play.asks("maria", "claim");
    play.says("maria", "On its way!");
    play.wait(Span::minutes(1));
    assert_eq!(play.texts(), ["@anna On its way!\n– Mia of Acme"]);
    play.says("maria", &"word ".repeat(97));
    play.wait(Span::minutes(2));
    play.arrive();
    let last = play.texts().pop().unwrap();
    assert!(last.ends_with("– Mia of Acme (2/2)") || last.contains("Mia of Acme"), "{last}");
    assert!(play.texts().iter().all(|text| text.chars().count() <= 500));
}

#[test]
fn home_shows_mine_the_queue_and_what_changed() {
    let mut play = Play::open();
    play.writes("ben", "q1", "hello?");
    play.arrive();
    play.asks("maria", "claim #1");
    let home = says(&mut play, "maria", "home");
    assert!(home.contains("Your cases (1)") && home.contains("The queue (1)"), "{home}");
    assert!(home.contains("[Claim #2: claim #2]") && home.contains("[Next: next]"), "{home}");
}

#[test]
fn a_gesture_on_a_message_of_a_case_acts_and_elsewhere_says_nothing() {
    let mut play = Play::open();
    let root = play.thread();
    let ask = |play: &mut Play, root: ThreadId| {
        let request = play.request("maria", "claim");
        let request = Request { thread: Some(root), asked: None, gesture: true, ..request };
        play.take(Event::Asked(Box::new(request)))
    };
    let elsewhere = ThreadId { channel: channel(), root: "elsewhere".into() };
    assert_eq!(ask(&mut play, elsewhere).answer, None);
    play.writes("anna", "p2", "Anybody there?");
    play.arrive();
    let mut messages = play.replay.records.iter().filter_map(|(key, v)| match (key, &v.record) {
        (Key::Message(id), Some(Record::Message(_, 1))) => Some(id.message.clone()),
        _ => None,
    });
    let second = messages.next_back().expect("the second post's message");
    assert_ne!(second, root.root);
    ask(&mut play, ThreadId { channel: channel(), root: second });
    assert_eq!(play.case().claimer.map(|claimer| claimer.name), Some("maria".into()));
}

#[test]
fn a_missing_text_opens_a_form() {
    let mut play = Play::open();
    for verb in ["reply", "note", "snooze", "promise", "schedule", "preview", "link", "merge"] {
        assert_eq!(says(&mut play, "maria", verb), format!("form {verb} #1"));
    }
    assert_eq!(says(&mut play, "maria", "find"), "form find");
    let line = play.replay.records[&Key::Line(CaseNo(1), 0)].record.clone();
    assert!(matches!(line, Some(Record::Line(line)) if matches!(line.body, Body::Mention { .. })));
}
