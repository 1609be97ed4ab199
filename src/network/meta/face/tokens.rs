//! Tokens in exchange for others. Source: docs, "Long-lived access tokens" and "Refresh a
//! long-lived token". What a token is called here tells what it is: `long-`, `page-` or `renewed-`
//! in front of the one it was given for. The first one is the app's secret too.

use super::{Answer, Call, Kind, Result, Stage};
use crate::world::square::Person;
use serde_json::json;

const KINDS: [&str; 3] = ["long-", "page-", "renewed-"];
/// 60 days (docs).
const LONG: i64 = 5_184_000;

/// The first token of those that this one was given for.
pub(super) fn first(token: &str) -> &str {
    let below = KINDS.into_iter().find_map(|kind| token.strip_prefix(kind));
    below.map_or(token, first)
}

pub(super) fn granted(stage: &Stage, call: &Call, us: &Person) -> Result<Answer> {
    call.only(&["grant_type", "client_id", "client_secret", "fb_exchange_token", "access_token"])?;
    let (name, kind, secret) = match (stage.kind, call.param("grant_type")) {
        (Kind::Facebook, Some("fb_exchange_token")) => ("fb_exchange_token", "long-", true),
        (Kind::Instagram, Some("ig_exchange_token")) => ("access_token", "long-", true),
        (Kind::Instagram, Some("ig_refresh_token")) => ("access_token", "renewed-", false),
        _ => return Err(Answer::invalid("Unsupported grant_type")),
    };
    let shown = call.param(name).unwrap_or_default();
    if Some(first(shown)) != us.token.as_deref() {
        return Err(Answer::dead());
    }
    if secret && call.param("client_secret") != us.token.as_deref() {
        return Err(Answer::invalid("Error validating client secret."));
    }
    if stage.kind == Kind::Facebook && call.param("client_id").is_none() {
        return Err(Answer::invalid("Missing client_id parameter."));
    }
    let token = format!("{kind}{shown}");
    let body = json!({ "access_token": token, "token_type": "bearer", "expires_in": LONG });
    Ok(Answer::ok(body))
}
