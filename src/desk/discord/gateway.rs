//! The gateway: one connection at a time, driven here and not by serenity's client, whose events
//! run in parallel tasks, whose resume is lost after a missed heartbeat, and whose TLS is old
//! (`Cargo.toml` and the notes on crates say more).
//! Source: <https://docs.discord.com/developers/events/gateway>.
//!
//! Every event goes, in Discord's order, through one bounded queue. While that is full nothing is
//! read from the connection; heartbeats go on.

use super::Shared;
use super::rest::{Call, Trouble};
use super::wire::{Frame, Gateway, Ready};
use crate::case::time::Span;
use crate::desk::Stopped;
use crate::inbox::{Inbox, Pulse};
use futures_util::{SinkExt, StreamExt};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use serenity::all::GatewayIntents;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc::Sender;
use tokio_tungstenite::tungstenite::Message as Packet;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use url::Url;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One dispatch: its name and its data.
pub(crate) type Dispatch = (String, Value);

/// Time to connect, and for the first word of the other side.
const FIRST: Duration = Duration::from_secs(15);
/// The longest wait between two attempts.
const LONGEST: Span = Span::minutes(2);
/// Failures in a row after which a session is given up.
const TRIES: u32 = 3;
/// Bytes of one frame: a large server's state.
const FRAME: usize = 16_000_000;

/// What is needed to go on where a connection broke.
#[derive(Clone, Debug)]
struct Session {
    id: String,
    url: String,
    seq: u64,
}

/// How a connection ended.
enum End {
    /// Go on in the same session.
    Resume,
    /// Begin anew.
    Anew,
    /// Told to stop.
    Asked,
    /// It cannot go on; the sentence is for the operator.
    Dead(String),
    /// The next connection is not taken before this long.
    Later(Span),
}

/// The intents we ask for: servers, messages, and, where it is allowed, their words.
fn intents(words: bool) -> GatewayIntents {
    let all = GatewayIntents::GUILDS | GatewayIntents::GUILD_MESSAGES;
    if words { all | GatewayIntents::MESSAGE_CONTENT } else { all }
}

/// Runs connections one after the other until told to stop, or until it cannot go on.
pub(crate) async fn run(desk: &Shared, inbox: &Inbox, queue: &Sender<Dispatch>) -> Stopped {
    let mut session: Option<Session> = None;
    let mut failures = 0_u32;
    loop {
        let before = session.as_ref().map(|s| s.seq);
        let end = tokio::select! {
            biased;
            () = inbox.stop().cancelled() => End::Asked,
            end = connection(desk, &mut session, inbox, queue) => end,
        };
        let heard = session.as_ref().is_some_and(|s| before != Some(s.seq));
        failures = if heard { 0 } else { failures.saturating_add(1) };
        if failures >= TRIES {
            session = None;
        }
        let wait = match end {
            End::Asked => return Stopped::Asked,
            End::Dead(why) => {
                inbox.pulse(&desk.feed(), Pulse::Dead(why.clone()));
                return Stopped::Dead(why);
            }
            End::Later(span) => span,
            End::Resume => pause(failures),
            End::Anew => {
                session = None;
                // Discord asks for one to five seconds before a new session.
                pause(failures).max(Span::millis(1_000 + fastrand::i64(0..4_000)))
            }
        };
        let down = Pulse::Down("the connection to Discord's gateway is being made again".into());
        inbox.pulse(&desk.feed(), down);
        tokio::select! {
            () = inbox.stop().cancelled() => return Stopped::Asked,
            () = tokio::time::sleep(wait.to_std()) => {}
        }
    }
}

/// Longer with every failure in a row, with chance in it, so that many do not come back at once.
fn pause(failures: u32) -> Span {
    if failures == 0 {
        return Span::millis(fastrand::i64(20..200));
    }
    let most = Span::millis(500).0 << failures.min(8);
    Span(fastrand::i64(most / 2..=most)).min(LONGEST)
}

