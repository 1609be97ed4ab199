//! `who`: who looks after cases, and who is away. People, not accounts.

use super::away::duty;
use super::{About, Action, Turn, Verb};
use crate::case::draft::Draft;
use crate::case::event::Request;
use crate::case::model::Case;
use crate::case::policy::Policy;
use crate::case::record::Query;
use crate::case::rich::Rich;
use std::collections::BTreeMap;

/// See the module.
pub static VERB: Verb = Verb {
    name: "who",
    usage: "who",
    summary: "Shows who looks after cases, and who is away.",
    example: "who",
    about: About::Nothing,
    action: Action::Look,
    query: Some(query),
    ..Verb::plain(run)
};

fn query(_: &Policy, _: &Request, _: &str, _: Option<&Case>) -> Option<Query> {
    Some(Query::NotClosed)
}

fn run(turn: Turn<'_, '_>) {
    let draft = turn.draft;
    let people = people(draft);
    if people.is_empty() {
        return draft.say("Nobody looks after a case, and nobody said that he is away.");
    }
    let duty = duty(draft);
    let line = |rich: Rich, (key, (name, cases)): (&String, &(String, usize))| {
        let rich = rich.line().agent(name);
        let many = if *cases == 1 { "1 case".to_owned() } else { format!("{cases} cases") };
        let rich = rich.say(format!(" · {many}"));
        match duty.away(key, draft.at) {
            None => rich,
            Some(away) => match away.until {
                Some(until) => rich.say(" · away until ").when(until),
                None => rich.say(" · away since ").when(away.since),
            },
        }
    };
    let words = people.iter().fold(Rich::of("Among the cases that wait longest:"), line);
    draft.answer(words, Vec::new());
}

/// Name and number of cases of everybody known, by the key of the person.
fn people(draft: &Draft<'_>) -> BTreeMap<String, (String, usize)> {
    let named = draft.policy.people.keys().map(|name| (name.clone(), (name.clone(), 0)));
    let mut people: BTreeMap<_, _> = named.collect();
    let away = duty(draft);
    let here = away.away.keys().filter(|key| away.away(key, draft.at).is_some());
    for (key, agent) in here.filter_map(|key| Some((key, &away.away.get(key)?.who))) {
        people.entry(key.clone()).or_insert((agent.name.clone(), 0));
    }
    for agent in draft.found.list.iter().filter_map(|s| s.claimer.as_ref()) {
        let key = draft.policy.key(&agent.id);
        people.entry(key).or_insert((agent.name.clone(), 0)).1 += 1;
    }
    people
}
