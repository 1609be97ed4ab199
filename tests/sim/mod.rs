//! Does it hold on a bad day? The real engine and the real store over a pretended world, with
//! faults by lot: repeats, refusals, lost answers, late effects, deaf feeds, deaths at any call of
//! the store, conflicts, clocks that are set. Time is pretended, so that a day takes less than a
//! second.
//!
//! `SIM_SEEDS=FROM..TO cargo test --release --test main sim` plays these days, each twice, and
//! tells of each that fails its smallest story.

mod alarms;
mod check;
mod day;
pub mod disk;
pub mod house;
mod life;
#[cfg(test)]
mod old;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod rounds;
mod shrink;
pub mod sky;
mod stop;
pub mod town;

use life::Day;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many failing days are made small (`SIM_STORIES`): each costs many days.
fn stories() -> usize {
    std::env::var("SIM_STORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(2)
}

fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("SIM_SEEDS").ok();
    let range = asked.as_deref().map(|text| {
        let (from, to) = text.split_once("..").expect("SIM_SEEDS=FROM..TO");
        let number = |text: &str| text.trim().parse().expect("SIM_SEEDS=FROM..TO");
        number(from)..number(to)
    });
    range.unwrap_or(0..8)
}

/// What the days of a run came to.
#[derive(Default)]
struct Sum {
    failed: Vec<(u64, Vec<String>)>,
    busy: [usize; 3],
}

/// Plays a day once: what went wrong.
#[allow(dead_code, reason = "for the figures alone")]
pub fn play_once(seed: u64) -> Vec<String> {
    Day::new(seed).run()
}

/// In a hurry (`SIM_HURRY`) a day is played once, and the first that fails is the last.
fn hurried() -> bool {
    std::env::var_os("SIM_HURRY").is_some()
}

/// Plays a day twice: what went wrong, and whether it was the same day.
fn play(seed: u64) -> (Vec<String>, [usize; 3]) {
    let (mut one, mut two) = (Day::new(seed), Day::new(seed));
    let mut wrong = one.run();
    if hurried() {
        return (wrong, one.busy());
    }
    two.run();
    let (first, second) = (one.trace(), two.trace());
    if first != second {
        let differ = first.lines().zip(second.lines()).find(|(a, b)| a != b);
        wrong.push(format!("the same seed was another day: {differ:?}"));
    }
    (wrong, one.busy())
}

/// Plays all days, as many side by side as the machine has room for.
fn play_all(seeds: &std::ops::Range<u64>) -> Sum {
    let (next, sum) = (AtomicU64::new(seeds.start), Mutex::new(Sum::default()));
    let hands = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..hands {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = hurried() && !sum.lock().unwrap().failed.is_empty();
                    if seed >= seeds.end || enough {
                        return;
                    }
                    let (wrong, busy) = play(seed);
                    let mut sum = sum.lock().unwrap();
                    busy.iter().zip(&mut sum.busy).for_each(|(n, all)| *all += n);
                    if !wrong.is_empty() {
                        println!("day {seed}:\n  {}", wrong.join("\n  "));
                        sum.failed.push((seed, wrong));
                    }
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

#[test]
fn days_hold() {
    let (began, seeds) = (std::time::Instant::now(), seeds());
    let count = seeds.end.saturating_sub(seeds.start);
    let mut sum = play_all(&seeds);
    let took = began.elapsed();
    sum.failed.sort();
    for (seed, _) in sum.failed.iter().take(stories()) {
        println!("{}", shrink::shrunk(*seed));
    }
    let [mentions, replies, lives] = sum.busy;
    let failed: Vec<u64> = sum.failed.iter().map(|(seed, _)| *seed).collect();
    println!("{mentions} mentions, {replies} posts of ours, {lives} lives");
    println!("{count} days, each twice, in {took:.1?}; {} failed: {failed:?}", failed.len());
    assert!(failed.is_empty(), "days that failed: {failed:?}");
    let idle = count >= 10 && (mentions < 50 || replies < 10 || lives < 12);
    assert!(!idle, "days on which nothing happens prove nothing");
}
