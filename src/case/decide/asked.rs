//! An agent asked careline to do something: who may ask, about which case, and then the verb.

use crate::case::command::{About, Turn, parse};
use crate::case::draft::Draft;
use crate::case::event::{Request, Standing};
use crate::case::id::CaseNo;
use crate::case::model::Agent;
use crate::case::record::{Decision, Key, Record};

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
        draft.say(no_case(no));
        return draft.done("misuse");
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
    match draft.get(&Key::Thread(request.thread.clone()?)) {
        Some(Record::Thread(no)) => Some(*no),
        _ => None,
    }
}

fn no_case(no: Option<CaseNo>) -> String {
    match no {
        Some(no) => format!("There is no case {no}."),
        None => "Which case? Write its number, such as `claim #42`, or ask in its thread.".into(),
    }
}
