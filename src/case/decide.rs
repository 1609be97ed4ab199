//! The one switch. What happens for each event is told in the file of its name.

mod asked;
mod burst;
mod changed;
mod delivered;
mod due;
mod echo;
mod failed;
mod held;
mod incident;
pub(super) mod mentioned;
mod morning;
mod own_post;
pub(super) mod said;
mod thread_gone;
mod typed;
mod unreadable;

use super::draft::Draft;
use super::event::{Envelope, Event};
use super::policy::Policy;
use super::record::{Decision, Found, Key, Record};

/// Total: never fails, never waits. What cannot be done becomes an answer to whoever asked.
#[must_use]
pub fn decide(policy: &Policy, found: &Found, envelope: &Envelope) -> Decision {
    let mut draft = Draft::new(policy, found, envelope.at, envelope.spare);
    draft.score.clone_from(&envelope.score);
    match &envelope.event {
        Event::Mentioned(mention) => mentioned::decide(draft, mention),
        Event::Changed(mention) => changed::changed(draft, mention),
        Event::Withdrawn { account, post } => changed::withdrawn(draft, account, post),
        Event::OwnPost(post) => own_post::decide(draft, post),
        Event::Said(remark) => said::said(draft, remark),
        Event::Reworded(remark) => said::reworded(draft, remark),
        Event::Unsaid { message, .. } => said::unsaid(draft, message),
        Event::Asked(request) => asked::decide(draft, request),
        Event::Typed(typed) => typed::decide(draft, typed),
        Event::Delivered { delivery, receipt } => delivered::decide(draft, delivery, receipt),
        Event::Failed { delivery, outcome } => failed::decide(draft, delivery, outcome),
        Event::Due { case, alarm } => due::decide(draft, *case, alarm),
        Event::ThreadGone { thread, why } => thread_gone::decide(draft, thread, why),
        Event::Unreadable { source, why, raw } => {
            unreadable::decide(draft, &envelope.id, source, why, raw)
        }
        Event::Trouble { source, why } => unreadable::trouble(draft, source, why),
        Event::Restored { source } => unreadable::restored(draft, source),
        Event::Burst(many) => burst::decide(draft, many),
        Event::Held { cases } => held::decide(draft, cases),
        Event::Morning { words } => morning::decide(draft, words),
        Event::Counted { incident, cases, calls } => {
            incident::counted(draft, *incident, *cases, *calls)
        }
        Event::FeedState { feed, cursor } => {
            draft.write(Key::Cursor(feed.clone()), Record::Cursor(cursor.clone()));
            draft.done("read_on")
        }
        Event::AccountState { account, abilities } => {
            draft.write(Key::Account(account.clone()), Record::Account(abilities.clone()));
            draft.done("abilities")
        }
        Event::Echo { message, deployment, delivery, at, .. } => {
            echo::decide(draft, message, deployment, delivery, *at)
        }
    }
}
