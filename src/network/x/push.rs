//! Events that X sends by itself: the X Activity API by webhook, and its streams. An event is read
//! here as a sweep would read it, under the same id, so that both are one.

use super::X;
use super::hear::Us;
use super::money;
use super::sign;
use super::sweep::unreadable;
use super::wire::{Activity, ActivityData, Letters, Page, Tweet};
use crate::case::event::Envelope;
use crate::case::limits::BODY_BYTES;
use crate::case::time::Timestamp;
use crate::inbox::{Inbox, Pulse, Shut};
use crate::network::feed::put_all;
use crate::web::seal;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use tower_http::limit::RequestBodyLimitLayer;

#[derive(Clone)]
struct Here {
    x: Arc<X>,
    inbox: Inbox,
}

/// The path of the webhook, if one is wanted: the challenge by GET, events by POST.
pub(super) fn routes(x: Arc<X>, inbox: Inbox) -> Option<Router> {
    let path = x.hook.as_ref().map(|hook| hook.path.clone())?;
    let router = Router::new()
        .route(&path, get(challenge).post(take))
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
        .with_state(Here { x, inbox });
    Some(router)
}

#[derive(Deserialize)]
struct Challenge {
    crc_token: String,
}

/// X asks at the beginning and every hour whether we know the secret. Anybody may ask, and the
/// answer is the seal of what he asks: so nothing is sealed that could be the body of an event.
async fn challenge(State(here): State<Here>, Query(asked): Query<Challenge>) -> Response {
    if !is_token(&asked.crc_token) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let hook = here.x.hook.as_ref();
    let sealed = hook.and_then(|hook| sign::seal(&hook.secret, asked.crc_token.as_bytes()));
    match sealed {
        Some(token) => axum::Json(json!({ "response_token": token })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Letters of base64, `-`, `_` and `.`: no JSON begins so.
fn is_token(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+/.".contains(c);
    (1..=256).contains(&text.len()) && text.chars().all(plain)
}

/// The seal comes before anything is read; the answer after all is safe.
async fn take(State(here): State<Here>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(hook) = &here.x.hook else { return StatusCode::NOT_FOUND.into_response() };
    let shown = seal::only(&headers, "x-twitter-webhooks-signature").unwrap_or_default();
    if !sign::is_sealed(&hook.secret, &body, shown) {
        metrics::counter!("careline_x_refused_signatures").increment(1);
        return StatusCode::UNAUTHORIZED.into_response();
    }
    here.inbox.pulse(&here.x.feed("webhook"), Pulse::Read);
    // Who we are is not known yet: X sends it again.
    let Ok(us) = here.x.us().await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    match here.x.heard(&here.inbox, us, &body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(Shut) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

impl X {
    /// Takes one event of the activity API, or one post of the filtered stream.
    pub(super) async fn heard(&self, inbox: &Inbox, us: &Us, raw: &[u8]) -> Result<(), Shut> {
        match events(us, raw, self.now()) {
            Some((paid, all)) => {
                let (kind, id) = &paid;
                self.books.read(*kind, std::iter::once(id.as_str()), self.now());
                put_all(inbox, all).await
            }
            None => {
                let raw = String::from_utf8_lossy(raw);
                inbox.put(unreadable(&self.account, &raw)).await.map(drop)
            }
        }
    }
}

type Heard = ((money::Kind, String), Vec<Envelope>);

/// What an event tells us, and what it costs. `None` if it cannot be read. Likes, reposts, our own
/// words and whatever X may add tell nothing.
pub(super) fn events(us: &Us, raw: &[u8], now: Timestamp) -> Option<Heard> {
    if let Ok(activity) = serde_json::from_slice::<Activity>(raw)
        && !activity.data.event_type.is_empty()
    {
        let paid = (money::EVENT, activity.data.event_uuid.clone());
        return Some((paid, activities(us, activity.data, now)?));
    }
    let page: Page<Tweet> = serde_json::from_slice(raw).ok()?;
    let Some(tweet) = page.data.filter(|tweet| super::say::is_id(&tweet.id)) else {
        // A notice of the stream: it is about to end, or a part is missing.
        return (!page.errors.is_empty()).then(|| ((money::READ, String::new()), Vec::new()));
    };
    let told = us.is_theirs(&tweet).then(|| told(us, &tweet, &page.includes, now));
    Some(((money::READ, tweet.id.clone()), told.unwrap_or_default()))
}

/// A post; a later version of one changes what its first told.
fn told(us: &Us, tweet: &Tweet, with: &super::wire::Includes, now: Timestamp) -> Vec<Envelope> {
    let mut all = vec![us.mentioned(tweet, with, now)];
    if tweet.first() != tweet.id {
        all.push(us.changed(tweet, with, now));
    }
    all
}

fn activities(us: &Us, activity: ActivityData, now: Timestamp) -> Option<Vec<Envelope>> {
    match activity.event_type.as_str() {
        "post.mention.create" | "post.reply.create" | "post.quote.create" => {
            let tweet: Tweet = serde_json::from_value(activity.payload).ok()?;
            let read = super::say::is_id(&tweet.id).then_some(tweet)?;
            let theirs = us.is_theirs(&read);
            Some(if theirs { told(us, &read, &activity.includes, now) } else { Vec::new() })
        }
        "dm.received" => {
            let letters: Letters = serde_json::from_value(activity.payload).ok()?;
            Some(us.letters(&letters, now))
        }
        "chat.received" => {
            let why = "somebody wrote an encrypted message on X, which no program can read: open X";
            Some(vec![trouble(us, &activity.event_uuid, why)])
        }
        "oauth.revoke" => {
            let why = "somebody took careline's rights to this account back on X";
            Some(vec![trouble(us, &activity.event_uuid, why)])
        }
        _ => Some(Vec::new()),
    }
}

fn trouble(us: &Us, event: &str, why: &str) -> Envelope {
    let id = format!("{}/event/{}", us.account, crate::case::clean::line(event));
    let source = us.account.to_string();
    Envelope::new(id, crate::case::event::Event::Trouble { source, why: why.into() })
}

#[cfg(test)]
mod tests {
    use super::super::hear::tests::us;
    use super::*;
    use crate::case::event::Event;
    use serde_json::Value;

    fn of(value: &Value) -> Option<Vec<Envelope>> {
        events(&us(), value.to_string().as_bytes(), Timestamp(0)).map(|(_, all)| all)
    }

    #[test]
    fn a_mention_and_a_reply_for_one_post_are_one_envelope() {
        let event = |kind: &str| {
            json!({ "data": { "event_uuid": "-1", "event_type": kind,
                "payload": { "id": "1", "text": "hi", "author_id": "901" } } })
        };
        let of = |kind: &str| of(&event(kind)).unwrap();
        assert_eq!(of("post.mention.create"), of("post.reply.create"));
        for kind in ["like.create", "post.repost.create", "post.delete", "something.new"] {
            assert!(of(kind).is_empty(), "{kind}");
        }
    }

    #[test]
    fn a_direct_message_comes_under_the_id_of_its_list() {
        let letter = json!({ "id": "77", "created_timestamp": "5", "message_create": {
            "target": { "recipient_id": "900" }, "sender_id": "901",
            "message_data": { "text": "psst" } } });
        let mut event = json!({ "data": { "event_uuid": "-6", "event_type": "dm.received",
            "payload": { "direct_message_events": [letter], "users": {} } } });
        let all = of(&event).unwrap();
        assert_eq!(all[0].id.as_str(), "acme/dm/77");
        assert!(matches!(&all[0].event, Event::Mentioned(m) if m.text.raw() == "psst"));
        event["data"]["payload"]["direct_message_events"][0]["message_create"]["sender_id"] =
            json!("900");
        assert_eq!(of(&event), Some(Vec::new()));
    }

    #[test]
    fn nothing_is_sealed_that_could_be_an_event() {
        assert!(is_token("Y2hhbGxlbmdl-x_1.2+/="));
        for odd in ["", "{}", " {\"data\":1}", "[1]", "a b", &"x".repeat(257)] {
            assert!(!is_token(odd), "{odd}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_to_be_so() {
        assert_eq!(of(&json!({ "data": { "id": 7 } })), None);
        assert_eq!(of(&json!({ "errors": [{ "title": "operational-disconnect" }] })), Some(vec![]));
        assert!(events(&us(), b"{\"data\":{\"id\"", Timestamp(0)).is_none());
    }
}
