//! Logging in: OAuth 2.0 with PKCE (RFC 7636), the answer caught on this machine (RFC 8252, 7.3).
//! A code is good for 30 seconds and for whoever holds the verifier, which never leaves us.

use super::X;
use super::auth::Auth;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Html;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

/// What careline does on X, and nothing else.
const SCOPES: &str =
    "tweet.read tweet.write users.read dm.read dm.write media.write offline.access";
/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// What X sends back through the browser.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Back {
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// Random letters of 32 bytes, which nobody can guess.
fn secret() -> Result<String, String> {
    let mut bytes = [0; 32];
    let chance = rustls::crypto::ring::default_provider().secure_random;
    chance.fill(&mut bytes).map_err(|_| "this machine gives no random numbers".to_owned())?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What of a verifier may be seen (RFC 7636, 4.2: `S256`).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// Where the person goes.
fn page(app: &str, client: &str, redirect: &Url, state: &str, verifier: &str) -> Option<Url> {
    let mut url = Url::parse(&format!("{app}/i/oauth2/authorize")).ok()?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client)
        .append_pair("redirect_uri", redirect.as_str())
        .append_pair("scope", SCOPES)
        .append_pair("state", state)
        .append_pair("code_challenge", &challenge(verifier))
        .append_pair("code_challenge_method", "S256");
    Some(url)
}

impl X {
    /// Lets a person log in, and keeps what comes of it.
    pub(super) async fn log_in_by_hand(
        &self,
        say: &(dyn Fn(&str) + Sync),
    ) -> Result<String, String> {
        let Auth::Grant(grant) = &self.caller.auth else {
            return Err(
                "this account uses keys of OAuth 1.0a; there is nothing to log in to".into()
            );
        };
        let (state, verifier) = (secret()?, secret()?);
        let (mut came, stop) = self.wait_at().await?;
        let _stop = stop.drop_guard();
        let page = page(&self.app, &grant.client, &self.redirect, &state, &verifier);
        let page = page.ok_or("the address of X is none")?;
        say(&format!("Open this in a browser where the brand's account is logged in:\n{page}"));
        let code = self.code(&mut came, &state).await?;
        let line = &self.caller.line;
        grant
            .first(line, (&code, &verifier, self.redirect.as_str()))
            .await
            .map_err(|trouble| trouble.why())?;
        let us = self.us().await.map_err(|trouble| trouble.why())?;
        Ok(format!("logged in as @{}; the tokens stand in {}", us.handle, grant.file.display()))
    }

    /// Listens where X will send the browser: on this machine only.
    async fn wait_at(&self) -> Result<(Receiver<Back>, CancellationToken), String> {
        let port = self.redirect.port().unwrap_or(80);
        let bound = TcpListener::bind(("127.0.0.1", port)).await;
        let listener = bound.map_err(|e| format!("cannot listen at {}: {e}", self.redirect))?;
        let (tell, came) = channel(8);
        let router = Router::new().route(self.redirect.path(), get(back)).with_state(tell);
        let stop = CancellationToken::new();
        tokio::spawn(crate::web::serve(listener, router, stop.clone()));
        Ok((came, stop))
    }

    async fn code(&self, came: &mut Receiver<Back>, state: &str) -> Result<String, String> {
        let code = async {
            while let Some(back) = came.recv().await {
                // Somebody else's page may call this address too.
                if !bool::from(back.state.as_bytes().ct_eq(state.as_bytes())) {
                    continue;
                }
                return match (back.code, back.error) {
                    (Some(code), None) => Ok(code),
                    (_, error) => {
                        let why = crate::case::clean::line(&error.unwrap_or_default());
                        Err(format!("X did not let us in: {why}"))
                    }
                };
            }
            Err("the login was broken off".to_owned())
        };
        timeout(PATIENCE, code).await.unwrap_or_else(|_| Err("nobody logged in".into()))
    }
}

async fn back(State(tell): State<Sender<Back>>, Query(back): Query<Back>) -> Html<&'static str> {
    let _ = tell.send(back).await;
    Html("<p>careline has heard from X. You can close this page.</p>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn the_page_shows_the_challenge_and_never_the_verifier() {
        let redirect = Url::parse("http://127.0.0.1:8719/").unwrap();
        let page = page("https://x.com", "app", &redirect, "st", "verifier-1").unwrap();
        let text = page.as_str();
        assert!(!text.contains("verifier-1") && text.contains("code_challenge_method=S256"));
        assert!(text.contains("offline.access") && text.contains(&challenge("verifier-1")));
        assert_ne!(secret().unwrap(), secret().unwrap());
    }
}
