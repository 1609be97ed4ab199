//! What Meta sends by itself: one path for the whole app, for all its Pages and Instagram
//! accounts. The seal comes before anything is read, the answer after all is safe. Meta knows no
//! order, sends batches of up to 1,000 and repeats for 36 hours what was not taken ("Webhooks").

use super::Meta;
use super::call::Trouble;
use super::hear::{Heard, LETTER, Us};
use super::wire::Hook as Body;
use crate::case::event::{Envelope, Event};
use crate::case::id::AccountId;
use crate::case::limits::BODY_BYTES;
use crate::case::model::Audience;
use crate::inbox::{Inbox, Pulse, Shut};
use crate::network::Hook;
use crate::network::feed::{put_all, unreadable};
use crate::web::seal;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use tower_http::limit::RequestBodyLimitLayer;

/// People of one call whose names are asked for; of more the id is shown.
const NAMES: usize = 20;

/// Why a call was not taken: careline is stopping, or something had to be asked of Meta.
type Not = crate::network::feed::Ended<Trouble>;

#[derive(Clone)]
struct Here {
    meta: Arc<Meta>,
    inbox: Inbox,
}

/// The path of the app's webhook, if one is wanted.
pub(super) fn hook(meta: Arc<Meta>, inbox: Inbox) -> Option<Hook> {
    let path = meta.hook.as_ref()?.path.clone();
    let router = Router::new()
        .route(&path, get(challenge).post(take))
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
        .with_state(Here { meta, inbox });
    Some((path, router))
}

#[derive(Deserialize)]
struct Challenge {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
    #[serde(rename = "hub.verify_token", default)]
    token: String,
}

/// Whoever knows the word of the configuration gets his number back. It is Meta's own number and
/// nothing else, so that no page of somebody's is shown under our name.
async fn challenge(State(here): State<Here>, Query(asked): Query<Challenge>) -> Response {
    let Some(hook) = &here.meta.hook else { return StatusCode::NOT_FOUND.into_response() };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let good = asked.mode == "subscribe"
        && (1..=256).contains(&asked.challenge.len())
        && asked.challenge.chars().all(plain);
    match good && seal::same(hook.word.expose_secret(), &asked.token) {
        true => asked.challenge.into_response(),
        false => StatusCode::FORBIDDEN.into_response(),
    }
}

/// The legacy seal (SHA-1) is not looked at. Whatever is not sealed changes nothing but a counter.
async fn take(State(here): State<Here>, headers: HeaderMap, body: Bytes) -> Response {
    let meta = &here.meta;
    let shown = seal::only(&headers, "x-hub-signature-256").unwrap_or_default();
    if !is_sealed(&meta.caller.app_secret, &body, shown) {
        metrics::counter!("careline_meta_refused_signatures").increment(1);
        return StatusCode::UNAUTHORIZED.into_response();
    }
    here.inbox.pulse(&meta.feed("webhook"), Pulse::Read);
    // Who we are is not known yet: Meta sends it again.
    let Ok(us) = meta.us().await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    match meta.heard(&here.inbox, us, &body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(Not::Trouble(trouble)) => {
            let kind = trouble.writing().kind();
            tracing::warn!(account = %meta.account, kind, "a webhook has to come again");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(Not::Shut) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// `sha256=` and the code of exactly these bytes, in small hex digits.
pub(super) fn is_sealed(secret: &SecretString, body: &[u8], shown: &str) -> bool {
    let right = seal::code(secret, &[body]).map(|code| format!("sha256={}", hex::encode(code)));
    right.is_some_and(|right| seal::same(&right, shown))
}

impl Meta {
    /// Takes the body of a sealed call: all that is ours of it, before it returns.
    async fn heard(&self, inbox: &Inbox, us: &Us, raw: &[u8]) -> Result<(), Not> {
        let Ok(body) = serde_json::from_slice::<Body>(raw) else {
            return Ok(self.odd(inbox, &String::from_utf8_lossy(raw)).await?);
        };
        if body.object != self.kind.object() {
            return Ok(());
        }
        let ours = body.entry.iter().filter(|entry| entry.id.0 == us.id);
        let all: Vec<Heard> = ours.flat_map(|entry| us.entry(entry, self.caller.now())).collect();
        self.learn_names(&all).await;
        let mut puts = Vec::new();
        for heard in all {
            match heard {
                Heard::Put(envelope) => puts.extend(self.told(us, *envelope)),
                Heard::Echo { to, id, text, key, at } => {
                    puts.extend(self.echoed(us, &to, &id, &text, key, at));
                }
                Heard::Ask { media, comment } => {
                    puts.extend(self.ask_mention(us, &media, comment.as_deref()).await?);
                }
                Heard::Odd(raw) => puts.push(odd(&self.account, &raw)),
            }
        }
        Ok(put_all(inbox, puts).await?)
    }

    /// What is put of this: nothing of what we wrote ourselves, messages with their sender's name.
    fn told(&self, us: &Us, mut envelope: Envelope) -> Option<Envelope> {
        match &mut envelope.event {
            Event::OwnPost(own) if self.sent.has(own.post.as_str()) => return None,
            Event::Mentioned(mention) | Event::Changed(mention)
                if mention.audience == Audience::Direct =>
            {
                let remote = mention.contact.remote.clone();
                if let Some(person) = self.talks().names.get(&remote) {
                    us.name(mention, person);
                }
                let id = mention.post.as_str().trim_start_matches(LETTER).to_owned();
                self.talks().last.insert(remote, id);
            }
            _ => {}
        }
        Some(envelope)
    }

    /// Asks for the names of those who write for the first time.
    async fn learn_names(&self, all: &[Heard]) {
        let writer = |heard: &Heard| match heard {
            Heard::Put(envelope) => match &envelope.event {
                Event::Mentioned(m) if m.audience == Audience::Direct => {
                    Some(m.contact.remote.clone())
                }
                _ => None,
            },
            _ => None,
        };
        let new: BTreeSet<String> = all.iter().filter_map(writer).collect();
        let new: Vec<String> =
            new.into_iter().filter(|id| !self.talks().names.contains_key(id)).collect();
        for id in new.into_iter().take(NAMES) {
            // Without a name the id is shown; the words do not wait for it.
            if let Ok(person) = self.person(&id).await {
                self.talks().names.insert(id, person);
            }
        }
    }

    async fn odd(&self, inbox: &Inbox, raw: &str) -> Result<(), Shut> {
        inbox.put(odd(&self.account, raw)).await.map(drop)
    }
}

fn odd(account: &AccountId, raw: &str) -> Envelope {
    unreadable(account, raw, "something of Meta cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_seal_of_these_bytes_is_taken() {
        let secret = SecretString::from("secret");
        let right = format!("sha256={}", hex::encode(seal::code(&secret, &[b"{}"]).unwrap()));
        assert!(is_sealed(&secret, b"{}", &right));
        let upper = right.to_uppercase().replace("SHA256", "sha256");
        for odd in [right.trim_start_matches("sha256="), upper.as_str(), "", "sha1=00"] {
            assert!(!is_sealed(&secret, b"{}", odd), "{odd}");
        }
        assert!(!is_sealed(&secret, b"{} ", &right));
        assert!(!is_sealed(&SecretString::from("other"), b"{}", &right));
    }
}
