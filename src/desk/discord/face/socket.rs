//! The gateway: hello, heartbeats, identify, resume, and what can go wrong with them.
//! Source: <https://docs.discord.com/developers/events/gateway>,
//! <https://docs.discord.com/developers/topics/opcodes-and-status-codes>.
//!
//! The office's notes turn screws: `heartbeat` (milliseconds), `no_resume` (every resume is
//! refused), `deaf` (beats are not acknowledged), `hang_up` (see [`super::hang_up`]).

use super::apps::{self, App};
use super::{Face, events, held, now, show};
use crate::world::fault::Wrong;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Frames kept for a resume.
const KEPT: usize = 5_000;

/// A session: what was sent in it, and how far it has read the ledger.
pub(super) struct Session {
    app: App,
    at: u64,
    seq: u64,
    sent: Vec<(u64, Value)>,
}

/// Takes a connection. The version and the encoding must be named.
pub(super) async fn gateway(
    State(face): State<Arc<Face>>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let host = headers.get("host").and_then(|h| h.to_str().ok()).unwrap_or("127.0.0.1");
    let base = format!("http://{host}");
    let json = query.get("encoding").is_none_or(|e| e == "json");
    let fine = query.get("v").is_some_and(|v| v == "10") && json;
    upgrade.on_upgrade(move |socket| async move {
        let mut link = Link { face, socket, base, session: None, hung: 0, heard: Instant::now() };
        if fine {
            link.run().await;
        } else {
            link.close(4012).await;
        }
    })
}

struct Link {
    face: Arc<Face>,
    socket: WebSocket,
    base: String,
    session: Option<String>,
    hung: i64,
    heard: Instant,
}

/// The connection shall end, by this close code or, with `None`, without a word.
struct End(Option<u16>);

impl Link {
    async fn run(&mut self) {
        let end = self.talk().await;
        if let Err(End(Some(code))) = end {
            self.close(code).await;
        }
    }

