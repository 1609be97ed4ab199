//! `brief @PERSON`: calls somebody from outside the team into this one thread, with a summary.

use super::{Action, Field, Kind, Turn, Verb, asker};
use crate::case::effect::Tone;
use crate::case::model::{Case, Status};
use crate::case::rich::{Piece, Rich};

/// See the module.
pub static VERB: Verb = Verb {
    name: "brief",
    usage: "brief @PERSON",
    summary: "Calls somebody into this thread, with a summary of the case.",
    example: "brief #42 @otto",
    fields: &[Field::needed("colleague", "Who is asked for help in this case", Kind::Person)],
    action: Action::Sort,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    let Some(who) = turn.request.named.first().cloned() else {
        return draft.say("Whom? Name a colleague: `brief @otto`.");
    };
    let by = asker(turn.request);
    let words = Rich::new().and(Piece::Call(who.id)).say(", ").agent(&by.name);
    let mut words = summary(words.say(" asks you to look at this case. "), &case);
    let last = case.recent.last().map_or(0, |heard| heard.line);
    if let Some((mention, _, _)) = draft.mention(case.no, last) {
        words = words.line().say("The customer wrote last:").quote(&mention.text);
    }
    words = words.say("What you write here stays inside.");
    draft.tell(&mut case, Tone::Status, words);
    draft.put_case(case);
    draft.out.did = "briefed";
}

/// The case in two sentences.
fn summary(words: Rich, case: &Case) -> Rich {
    let words = words.say("@").theirs(&case.handle);
    let words = words.say(format!(" wrote {} times since ", case.wrote)).when(case.opened);
    let words = match (case.status, case.waits) {
        (Status::Closed, _) => words.say("; the case is closed. "),
        (_, Some(since)) => words.say(" and waits since ").when(since).say(". "),
        (_, None) => words.say("; nobody waits. "),
    };
    match &case.claimer {
        Some(owner) => words.agent(&owner.name).say(" looks after it. "),
        None => words.say("Nobody looks after it. "),
    }
}
