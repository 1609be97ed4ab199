//! Networks that take an answer only for a while, and answers for the customer alone.

use super::super::ability::Window;
use super::super::effect::Reply;
use super::super::model::{ReplyState, Target};
use super::*;

/// Messages for a day, one private answer to a post for a week.
fn windowed() -> Play {
    let mut play = Play::new();
    let abilities = play.policy.abilities.get_mut(&account()).unwrap();
    abilities.window = Some(Window { direct: Span::hours(24), private: Some(Span::days(7)) });
    abilities.private = true;
    abilities.names_customer = false;
    play
}

/// Ann has written, publicly or to us alone, and Maria looks after it.
fn begun(mut play: Play, audience: Audience) -> Play {
    let mut mention = mention("ann", "p1", "where is my parcel?", play.now);
    mention.audience = audience;
    play.take(Event::Mentioned(Box::new(mention)));
    play.arrive();
    play.asks("maria", "claim");
    play.arrive();
    play
}

/// What leaves for the network now.
fn leaving(play: &Play) -> Option<Box<Reply>> {
    play.pending().into_iter().find_map(|delivery| match delivery.act {
        Act::Network(reply) => Some(reply),
        Act::Desk(_) => None,
    })
}

fn target(play: &Play, seq: u32) -> Target {
    play.reply_line(seq).target
}

#[test]
fn a_message_is_answered_until_its_window_ends_and_no_longer() {
    let mut play = begun(windowed(), Audience::Direct);
    play.pass(Span::hours(23));
    play.says("maria", "It comes today.");
    assert_eq!(play.reply_line(1).state, ReplyState::Held);
    play.pass(Span::hours(1));
    let said = play.says("maria", "Did it come?");
    assert!(answer(&said).contains("is over; he has to write again"), "{}", answer(&said));
    assert!(leaving(&play).is_none());
    let said = play.asks("maria", "reply Did it come?");
    assert!(answer(&said).contains("is over; he has to write again"), "{}", answer(&said));
}

#[test]
fn an_answer_whose_window_ends_while_it_waits_does_not_leave() {
    let mut play = begun(windowed(), Audience::Direct);
    play.policy.undo = Span::hours(2);
    play.pass(Span::hours(23));
    play.says("maria", "It comes today.");
    play.wait(Span::hours(3));
    let state = play.reply_line(1).state;
    assert!(matches!(&state, ReplyState::Failed(why) if why.contains("is over")), "{state:?}");
    assert!(leaving(&play).is_none());
}

#[test]
fn a_public_post_has_no_window_and_a_new_message_opens_one() {
    let mut play = begun(windowed(), Audience::Public);
    play.pass(Span::days(30));
    play.says("maria", "It is here.");
    play.wait(Span::hours(1));
    assert!(leaving(&play).is_some());
    let mut play = begun(windowed(), Audience::Direct);
    play.pass(Span::hours(25));
    let mut again = mention("ann", "p2", "hello?", play.now);
    again.audience = Audience::Direct;
    play.take(Event::Mentioned(Box::new(again)));
    play.arrive();
    play.says("maria", "Sorry, it is here.");
    play.wait(Span::hours(1));
    assert_eq!(leaving(&play).map(|reply| reply.target.post), Some(PostId::new("p2")));
}

#[test]
fn a_reply_is_for_the_customer_alone_if_its_author_says_so() {
    let mut play = begun(windowed(), Audience::Public);
    play.says("maria", "Which order is it?");
    assert_eq!(target(&play, 1).audience, Audience::Public);
    play.pass(Span::seconds(8));
    play.asks("maria", "private");
    assert!(play.told().contains(", privately"), "{}", play.told());
    // It waits anew: what became of it can be read and taken back.
    play.wait(Span::seconds(5));
    assert!(leaving(&play).is_none());
    play.wait(Span::seconds(10));
    let reply = leaving(&play).expect("an answer");
    assert_eq!((reply.target.audience, reply.target.private_reply), (Audience::Direct, true));
    // One is all the network takes, be the first on its way or there.
    play.says("maria", "And your address?");
    let said = play.asks("maria", "private");
    assert!(answer(&said).contains("it was given"), "{}", answer(&said));
    play.arrive();
    let said = play.asks("maria", "private");
    assert!(answer(&said).contains("it was given"), "{}", answer(&said));
    assert_eq!(target(&play, 2).audience, Audience::Public);
}

#[test]
fn a_private_answer_that_waits_can_be_made_public_again() {
    let mut play = begun(windowed(), Audience::Unlisted);
    play.says("maria", "Which order is it?");
    play.asks("maria", "private #1 1");
    let said = play.asks("maria", "private #1 1");
    assert!(answer(&said).contains("private already"), "{}", answer(&said));
    play.asks("maria", "public #1 1");
    let said = play.asks("maria", "public #1 1");
    assert!(answer(&said).contains("not private"), "{}", answer(&said));
    play.wait(Span::minutes(1));
    let reply = leaving(&play).expect("an answer");
    assert_eq!((reply.target.audience, reply.target.private_reply), (Audience::Unlisted, false));
}

#[test]
fn nothing_becomes_private_by_itself_or_public_that_was_private() {
    let refused = |play: &mut Play, who: &str, words: &str, why: &str| {
        play.says("maria", "Which order is it?");
        let before = target(play, 1);
        let said = play.asks(who, words);
        assert!(answer(&said).contains(why), "{why}: {}", answer(&said));
        assert_eq!(target(play, 1), before);
    };
    let letter = || begun(windowed(), Audience::Direct);
    refused(&mut letter(), "maria", "public", "not private");
    refused(&mut letter(), "maria", "private", "wrote privately");
    let public = || begun(windowed(), Audience::Public);
    refused(&mut public(), "tom", "private", "its author");
    let mut late = public();
    late.pass(Span::days(8));
    refused(&mut late, "maria", "private", "is over");
    let mut unable = public();
    unable.policy.abilities.get_mut(&account()).unwrap().private = false;
    refused(&mut unable, "maria", "private", "knows no private answer");
    let mut long = public();
    long.policy.abilities.get_mut(&account()).unwrap().limit = 20;
    long.says("maria", "Which order is it, and where do you live now?");
    let said = long.asks("maria", "private");
    assert!(answer(&said).contains("too long"), "{}", answer(&said));
    let said = public().asks("maria", "private");
    assert!(answer(&said).contains("No reply waits"), "{}", answer(&said));
}

#[test]
fn a_private_answer_that_grew_by_an_edit_does_not_go_in_part() {
    let mut play = begun(windowed(), Audience::Public);
    play.policy.abilities.get_mut(&account()).unwrap().limit = 40;
    play.says("maria", "Which order is it?");
    play.asks("maria", "private");
    play.asks("maria", "edit #1 1 Which order is it, and where do you live now, if I may ask?");
    play.wait(Span::minutes(1));
    let state = play.reply_line(1).state;
    assert!(matches!(&state, ReplyState::Failed(why) if why.contains("too long")), "{state:?}");
    assert!(leaving(&play).is_none());
}

/// Where it may be given again and again, it may.
#[test]
fn without_a_window_a_post_is_answered_privately_as_often_as_one_likes() {
    let mut play = windowed();
    play.policy.abilities.get_mut(&account()).unwrap().window = None;
    let mut play = begun(play, Audience::Public);
    for n in 1..=2 {
        play.says("maria", &format!("Question {n}?"));
        play.asks("maria", "private");
        play.wait(Span::minutes(1));
        assert_eq!(leaving(&play).map(|r| r.target.audience), Some(Audience::Direct), "{n}");
        play.arrive();
    }
}
