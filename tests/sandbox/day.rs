//! The day that the page plays, on every pair of network and desk, and a change of desk on the way.

use careline::case::time::Span;
use careline::engine::clock;
use careline::sandbox::ledger::Ledger;
use careline::sandbox::pair::{Net, Office, Pair};
use careline::sandbox::script::{How, Script};
use careline::sandbox::{Demo, Setup, day};
use std::time::Duration;

/// Waits are short; a reply can be taken back long enough for a script to press a button.
fn setup(pair: Pair) -> Setup {
    Setup { undo: Span::seconds(5), pair, ..Setup::default() }
}

async fn play(pair: Pair) -> Result<(), String> {
    let demo = Demo::start(setup(pair)).await.map_err(|e| e.to_string())?;
    let script = day(pair).map_err(|e| e.to_string())?;
    let played = demo.play(&script, 20.0).await.map_err(|broken| broken.to_string());
    let ledger = Ledger::of(&demo.shared.look(), &demo.cast);
    demo.end().await;
    played.map_err(|why| format!("{pair:?}: {why}"))?;
    let bad = ledger.lost + ledger.doubled + ledger.sent_twice + ledger.outside;
    match (bad, ledger.wrote, ledger.sent) {
        (0, 8, 7) => Ok(()),
        _ => Err(format!("{pair:?}: {ledger:?}")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_can_be_played_on_every_pair() {
    let pairs = Net::ALL.into_iter().flat_map(|net| Office::ALL.map(|office| Pair { net, office }));
    let days: Vec<_> = pairs.map(|pair| tokio::spawn(play(pair))).collect();
    let mut wrong = Vec::new();
    for day in days {
        wrong.extend(day.await.expect("a day").err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A brand with an account on every network, one daemon, two desks.
#[tokio::test(flavor = "multi_thread")]
async fn one_daemon_serves_all_networks_and_both_desks() {
    let demo = Demo::start(setup(Pair::default())).await.expect("a demo");
    for (n, net) in Net::ALL.into_iter().enumerate() {
        let office = Office::ALL[n % Office::ALL.len()];
        demo.choose(Pair { net, office }).await.expect("a pair");
        let who = &demo.cast.customers[n].key;
        let story = format!(
            "{who}: @acme the lamp of {n} is dim\nexpect card: the lamp of {n} is dim\n\
             maria! Claim\nexpect card: looks after it\nmaria> A new bulb {n} is coming.\n\
             expect network: A new bulb {n} is coming.\nexpect thread: Sent to\n"
        );
        let story = Script::parse("story", &story).expect("a script");
        demo.play(&story, 20.0).await.unwrap_or_else(|e| panic!("{}: {e}", net.title()));
    }
    let ledger = Ledger::of(&demo.shared.look(), &demo.cast);
    demo.end().await;
    let whole = Ledger { wrote: 5, shown: 5, sent: 5, ..Ledger::default() };
    assert_eq!(ledger, whole);
}

/// Cases that are open stay at the desk where they began; new ones begin at the chosen one.
#[tokio::test(flavor = "multi_thread")]
async fn a_case_never_changes_its_desk_when_another_is_chosen() {
    let slack = Pair { net: Net::Mastodon, office: Office::Slack };
    let discord = Pair { net: Net::Mastodon, office: Office::Discord };
    let demo = Demo::start(setup(slack)).await.expect("a demo");
    let begin = "anna: @acme the first thing\nexpect card: the first thing\n\
                 maria! Claim\nexpect card: looks after it\n";
    let begin = Script::parse("begin", begin).expect("a script");
    demo.play(&begin, 20.0).await.unwrap_or_else(|e| panic!("{e}"));
    demo.choose(discord).await.expect("another desk");
    let there = "bilal: @acme the second thing\nexpect card: the second thing\n\
                 tom! Claim\nexpect card: looks after it\ntom> At once.\n\
                 expect network: At once.\n";
    let there = Script::parse("there", there).expect("a script");
    demo.play(&there, 20.0).await.unwrap_or_else(|e| panic!("{e}"));
    demo.hands.post("anna", "@acme once more", &How::default(), None).await.expect("a post");
    let stayed = |demo: &Demo| {
        let world = demo.shared.look();
        let mut all = world.offices["slack"].messages.values();
        all.any(|m| m.thread.is_some() && careline::sandbox::ledger::words(m).contains("once more"))
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !stayed(&demo) {
        assert!(std::time::Instant::now() < deadline, "it does not stand in its first thread");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ledger = Ledger::of(&demo.shared.look(), &demo.cast);
    assert_eq!((ledger.wrote, ledger.shown, ledger.doubled), (3, 3, 0), "{:?}", clock::now());
    demo.end().await;
}
