//! One call to the Graph API, and what may come of it. Nothing is repeated here. Which code means
//! what: Meta's page "Handling errors" and "Messenger Platform: error codes"; what is not written
//! there is marked.

use super::wire::{Answered, Fault};
use crate::case::clean;
use crate::case::time::{Span, Timestamp};
use crate::net::call::{ANSWER_BYTES, Answer};
use crate::net::{Failure, Ground};
use crate::network::feed::{self, Refusal};
use crate::setting::Secret;
use crate::web::seal;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};

/// How long to wait where Meta asks us to go slower and does not say how long.
const SLOWER: Span = Span::minutes(1);
/// How long to wait where Meta blocks what an account does for a while (code 368).
const BLOCKED: Span = Span::hours(1);
/// Code of a second private answer to one comment: not seen in Meta's pages, told by others.
const ANSWERED_ALREADY: i64 = 10_900;
/// Subcode of a message outside of the window (Meta's error codes).
const CLOSED: i64 = 2_018_278;

/// Why a call to Meta brought nothing.
pub(super) type Trouble = feed::Trouble<Refused>;

/// Meta understood and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// For good.
    Never(String),
    /// What it was about is not there, or not for us.
    Gone(String),
}

impl Refusal for Refused {
    fn why(&self) -> String {
        let (Self::Never(why) | Self::Gone(why)) = self;
        why.clone()
    }

    fn writing(&self) -> Failure {
        match self {
            Self::Never(why) => Failure::Never(why.clone()),
            Self::Gone(why) => Failure::Gone(why.clone()),
        }
    }
}

/// Is what it was about gone?
pub(super) const fn is_gone(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Refused(Refused::Gone(_)))
}

/// A call.
pub(super) struct Asked {
    method: Method,
    /// Below Meta's address, with a slash in front.
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
}

impl Asked {
    /// A reading.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), query: Vec::new(), body: None }
    }

    /// A writing.
    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), query: Vec::new(), body: Some(body) }
    }

    /// Something taken away.
    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    /// With these parameters too.
    pub(super) fn with(mut self, more: &[(&str, &str)]) -> Self {
        self.query.extend(more.iter().map(|(key, value)| ((*key).into(), (*value).into())));
        self
    }
}

/// The way to Meta, and who we are there.
pub(super) struct Caller {
    pub(super) ground: Ground,
    /// With its version, without a slash at its end.
    pub(super) api: String,
    pub(super) token: Secret,
    /// Proves with each call that it is the app's own server that has the token.
    pub(super) app_secret: SecretString,
    /// Percent of what Meta allows that is used up, as it told last.
    used: AtomicU32,
}

impl Caller {
    pub(super) fn new(ground: &Ground, api: String, token: Secret, secret: SecretString) -> Self {
        let used = AtomicU32::new(0);
        Self { ground: ground.clone(), api, token, app_secret: secret, used }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.ground.now)()
    }

    /// How much of what Meta allows is used up, in percent.
    pub(super) fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// Calls once and reads the answer.
    pub(super) async fn call<T: DeserializeOwned>(&self, asked: &Asked) -> Result<T, Trouble> {
        self.call_as(&self.token.get(), asked).await
    }

    /// As [`Caller::call`], with this token.
    pub(super) async fn call_as<T: DeserializeOwned>(
        &self,
        token: &SecretString,
        asked: &Asked,
    ) -> Result<T, Trouble> {
        let proof = seal::code(&self.app_secret, &[token.expose_secret().as_bytes()]);
        let proof = hex::encode(proof.unwrap_or_default());
        let address = format!("{}{}", self.api, asked.path);
        let request = self.ground.net.client().request(asked.method.clone(), address);
        let request = request.bearer_auth(token.expose_secret());
        let request = request.query(&asked.query).query(&[("appsecret_proof", proof)]);
        let request = match &asked.body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = self.ground.net.call(request, ANSWER_BYTES).await?;
        self.used.store(usage(&answer), Ordering::Relaxed);
        if !answer.is_success() {
            return Err(refusal(&answer, self.now()));
        }
        let odd = || Trouble::Broken("Meta answers what cannot be read".into());
        serde_json::from_slice(&answer.body).map_err(|_| odd())
    }
}

/// The largest number of the headers that tell how much is used up (percent).
fn usage(answer: &Answer) -> u32 {
    let told = ["x-app-usage", "x-page-usage", "x-business-use-case-usage"];
    let texts = told.into_iter().filter_map(|name| answer.header(name));
    let values = texts.filter_map(|text| serde_json::from_str::<Value>(text).ok());
    values.map(|value| largest(&value)).max().unwrap_or(0)
}

