//! Who we are to X: keys of OAuth 1.0a, which never change, or a pair of OAuth 2.0 tokens.
//!
//! A pair's refresh token is good for one use: the answer holds the next one. So one task at a time
//! renews, and the new pair is on disk before it is used. If the answer is lost with the process,
//! the grant is lost too, and a person has to log in again (`careline login`).

use super::call::{Asked, Line, Refused, Trouble};
use super::sign::{self, Keys, Signed};
use super::store;
use crate::case::time::{Span, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A pair is renewed so long before it ends: a call may take as long as a call may take.
const EARLY: Span = Span::seconds(60);
/// How long a token lives where the answer does not tell (X: two hours).
const LIFE: i64 = 7_200;
/// What every refused grant needs.
pub(super) const LOGIN: &str = "log in again with `careline login`";

/// How calls show who we are.
pub(super) enum Auth {
    /// OAuth 1.0a.
    Keys(Box<Keys>),
    /// OAuth 2.0.
    Grant(Box<Grant>),
}

/// A pair of tokens.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) access: SecretString,
    pub(super) refresh: SecretString,
    pub(super) ends: Timestamp,
}

/// The app, and where its pair is kept.
pub(super) struct Grant {
    pub(super) client: String,
    pub(super) secret: Option<SecretString>,
    pub(super) file: PathBuf,
    pub(super) pair: Mutex<Option<Arc<Pair>>>,
}

/// X's answer with a pair.
#[derive(Deserialize)]
pub(super) struct Tokens {
    access_token: SecretString,
    refresh_token: Option<SecretString>,
    expires_in: Option<i64>,
}

impl Tokens {
    /// The pair. An answer without a refresh token keeps the old one.
    fn pair(self, old: Option<&SecretString>, now: Timestamp) -> Option<Pair> {
        let refresh = self.refresh_token.or_else(|| old.cloned())?;
        let ends = now + Span::seconds(self.expires_in.unwrap_or(LIFE));
        Some(Pair { access: self.access_token, refresh, ends })
    }
}

impl Auth {
    /// The header for a call, and the pair it came from.
    pub(super) async fn header(
        &self,
        line: &Line,
        asked: &Asked,
    ) -> Result<(HeaderValue, Option<Arc<Pair>>), Trouble> {
        match self {
            Self::Keys(keys) => Ok((signed(keys, line, asked)?, None)),
            Self::Grant(grant) => {
                let pair = grant.current(line).await?;
                Ok((bearer(&pair.access)?, Some(pair)))
            }
        }
    }

    /// A header after this pair was refused; `None` if there is none to be had.
    pub(super) async fn renewed(
        &self,
        line: &Line,
        refused: Option<Arc<Pair>>,
    ) -> Result<Option<HeaderValue>, Trouble> {
        match (self, refused) {
            (Self::Grant(grant), Some(refused)) => {
                let pair = grant.renew(line, &refused).await?;
                Ok(Some(bearer(&pair.access)?))
            }
            _ => Ok(None),
        }
    }
}

fn odd() -> Trouble {
    Trouble::Dead("a key or token of X holds signs that no header can carry".into())
}

/// A header that no log shows.
fn hidden(text: &SecretString) -> Result<HeaderValue, Trouble> {
    let mut value = HeaderValue::from_str(text.expose_secret()).map_err(|_| odd())?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn bearer(token: &SecretString) -> Result<HeaderValue, Trouble> {
    hidden(&SecretString::from(format!("Bearer {}", token.expose_secret())))
}

fn signed(keys: &Keys, line: &Line, asked: &Asked) -> Result<HeaderValue, Trouble> {
    let url = line.address(&asked.path);
    let nonce = hex::encode(fastrand::u128(..).to_be_bytes());
    let request = Signed {
        method: asked.method.as_str(),
        url: &url,
        query: &asked.query,
        stamp: line.now().0 / 1_000_000,
        nonce: &nonce,
    };
    hidden(&sign::authorization(keys, &request).ok_or_else(odd)?)
}

impl Grant {
    /// The pair in use, renewed if it is about to end.
    async fn current(&self, line: &Line) -> Result<Arc<Pair>, Trouble> {
        let mut held = self.pair.lock().await;
        if held.is_none() {
            *held = store::read(&self.file).await.map_err(Trouble::Dead)?.map(Arc::new);
        }
        let none = || Trouble::Dead(format!("there are no tokens of X yet: {LOGIN}"));
        let pair = held.clone().ok_or_else(none)?;
        if line.now() + EARLY < pair.ends {
            return Ok(pair);
        }
        self.next(line, &mut held, &pair).await
    }

    /// A pair newer than this one. Whoever comes second gets what the first brought.
    async fn renew(&self, line: &Line, refused: &Arc<Pair>) -> Result<Arc<Pair>, Trouble> {
        let mut held = self.pair.lock().await;
        if let Some(pair) = held.as_ref().filter(|pair| !Arc::ptr_eq(pair, refused)) {
            return Ok(pair.clone());
        }
        self.next(line, &mut held, refused).await
    }

    async fn next(
        &self,
        line: &Line,
        held: &mut Option<Arc<Pair>>,
        old: &Pair,
    ) -> Result<Arc<Pair>, Trouble> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", old.refresh.expose_secret()),
            ("client_id", self.client.as_str()),
        ];
        let tokens = self.ask(line, &form).await?;
        let lost = || Trouble::Dead(format!("X gave no refresh token: {LOGIN}"));
        let pair = tokens.pair(Some(&old.refresh), line.now()).ok_or_else(lost)?;
        self.keep(held, pair).await
    }

    /// On disk first, then in use.
    async fn keep(&self, held: &mut Option<Arc<Pair>>, pair: Pair) -> Result<Arc<Pair>, Trouble> {
        let pair = Arc::new(pair);
        let written = store::write(&self.file, pair.clone()).await;
        *held = Some(pair.clone());
        match written {
            Ok(()) => Ok(pair),
            // The pair is the only one that X takes now; losing it too would help nobody.
            Err(why) => {
                tracing::error!(
                    why,
                    "the new tokens of X could not be written; a restart loses them"
                );
                Ok(pair)
            }
        }
    }

    /// Trades the code of a login for the first pair.
    pub(super) async fn first(
        &self,
        line: &Line,
        (code, verifier, redirect): (&str, &str, &str),
    ) -> Result<(), Trouble> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
            ("client_id", self.client.as_str()),
        ];
        let tokens = self.ask(line, &form).await?;
        let lost = || Trouble::Dead("X gave no refresh token: the app lacks offline.access".into());
        let pair = tokens.pair(None, line.now()).ok_or_else(lost)?;
        store::write(&self.file, Arc::new(pair.clone())).await.map_err(Trouble::Dead)?;
        *self.pair.lock().await = Some(Arc::new(pair));
        Ok(())
    }

    async fn ask(&self, line: &Line, form: &[(&str, &str)]) -> Result<Tokens, Trouble> {
        let mut request = line.client().post(line.address("/2/oauth2/token")).form(form);
        if let Some(secret) = &self.secret {
            let pair = format!("{}:{}", self.client, secret.expose_secret());
            let basic = SecretString::from(format!("Basic {}", STANDARD.encode(pair)));
            request = request.header(reqwest::header::AUTHORIZATION, hidden(&basic)?);
        }
        match line.send::<Tokens>(request).await {
            Err(Trouble::Refused(Refused { status: 400 | 401 | 403, detail, .. })) => {
                Err(Trouble::Dead(format!("X no longer takes our tokens ({detail}): {LOGIN}")))
            }
            other => other,
        }
    }
}
