//! A delivery arrived: the receipt is kept, and what waited for it goes on.

use crate::case::alert;
use crate::case::draft::Draft;
use crate::case::effect::{Act, Delivery, Notice, Receipt, State};
use crate::case::id::{ChannelId, DeliveryId, MessageId, PostId, ThreadId};
use crate::case::mend;
use crate::case::model::{Body, Case, ReplyState};
use crate::case::record::{Decision, Key, Record};
use crate::case::reply::arrived;

pub fn decide(mut draft: Draft<'_>, id: &DeliveryId, receipt: &Receipt) -> Decision {
    let Some(mut delivery) = draft.delivery(id).cloned() else { return draft.done("unknown") };
    if matches!(delivery.state, State::Done(_)) {
        return draft.done("known");
    }
    delivery.state = State::Done(receipt.clone());
    let (act, line) = (delivery.act.clone(), delivery.line);
    draft.put_delivery(delivery.clone());
    let Some(mut case) = delivery.case.and_then(|no| draft.found.case(no)).cloned() else {
        return draft.done("delivered");
    };
    match &act {
        Act::Desk(Notice::Open { channel, .. }) => {
            opened(&mut draft, &mut case, channel, receipt);
            alert::opened(&mut draft, &mut case);
            shown(&mut draft, &mut case, &delivery, channel.clone(), receipt);
            if case.plain {
                super::failed::say_plain(&mut draft, &mut case);
            }
        }
        Act::Desk(Notice::Post(_)) => {
            let thread = case.thread.as_ref();
            let channel = thread.map_or(&case.channel, |thread| &thread.channel).clone();
            shown(&mut draft, &mut case, &delivery, channel, receipt);
        }
        Act::Desk(_) => {
            draft.out.case = Some(case.no);
            return draft.done("delivered");
        }
        Act::Network(reply) if reply.change.is_some() => {
            let change = reply.change.iter();
            change.for_each(|change| mend::done(&mut draft, &mut case, line.unwrap_or(0), change));
        }
        Act::Network(reply) => {
            let key = Key::Post(reply.target.account.clone(), PostId::new(&receipt.remote));
            let seq = line.unwrap_or_default();
            draft.write(key, Record::Post(case.no, seq));
            arrived(&mut draft, &mut case, seq, receipt.url.clone());
            let sent = draft.reply(case.no, seq).is_some_and(|r| r.state == ReplyState::Sent);
            if sent && case.unknown == Some(seq) {
                case.unknown = None;
            }
        }
    }
    draft.done_with(case, "delivered")
}

fn opened(draft: &mut Draft<'_>, case: &mut Case, channel: &ChannelId, receipt: &Receipt) {
    let thread = ThreadId { channel: channel.clone(), root: receipt.remote.clone() };
    draft.write(Key::Thread(thread.clone()), Record::Thread(case.no));
    case.channel = channel.clone();
    case.thread = Some(thread);
}

/// From now on a message written later can answer what this one shows.
fn shown(
    draft: &mut Draft<'_>,
    case: &mut Case,
    delivery: &Delivery,
    channel: ChannelId,
    receipt: &Receipt,
) {
    let Some(seq) = delivery.line else { return };
    let message = MessageId { channel, message: receipt.remote.clone() };
    draft.write(Key::Message(message), Record::Message(case.no, seq));
    let mention = draft.line(case.no, seq).is_some_and(|l| matches!(l.body, Body::Mention { .. }));
    if let Some(heard) = case.recent.iter_mut().find(|h| h.line == seq).filter(|_| mention) {
        heard.shown.get_or_insert(receipt.at);
    }
}
