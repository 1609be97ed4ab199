//! A reply that its author made private reaches the customer alone, on each network that can do so.

use careline::case::model::Audience;
use careline::case::time::Span;
use careline::sandbox::ledger::sent;
use careline::sandbox::pair::{Net, Office, Pair};
use careline::sandbox::script::Script;
use careline::sandbox::{Demo, Setup};

const ASKED: &str = "anna: @acme my parcel is lost\nexpect card: my parcel is lost\n\
    maria! Claim\nexpect card: looks after it\nmaria> Which order is it?\n\
    expect thread: Goes to\nmaria! Private\nexpect thread: , privately\n\
    expect network: Which order is it?\nexpect thread: Sent to\n";
/// At Meta a second one is refused before it is sent, and goes where the post stands.
const AGAIN: &str = "maria> And which street?\nexpect thread: Goes to\nmaria@ private\n\
    expect only maria: it was given\nexpect network: And which street?\n";

async fn audiences(net: Net, script: &str) -> Vec<Audience> {
    let office = if net == Net::Instagram { Office::Discord } else { Office::Slack };
    let pair = Pair { net, office };
    let setup = Setup { undo: Span::seconds(5), pair, ..Setup::default() };
    let demo = Demo::start(setup).await.expect("a demo");
    let script = Script::parse("private", script).expect("a script");
    demo.play(&script, 20.0).await.unwrap_or_else(|e| panic!("{}: {e}", net.title()));
    let all = {
        let world = demo.shared.look();
        sent(&world.squares[net.account()]).map(|post| post.audience).collect()
    };
    demo.end().await;
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_was_made_private_is_for_the_customer_alone() {
    let twice = format!("{ASKED}{AGAIN}");
    let (mastodon, facebook, instagram) = tokio::join!(
        audiences(Net::Mastodon, ASKED),
        audiences(Net::Facebook, &twice),
        audiences(Net::Instagram, ASKED),
    );
    assert_eq!(mastodon, [Audience::Direct]);
    assert_eq!(facebook, [Audience::Direct, Audience::Public]);
    assert_eq!(instagram, [Audience::Direct]);
}
