//! Discord's REST API: our own client, our own rate limits, and what each answer means.
//!
//! Limits are obeyed as the headers tell them, per bucket and channel
//! (<https://docs.discord.com/developers/topics/rate-limits>). Ten thousand refused calls in ten
//! minutes bring a ban of the whole address, so we stop far below.

use crate::case::limits::CALL;
use crate::case::time::{Span, Timestamp};
use crate::desk::Failure;
use crate::inbox::boundary;
use crate::net::{Ground, body};
use crate::setting::Secret;
use reqwest::Method;
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use url::Url;

/// Refused calls in [`WINDOW`] after which we keep still.
const CEILING: usize = 1_000;
/// The window of Discord's own ceiling.
const WINDOW: Span = Span::minutes(10);
/// The longest wait inside one call; beyond it the outbox waits.
const PATIENCE: Span = Span::seconds(5);
/// Bytes of an answer: a hundred messages with all their parts.
const ANSWER: usize = 8_000_000;
/// Discord asks for this form of name (reference, "User Agent").
const AGENT: &str =
    concat!("DiscordBot (https://github.com/careline/careline, ", env!("CARGO_PKG_VERSION"), ")");

/// Why a call did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Refused, with HTTP status, Discord's code and its sentence.
    No(u16, u64, String),
    /// Busy: nothing was done; wait so long.
    Busy(Span),
    /// Never left this machine.
    NotSent(String),
    /// Sent, and nobody knows what came of it.
    Lost(String),
}