async fn connection(
    desk: &Shared,
    session: &mut Option<Session>,
    inbox: &Inbox,
    queue: &Sender<Dispatch>,
) -> End {
    let url = match address(desk, session).await {
        Ok(url) => url,
        Err(end) => return end,
    };
    let Some(mut socket) = connect(desk, &url).await else { return End::Resume };
    let Some(beat) = hello(&mut socket).await else { return End::Resume };
    let first = match session {
        Some(Session { id, seq, .. }) => {
            let token = desk.token.get();
            let token = token.expose_secret();
            json!({"op": 6, "d": {"token": token, "session_id": id, "seq": seq}})
        }
        None => identify(desk),
    };
    if send(&mut socket, &first).await.is_none() {
        return End::Resume;
    }
    let mut link = Link { socket, beat, acked: true, pending: None };
    link.read(session, inbox, queue).await
}

fn identify(desk: &Shared) -> Value {
    json!({"op": 2, "d": {
        "token": desk.token.get().expose_secret(),
        "intents": intents(desk.words).bits(),
        "properties": {"os": std::env::consts::OS, "browser": "careline", "device": "careline"},
    }})
}

/// Where to connect: the session's own address, or the one Discord names now.
async fn address(desk: &Shared, session: &Option<Session>) -> Result<Url, End> {
    let text = match session {
        Some(session) => session.url.clone(),
        None => {
            let told = match desk.rest.call(Call::get(&["gateway", "bot"])).await {
                Ok(told) => told,
                Err(Trouble::No(401, _, _)) => return Err(End::Dead(TOKEN.into())),
                Err(Trouble::Busy(span)) => return Err(End::Later(span)),
                Err(_) => return Err(End::Resume),
            };
            let told: Gateway = serde_json::from_value(told).unwrap_or_default();
            let limit = told.session_start_limit;
            if limit.remaining == 0 {
                // Beyond the limit Discord would reset the token.
                return Err(End::Later(Span::millis(limit.reset_after.max(1_000))));
            }
            told.url
        }
    };
    let mut url = Url::parse(&text).map_err(|_| End::Anew)?;
    url.query_pairs_mut().clear().append_pair("v", "10").append_pair("encoding", "json");
    let fine = matches!(url.scheme(), "ws" | "wss") && desk.ground.net.allows(&url).is_ok();
    if fine { Ok(url) } else { Err(End::Anew) }
}

async fn connect(desk: &Shared, url: &Url) -> Option<Socket> {
    let config =
        WebSocketConfig::default().max_message_size(Some(FRAME)).max_frame_size(Some(FRAME));
    let made = tokio_tungstenite::connect_async_with_config(url.as_str(), Some(config), true);
    match tokio::time::timeout(FIRST, made).await {
        Ok(Ok((socket, _))) => Some(socket),
        _ => {
            tracing::info!(desk = %desk.desk, "Discord's gateway cannot be reached");
            None
        }
    }
}

/// The first word of the other side: how often it wants to hear from us.
async fn hello(socket: &mut Socket) -> Option<Duration> {
    let packet = tokio::time::timeout(FIRST, socket.next()).await.ok()??.ok()?;
    let frame: Frame = serde_json::from_str(packet.to_text().ok()?).ok()?;
    let millis = frame.d["heartbeat_interval"].as_u64().filter(|_| frame.op == 10)?;
    Some(Duration::from_millis(millis.clamp(100, 600_000)))
}

async fn send(socket: &mut Socket, value: &Value) -> Option<()> {
    socket.send(Packet::text(value.to_string())).await.ok()
}

/// One open connection.
struct Link {
    socket: Socket,
    beat: Duration,
    acked: bool,
    /// A dispatch for which the queue had no room yet.
    pending: Option<Dispatch>,
}

impl Link {
    async fn read(
        &mut self,
        session: &mut Option<Session>,
        inbox: &Inbox,
        queue: &Sender<Dispatch>,
    ) -> End {
        // The first beat comes at a moment by chance, as Discord asks.
        let first = self.beat.mul_f64(fastrand::f64());
        let mut beats = Box::pin(tokio::time::sleep(first));
        loop {
            tokio::select! {
                biased;
                () = inbox.stop().cancelled() => return self.goodbye().await,
                () = &mut beats => {
                    // While the queue is full acknowledgements wait unread.
                    if !self.acked && self.pending.is_none() {
                        tracing::info!("Discord's gateway does not answer; connecting again");
                        return End::Resume;
                    }
                    if self.heartbeat(session).await.is_none() {
                        return End::Resume;
                    }
                    beats = Box::pin(tokio::time::sleep(self.beat));
                }
                room = queue.reserve(), if self.pending.is_some() => {
                    let (Ok(room), Some(dispatch)) = (room, self.pending.take()) else {
                        return End::Asked;
                    };
                    room.send(dispatch);
                }
                packet = self.socket.next(), if self.pending.is_none() => {
                    let end = match packet {
                        Some(Ok(Packet::Text(text))) => self.frame(&text, session).await,
                        Some(Ok(Packet::Close(close))) => Some(closed(close)),
                        Some(Ok(_)) => None,
                        Some(Err(_)) | None => Some(End::Resume),
                    };
                    if let Some(end) = end {
                        return end;
                    }
                }
            }
        }
    }

