//! Hears accounts and desks. Who stops because his token is dead is tried again, slowly, with the
//! secret read anew; a desk's threads are read again whenever it has (re)connected.

use super::run::Ended;
use super::{Engine, Inner};
use crate::case::event::{Envelope, Event};
use crate::case::id::{AccountId, DeskId, FeedId, ThreadId};
use crate::case::model::{Body, Case, Line, ReplyState, Status};
use crate::case::record::{Key, Reach, Record};
use crate::case::time::{Span, Timestamp};
use crate::desk::{Desk, Mark};
use crate::inbox::{Inbox, Pulse, Task};
use crate::net::Stopped;
use crate::network::Network;
use crate::store::{Kind, StoreError};
use std::sync::Arc;
use tokio::sync::Notify;

/// Records read at once.
const PAGE: usize = 500;
/// Newest lines of a case whose messages a sweep looks for, besides those of waiting replies.
const KNOWN: u32 = 20;
/// How far a sweep goes back before the beginning of the last one: clocks differ, and events may be
/// on their way for a while.
const OVERLAP: Span = Span::minutes(5);

pub(super) async fn network(engine: Engine, id: AccountId, network: Arc<dyn Network>) -> Ended {
    let listen = move |inbox| -> Task<'static, Stopped> {
        let network = network.clone();
        Box::pin(async move { network.listen(inbox).await })
    };
    hear(engine, id.0, listen).await
}

pub(super) async fn desk(
    engine: Engine,
    id: DeskId,
    desk: Arc<dyn Desk>,
    swept: Arc<Notify>,
) -> Ended {
    let listen = move |inbox| -> Task<'static, Stopped> {
        let (desk, swept) = (desk.clone(), swept.clone());
        Box::pin(async move { desk.listen(inbox, swept).await })
    };
    hear(engine, id.0, listen).await
}

/// Listens; after its token died again and again, until the operator has acted.
async fn hear(
    engine: Engine,
    id: String,
    listen: impl Fn(Inbox) -> Task<'static, Stopped>,
) -> Ended {
    let (inbox, inner) = (engine.inbox(), &engine.0);
    loop {
        let again = inner.again.notified();
        tokio::pin!(again);
        again.as_mut().enable();
        match listen(inbox.clone()).await {
            Stopped::Asked if inbox.stop().is_cancelled() => return Ended::Well,
            Stopped::Asked => return Ended::All(format!("{id} stopped listening by itself")),
            Stopped::Dead(why) => inner.board.token(&id, Some(&why), inner.clock.now()),
        }
        tokio::select! {
            biased;
            () = inbox.stop().cancelled() => return Ended::Well,
            () = again => {}
            () = inner.clock.sleep(inner.tuning.probe) => {}
        }
        inner.board.try_again(&id);
    }
}

/// Reads the threads of a desk again whenever it has (re)connected. Those with replies that wait
/// come first: when they are read, replies may be released again. A new connection begins anew, so
/// that what changed comes before what did not.
pub(super) async fn sweeps(
    engine: Engine,
    id: DeskId,
    desk: Arc<dyn Desk>,
    swept: Arc<Notify>,
) -> Ended {
    let inbox = engine.inbox();
    tokio::select! {
        biased;
        () = inbox.stop().cancelled() => Ended::Well,
        error = sweep_after_each(&engine, &id, &*desk, &swept) => Ended::All(error.to_string()),
    }
}

/// Ends only when the store does.
async fn sweep_after_each(
    engine: &Engine,
    id: &DeskId,
    desk: &dyn Desk,
    swept: &Notify,
) -> StoreError {
    let inbox = engine.inbox();
    loop {
        swept.notified().await;
        let began = engine.0.clock.now();
        let sweep = Sweep { engine, id, desk, inbox: &inbox, began };
        if let Err(error) = sweep.first().await {
            return error;
        }
        let rest = tokio::select! {
            biased;
            () = swept.notified() => {
                // Kept for the next round.
                swept.notify_one();
                Ok(())
            }
            done = sweep.rest() => done,
        };
        if let Err(error) = rest {
            return error;
        }
    }
}

/// One sweep of one desk.
struct Sweep<'a> {
    engine: &'a Engine,
    id: &'a DeskId,
    desk: &'a dyn Desk,
    inbox: &'a Inbox,
    began: Timestamp,
}

