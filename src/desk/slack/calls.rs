//! Calls of Slack's Web API through slack-morphism's client, and what is known after each.
//!
//! No rate control and no repeating here: the client's own paces the whole workspace at one post a
//! second (`crates.md` 1.2), and repeats are the outbox's business.

use crate::case::limits::CALL;
use crate::case::time::Span;
use crate::inbox::boundary;
use crate::net::Failure;
use crate::setting::Secret;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use secrecy::ExposeSecret;
use serde_json::Value;
use slack_morphism::errors::SlackClientError;
use slack_morphism::prelude::SlackClientHyperConnector;
use slack_morphism::{SlackApiToken, SlackClient};
use std::sync::Arc;
use std::time::Duration;

/// One connector for production and loopback.
pub(super) type Conn = SlackClientHyperConnector<HttpsConnector<HttpConnector>>;

/// What is known after a call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Too fast; surely not done.
    Limited(Option<Span>),
    /// Slack said no, with this code.
    No(String),
    /// Never got there.
    Away(String),
    /// Nobody knows.
    Unsure(String),
}

/// The Web API with one token.
#[derive(Clone)]
pub(super) struct Calls {
    pub(super) client: Arc<SlackClient<Conn>>,
    secret: Secret,
}

/// A client for this address (`https://slack.com/api`).
///
/// # Errors
/// The machine has no certificates of authorities.
pub(super) fn client(api: &str) -> Result<Arc<SlackClient<Conn>>, String> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(Duration::from_secs(5)));
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_native_roots()
        .map_err(|e| format!("the certificates of this machine cannot be read: {e}"))?
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    let conn = SlackClientHyperConnector::with_connector(https)
        .with_slack_api_url(api.trim_end_matches('/'));
    Ok(Arc::new(SlackClient::new(conn)))
}

/// A token as the client library wants it.
pub(super) fn token(secret: &Secret) -> SlackApiToken {
    SlackApiToken::new(secret.get().expose_secret().into())
}

impl Calls {
    pub(super) fn new(client: Arc<SlackClient<Conn>>, secret: &Secret) -> Self {
        Self { client, secret: secret.clone() }
    }

    /// Calls a method with a JSON body.
    pub(super) async fn post(&self, method: &str, body: &Value) -> Result<Value, Trouble> {
        let token = token(&self.secret);
        let session = self.client.open_session(&token);
        let call = session.http_session_api.http_post(method, body, None);
        boundary::here("slack.post.call");
        let done = tokio::time::timeout(CALL.to_std(), call).await;
        boundary::here("slack.post.answer");
        settle(done)
    }

    /// Calls a method that reads.
    pub(super) async fn get(&self, method: &str, args: &[(&str, &str)]) -> Result<Value, Trouble> {
        let args: Vec<(&str, Option<&str>)> =
            args.iter().map(|(key, value)| (*key, Some(*value))).collect();
        let token = token(&self.secret);
        let session = self.client.open_session(&token);
        let call = session.http_session_api.http_get(method, &args, None);
        boundary::here("slack.get.call");
        let done = tokio::time::timeout(CALL.to_std(), call).await;
        boundary::here("slack.get.answer");
        settle(done)
    }
}

type Timed = Result<Result<Value, SlackClientError>, tokio::time::error::Elapsed>;

fn settle(done: Timed) -> Result<Value, Trouble> {
    match done {
        Err(_) => Err(Trouble::Unsure("Slack did not answer in time".into())),
        // An answer that is not JSON is read as an empty one by the library.
        Ok(Ok(value)) if value["ok"] == true => Ok(value),
        Ok(Ok(_)) => Err(Trouble::Unsure("Slack's answer makes no sense".into())),
        Ok(Err(error)) => Err(trouble(&error)),
    }
}

fn trouble(error: &SlackClientError) -> Trouble {
    match error {
        SlackClientError::RateLimitError(e) => Trouble::Limited(e.retry_after.map(span)),
        SlackClientError::ApiError(e) => match e.code.as_str() {
            "ratelimited" | "rate_limited" | "message_limit_exceeded" => Trouble::Limited(None),
            "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
                Trouble::Unsure(format!("Slack answered {}", e.code))
            }
            code => Trouble::No(code.to_owned()),
        },
        SlackClientError::HttpError(e) => {
            Trouble::Unsure(format!("Slack answered with status {}", e.status_code.as_u16()))
        }
        SlackClientError::HttpProtocolError(e) => {
            let cause = e.cause.as_ref().and_then(|c| c.downcast_ref::<legacy::Error>());
            if cause.is_some_and(legacy::Error::is_connect) {
                Trouble::Away("Slack cannot be reached".into())
            } else {
                Trouble::Unsure("the connection to Slack broke".into())
            }
        }
        _ => Trouble::Unsure("Slack's answer cannot be read".into()),
    }
}

/// Waits outside a second and an hour are not believed.
fn span(wait: Duration) -> Span {
    Span::seconds(i64::try_from(wait.as_secs()).unwrap_or(3_600).clamp(1, 3_600))
}

const DEAD: &[&str] = &[
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "org_login_required",
    "team_access_not_granted",
    "no_permission",
    "missing_scope",
    "ekm_access_denied",
    "not_allowed_token_type",
];

const GONE: &[&str] = &[
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "thread_not_found",
    "message_not_found",
    "cannot_reply_to_message",
    "posting_to_channel_denied",
    "user_not_in_channel",
];

/// Does this code mean that the token is of no use?
pub(super) fn is_dead(code: &str) -> bool {
    DEAD.contains(&code)
}

/// A code in words, for operators.
pub(super) fn words(code: &str) -> String {
    let told = match code {
        "channel_not_found" => "the channel does not exist, or careline was never invited to it",
        "not_in_channel" => "careline is not in the channel: type /invite @careline there",
        "is_archived" => "the channel is archived",
        "missing_scope" => "a permission is missing: create the app again from the manifest",
        "token_revoked" | "account_inactive" => "the token was revoked: install the app again",
        "invalid_auth" | "not_authed" => "the token is not one of this workspace",
        "message_not_found" | "thread_not_found" => "the message is gone",
        other => return format!("Slack refused: {other}"),
    };
    format!("{told} ({code})")
}

impl Trouble {
    /// What the outbox must know after a write (`platforms.md` 10.5).
    pub(super) fn after_write(self) -> Failure {
        match self {
            Self::Limited(after) => {
                Failure::Later { after, why: "Slack wants us to go slower".into() }
            }
            Self::Away(why) => Failure::Later { after: None, why },
            Self::Unsure(why) => Failure::Unsure(why),
            Self::No(code) if is_dead(&code) => Failure::Dead(words(&code)),
            Self::No(code) if GONE.contains(&code.as_str()) || code.starts_with("restricted_") => {
                Failure::Gone(words(&code))
            }
            Self::No(code) => Failure::Never(words(&code)),
        }
    }

    /// The same after a read, which may always be tried again.
    pub(super) fn after_read(self) -> Failure {
        match self {
            Self::Unsure(why) => Failure::Later { after: None, why },
            other => other.after_write(),
        }
    }

    /// In words.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Limited(_) => "Slack wants us to go slower".into(),
            Self::No(code) => words(code),
            Self::Away(why) | Self::Unsure(why) => why.clone(),
        }
    }
}
