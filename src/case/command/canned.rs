//! `canned [NAME]`: a stock reply in the form, ready to be changed and sent. A placeholder nobody
//! knows is refused, never sent.

use super::{Action, Field, Kind, Turn, Verb};
use crate::case::effect::{Answer, Form};
use crate::case::incident;
use crate::case::model::Case;

/// See the module.
pub static VERB: Verb = Verb {
    name: "canned",
    usage: "canned [NAME]",
    summary: "Puts a stock reply into the form; without a name it lists them.",
    example: "canned #42 sorry",
    fields: &[Field::free("name", "Which stock reply; empty lists them", Kind::Canned)],
    action: Action::Look,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(case) = turn.case else { return };
    let draft = turn.draft;
    if let Some(why) = incident::refuses(draft, &case).filter(|_| !turn.rest.is_empty()) {
        return draft.say(why);
    }
    let canned = &draft.policy.canned;
    let statement = incident::of(draft, &case).and_then(|incident| incident.statement);
    let statement = statement.as_ref().filter(|_| turn.rest == "statement");
    let Some(text) = statement.or_else(|| canned.get(turn.rest)) else {
        let names = canned.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let names = if names.is_empty() { "none, see phrases.toml".into() } else { names };
        return draft.say(format!("Stock replies: {names}."));
    };
    match fill(text, &case, draft.policy.public_name(&turn.request.by)) {
        Err(unknown) => draft.say(format!(
            "This stock reply holds `{{{unknown}}}`, which nobody can fill in. Nothing was sent."
        )),
        Ok(text) => {
            draft.out.answer = Some(Answer::Form(Form {
                title: format!("Reply {}", case.no),
                words: format!("reply {}", case.no),
                label: "To the customer".into(),
                hint: "Change it as you like; it goes out as a reply of yours.".into(),
                text,
                max: 3000,
            }));
        }
    }
}

/// Fills `{name}`, `{agent}` and `{case}` in.
///
/// # Errors
/// The first placeholder that is none of these.
pub fn fill(text: &str, case: &Case, agent: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').ok_or_else(|| after.to_owned())?;
        out.push_str(before);
        match name {
            "name" => out.push_str(case.name.raw().split_whitespace().next().unwrap_or_default()),
            "agent" => out.push_str(agent),
            "case" => out.push_str(&case.no.to_string()),
            unknown => return Err(unknown.to_owned()),
        }
        rest = tail;
    }
    Ok(out + rest)
}
