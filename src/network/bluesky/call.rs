//! One call to a server, and what may come of it. Every call has a deadline and a limit on what
//! it may answer; nothing is repeated here except once after a renewed session.

use super::session::{Pair, Sessions};
use super::wire::Fault;
use crate::case::clean;
use crate::case::time::{Span, Timestamp};
use crate::net::call::{ANSWER_BYTES, Answer};
use crate::net::{Failure, Ground};
use crate::network::feed::{self, Refusal};
use bytes::Bytes;
use reqwest::RequestBuilder;
use reqwest::header::CONTENT_TYPE;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Why a call brought nothing.
pub(super) type Trouble = feed::Trouble<Refused>;

/// The server understood and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The HTTP status.
    pub(super) status: u16,
    /// The error's name.
    pub(super) error: String,
    /// Its explanation, made harmless.
    pub(super) message: String,
}

impl Refused {
    /// Is the session no longer taken? The reference server answers 400 for a token that has
    /// expired or is bad, and 401 where there is none (`realservers.md` 2).
    fn is_stale(&self) -> bool {
        let stale = ["ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired"];
        matches!(self.status, 400 | 401) && stale.contains(&self.error.as_str())
    }

    fn is_missing(&self) -> bool {
        let named = matches!(self.error.as_str(), "RecordNotFound" | "NotFound");
        // Older servers name no error of its own (atproto, `pds/src/api/com/atproto/repo`).
        named || self.status == 404 || self.message.starts_with("Could not locate record")
    }
}

impl Refusal for Refused {
    fn why(&self) -> String {
        let Self { status, error, message } = self;
        format!("Bluesky refuses it ({status} {error}): {message}")
    }

    fn writing(&self) -> Failure {
        match self.is_stale() {
            true => Failure::Dead(self.why()),
            false => Failure::Never(self.why()),
        }
    }
}

impl Trouble {
    fn is_stale(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.is_stale())
    }

    /// Is it this error?
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self, Self::Refused(refused) if refused.error == name)
    }

    /// Does it say that a record or post is not there?
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.is_missing())
    }
}

/// A server.
pub(super) struct Xrpc {
    ground: Ground,
    service: url::Url,
}

impl Xrpc {
    pub(super) fn new(ground: Ground, service: url::Url) -> Self {
        Self { ground, service }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.ground.now)()
    }

    pub(super) fn ground(&self) -> &Ground {
        &self.ground
    }

    fn url(&self, method: &str) -> String {
        format!("{}/xrpc/{method}", self.service.as_str().trim_end_matches('/'))
    }

    pub(super) fn get(&self, method: &str) -> RequestBuilder {
        self.ground.net.client().get(self.url(method))
    }

    pub(super) fn post(&self, method: &str) -> RequestBuilder {
        self.ground.net.client().post(self.url(method))
    }

    /// Sends one request and reads its answer.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, Trouble> {
        let answer = self.ground.net.call(request, ANSWER_BYTES).await?;
        match answer.status {
            200 => serde_json::from_slice(&answer.body)
                .map_err(|_| Trouble::Broken("Bluesky answers what cannot be read".into())),
            429 => {
                let why = "Bluesky asks us to go slower".into();
                Err(Trouble::Later { after: pause(&answer, self.now()), why })
            }
            400..=499 if answer.status != 408 => Err(refused(&answer)),
            status => Err(Trouble::Broken(format!("Bluesky answers with status {status}"))),
        }
    }
}

fn refused(answer: &Answer) -> Trouble {
    let fault: Fault = serde_json::from_slice(&answer.body).unwrap_or_default();
    Trouble::Refused(Refused {
        status: answer.status,
        error: clean::line(&fault.error),
        message: clean::line(&fault.message),
    })
}

/// How long to wait: `Retry-After`, else until `RateLimit-Reset`, which is a unix time in seconds
/// (`realservers.md` 2). Never more than an hour.
fn pause(answer: &Answer, now: Timestamp) -> Option<Span> {
    let reset = || answer.header("ratelimit-reset")?.trim().parse().ok();
    let until = || reset().map(|at| Timestamp::from_seconds(at).since(now).min(Span::hours(1)));
    answer.retry_after(now).or_else(until)
}

/// A server with our session.
pub(super) struct Client {
    pub(super) xrpc: Xrpc,
    sessions: Sessions,
}

impl Client {
    pub(super) fn new(xrpc: Xrpc, sessions: Sessions) -> Self {
        Self { xrpc, sessions }
    }

    /// Before listening: see [`Sessions::begin`].
    pub(super) async fn begin(&self) {
        self.sessions.begin().await;
    }

    /// Who we are.
    pub(super) async fn me(&self) -> Result<Arc<Pair>, Trouble> {
        self.sessions.current(&self.xrpc).await
    }

    /// Asks for something.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        method: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Trouble> {
        self.call(|| self.xrpc.get(method).query(query)).await
    }

    /// Does something.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        method: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Trouble> {
        self.call(|| self.xrpc.post(method).json(body)).await
    }

    /// Gives the server a file.
    pub(super) async fn upload<T: DeserializeOwned>(
        &self,
        mime: &str,
        bytes: &Bytes,
    ) -> Result<T, Trouble> {
        let request = || {
            let request = self.xrpc.post("com.atproto.repo.uploadBlob");
            request.header(CONTENT_TYPE, mime).body(bytes.clone())
        };
        self.call(request).await
    }

    /// A call with our session, once more after renewing it.
    async fn call<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<T, Trouble> {
        let pair = self.me().await?;
        let sent = request().bearer_auth(pair.access.expose_secret());
        match self.xrpc.send(sent).await {
            Err(trouble) if trouble.is_stale() => {
                let pair = self.sessions.renew(&self.xrpc, &pair).await?;
                let again = request().bearer_auth(pair.access.expose_secret());
                self.xrpc.send(again).await
            }
            done => done,
        }
    }
}
