//! Alerts: what calls somebody, whom, and what ends it.

use super::*;
use crate::case::hours::Hours;
use crate::case::model::{Priority, Status};
use crate::case::pattern::Pattern;
use crate::case::policy::{Called, Promised, Rung, Urgency};
use crate::case::rules::{AlertRule, AlertRules};

fn alarmed() -> Play {
    let mut play = Play::new();
    let rung = |minutes, calls| Rung { patience: Span::minutes(minutes), calls };
    play.policy.alerts.ladder =
        vec![rung(30, Called::Channel), rung(60, Called::Agents(vec![agent("lea").id]))];
    play.policy.alerts.again = 3;
    play.policy.alerts.rules = lawyer(Urgency::Normal);
    play
}

fn lawyer(urgency: Urgency) -> AlertRules {
    let rule = AlertRule {
        name: "legal".into(),
        pattern: Pattern::new(r"\blawyer\b").unwrap(),
        why: "speaks of a lawyer".into(),
        urgency,
    };
    vec![rule].into()
}

fn alerts(play: &Play) -> Vec<String> {
    let told = play.told();
    told.lines().filter(|line| line.starts_with('🔔')).map(str::to_owned).collect()
}

#[test]
fn who_waits_climbs_the_ladder_and_each_rung_is_told_once() {
    let mut play = alarmed();
    play.writes("anna", "p1", "help");
    play.arrive();
    play.wait(Span::minutes(29));
    assert!(alerts(&play).is_empty());
    play.wait(Span::minutes(2));
    play.wait(Span::minutes(2));
    assert_eq!(alerts(&play).len(), 1);
    play.wait(Span::minutes(61));
    let all = alerts(&play);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[1].contains("@U-lea"));
    play.wait(Span::days(2));
    assert_eq!(alerts(&play).len(), 2);
}

#[test]
fn an_answer_ends_the_alert_and_a_claim_starts_the_ladder_anew() {
    let mut play = alarmed();
    play.writes("anna", "p1", "help");
    play.arrive();
    play.wait(Span::minutes(31));
    play.asks("maria", "claim");
    play.wait(Span::minutes(20));
    assert_eq!(alerts(&play).len(), 2, "the claim changed the message");
    assert!(play.told().contains("maria takes it"));
    play.says("maria", "On it!");
    play.wait(Span::seconds(11));
    play.arrive();
    assert_eq!(play.case().status, Status::Answered);
    assert!(play.case().alert.is_none() && play.case().alarms.is_empty());
    play.wait(Span::days(1));
    assert_eq!(alerts(&play).len(), 2);
}

#[test]
fn words_and_writing_again_call_once_each() {
    let mut play = alarmed();
    play.writes("anna", "p1", "my LAWYER will call");
    play.writes("anna", "p2", "my lawyer again");
    assert_eq!(alerts(&play).len(), 1);
    play.writes("anna", "p3", "third");
    play.writes("anna", "p4", "fourth");
    let last = alerts(&play).pop().unwrap();
    assert!(last.contains("speaks of a lawyer; wrote 3 times without an answer"), "{last}");
    assert_eq!(alerts(&play).len(), 2, "the second reason changed the message");
}

#[test]
fn a_rule_calls_once_in_its_period_even_after_an_answer() {
    let mut play = alarmed();
    play.writes("anna", "p1", "my lawyer will call");
    play.arrive();
    assert_eq!(play.case().fired.len(), 1);
    play.asks("maria", "answered");
    play.writes("anna", "p2", "my lawyer, I said");
    play.arrive();
    assert!(play.case().alert.is_none(), "the same day");
    play.wait(Span::days(2));
    play.writes("anna", "p3", "my lawyer!");
    let why = play.case().alert.unwrap().why;
    assert!(why.contains(&"speaks of a lawyer".to_owned()), "{why:?}");
}

#[test]
fn what_matters_more_goes_before_and_calm_takes_it_back() {
    let mut play = alarmed();
    play.policy.alerts.rules = lawyer(Urgency::High);
    play.writes("anna", "p1", "my lawyer will call");
    play.arrive();
    assert_eq!(play.case().priority, Priority::High);
    play.asks("maria", "calm");
    assert_eq!(play.case().priority, Priority::Normal);
    let before = alerts(&play).len();
    play.wait(Span::minutes(29));
    assert_eq!(alerts(&play).len(), before, "the wait counts from the calming");
    play.wait(Span::minutes(2));
    assert_eq!(alerts(&play).len(), before + 1);
}

#[test]
fn a_rung_for_the_claimer_waits_for_one() {
    let mut play = alarmed();
    let rung = |minutes, calls| Rung { patience: Span::minutes(minutes), calls };
    play.policy.alerts.ladder = vec![rung(10, Called::Claimer), rung(30, Called::Channel)];
    play.writes("anna", "p1", "help");
    play.arrive();
    play.wait(Span::minutes(29));
    assert!(alerts(&play).is_empty(), "there is no claimer to call");
    play.wait(Span::minutes(2));
    assert_eq!(alerts(&play).len(), 1);
    play.asks("maria", "claim");
    play.wait(Span::minutes(11));
    assert!(alerts(&play).last().unwrap().contains("@U-maria"), "{:?}", alerts(&play));
    let told = alerts(&play).len();
    play.wait(Span::days(1));
    assert_eq!(alerts(&play).len(), told, "each rung once");
}

