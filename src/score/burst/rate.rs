//! How many usually come: by hour of the week, learned from what came, with its own noise.

use crate::case::time::{Span, Timestamp};
use std::collections::VecDeque;

const DAY: usize = 24;
const WEEK: usize = 7 * DAY;
/// Whole hours before anything is said: each hour of the day was seen once.
const COLD: f64 = 24.0;
/// What an hour of a day taught fades by this much with each day.
const FADE: f64 = 0.85;
/// How many hours of the wider view an hour's own experience is mixed with.
const MIXED: f64 = 0.5;
/// The last hours tell whether this is a busy day; the newest quarter may be a burst and does not.
const LATELY: Span = Span::hours(3);
const NEWEST: Span = Span::minutes(15);
/// So many events at the usual rate weigh as much as what came lately.
const STEADY: f64 = 8.0;
/// Noise beyond that of independent events: a storm brings more of everything.
const NOISE: f64 = 0.02;
/// Times that are remembered; more in three hours is a burst in any view.
const REMEMBERED: usize = 8192;

/// One stream of events: a brand on a network, or one topic of it.
#[derive(Clone, Debug)]
pub struct Rate {
    /// The hour that is not over, and what came in it.
    hour: Option<(i64, u32)>,
    /// The first hour was not seen whole.
    whole: bool,
    day: [Slot; DAY],
    week: [Slot; WEEK],
    all: Slot,
    recent: VecDeque<Timestamp>,
}

/// Events and hours, both fading.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    events: f64,
    hours: f64,
}

impl Slot {
    fn add(&mut self, events: f64, fade: f64) {
        self.events = self.events.mul_add(fade, events);
        self.hours = self.hours.mul_add(fade, 1.0);
    }

    /// The rate, mixed with a wider view of it.
    fn mixed(self, wider: f64) -> f64 {
        MIXED.mul_add(wider, self.events) / (self.hours + MIXED)
    }
}

/// What a stretch of time should have brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// Events.
    pub mean: f64,
    /// Their variance is `mean + noise * mean²`.
    pub noise: f64,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            hour: None,
            whole: false,
            day: [Slot::default(); DAY],
            week: [Slot::default(); WEEK],
            all: Slot::default(),
            recent: VecDeque::new(),
        }
    }
}

impl Rate {
    /// An event. Time does not go back: an older one counts as of now.
    pub fn add(&mut self, at: Timestamp) {
        let at = self.recent.back().map_or(at, |last| at.max(*last));
        self.close_hours(hour(at));
        if let Some((_, count)) = &mut self.hour {
            *count = count.saturating_add(1);
        }
        self.recent.push_back(at);
        let old = |first: &Timestamp| at.since(*first) > Span(LATELY.0 + NEWEST.0);
        while self.recent.front().is_some_and(old) || self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
    }

    /// Nothing is known yet.
    #[must_use]
    pub fn cold(&self) -> bool {
        self.all.hours < COLD
    }

    /// Events of the last stretch of time, and the first of them.
    #[must_use]
    pub fn last(&self, at: Timestamp, stretch: Span) -> (u32, Option<Timestamp>) {
        let inside = self.recent.iter().rev().take_while(|then| at.since(**then) < stretch);
        inside.fold((0, None), |(count, _), then| (count + 1, Some(*then)))
    }

    /// What the last stretch of time should have brought.
    #[must_use]
    pub fn expected(&self, at: Timestamp, stretch: Span) -> Expected {
        let usual = self.usual(at);
        let slot = self.day[of(hour(at), DAY)];
        Expected {
            mean: usual * self.lately(at) * hours(stretch),
            noise: NOISE + 1.0 / (slot.events + 5.0),
        }
    }

    /// How busy it has been lately, against what is usual: 1 is as usual.
    fn lately(&self, at: Timestamp) -> f64 {
        let came = self.recent.iter().filter(|then| at.since(**then) >= NEWEST).count();
        #[allow(clippy::cast_precision_loss, reason = "at most a few thousand")]
        let came = came as f64;
        let step = Span::minutes(30);
        let mut usual = 0.0;
        let mut then = Timestamp(at.0 - NEWEST.0 - step.0 / 2);
        while at.since(then) < Span(LATELY.0 + NEWEST.0) {
            usual += self.usual(then) * hours(step);
            then = Timestamp(then.0 - step.0);
        }
        ((came + STEADY) / (usual + STEADY)).clamp(0.4, 4.0)
    }

    /// Events an hour at this instant, between the middles of two hours.
    fn usual(&self, at: Timestamp) -> f64 {
        let middle = Timestamp(at.0 - Span::minutes(30).0);
        let first = hour(middle);
        let share = hours(Span(middle.0 - first * Span::hours(1).0));
        self.of_hour(first).mul_add(1.0 - share, self.of_hour(first + 1) * share)
    }

