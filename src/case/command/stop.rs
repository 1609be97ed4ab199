//! `stop`: nothing is sent to customers until `resume`. Everything else goes on.

use super::{About, Action, Turn, Verb};
use crate::case::record::{Key, Record, Switch};

/// See the module.
pub static VERB: Verb = Verb {
    name: "stop",
    usage: "stop",
    summary: "Stops everything that goes to customers, until `resume`.",
    example: "stop",
    about: About::Nothing,
    action: Action::Stop,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let draft = turn.draft;
    let why = format!("{} stopped it", turn.request.by.name);
    let switch = Switch { stopped: Some(why), since: draft.at };
    draft.write(Key::Switch, Record::Switch(switch));
    draft.say("Stopped. Nothing goes to customers until somebody says `resume`; replies wait.");
    draft.out.did = "stopped";
}
