//! Opening hours: how long a customer has waited counts only while somebody could have answered.
//!
//! Counted on the line of instants, day by day in the team's own zone, so that both changes of
//! daylight saving, midnight, holidays and the year's end need no special case.

use super::time::{Span, Timestamp};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// When a team is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// The zone's name: `Europe/Berlin`.
    pub zone: String,
    /// Openings of each weekday from Monday, each from minute to minute after midnight, sorted and
    /// apart. `(0, 1440)` is the whole day.
    pub week: [Vec<(u16, u16)>; 7],
    /// Days on which nobody is there: `2026-12-25`.
    pub holidays: BTreeSet<String>,
}

/// After so many days without an opening the search ends: a calendar that is always closed must
/// not hold the program.
const FAR: usize = 400;

impl Hours {
    /// Always open.
    #[must_use]
    pub fn always() -> Self {
        let day = || vec![(0, 1440)];
        let week = [day(), day(), day(), day(), day(), day(), day()];
        Self { zone: "UTC".into(), week, holidays: BTreeSet::new() }
    }

    fn is_always(&self) -> bool {
        self.holidays.is_empty() && self.week.iter().all(|day| day.as_slice() == [(0, 1440)])
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC)
    }

    /// The instant at which so much opening time has passed since `from`. A calendar without any
    /// opening gives `from + span`: late is better than never.
    #[must_use]
    pub fn after(&self, from: Timestamp, span: Span) -> Timestamp {
        if self.is_always() {
            return from + span;
        }
        let mut left = span.0.max(0);
        for (start, end) in self.openings(from) {
            let start = start.max(from.0);
            if end - start >= left {
                return Timestamp(start + left);
            }
            left -= (end - start).max(0);
        }
        from + span
    }

    /// Is somebody there?
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.is_always() || self.opened(at).is_some()
    }

    /// Since when somebody has been there, if somebody is; around the clock since midnight.
    #[must_use]
    pub fn opened(&self, at: Timestamp) -> Option<Timestamp> {
        let mut near = self.openings(at).take(4);
        near.find(|(start, end)| *start <= at.0 && at.0 < *end).map(|(start, _)| Timestamp(start))
    }

    /// The instant of this minute of the day that `at` is in; `None` on a day on which nobody is
    /// there.
    #[must_use]
    pub fn on_day(&self, at: Timestamp, minute: u16) -> Option<Timestamp> {
        let zone = self.zone();
        let day = zone.to_datetime(jiff::Timestamp::from_microsecond(at.0).ok()?).date();
        let weekday = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
        let works = !self.holidays.contains(&day.to_string()) && !self.week[weekday].is_empty();
        works.then(|| instant(&zone, day, minute)).flatten().map(Timestamp)
    }

    /// Openings that end after `from`, in order, as instants.
    fn openings(&self, from: Timestamp) -> impl Iterator<Item = (i64, i64)> + '_ {
        let zone = self.zone();
        let stamp = jiff::Timestamp::from_microsecond(from.0).unwrap_or_default();
        let today = zone.to_datetime(stamp).date();
        let days = std::iter::successors(Some(today), |day| day.tomorrow().ok()).take(FAR);
        let open = days.filter(|day| !self.holidays.contains(&day.to_string()));
        open.flat_map(move |day| {
            let zone = zone.clone();
            let week =
                &self.week[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())];
            week.iter().filter_map(move |(start, end)| {
                Some((instant(&zone, day, *start)?, instant(&zone, day, *end)?))
            })
        })
        .filter(move |(_, end)| *end > from.0)
    }
}

/// The instant of a minute of a day. A minute that the clocks skip is the first one after.
fn instant(zone: &TimeZone, day: Date, minute: u16) -> Option<i64> {
    let (day, minute) = if minute >= 1440 { (day.tomorrow().ok()?, 0) } else { (day, minute) };
    let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
    let time = Time::new(hour, minute, 0, 0).ok()?;
    let zoned = zone.to_ambiguous_zoned(day.to_datetime(time)).compatible().ok()?;
    Some(zoned.timestamp().as_microsecond())
}

/// Reads `2h`, `30 min`, `3 days`, `tomorrow`, `tomorrow 9:00`, `monday 9:00`, `9:00` as an instant
/// after `now` in this zone. `None` if it is nothing of these, or longer than a year.
#[must_use]
pub fn read_when(text: &str, now: Timestamp, zone: &str) -> Option<Timestamp> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return None;
    }
    if let Some(span) = Span::parse(&text) {
        return (span.0 > 0 && span <= Span::days(366)).then(|| now + span);
    }
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let here = zone.to_datetime(jiff::Timestamp::from_microsecond(now.0).ok()?);
    let (day, clock) = match text.split_once(char::is_whitespace) {
        Some((day, clock)) => (day, read_clock(clock.trim())?),
        None if text.contains(':') => ("", read_clock(&text)?),
        None => (text.as_str(), 9 * 60),
    };
    let ahead = days_ahead(day, here.date(), &zone, clock, now)?;
    let date = (0..ahead).try_fold(here.date(), |date, _| date.tomorrow().ok())?;
    instant(&zone, date, clock).map(Timestamp).filter(|at| *at > now)
}

