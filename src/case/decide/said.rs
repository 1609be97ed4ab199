//! Somebody wrote in a thread, changed it or took it back. The gate decides; what stays inside says
//! so to its author where he may have meant otherwise.

use crate::case::card::button;
use crate::case::draft::{Draft, note};
use crate::case::effect::{Mark, Notice, Style, Tone};
use crate::case::event::Remark;
use crate::case::gate::{self, Rule};
use crate::case::id::MessageId;
use crate::case::limits;
use crate::case::model::{Alarm, Ask, Body, Case, ReplyState, Wake};
use crate::case::record::{Decision, Key, Record};
use crate::case::reply::{self, Words, capture, finish, tell, withdraw};
use crate::case::rich::Rich;
use crate::case::text::fit;

pub fn said(draft: Draft<'_>, remark: &Remark) -> Decision {
    if draft.get(&Key::Message(remark.message.clone())).is_some() {
        return draft.done("known");
    }
    let no = match draft.get(&Key::Thread(remark.thread.clone())) {
        Some(Record::Thread(no)) => *no,
        _ => return draft.done("elsewhere"),
    };
    let Some(case) = draft.found.case(no).cloned() else { return draft.done("elsewhere") };
    hear(draft, case, remark)
}

fn hear(mut draft: Draft<'_>, mut case: Case, remark: &Remark) -> Decision {
    let captured = gate::plain(draft.policy, &case, remark).and_then(|passed| {
        let words = Words {
            passed,
            by: remark.by.clone(),
            source: Some(remark.message.clone()),
            files: remark.files.clone(),
            written: remark.written,
            not_before: None,
        };
        capture(&mut draft, &mut case, words)
    });
    draft.out.by = Some(remark.by.id.clone());
    match captured {
        Ok(seq) => {
            draft.write(Key::Message(remark.message.clone()), Record::Message(case.no, seq));
            draft.done_with(case, "captured")
        }
        Err(rule) => keep(draft, case, remark, rule),
    }
}

/// Keeps words inside, and says so to whom it may surprise.
fn keep(mut draft: Draft<'_>, mut case: Case, remark: &Remark, rule: Rule) -> Decision {
    let body = Body::Remark {
        by: remark.by.clone(),
        text: fit(&remark.text, limits::TEXT_BYTES),
        source: Some(remark.message.clone()),
        rule,
        files: remark.files.clone(),
    };
    let seq = draft.add_line(&mut case, remark.written, body);
    draft.write(Key::Message(remark.message.clone()), Record::Message(case.no, seq));
    let by_claimer =
        case.claimer.as_ref().is_some_and(|claimer| draft.policy.same(&claimer.id, &remark.by.id));
    if is_marked(rule, by_claimer) {
        let message = remark.message.clone();
        draft.notice(&mut case, Some(seq), Notice::Mark { message, mark: Mark::Inside });
    }
    if matches!(rule, Rule::Unclaimed | Rule::Closed) || (by_claimer && rule != Rule::Note) {
        explain(&mut draft, &case, seq, rule);
    }
    draft.done_with(case, "kept_inside")
}

const fn is_marked(rule: Rule, by_claimer: bool) -> bool {
    by_claimer
        || matches!(
            rule,
            Rule::Machine | Rule::Stranger | Rule::Guest | Rule::NotAgent | Rule::Note
        )
}

fn explain(draft: &mut Draft<'_>, case: &Case, seq: u32, rule: Rule) {
    let no = case.no;
    let words = Rich::of(format!("This stayed inside: {}.", rule.why()));
    let label = if rule == Rule::Unclaimed { "Claim and send" } else { "Send anyway" };
    let mut buttons = Vec::new();
    if rule.can_be_sent() {
        buttons.push(button(label, format!("send {no} {seq}"), Style::Primary));
        buttons.push(button("Keep internal", format!("undo {no} {seq}"), Style::Plain));
    }
    draft.answer(words, buttons);
}

