//! `send LINE [alone]`: lets a reply go that waits for a press, or turns your own words that
//! stayed inside into a reply. Its buttons stand beside the words they are about.

use super::{Action, Field, Kind, Turn, Verb, asker};
use crate::case::alert;
use crate::case::card::refresh;
use crate::case::gate::{Rule, on_purpose};
use crate::case::model::{Agent, Ask, Body, Case, Line, ReplyState};
use crate::case::reply::{Words, capture, may_send, release, withdraw};

/// See the module.
pub static VERB: Verb = Verb {
    name: "send",
    usage: "send LINE [alone]",
    summary: "Lets a waiting reply go now; `alone` takes back the others that wait.",
    example: "send #42 7",
    fields: &[
        Field::free("line", "Which line of the case", Kind::Number),
        Field::free("others", "alone: takes back the others that wait", Kind::OneOf(&["alone"])),
    ],
    action: Action::Release,
    ..Verb::plain(run)
};

fn run(mut turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case.take() else { return };
    let by = asker(turn.request);
    let (number, alone) = turn.rest.split_once(' ').unwrap_or((turn.rest, ""));
    let line = number.parse().ok().and_then(|seq| turn.draft.line(case.no, seq).cloned());
    let Some(line) = line else { return turn.draft.say("There is nothing waiting to be sent.") };
    let waiting = turn.draft.reply(case.no, line.seq).filter(|_| case.held.contains(&line.seq));
    let Some(reply) = waiting.cloned() else { return remark(turn, case, &line, by) };
    if !may_send(turn.draft, &reply, &by.id) {
        return turn.draft.say(match reply.state {
            ReplyState::Asking(Ask::Approval) => "Somebody else must let this go, and no learner.",
            _ => "Only its author can let this go. Nothing was sent.",
        });
    }
    let anyway = matches!(reply.state, ReplyState::Asking(_));
    if alone == "alone" {
        for seq in case.held.clone().into_iter().filter(|seq| *seq != line.seq) {
            withdraw(turn.draft, &mut case, seq);
        }
    }
    release(turn.draft, &mut case, line.seq, anyway);
    turn.draft.put_case(case);
    turn.draft.out.did = "released_now";
}

/// Words that stayed inside are sent after all, by their author.
fn remark(turn: Turn<'_, '_>, mut case: Case, line: &Line, by: Agent) {
    let draft = turn.draft;
    if let Some(owner) = case.claimer.as_ref().filter(|owner| !draft.policy.same(&owner.id, &by.id))
    {
        return draft.say(format!("{} looks after {}. Nothing was sent.", owner.name, case.no));
    }
    let Body::Remark { by: author, text, source, rule, files } = &line.body else {
        return draft.say("There is nothing waiting to be sent.");
    };
    if !draft.policy.same(&author.id, &by.id) || !rule.can_be_sent() || *rule == Rule::OnPurpose {
        return draft.say("Only its author can send this, and not every note can be sent.");
    }
    let captured = on_purpose(&case, text, files.len()).and_then(|passed| {
        let source = source.clone();
        let words = Words {
            passed,
            by: by.clone(),
            source,
            files: files.clone(),
            written: line.at,
            not_before: None,
        };
        capture(draft, &mut case, words)
    });
    match captured {
        Err(rule) => draft.say(format!("Not sent: {}.", rule.why())),
        Ok(seq) => {
            if let Some(message) = source.clone() {
                let record = crate::case::record::Record::Message(case.no, seq);
                draft.write(crate::case::record::Key::Message(message), record);
            }
            if case.claimer.is_none() {
                case.claimer = Some(by);
                alert::taken(draft, &mut case);
                refresh(draft, &mut case);
            }
            draft.put_case(case);
            draft.out.did = "captured";
        }
    }
}