    async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code, reason: "".into() };
        let _ = self.socket.send(Message::Close(Some(frame))).await;
        // The other side may read the code before the connection goes.
        let _ = tokio::time::timeout(Duration::from_millis(500), self.socket.recv()).await;
    }

    fn note(&self, key: &str) -> Value {
        let mut world = self.face.shared.look();
        world.office(&self.face.name).notes.get(key).cloned().unwrap_or_default()
    }

    async fn send(&mut self, value: &Value) -> Result<(), End> {
        self.socket.send(Message::text(value.to_string())).await.map_err(|_| End(None))
    }

    async fn talk(&mut self) -> Result<(), End> {
        let beat = self.note("heartbeat").as_u64().unwrap_or(41_250);
        self.hung = self.note("hang_up")["n"].as_i64().unwrap_or(0);
        self.send(&json!({"op": 10, "s": null, "t": null, "d": {"heartbeat_interval": beat}}))
            .await?;
        let mut bell = self.face.shared.bell();
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tokio::select! {
                packet = self.socket.recv() => match packet {
                    Some(Ok(Message::Text(text))) => self.frame(&text).await?,
                    Some(Ok(Message::Close(close))) => return self.left(close),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Ok(()),
                },
                _ = bell.changed() => {}
                _ = tick.tick() => {}
            }
            // Beats that stay away for long: 4009.
            if self.heard.elapsed() > Duration::from_millis(beat * 2 + 1_000) {
                return Err(End(Some(4009)));
            }
            self.hang_up().await?;
            self.push().await?;
        }
    }

    /// `[gateway#initiating-a-disconnect]`: 1000 and 1001 end the session.
    fn left(&self, close: Option<CloseFrame>) -> Result<(), End> {
        if close.is_some_and(|c| matches!(c.code, 1000 | 1001))
            && let Some(id) = &self.session
        {
            held(&self.face.sessions).remove(id);
        }
        Ok(())
    }

    async fn frame(&mut self, text: &str) -> Result<(), End> {
        if text.len() > 4_096 {
            return Err(End(Some(4002)));
        }
        let frame: Value = serde_json::from_str(text).map_err(|_| End(Some(4002)))?;
        match frame["op"].as_u64() {
            Some(1) => {
                self.heard = Instant::now();
                if self.note("deaf") == true {
                    return Ok(());
                }
                self.send(&json!({"op": 11, "s": null, "t": null, "d": null})).await
            }
            Some(2) if self.session.is_none() => self.identify(&frame["d"]).await,
            Some(6) if self.session.is_none() => self.resume(&frame["d"]).await,
            Some(2 | 6) => Err(End(Some(4005))),
            // Presence, members: nothing careline needs.
            Some(3 | 4 | 8) => Ok(()),
            _ => Err(End(Some(4001))),
        }
    }

    fn app(&self, token: &Value) -> Result<App, End> {
        let token = token.as_str().unwrap_or_default();
        let token = token.strip_prefix("Bot ").unwrap_or(token);
        let mut world = self.face.shared.look();
        let office = world.office(&self.face.name);
        let found = apps::all(office).into_iter().find(|app| app.token == token);
        found.ok_or(End(Some(4004)))
    }

    async fn identify(&mut self, d: &Value) -> Result<(), End> {
        let mut app = self.app(&d["token"])?;
        let intents = d["intents"].as_u64().ok_or(End(Some(4013)))?;
        let properties = &d["properties"];
        if !properties["os"].is_string() || !properties["browser"].is_string() {
            return Err(End(Some(4002)));
        }
        let words = intents & (1 << 15) != 0;
        if words && !app.content {
            return Err(End(Some(4014)));
        }
        app.content = words;
        let (id, at) = self.face.shared.change(now(), |world| {
            let id = format!("{:032x}", world.mint());
            let office = world.office(&self.face.name);
            let used = office.notes.get("identifies").and_then(Value::as_u64).unwrap_or(0);
            office.notes.insert("identifies".into(), (used + 1).into());
            (id, office.happened.len() as u64)
        });
        let session = Session { app, at, seq: 0, sent: Vec::new() };
        held(&self.face.sessions).insert(id.clone(), session);
        self.session = Some(id.clone());
        let frames = self.greeting(&id);
        for frame in frames {
            self.send(&frame).await?;
        }
        Ok(())
    }

    /// READY, and then the server.
    fn greeting(&self, id: &str) -> Vec<Value> {
        let mut sessions = held(&self.face.sessions);
        let Some(session) = sessions.get_mut(id) else { return Vec::new() };
        let mut world = self.face.shared.look();
        let office = world.office(&self.face.name);
        let bot = office.members.get(&session.app.user).map(show::user).unwrap_or_default();
        let url = format!("{}/gateway", self.base.replacen("http", "ws", 1));
        let app = show::application(&session.app);
        let ready = json!({
            "v": 10, "user": bot, "session_id": id, "resume_gateway_url": url, "shard": [0, 1],
            "guilds": [{"id": office.team, "unavailable": true}],
            "application": {"id": session.app.id, "flags": app["flags"]},
            "private_channels": [], "relationships": [], "presences": [],
        });
        let mut guild = show::guild(office);
        guild["channels"] = show::channels(office);
        guild["threads"] = show::threads(office);
        let members = office.members.values().filter(|m| m.id == session.app.user);
        guild["members"] = members.map(|m| show::member(office, m, true)).collect();
        guild["member_count"] = office.members.len().into();
        for list in [
            "voice_states",
            "presences",
            "stage_instances",
            "guild_scheduled_events",
            "soundboard_sounds",
        ] {
            guild[list] = json!([]);
        }
        guild["joined_at"] = "2024-01-01T00:00:00.000000+00:00".into();
        guild["large"] = false.into();
        guild["unavailable"] = false.into();
        vec![session.frame("READY", ready), session.frame("GUILD_CREATE", guild)]
    }

    /// `[gateway#resuming]`: what was missed, in order, then RESUMED.
    async fn resume(&mut self, d: &Value) -> Result<(), End> {
        self.app(&d["token"])?;
        let id = d["session_id"].as_str().unwrap_or_default().to_owned();
        let seq = d["seq"].as_u64().ok_or(End(Some(4002)))?;
        let missed = {
            let sessions = held(&self.face.sessions);
            let known = sessions.get(&id).filter(|_| self.note("no_resume") != true);
            known.map(|session| {
                let missed = session.sent.iter().filter(|(s, _)| *s > seq);
                (seq <= session.seq, missed.map(|(_, f)| f.clone()).collect::<Vec<_>>())
            })
        };
        let Some((sound, missed)) = missed else {
            held(&self.face.sessions).remove(&id);
            return self.send(&json!({"op": 9, "s": null, "t": null, "d": false})).await;
        };
        if !sound {
            return Err(End(Some(4007)));
        }
        for frame in missed {
            self.send(&frame).await?;
        }
        self.session = Some(id.clone());
        self.push().await?;
        let resumed = held(&self.face.sessions).get_mut(&id).map(|s| s.frame("RESUMED", json!({})));
        match resumed {
            Some(frame) => self.send(&frame).await,
            None => Ok(()),
        }
    }

    /// Sends what happened since.
    async fn push(&mut self) -> Result<(), End> {
        let Some(id) = self.session.clone() else { return Ok(()) };
        let mut frames = self.fresh(&id);
        if frames.is_empty() {
            return Ok(());
        }
        let wrong = self.face.shared.look().faults.of(&self.face.name, "gateway");
        match wrong {
            // Lost for good, as events may be.
            Some(Wrong::Silence) => return Ok(()),
            Some(Wrong::Reorder) => frames.reverse(),
            Some(Wrong::Repeat) => {
                frames = frames.iter().flat_map(|f| [f.clone(), f.clone()]).collect()
            }
            Some(Wrong::Cut | Wrong::DoneThenCut) => return Err(End(None)),
            _ => {}
        }
        for frame in frames {
            self.send(&frame).await?;
        }
        Ok(())
    }

    fn fresh(&self, id: &str) -> Vec<Value> {
        let mut sessions = held(&self.face.sessions);
        let Some(session) = sessions.get_mut(id) else { return Vec::new() };
        let mut world = self.face.shared.look();
        let office = world.office(&self.face.name);
        let news: Vec<_> = office
            .since(session.at)
            .iter()
            .flat_map(|h| events::told(office, &session.app, h, &self.base))
            .collect();
        session.at = office.happened.len() as u64;
        news.into_iter().map(|(name, data)| session.frame(&name, data)).collect()
    }

    async fn hang_up(&mut self) -> Result<(), End> {
        let note = self.note("hang_up");
        let n = note["n"].as_i64().unwrap_or(0);
        if n == self.hung {
            return Ok(());
        }
        self.hung = n;
        let forget = || {
            if let Some(id) = &self.session {
                held(&self.face.sessions).remove(id);
            }
        };
        match note["how"].as_str().unwrap_or_default() {
            "op7" => self.send(&json!({"op": 7, "s": null, "t": null, "d": null})).await,
            "op9" => {
                forget();
                self.session = None;
                self.send(&json!({"op": 9, "s": null, "t": null, "d": false})).await
            }
            "forget" => {
                forget();
                Err(End(None))
            }
            "cut" => Err(End(None)),
            code => Err(End(code.parse().ok())),
        }
    }
}

impl Session {
    fn frame(&mut self, name: &str, data: Value) -> Value {
        self.seq += 1;
        let frame = json!({"op": 0, "s": self.seq, "t": name, "d": data});
        self.sent.push((self.seq, frame.clone()));
        let more = self.sent.len().saturating_sub(KEPT);
        self.sent.drain(..more);
        frame
    }
}