/// An edit may take words back inside, never let words out that stayed in.
pub fn reworded(mut draft: Draft<'_>, remark: &Remark) -> Decision {
    let Some((mut case, seq)) = known(&draft, &remark.message) else { return said(draft, remark) };
    draft.out.by = Some(remark.by.id.clone());
    let Some(reply) = draft.reply(case.no, seq).cloned() else {
        draft.change_line(case.no, seq, |body| {
            if let Body::Remark { text, .. } = body {
                *text = fit(&remark.text, limits::TEXT_BYTES);
            }
        });
        return draft.done_with(case, "remark_changed");
    };
    if !case.held.contains(&seq) {
        if matches!(reply.state, ReplyState::Sending | ReplyState::Sent) {
            too_late(&mut draft, &case, seq);
        }
        return draft.done("too_late");
    }
    let passed = gate::plain(draft.policy, &case, remark);
    match passed.and_then(|p| if p.is_long() { Err(Rule::TooLong) } else { Ok(p) }) {
        Ok(passed) => {
            draft.change_reply(case.no, seq, |reply| {
                reply.text = passed.as_str().to_owned();
                reply.files = remark.files.clone();
            });
            hold_again(&mut draft, &mut case, seq);
            draft.done_with(case, "reply_changed")
        }
        Err(rule) => {
            withdraw(&mut draft, &mut case, seq);
            explain(&mut draft, &case, seq, rule);
            draft.done_with(case, "withdrawn")
        }
    }
}

/// The message changed after its words had left.
fn too_late(draft: &mut Draft<'_>, case: &Case, seq: u32) {
    let words = Rich::of("This had left already; the customer still reads the old words.");
    let change = button("Change it there too", format!("edit {} {seq}", case.no), Style::Primary);
    let able = draft.abilities(&case.account).rewrites;
    draft.answer(words, if able { vec![change] } else { Vec::new() });
}

/// The undo time begins anew, unless the new words ask for a press; what was to go later still goes
/// then. A reply that asks already asks anew if there is something new to ask; what only a second
/// person may answer stays his.
pub fn hold_again(draft: &mut Draft<'_>, case: &mut Case, seq: u32) {
    let Some(reply) = draft.reply(case.no, seq) else { return };
    let ask = reply::asks_for(&reply.text, &reply.files);
    let release = |alarm: &Alarm| alarm.what == Wake::Release(seq);
    let due = case.alarms.iter().find(|alarm| release(alarm)).map(|alarm| alarm.at);
    case.alarms.retain(|alarm| !release(alarm));
    match (&reply.state, ask) {
        (ReplyState::Held, None) => {
            let at = due.unwrap_or_default().max(draft.at + draft.policy.undo);
            case.alarms.push(Alarm { at, what: Wake::Release(seq) });
        }
        (ReplyState::Asking(Ask::Approval), _) | (_, None) => {}
        (_, Some(ask)) => {
            draft.change_reply(case.no, seq, |reply| reply.state = ReplyState::Asking(ask));
        }
    }
    tell(draft, case, seq, 0);
}

pub fn unsaid(mut draft: Draft<'_>, message: &MessageId) -> Decision {
    let Some((mut case, seq)) = known(&draft, message) else { return draft.done("elsewhere") };
    let Some(reply) = draft.reply(case.no, seq).cloned() else {
        draft.change_line(case.no, seq, |body| {
            if let Body::Remark { text, .. } = body {
                text.clear();
            }
        });
        return draft.done_with(case, "remark_deleted");
    };
    if withdraw(&mut draft, &mut case, seq) {
        return draft.done_with(case, "withdrawn");
    }
    match reply.state {
        ReplyState::Sending | ReplyState::Sent => {
            let words = Rich::of("The deleted message had left already; the customer can read it.");
            let abilities = draft.abilities(&case.account);
            let delete =
                button("Delete it there too", format!("delete {} {seq}", case.no), Style::Danger);
            let buttons = if abilities.deletes { vec![delete] } else { Vec::new() };
            draft.post(&mut case, None, note(Tone::Warning, words, buttons));
            draft.done_with(case, "too_late")
        }
        ReplyState::Unknown(_) | ReplyState::Failed(_) => {
            finish(&mut draft, &mut case, seq, reply.state);
            draft.done_with(case, "too_late")
        }
        _ => draft.done("known"),
    }
}

fn known(draft: &Draft<'_>, message: &MessageId) -> Option<(Case, u32)> {
    match draft.get(&Key::Message(message.clone())) {
        Some(Record::Message(no, seq)) => Some((draft.found.case(*no)?.clone(), *seq)),
        _ => None,
    }
}
