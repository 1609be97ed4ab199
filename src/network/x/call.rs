//! One call to X, and what may come of it. Nothing is repeated here except once after renewed
//! tokens. Which refusal means what: `platforms.md` 1.5.

use super::auth::{Auth, Pair};
use super::wire::Problem;
use crate::case::clean;
use crate::case::time::{Span, Timestamp};
use crate::net::call::{ANSWER_BYTES, Answer};
use crate::net::{Failure, Ground};
use crate::network::feed::{self, Refusal};
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// How long to wait when the credits are used up: the operator has to buy some.
const CREDITS: Span = Span::hours(1);
/// Never longer than this, whatever X says.
const LONGEST: Span = Span::hours(24);

/// Why a call to X brought nothing.
pub(super) type Trouble = feed::Trouble<Refused>;

/// X understood and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The HTTP status.
    pub(super) status: u16,
    /// The kind of problem, an address.
    pub(super) kind: String,
    /// Its explanation, made harmless.
    pub(super) detail: String,
}

impl Refused {
    /// Part of the explanation, in small letters.
    fn says(&self, words: &str) -> bool {
        self.detail.to_lowercase().contains(words)
    }
}

impl Refusal for Refused {
    fn why(&self) -> String {
        format!("X refuses it ({}): {}", self.status, self.detail)
    }

    fn writing(&self) -> Failure {
        if self.status == 404 || self.says("or not visible") {
            return Failure::Gone(self.why());
        }
        if self.says("not been mentioned") {
            return Failure::Never(
                "X takes no answer to this post from an app, because its author has not named this \
                 account; answer it by hand on X"
                    .into(),
            );
        }
        Failure::Never(self.why())
    }
}

impl Trouble {
    /// Were the same words sent before? X names no post.
    pub(super) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.says("duplicate content"))
    }
}

/// What a call brings.
#[derive(Clone)]
pub(super) enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// A piece of a file.
    Piece {
        /// Which, from 0.
        index: usize,
        /// Its bytes.
        bytes: Bytes,
    },
}

/// A call.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Below X's address, with a slash in front.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Body,
}

impl Asked {
    /// A reading.
    pub(super) fn get(path: impl Into<String>) -> Self {
        let (method, path) = (Method::GET, path.into());
        Self { method, path, query: Vec::new(), body: Body::None }
    }

    /// A writing.
    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        let (method, path) = (Method::POST, path.into());
        Self { method, path, query: Vec::new(), body: Body::Json(body) }
    }

    /// With these parameters too.
    pub(super) fn with(mut self, more: &[(&str, &str)]) -> Self {
        self.query.extend(more.iter().map(|(key, value)| ((*key).into(), (*value).into())));
        self
    }
}

/// The way to X.
pub(super) struct Line {
    pub(super) ground: Ground,
    /// Without a slash at its end.
    pub(super) api: String,
}

impl Line {
    pub(super) fn now(&self) -> Timestamp {
        (self.ground.now)()
    }

    pub(super) fn client(&self) -> &Client {
        self.ground.net.client()
    }

    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.api)
    }

    /// Sends one request and reads its answer.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, Trouble> {
        let answer = self.ground.net.call(request, ANSWER_BYTES).await?;
        if !answer.is_success() {
            return Err(refusal(&answer, self.now()));
        }
        let body: &[u8] = if answer.body.is_empty() { b"null" } else { &answer.body };
        serde_json::from_slice(body)
            .map_err(|_| Trouble::Broken("X answers what cannot be read".into()))
    }

    async fn once<T: DeserializeOwned>(
        &self,
        asked: &Asked,
        header: HeaderValue,
    ) -> Result<T, Trouble> {
        let request = self.client().request(asked.method.clone(), self.address(&asked.path));
        let request = if asked.query.is_empty() { request } else { request.query(&asked.query) };
        let request = request.header(AUTHORIZATION, header);
        let request = match &asked.body {
            Body::None => request,
            Body::Json(body) => request.json(body),
            Body::Piece { index, bytes } => {
                let part = Part::stream(bytes.clone()).file_name("piece");
                let form = Form::new().text("segment_index", index.to_string()).part("media", part);
                request.multipart(form)
            }
        };
        self.send(request).await
    }

    /// A call as the app itself.
    pub(super) async fn as_app<T: DeserializeOwned>(
        &self,
        asked: &Asked,
        header: HeaderValue,
    ) -> Result<T, Trouble> {
        self.once(asked, header).await
    }
}

