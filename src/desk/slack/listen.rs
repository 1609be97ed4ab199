//! Socket Mode: slack-morphism's sockets, our own reading of the frames.
//!
//! The library's typed listener acknowledges what it cannot read; ours acknowledges after the
//! envelope is on disk. Its sockets may go deaf, reconnect without a pause, and tell nobody when a
//! token is dead (`crates.md` 1.2, `reliability.md` 5.4): a watch looks after them.

use super::answer::{self, Ack};
use super::calls::{self, Calls, Conn, Trouble, is_dead};
use super::wire::Frame;
use super::{Mode, Shared};
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Pulse, boundary};
use crate::net::Stopped;
use crate::setting::Secret;
use serde_json::{Value, json};
use slack_morphism::clients_manager::{
    SlackSocketModeClientsManager, SlackSocketModeClientsManagerFactory,
};
use slack_morphism::prelude::{SlackClientEventsListenerEnvironment, SlackClientSocketModeConfig};
use slack_morphism::{SlackSocketModeClientListener, SlackSocketModeWssClientId};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// How often the watch looks.
const WATCH: Span = Span::seconds(5);
/// Without a frame for this long, Slack is asked something.
const QUIET: Span = Span::seconds(30);
/// Without a frame for this long the socket is opened anew: it may have gone deaf.
const DEAF: Span = Span::minutes(10);
/// A connection that ended sooner than this is not opened again at once.
const SHORT: Span = Span::seconds(2);

type Manager = dyn SlackSocketModeClientsManager + Send + Sync;

/// What the frames tell.
struct Ear {
    slack: Shared,
    inbox: Inbox,
    swept: Arc<Notify>,
    manager: Mutex<Option<Weak<Manager>>>,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
struct State {
    connected: bool,
    hello: Timestamp,
    frame: Timestamp,
}

/// Hears until the inbox's stop fires.
pub(super) async fn listen(slack: Shared, inbox: Inbox, swept: Arc<Notify>) -> Stopped {
    slack.renew();
    if let Err(stopped) = introduce(&slack, &inbox).await {
        return stopped;
    }
    let Mode::Socket(token) = &slack.mode else {
        return served(&slack, &inbox, &swept).await;
    };
    let token = token.clone();
    loop {
        match session(&slack, &inbox, &swept, &token).await {
            Some(stopped) => return stopped,
            None => tracing::warn!(desk = %slack.desk, "Slack's socket went silent; opened anew"),
        }
    }
}

/// Learns who we are, however long Slack is away.
async fn introduce(slack: &Shared, inbox: &Inbox) -> Result<(), Stopped> {
    let mut wait = Duration::from_secs(1);
    loop {
        let trouble = tokio::select! {
            () = inbox.stop().cancelled() => return Err(Stopped::Asked),
            me = slack.me() => match me {
                Ok(_) => return Ok(()),
                Err(trouble) => trouble,
            },
        };
        if let Some(stopped) = told(slack, inbox, &trouble) {
            return Err(stopped);
        }
        tokio::select! {
            () = inbox.stop().cancelled() => return Err(Stopped::Asked),
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(Duration::from_secs(60)),
        }
    }
}

fn told(slack: &Shared, inbox: &Inbox, trouble: &Trouble) -> Option<Stopped> {
    let why = trouble.why();
    if matches!(trouble, Trouble::No(code) if is_dead(code)) {
        inbox.pulse(&slack.feed(), Pulse::Dead(why.clone()));
        return Some(Stopped::Dead(why));
    }
    inbox.pulse(&slack.feed(), Pulse::Down(why));
    None
}

/// Over HTTP the routes do the hearing; here it is only seen that Slack and token live.
async fn served(slack: &Shared, inbox: &Inbox, swept: &Notify) -> Stopped {
    swept.notify_one();
    loop {
        match slack.calls.post("auth.test", &json!({})).await {
            Ok(_) => inbox.pulse(&slack.feed(), Pulse::Read),
            Err(trouble) => {
                if let Some(stopped) = told(slack, inbox, &trouble) {
                    return stopped;
                }
            }
        }
        tokio::select! {
            () = inbox.stop().cancelled() => return Stopped::Asked,
            () = tokio::time::sleep(QUIET.to_std()) => {}
        }
    }
}

/// One life of the sockets. `None` = open them anew.
async fn session(
    slack: &Shared,
    inbox: &Inbox,
    swept: &Arc<Notify>,
    token: &Secret,
) -> Option<Stopped> {
    let now = slack.now();
    let ear = Arc::new(Ear {
        slack: slack.clone(),
        inbox: inbox.clone(),
        swept: swept.clone(),
        manager: Mutex::default(),
        state: Mutex::new(State { connected: false, hello: now, frame: now }),
    });
    let client = slack.calls.client.clone();
    let around = Arc::new(SlackClientEventsListenerEnvironment::<Conn>::new(client.clone()));
    let manager = client.http_api.connector.new_clients_manager(around);
    *ear.manager.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::downgrade(&manager));
    let config = SlackClientSocketModeConfig::new()
        .with_max_connections_count(1)
        .with_reconnect_timeout_in_seconds(1);
    let registered = manager.register_new_token(&config, calls::token(token), ear.clone()).await;
    let app = Calls::new(client, token);
    if registered.is_err() {
        tokio::time::sleep(SHORT.to_std()).await;
        return ask(slack, &ear, &app, false).await;
    }
    manager.start().await;
    let ended = watch(slack, &ear, &app).await;
    manager.shutdown().await;
    ended
}