    /// The rate of an hour: this hour of this weekday, mixed with this hour of any day and its
    /// neighbours, mixed with any hour.
    fn of_hour(&self, hour: i64) -> f64 {
        let any = if self.all.hours > 0.0 { self.all.events / self.all.hours } else { 0.0 };
        let mut near = self.day[of(hour, DAY)];
        for beside in [hour - 1, hour + 1] {
            let beside = self.day[of(beside, DAY)];
            near.events += beside.events * 0.25;
            near.hours += beside.hours * 0.25;
        }
        let daily = near.mixed(any);
        // The weekday's own hour counts once it was seen in two weeks.
        let weekly = self.week[of(hour, WEEK)];
        if weekly.hours > 1.5 { weekly.mixed(daily) } else { daily }
    }

    /// Learns from the hours that are over.
    fn close_hours(&mut self, now: i64) {
        let Some((mut open, mut count)) = self.hour else {
            self.hour = Some((now, 0));
            return;
        };
        // A longer silence is an outage of ours and teaches nothing.
        let ends = now.min(open + i64::from(DAY as u8));
        while open < ends {
            if self.whole {
                self.learn(open, f64::from(count));
            }
            (self.whole, count, open) = (true, 0, open + 1);
        }
        self.whole &= ends == now;
        self.hour = Some((now, count));
    }

    /// A burst is not to become the usual: an hour teaches at most twice what is expected.
    fn learn(&mut self, hour: i64, count: f64) {
        let most = if self.cold() { f64::MAX } else { (2.0 * self.of_hour(hour)).max(5.0) };
        let count = count.min(most);
        self.day[of(hour, DAY)].add(count, FADE);
        self.week[of(hour, WEEK)].add(count, FADE);
        self.all.add(count, 1.0);
    }
}

impl Expected {
    /// How likely so many or more come by chance: the upper tail of a negative binomial.
    #[must_use]
    pub fn chance(self, count: u32) -> f64 {
        let mean = self.mean.max(1e-6);
        let shape = 1.0 / self.noise.max(1e-6);
        let step = mean / (mean + shape);
        let mut term = (-shape * (mean / shape).ln_1p()).exp();
        let mut below = 0.0;
        for n in 0..count {
            below += term;
            term *= (shape + f64::from(n)) / f64::from(n + 1) * step;
        }
        (1.0 - below).max(0.0)
    }
}

const fn hour(at: Timestamp) -> i64 {
    at.0.div_euclid(Span::hours(1).0)
}

#[allow(clippy::cast_precision_loss, reason = "lengths of days")]
fn hours(span: Span) -> f64 {
    span.0 as f64 / Span::hours(1).0 as f64
}

/// An hour's place in a day or a week.
#[allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
const fn of(hour: i64, of: usize) -> usize {
    hour.rem_euclid(of as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_that_of_a_negative_binomial() {
        // Almost no noise is a Poisson distribution: P(X >= 8 | 3) = 0.0119.
        let quiet = Expected { mean: 3.0, noise: 0.0 };
        assert!((quiet.chance(8) - 0.0119).abs() < 1e-4, "{}", quiet.chance(8));
        assert!((quiet.chance(0) - 1.0).abs() < 1e-12);
        // Noise 1 is a geometric distribution: P(X >= 4 | 3) = (3/4)^4.
        let noisy = Expected { mean: 3.0, noise: 1.0 };
        assert!((noisy.chance(4) - 0.75_f64.powi(4)).abs() < 1e-9, "{}", noisy.chance(4));
    }

    #[test]
    fn a_rate_is_learned_by_the_hour() {
        let mut rate = Rate::default();
        for minute in 0..(3 * 24 * 60) {
            let busy = (minute / 60) % 24 >= 12;
            if minute % if busy { 2 } else { 20 } == 0 {
                rate.add(Timestamp::from_seconds(minute * 60));
            }
        }
        let at = |hour: i64| Timestamp::from_seconds((3 * 24 + hour) * 3600 + 1800);
        assert!((rate.usual(at(18)) - 30.0).abs() < 2.0, "{}", rate.usual(at(18)));
        assert!((rate.usual(at(6)) - 3.0).abs() < 2.0, "{}", rate.usual(at(6)));
    }

    #[test]
    fn nothing_is_known_on_the_first_day() {
        let mut rate = Rate::default();
        for minute in 0..(24 * 60) {
            rate.add(Timestamp::from_seconds(minute * 60));
            assert!(rate.cold());
        }
    }
}
