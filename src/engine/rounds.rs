//! What comes round by the clock and spans cases: the list of held alerts when the team is there
//! again, the morning's digest, and the count of an incident. Each is an envelope whose id names
//! its time, so that a second one after a restart or a jump of the clock is known.

use super::{Engine, Inner, morning};
use crate::case::event::{Envelope, Event};
use crate::case::id::CaseNo;
use crate::case::incident::{self, Incident};
use crate::case::model::{Case, Status};
use crate::case::record::{Key, Reach, Record};
use crate::case::time::{Span, Timestamp};
use crate::inbox::Door;
use crate::store::{Store, StoreError, walk};
use std::sync::Arc;

/// How often the clock is looked at.
const NAP: Span = Span::seconds(30);
/// Cases of one list; the rest is told by the next one.
const LIST: usize = 200;
/// A digest that is later than this is not worth reading.
const LATE: Span = Span::hours(4);

/// What was told already; only to spare reading, the ids of the envelopes decide.
#[derive(Default)]
struct Told {
    opened: Option<Timestamp>,
    morning: Option<Timestamp>,
    over: Option<u32>,
}

impl Inner {
    /// Goes round until the engine shuts.
    pub(super) async fn go_round(self: &Arc<Self>) -> Result<(), StoreError> {
        let mut told = Told::default();
        loop {
            self.round_of_held(&mut told).await?;
            self.round_of_morning(&mut told).await?;
            self.round_of_incident(&mut told).await?;
            tokio::select! {
                biased;
                () = self.shut.cancelled() => return Ok(()),
                () = self.clock.sleep(NAP) => {}
            }
        }
    }

    async fn round_of_held(self: &Arc<Self>, told: &mut Told) -> Result<(), StoreError> {
        let policy = self.policy();
        let alerts = &policy.alerts;
        let may_hold = !alerts.rules.is_empty() || alerts.again > 0;
        let opened = alerts.hours.opened(self.clock.now()).filter(|_| may_hold);
        if opened.is_some() && opened != told.opened {
            self.list_held(&format!("held:{}", opened.unwrap_or_default().0)).await?;
            told.opened = opened;
        }
        Ok(())
    }

    /// One envelope for each so many cases.
    async fn list_held(self: &Arc<Self>, id: &str) -> Result<(), StoreError> {
        let held = |case: &Case| case.alert.as_ref().is_some_and(|alert| alert.held);
        let cases: Vec<CaseNo> =
            cases(&*self.store).await?.iter().filter(|case| held(case)).map(|c| c.no).collect();
        for (n, cases) in cases.chunks(LIST).enumerate() {
            self.say(format!("{id}:{n}"), Event::Held { cases: cases.to_vec() }).await;
        }
        Ok(())
    }

    async fn round_of_morning(self: &Arc<Self>, told: &mut Told) -> Result<(), StoreError> {
        let (policy, now) = (self.policy(), self.clock.now());
        let Some(minute) = policy.alerts.digest else { return Ok(()) };
        let due = policy.alerts.hours.on_day(now, minute);
        let due = due.filter(|due| *due <= now && now.since(*due) < LATE);
        if due.is_some() && due != told.morning {
            let paid = self.networks.iter().filter_map(|(id, of)| Some((id, of.paid()?)));
            let words = morning::digest(&*self.store, now).await?;
            let words = morning::paid(words, paid);
            let id = format!("morning:{}", due.unwrap_or_default().0);
            self.say(id, Event::Morning { words }).await;
            told.morning = due;
        }
        Ok(())
    }

    /// While it goes on its cases are counted; when it is over, what was held is listed.
    async fn round_of_incident(self: &Arc<Self>, told: &mut Told) -> Result<(), StoreError> {
        let reach = Reach { keys: [Key::Incident].into(), query: None };
        let found = self.store.read(&reach).await?;
        let Some(Record::Incident(last)) = found.get(&Key::Incident) else { return Ok(()) };
        if last.goes_on() {
            return self.count(last).await;
        }
        if told.over != Some(last.no) {
            self.list_held(&format!("held:incident:{}", last.no)).await?;
            told.over = Some(last.no);
        }
        Ok(())
    }

    async fn count(self: &Arc<Self>, incident: &Incident) -> Result<(), StoreError> {
        let all = cases(&*self.store).await?;
        let under: Vec<&Case> =
            all.iter().filter(|case| incident::counts(case, incident.no)).collect();
        let calls = under.iter().map(|case| case.muted).sum();
        let cases = u32::try_from(under.len()).unwrap_or(u32::MAX);
        if (cases, calls) != (incident.cases, incident.calls) {
            let id = format!("counted:{}:{}", incident.no, self.clock.now().0);
            self.say(id, Event::Counted { incident: incident.no, cases, calls }).await;
        }
        Ok(())
    }

    /// An engine that is shutting takes nothing more; the next start says it again.
    async fn say(self: &Arc<Self>, id: String, event: Event) {
        let _ = Engine(self.clone()).put(Envelope::new(id, event)).await;
    }
}

/// All cases that are not closed.
pub(super) async fn cases(store: &dyn Store) -> Result<Vec<Case>, StoreError> {
    walk::cases(store, |case| case.status != Status::Closed).await
}