impl Sweep<'_> {
    /// Threads with replies that wait.
    async fn first(&self) -> Result<(), StoreError> {
        let inner = &self.engine.0;
        inner.unswept().insert(self.id.clone());
        self.until_done(|mark| mark.waits).await?;
        inner.unswept().remove(self.id);
        inner.alarms.notify_one();
        inner.board.over(&feed(self.id));
        Ok(())
    }

    /// All others; then it is noted that everything was read.
    async fn rest(&self) -> Result<(), StoreError> {
        self.until_done(|mark| !mark.waits).await?;
        swept(self.id, self.inbox, self.began - OVERLAP).await;
        Ok(())
    }

    async fn until_done(&self, wanted: fn(&Mark) -> bool) -> Result<(), StoreError> {
        let inner = &self.engine.0;
        let mut wait = Span::seconds(2);
        loop {
            let mut marks = inner.marks(self.id).await?;
            marks.retain(wanted);
            let Err(failure) = self.desk.sweep(marks, self.inbox.clone()).await else {
                return Ok(());
            };
            let kind = failure.kind();
            tracing::warn!(desk = %self.id, kind, "threads could not be read again, yet");
            if inner.unswept().contains(self.id) {
                let why = "its threads cannot be read again yet; until then replies wait";
                let (feed, now) = (feed(self.id), inner.clock.now());
                inner.board.pulse(&feed, Pulse::Down(why.to_owned()), now);
            }
            inner.clock.sleep(wait).await;
            wait = Span((wait.0 * 2).min(Span::minutes(5).0));
        }
    }
}

/// Up to when all threads of a desk were read.
fn feed(desk: &DeskId) -> FeedId {
    FeedId::new(format!("{desk}/swept"))
}

async fn swept(desk: &DeskId, inbox: &Inbox, until: Timestamp) {
    let (feed, cursor) = (feed(desk), until.0.to_string());
    let id = format!("{feed}:{cursor}");
    // Shut: the next start reads a little more.
    drop(inbox.put(Envelope::new(id, Event::FeedState { feed, cursor })).await);
}

impl Inner {
    /// The threads of this desk's cases that are open or have replies waiting, with what is known
    /// of them.
    async fn marks(&self, desk: &DeskId) -> Result<Vec<Mark>, StoreError> {
        let key = Key::Cursor(feed(desk));
        let found = self.store.read(&Reach { keys: [key.clone()].into(), query: None }).await?;
        let seen = match found.get(&key) {
            Some(Record::Cursor(cursor)) => cursor.parse().ok().map(Timestamp),
            _ => None,
        };
        let mut marks = Vec::new();
        for (thread, lines, waits) in self.threads(desk).await? {
            let known = self.known(lines).await?;
            marks.push(Mark { thread, seen, known, waits });
        }
        Ok(marks)
    }

    /// Threads to look at, each with the lines of its case whose messages are looked for.
    async fn threads(&self, desk: &DeskId) -> Result<Vec<(ThreadId, Vec<Key>, bool)>, StoreError> {
        let mut threads = Vec::new();
        let mut after: Option<Key> = None;
        loop {
            let page = self.store.scan(Kind::Case, after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(threads) };
            after = Some(last.clone());
            for (_, versioned) in &page {
                let Some(Record::Case(case)) = &versioned.record else { continue };
                let thread = case.thread.as_ref().filter(|t| t.channel.desk == *desk);
                let open = case.status != Status::Closed || !case.held.is_empty();
                if let Some(thread) = thread.filter(|_| open) {
                    threads.push((thread.clone(), lines(case), !case.held.is_empty()));
                }
            }
        }
    }

    /// The messages of these lines that should stand in their thread.
    async fn known(&self, lines: Vec<Key>) -> Result<Vec<String>, StoreError> {
        let reach = Reach { keys: lines.into_iter().collect(), query: None };
        let found = self.store.read(&reach).await?;
        let line = |key| match found.get(key) {
            Some(Record::Line(line)) => source(line),
            _ => None,
        };
        Ok(reach.keys.iter().filter_map(line).collect())
    }
}

fn lines(case: &Case) -> Vec<Key> {
    let newest = case.lines.saturating_sub(KNOWN)..case.lines;
    case.held.iter().copied().chain(newest).map(|seq| Key::Line(case.no, seq)).collect()
}

/// The agent's message of a line, as far as it is not known to be deleted.
fn source(line: &Line) -> Option<String> {
    let source = match &line.body {
        Body::Reply(reply) if reply.state != ReplyState::Withdrawn => reply.source.as_ref(),
        Body::Remark { text, source, .. } if !text.is_empty() => source.as_ref(),
        _ => None,
    };
    source.map(|message| message.message.clone())
}
