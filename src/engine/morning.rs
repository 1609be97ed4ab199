//! The digest for the lead each morning: what waits longest, what was promised, what got worse,
//! what called; and whether quiet customers are served as loud ones are.

use super::fairness::{self, Group, said};
use super::rounds::cases;
use crate::case::ability::dollars;
use crate::case::id::AccountId;
use crate::case::model::{Case, Wake};
use crate::case::rich::Rich;
use crate::case::time::{Span, Timestamp};
use crate::network::Paid;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;

/// Cases named under one heading.
const NAMED: usize = 5;
/// Entries of the log read at once.
const PAGE: u64 = 1_000;
/// What called since then is counted, and what was promised until then is named.
const DAY: Span = Span::days(1);
/// Cases of this time are compared by how loud their customers are.
const MONTH: Span = Span::days(30);
/// Fewer cases than this show nothing but chance.
const ENOUGH: usize = 50;

/// The digest as the lead reads it.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn digest(store: &dyn Store, now: Timestamp) -> Result<Rich, StoreError> {
    let all = cases(store).await?;
    let fired = fired(store, now).await?;
    let words = Rich::of("☀️ ").strong("Good morning.").say(standing(&all));
    let words = longest(words, &all, now);
    let words = promised(words, &all, now);
    let words = worse(words, &all);
    let words = called(words, &fired);
    Ok(fair(words, &fairness::groups(store, now - MONTH, now).await?))
}

/// Loud and quiet customers side by side; no customer is named.
fn fair(words: Rich, groups: &[Group]) -> Rich {
    if groups.iter().filter(|group| group.reach.is_some()).map(|group| group.cases).sum::<usize>()
        < ENOUGH
    {
        return words;
    }
    let words = words.line().strong("Loud and quiet, by followers, in 30 days");
    groups.iter().fold(words, |words, group| {
        let (who, median, p90) = (group.followers(), said(group.median), said(group.p90));
        let answered = group.answered;
        words.line().say(format!("• {who}: {answered} % answered, half in {median}, most in {p90}"))
    })
}

fn standing(all: &[Case]) -> String {
    let waiting = all.iter().filter(|case| waits(case)).count();
    let free = all.iter().filter(|case| waits(case) && case.claimer.is_none()).count();
    format!(" {waiting} customers wait, {free} of them with nobody who looks after them.")
}

fn waits(case: &Case) -> bool {
    case.waits.is_some() && case.snoozed.is_none()
}

fn row(words: Rich, case: &Case) -> Rich {
    words.line().say("• ").strong(case.no.to_string()).say(" @").theirs(&case.handle)
}

fn longest(words: Rich, all: &[Case], now: Timestamp) -> Rich {
    let mut waiting: Vec<&Case> = all.iter().filter(|case| waits(case)).collect();
    waiting.sort_by_key(|case| (case.waits, case.no));
    if waiting.is_empty() {
        return words;
    }
    let words = words.line().strong("Waits longest");
    waiting.into_iter().take(NAMED).fold(words, |words, case| {
        let since = case.waits.map_or(Span::default(), |since| now.since(since));
        let owner = case.claimer.as_ref().map_or("nobody", |agent| agent.name.as_str());
        row(words, case).say(format!(": {since}, ")).agent(owner)
    })
}

fn promised(words: Rich, all: &[Case], now: Timestamp) -> Rich {
    let due = |case: &Case| {
        let promises = case.alarms.iter().filter(|alarm| matches!(alarm.what, Wake::Promise(_)));
        promises.map(|alarm| alarm.at).filter(|at| *at <= now + DAY).min()
    };
    let mut due: Vec<(Timestamp, &Case)> =
        all.iter().filter_map(|case| Some((due(case)?, case))).collect();
    due.sort_by_key(|(at, case)| (*at, case.no));
    if due.is_empty() {
        return words;
    }
    let words = words.line().strong("Promised for today");
    due.into_iter().take(NAMED).fold(words, |words, (at, case)| row(words, case).say(": ").when(at))
}

