//! A delivery did not simply arrive. A reply says so in the thread; a lost thread is replaced; the
//! customer's words are never silently missing.

use super::thread_gone;
use crate::case::card::{card, plain_note, refresh};
use crate::case::draft::{Draft, note};
use crate::case::effect::{Act, Delivery, Face, Mark, Notice, State, Tone};
use crate::case::event::Outcome;
use crate::case::id::{ChannelId, DeliveryId};
use crate::case::mend;
use crate::case::model::{Case, ReplyState};
use crate::case::record::Decision;
use crate::case::reply::finish;
use crate::case::rich::Rich;
use crate::case::time::Span;

pub fn decide(mut draft: Draft<'_>, id: &DeliveryId, outcome: &Outcome) -> Decision {
    let Some(mut delivery) = draft.delivery(id).cloned() else { return draft.done("unknown") };
    if !delivery.state.is_pending() {
        return draft.done("known");
    }
    let why = match outcome {
        Outcome::Never(why) | Outcome::Unknown(why) | Outcome::Gone(why) => why.clone(),
    };
    delivery.state = match outcome {
        Outcome::Unknown(_) => State::Parked(why.clone()),
        Outcome::Never(_) | Outcome::Gone(_) => State::Dead(why.clone()),
    };
    draft.put_delivery(delivery.clone());
    let Some(case) = delivery.case.and_then(|no| draft.found.case(no)).cloned() else {
        return draft.done("not_delivered");
    };
    match &delivery.act {
        Act::Network(out) if out.change.is_some() => {
            let mut case = case;
            out.change.iter().for_each(|change| {
                mend::failed(&mut draft, &mut case, change, &why);
            });
            draft.done_with(case, "change_not_delivered")
        }
        Act::Network(_) => reply(draft, case, &delivery, outcome, why),
        Act::Desk(notice) => desk(draft, case, &delivery, notice, outcome, &why),
    }
}

fn reply(
    mut draft: Draft<'_>,
    mut case: Case,
    delivery: &Delivery,
    outcome: &Outcome,
    why: String,
) -> Decision {
    let seq = delivery.line.unwrap_or_default();
    let unknown = matches!(outcome, Outcome::Unknown(_));
    if unknown {
        case.unknown = Some(seq);
    }
    let state = if unknown { ReplyState::Unknown(why) } else { ReplyState::Failed(why) };
    finish(&mut draft, &mut case, seq, state);
    if let Some(message) = draft.reply(case.no, seq).and_then(|reply| reply.source.clone()) {
        draft.notice(&mut case, Some(seq), Notice::Mark { message, mark: Mark::Failed });
    }
    draft.done_with(case, "reply_not_delivered")
}

fn desk(
    mut draft: Draft<'_>,
    mut case: Case,
    delivery: &Delivery,
    notice: &Notice,
    outcome: &Outcome,
    why: &str,
) -> Decision {
    match (notice, outcome) {
        (Notice::Open { channel, .. }, Outcome::Never(_)) if !case.plain => {
            case.plain = true;
            again(draft, case, delivery, channel, Span(0), "card_shown_plainly")
        }
        (Notice::Open { channel, .. }, _) => {
            case.plain = false;
            let ops = draft.policy.ops.clone().filter(|ops| ops != channel);
            let Some(ops) = ops else { return wait(draft, case, delivery, channel, outcome) };
            case.channel = ops;
            thread_gone::open_again(&mut draft, &mut case, why);
            draft.done_with(case, "opened_elsewhere")
        }
        (Notice::Post(_), Outcome::Gone(_)) => {
            thread_gone::lose(&mut draft, &mut case);
            thread_gone::open_again(&mut draft, &mut case, why);
            repeat(&mut draft, &mut case, delivery);
            draft.done_with(case, "opened_again")
        }
        (Notice::Post(_), _) if delivery.line.is_some() && !is_substitute(notice) => {
            substitute(&mut draft, &mut case, delivery);
            draft.done_with(case, "shown_plainly")
        }
        (Notice::Amend { to, .. }, Outcome::Never(_)) if !case.plain && is_card(to) => {
            case.plain = true;
            refresh(&mut draft, &mut case);
            say_plain(&mut draft, &mut case);
            draft.done_with(case, "card_shown_plainly")
        }
        _ => draft.done_with(case, "notice_not_delivered"),
    }
}

