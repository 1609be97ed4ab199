//! Somebody is typing: what could stand there, best first. Writes nothing. Whoever may not act on
//! cases is shown none.

use super::asked::may_ask;
use crate::case::draft::Draft;
use crate::case::effect::{Answer, Choice};
use crate::case::event::{Open, Typed};
use crate::case::model::Status;
use crate::case::record::{Decision, Summary};
use crate::case::text::cut;

/// Choices that are shown, and letters of one (Discord takes 25, and 100 letters each).
const CHOICES: usize = 25;
const LABEL: usize = 90;
/// Times that people often mean.
const TIMES: [&str; 7] =
    ["30min", "2h", "4h", "tomorrow 9:00", "monday 9:00", "friday 12:00", "until they answer"];

pub fn decide(mut draft: Draft<'_>, typed: &Typed) -> Decision {
    let allowed = may_ask(&draft, &typed.by, typed.standing).is_ok();
    let mut choices = match typed.of {
        _ if !allowed => Vec::new(),
        Open::Case => draft.found.list.iter().map(of_case).collect(),
        Open::Canned => canned(&draft, &typed.begun),
        Open::When => times(&typed.begun),
    };
    choices.truncate(CHOICES);
    draft.out.answer = Some(Answer::Choices(choices));
    draft.done("completed")
}

fn choice(label: &str, value: &str) -> Choice {
    Choice { label: cut(label, LABEL), value: value.to_owned() }
}

fn of_case(case: &Summary) -> Choice {
    let status = match case.status {
        Status::Open => "open",
        Status::Answered => "answered",
        Status::Closed => "closed",
    };
    let who = case.claimer.as_ref().map_or("nobody", |who| who.name.as_str());
    let handle = crate::case::clean::line(case.handle.raw());
    choice(&format!("{} @{handle} · {status} · {who}", case.no), &case.no.0.to_string())
}

fn canned(draft: &Draft<'_>, begun: &str) -> Vec<Choice> {
    let begun = begun.to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&begun);
    let all = draft.policy.canned.iter().filter(|(name, text)| holds(name) || holds(text));
    all.map(|(name, text)| choice(&format!("{name}: {text}"), name)).collect()
}

/// What was typed stands first: most times are none of ours.
fn times(begun: &str) -> Vec<Choice> {
    let begun = begun.trim();
    let own = (!begun.is_empty()).then(|| choice(begun, &cut(begun, LABEL)));
    let known =
        TIMES.iter().filter(|time| time.contains(&*begun.to_lowercase()) && **time != begun);
    own.into_iter().chain(known.map(|time| choice(time, time))).collect()
}
