//! When a delivery is tried again. Pure: who asks brings the numbers.

use super::limits::ATTEMPTS;
use super::time::Span;

/// How patient a sender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The wait after the first failure; doubled after each further one.
    pub first: Span,
    /// The longest wait that we choose ourselves.
    pub longest: Span,
    /// Tries before it is given up; `None` = never.
    pub tries: Option<u32>,
}

/// Words to customers: given up after [`ATTEMPTS`] and said so, for an answer that comes hours late
/// is worse than one that a person knows to be unsent.
pub const REPLIES: Patience =
    Patience { first: Span::seconds(2), longest: Span::minutes(15), tries: Some(ATTEMPTS) };

/// Words to a desk: never given up, since customers' words must not be missing after an outage.
pub const NOTICES: Patience =
    Patience { first: Span::seconds(1), longest: Span::minutes(1), tries: None };

/// How long to wait after `tried` failures (from 1), never less than the platform asked for.
/// `None`: it is given up.
#[must_use]
pub fn retry(tried: u32, asked: Option<Span>, patience: Patience) -> Option<Span> {
    if patience.tries.is_some_and(|tries| tried >= tries) {
        return None;
    }
    let doubled = patience.first.0.saturating_mul(1 << tried.saturating_sub(1).min(30));
    let own = Span(doubled.min(patience.longest.0));
    Some(asked.map_or(own, |asked| own.max(asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let wait = |tried| retry(tried, None, REPLIES);
        assert_eq!(wait(1), Some(Span::seconds(2)));
        assert_eq!(wait(3), Some(Span::seconds(8)));
        assert_eq!(wait(11), Some(Span::minutes(15)));
        assert_eq!(wait(ATTEMPTS), None);
        assert_eq!(retry(4_000_000, None, NOTICES), Some(Span::minutes(1)));
    }

    #[test]
    fn never_earlier_than_the_platform_asked() {
        assert_eq!(retry(1, Some(Span::hours(2)), REPLIES), Some(Span::hours(2)));
        assert_eq!(retry(9, Some(Span::seconds(1)), REPLIES), Some(Span::seconds(512)));
    }
}
