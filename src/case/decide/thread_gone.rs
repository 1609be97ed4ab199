//! A thread was deleted, or its channel is gone: the case goes on in a new one. Nothing is dropped.

use crate::case::card::card;
use crate::case::draft::{Draft, note};
use crate::case::effect::{Notice, Tone};
use crate::case::id::ThreadId;
use crate::case::model::{Case, Shown, Status};
use crate::case::record::{Decision, Key, Record};
use crate::case::rich::Rich;
use crate::case::time::Timestamp;

pub fn decide(mut draft: Draft<'_>, thread: &ThreadId, why: &str) -> Decision {
    let no = match draft.get(&Key::Thread(thread.clone())) {
        Some(Record::Thread(no)) => *no,
        _ => return draft.done("elsewhere"),
    };
    let Some(mut case) = draft.found.case(no).cloned() else { return draft.done("elsewhere") };
    if case.thread.as_ref() != Some(thread) {
        return draft.done("known");
    }
    lose(&mut draft, &mut case);
    if case.status == Status::Closed {
        return draft.done_with(case, "thread_gone");
    }
    open_again(&mut draft, &mut case, why);
    draft.done_with(case, "opened_again")
}

/// The case has no thread any more.
pub fn lose(draft: &mut Draft<'_>, case: &mut Case) {
    if let Some(thread) = case.thread.take() {
        draft.out.writes.insert(Key::Thread(thread.clone()), None);
        case.low = None;
        case.lost.push(thread);
        let keep = case.lost.len().saturating_sub(crate::case::limits::LINKED);
        case.lost.drain(..keep);
    }
}

/// A new thread for the case, before everything that waits for the old one.
pub fn open_again(draft: &mut Draft<'_>, case: &mut Case, why: &str) {
    let Some((first, _, _)) = draft.mention(case.no, 0) else { return };
    let first = first.clone();
    case.plain = false;
    let card = Box::new(card(draft, case, &first));
    let channel = case.channel.clone();
    let by = draft.notice(case, Some(0), Notice::Open { channel, card });
    if let Some(mut delivery) = draft.delivery(&by).cloned() {
        delivery.order = (Timestamp(0), delivery.order.1);
        draft.put_delivery(delivery);
    }
    case.card = Shown { by, amend: None };
    let newest = case.recent.last().map(|heard| heard.line).filter(|line| *line > 0);
    let words = Rich::of(format!("This case goes on here: {why}."));
    let words = match newest.and_then(|line| draft.mention(case.no, line)) {
        Some((mention, _, _)) => words.say(" The newest words:").quote(&mention.text),
        None => words,
    };
    draft.post(case, None, note(Tone::Warning, words, Vec::new()));
}
