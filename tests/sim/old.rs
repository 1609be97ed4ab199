//! A backup is put back: the store is older than what the desk shows (V32).

use super::check::Books;
use super::check::tokens;
use super::life::{Day, START};
use careline::case::time::Span;

/// Lives until this long after the start, and is told to stop then.
fn live_until(day: &mut Day, after: Span) {
    day.live(None, Some(START + after));
}

#[test]
fn an_old_store_sends_nothing() {
    let mut stopped = 0;
    for seed in 0..4 {
        let mut day = Day::new(seed);
        live_until(&mut day, Span::minutes(3));
        let backup = day.disk.copy();
        live_until(&mut day, Span::minutes(6));
        day.disk.restore(backup);
        let before = Books::of(&day.sky, Vec::new());
        live_until(&mut day, Span::minutes(20));
        let after = Books::of(&day.sky, Vec::new());
        let says =
            |books: &Books| books.shown.iter().any(|m| m.text.starts_with("Nothing is sent"));
        assert!(!says(&before), "day {seed}: it stopped before there was a reason");
        stopped += usize::from(says(&after));
        let mut seen = std::collections::BTreeSet::new();
        for (post, _) in after.ours() {
            for token in tokens(&post.text, 'r') {
                assert!(seen.insert(token.clone()), "day {seed}: {token} is public twice");
            }
        }
    }
    assert!(stopped >= 2, "only {stopped} of 4 old stores were noticed");
}
