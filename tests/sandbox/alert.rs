//! An alert is one message that changes: who takes the case, and what came of it, stands in it.

use careline::sandbox::ledger::words;
use careline::sandbox::pair::{Net, Office, Pair};
use careline::sandbox::script::Script;
use careline::sandbox::{Demo, Setup};
use careline::world::World;
use std::time::Duration;

const TAKEN: &str = "anna: @acme my lawyer will write to you\nexpect card: lawyer\n\
    maria! Claim\nexpect card: looks after it\n";

/// Messages that call somebody, as they look now.
fn alerts(world: &World, pair: Pair) -> Vec<String> {
    let all = world.offices[pair.office.name()].messages.values();
    all.filter(|m| m.app.is_some()).map(words).filter(|text| text.contains('🔔')).collect()
}

async fn an_alert_that_was_taken(office: Office) -> Vec<String> {
    let pair = Pair { net: Net::Mastodon, office };
    let demo = Demo::start(Setup { pair, ..Setup::default() }).await.expect("a demo");
    let script = Script::parse("alert", TAKEN).expect("a script");
    demo.play(&script, 20.0).await.unwrap_or_else(|e| panic!("{office:?}: {e}"));
    let mut bell = demo.shared.bell();
    let taken = async {
        loop {
            let all = alerts(&demo.shared.look(), pair);
            if all.iter().any(|text| text.contains("takes it")) {
                return all;
            }
            bell.changed().await.expect("a bell");
        }
    };
    let taken = tokio::time::timeout(Duration::from_secs(60), taken).await;
    let all = taken.unwrap_or_else(|_| alerts(&demo.shared.look(), pair));
    demo.end().await;
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_says_at_both_desks_who_takes_the_case() {
    let (slack, discord) = tokio::join!(
        an_alert_that_was_taken(Office::Slack),
        an_alert_that_was_taken(Office::Discord)
    );
    for all in [slack, discord] {
        let [alert] = &all[..] else { panic!("one alert, not {all:?}") };
        assert!(alert.contains("Maria Okoye takes it"), "{alert}");
    }
}