fn worse(words: Rich, all: &[Case]) -> Rich {
    let mut worse: Vec<(Timestamp, &Case)> =
        all.iter().filter_map(|case| Some((case.alert.as_ref()?.since, case))).collect();
    worse.sort_by_key(|(since, case)| (*since, case.no));
    if worse.is_empty() {
        return words;
    }
    let words = words.line().strong("Got worse");
    worse.into_iter().take(NAMED).fold(words, |words, (_, case)| {
        let why = case.alert.as_ref().map_or_else(String::new, |alert| alert.why.join("; "));
        row(words, case).say(format!(": {why}"))
    })
}

fn called(words: Rich, fired: &BTreeMap<String, u32>) -> Rich {
    if fired.is_empty() {
        return words.line().say("Nothing called anybody in the last 24 hours.");
    }
    let counts: Vec<String> = fired.iter().map(|(name, n)| format!("{name} {n}")).collect();
    words.line().strong("Called in the last 24 hours").say(format!(": {}", counts.join(", ")))
}

/// What the accounts have paid to their networks, for whoever has to pay it.
pub(super) fn paid<'a>(words: Rich, accounts: impl Iterator<Item = (&'a AccountId, Paid)>) -> Rich {
    let cost = |(_, paid): &(&AccountId, Paid)| paid.yesterday > 0 || paid.today > 0;
    let mut accounts = accounts.filter(cost).peekable();
    if accounts.peek().is_none() {
        return words;
    }
    accounts.fold(words.line().strong("Paid to networks"), |words, (account, paid)| {
        let (yesterday, today) = (dollars(paid.yesterday), dollars(paid.today));
        let words = words.line().say(format!("• {account}: {yesterday} yesterday, {today} today"));
        match paid.budget {
            Some(budget) => words.say(format!(", of {} a day", dollars(budget))),
            None => words,
        }
    })
}

/// What called since a day ago, by rule; the log is read from its end.
async fn fired(store: &dyn Store, now: Timestamp) -> Result<BTreeMap<String, u32>, StoreError> {
    let (mut end, mut counts) = (store.last_log().await?, BTreeMap::new());
    while end > 0 {
        let from = end.saturating_sub(PAGE);
        let limit = usize::try_from(end - from).unwrap_or(0);
        let page = store.log(from, limit).await?;
        let fresh = page.iter().filter(|entry| entry.seq <= end && now.since(entry.at) < DAY);
        for name in fresh.flat_map(|entry| &entry.fired) {
            *counts.entry(name.clone()).or_default() += 1;
        }
        if page.first().is_none_or(|entry| now.since(entry.at) >= DAY) {
            break;
        }
        end = from;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loud_and_quiet_are_told_when_there_are_enough_of_them() {
        let group = |cases| Group {
            reach: Some((0, 12)),
            cases,
            answered: 90,
            median: Some(Span::minutes(20)),
            p90: None,
        };
        let told = |groups: &[Group]| fair(Rich::of("Good morning."), groups).plain(true);
        let said = told(&[group(20), group(30)]);
        assert!(said.contains("• 0 to 12: 90 % answered, half in 20 min, most in -"), "{said}");
        assert_eq!(told(&[group(20), group(29)]), "Good morning.");
        let unknown = Group { reach: None, ..group(100) };
        assert_eq!(told(&[unknown]), "Good morning.");
    }

    #[test]
    fn what_was_paid_is_said_and_nothing_where_nothing_was() {
        let (dear, free) = (AccountId::new("acme_x"), AccountId::new("acme_idle"));
        let cost = Paid { yesterday: 420, today: 15, budget: Some(5_000) };
        let all = [(&dear, cost), (&free, Paid::default())];
        let said = paid(Rich::of("Good morning."), all.into_iter()).plain(true);
        assert!(said.contains("acme_x: $0.42 yesterday, $0.015 today, of $5.00 a day"), "{said}");
        assert!(!said.contains("acme_idle"), "{said}");
        let none = paid(Rich::of("Good morning."), [(&free, Paid::default())].into_iter());
        assert_eq!(none.plain(true), "Good morning.");
    }
}
