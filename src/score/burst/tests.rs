//! Whether bursts are seen and calm is left alone, on pretended timelines.

use super::*;
use crate::score::shuffle::Chance;

/// Days with a busy half, ten times as busy as the other; a minute brings one or none.
fn day(day: i64, chance: &mut Chance) -> Vec<Happening> {
    (0..1440)
        .filter(|minute| chance.below(1000) < if *minute >= 720 { 400 } else { 40 })
        .map(|minute| happening(day * 86_400 + minute * 60, "usual words"))
        .collect()
}

fn happening(second: i64, text: &str) -> Happening {
    Happening {
        at: Timestamp::from_seconds(second),
        brand: "Acme".into(),
        network: "town".into(),
        text: Some(text.into()),
        ..Happening::default()
    }
}

#[test]
fn a_week_as_usual_raises_at_most_one_alarm() {
    for seed in 0..5 {
        let mut chance = Chance::new(seed);
        let mut bursts = Bursts::default();
        let week = (0..8).flat_map(|n| day(n, &mut chance)).collect::<Vec<_>>();
        let alarms = week.iter().filter_map(|happening| bursts.add(happening)).count();
        assert!(alarms <= 1, "seed {seed}: {alarms}");
    }
}

#[test]
fn many_at_once_are_seen_and_described() {
    let mut chance = Chance::new(1);
    let mut bursts = Bursts::default();
    for happening in (0..4).flat_map(|n| day(n, &mut chance)) {
        bursts.add(&happening);
    }
    let noon = 4 * 86_400 + 6 * 3600;
    let alarms: Vec<Burst> = (0..40)
        .filter_map(|n| bursts.add(&happening(noon + n * 40, "checkout is broken in Bremen")))
        .collect();
    let [burst] = alarms.as_slice() else { panic!("one burst: {alarms:?}") };
    assert!(burst.at.since(Timestamp::from_seconds(noon)) <= Span::minutes(10), "{burst:?}");
    assert!(f64::from(burst.count) > 2.0 * burst.usual, "{burst:?}");
    assert_eq!(burst.common, ["bremen", "broken", "checkout"]);
    assert_eq!(burst.voices, ["checkout is broken in Bremen"]);
}

#[test]
fn a_cold_start_is_no_burst() {
    let mut bursts = Bursts::default();
    let flood = (0..5000).map(|n| happening(n * 10, "hello"));
    assert!(flood.into_iter().all(|happening| bursts.add(&happening).is_none()));
}
