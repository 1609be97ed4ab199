//! What comes back by itself: a token that lives again, words that a desk refused, an answer whose
//! author took it back while nobody listened.

use super::refused::{listens, until};
use careline::case::time::Span;
use careline::desk::slack::face::stamp;
use careline::engine::clock;
use careline::sandbox::cast::{ACCOUNT, CHANNEL, DESK};
use careline::sandbox::hands::At;
use careline::sandbox::ledger::{sent, words};
use careline::sandbox::script::{How, Script};
use careline::sandbox::{Demo, Setup};
use careline::world::fault::{Fault, Wrong};
use std::sync::Arc;

fn fault(demo: &Demo, face: &str, call: &str, times: u32, wrong: Wrong) {
    let fault = Fault { face: face.into(), call: call.into(), skip: 0, times, wrong };
    demo.shared.change(clock::now(), |world| world.faults.set(fault));
}

fn over(demo: &Demo) {
    demo.shared.change(clock::now(), |world| world.faults.clear(None));
}

/// The messages of ours that hold these words, with their threads.
fn told(demo: &Demo, text: &str) -> Vec<(i64, Option<i64>)> {
    let world = demo.shared.look();
    let all = world.offices[DESK].messages.values();
    let ours = all.filter(|m| m.app.is_some() && !m.deleted && words(m).contains(text));
    ours.map(|m| (m.id, m.thread)).collect()
}

async fn one(demo: &Demo, text: &str) -> (i64, Option<i64>) {
    until(text, || told(demo, text).first().copied()).await
}

async fn post(demo: &Demo, who: &str, text: &str) {
    demo.hands.post(who, text, &How::default(), None).await.unwrap();
}

async fn say(demo: &Demo, root: i64, text: &str) -> String {
    let at = At { channel: CHANNEL.into(), ts: stamp(root) };
    demo.hands.say("maria", &at, text).await.unwrap()
}

/// What the button on this card asks. Cases of other accounts may have come before.
fn claim(demo: &Demo, root: i64) -> String {
    let world = demo.shared.look();
    let card = &world.offices[DESK].messages[&(CHANNEL.to_owned(), root)];
    let blocks = card.blocks.to_string();
    let asks = blocks.split('"').find(|text| text.starts_with("claim #"));
    asks.expect("a button to claim it").to_owned()
}

/// Anna's case, claimed, with an answer that waits: its thread, and the answer's message.
async fn held(demo: &Demo) -> (i64, String) {
    post(demo, "anna", "@acme my tent leaks").await;
    let (root, _) = one(demo, "my tent leaks").await;
    let at = At { channel: CHANNEL.into(), ts: stamp(root) };
    demo.hands.press("maria", &at, &claim(demo, root)).unwrap();
    one(demo, "looks after it").await;
    let said = say(demo, root, "That is your own fault").await;
    one(demo, "Goes to").await;
    (root, said)
}

async fn start(setup: Setup) -> Arc<Demo> {
    let demo = Demo::start(setup).await.unwrap();
    listens(&demo).await;
    demo
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_lives_again_needs_no_restart_and_is_told_once() {
    let demo = start(Setup::default()).await;
    // Dead when it is read, and again when it is tried again; then it lives.
    fault(&demo, ACCOUNT, "/api/v1/notifications", 3, Wrong::DeadToken);
    one(&demo, "acme needs the operator").await;
    post(&demo, "anna", "@acme is nobody there?").await;
    one(&demo, "acme is connected again").await;
    one(&demo, "is nobody there?").await;

    fault(&demo, DESK, "apps.connections.open", 0, Wrong::DeadToken);
    demo.hands.hang_up("cut");
    one(&demo, "slack needs the operator").await;
    over(&demo);
    one(&demo, "slack is connected again").await;
    let (root, _) = one(&demo, "is nobody there?").await;
    say(&demo, root, "We are").await;
    until("the agent is heard", || told(&demo, "This stayed inside").first().copied()).await;
    for once in ["needs the operator", "is connected again"] {
        assert_eq!(told(&demo, once).len(), 2, "{once}: once each");
    }
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_the_desk_refuses_for_its_words_is_shown_without_them() {
    let demo = start(Setup::default()).await;
    let (words, code) = ("unspeakable".to_owned(), "invalid_blocks".to_owned());
    fault(&demo, DESK, "chat.", 0, Wrong::Words { words, code });
    let story = "anna: @acme an unspeakable thing happened\n\
                 expect card: could not be shown here\n\
                 expect thread: refused the card with the customer's words\n\
                 maria! Claim\n\
                 maria> We look into it.\n\
                 expect network: We look into it.\n\
                 expect card: Answered\n";
    let script = Script::parse("refused", story).unwrap();
    let played = demo.play(&script, 1.0).await;
    assert!(told(&demo, "unspeakable").is_empty());
    demo.end().await;
    played.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_taken_back_while_nobody_listened_does_not_go_out() {
    let demo = start(Setup { undo: Span::seconds(12), ..Setup::default() }).await;
    let (_, said) = held(&demo).await;
    // The socket says nothing while she deletes it.
    fault(&demo, DESK, "socket", 0, Wrong::Silence);
    let gone = At { channel: CHANNEL.into(), ts: said };
    demo.hands.delete("maria", &gone).await.unwrap();
    over(&demo);
    demo.hands.hang_up("cut");
    one(&demo, "Taken back").await;
    assert_eq!(sent(&demo.shared.look().squares[ACCOUNT]).count(), 0);
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_taken_back_while_careline_was_away_does_not_go_out() {
    let demo = start(Setup { undo: Span::seconds(4), ..Setup::default() }).await;
    let (root, said) = held(&demo).await;
    fault(&demo, DESK, "socket", 0, Wrong::Silence);
    let gone = At { channel: CHANNEL.into(), ts: said };
    demo.hands.delete("maria", &gone).await.unwrap();
    over(&demo);
    // Its threads cannot be read at first: nothing goes out before they were.
    let away = Wrong::Status { status: 500, retry_after: None };
    fault(&demo, DESK, "conversations.replies", 2, away);
    demo.power_cut().await.unwrap();
    one(&demo, "Taken back").await;
    assert_eq!(sent(&demo.shared.look().squares[ACCOUNT]).count(), 0);
    say(&demo, root, "Sorry about that").await;
    until("the next one goes out", || {
        (sent(&demo.shared.look().squares[ACCOUNT]).count() == 1).then_some(())
    })
    .await;
    demo.end().await;
}
