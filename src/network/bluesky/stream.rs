//! Jetstream, version 1: every post of the network as it happens. A hint only: what it says is
//! read again from our own network's lists, and while it is away the sweeps suffice.
//!
//! Cursors are microseconds and inclusive, so one event comes again. They belong to one server: on
//! another one we begin a little earlier. Source: <https://github.com/bluesky-social/jetstream>.

use super::Bluesky;
use super::gate::Told;
use super::hint::{self, Hint};
use super::overhear::Pending;
use super::sweep::Shared;
use crate::case::id::FeedId;
use crate::case::time::Span;
use crate::inbox::{Inbox, Pulse, Shut};
use crate::network::feed::{LONGEST, pause};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc::Sender;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// How far before its cursor another server is asked to begin.
const BACK: Span = Span::seconds(10);
/// How often the cursor is kept: it is a hint's cursor, and each keeping is a commit.
const KEPT_EVERY: Span = Span::seconds(10);
/// How often we ask whether the server is still there.
const PING: Duration = Duration::from_secs(20);
/// Silence after which it is not. An answer to a ping breaks it.
const SILENCE: Span = Span::seconds(60);
/// Time for a connection to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of one event: records are at most 1 MB.
const EVENT_BYTES: usize = 2 * 1024 * 1024;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Follows the stream, one server after the other.
pub(super) struct Tail<'a> {
    pub(super) driver: &'a Bluesky,
    pub(super) inbox: &'a Inbox,
    pub(super) shared: &'a Shared,
    pub(super) hints: Sender<Hint>,
    pub(super) us: String,
    /// Where posts go that nobody addressed to us.
    pub(super) overheard: Sender<Told>,
    pub(super) pending: &'a Pending,
}

impl Tail<'_> {
    /// Follows until careline stops.
    pub(super) async fn follow(&self) -> Shut {
        let feed = self.driver.feed("jetstream");
        let mut cursor = match self.inbox.cursor(&feed).await {
            Ok(cursor) => cursor.and_then(|text| text.parse::<i64>().ok()),
            Err(shut) => return shut,
        };
        let mut failures: u32 = 0;
        let mut last = None;
        for at in (0..self.driver.jetstream.len()).cycle() {
            let server = &self.driver.jetstream[at];
            let moved = last.is_some_and(|last| last != at);
            last = Some(at);
            let from = cursor.map(|cursor| if moved { cursor - BACK.0 } else { cursor });
            let why = match connect(self.driver, server, from).await {
                Ok(socket) => {
                    failures = 0;
                    match self.read(socket, &feed, &mut cursor).await {
                        Ok(why) => why,
                        Err(shut) => return shut,
                    }
                }
                Err(why) => why,
            };
            self.inbox.pulse(&feed, Pulse::Down(why));
            failures += 1;
            sleep(pause(failures, LONGEST)).await;
        }
        Shut
    }

    /// Reads until the connection ends, and says why it did.
    async fn read(
        &self,
        mut socket: Socket,
        feed: &FeedId,
        cursor: &mut Option<i64>,
    ) -> Result<String, Shut> {
        self.inbox.pulse(feed, Pulse::Read);
        if cursor.is_none() {
            // From here on nothing may be missed, also if we are stopped before the next event.
            let start = (self.driver.now() - self.driver.since).0;
            *cursor = Some(start);
            self.driver.save(self.inbox, feed, start.to_string()).await?;
        }
        let (mut kept, mut kept_at) = (*cursor, self.driver.now());
        let mut heard = self.driver.now();
        let mut ping = tokio::time::interval(PING);
        loop {
            let message = tokio::select! {
                message = socket.next() => message,
                _ = ping.tick() => {
                    let silent = self.driver.now().since(heard) > SILENCE;
                    if silent || socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                        return Ok("Jetstream fell silent".into());
                    }
                    self.inbox.pulse(feed, Pulse::Read);
                    continue;
                }
            };
            heard = self.driver.now();
            match message {
                Some(Ok(Message::Text(text))) => {
                    *cursor = self.take(&text).await?.or(*cursor);
                }
                Some(Ok(Message::Close(_))) | None => return Ok("Jetstream hung up".into()),
                Some(Err(error)) => return Ok(format!("Jetstream broke off: {error}")),
                Some(Ok(_)) => {}
            }
            if heard.since(kept_at) > KEPT_EVERY && *cursor != kept {
                (kept, kept_at) = (*cursor, heard);
                let cursor = cursor.unwrap_or_default();
                let safe = self.pending.oldest().map_or(cursor, |oldest| oldest.min(cursor));
                self.driver.save(self.inbox, feed, safe.to_string()).await?;
            }
        }
    }
}

impl Tail<'_> {
    /// Takes one event; gives its place, where that was read.
    async fn take(&self, text: &str) -> Result<Option<i64>, Shut> {
        let ears = &self.driver.ears;
        let deleted = || text.contains(r#""operation":"delete""#);
        let known = |uri: &str| self.shared.has(uri) || deleted() && ears.has(uri);
        let (mut at, hint) = hint::hint(text, &self.us, known);
        if let Some(hint) = hint {
            self.hints.send(hint).await.map_err(|_| Shut)?;
        }
        if let Some(told) = self.driver.overhears(text, &self.us) {
            at = Some(told.at);
            self.pending.add(&told);
            self.overheard.send(told).await.map_err(|_| Shut)?;
        }
        Ok(at)
    }
}

/// Does this server of the stream answer?
pub(super) async fn try_server(driver: &Bluesky, server: &url::Url) -> Result<(), String> {
    connect(driver, server, None).await.map(drop)
}

async fn connect(
    driver: &Bluesky,
    server: &url::Url,
    cursor: Option<i64>,
) -> Result<Socket, String> {
    let mut url = server.clone();
    if matches!(url.path(), "" | "/") {
        url.set_path("/subscribe");
    }
    url.query_pairs_mut().append_pair("wantedCollections", super::wire::POSTS);
    if let Some(cursor) = cursor {
        url.query_pairs_mut().append_pair("cursor", &cursor.to_string());
    }
    let ground = driver.client.xrpc.ground();
    ground.net.allows(&url).map_err(|refused| refused.to_string())?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(EVENT_BYTES))
        .max_frame_size(Some(EVENT_BYTES));
    let connected = connect_async_with_config(url.as_str(), Some(config), true);
    match timeout(CONNECT, connected).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(format!("Jetstream cannot be reached: {error}")),
        Err(_) => Err("Jetstream does not answer".into()),
    }
}
