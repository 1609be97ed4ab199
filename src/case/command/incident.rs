//! `incident WORDS`: many cases have one cause. `incident says TEXT` writes the statement,
//! `incident over` ends it.

use super::{About, Action, Field, Kind, Turn, Verb, asker};
use crate::case::draft::Draft;
use crate::case::id::ChannelId;
use crate::case::incident::{self, Incident};
use crate::case::limits::{NAME_BYTES, RAW_BYTES};
use crate::case::model::Agent;
use crate::case::rich::Theirs;
use crate::case::text::fit;

/// See the module.
pub static VERB: Verb = Verb {
    name: "incident",
    usage: "incident [WORDS | says TEXT | over]",
    summary: "Groups cases that hold one of the words; their calls are counted until it is over.",
    example: "incident checkout down",
    about: About::Nothing,
    fields: &[Field::free("words", "What is wrong; or: says TEXT; or: over", Kind::Text)],
    action: Action::Sort,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let by = asker(turn.request);
    let draft = turn.draft;
    let rest = turn.rest.trim().trim_matches(['"', '“', '”', '„']);
    match (rest.split_once(char::is_whitespace), incident::open(draft)) {
        (None, None) if rest.is_empty() => draft.say("There is no incident."),
        (None, Some(open)) if rest.is_empty() => draft.say(format!(
            "Incident {} goes on: {} cases, {} calls counted.",
            open.no, open.cases, open.calls
        )),
        (None, Some(open)) if rest.eq_ignore_ascii_case("over") => end(draft, open, by),
        (None, None) if rest.eq_ignore_ascii_case("over") => draft.say("There is no incident."),
        (Some((word, text)), Some(open)) if word.eq_ignore_ascii_case("says") => {
            state(draft, open, text.trim());
        }
        (_, Some(open)) => draft.say(format!(
            "Incident {} goes on. Say `incident over` before you open another one.",
            open.no
        )),
        (_, None) => begin(draft, rest, by, &turn.request.channel),
    }
}

fn begin(draft: &mut Draft<'_>, words: &str, by: Agent, here: &ChannelId) {
    let no = incident::last(draft).map_or(1, |last| last.no + 1);
    let channel = draft.policy.alerts.channel.clone().unwrap_or_else(|| here.clone());
    let begun = Incident {
        no,
        words: Theirs::new(fit(words, NAME_BYTES)),
        by,
        since: draft.at,
        over: None,
        statement: None,
        cases: 0,
        calls: 0,
        channel,
        sent: 0,
    };
    draft.say(format!(
        "Incident {no} is open. New words with `{}` are grouped.",
        begun.marks().join("`, `")
    ));
    incident::show(draft, begun);
    draft.out.did = "incident";
}

fn state(draft: &mut Draft<'_>, mut open: Incident, text: &str) {
    open.statement = Some(fit(text, RAW_BYTES));
    draft.say("The statement is kept. `canned statement` puts it into a reply; nothing was sent.");
    incident::show(draft, open);
    draft.out.did = "incident_says";
}

fn end(draft: &mut Draft<'_>, mut open: Incident, by: Agent) {
    open.over = Some((by, draft.at));
    draft.say(format!("Incident {} is over. What was counted is listed now.", open.no));
    incident::show(draft, open);
    draft.out.did = "incident_over";
}
