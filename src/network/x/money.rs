//! What X was paid today: by kind, by case, and against the daily budget.
//!
//! X takes credits for each thing read or written; one thing read twice within a day of UTC is
//! charged once, as X says, but does not promise. Prices: X's documentation, "Pricing"
//! (`x-api/getting-started/pricing`, August 2026); those marked are guesses to be held against a
//! bill.

use crate::case::id::DeliveryId;
use crate::case::time::Timestamp;
use crate::network::Paid;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A mention of us or a post of our own, read with our own app ("Owned Reads").
pub(super) const OWNED: Kind = Kind { name: "owned_read", mills: 1 };
/// Anybody's post.
pub(super) const READ: Kind = Kind { name: "post_read", mills: 5 };
/// A direct message that was read.
pub(super) const DIRECT_READ: Kind = Kind { name: "direct_read", mills: 10 };
/// An event of the activity API. A guess: the price list names no figure for it.
pub(super) const EVENT: Kind = Kind { name: "event", mills: 5 };
/// A post.
pub(super) const POST: Kind = Kind { name: "post", mills: 15 };
/// A post that holds a link.
pub(super) const LINK: Kind = Kind { name: "post_with_link", mills: 200 };
/// A direct message that was sent.
pub(super) const DIRECT: Kind = Kind { name: "direct", mills: 15 };

/// Things of one day that are remembered as paid.
const SEEN: usize = 20_000;
/// Cases of one day whose cost is kept.
const CASES: usize = 1_000;
const DAY: i64 = 86_400_000_000;

/// What is paid for, and how much: thousandths of a US dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) mills: u64,
}

/// How the budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// There is enough, or no budget.
    Enough,
    /// More than four fifths are spent.
    Scarce,
    /// All is spent.
    Spent,
}

/// One day, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Day {
    day: i64,
    mills: u64,
    /// What the day before came to.
    before: u64,
    kinds: BTreeMap<String, u64>,
    cases: BTreeMap<String, u64>,
}

/// The books of one account.
pub(super) struct Books {
    account: String,
    budget: Option<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    day: Day,
    seen: BTreeSet<String>,
    kept: u64,
    told: Option<(i64, Level)>,
}

impl Books {
    pub(super) fn new(account: &str, budget: Option<u64>) -> Self {
        Self { account: account.to_owned(), budget, state: Mutex::default() }
    }

