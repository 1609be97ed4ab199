//! Tells alerts outside chat. What happened is read from the log behind a place that is kept in the
//! store and moves on only when all before it was told: at least once, in order, with the same key
//! for one case and rule. What is over before it could be told is told to nobody.

use super::clock::Clock;
use crate::case::id::{CaseNo, FeedId};
use crate::case::model::{Body, Case, Priority};
use crate::case::record::{Commit, Found, Key, LogEntry, Reach, Record};
use crate::case::time::Span;
use crate::net::page::{Page, Pager, Sent, Told};
use crate::store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How often the log is looked at.
const NAP: Span = Span::seconds(2);
/// Entries read at once.
const PAGE: usize = 500;

/// Alerts that were told and are not over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The last entry of the log that was seen to.
    after: u64,
    open: BTreeMap<CaseNo, Open>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    rules: BTreeSet<String>,
    /// Who sees to it, as it was told.
    taken: Option<String>,
}

/// What must be told about a case after this entry, and what is open then.
fn steps(
    open: Option<&Open>,
    case: Option<&Case>,
    fired: &[String],
) -> (Vec<(Told, String)>, Open) {
    let mut now = open.cloned().unwrap_or_default();
    let all = |told: Told, rules: &BTreeSet<String>| -> Vec<_> {
        rules.iter().map(|rule| (told, rule.clone())).collect()
    };
    let Some(alert) = case.and_then(|case| case.alert.as_ref()) else {
        return (all(Told::Resolve, &now.rules), Open::default());
    };
    // In quiet hours and under an incident nobody is called, here as in chat.
    let calls = if alert.held { &[][..] } else { fired };
    let mut tell: Vec<_> = calls.iter().map(|rule| (Told::Trigger, rule.clone())).collect();
    now.rules.extend(calls.iter().cloned());
    let taken = alert.taken.as_ref().map(|agent| format!("{}:{}", agent.id.desk, agent.id.user));
    if taken.is_some() && taken != now.taken {
        tell.extend(all(Told::Acknowledge, &now.rules));
    }
    now.taken = taken;
    (tell, now)
}

/// Tells what the log says until it is told to stop.
///
/// # Errors
/// The store cannot be read or written.
pub async fn run(
    store: Arc<dyn Store>,
    pager: Pager,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    let work = Work { store, pager, clock };
    tokio::select! {
        done = work.follow() => done,
        () = stop.cancelled() => Ok(()),
    }
}

struct Work {
    store: Arc<dyn Store>,
    pager: Pager,
    clock: Arc<dyn Clock>,
}

impl Work {
    async fn follow(&self) -> Result<(), StoreError> {
        let mut place = self.begin().await?;
        loop {
            let page = self.store.log(place.after, PAGE).await?;
            let Some(last) = page.last().map(|entry| entry.seq) else {
                self.clock.sleep(NAP).await;
                continue;
            };
            for entry in &page {
                self.see_to(&mut place, entry).await?;
            }
            if place.after < last {
                place.after = last;
                self.keep(&place).await?;
            }
        }
    }

    /// Where it was left; at the very first start, now: what was long ago calls nobody.
    async fn begin(&self) -> Result<Place, StoreError> {
        let found = self.read([key()].into()).await?;
        if let Some(Record::Cursor(text)) = found.get(&key())
            && let Ok(place) = serde_json::from_str(text)
        {
            return Ok(place);
        }
        let place = Place { after: self.store.last_log().await?, ..Place::default() };
        self.keep(&place).await?;
        Ok(place)
    }

    async fn see_to(&self, place: &mut Place, entry: &LogEntry) -> Result<(), StoreError> {
        let Some(no) = entry.case else { return Ok(()) };
        if entry.fired.is_empty() && !place.open.contains_key(&no) {
            return Ok(());
        }
        let found = self.read([Key::Case(no)].into()).await?;
        let case = found.case(no);
        let (tell, open) = steps(place.open.get(&no), case, &entry.fired);
        for (told, rule) in tell {
            self.tell(&self.page(told, no, &rule, case).await?).await;
        }
        match open.rules.is_empty() {
            true => place.open.remove(&no),
            false => place.open.insert(no, open),
        };
        place.after = entry.seq;
        self.keep(place).await
    }

    async fn page(
        &self,
        told: Told,
        no: CaseNo,
        rule: &str,
        case: Option<&Case>,
    ) -> Result<Page, StoreError> {
        let why = case.and_then(|case| case.alert.as_ref()).map(|alert| alert.why.join("; "));
        Ok(Page {
            told,
            key: format!("careline:{}:{}:{rule}", self.store.identity().deployment.0, no.0),
            summary: format!("{no}: {}", why.unwrap_or_else(|| rule.to_owned())),
            account: case.map_or_else(String::new, |case| case.account.to_string()),
            urgent: case.is_some_and(|case| case.priority == Priority::High),
            words: match case {
                Some(case) if self.pager.words => self.words(case).await?,
                _ => None,
            },
        })
    }

    async fn words(&self, case: &Case) -> Result<Option<String>, StoreError> {
        let Some(heard) = case.recent.last() else { return Ok(None) };
        let found = self.read([Key::Line(case.no, heard.line)].into()).await?;
        Ok(found.line(case.no, heard.line).and_then(|line| match &line.body {
            Body::Mention { mention, .. } => Some(mention.text.raw().to_owned()),
            _ => None,
        }))
    }

    /// Tries until it is there, or surely never will be.
    async fn tell(&self, page: &Page) {
        for tried in 0.. {
            match self.pager.send(page, self.clock.now(), tried).await {
                Sent::Taken => return,
                Sent::Refused(status) => {
                    tracing::error!(status, key = page.key, "the pager refuses an alert");
                    return;
                }
                Sent::Later(wait, why) => {
                    tracing::warn!(tried, "an alert is not told outside chat yet: {why}");
                    self.clock.sleep(wait).await;
                }
            }
        }
    }

    async fn read(&self, keys: BTreeSet<Key>) -> Result<Found, StoreError> {
        self.store.read(&Reach { keys, query: None }).await
    }

    async fn keep(&self, place: &Place) -> Result<(), StoreError> {
        let text = serde_json::to_string(place).unwrap_or_default();
        let writes = [(key(), Some(Record::Cursor(text)))].into();
        let (at, reads) = (self.clock.now(), BTreeMap::new());
        self.store.commit(Commit { envelope: None, at, reads, writes, log: None }).await?;
        Ok(())
    }
}

fn key() -> Key {
    Key::Cursor(FeedId::new("pager"))
}
