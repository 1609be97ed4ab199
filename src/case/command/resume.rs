//! `resume`: what waits for customers may go again.

use super::{About, Action, Turn, Verb};
use crate::case::record::{Key, Record, Switch};

/// See the module.
pub static VERB: Verb = Verb {
    name: "resume",
    usage: "resume",
    summary: "Lets replies go to customers again.",
    example: "resume",
    about: About::Nothing,
    action: Action::Resume,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let draft = turn.draft;
    let why = match draft.get(&Key::Switch) {
        Some(Record::Switch(Switch { stopped: Some(why), .. })) => why.clone(),
        _ => return draft.say("Nothing is stopped."),
    };
    let switch = Switch { stopped: None, since: draft.at };
    draft.write(Key::Switch, Record::Switch(switch));
    draft.say(format!("Replies go out again. It had been stopped because: {why}."));
    draft.out.did = "resumed";
}
