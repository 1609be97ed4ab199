//! When somebody is called: `[alerts]`, its ladder, and the opening `[hours]`. Words that matter
//! stand in a file of their own, see `escalation`.

use super::file::File;
use super::policy::desk_of;
use super::wiring::close;
use crate::case::hours::Hours;
use crate::case::id::{AccountId, AgentId, ChannelId, DeskId};
use crate::case::model::Priority;
use crate::case::policy::{Alerts, Called, Person, Promised, Rung};
use crate::case::role::Role;
use crate::case::time::Span;
use crate::setting::{Mistake, Section};
use std::collections::{BTreeMap, BTreeSet};

const CALLS: [&str; 5] = ["channel", "claimer", "lead", "on-call", "agents"];

/// Reads all of it; mistakes are noted.
pub(super) fn read(
    file: &mut File<'_>,
    zone: &str,
    desks: &BTreeSet<String>,
    people: &BTreeMap<String, Person>,
    accounts: &BTreeMap<AccountId, ChannelId>,
    mistakes: &mut Vec<Mistake>,
) -> Alerts {
    let mut alerts =
        Alerts { hours: hours(&file.section("hours"), zone, mistakes), ..Alerts::default() };
    for (_, section) in file.group("alerts.ladder") {
        alerts.ladder.extend(rung(&section, desks, people));
        close(&section, mistakes);
    }
    for (_, section) in file.group("alerts.promise") {
        alerts.promises.push(promise(&section, accounts));
        close(&section, mistakes);
    }
    let section = file.section("alerts");
    let again = section.number("again", 0);
    alerts.again = u32::try_from(again).unwrap_or_else(|_| {
        section.wrong("again", "must be 0 (never) or a number of posts");
        0
    });
    alerts.period = section.span("period", alerts.period);
    let digest = section.text("digest").filter(|text| !text.is_empty());
    alerts.digest = digest.as_deref().and_then(minute).filter(|minute| *minute < 1440);
    if digest.is_some() && alerts.digest.is_none() {
        section.wrong("digest", "must be a time of day such as \"8:30\", or \"\" for none");
    }
    alerts.on_call = on_call(&section, people, &alerts.ladder);
    if let Some(channel) = section.text("channel") {
        let desk = desk_of(&section, desks);
        alerts.channel = desk.map(|desk| ChannelId { desk: DeskId::new(desk), channel });
    } else if section.text("desk").is_some() {
        section.wrong("desk", "names a desk without a channel");
    }
    close(&section, mistakes);
    alerts
}

/// How soon answers are promised, to whom.
fn promise(section: &Section, accounts: &BTreeMap<AccountId, ChannelId>) -> Promised {
    let account = section.text("account").map(AccountId::new);
    if account.as_ref().is_some_and(|account| !accounts.contains_key(account)) {
        section.wrong("account", "there is no such account");
    }
    let priority = match section.one_of("priority", &["any", "high", "normal", "low"]).as_str() {
        "high" => Some(Priority::High),
        "normal" => Some(Priority::Normal),
        "low" => Some(Priority::Low),
        _ => None,
    };
    let span = |key| Some(section.span(key, Span::default())).filter(|span| span.0 > 0);
    let (first, next, solved) = (span("first"), span("next"), span("solved"));
    if first.or(next).or(solved).is_none() {
        section.wrong("first", "promises nothing; say first, next or solved");
    }
    Promised { account, priority, first, next, solved }
}

/// People by name; a rung that calls them needs at least one.
fn on_call(section: &Section, people: &BTreeMap<String, Person>, ladder: &[Rung]) -> Vec<String> {
    let names = section.list("on_call");
    for name in names.iter().filter(|name| !people.contains_key(*name)) {
        section.wrong("on_call", format!("there is no [people.{name}]"));
    }
    if names.is_empty() && ladder.iter().any(|rung| rung.calls == Called::OnCall) {
        section.wrong("on_call", "names nobody, and a rung of the ladder calls whoever is on call");
    }
    names
}

fn rung(
    section: &Section,
    desks: &BTreeSet<String>,
    people: &BTreeMap<String, Person>,
) -> Option<Rung> {
    let _ = section.required("patience");
    let patience = section.span("patience", Span::minutes(30));
    if patience < Span::seconds(1) {
        section.wrong("patience", "must be at least 1 s");
    }
    let calls = section.one_of("calls", &CALLS);
    let users = section.list("agents");
    let desk = section.text("desk");
    if calls != "agents" && (!users.is_empty() || desk.is_some()) {
        section.wrong("calls", "must be \"agents\" if agents are named");
    }
    let calls = match calls.as_str() {
        "claimer" => Called::Claimer,
        "on-call" => Called::OnCall,
        "lead" if !people.values().any(|person| person.role == Role::Lead) => {
            section.wrong("calls", "is \"lead\", and nobody in [people] is one");
            return None;
        }
        "lead" => Called::Leads,
        "agents" if users.is_empty() => {
            section.wrong("agents", "names nobody");
            return None;
        }
        "agents" => {
            let desk = DeskId::new(desk_of(section, desks)?);
            let agent = |user| AgentId { desk: desk.clone(), user };
            Called::Agents(users.into_iter().map(agent).collect())
        }
        _ => Called::Channel,
    };
    Some(Rung { patience, calls })
}

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Opening hours; without the section a team is always there, with it a day that is not named is
/// closed.
fn hours(section: &Section, zone: &str, mistakes: &mut Vec<Mistake>) -> Hours {
    let mut hours = Hours { zone: zone.to_owned(), ..Hours::always() };
    if !section.entries.is_empty() {
        hours.week = DAYS.map(|day| {
            let text = section.text(day).unwrap_or_default();
            openings(&text).unwrap_or_else(|| {
                section
                    .wrong(day, "must be such as \"9:00-12:30, 13:30-18:00\", or \"\" for closed");
                Vec::new()
            })
        });
        hours.holidays = section.list("holidays").into_iter().collect();
        if hours.holidays.iter().any(|day| day.parse::<jiff::civil::Date>().is_err()) {
            section.wrong("holidays", "each must be a date such as \"2026-12-25\"");
        }
    }
    close(section, mistakes);
    hours
}

/// Openings of a day in minutes after midnight, sorted and apart; `None` if they are not.
fn openings(text: &str) -> Option<Vec<(u16, u16)>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let all: Option<Vec<(u16, u16)>> = parts
        .map(|part| {
            let (from, to) = part.split_once('-')?;
            Some((minute(from)?, minute(to)?)).filter(|(from, to)| from < to)
        })
        .collect();
    all.filter(|all| all.windows(2).all(|pair| pair[0].1 < pair[1].0))
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let whole = hour * 60 + minute;
    (hour <= 24 && minute < 60 && whole <= 1440).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_in_minutes() {
        assert_eq!(openings("9:00-12:30, 13:30-18:00"), Some(vec![(540, 750), (810, 1080)]));
        assert_eq!(openings("0:00-24:00"), Some(vec![(0, 1440)]));
        assert_eq!(openings(""), Some(Vec::new()));
        for bad in
            ["9-17", "17:00-9:00", "9:00-12:00, 11:00-13:00", "9:00-24:01", "x", "25:00-26:00"]
        {
            assert_eq!(openings(bad), None, "{bad}");
        }
    }
}