fn largest(value: &Value) -> u32 {
    let is_share = |key: &str| matches!(key, "call_count" | "total_cputime" | "total_time");
    match value {
        Value::Object(all) => {
            let of = |(key, value): (&String, &Value)| match value.as_u64() {
                Some(n) if is_share(key) => u32::try_from(n).unwrap_or(u32::MAX),
                Some(_) => 0,
                None => largest(value),
            };
            all.iter().map(of).max().unwrap_or(0)
        }
        Value::Array(all) => all.iter().map(largest).max().unwrap_or(0),
        _ => 0,
    }
}

/// What an answer that is no success means.
fn refusal(answer: &Answer, now: Timestamp) -> Trouble {
    let told: Option<Answered> = serde_json::from_slice(&answer.body).ok();
    let fault = told.map(|told| told.error).unwrap_or_default();
    if fault.code != 0 {
        return meaning(&fault);
    }
    match answer.status {
        429 => Trouble::Later {
            after: answer.retry_after(now),
            why: "Meta asks us to go slower".into(),
        },
        status => Trouble::Broken(format!("Meta answers with status {status}")),
    }
}

fn meaning(fault: &Fault) -> Trouble {
    let said = clean::line(&fault.message);
    let never = |why: String| Trouble::Refused(Refused::Never(why));
    let gone = |why: String| Trouble::Refused(Refused::Gone(why));
    let later = |after, why: &str| Trouble::Later { after: Some(after), why: why.into() };
    match (fault.code, fault.error_subcode) {
        _ if fault.is_transient => Trouble::Broken(format!("Meta has trouble: {said}")),
        (-1 | 1 | 2, _) => Trouble::Broken(format!("Meta has trouble: {said}")),
        (4 | 9 | 17 | 32 | 341 | 613 | 80_001..=80_014, _) => {
            later(SLOWER, "Meta asks us to go slower")
        }
        (10, CLOSED) => never(
            "the time in which Meta lets us answer this message is over; he has to write again"
                .into(),
        ),
        (102 | 190, _) => Trouble::Dead(format!("Meta does not take our token: {said}")),
        (3 | 10 | 200..=299, _) => {
            Trouble::Dead(format!("Meta does not allow the app this: {said}"))
        }
        (368 | 1_390_008, _) => {
            later(BLOCKED, "Meta has blocked this for a while for its policies")
        }
        (551, _) => never("he cannot be reached, or has blocked us".into()),
        (100, 33) => gone(format!("Meta does not find it: {said}")),
        (100, 2_018_001) => gone("there is no such person in this conversation".into()),
        // An earlier try may be what stands there.
        (506 | ANSWERED_ALREADY, _) => Trouble::Broken(format!("Meta has it already: {said}")),
        (code, _) => never(format!("Meta refuses it ({code}): {said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Trouble {
        let headers = reqwest::header::HeaderMap::default();
        refusal(&Answer { status, headers, body: body.to_owned().into() }, Timestamp(0))
    }

    #[test]
    fn refusals_are_told_apart() {
        let code = |code: i64, sub: i64| {
            of(
                400,
                &format!(r#"{{"error":{{"message":"m","code":{code},"error_subcode":{sub}}}}}"#),
            )
        };
        assert!(
            matches!(code(10, CLOSED).writing(), Failure::Never(why) if why.contains("is over"))
        );
        assert!(matches!(code(10, 0), Trouble::Dead(_)));
        assert!(matches!(code(190, 460), Trouble::Dead(_)));
        assert!(matches!(code(551, 1_545_041).writing(), Failure::Never(_)));
        assert!(matches!(code(100, 33).writing(), Failure::Gone(_)));
        assert!(matches!(code(100, 0).writing(), Failure::Never(_)));
        assert!(matches!(code(32, 0), Trouble::Later { after: Some(SLOWER), .. }));
        assert!(matches!(code(80_006, 0), Trouble::Later { .. }));
        assert!(matches!(code(2, 0).writing(), Failure::Unsure(_)));
        assert!(matches!(code(506, 0).writing(), Failure::Unsure(_)));
        assert!(matches!(of(502, "<html>").writing(), Failure::Unsure(_)));
        assert!(matches!(of(429, "{}"), Trouble::Later { after: None, .. }));
    }

    #[test]
    fn usage_is_the_largest_share_of_any_header() {
        let mut headers = reqwest::header::HeaderMap::default();
        let of = |text: &str| text.parse().unwrap();
        headers.insert("x-app-usage", of(r#"{"call_count":28,"total_time":25}"#));
        let business = r#"{"1":[{"type":"messenger","call_count":80,
            "estimated_time_to_regain_access":999}]}"#;
        headers.insert("x-business-use-case-usage", of(&business.replace('\n', " ")));
        assert_eq!(usage(&Answer { status: 200, headers, body: "".into() }), 80);
    }
}
