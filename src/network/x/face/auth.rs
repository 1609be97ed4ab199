//! Who calls. Source: docs, "OAuth 1.0a" and RFC 5849; docs, "OAuth 2.0 Authorization Code Flow
//! with PKCE" and RFC 7636. A refresh token that is used twice ends the grant: stricter than X is
//! known to be.

use super::{Answer, Call, Result, Stage, now};
use crate::case::time::{Span, Timestamp};
use crate::world::square::Person;
use axum::http::header;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What was granted by OAuth 2.0.
#[derive(Default)]
pub(super) struct Grants {
    /// Access tokens: whose, and until when.
    access: BTreeMap<String, (String, Timestamp)>,
    /// The one refresh token of a person that is good.
    refresh: BTreeMap<String, String>,
    /// Those that were used.
    used: BTreeSet<String>,
    /// Codes of logins: the challenge, the address, and until when.
    codes: BTreeMap<String, (String, String, Timestamp)>,
}

/// Life of an access token (docs: two hours); a square whose manner is "short tokens" gives two
/// seconds, which a driver has to renew at once.
fn life(stage: &Stage) -> i64 {
    if stage.see(|square| square.manner == "short tokens") { 2 } else { 7_200 }
}

pub(super) fn caller(stage: &Stage, call: &Call) -> Result<Person> {
    let shown = call.header(header::AUTHORIZATION).ok_or_else(Answer::unauthorized)?;
    let id = match shown.split_once(' ') {
        Some(("Bearer", token)) => bearer(stage, token),
        Some(("OAuth", fields)) => signed(stage, call, fields),
        _ => None,
    };
    let id = id.ok_or_else(Answer::unauthorized)?;
    stage.see(|square| square.people.get(&id).cloned()).ok_or_else(Answer::unauthorized)
}

fn bearer(stage: &Stage, token: &str) -> Option<String> {
    if let Some((id, until)) = stage.memory().grants.access.get(token) {
        return (now() < *until).then(|| id.clone());
    }
    stage.see(|square| square.by_token(token).map(|person| person.id.clone()))
}

/// Checks a signature: its own code, made anew from what came.
fn signed(stage: &Stage, call: &Call, fields: &str) -> Option<String> {
    let mut all = BTreeMap::new();
    for field in fields.split(',') {
        let (key, value) = field.trim().split_once('=')?;
        let value = percent_decode_str(value.trim_matches('"')).decode_utf8().ok()?.into_owned();
        all.insert(key.to_owned(), value);
    }
    let signature = all.remove("oauth_signature")?;
    all.remove("realm");
    let (key, token) = (all.get("oauth_consumer_key")?.clone(), all.get("oauth_token")?.clone());
    let fresh: i64 = all.get("oauth_timestamp")?.parse().ok()?;
    if all.get("oauth_signature_method")? != "HMAC-SHA1"
        || (now().0 / 1_000_000 - fresh).abs() > 300
    {
        return None;
    }
    let mut pairs: Vec<(String, String)> = all.iter().map(|(k, v)| (code(k), code(v))).collect();
    pairs.extend(call.query.iter().map(|(k, v)| (code(k), code(v))));
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let url = format!("{}{}", call.base, call.path);
    let base = [call.method.as_str(), &code(&url), &code(&pairs.join("&"))].join("&");
    let secret = format!("{}&{}", code(&key), code(&token));
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(base.as_bytes());
    let right = STANDARD.encode(mac.finalize().into_bytes()) == signature;
    let person = stage.see(|square| square.by_token(&token).map(|person| person.id.clone()));
    person.filter(|_| right)
}

fn code(text: &str) -> String {
    const SET: percent_encoding::AsciiSet =
        percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, &SET).to_string()
}

fn no(what: &str) -> Answer {
    let body = json!({ "error": "invalid_request", "error_description": what });
    Answer { status: 400, ..Answer::ok(body) }
}

