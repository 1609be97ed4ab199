//! Discord's rate limits, kept before a call is made instead of learned from its refusal.
//!
//! Calls are counted per route and channel, as the headers of the answers name and measure it, and
//! all together in a second (<https://docs.discord.com/developers/topics/rate-limits>). Ten
//! thousand refused calls in ten minutes bring a ban of the whole address: we keep still far below.

use crate::case::time::{Span, Timestamp};
use reqwest::header::HeaderMap;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Refused calls in [`WINDOW`] after which we keep still.
const CEILING: usize = 1_000;
/// The window of Discord's own ceiling.
const WINDOW: Span = Span::minutes(10);
/// The window of the limit on all calls, a little longer than Discord's: the way there varies.
const SECOND: Span = Span::millis(1_050);
/// When to ask again while calls are under way whose answers will say more.
const SOON: Span = Span::millis(10);
/// Two answers speak of the same window if its end moved by no more than this.
const SAME: Span = Span::millis(100);

/// What a call is counted by: its route (its bucket's name once Discord told it) and the channel.
type Key = (String, String);

#[derive(Clone, Copy)]
struct Bucket {
    /// Calls that may still be made before `reset`.
    left: u32,
    reset: Timestamp,
    /// Calls whose answers are not there yet.
    flying: u32,
}

/// What Discord told about a route.
struct Told {
    /// Its bucket; none if the route has no limit of its own.
    name: Option<String>,
    /// Calls in a window.
    size: u32,
}

#[derive(Default)]
struct State {
    routes: BTreeMap<String, Told>,
    buckets: BTreeMap<Key, Bucket>,
    /// When anything may be sent again.
    global: Timestamp,
    /// The last calls.
    sent: VecDeque<Timestamp>,
    /// When calls were refused.
    refused: VecDeque<Timestamp>,
}

/// The limits of one bot.
pub(super) struct Limits {
    per_second: usize,
    state: Mutex<State>,
}

/// The right to make one call; it counts as under way until this is dropped.
pub(super) struct Pass<'a> {
    limits: &'a Limits,
    route: &'a str,
    channel: &'a str,
    key: Key,
}

impl Limits {
    pub(super) fn new(per_second: usize) -> Self {
        Self { per_second, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a call, or says how long there is none.
    pub(super) fn enter<'a>(
        &'a self,
        route: &'a str,
        channel: &'a str,
        now: Timestamp,
    ) -> Result<Pass<'a>, Span> {
        let mut state = self.state();
        state.global(now, self.per_second)?;
        let key = state.key(route, channel);
        let size = state.size(route);
        let bucket = state.buckets.entry(key.clone()).or_insert(Bucket {
            left: 0,
            reset: Timestamp::default(),
            flying: 0,
        });
        if now >= bucket.reset {
            bucket.left = size.saturating_sub(bucket.flying);
        }
        if bucket.left == 0 {
            return Err(Span((bucket.reset.0 - now.0).max(SOON.0)));
        }
        bucket.left -= 1;
        bucket.flying += 1;
        state.sent.push_back(now);
        Ok(Pass { limits: self, route, channel, key })
    }
}

