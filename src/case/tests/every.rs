//! Every status with every event and every role: the case keeps its invariants, and nothing that
//! goes outside was written by anyone but the claimer.

use super::*;
use crate::case::event::{Outcome, OwnPost};
use crate::case::model::{Body, ReplyState, Status};

/// Ways to bring a case somewhere.
const STATES: &[&str] = &[
    "new", "shown", "claimed", "held", "asking", "sending", "sent", "failed", "unknown", "closed",
];

fn bring(state: &str) -> Play {
    let mut play = Play::new();
    play.writes("anna", "p1", "help");
    if state == "new" {
        return play;
    }
    play.arrive();
    if state == "shown" {
        return play;
    }
    play.asks("maria", "claim");
    play.arrive();
    match state {
        "held" => drop(play.says("maria", "first words")),
        "asking" => {
            play.says("maria", "first words");
            play.writes("anna", "p2", "more");
            play.wait(Span::seconds(11));
        }
        "sending" | "sent" | "failed" | "unknown" => {
            play.says("maria", "first words");
            play.wait(Span::seconds(11));
            end(&mut play, state);
        }
        "closed" => drop(play.asks("maria", "close done")),
        _ => {}
    }
    play
}

fn end(play: &mut Play, state: &str) {
    let part = play.pending().into_iter().find(|d| matches!(d.act, Act::Network(_))).unwrap().id;
    let outcome = match state {
        "sent" => return play.arrive(),
        "failed" => Outcome::Never("refused".into()),
        "unknown" => Outcome::Unknown("lost".into()),
        _ => return,
    };
    play.take(Event::Failed { delivery: part, outcome });
}

/// Everything that can happen to a case, by whoever may do it.
fn events(play: &Play) -> Vec<Event> {
    let mut all = vec![
        Event::Mentioned(Box::new(mention("anna", "p9", "new", play.now))),
        Event::Mentioned(Box::new(mention("anna", "p1", "again", play.now))),
        Event::Changed(Box::new(mention("anna", "p1", "changed", play.now))),
        Event::Withdrawn { account: account(), post: PostId::new("p1") },
        Event::OwnPost(Box::new(OwnPost {
            account: account(),
            post: PostId::new("o9"),
            parent: Some(PostId::new("p1")),
            text: "by hand".into(),
            url: None,
            written: play.now,
        })),
        Event::ThreadGone { thread: play.thread(), why: "deleted".into() },
        Event::Unsaid {
            message: MessageId { channel: channel(), message: "m4".into() },
            thread: None,
        },
    ];
    all.extend(by_every_role(play));
    all.extend(outcomes(play));
    for alarm in play.case().alarms {
        all.push(Event::Due { case: play.case().no, alarm });
    }
    all
}

fn by_every_role(play: &Play) -> Vec<Event> {
    let mut all = Vec::new();
    for (who, standing) in [
        ("maria", Standing::Member),
        ("otto", Standing::Member),
        ("gast", Standing::Guest),
        ("fremd", Standing::Stranger),
        ("bot", Standing::Nobody),
    ] {
        for text in ["hello", "note hello", ""] {
            let mut remark = play.remark(who, text);
            remark.standing = standing;
            remark.message.message = format!("said by {who}");
            all.push(Event::Said(Box::new(remark.clone())));
            remark.message.message = "m4".into();
            all.push(Event::Reworded(Box::new(remark)));
        }
        for verb in crate::case::command::VERBS {
            // Who may not ask at all is refused before the words are read: one form is enough.
            let forms = if standing == Standing::Member { 3 } else { 1 };
            let words = [
                format!("{} #1 1", verb.name),
                verb.example.replace("#42", "#1"),
                verb.name.to_owned(),
            ];
            for words in words.into_iter().take(forms) {
                all.push(Event::Asked(Box::new(Request {
                    by: agent(who),
                    standing,
                    channel: channel(),
                    thread: play.case().thread,
                    words,
                    named: Vec::new(),
                    on: None,
                    asked: None,
                    gesture: false,
                })));
            }
        }
    }
    all
}

fn outcomes(play: &Play) -> Vec<Event> {
    let mut all = Vec::new();
    for delivery in play.pending() {
        let id = delivery.id.clone();
        let receipt = Receipt { remote: format!("x{id}"), url: None, at: play.now };
        all.push(Event::Delivered { delivery: id.clone(), receipt });
        for outcome in [
            Outcome::Never("no".into()),
            Outcome::Gone("gone".into()),
            Outcome::Unknown("lost".into()),
        ] {
            all.push(Event::Failed { delivery: id.clone(), outcome });
        }
    }
    all
}

fn check(play: &Play, what: &str) {
    for versioned in play.replay.records.values() {
        match &versioned.record {
            Some(Record::Case(case)) => check_case(play, case, what),
            Some(Record::Delivery(delivery)) => check_delivery(play, delivery, what),
            _ => {}
        }
    }
}

fn check_case(play: &Play, case: &Case, what: &str) {
    assert!(case.status != Status::Closed || case.waits.is_none(), "{what}: closed, yet waits");
    assert!(case.status != Status::Closed || case.alarms.is_empty(), "{what}: closed, yet alarmed");
    assert!(case.status != Status::Answered || case.waits.is_none(), "{what}: answered, yet waits");
    for seq in 0..case.lines {
        assert!(play.replay.records.contains_key(&Key::Line(case.no, seq)), "{what}: line {seq}");
    }
    for seq in &case.held {
        let state = play.reply_line(*seq).state;
        assert!(matches!(state, ReplyState::Held | ReplyState::Asking(_)), "{what}: {state:?}");
    }
    for seq in &case.sending {
        assert_eq!(play.reply_line(*seq).state, ReplyState::Sending, "{what}");
    }
}

fn check_delivery(play: &Play, delivery: &Delivery, what: &str) {
    let Act::Network(reply) = &delivery.act else { return };
    let no = delivery.case.unwrap();
    let Some(Record::Line(line)) =
        &play.replay.records[&Key::Line(no, delivery.line.unwrap())].record
    else {
        panic!("{what}: a reply without its line")
    };
    let Body::Reply(by) = &line.body else { panic!("{what}: not a reply") };
    assert!(["maria", "otto"].contains(&by.by.name.as_str()), "{what}: {} spoke", by.by.name);
    assert_eq!(reply.target.contact.remote, "anna", "{what}");
    assert!(!reply.text.as_str().to_lowercase().contains("note hello"), "{what}: a note leaked");
}

#[test]
fn every_event_in_every_state_keeps_the_invariants() {
    let mut tried = 0;
    for state in STATES {
        let play = bring(state);
        for event in events(&play) {
            for second in [None, Some("mention"), Some("wait")] {
                let mut next =
                    Play { policy: play.policy.clone(), replay: play.replay.clone(), ..play };
                let what = format!("{state} then {} {second:?}", event.name());
                next.take(event.clone());
                check(&next, &what);
                match second {
                    Some("mention") => drop(next.writes("anna", "p77", "and again")),
                    Some(_) => next.wait(Span::minutes(2)),
                    None => {}
                }
                check(&next, &what);
                next.arrive();
                check(&next, &what);
                assert!(next.pending().is_empty(), "{what}: something waits for ever");
                tried += 1;
            }
        }
    }
    assert!(tried > 1000, "only {tried}");
}