const fn is_card(face: &Face) -> bool {
    matches!(face, Face::Card(_))
}

/// Says below a card without the customer's words why it is so.
pub fn say_plain(draft: &mut Draft<'_>, case: &mut Case) {
    let Some((first, _, _)) = draft.mention(case.no, 0) else { return };
    let words = plain_note(first);
    draft.tell(case, Tone::Warning, words);
}

/// Until the channel works again: closed by mistake, or careline not in it any more.
const AGAIN: Span = Span::minutes(5);

/// There is no other place for the case, and its card was refused even without the customer's
/// words: it is the channel. The card, as it should be, is tried again and holds its lane, so that
/// all that belongs below it waits instead of being lost.
fn wait(
    draft: Draft<'_>,
    case: Case,
    delivery: &Delivery,
    channel: &ChannelId,
    outcome: &Outcome,
) -> Decision {
    // What may stand there already is not posted once more.
    if matches!(outcome, Outcome::Unknown(_)) {
        return draft.done_with(case, "no_thread");
    }
    again(draft, case, delivery, channel, AGAIN, "no_thread")
}

/// The card once more, as the case wants it now, in the same place of the same lane.
fn again(
    mut draft: Draft<'_>,
    case: Case,
    delivery: &Delivery,
    channel: &ChannelId,
    after: Span,
    did: &'static str,
) -> Decision {
    let tried = match draft.found.delivery(&delivery.id).map(|row| &row.state) {
        Some(State::Attempted { number, .. }) => *number,
        Some(State::Waiting { tried }) => tried + 1,
        _ => return draft.done_with(case, did),
    };
    if let Some((first, _, _)) = draft.mention(case.no, 0) {
        let card = Box::new(card(&draft, &case, first));
        let mut again = delivery.clone();
        again.act = Act::Desk(Notice::Open { channel: channel.clone(), card });
        again.state = State::Waiting { tried };
        again.ready = draft.at + after;
        draft.put_delivery(again);
    }
    draft.done_with(case, did)
}

/// The same notice once more, into the new thread.
fn repeat(draft: &mut Draft<'_>, case: &mut Case, delivery: &Delivery) {
    if let Act::Desk(notice) = &delivery.act {
        let id = draft.notice(case, delivery.line, notice.clone());
        reshow(draft, case, delivery, id);
    }
}

/// What showed a line is now shown by another delivery.
fn reshow(draft: &mut Draft<'_>, case: &Case, delivery: &Delivery, id: DeliveryId) {
    let Some(seq) = delivery.line else { return };
    draft.change_line(case.no, seq, |body| match body {
        crate::case::model::Body::Mention { shown, .. } if shown.by == delivery.id => {
            *shown = crate::case::model::Shown { by: id, amend: None };
        }
        crate::case::model::Body::Reply(reply) => {
            if let Some(told) = reply.told.as_mut().filter(|told| told.by == delivery.id) {
                *told = crate::case::model::Shown { by: id, amend: None };
            }
        }
        _ => {}
    });
}

const SUBSTITUTE: &str = "This message could not be shown here as it is. ";

fn is_substitute(notice: &Notice) -> bool {
    matches!(notice, Notice::Post(note) if note.words.plain(false).starts_with(SUBSTITUTE))
}

/// A message the desk refuses is replaced by a link to the original: visible, never missing.
fn substitute(draft: &mut Draft<'_>, case: &mut Case, delivery: &Delivery) {
    let seq = delivery.line.unwrap_or_default();
    let url = draft.mention(case.no, seq).and_then(|(mention, _, _)| mention.url.clone());
    let words = Rich::of(SUBSTITUTE);
    let words = match &url {
        Some(url) => words.link(url, "Read it on the network"),
        None => words.say(format!("It is line {seq} of {}.", case.no)),
    };
    let shown = draft.post(case, Some(seq), note(Tone::Warning, words, Vec::new()));
    reshow(draft, case, delivery, shown.by);
}
