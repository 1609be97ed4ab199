//! Discord's REST API: our own client, and what each answer means.

use super::limits::{Limits, Pass, span};
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
use url::Url;

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

/// The client.
pub(crate) struct Rest {
    ground: Ground,
    api: Url,
    token: Secret,
    limits: Limits,
}

impl Rest {
    /// A bot may make so many calls in a second.
    pub(crate) fn new(ground: Ground, api: Url, token: Secret, per_second: usize) -> Self {
        Self { ground, api, token, limits: Limits::new(per_second) }
    }

    fn now(&self) -> Timestamp {
        (self.ground.now)()
    }

    /// Makes a call once. Waits for its limits before, for a few seconds at most.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Value, Trouble> {
        if call.free {
            return self.make(&call, None).await;
        }
        let (route, channel) = call.route();
        let mut patience = PATIENCE.0;
        let pass = loop {
            let wait = match self.limits.enter(&route, &channel, self.now()) {
                Ok(pass) => break pass,
                Err(wait) => wait,
            };
            patience -= wait.0;
            if patience < 0 {
                return Err(Trouble::Busy(wait));
            }
            tokio::time::sleep(wait.to_std()).await;
        };
        self.make(&call, Some(pass)).await
    }

    async fn make(&self, call: &Call<'_>, pass: Option<Pass<'_>>) -> Result<Value, Trouble> {
        let request = self.request(call)?;
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
        if let Some(pass) = pass {
            pass.learn(status, &headers, self.now());
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
