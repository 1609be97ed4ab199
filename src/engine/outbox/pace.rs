//! How fast posts may leave: a bucket of tokens for each channel and account.

use crate::case::time::{Span, Timestamp};

/// A pace: so many at once, then one each so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// At once.
    pub burst: u32,
    /// Then one each so often.
    pub every: Span,
}

/// What is left of a pace's burst.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    /// When the bucket is full again; each post moves it by one step.
    full: Timestamp,
}

impl Tokens {
    /// A full bucket.
    pub(super) const fn full() -> Self {
        Self { full: Timestamp(i64::MIN) }
    }

    /// As good as new: nothing need be remembered of it.
    pub(super) fn is_full(self, now: Timestamp) -> bool {
        self.full <= now
    }

    /// When the next post may leave.
    pub(super) fn next(self, pace: Pace) -> Timestamp {
        let burst = i64::from(pace.burst.max(1)) - 1;
        Timestamp(self.full.0.saturating_sub(pace.every.0.saturating_mul(burst)))
    }

    /// One post leaves now. A clock that was set back does not make anybody wait longer than a
    /// whole burst.
    pub(super) fn take(&mut self, now: Timestamp, pace: Pace) {
        let most = now + Span(pace.every.0.saturating_mul(i64::from(pace.burst.max(1))));
        self.full = (self.full.max(now) + pace.every).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_by_one() {
        let pace = Pace { burst: 3, every: Span::seconds(1) };
        let mut tokens = Tokens::full();
        let now = Timestamp::from_seconds(100);
        for _ in 0..3 {
            assert!(tokens.next(pace) <= now);
            tokens.take(now, pace);
        }
        assert_eq!(tokens.next(pace), Timestamp::from_seconds(101));
        let earlier = Timestamp::from_seconds(10);
        tokens.take(earlier, pace);
        assert!(tokens.next(pace) <= Timestamp::from_seconds(11), "the clock was set back");
    }
}
