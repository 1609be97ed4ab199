//! An attempt of which nobody knows how it ended. It is looked up, never blindly repeated.

use super::Inner;
use super::carry::Load;
use super::resolve::{Attempt, Call, Hindrance};
use crate::case::ability::Resend;
use crate::case::effect::{Act, Delivery, State};
use crate::case::event::Outcome;
use crate::case::limits;
use crate::case::record::{Key, Record};
use crate::case::retry::{NOTICES, retry};
use crate::case::time::{Span, Timestamp};
use crate::engine::clock::within;
use crate::engine::health;
use crate::inbox::boundary;
use crate::net::Looked;
use crate::store::StoreError;
use std::sync::Arc;

/// Looks that may not tell before a person is asked about a reply. Notices are looked for as long
/// as it takes: a desk that is away must not swallow a customer's words.
const UNCLEAR: u32 = 10;
/// Absences that prove an absence; the last of them after the call can no longer be under way.
const ABSENCES: u32 = 2;
/// Before a desk is looked at.
const DESK: Span = Span::seconds(3);

/// How an account or desk is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) look_after: Span,
    pub(super) resend: Resend,
}

/// The attempt that a row tells of.
struct Tried {
    number: u32,
    first: Timestamp,
    began: Timestamp,
    absent: u32,
}

fn tried(row: &Delivery) -> Option<Tried> {
    match row.state {
        State::Attempted { number, first, began, absent } => {
            Some(Tried { number, first, began, absent })
        }
        _ => None,
    }
}

impl Inner {
    /// How this load's account or desk is looked at.
    pub(super) async fn patience(&self, load: &Load) -> Result<Patience, StoreError> {
        let Act::Network(reply) = &load.head().act else {
            return Ok(Patience { look_after: DESK, resend: Resend::Look });
        };
        let account = &reply.target.account;
        let key = Key::Account(account.clone());
        let found = self.rows([key.clone()].into()).await?;
        let abilities = match found.get(&key) {
            Some(Record::Account(abilities)) => Some(abilities.clone()),
            _ => self.policy().abilities.get(account).cloned(),
        };
        let cautious = || crate::case::ability::Abilities::cautious("the network");
        let abilities = abilities.unwrap_or_else(cautious);
        Ok(Patience { look_after: abilities.look_after, resend: abilities.resend })
    }

    /// How long this attempt has been waited for, by time that cannot jump.
    pub(super) fn waited(&self, load: &Load, number: u32) -> Span {
        self.outbox.notes().waited(&load.head().id, number, self.clock.elapsed())
    }

    async fn search(&self, call: &Call) -> Looked {
        let made = async {
            match call {
                Call::Desk(desk, out) => match self.desks.get(desk) {
                    Some(desk) => {
                        boundary::here("desk.look.call");
                        let looked = desk.look(out).await;
                        boundary::here("desk.look.answer");
                        looked
                    }
                    None => Looked::Unclear("the desk is not in the configuration".into()),
                },
                Call::Network(account, out) => match self.networks.get(account) {
                    Some(network) => {
                        boundary::here("network.look.call");
                        let looked = network.look(out).await;
                        boundary::here("network.look.answer");
                        looked
                    }
                    None => Looked::Unclear("the account is not in the configuration".into()),
                },
            }
        };
        let guarded = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(made));
        match within(&*self.clock, limits::CALL, guarded).await {
            Some(Ok(looked)) => looked,
            Some(Err(_)) => Looked::Unclear("looking itself failed".into()),
            None => Looked::Unclear(format!("there was no answer within {}", limits::CALL)),
        }
    }
}

