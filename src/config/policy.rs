//! `policy.toml`: who may speak, how long a reply waits, what is never for a customer.

use super::alerts;
use super::file::File;
use super::people;
use super::wiring::{Wired, close};
use super::{Env, Text};
use crate::case::id::{AccountId, ChannelId, DeskId};
use crate::case::policy::{Policy, Relay};
use crate::case::time::Span;
use crate::setting::{Mistake, Section};
use std::collections::{BTreeMap, BTreeSet};

/// What this file decided.
pub(super) struct Ruled {
    pub(super) policy: Policy,
    pub(super) retention: Option<Span>,
}

const KNOWN: &str = "the keys above the first header, [fuse], [agents], [people.NAME], \
    [signatures], [ops], [hours], [score], [alerts], [[alerts.ladder]], \
    [[alerts.promise]]";

/// Reads the file; mistakes are noted. Routes and abilities come from the wiring.
pub(super) fn read(text: &Text, env: Env, wired: &Wired, mistakes: &mut Vec<Mistake>) -> Ruled {
    let mut policy = Policy::standard();
    policy.routes = wired.routes.clone();
    policy.abilities = wired.abilities.clone();
    let Some(mut file) = File::open(text, env, mistakes) else {
        return Ruled { policy, retention: None };
    };
    let top = file.top();
    times(&top, &mut policy);
    words(&top, &mut policy);
    let days = top.number("retention_days", 0);
    if !(0..=36_500).contains(&days) {
        top.wrong("retention_days", "must be between 0 (keep for ever) and 36500");
    }
    close(&top, mistakes);
    fuse(&file.section("fuse"), &mut policy, mistakes);
    policy.signatures = signatures(&file.section("signatures"), &policy.routes, mistakes);
    policy.people = people::read(&mut file, &wired.desk_names, mistakes);
    policy.agents = agents(&file.section("agents"), &wired.desk_names, mistakes);
    policy.ops = ops(&file.section("ops"), &wired.desk_names, mistakes);
    policy.alerts = alerts::read(
        &mut file,
        &policy.zone,
        &wired.desk_names,
        &policy.people,
        &policy.routes,
        mistakes,
    );
    let section = file.section("score");
    policy.score = section.flag("on", policy.score);
    close(&section, mistakes);
    file.done(KNOWN, mistakes);
    Ruled { policy, retention: (days > 0).then(|| Span::days(days)) }
}

fn times(top: &Section, policy: &mut Policy) {
    policy.relay = match top.one_of("relay", &["claimer", "explicit"]).as_str() {
        "explicit" => Relay::Explicit,
        _ => Relay::Claimer,
    };
    policy.undo = top.span("undo", policy.undo);
    policy.stale = top.span("stale", policy.stale);
    policy.reopen = top.span("reopen", policy.reopen);
    policy.sticky = top.span("sticky", policy.sticky);
    policy.pleasantries = top.flag("pleasantries", policy.pleasantries);
    policy.dry_run = top.flag("dry_run", policy.dry_run);
    policy.zone = top.text("zone").unwrap_or_else(|| policy.zone.clone());
    if jiff::tz::TimeZone::get(&policy.zone).is_err() {
        top.wrong("zone", "is not a time zone; write it as \"Europe/Berlin\" or \"UTC\"");
    }
    // Longer than an hour, and an agent has forgotten that his words still wait.
    if policy.undo > Span::hours(1) {
        top.wrong("undo", "must be at most 1 h");
    }
    if policy.stale <= policy.undo {
        top.wrong("stale", "must be longer than undo, or every reply would ask again");
    }
}

fn words(top: &Section, policy: &mut Policy) {
    policy.inside_words = top.list("inside_words");
    policy.note_marks = top.list("note_marks");
    if top.entries.contains_key("languages") {
        policy.languages = top.list("languages");
    }
    policy.signature = top.text("signature").filter(|text| !text.trim().is_empty());
    for (key, list) in [("inside_words", &policy.inside_words), ("note_marks", &policy.note_marks)]
    {
        if list.iter().any(|word| word.trim().is_empty()) {
            top.wrong(key, "an empty word would match everything; remove it");
        }
    }
}

fn signatures(
    section: &Section,
    routes: &BTreeMap<AccountId, ChannelId>,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<AccountId, String> {
    let given = routes.keys().filter(|account| section.entries.contains_key(account.as_str()));
    let text = |account: &AccountId| section.text(account.as_str()).unwrap_or_default();
    let signatures = given.map(|account| (account.clone(), text(account))).collect();
    close(section, mistakes);
    signatures
}

fn fuse(section: &Section, policy: &mut Policy, mistakes: &mut Vec<Mistake>) {
    let rate = |key: &str, default: u32| {
        let number = section.number(key, i64::from(default));
        u32::try_from(number).ok().filter(|n| (1..=10_000).contains(n)).unwrap_or_else(|| {
            section.wrong(key, "must be between 1 and 10000 posts per minute");
            default
        })
    };
    policy.fuse_account = rate("account_per_minute", policy.fuse_account);
    policy.fuse_case = rate("case_per_minute", policy.fuse_case);
    close(section, mistakes);
}

fn agents(
    section: &Section,
    desks: &BTreeSet<String>,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<DeskId, BTreeSet<String>> {
    let given = desks.iter().filter(|desk| section.entries.contains_key(*desk));
    let list = |desk: &String| section.list(desk).into_iter().collect();
    let agents = given.map(|desk| (DeskId::new(desk.as_str()), list(desk))).collect();
    close(section, mistakes);
    agents
}

fn ops(
    section: &Section,
    desks: &BTreeSet<String>,
    mistakes: &mut Vec<Mistake>,
) -> Option<ChannelId> {
    if section.entries.is_empty() {
        return None;
    }
    let channel = section.required("channel");
    let desk = desk_of(section, desks);
    close(section, mistakes);
    Some(ChannelId { desk: DeskId::new(desk?), channel })
}

/// The desk that a section names; with one desk its name need not be said.
pub(super) fn desk_of(section: &Section, desks: &BTreeSet<String>) -> Option<String> {
    let only = (desks.len() == 1).then(|| desks.first().cloned()).flatten();
    let known = || desks.iter().cloned().collect::<Vec<_>>().join(", ");
    match section.text("desk").or(only) {
        Some(desk) if desks.contains(&desk) => Some(desk),
        Some(_) => {
            section.wrong("desk", format!("there is no such desk; known are: {}", known()));
            None
        }
        None => {
            section.wrong("desk", "is missing; with several desks a route must name one");
            None
        }
    }
}

/// `phrases.toml`: stock replies by name. Mistakes are noted.
pub(super) fn phrases(
    text: &Text,
    env: Env,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<String, String> {
    let Some(mut file) = File::open(text, env, mistakes) else { return BTreeMap::new() };
    let section = file.section("canned");
    let names: Vec<String> = section.entries.keys().cloned().collect();
    let mut canned = BTreeMap::new();
    for name in names {
        let words = section.text(&name).unwrap_or_default();
        if words.trim().is_empty() {
            section.wrong(&name, "a stock reply needs words");
        }
        canned.insert(name, words);
    }
    close(&section, mistakes);
    file.done("[canned]", mistakes);
    canned
}