/// X, and who we are there.
pub(super) struct Caller {
    pub(super) line: Line,
    pub(super) auth: Auth,
}

impl Caller {
    /// A call as our account, once more after renewing its tokens.
    pub(super) async fn call<T: DeserializeOwned>(&self, asked: &Asked) -> Result<T, Trouble> {
        let (header, pair): (_, Option<Arc<Pair>>) = self.auth.header(&self.line, asked).await?;
        match self.line.once(asked, header).await {
            Err(Trouble::Refused(Refused { status: 401, detail, .. })) => {
                let header = self.auth.renewed(&self.line, pair).await?;
                let dead = || Trouble::Dead(format!("X does not take our keys: {detail}"));
                match self.line.once(asked, header.ok_or_else(dead)?).await {
                    Err(Trouble::Refused(Refused { status: 401, .. })) => Err(dead()),
                    done => done,
                }
            }
            done => done,
        }
    }
}

/// What an answer that is no success means.
pub(super) fn refusal(answer: &Answer, now: Timestamp) -> Trouble {
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
    let first = problem.errors.first().and_then(|e| e["message"].as_str()).unwrap_or_default();
    let said = [problem.detail.as_str(), first, problem.title.as_str()];
    let said = said.into_iter().find(|text| !text.is_empty()).unwrap_or("without a reason");
    let (detail, small) = (clean::line(said), said.to_lowercase());
    let kind = problem.kind;
    let no_credit =
        answer.status == 402 || kind.contains("usage-capped") || small.contains("credits");
    match answer.status {
        402 | 403 | 429 if no_credit => {
            let why = format!("X gives nothing more until there are credits: {detail}");
            Trouble::Later { after: Some(CREDITS), why }
        }
        429 => Trouble::Later { after: pause(answer, now), why: "X asks us to go slower".into() },
        403 if kind.ends_with("client-forbidden") => {
            Trouble::Dead(format!("the app has no access to X's interface: {detail}"))
        }
        403 if small.contains("suspended") || small.contains("locked") => {
            Trouble::Dead(format!("the account is stopped by X: {detail}"))
        }
        status @ 400..=499 if status != 408 => Trouble::Refused(Refused { status, kind, detail }),
        status => Trouble::Broken(format!("X answers with status {status}")),
    }
}

/// How long to wait: `Retry-After`, else until `x-rate-limit-reset`, a unix time in seconds.
pub(super) fn pause(answer: &Answer, now: Timestamp) -> Option<Span> {
    let reset = || answer.header("x-rate-limit-reset")?.trim().parse().ok();
    let until = || reset().map(|at| Timestamp::from_seconds(at).since(now));
    let wait = answer.retry_after(now).or_else(until)?;
    Some(wait.clamp(Span(0), LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Trouble {
        let (headers, body) = (reqwest::header::HeaderMap::default(), body.to_owned().into());
        refusal(&Answer { status, headers, body }, Timestamp(0))
    }

    #[test]
    fn refusals_are_told_apart() {
        let duplicate = of(
            403,
            r#"{"detail":"You must not create a post with duplicate content.","status":403}"#,
        );
        assert!(duplicate.is_duplicate());
        let gone =
            of(403, r#"{"detail":"It answers a Tweet that is deleted or not visible to you."}"#);
        assert!(matches!(gone.writing(), Failure::Gone(_)));
        let unnamed = of(403, r#"{"detail":"you have not been mentioned by the author"}"#);
        assert!(matches!(unnamed.writing(), Failure::Never(why) if why.contains("by hand")));
        assert!(matches!(of(402, "{}"), Trouble::Later { after: Some(CREDITS), .. }));
        assert!(matches!(of(429, "{}"), Trouble::Later { after: None, .. }));
        assert!(matches!(of(500, "<html>").writing(), Failure::Unsure(_)));
        assert!(matches!(of(503, "").before_writing(), Failure::Later { .. }));
        let locked = of(403, r#"{"detail":"Your account is temporarily locked."}"#);
        assert!(matches!(locked, Trouble::Dead(_)));
    }
}
