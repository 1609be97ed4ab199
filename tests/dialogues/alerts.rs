//! Stories about alerts, in `alerts/*.txt`: each rung, each stop, each edge of the calendar. Hours
//! pass in them, so they are played with the decision alone, with the shipped rules. The first line
//! says when a story begins and when the team is there:
//! `# begins 2026-11-24T10:00:00+01:00, office` or `…, always`.

use super::{decide, read};
use careline::case::hours::Hours;
use careline::case::policy::{Alerts, Called, Rung};
use careline::case::time::{Span, Timestamp};
use careline::config;
use std::path::Path;

fn hours(which: &str) -> Hours {
    let zone = "Europe/Berlin".to_owned();
    if which == "always" {
        return Hours { zone, ..Hours::always() };
    }
    assert_eq!(which, "office");
    let day = || vec![(9 * 60, 17 * 60)];
    let week = [day(), day(), day(), day(), day(), Vec::new(), Vec::new()];
    Hours { zone, week, holidays: ["2027-01-01".to_owned()].into() }
}

fn alerts(which: &str) -> Alerts {
    let rung = |minutes, calls| Rung { patience: Span::minutes(minutes), calls };
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("bot-config");
    Alerts {
        ladder: vec![
            rung(15, Called::Claimer),
            rung(30, Called::Channel),
            rung(60, Called::Leads),
            rung(120, Called::OnCall),
        ],
        rules: config::rules(&shipped, |_| None),
        again: 3,
        on_call: vec!["ole".into()],
        hours: hours(which),
        ..Alerts::default()
    }
}

#[tokio::test]
async fn alerts_call_when_they_should_and_stop_when_they_should() {
    let stories = read("tests/dialogues/alerts");
    for (text, script) in &stories {
        let first = text.lines().next().unwrap_or_default();
        let (begins, which) = first.trim_start_matches("# begins ").split_once(", ").unwrap();
        let begins = Timestamp::parse(begins).expect("an instant");
        let mut stage = decide::Decided::with_alerts(begins, alerts(which));
        careline::sandbox::play::play(script, &mut stage).await.unwrap_or_else(|e| panic!("{e}"));
    }
}