#[test]
fn a_promise_without_an_answer_calls() {
    let mut play = alarmed();
    play.policy.alerts.ladder.clear();
    play.writes("anna", "p1", "help");
    play.arrive();
    play.asks("maria", "promise 2h we call her back");
    play.wait(Span::hours(3));
    assert!(alerts(&play)[0].contains("a promise is due"), "{:?}", alerts(&play));
}

#[test]
fn a_person_calls_and_a_person_calms() {
    let mut play = alarmed();
    play.writes("anna", "p1", "help");
    play.arrive();
    play.asks("maria", "escalate press is here");
    assert!(alerts(&play)[0].contains("maria says: press is here"));
    play.asks("otto", "calm");
    assert!(play.told().contains("Not urgent, says otto"));
    assert!(answer(&play.asks("otto", "calm")).contains("no alert"));
}

#[test]
fn waiting_counts_in_opening_hours_only() {
    let mut play = alarmed();
    let day = || vec![(9 * 60, 17 * 60)];
    play.policy.alerts.hours = Hours {
        zone: "UTC".into(),
        week: [day(), day(), day(), day(), day(), Vec::new(), Vec::new()],
        holidays: Default::default(),
    };
    play.now = Timestamp::parse("2026-11-27T16:50:00Z").unwrap(); // a Friday
    play.writes("anna", "p1", "help");
    play.arrive();
    play.wait(Span::days(2));
    assert!(alerts(&play).is_empty(), "the weekend does not count");
    play.now = Timestamp::parse("2026-11-30T09:21:00Z").unwrap();
    play.wait(Span::millis(1));
    assert_eq!(alerts(&play).len(), 1);
}

#[test]
fn a_promise_of_an_answer_is_told_when_it_is_broken() {
    let mut play = alarmed();
    let (first, next) = (Some(Span::minutes(10)), Some(Span::hours(2)));
    let solved = Some(Span::days(3));
    let high = Promised { priority: Some(Priority::High), first: solved, ..Promised::default() };
    play.policy.alerts.promises =
        vec![high, Promised { first, next, solved, ..Promised::default() }];
    play.writes("anna", "p1", "help");
    play.arrive();
    play.wait(Span::minutes(9));
    assert!(alerts(&play).is_empty());
    play.wait(Span::minutes(2));
    assert!(alerts(&play)[0].contains("the first answer was promised within 10 min"));
    play.asks("maria", "answered");
    play.asks("maria", "release");
    play.writes("anna", "p2", "and now?");
    play.arrive();
    let told = alerts(&play).len();
    play.wait(Span::minutes(119));
    assert_eq!(alerts(&play).len(), told);
    play.wait(Span::minutes(2));
    assert!(alerts(&play)[told].contains("the next answer was promised within 2 h"));
    play.wait(Span::days(4));
    let told = alerts(&play);
    assert!(
        told.iter().any(|text| text.contains("a solution was promised within 3 d")),
        "{told:?}"
    );
}

/// All that a customer's mentions led to, but for the number that is kept of him.
fn led_to(followers: Option<u64>) -> (Vec<String>, Vec<String>) {
    let mut play = alarmed();
    for (n, text) in ["help", "hello?", "my lawyer will call"].into_iter().enumerate() {
        let mut mention = mention("anna", &format!("p{n}"), text, play.now);
        mention.reach = followers;
        play.take(Event::Mentioned(Box::new(mention)));
        play.arrive();
    }
    play.wait(Span::hours(2));
    let mut kept = Vec::new();
    for (key, row) in &mut play.replay.records {
        if let Some(Record::Contact(contact)) = &mut row.record {
            assert_eq!(contact.reach.take(), followers, "it is kept for the report");
        }
        kept.push(format!("{key:?} {:?}", row.record));
    }
    (alerts(&play), kept)
}

#[test]
fn how_many_follow_a_customer_changes_nothing_and_is_shown_nowhere() {
    let quiet = led_to(None);
    assert!(quiet.0.len() > 1, "{:?}", quiet.0);
    assert_eq!(quiet, led_to(Some(48_151_623)));
}

#[test]
fn who_is_away_is_called_only_if_nobody_else_is_there() {
    let mut play = alarmed();
    let all = vec![agent("lea").id, agent("tom").id];
    play.policy.alerts.ladder[0].calls = Called::Agents(all);
    play.writes("anna", "p1", "help");
    play.arrive();
    play.asks("lea", "away 2h");
    play.wait(Span::minutes(31));
    let first = alerts(&play).remove(0);
    assert!(!first.contains("@U-lea") && first.contains("@U-tom lea is away."), "{first}");

    play.asks("tom", "away 2h");
    play.writes("ben", "p2", "help me, too");
    play.arrive();
    play.wait(Span::minutes(31));
    let second = alerts(&play).pop().unwrap();
    assert!(second.contains("@U-lea @U-tom lea is away. tom is away."), "{second}");
}
