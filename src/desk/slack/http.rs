//! Events, interactions and commands over HTTP: the signature comes before anything is read.

use super::answer::{self, Ack};
use super::wire::Callback;
use super::{Mode, Shared};
use crate::case::limits::BODY_BYTES;
use crate::inbox::{Inbox, Pulse};
use crate::web::seal;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tower_http::limit::RequestBodyLimitLayer;

/// How old a request may be, in seconds (`[signing]`).
const WINDOW: i64 = 300;

#[derive(Clone)]
struct Here {
    slack: Shared,
    inbox: Inbox,
}

/// The three paths, if Slack reaches us over HTTP. All take all: what a body is, it says itself.
pub(super) fn routes(slack: &Shared, inbox: Inbox) -> Option<Router> {
    let Mode::Http { path, .. } = &slack.mode else { return None };
    let here = Here { slack: slack.clone(), inbox };
    let router = Router::new()
        .route(&format!("{path}/events"), post(take))
        .route(&format!("{path}/interactivity"), post(take))
        .route(&format!("{path}/commands"), post(take))
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
        .with_state(here);
    Some(router)
}

async fn take(State(here): State<Here>, headers: HeaderMap, body: Bytes) -> Response {
    let Mode::Http { secret, .. } = &here.slack.mode else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now = (here.slack.ground.now)().0 / 1_000_000;
    if !is_signed(&secret.get(), &headers, &body, now) {
        metrics::counter!("careline_slack_refused_signatures").increment(1);
        return StatusCode::UNAUTHORIZED.into_response();
    }
    here.inbox.pulse(&here.slack.feed(), Pulse::Read);
    let Some((surface, payload)) = opened(&headers, &body) else {
        let raw = String::from_utf8_lossy(&body);
        let ticket = format!("body:{}", hex::encode(&sha(&body)[..8]));
        let why = "a signed body that cannot be read";
        return settled(answer::unreadable(&here.slack, &here.inbox, &ticket, why, &raw).await);
    };
    if surface == "events_api"
        && let Some(challenge) = challenge(&payload)
    {
        return challenge.into_response();
    }
    let ticket = format!("body:{}", hex::encode(&sha(&body)[..8]));
    settled(answer::take(&here.slack, &here.inbox, surface, payload, &ticket).await)
}

fn sha(body: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    sha2::Sha256::digest(body).to_vec()
}

fn settled(ack: Ack) -> Response {
    match ack {
        Ack::Not => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Ack::Safe => StatusCode::OK.into_response(),
        Ack::With(payload) => axum::Json(payload).into_response(),
    }
}

/// `[url_verification]`: the challenge goes back as it came.
fn challenge(payload: &Value) -> Option<String> {
    let call: Callback = serde_json::from_value(payload.clone()).ok()?;
    (call.kind == "url_verification").then_some(call.challenge)
}

/// Exactly one signature, of exactly these bytes, made within five minutes of now.
fn is_signed(secret: &SecretString, headers: &HeaderMap, body: &[u8], now: i64) -> bool {
    let Some(stamp) = seal::only(headers, "x-slack-request-timestamp") else { return false };
    let Some(signature) = seal::only(headers, "x-slack-signature") else { return false };
    let fresh = stamp.parse::<i64>().is_ok_and(|at| now.abs_diff(at) <= WINDOW.unsigned_abs());
    let Some(mac) = mac(secret, stamp, body) else { return false };
    let right = format!("v0={mac}");
    fresh && seal::same(&right, signature)
}

fn mac(secret: &SecretString, stamp: &str, body: &[u8]) -> Option<String> {
    seal::code(secret, &[b"v0:", stamp.as_bytes(), b":", body]).map(hex::encode)
}

/// What a body holds: events are JSON; interactions are a form with `payload`, commands a form
/// with `command`.
fn opened(headers: &HeaderMap, body: &[u8]) -> Option<(&'static str, Value)> {
    let kind = headers.get("content-type")?.to_str().ok()?;
    if kind.starts_with("application/json") {
        return Some(("events_api", serde_json::from_slice(body).ok()?));
    }
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let fields = url::form_urlencoded::parse(body);
    let fields: Map<String, Value> =
        fields.map(|(key, value)| (key.into_owned(), value.into_owned().into())).collect();
    if let Some(payload) = fields.get("payload").and_then(Value::as_str) {
        return Some(("interactive", serde_json::from_str(payload).ok()?));
    }
    fields.contains_key("command").then_some(("slash_commands", Value::Object(fields)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(stamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append("x-slack-request-timestamp", stamp.parse().unwrap());
        headers.append("x-slack-signature", signature.parse().unwrap());
        headers
    }

    #[test]
    fn only_a_fresh_signature_of_these_bytes_counts() {
        let secret = SecretString::from("a secret of ours".to_owned());
        let body = b"token=1&text=hello";
        let right = format!("v0={}", mac(&secret, "1000", body).unwrap());
        assert!(is_signed(&secret, &signed("1000", &right), body, 1000));
        assert!(is_signed(&secret, &signed("1000", &right), body, 1300));
        assert!(!is_signed(&secret, &signed("1000", &right), body, 1301));
        assert!(!is_signed(&secret, &signed("1000", &right), body, 699));
        assert!(!is_signed(&secret, &signed("1000", &right), b"token=1&text=hellp", 1000));
        assert!(!is_signed(&secret, &signed("1001", &right), body, 1000));
        assert!(!is_signed(&secret, &signed("1000", &right.to_uppercase()), body, 1000));
        assert!(!is_signed(&secret, &signed("1000", right.trim_start_matches("v0=")), body, 1000));
        assert!(!is_signed(&secret, &HeaderMap::new(), body, 1000));
        let mut two = signed("1000", &right);
        two.append("x-slack-signature", right.parse().unwrap());
        assert!(!is_signed(&secret, &two, body, 1000));
    }
}