impl Pass<'_> {
    /// Learns from the answer to the call.
    pub(super) fn learn(&self, status: u16, headers: &HeaderMap, now: Timestamp) {
        let mut state = self.limits.state();
        let told = |key: &str| headers.get(key).and_then(|value| value.to_str().ok());
        let number = |key: &str| told(key).and_then(|text| text.parse::<u32>().ok());
        let span = |key: &str| told(key).and_then(span);
        let scope = told("x-ratelimit-scope");
        if matches!(status, 401 | 403) || (status == 429 && scope != Some("shared")) {
            state.refused.push_back(now);
            state.refused.truncate(CEILING);
        }
        if status == 429 && (scope == Some("global") || told("x-ratelimit-global").is_some()) {
            let after = span("retry-after").unwrap_or(Span::seconds(1));
            state.global = state.global.max(now + after);
            return;
        }
        let name = told("x-ratelimit-bucket").map(str::to_owned);
        let size = name.as_ref().map_or(u32::MAX, |_| number("x-ratelimit-limit").unwrap_or(1));
        state.name(self.route, Told { name, size: size.max(1) });
        let key = state.key(self.route, self.channel);
        let ends = span("x-ratelimit-reset-after").or_else(|| span("retry-after"));
        let left = if status == 429 { Some(0) } else { number("x-ratelimit-remaining") };
        if let (Some(left), Some(ends)) = (left, ends) {
            let own = u32::from(key == self.key);
            state.set(key, left, now + ends, own);
        }
        state.buckets.retain(|_, bucket| bucket.flying > 0 || bucket.reset > now);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Some(bucket) = self.limits.state().buckets.get_mut(&self.key) {
            bucket.flying = bucket.flying.saturating_sub(1);
        }
    }
}

impl State {
    /// What holds for all calls together.
    fn global(&mut self, now: Timestamp, per_second: usize) -> Result<(), Span> {
        let past = |times: &mut VecDeque<Timestamp>, window: Span| {
            while times.front().is_some_and(|at| now.since(*at) >= window) {
                times.pop_front();
            }
        };
        past(&mut self.refused, WINDOW);
        past(&mut self.sent, SECOND);
        let full = |times: &VecDeque<Timestamp>, most: usize, window: Span| {
            let first = times.front().filter(|_| times.len() >= most)?;
            Some((*first + window).since(now))
        };
        let shut = (self.global > now).then(|| self.global.since(now));
        let waits =
            [shut, full(&self.refused, CEILING, WINDOW), full(&self.sent, per_second, SECOND)];
        waits.into_iter().flatten().max().map_or(Ok(()), Err)
    }

    /// A route that carried a bucket once keeps it: early refusals name none.
    fn name(&mut self, route: &str, told: Told) {
        match self.routes.get_mut(route) {
            Some(known) if told.name.is_none() && known.name.is_some() => {}
            Some(known) => *known = told,
            None => drop(self.routes.insert(route.to_owned(), told)),
        }
    }

    fn key(&self, route: &str, channel: &str) -> Key {
        let name = self.routes.get(route).and_then(|told| told.name.clone());
        (name.unwrap_or_else(|| route.to_owned()), channel.to_owned())
    }

    /// One call at a time on a route that nothing is known of yet.
    fn size(&self, route: &str) -> u32 {
        self.routes.get(route).map_or(1, |told| told.size)
    }

    /// Takes over what an answer told of a bucket; calls under way (`own` of which is the one that
    /// was answered) may not be counted in it yet.
    fn set(&mut self, key: Key, left: u32, reset: Timestamp, own: u32) {
        let none = Bucket { left: 0, reset: Timestamp::default(), flying: 0 };
        let bucket = self.buckets.entry(key).or_insert(none);
        let left = left.saturating_sub(bucket.flying.saturating_sub(own));
        let newer = reset.since(bucket.reset) > SAME;
        bucket.left = if newer { left } else { left.min(bucket.left) };
        bucket.reset = bucket.reset.max(reset);
    }
}

