//! Wakes cases. The store knows who wants to be woken; here is only the waiting.

use super::Inner;
use crate::case::event::{Envelope, Event};
use crate::case::id::CaseNo;
use crate::case::model::{Alarm, Wake};
use crate::case::record::{Key, Reach};
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Door, Shut, boundary};
use crate::store::StoreError;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The longest sleep: a clock that is set forward is noticed after it.
const NAP: Span = Span::seconds(30);
/// Alarms taken at once.
const PAGE: usize = 256;

/// The envelope of an alarm: it names case, purpose and time, so that a second firing is known.
fn due(case: CaseNo, alarm: &Alarm) -> Envelope {
    let what = match alarm.what {
        Wake::Release(line) => format!("release.{line}"),
        Wake::Patience(rung) => format!("patience.{rung}"),
        Wake::Promise(n) => format!("promise.{n}"),
        Wake::Snooze => "snooze".into(),
        Wake::Solved => "solved".into(),
    };
    let id = format!("due:{}:{what}:{}", case.0, alarm.at.0);
    Envelope::new(id, Event::Due { case, alarm: alarm.clone() })
}

impl Inner {
    /// Wakes cases until the engine shuts.
    pub(super) async fn wake_cases(self: &Arc<Self>) -> Result<(), StoreError> {
        // Alarms that went off and were known already: the store still lists them for a moment, or
        // for good if their envelope came from an older copy of the store.
        let mut known = BTreeSet::new();
        let mut held = 0;
        loop {
            let changed = self.alarms.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = self.clock.now();
            // Those that are known, or held, stand in front of all later ones, and must not hide
            // them.
            let due = self.store.alarms(now, PAGE + known.len() + held).await?;
            known.retain(|alarm| due.contains(alarm));
            let fresh: Vec<_> = due.into_iter().filter(|alarm| !known.contains(alarm)).collect();
            let all = fresh.len();
            let fresh = self.may_go_off(fresh).await?;
            held = all - fresh.len();
            if fresh.is_empty() {
                let wait = self.until_next(now, known.len()).await?;
                tokio::select! {
                    biased;
                    () = self.shut.cancelled() => return Ok(()),
                    () = changed => {}
                    () = self.clock.sleep(wait) => {}
                }
                continue;
            }
            if self.fire(fresh, &mut known).await.is_err() {
                return Ok(());
            }
        }
    }

    /// All but releases of replies at a desk that is being read again: their authors may have taken
    /// them back while careline was away.
    async fn may_go_off(
        &self,
        mut due: Vec<(CaseNo, Alarm)>,
    ) -> Result<Vec<(CaseNo, Alarm)>, StoreError> {
        let unswept = self.unswept().clone();
        let releases = |(_, alarm): &(CaseNo, Alarm)| matches!(alarm.what, Wake::Release(_));
        if unswept.is_empty() || !due.iter().any(releases) {
            return Ok(due);
        }
        let keys = due.iter().filter(|alarm| releases(alarm)).map(|(no, _)| Key::Case(*no));
        let found = self.store.read(&Reach { keys: keys.collect(), query: None }).await?;
        let waits = |no| found.case(no).is_some_and(|c| unswept.contains(&c.channel.desk));
        due.retain(|alarm| !releases(alarm) || !waits(alarm.0));
        Ok(due)
    }

    async fn fire(
        self: &Arc<Self>,
        due_now: Vec<(CaseNo, Alarm)>,
        known: &mut BTreeSet<(CaseNo, Alarm)>,
    ) -> Result<(), Shut> {
        boundary::here("engine.alarm");
        let engine = super::Engine(self.clone());
        let puts = due_now.iter().map(|(case, alarm)| engine.put(due(*case, alarm)));
        let taken = futures_util::future::try_join_all(puts).await?;
        for (alarm, taken) in due_now.into_iter().zip(taken) {
            if taken.repeated {
                tracing::debug!(case = %alarm.0, "an alarm that went off before is still set");
                known.insert(alarm);
            }
        }
        Ok(())
    }

    /// How long until the next alarm, if `known` ones are passed over.
    async fn until_next(&self, now: Timestamp, known: usize) -> Result<Span, StoreError> {
        let ahead = self.store.alarms(now + NAP, PAGE + known).await?;
        let next = ahead.iter().map(|(_, alarm)| alarm.at).find(|at| *at > now);
        Ok(next.map_or(NAP, |at| at.since(now)))
    }
}
