//! The session of an account: opened with an app password, renewed by one task at a time.
//!
//! Opening is scarce (30 in five minutes, `platforms.md` 6.3), so it happens at the start and when
//! a renewal is refused. Renewing gives a new pair, and the old refresh token goes on working for
//! a while: a renewal whose answer was lost is simply asked for again. The pair lives in memory.

use super::call::{Trouble, Xrpc};
use super::wire::Session;
use crate::case::time::{Span, Timestamp};
use crate::setting::Secret;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How long a refusal of the password is believed before it is tried once more.
const REFUSED_FOR: Span = Span::minutes(5);

/// A pair of tokens, and whose they are.
pub(super) struct Pair {
    pub(super) did: String,
    pub(super) handle: String,
    pub(super) access: SecretString,
    refresh: SecretString,
}

/// Keeps the session of one account.
pub(super) struct Sessions {
    identifier: String,
    password: Secret,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pair: Option<Arc<Pair>>,
    refused: Option<(Timestamp, String)>,
}

impl Sessions {
    pub(super) fn new(identifier: String, password: Secret) -> Self {
        Self { identifier, password, state: Mutex::default() }
    }

    /// Begins anew: with the password as it stands now, and an earlier refusal forgotten.
    pub(super) async fn begin(&self) {
        let mut state = self.state.lock().await;
        state.refused = None;
        if self.password.renew() {
            state.pair = None;
        }
    }

    /// The pair in use; opens a session if there is none.
    pub(super) async fn current(&self, xrpc: &Xrpc) -> Result<Arc<Pair>, Trouble> {
        let mut state = self.state.lock().await;
        match &state.pair {
            Some(pair) => Ok(pair.clone()),
            None => self.open(xrpc, &mut state).await,
        }
    }

    /// A pair newer than this one, which was refused. Whoever comes second gets what the first
    /// brought.
    pub(super) async fn renew(&self, xrpc: &Xrpc, old: &Arc<Pair>) -> Result<Arc<Pair>, Trouble> {
        let mut state = self.state.lock().await;
        if let Some(pair) = state.pair.as_ref().filter(|pair| !Arc::ptr_eq(pair, old)) {
            return Ok(pair.clone());
        }
        let request = xrpc.post("com.atproto.server.refreshSession");
        let request = request.bearer_auth(old.refresh.expose_secret());
        match xrpc.send::<Session>(request).await {
            Ok(session) => keep(&mut state, session),
            Err(Trouble::Refused(_)) => {
                state.pair = None;
                self.open(xrpc, &mut state).await
            }
            Err(other) => Err(other),
        }
    }

    async fn open(&self, xrpc: &Xrpc, state: &mut State) -> Result<Arc<Pair>, Trouble> {
        let now = xrpc.now();
        if let Some((at, why)) = &state.refused
            && now.since(*at) < REFUSED_FOR
        {
            return Err(Trouble::Dead(why.clone()));
        }
        let request = xrpc.post("com.atproto.server.createSession").json(&json!({
            "identifier": self.identifier,
            "password": self.password.get().expose_secret(),
        }));
        let opened = match xrpc.send::<Session>(request).await {
            Ok(session) => keep(state, session),
            Err(Trouble::Refused(refused)) => Err(Trouble::Dead(refusal(&refused.error))),
            Err(other) => Err(other),
        };
        state.refused = match &opened {
            Err(Trouble::Dead(why)) => Some((now, why.clone())),
            _ => None,
        };
        opened
    }
}

fn keep(state: &mut State, session: Session) -> Result<Arc<Pair>, Trouble> {
    if session.active == Some(false) {
        state.pair = None;
        let why = session.status.unwrap_or_else(|| "not active".into());
        let why = crate::case::clean::line(&why);
        return Err(Trouble::Dead(format!("the Bluesky account is {why}")));
    }
    let pair = Arc::new(Pair {
        did: session.did,
        handle: session.handle,
        access: session.access_jwt,
        refresh: session.refresh_jwt,
    });
    state.pair = Some(pair.clone());
    Ok(pair)
}

/// What to do about a session that was not given, for the operator.
fn refusal(error: &str) -> String {
    match error {
        "AuthFactorTokenRequired" => "Bluesky asks for a code sent by mail: use an app password \
             (Settings, Privacy and security, App passwords)"
            .into(),
        "AccountTakedown" => "the Bluesky account was taken down by moderators".into(),
        _ => "Bluesky refuses the handle or the app password; make a new one \
             (Settings, Privacy and security, App passwords)"
            .into(),
    }
}