/// Source: docs, "Step 3: POST oauth2/token" and "Step 5".
pub(super) fn token(stage: &Stage, call: &Call) -> Result<Answer> {
    let form = call.form();
    let field = |name: &str| {
        form.iter().find(|(key, _)| key == name).map(|(_, v)| v.as_str()).unwrap_or_default()
    };
    let basic = call.header(header::AUTHORIZATION).is_some_and(|text| text.starts_with("Basic "));
    if field("client_id").is_empty() && !basic {
        return Err(no("Missing required parameter [client_id]."));
    }
    let person = match field("grant_type") {
        "refresh_token" => refreshed(stage, field("refresh_token")),
        "authorization_code" => {
            coded(stage, field("code"), field("code_verifier"), field("redirect_uri"))
        }
        _ => None,
    };
    let person = person.ok_or_else(|| no("Value passed for the token was invalid."))?;
    let life = life(stage);
    let mut memory = stage.memory();
    memory.minted += 1;
    let n = memory.minted;
    let (access, refresh) = (format!("access-{n}-{person}"), format!("next-{n}-{person}"));
    let grants = &mut memory.grants;
    grants.access.retain(|_, (id, _)| *id != person);
    grants.access.insert(access.clone(), (person.clone(), now() + Span::seconds(life)));
    grants.refresh.insert(person, refresh.clone());
    let scope = "tweet.read tweet.write users.read dm.read dm.write media.write offline.access";
    Ok(Answer::ok(json!({ "token_type": "bearer", "expires_in": life, "access_token": access,
        "refresh_token": refresh, "scope": scope })))
}

/// Whose refresh token it is; it is used up.
fn refreshed(stage: &Stage, token: &str) -> Option<String> {
    let first = token.strip_prefix("refresh-");
    let first = stage.see(|square| square.by_token(first?).map(|person| person.id.clone()));
    let mut memory = stage.memory();
    let grants = &mut memory.grants;
    if !grants.used.insert(token.to_owned()) {
        // Used twice: whoever it was, the grant is over.
        grants.refresh.clear();
        grants.access.clear();
        return None;
    }
    let known = grants.refresh.iter().find(|(_, t)| *t == token).map(|(id, _)| id.clone());
    known.or(first)
}

/// Whose code it is: within 30 seconds, for the same address, with its verifier.
fn coded(stage: &Stage, code: &str, verifier: &str, redirect: &str) -> Option<String> {
    let (challenge, address, until) = stage.memory().grants.codes.remove(code)?;
    let right = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge;
    let good = right && address == redirect && now() < until;
    stage.see(|square| square.us().map(|us| us.id.clone())).filter(|_| good)
}

/// The page where a person says yes; here he always does.
pub(super) fn authorize(stage: &Stage, call: &Call) -> Result<Answer> {
    let must = |name: &str| call.param(name).ok_or_else(|| no(&format!("Missing [{name}].")));
    if must("response_type")? != "code" || must("code_challenge_method")? != "S256" {
        return Err(no("only code and S256"));
    }
    let scopes = must("scope")?;
    if !scopes.split(' ').any(|scope| scope == "offline.access") {
        return Err(no("careline needs offline.access"));
    }
    let (challenge, redirect) =
        (must("code_challenge")?.to_owned(), must("redirect_uri")?.to_owned());
    must("client_id")?;
    let mut back = url::Url::parse(&redirect).map_err(|_| no("Invalid [redirect_uri]."))?;
    let mut memory = stage.memory();
    memory.minted += 1;
    let code = format!("code-{}", memory.minted);
    let until = now() + Span::seconds(30);
    memory.grants.codes.insert(code.clone(), (challenge, redirect, until));
    back.query_pairs_mut().append_pair("state", must("state")?).append_pair("code", &code);
    Ok(Answer { location: Some(back.into()), ..Answer::ok(json!(null)) })
}
