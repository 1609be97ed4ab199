//! A post of our own account was seen: one we sent (its answer may have been lost), or a
//! colleague's, written in the network's own app. The second stops the clock.

use crate::case::card::refresh;
use crate::case::draft::{Draft, note};
use crate::case::effect::{Act, Delivery, Receipt, State, Tone};
use crate::case::event::OwnPost;
use crate::case::id::CaseNo;
use crate::case::limits;
use crate::case::model::{Body, Case};
use crate::case::record::{Decision, Key, Record};
use crate::case::reply::answered;
use crate::case::rich::{Rich, Theirs};
use crate::case::text::fit;

pub fn decide(mut draft: Draft<'_>, post: &OwnPost) -> Decision {
    let key = Key::Post(post.account.clone(), post.post.clone());
    if draft.get(&key).is_some() {
        return draft.done("ours");
    }
    let Some(mut case) = parent(&draft, post) else { return draft.done("elsewhere") };
    if let Some(delivery) = attempted(&draft, &case, post) {
        let receipt =
            Receipt { remote: post.post.0.clone(), url: post.url.clone(), at: post.written };
        return super::delivered::decide(draft, &delivery, &receipt);
    }
    let body = Body::Own {
        post: post.post.clone(),
        text: fit(&post.text, limits::TEXT_BYTES),
        url: post.url.clone(),
    };
    let seq = draft.add_line(&mut case, post.written, body);
    draft.write(key, Record::Post(case.no, seq));
    let newest = case.recent.iter().rev().find(|h| h.written <= post.written).map(|h| h.line);
    if let Some(line) = newest {
        answered(&mut draft, &mut case, line, seq);
    }
    let network = draft.abilities(&case.account).network;
    let words = Rich::of(format!("✓ Answered on {network} by hand:"));
    let words = words.quote(&Theirs::new(fit(&post.text, limits::TEXT_BYTES)));
    let mut note = note(Tone::Status, words, Vec::new());
    note.url = post.url.clone();
    draft.post(&mut case, Some(seq), note);
    refresh(&mut draft, &mut case);
    draft.done_with(case, "answered_natively")
}

fn parent(draft: &Draft<'_>, post: &OwnPost) -> Option<Case> {
    let parent = post.parent.clone()?;
    match draft.get(&Key::Post(post.account.clone(), parent)) {
        Some(Record::Post(no, _)) => draft.found.case(*no).cloned(),
        _ => None,
    }
}

/// The part of ours that this post must be: begun, not known to have arrived, with these words.
fn attempted(
    draft: &Draft<'_>,
    case: &Case,
    post: &OwnPost,
) -> Option<crate::case::id::DeliveryId> {
    let parts = |seq: &u32| draft.reply(case.no, *seq).map(|reply| reply.parts.clone());
    let mut all = case.sending.iter().chain(&case.unknown).filter_map(parts).flatten();
    all.find(|id| draft.delivery(id).is_some_and(|delivery| is_it(delivery, case.no, post)))
}

fn is_it(delivery: &Delivery, no: CaseNo, post: &OwnPost) -> bool {
    let begun = matches!(
        delivery.state,
        State::Attempted { .. } | State::Waiting { tried: 1.. } | State::Parked(_)
    );
    let Act::Network(reply) = &delivery.act else { return false };
    begun
        && reply.change.is_none()
        && delivery.case == Some(no)
        && words(reply.text.as_str()) == words(&post.text)
}

/// Letters and digits of a post without the people it names: what survives a network's rewriting.
fn words(text: &str) -> String {
    text.split_whitespace()
        .filter(|word| !word.starts_with('@'))
        .flat_map(str::chars)
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