fn days_ahead(day: &str, today: Date, zone: &TimeZone, clock: u16, now: Timestamp) -> Option<u8> {
    const WEEK: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    match day {
        "" | "today" => {
            let passed = instant(zone, today, clock)? <= now.0;
            Some(u8::from(passed && day.is_empty()))
        }
        "tomorrow" => Some(1),
        name => {
            let wanted =
                WEEK.iter().position(|known| name.len() >= 3 && known.starts_with(name))?;
            let have = usize::from(today.weekday().to_monday_zero_offset().unsigned_abs());
            u8::try_from((wanted + 6 - have) % 7 + 1).ok()
        }
    }
}

fn read_clock(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// Takes a time from the beginning of words (`friday 12:00 we call`) and gives the rest. The
/// longest beginning of up to two words that is a time counts.
#[must_use]
pub fn split_when<'w>(words: &'w str, now: Timestamp, zone: &str) -> Option<(Timestamp, &'w str)> {
    let words = words.trim();
    let spaces = words.match_indices(char::is_whitespace).map(|(at, _)| at);
    let ends: Vec<usize> = spaces.chain([words.len()]).take(2).collect();
    let split = |end: usize| Some((read_when(&words[..end], now, zone)?, words[end..].trim()));
    ends.into_iter().rev().find_map(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office() -> Hours {
        let day = || vec![(9 * 60, 17 * 60)];
        let week = [day(), day(), day(), day(), day(), Vec::new(), Vec::new()];
        Hours { zone: "Europe/Berlin".into(), week, holidays: BTreeSet::new() }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("an instant")
    }

    fn after(hours: &Hours, from: &str, span: Span, then: &str) {
        assert_eq!(hours.after(at(from), span), at(then), "{from} + {span}");
    }

    #[test]
    fn time_counts_only_while_somebody_is_there() {
        let hours = office();
        after(&hours, "2026-11-24T10:00:00+01:00", Span::hours(2), "2026-11-24T12:00:00+01:00");
        after(&hours, "2026-11-24T16:30:00+01:00", Span::hours(1), "2026-11-25T09:30:00+01:00");
        after(&hours, "2026-11-24T03:00:00+01:00", Span::hours(1), "2026-11-24T10:00:00+01:00");
        after(&hours, "2026-11-27T16:00:00+01:00", Span::hours(2), "2026-11-30T10:00:00+01:00");
    }

    #[test]
    fn an_end_that_is_just_reached_is_that_day() {
        let hours = office();
        after(&hours, "2026-11-24T16:00:00+01:00", Span::hours(1), "2026-11-24T17:00:00+01:00");
    }

    #[test]
    fn holidays_and_the_years_end() {
        let mut hours = office();
        hours.holidays.insert("2027-01-01".into());
        after(&hours, "2026-12-31T16:30:00+01:00", Span::hours(1), "2027-01-04T09:30:00+01:00");
    }

    #[test]
    fn both_changes_of_daylight_saving() {
        let day = || vec![(0, 1440)];
        let mut hours = Hours { zone: "Europe/Berlin".into(), ..Hours::always() };
        hours.week = [day(), day(), day(), day(), day(), day(), vec![(0, 600), (600, 1440)]];
        // 29 March 2026 has 23 hours, 25 October 25; 24/7 in two pieces is still 24/7.
        after(&hours, "2026-03-29T00:00:00+01:00", Span::hours(24), "2026-03-30T01:00:00+02:00");
        after(&hours, "2026-10-25T00:00:00+02:00", Span::hours(24), "2026-10-25T23:00:00+01:00");
    }

    #[test]
    fn around_the_clock_has_no_gap_at_midnight() {
        let hours = Hours::always();
        after(&hours, "2026-11-24T23:59:30Z", Span::minutes(1), "2026-11-25T00:00:30Z");
        let mut pieces = Hours::always();
        pieces.holidays.insert("2020-01-01".into());
        after(&pieces, "2026-11-24T23:59:30Z", Span::minutes(1), "2026-11-25T00:00:30Z");
        assert!(pieces.is_open(at("2026-11-24T23:59:59.999Z")));
    }

    #[test]
    fn a_team_that_is_never_there_does_not_hang() {
        let mut hours = office();
        hours.week = Default::default();
        after(&hours, "2026-11-24T10:00:00Z", Span::hours(1), "2026-11-24T11:00:00Z");
    }

    #[test]
    fn people_say_when() {
        let now = at("2026-11-25T14:00:00+01:00"); // a Wednesday
        let when = |text: &str| read_when(text, now, "Europe/Berlin").map(|at| at.to_string());
        assert_eq!(when("2h").unwrap(), "2026-11-25T15:00:00.000Z");
        assert_eq!(when("tomorrow").unwrap(), "2026-11-26T08:00:00.000Z");
        assert_eq!(when("tomorrow 10:30").unwrap(), "2026-11-26T09:30:00.000Z");
        assert_eq!(when("mon 9:00").unwrap(), "2026-11-30T08:00:00.000Z");
        assert_eq!(when("wednesday 9:00").unwrap(), "2026-12-02T08:00:00.000Z");
        assert_eq!(when("9:00").unwrap(), "2026-11-26T08:00:00.000Z");
        assert_eq!(when("16:00").unwrap(), "2026-11-25T15:00:00.000Z");
        for nonsense in ["", "soon", "25:00", "0 min", "9999999 days", "-3h", "today 9:00"] {
            assert_eq!(when(nonsense), None, "{nonsense:?}");
        }
    }
}
