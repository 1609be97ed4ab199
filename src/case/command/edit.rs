//! `edit LINE TEXT`: other words for a reply: one that waits begins to wait anew, one that was sent
//! is changed on the network where it allows that.

use super::{Action, Field, Kind, Turn, Verb, asker};
use crate::case::decide::said::hold_again;
use crate::case::effect::{Answer, Form};
use crate::case::gate::{Passed, on_purpose};
use crate::case::mend::rewrite;
use crate::case::model::{Case, ReplyLine, ReplyState};
use crate::case::reply::may_edit;

/// See the module.
pub static VERB: Verb = Verb {
    name: "edit",
    usage: "edit LINE TEXT",
    summary: "Gives a reply other words; what was sent is changed on the network.",
    example: "edit #42 7 Sorry, I meant Monday.",
    fields: &[
        Field::needed("line", "Which line of the case", Kind::Number),
        Field::free("text", "The new words; empty opens a form", Kind::Text),
    ],
    action: Action::Speak,
    ..Verb::plain(run)
};

fn run(mut turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case.take() else { return };
    let (number, text) = turn.rest.split_once(' ').unwrap_or((turn.rest, ""));
    let seq: Option<u32> = number.parse().ok();
    let reply = seq.and_then(|seq| turn.draft.reply(case.no, seq)).cloned();
    let (Some(seq), Some(reply)) = (seq, reply) else {
        return turn.draft.say("Which? Press *Edit* beside the reply, or name its line.");
    };
    if !may_edit(turn.draft, &reply, &asker(turn.request).id) {
        return turn.draft.say("Only its author can change this. Nothing was done.");
    }
    if text.trim().is_empty() {
        turn.draft.out.answer = Some(Answer::Form(form(&case, seq, &reply)));
        return;
    }
    let done = if case.held.contains(&seq) {
        held(&mut turn, &mut case, seq, text)
    } else {
        rewrite(turn.draft, &mut case, seq, text)
    };
    match done {
        Err(why) => turn.draft.out.answer = Some(Answer::Refuse(why)),
        Ok(()) => {
            turn.draft.put_case(case);
            turn.draft.out.did = "edited";
        }
    }
}

fn form(case: &Case, seq: u32, reply: &ReplyLine) -> Form {
    let sent = reply.state == ReplyState::Sent;
    Form {
        title: format!("Edit {}", case.no),
        words: format!("edit {} {seq}", case.no),
        label: "To the customer".into(),
        hint: if sent { "It is changed where it stands." } else { "It waits anew." }.into(),
        text: reply.text.clone(),
        max: 3000,
    }
}

fn held(turn: &mut Turn<'_, '_>, case: &mut Case, seq: u32, text: &str) -> Result<(), String> {
    let long = |passed: Passed| Some(passed).filter(|passed| !passed.is_long());
    let passed = on_purpose(case, text, 0).map_err(|rule| format!("Not kept: {}.", rule.why()))?;
    let passed = long(passed).ok_or("Not kept: it is too long for one answer.")?;
    let newest = case.lines.saturating_sub(1);
    let asks_for_approval =
        turn.draft.policy.role(&turn.request.by.id) == crate::case::role::Role::Learner;
    turn.draft.change_reply(case.no, seq, |reply| {
        passed.as_str().clone_into(&mut reply.text);
        // Whoever edits has seen what was asked about.
        reply.saw = newest;
        if !asks_for_approval {
            reply.state = ReplyState::Held;
        }
    });
    hold_again(turn.draft, case, seq);
    Ok(())
}