/// Seconds with a fraction, as Discord writes them.
pub(super) fn span(text: &str) -> Option<Span> {
    let seconds: f64 = text.trim().parse().ok()?;
    let sound = seconds.is_finite() && (0.0..=86_400.0).contains(&seconds);
    sound.then(|| Span((seconds * 1e6).ceil() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(key, value): &(&'static str, &str)| key.parse().ok().zip(value.parse().ok());
        pairs.iter().filter_map(pair).collect()
    }

    fn bucket(left: &str, after: &str) -> HeaderMap {
        told(&[
            ("x-ratelimit-bucket", "messages"),
            ("x-ratelimit-limit", "5"),
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-reset-after", after),
        ])
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_seconds(1_000) + Span::millis(millis)
    }

    const ROUTE: &str = "POST channels/:id/messages";

    #[test]
    fn a_route_nothing_is_known_of_is_asked_by_one_call() {
        let limits = Limits::new(45);
        let first = limits.enter(ROUTE, "1", at(0)).expect("a place");
        assert_eq!(limits.enter(ROUTE, "1", at(1)).err(), Some(SOON));
        first.learn(200, &HeaderMap::new(), at(2));
        drop(first);
        let many: Vec<_> = (0..40).map(|_| limits.enter(ROUTE, "1", at(3)).is_ok()).collect();
        assert!(many.iter().all(|ok| *ok), "the route has no limit of its own");
    }

    #[test]
    fn no_more_calls_fly_than_a_bucket_holds_in_each_channel() {
        let limits = Limits::new(45);
        limits.enter(ROUTE, "1", at(0)).expect("a place").learn(200, &bucket("4", "5"), at(1));
        let flying: Vec<_> = (0..9).map_while(|_| limits.enter(ROUTE, "1", at(2)).ok()).collect();
        assert_eq!(flying.len(), 4);
        assert_eq!(limits.enter(ROUTE, "1", at(1_001)).err(), Some(Span::millis(4_000)));
        // The first answer does not count the three others that are still under way.
        flying[0].learn(200, &bucket("3", "5"), at(3));
        assert!(limits.enter(ROUTE, "1", at(4)).is_err());
        drop(flying);
        let other: Vec<_> = (0..9).map_while(|_| limits.enter(ROUTE, "2", at(5)).ok()).collect();
        assert_eq!(other.len(), 5, "another channel has its own");
        let later: Vec<_> =
            (0..9).map_while(|_| limits.enter(ROUTE, "1", at(5_200)).ok()).collect();
        assert_eq!(later.len(), 5, "the window has passed");
    }

    #[test]
    fn all_calls_together_keep_to_the_second() {
        let limits = Limits::new(3);
        for (n, route) in ["a", "b", "c"].into_iter().enumerate() {
            assert!(limits.enter(route, "", at(n as i64)).is_ok());
        }
        let wait = limits.enter("d", "", at(3)).err().expect("no place");
        assert!(limits.enter("d", "", at(3) + wait).is_ok());
    }

    #[test]
    fn a_refusal_shuts_its_bucket_or_everything() {
        let limits = Limits::new(45);
        let busy = told(&[("retry-after", "2")]);
        limits.enter(ROUTE, "1", at(0)).expect("a place").learn(429, &busy, at(0));
        assert_eq!(limits.enter(ROUTE, "1", at(500)).err(), Some(Span::millis(1_500)));
        assert!(limits.enter(ROUTE, "2", at(500)).is_ok());
        let all = told(&[("retry-after", "3"), ("x-ratelimit-global", "true")]);
        limits.enter("GET", "", at(600)).expect("a place").learn(429, &all, at(1_000));
        assert_eq!(limits.enter(ROUTE, "3", at(1_000)).err(), Some(Span::seconds(3)));
    }

    #[test]
    fn far_below_discords_ceiling_of_refusals_we_keep_still() {
        let limits = Limits::new(45);
        for n in 0..CEILING as i64 {
            let pass = limits.enter("GET x", "", at(100 * n)).expect("a place");
            pass.learn(403, &HeaderMap::new(), at(100 * n));
        }
        let last = at(100 * CEILING as i64);
        assert_eq!(limits.enter("GET x", "", last).err(), Some(Span::millis(500_000)));
        assert!(limits.enter("GET x", "", at(0) + WINDOW).is_ok());
    }

    #[test]
    fn seconds_have_fractions_and_nonsense_is_nothing() {
        assert_eq!(span("0.25"), Some(Span::millis(250)));
        assert_eq!(span("64.57"), Some(Span(64_570_000)));
        for wrong in ["", "x", "-1", "NaN", "inf", "1e99"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }
}
