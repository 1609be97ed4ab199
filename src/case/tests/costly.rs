//! Networks that take money for a post, or no answer from a program.

use super::super::ability::{Price, dollars};
use super::super::model::{Ask, ReplyState};
use super::*;

fn costly() -> Play {
    let mut play = Play::new();
    let abilities = play.policy.abilities.get_mut(&account()).unwrap();
    abilities.price = Some(Price { post: 15, link: 200 });
    abilities.compose = Some("https://net.example/new?to={post}&text={text}".into());
    abilities.names_customer = false;
    play
}

#[test]
fn a_link_is_sent_only_after_its_price_was_read() {
    let mut play = costly();
    play.writes("ann", "p1", "help");
    play.arrive();
    play.asks("maria", "claim");
    play.says("maria", "it is here: https://shop.example.com/a");
    assert_eq!(play.reply_line(1).state, ReplyState::Asking(Ask::Price(200)));
    assert!(play.told().contains("$0.20"), "{}", play.told());
    play.wait(Span::hours(1));
    assert!(play.texts().is_empty());
    let words = format!("send {} 1", play.case().no);
    play.asks("maria", &words);
    assert_eq!(play.texts().len(), 1);
    play.says("maria", "no link in this");
    assert_eq!(play.reply_line(2).state, ReplyState::Held);
}

#[test]
fn a_link_that_comes_in_by_an_edit_is_asked_about_too() {
    let mut play = costly();
    play.writes("ann", "p1", "help");
    play.arrive();
    play.asks("maria", "claim");
    let mut remark = play.remark("maria", "it is here");
    play.take(Event::Said(Box::new(remark.clone())));
    assert_eq!(play.reply_line(1).state, ReplyState::Held);
    remark.text = "it is here: shop.example.com".into();
    play.take(Event::Reworded(Box::new(remark)));
    play.wait(Span::hours(1));
    assert_eq!(play.reply_line(1).state, ReplyState::Asking(Ask::Price(200)));
    assert!(play.texts().is_empty());
}

#[test]
fn an_answer_that_only_a_person_may_post_is_prepared_for_him() {
    let mut play = costly();
    let mut mention = mention("ann", "p1", "your shop is odd", play.now);
    mention.no_reply = Some("write the answer here".into());
    play.take(Event::Mentioned(Box::new(mention)));
    play.arrive();
    play.asks("maria", "claim");
    let said = play.asks("maria", "reply Sorry & thanks: which one?");
    assert!(answer(&said).contains("only by hand"), "{}", answer(&said));
    assert!(play.texts().is_empty());
    let links: Vec<String> = play.pending().iter().map(|d| format!("{:?}", d.act)).collect();
    let link = "https://net.example/new?to=p1&text=Sorry%20%26%20thanks%3A%20which%20one%3F";
    assert!(links.iter().any(|text| text.contains(link)), "{links:?}");
    play.arrive();
    play.says("maria", "Or these words");
    assert!(play.pending().iter().any(|d| format!("{:?}", d.act).contains("Or%20these%20words")));
}

#[test]
fn money_is_written_as_people_write_it() {
    assert_eq!(dollars(15), "$0.015");
    assert_eq!(dollars(200), "$0.20");
    assert_eq!(dollars(12_340), "$12.34");
}