    async fn heartbeat(&mut self, session: &Option<Session>) -> Option<()> {
        self.acked = false;
        let seq = session.as_ref().map(|s| s.seq);
        send(&mut self.socket, &json!({"op": 1, "d": seq})).await
    }

    /// Ends the session too: what comes after a stop is found by the next start's sweep.
    async fn goodbye(&mut self) -> End {
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let _ = tokio::time::timeout(Duration::from_secs(1), self.socket.close(Some(close))).await;
        End::Asked
    }

    async fn frame(&mut self, text: &str, session: &mut Option<Session>) -> Option<End> {
        let Ok(frame) = serde_json::from_str::<Frame>(text) else {
            self.pending = Some((UNREADABLE.into(), Value::String(text.to_owned())));
            return None;
        };
        match frame.op {
            0 => self.dispatch(frame, session),
            1 if self.heartbeat(session).await.is_none() => return Some(End::Resume),
            7 => return Some(End::Resume),
            9 if frame.d == json!(true) => return Some(End::Resume),
            9 => return Some(End::Anew),
            11 => self.acked = true,
            _ => {}
        }
        None
    }

    fn dispatch(&mut self, frame: Frame, session: &mut Option<Session>) {
        let name = frame.t.unwrap_or_default();
        if name == "READY" {
            let ready: Ready = serde_json::from_value(frame.d.clone()).unwrap_or_default();
            *session =
                Some(Session { id: ready.session_id, url: ready.resume_gateway_url, seq: 0 });
        }
        if let (Some(session), Some(seq)) = (session.as_mut(), frame.s) {
            session.seq = session.seq.max(seq);
        }
        self.pending = Some((name, frame.d));
    }
}

/// The name under which a frame that is no JSON goes to the worker.
pub(crate) const UNREADABLE: &str = "";

const TOKEN: &str =
    "Discord does not take the bot's token; set a new one from the developer portal";

/// What a close code means.
/// Source: <https://docs.discord.com/developers/topics/opcodes-and-status-codes>.
fn closed(close: Option<CloseFrame>) -> End {
    let code = close.map_or(0, |close| u16::from(close.code));
    match code {
        4004 => End::Dead(TOKEN.into()),
        4014 => End::Dead(
            "Discord does not let this bot read messages: switch on \"Message Content Intent\" for \
             it in the developer portal, or set message_content = false and use relay mode explicit"
                .into(),
        ),
        4010..=4013 => End::Dead(format!(
            "Discord refused the connection for good (close code {code}); this version of careline \
             and Discord's gateway do not fit together"
        )),
        4003 | 4007 | 4009 | 1000 | 1001 => End::Anew,
        _ => End::Resume,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_end_in_the_right_way() {
        let close = |code: u16| closed(Some(CloseFrame { code: code.into(), reason: "".into() }));
        for code in [4004, 4010, 4011, 4012, 4013, 4014] {
            assert!(matches!(close(code), End::Dead(_)), "{code}");
        }
        for code in [4000, 4001, 4002, 4005, 4008, 1006] {
            assert!(matches!(close(code), End::Resume), "{code}");
        }
        for code in [4007, 4009] {
            assert!(matches!(close(code), End::Anew), "{code}");
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        assert!(pause(0) < Span::seconds(1));
        for failures in 1..40 {
            let span = pause(failures);
            assert!(span >= Span::millis(500) && span <= LONGEST, "{failures}: {span:?}");
        }
    }

    #[test]
    fn intents_are_what_discord_numbers_them() {
        assert_eq!(intents(true).bits(), 1 + (1 << 9) + (1 << 15));
        assert_eq!(intents(false).bits(), 1 + (1 << 9));
    }
}