/// Looks for what an attempt may have left.
pub(super) async fn look(inner: &Arc<Inner>, load: Load) -> Result<(), StoreError> {
    let Some(tried) = tried(load.head()) else { return Ok(()) };
    let patience = inner.patience(&load).await?;
    let left = Span(patience.look_after.0 - inner.waited(&load, tried.number).0);
    let now = inner.clock.now();
    if left > Span(0) {
        inner.outbox.defer(&load.ids(), now + left);
        return Ok(());
    }
    let attempt = Attempt { number: tried.number, first: tried.first };
    let call = match inner.resolve(load.head(), load.merged(), false).await {
        Ok(call) => call.at(attempt),
        Err(Hindrance::Store(error)) => return Err(error),
        Err(Hindrance::Never(why)) => return unknown(inner, &load, &tried, why).await,
        Err(Hindrance::Soon | Hindrance::File(_)) => {
            inner.outbox.defer(&load.ids(), now + patience.look_after);
            return Ok(());
        }
    };
    let looked = inner.search(&call).await;
    match looked {
        Looked::There(receipt) => {
            health::tried(load.way(), "found");
            inner.delivered(&load, tried.number, &receipt).await
        }
        Looked::Absent => absent(inner, load, tried, patience).await,
        Looked::Unclear(why) => unclear(inner, &load, &tried, patience, why).await,
    }
}

async fn unknown(
    inner: &Arc<Inner>,
    load: &Load,
    tried: &Tried,
    why: String,
) -> Result<(), StoreError> {
    health::tried(load.way(), "unknown");
    inner.failed(load, tried.number, Outcome::Unknown(why)).await
}

/// It could not be found out.
async fn unclear(
    inner: &Arc<Inner>,
    load: &Load,
    tried: &Tried,
    patience: Patience,
    why: String,
) -> Result<(), StoreError> {
    let times = {
        let mut notes = inner.outbox.notes();
        let times = notes.unclear.entry(load.head().id.clone()).or_default();
        *times += 1;
        *times
    };
    let hopeless = patience.resend == Resend::Ask || times >= UNCLEAR;
    if load.is_reply() && hopeless {
        return unknown(inner, load, tried, why).await;
    }
    let wait = retry(times, Some(patience.look_after), NOTICES).unwrap_or(patience.look_after);
    inner.outbox.defer(&load.ids(), inner.clock.now() + wait);
    Ok(())
}

/// It is not there, as far as the platform shows now: one absence is no proof.
async fn absent(
    inner: &Arc<Inner>,
    mut load: Load,
    tried: Tried,
    patience: Patience,
) -> Result<(), StoreError> {
    let now = inner.clock.now();
    let absences = tried.absent.saturating_add(1);
    let over = Span(limits::CALL.0 + patience.look_after.0);
    let left = Span(over.0 - inner.waited(&load, tried.number).0);
    if absences < ABSENCES || left > Span(0) {
        let (number, first, began) = (tried.number, tried.first, tried.began);
        // Only what was seen early does not count twice.
        let absent = absences.min(ABSENCES - 1);
        let state = State::Attempted { number, first, began, absent };
        inner.restate(&mut load, now, |row| row.state = state.clone()).await?;
        inner.outbox.defer(&load.ids(), now + left.max(patience.look_after));
        return Ok(());
    }
    again(inner, load, tried, patience).await
}

/// The absence is proven: sends again with the same key, as far as that is allowed.
async fn again(
    inner: &Arc<Inner>,
    load: Load,
    tried: Tried,
    patience: Patience,
) -> Result<(), StoreError> {
    // A try after an unknown one keeps the instant of the first: `began` tells them apart. A reply
    // is sent again only once; after that a person is asked.
    let resent = tried.first != tried.began;
    let reply = load.is_reply();
    if reply && patience.resend == Resend::Ask {
        let why = "the network gave no clear answer, and does not tell afterwards".to_owned();
        return unknown(inner, &load, &tried, why).await;
    }
    if reply && resent {
        let why = "the network gave no clear answer, twice".to_owned();
        return unknown(inner, &load, &tried, why).await;
    }
    let call = match inner.resolve(load.head(), load.merged(), true).await {
        Ok(call) => call,
        Err(Hindrance::Store(error)) => return Err(error),
        Err(Hindrance::Never(why)) => {
            return inner.failed(&load, tried.number, Outcome::Never(why)).await;
        }
        Err(Hindrance::Soon | Hindrance::File(_)) => {
            inner.outbox.defer(&load.ids(), inner.clock.now() + patience.look_after);
            return Ok(());
        }
    };
    tracing::info!(delivery = %load.head().id, "did not arrive, as two looks tell; sent again");
    inner.attempt(load, call, tried.number + 1, Some(tried.first)).await
}