async fn watch(slack: &Shared, ear: &Ear, app: &Calls) -> Option<Stopped> {
    let mut asked = slack.now();
    loop {
        tokio::select! {
            () = ear.inbox.stop().cancelled() => return Some(Stopped::Asked),
            () = tokio::time::sleep(WATCH.to_std()) => {}
        }
        let (state, now) = (ear.state(), slack.now());
        if state.connected && now.since(state.frame) > DEAF {
            return None;
        }
        let quiet = if state.connected { QUIET } else { WATCH };
        if now.since(state.frame) < quiet || now.since(asked) < quiet {
            continue;
        }
        asked = now;
        if let Some(stopped) = ask(slack, ear, app, state.connected).await {
            return Some(stopped);
        }
    }
}

/// Asks Slack why it is so quiet. Only the answers of a living connection count as read.
async fn ask(slack: &Shared, ear: &Ear, app: &Calls, connected: bool) -> Option<Stopped> {
    let tried = match slack.calls.post("auth.test", &json!({})).await {
        Ok(_) if !connected => app.post("apps.connections.open", &json!({})).await,
        other => other,
    };
    match tried {
        Ok(_) if connected => {
            ear.inbox.pulse(&slack.feed(), Pulse::Read);
            None
        }
        Ok(_) => {
            let why = "Slack's socket does not open".to_owned();
            ear.inbox.pulse(&slack.feed(), Pulse::Down(why));
            None
        }
        Err(trouble) => told(slack, &ear.inbox, &trouble),
    }
}

impl Ear {
    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, what: impl FnOnce(&mut State)) {
        what(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn again(&self, id: &SlackSocketModeWssClientId) {
        let since = self.slack.now().since(self.state().hello);
        self.change(|state| state.connected = false);
        if since < SHORT {
            tokio::time::sleep(Span(SHORT.0 - since.0).to_std()).await;
        }
        let manager = self.manager.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(manager) = manager.and_then(|manager| manager.upgrade()) {
            manager.restart_client(id).await;
        }
    }

    fn hello(&self, frame: &Frame) {
        let now = self.slack.now();
        self.change(|state| {
            state.connected = true;
            state.hello = now;
        });
        self.slack.caught.begin();
        self.slack.is_app(&frame.connection_info.app_id);
        self.inbox.pulse(&self.slack.feed(), Pulse::Read);
        self.swept.notify_one();
    }

    async fn frame(&self, frame: Frame) -> Option<String> {
        self.inbox.pulse(&self.slack.feed(), Pulse::Read);
        let (surface, ticket) = (frame.kind, frame.envelope_id);
        let ack = answer::take(&self.slack, &self.inbox, &surface, frame.payload, &ticket).await;
        boundary::here("slack.acknowledge");
        acknowledged(&ticket, ack)
    }
}

fn acknowledged(ticket: &str, ack: Ack) -> Option<String> {
    match ack {
        Ack::Not => None,
        Ack::Safe => Some(json!({"envelope_id": ticket}).to_string()),
        Ack::With(payload) => Some(json!({"envelope_id": ticket, "payload": payload}).to_string()),
    }
}

#[async_trait::async_trait]
impl SlackSocketModeClientListener for Ear {
    async fn on_message(&self, id: &SlackSocketModeWssClientId, body: String) -> Option<String> {
        let now = self.slack.now();
        self.change(|state| state.frame = now);
        let Ok(frame) = serde_json::from_str::<Frame>(&body) else {
            return garbled(self, &body).await;
        };
        match frame.kind.as_str() {
            "hello" => {
                self.hello(&frame);
                None
            }
            "disconnect" => {
                self.again(id).await;
                None
            }
            _ if frame.envelope_id.is_empty() => garbled(self, &body).await,
            _ => self.frame(frame).await,
        }
    }

    async fn on_error(&self, _error: Box<dyn Error + Send + Sync>) {
        // The error may hold the socket's address with its ticket: only that it happened is told.
        tracing::warn!(desk = %self.slack.desk, "Slack's socket reported an error");
    }

    async fn on_disconnect(&self, id: &SlackSocketModeWssClientId) {
        self.again(id).await;
    }
}

/// A frame that is no frame: kept as it came, acknowledged if it has a name after all.
async fn garbled(ear: &Ear, body: &str) -> Option<String> {
    let name = serde_json::from_str::<Value>(body).ok();
    let name = name.and_then(|v| v["envelope_id"].as_str().map(str::to_owned));
    let ticket = name.clone().unwrap_or_else(|| format!("frame:{:016x}", hash(body)));
    let why = "a frame that cannot be read";
    let ack = answer::unreadable(&ear.slack, &ear.inbox, &ticket, why, body).await;
    name.and_then(|name| acknowledged(&name, ack))
}

fn hash(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
