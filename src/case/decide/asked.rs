//! An agent asked careline to do something: who may ask, about which case, and then the verb.

use crate::case::command::{About, Command, Turn, parse};
use crate::case::draft::Draft;
use crate::case::effect::{Answer, Form};
use crate::case::event::{Request, Standing};
use crate::case::id::CaseNo;
use crate::case::model::{Agent, Case};
use crate::case::record::{Decision, Key, Record};
use crate::case::role::may;

pub fn decide(mut draft: Draft<'_>, request: &Request) -> Decision {
    draft.out.by = Some(request.by.id.clone());
    if let Err(why) = may_ask(&draft, &request.by, request.standing) {
        draft.say(why);
        return draft.done("refused");
    }
    let command = match parse(&request.words) {
        Ok(command) => command,
        Err(misuse) => {
            draft.say(misuse.0);
            return draft.done("misuse");
        }
    };
    let no = command.case.or_else(|| of_thread(&draft, request));
    let case = no.and_then(|no| draft.found.case(no)).cloned();
    if command.verb.about == About::Case && case.is_none() {
        // A mere gesture on some message means nothing where there is no case.
        if !request.gesture {
            draft.say(no_case(no));
        }
        return draft.done("misuse");
    }
    if let Err(denied) = may(draft.policy, &request.by.id, command.verb.action, case.as_ref()) {
        draft.say(denied.why());
        return draft.done("refused");
    }
    if let Some(form) =
        missing(&command, request, case.as_ref().filter(|_| command.verb.about == About::Case))
    {
        draft.out.answer = Some(Answer::Form(form));
        return draft.out;
    }
    let rest = command.rest;
    (command.verb.run)(Turn { draft: &mut draft, request, case, rest });
    draft.out
}

/// Whether somebody may act on cases.
pub fn may_ask(draft: &Draft<'_>, by: &Agent, standing: Standing) -> Result<(), &'static str> {
    match standing {
        Standing::Member if draft.policy.is_agent(&by.id) => Ok(()),
        Standing::Member => Err("You may not act on cases here. Nothing was done."),
        Standing::Guest => Err("Guests do not act on cases. Nothing was done."),
        Standing::Stranger | Standing::Nobody => {
            Err("Only members of this workspace act on cases. Nothing was done.")
        }
    }
}

fn of_thread(draft: &Draft<'_>, request: &Request) -> Option<CaseNo> {
    let thread = request.thread.as_ref()?;
    let message = || draft.get(&Key::Message(thread.message()));
    match draft.get(&Key::Thread(thread.clone())).or_else(message) {
        Some(Record::Thread(no) | Record::Message(no, _)) => Some(*no),
        _ => None,
    }
}

/// What is said below the form of a reply to somebody who did not write to us.
const UNASKED: &str = "He did not write to us. One answer, politely; you are asked before it goes.";

/// The form that asks for what the words lack. A message they were asked on fills it.
fn missing(command: &Command<'_>, request: &Request, case: Option<&Case>) -> Option<Form> {
    let field = command.verb.missing.as_ref().filter(|_| command.rest.is_empty())?;
    let verb = command.verb.name;
    let mut title = verb.to_owned();
    title[..1].make_ascii_uppercase();
    let (title, words) = match case {
        Some(case) => (format!("{title} {}", case.no), format!("{verb} {}", case.no)),
        None => (title, verb.to_owned()),
    };
    let text = request.on.clone().unwrap_or_default();
    let stranger = case.is_some_and(|case| case.unasked) && command.verb.name == "reply";
    let hint = if stranger { UNASKED } else { field.hint };
    let (label, hint) = (field.label.into(), hint.into());
    Some(Form { title, words, label, hint, text, max: 3000 })
}

fn no_case(no: Option<CaseNo>) -> String {
    match no {
        Some(no) => format!("There is no case {no}."),
        None => "Which case? Write its number, such as `claim #42`, or ask in its thread.".into(),
    }
}