    fn state(&self, now: Timestamp) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let day = now.0.div_euclid(DAY);
        if state.day.day != day {
            let before = if state.day.day == day - 1 { state.day.mills } else { 0 };
            state.day = Day { day, before, ..Day::default() };
            state.seen.clear();
            state.kept = 0;
        }
        state
    }

    /// Takes over what was kept before a restart.
    pub(super) fn open(&self, kept: Option<&str>, now: Timestamp) {
        let Some(day) = kept.and_then(|text| serde_json::from_str::<Day>(text).ok()) else {
            return;
        };
        let mut state = self.state(now);
        if day.day == state.day.day {
            state.kept = day.mills;
            state.day = day;
        } else if day.day == state.day.day - 1 {
            state.day.before = day.mills;
        }
    }

    /// Things of this kind were read.
    pub(super) fn read<'a>(&self, kind: Kind, ids: impl Iterator<Item = &'a str>, now: Timestamp) {
        let new = {
            let mut state = self.state(now);
            let room = SEEN.saturating_sub(state.seen.len());
            let ids = ids.filter(|id| !state.seen.contains(*id)).map(str::to_owned);
            let ids: BTreeSet<String> = ids.collect();
            let new = ids.len() as u64;
            state.seen.extend(ids.into_iter().take(room));
            new
        };
        self.pay(kind, new, None, now);
    }

    /// Something of this kind was done for a delivery.
    pub(super) fn wrote(&self, kind: Kind, delivery: &DeliveryId, now: Timestamp) {
        let case = delivery.as_str().split('.').next().unwrap_or_default();
        self.pay(kind, 1, Some(case), now);
        tracing::info!(account = %self.account, %delivery, kind = kind.name, mills = kind.mills,
            "paid to the network");
    }

    fn pay(&self, kind: Kind, times: u64, case: Option<&str>, now: Timestamp) {
        let mills = kind.mills * times;
        if mills == 0 {
            return;
        }
        let labels = [("account", self.account.clone()), ("kind", kind.name.to_owned())];
        metrics::counter!("careline_paid_millidollars", &labels).increment(mills);
        let mut state = self.state(now);
        state.day.mills += mills;
        *state.day.kinds.entry(kind.name.to_owned()).or_default() += mills;
        let known =
            |case: &&str| state.day.cases.len() < CASES || state.day.cases.contains_key(*case);
        if let Some(case) = case.filter(known).map(str::to_owned) {
            *state.day.cases.entry(case).or_default() += mills;
        }
    }

    /// How the budget stands.
    pub(super) fn level(&self, now: Timestamp) -> Level {
        let Some(budget) = self.budget else { return Level::Enough };
        match self.state(now).day.mills {
            spent if spent >= budget => Level::Spent,
            spent if spent * 5 >= budget * 4 => Level::Scarce,
            _ => Level::Enough,
        }
    }

    /// What was spent today, and of how much.
    pub(super) fn spent(&self, now: Timestamp) -> (u64, Option<u64>) {
        (self.state(now).day.mills, self.budget)
    }

    /// For whoever has to pay it.
    pub(super) fn paid(&self, now: Timestamp) -> Paid {
        let state = self.state(now);
        Paid { yesterday: state.day.before, today: state.day.mills, budget: self.budget }
    }

    /// The level, once a day for each that is worse than before; its name tells it apart.
    pub(super) fn news(&self, now: Timestamp) -> Option<(Level, String)> {
        let level = self.level(now);
        let mut state = self.state(now);
        let day = state.day.day;
        let known = state.told.filter(|(of, _)| *of == day).map_or(Level::Enough, |(_, l)| l);
        if level <= known {
            return None;
        }
        state.told = Some((day, level));
        Some((level, format!("{day}/{level:?}")))
    }

    /// What is to be kept, if it changed since.
    pub(super) fn keep(&self, now: Timestamp) -> Option<String> {
        let mut state = self.state(now);
        if state.kept == state.day.mills {
            return None;
        }
        state.kept = state.day.mills;
        serde_json::to_string(&state.day).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(DAY * 20_000);

    #[test]
    fn a_thing_is_paid_once_a_day_and_the_budget_has_levels() {
        let books = Books::new("acme", Some(100));
        books.read(READ, ["1", "2", "1"].into_iter(), NOW);
        books.read(READ, ["2", "3"].into_iter(), NOW);
        assert_eq!(books.spent(NOW), (15, Some(100)));
        assert_eq!((books.level(NOW), books.news(NOW)), (Level::Enough, None));
        for n in 0..5 {
            books.wrote(POST, &DeliveryId::new(format!("42.{n}")), NOW);
        }
        assert_eq!(books.level(NOW), Level::Scarce);
        assert_eq!(books.news(NOW).map(|(level, _)| level), Some(Level::Scarce));
        assert_eq!(books.news(NOW), None, "told once");
        books.wrote(LINK, &DeliveryId::new("42.9"), NOW);
        assert_eq!(books.news(NOW).map(|(level, _)| level), Some(Level::Spent));
        let tomorrow = Timestamp(NOW.0 + DAY);
        let spent = books.spent(NOW).0;
        assert_eq!((books.level(tomorrow), books.spent(tomorrow).0), (Level::Enough, 0));
        let paid = Paid { yesterday: spent, today: 0, budget: Some(100) };
        assert_eq!(books.paid(tomorrow), paid);
        assert_eq!(books.paid(Timestamp(NOW.0 + 3 * DAY)).yesterday, 0);
    }

    #[test]
    fn what_was_spent_outlives_a_restart_of_the_same_day() {
        let books = Books::new("acme", None);
        books.wrote(DIRECT, &DeliveryId::new("7.1"), NOW);
        let kept = books.keep(NOW).unwrap();
        assert!(kept.contains(r#""7":15"#) && books.keep(NOW).is_none());
        let again = Books::new("acme", None);
        again.open(Some(&kept), NOW);
        assert_eq!(again.spent(NOW).0, 15);
        let late = Books::new("acme", None);
        late.open(Some(&kept), Timestamp(NOW.0 + DAY));
        assert_eq!(late.spent(Timestamp(NOW.0 + DAY)).0, 0);
        assert_eq!(late.paid(Timestamp(NOW.0 + DAY)).yesterday, 15);
    }
}