/// A call that is about to be made.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: Vec<&'a str>,
    pub(crate) query: Vec<(&'a str, String)>,
    pub(crate) body: Option<Value>,
    /// Callbacks of interactions are no part of any limit and carry no token of ours.
    pub(crate) free: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(method: Method, path: &[&'a str]) -> Self {
        Self { method, path: path.to_vec(), query: Vec::new(), body: None, free: false }
    }

    pub(crate) fn get(path: &[&'a str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &[&'a str], body: Value) -> Self {
        Self::new(Method::POST, path).with(body)
    }

    pub(crate) fn patch(path: &[&'a str], body: Value) -> Self {
        Self::new(Method::PATCH, path).with(body)
    }

    pub(crate) fn with(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn ask(mut self, key: &'a str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    pub(crate) const fn free(mut self) -> Self {
        self.free = true;
        self
    }

    /// The route: method and path, ids left out; but the first id (channel, server, webhook) is
    /// the "major" one, which each bucket is counted by.
    fn route(&self) -> (String, String) {
        let is_id = |part: &str| part.len() > 5 && part.bytes().all(|b| b.is_ascii_digit());
        let names = self.path.iter().map(|part| if is_id(part) { ":id" } else { part });
        let route = format!("{} {}", self.method, names.collect::<Vec<_>>().join("/"));
        let major = self.path.get(1).filter(|part| is_id(part));
        (route, major.map_or_else(String::new, |id| (*id).to_owned()))
    }
}

#[derive(Default)]
struct Limits {
    /// The bucket of a route, as Discord named it.
    names: BTreeMap<String, String>,
    /// When a bucket of a channel opens again, once it was used up.
    shut: BTreeMap<(String, String), Timestamp>,
    /// When anything may be sent again.
    global: Timestamp,
    /// When calls were refused.
    refused: VecDeque<Timestamp>,
}

/// The client.
pub(crate) struct Rest {
    ground: Ground,
    api: Url,
    token: Secret,
    limits: Mutex<Limits>,
}

impl Rest {
    pub(crate) fn new(ground: Ground, api: Url, token: Secret) -> Self {
        Self { ground, api, token, limits: Mutex::default() }
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        (self.ground.now)()
    }

    /// Makes a call once. Waits for its limits before, for a few seconds at most.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Value, Trouble> {
        if !call.free {
            let wait = self.wait(&call);
            if wait > PATIENCE {
                return Err(Trouble::Busy(wait));
            }
            tokio::time::sleep(wait.to_std()).await;
        }
        let request = self.request(&call)?;
        let reads = call.method == Method::GET;
        boundary::here(if reads { "discord.read.call" } else { "discord.write.call" });
        let sent = tokio::time::timeout(CALL.to_std(), request.send()).await;
        boundary::here(if reads { "discord.read.answer" } else { "discord.write.answer" });
        let answer = match sent {
            Err(_) => return Err(Trouble::Lost("Discord did not answer in time".into())),
            Ok(Err(e)) if e.is_connect() => {
                return Err(Trouble::NotSent("Discord cannot be reached".into()));
            }
            Ok(Err(_)) => return Err(Trouble::Lost("the connection to Discord broke".into())),
            Ok(Ok(answer)) => answer,
        };
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if !call.free {
            self.learn(&call, status, &headers);
        }
        let read = tokio::time::timeout(CALL.to_std(), body(answer, ANSWER)).await;
        let bytes = read.unwrap_or_else(|_| Err("the answer did not end".into()));
        self.judge(status, &headers, bytes.map_err(Trouble::Lost))
    }

    fn request(&self, call: &Call<'_>) -> Result<reqwest::RequestBuilder, Trouble> {
        let mut url = self.api.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&call.path);
        }
        for (key, value) in &call.query {
            url.query_pairs_mut().append_pair(key, value);
        }
        self.ground.net.allows(&url).map_err(|no| Trouble::NotSent(no.to_string()))?;
        let mut request = self.ground.net.client().request(call.method.clone(), url);
        request = request.header("user-agent", AGENT);
        if !call.free {
            let token = format!("Bot {}", self.token.get().expose_secret());
            request = request.header("authorization", token);
        }
        Ok(match &call.body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    fn wait(&self, call: &Call<'_>) -> Span {
        let now = self.now();
        let mut limits = self.limits();
        while limits.refused.front().is_some_and(|at| now.since(*at) > WINDOW) {
            limits.refused.pop_front();
        }
        if limits.refused.len() >= CEILING {
            return limits.refused.front().map_or(WINDOW, |at| (*at + WINDOW).since(now));
        }
        let (route, major) = call.route();
        let name = limits.names.get(&route).cloned().unwrap_or(route);
        let until = limits.shut.get(&(name, major)).copied().unwrap_or_default();
        Span((until.max(limits.global).0 - now.0).max(0))
    }

    fn learn(&self, call: &Call<'_>, status: u16, headers: &HeaderMap) {
        let now = self.now();
        let text = |key: &str| headers.get(key).and_then(|v| v.to_str().ok());
        let seconds = |key: &str| text(key).and_then(span);
        let shared = text("x-ratelimit-scope") == Some("shared");
        let (route, major) = call.route();
        let mut limits = self.limits();
        if matches!(status, 401 | 403) || (status == 429 && !shared) {
            limits.refused.push_back(now);
            limits.refused.truncate(CEILING);
        }
        if let Some(bucket) = text("x-ratelimit-bucket") {
            limits.names.insert(route.clone(), bucket.to_owned());
        }
        let name = limits.names.get(&route).cloned().unwrap_or(route);
        if status == 429 {
            let after = seconds("retry-after").unwrap_or(Span::seconds(1));
            if text("x-ratelimit-global").is_some() || text("x-ratelimit-scope") == Some("global") {
                limits.global = limits.global.max(now + after);
            } else {
                limits.shut.insert((name, major), now + after);
            }
        } else if text("x-ratelimit-remaining") == Some("0")
            && let Some(after) = seconds("x-ratelimit-reset-after")
        {
            limits.shut.insert((name, major), now + after);
        }
        limits.shut.retain(|_, until| *until > now);
    }

    fn judge(
        &self,
        status: u16,
        headers: &HeaderMap,
        bytes: Result<bytes::Bytes, Trouble>,
    ) -> Result<Value, Trouble> {
        if status == 204 {
            return Ok(Value::Null);
        }
        if status >= 500 {
            return Err(Trouble::Lost(format!("Discord answered with status {status}")));
        }
        let parsed = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
        match status {
            200..=299 => {
                let value = parsed(&bytes?).filter(|v| v.is_object() || v.is_array());
                value.ok_or_else(|| Trouble::Lost("Discord's answer cannot be read".into()))
            }
            429 => Err(Trouble::Busy(retry_after(headers, &bytes))),
            _ => {
                let value = bytes.ok().and_then(|bytes| parsed(&bytes)).unwrap_or_default();
                let code = value["code"].as_u64().unwrap_or(0);
                let words = value["message"].as_str().unwrap_or("no reason was given");
                Err(Trouble::No(status, code, words.chars().take(200).collect()))
            }
        }
    }
}

fn retry_after(headers: &HeaderMap, bytes: &Result<bytes::Bytes, Trouble>) -> Span {
    let header = headers.get("retry-after").and_then(|v| v.to_str().ok()).and_then(span);
    let told = bytes.as_ref().ok().and_then(|bytes| {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        span(&value["retry_after"].to_string())
    });
    header.max(told).unwrap_or(Span::seconds(1)).max(Span::millis(50)).min(Span::hours(1))
}

/// Seconds with a fraction, as Discord writes them.
fn span(text: &str) -> Option<Span> {
    let seconds: f64 = text.trim().parse().ok()?;
    let sound = seconds.is_finite() && (0.0..=86_400.0).contains(&seconds);
    sound.then(|| Span((seconds * 1e6).ceil() as i64))
}

impl Trouble {
    /// Discord's code, if it refused.
    pub(crate) const fn code(&self) -> u64 {
        match self {
            Self::No(_, code, _) => *code,
            _ => 0,
        }
    }

    /// What is known after a write.
    pub(crate) fn after_write(self) -> Failure {
        match self {
            Self::Lost(why) => Failure::Unsure(why),
            other => other.after_read(),
        }
    }

    /// What is known after a read: nothing was changed in any case.
    pub(crate) fn after_read(self) -> Failure {
        match self {
            Self::Busy(after) => {
                Failure::Later { after: Some(after), why: "Discord asked us to wait".into() }
            }
            Self::NotSent(why) | Self::Lost(why) => Failure::Later { after: None, why },
            Self::No(status, code, words) => refused(status, code, &words),
        }
    }
}

/// Source of the codes: <https://docs.discord.com/developers/topics/opcodes-and-status-codes>.
fn refused(status: u16, code: u64, words: &str) -> Failure {
    let said = format!("Discord refused it ({code}: {words})");
    match (status, code) {
        (401, _) | (_, 50014) => {
            Failure::Dead("Discord no longer takes the bot's token; set a new one".into())
        }
        (_, 10003 | 10008 | 160_005 | 50083) | (404, _) => Failure::Gone(said),
        (_, 130_000 | 20016 | 20028 | 20029 | 160_006 | 160_007) => {
            Failure::Later { after: None, why: said }
        }
        (_, 50001) => Failure::Never(format!(
            "careline may not see this channel of Discord ({words}); give its role access"
        )),
        (_, 50013) => Failure::Never(format!(
            "careline lacks a permission in this channel of Discord ({words}); give it to its role"
        )),
        _ => Failure::Never(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_leave_out_ids_but_keep_the_major_one() {
        let call = Call::get(&["channels", "123456789", "messages", "987654321"]);
        assert_eq!(
            call.route(),
            ("GET channels/:id/messages/:id".to_owned(), "123456789".to_owned())
        );
        let call = Call::get(&["gateway", "bot"]);
        assert_eq!(call.route(), ("GET gateway/bot".to_owned(), String::new()));
    }

    #[test]
    fn seconds_have_fractions_and_nonsense_is_nothing() {
        assert_eq!(span("0.25"), Some(Span::millis(250)));
        assert_eq!(span("64.57"), Some(Span(64_570_000)));
        for wrong in ["", "x", "-1", "NaN", "inf", "1e99"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_refusal_has_its_class() {
        let class = |status, code| refused(status, code, "words");
        assert!(matches!(class(401, 0), Failure::Dead(_)));
        assert!(matches!(class(404, 10003), Failure::Gone(_)));
        assert!(matches!(class(400, 160_005), Failure::Gone(_)));
        assert!(matches!(class(400, 160_006), Failure::Later { .. }));
        assert!(matches!(class(403, 50013), Failure::Never(_)));
        assert!(matches!(class(400, 50035), Failure::Never(_)));
        assert!(matches!(Trouble::Lost("x".into()).after_write(), Failure::Unsure(_)));
        assert!(matches!(Trouble::NotSent("x".into()).after_write(), Failure::Later { .. }));
    }
}
